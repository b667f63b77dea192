"""Trains the decoder of the pocket network, which `style_transfer/one_pass.py` uses.

    python -m tools.train_decoder --photos PHOTOS --paintings PAINTINGS

Each step takes a few crops of photographs and a style for each. It paints the crops in one pass,
measures the pictures by the objective of `losses.transfer`, with its default weights, and moves the
decoder so that the logarithm of the loss becomes smaller. The logarithm keeps hard pairs from
ruling the gradient. The encoder, which is the pocket network, is not changed.

PHOTOS and PAINTINGS are folders of pictures. `--without` names paintings that stay unseen, by the
stems of their files. Paintings are few, so their crops vary in scale and in color, some consist of
two pictures, and a quarter of the styles are photographs. Some crops get their own photograph as
the style, so that a strength of 0 gives the photograph.

The file is written to outputs/. To put it in the place of the decoder that the lessons use, copy
it to assets/pocket_decoder.pt and change DECODER_SHA256 in style_transfer/one_pass.py. The model
card is assets/pocket_decoder/README.md, and `benchmarks.one_pass` measures its figures.
"""

import argparse
import copy
import math
import time

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from style_transfer.features import VGG19, ready_network
from style_transfer.files import prepare_output
from style_transfer.images import from_pil, recolor
from style_transfer.losses import transfer
from style_transfer.one_pass import (
    Decoder,
    all_statistics,
    encode,
    load_decoder,
    new_decoder,
)
from style_transfer.settings import OUTPUTS
from tools.teachers import DEVICE, read_folder
from tools.weight_files import write_weights

# The last quarter of a run uses one crop of twice the side. Then the Gram matrices are means over
# as many positions as in a finished picture.
LARGE_FROM = 0.75  # of the time
CROPS = (2, 128)  # number and side in pixels
CROPS_LARGE = (1, 256)

WARM_UP = 100  # steps over which the learning rate rises from 0
SLOW = 0.998  # the file holds a running mean of the weights over about 1 / (1 - SLOW) steps

# ------------------------------------------------------------------------------ crops


class Crops:
    """An endless supply of pairs: a crop of a photograph, and a style."""

    def __init__(self, photos, paintings, without: list[str], rng: np.random.Generator):
        self.photos = read_folder(photos)
        self.paintings = read_folder(paintings, without)
        self.rng = rng

    def pair(self, size: int) -> tuple[Tensor, Tensor]:
        """A photograph and a style, each (1, 3, size, size)."""
        photo = self._crop(self.photos, size, 1.0)
        painting = photo if self.rng.random() < 0.08 else self._style(size)
        return photo.to(DEVICE), painting.to(DEVICE)

    def _style(self, size: int) -> Tensor:
        rng = self.rng
        style = self._crop(self.photos if rng.random() < 0.25 else self.paintings, size, 0.8)
        if rng.random() < 0.25:
            style = style.transpose(2, 3)
        if rng.random() < 0.3:
            palette = self.paintings if rng.random() < 0.5 else self.photos
            style = recolor(style, like=self._crop(palette, 64, 1.0))
        if rng.random() < 0.3:
            style = self._other_colors(style)
        if rng.random() < 0.2:  # the statistics are those of two pictures together
            other = self._crop(self.paintings, size, 0.8)
            cut = int(rng.uniform(0.2, 0.8) * size)
            style = torch.cat([style[..., :cut], other[..., cut:]], dim=3)
        return style

    def _other_colors(self, style: Tensor) -> Tensor:
        """Exchanges and mixes the colors, and changes the contrast."""
        rng = self.rng
        mixture = np.eye(3)[rng.permutation(3)] + rng.normal(0, 0.15, (3, 3))
        mixture = torch.from_numpy(mixture * rng.uniform(0.7, 1.3)).float()
        return (torch.einsum("kc,bchw->bkhw", mixture, style - 0.5) + 0.5).clamp(0, 1)

    def _crop(self, pictures: list[Image.Image], size: int, least: float) -> Tensor:
        """One crop (1, 3, size, size), mirrored in half of the cases.

        Its side in the picture is at least `least` times `size`, and at most the whole short side.
        """
        rng = self.rng
        picture = pictures[rng.integers(len(pictures))]
        short = min(picture.size)
        smallest = min(least * size, short)
        side = int(np.exp(rng.uniform(np.log(smallest), np.log(short))))
        top = int(rng.integers(picture.height - side + 1))
        left = int(rng.integers(picture.width - side + 1))
        box = (left, top, left + side, top + side)
        crop = from_pil(picture.resize((size, size), Image.Resampling.BILINEAR, box))
        return crop.flip(3) if rng.random() < 0.5 else crop


