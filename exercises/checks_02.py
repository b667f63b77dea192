"""The checks of lesson 02, Features."""

import copy

import torch
from torch import nn

from exercises.checking import Wrong, exercise, expect, kind


class _Minus(nn.Module):
    """Subtracts 1, and counts how often it is called."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x - 1


class _ReLU(nn.ReLU):
    """A ReLU that works in place and remembers whether somebody changed it."""

    def __init__(self):
        super().__init__(inplace=True)
        self.__dict__["changed"] = False

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "inplace":
            self.__dict__["changed"] = True


def _network() -> nn.Sequential:
    """Minus 1, ReLU, minus 1, ReLU, minus 1, with ReLUs that work in place."""
    return nn.Sequential(_Minus(), _ReLU(), _Minus(), _ReLU(), _Minus())


@exercise
def safe_features(attempt):
    """Exercise 1: a network of subtractions and in-place ReLUs, on a few numbers."""
    net = _network()
    x = torch.tensor([[0.0, 3.0]])
    came = attempt(x, net, [2, 0])
    if not isinstance(came, dict):
        raise Wrong(
            f"for the indices [2, 0]: expected a dict with the keys 0 and 2, got {kind(came)}. "
            "Perhaps the function has no `return features`, or it collects the features in a list."
        )
    if sorted(came) != [0, 2]:
        raise Wrong(
            f"for the indices [2, 0]: expected a dict with the keys 0 and 2, got the keys "
            f"{list(came)}. Perhaps the last index of the list was taken as the deepest one."
        )
    if any(layer.changed for layer in net if isinstance(layer, _ReLU)):
        raise Wrong(
            "your function changed `inplace` of the network's ReLUs. The network belongs to the "
            "caller, who may use it at the same time. Keep copies of what it computes instead."
        )
    expect(
        "layer 0 of (minus 1, ReLU, minus 1, ReLU, minus 1) on [0, 3]",
        came[0],
        torch.tensor([[-1.0, 2.0]]),
        "Perhaps the next ReLU overwrote the tensor that you kept. A copy that is made before the "
        "next layer runs stays as it is.",
    )
    expect(
        "layer 2 of the same network",
        came[2],
        torch.tensor([[-1.0, 1.0]]),
        "Perhaps a layer did not get the output of the layer before it.",
    )
    _check_inputs(attempt)
    _check_depth(attempt)
    _check_gradient(attempt)


def _check_inputs(attempt):
    """Other inputs: the first layer works in place, a batch, one index alone."""
    start = torch.tensor([[-1.0, 2.0]])
    attempt(start, _network()[1:], [0])
    expect(
        "the tensor that was passed in, if the first layer is an in-place ReLU",
        start,
        torch.tensor([[-1.0, 2.0]]),
        "Perhaps the first layer wrote into it. Give the first layer a copy.",
    )
    batch = torch.tensor([[0.0, 3.0], [4.0, -2.0]])
    expect(
        "layer 1 alone, on a batch of two",
        attempt(batch, _network(), [1])[1],
        torch.tensor([[0.0, 2.0], [3.0, 0.0]]),
        "Perhaps only one picture of the batch was kept, or layer 1 was not run.",
    )


def _check_depth(attempt):
    """No layer after the deepest index may run, in whatever order the indices come."""
    for indices in ([0, 2], [2, 0]):
        net = _network()
        attempt(torch.tensor([[0.0, 3.0]]), net, indices)
        if net[4].calls:
            raise Wrong(
                f"for the indices {indices}: expected that no layer after layer 2 runs, but layer "
                "4 ran. In VGG-19 this would cost time for nothing. Perhaps the loop goes through "
                "the whole network; max(indices) is the last layer that is needed."
            )
        for place in (0, 2):
            if net[place].calls > 1:
                raise Wrong(
                    f"for the indices {indices}: expected that layer {place} runs once, but it ran "
                    f"{net[place].calls} times. Perhaps the walk begins again for each index. One "
                    "walk can keep all features."
                )


def _check_gradient(attempt):
    """The features are for losses, so a gradient must flow back to the image."""
    x = torch.tensor([[0.0, 3.0]], requires_grad=True)
    came = attempt(x, copy.deepcopy(_network()), [0, 1])
    if not all(features.requires_grad for features in came.values()):
        raise Wrong(
            "x.requires_grad is True, so a gradient was expected to flow from the features to x; "
            "the features that came have none. Perhaps they were detached, or computed under "
            "no_grad. `clone` alone keeps the gradient."
        )
    (gradient,) = torch.autograd.grad(came[1].sum(), x)
    expect(
        "the gradient of the sum of layer 1 with respect to [0, 3]",
        gradient,
        torch.tensor([[0.0, 1.0]]),
        "Perhaps something else than the network's own layers was computed on the way.",
    )


CONV = (3, 1, 1)
POOL = (2, 2, 0)
TO_CONV4_2 = [CONV] * 2 + [POOL] + [CONV] * 2 + [POOL] + [CONV] * 4 + [POOL] + [CONV] * 2


@exercise
def seen_pixels(attempt):
    """Exercise 2: from no layer to VGG-19's conv4_2, and layers that VGG-19 does not have."""
    _expect_ends(
        attempt, "no layer", [], 4, (4, 4), "Without layers an activation is its own pixel."
    )
    _expect_ends(
        attempt,
        "one convolution (3, 1, 1)",
        [CONV],
        4,
        (3, 5),
        "The window of 3 begins at 4 * 1 - 1. Perhaps the padding is missing.",
        "The window has 3 pixels, 3, 4 and 5. Perhaps the end is one pixel too far.",
    )
    _expect_ends(
        attempt,
        "one pooling (2, 2, 0)",
        [POOL],
        3,
        (6, 7),
        "Window 3 begins at 3 * 2. Perhaps the stride is missing.",
    )
    _expect_ends(
        attempt,
        "a convolution, then a pooling",
        [CONV, POOL],
        1,
        (1, 4),
        "Begin at the last layer: the pooling's window is 2 to 3, and the convolution makes it "
        "wider by one pixel at each end. Perhaps the layers were taken from front to back.",
    )
    _expect_ends(
        attempt,
        "the same two layers again",
        [CONV, POOL],
        0,
        (-1, 2),
        "Pixel -1 is in the padding, and the exercise keeps it. Perhaps the result was cut at 0.",
    )
    _expect_ends(
        attempt,
        "a convolution (5, 3, 2), then one (3, 2, 0)",
        [(5, 3, 2), (3, 2, 0)],
        2,
        (10, 20),
        "Other networks have other kernels, strides and paddings. Perhaps a number of VGG-19 is "
        "fixed in the function.",
    )
    _expect_ends(
        attempt,
        "VGG-19 to conv4_2 at position 10",
        TO_CONV4_2,
        10,
        (42, 125),
        "The field is 84 pixels wide. Perhaps the strides were added instead of multiplied.",
    )


def _expect_ends(attempt, what, layers, position, expected, hint, hint_for_last=None):
    came = attempt(list(layers), position)
    if not isinstance(came, (tuple, list)) or len(came) != 2:
        raise Wrong(
            f"{what}: expected the two numbers {expected}, got {came!r}. Perhaps the function "
            "returns the width. Return the first and the last pixel."
        )
    if came[0] == expected[0] and hint_for_last:
        hint = hint_for_last
    expect(f"{what}, position {position}", tuple(came), expected, hint)
