"""Words and default values that the lessons, the command line, the studio and the benchmarks share.

This file imports nothing heavy, so the command line can check its arguments before it loads torch.
"""

import math
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
OUTPUTS = ROOT / "outputs"
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")

# ------------------------------------------------------------------------------ the method

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

NETWORKS = ("pocket", "imagenet", "random")
POOLINGS = ("max", "average")
PADDINGS = ("zeros", "replicate", "reflect")

# Where the pixels begin: a word, and what it stands for. `steps.first_image` makes each of them.
STARTS = {
    "recolored": "the photograph in the painting's palette",
    "content": "the photograph",
    "noise": "gray noise",
    "style": "the painting",
}

# The optimizers, with the learning rate that each one uses unless you give another.
LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.03}

SIZE = 256  # long side of the picture, in pixels
EVALUATIONS = 200  # evaluations of the loss and its gradient
EVERY = 10  # a Snapshot is taken after so many evaluations


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
}


@dataclass(frozen=True)
class Weights:
    """The weight of each term of the loss, 0 or more. `TERMS` describes the terms.

    The default values suit the bundled pictures. Which weights look right is a matter of taste.
    Raises: ValueError for a weight that is negative, infinite or not a number.
    Built in: 05_losses.
    """

    content: float = 1.0
    style: float = 300.0
    tv: float = 0.0

    def __post_init__(self):
        for term, weight in vars(self).items():
            check_weight(f"the {term} weight", weight)


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


def learning_rate(method: str, lr: float | None) -> float:
    """`lr`, or the method's own learning rate if `lr` is None.

    Raises: ValueError for an unknown method, or a learning rate that is not finite and above 0.
    """
    check_word("method", method, LEARNING_RATES)
    default = LEARNING_RATES[method]
    if lr is None:
        return default
    if not math.isfinite(lr) or lr <= 0:
        raise ValueError(f"lr is {lr}; it must be above 0, for instance {default:g} for {method}")
    return lr
