"""Common wrong answers to the exercises of lesson 05. Each gets a hint of its own."""

import torch


def factor_of_values(objective, image):
    terms = objective(image)
    return (terms["content"] / terms["style"]).item()


def factor_inverted(objective, image):
    image = image.detach().clone().requires_grad_(True)
    norms = {}
    for name in ("content", "style"):
        (gradient,) = torch.autograd.grad(objective(image)[name], image)
        norms[name] = gradient.norm().item()
    return norms["style"] / norms["content"]


def factor_of_squares(objective, image):
    image = image.detach().clone().requires_grad_(True)
    squares = {}
    for name in ("content", "style"):
        (gradient,) = torch.autograd.grad(objective(image)[name], image)
        squares[name] = gradient.square().sum().item()
    return squares["content"] / squares["style"]


def keras_inverted(channels, positions, size):
    return (3 * size) ** 2 / (channels * positions) ** 2


def keras_without_squares(channels, positions, size):
    return channels * positions / (3 * size)


def keras_with_the_four(channels, positions, size):
    return (channels * positions) ** 2 / (4 * 3**2 * size**2)


def blend_exchanged(first, second, share):
    return {layer: share * first[layer] + (1 - share) * second[layer] for layer in first}


def blend_with_all_of_the_first(first, second, share):
    return {layer: first[layer] + share * second[layer] for layer in first}


def blend_as_one_number(first, second, share):
    return sum((1 - share) * first[layer].mean() + share * second[layer].mean() for layer in first)


MISTAKES = {
    "balancing_factor": [factor_of_values, factor_inverted, factor_of_squares],
    "keras_factor": [keras_inverted, keras_without_squares, keras_with_the_four],
    "blend": [blend_exchanged, blend_with_all_of_the_first, blend_as_one_number],
}
