"""The checks of lesson 08, Runs."""

import torch

from exercises.checking import Wrong, equals, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."

# ------------------------------------------------------------------------------ filmed_run


def _film(start, objective, evaluations, every, lr=0.03, *, clip=True, clear=True):
    """What `filmed_run` must return: (evaluations so far, image, loss) for each frame."""
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    frames = []
    for count in range(evaluations + 1):
        if clear:
            optimizer.zero_grad()
        loss = sum(objective(image).values())
        if count % every == 0 or count == evaluations:
            frames.append((count, image.detach().clone(), loss.item()))
        loss.backward()
        optimizer.step()
        if clip:
            with torch.no_grad():
                image.clamp_(0, 1)
    return frames


def _pull(image):
    """An objective whose lowest point is partly outside [0, 1]."""
    goal = image.new_tensor([1.4, 0.5, 0.15, -0.3]).view(1, 1, 2, 2)
    return {
        "content": (image - goal).square().mean(),
        "style": 2 * (image.mean((2, 3)) - 0.3).square().mean(),
    }


@exercise
def filmed_run(attempt):
    """Exercise 1: a run of Adam that keeps the start, every so many evaluations, and the end."""
    start = torch.tensor([0.9, 0.2, 0.3, 0.1]).view(1, 1, 2, 2).repeat(1, 3, 1, 1)
    start = start + torch.tensor([0.0, 0.01, 0.02]).view(1, 3, 1, 1)
    for evaluations, every, lr in ((10, 4, 0.03), (6, 3, 0.05), (9, 1, 0.02)):
        given = start.clone()
        what = f"evaluations={evaluations}, every={every}, lr={lr}"
        try:
            came = attempt(given, _pull, evaluations, every, lr)
        except (RuntimeError, ValueError) as error:
            if isinstance(error, NotImplementedError):  # a RuntimeError, too
                raise
            raise Wrong(f"{what}: {_error_guess(error)}") from error
        if given.requires_grad or not torch.equal(given, start):
            raise Wrong(
                f"{what}: expected that `start` stays as it was, but it changed. Perhaps the run "
                "works on `start` itself; work on a copy, `start.clone()`."
            )
        wanted = _film(start, _pull, evaluations, every, lr)
        _check_numbers(what, came, [count for count, _, _ in wanted], every)
        _check_frames(what, came, wanted)
        pairs = zip(came, wanted, strict=True)
        if all(equals(frame[1], expected[1], atol=1e-4) for frame, expected in pairs):
            continue
        raise Wrong(f"{what}: {_film_guess(came, wanted, start, evaluations, every, lr)}")


def _error_guess(error) -> str:
    """What may be behind an error that torch raises in a run."""
    said = f"torch raised {type(error).__name__}: {str(error).split('.')[0]}."
    if "in-place" in str(error):
        return f"{said} Perhaps the clipping stands outside `with torch.no_grad():`."
    if "second time" in str(error):
        return f"{said} Perhaps the loss is computed before the loop; compute it at each step."
    if "non-leaf" in str(error):
        return f"{said} Perhaps the copy was made after `requires_grad_`; copy first."
    return f"{said} Perhaps the copy of `start` has no `requires_grad_(True)`."


def _check_numbers(what, came, wanted, every):
    """Compares the numbers of evaluations at which frames were taken."""
    if not isinstance(came, (list, tuple)):
        raise Wrong(f"{what}: expected a list of frames, got {kind(came)}. {NO_RETURN}")
    if not all(isinstance(frame, (list, tuple)) and len(frame) == 3 for frame in came):
        raise Wrong(f"{what}: each frame must be a tuple (evaluations, image, loss).")
    counts = [frame[0] for frame in came]
    if counts == wanted:
        return
    said = f"{what}: expected frames at {wanted}, got {counts}."
    if counts == wanted[1:]:
        raise Wrong(f"{said} Perhaps the start is missing.")
    if counts == wanted[:-1]:
        raise Wrong(f"{said} Perhaps the end is missing; it is a frame, too.")
    if counts == [*wanted, wanted[-1]]:
        raise Wrong(f"{said} Perhaps the end is added although it was a frame already.")
    if len(counts) == wanted[-1] + 1 and every > 1:
        raise Wrong(f"{said} Perhaps `every` is not used.")
    raise Wrong(f"{said} A frame is due if the number of evaluations so far is divisible by every.")


