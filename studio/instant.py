"""The studio's first look: a pair of pictures painted in one pass, before any run."""

import functools

from torch import Tensor

import helpers as nst

SIZE = 256  # long side of a first look in pixels, at most


@functools.cache
def _networks() -> tuple[nst.VGG19, nst.Decoder]:
    """The pocket network and its decoder, which all panels share."""
    vgg = nst.ready_network("pocket")
    return vgg, nst.load_decoder(vgg)


@functools.lru_cache(maxsize=4)
def first_look(photo, painting, size: int, strength: float = 1.0) -> Tensor:
    """The photograph painted in one pass: (1, 3, H, W), at `size` or 256 px, if that is less.

    `photo` and `painting` are names or paths, and `strength` is from 0 to 1. The pocket network is
    used, whatever network a run would use.
    Raises: as `nst.load_image` and `nst.one_pass`.
    """
    size = min(size, SIZE)
    vgg, decoder = _networks()
    pair = [nst.load_image(picture, size) for picture in (photo, painting)]
    return nst.one_pass(vgg, decoder, *pair, strength)
