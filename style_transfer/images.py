"""Images: picture file <-> tensor, another size, other colors, noise, a look.

An image is a float32 tensor (1, 3, H, W), RGB in [0, 1]. It is so everywhere except inside the
network, which normalizes its input itself.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from style_transfer.display import JPEG_QUALITY, show_figure
from style_transfer.files import read_picture, write_atomic
from style_transfer.settings import ASSETS, LESSON_SIZE, PICTURE_SUFFIXES, check_seed

# ------------------------------------------------------------------------------ seeds and devices


def seed(value: int = 0) -> torch.Generator:
    """Seeds torch's global generator and returns a new generator with the same seed.

    The same seed gives the same picture on the same machine. Raises: ValueError for what is no
    whole number from 0 to 2**63 - 1. Built in: 01_images.
    """
    check_seed(value)
    torch.manual_seed(value)
    return torch.Generator().manual_seed(value)


def device() -> torch.device:
    """The fastest device that torch finds: an NVIDIA GPU, an Apple GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_named(name: str) -> torch.device:
    """The device of this name, such as "cpu", "cuda", "cuda:0" or "mps"; "auto" is the fastest.

    Raises: ValueError if torch does not find it.
    """
    if name == "auto":
        return device()
    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    if name not in found:
        raise ValueError(
            f"there is no device {name!r}; torch finds {', '.join(found)}, and auto is the fastest"
        )
    return torch.device(name)


# ------------------------------------------------------------------------------ file -> tensor


def bundled() -> dict[str, str]:
    """The pictures that come with the project: their names, and the paths of their files."""
    return {path.stem: str(path) for path in sorted(ASSETS.glob("*.jpg"))}


def fit(height: int, width: int, size: int) -> tuple[int, int]:
    """(height, width) scaled so that the long side is `size`; no side becomes less than 1 pixel."""
    long_side = max(height, width)
    return max(1, round(height * size / long_side)), max(1, round(width * size / long_side))


def load_image(picture, size: int | None = LESSON_SIZE) -> Tensor:
    """Loads a picture as an image (1, 3, H, W) on the fastest device.

    The long side has at most `size` pixels. `picture` is the name of a bundled picture, such as
    "china", or the path of a file. The aspect ratio is kept and nothing is enlarged; `size=None`
    keeps the size of the file. EXIF rotation is applied, transparent pixels are laid on white,
    and gray, palette, CMYK and 16-bit pictures become RGB. Of an animation, the first frame is
    taken.

    Raises: FileNotFoundError or ValueError, which name the file and say what to do.
    Built in: 01_images.
    """
    whole = isinstance(size, int) and not isinstance(size, bool)
    if size is not None and (not whole or size < 1):
        raise ValueError(
            f"size is {size!r}; it must be a whole number of pixels, 1 or more, "
            "or None to keep the picture's own size"
        )
    pixels = read_picture(bundled().get(str(picture), picture))
    if size is not None and max(pixels.size) > size:
        height, width = fit(pixels.height, pixels.width, size)
        pixels = pixels.resize((width, height), Image.Resampling.LANCZOS)
    return from_pil(pixels).to(device())


def from_pil(picture: Image.Image) -> Tensor:
    """Converts a Pillow picture in RGB to an image (1, 3, H, W) on the CPU. Built in: 01_images."""
    pixels = torch.from_numpy(np.array(picture))  # (H, W, 3), whole numbers from 0 to 255
    channels_first = pixels.permute(2, 0, 1)  # (3, H, W)
    return from_bytes(channels_first[None])


def from_bytes(pixels: Tensor) -> Tensor:
    """Whole numbers from 0 to 255 as floats in [0, 1]."""
    return pixels.float() / 255


# ------------------------------------------------------------------------------ tensor -> file


