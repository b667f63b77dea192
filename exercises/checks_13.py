"""The checks of lesson 13, Many pictures."""

import copy
import sys

import cloudpickle
import numpy as np
import torch

import helpers as nst
from batch import jobs, work
from exercises.checking import Wrong, describe, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."
ADDED = "Perhaps the serial part is added to the rounds. `wall` takes the larger of the two."

# ------------------------------------------------------------------------------ task

MOST_SENT = 20_000  # bytes of a function that takes nothing large along
BASE = {"size": 48, "steps": 3, "start": "noise", "seed": 3, "style_weight": 40.0}
CHANGES = (
    ("a style weight of 40, 3 evaluations, noise with seed 3", {}),
    ("a style weight of 4000", {"style_weight": 4000.0}),
    ("5 evaluations", {"steps": 5}),
    ("noise with seed 8", {"seed": 8}),
    ("the start content", {"start": "content"}),
)


@exercise
def task(attempt):
    """Exercise 1: the function that a worker runs."""
    base = jobs.default_settings() | BASE
    photo = work.load_pixels("china", 48)
    painting = work.load_pixels("starry_night", 40)
    # A stub is told apart from a wrong answer by the first call, before anything is measured.
    given = copy.deepcopy(base)
    _, kept = work.network(base)
    kept.clear()
    came = _pixels(CHANGES[0][0], attempt(given, photo.copy(), painting.copy()), photo)
    if given != base:
        raise Wrong(
            "the settings: expected that they stay as they are, but they changed. Perhaps `pop` "
            "or an assignment changed the dict."
        )
    _check_size(attempt)
    if not kept:
        raise Wrong(
            "the Gram matrices: expected that the dict from `work.network` keeps them, but it is "
            "empty. Perhaps `kept` is not handed to `nst.stylize`."
        )
    _check_networks(attempt, base, photo, painting)
    for what, change in CHANGES:
        settings = base | change
        # Another task may have drawn random numbers before this one.
        torch.manual_seed(len(what))
        state = torch.get_rng_state()
        came = _pixels(what, attempt(dict(settings), photo.copy(), painting.copy()), photo)
        wanted = _wanted(settings, photo, painting)
        if _distance(came, wanted) > 1:
            raise Wrong(
                f"{what}: expected {_say(wanted)}, got {_say(came)}. "
                + _task_guess(came, settings, photo, painting)
            )
        below = wanted.mean() - came.mean()
        if below > 0.25:  # two machines differ by far less; numbers that are cut lose 0.5
            raise Wrong(
                f"{what}: expected bytes with mean {wanted.mean():.2f}, got {came.mean():.2f}. "
                "Perhaps the image is not rounded: `byte` and `uint8` cut the decimals off."
            )
        if not torch.equal(state, torch.get_rng_state()):
            raise Wrong(
                f"{what}: the picture is right, but torch's own generator was changed. Perhaps "
                "`torch.manual_seed` or `nst.seed` was called. Tasks in one process share that "
                "generator; make one with `torch.Generator()`."
            )


def _pixels(what: str, came, photo: np.ndarray) -> np.ndarray:
    """What came, if it is an array of bytes of the photograph's shape."""
    if not isinstance(came, np.ndarray):
        guess = "Return the last image alone."
        if came is None:
            guess = NO_RETURN
        elif isinstance(came, torch.Tensor):
            guess = "Perhaps `.numpy()` is missing at the end."
        elif isinstance(came, nst.Snapshot):
            guess = "Perhaps the Snapshot is returned. Return the bytes of its image."
        elif isinstance(came, list):
            guess = "Perhaps all Snapshots are returned, and all would be sent. Return one image."
        raise Wrong(f"{what}: expected an array {photo.shape} of uint8, got {kind(came)}. {guess}")
    if came.dtype != np.uint8:
        raise Wrong(
            f"{what}: expected an array of uint8, got {came.dtype}, which is "
            f"{came.dtype.itemsize} times as many bytes. Perhaps `round` and `byte` are missing."
        )
    if came.shape != photo.shape:
        raise Wrong(
            f"{what}: expected shape {photo.shape}, got {came.shape}. Perhaps the painting and the "
            "photograph are exchanged, or the axes were moved."
        )
    return came


def _check_size(attempt) -> None:
    """Counts the bytes with which a function is sent to another process."""
    module = sys.modules.get(attempt.__module__ or "")
    by_value = module is not None and module.__name__ != "__main__"
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        size = len(cloudpickle.dumps(attempt))
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
    if size > MOST_SENT:
        raise Wrong(
            f"the function: expected less than {MOST_SENT} bytes when it is sent, got {size}. "
            "Perhaps it uses a network of the notebook, such as `vgg`, and takes it along."
        )


