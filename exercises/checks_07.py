"""The checks of lesson 07, Optimization."""

import torch

from exercises.checking import Wrong, equals, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."

# ------------------------------------------------------------------------------ adam


@exercise
def adam(attempt):
    """Exercise 1: Adam in full, compared with torch's own after every number of steps."""
    goal = torch.tensor([0.9, 0.5, -0.4, 0.31]).view(1, 1, 2, 2).repeat(1, 3, 1, 1)
    steepness = torch.tensor([1.0, 4.0, 0.5, 1e-3]).view(1, 1, 2, 2)
    start = torch.tensor([0.2, 0.6, 0.1, 0.3]).view(1, 1, 2, 2).repeat(1, 3, 1, 1)

    def gradient_at(image):
        return steepness * (image - goal)

    for steps, lr in ((1, 0.04), (2, 0.04), (9, 0.04), (9, 0.01), (40, 0.06)):
        given = start.clone()
        came = attempt(gradient_at, given, steps, lr)
        what = f"steps={steps}, lr={lr}"
        if not isinstance(came, torch.Tensor):
            raise Wrong(f"{what}: expected a tensor (1, 3, 2, 2), got {kind(came)}. {NO_RETURN}")
        if came.shape != start.shape:
            raise Wrong(
                f"{what}: expected a tensor (1, 3, 2, 2), got {kind(came)}. Perhaps one of the "
                "means has no entry for each pixel."
            )
        came = came.detach()
        if not torch.equal(given, start):
            raise Wrong(
                f"{what}: expected that the image you were given stays as it was, but it changed. "
                "Perhaps `-=` or `clamp_` wrote into it; compute a new tensor instead."
            )
        wanted = _adam(gradient_at, start, steps, lr)
        if equals(came, wanted, atol=1e-4):
            continue
        raise Wrong(
            f"{what}: expected {_pixels(wanted)} in each channel, got {_pixels(came)}. "
            f"{_adam_guess(gradient_at, start, steps, lr, came)}"
        )


def _adam(gradient_at, image, steps, lr, *, clip=True):
    """torch's Adam, clipped to [0, 1] after each step."""
    image = image.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        image.grad = gradient_at(image.detach())
        optimizer.step()
        if clip:
            with torch.no_grad():
                image.clamp_(0, 1)
    return image.detach()


def _adam_guess(gradient_at, start, steps, lr, came) -> str:
    """A sentence about a mistake that would give what came."""
    gradient = gradient_at(start)
    if equals(came, _adam(gradient_at, start, steps, lr, clip=False), atol=1e-4):
        return "Perhaps the image is not clipped to [0, 1] after each step."
    if equals(came, _adam(gradient_at, start, steps, 0.04), atol=1e-4):
        return "Perhaps lr is a fixed number in your function. Use the argument."
    if steps == 1:
        moved = came - start
        if torch.equal(came, start):
            return "Nothing moved. Perhaps the loop makes one step too few."
        if equals(moved, lr * gradient.sign(), atol=1e-4):
            return "That is uphill. Perhaps the step is added; it must be subtracted."
        if equals(came, (start - lr * gradient).clamp(0, 1), atol=1e-4):
            return "That is plain descent. Perhaps the division by the root of v_hat is missing."
        if equals(came, (start - lr * gradient / gradient**2).clamp(0, 1), atol=1e-4):
            return "Perhaps you divided by v_hat. Divide by its square root."
        biased = 0.1 * gradient / ((0.001 * gradient**2).sqrt() + 1e-8)
        if equals(came, (start - lr * biased).clamp(0, 1), atol=1e-4):
            return "Perhaps m and v are used without the correction for their start at zero."
        rates = -moved * gradient.sign()
        if equals(rates, rates.mean().expand_as(rates), atol=1e-4):
            return (
                f"That is a step with lr {rates.mean():.3g}. Perhaps lr is a fixed number in your "
                "function; use the argument."
            )
        return "The first step is lr times the sign of the gradient, downhill."
    once = (start - lr * gradient.sign()).clamp(0, 1)
    twice = (once - lr * gradient_at(once).sign()).clamp(0, 1)
    if steps == 2 and equals(came, twice, atol=1e-6):
        return "The first step is right. Perhaps each step starts new means; keep m and v."
    if equals(came, once, atol=1e-4):
        return "That is the image after one step. Perhaps the loop does not use `steps`."
    return (
        "The first step is right, and a later one is not. Perhaps 0.9 and 0.999 are exchanged, or "
        "t in the correction does not count the steps from 1."
    )


def _pixels(image) -> str:
    return str([round(value, 4) for value in image[0, 0].flatten().tolist()])


# ------------------------------------------------------------------------------ match_channels


