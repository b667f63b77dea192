"""Measuring: tasks that take turns, programs in fresh processes, memory, and the machine."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import torch
from torch import Tensor

import helpers as nst
from style_transfer.settings import LEARNING_RATES, ROOT

# ------------------------------------------------------------------------------ time


def take_turns(
    tasks: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1
) -> dict[str, list[float]]:
    """Runs every task once per round, and returns the seconds of each round for each task.

    Other programs slow a machine down for a while, and then they slow down all tasks alike. Every
    second round has the reverse order. The first `warm_up` rounds do not count.
    """
    times = {name: [] for name in tasks}
    names = list(tasks)
    for turn in range(warm_up + rounds):
        for name in names:
            begin = time.perf_counter()
            tasks[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warm_up:
                times[name].append(time.perf_counter() - begin)
        names.reverse()
    return times


def ratio(seconds: list[float], reference: list[float]) -> float:
    """The median, over the rounds, of one task's seconds divided by another's."""
    return statistics.median(a / b for a, b in zip(seconds, reference, strict=True))


def evaluation(objective: Callable[[Tensor], Tensor], photo: Tensor) -> Callable[[], None]:
    """A task: one evaluation of a loss, and of its gradient with respect to the pixels."""
    image = photo.clone().requires_grad_(True)

    def evaluate() -> None:
        image.grad = None
        objective(image).backward()

    return evaluate


def warm_up(vgg: nst.VGG19 | None = None) -> None:
    """Runs both optimizers once; the first use loads parts of torch, which no run should pay."""
    photo = nst.load_image("china", 64)
    painting = nst.load_image("starry_night", 64)
    for method in LEARNING_RATES:
        for _ in nst.stylize(photo, painting, vgg=vgg, method=method, evaluations=2):
            pass


# ------------------------------------------------------------------------------ processes


def run_fresh(words: list[str]) -> str:
    """Runs `python WORDS` in a process of its own, in the project's root; returns what it printed.

    Raises: RuntimeError with the last lines that it wrote to standard error, if it failed.
    """
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        lines = "\n".join(done.stderr.splitlines()[-5:])
        raise RuntimeError(f"python {' '.join(words)} ended with {done.returncode}: {lines}")
    return done.stdout


def peak_memory() -> int:
    """The most memory in bytes that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, getrusage counts the peak of the parent too, if the parent was larger. This
        # line of the kernel's file counts this process alone.
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource  # Windows does not have it

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


# ------------------------------------------------------------------------------ the machine


def machine() -> dict[str, str | int]:
    """The processor, the number of threads and the versions; nothing that names one machine."""
    where = nst.device()
    described = {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "device": where.type,
        "precision by default": nst.native_precision(where),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if where.type == "cuda":
        described["GPU"] = torch.cuda.get_device_name()
    return described


def _processor() -> str:
    """The name of the processor, as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
