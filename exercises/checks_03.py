"""The checks of lesson 03, Content."""

import torch
from torch import Tensor

from exercises.checking import Wrong, describe, equals, exercise, expect, kind
from exercises.watching import AUTOGRAD, Watch


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _must_be_tensor(what: str, came) -> None:
    """Raises Wrong unless the attempt returned a tensor."""
    if came is None:
        raise Wrong(f"{what}: expected a tensor, got None. Perhaps a `return` is missing.")
    if not isinstance(came, Tensor):
        raise Wrong(f"{what}: expected a tensor, got {kind(came)}.")


@exercise
def content_gradient(attempt):
    """Exercise 1: the gradient of the content loss with respect to a convolution's output."""
    response = torch.tensor([[1.0, 2.0], [-1.0, 3.0]])
    target = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    expected = torch.tensor([[0.5, 0.0], [0.0, 1.0]])
    what = f"for response {response.tolist()} and target {target.tolist()}"
    with Watch(AUTOGRAD) as watch:
        came = attempt(response.clone(), target.clone())
    _must_be_tensor(what, came)
    if equals(came, -expected):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got the reverse sign. A gradient points "
            "uphill, so it is positive if the features are above the target."
        )
    if equals(came, 2 * expected):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got twice as much. Perhaps you took the "
            "paper's loss, half the sum. content_loss is the mean over features.numel() entries."
        )
    if equals(came, 4 * expected):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got four times as much. Perhaps the division "
            "by features.numel() is missing."
        )
    if equals(came, expected / 2):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got half as much. Perhaps the factor 2 is "
            "missing, which is the slope of the square."
        )
    if came.shape == expected.shape and came[1, 0] == -1.0 and not equals(came, expected):
        raise Wrong(
            f"{what}, lower left: expected 0, got -1. Perhaps the response was compared with the "
            "target. The loss compares the feature after the ReLU, and no gradient passes there."
        )
    if came.shape == expected.shape and came[1, 0] != 0:
        raise Wrong(
            f"{what}, lower left: expected 0, got {came[1, 0]:g}. The response is negative there, "
            "and a ReLU passes no gradient for a negative input."
        )
    expect(what, came, expected, "It is 2 / count * (features - target) if the ReLU is active.")

    for shape in ((1, 3, 4, 5), (2, 3, 5, 7)):
        response = _random(*shape)
        target = _random(*shape, seed=1).relu()
        given = response.clone()
        aimed = target.clone()
        with Watch(AUTOGRAD) as more:
            came = attempt(given, aimed)
        watch.called |= more.called
        if not torch.equal(given.detach(), response) or not torch.equal(aimed, target):
            raise Wrong(
                f"the arguments, shape {shape}: expected them unchanged, but the numbers in one of "
                "them are different after the call. Perhaps you used relu_() or another operation "
                "that writes in place."
            )
        expect(
            f"for random features {shape}",
            came,
            2 / response.numel() * (response.relu() - target) * (response > 0),
            "Perhaps the count is not the number of all entries. Use numel(), so that every shape "
            "works.",
            tolerance=1e-6,
        )
    if watch.called:
        raise Wrong(
            "the numbers are right, but the exercise asks for a formula: expected no autograd, got "
            f"a call of {', '.join(sorted(watch.called))}. Write the slope yourself."
        )
    expect(
        "for a response of exactly 0 and a target of 1",
        attempt(torch.zeros(1, 1), torch.ones(1, 1)),
        torch.zeros(1, 1),
        "Autograd takes 0 as the slope of the ReLU at 0. Perhaps you wrote >= in place of >.",
    )


def _adam(start, objective, steps, lr, *, clamp="each step", zero=True, restart=False, first=False):
    """Steps of Adam, correct or with one change. Returns the images, from the start to the last."""
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    images = [start]
    for _ in range(steps):
        if restart:
            optimizer = torch.optim.Adam([image], lr=lr)
        if zero:
            optimizer.zero_grad()
        terms = list(objective(image).values())
        (terms[0] if first else sum(terms)).backward()
        optimizer.step()
        if clamp == "each step":
            image.data.clamp_(0, 1)
        images.append(image.detach().clone())
    if clamp == "at the end":
        images[-1].clamp_(0, 1)
    return images


def _gradient_descent(start, objective, steps, lr):
    """Steps of plain gradient descent, clamped."""
    image = start.clone()
    for _ in range(steps):
        image.requires_grad_(True)
        (gradient,) = torch.autograd.grad(sum(objective(image).values()), image)
        image = (image.detach() - lr * gradient).clamp(0, 1)
    return image


