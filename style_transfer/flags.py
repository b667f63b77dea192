"""The command lines' flags: one table, so that a flag means the same in every program.

`stylize.py` makes one picture. These flags are taken, or reserved with this meaning:

    CONTENT STYLE, -c/--content, -s/--style    the two pictures
    -o/--output, --gif, --panel, --every N     what is written
    --size N, --sizes A,B,C                    long side in pixels; the sizes of a run, in order
    --NAME-weight, --style-layers              one weight per term of the loss; the style layers
    --steps, --method, --lr, --start, --seed   the optimizer and its start
    --strength                                 of --method one-pass, which has no optimizer
    --network, --pooling, --padding            the network
    --preserve-color, --luminance              the photograph's colors
    --blend, --place, --style-scale            several paintings, masks, width of strokes
    --device, --precision                      the machine

`many.py` makes many pictures. It has the flags for one picture except the outputs, several
paintings and --device, because each worker takes the fastest device of its machine. After --start
it takes words and no file. It takes several pictures after -c and -s, and a folder after -o. Its
own flags are

    --sweep FLAG=A,B,C                         several values of a flag of the table
    --workers N, --cluster ADDRESS, --threads  the machines
    --resume                                   what is done is not done again

This file imports nothing heavy, so a mistake is answered before torch is loaded.
"""

import argparse
import contextlib
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from style_transfer.settings import (
    ASSETS,
    EVALUATIONS,
    FIRST_EVALUATIONS,
    LEARNING_RATES,
    NETWORKS,
    NEXT_EVALUATIONS,
    ONE_PASS,
    PADDINGS,
    POOLING,
    POOLINGS,
    PRECISIONS,
    SIZE,
    START,
    STARTS,
    STYLE_LAYERS,
    STYLE_WEIGHTS,
    TERMS,
    Weights,
    check_count,
    check_seed,
    check_strength,
    check_weight,
    learning_rate,
)

MISTAKE = 2  # the exit status of a mistake, and of a file that could not be written

# ------------------------------------------------------------------------------ a program


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that answers a mistake in one line, with exit status 2.

    The program is called by its file, such as stylize.py. If it was started by the command that is
    installed for it, it is called by this command.
    """

    def __init__(self, file: str, command: str, **words):
        name = command if Path(sys.argv[0]).stem == command else file
        if "epilog" in words and name == command:
            words["epilog"] = words["epilog"].replace(f"python {file}", command)
        super().__init__(prog=name, formatter_class=argparse.RawDescriptionHelpFormatter, **words)

    def error(self, message):
        self.exit(MISTAKE, f"{self.prog}: {message}; --help lists the flags\n")

    def read(self, arguments: list[str] | None) -> argparse.Namespace:
        """The options from these words, or from the program's own; `prog` is among them."""
        words = sys.argv[1:] if arguments is None else arguments
        return self.parse_args(with_dashes(words), argparse.Namespace(prog=self.prog))


def mistake(options: argparse.Namespace, message: str, status: int = MISTAKE) -> int:
    """Prints one line in the name of the program, and returns the exit status."""
    print(f"{options.prog}: {message}", file=sys.stderr)
    return status


@contextlib.contextmanager
def said_of(flag: str) -> Iterator[None]:
    """A mistake that is found in this block names the flag that it comes from."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{flag}: {error}") from error


# ------------------------------------------------------------------------------ the flags


def add_loss_flags(parser: argparse.ArgumentParser) -> None:
    """Adds one weight per term of the loss, and the style layers."""
    defaults = Weights()
    usual = ", ".join(f"{weight:g} for {word} pooling" for word, weight in STYLE_WEIGHTS.items())
    for name, term in TERMS.items():
        parser.add_argument(
            f"--{name}-weight",
            type=float,
            metavar="W",
            default=None if name == "style" else getattr(defaults, name),
            help=f"{term.description}; see below ({usual if name == 'style' else '%(default)g'})",
        )
    parser.add_argument(
        "--style-layers",
        nargs="+",
        metavar="LAYER",
        default=list(STYLE_LAYERS),
        help="any of conv1_1, relu1_1, ..., relu5_1, with spaces or commas, weighed equally; a "
        "number stands for the first ReLU of its block, as in 1,2,3,4,5; LAYER=WEIGHT gives each "
        f"layer a weight ({' '.join(STYLE_LAYERS)})",
    )


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags for sizes, optimizer, start and network."""
    _add_size_flags(parser)
    _add_optimizer_flags(parser)
    _add_network_flags(parser)


