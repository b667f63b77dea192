"""The checks of lesson 07, Optimization."""

import torch

from exercises.checking import Wrong, equals, exercise, kind

NO_RETURN = "Perhaps the function has no `return`."

# ------------------------------------------------------------------------------ adam


@exercise
def adam(attempt):
    """Exercise 1: Adam in full, compared with torch's own after every number of steps."""
    goal = torch.tensor([0.9, 0.5, -0.4, 0.31]).view(1, 1, 2, 2).repeat(1, 3, 1, 1)
    steepness = torch.tensor([1.0, 4.0, 0.5, 1e-3]).view(1, 1, 2, 2)
    start = torch.tensor([0.2, 0.6, 0.1, 0.3]).view(1, 1, 2, 2).repeat(1, 3, 1, 1)

    def gradient_at(image):
        return steepness * (image - goal)

    for steps, lr in ((1, 0.04), (2, 0.04), (9, 0.04), (9, 0.01), (40, 0.06)):
        given = start.clone()
        came = attempt(gradient_at, given, steps, lr)
        what = f"steps={steps}, lr={lr}"
        if not isinstance(came, torch.Tensor):
            raise Wrong(f"{what}: expected a tensor (1, 3, 2, 2), got {kind(came)}. {NO_RETURN}")
        if came.shape != start.shape:
            raise Wrong(
                f"{what}: expected a tensor (1, 3, 2, 2), got {kind(came)}. Perhaps one of the "
                "means has no entry for each pixel."
            )
        came = came.detach()
        if not torch.equal(given, start):
            raise Wrong(
                f"{what}: expected that the image you were given stays as it was, but it changed. "
                "Perhaps `-=` or `clamp_` wrote into it; compute a new tensor instead."
            )
        wanted = _adam(gradient_at, start, steps, lr)
        if equals(came, wanted, atol=1e-4):
            continue
        raise Wrong(
            f"{what}: expected {_pixels(wanted)} in each channel, got {_pixels(came)}. "
            f"{_adam_guess(gradient_at, start, steps, lr, came)}"
        )


def _adam(gradient_at, image, steps, lr, *, clip=True):
    """torch's Adam, clipped to [0, 1] after each step."""
    image = image.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        image.grad = gradient_at(image.detach())
        optimizer.step()
        if clip:
            with torch.no_grad():
                image.clamp_(0, 1)
    return image.detach()


def _adam_guess(gradient_at, start, steps, lr, came) -> str:
    """A sentence about a mistake that would give what came."""
    gradient = gradient_at(start)
    if equals(came, _adam(gradient_at, start, steps, lr, clip=False), atol=1e-4):
        return "Perhaps the image is not clipped to [0, 1] after each step."
    if equals(came, _adam(gradient_at, start, steps, 0.04), atol=1e-4):
        return "Perhaps lr is a fixed number in your function. Use the argument."
    if steps == 1:
        moved = came - start
        if torch.equal(came, start):
            return "Nothing moved. Perhaps the loop makes one step too few."
        if equals(moved, lr * gradient.sign(), atol=1e-4):
            return "That is uphill. Perhaps the step is added; it must be subtracted."
        if equals(came, (start - lr * gradient).clamp(0, 1), atol=1e-4):
            return "That is plain descent. Perhaps the division by the root of v_hat is missing."
        if equals(came, (start - lr * gradient / gradient**2).clamp(0, 1), atol=1e-4):
            return "Perhaps you divided by v_hat. Divide by its square root."
        biased = 0.1 * gradient / ((0.001 * gradient**2).sqrt() + 1e-8)
        if equals(came, (start - lr * biased).clamp(0, 1), atol=1e-4):
            return "Perhaps m and v are used without the correction for their start at zero."
        rates = -moved * gradient.sign()
        if equals(rates, rates.mean().expand_as(rates), atol=1e-4):
            return (
                f"That is a step with lr {rates.mean():.3g}. Perhaps lr is a fixed number in your "
                "function; use the argument."
            )
        return "The first step is lr times the sign of the gradient, downhill."
    once = (start - lr * gradient.sign()).clamp(0, 1)
    twice = (once - lr * gradient_at(once).sign()).clamp(0, 1)
    if steps == 2 and equals(came, twice, atol=1e-6):
        return "The first step is right. Perhaps each step starts new means; keep m and v."
    if equals(came, once, atol=1e-4):
        return "That is the image after one step. Perhaps the loop does not use `steps`."
    return (
        "The first step is right, and a later one is not. Perhaps 0.9 and 0.999 are exchanged, or "
        "t in the correction does not count the steps from 1."
    )


def _pixels(image) -> str:
    return str([round(value, 4) for value in image[0, 0].flatten().tolist()])


# ------------------------------------------------------------------------------ make_closure