def to_pil(image: Tensor) -> Image.Image:
    """Converts an image (1, 3, H, W) to a Pillow picture, clipped to [0, 1] and rounded to 8 bits.

    A picture that was loaded comes back exactly as it was.
    Raises: ValueError if the image has another shape or holds NaN or infinity.
    Built in: 01_images.
    """
    check_image(image)
    if len(image) != 1:
        raise ValueError(
            f"image holds a batch of {len(image)}; show or save one at a time: image[0:1]"
        )
    if not torch.isfinite(image).all():
        raise ValueError(
            "image holds NaN or infinity, so there is nothing to show; "
            "the run that made it diverged: lower lr"
        )
    pixels = to_bytes(image)[0]  # (3, H, W)
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def to_bytes(image: Tensor) -> Tensor:
    """An image, clipped to [0, 1], as whole numbers from 0 to 255: a quarter of the memory."""
    return (image.detach().clamp(0, 1) * 255).round().byte()


def save_image(image: Tensor, path) -> None:
    """Writes an image (1, 3, H, W) as a .png or .jpg file, and makes missing folders.

    A write that fails leaves an older file as it was.
    Raises: as `to_pil`; ValueError for another suffix; OSError if the file cannot be written.
    Built in: 01_images.
    """
    picture = to_pil(image)
    write_atomic(path, PICTURE_SUFFIXES, lambda part: picture.save(part, quality=JPEG_QUALITY))


# ------------------------------------------------------------------------------ image -> image


