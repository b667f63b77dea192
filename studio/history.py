"""History: the frames of a run, thinned to fit into memory, and the states that undo returns to."""

import time
from collections import deque
from dataclasses import dataclass

from torch import Tensor

import helpers as nst
from studio.settings import Settings
from style_transfer.images import from_bytes, to_bytes

# The most frames of one run, and the most bytes. Beyond either, every second frame is dropped.
MOST_FRAMES = 120
MOST_BYTES = 64 * 2**20
FEWEST_FRAMES = 24  # are kept whatever they take, because a GIF has so many

UNDO_DEPTH = 5  # changes that undo can take back
GESTURE = 2.0  # seconds; moves of one slider that follow each other faster are one change


@dataclass(frozen=True, eq=False)
class Frame(nst.Snapshot):
    """A Snapshot of the studio, with the settings that made it.

    `evaluations` is the frame's place in the run. Stretches that were undone do not count in it.
    """

    settings: Settings

    def packed(self) -> "Frame":
        """The same frame in a quarter of the memory."""
        return PackedFrame(self)


class PackedFrame(Frame):
    """A Frame that keeps one byte per number, as a PNG file does, and keeps it on the CPU."""

    def __init__(self, frame: Frame):
        fields = dict(vars(frame))
        image = fields.pop("image")  # here it is a property, which unpacks `pixels`
        fields["pixels"] = to_bytes(image).cpu()
        vars(self).update(fields)  # not by assignment, because frames are frozen

    @property
    def image(self) -> Tensor:
        """The image (1, 3, H, W) as floats in [0, 1], on the CPU."""
        return from_bytes(self.pixels)

    @property
    def size(self) -> int:
        """The long side of the image in pixels; nothing is unpacked for it."""
        return max(self.pixels.shape[-2:])

    def packed(self) -> "Frame":
        return self


class History:
    """The frames of one run, and the states before the last changes.

    The thread that runs adds frames while the notebook reads them. No lock is needed: `now` and
    `frames` are replaced whole and never changed in place, so a reader has a complete list, which
    is at most one frame late.
    """

    def __init__(self):
        self.now: Frame | None = None  # the current frame, with its image at full precision
        self.frames: list[Frame] = []  # the run so far, packed
        self.stride = 1  # evaluations between two frames; thinning doubles it
        self.past = deque(maxlen=UNDO_DEPTH)  # settings and frames before each change
        self.last_change = ((), 0.0)  # the names of the settings that changed last, and when

    # -------------------------------------------------------------- the frames

    def add(self, frame: Frame) -> None:
        """Makes a frame the current one, and keeps it if it is far enough from the last one."""
        self.now = frame
        if not self.frames or self._is_due(frame):
            self.frames = self._thinned(self.complete())

    def _is_due(self, frame: Frame) -> bool:
        """Whether a frame is `stride` evaluations after the last one kept, or of another size."""
        last = self.frames[-1]
        return frame.evaluations - last.evaluations >= self.stride or frame.size != last.size

    def complete(self) -> list[Frame]:
        """The frames with the current one at their end, even if it is not due to be kept."""
        now = self.now
        frames = self.frames
        if now is None:
            return frames
        # An enlarged picture has as many evaluations as the small one before it.
        if frames and frames[-1].evaluations >= now.evaluations and frames[-1].size == now.size:
            return frames
        return [*frames, now.packed()]

    def finish(self) -> None:
        """Adds the current frame at the end of a run, so that the last picture is kept."""
        self.frames = self.complete()

    def pick(self, index: int) -> Frame:
        """The frame at an index of `frames`; -1 is the current one.

        Raises: ValueError if there is no picture yet; IndexError for an index out of range.
        """
        if self.now is None:
            raise ValueError("there is no picture yet; call start() first")
        return self.now if index == -1 else self.frames[self._position(index)]

    def _position(self, index: int) -> int:
        count = len(self.frames)
        if not -count <= index < count:
            raise IndexError(f"there is no frame {index}; the run has {count}, counted from 0")
        return index % count

    def _thinned(self, frames: list[Frame]) -> list[Frame]:
        """Every second frame if there are too many; from then on a frame is kept half as often."""
        size = sum(frame.pixels.numel() for frame in frames)  # frames may differ in size
        fits = len(frames) <= MOST_FRAMES and size <= MOST_BYTES
        if fits or len(frames) <= FEWEST_FRAMES:
            return frames
        self.stride *= 2
        return frames[::2]

    # -------------------------------------------------------------- back in time

    def clear(self) -> None:
        """Begins a new run without frames. The states that undo returns to stay."""
        self.now = None
        self.frames = []
        self.stride = 1
        self.last_change = ((), 0.0)

    def rewind(self, frames: list[Frame]) -> None:
        """Makes these frames the run so far, and the last of them the current one."""
        self.frames = frames
        self.now = frames[-1]

    def up_to(self, index: int) -> list[Frame]:
        """The frames up to an index, this one included. Raises: IndexError if out of range."""
        return self.frames[: self._position(index) + 1]

    def remember(self, settings: Settings) -> None:
        """Stores the settings and the frames as a state that undo returns to."""
        if self.now is not None:
            self.past.append((settings, self.complete()))
        self.last_change = ((), 0.0)  # a slider that moves after this is a change of its own

    def remember_change(self, names: tuple[str, ...], settings: Settings) -> None:
        """Stores the state before a change of these settings.

        A slider that is dragged sends many values. They are one change, so that one undo takes
        all of them back.
        """
        last_names, last_time = self.last_change
        now = time.monotonic()
        if names != last_names or now - last_time > GESTURE:
            self.remember(settings)
        self.last_change = (names, now)

    def pop(self) -> tuple[Settings, list[Frame]]:
        """Removes the newest of the states that undo returns to, and returns it."""
        self.last_change = ((), 0.0)
        return self.past.pop()