def _check_frames(what, came, wanted):
    """Looks at each frame on its own: a plain copy, and the loss of this very image."""
    for count, image, loss in came:
        if not isinstance(image, torch.Tensor) or image.shape != wanted[0][1].shape:
            raise Wrong(
                f"{what}, frame {count}: expected an image {tuple(wanted[0][1].shape)}, got "
                f"{kind(image)}. The order is (evaluations, image, loss)."
            )
        if image.requires_grad:
            raise Wrong(
                f"{what}, frame {count}: expected an image without gradient, got one that requires "
                "it. Perhaps `.detach()` is missing."
            )
        if isinstance(loss, torch.Tensor):
            raise Wrong(
                f"{what}, frame {count}: expected the loss as a number, got a tensor. It keeps "
                "the whole computation in memory. Perhaps `.item()` is missing."
            )
    first, last = came[0][1], came[-1][1]
    if len(came) > 1 and torch.equal(first, last):
        raise Wrong(
            f"{what}: expected frames that differ, got the same image in all of them. Perhaps they "
            "share their memory with the image that moves on; keep a copy, `.detach().clone()`."
        )
    for count, image, loss in came:
        own = sum(_pull(image).values()).item()
        if abs(loss - own) > 1e-5:
            raise Wrong(
                f"{what}, frame {count}: expected the loss of this image, {own:.5f}, got "
                f"{loss:.5f}. {_loss_guess(image, loss)}"
            )


def _loss_guess(image, loss) -> str:
    for name, term in _pull(image).items():
        if abs(loss - term.item()) < 1e-6:
            return f"Perhaps it is only the {name} term; add all terms."
    return "Perhaps the image was taken before a step, and the loss after it, or the other way."


def _film_guess(came, wanted, start, evaluations, every, lr) -> str:
    """A sentence about a run whose frames have the right form and show other images."""
    said = f"the first channel at the end: expected {_row(wanted)}, got {_row(came)}."
    images = [image for _, image, _ in came]
    if min(image.min() for image in images) < 0 or max(image.max() for image in images) > 1:
        return f"{said} Some values are outside [0, 1]. Perhaps the image is not clipped."
    guesses = {
        "Perhaps the gradients are not cleared: `optimizer.zero_grad()`.": {"clear": False},
        "Perhaps only the kept copies are clipped; clip the image after each step.": {
            "clip": False
        },
    }
    for guess, change in guesses.items():
        other = _film(start, _pull, evaluations, every, lr, **change)[-1][1].clamp(0, 1)
        if equals(images[-1], other, atol=1e-4):
            return f"{said} {guess}"
    if equals(images[-1], _film(start, _pull, evaluations, every)[-1][1], atol=1e-4):
        return f"{said} Perhaps lr is a fixed number in your function. Use the argument."
    if equals(images[-1], _film(start, _pull, evaluations + 1, every, lr)[-1][1], atol=1e-4):
        return f"{said} Perhaps there is a step too many before the last frame."
    if equals(images[-1], _film(start, _pull, evaluations - 1, every, lr)[-1][1], atol=1e-4):
        return f"{said} Perhaps there is a step too few before the last frame."
    return f"{said} Use torch.optim.Adam with lr, on the sum of all terms."


def _row(frames) -> str:
    return str([round(value, 4) for value in frames[-1][1][0, 0].flatten().tolist()])


# ------------------------------------------------------------------------------ when_to_stop

EVERY_50 = list(range(0, 401, 50))
FALLING = [100.0, 60.0, 40.0, 39.8, 30.0, 29.9, 29.8, 29.7, 29.6]


@exercise
def when_to_stop(attempt):
    """Exercise 2: the first number of evaluations at which the last `window` gained too little."""
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


# ------------------------------------------------------------------------------ match_channels


@exercise
def match_channels(attempt):
    """Exercise 3: each channel's mean and standard deviation taken from another image."""
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
