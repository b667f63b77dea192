"""The picture in numbers: speckle and width of strokes, on eight pairs of bundled pictures.

    python -m benchmarks.picture [--size 512] [--save FOLDER]

Each pair is painted with the default settings. A result is measured as it would be saved, rounded
to 8 bits, and compared with the painting at the size that the run used as its target. README.md in
this folder says how to read the table.
"""

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

import helpers as nst
from benchmarks.measure import warm_up
from benchmarks.report import Row, markdown
from style_transfer.settings import SIZE

PAIRS = (
    ("astronaut", "hokusai_great_wave"),
    ("china", "starry_night"),
    ("flower", "renoir_bal_du_moulin_de_la_galette"),
    ("coffee", "kandinsky_composition_viii"),
    ("china", "van_gogh_village_street_in_auvers"),
    ("astronaut", "starry_night"),
    ("flower", "hokusai_great_wave"),
    ("astronaut", "kandinsky_composition_viii"),
)

LUMINANCE = (0.299, 0.587, 0.114)  # the share of red, green and blue in it (ITU-R BT.601)

# The wavelengths between which the width of strokes is measured, in pixels. Shorter ones are
# noise, and longer ones are the things that the picture shows.
SHORTEST = 4
LONGEST = 32


def stroke_width(image: Tensor) -> float:
    """The mean wavelength in pixels of an image's luminance, between 4 and 32 px.

    It is exp(-sum(p log k) / sum(p)) over the frequencies k from 1/32 to 1/4 per pixel, where p is
    the power at k. A Hann window keeps the borders from counting as edges.
    """
    luminance = torch.einsum("c,bchw->hw", image.new_tensor(LUMINANCE), image).cpu()
    height, width = luminance.shape
    window = torch.outer(
        torch.hann_window(height, periodic=False), torch.hann_window(width, periodic=False)
    )
    power = torch.fft.rfft2((luminance - luminance.mean()) * window).abs().square()
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    frequency = (down.square() + across.square()).sqrt()
    inside = (frequency >= 1 / LONGEST) & (frequency <= 1 / SHORTEST)
    p = power[inside]
    return math.exp(-(p * frequency[inside].log()).sum() / p.sum())


def measure(result: Tensor, painting: Tensor) -> Row:
    """Speckle and width of strokes of a result, beside those of the painting."""
    rounded = nst.from_pil(nst.to_pil(result)).to(painting.device)
    ours = stroke_width(rounded)
    painters = stroke_width(painting)
    return {
        "chroma grain, result / painting": (
            nst.chroma_grain(rounded) / nst.chroma_grain(painting)
        ).item(),
        "stroke width of the result, px": ours,
        "of the painting, px": painters,
        "result / painting": ours / painters,
    }


def paint(names: tuple[str, str], size: int, folder: Path | None) -> Row:
    """Paints one pair with the default settings, and measures it; saves it if there is a folder."""
    photo, painting = (nst.load_image(name, size) for name in names)
    *_, last = nst.stylize(photo, painting)
    if folder is not None:
        nst.save_image(last.image, folder / f"{'_'.join(names)}.png")
    return {
        "pair": " + ".join(names),
        "seconds": last.seconds,
        **measure(last.image, painting),
    }


def main() -> None:
    """Paints and measures all pairs, and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.picture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--size", type=int, default=SIZE, help="long side of the pictures in pixels (%(default)s)")
    add("--save", type=Path, metavar="FOLDER", help="write the pictures into this folder")
    options = parser.parse_args()
    precision = nst.native_precision(nst.device())
    print(f"{options.size} px, default settings, the network computes in {precision}\n")
    warm_up()
    rows = [paint(names, options.size, options.save) for names in PAIRS]
    print(markdown(rows))


if __name__ == "__main__":
    main()