# ------------------------------------------------------------------------------ training


def train(options: argparse.Namespace) -> None:
    """Trains a decoder for `options.minutes` and writes it to `options.out`."""
    prepare_output(options.out, (".pt",))  # before the work, not after it
    torch.manual_seed(options.seed)
    vgg = ready_network(where=DEVICE)
    decoder = load_decoder(vgg, options.resume) if options.resume else new_decoder(vgg)
    decoder.train().requires_grad_(True)
    crops = Crops(
        options.photos, options.paintings, options.without, np.random.default_rng(options.seed)
    )
    begin = time.monotonic()
    steps = take_steps(vgg, decoder, crops, options, begin)
    print(f"{steps} steps in {minutes_since(begin):.1f} minutes; wrote {options.out}")


def take_steps(vgg: VGG19, decoder: Decoder, crops: Crops, options, begin: float) -> int:
    """Moves the decoder until the time is over; returns the number of steps."""
    slow = copy.deepcopy(decoder)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=options.lr, betas=(0.9, 0.99))
    running = {}  # means of the terms over about the last 50 steps
    steps = 0
    while (done := minutes_since(begin) / options.minutes) < 1:
        count, size = CROPS_LARGE if done > LARGE_FROM else CROPS
        set_learning_rate(optimizer, options.lr, steps, done)
        terms = step(vgg, decoder, [crops.pair(size) for _ in range(count)], optimizer)
        steps += 1
        follow(slow, decoder, min(SLOW, steps / (steps + 10)))
        for name, value in terms.items():
            running[name] = running.get(name, value) + 0.02 * (value - running.get(name, value))
        if steps % 100 == 0:
            shown = "  ".join(f"{name} {value:.3g}" for name, value in running.items())
            print(f"{minutes_since(begin):6.1f} min  step {steps:6d}  {shown}", flush=True)
        if steps % 250 == 0:
            write_weights(slow.state_dict(), options.out)
    write_weights(slow.state_dict(), options.out)
    return steps


def step(
    vgg: VGG19, decoder: Decoder, pairs: list[tuple[Tensor, Tensor]], optimizer
) -> dict[str, float]:
    """One step of the optimizer; returns the mean of each weighted term of the loss."""
    paintings = torch.cat([painting for _, painting in pairs])
    starts = [photo if photo is painting else recolor(photo, painting) for photo, painting in pairs]
    low_precision = vgg.precision == "bfloat16"
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=low_precision):
        with torch.no_grad():
            features = encode(vgg, torch.cat(starts))
            target = all_statistics(encode(vgg, paintings))
        images = decoder(features, target)

    losses = []
    means = {}
    for index, (photo, painting) in enumerate(pairs):
        image = images[index : index + 1]
        terms = transfer(vgg, photo, painting)(image)
        loss = sum(terms.values())
        if photo is painting:
            loss = loss + 100 * (image - photo).square().mean()
        losses.append((loss + 0.1).log())
        for name, term in terms.items():
            means[name] = means.get(name, 0) + term.item() / len(pairs)
    optimizer.zero_grad(set_to_none=True)
    torch.stack(losses).mean().backward()
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    optimizer.step()
    return means


def set_learning_rate(optimizer, lr: float, steps: int, done: float) -> None:
    """Lets the learning rate rise over the first steps and then fall to 0 along a cosine."""
    warm_up = min(1, (steps + 1) / WARM_UP)
    for group in optimizer.param_groups:
        group["lr"] = lr * warm_up * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def follow(slow: Decoder, decoder: Decoder, keep: float) -> None:
    """Moves the running mean of the weights a little toward the weights."""
    for mean, weight in zip(slow.parameters(), decoder.parameters(), strict=True):
        mean.lerp_(weight, 1 - keep)


def minutes_since(begin: float) -> float:
    return (time.monotonic() - begin) / 60


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_decoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--photos", required=True, help="folder of photographs")
    add("--paintings", required=True, help="folder of paintings")
    add("--without", nargs="*", default=[], metavar="STEM", help="paintings that stay unseen")
    add("--minutes", type=float, default=75.0, help="length of the training (%(default)g)")
    add("--lr", type=float, default=1e-3, help="highest learning rate (%(default)g)")
    add("--resume", metavar="FILE", help="continue from a written file")
    add("--seed", type=int, default=0, help="seed of the random numbers (%(default)s)")
    add(
        "--out", default=f"{OUTPUTS.name}/pocket_decoder.pt", help="the file to write (%(default)s)"
    )
    try:
        train(parser.parse_args())
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
