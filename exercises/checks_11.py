"""The checks of lesson 11, Studio."""

import copy
import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import helpers as nst
from exercises.checking import Wrong, describe, exercise, expect, kind
from exercises.watching import Pass, watch_passes

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
    if isinstance(came, str):
        raise Wrong(
            f"{what}: expected {wanted:.5g}, got the text {came!r}. Perhaps an f-string or `str` "
            "made it. Return the number."
        )
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


# ------------------------------------------------------------------------------ style_transfer

WEIGHT = 30.0  # of style; the content weight is 1
EVALUATIONS = 20


@exercise
def whole_program(attempt):
    """Exercise 3: style transfer of two small pictures, and every gradient on the way."""
    _check_without_nst(attempt)
    vgg = nst.VGG19("pocket")
    photo = nst.load_image("china", 48).cpu()
    painting = nst.load_image("starry_night", 40).cpu()
    network = copy.deepcopy(vgg.features).requires_grad_(True)  # as torchvision's network has it
    passes = watch_passes(network)
    given = photo.clone(), painting.clone()
    came = _answer_errors(attempt, network, *given, WEIGHT, EVALUATIONS)
    _check_given(vgg, network, zip(("photo", "painting"), (photo, painting), given, strict=True))
    _check_pictures_seen(vgg, passes, photo, painting)
    evaluated = [one for one in passes if one.gradient is not None]
    _check_evaluations(passes, evaluated)
    reference = _Reference(vgg, photo, painting)
    _check_gradients(reference, evaluated)
    _check_result(reference, vgg, evaluated, photo, came)


def _check_without_nst(attempt) -> None:
    """Raises Wrong if the attempt, or a function inside it, uses the name `nst`."""
    codes = [attempt.__code__] if hasattr(attempt, "__code__") else []
    for code in codes:  # the list grows: a function's code holds the code of those inside it
        if "nst" in code.co_names:
            raise Wrong(
                "the program: expected it without `nst`, got one that uses `nst`. Perhaps a part "
                "was copied from another lesson. Write this part yourself, in plain PyTorch."
            )
        codes.extend(part for part in code.co_consts if hasattr(part, "co_names"))


ERRORS = {  # a part of an error's text: what it says, and a possible cause
    "backward through the graph a second time": "the second backward pass failed. Perhaps a target "
    "was not detached. Compute all targets once, under `torch.no_grad()`.",
    "does not require grad": "the loss has no gradient. Perhaps the image does not require one, "
    "or it went through the network under `no_grad`.",
    "can't optimize a non-leaf Tensor": "the optimizer refuses the image. Perhaps it was computed "
    "after `requires_grad_(True)`. Make the copy first, and require the gradient last.",
    "a leaf Variable that requires grad": "the image may not be written into while gradients are "
    "recorded. Perhaps `clamp_` stands outside of `with torch.no_grad():`.",
    "missing 1 required positional argument: 'closure'": "L-BFGS evaluates the loss by itself. "
    "Give `step` a function that clears the gradients, computes the loss, calls `backward` and "
    "returns the loss.",
    "view size is not compatible": "L-BFGS needs an image whose numbers lie in order in memory. "
    "Begin with `photo.clone(memory_format=torch.contiguous_format)`.",
    "must match the size of tensor": "two tensors of different sizes met. Perhaps content was "
    "compared with the painting, or style without Gram matrices. Only Gram matrices of pictures "
    "with different sizes have the same shape.",
}


def _answer_errors(attempt, *arguments):
    """Calls the attempt; an error that learners often meet becomes a Wrong with its cause."""
    try:
        return attempt(*arguments)
    except (RuntimeError, ValueError, TypeError) as error:
        for part, answer in ERRORS.items():
            if part in str(error):
                raise Wrong(f"a run with {EVALUATIONS} evaluations: {answer}") from None
        raise


def _check_given(vgg: nst.VGG19, network: nn.Sequential, pictures) -> None:
    """Raises Wrong if the attempt changed one of its arguments."""
    for name, picture, given in pictures:
        if not torch.equal(picture, given.detach()):
            raise Wrong(
                f"`{name}` after the run: expected that it stays as it was, but its numbers have "
                "changed. Perhaps the optimizer got it, and not a clone of it."
            )
    weights = zip(vgg.features.parameters(), network.parameters(), strict=True)
    if not all(torch.equal(before, after) for before, after in weights):
        raise Wrong(
            "the network after the run: expected that its weights stay as they were, but they have "
            "changed. Perhaps the optimizer got `features.parameters()`, too. It may move nothing "
            "but the pixels."
        )


