"""Common wrong answers to the exercises of lesson 03. Each gets a hint of its own."""

import torch

import helpers as nst


def gradient_through_the_relu(response, target):
    features = response.relu()
    return 2 / features.numel() * (features - target)


def gradient_of_half_the_sum(response, target):
    features = response.relu()
    return (features - target) * (features > 0)


def gradient_of_the_sum(response, target):
    return 2 * gradient_of_half_the_sum(response, target)


def gradient_without_the_two(response, target):
    return gradient_of_half_the_sum(response, target) / response.numel()


def gradient_downhill(response, target):
    features = response.relu()
    return 2 / features.numel() * (target - features) * (features > 0)


def gradient_of_the_response(response, target):
    return 2 / response.numel() * (response - target)


def gradient_over_four(response, target):
    return gradient_of_half_the_sum(response, target) / 2


def gradient_by_autograd(response, target):
    response = response.clone().requires_grad_(True)
    loss = nst.content_loss(response.relu(), target)
    return torch.autograd.grad(loss, response)[0]


def gradient_by_backward(response, target):
    response = response.clone().requires_grad_(True)
    nst.content_loss(response.relu(), target).backward()
    return response.grad


def gradient_written_into_the_response(response, target):
    active = response > 0
    features = response.relu_()
    return 2 / features.numel() * (features - target) * active


def gradient_that_is_active_at_zero(response, target):
    features = response.relu()
    return 2 / features.numel() * (features - target) * (response >= 0)


