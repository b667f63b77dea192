"""Common wrong answers to the exercises of lesson 00. Each gets a hint of its own."""


def share_not_divided(losses, term):
    return losses[term]


def share_of_the_others(losses, term):
    return losses[term] / (sum(losses.values()) - losses[term])


def share_of_nothing_is_nan(losses, term):
    total = sum(losses.values())
    return losses[term] / total if total else float("nan")


def forecast_by_long_side(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) * other_evaluations / evaluations


def forecast_without_evaluations(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) ** 2


def forecast_never_smaller(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * max(other_size / size, 1) ** 2 * other_evaluations / evaluations


MISTAKES = {
    "share_of_a_term": [share_not_divided, share_of_the_others, share_of_nothing_is_nan],
    "forecast_of_time": [
        forecast_by_long_side,
        forecast_without_evaluations,
        forecast_never_smaller,
    ],
}
