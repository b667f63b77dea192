"""The checks of lesson 09, Artifacts."""

import torch
from torch import Tensor

from exercises.checking import Wrong, describe, equals, exercise, expect, kind

LUMINANCE = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


@exercise
def isotropic(attempt):
    """Exercise 1: isotropic total variation, with a finite gradient on a flat picture."""
    image = torch.tensor([[[[0.0, 0.3], [0.4, 0.9]]]])  # right 0.3, below 0.4: a length of 0.5
    what = "the picture [[0, 0.3], [0.4, 0.9]] with eps=0"
    came = attempt(image.clone(), 0.0)
    if not isinstance(came, (Tensor, float)) or torch.as_tensor(came).numel() != 1:
        raise Wrong(f"{what}: expected one number, got {kind(came)}. Perhaps a return is missing, "
                    "or the mean at the end.")  # fmt: skip
    causes = {
        0.7: "Perhaps it is |right| + |below|, the anisotropic kind. Add the squares, then take "
        "the root.",
        0.25: "Perhaps the root is missing: sqrt(right^2 + below^2) comes before the mean.",
        0.125: "Perhaps the sum is divided by all four numbers, and the root is missing.",
    }
    for value, cause in causes.items():
        if abs(float(came) - value) < 1e-5:
            raise Wrong(f"{what}: expected 0.5, got {value}. {cause}")
    expect(
        what,
        came,
        0.5,
        "Only the upper left pixel has both neighbors. There right is 0.3 and below is 0.4. "
        "Perhaps other pixels count, too, or the mean divides by another number.",
    )
    generator = torch.Generator().manual_seed(8)
    for shape in ((2, 3, 5, 7), (1, 3, 6, 4)):
        _compare_isotropic(attempt, torch.randn(shape, generator=generator), 0.01)
    _finite_gradient(attempt)


def _compare_isotropic(attempt, image: Tensor, eps: float) -> None:
    """Compares an attempt with the right value and with the values of common mistakes."""
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    squares = right**2 + below**2
    length = (squares + eps).sqrt()
    came = attempt(image.clone(), eps)
    what = f"random numbers {tuple(image.shape)} with eps={eps}"
    causes = (
        (length.sum(), "Perhaps it is the sum. Return the mean."),
        (
            (squares.sum(1) + eps).sqrt().mean(),
            "Perhaps the channels are added under the root. Each channel has a root of its own.",
        ),
        (
            squares.sqrt().mean() + eps,
            "Perhaps eps is added after the root. It belongs under the root, where it keeps the "
            "slope finite.",
        ),
        (
            squares.sqrt().mean(),
            "Perhaps eps is missing, or its default value is used in place of the argument.",
        ),
        (
            squares.clamp(min=eps).sqrt().mean(),
            "Perhaps eps is a lower limit here. Add it under the root.",
        ),
        (length.sum() / image.numel(), "Perhaps the sum is divided by all numbers of the image."),
        (
            length.sum() / length[0].numel(),
            "Perhaps the sum is divided by the numbers of one picture. Take the mean over the "
            "batch, too.",
        ),
        (length[0].mean(), "Perhaps only the first picture of the batch counts."),
    )
    expected = length.mean()
    causes = [(value, cause) for value, cause in causes if not value.allclose(expected)]
    for value, cause in causes:
        if abs(float(came) - value.item()) < 1e-6 * max(1, abs(value.item())):
            raise Wrong(f"{what}: expected {expected:.4f}, got {float(came):.4f}. {cause}")
    expect(
        what,
        came,
        expected,
        "Perhaps the two differences belong to different pixels. Leave the last row and the last "
        "column out of both.",
    )


def _finite_gradient(attempt) -> None:
    flat = torch.full((1, 3, 5, 6), 0.5, requires_grad=True)
    loss = attempt(flat)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise Wrong(
            "a flat picture that requires a gradient: expected a tensor with a gradient, got "
            f"{kind(loss)} without one. Perhaps .item() or .detach() cuts it off."
        )
    loss.backward()
    if not torch.isfinite(flat.grad).all():
        raise Wrong(
            "the gradient for a flat picture: expected zeros, got NaN. The slope of the root is "
            "infinite at 0. Perhaps eps is not under the root."
        )


@exercise
def keep_colors(attempt):
    """Exercise 2: the photograph's colors with the luminance of the result."""
    result = torch.tensor([0.8, 0.4, 0.3]).view(1, 3, 1, 1)  # luminance 0.5082
    photo = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1)  # luminance 0.437
    _same_shape(attempt(result.clone(), photo.clone()), photo)
    _compare_colors(attempt, "a single pixel", result, photo)
    _keeps_axis(attempt)
    generator = torch.Generator().manual_seed(9)
    result = 0.3 + 0.4 * torch.rand(2, 3, 3, 5, generator=generator)
    photo = 0.3 + 0.4 * torch.rand(2, 3, 3, 5, generator=generator)
    _same_shape(attempt(result.clone(), photo.clone()), photo)
    _compare_colors(attempt, "a batch of two random pictures", result, photo)
    white = attempt(torch.ones(1, 3, 2, 2), photo[:1, :, :2, :2].clone())
    if white.max() > 1:
        raise Wrong(
            f"a white result: expected numbers of at most 1, got {white.max().item():.3f}. "
            "Perhaps .clamp(0, 1) is missing at the end."
        )
    black = attempt(torch.zeros(1, 3, 2, 2), photo[:1, :, :2, :2].clone())
    if black.min() < 0:
        raise Wrong(
            f"a black result: expected numbers of at least 0, got {black.min().item():.3f}. "
            "Perhaps only the upper end is clipped. Use .clamp(0, 1)."
        )