def _check_networks(attempt, settings: dict, photo: np.ndarray, painting: np.ndarray) -> None:
    """Counts the networks that are made during a call, when the process has one already."""
    made = []
    original = nst.VGG19.__init__

    def counting(self, *arguments, **options):
        made.append(self)
        original(self, *arguments, **options)

    nst.VGG19.__init__ = counting
    try:
        attempt(dict(settings), photo.copy(), painting.copy())
    finally:
        nst.VGG19.__init__ = original
    if made:
        raise Wrong(
            f"a second task in one process: expected that no network is made, got {len(made)}. "
            "Perhaps the function calls `nst.VGG19`, or `vgg` is not handed to `nst.stylize`."
        )


def _wanted(
    settings: dict, photo: np.ndarray, painting: np.ndarray, *, which: int = -1, **options
) -> np.ndarray:
    """The right picture; `options` and `which` make those of common mistakes."""
    vgg, _ = work.network(settings)
    usual = {
        "weights": nst.Weights(style=settings["style_weight"]),
        "evaluations": settings["steps"],
        "start": settings["start"],
        "generator": torch.Generator().manual_seed(settings["seed"]),
    }
    run = nst.stylize(
        torch.from_numpy(photo).float() / 255,
        torch.from_numpy(painting).float() / 255,
        vgg=vgg,
        **(usual | options),
    )
    image = list(run)[which].image
    return (image * 255).round().byte().cpu().numpy()


