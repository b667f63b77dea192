"""Inputs: the pictures that the command line loads. The lessons do not need this file.

`options` are those of `stylize.py`; `options.where` is the device that computes.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from style_transfer import flags
from style_transfer.images import (
    bundled,
    load_image,
    luminance,
    recolor,
    resize,
    same_proportions,
    with_colors,
)
from style_transfer.masks import fit_mask, load_mask
from style_transfer.paintings import Style, change_paintings, regions_of
from style_transfer.settings import STARTS
from style_transfer.steps import Snapshot

# ------------------------------------------------------------------------------ loading


def load_photo(options: argparse.Namespace) -> Tensor:
    """The photograph; a line says so if the file has fewer pixels than --size asks for."""
    photo = load_image(options.content, options.size).to(options.where)
    long_side = max(photo.shape[-2:])
    if long_side < options.size:
        print(f"note: {options.content} has {long_side} px, so the picture has {long_side} px, too")
    return photo


def load_paintings(photo: Tensor, options: argparse.Namespace) -> list[Style]:
    """The paintings with their shares and places: the style first, then --blend, then --place."""
    size = max(photo.shape[-2:])
    rest = round(1 - sum(share for _, share in options.blends), 9)
    styles = [Style(_load_painting(options.style, size, options), share=rest)]
    for painting, share in options.blends:
        styles.append(Style(_load_painting(painting, size, options), share=share))
    with flags.said_of("--place"):
        for file, painting in options.places:
            mask = fit_mask(file, load_mask(file), photo)
            styles.append(Style(_load_painting(painting, size, options), mask=mask))
        regions_of(styles, photo)
    return styles


def _load_painting(file: str, size: int, options: argparse.Namespace) -> Tensor:
    """A painting at its scale for a picture of this size; a line says so if it has fewer pixels."""
    wanted = max(1, round(options.style_scale * size))
    painting = load_image(file, wanted).to(options.where)
    long_side = max(painting.shape[-2:])
    if long_side < wanted:
        print(f"note: {file} has {long_side} px, so its style scale is {long_side / size:.2g}")
    return painting


def load_start(photo: Tensor, options: argparse.Namespace) -> str | Tensor:
    """The word after --start, or the picture, which must have the photograph's proportions."""
    if options.start in STARTS:
        return options.start
    image = load_image(options.start, options.size).to(options.where)
    if not same_proportions(image, photo):
        height, width = image.shape[-2:]
        raise ValueError(
            f"--start {options.start} is {width}x{height} and the photograph "
            f"{photo.shape[-1]}x{photo.shape[-2]}; they need the same proportions: crop one of them"
        )
    return luminance(image) if options.luminance else image


def painting_files(options: argparse.Namespace) -> list[str]:
    """The files of the paintings, in the order of `load_paintings`."""
    files = [options.style]
    files += [painting for painting, _ in options.blends]
    files += [painting for _, painting in options.places]
    return files


def files_that_go_in(options: argparse.Namespace) -> set[Path]:
    """All files that the program reads, as whole paths."""
    named = [options.content, *painting_files(options)]
    named += [mask for mask, _ in options.places]
    if options.start not in STARTS:
        named.append(options.start)
    return {Path(bundled().get(str(file), file)).resolve() for file in named}


# ------------------------------------------------------------------------------ color


def in_colors(photo: Tensor, paintings: list[Style], options: argparse.Namespace) -> tuple:
    """The photograph and the paintings as the run sees them, after the flags for color."""
    if options.luminance:
        gray = luminance(photo)
        return gray, change_paintings(paintings, lambda one: recolor(luminance(one), like=gray))
    if options.preserve_color:
        return photo, change_paintings(paintings, lambda one: recolor(one, like=photo))
    return photo, paintings


def colored(run: Iterator[Snapshot], photo: Tensor) -> Iterator[Snapshot]:
    """The Snapshots of a run with the colors of the photograph, at the size of each."""
    for snapshot in run:
        small = resize(photo, tuple(snapshot.image.shape[-2:]))
        yield replace(snapshot, image=with_colors(snapshot.image, like=small))
