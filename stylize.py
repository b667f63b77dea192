"""Neural style transfer from the command line: a thin front to helpers.py, without logic of its own."""

import argparse
import sys
from pathlib import Path

import torch

import helpers as nst
import plumbing

ASSETS = plumbing.ASSETS
UNITS = """\
what the weights mean:
  The loss is content-weight x (mean squared difference of relu4_2 features) + style-weight x (mean over the style layers of
  the paper's E_l) + tv-weight x (mean squared difference of neighboring pixels). Every filter of the network is scaled to a
  mean activation of 1 and every term is a mean, so the weights depend neither on the picture's size nor on the network.

  Other programs' weights are in other units. PyTorch's tutorial and its many descendants sum the MSE of Grams divided by
  channels x positions: for a layer of N channels that is 4 / N^2 of E_l. Their 1e6 comes to 4e6 / N^2 a layer, 977 at relu1_1
  (N = 64) and 15 at relu5_1 (N = 512), summed over layers where this program averages: five times that here, about 4900 for
  the first layer and 76 for the last on one and the same features. 500000 is half of that, 2440 to 38. Features are scaled
  differently too, so take such a number as a place to begin looking. Lesson 05 has the whole table.
"""


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is answered in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; --help lists the flags\n")


def parser() -> argparse.ArgumentParser:
    defaults = nst.Weights()
    parser = Parser(
        prog="stylize.py", description="Paint a photograph in the manner of a painting.", epilog=UNITS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--content", metavar="FILE", default=ASSETS / "china.jpg", help="the photograph (default: the bundled temple)")
    add("--style", metavar="FILE", default=ASSETS / "starry_night.jpg", help="the painting (default: the bundled Starry Night)")
    add("--output", metavar="FILE", help="where the picture goes, .png or .jpg (default: outputs/CONTENT_STYLE.png)")
    add("--gif", metavar="FILE", nargs="?", const="", help="write the progress too; without FILE, beside the picture")
    add("--panel", metavar="FILE", nargs="?", const="", help="write photo, painting and result side by side; likewise")
    add("--size", type=int, default=256, metavar="PIXELS", help="long side of the picture, which is never enlarged (%(default)s)")
    add("--content-weight", type=float, default=defaults.content, metavar="W", help="see below (%(default)g)")
    add("--style-weight", type=float, default=defaults.style, metavar="W", help="see below (%(default)g)")
    add("--tv-weight", type=float, default=defaults.tv, metavar="W", help="quiets single pixels; see below (%(default)g)")
    add("--style-layers", nargs="+", metavar="LAYER", default=list(nst.STYLE_LAYERS),
        help="any of conv1_1, relu1_1, ..., relu5_1, averaged; LAYER=WEIGHT to weigh them (%(default)s)")
    add("--steps", type=int, default=200, help="evaluations of the loss and its gradient (%(default)s)")
    add("--method", choices=("lbfgs", "adam"), default="lbfgs", help="the optimizer (%(default)s)")
    add("--lr", type=float, help="learning rate (1 for lbfgs, 0.03 for adam)")
    add("--pooling", choices=("max", "average"), default="max", help="(%(default)s)")
    add("--network", default="pocket", help="pocket, imagenet (downloads 548 MB once), random, or a file of weights (%(default)s)")
    add("--start", choices=("recolored", "content", "noise", "style"), default="recolored",
        help="where the pixels begin: the photograph in the painting's palette, as it is, gray noise, the painting (%(default)s)")
    add("--random-input", action="store_const", const="noise", dest="start", help="short for --start noise")
    add("--preserve-color", action="store_true", help="keep the photograph's palette: recolor the painting to it first")
    add("--seed", type=int, default=0, help="for the noise (%(default)s)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    words = [_dashes(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    options = parser().parse_args(words)
    try:
        run(options)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"stylize.py: {error}", file=sys.stderr)
        return 2
    except (RuntimeError, MemoryError) as error:
        if not _out_of_memory(error):
            raise
        print(f"stylize.py: out of memory at --size {options.size}; make it smaller", file=sys.stderr)
        return 2
    return 0


def run(options: argparse.Namespace) -> None:
    name = f"{Path(options.content).stem}_{Path(options.style).stem}"
    output = Path(options.output) if options.output else Path("outputs") / f"{name}.png"
    gif, panel = (_beside(output, given, ending) for given, ending in ((options.gif, ".gif"), (options.panel, "_panel.png")))
    for path, suffixes in ((output, plumbing.PICTURES), (gif, (".gif",)), (panel, plumbing.PICTURES)):
        if path is not None:
            plumbing.check_output(path, suffixes)  # before the work, not after it
            if path.resolve() in (Path(options.content).resolve(), Path(options.style).resolve()):
                raise ValueError(f"{path}: is one of the two pictures that go in; give the result another name")
    weights = nst.Weights(options.content_weight, options.style_weight, options.tv_weight)

    generator = nst.seed(options.seed)
    photo, painting = (nst.load_image(path, options.size) for path in (options.content, options.style))
    style = nst.recolor(painting, like=photo) if options.preserve_color else painting
    vgg = nst.VGG19(options.network, pooling=options.pooling).to(nst.device())
    steps = nst.stylize(photo, style, vgg=vgg, weights=weights, layers=_layers(options.style_layers), steps=options.steps,
                        start=options.start, method=options.method, lr=options.lr, generator=generator)
    seen = nst.watch(steps, total=options.steps)

    if not seen:
        raise KeyboardInterrupt
    last = seen[-1]
    shares = ", ".join(f"{term} {value / last.loss:.1%}" for term, value in last.losses.items()) if last.loss else "all 0"
    print(f"{last.evaluations} evaluations in {last.seconds:.1f} s; loss {last.loss:.4g}, of which {shares}")
    if options.content_weight and last.losses["content"] < 0.1 * last.loss:
        print("note: content is under 10% of the loss, so the photograph hardly counts; --help says what weights mean here")
    nst.save_image(last.image, output)
    print(f"picture:  {output}")
    if gif:
        nst.save_gif(nst.pick_frames(seen), gif)
        print(f"progress: {gif}")
    if panel:
        height = last.image.shape[2]
        row = [nst.resize(image.to(last.image), (height, round(image.shape[3] * height / image.shape[2])))
               for image in (photo, painting)]
        nst.save_image(torch.cat([*row, last.image], dim=3), panel)
        print(f"panel:    {panel}")


def _dashes(word: str) -> str:
    """--style_weight=5 -> --style-weight=5: both spellings are in use."""
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value if word.startswith("--") else word


def _beside(output: Path, given: str | None, ending: str) -> Path | None:
    """The path asked for, or for a bare flag one named after the picture."""
    return output.with_name(output.stem + ending) if given == "" else Path(given) if given else None


def _layers(words: list[str]) -> list[str] | dict[str, float]:
    if not any("=" in word for word in words):
        return words
    weights = {}
    for word in words:
        layer, _, weight = word.partition("=")
        try:
            weights[layer] = float(weight)
        except ValueError:
            raise ValueError(f"--style-layers has {word!r}; give every layer a weight, as in relu1_1=0.5, or none") from None
    return weights


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "memory" in str(error)


if __name__ == "__main__":
    sys.exit(main())
