"""Common wrong answers to the exercises of lesson 06. Each gets a hint of its own."""

import copy

import torch
from torch import nn
from torch.nn import functional as F


def _largest(x):
    """The maximum of each window of 2 x 2, repeated at its four places."""
    return F.max_pool2d(x, 2).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def gradient_of_average_is_one(x, kind):
    if kind == "average":
        return torch.ones_like(x)
    return (x == _largest(x)).to(x.dtype)


def gradient_at_the_largest_of_all(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return (x == x.max()).to(x.dtype)


def gradient_is_the_maximum(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return torch.where(x == _largest(x), x, 0.0)


def power_of_the_sum(features, p):
    return (4 * F.avg_pool2d(features**p, 2)) ** (1 / p)


def power_without_root(features, p):
    return F.avg_pool2d(features**p, 2)


def power_after_the_mean(features, p):
    return (F.avg_pool2d(features, 2) ** p) ** (1 / p)


def swap_in_place(features, make_pool):
    for index, layer in enumerate(features):
        if isinstance(layer, nn.MaxPool2d):
            features[index] = make_pool()
    return features


def swap_at_fixed_places(features, make_pool):
    layers = list(features)
    for index in (4, 9, 18, 27):
        if index < len(layers):
            layers[index] = make_pool()
    return nn.Sequential(*layers)


def swap_in_a_copy(features, make_pool):
    swapped = copy.deepcopy(features)
    for index, layer in enumerate(swapped):
        if isinstance(layer, nn.MaxPool2d):
            swapped[index] = make_pool()
    return swapped


MISTAKES = {
    "pool_gradient": [
        gradient_of_average_is_one,
        gradient_at_the_largest_of_all,
        gradient_is_the_maximum,
    ],
    "power_pool": [power_of_the_sum, power_without_root, power_after_the_mean],
    "swap_pools": [swap_in_place, swap_at_fixed_places, swap_in_a_copy],
}
