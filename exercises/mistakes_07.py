"""Common wrong answers to the exercises of lesson 07. Each gets a hint of its own."""

import torch

# ------------------------------------------------------------------------------ adam


def _adam(
    gradient_at,
    image,
    steps,
    lr,
    *,
    keep_m=0.9,
    keep_v=0.999,
    correct=True,
    root=True,
    clip=True,
    in_place=False,
    uphill=False,
):
    """Adam with one thing wrong for each keyword."""
    m = torch.zeros_like(image)
    v = torch.zeros_like(image)
    if not in_place:
        image = image.clone()
    for t in range(1, steps + 1):
        gradient = gradient_at(image)
        m = keep_m * m + (1 - keep_m) * gradient
        v = keep_v * v + (1 - keep_v) * gradient**2
        m_hat = m / (1 - keep_m**t) if correct else m
        v_hat = v / (1 - keep_v**t) if correct else v
        move = lr * m_hat / ((v_hat.sqrt() if root else v_hat) + 1e-8)
        image += move if uphill else -move
        if clip:
            image.clamp_(0, 1)
    return image


def adam_without_correction(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, correct=False)


def adam_without_root(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, root=False)


def adam_without_clipping(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, clip=False)


def adam_uphill(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, uphill=True)


def adam_in_place(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, in_place=True)


def adam_with_a_fixed_rate(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, 0.05)


def adam_with_means_exchanged(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps, lr, keep_m=0.999, keep_v=0.9)


def adam_with_the_sign_only(gradient_at, image, steps, lr):
    image = image.clone()
    for _ in range(steps):
        image = (image - lr * gradient_at(image).sign()).clamp(0, 1)
    return image


def adam_as_plain_descent(gradient_at, image, steps, lr):
    image = image.clone()
    for _ in range(steps):
        image = (image - lr * gradient_at(image)).clamp(0, 1)
    return image


def adam_one_step_short(gradient_at, image, steps, lr):
    return _adam(gradient_at, image, steps - 1, lr)


def adam_without_return(gradient_at, image, steps, lr):
    _adam(gradient_at, image, steps, lr)


# ------------------------------------------------------------------------------ make_closure


def _closure(optimizer, image, objective, *, order=("zero", "loss", "backward"), clip=False):
    """A closure whose parts come in another order, or are missing."""

    def closure():
        loss = None
        for part in order:
            if part == "zero":
                optimizer.zero_grad()
            elif part == "loss":
                loss = sum(objective(image).values())
            elif part == "backward":
                loss.backward()
            elif part == "step":
                optimizer.step()
        if clip:
            with torch.no_grad():
                image.clamp_(0, 1)
        return loss

    return closure


def closure_without_clearing(optimizer, image, objective):
    return _closure(optimizer, image, objective, order=("loss", "backward"))


def closure_without_backward(optimizer, image, objective):
    return _closure(optimizer, image, objective, order=("zero", "loss"))


def closure_that_clears_last(optimizer, image, objective):
    return _closure(optimizer, image, objective, order=("loss", "backward", "zero"))


def closure_that_steps(optimizer, image, objective):
    return _closure(optimizer, image, objective, order=("zero", "loss", "backward", "step"))


def closure_that_clips(optimizer, image, objective):
    return _closure(optimizer, image, objective, clip=True)


def closure_without_loss(optimizer, image, objective):
    closure = _closure(optimizer, image, objective)

    def silent():
        closure()

    return silent


def closure_that_was_called(optimizer, image, objective):
    return _closure(optimizer, image, objective)()


def closure_not_returned(optimizer, image, objective):
    _closure(optimizer, image, objective)


def closure_around_an_old_loss(optimizer, image, objective):
    loss = sum(objective(image).values())

    def closure():
        optimizer.zero_grad()
        loss.backward()
        return loss

    return closure


def closure_with_a_kept_graph(optimizer, image, objective):
    loss = sum(objective(image).values())

    def closure():
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        return loss

    return closure


def closure_of_one_term(optimizer, image, objective):
    def closure():
        optimizer.zero_grad()
        loss = objective(image)["content"]
        loss.backward()
        return loss

    return closure


def closure_of_a_detached_image(optimizer, image, objective):
    return _closure(optimizer, image.detach(), objective)


def closure_uphill(optimizer, image, objective):
    def closure():
        optimizer.zero_grad()
        loss = sum(objective(image).values())
        (-loss).backward()
        return loss

    return closure


MISTAKES = {
    "adam": [
        adam_without_correction,
        adam_without_root,
        adam_without_clipping,
        adam_uphill,
        adam_in_place,
        adam_with_a_fixed_rate,
        adam_with_means_exchanged,
        adam_with_the_sign_only,
        adam_as_plain_descent,
        adam_one_step_short,
        adam_without_return,
    ],
    "make_closure": [
        closure_without_clearing,
        closure_without_backward,
        closure_that_clears_last,
        closure_that_steps,
        closure_that_clips,
        closure_without_loss,
        closure_that_was_called,
        closure_not_returned,
        closure_around_an_old_loss,
        closure_with_a_kept_graph,
        closure_of_one_term,
        closure_of_a_detached_image,
        closure_uphill,
    ],
}
