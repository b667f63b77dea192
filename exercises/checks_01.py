"""The checks of lesson 01, Images."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from exercises.checking import Wrong, describe, equals, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."

# ------------------------------------------------------------------------------ exercise 1


@exercise
def loader(load):
    """Exercise 1: nine small files of all kinds, compared with a loader of our own."""
    with tempfile.TemporaryDirectory() as name:
        for what, path, size, paper in _files(Path(name)):
            right = _reference(path, size, paper)
            try:
                came = load(path, size, paper)
            except NotImplementedError:
                raise
            except Exception as error:
                raise Wrong(
                    f"{what}: expected an image, got {type(error).__name__}: {error}. Perhaps the "
                    "picture is not converted to RGB before its array is made."
                ) from None
            _expect_an_image(what, came, right)
            if not equals(came.cpu(), right, atol=1e-4):
                raise Wrong(
                    f"{what}: expected {describe(right)}, got {describe(came)}. "
                    f"{_loader_guess(came.cpu(), path, size, paper)}"
                )


def _files(folder):
    """Writes pictures of all kinds; yields what each one is, its path, a size and a paper."""
    orange = (255, 128, 0)
    colored = _picture(36, 24)
    cut_out = colored.copy()
    steps = np.linspace(0, 255, 36).round().astype(np.uint8)
    cut_out.putalpha(Image.fromarray(np.tile(steps, (24, 1))))  # every opacity from 0 to 255
    note = Image.Exif()
    note[0x0112] = 6

    _picture(20, 10).save(folder / "small.png")
    yield "a picture of 20x10, size 40", folder / "small.png", 40, "white"
    colored.save(folder / "wide.png")
    yield "a picture of 36x24, size 16", folder / "wide.png", 16, "white"  # 10.67 rows
    _picture(25, 40).save(folder / "high.png")
    yield "a picture of 25x40, size 30", folder / "high.png", 30, "white"  # 18.75 columns
    colored.save(folder / "phone.png", exif=note)
    yield "a phone's picture", folder / "phone.png", 36, "white"
    cut_out.save(folder / "cut_out.png")
    yield "a cut-out on orange paper", folder / "cut_out.png", 36, orange
    cut_out.convert("LA").save(folder / "gray_cut_out.png")
    yield "a gray cut-out on white paper", folder / "gray_cut_out.png", 18, "white"
    colored.convert("L").save(folder / "gray.png")
    yield "a gray picture", folder / "gray.png", 36, "white"
    colored.quantize(8).save(folder / "palette.png")
    yield "a palette picture", folder / "palette.png", 36, "white"
    colored.convert("CMYK").save(folder / "inks.tif")
    yield "a picture in four inks", folder / "inks.tif", 36, "white"


def _picture(width, height):
    """A picture with fine stripes, in which no two rows or columns are alike."""
    rows = np.arange(height)[:, None]
    columns = np.arange(width)[None, :]
    channels = (37 * columns + 11 * rows, 5 * columns + 9 * rows, 90 * (rows % 3) + columns)
    return Image.fromarray((np.stack(channels, axis=2) % 256).astype(np.uint8))


def _reference(path, size, paper, mistake=""):
    """What the loader must return, or what it returns with one mistake."""
    picture = Image.open(path)
    if mistake != "not upright":
        picture = ImageOps.exif_transpose(picture)
    transparent = picture.has_transparency_data
    if mistake == "only RGBA":
        transparent = picture.mode == "RGBA"
    if transparent and mistake == "reduced first":
        picture = picture.convert("RGBA")
        picture = picture.resize(_new_size(picture.size, size, mistake), Image.Resampling.LANCZOS)
    if transparent and mistake != "no paper":
        layer = picture.convert("RGBA")
        color = {"white paper": "white", "black paper": "black"}.get(mistake, paper)
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, color), layer)
    picture = picture.convert("RGB")
    new_size = _new_size(picture.size, size, mistake)
    if new_size != picture.size:
        filters = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}
        picture = picture.resize(new_size, filters.get(mistake, Image.Resampling.LANCZOS))
    pixels = torch.from_numpy(np.array(picture))
    if mistake == "reshape":
        image = pixels.reshape(1, 3, *pixels.shape[:2])
    else:
        image = pixels.permute(2, 0, 1)[None]
    if mistake == "BGR":
        image = image.flip(1)
    return image.float() / {"256": 256, "not divided": 1}.get(mistake, 255)


def _new_size(given, size, mistake):
    width, height = given
    factor = size / max(given)
    if mistake == "shrinks by the width":
        factor = size / width
    if mistake == "square":
        return (size, size)
    if factor >= 1 and mistake != "enlarges":
        return given
    if mistake == "rounds down":
        return max(1, int(width * factor)), max(1, int(height * factor))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _expect_an_image(what, came, right):
    if came is None:
        raise Wrong(f"{what}: expected a tensor {tuple(right.shape)}, got None. {NO_RETURN}")
    if not isinstance(came, torch.Tensor):
        raise Wrong(
            f"{what}: expected a tensor {tuple(right.shape)}, got {kind(came)}. Perhaps "
            "torch.from_numpy is missing."
        )
    if came.shape == right.shape and came.is_floating_point():
        return
    height, width = right.shape[2:]
    shape = tuple(came.shape)
    if shape == tuple(right.shape):
        guess = "Perhaps .float() is missing; the type is " + str(came.dtype).removeprefix("torch.")
    elif shape == (3, height, width):
        guess = "Perhaps the batch axis is missing; [None] adds it"
    elif shape in ((1, height, width, 3), (height, width, 3)):
        guess = "Perhaps the channels are still last; .permute(2, 0, 1) puts them first"
    elif shape == (1, 3, width, height):
        guess = "Perhaps the picture is not turned upright, or width and height are exchanged"
    elif len(shape) == 4 and shape[2] == shape[3]:
        guess = "Perhaps the picture is forced into a square"
    elif len(shape) == 4 and max(shape[2:]) > max(height, width):
        guess = "Perhaps it is enlarged, or `size` is taken for the width or the short side"
    elif len(shape) == 4 and abs(shape[2] - height) <= 1 and abs(shape[3] - width) <= 1:
        guess = "Perhaps a side is rounded down, or up, and not to the nearest number"
    elif len(shape) == 4 and shape[1] != 3:
        guess = "Perhaps the picture is not converted to RGB"
    else:
        guess = "Perhaps the sizes are wrong: the long side is at most `size`"
    raise Wrong(f"{what}: expected a float tensor {tuple(right.shape)}, got {kind(came)}. {guess}.")


LOADER_GUESSES = {
    "not divided": "Perhaps the values are not divided by 255.",
    "256": "Perhaps you divide by 256. The largest value, 255, must become 1.",
    "reshape": "Perhaps `reshape` was used to put the channels first. It mixes them; `permute` "
    "does not.",
    "BGR": "Perhaps the channels are in the order blue, green, red.",
    "not upright": "Perhaps the EXIF data is not used to turn the picture upright.",
    "only RGBA": "Perhaps only the mode RGBA is laid on paper. Other modes can be transparent.",
    "no paper": "Perhaps the transparent pixels are not laid on paper. convert('RGB') alone drops "
    "alpha.",
    "white paper": "Perhaps the paper is always white. Use the argument `paper`.",
    "black paper": "Perhaps the paper is always black. Use the argument `paper`.",
    "reduced first": "Perhaps the picture was reduced before it was laid on paper.",
    "bicubic": "Perhaps the filter LANCZOS is missing. Without it, Pillow uses BICUBIC.",
    "nearest": "Perhaps another filter than LANCZOS was used, such as NEAREST.",
}


def _loader_guess(came, path, size, paper):
    """A possible cause of an image with wrong values."""
    for mistake, guess in LOADER_GUESSES.items():
        if equals(came, _reference(path, size, paper, mistake), atol=1e-4):
            return guess
    return "Perhaps the array was made before the picture was upright, on paper and in RGB."


# ------------------------------------------------------------------------------ exercise 2


@exercise
def crop_to_ratio(attempt):
    """Exercise 2: the center of an image. Its pixels are numbered, so we see which ones came."""
    # height and width of the image, the ratio, and the rows and columns that must be left
    cases = (
        (4, 7, 1.0, (0, 4), (1, 5)),
        (4, 12, 2.0, (0, 4), (2, 10)),  # wider than a ratio above 1
        (8, 4, 2.0, (3, 5), (0, 4)),
        (5, 6, 1.2, (0, 5), (0, 6)),
        (6, 4, 0.5, (0, 6), (0, 3)),
        (9, 6, 1.5, (2, 6), (0, 6)),
        (12, 4, 0.5, (2, 10), (0, 4)),  # narrower than a ratio below 1
        (5, 9, 1.33, (0, 5), (1, 8)),  # 6.65 columns
        (5, 9, 1.25, (0, 5), (1, 7)),  # 6.25 columns
    )
    for height, width, ratio, rows, columns in cases:
        image = torch.arange(3.0 * height * width).view(1, 3, height, width)
        given = image.clone()
        came = attempt(given, ratio)
        what = f"an image with {height} rows and {width} columns, ratio {ratio:g}"
        if not torch.equal(given, image):
            raise Wrong(f"{what}: your function changed the image that it was given.")
        if came is None:
            raise Wrong(f"{what}: expected a part of the image, got None. {NO_RETURN}")
        if not isinstance(came, torch.Tensor) or came.ndim != 4:
            raise Wrong(
                f"{what}: expected a tensor (1, 3, H, W), got {kind(came)}. Perhaps an axis was "
                "dropped, or a size was returned in place of the part."
            )
        right = image[:, :, rows[0] : rows[1], columns[0] : columns[1]]
        if not equals(came, right):
            raise Wrong(f"{what}: {_crop_guess(came, image, right, ratio, rows, columns)}")


def _crop_guess(came, image, right, ratio, rows, columns):
    """What was expected, what came, and a possible cause."""
    new = tuple(right.shape[2:])
    found = tuple(came.shape[2:])
    if found != new:
        text = f"expected (rows, columns) {new}, got {found}. "
        exact = image.shape[2] * ratio  # the columns that belong to all rows
        if 0 in found:
            return text + "Perhaps height and width are exchanged in the slice."
        if found == tuple(image.shape[2:]):
            return text + _nothing_cut(image, ratio)
        if abs(found[0] / found[1] - ratio) < 0.01 and ratio != 1:
            return text + "Perhaps the ratio is taken as height / width. It is width / height."
        if found[0] == new[0] and abs(found[1] - exact) < 1:
            way = "down" if found[1] < exact else "up"
            return text + f"Perhaps a side is rounded {way}, and not to the nearest number."
        if min(found) < min(new):
            return text + "Perhaps both sides were cut, or the wrong one. Keep one side whole."
        return text + "Perhaps this ratio needs the other side to be cut."
    if came.shape != right.shape:
        return f"expected shape {tuple(right.shape)}, got {tuple(came.shape)}. Keep all channels."
    if not torch.isin(came, image).all():
        return (
            f"expected the pixels of the image, got other values, such as {came.flatten()[0]:g}. "
            "Perhaps the image was resized. Cut it with a slice."
        )
    width = image.shape[3]
    first = int(came[0, 0, 0, 0].item())
    top = first // width
    left = first % width
    text = f"expected the rows from {rows[0]} and the columns from {columns[0]}, got those from "
    text += f"{top} and {left}. "
    if top == left == 0:
        return text + "Perhaps the part begins in the corner and not in the center."
    if top - rows[0] + left - columns[0] == 1:
        return text + "Perhaps the larger margin comes first. Use (old - new) // 2."
    return text + "Leave out (old - new) // 2 rows above and (old - new) // 2 columns on the left."


def _nothing_cut(image, ratio):
    wider = image.shape[3] / image.shape[2] > ratio
    side = "columns" if wider else "rows"
    if wider == (ratio > 1):
        return (
            "Perhaps the side to cut depends on the ratio alone. Compare the ratio with width / "
            "height of the image."
        )
    return f"Perhaps the {side} are never cut."


# ------------------------------------------------------------------------------ exercise 3

CAFFE = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)  # of blue, green and red
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

# A likely mistake, and what it makes of an image.
CAFFE_GUESSES = {
    "Perhaps the channels are still in the order red, green, blue. Use image.flip(1).": (
        lambda image: 255 * image - CAFFE
    ),
    "Perhaps the mean was subtracted before the channels were reversed.": (
        lambda image: (255 * image - CAFFE).flip(1)
    ),
    "Perhaps the order of the means was reversed and that of the channels was not.": (
        lambda image: 255 * image - CAFFE.flip(1)
    ),
    "Perhaps the values are not multiplied by 255.": lambda image: image.flip(1) - CAFFE,
    "Perhaps the mean was divided by 255, but the values were multiplied.": (
        lambda image: 255 * image.flip(1) - CAFFE / 255
    ),
    "Perhaps the mean was multiplied by 255, too.": lambda image: 255 * (image.flip(1) - CAFFE),
    "Perhaps the mean is not subtracted.": lambda image: 255 * image.flip(1),
    "Perhaps the columns were reversed. The channels are axis 1, so use flip(1).": (
        lambda image: 255 * image.flip(3) - CAFFE
    ),
    "Perhaps the rows were reversed. The channels are axis 1, so use flip(1).": (
        lambda image: 255 * image.flip(2) - CAFFE
    ),
    "Perhaps the mean needs .view(1, 3, 1, 1). Without it, each column gets a mean of its own.": (
        lambda image: 255 * image.flip(1) - CAFFE.flatten()
    ),
    "Perhaps the values were rounded. They stay floats.": (
        lambda image: (255 * image.flip(1)).round() - CAFFE
    ),
    "Perhaps the fraction was dropped, for example by .byte(). The values stay floats.": (
        lambda image: (255 * image.flip(1)).floor() - CAFFE
    ),
    "Perhaps you divided by a standard deviation. Caffe's rules have none.": (
        lambda image: (255 * image.flip(1) - CAFFE) / STD
    ),
    "Perhaps you used the normalization of the lesson. Caffe's rules are others.": (
        lambda image: (image - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / STD
    ),
}


@exercise
def to_caffe(attempt):
    """Exercise 3: black, white, the three pure colors and a color in between, in two rows."""
    red = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.303]])
    green = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.507]])
    blue = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.709]])
    image = torch.stack([red, green, blue])[None]  # (1, 3, 2, 3)
    given = image.clone()
    came = attempt(given)
    if not torch.equal(given, image):
        raise Wrong(
            "your function changed the image that it was given. Perhaps it has -=, *= or another "
            "operation in place. Compute a new tensor."
        )
    if came is None:
        raise Wrong(f"expected a tensor {tuple(image.shape)}, got None. {NO_RETURN}")
    if not isinstance(came, torch.Tensor) or came.shape != image.shape:
        raise Wrong(
            f"expected a tensor {tuple(image.shape)}, got {kind(came)}. Perhaps the mean does not "
            "have the shape (1, 3, 1, 1)."
        )
    guess = "Reverse the channels, multiply by 255, and subtract the mean of each channel."
    for words, mistake in CAFFE_GUESSES.items():
        if equals(came.float(), mistake(image), atol=1e-3):
            guess = words
    # the pixels by hand: 255 - 123.68 = 131.32 and so on
    pixels = (
        ("black", (0, 0), [-103.939, -116.779, -123.68]),
        ("white", (0, 1), [151.061, 138.221, 131.32]),
        ("pure red", (0, 2), [-103.939, -116.779, 131.32]),
        ("pure green", (1, 0), [-103.939, 138.221, -123.68]),
        ("pure blue", (1, 1), [151.061, -116.779, -123.68]),
        ("(0.303, 0.507, 0.709)", (1, 2), [76.856, 12.506, -46.415]),
    )
    for name, (row, column), right in pixels:
        expect(
            name,
            came[0, :, row, column],
            torch.tensor(right),
            f"The order is blue, green, red. {guess}",
            tolerance=1e-4,
        )
