"""Common wrong answers to the exercises of lesson 07. Each gets a hint of its own."""

import itertools

import torch

# ------------------------------------------------------------------------------ adam


def _adam(
    gradient_at,
    image,
    steps,
    lr,
    *,
    keep_m=0.9,
    keep_v=0.999,
    correct=True,
    root=True,
    clip=True,
    in_place=False,
    uphill=False,
):
    """Adam with one thing wrong for each keyword."""
    m = torch.zeros_like(image)
    v = torch.zeros_like(image)
    if not in_place:
        image = image.clone()
    for t in range(1, steps + 1):
        gradient = gradient_at(image)
        m = keep_m * m + (1 - keep_m) * gradient
        v = keep_v * v + (1 - keep_v) * gradient**2
        m_hat = m / (1 - keep_m**t) if correct else m
        v_hat = v / (1 - keep_v**t) if correct else v
        move = lr * m_hat / ((v_hat.sqrt() if root else v_hat) + 1e-8)
        image += move if uphill else -move
        if clip:
            image.clamp_(0, 1)
    return image


def adam_without_correction(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, correct=False)


def adam_without_root(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, root=False)


def adam_without_clipping(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, clip=False)


def adam_uphill(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, uphill=True)


def adam_in_place(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, in_place=True)


def adam_with_a_fixed_rate(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, 0.05)


def adam_with_means_exchanged(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, keep_m=0.999, keep_v=0.9)


def adam_with_the_sign_only(gradient_at, image, steps, lr):
    image = image.clone()
    for _ in range(steps):
        image = (image - lr * gradient_at(image).sign()).clamp(0, 1)
    return image


def adam_as_plain_descent(gradient_at, image, steps, lr):
    image = image.clone()
    for _ in range(steps):
        image = (image - lr * gradient_at(image)).clamp(0, 1)
    return image


def adam_one_step_short(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps - 1, lr)


def adam_without_return(gradient_at, image, steps, lr):
    _adam(gradient_at, image, steps, lr)


# ------------------------------------------------------------------------------ match_channels


def _match(image, like, spread=torch.std, axes=(2, 3)):
    mean = image.mean(axes, keepdim=True)
    ratio = spread(like, axes, keepdim=True) / spread(image, axes, keepdim=True)
    return (image - mean) * ratio + like.mean(axes, keepdim=True)


def match_means_only(image, like):
    centered = image - image.mean((2, 3), keepdim=True)
    return (centered + like.mean((2, 3), keepdim=True)).clamp(0, 1)


def match_all_channels_together(image, like):
    return _match(image, like, axes=(1, 2, 3)).clamp(0, 1)


def match_variances(image, like):
    return _match(image, like, spread=torch.var).clamp(0, 1)


def match_by_returning_like(image, like):
    return like


def match_the_negative(image, like):
    return _match(1 - image, like).clamp(0, 1)


def match_mirrored(image, like):
    return _match(image, like).clamp(0, 1).flip(3)


def match_ranks(image, like):
    places = image.flatten(2).argsort(2)
    values = like.flatten(2).sort(2).values
    marks = torch.linspace(0, values.shape[2] - 1, places.shape[2]).round().long()
    result = torch.empty_like(image).flatten(2)
    result.scatter_(2, places, values[:, :, marks])
    return result.reshape(image.shape)


def match_in_place(image, like):
    image.copy_(_match(image, like).clamp(0, 1))
    return image


def match_without_clipping(image, like):
    return _match(image, like)


def match_clipped_above_only(image, like):
    return _match(image, like).clamp(max=1)


def match_over_the_batch(image, like):
    return _match(image, like, axes=(0, 2, 3)).clamp(0, 1)


# ------------------------------------------------------------------------------ when_to_stop


def stop_by_difference(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        if now - window in loss_at and loss_at[now - window] - loss < gain:
            return now
    return evaluations[-1]


def stop_by_the_loss_before(evaluations, losses, window=100, gain=0.01):
    for index, (before, loss) in enumerate(itertools.pairwise(losses), start=1):
        if (before - loss) / before < gain:
            return evaluations[index]
    return evaluations[-1]


def _stop(evaluations, losses, window, poor):
    """The first number whose loss is `poor` beside the loss of `window` evaluations before."""
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        before = loss_at.get(now - window)
        if before is not None and poor(before, loss):
            return now
    return evaluations[-1]


def stop_as_an_index(evaluations, losses, window=100, gain=0.01):
    now = _stop(evaluations, losses, window, lambda a, b: (a - b) / a < gain)
    return evaluations.index(now)


def stop_by_a_share_of_the_first_loss(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / losses[0] < gain)


def stop_by_a_share_of_the_later_loss(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / b < gain)


def stop_by_the_absolute_change(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: abs(a - b) / a < gain)


def stop_at_the_boundary(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / a <= gain)


def stop_with_a_spacing_of_fifty(evaluations, losses, window=100, gain=0.01):
    back = window // 50
    for index in range(back, len(losses)):
        if (losses[index - back] - losses[index]) / losses[index - back] < gain:
            return evaluations[index]
    return evaluations[-1]


def stop_by_the_lowest_so_far(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now in evaluations:
        best = min((loss for at, loss in loss_at.items() if at <= now - window), default=None)
        if best is not None and (best - loss_at[now]) / best < gain:
            return now
    return evaluations[-1]


def stop_with_the_default_window(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, 100, lambda a, b: (a - b) / a < gain)


def stop_without_an_end(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        before = loss_at.get(now - window)
        if before is not None and (before - loss) / before < gain:
            return now
    return 0


MISTAKES = {
    "adam": [
        adam_without_correction,
        adam_without_root,
        adam_without_clipping,
        adam_uphill,
        adam_in_place,
        adam_with_a_fixed_rate,
        adam_with_means_exchanged,
        adam_with_the_sign_only,
        adam_as_plain_descent,
        adam_one_step_short,
        adam_without_return,
    ],
    "match_channels": [
        match_means_only,
        match_all_channels_together,
        match_variances,
        match_by_returning_like,
        match_the_negative,
        match_mirrored,
        match_ranks,
        match_in_place,
        match_without_clipping,
        match_clipped_above_only,
        match_over_the_batch,
    ],
    "when_to_stop": [
        stop_by_difference,
        stop_by_the_loss_before,
        stop_as_an_index,
        stop_by_a_share_of_the_first_loss,
        stop_by_a_share_of_the_later_loss,
        stop_by_the_absolute_change,
        stop_at_the_boundary,
        stop_with_a_spacing_of_fifty,
        stop_by_the_lowest_so_far,
        stop_with_the_default_window,
        stop_without_an_end,
    ],
}