class _Watched:
    """An optimizer that notes whether its `step` was called; it moves nothing."""

    def __init__(self, image):
        self.image = image
        self.stepped = False

    def zero_grad(self, set_to_none=True):
        self.image.grad = None if set_to_none else torch.zeros_like(self.image)

    def step(self, closure=None):
        self.stepped = True


def _two_terms(image):
    """An objective whose terms can be computed on paper."""
    return {"content": (image - 0.5).square().sum(), "style": 3 * image.sum()}


@exercise
def make_closure(attempt):
    """Exercise 2: a closure that clears, computes, goes backward and returns, at every call."""
    image = torch.tensor([1.5, 0.0, -0.5, 0.25]).view(1, 1, 2, 2).requires_grad_(True)
    arrived = []  # the gradients that `backward` brings to the image
    image.register_hook(lambda gradient: arrived.append(gradient.clone()))
    optimizer = _Watched(image)
    closure = attempt(optimizer, image, _two_terms)
    if not callable(closure):
        guess = NO_RETURN if closure is None else "Perhaps it was called: return it without ()."
        raise Wrong(f"expected a function, the closure, got {kind(closure)}. {guess}")
    image.grad = torch.full_like(image, 7.0)  # left over from another loss
    _check_call(closure, image, arrived, "the first call")
    if optimizer.stepped:
        raise Wrong(
            "expected that the closure makes no step, but `optimizer.step` was called. Perhaps it "
            "stands in the closure; the optimizer calls the closure from its own `step`."
        )
    with torch.no_grad():
        image.sub_(0.25)  # as an optimizer would
    _check_call(closure, image, arrived, "the second call, after the image has moved")


def _check_call(closure, image, arrived, what):
    """Compares one call's loss and the gradient that it leaves with those of `_two_terms`."""
    arrived.clear()
    here = image.detach().clone().requires_grad_(True)
    try:
        came = closure()
    except RuntimeError as error:
        raise Wrong(f"{what}: {_backward_guess(error)}") from error
    if not torch.equal(image.detach(), here.detach()):
        raise Wrong(
            f"{what}: expected that the image stays {here.flatten().tolist()}, got "
            f"{image.flatten().tolist()}. Perhaps the closure clips it. L-BFGS assumes that nobody "
            "else moves the image."
        )
    terms = _two_terms(here)
    wanted = sum(terms.values())
    (gradient,) = torch.autograd.grad(wanted, here)
    if came is None:
        raise Wrong(
            f"{what}: expected the loss {wanted.item():.4g}, got None. Perhaps the closure has no "
            "`return`; L-BFGS needs the loss."
        )
    came = float(torch.as_tensor(came).detach())
    if abs(came - wanted.item()) > 1e-4:
        value = f"{what}: expected the loss {wanted.item():.4g}, got {came:.4g}."
        for name, term in terms.items():
            if abs(came - term.item()) < 1e-4:
                raise Wrong(f"{value} Perhaps only the {name} term is in it; add all terms.")
        raise Wrong(f"{value} Perhaps it was computed before; compute it in the closure.")
    if not arrived:
        raise Wrong(
            f"{what}: expected a gradient for the image, none came. Perhaps `loss.backward()` is "
            "missing."
        )
    if image.grad is None or not image.grad.any():
        raise Wrong(
            f"{what}: expected that the gradient stays in image.grad, but it was cleared. Perhaps "
            "`zero_grad` comes after `backward`; it belongs at the beginning."
        )
    if not equals(image.grad, gradient, atol=1e-4):
        raise Wrong(
            f"{what}: expected the gradient {gradient.flatten().tolist()}, got "
            f"{image.grad.flatten().tolist()}. {_gradient_guess(image.grad, gradient)}"
        )


def _backward_guess(error) -> str:
    """What may be behind an error that torch raises in `backward`."""
    said = f"torch raised {type(error).__name__}: {str(error).split('.')[0]}."
    if "second time" in str(error):
        return f"{said} Perhaps the loss is computed outside the closure; compute it at each call."
    if "does not require grad" in str(error):
        return f"{said} Perhaps the image was detached, or the loss computed under `no_grad`."
    return f"{said} Perhaps the loss does not depend on the image that you were given."


def _gradient_guess(came, wanted) -> str:
    """A sentence about a mistake that would give such a gradient."""
    if equals(came, wanted + 7, atol=1e-4):
        return "Perhaps `zero_grad` is missing, so that an older gradient is still in it."
    if equals(came, -wanted, atol=1e-4):
        return "Perhaps a sign is wrong: the loss is made small, so `backward` starts at the loss."
    if equals(came, 2 * wanted, atol=1e-4):
        return "Perhaps `backward` is called twice."
    return "Perhaps another loss than the sum of all terms went backward."
