"""Writes GIFs with imageio or Pillow, and shrinks them with gifsicle.

The lessons do not need this file.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from style_transfer.files import note, write_atomic

try:
    import imageio.v3 as iio
except ImportError:
    iio = None  # Pillow writes the GIFs
try:
    import pygifsicle
except ImportError:
    pygifsicle = None  # nothing makes them smaller


LONGEST_FRAME = 655.35  # seconds; a GIF counts hundredths in 16 bits
MOST_FRAMES_PER_SECOND = 50  # what browsers show
SHRINK_SECONDS = 120  # the time limit of gifsicle
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def write_gif(pictures: list[Image.Image], path, seconds: float, hold: float) -> None:
    """Writes pictures of one size as a GIF that repeats without end; see `frames.save_gif`."""
    _check_times(len(pictures), seconds, hold)
    # A GIF counts time in hundredths of a second, and both writers want milliseconds.
    duration = round(100 * seconds / len(pictures)) * 10
    durations = [duration] * len(pictures)
    durations[-1] += round(100 * hold) * 10
    times = durations if len(durations) > 1 else durations[0]  # Pillow's rule for one frame
    palette = _shared_palette(pictures)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]

    def write(part: Path) -> None:
        if iio is None:
            options = {"append_images": frames[1:], "duration": times, "loop": 0}
            frames[0].save(part, "GIF", save_all=len(frames) > 1, **options)
        else:
            iio.imwrite(
                part,
                [np.asarray(frame) for frame in frames],
                extension=".gif",
                plugin="pillow",
                mode="P",
                is_batch=True,
                palette=palette.getpalette(),
                duration=times,
                loop=0,
            )
        _shrink(part)

    write_atomic(path, (".gif",), write)


def _check_times(count: int, seconds: float, hold: float) -> None:
    """Raises ValueError if a GIF of so many frames cannot have these times."""
    if not (seconds > 0 and hold >= 0):
        raise ValueError(
            f"seconds is {seconds} and hold is {hold}; seconds must be above 0 and hold 0 or more"
        )
    if seconds / count + hold > LONGEST_FRAME:
        raise ValueError(
            f"the last of {count} frames would last {seconds / count + hold:g} s; a frame of a GIF "
            f"lasts {LONGEST_FRAME} s at most: give fewer seconds or a shorter hold"
        )
    if count > MOST_FRAMES_PER_SECOND * seconds:
        raise ValueError(
            f"{count} frames in {seconds:g} s are too fast; a GIF shows {MOST_FRAMES_PER_SECOND} "
            "per second at most: give more seconds, or fewer frames as pick_frames does"
        )


def _shared_palette(pictures: list[Image.Image]) -> Image.Image:
    """One palette of 256 colors for all frames, made from about nine of them.

    A palette for each frame would flicker, and would take 25 times as long.
    """
    stride = max(1, len(pictures) // 8)
    sample = [*pictures[::stride], pictures[-1]]
    strip = np.concatenate([np.asarray(picture) for picture in sample])
    return Image.fromarray(strip).quantize(256, method=Image.Quantize.FASTOCTREE)


def _shrink(path: Path) -> None:
    """Makes the file smaller with pygifsicle, if it and the program gifsicle are installed.

    The file stays as it is unless the smaller one has the same frames with the same times.
    """
    if pygifsicle is None or shutil.which("gifsicle") is None:
        note(
            "the GIF would be smaller with the program gifsicle (apt install gifsicle, "
            "brew install gifsicle) and the Python package pygifsicle"
        )
        return
    smaller = path.with_name(path.stem + ".small.gif")
    try:
        with _checked_pygifsicle():
            pygifsicle.gifsicle(path, smaller, options=["-O3", "--lossy=40", "--no-warnings"])
        if not _same_frames(smaller, path):
            raise OSError("its GIF has other frames, or none")
        if smaller.stat().st_size < path.stat().st_size:
            os.replace(smaller, path)
    except (OSError, ValueError) as error:
        note(f"gifsicle did not work, so the GIF is larger than it could be ({error})")
    finally:
        smaller.unlink(missing_ok=True)


@contextlib.contextmanager
def _checked_pygifsicle() -> Iterator[None]:
    """pygifsicle ignores gifsicle's exit status and waits without end; in here it does not."""
    module = sys.modules[pygifsicle.gifsicle.__module__]
    original = module.subprocess

    def call(command: list) -> None:
        try:
            done = subprocess.run(command, timeout=SHRINK_SECONDS, **QUIET)
        except subprocess.TimeoutExpired:
            raise OSError(f"it ran for more than {SHRINK_SECONDS} s") from None
        if done.returncode:
            raise OSError(f"its exit status is {done.returncode}")

    module.subprocess = types.SimpleNamespace(call=call)
    try:
        yield
    finally:
        module.subprocess = original


def _same_frames(one: Path, two: Path) -> bool:
    """Whether two GIFs have the same number of frames, with the same times."""
    try:
        return _frame_times(one) == _frame_times(two)
    except Exception:  # decoders raise almost anything for a broken file
        return False


def _frame_times(path: Path) -> list[int]:
    """The milliseconds of each frame of a GIF."""
    with Image.open(path, formats=["GIF"]) as gif:
        return [frame.info.get("duration", 0) for frame in ImageSequence.Iterator(gif)]
