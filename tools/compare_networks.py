"""Draws what VGG-19 and the pocket network make from the same noise, as one figure with numbers.

    python -m tools.compare_networks --teacher TEACHER

TEACHER is "torchvision" for ImageNet's weights, which are downloaded once, or a folder with the
two files that `tools.teachers` reads. Three networks grow a texture of the painting and a
reconstruction of the photograph, at three depths each: VGG-19, pocket, and VGG-19 with random
weights as a control. VGG-19 then measures every picture. The number under a picture is its loss in
VGG-19, as a share of the loss of the noise in which all pictures begin. The layers end at relu3_4,
the deepest that a folder has of VGG-19 itself.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

import helpers as nst
from style_transfer.losses import Objective
from style_transfer.settings import PICTURE_SUFFIXES
from tools.teachers import DEVICE, Features, Teacher, filter_scales, load_teacher

TEXTURES = (("relu1_1",), ("relu1_1", "relu2_1"), ("relu1_1", "relu2_1", "relu3_1"))
DEPTHS = ("relu2_1", "relu3_1", "relu3_4")
MEASURED = ("relu1_1", "relu2_1", "relu3_1", "relu3_4")
QUALITY = 80  # of the figure as JPEG; with noise in it, a better quality makes a large file

# ------------------------------------------------------------------------------ networks


class ScaledTeacher:
    """A teacher with the form of `nst.VGG19`: called with (image, layers), it returns features.

    Each filter is divided by its mean activation over the bundled photographs, as in `nst.VGG19`.
    """

    def __init__(self, teach: Teacher):
        self.teach = teach
        self.scales = filter_scales(teach, MEASURED)
        self.device = DEVICE

    def __call__(self, image: Tensor, layers: Iterable[str]) -> Features:
        features = self.teach(image)
        return {name: features[name] / self.scales[name] for name in layers}


# ------------------------------------------------------------------------------ pictures


def objectives(network, photo: Tensor, painting: Tensor) -> dict[str, Objective]:
    """The six objectives, by a label for a reader: three textures, then three reconstructions."""
    found = {}
    for layers in TEXTURES:
        found[f"texture, {' + '.join(layers)}"] = nst.texture(network, painting, layers)
    for layer in DEPTHS:
        found[f"content, {layer}"] = nst.reconstruction(network, photo, layer)
    return found


def grow(network, photo: Tensor, painting: Tensor, evaluations: int) -> dict[str, Tensor]:
    """The six pictures that a network makes from noise, by label; all begin in the same noise."""
    start = noise(photo)
    pictures = {}
    for label, objective in objectives(network, photo, painting).items():
        # Adam, because L-BFGS without a line search does not leave the noise in some of these runs.
        *_, last = nst.optimize(start, objective, evaluations=evaluations, lr=0.05)
        pictures[label] = last.image
    return pictures


def noise(photo: Tensor) -> Tensor:
    """The noise in which all pictures begin, of the photograph's size."""
    return nst.noise_like(photo, nst.seed(0))


@torch.no_grad()
def shares(judge, pictures: dict[str, Tensor], photo: Tensor, painting: Tensor) -> dict[str, float]:
    """The loss of each picture in the network `judge`, divided by the loss of the noise."""
    start = noise(photo)
    found = {}
    for label, objective in objectives(judge, photo, painting).items():
        loss = sum(objective(pictures[label]).values())
        found[label] = (loss / sum(objective(start).values())).item()
    return found


# ------------------------------------------------------------------------------ figure

Rows = dict[str, tuple[dict[str, Tensor], dict[str, float]]]  # network: its pictures and shares


def draw(rows: Rows, photo: Tensor, painting: Tensor, path: Path) -> None:
    """Writes the figure: one row per network, first three for textures, then three for content."""
    height, width = photo.shape[-2:]
    size = (11, (11 / 4 * height / width + 0.32) * 2 * len(rows))
    figure, axes = plt.subplots(2 * len(rows), 4, figsize=size, dpi=80)
    for axis in axes.flat:
        axis.axis("off")
    panel(axes[0, 0], painting, "painting")
    panel(axes[1, 0], noise(photo), "the start of all pictures")
    panel(axes[len(rows), 0], photo, "photograph")
    for place, (network, (pictures, measured)) in enumerate(rows.items()):
        for number, (label, picture) in enumerate(pictures.items()):
            block, column = divmod(number, 3)
            title = f"grown with {network}: {percent(measured[label])}"
            if place == 0:
                title = f"{label}\n{title}"
            panel(axes[block * len(rows) + place, column + 1], picture, title)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, pil_kwargs={"quality": QUALITY} if path.suffix != ".png" else {})
    plt.close(figure)


def panel(axis: Axes, image: Tensor, title: str) -> None:
    axis.imshow(nst.to_pil(image))
    axis.set_title(title, fontsize=9)


def percent(share: float) -> str:
    """A share as a percentage with two significant digits, for example 0.37 %, 41 % or 120 %."""
    if share >= 1:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %"


def print_table(rows: Rows) -> None:
    print(f"{'loss in VGG-19, as a share of the noise':40}", *(f"{name:>16}" for name in rows))
    for label in next(iter(rows.values()))[1]:
        values = (f"{percent(measured[label]):>16}" for _, measured in rows.values())
        print(f"{label:40}", *values)


# ------------------------------------------------------------------------------ command line


def compare(teach: Teacher, photo: Tensor, painting: Tensor, evaluations: int) -> Rows:
    """Lets the three networks make their pictures, and VGG-19 measure them."""
    vgg = ScaledTeacher(teach)
    networks = {
        "VGG-19": vgg,
        "pocket": nst.VGG19("pocket").to(DEVICE),
        "random weights": nst.VGG19("random").to(DEVICE),
    }
    rows = {}
    for name, network in networks.items():
        pictures = grow(network, photo, painting, evaluations)
        rows[name] = pictures, shares(vgg, pictures, photo, painting)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.compare_networks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--teacher", required=True, help='"torchvision", or a folder with the two teacher files')
    add("--photo", default="china", help="name or file of the photograph (%(default)s)")
    add("--painting", default="starry_night", help="name or file of the painting (%(default)s)")
    add("--size", type=int, default=160, help="long side of the pictures (%(default)s)")
    add("--evaluations", type=int, default=200, help="for each picture (%(default)s)")
    add("--out", type=Path, default="outputs/pocket_evidence.jpg", help="file (%(default)s)")
    options = parser.parse_args()
    if options.out.suffix not in PICTURE_SUFFIXES:
        parser.error(f"--out is {options.out}; its name must end in .jpg or .png")
    try:
        photo, painting = (
            nst.load_image(name, options.size).to(DEVICE)
            for name in (options.photo, options.painting)
        )
        rows = compare(load_teacher(options.teacher), photo, painting, options.evaluations)
        draw(rows, photo, painting, options.out)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print_table(rows)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
