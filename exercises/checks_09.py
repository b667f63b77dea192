"""The checks of lesson 09, Artifacts."""

import math

import torch

from exercises.checking import Wrong, equals, exercise, expect, kind


@exercise
def isotropic(attempt):
    """Exercise 1: isotropic total variation, with a finite gradient on a flat picture."""
    image = torch.tensor([[[[0.0, 0.3], [0.4, 0.9]]]])  # right 0.3, below 0.4: a length of 0.5
    what = "[[0, 0.3], [0.4, 0.9]]"
    came = attempt(image, 0.0)
    if isinstance(came, torch.Tensor) and torch.isclose(came, torch.tensor(0.7)):
        raise Wrong(
            f"{what}: expected 0.5, got 0.7, which is |right| + |below|, the anisotropic kind. Add "
            "the squares, then take the root."
        )
    if isinstance(came, torch.Tensor) and torch.isclose(came, torch.tensor(0.25)):
        raise Wrong(
            f"{what}: expected 0.5, got 0.25. Take the square root of right^2 + below^2 before the "
            "mean."
        )
    expect(
        what,
        came,
        0.5,
        "Only the upper left pixel has both neighbors. There right is 0.3 and below is 0.4.",
    )
    flat = torch.full((1, 3, 5, 6), 0.5, requires_grad=True)
    attempt(flat).backward()
    if not torch.isfinite(flat.grad).all():
        raise Wrong(
            "the gradient on a flat picture: expected zeros, got NaN. The slope of the root is "
            "infinite at 0. Add eps under the root."
        )
    image = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(8))
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    expect(
        "a batch of random pictures, eps=0.01",
        attempt(image, 0.01),
        (right**2 + below**2 + 0.01).sqrt().mean(),
        "Both differences must belong to the same pixel. Leave the last row and the last column "
        "out of both, and take the mean.",
    )


@exercise
def keep_colors(attempt):
    """Exercise 2: the photograph's color differences with the luminance of the result."""
    result = torch.tensor([0.5, 0.5, 0.5]).view(1, 3, 1, 1)
    photo = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1)  # luminance 0.437
    what = "a gray result of 0.5 and the color (0.6, 0.4, 0.2)"
    came = attempt(result, photo)
    if not isinstance(came, torch.Tensor) or came.shape != photo.shape:
        raise Wrong(
            f"the result: expected a tensor (1, 3, 1, 1), got {kind(came)}. Keep the axis of the "
            "channels: .sum(1, keepdim=True)."
        )
    came = came.flatten()
    if equals(came, torch.tensor([0.7, 0.5, 0.3]), atol=1e-4):
        raise Wrong(
            f"{what}: expected (0.663, 0.463, 0.263), got (0.7, 0.5, 0.3). Perhaps you took plain "
            "means. Luminance is 0.299 R + 0.587 G + 0.114 B, because the eye is most sensitive to "
            "green."
        )
    if equals(came, torch.tensor([0.437, 0.437, 0.437]), atol=1e-4):
        raise Wrong(
            f"{what}: expected (0.663, 0.463, 0.263), got a gray of 0.437. Perhaps the two are "
            "exchanged. The colors come from the photograph, and the luminance from the result."
        )
    expect(
        what,
        came,
        torch.tensor([0.663, 0.463, 0.263]),
        "Add the difference of the luminances to every channel of the photograph.",
        tolerance=1e-4,
    )
    came = attempt(torch.ones(1, 3, 2, 2), photo.expand(1, 3, 2, 2))
    if came.max() > 1:
        raise Wrong(
            f"a white result: expected numbers of at most 1, got {came.max().item():.3f}. "
            "Luminance and color together may be out of range. End with .clamp(0, 1)."
        )


@exercise
def alarm(attempt):
    """Exercise 3: a loss that is not finite, or several in a row above the start."""
    expect(
        "losses 5, 9, 4, 8, 3, 7",
        attempt([5.0, 9.0, 4.0, 8.0, 3.0, 7.0]),
        None,
        "Three are above the start, but not three in a row. Set the count back to 0 if a loss is "
        "not above the start.",
    )
    expect(
        "losses 5, 6, 8, 7, 4",
        attempt([5.0, 6.0, 8.0, 7.0, 4.0]),
        3,
        "7 is the third in a row above the start, 5, although it is below the loss before. "
        "Compare with losses[0].",
    )
    expect(
        "losses 3, NaN, 2",
        attempt([3.0, math.nan, 2.0]),
        1,
        "Every comparison with NaN is False, so test for it with math.isfinite(loss).",
    )
    expect(
        "losses 3, infinity", attempt([3.0, math.inf]), 1, "Infinity is not a finite number either."
    )
    expect(
        "losses 3, 4, 5 with patience=2",
        attempt([3.0, 4.0, 5.0], 2),
        2,
        "Use the argument patience, not its default value.",
    )