@exercise
def match_channels(attempt):
    """Exercise 2: each channel's mean and standard deviation taken from another image."""
    generator = torch.Generator().manual_seed(7)
    for batch, size, size_like in (
        (1, (8, 10), (8, 10)),
        (1, (7, 9), (5, 11)),
        (2, (8, 6), (8, 6)),
    ):
        image = _random_image(generator, batch, size, (0.2, 0.2, 0.3), 0.1)
        like = _random_image(generator, batch, size_like, (0.3, 0.25, 0.1), 0.3)
        _check_match(attempt, image, like)
    # Dark pixels that fall below 0, and bright ones that rise above 1
    wide = torch.tensor([0.0, 1.0]).repeat(3, 4)[None, :, None]
    _check_match(attempt, _random_image(generator, 1, (8, 10), (1, 1, 1), 0), wide)


def _random_image(generator, batch, size, scale, lowest):
    """An image whose channels differ, and whose pictures differ if there are several."""
    scale = torch.tensor(scale).view(1, 3, 1, 1) / torch.arange(1, batch + 1).view(-1, 1, 1, 1)
    return torch.rand(batch, 3, *size, generator=generator) ** 2 * scale + lowest


def _matched(image, like, axes=(2, 3), spread=torch.std):
    mean = image.mean(axes, keepdim=True)
    ratio = spread(like, axes, keepdim=True) / spread(image, axes, keepdim=True)
    return (image - mean) * ratio + like.mean(axes, keepdim=True)


def _check_match(attempt, image, like):
    given = image.clone()
    came = attempt(given, like.clone())
    sizes = f"image {tuple(image.shape)}, like {tuple(like.shape)}"
    if not isinstance(came, torch.Tensor):
        raise Wrong(
            f"{sizes}: expected a tensor {tuple(image.shape)}, got {kind(came)}. {NO_RETURN}"
        )
    if came.shape != image.shape:
        raise Wrong(
            f"{sizes}: expected a tensor {tuple(image.shape)}, got {kind(came)}. The result has "
            "the shape of the image. Perhaps `keepdim=True` is missing, or `like` was returned."
        )
    if not torch.equal(given, image):
        raise Wrong(
            f"{sizes}: expected that the image you were given stays as it was, but it changed. "
            "Perhaps an operation in place, such as `-=` or `copy_`, wrote into it."
        )
    free = _matched(image, like)
    wanted = free.clamp(0, 1)
    if equals(came, wanted, atol=1e-3):
        return
    raise Wrong(f"{sizes}: {_match_guess(came, image, like, free)}")


def _match_guess(came, image, like, free) -> str:
    wanted = free.clamp(0, 1)
    outside = int(((came < 0) | (came > 1)).sum())
    if outside and equals(came, free, atol=1e-3):
        return (
            f"expected no number below 0 or above 1, got {outside}. Perhaps the result is not "
            "clipped to [0, 1]."
        )
    if outside and equals(came.clamp(0, 1), wanted, atol=1e-3):
        return (
            f"expected no number below 0 or above 1, got {outside}. Perhaps only one of the two "
            "ends is clipped."
        )
    if equals(came, like):
        return "expected the image with other colors, got `like` itself. Change the image's pixels."
    negative = (2 * like.mean((2, 3), keepdim=True) - free).clamp(0, 1)
    if equals(came, negative, atol=1e-3):
        return (
            "expected that a bright pixel stays bright, got the negative. Perhaps a sign is wrong: "
            "image - mean, not mean - image."
        )
    together = _matched(image, like, (1, 2, 3)).clamp(0, 1)
    means = f"the means of the channels: expected {_means(wanted)}, got {_means(came)}"
    if equals(came, together, atol=1e-3):
        return f"{means}. Perhaps one mean serves all channels. Take it over height and width only."
    if len(image) > 1 and equals(came, _matched(image, like, (0, 2, 3)).clamp(0, 1), atol=1e-3):
        return f"{means}. Perhaps the mean is taken over both pictures of the batch, too."
    spreads = f"the standard deviations: expected {_spreads(wanted)}, got {_spreads(came)}"
    if equals(came, _matched(image, like, spread=torch.var).clamp(0, 1), atol=1e-3):
        return f"{spreads}. Perhaps you scaled by the ratio of the variances, which are squares."
    if not torch.allclose(came.mean((2, 3)), wanted.mean((2, 3)), atol=5e-3):
        return f"{means}. Subtract the image's own mean first, then add the mean of `like`."
    if torch.allclose(came.std((2, 3)), image.std((2, 3)), atol=1e-3):
        return f"{spreads}. Perhaps the image keeps its own. Divide by it, multiply by the other."
    if not torch.allclose(came.std((2, 3)), wanted.std((2, 3)), rtol=0.05):
        return f"{spreads}. Divide by the image's own, then multiply by that of `like`."
    return _match_guess_about_places(came, wanted)


def _match_guess_about_places(came, wanted) -> str:
    """About a result whose means and standard deviations are right, and whose pixels are not."""
    if equals(came.flatten(2).sort(2).values, wanted.flatten(2).sort(2).values, atol=1e-3):
        return (
            "expected each pixel in its place, got the right values in other places. Perhaps the "
            "result is mirrored or reshaped."
        )
    row = [round(value, 3) for value in wanted[0, 0, 0, :4].tolist()]
    got = [round(value, 3) for value in came[0, 0, 0, :4].tolist()]
    return (
        f"the first four pixels of channel 0: expected {row}, got {got}. Means and spreads are "
        "right. Perhaps the values are not scaled by one factor per channel."
    )


