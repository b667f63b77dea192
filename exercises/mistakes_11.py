"""Common wrong answers to the exercises of lesson 11. Each gets a hint of its own."""

import itertools


def weight_on_a_linear_slider(position, low, high):
    return low + position * (high - low)


def weight_from_exponents(position, low, high):
    return 10 ** (low + position * (high - low))


def weight_without_the_ratio(position, low, high):
    return low * high**position


def drawn_every_second(times, gap):
    return times[::2]


def drawn_by_the_evaluation_before(times, gap):
    later = [after for before, after in itertools.pairwise(times) if after - before >= gap]
    return times[:1] + later


def drawn_on_a_grid(times, gap):
    kept = times[:1]
    for before, now in itertools.pairwise(times):
        if now // gap > before // gap:
            kept.append(now)
    return kept


MISTAKES = {
    "log_slider": [weight_on_a_linear_slider, weight_from_exponents, weight_without_the_ratio],
    "draw_times": [drawn_every_second, drawn_by_the_evaluation_before, drawn_on_a_grid],
}