def _check_pictures_seen(vgg: nst.VGG19, passes: list[Pass], photo, painting) -> None:
    """Raises Wrong unless photograph and painting went through the network, normalized."""
    seen = [one.picture for one in passes]
    for name, picture in {"photo": photo, "painting": painting}.items():
        if any(_alike(vgg.normalize(picture), came) for came in seen):
            continue
        what = f"`{name}` in the network: expected it normalized, with its size {_size(picture)}"
        if any(_alike(picture, came) for came in seen):
            raise Wrong(
                f"{what}, got it in [0, 1]. Perhaps ImageNet's mean was not subtracted, or there "
                "was no division by the standard deviation (lesson 01)."
            )
        if any(picture.shape == came.shape for came in seen):
            raise Wrong(
                f"{what}, got other numbers. Perhaps only one of the two steps was done, the "
                "subtraction or the division, or both were done twice."
            )
        sizes = ", ".join(sorted({_size(came) for came in seen})) or "no picture"
        raise Wrong(f"{what}, got {sizes}. Perhaps it was resized, or not used.")


def _alike(picture: Tensor, came: Tensor) -> bool:
    return picture.shape == came.shape and torch.allclose(picture, came, atol=1e-3)


def _size(picture: Tensor) -> str:
    return f"{picture.shape[3]}x{picture.shape[2]}"


def _check_evaluations(passes: list[Pass], evaluated: list[Pass]) -> None:
    what = f"a run with {EVALUATIONS} evaluations"
    if not evaluated:
        raise Wrong(
            f"{what}: expected gradients with respect to the image, got none. Perhaps `backward` "
            "is not called, or the image is detached before it goes through the network."
        )
    if any(one.reached and not one.of_image for one in passes):
        raise Wrong(
            f"{what}: expected constant targets, but gradients flowed back through them. Perhaps "
            "`retain_graph=True` hides a target that was not detached."
        )
    count = len(evaluated)
    if count > EVALUATIONS + 2:
        raise Wrong(
            f"{what}: got {count}. Perhaps each `step` of L-BFGS makes 20 iterations. Its argument "
            "`max_iter` sets their number."
        )
    if count < 3 * EVALUATIONS // 4:
        raise Wrong(
            f"{what}: got {count}. Perhaps the number is fixed or divided in your function, or "
            "L-BFGS stopped early. Set its `tolerance_grad` and `tolerance_change` to 0."
        )
    if not any(one.gradient.any() for one in evaluated):
        raise Wrong(
            f"{what}: expected that the image moves, but its gradient was 0 each time. Perhaps the "
            "style loss is missing. At the photograph, the content loss and its gradient are 0."
        )
    if any(one.not_cleared for one in evaluated):
        raise Wrong(
            f"{what}: expected a new gradient at each of them, but the old ones were still there "
            "and were added. Perhaps `optimizer.zero_grad()` is missing."
        )


class _Reference:
    """The loss of the exercise and the losses of common mistakes, for a normalized picture."""

    def __init__(self, vgg: nst.VGG19, photo: Tensor, painting: Tensor):
        self.vgg = vgg
        self.photo = vgg(photo, nst.LAYERS)
        self.painting = vgg(painting, nst.LAYERS)

    def features(self, picture: Tensor) -> dict[str, Tensor]:
        # The network normalizes by itself, so the picture is brought back to RGB first.
        return self.vgg(picture * self.vgg.std + self.vgg.mean, nst.LAYERS)

    def content(self, features, layer: str = nst.CONTENT_LAYER) -> Tensor:
        return F.mse_loss(features[layer], self.photo[layer])

    def style(self, features, layers=nst.STYLE_LAYERS, divide=lambda channels, places: places):
        """The mean of E_l over some layers, with Gram matrices divided in one way or another."""
        total = 0
        for layer in layers:
            grams = []
            for source in (features, self.painting):
                flat = source[layer][0].flatten(1)  # (channels, positions)
                grams.append(flat @ flat.T / divide(*flat.shape))
            total = total + F.mse_loss(*grams) / 4
        return total / len(layers)

    def loss(self, features) -> Tensor:
        return self.content(features) + WEIGHT * self.style(features)

    def mistakes(self, features) -> dict[str, Tensor]:
        """The losses of common mistakes, by a sentence about the mistake."""
        content = self.content(features)
        style = WEIGHT * self.style(features)
        found = {
            "Perhaps the style loss is missing, or detached.": content,
            "Perhaps the content loss is missing, or detached.": style,
            "Perhaps `weight` is not used.": content + style / WEIGHT,
            "Perhaps `weight` multiplies the content loss.": WEIGHT * content + style / WEIGHT,
            "Perhaps the quarter in E_l is missing.": content + 4 * style,
            "Perhaps the style loss is a sum over the layers. Take their mean.": content
            + len(nst.STYLE_LAYERS) * style,
            "Perhaps the quarter in E_l is missing, and the style loss is a sum over the "
            "layers. Take their mean.": content + 4 * len(nst.STYLE_LAYERS) * style,
            "Perhaps the loss has the wrong sign.": -content - style,
        }
        numbers = features[nst.CONTENT_LAYER].numel()
        for name, factor in {"a sum": numbers, "half a sum": numbers / 2}.items():
            sentence = f"Perhaps the content loss is {name}. Take the mean."
            found[sentence] = factor * content + style
        return found | self._other_grams(features, content) | self._other_layers(features, content)

    def _other_grams(self, features, content: Tensor) -> dict[str, Tensor]:
        plain = self.style(features, divide=lambda channels, places: 1)
        by_both = self.style(features, divide=lambda channels, places: channels * places)
        return {
            "Perhaps the Gram matrices are not normalized. Divide them by the number of positions, "
            "because photo and painting have different sizes.": content + WEIGHT * plain,
            "Perhaps the Gram matrices are divided by the channels, too. Divide by the number of "
            "positions only.": content + WEIGHT * by_both,
        }

    def _other_layers(self, features, content: Tensor) -> dict[str, Tensor]:
        style = WEIGHT * self.style(features)
        before = [layer.replace("relu", "conv") for layer in nst.STYLE_LAYERS]
        style_before = WEIGHT * self.style(features, before)
        content_before = self.content(features, nst.CONTENT_LAYER.replace("relu", "conv"))
        ending = "of a convolution. The ReLU after it has the next index."
        found = {
            f"Perhaps each index is that {ending}": content_before + style_before,
            f"Perhaps the index for content is that {ending}": content_before + style,
            f"Perhaps each index for style is that {ending}": content + style_before,
        }
        for layer in nst.LAYERS:
            if layer.startswith("relu") and layer != nst.CONTENT_LAYER:
                sentence = f"Perhaps content is taken from {layer} in place of {nst.CONTENT_LAYER}."
                found[sentence] = self.content(features, layer) + style
        for layer in nst.STYLE_LAYERS:
            single = content + WEIGHT * self.style(features, [layer])
            found[f"Perhaps {layer} is the only style layer. Take all five."] = single
            others = [other for other in nst.STYLE_LAYERS if other != layer]
            without = WEIGHT * self.style(features, others)  # divided by 4, and then by 5
            for divisor, total in {4: without, 5: without * 4 / 5}.items():
                sentence = f"Perhaps {layer} is left out, with a sum divided by {divisor}."
                found[f"{sentence} Take all five layers."] = content + total
        return found