def loop(start, objective, steps, lr, *, optimizer=torch.optim.Adam, clamp=True, zero=True):
    """The right loop, or the loop with one change."""
    image = start.clone().requires_grad_(True)
    optimizer = optimizer([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if clamp:
            with torch.no_grad():
                image.clamp_(0, 1)
    return image.detach()


def loop_without_zero_grad(start, objective, steps, lr):
    return loop(start, objective, steps, lr, zero=False)


def loop_without_clamp(start, objective, steps, lr):
    return loop(start, objective, steps, lr, clamp=False)


def loop_with_a_clamp_at_the_end(start, objective, steps, lr):
    return loop(start, objective, steps, lr, clamp=False).clamp(0, 1)


def loop_with_gradient_descent(start, objective, steps, lr):
    return loop(start, objective, steps, lr, optimizer=torch.optim.SGD)


def loop_with_its_own_lr(start, objective, steps, lr):
    return loop(start, objective, steps, 0.1)


def loop_of_twelve_steps(start, objective, steps, lr):
    return loop(start, objective, 12, lr)


def loop_with_a_step_too_many(start, objective, steps, lr):
    return loop(start, objective, steps + 1, lr)


def loop_on_the_callers_tensor(start, objective, steps, lr):
    image = start.requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()


def loop_that_replaces_the_image(start, objective, steps, lr):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        image = image.clamp(0, 1)
    return image.detach()


def loop_with_a_clamp_in_the_graph(start, objective, steps, lr):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        image.clamp_(0, 1)
    return image.detach()


def loop_without_requires_grad(start, objective, steps, lr):
    image = start.clone()
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        sum(objective(image).values()).backward()
        optimizer.step()
    return image


def loop_on_a_computed_tensor(start, objective, steps, lr):
    image = start.clone().requires_grad_(True) * 1
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        sum(objective(image).values()).backward()
        optimizer.step()
    return image


def loop_with_a_new_adam_per_step(start, objective, steps, lr):
    image = start
    for _ in range(steps):
        image = loop(image, objective, 1, lr)
    return image


def loop_that_returns_the_best(start, objective, steps, lr):
    seen = []

    def remembering(image):
        terms = objective(image)
        seen.append((sum(terms.values()).item(), image.detach().clone()))
        return terms

    remembering(loop(start, remembering, steps, lr))
    return min(seen, key=lambda pair: pair[0])[1]


def loop_that_still_requires_a_gradient(start, objective, steps, lr):
    return loop(start, objective, steps, lr).requires_grad_(True)


def depths(vgg, photo, layers, *, change=lambda image: image, target=lambda features: features):
    """The right objective, or the objective with one change."""
    with torch.no_grad():
        targets = vgg(photo, layers)

    def objective(image):
        features = vgg(change(image), layers)
        return {name: nst.content_loss(features[name], target(targets[name])) for name in layers}

    return objective


def depths_with_targets_in_the_graph(vgg, photo, layers):
    targets = vgg(photo, layers)

    def objective(image):
        features = vgg(image, layers)
        return {layer: nst.content_loss(features[layer], targets[layer]) for layer in layers}

    return objective


def depths_with_targets_at_every_step(vgg, photo, layers):
    def objective(image):
        with torch.no_grad():
            targets = vgg(photo, layers)
        features = vgg(image, layers)
        return {layer: nst.content_loss(features[layer], targets[layer]) for layer in layers}

    return objective


def depths_with_one_call_per_target(vgg, photo, layers):
    with torch.no_grad():
        targets = {layer: vgg(photo, [layer])[layer] for layer in layers}

    def objective(image):
        features = vgg(image, layers)
        return {layer: nst.content_loss(features[layer], targets[layer]) for layer in layers}

    return objective


def depths_with_one_call_per_layer(vgg, photo, layers):
    with torch.no_grad():
        targets = vgg(photo, layers)

    def objective(image):
        terms = {}
        for layer in layers:
            terms[layer] = nst.content_loss(vgg(image, [layer])[layer], targets[layer])
        return terms

    return objective


def depths_as_one_number(vgg, photo, layers):
    right = depths(vgg, photo, layers)
    return lambda image: sum(right(image).values())


def depths_of_a_detached_image(vgg, photo, layers):
    return depths(vgg, photo, layers, change=lambda image: image.detach())


def depths_without_any_gradient(vgg, photo, layers):
    return torch.no_grad()(depths(vgg, photo, layers))


def depths_as_python_numbers(vgg, photo, layers):
    right = depths(vgg, photo, layers)
    return lambda image: {name: term.item() for name, term in right(image).items()}


def depths_without_square(vgg, photo, layers):
    with torch.no_grad():
        targets = vgg(photo, layers)

    def objective(image):
        features = vgg(image, layers)
        return {name: (features[name] - targets[name]).mean().square() for name in layers}

    return objective


def depths_called_at_once(vgg, photo, layers):
    return depths(vgg, photo, layers)(photo)


MISTAKES = {
    "content_gradient": [
        gradient_through_the_relu,
        gradient_of_half_the_sum,
        gradient_of_the_sum,
        gradient_without_the_two,
        gradient_downhill,
        gradient_of_the_response,
        gradient_over_four,
        gradient_by_autograd,
        gradient_by_backward,
        gradient_written_into_the_response,
        gradient_that_is_active_at_zero,
    ],
    "loop_from_memory": [
        loop_without_zero_grad,
        loop_without_clamp,
        loop_with_a_clamp_at_the_end,
        loop_with_gradient_descent,
        loop_with_its_own_lr,
        loop_of_twelve_steps,
        loop_with_a_step_too_many,
        loop_on_the_callers_tensor,
        loop_that_replaces_the_image,
        loop_with_a_clamp_in_the_graph,
        loop_without_requires_grad,
        loop_on_a_computed_tensor,
        loop_with_a_new_adam_per_step,
        loop_that_returns_the_best,
        loop_that_still_requires_a_gradient,
    ],
    "several_depths": [
        depths_with_targets_in_the_graph,
        depths_with_targets_at_every_step,
        depths_with_one_call_per_target,
        depths_with_one_call_per_layer,
        depths_as_one_number,
        depths_of_a_detached_image,
        depths_without_any_gradient,
        depths_as_python_numbers,
        depths_without_square,
        depths_called_at_once,
    ],
}
