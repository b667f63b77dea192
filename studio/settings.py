"""Settings: all that can be set in the studio, checked, and as text."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from style_transfer.settings import (
    POOLING,
    POOLINGS,
    STARTS,
    STYLE_LAYERS,
    Weights,
    check_count,
    check_seed,
    check_strength,
    check_weight,
    check_word,
    finished_weights,
    learning_rate,
)

NONE = "none"  # stands for no second painting and for no mask
PLACES = ("white", "black")  # where the second painting acts: where the mask is white or black
IN_ONE_PASS = "one_pass"  # the start that has a strength
STYLE_SCALES = (0.25, 4.0)  # the smallest and the largest


def equal_layers() -> dict[str, float]:
    """The same weight for each style layer; together they weigh 1."""
    return dict.fromkeys(STYLE_LAYERS, 1 / len(STYLE_LAYERS))


@dataclass(frozen=True)
class Settings:
    """All that can be set. Settings are never changed in place; `changed` returns new ones.

    A setting named in COSTLY takes effect at the next start, because the pictures, the network or
    the targets depend on it. Every other setting takes effect at the next evaluation.
    Raises: ValueError for a value out of range.
    """

    photo: str = "china"  # the name of a bundled picture, or the path of a file
    painting: str = "starry_night"
    weights: Weights = field(default_factory=finished_weights)
    layers: dict[str, float] = field(default_factory=equal_layers)  # 0 turns a layer off
    method: str = "lbfgs"
    lr: float | None = None  # None becomes the method's own learning rate
    evaluations: int = 400  # where the run ends
    size: int = 192  # small, so that the picture follows a slider at once
    network: str = "pocket"
    pooling: str = POOLING
    start: str = IN_ONE_PASS  # the first look, from which the run goes on
    strength: float = 1.0  # how much of the painting the first look has, if it is made in one pass
    seed: int = 0
    second: str = NONE  # a second painting, named like the first
    blend: float = 0.5  # its share, where it acts
    mask: str = NONE  # the path of a mask; without one, the second painting acts everywhere
    place: str = PLACES[0]  # on which side of the mask the second painting acts
    style_scale: float = 1.0  # size of the paintings in proportion to the picture

    COSTLY = (
        "photo",
        "painting",
        "size",
        "network",
        "pooling",
        "start",
        "strength",
        "seed",
        "second",
        "mask",
        "place",
        "style_scale",
    )
    # The costly ones that decide what a run begins from, apart from its size.
    BEGINNING = (
        "photo",
        "painting",
        "start",
        "strength",
        "second",
        "mask",
        "place",
        "style_scale",
    )

    def __post_init__(self):
        self._check_layers()
        check_word("pooling", self.pooling, POOLINGS)
        check_word("start", self.start, STARTS)
        check_count("evaluations", self.evaluations)
        check_count("size", self.size)
        check_strength(self.strength)
        check_seed(self.seed)
        check_word("place", self.place, PLACES)
        check_weight("blend", self.blend)
        check_weight("style_scale", self.style_scale)
        if self.blend > 1:
            raise ValueError(f"blend is {self.blend}; it is a share from 0 to 1")
        low, high = STYLE_SCALES
        if not low <= self.style_scale <= high:
            raise ValueError(f"style_scale is {self.style_scale}; it must be from {low} to {high}")
        # The class is frozen, so these are written past the dataclass.
        object.__setattr__(self, "lr", learning_rate(self.method, self.lr))
        for name in ("photo", "painting", "second", "mask"):
            picture = getattr(self, name)
            object.__setattr__(self, name, NONE if picture is None else str(picture))

    def _check_layers(self) -> None:
        if self.layers.keys() != set(STYLE_LAYERS):
            raise ValueError(
                f"layers are {', '.join(self.layers)}; they must be {', '.join(STYLE_LAYERS)}, "
                "and the weight 0 turns a layer off"
            )
        for layer, weight in self.layers.items():
            check_weight(f"the weight of style layer {layer}", weight)

    @property
    def costly(self) -> dict:
        """The settings that take effect at the next start, by name."""
        return {name: getattr(self, name) for name in self.COSTLY}

    @property
    def beginning(self) -> dict:
        """The settings that decide what a run begins from, by name."""
        names = (*self.BEGINNING, "size", "seed", "blend")
        return {name: getattr(self, name) for name in names}

    @property
    def at_once(self) -> tuple:
        """The settings that change the loss from one evaluation to the next."""
        return self.weights, self.layers, self.blend

    def changed(self, **changes) -> "Settings":
        """A copy with other values: `changed(style=300, relu1_1=0.5, size=256)`.

        Each term of the loss and each style layer may be given by its name. `layers` may leave
        layers out, and these keep their weights. A new method brings its own learning rate unless
        `lr` is given. Raises: ValueError for a value out of range; TypeError for an unknown name.
        """
        weights = changes.pop("weights", self.weights)
        layers = self.layers | changes.pop("layers", {})
        terms = {}
        fields = {}
        for name, value in changes.items():
            if name in vars(weights):
                terms[name] = value
            elif name in self.layers:
                layers[name] = value
            elif name in vars(self):
                fields[name] = value
            else:
                known = ", ".join([*vars(weights), *self.layers, *vars(self)])
                raise TypeError(f"there is no setting {name!r}; the settings are {known}")
        if fields.get("method", self.method) != self.method:
            fields.setdefault("lr", None)
        return replace(self, weights=replace(weights, **terms), layers=layers, **fields)

    def __str__(self):
        parts = [f"{Path(self.photo).stem} + {Path(self.painting).stem}"]
        if self.second != NONE:
            parts[0] += f" + {self.blend:.0%} {Path(self.second).stem}"
            if self.mask != NONE:
                parts[0] += f" where {Path(self.mask).stem} is {self.place}"
        if self.style_scale != 1:
            parts.append(f"style scale {self.style_scale:g}")
        for term, weight in vars(self.weights).items():
            part = f"{term} {weight:.5g}"
            if term == "style" and self.layers != equal_layers():  # equal ones go without saying
                layers = ", ".join(f"{name} {share:g}" for name, share in self.layers.items())
                part += f" ({layers})"
            parts.append(part)
        parts += [
            f"{self.method} {self.lr:.5g}",
            self.network,
            f"{self.pooling} pooling",
            f"{self.size} px",
            f"from {self.start}",
        ]
        if self.start == IN_ONE_PASS and self.strength != 1:
            parts[-1] += f" of strength {self.strength:g}"
        return ", ".join(parts)