def _check_gradients(reference: _Reference, evaluated: list[Pass]) -> None:
    """Compares the direction of the gradient at three evaluations with that of the loss."""
    places = sorted({1, len(evaluated) // 2, len(evaluated) - 1})
    guesses = None
    for place in places:
        one = evaluated[place]
        picture = one.picture.clone().requires_grad_(True)
        features = reference.features(picture)
        if _same_direction(reference.loss(features), picture, one.gradient):
            continue
        here = set()
        for sentence, loss in reference.mistakes(features).items():
            if _same_direction(loss, picture, one.gradient):
                here.add(sentence)
        guesses = here if guesses is None else guesses & here
    if guesses is None:
        return
    guess = (
        sorted(guesses)[0]
        if guesses
        else (
            "Compare your content loss, your Gram matrices and your layers with those of the task."
        )
    )
    raise Wrong(
        "the gradient with respect to the image: expected that of the content loss plus "
        f"{WEIGHT:g} times the style loss, got another direction. {guess}"
    )


def _same_direction(loss: Tensor, picture: Tensor, gradient: Tensor) -> bool:
    """Whether a loss has this gradient, up to a positive factor."""
    (wanted,) = torch.autograd.grad(loss, picture, retain_graph=True)
    return F.cosine_similarity(wanted.flatten(), gradient.flatten(), dim=0).item() > 1 - 1e-5


def _check_result(reference, vgg, evaluated: list[Pass], photo: Tensor, came) -> None:
    """Checks the picture that came: its form, its range, and that its loss has fallen."""
    what = f"the picture after {EVALUATIONS} evaluations"
    if not isinstance(came, Tensor):
        guess = NO_RETURN if came is None else "Return the image as a tensor."
        raise Wrong(f"{what}: expected a tensor, got {kind(came)}. {guess}")
    if came.shape != photo.shape:
        raise Wrong(f"{what}: expected a tensor {tuple(photo.shape)}, got {kind(came)}. The result "
                    "has the photograph's size.")  # fmt: skip
    if came.requires_grad:
        raise Wrong(f"{what}: expected a tensor without a gradient. Perhaps `detach()` is missing.")
    low, high = came.min().item(), came.max().item()
    if not (low >= 0 and high <= 1):
        raise Wrong(
            f"{what}: expected values from 0 to 1, got {low:.2f} to {high:.2f}. Perhaps the image "
            "is not clipped, or it is still normalized."
        )
    _check_loss(reference, evaluated[0].picture, vgg.normalize(photo), vgg.normalize(came))


def _check_loss(reference: _Reference, first: Tensor, photo: Tensor, came: Tensor) -> None:
    """Raises Wrong unless the loss has fallen; all three pictures are normalized."""
    with torch.no_grad():
        of_first, of_photo, after = (
            reference.loss(reference.features(picture)).item() for picture in (first, photo, came)
        )
    most = min(0.9 * of_first, of_photo / 2)
    if not after < most:
        guess = "Perhaps the learning rate is far too small or too large."
        if _alike(first, came):
            guess = "That is the first image. Perhaps you returned the start, or no step was made."
        raise Wrong(
            f"the picture after {EVALUATIONS} evaluations: expected a loss below {most:.3g}, got "
            f"{after:.3g}. {guess}"
        )
