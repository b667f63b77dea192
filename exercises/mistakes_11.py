"""Common wrong answers to the exercises of lesson 11. Each gets a hint of its own."""

import itertools
import math


def weight_on_a_linear_slider(position, low, high):
    return low + position * (high - low)


def weight_from_exponents(position, low, high):
    return 10 ** (low + position * (high - low))


def weight_by_exp_of_the_ends(position, low, high):
    return math.exp(low + position * (high - low))


def weight_without_the_ratio(position, low, high):
    return low * high**position


def weight_without_the_low_end(position, low, high):
    return (high / low) ** position


def weight_with_the_low_end_added(position, low, high):
    return low + (high / low) ** position


def weight_from_the_high_end(position, low, high):
    return high * (low / high) ** position


def weight_of_the_squared_position(position, low, high):
    return low * (high / low) ** position**2


def weight_as_a_logarithm(position, low, high):
    return math.log10(low) + position * math.log10(high / low)


def weight_in_whole_numbers(position, low, high):
    return round(low * (high / low) ** position)


def weight_with_two_places(position, low, high):
    return round(low * (high / low) ** position, 2)


def weight_linear_above_the_middle(position, low, high):
    middle = math.sqrt(low * high)
    if position <= 0.5:
        return low * (high / low) ** position
    return middle + (2 * position - 1) * (high - middle)


def weight_at_three_positions(position, low, high):
    return {0.0: low, 0.5: math.sqrt(low * high), 1.0: high}.get(position, low)


def weight_without_a_return(position, low, high):
    low * (high / low) ** position


def drawn_every_second(times, gap):
    return times[::2]


def drawn_by_the_evaluation_before(times, gap):
    later = [after for before, after in itertools.pairwise(times) if after - before >= gap]
    return times[:1] + later


def drawn_on_a_grid(times, gap):
    kept = times[:1]
    for before, now in itertools.pairwise(times):
        if gap and now // gap > before // gap:
            kept.append(now)
    return kept


def drawn_after_more_than_the_gap(times, gap):
    kept = []
    for time in times:
        if not kept or time - kept[-1] > gap:
            kept.append(time)
    return kept


def drawn(times, gap):
    """The right answer, which the wrong ones below change."""
    kept = []
    for time in times:
        if not kept or time - kept[-1] >= gap:
            kept.append(time)
    return kept


def drawn_as_places(times, gap):
    return [times.index(time) for time in drawn(times, gap)]


def drawn_without_the_first(times, gap):
    return drawn(times, gap)[1:]


def drawn_and_the_last_always(times, gap):
    kept = drawn(times, gap)
    return kept if kept[-1:] == times[-1:] else [*kept, times[-1]]


def drawn_as_a_number(times, gap):
    return len(drawn(times, gap))


def drawn_with_the_gap_of_the_example(times, gap):
    return drawn(times, 0.5)


def drawn_from_the_list_that_is_emptied(times, gap):
    kept = []
    while times:
        time = times.pop(0)
        if not kept or time - kept[-1] >= gap:
            kept.append(time)
    return kept


def drawn_by_removing_from_the_list(times, gap):
    times[:] = drawn(times, gap)
    return times


def drawn_without_the_empty_list(times, gap):
    last = times[0]
    kept = [last]
    for time in times[1:]:
        if time - last >= gap:
            kept.append(time)
            last = time
    return kept


def drawn_all(times, gap):
    return list(times)


def drawn_without_a_return(times, gap):
    drawn(times, gap)


MISTAKES = {
    "log_slider": [
        weight_on_a_linear_slider,
        weight_from_exponents,
        weight_by_exp_of_the_ends,
        weight_without_the_ratio,
        weight_without_the_low_end,
        weight_with_the_low_end_added,
        weight_from_the_high_end,
        weight_of_the_squared_position,
        weight_as_a_logarithm,
        weight_in_whole_numbers,
        weight_with_two_places,
        weight_linear_above_the_middle,
        weight_at_three_positions,
        weight_without_a_return,
    ],
    "draw_times": [
        drawn_every_second,
        drawn_by_the_evaluation_before,
        drawn_on_a_grid,
        drawn_after_more_than_the_gap,
        drawn_as_places,
        drawn_without_the_first,
        drawn_and_the_last_always,
        drawn_as_a_number,
        drawn_with_the_gap_of_the_example,
        drawn_from_the_list_that_is_emptied,
        drawn_by_removing_from_the_list,
        drawn_without_the_empty_list,
        drawn_all,
        drawn_without_a_return,
    ],
}