def _add_size_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--size", type=int, metavar="N", help=f"long side of the picture in pixels ({SIZE})")
    add(
        "--sizes",
        metavar="A,B,C",
        help="paint at these sizes one after another, from small to large; the last one is that of "
        "the picture (for 512 px: 192,512)",
    )
    add(
        "--steps",
        type=int,
        metavar="N",
        help="evaluations of the loss and its gradient, at all sizes together "
        f"({FIRST_EVALUATIONS} at the first of several sizes and {NEXT_EVALUATIONS} at each other, "
        f"or {EVALUATIONS} at one size)",
    )


def _add_optimizer_flags(parser: argparse.ArgumentParser) -> None:
    rates = ", ".join(f"{rate:g} for {method}" for method, rate in LEARNING_RATES.items())
    starts = "; ".join(f"{word}: {meaning}" for word, meaning in STARTS.items())
    add = parser.add_argument
    add(
        "--method",
        choices=(*LEARNING_RATES, ONE_PASS),
        default="lbfgs",
        help=f"optimizer; {ONE_PASS} paints at once with a trained decoder and needs none; see "
        "lesson 12 (%(default)s)",
    )
    add(
        "--strength",
        type=float,
        metavar="S",
        help=f"of --method {ONE_PASS}: from 0, the photograph, to 1 (1)",
    )
    add("--lr", type=float, help=f"learning rate ({rates})")
    add(
        "--start",
        default=START,
        metavar="WORD|FILE",
        help=f"{starts}; or a picture with the photograph's proportions, such as an earlier result "
        "(%(default)s)",
    )
    add(
        "--random-input",
        action="store_const",
        const="noise",
        dest="start",
        help="short for --start noise",
    )
    add("--seed", type=int, default=0, metavar="N", help="of the noise (%(default)s)")


def _add_network_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--pooling", choices=POOLINGS, default=POOLING, help="(%(default)s)")
    add(
        "--precision",
        choices=("auto", *PRECISIONS),
        default="auto",
        help="of the network; auto is bfloat16 if the processor has it (%(default)s)",
    )
    add("--padding", choices=PADDINGS, default="zeros", help="(%(default)s)")
    add(
        "--network",
        default=NETWORKS[0],
        metavar="NAME",
        help=f"{', '.join(NETWORKS)}, or a file of weights; imagenet downloads 548 MiB once "
        "(%(default)s)",
    )


def add_device_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag for the device that computes."""
    parser.add_argument(
        "--device",
        metavar="NAME",
        default="auto",
        help="cpu, cuda, cuda:0 or mps; auto is the fastest one (%(default)s)",
    )


def add_control_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags for several paintings, their places, their scale and the colors."""
    add = parser.add_argument
    add(
        "--blend",
        action="append",
        default=[],
        metavar="PAINTING=SHARE",
        help="mix in another painting, for instance wave.jpg=0.3; the rest goes to the style; may "
        "be repeated",
    )
    add(
        "--place",
        action="append",
        default=[],
        metavar="MASK=PAINTING",
        help="use another painting where the mask is white, for instance sky.png=wave.jpg; the "
        "style gets the rest; the mask has the photograph's proportions; may be repeated",
    )
    add(
        "--style-scale",
        type=float,
        default=1.0,
        metavar="S",
        help="size of the paintings in proportion to the picture: 0.5 makes finer strokes, 2 "
        "broader ones (%(default)g)",
    )
    colors = parser.add_mutually_exclusive_group()
    colors.add_argument(
        "--preserve-color",
        action="store_true",
        help="keep the photograph's palette: the paintings are recolored to it first",
    )
    colors.add_argument(
        "--luminance",
        action="store_true",
        help="keep the color of every pixel of the photograph: only the luminance is painted",
    )


