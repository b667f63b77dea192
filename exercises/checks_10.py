"""The checks of lesson 10, Control."""

import torch
from torch import Tensor
from torch.nn import functional as F

from exercises.checking import Wrong, describe, equals, exercise, expect, kind


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def _must_be_tensor(what: str, came) -> None:
    """Raises Wrong unless the attempt returned a tensor."""
    if came is None:
        raise Wrong(f"{what}: expected a tensor, got None. Perhaps a `return` is missing.")
    if not isinstance(came, Tensor):
        raise Wrong(f"{what}: expected a tensor, got {kind(came)}. Perhaps torch.stack is missing.")


def _must_be_kept(what: str, given: Tensor, before: Tensor) -> None:
    """Raises Wrong if the attempt wrote into its argument."""
    if not torch.equal(given, before):
        raise Wrong(
            f"{what}: expected it unchanged, but the numbers in it are different after the call. "
            "Perhaps you used *= or another operation that writes in place. Make a new tensor."
        )


# ------------------------------------------------------------------------------ exercise 1


def _guided(features: Tensor, masks: Tensor) -> Tensor:
    """The right answer."""
    sums = torch.einsum("ryx,iyx,jyx->rij", masks, features[0], features[0])
    return sums / masks.sum((1, 2)).view(-1, 1, 1)


def _guided_by_hand(attempt) -> None:
    """A table of 2 channels and 3 positions, and two masks."""
    features = torch.tensor([[[[1.0, 2.0, 3.0]], [[0.0, 1.0, 2.0]]]])  # (1, 2, 1, 3)
    masks = torch.tensor([[[1.0, 0.0, 1.0]], [[0.5, 0.0, 1.0]]])  # (2, 1, 3)
    expected = torch.stack(
        [torch.tensor([[5.0, 3.0], [3.0, 2.0]]), torch.tensor([[19.0, 12.0], [12.0, 8.0]]) / 3]
    )
    what = "for the table [[1, 2, 3], [0, 1, 2]] and the masks 1, 0, 1 and 0.5, 0, 1"
    came = attempt(features.clone(), masks.clone())
    _must_be_tensor(what, came)
    sums = torch.einsum("ryx,iyx,jyx->rij", masks, features[0], features[0])
    plain = torch.einsum("iyx,jyx->ij", features[0], features[0]).expand(2, 2, 2) / 3
    rooted = torch.einsum("ryx,iyx,jyx->rij", masks.sqrt(), features[0], features[0])
    told = {
        "the mean over all three positions. Divide by the sum of the mask instead, because only "
        "the marked positions count": sums / 3,
        "the sum. Perhaps the division by the sum of the mask is missing": sums,
        "the plain Gram matrix for both. Perhaps the mask is not used": plain,
        "the place outside the masks. Perhaps 1 - mask is used": _guided(features, 1 - masks),
        "0.25 where 0.5 was the weight. Perhaps both factors are multiplied by the mask; one of "
        "them is enough": _guided(features, masks.square())
        * masks.square().sum((1, 2)).view(-1, 1, 1)
        / masks.sum((1, 2)).view(-1, 1, 1),
        "the weight 0.25 instead of 0.5 in sum and divisor. Perhaps the mask is squared": _guided(
            features, masks.square()
        ),
        "the weight 1 instead of 0.5. Perhaps the mask is rounded; a soft mask has values between "
        "0 and 1": _guided(features, masks.ceil()),
        "the root of the mask as the weight. Either one factor gets the mask, or both get its "
        "root": rooted / masks.sum((1, 2)).view(-1, 1, 1),
        "one divisor for both masks. Each mask has a sum of its own": sums / masks.sum(),
    }
    for found, wrong in told.items():
        if equals(came, wrong, atol=1e-6):
            raise Wrong(f"{what}: expected {describe(expected)}, got {found}.")
    if came.shape == (2, 2):
        raise Wrong(
            f"{what}: expected shape (2, 2, 2), one matrix per mask, got one matrix of shape "
            "(2, 2). Perhaps only one mask is used, or the sum runs over the masks."
        )
    expect(what, came, expected, "Entry r, i, j is the sum of m_k F_ik F_jk over the sum of m_k.")


