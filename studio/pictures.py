"""The pictures of some settings: the paintings in their places, and the one that a run begins from.

What a run begins from is its first look: the panel shows it before Start, and the engine goes on
from it.
"""

import functools
import math

import torch
from torch import Tensor

import helpers as nst
from studio.settings import IN_ONE_PASS, NONE, PLACES, Settings
from style_transfer.masks import fit_mask
from style_transfer.one_pass import SMALLEST
from style_transfer.paintings import Paintings, change_paintings

LOOK_SIZE = 256  # long side of a first look in pixels, at most
MOST_KEPT = 8  # pictures whose statistics are kept for the next first look

# ------------------------------------------------------------------------------ the paintings


class Styles:
    """The paintings of some settings, loaded at their scale, and the place of the second one.

    Raises: ValueError or OSError, which name the file, for a mask that does not fit.
    """

    def __init__(self, settings: Settings, photo: Tensor):
        size = max(1, round(settings.style_scale * settings.size))
        self.painting = nst.load_image(settings.painting, size)
        self.second = None if settings.second == NONE else nst.load_image(settings.second, size)
        self.mask = None if self.second is None else place_of_second(settings, photo)

    def of(self, blend: float) -> Tensor | list[nst.Style]:
        """One painting, or two with their shares and places."""
        if self.second is None:
            return self.painting
        styles = [
            nst.Style(self.painting, 1 - blend, mask=self.mask),
            nst.Style(self.second, blend, mask=self.mask),
        ]
        if self.mask is not None and self.mask.min() < 1:
            styles.append(nst.Style(self.painting))  # where the second painting does not act
        return styles


def place_of_second(settings: Settings, photo: Tensor) -> Tensor | None:
    """The mask of the second painting at the photograph's size; None means everywhere."""
    if settings.mask == NONE:
        return None
    mask = fit_mask(settings.mask, nst.load_mask(settings.mask), photo)
    if settings.place == PLACES[0]:
        return mask
    if mask.min() == 1:
        raise ValueError(
            f"{settings.mask}: is white everywhere, so no place is black; set place to "
            f"{PLACES[0]}, or use another mask"
        )
    return 1 - mask


# ------------------------------------------------------------------------------ the first picture


def first_image(settings: Settings, photo: Tensor, painting: Paintings) -> Tensor:
    """The picture (1, 3, H, W) from which a run begins, at the photograph's size.

    Raises: as `nst.first_image`.
    """
    if settings.start == IN_ONE_PASS:
        return _in_one_pass(photo, painting, settings.strength)
    # Noise comes from its own generator, because other code may use the global one meanwhile.
    generator = torch.Generator().manual_seed(settings.seed)
    return nst.first_image(settings.start, photo, painting, generator)


def _in_one_pass(photo: Tensor, painting: Paintings, strength: float) -> Tensor:
    """The photograph painted in one pass, by the pocket network, whatever network the run uses.

    The decoder was trained for this network. Its picture is an image as any other, so a run with
    another network can begin from it.
    """
    vgg, decoder, kept = _networks()
    if len(kept) > MOST_KEPT:
        kept.clear()
    image = nst.paint_at_once(
        _large_enough(photo),
        change_paintings(painting, _large_enough),
        vgg=vgg,
        decoder=decoder,
        strength=strength,
        kept=kept,
    )
    size = tuple(photo.shape[2:])
    return image.to(photo) if image.shape[2:] == size else nst.resize(image, size).to(photo)


def _large_enough(image: Tensor) -> Tensor:
    """The image itself, or the image enlarged if it is too small for one pass."""
    factor = SMALLEST / min(image.shape[2:])
    if factor <= 1:
        return image
    return nst.resize(image, tuple(math.ceil(factor * side) for side in image.shape[2:]))


@functools.cache
def _networks() -> tuple[nst.VGG19, nst.Decoder, dict]:
    """The network of all first looks, its decoder, and the statistics of the last pictures."""
    vgg = nst.ready_network("pocket")
    return vgg, nst.load_decoder(vgg), {}


def first_look(settings: Settings) -> Tensor:
    """What a run with these settings begins from: (1, 3, H, W), at its size or 256 px, if less.

    Raises: OSError or ValueError, which names the file, for a picture or a mask that cannot be
    used.
    """
    settings = settings.changed(size=min(settings.size, LOOK_SIZE))
    photo = nst.load_image(settings.photo, settings.size)
    styles = Styles(settings, photo)
    return first_image(settings, photo, styles.of(settings.blend))
