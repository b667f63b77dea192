"""The checks of lesson 00, Preview."""

import math

import torch

import helpers as nst
from exercises.checking import Wrong, exercise, expect, kind

NO_RETURN = "Perhaps the function has no `return`."
SAME = 0.002  # two runs with the same settings differ by less than this on average


@exercise
def whole_transfer(paint):
    """Exercise 1: two small transfers, compared with `stylize` and with what mistakes would give.

    The second network has average pooling, so its picture differs from that of another network.
    """
    cases = (
        ("chelsea", "starry_night", "max", 12),
        ("coffee", "hokusai_great_wave", "average", 5),
    )
    for content, style, pooling, evaluations in cases:
        vgg = nst.VGG19("pocket", pooling=pooling).to(nst.device())
        photo = nst.load_image(content, 48)
        painting = nst.load_image(style, 40)
        came = paint(photo.clone(), painting.clone(), vgg, evaluations)
        _expect_an_image(came, photo, painting)
        run = _run(photo, painting, vgg, evaluations)
        what = f"{content} and {style} at 48 px, {evaluations} evaluations"
        if _distance(came, run[-1].image) < SAME:
            continue
        guess = _transfer_guess(came, run, photo, painting, vgg)
        raise Wrong(
            f"{what}: expected the last image of the run, got an image that differs from it by "
            f"{255 * _distance(came, run[-1].image):.1f} levels of 255 on average. {guess}"
        )


def _transfer_guess(came, run, photo, painting, vgg):
    """A possible cause of an image that is not the last one of the run."""
    evaluations = run[-1].evaluations
    other = nst.VGG19("pocket").to(nst.device())
    guesses = {
        "Perhaps you return the first image of the run.": lambda: run[0].image,
        "Perhaps you return the image of the Snapshot before the last one.": lambda: run[-2].image,
        "Perhaps you return the photograph that came in.": lambda: photo,
        "Perhaps `vgg` is not passed on to `nst.stylize`.": lambda: (
            _run(photo, painting, other, evaluations)[-1].image
        ),
        "Perhaps `evaluations` is not passed on to `nst.stylize`.": lambda: (
            _run(photo, painting, vgg, None)[-1].image
        ),
    }
    for guess, image in guesses.items():
        if _distance(came, image()) < SAME:
            return guess
    return "Perhaps the run has other settings. Give only vgg and evaluations."


def _expect_an_image(came, photo, painting):
    shape = tuple(photo.shape)
    if came is None:
        raise Wrong(f"expected a tensor {shape}, got None. {NO_RETURN}")
    if isinstance(came, nst.Snapshot):
        raise Wrong(
            f"expected a tensor {shape}, got a Snapshot. Perhaps you forgot that its picture is "
            "in `.image`."
        )
    if hasattr(came, "send"):  # a generator
        raise Wrong(
            f"expected a tensor {shape}, got a run that has not been started. Perhaps `list(...)` "
            "around `nst.stylize(...)` is missing."
        )
    if isinstance(came, (list, tuple)):
        raise Wrong(
            f"expected a tensor {shape}, got a {kind(came)} of {len(came)}. Perhaps you return "
            "the whole run and not its last image."
        )
    if not isinstance(came, torch.Tensor):
        raise Wrong(f"expected a tensor {shape}, got {kind(came)}. Return the last image only.")
    if came.shape == painting.shape != photo.shape:
        raise Wrong(
            f"expected a tensor {shape}, which is the photograph's shape, got {kind(came)}, which "
            "is the painting's. Perhaps the two pictures are swapped."
        )
    if came.shape != photo.shape:
        raise Wrong(
            f"expected a tensor {shape}, got {kind(came)}. Perhaps the image was cut or resized, "
            "or its batch axis is missing."
        )


def _run(photo, painting, vgg, evaluations):
    return list(nst.stylize(photo, painting, vgg=vgg, evaluations=evaluations))


def _distance(one, other):
    return (one.detach() - other).abs().mean().item()


