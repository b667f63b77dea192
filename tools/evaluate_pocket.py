"""Measures a pocket network; the model card, assets/pocket_vgg19/README.md, has its figures.

    python -m tools.evaluate_pocket --photos PHOTOS --held-out OTHERS --teacher TEACHER

1. Explained variance. For each layer, the best linear map (1x1, with a constant) from the network's
   features to the teacher's is fitted on 40 photographs of PHOTOS and tested on all of OTHERS. The
   figure is 1 - squared error / variance, over all channels.
2. Style loss. Pictures are optimized with the pocket network and with random weights. Both are
   measured with the teacher's style loss at relu1_1, relu2_1 and relu3_1, with each filter of the
   teacher scaled to a mean activation of 1. The teacher takes no part in the optimization. A loss
   far below that of random weights means that the network can stand in for the teacher.

TEACHER is "torchvision" or a folder, as in `tools.train_pocket`.
"""

import argparse
from collections.abc import Callable, Iterator

import torch
from PIL import Image
from torch import Tensor

import helpers as nst
from tools.teachers import (
    DEVICE,
    RELUS,
    Teacher,
    filter_scales,
    linear_maps,
    load_teacher,
    read_folder,
    rows,
    with_ones,
)

FITTED_ON = 40  # photographs
MEASURED = ("relu1_1", "relu2_1", "relu3_1")
PAIRS = (
    ("china", "starry_night"),
    ("chelsea", "hokusai_great_wave"),
    ("coffee", "van_gogh_village_street_in_auvers"),
    ("astronaut", "kandinsky_composition_viii"),
)

# ------------------------------------------------------------------------------ explained variance


@torch.no_grad()
def explained_variance(
    vgg: nst.VGG19, teach: Teacher, photos: list[Image.Image], held_out: list[Image.Image]
) -> dict[str, float]:
    """Explained variance on `held_out` of the maps fitted on `photos`, for each layer."""
    maps = linear_maps(feature_pairs(vgg, teach, photos), 1e-8)
    error = dict.fromkeys(RELUS, 0.0)
    total = dict.fromkeys(RELUS, 0.0)
    squares = dict.fromkeys(RELUS, 0.0)
    count = dict.fromkeys(RELUS, 0)
    for name, x, y in feature_pairs(vgg, teach, held_out):
        error[name] += (y - x @ maps[name]).square().sum()
        total[name] += y.sum(0)
        squares[name] += y.square().sum(0)
        count[name] += len(y)
    explained = {}
    for name in RELUS:
        variance = squares[name] - total[name] ** 2 / count[name]  # one per channel, times count
        explained[name] = 1 - (error[name] / variance.sum()).item()
    return explained


def feature_pairs(
    vgg: nst.VGG19, teach: Teacher, pictures: list[Image.Image]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(layer, features of the network with a column of ones, features of the teacher), as rows."""
    for picture in pictures:
        image = nst.from_pil(picture).to(DEVICE)
        ours = vgg(image, RELUS)
        theirs = teach(image)
        for name in RELUS:
            yield name, with_ones(rows(ours[name])), rows(theirs[name])


# ------------------------------------------------------------------------------ style loss


def teacher_style_loss(teach: Teacher) -> Callable[[Tensor, Tensor], dict[str, float]]:
    """A function (image, painting) -> the teacher's style loss E_l for each layer of MEASURED."""
    scales = filter_scales(teach, MEASURED)

    @torch.no_grad()
    def style_loss(image: Tensor, painting: Tensor) -> dict[str, float]:
        ours = teach(image)
        theirs = teach(painting)
        losses = {}
        for name in MEASURED:
            gram = nst.gram_matrix(ours[name] / scales[name])
            target = nst.gram_matrix(theirs[name] / scales[name])
            losses[name] = nst.gram_loss(gram, target).item()
        return losses

    return style_loss


def mean_loss(losses: dict[str, float]) -> float:
    return sum(losses.values()) / len(losses)


# ------------------------------------------------------------------------------ the two tables


def print_explained_variance(vgg: nst.VGG19, teach: Teacher, options) -> None:
    photos = read_folder(options.photos)[:FITTED_ON]
    held_out = read_folder(options.held_out)
    print(f"explained variance on {len(held_out)} pictures of {options.held_out}")
    for name, value in explained_variance(vgg, teach, photos, held_out).items():
        print(f"  {name}  {value:.4f}", flush=True)


def print_style_losses(vgg: nst.VGG19, teach: Teacher, options) -> None:
    print(
        f"the teacher's style loss after {options.steps} evaluations at {options.size} px, "
        "of pictures optimized with this network and with random weights"
    )
    print(f"  {'':52}{'start':>9}{'this':>10}{'random':>9}{'ratio':>8}   ratio by layer")
    style_loss = teacher_style_loss(teach)
    random = nst.VGG19("random").to(DEVICE)
    for names in PAIRS:
        photo, painting = (nst.load_image(name, options.size).to(DEVICE) for name in names)
        start = style_loss(nst.recolor(photo, like=painting), painting)
        losses = []
        for network in (vgg, random):
            *_, last = nst.stylize(photo, painting, vgg=network, evaluations=options.steps)
            losses.append(style_loss(last.image, painting))
        print(style_row(" + ".join(names), start, *losses), flush=True)


def style_row(
    pair: str, start: dict[str, float], this: dict[str, float], random: dict[str, float]
) -> str:
    ratio = mean_loss(this) / mean_loss(random)
    by_layer = "  ".join(f"{name} {this[name] / random[name]:.2f}" for name in MEASURED)
    losses = f"{mean_loss(start):9.3f}{mean_loss(this):10.3f}{mean_loss(random):9.3f}"
    return f"  {pair:52}{losses}{ratio:8.2f}   {by_layer}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate_pocket",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--photos", required=True, help="folder of photographs to fit the linear maps on")
    add("--held-out", required=True, help="folder of photographs that training never saw")
    add("--teacher", required=True, help='"torchvision", or a folder with the two teacher files')
    add("--network", default="pocket", help="pocket, or a file of weights (%(default)s)")
    add("--size", type=int, default=160, help="long side of the pictures of part 2 (%(default)s)")
    add("--steps", type=int, default=150, help="evaluations of part 2 (%(default)s)")
    options = parser.parse_args()
    try:
        teach = load_teacher(options.teacher)
        vgg = nst.VGG19(options.network).to(DEVICE)
        print_explained_variance(vgg, teach, options)
        print_style_losses(vgg, teach, options)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