def _means(image) -> str:
    return str([round(value, 3) for value in image.mean((2, 3))[-1].tolist()])


def _spreads(image) -> str:
    return str([round(value, 3) for value in image.std((2, 3))[-1].tolist()])


# ------------------------------------------------------------------------------ when_to_stop

EVERY_50 = list(range(0, 401, 50))
FALLING = [100.0, 60.0, 40.0, 39.8, 30.0, 29.9, 29.8, 29.7, 29.6]


@exercise
def when_to_stop(attempt):
    """Exercise 3: the first number of evaluations at which the last `window` gained too little."""
    # At 150 only the last 50 evaluations gained little. At 300 the loss is 29.8, and that is 0.7 %
    # below 30.0, the loss at 200.
    _check_stop(
        attempt,
        "losses 100, 60, 40, 39.8, 30, 29.9, 29.8, ... at 0, 50, 100, ...",
        (EVERY_50, FALLING),
        300,
        {
            6: "That is an index of the list. Return the number of evaluations at that index.",
            150: "There the last 50 evaluations gained little, but the last 100 gained a third. "
            "Perhaps you compared with the loss before; go back by `window`.",
            400: "From 200 to 300 the loss falls by 0.2, which is a share of 0.007 of 30.0. "
            "Perhaps you did not divide by the earlier loss.",
            None: NO_RETURN,
        },
        "Go through the losses in order.",
    )
    _check_stop(
        attempt,
        "losses 1000, 100, 96, 95.5 at 0, 100, 200, 300",
        ([0, 100, 200, 300], [1000.0, 100.0, 96.0, 95.5]),
        300,
        {
            200: "From 100 to 200 the loss falls by 4 % of 100. Perhaps you divided by the first "
            "loss of all; divide by the loss of `window` evaluations earlier."
        },
        "Compare each loss with the one of 100 evaluations earlier.",
    )
    _check_stop(
        attempt,
        "losses 9, 8, 7, 6.9, 6.89, 6.885, ... at 0, 20, 40, ..., with window 40",
        (list(range(0, 141, 20)), [9.0, 8.0, 7.0, 6.9, 6.89, 6.885, 6.88, 6.879]),
        100,
        {
            0: "Perhaps you took the losses to be 50 evaluations apart; here they are 20 apart.",
            140: "Perhaps the window is always 100 in your function. Use the argument.",
        },
        "Look for the loss at `now - window`.",
        window=40,
    )
    _check_stop(
        attempt,
        "losses 10, 5, 8, 4.5, 6, 4 at 0, 50, 100, 150, 200, 250",
        ([0, 50, 100, 150, 200, 250], [10.0, 5.0, 8.0, 4.5, 6.0, 4.0]),
        250,
        {
            200: "From 100 to 200 the loss falls from 8 to 6. Perhaps you compared with the "
            "lowest loss so far; compare with the loss at 100."
        },
        "Each loss is lower than the one of 100 evaluations earlier.",
    )
    _check_stop(
        attempt,
        "losses 8, 4, 6, 3 at 0, 100, 200, 300",
        ([0, 100, 200, 300], [8.0, 4.0, 6.0, 3.0]),
        200,
        {
            300: "At 200 the loss is higher than before, so the gain is below 0, and too small. "
            "Perhaps you took the absolute value."
        },
        "A loss that rises has gained less than any share.",
    )
    _check_stop(
        attempt,
        "losses 8, 4, 2, 1.75, with gain 0.5",
        ([0, 100, 200, 300], [8.0, 4.0, 2.0, 1.75]),
        300,
        {
            100: "A fall from 8 to 4 is exactly the share 0.5, which is not less than `gain`. "
            "Perhaps you wrote <= in place of <."
        },
        "Use the argument `gain`.",
        gain=0.5,
    )
    _check_stop(
        attempt,
        "losses 100, 99.005, 98.99, 98.98, with gain 0.01",
        ([0, 100, 200, 300], [100.0, 99.005, 98.99, 98.98]),
        100,
        {
            200: "A fall from 100 to 99.005 is the share 0.00995 of 100. Perhaps you divided by "
            "the later loss, which gives 0.01005."
        },
        "Divide by the earlier loss.",
    )
    _check_stop(
        attempt,
        "losses 4, 2, 1, which fall by half",
        ([0, 100, 200], [4.0, 2.0, 1.0]),
        200,
        {},
        "It never happens here, so return the last number of evaluations.",
    )


def _check_stop(attempt, what, given, expected, hints, other, window=100, gain=0.01):
    evaluations, losses = given
    came = attempt(list(evaluations), list(losses), window, gain)
    hint = hints.get(came, other) if isinstance(came, (int, type(None))) else other
    expect(what, came, expected, hint)
