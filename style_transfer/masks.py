"""Masks: which part of a picture something is for.

A mask is a float tensor (1, 1, H, W) in [0, 1]: 1 inside, 0 outside, and between them along a soft
border. It belongs to a picture of the same proportions, of any size. A mask is made from a file,
from a place, or from the pixels of an image. Masks multiply, and `1 - mask` is everything else.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from style_transfer.images import check_image, load_image, luminance, same_proportions
from style_transfer.settings import check_word

# Where a gradient mask becomes 0, and the axis along which it falls.
DIRECTIONS = {"down": 2, "up": 2, "right": 3, "left": 3}


def load_mask(picture, size: int | None = None) -> Tensor:
    """Loads a picture as a mask (1, 1, H, W): white is 1, black is 0, gray lies between them.

    `picture` and `size` are as in `load_image`; `size` None keeps the size of the file. Raises: as
    `load_image`; ValueError, which names the file, if all of it is black. Built in: 10_control.
    """
    mask = load_image(picture, size).mean(1, keepdim=True)
    if mask.max() == 0:
        raise ValueError(
            f"{picture}: is black everywhere, so it marks no place; paint white where it should act"
        )
    return mask


def rectangle_mask(
    image: Tensor, *, top: float = 0, bottom: float = 1, left: float = 0, right: float = 1
) -> Tensor:
    """A mask of the image's size that is 1 in a rectangle, given in parts of its height and width.

    Raises: ValueError if a number lies outside [0, 1], or if the rectangle holds no pixel.
    """
    check_image(image)
    height, width = image.shape[-2:]
    mask = image.new_zeros(1, 1, height, width)
    for name, value in {"top": top, "bottom": bottom, "left": left, "right": right}.items():
        _check_part(name, value)
    rows = slice(round(top * height), round(bottom * height))
    columns = slice(round(left * width), round(right * width))
    mask[:, :, rows, columns] = 1
    if mask.max() == 0:
        raise ValueError(
            f"the rectangle from top {top} to bottom {bottom} and from left {left} to right "
            f"{right} holds no pixel of {width}x{height}; make it larger"
        )
    return mask


def gradient_mask(
    image: Tensor, *, start: float = 0, end: float = 1, direction: str = "down"
) -> Tensor:
    """A mask of the image's size that falls from 1 at `start` to 0 at `end`, in a straight line.

    `start` and `end` are parts of the way across the image, and `direction` says which way: "down",
    "up", "right" or "left". Raises: ValueError for another word, a number outside [0, 1], or an end
    that does not lie after the start.
    """
    check_image(image)
    check_word("direction", direction, DIRECTIONS)
    _check_part("start", start)
    _check_part("end", end)
    if end <= start:
        raise ValueError(f"start is {start} and end {end}; the end must lie after the start")
    axis = DIRECTIONS[direction]
    length = image.shape[axis]
    place = (torch.arange(length, device=image.device) + 0.5) / length  # of each pixel's middle
    values = ((end - place) / (end - start)).clamp(0, 1)
    if direction in ("up", "left"):
        values = values.flip(0)
    shape = [1, 1, 1, 1]
    shape[axis] = length
    return values.view(shape).expand(1, 1, *image.shape[-2:]).clone()


def brightness_mask(image: Tensor, above: float = 0.5) -> Tensor:
    """A mask of the image's size: 1 where the luminance is above a threshold, and 0 elsewhere.

    Raises: ValueError if the threshold lies outside [0, 1]. Built in: 10_control.
    """
    _check_part("above", above)
    return (luminance(image)[:, :1] > above).to(image)


def color_mask(image: Tensor, color: tuple[float, float, float], within: float = 0.2) -> Tensor:
    """A mask of the image's size: 1 where the RGB value is near a color, and 0 elsewhere.

    Near means a Euclidean distance of at most `within`, for RGB values in [0, 1].
    Raises: ValueError if the color is not three numbers in [0, 1], or `within` is below 0.
    """
    check_image(image)
    for name, value in zip(("red", "green", "blue"), color, strict=True):
        _check_part(name, value)
    if within < 0:
        raise ValueError(f"within is {within}; a distance is 0 or more")
    difference = image - image.new_tensor(color).view(1, 3, 1, 1)
    return (difference.square().sum(1, keepdim=True).sqrt() <= within).to(image)


def soften_mask(mask: Tensor, radius: int) -> Tensor:
    """The mask with a soft border: each value becomes the mean of a square, 2 radius + 1 wide.

    Squares that reach over the edge of the picture take the mean of what lies inside.
    Raises: ValueError for what is no mask, or a radius below 0. Built in: 10_control.
    """
    check_mask("mask", mask)
    if isinstance(radius, bool) or not isinstance(radius, int) or radius < 0:
        raise ValueError(f"radius is {radius!r}; it must be a whole number of pixels, 0 or more")
    width = 2 * radius + 1
    mean = F.avg_pool2d(mask, width, stride=1, padding=radius, count_include_pad=False)
    return mean.clamp(0, 1)


def carry_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask at another (height, width), for instance that of a layer's features.

    Each new value is the mean of the pixels that it covers. So a border that runs through them
    becomes soft, and a small place does not get lost. Built in: 10_control.
    """
    if tuple(mask.shape[-2:]) == tuple(size):
        return mask
    return F.interpolate(mask, tuple(size), mode="area")


def fit_mask(name: str, mask: Tensor, image: Tensor) -> Tensor:
    """The mask at the size of the image that it belongs to, and on its device.

    Raises: ValueError, which names the mask, if it is no mask, is 0 everywhere, or has other
    proportions than the image.
    """
    check_mask(name, mask)
    height, width = image.shape[-2:]
    rows, columns = mask.shape[-2:]
    if not same_proportions(image, mask):
        raise ValueError(
            f"{name} is {columns}x{rows} and its picture {width}x{height}; they need the same "
            "proportions: draw the mask on a copy of the picture"
        )
    return carry_mask(mask.detach().to(image), (height, width))


def check_mask(name: str, mask: Tensor) -> None:
    """Raises ValueError unless `mask` is a float tensor (1, 1, H, W) in [0, 1] and not all 0."""
    if not isinstance(mask, Tensor):
        raise ValueError(f"{name} is {type(mask).__name__}; it must be a tensor (1, 1, H, W)")
    if not mask.is_floating_point() or mask.ndim != 4 or mask.shape[:2] != (1, 1):
        raise ValueError(
            f"{name} is {mask.dtype} {tuple(mask.shape)}; it must be a float tensor (1, 1, H, W), "
            "as load_mask returns"
        )
    if not (mask.min() >= 0 and mask.max() <= 1):  # NaN fails, too
        raise ValueError(
            f"{name} goes from {mask.min():g} to {mask.max():g}; its values must lie in [0, 1]"
        )
    if mask.max() == 0:
        raise ValueError(f"{name} is 0 everywhere, so it marks no place; give it some white")


def _check_part(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must lie from 0 to 1")
