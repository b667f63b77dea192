"""Words and default values that the lessons, the command line, the studio and the benchmarks share.

This file imports nothing heavy, so the command line can check its arguments before it loads torch.
"""

import itertools
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # of the clone

# The pictures and the pocket network. An installed project has them in its package.
_INSTALLED = Path(__file__).resolve().parent / "assets"
ASSETS = _INSTALLED if _INSTALLED.is_dir() else ROOT / "assets"


def outputs_folder(root: Path) -> Path:
    """The folder for files that nobody gave a path: outputs/ in the project.

    If the project is read-only, it is a folder of the user in the system's temporary folder.
    """
    folder = root / "outputs"
    if os.access(folder if folder.is_dir() else root, os.W_OK):
        return folder
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"style-transfer-{user}"


OUTPUTS = outputs_folder(Path.cwd() if ASSETS == _INSTALLED else ROOT)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")

# ------------------------------------------------------------------------------ the method

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

NETWORKS = ("pocket", "imagenet", "random")
# Poolings, each with the style weight of a finished picture. Average pooling makes the activations
# of deep layers smaller, and their Gram matrices smaller still, so style needs a larger weight.
STYLE_WEIGHTS = {"max": 100.0, "average": 400.0}
POOLINGS = tuple(STYLE_WEIGHTS)
POOLING = "average"  # of a finished picture: broader planes and clearer faces than with "max"
PADDINGS = ("zeros", "replicate", "reflect")
PRECISIONS = ("float32", "bfloat16")

# Where the pixels begin: a word, and what it stands for. `steps.first_image` makes each of them.
STARTS = {
    "recolored": "the photograph in the painting's palette",
    "content": "the photograph",
    "noise": "gray noise",
    "style": "the painting",
    "one_pass": "the photograph, painted in one pass",
}
START = next(iter(STARTS))  # the first one is the default

# The optimizers, with the learning rate that each one uses unless you give another.
LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.03}
ONE_PASS = "one-pass"  # the method of `stylize.py` that uses no optimizer

SIZE = 512  # long side of a finished picture, in pixels
LESSON_SIZE = 256  # long side of the pictures in the lessons, which are made many times
EVALUATIONS = 120  # evaluations of the loss and its gradient, if there is one stage
EVERY = 10  # a Snapshot is taken after so many evaluations


# ------------------------------------------------------------------------------ coarse to fine


@dataclass(frozen=True)
class Stage:
    """One part of a run: the long side of its picture in pixels, and its evaluations."""

    size: int
    evaluations: int


# A large picture begins small. The network sees strokes of a few dozen pixels only, and in a small
# picture these are broad. Sizes and evaluations were found by experiment; see benchmarks/README.md.
FIRST_SIZE = 192  # of the first stage; in a smaller picture, a face has too few pixels
DIRECT_BELOW = 384  # a picture smaller than this has one stage
GROWTH = 8 / 3  # the next stage is at most so many times as large
FIRST_EVALUATIONS = 100  # of the first of several stages
NEXT_EVALUATIONS = 45  # of each stage after it


def plan(size: int, evaluations: int | None = None) -> tuple[Stage, ...]:
    """The stages of a run that ends at the long side `size`, from small to large.

    A picture below 384 px has one stage. 512 px are the stages 192 and 512, and 1024 px are 192,
    512 and 1024. `evaluations` is their number in all; None means the number for which the plan
    was tuned.
    """
    check_count("size", size)
    if size < DIRECT_BELOW:
        return stages_of((size,), evaluations)
    sizes = [FIRST_SIZE]
    while sizes[-1] * GROWTH < size:
        sizes.append(round(sizes[-1] * GROWTH))
    return stages_of((*sizes, size), evaluations)


def stages_of(sizes: tuple[int, ...], evaluations: int | None = None) -> tuple[Stage, ...]:
    """Stages of the given sizes, the first one with the most evaluations.

    Raises: ValueError if the sizes do not grow, or if a stage would get no evaluation.
    """
    for size in sizes:
        check_count("size", size)
    if any(later <= earlier for earlier, later in itertools.pairwise(sizes)) or not sizes:
        raise ValueError(f"sizes are {sizes}; give one or more, from small to large")
    if len(sizes) == 1:
        counts = [EVALUATIONS]
    else:
        counts = [FIRST_EVALUATIONS] + [NEXT_EVALUATIONS] * (len(sizes) - 1)
    if evaluations is not None:
        check_count("evaluations", evaluations)
        counts = share_out(evaluations, counts)
    return tuple(Stage(size, count) for size, count in zip(sizes, counts, strict=True))


