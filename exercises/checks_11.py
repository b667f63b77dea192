"""The checks of lesson 11, Studio."""

from exercises.checking import exercise, expect


@exercise
def log_slider(weight):
    """Exercise 1: the weight at a position on a logarithmic slider."""
    expect(
        "the left end of a slider from 1 to 10000",
        weight(0.0, 1.0, 10000.0),
        1.0,
        "At position 0 the weight is `low` itself. `low` and `high` are weights, not exponents.",
    )
    expect(
        "the right end of a slider from 1 to 10000",
        weight(1.0, 1.0, 10000.0),
        10000.0,
        "At position 1 the weight is `high`.",
    )
    expect(
        "the middle of a slider from 1 to 10000",
        weight(0.5, 1.0, 10000.0),
        100.0,
        "Half the way is half the factors of ten, not half the difference. Raise the ratio of the "
        "ends to the power of the position.",
    )
    expect(
        "the middle of a slider from 0.01 to 100",
        weight(0.5, 0.01, 100.0),
        1.0,
        "Raise the ratio high / low to the power of the position, not `high` alone. With low = 1 "
        "the two are equal.",
    )


@exercise
def draw_times(drawn):
    """Exercise 2: the evaluations after which a picture is drawn."""
    expect(
        "evaluations at 0, 1 and 2 s, a gap of 0.5 s",
        drawn([0.0, 1.0, 2.0], 0.5),
        [0.0, 1.0, 2.0],
        "All of them are further apart than the gap, so all are drawn. Compare times; do not count "
        "evaluations.",
    )
    expect(
        "evaluations every 0.25 s, a gap of 0.5 s",
        drawn([0.0, 0.25, 0.5, 0.75, 1.0], 0.5),
        [0.0, 0.5, 1.0],
        "Compare with the time of the last drawing, not with the evaluation before. Otherwise a "
        "fast run is never drawn, or always.",
    )
    expect(
        "evaluations at 0, 0.75, 1, 1.25 and 1.5 s, a gap of 0.5 s",
        drawn([0.0, 0.75, 1.0, 1.25, 1.5], 0.5),
        [0.0, 0.75, 1.25],
        "The gap begins again at each drawing. With a fixed grid of times two drawings can be "
        "closer than the gap.",
    )
    expect(
        "no evaluations at all",
        drawn([], 0.5),
        [],
        "Before the first evaluation there is nothing to draw.",
    )
