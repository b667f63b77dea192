"""Common wrong answers to the exercises of lesson 06. Each gets a hint of its own."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

# ------------------------------------------------------------------------------ swap_pools


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


def swap_to_one_shared_pool(features, make_pool):
    pool = make_pool()
    layers = [pool if isinstance(layer, nn.MaxPool2d) else layer for layer in features]
    return nn.Sequential(*layers)


def swap_as_a_list(features, make_pool):
    return [make_pool() if isinstance(layer, nn.MaxPool2d) else layer for layer in features]


def swap_every_kind_of_pooling(features, make_pool):
    layers = []
    for layer in features:
        layers.append(make_pool() if "Pool" in type(layer).__name__ else layer)
    return nn.Sequential(*layers)


def swap_leaves_poolings_out(features, make_pool):
    return nn.Sequential(*(layer for layer in features if not isinstance(layer, nn.MaxPool2d)))


def swap_to_its_own_average(features, make_pool):
    layers = []
    for layer in features:
        layers.append(nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer)
    return nn.Sequential(*layers)


def swap_without_calling_make_pool(features, make_pool):
    layers = [make_pool if isinstance(layer, nn.MaxPool2d) else layer for layer in features]
    return nn.Sequential(*layers)


# ------------------------------------------------------------------------------ pool_gradient


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


def gradient_as_a_mask(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return x == _largest(x)


def gradient_by_autograd(x, kind):
    pool = F.avg_pool2d if kind == "average" else F.max_pool2d
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(pool(x, 2).sum(), x)[0]


def gradient_above_the_mean(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    mean = F.avg_pool2d(x, 2).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return (x > mean).to(x.dtype)


def gradient_at_equal_numbers(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return torch.isin(x, F.max_pool2d(x, 2)).to(x.dtype)


def gradient_with_a_maximum_from_zero(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return ((x == _largest(x)) & (x > 0)).to(x.dtype)


def gradient_for_squares_only(x, kind):
    side = x.shape[2]
    return gradient_of_average_or_max(x[..., :side], kind)


def gradient_of_average_or_max(x, kind):
    """A right answer."""
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return (x == _largest(x)).to(x.dtype)


def gradient_not_repeated(x, kind):
    if kind == "average":
        return F.avg_pool2d(x, 2)
    return F.max_pool2d(x, 2)


def gradient_of_max_is_a_quarter(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return (x == _largest(x)).to(x.dtype) / 4


def gradient_in_single_precision(x, kind):
    if kind == "average":
        return torch.full(x.shape, 1 / 4)
    return (x == _largest(x)).float()


def gradient_as_whole_numbers(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return (x == _largest(x)).int()


def gradient_written_into_x(x, kind):
    return x.copy_(gradient_of_average_or_max(x, kind))


# ------------------------------------------------------------------------------ power_pool


def power_of_the_sum(features, p):
    return (4 * F.avg_pool2d(features**p, 2)) ** (1 / p)


def power_without_root(features, p):
    return F.avg_pool2d(features**p, 2)


def power_after_the_mean(features, p):
    return (F.avg_pool2d(features, 2) ** p) ** (1 / p)


def power_is_the_maximum(features, p):
    return F.avg_pool2d(features, 2) if p == 1 else F.max_pool2d(features, 2)


def power_with_p_fixed(features, p):
    if p == 1:
        return F.avg_pool2d(features, 2)
    return (F.avg_pool2d(features**2, 2) + 1e-12).sqrt()


def power_of_the_first_channel(features, p):
    return (F.avg_pool2d(features[:1, :1] ** p, 2) + 1e-30) ** (1 / p)


def power_over_channels(features, p):
    powers = (features**p).mean(1, keepdim=True)
    pooled = (F.avg_pool2d(powers, 2) + 1e-30) ** (1 / p)
    return pooled.expand(-1, features.shape[1], -1, -1)


def power_with_nan_at_zeros(features, p):
    return F.avg_pool2d(features**p, 2) ** (1 / p)


def power_with_a_large_number(features, p):
    return (F.avg_pool2d(features**p, 2) + 1e-4) ** (1 / p)


def power_with_the_number_of_the_lesson(features, p):
    return (F.avg_pool2d(features**p, 2) + 1e-12) ** (1 / p)


def power_detached(features, p):
    return (F.avg_pool2d(features.detach() ** p, 2) + 1e-30) ** (1 / p)


MISTAKES = {
    "swap_pools": [
        swap_in_place,
        swap_at_fixed_places,
        swap_in_a_copy,
        swap_to_one_shared_pool,
        swap_as_a_list,
        swap_every_kind_of_pooling,
        swap_leaves_poolings_out,
        swap_to_its_own_average,
        swap_without_calling_make_pool,
    ],
    "pool_gradient": [
        gradient_of_average_is_one,
        gradient_at_the_largest_of_all,
        gradient_is_the_maximum,
        gradient_as_a_mask,
        gradient_by_autograd,
        gradient_above_the_mean,
        gradient_at_equal_numbers,
        gradient_with_a_maximum_from_zero,
        gradient_for_squares_only,
        gradient_not_repeated,
        gradient_of_max_is_a_quarter,
        gradient_in_single_precision,
        gradient_as_whole_numbers,
        gradient_written_into_x,
    ],
    "power_pool": [
        power_of_the_sum,
        power_without_root,
        power_after_the_mean,
        power_is_the_maximum,
        power_with_p_fixed,
        power_of_the_first_channel,
        power_over_channels,
        power_with_nan_at_zeros,
        power_with_a_large_number,
        power_with_the_number_of_the_lesson,
        power_detached,
    ],
}