def _cause(error: Exception) -> str:
    """What a learner has probably done if torch raised this error in the loop."""
    text = str(error)
    if "second time" in text:
        return (
            "the second backward pass failed, because it reached a computation of the step before. "
            "Perhaps you wrote image = image.clamp(0, 1). That is a new tensor, and the optimizer "
            "still changes the old one. Clamp in place, image.clamp_(0, 1), under torch.no_grad()."
        )
    if "in-place operation" in text or "inplace operation" in text:
        return (
            "torch does not allow an in-place change of a tensor that requires a gradient. Perhaps "
            "clamp_ stands outside of torch.no_grad(). Write it under `with torch.no_grad():`."
        )
    if "does not require grad" in text:
        return (
            "backward() found nothing that requires a gradient. Perhaps requires_grad_(True) is "
            "missing at the copy of the start, or the image was replaced under torch.no_grad()."
        )
    if "non-leaf" in text:
        return (
            "the optimizer got a tensor that was computed from another one. Perhaps you wrote "
            "start.requires_grad_(True).clone(). Copy first: start.clone().requires_grad_(True)."
        )
    return ""


def _target_of(start: Tensor) -> Tensor:
    """Some targets are outside [0, 1], where no pixel may be."""
    return torch.linspace(-0.5, 1.5, start.numel()).reshape(start.shape)


class _TwoTerms:
    """An objective with two terms that counts its calls."""

    def __init__(self, target):
        self.target = target
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return {
            "near": (image - self.target).square().mean(),
            "smooth": (image - image.mean()).square().mean(),
        }


def _hint_of_the_loop(came, start, objective, steps, lr) -> str:
    """What may be wrong with an image that a loop has made. Empty if nothing fits."""
    images = _adam(start, objective, steps, lr)
    losses = [sum(objective(image).values()).item() for image in images]
    best = images[losses.index(min(losses))]
    candidates = {
        "the image is still the start. Perhaps you return another tensor than the one that the "
        "optimizer changes.": start,
        "the gradients of all steps add up, because backward() adds to the gradient that is there. "
        "Call optimizer.zero_grad() once per step.": _adam(start, objective, steps, lr, zero=False)[
            -1
        ],
        "expected values from 0 to 1 after every step, but the image was never clamped. Clamp it "
        "after each step, in place and under torch.no_grad().": _adam(
            start, objective, steps, lr, clamp="never"
        )[-1],
        "expected a clamp after each step, got the image of a clamp after the last step only. "
        "Perhaps it stands behind the loop.": _adam(
            start, objective, steps, lr, clamp="at the end"
        )[-1],
        "expected one optimizer for all steps, got the image of a new one per step. Perhaps Adam "
        "is made inside the loop, so that it forgets its averages.": _adam(
            start, objective, steps, lr, restart=True
        )[-1],
        "expected steps of Adam, got steps of plain gradient descent. Perhaps the optimizer is "
        "torch.optim.SGD.": _gradient_descent(start, objective, steps, lr),
        "expected the sum of all terms, got the image of the first term alone.": _adam(
            start, objective, steps, lr, first=True
        )[-1],
        "expected the last image, got the image before the last step. Perhaps the copy is made "
        "before optimizer.step().": images[-2],
        "expected the last image, got the one with the lowest loss.": best,
        "expected the image after the last step, got the image after one step more. Perhaps the "
        "loop runs to steps + 1.": _adam(start, objective, steps + 1, lr)[-1],
    }
    for other in (0.01, 0.03, 0.1):
        candidates[
            f"expected steps with the caller's lr, {lr}, got the image of lr {other}. Perhaps the "
            "number is written into the loop."
        ] = _adam(start, objective, steps, other)[-1]
    for hint, image in candidates.items():
        if torch.allclose(came, image, atol=1e-5):
            return hint
    return ""


@exercise
def loop_from_memory(attempt):
    """Exercise 2: the loop with Adam."""
    # With the large lr of the last case, the last image is not the best one.
    for steps, lr, side in ((12, 0.1, 4), (7, 0.02, 5), (4, 0.3, 3)):
        start = torch.rand(1, 3, side, side + 1, generator=torch.Generator().manual_seed(side))
        objective = _TwoTerms(_target_of(start))
        given = start.clone()
        what = f"after {steps} steps with lr {lr}"
        try:
            came = attempt(given, objective, steps, lr)
        except (RuntimeError, ValueError) as error:
            if not _cause(error):
                raise
            raise Wrong(f"{what}: expected an image, got an error: {_cause(error)}") from None
        calls = objective.calls
        if not torch.equal(given.detach(), start):
            raise Wrong(
                "the caller's start: expected it unchanged, but its numbers are different. The "
                "optimizer changes its tensor in place, so give it a copy, start.clone()."
            )
        _must_be_tensor(what, came)
        if came.shape == start.shape:
            expected = _adam(start, objective, steps, lr)[-1]
            if not torch.allclose(came, expected, atol=1e-5):
                hint = _hint_of_the_loop(came.detach(), start, objective, steps, lr)
                if hint:
                    raise Wrong(f"{what}: {hint}")
        if calls not in (steps, steps + 1):
            raise Wrong(
                f"{what}: expected {steps} calls of the objective, got {calls}. Call it once per "
                "step, and take the number of steps from the argument."
            )
        expect(
            what,
            came,
            _adam(start, objective, steps, lr)[-1],
            "A step is one step of Adam on the sum of all terms, then the clamp.",
            tolerance=1e-4,
        )
        if came.requires_grad:
            raise Wrong(
                f"{what}: the numbers are right. Expected a detached image, got one that still "
                "requires a gradient. Return image.detach()."
            )


