"""Common wrong answers to the exercises of lesson 03. Each gets a hint of its own."""

import torch

import helpers as nst


def gradient_through_the_relu(response, target):
    features = response.relu()
    return 2 / features.numel() * (features - target)


def gradient_of_half_the_sum(response, target):
    features = response.relu()
    return (features - target) * (features > 0)


def gradient_downhill(response, target):
    features = response.relu()
    return 2 / features.numel() * (target - features) * (features > 0)


def loop_without_zero_grad(start, objective, steps, lr):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        sum(objective(image).values()).backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()


def loop_without_clamp(start, objective, steps, lr):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return image.detach()


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


def depths_as_one_number(vgg, photo, layers):
    with torch.no_grad():
        targets = vgg(photo, layers)

    def objective(image):
        features = vgg(image, layers)
        return sum(nst.content_loss(features[layer], targets[layer]) for layer in layers)

    return objective


MISTAKES = {
    "content_gradient": [gradient_through_the_relu, gradient_of_half_the_sum, gradient_downhill],
    "loop_from_memory": [loop_without_zero_grad, loop_without_clamp, loop_on_the_callers_tensor],
    "several_depths": [
        depths_with_targets_in_the_graph,
        depths_with_targets_at_every_step,
        depths_as_one_number,
    ],
}
