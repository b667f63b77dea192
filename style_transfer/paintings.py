"""Paintings: several of them in one picture, each with a share, some layers, or a place.

Where one painting is asked for, a list of `Style` may stand. Styles with the same mask share one
region of the picture, and their Gram matrices are mixed there. The style without a mask gets what
the masks leave over.

Source: Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (arXiv:1611.07865).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from style_transfer.images import check_image
from style_transfer.masks import check_mask, fit_mask
from style_transfer.settings import check_weight

ROUNDING = 1e-6  # masks that add up to 1 leave no more than this


@dataclass(frozen=True, eq=False)
class Style:
    """A painting, and what it is used for: how much of it, for which layers, and where.

    `share` counts in proportion to the shares of the other paintings in the same place. `layers`
    are the style layers that the painting serves; None means all. `mask` (1, 1, H, W) says where in
    the photograph the painting acts; None means wherever no mask of another painting is.
    `painting_mask` says which part of the painting counts; None means all of it.

    Raises: ValueError for a share below 0, or what is no image or no mask. Built in: 10_control.
    """

    painting: Tensor
    share: float = 1.0
    layers: Iterable[str] | None = None
    mask: Tensor | None = None
    painting_mask: Tensor | None = None

    def __post_init__(self):
        check_image(self.painting)
        check_weight("the share of a painting", self.share)
        if self.layers is not None:
            names = [self.layers] if isinstance(self.layers, str) else self.layers
            object.__setattr__(self, "layers", tuple(names))  # the class is frozen
        if self.mask is not None:
            check_mask("the mask of a painting", self.mask)
        if self.painting_mask is not None:
            check_mask("painting_mask", self.painting_mask)

    def serves(self, layer: str) -> bool:
        """Whether the painting is used at a style layer."""
        return self.layers is None or layer in self.layers


Paintings = Tensor | Style | Iterable[Tensor | Style]


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture and its styles; `mask` None is all of the picture.

    The shares of the styles add up to 1.
    """

    mask: Tensor | None
    styles: tuple[Style, ...]

    @property
    def area(self) -> float:
        """The part of the picture that the region covers, from 0 to 1."""
        return 1.0 if self.mask is None else self.mask.mean().item()

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raises ValueError if a style names a layer that is not among the style layers."""
        for style in self.styles:
            unknown = sorted({*(style.layers or ())} - {*layers})
            if unknown:
                raise ValueError(
                    f"a painting serves {', '.join(unknown)}, and the style layers are "
                    f"{', '.join(layers)}; name layers among these"
                )

    def shares(self, layer: str) -> list[tuple[Style, float]]:
        """The styles that serve a layer, with shares that add up to 1.

        Raises: ValueError if there is none.
        """
        serving = [style for style in self.styles if style.serves(layer)]
        total = sum(style.share for style in serving)
        if not serving:
            raise ValueError(
                f"no painting serves the style layer {layer} everywhere; add {layer} to the layers "
                "of a painting, or leave it out of the style layers"
            )
        return [(style, style.share / total) for style in serving]


def styles_of(painting: Paintings) -> list[Style]:
    """One painting or several as a list of styles; paintings without a share count equally.

    Raises: ValueError if there is none.
    """
    if isinstance(painting, (Tensor, Style)):
        painting = [painting]
    styles = [one if isinstance(one, Style) else Style(one) for one in painting]
    if not styles:
        raise ValueError("no painting is given; give an image, a Style, or a list of them")
    return styles


def change_paintings(painting: Paintings, change: Callable[[Tensor], Tensor]) -> Paintings:
    """The same with every painting replaced by `change(painting)`; one image gives one image."""
    if isinstance(painting, Tensor):
        return change(painting)
    return [replace(style, painting=change(style.painting)) for style in styles_of(painting)]


def regions_of(painting: Paintings, photo: Tensor) -> list[Region]:
    """The regions of a picture of the photograph's size; one painting makes one region.

    Raises: ValueError, which names the mask, if a mask does not fit the photograph or a region is
    empty; ValueError if the shares in a region add up to 0.
    """
    styles = styles_of(painting)
    groups = []  # pairs of a mask at the photograph's size and its styles
    without_mask = []
    for number, style in enumerate(styles, start=1):
        if style.mask is None:
            without_mask.append(style)
            continue
        mask = fit_mask(f"the mask of painting {number}", style.mask, photo)
        for known, members in groups:
            if torch.equal(known, mask):
                members.append(style)
                break
        else:
            groups.append((mask, [style]))
    regions = [Region(_simplified(mask), _in_parts(members)) for mask, members in groups]
    if without_mask:
        rest = _rest([mask for mask, _ in groups])
        regions.insert(0, Region(rest, _in_parts(without_mask)))
    return regions


def _rest(masks: list[Tensor]) -> Tensor | None:
    """What the masks leave over; without masks it is the whole picture."""
    if not masks:
        return None
    rest = (1 - sum(masks)).clamp(0, 1)
    rest = torch.where(rest > ROUNDING, rest, 0.0)
    if rest.max() == 0:
        raise ValueError(
            "the masks cover the whole picture, so the painting without a mask has no place; "
            "leave that painting out, or give it a mask"
        )
    return rest


def _simplified(mask: Tensor) -> Tensor | None:
    """None for a mask that is 1 everywhere, because it changes nothing."""
    return None if mask.min() == 1 else mask


def _in_parts(styles: list[Style]) -> tuple[Style, ...]:
    """The styles with shares that add up to 1; those with a share of 0 are left out."""
    total = sum(style.share for style in styles)
    if total == 0:
        raise ValueError("the shares of the paintings add up to 0; give one of them a share")
    return tuple(replace(style, share=style.share / total) for style in styles if style.share)