def share_out(total: int, proportions: list[int]) -> list[int]:
    """Divides `total` in the given proportions into whole numbers of at least 1.

    Raises: ValueError if there are fewer than one for each.
    """
    if total < len(proportions):
        raise ValueError(
            f"evaluations is {total}; {len(proportions)} sizes need at least one evaluation each"
        )
    counts = [max(1, total * share // sum(proportions)) for share in proportions]
    counts[0] += total - sum(counts)  # what rounding left over is cheapest at the smallest size
    return counts


# ------------------------------------------------------------------------------ terms of the loss


@dataclass(frozen=True)
class Term:
    """One term of the loss: what its weight does, how it is drawn, and its slider in the studio."""

    name: str
    description: str
    color: str
    slider: tuple[int, int]  # the ends of the slider, as powers of ten; its left end means 0


TERMS = {
    "content": Term("content", "how much the photograph's shapes count", "tab:blue", (-2, 2)),
    "style": Term("style", "how much the painting's textures count", "tab:orange", (0, 5)),
    "tv": Term("TV", "how much smoothness counts; it quiets single pixels", "tab:green", (-1, 3)),
    "grain": Term("grain", "how much clean color counts; it removes specks", "tab:red", (-2, 2)),
}


@dataclass(frozen=True)
class Weights:
    """The weight of each term of the loss, 0 or more. `TERMS` describes the terms.

    The default values suit the bundled pictures and max pooling; `STYLE_WEIGHTS` has the style
    weight for average pooling. Which weights look right is a matter of taste.
    Raises: ValueError for a weight that is negative, infinite or not a number.
    Built in: 05_losses.
    """

    content: float = 1.0
    style: float = STYLE_WEIGHTS["max"]
    tv: float = 0.0
    grain: float = 1.0

    def __post_init__(self):
        for term, weight in vars(self).items():
            check_weight(f"the {term} weight", weight)


def finished_weights() -> Weights:
    """The weights of a finished picture, which is made with average pooling."""
    return Weights(style=STYLE_WEIGHTS[POOLING])


# ------------------------------------------------------------------------------ checks


def check_word(name: str, value, words) -> None:
    """Raises ValueError unless `value` is one of `words`."""
    if value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{name} is {value!r}; it must be one of {listed}")


def check_count(name: str, value) -> None:
    """Raises ValueError unless `value` is a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of 1 or more")


def check_weight(name: str, value) -> None:
    """Raises ValueError unless `value` is a finite number of 0 or more."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}; it must be a number of 0 or more")


def check_seed(value, name: str = "the seed") -> None:
    """Raises ValueError unless `value` is a whole number from 0 to 2**63 - 1, as torch takes it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 <= value < 2**63:
        raise ValueError(f"{name} is {value!r}; it must be a whole number from 0 to {2**63 - 1}")


def check_strength(strength, name: str = "strength") -> None:
    """Raises ValueError unless `strength` is a number from 0 to 1."""
    number = isinstance(strength, (int, float)) and not isinstance(strength, bool)
    if not number or not 0 <= strength <= 1:
        raise ValueError(f"{name} is {strength!r}; it must be a number from 0 to 1")


def learning_rate(method: str, lr: float | None, name: str = "lr") -> float:
    """`lr`, or the method's own learning rate if `lr` is None. Messages call it `name`.

    Raises: ValueError for an unknown method, or a learning rate that is not finite and above 0.
    """
    check_word("method", method, LEARNING_RATES)
    default = LEARNING_RATES[method]
    if lr is None:
        return default
    number = isinstance(lr, (int, float)) and not isinstance(lr, bool)
    if not number or not math.isfinite(lr) or lr <= 0:
        raise ValueError(
            f"{name} is {lr!r}; it must be above 0, for instance {default:g} for {method}"
        )
    return lr
