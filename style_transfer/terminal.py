"""What surrounds a program: streams whose reader may go away, and signals that end it.

The lessons do not need this file. It imports nothing heavy.
"""

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

INTERRUPTED = 130  # the exit status of a program that was interrupted
NO_MEMORY = "out of memory while the program was loaded; close other programs, or raise the limit"

# A closed terminal sends SIGHUP, which Windows does not have. A batch system at its time limit and
# a machine that shuts down send SIGTERM.
ENDINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))


def run(program: Callable[[], int]) -> int:
    """Runs a program, so that neither its streams nor a signal can cost it its result.

    What cannot be printed is dropped. SIGHUP and SIGTERM act as Ctrl-C does. Returns the exit
    status.
    """
    sys.stdout = SafeStream(sys.stdout)
    sys.stderr = SafeStream(sys.stderr)
    for number in ENDINGS:
        if signal.getsignal(number) != signal.SIG_IGN:  # the command nohup ignores SIGHUP
            signal.signal(number, _interrupt)
    try:
        return program()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _interrupt(number, frame) -> None:
    for ending in ENDINGS:  # one is enough, because the result is being saved from now on
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


class SafeStream:
    """A stream of text that never fails: what cannot be written is dropped."""

    def __init__(self, stream):
        # Python has no stream at all if it was closed before the program began.
        self._stream = stream or open(os.devnull, "w")  # noqa: SIM115 (it stays open)
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")  # where only ASCII can be printed

    def write(self, text: str) -> int:
        """Writes the text if possible, and returns its length."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Sends on what was written, if possible."""
        self._try(self._stream.flush)

    def _try(self, action: Callable, *arguments) -> None:
        try:
            action(*arguments)
        except (OSError, ValueError):  # ValueError: the stream was closed
            # From now on the words go nowhere. Otherwise Python would fail at its end, when it
            # sends on what is left.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, also while modules were loaded.

    torch says it with a RuntimeError, the loader of programs with an ImportError, and the system
    with an OSError.
    """
    words = str(error).lower()
    if isinstance(error, ImportError):
        return "failed to map segment" in words or "cannot allocate memory" in words
    if isinstance(error, RuntimeError):
        return "memory" in words or "bad_alloc" in words
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Puts off Ctrl-C and the signals that end a program, until something short is written.

    A signal that came meanwhile acts afterwards, so it raises KeyboardInterrupt then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    came = []
    before = {}
    for number in (signal.SIGINT, *ENDINGS):
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
