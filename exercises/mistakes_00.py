"""Common wrong answers to the exercises of lesson 00. Each gets a hint of its own."""

import helpers as nst


def paint_first_image(photo, painting, vgg, evaluations):
    run = list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))
    return run[0].image


def paint_image_before_the_last(photo, painting, vgg, evaluations):
    return list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))[-2].image


def paint_snapshot(photo, painting, vgg, evaluations):
    return list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))[-1]


def paint_whole_run(photo, painting, vgg, evaluations):
    return list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))


def paint_not_started(photo, painting, vgg, evaluations):
    return nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations)


def paint_swapped(photo, painting, vgg, evaluations):
    return list(nst.stylize(painting, photo, vgg=vgg, evaluations=evaluations))[-1].image


def paint_without_evaluations(photo, painting, vgg, evaluations):
    return list(nst.stylize(photo, painting, vgg=vgg))[-1].image


def paint_with_another_network(photo, painting, vgg, evaluations):
    other = nst.VGG19("pocket").to(vgg.device)
    return list(nst.stylize(photo, painting, vgg=other, evaluations=evaluations))[-1].image


def paint_without_return(photo, painting, vgg, evaluations):
    list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))


def paint_with_adam(photo, painting, vgg, evaluations):
    run = nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations, method="adam")
    return list(run)[-1].image


def forecast_by_long_side(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) * other_evaluations / evaluations


def forecast_without_evaluations(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) ** 2


def forecast_never_smaller(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * max(other_size / size, 1) ** 2 * other_evaluations / evaluations


def forecast_not_divided(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) ** 2 * other_evaluations


def forecast_of_200(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (other_size / size) ** 2 * other_evaluations / 200


def forecast_of_ten_seconds(seconds, size, evaluations, other_size, other_evaluations):
    return 10 * (other_size / size) ** 2 * other_evaluations / evaluations


def forecast_upside_down(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * (size / other_size) ** 2 * evaluations / other_evaluations


def forecast_without_sizes(seconds, size, evaluations, other_size, other_evaluations):
    return seconds * other_evaluations / evaluations


def forecast_without_return(seconds, size, evaluations, other_size, other_evaluations):
    seconds *= (other_size / size) ** 2 * other_evaluations / evaluations


def share_not_divided(losses, term):
    return losses[term]


def share_of_the_others(losses, term):
    return losses[term] / (sum(losses.values()) - losses[term])


def share_of_nothing_is_nan(losses, term):
    total = sum(losses.values())
    return losses[term] / total if total else float("nan")


def share_without_a_test(losses, term):
    return losses[term] / sum(losses.values())


def share_of_the_largest(losses, term):
    return losses[term] / max(losses.values())


def share_of_two_terms(losses, term):
    total = losses["content"] + losses["style"]
    return losses[term] / total if total else 0.0


def share_of_one_at_least(losses, term):
    return losses[term] / max(sum(losses.values()), 1)


def share_rounded(losses, term):
    total = sum(losses.values())
    return round(losses[term] / total, 2) if total else 0.0


def share_of_all_other_terms(losses, term):
    total = sum(losses.values())
    return 1 - losses[term] / total if total else 0.0


def share_without_return(losses, term):
    total = sum(losses.values())
    losses[term] / total if total else 0.0


def share_that_empties_the_dict(losses, term):
    value = losses.pop(term)
    total = value + sum(losses.values())
    return value / total if total else 0.0


MISTAKES = {
    "whole_transfer": [
        paint_first_image,
        paint_image_before_the_last,
        paint_snapshot,
        paint_whole_run,
        paint_not_started,
        paint_swapped,
        paint_without_evaluations,
        paint_with_another_network,
        paint_without_return,
        paint_with_adam,
    ],
    "forecast_of_time": [
        forecast_by_long_side,
        forecast_without_evaluations,
        forecast_never_smaller,
        forecast_not_divided,
        forecast_of_200,
        forecast_of_ten_seconds,
        forecast_upside_down,
        forecast_without_sizes,
        forecast_without_return,
    ],
    "share_of_a_term": [
        share_not_divided,
        share_of_the_others,
        share_of_nothing_is_nan,
        share_without_a_test,
        share_of_the_largest,
        share_of_two_terms,
        share_of_one_at_least,
        share_rounded,
        share_of_all_other_terms,
        share_without_return,
        share_that_empties_the_dict,
    ],
}