def with_dashes(words: list[str]) -> list[str]:
    """Turns --style_weight=5 into --style-weight=5, because both spellings are in use."""
    spelled = []
    for word in words:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            word = flag.replace("_", "-") + equals + value
        spelled.append(word)
    return spelled


# ------------------------------------------------------------------------------ their values


def check(options: argparse.Namespace) -> None:
    """Completes the settings of a picture with what others imply, and checks them.

    Raises: ValueError, which names the flag; what torch must know is checked later.
    """
    if options.steps is not None:
        check_count("--steps", options.steps)
    check_seed(options.seed, "--seed")
    sizes(options)  # fills in the size
    one_pass_strength(options)
    if options.method != ONE_PASS:
        learning_rate(options.method, options.lr, "--lr")
    loss_weights(options)  # fills in the style weight of the pooling
    options.style_layers = layer_words(options.style_layers)
    style_layers(options.style_layers)
    if options.network not in NETWORKS and not Path(options.network).is_file():
        raise ValueError(
            f"--network is {options.network!r}; it must be one of {', '.join(NETWORKS)}, or a "
            "file of weights"
        )


def check_start(start: str, files: bool) -> None:
    """Raises ValueError unless `start` is a word, or with `files` a picture's name or path."""
    if start in STARTS:
        return
    if files and (Path(start).is_file() or (ASSETS / f"{start}.jpg").is_file()):
        return
    words = ", ".join(STARTS) + (", or the path of a picture" if files else "")
    raise ValueError(f"--start is {start!r}; it must be one of {words}")


def check_device(name: str) -> None:
    """Raises ValueError for what is no name of a device; torch says later which ones are there."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"--device is {name!r}; it must be auto, cpu, cuda, cuda:0 or mps")


def check_steps(steps: int | None, count: int) -> None:
    """Raises ValueError if there are fewer evaluations after --steps than sizes."""
    if steps is not None and steps < count:
        raise ValueError(
            f"--steps is {steps}; {count} sizes need at least one evaluation each: give more steps "
            "or fewer --sizes"
        )


def sizes(options: argparse.Namespace) -> tuple[int, ...] | None:
    """The sizes after --sizes, or None without that flag; sets --size to the last of them.

    Raises: ValueError for sizes that are no growing whole numbers, or if --size differs.
    """
    if options.sizes is None:
        options.size = SIZE if options.size is None else options.size
        check_count("--size", options.size)
        return None
    try:
        found = tuple(int(word) for word in options.sizes.split(","))
    except ValueError:
        raise ValueError(
            f"--sizes is {options.sizes!r}; give whole numbers with commas, as in 192,512"
        ) from None
    for size in found:
        check_count("--sizes", size)
    if list(found) != sorted(set(found)):
        raise ValueError(f"--sizes is {options.sizes!r}; give them from small to large")
    check_steps(options.steps, len(found))
    if options.size not in (None, found[-1]):
        raise ValueError(
            f"--size is {options.size} and --sizes ends at {found[-1]}; give one of them"
        )
    options.size = found[-1]
    return found


def fitting(sizes: tuple[int, ...] | None, long_side: int) -> tuple[int, ...] | None:
    """The sizes up to a photograph's own long side, which is the last one; None stays None."""
    if sizes is None:
        return None
    return (*(size for size in sizes if size < long_side), long_side)


