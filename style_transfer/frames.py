"""Frames: watch a run, plot its losses, pick some of its images, and write them as a GIF."""

import itertools
from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor
from tqdm.auto import tqdm

from style_transfer.display import LivePicture, show_figure
from style_transfer.gif import write_gif
from style_transfer.images import resize, to_pil
from style_transfer.settings import TERMS, check_count
from style_transfer.steps import Snapshot
from style_transfer.terminal import is_out_of_memory

MOST_GROWTH = 10.0  # a loss that ends above so many times its first value has blown up


def watch(run: Iterable[Snapshot], total: int | None = None) -> list[Snapshot]:
    """Runs to the end with a progress bar, shows the picture, and returns all Snapshots.

    `total` is the number of evaluations, for the bar. An interrupt or a loss that is no longer a
    number ends the run, and so does a lack of memory, for example at a larger size. The Snapshots
    so far are returned. Words say so, and also if the loss grew tenfold or did not move. Raises:
    FloatingPointError or the lack of memory if there is no Snapshot yet. Used in: 00_preview.
    """
    seen = []
    picture = LivePicture()
    with tqdm(total=total, unit="evaluation", leave=False) as bar:
        try:
            for snapshot in run:
                seen.append(snapshot)
                bar.update(snapshot.evaluations - bar.n)
                bar.set_postfix_str(format_losses(snapshot))
                alt = f"the image after {snapshot.evaluations} evaluations"
                picture.show(to_pil(snapshot.image), alt)
        except KeyboardInterrupt:
            done = seen[-1].evaluations if seen else 0
            bar.write(f"interrupted after {done} evaluations; the image so far is kept")
        except FloatingPointError as error:
            if not seen:
                raise
            bar.write(f"stopped: {error}")
        except (RuntimeError, MemoryError) as error:
            if not (seen and is_out_of_memory(error)):
                raise
            bar.write(
                f"stopped: out of memory; the image so far, of {seen[-1].size} px, is kept; "
                "give a smaller size"
            )
        for sentence in (growth(seen), standstill(seen)):
            if sentence:
                bar.write(f"note: {sentence}")
    return seen


def growth(run: list[Snapshot]) -> str:
    """A sentence if the loss of the last Snapshot is over ten times that of the first of its size.

    It names the term that grew most. Otherwise it is empty.
    """
    same = last_stage(run)
    if not same or same[-1].loss <= MOST_GROWTH * same[0].loss:
        return ""
    first = same[0]
    last = same[-1]
    term = max(last.losses, key=lambda name: last.losses[name] - first.losses[name])
    return (
        f"the loss grew from {first.loss:.3g} to {last.loss:.3g}, most of it {term}; "
        f"lower lr, or the {term} weight"
    )


def standstill(run: list[Snapshot]) -> str:
    """A sentence if the loss is the same in all Snapshots of the last size, or else nothing."""
    same = last_stage(run)
    if len(same) < 2 or any(snapshot.loss != same[0].loss for snapshot in same):
        return ""
    return (
        f"the loss did not move from {same[0].loss:.3g}, so the picture is the one from which the "
        "run began; raise lr, or a weight"
    )


def last_stage(run: list[Snapshot]) -> list[Snapshot]:
    """The Snapshots that have the size of the last one."""
    return [snapshot for snapshot in run if snapshot.size == run[-1].size]


def format_losses(snapshot: Snapshot) -> str:
    """The weighted terms of a Snapshot on one line: "content 1.2  style 30.4  tv 0"."""
    return "  ".join(f"{name} {value:.3g}" for name, value in snapshot.losses.items())


def plot_losses(run: Iterable[Snapshot], *, alt: str | None = None) -> None:
    """Plots the terms and their total over evaluations, on a log scale, one color per term.

    Raises: ValueError if there is nothing to plot. Built in: 03_content.
    """
    run = list(run)
    if not run:
        raise ValueError("there are no steps to plot; run watch(stylize(...)) first")
    _, axis = plt.subplots(figsize=(6, 3), dpi=80)
    draw_losses(axis, run)
    axis.set(xlabel="evaluations of the loss and its gradient", ylabel="weighted loss")
    axis.figure.tight_layout()
    words = f"the weighted loss over {run[-1].evaluations} evaluations: at first "
    words += f"{format_losses(run[0])}; at last {format_losses(run[-1])}"
    show_figure(axis.figure, alt or words)


def draw_losses(axis: Axes, run: list[Snapshot]) -> None:
    """Draws the curves of `plot_losses` on a Matplotlib axis; the studio draws on its own."""
    evaluations = [snapshot.evaluations for snapshot in run]
    curves = {name: [snapshot.losses[name] for snapshot in run] for name in run[0].losses}
    if len(curves) > 1:
        curves["total"] = [snapshot.loss for snapshot in run]
    # A term whose weight was 0 for a while has a gap in its curve.
    axis.set_yscale("log", nonpositive="mask")
    for name, values in curves.items():
        if not any(values):  # a term with weight 0 has no place on a log scale
            continue
        color = TERMS[name].color if name in TERMS else "black"
        axis.plot(evaluations, values, color=color, label=name)
    # A term far below the others would take nearly all of the axis.
    lowest = max(min(values) for values in curves.values())
    if lowest > 0:
        axis.set_ylim(bottom=lowest / 1000)
    axis.legend()


def pick_frames(run: Iterable[Snapshot], count: int = 24) -> list[Tensor]:
    """Picks at most `count` images of a run, the first and the last among them.

    A run changes most at its beginning. The images are spaced so that each differs from the one
    before by about the same amount. All are scaled to the size of the last one. Raises:
    ValueError for a count below 1. Built in: 08_runs.
    """
    check_count("count", count)
    images = [snapshot.image for snapshot in run]
    if images:
        size = tuple(images[-1].shape[-2:])
        images = [image if image.shape[-2:] == size else resize(image, size) for image in images]
    if len(images) <= count:
        return images
    changes = [(b - a).abs().mean().item() for a, b in itertools.pairwise(images)]
    distance = np.cumsum([0.0, *changes])  # how far each image is from the first, along the run
    picked = {len(images) - 1}
    for mark in np.linspace(0, distance[-1], count)[:-1]:  # the last mark is the last image
        picked.add(int(np.abs(distance - mark).argmin()))
    return [images[i] for i in sorted(picked)]


def save_gif(frames: Iterable[Tensor], path, *, seconds: float = 4.0, hold: float = 1.0) -> None:
    """Writes images of one size as a GIF that repeats, `seconds` long plus `hold` at its end.

    All frames share one palette of 256 colors, so nothing flickers. A GIF shows at most 50 frames
    per second. If the program gifsicle is installed, it makes the file smaller. Missing folders
    are made; a write that fails leaves an older file as it was. Raises: ValueError for no frames,
    frames of several sizes, or times out of range; OSError if the file cannot be written. Built
    in: 08_runs.
    """
    pictures = [to_pil(frame) for frame in frames]
    if not pictures:
        raise ValueError("there are no frames to save; pick_frames(run) gives some")
    for picture in pictures:
        if picture.size != pictures[0].size:
            raise ValueError(
                f"the frames differ in size: {pictures[0].size} and {picture.size}; "
                "resize them first"
            )
    write_gif(pictures, path, seconds, hold)