@exercise
def forecast_of_time(forecast):
    """Exercise 2: the time for another size and another number of evaluations."""
    # seconds, size, evaluations, other size, other evaluations, and the right answer by hand
    cases = (
        (10.0, 256, 200, 512, 200, 40.0),  # four times the pixels
        (6.0, 256, 120, 256, 40, 2.0),  # a third of the evaluations
        (9.0, 300, 60, 100, 120, 2.0),  # a ninth of the pixels, twice the evaluations
        (7.0, 512, 50, 768, 100, 31.5),  # 2.25 times the pixels, twice the evaluations
    )
    for *given, right in cases:
        seconds, size, evaluations, other_size, other_evaluations = given
        came = forecast(*given)
        what = (
            f"{seconds:g} s at {size} px with {evaluations} evaluations, forecast for "
            f"{other_size} px with {other_evaluations}"
        )
        if came is None:
            raise Wrong(f"{what}: expected {right:g}, got None. {NO_RETURN}")
        expect(what, came, right, _forecast_guess(came, *given))


def _forecast_guess(came, seconds, size, evaluations, other_size, other_evaluations):
    """A possible cause of a wrong forecast."""
    sides = other_size / size
    work = other_evaluations / evaluations
    guesses = (
        (
            seconds * sides * work,
            "Perhaps the factor of the long side is not squared. Both sides of the picture grow.",
        ),
        (
            seconds * sides**2,
            "Perhaps the evaluations are not used. Half as many take half the time.",
        ),
        (
            seconds * sides**2 * other_evaluations,
            "Perhaps you did not divide by the evaluations of the run that was measured.",
        ),
        (
            seconds * sides**2 * other_evaluations / 200,
            "Perhaps a number of evaluations is fixed. Use the argument `evaluations`.",
        ),
        (
            10.0 * sides**2 * work,
            "Perhaps the seconds are fixed. Use the argument `seconds`.",
        ),
        (
            seconds * max(sides, 1) ** 2 * work,
            "Perhaps a smaller picture does not get a smaller time.",
        ),
        (
            seconds / sides**2 / work,
            "Perhaps the two sizes, and the two numbers of evaluations, are swapped.",
        ),
        (
            seconds * work,
            "Perhaps the sizes are not used. Time is proportional to the number of pixels.",
        ),
    )
    for value, guess in guesses:
        if isinstance(came, (int, float)) and math.isclose(came, value, rel_tol=1e-6):
            return guess
    return "The time is proportional to the number of pixels and to the number of evaluations."


@exercise
def share_of_a_term(share):
    """Exercise 3: the share of one term in the sum of the losses."""
    # the losses, a term, and the right answer by hand
    cases = (
        ({"content": 0.3, "style": 0.9}, "style", 0.75),
        ({"content": 0.04, "style": 0.1, "tv": 0.02, "grain": 0.04}, "style", 0.5),
        ({"content": 1.0, "style": 2.0}, "content", 1 / 3),
        ({"content": 0.0, "style": 0.0}, "style", 0.0),
    )
    for losses, term, right in cases:
        what = f"the share of {term} in {losses}"
        given = dict(losses)
        try:
            came = share(given, term)
        except ZeroDivisionError:
            raise Wrong(
                f"{what}: expected 0, got ZeroDivisionError. Perhaps the sum is not tested before "
                "you divide by it. It is 0 if all terms are 0."
            ) from None
        if given != losses:
            raise Wrong(f"{what}: your function changed the dict. Compute a new number instead.")
        if came is None:
            raise Wrong(f"{what}: expected {right:.4g}, got None. {NO_RETURN}")
        expect(what, came, float(right), _share_guess(came, losses, term))


def _share_guess(came, losses, term):
    """A possible cause of a wrong share."""
    value = losses[term]
    total = sum(losses.values())
    others = total - value
    guesses = (
        (value / max(total, 1), "Perhaps a sum below 1 is replaced by 1."),
        (value, "Perhaps you did not divide by the sum of all terms."),
        (value / max(others, 1e-9), "Perhaps the sum leaves out the term itself."),
        (value / max(*losses.values(), 1e-9), "Perhaps you divide by the largest term."),
        (
            value / max(losses["content"] + losses["style"], 1e-9),
            "Perhaps only content and style are in the sum. Add all terms of the dict.",
        ),
        (others / max(total, 1e-9), "Perhaps this is the share of all other terms."),
    )
    if not isinstance(came, (int, float)):
        return "Return one number."
    if math.isnan(came):
        return "Perhaps the sum of 0 got no case of its own. If all terms are 0, the share is 0."
    for wrong, guess in guesses:
        if math.isclose(came, wrong, rel_tol=1e-6):
            return guess
    if total and came in (round(value / total), round(value / total, 1), round(value / total, 2)):
        return "Perhaps the share is rounded. Return it as it is."
    return "Divide the term by the sum of all terms. The sum includes the term itself."