@exercise
def guided_grams(attempt):
    """Exercise 1: one guided Gram matrix per mask."""
    _guided_by_hand(attempt)
    for shape, count in (((1, 4, 5, 6), 3), ((1, 3, 7, 2), 1)):
        features = _random(*shape) - 0.5
        masks = _random(count, *shape[2:], seed=1)
        given = features.clone()
        given_masks = masks.clone()
        what = f"for random features {shape} and {count} random masks"
        came = attempt(given, given_masks)
        _must_be_kept("the caller's features", given, features)
        _must_be_kept("the caller's masks", given_masks, masks)
        _must_be_tensor(what, came)
        rows = _guided(features[:, :, :1], masks[:, :1])
        if equals(came, rows, atol=1e-5):
            raise Wrong(
                f"{what}: expected sums over all rows, got the first row alone. Perhaps an index 0 "
                "took the place of an axis."
            )
        expect(what, came, _guided(features, masks), "Perhaps a size is written as a number.")


# ------------------------------------------------------------------------------ exercise 2


def _blocks(mask: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(mask, side)


def _told_apart(what: str, came: Tensor, mask: Tensor, side: int) -> None:
    """Raises Wrong with a hint of its own for the usual mistakes."""
    expected = _blocks(mask, side)
    told = {
        "one pixel of each block. Perhaps a slice or mode='nearest' took it. A border inside a "
        "block must give a value between 0 and 1": mask[..., ::side, ::side],
        "the largest value of each block. Perhaps it is max pooling; the mean keeps the "
        "area": F.max_pool2d(mask, side),
        "the sum of each block. Perhaps the division by its number of pixels is missing": expected
        * side**2,
        "only zeros and ones. Perhaps the result is rounded or compared with a threshold": (
            expected > 0.5
        ).float(),
        "an inverted mask. Perhaps 1 - mask is used": 1 - expected,
    }
    if side > 2:  # for blocks of 2 x 2, bilinear interpolation is right
        told[
            "means of a few pixels in the middle of each block. Perhaps it is bilinear "
            "interpolation; mode='area' or average pooling takes all of them"
        ] = F.interpolate(mask, scale_factor=1 / side, mode="bilinear")
    for found, wrong in told.items():
        if equals(came, wrong, atol=1e-6):
            raise Wrong(f"{what}: expected the mean of each block of {side}x{side}, got {found}.")


@exercise
def carry_to_layer(attempt):
    """Exercise 2: a mask at the size of a layer's features."""
    mask = _random(1, 1, 32, 48, seed=2)
    for layer in ("relu3_1", "relu1_1", "relu5_1", "conv2_2", "relu4_2"):
        side = 2 ** (int(layer[4]) - 1)
        expected = _blocks(mask, side)
        what = f"for a mask of 32 x 48 and {layer}"
        given = mask.clone()
        came = attempt(given, layer)
        _must_be_kept("the caller's mask", given, mask)
        _must_be_tensor(what, came)
        if side > 1 and came.shape == mask.shape:
            raise Wrong(
                f"{what}: expected height and width {tuple(expected.shape[2:])}, got the mask at "
                "its own size. Perhaps `layer` is not used."
            )
        if came.shape[-2:] == (32 // side // 2, 48 // side // 2):
            raise Wrong(
                f"{what}: expected height and width {tuple(expected.shape[2:])}, got half of that. "
                "Perhaps there is one pooling too many: block 1 has none before it."
            )
        if came.shape[-2:] == (32 // side * 2, 48 // side * 2):
            raise Wrong(
                f"{what}: expected height and width {tuple(expected.shape[2:])}, got twice that. "
                "Perhaps one pooling is missing: block 2 has one before it."
            )
        if came.shape == (1, 1, 8, 12):
            _must_be_of_the_layer(what, layer)
        if side > 1 and came.shape == expected.shape:
            _told_apart(what, came, mask, side)
        expect(what, came, expected, "Each value is the mean of the pixels that it covers.")


def _must_be_of_the_layer(what: str, layer: str) -> None:
    if layer[4] != "3":
        raise Wrong(
            f"{what}: expected another size than for relu3_1, got the same. Perhaps the number of "
            "poolings is written as a number; it follows from the name of the layer."
        )


# ------------------------------------------------------------------------------ exercise 3


def _mixed(grams: list[dict], shares: list[float]) -> dict:
    """The right answer."""
    mixed = {}
    for layer in {name for one in grams for name in one}:
        serving = [
            (one[layer], share) for one, share in zip(grams, shares, strict=True) if layer in one
        ]
        total = sum(share for _, share in serving)
        mixed[layer] = sum(share / total * gram for gram, share in serving)
    return mixed


def _call_mix(attempt, what: str, grams: list[dict], shares: list[float]) -> dict:
    """Calls the attempt and checks the kind of its answer and its layers."""
    before = [{name: gram.clone() for name, gram in one.items()} for one in grams]
    try:
        came = attempt(grams, shares)
    except KeyError as error:
        raise Wrong(
            f"{what}: expected a mix, got KeyError {error}. Perhaps a layer is asked of a painting "
            "that does not serve it. Look with `layer in one` first."
        ) from error
    for one, kept in zip(grams, before, strict=True):
        for name in kept:
            _must_be_kept(f"the caller's Gram matrix of {name}", one[name], kept[name])
    if not isinstance(came, dict):
        raise Wrong(
            f"{what}: expected a dict from layer to Gram matrix, got {kind(came)}. Perhaps the "
            "names of the layers are lost."
        )
    wanted = {name for one in before for name in one}
    missing = wanted - set(came)
    if missing:
        raise Wrong(
            f"{what}: expected the layers {sorted(wanted)}, got none for {sorted(missing)}. "
            "Perhaps the loop runs over the layers of one painting, or over those that all have."
        )
    return came


@exercise
def mix(attempt):
    """Exercise 3: Gram matrices of several paintings, mixed by shares."""
    a = torch.tensor([[[4.0, 2.0], [2.0, 1.0]]])
    b = torch.tensor([[[0.0, 2.0], [2.0, 5.0]]])
    what = "for two paintings with shares 3 and 1, at relu1_1"
    expected = torch.tensor([[[3.0, 2.0], [2.0, 2.0]]])
    came = _call_mix(attempt, what, [{"relu1_1": a}, {"relu1_1": b}], [3.0, 1.0])["relu1_1"]
    told = {
        "the sum times 4. Perhaps the shares are used as they are; divide them by their sum": 4
        * expected,
        "equal parts. Perhaps the shares are not used": (a + b) / 2,
        "the shares exchanged. Perhaps the lists are read in different orders": (a + 3 * b) / 4,
        "the painting with the largest share alone. A mix has a part of each": a,
        "half of it. Perhaps the result is also divided by the number of paintings": expected / 2,
    }
    for found, wrong in told.items():
        if equals(came, wrong, atol=1e-6):
            raise Wrong(f"{what}: expected {describe(expected)}, got {found}.")
    expect(what, came, expected, "It is 3/4 of the first matrix and 1/4 of the second.")

    grams = [
        {"relu1_1": _random(1, 3, 3), "relu2_1": _random(1, 4, 4, seed=1)},
        {"relu2_1": _random(1, 4, 4, seed=2), "relu3_1": _random(1, 5, 5, seed=3)},
        {"relu1_1": _random(1, 3, 3, seed=4), "relu2_1": _random(1, 4, 4, seed=5)},
    ]
    shares = [0.5, 0.3, 0.2]
    what = "for three paintings that serve different layers, with shares 0.5, 0.3 and 0.2"
    wanted = _mixed(grams, shares)
    came = _call_mix(attempt, what, grams, shares)
    for layer in ("relu2_1", "relu1_1", "relu3_1"):
        serving = [share for one, share in zip(grams, shares, strict=True) if layer in one]
        if equals(came[layer], wanted[layer] * sum(serving), atol=1e-6) and sum(serving) < 1:
            raise Wrong(
                f"{what}: expected shares that add up to 1 at {layer}, got shares that add up to "
                f"{sum(serving):g}. Divide by the sum of the shares of the paintings that serve "
                "the layer."
            )
        expect(f"{what}, at {layer}", came[layer], wanted[layer], "Perhaps a painting is left out.")

    what = "for a second painting with share 0"
    came = _call_mix(attempt, what, [{"relu1_1": a}, {"relu1_1": b}], [0.2, 0.0])
    expect(what, came["relu1_1"], a, "It is the first painting alone.")
