"""Work: the one function that runs on a worker. It gets pictures and settings, never a network.

Each process makes a network once and keeps it, with the Gram matrices of the paintings that it has
seen. So neither the network nor a Gram matrix is ever sent.
"""

import argparse
import contextlib
import functools
import io
import os
import platform
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import helpers as nst
from batch.jobs import Job
from style_transfer import flags
from style_transfer.forecast import Forecast
from style_transfer.frames import growth
from style_transfer.images import from_bytes, to_bytes
from style_transfer.settings import ONE_PASS, TERMS

# Every flag of the shared table must be honored here. A test compares this list with the table.
HONORED = (
    *(f"{term}_weight" for term in TERMS),
    "style_layers",
    *("size", "sizes", "steps"),
    *("method", "lr", "start", "seed", "strength"),
    *("network", "pooling", "padding", "precision"),
)


@dataclass(frozen=True)
class Painted:
    """A finished picture: its PNG file's bytes, and what it cost and came to."""

    png: bytes
    losses: dict[str, float]
    evaluations: int
    seconds: float
    threads: int
    device: str
    worker: str


def load_pixels(path, size: int) -> np.ndarray:
    """A picture file at a long side of at most `size`, as bytes (1, 3, H, W), ready to be sent."""
    return to_bytes(nst.load_image(path, size)).cpu().numpy()


def arrive(pixels: np.ndarray) -> np.ndarray:
    """A picture as it arrives on a worker, where it stays for the jobs that need it."""
    return pixels


def paint(settings: dict, photo: np.ndarray, painting: np.ndarray, threads: int = 1) -> Painted:
    """Makes one picture. The pictures are bytes (1, 3, H, W); settings are those of the flags.

    The same input gives the same PNG in any process of a machine, because the number of threads is
    fixed and every random number comes from the job's own seed. Built in: 13_many.
    """
    begin = time.perf_counter()
    options = argparse.Namespace(**settings)
    pictures = [from_bytes(torch.from_numpy(pixels)) for pixels in (photo, painting)]
    with thread_count(threads):
        vgg, kept = network(settings)
        if options.method == ONE_PASS:
            last = paint_at_once(*pictures, vgg, options)
        else:
            last = finish(run(*pictures, vgg, kept, options))
    file = io.BytesIO()
    nst.to_pil(last.image).save(file, "PNG")
    return Painted(
        file.getvalue(),
        last.losses,
        last.evaluations,
        time.perf_counter() - begin,
        threads,
        str(vgg.device),
        f"{platform.node()}-{os.getpid()}",
    )


def run(photo: Tensor, painting: Tensor, vgg: nst.VGG19, kept: dict, options) -> Iterator:
    """A run of `stylize` with the settings of the flags."""
    return nst.stylize(
        photo,
        painting,
        vgg=vgg,
        kept=kept,
        weights=flags.loss_weights(options),
        layers=flags.style_layers(options.style_layers),
        sizes=stage_sizes(options, max(photo.shape[-2:])),
        evaluations=options.steps,
        start=options.start,
        method=options.method,
        lr=options.lr,
        generator=torch.Generator().manual_seed(options.seed),
    )


def paint_at_once(photo: Tensor, painting: Tensor, vgg: nst.VGG19, options) -> nst.Snapshot:
    """The picture of the method without an optimizer, as a Snapshot without losses."""
    strength = flags.one_pass_strength(options)
    image = nst.paint_at_once(
        photo.to(vgg.device), painting.to(vgg.device), vgg=vgg, strength=strength
    )
    return nst.Snapshot(0, 0.0, image, {})


def finish(run: Iterator[nst.Snapshot]) -> nst.Snapshot:
    """The last Snapshot of a run. Raises: FloatingPointError if the run blew up."""
    ends = []  # the first and the last Snapshot of the present size; the others need not be kept
    for snapshot in run:
        if ends and ends[0].size == snapshot.size:
            ends[1:] = [snapshot]
        else:
            ends = [snapshot]
    if growth(ends):
        raise FloatingPointError(f"the run blew up: {growth(ends)}")
    return ends[-1]


def forecast(jobs: list[Job], threads: int = 1) -> tuple[float, Forecast]:
    """Seconds of work for all jobs on one worker like this process, and what the largest needs.

    A few evaluations are timed for each size, number of evaluations and network among the jobs.
    Raises: what loading a picture raises.
    """
    measured = {}
    total = 0.0
    for job in jobs:
        options = argparse.Namespace(**job.settings)
        names = ("size", "sizes", "steps", "network", "pooling", "padding", "precision")
        kind = tuple(str(job.settings[name]) for name in names)
        if kind not in measured:
            photo = nst.load_image(job.content.path, options.size)
            painting = nst.load_image(job.style.path, options.size)
            sizes = stage_sizes(options, max(photo.shape[-2:]))
            stages = nst.stages_for(photo, sizes, options.steps)
            with thread_count(threads):
                vgg, _ = network(job.settings)
                measured[kind] = nst.forecast(vgg, photo, painting, stages=stages)
        total += measured[kind].seconds
    return total, max(measured.values(), key=lambda one: one.memory)


def stage_sizes(options: argparse.Namespace, long_side: int) -> tuple[int, ...] | None:
    """The sizes of --sizes up to the photograph's own size, which is the last one."""
    return flags.fitting(flags.sizes(options), long_side)


@contextlib.contextmanager
def thread_count(threads: int) -> Iterator[None]:
    """Lets torch compute with so many threads inside the block.

    torch sums in another order with another number of threads, and the last digits differ then. A
    setting of the process is not enough: torch keeps the number for each thread that calls it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Recent(dict):
    """A dict that forgets its oldest entry when it would hold more than `MOST`."""

    MOST = 64

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if len(self) > self.MOST:
            del self[next(iter(self))]


_making = threading.Lock()


def make_network(settings: dict) -> None:
    """Makes the network of this process before the first picture needs it."""
    network(settings)


def network(settings: dict) -> tuple[nst.VGG19, Recent]:
    """The network of this process with these settings, and the Gram matrices kept for it."""
    name = settings["network"]
    # A file of weights that has changed is read again; a worker may live for weeks.
    written = os.stat(name).st_mtime_ns if os.path.isfile(name) else None
    with _making:  # a worker may have several threads
        return _network(
            name, settings["pooling"], settings["padding"], settings["precision"], written
        )


@functools.lru_cache(maxsize=4)
def _network(name: str, pooling: str, padding: str, precision: str, written: int | None):
    vgg = nst.ready_network(name, pooling=pooling, padding=padding, precision=precision)
    return vgg, Recent()
