"""The checks of lesson 01, Images."""

import torch

from exercises.checking import Wrong, exercise, expect, kind


@exercise
def on_paper(attempt):
    """Exercise 1: a layer with transparency on orange paper.

    One pixel is opaque red, one is transparent with the hidden color blue, and one is
    half-transparent blue."""
    layer = torch.tensor(
        [
            [1.0, 0.0, 0.0],  # red
            [0.0, 0.0, 0.0],  # green
            [0.0, 1.0, 1.0],  # blue
            [1.0, 0.0, 0.5],  # alpha
        ]
    ).view(4, 1, 3)
    paper = torch.tensor([1.0, 0.6, 0.2])
    came = attempt(layer.clone(), paper.clone())
    if not isinstance(came, torch.Tensor) or tuple(came.shape) != (1, 3, 1, 3):
        raise Wrong(
            f"for a layer (4, 1, 3): expected an image (1, 3, 1, 3), got {kind(came)}. Keep the "
            "three color channels, and add the batch axis in front with [None]."
        )
    opaque = came[0, :, 0, 0]
    clear = came[0, :, 0, 1]
    half = came[0, :, 0, 2]
    expect(
        "an opaque red pixel",
        opaque,
        torch.tensor([1.0, 0.0, 0.0]),
        "If alpha is 1, the layer covers the paper. Multiply the layer by alpha and the paper by "
        "1 - alpha.",
    )
    if torch.equal(clear, layer[:3, 0, 1]):
        raise Wrong(
            "a transparent pixel: expected the color of the paper, got the color that is hidden "
            "under it, blue. Perhaps alpha is not used."
        )
    if torch.equal(clear, torch.zeros(3)):
        raise Wrong(
            "a transparent pixel: expected the color of the paper, got black. Perhaps the "
            "paper's part, (1 - alpha) * color, is missing."
        )
    expect("a transparent pixel", clear, paper, "If alpha is 0, only the paper is visible.")
    expect(
        "a half-transparent blue pixel",
        half,
        torch.tensor([0.5, 0.3, 0.6]),
        "Alpha is a share between 0 and 1. Here the result is half the layer's color plus half "
        "the paper's.",
    )


@exercise
def crop_to_ratio(attempt):
    """Exercise 2: the center of an image. Its pixels are numbered, so we see which ones came."""
    # height and width of the image, the ratio, and the rows and columns that must be left
    cases = (
        (4, 7, 1.0, (0, 4), (1, 5)),
        (8, 4, 2.0, (3, 5), (0, 4)),
        (5, 6, 1.2, (0, 5), (0, 6)),
        (6, 4, 0.5, (0, 6), (0, 3)),
        (9, 6, 1.5, (2, 6), (0, 6)),
    )
    for height, width, ratio, rows, columns in cases:
        image = torch.arange(3.0 * height * width).view(1, 3, height, width)
        came = attempt(image.clone(), ratio)
        if not isinstance(came, torch.Tensor) or came.ndim != 4:
            raise Wrong(f"expected a part of the image, a tensor (1, 3, H, W), got {kind(came)}.")
        what = f"{width} wide and {height} high, cut to ratio {ratio:g}"
        new = (rows[1] - rows[0], columns[1] - columns[0])
        found = tuple(came.shape)
        if found[2:] != new and abs(found[2] / found[3] - ratio) < 0.01:
            raise Wrong(
                f"{what}: expected (height, width) {new}, got {found[2:]}. Here height / width is "
                "the ratio, but ratio means width / height."
            )
        if found != (1, 3, *new):
            raise Wrong(
                f"{what}: expected shape {(1, 3, *new)}, got {found}. Cut only the side that is "
                "too long for the ratio. The other side stays whole."
            )
        if not torch.isin(came, image).all():
            raise Wrong(
                f"{what}: the result holds values that are not in the image. Perhaps pixels were "
                "mixed by resizing. Cut with a slice instead."
            )
        expect(
            f"{what}, the pixels",
            came,
            image[:, :, rows[0] : rows[1], columns[0] : columns[1]],
            "The number of pixels is right, but they come from another place. Leave out "
            "(old - new) // 2 rows at the top and (old - new) // 2 columns on the left.",
        )


@exercise
def to_caffe(attempt):
    """Exercise 3: the pixels black, white and pure red. Each one shows another mistake."""
    colors = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    image = colors.view(1, 3, 1, 3)
    given = image.clone()
    came = attempt(given)
    if not torch.equal(given, image):
        raise Wrong(
            "your function changed the image that it was given. Compute a new tensor, without "
            "-=, *= or other operations in place."
        )
    if not isinstance(came, torch.Tensor) or came.shape != image.shape:
        raise Wrong(
            f"expected a tensor {tuple(image.shape)}, got {kind(came)}. Give the mean the shape "
            "(1, 3, 1, 1), so that each channel's own mean is subtracted."
        )
    black = came[0, :, 0, 0]
    white = came[0, :, 0, 1]
    red = came[0, :, 0, 2]
    expect(
        "black",
        black,
        torch.tensor([-103.939, -116.779, -123.68]),
        "For black only minus the mean is left, in the order blue, green, red. The mean is not "
        "scaled.",
        tolerance=1e-4,
    )
    expect(
        "white",
        white,
        torch.tensor([151.061, 138.221, 131.32]),
        "White is 255 in each channel before the mean is subtracted.",
        tolerance=1e-4,
    )
    expect(
        "pure red",
        red,
        torch.tensor([-103.939, -116.779, 131.32]),
        "For Caffe red is the last channel. Reverse the channels with image.flip(1) before you "
        "subtract the mean.",
        tolerance=1e-4,
    )
