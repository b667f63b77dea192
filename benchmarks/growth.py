"""Seconds and memory of one run at one size; each run needs a process of its own.

    python -m benchmarks.growth SIZE PRECISION EVALUATIONS

It prints one line of JSON. `bench.py` starts it, because the peak memory of a process never falls.
"""

import json
import statistics
import sys
from itertools import pairwise

import helpers as nst
from benchmarks.measure import peak_memory, run_fresh
from benchmarks.report import Row

WARM_UP = 3  # evaluations that do not count


def measure(size: int, precision: str, evaluations: int) -> Row:
    """Runs the pocket network at one size; returns what it cost. Call it in a fresh process."""
    photo = nst.resize(nst.load_image("china", None), size)
    painting = nst.resize(nst.load_image("starry_night", None), size)
    vgg = nst.VGG19("pocket", precision=precision).to(nst.device())
    before = peak_memory()
    run = nst.stylize(
        photo, painting, vgg=vgg, sizes=(size,), evaluations=WARM_UP + evaluations, every=1
    )
    # The last Snapshot costs an evaluation without a gradient, so it is left out below.
    clock = [snapshot.seconds for snapshot in run]
    seconds = statistics.median(later - earlier for earlier, later in pairwise(clock[WARM_UP:-1]))
    return {
        "size, px": size,
        "precision": precision,
        "seconds per evaluation": seconds,
        "nanoseconds per pixel": 1e9 * seconds / photo[0, 0].numel(),
        "peak memory, GB": peak_memory() / 1e9,
        "of it before the run, GB": before / 1e9,
    }


def in_fresh_process(size: int, precision: str, evaluations: int) -> Row:
    """The same from a fresh process."""
    words = ["-m", "benchmarks.growth", str(size), precision, str(evaluations)]
    return json.loads(run_fresh(words).splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