class _TwoLayers:
    """A network of two layers. Its weight requires a gradient, and it keeps what it was given."""

    def __init__(self):
        self.weight = torch.tensor(0.5, requires_grad=True)
        self.seen = []

    def __call__(self, image, layers):
        self.seen.append(image.detach().clone())
        features = {
            "shallow": image * self.weight,
            "middle": image.roll(1, 3) * self.weight,
            "deep": image.square() * self.weight,
        }
        names = [layers] if isinstance(layers, str) else layers
        return {name: features[name] for name in names}

    def passes(self, image) -> int:
        """How often this image went through the network."""
        return sum(torch.equal(seen, image.detach()) for seen in self.seen)


def _terms_of(vgg, photo, image, layers) -> dict[str, Tensor]:
    """The right answer."""
    features = vgg(image, layers)
    targets = vgg(photo, layers)
    return {name: (features[name] - targets[name].detach()).square().mean() for name in layers}


def _gradient_of(terms: dict[str, Tensor], image: Tensor, weight: Tensor) -> Tensor:
    """The gradient of the sum of all terms in the image. Raises Wrong if there is none.

    Like backward(), it also walks to the weight, which frees the computation of the targets.
    """
    total = sum(terms.values())
    if not total.requires_grad:
        raise Wrong(
            "the terms: expected that they depend on the image, got constants without a gradient. "
            "Perhaps the image went through the network under torch.no_grad(). Only the photo "
            "should."
        )
    gradient, _ = torch.autograd.grad(total, [image, weight], allow_unused=True)
    if gradient is None:
        raise Wrong(
            "the gradient in the image: expected one, got none. Perhaps the objective uses "
            "image.detach() or a copy of the image with a gradient of its own. Give the network "
            "the image itself."
        )
    return gradient


def _same_depths(attempt, layers: list[str], seed: int) -> None:
    """One network, one photo and three images, all of them random."""
    vgg = _TwoLayers()
    generator = torch.Generator().manual_seed(seed)
    photo = torch.rand(1, 3, 4, 5, generator=generator)
    images = [torch.rand(1, 3, 4, 5, generator=generator).requires_grad_(True) for _ in range(3)]
    objective = attempt(vgg, photo, layers)
    if not callable(objective):
        raise Wrong(
            f"expected a function, got {type(objective).__name__}. The objective is called with a "
            "new image at every step. Perhaps the inner function is called or not returned."
        )
    before = vgg.passes(photo)
    for number, image in enumerate(images):
        terms = objective(image)
        _check_terms(terms, layers)
        try:
            gradient = _gradient_of(terms, image, vgg.weight)
        except RuntimeError as error:
            if "second time" not in str(error):
                raise
            raise Wrong(
                f"backward pass {number + 1}: expected a gradient, got an error, because the first "
                "pass freed a computation that is needed again. Perhaps the targets still carry "
                "the computation that made them. Compute them under torch.no_grad()."
            ) from None
        wanted = _terms_of(_TwoLayers(), photo, image, layers)
        for layer in layers:
            expect(
                f"the term of {layer!r} in evaluation {number + 1}",
                terms[layer],
                wanted[layer].detach(),
                "Each term is the mean squared difference between the image's features and the "
                "photo's, at its layer.",
            )
        (expected,) = torch.autograd.grad(sum(wanted.values()), image)
        expect(
            "the gradient in the image",
            gradient,
            expected,
            "The terms are right, so a part of them may be detached from the image.",
        )
    _check_passes(vgg, photo, images, before)


def _check_terms(terms, layers: list[str]) -> None:
    if not isinstance(terms, dict):
        raise Wrong(
            f"the value of the objective: expected a dict with one term per layer, {layers}, got "
            f"{kind(terms)}."
        )
    expect("the names of the terms", sorted(terms), sorted(layers), "Name each term by its layer.")
    for layer, term in terms.items():
        if not isinstance(term, Tensor):
            raise Wrong(
                f"the term of {layer!r}: expected a tensor, got {kind(term)}. Perhaps you called "
                ".item(). A Python number has no gradient."
            )


def _check_passes(vgg, photo, images, before: int) -> None:
    photos = vgg.passes(photo)
    if photos > before:
        raise Wrong(
            f"passes of the photo through the network in 3 evaluations: expected none, got "
            f"{photos - before}. Compute the targets before you define the objective."
        )
    if photos != 1:
        raise Wrong(
            f"passes of the photo through the network: expected 1, got {photos}. Perhaps you ask "
            "for one layer per call. Ask for all layers in one call."
        )
    most = max(vgg.passes(image) for image in images)
    if most != 1:
        raise Wrong(
            f"passes of one image through the network in one evaluation: expected 1, got {most}. "
            "Perhaps the call stands inside the loop over layers. Ask for all layers in one call."
        )


@exercise
def several_depths(attempt):
    """Exercise 3: an objective with one content term per layer."""
    _same_depths(attempt, ["shallow", "deep"], seed=0)
    _same_depths(attempt, ["deep", "middle", "shallow"], seed=1)
    _same_depths(attempt, ["middle"], seed=2)