def blends(words: list[str]) -> list[tuple[str, float]]:
    """Pairs of a painting and its share, from the words after --blend.

    Raises: ValueError for a word without a share, a share outside [0, 1], or shares over 1 in all.
    """
    found = []
    for word in words:
        painting, equals, share = word.rpartition("=")
        try:
            number = float(share)
        except ValueError:
            number = math.nan
        if not equals or not painting or not 0 <= number <= 1:
            raise ValueError(
                f"--blend is {word!r}; give a painting and its share from 0 to 1, as in "
                "wave.jpg=0.3"
            )
        found.append((painting, number))
    total = sum(share for _, share in found)
    if total > 1 + 1e-9:
        raise ValueError(
            f"the shares after --blend add up to {total:g}; give 1 or less, because the style gets "
            "the rest"
        )
    return found


def places(words: list[str]) -> list[tuple[str, str]]:
    """Pairs of a mask and a painting, from the words after --place.

    Raises: ValueError for a word that is no such pair.
    """
    found = []
    for word in words:
        mask, equals, painting = word.partition("=")
        if not equals or not mask or not painting:
            raise ValueError(
                f"--place is {word!r}; give a mask and a painting, as in sky.png=wave.jpg"
            )
        found.append((mask, painting))
    return found


def one_pass_strength(options: argparse.Namespace) -> float:
    """The strength after --strength, or 1 without that flag.

    Raises: ValueError for a strength out of range, and for flags that the method does not take.
    """
    if options.method != ONE_PASS:
        if options.strength is not None:
            raise ValueError(f"--strength is for --method {ONE_PASS} only; add that flag")
        return 1.0
    for flag in ("steps", "sizes", "lr", "gif", "every"):
        if getattr(options, flag, None) is not None:  # many.py lacks the last two
            raise ValueError(
                f"--{flag} is for an optimizer, and --method {ONE_PASS} has none; leave one out"
            )
    strength = 1.0 if options.strength is None else options.strength
    check_strength(strength, "--strength")
    return strength


def loss_weights(options: argparse.Namespace) -> Weights:
    """The weights that the flags gave. Raises: ValueError for a weight out of range."""
    if options.style_weight is None:
        options.style_weight = STYLE_WEIGHTS[options.pooling]
    weights = {name: getattr(options, f"{name}_weight") for name in TERMS}
    for name, weight in weights.items():
        check_weight(f"--{name}-weight", weight)
    return Weights(**weights)


def layer_words(words: list[str]) -> list[str]:
    """The words after --style-layers, divided at commas; the number 3 stands for relu3_1.

    Raises: ValueError for another number.
    """
    found = []
    for word in ",".join(words).split(","):
        layer, equals, weight = word.strip().partition("=")
        if layer.isdecimal():
            place = int(layer)
            if not 1 <= place <= len(STYLE_LAYERS):
                raise ValueError(
                    f"--style-layers has {layer}; a number must be from 1 to {len(STYLE_LAYERS)}, "
                    f"for {STYLE_LAYERS[0]} to {STYLE_LAYERS[-1]}"
                )
            layer = STYLE_LAYERS[place - 1]
        found.append(layer + equals + weight)
    return found


def style_layers(words: list[str]) -> list[str] | dict[str, float]:
    """Style layers from the words after --style-layers: names, or a dict if they carry weights.

    Raises: ValueError if only some layers have a weight, or a weight is not a number.
    """
    weights = {}
    for word in words:
        layer, _, weight = word.partition("=")
        if layer in weights:
            raise ValueError(f"--style-layers has {layer} twice; name each layer once")
        weights[layer] = weight
    if not any("=" in word for word in words):
        return words
    for layer, weight in weights.items():
        try:
            weights[layer] = float(weight)
        except ValueError:
            raise ValueError(
                f"--style-layers has {layer!r} with the weight {weight!r}; give every layer a "
                "weight, as in relu1_1=0.5, or give none a weight"
            ) from None
        check_weight(f"--style-layers {layer}", weights[layer])
    return weights
