"""Results: the files that the command line writes, the picture first. The lessons need none of it.

`options` are those of `stylize.py`, with the paths `output`, `gif` and `panel`.
"""

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from style_transfer import flags, terminal
from style_transfer.display import JPEG_QUALITY
from style_transfer.files import free_name, save_anywhere, write_atomic
from style_transfer.frames import last_stage, pick_frames, save_gif
from style_transfer.images import save_image, to_pil
from style_transfer.labels import labeled_row
from style_transfer.settings import EVERY, PICTURE_SUFFIXES
from style_transfer.steps import Snapshot

BLEW_UP = 3  # the exit status of a run whose loss grew instead of falling


# ------------------------------------------------------------------------------ during the run


def snapshot_every(count: int | None) -> int:
    """The evaluations between two Snapshots of a run that writes a picture after each `count`."""
    if count is None:
        return EVERY
    if count < EVERY:
        return count
    for every in range(EVERY, EVERY // 2 - 1, -1):
        if count % every == 0:
            return every
    return EVERY  # then a picture is written at the first Snapshot after its time


def numbered(run: Iterator[Snapshot], options: argparse.Namespace) -> Iterator[Snapshot]:
    """The Snapshots of a run; after each `options.every` evaluations one is written, too.

    The file has the name of the output and the number of evaluations, and replaces nothing. If one
    cannot be written, a line says why, and no more of them are tried.
    """
    due = options.every or math.inf
    for snapshot in run:
        if snapshot.evaluations >= due:
            due = (snapshot.evaluations // options.every + 1) * options.every
            output = options.output
            name = f"{output.stem}_{snapshot.evaluations:04d}{output.suffix}"
            try:
                with terminal.uninterrupted():
                    save_image(snapshot.image, free_name(output.with_name(name)))
            except OSError as error:
                options.status = flags.mistake(options, f"{error}; the run goes on")
                due = math.inf
        yield snapshot


# ------------------------------------------------------------------------------ at its end


def save_picture(image: Tensor, path: Path, options: argparse.Namespace) -> str:
    """Writes the picture where it should be, or where it can be; returns a line on it."""
    # The run has ended, so a signal has nothing more to end. Only short work follows.
    with contextlib.suppress(KeyboardInterrupt), terminal.uninterrupted():
        place, refusal = save_anywhere(lambda path: save_image(image, path), path)
    if refusal is not None:
        options.status = flags.mistake(options, f"{refusal}; the picture is at {place}")
    return f"picture:  {place}"


def save_best(snapshots: list[Snapshot], options: argparse.Namespace) -> int:
    """After a blow-up, writes the picture with the lowest loss under a name of its own."""
    best = min(last_stage(snapshots), key=lambda snapshot: snapshot.loss)
    output = options.output
    path = free_name(output.with_name(f"{output.stem}_best{output.suffix}"))
    print(save_picture(best.image, path, options))
    words = f"the run blew up, so {output} is not written; {path} is the best picture so far, "
    return flags.mistake(options, f"{words}after {best.evaluations} evaluations", BLEW_UP)


def save_extras(
    snapshots: list[Snapshot], pictures: list[tuple[str, Tensor]], options: argparse.Namespace
) -> None:
    """Writes GIF and panel; what cannot be written does not keep the other one from it.

    `pictures` are the names and images of the panel.
    """

    def gif() -> None:
        save_gif(pick_frames(snapshots), options.gif)

    def panel() -> None:
        row = labeled_row([(name, to_pil(image)) for name, image in pictures])
        write_atomic(
            options.panel, PICTURE_SUFFIXES, lambda part: row.save(part, quality=JPEG_QUALITY)
        )

    _try_to_write("progress:", options.gif, gif, options)
    _try_to_write("panel:   ", options.panel, panel, options)


def _try_to_write(
    label: str, path: Path | None, write: Callable[[], None], options: argparse.Namespace
) -> None:
    if path is None:
        return
    try:
        write()
        print(f"{label} {path}")
    except Exception as error:  # the picture is safe, and the other file may still succeed
        kind = type(error).__name__
        options.status = flags.mistake(options, f"{path}: was not made ({kind}: {error})")


# ------------------------------------------------------------------------------ in words


def summary(last: Snapshot, options: argparse.Namespace) -> str:
    """What the run cost and came to, in one or two lines."""
    if not last.losses:
        return f"one pass in {last.seconds:.2f} s at strength {options.strength:g}"
    if last.loss:
        parts = [f"{term} {value / last.loss:.1%}" for term, value in last.losses.items()]
        shares = ", ".join(parts)
    else:
        shares = "all 0"
    line = (
        f"{last.evaluations} evaluations in {last.seconds:.1f} s; "
        f"loss {last.loss:.4g}, of which {shares}"
    )
    if options.content_weight and last.losses["content"] < 0.1 * last.loss:
        line += (
            "\nnote: content is under 10% of the loss, so the photograph hardly counts; "
            "--help says what weights mean here"
        )
    return line