def noise_like(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Makes gray noise of an image's shape: 0.5 + 0.1 times a standard normal, clipped to [0, 1].

    The numbers are drawn on the CPU, so a seed gives the same noise on every device.
    Built in: 03_content.
    """
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    return (0.5 + 0.1 * noise).clamp(0, 1)


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Scales an image to a new long side `size`, or to (height, width); antialiased, in [0, 1].

    Raises: ValueError if a side would be less than 1 pixel.
    Built in: 08_runs.
    """
    if isinstance(size, int):
        if size < 1:
            raise ValueError(f"size is {size}; the long side must be 1 pixel or more")
        size = fit(*image.shape[-2:], size)
    if min(size) < 1:
        raise ValueError(f"size is {size}; both sides must be 1 pixel or more")
    return interpolate(image, size).clamp(0, 1)


def interpolate(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Scales (B, C, H, W) to (height, width), bilinear and antialiased; values may be negative."""
    return F.interpolate(values, size, mode="bilinear", antialias=True, align_corners=False)


# Luminance as a weighted sum of red, green and blue, as JPEG defines it (ITU-R BT.601).
LUMINANCE = (0.299, 0.587, 0.114)


def luminance(image: Tensor) -> Tensor:
    """The luminance of an image as a gray image (1, 3, H, W): 0.299 R + 0.587 G + 0.114 B.

    Source: ITU-R BT.601. Built in: 10_control.
    """
    check_image(image)
    weights = image.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True).expand_as(image)


def with_colors(image: Tensor, like: Tensor) -> Tensor:
    """Gives each pixel of an image the color of the same pixel of another; its luminance stays.

    To each RGB value, the difference of the two luminances is added. The result is clipped to
    [0, 1], which changes the luminance of very bright and very dark colors. Source: Gatys, Bethge,
    Hertzmann, Shechtman, "Preserving Color in Neural Artistic Style Transfer" (arXiv:1606.05897),
    section 3.2. Built in: 10_control. Raises: ValueError if the sizes differ.
    """
    check_image(image)
    check_image(like)
    if image.shape != like.shape:
        raise ValueError(
            f"image is {tuple(image.shape)} and like {tuple(like.shape)}; colors go from pixel to "
            "pixel: give both the same size with resize"
        )
    return (like + luminance(image) - luminance(like)).clamp(0, 1)


def recolor(image: Tensor, like: Tensor) -> Tensor:
    """Gives an image the mean and the covariance of another image's RGB values, clipped to [0, 1].

    One linear map serves all pixels. With a pixel x, the means mu and the covariances S, it is
    x -> S_like^(1/2) S_image^(-1/2) (x - mu_image) + mu_like. A direction in which the image has no
    color at all, as in a gray picture, gets none.

    Source: Gatys, Bethge, Hertzmann, Shechtman, "Preserving Color in Neural Artistic Style
    Transfer" (arXiv:1606.05897), section 3.1. Built in: 08_runs.
    """
    check_image(image)
    check_image(like)
    pixels, mean, covariance = _color_statistics(image)
    _, mean_like, covariance_like = _color_statistics(like)
    linear = _power(covariance_like, 0.5) @ _power(covariance, -0.5)
    recolored = linear @ (pixels - mean) + mean_like
    return recolored.reshape(image.shape[1:])[None].clamp(0, 1).to(image)


def _color_statistics(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (3, H*W), their mean (3, 1) and covariance (3, 3), in float64 on the CPU."""
    pixels = image.detach().cpu().double()[0].flatten(1)
    if not torch.isfinite(pixels).all():
        raise ValueError("image holds NaN or infinity, so it has no colors; load it again")
    mean = pixels.mean(1, keepdim=True)
    covariance = (pixels - mean) @ (pixels - mean).T / pixels.shape[1]
    return pixels, mean, covariance


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """Raises a symmetric matrix to a power; eigenvalues of zero, up to rounding, stay zero."""
    values, vectors = torch.linalg.eigh(covariance)
    powers = torch.where(values > 1e-7, values.clamp(min=1e-7) ** exponent, 0.0)
    return vectors @ torch.diag(powers) @ vectors.T


# ------------------------------------------------------------------------------ a look


def show(
    pictures: dict[str, Tensor] | None = None,
    *,
    columns: int | None = None,
    alt: str | None = None,
    **named: Tensor,
) -> None:
    """Shows images side by side, each under its name: `show(photo=photo, painting=painting)`.

    A dict of label to image serves labels that are no Python names. `columns` starts a new row
    after so many images. Built in: 01_images.
    """
    images = {**(pictures or {}), **{name.replace("_", " "): named[name] for name in named}}
    if not images:
        raise ValueError("there is nothing to show; name the images: show(photo=photo)")
    pictures = {label: to_pil(image) for label, image in images.items()}
    columns = min(columns or len(pictures), len(pictures))
    rows = -(-len(pictures) // columns)  # rounded up

    # Each column is as wide as its widest picture, each row as high as the figure's width allows.
    ratios = [picture.width / picture.height for picture in pictures.values()]
    widths = [max(ratios[column::columns]) for column in range(columns)]
    width = min(3 * sum(widths), 12)  # inches; pictures are 3 inches high, or less in a long row
    lines = max(label.count("\n") + 1 for label in pictures)
    height = width / sum(widths) + 0.1 + 0.2 * lines
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, rows * height),
        dpi=80,
        width_ratios=widths,
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, (label, picture) in zip(axes.flat, pictures.items(), strict=False):
        axis.imshow(picture)
        axis.set_title(label)
    show_figure(figure, alt or f"pictures side by side: {', '.join(pictures)}")


def side_by_side(*images: Tensor) -> Tensor:
    """Joins images in a row, all scaled to the height of the last one, and returns one image."""
    height = images[-1].shape[2]
    row = []
    for image in images:
        width = round(image.shape[3] * height / image.shape[2])
        row.append(resize(image.to(images[-1]), (height, width)))
    return torch.cat(row, dim=3)


def same_proportions(one: Tensor, other: Tensor) -> bool:
    """Whether two pictures (B, C, H, W) have the same ratio of height and width, up to rounding."""
    height, width = one.shape[-2:]
    rows, columns = other.shape[-2:]
    # A picture that is made smaller is rounded to whole pixels, so its proportions change a little.
    tolerance = 0.02 + 1 / min(rows, columns, height, width)
    return abs(rows * width / (columns * height) - 1) <= tolerance


def check_image(image: Tensor) -> None:
    """Raises ValueError unless `image` is a float tensor (B, 3, H, W)."""
    if not isinstance(image, Tensor):
        found = type(image).__name__
    elif not image.is_floating_point() or image.ndim != 4 or image.shape[1] != 3:
        found = f"{image.dtype} {tuple(image.shape)}"
    else:
        return
    raise ValueError(
        f"image is {found}; it must be a float tensor (1, 3, H, W) with RGB in [0, 1], "
        "as load_image returns"
    )