def _keeps_axis(attempt) -> None:
    """A sum without the axis of the channels cannot be added to a batch of two pictures."""
    try:
        attempt(torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5))
    except RuntimeError as error:
        raise Wrong(
            "a batch of two pictures: expected a tensor (2, 3, 4, 5), got the error "
            f'"{error}". Perhaps the sum removed the axis of the channels: .sum(1, keepdim=True) '
            "keeps it."
        ) from error


def _same_shape(came, photo: Tensor) -> None:
    if not isinstance(came, Tensor) or came.shape != photo.shape:
        raise Wrong(
            f"the result: expected a tensor {tuple(photo.shape)}, got {kind(came)}. Perhaps the "
            "sum removed the axis of the channels: .sum(1, keepdim=True) keeps it."
        )


def _luminance(image: Tensor, factors: Tensor = LUMINANCE) -> Tensor:
    return (factors * image).sum(1, keepdim=True)


def _upper_left(image: Tensor) -> str:
    """Red, green and blue of the first pixel of the first picture."""
    return describe(image[0, :, 0, 0])


def _compare_colors(attempt, what: str, result: Tensor, photo: Tensor) -> None:
    """Compares an attempt with the right picture and with the pictures of common mistakes."""
    expected = photo + _luminance(result) - _luminance(photo)
    old = (result.clone(), photo.clone())
    came = attempt(*old)
    mean = _luminance(result).mean((2, 3), keepdim=True)
    causes = (
        (result + _luminance(photo) - _luminance(result), "Perhaps the two are exchanged. The "
         "colors come from the photograph, and the luminance from the result."),
        (photo + result.mean(1, keepdim=True) - photo.mean(1, keepdim=True), "Perhaps you took "
         "plain means. The three channels count 0.299, 0.587 and 0.114."),
        (photo + result.mean(1, keepdim=True) - _luminance(photo), "Perhaps the result's "
         "luminance is a plain mean of its channels."),
        (photo + result - _luminance(photo), "Perhaps the result itself is added. Only its "
         "luminance is, the same number for all three channels."),
        (photo + result[:, :1] - _luminance(photo), "Perhaps the result's red channel is taken "
         "for its luminance."),
        (photo * _luminance(result) / _luminance(photo), "Perhaps you multiplied by a ratio. Add "
         "the difference of the luminances."),
        (photo + _luminance(result, LUMINANCE.flip(1)) - _luminance(photo, LUMINANCE.flip(1)),
         "Perhaps the factors are in the order blue, green, red."),
        (photo + mean - _luminance(photo), "Perhaps one mean luminance serves the whole picture. "
         "Each pixel has its own."),
        (photo + _luminance(result), "Perhaps the photograph's own luminance is still in it. "
         "Subtract it."),
        (photo - _luminance(result) + _luminance(photo), "Perhaps the difference has the wrong "
         "sign. The result's luminance is added, and the photograph's is subtracted."),
        (_luminance(result).expand_as(photo), "That is the luminance of the result, so all is "
         "gray. The colors of the photograph are missing."),
        (photo + LUMINANCE * (result - photo), "Perhaps the three weighted channels are not added "
         "up. The luminance is one number for each pixel."),
        (photo + (_luminance(result) - _luminance(photo)).mean((2, 3), keepdim=True), "Perhaps "
         "one mean difference serves the whole picture. Each pixel has its own."),
        (photo + (_luminance(result) - _luminance(photo)).mean(), "Perhaps one mean difference "
         "serves the whole batch. Each pixel has its own."),
        (photo + (_luminance(result) - _luminance(photo)).mean(0, keepdim=True), "Perhaps the "
         "batch is averaged. Each picture has its own luminance."),
        (photo + (_luminance(result) - _luminance(photo)).clamp(0, 1), "Perhaps the difference is "
         "clipped. It may be negative; clip the picture at the end."),
    )  # fmt: skip
    # A single pixel is its own mean, so that the mean over the picture is right there.
    wrong = [(value, cause) for value, cause in causes if not equals(value, expected, atol=1e-5)]
    if isinstance(came, Tensor) and not equals(came, expected, atol=1e-5):
        for value, cause in wrong:
            if equals(came, value.clamp(0, 1), atol=1e-5) or equals(came, value, atol=1e-5):
                raise Wrong(
                    f"{what}: expected {_upper_left(expected)} at the upper left, "
                    f"got {_upper_left(came)}. {cause}"
                )
    expect(
        what,
        came,
        expected,
        "Add the luminance of the result, minus the luminance of the photograph, to each channel "
        "of the photograph.",
    )
    if not torch.equal(old[0], result) or not torch.equal(old[1], photo):
        raise Wrong(
            f"{what}: the answer is right, but your function changed a picture that it was given. "
            "Perhaps a line with += writes into it. Build a new tensor."
        )
