"""The checks of lesson 11, Studio."""

import itertools
import math

from torch import Tensor

from exercises.checking import Wrong, describe, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."

# ------------------------------------------------------------------------------ log_slider


@exercise
def log_slider(attempt):
    """Exercise 1: the weight at a position on a logarithmic slider."""
    _check_weight(attempt, 0.0, 1.0, 10_000.0)
    _check_weight(attempt, 1.0, 1.0, 10_000.0)
    # The middle, the quarters and other places; ends on both sides of 1; a slider that falls.
    for position, low, high in (
        (0.5, 1.0, 10_000.0),
        (0.5, 0.01, 100.0),
        (0.25, 1.0, 10_000.0),
        (0.75, 1.0, 10_000.0),
        (0.1, 2.0, 50.0),
        (0.37, 0.03, 7.0),
        (0.9, 1e-6, 1e-3),
        (0.6, 1000.0, 0.1),
    ):
        _check_weight(attempt, position, low, high)


def _check_weight(attempt, position: float, low: float, high: float) -> None:
    what = f"position {position:g} on a slider from {low:g} to {high:g}"
    wanted = low * (high / low) ** position
    try:
        came = attempt(position, low, high)
    except (OverflowError, ZeroDivisionError) as error:
        raise Wrong(
            f"{what}: expected {wanted:.5g}, got the error {error}. Perhaps `low` or `high` is "
            "used as an exponent. Both are weights."
        ) from None
    if isinstance(came, Tensor) and came.numel() == 1:
        came = came.item()
    try:
        number = float(came)
    except (TypeError, ValueError):
        guess = NO_RETURN if came is None else "Return one number."
        raise Wrong(f"{what}: expected {wanted:.5g}, got {kind(came)}. {guess}") from None
    # Relative, because a weight may be as small as 1e-6
    if not math.isclose(number, wanted, rel_tol=1e-5):
        guess = _weight_guess(position, low, high, number)
        raise Wrong(f"{what}: expected {wanted:.5g}, got {number:.5g}. {guess}")


def _weight_guess(position: float, low: float, high: float, came: float) -> str:
    """A sentence about a mistake that would give what came."""
    wanted = low * (high / low) ** position

    def is_near(value) -> bool:
        return math.isclose(came, value, rel_tol=1e-5)

    if is_near(high * (low / high) ** position):
        return "Perhaps the ends are exchanged. At position 0 the weight is `low`."
    exponent = min(low + position * (high - low), 300)
    if is_near(10**exponent):
        return "Perhaps `low` and `high` are used as exponents. Both are weights."
    if is_near(math.exp(exponent)):
        return "Perhaps `exp` is taken of `low` and `high`. Take it of their logarithms."
    if is_near(round(wanted)) or is_near(int(wanted)):
        return "Perhaps the weight is rounded to a whole number. Return it as it is."
    if is_near(round(wanted, 1)) or is_near(round(wanted, 2)) or is_near(round(wanted, 3)):
        return "Perhaps the weight is rounded. Return it as it is."
    if is_near(low + position * (high - low)):
        return (
            "That is a slider whose equal moves add equal amounts. Perhaps you added a share of "
            "the difference; multiply by a power of the ratio of the ends."
        )
    if is_near(low * high**position):
        return "Perhaps `high` alone is raised to a power. Raise the ratio high / low to it."
    if is_near((high / low) ** position):
        return "Perhaps the factor `low` is missing."
    if is_near(low + (high / low) ** position):
        return "Perhaps `low` is added to the power. Multiply by it."
    if is_near(low + (high - low) ** position) or is_near(low * (high - low) ** position):
        return "Perhaps the difference high - low is raised to a power. Raise the ratio to it."
    if 0 < position < 1 and (is_near(low) or is_near(high)):
        return (
            "That is one of the ends. Perhaps positions between the ends are compared with a "
            "threshold, or rounded."
        )
    if is_near(position * math.log10(high / low) + math.log10(low)):
        return "That is the logarithm of the weight to base 10. Raise 10 to the power of it."
    if is_near(position * math.log(high / low) + math.log(low)):
        return "That is the natural logarithm of the weight. Perhaps `exp` is missing at the end."
    if is_near(low * (high / low) ** (position**2)):
        return "Perhaps the position is squared. Equal moves must give equal factors."
    if position in (0.0, 1.0):
        return "At position 0 the weight is `low`, and at position 1 it is `high`."
    return (
        "Perhaps only some positions are right. The same formula must hold from 0 to 1: equal "
        "moves multiply the weight by equal factors."
    )


# ------------------------------------------------------------------------------ draw_times