def _distance(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def _say(pixels: np.ndarray) -> str:
    first = ", ".join(str(value) for value in pixels.flat[:4])
    return f"bytes that begin with {first} and have mean {pixels.mean():.1f}"


def _task_guess(came: np.ndarray, settings: dict, photo: np.ndarray, painting: np.ndarray) -> str:
    """A sentence about a mistake that would give what came."""

    def is_near(**options) -> bool:
        return _distance(came, _wanted(settings, photo, painting, **options)) <= 1

    if is_near(which=0):
        return "That is the first image of the run. Return the last one."
    if is_near(weights=nst.Weights()):
        return "Perhaps the style weight of the settings is not used."
    if is_near(weights=nst.Weights(content=settings["style_weight"])):
        return "Perhaps the style weight became the content weight."
    if is_near(evaluations=None) or is_near(evaluations=3):
        return "Perhaps `steps` is not used as the number of evaluations."
    if is_near(start="recolored"):
        return "Perhaps `start` is not used."
    if is_near(generator=torch.Generator().manual_seed(0)):
        return "Perhaps the seed of the settings is not used."
    if is_near(method="adam"):
        return "Perhaps the method is Adam. Leave it at its default."
    if settings["start"] == "noise":
        return (
            "Perhaps the noise comes from torch's own generator, which other tasks use, too. Hand "
            "over a generator with the seed of the settings."
        )
    return "Perhaps the bytes are not divided by 255, or the image is not rounded."


# ------------------------------------------------------------------------------ missing


def _rows(good: str, bad: str = "") -> list[dict]:
    rows = [{"fingerprint": mark, "error": ""} for mark in good]
    return rows + [{"fingerprint": mark, "error": "out of memory"} for mark in bad]


# Each case: what it is, the fingerprints wanted, the rows.
CASES = (
    ("nothing is done", list("dbca"), []),
    ("b is done", list("dbca"), _rows("b")),
    ("a and d are done, and x, which is not wanted", list("dbca"), _rows("axd")),
    ("b failed and a is done", list("dbca"), _rows("a", "b")),
    ("c failed at first and was made later", list("dbca"), [*_rows("", "c"), *_rows("c")]),
    ("c was made at first and failed later", list("dbca"), [*_rows("c"), *_rows("", "c")]),
    ("d is wanted twice and nothing is done", list("dbda"), []),
    ("everything is done", list("ab"), _rows("ba")),
    ("nothing is wanted", [], _rows("ab")),
)


@exercise
def missing(attempt):
    """Exercise 2: what must still be made."""
    for what, wanted, rows in CASES:
        given = (list(wanted), [dict(row) for row in rows])
        done = {row["fingerprint"] for row in rows if not row["error"]}
        right = [mark for mark in dict.fromkeys(wanted) if mark not in done]
        came = attempt(*given)
        if given != (wanted, rows):
            raise Wrong(
                f"{what}: expected that both lists stay as they are, but one has changed. Perhaps "
                "`remove` or `pop` changed it. Make a new list."
            )
        if not isinstance(came, (list, tuple)):
            guess = NO_RETURN if came is None else "Return a list, in the order of the grid."
            raise Wrong(f"{what}: expected {right}, got {describe(came)}. {guess}")
        came = list(came)
        expect(what, came, right, "" if came == right else _missing_guess(wanted, rows, came))


def _missing_guess(wanted: list[str], rows: list[dict], came: list) -> str:
    """A sentence about a mistake that would give what came."""
    good = {row["fingerprint"] for row in rows if not row["error"]}
    known = {row["fingerprint"] for row in rows}
    last = {row["fingerprint"]: row["error"] for row in rows}
    right = [mark for mark in dict.fromkeys(wanted) if mark not in good]
    if rows and came == wanted[len(rows) :]:
        return "Perhaps the rows are counted. A row may stand anywhere; compare the fingerprints."
    if came == [mark for mark in dict.fromkeys(wanted) if mark not in known]:
        return "Perhaps a failed run counts as done. Its row has an error."
    if came == [mark for mark in wanted if mark not in good]:
        return "A fingerprint stands there twice, so the picture would be made twice."
    if came == [mark for mark in dict.fromkeys(wanted) if last.get(mark, "-")]:
        return "Perhaps only the last row of a fingerprint counts. One good row is enough."
    if came == [mark for mark in dict.fromkeys(wanted) if mark in good]:
        return "Those are the pictures that are done. Return the others."
    if sorted(map(str, came)) == sorted(right):
        return "These are the right ones in another order. Keep the order of `wanted`."
    return "A fingerprint is missing if no row has it with an empty error."


# ------------------------------------------------------------------------------ workers_needed

# Each case: pictures, seconds, serial, limit. The numbers are exact as floats, but for the last
# case: ten times 0.1 is 1.0, although 1.0 // 0.1 is 9.
PLANS = (
    (24, 1.0, 0.25, 6.5),
    (10, 2.0, 0.125, 6.0),
    (10, 2.0, 0.125, 5.5),
    (10, 2.0, 0.125, 2.0),
    (10, 2.0, 0.125, 1.5),
    (10, 2.0, 0.75, 6.0),
    (24, 1.0, 0.25, 6.0),
    (7, 4.0, 0.0, 28.0),
    (7, 4.0, 0.0, 1000.0),
    (1, 3.0, 0.5, 3.0),
    (1000, 8.0, 0.0625, 100.0),
    (3000, 2.0, 0.0, 4.0),
    (10, 0.1, 0.0, 1.0),
)


@exercise
def workers_needed(attempt):
    """Exercise 3: the fewest workers for a deadline."""
    for pictures, seconds, serial, limit in PLANS:
        wanted = _needed(pictures, seconds, serial, limit)
        came = attempt(pictures, seconds, serial, limit)
        what = (
            f"{pictures} pictures of {seconds:g} s, {serial:g} s serial, at most {limit:g} s in all"
        )
        if came is None or wanted is None:
            same = came is wanted
        else:
            same = isinstance(came, (int, np.integer)) and came == wanted
        if not same:
            guess = _needed_guess(pictures, seconds, serial, limit, came)
            raise Wrong(f"{what}: expected {wanted}, got {describe(came)}. {guess}")


def _needed(pictures, seconds, serial, limit, *, rounds=lambda a, b: -(-a // b), join=max):
    """The right number; `rounds` and `join` make those of common mistakes."""
    for workers in range(1, pictures + 1):
        if join((rounds(pictures, workers) * seconds, pictures * serial)) <= limit:
            return workers
    return None


def _needed_guess(pictures, seconds, serial, limit, came) -> str:
    """A sentence about a mistake that would give what came."""
    wanted = _needed(pictures, seconds, serial, limit)
    if came is not None and not isinstance(came, (int, float, np.integer)):
        return "Return one number, or None."
    if isinstance(came, float) and came == wanted:
        return "Return a whole number: an int, without a decimal point."
    if (pictures, limit) == (10, 1.0):
        return (
            "Perhaps `limit // seconds` gives 9 rounds, because 0.1 is not exact as a float. Try "
            "1, 2, 3 workers and so on with `wall`."
        )
    if came is None:
        if wanted > 1000:
            return "Perhaps the search ends at 1,000. It must go on to one worker for each picture."
        if wanted == pictures:
            return "Perhaps the last number of workers is not tried. It is one for each picture."
        if _needed(pictures, seconds, serial, limit * (1 - 1e-9)) != wanted:
            return "Perhaps you wrote < in place of <=. A grid may take the whole time."
        if _needed(pictures, seconds, serial, limit, join=sum) is None:
            return f"{ADDED} Or the function has no `return`."
        return "Perhaps the search ends too early, or the function has no `return`."
    if wanted is None:
        if came == _needed(pictures, seconds, 0.0, limit):
            return "Perhaps the serial part is left out. It does not shrink with more workers."
        return "No number of workers is enough here: one round or the serial part is too long."
    if came == _needed(pictures, seconds, serial, limit, rounds=lambda a, b: a / b):
        return "Perhaps pictures are divided without rounding up. A worker makes whole pictures."
    if came == _needed(pictures, seconds, serial, limit, rounds=lambda a, b: a // b):
        return "Perhaps the rounds are rounded down. The last pictures need a round, too."
    if came == _needed(pictures, seconds, serial, limit * (1 - 1e-9)):
        return "Perhaps you wrote < in place of <=. A grid may take the whole time."
    if came == _needed(pictures, seconds + serial, 0.0, limit):
        return "Perhaps the serial part is added to each picture. It is a bound for the whole grid."
    if came == _needed(pictures, seconds, serial, limit, join=sum):
        return ADDED
    if came == wanted - 1:
        return "That is one less. Perhaps `range` begins at 0 and its place is returned."
    if came > wanted:
        return "That is enough, but fewer workers are enough, too."
    return "Try 1, 2, 3 workers and so on, and return the first number that is in time."
