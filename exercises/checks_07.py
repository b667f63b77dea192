"""The checks of lesson 07, Optimization."""

import torch

from exercises.checking import Wrong, exercise, expect, kind


@exercise
def match_channels(attempt):
    """Exercise 1: each channel's mean and standard deviation taken from another image."""
    generator = torch.Generator().manual_seed(7)
    scale = torch.tensor([0.2, 0.2, 0.3]).view(1, 3, 1, 1)
    scale_like = torch.tensor([0.3, 0.25, 0.1]).view(1, 3, 1, 1)
    image = torch.rand(1, 3, 8, 10, generator=generator) * scale + 0.1
    like = torch.rand(1, 3, 8, 10, generator=generator) * scale_like + 0.3
    came = attempt(image.clone(), like.clone())
    if not isinstance(came, torch.Tensor) or came.shape != image.shape:
        raise Wrong(
            f"the result: expected a tensor {tuple(image.shape)}, got {kind(came)}. Return the "
            "image with all its channels."
        )
    _check_means(came, like)
    _check_spreads(came, image, like)
    wide = torch.tensor([0.0, 1.0]).repeat(3, 4)[None, :, None]
    came = attempt(torch.rand(1, 3, 8, 10, generator=generator), wide)
    outside = int(((came < 0) | (came > 1)).sum())
    expect("how many numbers are below 0 or above 1", outside, 0, "End with .clamp(0, 1).")


def _check_means(came, like):
    found = came.mean((2, 3))[0]
    wanted = like.mean((2, 3))[0]
    overall = torch.allclose(found.mean(), wanted.mean(), atol=1e-4)
    if overall and not torch.allclose(found, wanted, atol=1e-4):
        raise Wrong(
            f"the means of the channels: expected {_numbers(wanted)}, got {_numbers(found)}. Over "
            "all channels together the mean is right. Take it over height and width only, "
            "image.mean((2, 3), keepdim=True), once per channel."
        )
    hint = "Subtract the image's own mean first, then add the other's."
    expect("the means of the channels", found, wanted, hint, tolerance=1e-4)


def _check_spreads(came, image, like):
    found = came.std((2, 3))[0]
    before = image.std((2, 3))[0]
    wanted = like.std((2, 3))[0]
    what = f"the standard deviations: expected {_numbers(wanted)}, got {_numbers(found)}"
    if torch.allclose(found, before, atol=1e-4):
        raise Wrong(
            f"{what}, which are still the image's own. Divide by them and multiply by the other's."
        )
    if torch.allclose(found, wanted**2 / before, atol=1e-4):
        raise Wrong(
            f"{what}. Perhaps you scaled by the ratio of the variances, which are squares. Take "
            "the ratio of the standard deviations."
        )
    hint = "Divide by the image's, then multiply by the other's."
    expect("the standard deviations", found, wanted, hint, tolerance=1e-4)


def _numbers(values) -> str:
    return str([round(value, 3) for value in values.tolist()])


@exercise
def when_to_stop(attempt):
    """Exercise 2: the first number of evaluations at which the last `window` gained too little."""
    evaluations = list(range(0, 401, 50))
    # At 150 only the last 50 evaluations gained little. At 300 the loss is 29.8, and that is 0.7 %
    # below 30.0, the loss at 200.
    losses = [100.0, 60.0, 40.0, 39.8, 30.0, 29.9, 29.8, 29.7, 29.6]
    came = attempt(evaluations, losses)
    if came == 6:
        raise Wrong(
            "expected 300, got 6, an index of the list. Return the number of evaluations at that "
            "index."
        )
    if came == 150:
        raise Wrong(
            "expected 300, got 150. There the last 50 evaluations gained little, but the last 100 "
            "gained a third. Compare with the loss of `window` evaluations earlier, not with the "
            "loss before."
        )
    if came == 400 or came is None:
        raise Wrong(
            f"expected 300, got {came}. From 200 to 300 the loss falls from 30.0 to 29.8, by 0.2. "
            "As a share of 30.0 this is 0.007, less than 0.01. Divide the difference by the "
            "earlier loss."
        )
    expect(
        "losses 100, 60, 40, 39.8, 30, 29.9, ... every 50 evaluations",
        came,
        300,
        "Go through the losses in order.",
    )
    expect(
        "the same losses divided by 1000",
        attempt(evaluations, [loss / 1000 for loss in losses]),
        300,
        "A share does not depend on the unit of the loss. Divide by the earlier loss.",
    )
    expect(
        "losses that keep falling by half",
        attempt([0, 100, 200], [4.0, 2.0, 1.0]),
        200,
        "It never happens here, so return the last number of evaluations.",
    )
    expect(
        "window=50, gain=0.1",
        attempt(evaluations, losses, 50, 0.1),
        150,
        "Use the arguments, not their default values.",
    )
