"""The checks of lesson 06, Pooling."""

import torch
from torch import nn
from torch.nn import functional as F

from exercises.checking import Wrong, equals, exercise, expect


@exercise
def pool_gradient(attempt):
    """Exercise 1: a table (4, 4) without ties, against autograd."""
    x = torch.tensor(
        [
            [3.0, 1.0, 5.0, 6.0],
            [2.0, 4.0, 7.0, 8.0],
            [9.0, 0.5, 1.5, 2.5],
            [0.25, 0.75, 3.5, 0.0],
        ]
    ).view(1, 1, 4, 4)
    for kind, pool in (("average", F.avg_pool2d), ("max", F.max_pool2d)):
        inputs = x.clone().requires_grad_(True)
        (expected,) = torch.autograd.grad(pool(inputs, 2).sum(), inputs)
        came = attempt(x.clone(), kind)
        what = f"the gradient of {kind} pooling"
        same_shape = isinstance(came, torch.Tensor) and came.shape == x.shape
        if kind == "average" and equals(came, torch.ones_like(x)):
            raise Wrong(
                f"{what}: expected 1/4 everywhere, got 1. An output changes by only 1/4 if one of "
                "its four inputs changes by 1."
            )
        if kind == "max" and same_shape and came.sum() == 1 and came.flatten()[x.argmax()] == 1:
            raise Wrong(
                f"{what}: expected one 1 per window, got a single 1 at the largest number of the "
                "whole table. Each of the four windows has its own maximum."
            )
        if kind == "max" and equals(came, expected * x):
            raise Wrong(
                f"{what}: expected 1 at each maximum, got the maxima themselves. The gradient "
                "says how an output changes with its input: by 1, whatever the input is."
            )
        hint = "Ask for each output how much it changes if one of its four inputs changes by 1."
        expect(what, came, expected, hint)


@exercise
def power_pool(attempt):
    """Exercise 2: windows of known power means, at p = 1, p = 2, and p = 50 near the maximum."""
    features = torch.tensor([[3.0, 4.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 1, 2, 4)
    hint = "It is the p-th root of the mean of the four p-th powers, for each window."
    came = attempt(features.clone(), 2)
    if equals(came, torch.tensor([[[[5.0, 2.0]]]])):
        raise Wrong(
            "at p = 2 the window 3, 4, 0, 0 gave 5 and the window of ones gave 2. This is the root "
            "of the sum. With the mean a window of equal values keeps its value."
        )
    if equals(came, torch.tensor([[[[6.25, 1.0]]]])):
        raise Wrong(
            "at p = 2 the window 3, 4, 0, 0 gave 6.25, the mean of the squares. The root is "
            "missing, so the result is not on the scale of the features."
        )
    if equals(came, torch.tensor([[[[1.75, 1.0]]]])):
        raise Wrong(
            "at p = 2 the window 3, 4, 0, 0 gave 1.75, its plain average. Raise to the power "
            "before the mean, and take the root after it."
        )
    two = torch.tensor([[[[2.5, 1.0]]]])
    one = torch.tensor([[[[1.75, 1.0]]]])
    fifty = torch.tensor([[[[3.8906, 1.0]]]])
    expect("p = 2 of the windows 3, 4, 0, 0 and 1, 1, 1, 1", came, two, hint)
    expect("p = 1, the average", attempt(features.clone(), 1), one, hint)
    large = attempt(features.clone(), 50)
    expect("p = 50, nearly the maximum", large, fifty, hint, tolerance=1e-3)


@exercise
def swap_pools(attempt):
    """Exercise 3: a small network with poolings at places that VGG-19 does not have."""
    features = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.MaxPool2d(2)
    )
    before = list(features)
    made = []

    def make_pool():
        made.append(nn.AvgPool2d(2))
        return made[-1]

    swapped = attempt(features, make_pool)
    if any(now is not then for now, then in zip(features, before, strict=True)):
        raise Wrong(
            "your function replaced the poolings of the network that was passed in, which others "
            "may still use. Build a new nn.Sequential and leave `features` as it is."
        )
    if not isinstance(swapped, nn.Sequential):
        raise Wrong(f"expected a new nn.Sequential, got {type(swapped).__name__}.")
    if len(swapped) != len(before):
        raise Wrong(
            f"the number of layers: expected {len(before)}, got {len(swapped)}. Replace each "
            "pooling; leave none out and add none."
        )
    for place, (old, new) in enumerate(zip(before, swapped, strict=True)):
        if isinstance(old, nn.MaxPool2d):
            _check_new_pool(place, new, made)
        elif new is not old:
            raise Wrong(
                f"layer {place}, a {type(old).__name__}, is not the object that went in. A new "
                "layer has other weights, and a copy does not share them. Put the same object into "
                "the new list."
            )
    if len(made) > 1 and swapped[1] is swapped[4]:
        raise Wrong("both poolings are one and the same module. Call make_pool() once for each.")


def _check_new_pool(place, new, made):
    if isinstance(new, nn.MaxPool2d):
        raise Wrong(
            f"layer {place} is still a max pooling. Test each layer's type with `isinstance`, "
            "because its place differs from network to network."
        )
    if not any(new is pool for pool in made):
        raise Wrong(f"layer {place} is a {type(new).__name__} that make_pool() did not make.")