# Each case: what it is, the times, the gap. The times can be written exactly as floats.
CASES = (
    ("evaluations at 0, 1 and 2 s, a gap of 0.5 s", (0.0, 1.0, 2.0), 0.5),
    ("evaluations every 0.25 s, a gap of 0.5 s", (0.0, 0.25, 0.5, 0.75, 1.0), 0.5),
    ("evaluations at 0, 0.75, 1, 1.25 and 1.5 s, a gap of 0.5 s", (0, 0.75, 1, 1.25, 1.5), 0.5),
    ("evaluations at 3, 3.25, 4.5, 5 and 5.5 s, a gap of 1 s", (3.0, 3.25, 4.5, 5.0, 5.5), 1.0),
    ("evaluations every 0.5 s up to 2.5 s, a gap of 0.75 s", (0, 0.5, 1, 1.5, 2, 2.5), 0.75),
    ("evaluations at 1, 1 and 1.5 s, a gap of 0 s", (1.0, 1.0, 1.5), 0.0),
    ("one evaluation at 2 s, a gap of 4 s", (2.0,), 4.0),
    ("no evaluations at all, a gap of 0.5 s", (), 0.5),
)


@exercise
def draw_times(attempt):
    """Exercise 2: the evaluations after which a picture is drawn."""
    for what, times, gap in CASES:
        times = [float(time) for time in times]
        _check_drawn(attempt, what, times, gap)


def _check_drawn(attempt, what: str, times: list[float], gap: float) -> None:
    wanted = _drawn(times, gap)
    given = list(times)
    try:
        came = attempt(given, gap)
    except IndexError as error:
        if times:
            raise
        raise Wrong(
            f"{what}: expected [], got the error {error}. Perhaps `times[0]` is read before you "
            "know that there is one."
        ) from None
    if came is given and came == wanted and times and wanted != times:
        raise Wrong(
            f"{what}: expected a new list, got the list that you were given, with fewer times. "
            "Perhaps you removed times from it. Add them to a new list."
        )
    if given != times:
        raise Wrong(
            f"{what}: expected that the given list stays {times}, but it is now {given}. Perhaps "
            "`pop` or `remove` changed it. Add the times to a new list."
        )
    came = _as_list(what, came, wanted)
    expect(what, came, wanted, "" if came == wanted else _drawn_guess(times, gap, came))


def _as_list(what: str, came, wanted: list[float]) -> list:
    """What came as a list of numbers; arrays, tensors and tuples count as lists."""
    if hasattr(came, "tolist"):
        came = came.tolist()
    if isinstance(came, (list, tuple)):
        return list(came)
    guess = "Return the list of the times."
    if came is None:
        guess = NO_RETURN
    elif isinstance(came, (int, float)):
        guess = "Perhaps you returned how many pictures are drawn. Return the list of their times."
    raise Wrong(f"{what}: expected {describe(wanted)}, got {describe(came)}. {guess}")


def _drawn(times, gap, *, is_due=lambda passed, gap: passed >= gap) -> list[float]:
    kept = []
    for time in times:
        if not kept or is_due(time - kept[-1], gap):
            kept.append(time)
    return kept


def _drawn_guess(times: list[float], gap: float, came: list) -> str:
    """A sentence about a mistake that would give what came."""
    wanted = _drawn(times, gap)
    pairs = list(itertools.pairwise(times))
    neighbors = [after for before, after in pairs if after - before >= gap]
    later = _drawn(times, gap, is_due=lambda passed, gap: passed > gap)
    grid = times[:1] + [after for before, after in pairs if gap and after // gap > before // gap]
    if came == [times.index(time) for time in wanted]:
        return "Those are places in the list. Perhaps `enumerate` or `range` gave them."
    if came == later:
        return "Perhaps you wrote > in place of >=. A picture is also drawn after exactly `gap`."
    if came == _drawn(times, 0.5):
        return "Perhaps the gap is always 0.5 in your function. Use the argument."
    if came == wanted[1:]:
        return "Perhaps the first evaluation is left out. Its picture is always drawn."
    if came == times[:1] + neighbors or came == neighbors:
        return (
            "Perhaps each time is compared with the one before it. Compare with the last time at "
            "which a picture was drawn."
        )
    if came == grid:
        return (
            "Perhaps the pictures are drawn on a fixed grid of times. The gap begins again at each "
            "drawing."
        )
    if came == [*wanted, *times[-1:]]:
        return "Perhaps the last evaluation is always added. It is drawn only if the gap is over."
    if times and came in (times[::2], times[::3]):
        return "Perhaps evaluations are counted. Compare the times with `gap`."
    if came == times:
        return "Those are all times. Perhaps nothing is compared with `gap`."
    if len(came) > len(wanted):
        return "Those are too many. Perhaps the last drawing is not kept up to date."
    return "The first one is drawn, then each that is `gap` or more after the last drawing."
