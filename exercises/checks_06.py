"""The checks of lesson 06, Pooling."""

import torch
from torch import nn
from torch.nn import functional as F

from exercises.checking import Wrong, equals, exercise, expect, kind


@exercise
def swap_pools(attempt):
    """Exercise 1: a small network with poolings at places that VGG-19 does not have."""
    features = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2),
        nn.AdaptiveMaxPool2d(1),
    )
    before = list(features)
    made = []

    def make_pool():
        made.append(nn.AvgPool2d(2))
        return made[-1]

    swapped = _swap(attempt, features, make_pool)
    if len(features) != len(before) or any(
        now is not then for now, then in zip(features, before, strict=True)
    ):
        raise Wrong(
            "your function changed the network that was passed in, which others may still use. "
            "Build a new nn.Sequential and leave `features` as it is."
        )
    if not isinstance(swapped, nn.Sequential):
        raise Wrong(
            f"expected a new nn.Sequential, got {kind(swapped)}. Perhaps the list of layers was "
            "returned as it is, or the function has no `return`."
        )
    if len(swapped) != len(before):
        raise Wrong(
            f"the number of layers: expected {len(before)}, got {len(swapped)}. Perhaps a pooling "
            "was left out, or added beside the old one."
        )
    for place, (old, new) in enumerate(zip(before, swapped, strict=True)):
        if isinstance(old, nn.MaxPool2d):
            _check_new_pool(place, new, made)
        elif new is not old:
            _explain_other_layer(place, old, new, made)
    if swapped[1] is swapped[4]:
        raise Wrong(
            "expected two new poolings, got one and the same module at both places. Perhaps "
            "make_pool() was called once, before the loop. Call it for each max pooling."
        )


def _swap(attempt, features, make_pool):
    """Calls the attempt; torch's complaint about a function in place of a layer is explained."""
    try:
        return attempt(features, make_pool)
    except TypeError as error:
        if "is not a Module subclass" not in str(error):
            raise
        raise Wrong(
            f"torch says: {str(error).rsplit('.', 1)[-1]}. Only a layer can stand in an "
            "nn.Sequential. Perhaps make_pool itself was put there. Write `make_pool()`."
        ) from None


def _check_new_pool(place, new, made):
    if isinstance(new, nn.MaxPool2d):
        raise Wrong(
            f"layer {place} is still a max pooling. Perhaps fixed places were used. Test each "
            "layer's type with `isinstance`, because the places differ from network to network."
        )
    if not any(new is pool for pool in made):
        raise Wrong(
            f"layer {place}: expected a module from make_pool(), got another {type(new).__name__}. "
            "Perhaps the function makes poolings of its own, or copies of those from make_pool()."
        )


def _explain_other_layer(place, old, new, made):
    if any(new is pool for pool in made):
        raise Wrong(
            f"layer {place}: expected the old {type(old).__name__}, got a new pooling. Only "
            "nn.MaxPool2d is to be replaced. Perhaps the test is by the word Pool in the name."
        )
    raise Wrong(
        f"layer {place}, a {type(old).__name__}, is not the object that went in. A new layer has "
        "other weights, and a copy needs memory twice. Perhaps a deepcopy was made. Put the same "
        "object into the new list."
    )


@exercise
def pool_gradient(attempt):
    """Exercise 2: two pictures, two channels, unequal sides, negative numbers, against autograd."""
    generator = torch.Generator().manual_seed(3)
    small = torch.tensor(
        [
            [3.0, 1.0, 4.0, 6.0],
            [2.0, 4.0, 7.0, 8.0],
            [9.0, 8.0, 1.5, 2.5],
            [0.25, 0.75, 3.5, 0.0],
        ]
    ).view(1, 1, 4, 4)
    order = torch.randperm(96, generator=generator).float()  # each number once, so no ties
    large = (order - 120).view(2, 2, 4, 6).double()  # all are negative
    for x, label in ((small, "of a table 4 x 4"), (large, "of negative numbers (2, 2, 4, 6)")):
        for name, pool in (("average", F.avg_pool2d), ("max", F.max_pool2d)):
            inputs = x.clone().requires_grad_(True)
            (expected,) = torch.autograd.grad(pool(inputs, 2).sum(), inputs)
            given = x.clone()
            came = _without_autograd(attempt, given, name)
            what = f"the gradient of {name} pooling {label}"
            _explain_gradient(what, name, came, x, expected)
            if not torch.equal(given, x):
                raise Wrong(
                    f"{what}: the result is right, but x itself was changed. Perhaps the gradient "
                    "was written into x. Write it into a new tensor, as `torch.zeros_like(x)`."
                )


def _without_autograd(attempt, x, name):
    with torch.no_grad():
        try:
            return attempt(x, name)
        except RuntimeError as error:
            if "grad" in str(error):
                raise Wrong(
                    f"the gradient of {name} pooling: expected a tensor, got an error about "
                    "gradients, because autograd is switched off here. Perhaps you called "
                    "`backward` or `grad`. Set 1/4, 1 and 0 yourself."
                ) from error
            raise


def _explain_gradient(what, name, came, x, expected):
    if not isinstance(came, torch.Tensor):
        raise Wrong(
            f"{what}: expected a tensor, got {type(came).__name__}. Perhaps one of the two kinds "
            "has no `return`."
        )
    if came.shape != x.shape:
        not_repeated = came.shape[-1] == x.shape[-1] // 2
        raise Wrong(
            f"{what}: expected the shape of x, {tuple(x.shape)}, got {tuple(came.shape)}. Perhaps "
            + ("these are the pooled numbers." if not_repeated else "one side was used for both.")
        )
    if came.dtype == torch.bool:
        raise Wrong(
            f"{what}: expected numbers, got True and False. A comparison gives a mask; "
            "`.to(x.dtype)` makes it 1 and 0."
        )
    if came.dtype != x.dtype:
        raise Wrong(
            f"{what}: expected the type of x, {x.dtype}, got {came.dtype}. Perhaps the type was "
            "chosen without x. `.to(x.dtype)` and `torch.zeros_like(x)` take it from x."
        )
    if name == "average":
        hint = (
            "Perhaps you took the output's value. An output changes by 1/4 if one of its four "
            "inputs changes by 1."
        )
        expect(what, came, expected, hint)
        return
    if equals(came, expected * x):
        raise Wrong(
            f"{what}: expected 1 at each maximum, got the maxima themselves. The gradient says how "
            "an output changes with its input: by 1, whatever the input is."
        )
    _explain_max(what, came, x, expected)


def _explain_max(what, came, x, expected):
    """The gradient of max pooling: one 1 per window, at the largest number of that window."""
    ones = int((came == 1).sum())
    windows = x.numel() // 4
    if ones == windows:
        guess = "Each window has its 1 at its own largest number."
    elif equals(came, torch.isin(x, F.max_pool2d(x, 2)).to(x.dtype)):
        guess = "Perhaps each number was compared with the maxima of all windows."
    elif ones > windows:
        guess = "Perhaps each number was compared with the mean of its window."
    elif equals(came, expected / 4):
        guess = "Perhaps it is a quarter, as for average pooling. An output of max pooling changes "
        guess += "by 1 if its largest input changes by 1."
    elif ones == 0:
        guess = "Perhaps the search for the maximum began at 0, which is above negative numbers."
    else:
        guess = "Perhaps the maximum was taken over more than one window."
    if ones != windows:
        raise Wrong(f"{what}: expected {windows} ones, one per window, got {ones}. {guess}")
    expect(what, came, expected, guess)


@exercise
def power_pool(attempt):
    """Exercise 3: windows of known power means, a batch with channels, and a window of zeros."""
    features = torch.tensor([[3.0, 4.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 1, 2, 4)
    hint = "It is the p-th root of the mean of the four p-th powers, for each window."
    _explain_square(attempt(features.clone(), 2))
    two = torch.tensor([[[[2.5, 1.0]]]])
    one = torch.tensor([[[[1.75, 1.0]]]])
    eight = torch.tensor([[[[3.4039, 1.0]]]])
    what = "p = {} of the windows 3, 4, 0, 0 and 1, 1, 1, 1"
    expect(what.format(2), attempt(features.clone(), 2), two, hint, tolerance=1e-3)
    expect(what.format(1), attempt(features.clone(), 1), one, hint, tolerance=1e-3)
    expect(
        what.format(8),
        attempt(features.clone(), 8),
        eight,
        "At p = 8 it is nearer to the maximum. Perhaps p is fixed somewhere in the function.",
        tolerance=1e-3,
    )
    _check_batch(attempt)
    _check_zeros(attempt)


def _explain_square(came):
    """What common mistakes give at p = 2."""
    mistakes = (
        (
            [5.0, 2.0],
            "5 and 2. This is the root of the sum. With the mean, a window of equal numbers keeps "
            "its number.",
        ),
        (
            [6.25, 1.0],
            "6.25 and 1, the mean of the squares. Perhaps the root is missing.",
        ),
        (
            [1.75, 1.0],
            "1.75 and 1, the plain mean. Raise to the power before the mean, and take the root "
            "after it.",
        ),
        (
            [4.0, 1.0],
            "4 and 1, the maxima. At p = 2 the other numbers of a window count, too.",
        ),
    )
    for numbers, text in mistakes:
        if equals(came, torch.tensor([[[numbers]]]), atol=1e-4):
            raise Wrong(
                f"at p = 2 the windows 3, 4, 0, 0 and 1, 1, 1, 1: expected 2.5 and 1, got {text}"
            )


def _check_batch(attempt):
    """Two pictures with two channels each, whose windows have the means 1 to 4."""
    batch = torch.arange(1.0, 5.0).view(2, 2, 1, 1).expand(2, 2, 2, 2).contiguous()
    expect(
        "two pictures with two channels, whose windows hold only 1, 2, 3 and 4",
        attempt(batch, 3),
        torch.arange(1.0, 5.0).view(2, 2, 1, 1),
        "Each channel of each picture has windows of its own. Perhaps pictures or channels were "
        "mixed or left out.",
        tolerance=1e-3,
    )


def _check_zeros(attempt):
    for p in (2, 3, 8):
        zeros = torch.zeros(1, 1, 2, 2, requires_grad=True)
        came = attempt(zeros, p)
        expect(
            f"p = {p} of a window of zeros",
            came,
            torch.zeros(1, 1, 1, 1),
            f"Perhaps the tiny number is too large, because its root of degree {p} is much "
            "larger. Or it was added after the root.",
            tolerance=1e-3,
        )
        if not came.requires_grad:
            raise Wrong(
                "the features ask for a gradient, but the result has none. Perhaps `detach`, "
                "`no_grad` or `.item()` was used."
            )
        (gradient,) = torch.autograd.grad(came.sum(), zeros)
        if not gradient.isfinite().all():
            raise Wrong(
                f"p = {p}: expected a finite gradient in a window of zeros, got "
                f"{gradient.flatten().tolist()}. The slope of a root at 0 is infinite. Perhaps a "
                "tiny number under the root is missing."
            )
