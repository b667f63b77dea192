"""The checks of lesson 04, Gram matrices."""

import torch
from torch import Tensor

from exercises.checking import Wrong, describe, equals, exercise, expect, kind
from exercises.watching import MATRIX_PRODUCTS, Watch

SMALL = "the table [[1, 2, 0], [0, 1, 3]] as features (1, 2, 1, 3)"


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _must_be_tensor(what: str, came) -> None:
    """Raises Wrong unless the attempt returned a tensor."""
    if came is None:
        raise Wrong(f"{what}: expected a tensor, got None. Perhaps a `return` is missing.")
    if not isinstance(came, Tensor):
        raise Wrong(
            f"{what}: expected a tensor, got {kind(came)}. Perhaps you return the rows as a list; "
            "torch.stack or torch.tensor makes a tensor of them."
        )


def _must_be_kept(what: str, given: Tensor, before: Tensor) -> None:
    """Raises Wrong if the attempt wrote into its argument."""
    if not torch.equal(given, before):
        raise Wrong(
            f"{what}: expected it unchanged, but the numbers in it are different after the call. "
            "Perhaps you used -= or another operation that writes in place. Make a new tensor."
        )


@exercise
def gram_by_loops(attempt):
    """Exercise 1: the mean over positions of outer products."""
    table = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    expected = torch.tensor([[5.0, 2.0], [2.0, 10.0]]) / 3
    all_pairs = torch.tensor([[9.0, 12.0], [12.0, 16.0]])  # of positions, also k with another m
    what = f"for the table {table.tolist()}"
    with Watch(MATRIX_PRODUCTS) as watch:
        came = attempt(table.clone())
    _must_be_tensor(what, came)
    if any(equals(came, all_pairs / count) for count in (1, 3, 9)):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got the sum over all pairs of positions. "
            "Perhaps each channel has a position of its own. Multiply each position with itself "
            "only, with the same k for both channels."
        )
    if equals(came, 3 * expected):
        raise Wrong(
            f"{what}: expected the mean over positions, got the sum, {describe(came)}. Divide by "
            "the number of positions, 3."
        )
    if any(equals(came, expected * 3 / count) for count in (2, 4, 6)):
        raise Wrong(
            f"{what}: expected the sum over positions divided by 3, got another divisor. Perhaps "
            "the number of channels, 2, is in it."
        )
    if came.shape == (3, 3):
        raise Wrong(
            f"{what}: expected shape (2, 2), channels by channels, got (3, 3), positions by "
            "positions. Perhaps rows and columns are exchanged. The sum runs over positions."
        )
    upper = expected.triu()
    if equals(came, upper) or equals(came, expected.tril()) or equals(came, expected.diag().diag()):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got {describe(came)}. Some entries are 0. "
            "Perhaps the second loop over channels leaves out some of them."
        )
    expect(what, came, expected, "Entry i, j is the mean over k of table[i, k] * table[j, k].")

    for channels, positions in ((4, 7), (5, 2), (1, 3)):
        table = _random(channels, positions, seed=positions)
        given = table.clone()
        with Watch(MATRIX_PRODUCTS) as more:
            came = attempt(given)
        watch.called |= more.called
        _must_be_kept(f"the caller's table ({channels}, {positions})", given, table)
        expect(
            f"for a random table ({channels}, {positions}), with negative numbers",
            came,
            table @ table.T / positions,
            "Perhaps a size is written as a number. Take both sizes from the shape of the table.",
        )
    if watch.called:
        raise Wrong(
            "the numbers are right, but the exercise is about the loops: expected products of "
            f"single numbers only, got a call of {', '.join(sorted(watch.called))}. Write three "
            "loops, over i, j and k."
        )


@exercise
def covariance_of_features(attempt):
    """Exercise 2: the Gram matrix of centered features."""
    features = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]).reshape(1, 2, 1, 3)
    expected = torch.tensor([[[2.0, -2.0], [-2.0, 14 / 3]]]) / 3
    gram = torch.tensor([[[5.0, 2.0], [2.0, 10.0]]]) / 3
    what = f"for {SMALL}"
    came = attempt(features.clone())
    _must_be_tensor(what, came)
    if equals(came, gram):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got the Gram matrix itself. Subtract each "
            "channel's mean over positions first."
        )
    if equals(came, expected * 3 / 2):
        raise Wrong(
            f"{what}: expected the divisor 3, got 2. Divide by H W, not by one less, so that it is "
            "comparable with a Gram matrix."
        )
    if equals(came, expected * 3):
        raise Wrong(
            f"{what}: expected the mean over positions, got the sum. Perhaps the division by H W "
            "is missing."
        )
    means = features.mean((2, 3))
    products = means[:, :, None] * means[:, None, :]
    if equals(came, gram / 3 - products):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got {describe(came)}. Perhaps the Gram matrix "
            "is divided by H W twice. nst.gram_matrix divides already."
        )
    over_channels = (features - features.mean(1, keepdim=True))[:, :, 0]
    if equals(came, over_channels @ over_channels.transpose(1, 2) / 3):
        raise Wrong(
            f"{what}: expected means over positions, axes 2 and 3, got means over channels, axis "
            "1. Each channel has a mean of its own."
        )
    hint = "It is the mean over positions of (F_i - mean_i)(F_j - mean_j)."
    if equals(came, expected[0]):
        raise Wrong(
            f"{what}: expected shape (1, 2, 2), got (2, 2). Keep the axis of the batch, also if "
            "there is only one picture."
        )
    expect(what, came, expected, hint)

    features = _random(2, 3, 4, 5)
    features[1] += 9
    wanted = torch.stack([torch.cov(one.flatten(1), correction=0) for one in features])
    given = features.clone()
    came = attempt(given)
    _must_be_kept("the caller's features", given, features)
    what = "for a batch of two pictures (2, 3, 4, 5), the second one 9 brighter"
    _must_be_tensor(what, came)
    for axis, name in ((3, "width, axis 3"), (2, "height, axis 2")):
        centered = (features - features.mean(axis, keepdim=True)).flatten(2)
        if equals(came, centered @ centered.transpose(1, 2) / 20, atol=1e-4):
            raise Wrong(
                f"{what}: expected means over all positions, got means over the {name}, alone. "
                "Take the mean over both axes, (2, 3)."
            )
    shared = (features - features.mean((0, 2, 3), keepdim=True)).flatten(2)
    if equals(came, shared @ shared.transpose(1, 2) / 20, atol=1e-4):
        raise Wrong(
            f"{what}: expected means of each picture, got means that both share. Perhaps the mean "
            "also runs over axis 0, the batch."
        )
    one_mean = (features - features.mean((1, 2, 3), keepdim=True)).flatten(2)
    if equals(came, one_mean @ one_mean.transpose(1, 2) / 20, atol=1e-4):
        raise Wrong(
            f"{what}: expected one mean per channel, got one mean per picture. Perhaps the mean "
            "also runs over axis 1, the channels."
        )
    expect(what, came, wanted, hint, tolerance=1e-4)


def _shifted(features: Tensor, right: int) -> Tensor:
    """The right answer."""
    width = features.shape[3] - right
    here = features[..., :width]
    there = features[..., right:]
    return torch.einsum("biyx,bjyx->bij", here, there) / (features.shape[2] * width)


@exercise
def shifted_gram(attempt):
    """Exercise 3: the Gram matrix of each position and its neighbor on the right."""
    features = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]])  # (1, 2, 1, 3)
    expected = torch.tensor([[[2.0, 7.0], [0.0, 3.0]]]) / 2
    what = f"for {SMALL}, one step to the right"
    came = attempt(features.clone(), 1)
    _must_be_tensor(what, came)
    if equals(came, expected.transpose(1, 2)):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got i and j exchanged. Channel i is at x, and "
            "j is at x + right. Perhaps the wrong factor is transposed."
        )
    if equals(came, expected * 2 / 3):
        raise Wrong(
            f"{what}: expected the divisor 2, got 3. Only two of the three positions have a "
            "neighbor on the right."
        )
    if equals(came, expected * 2):
        raise Wrong(
            f"{what}: expected the mean over 2 positions, got the sum. Perhaps the division is "
            "missing."
        )
    rolled = torch.einsum("biyx,bjyx->bij", features, features.roll(-1, 3)) / 3
    if equals(came, rolled) or equals(came, rolled.transpose(1, 2)):
        raise Wrong(
            f"{what}: expected two products, got three, the last column with the first among them. "
            "Perhaps you used roll(), which wraps around the border. Cut the columns off instead."
        )
    if equals(came, torch.einsum("biyx,bjyx->bij", features, features) / 3):
        raise Wrong(
            f"{what}: expected {describe(expected)}, got the Gram matrix without a shift. Perhaps "
            "`right` is not used."
        )
    hint = "It is the mean over the pairs (x, x + right) inside the picture."
    expect(what, came, expected, hint)

    features = _random(2, 3, 4, 5)
    given = features.clone()
    came = attempt(given, 2)
    wanted = _shifted(features, 2)
    what = "for random features (2, 3, 4, 5), two steps to the right"
    _must_be_kept("the caller's features", given, features)
    _must_be_tensor(what, came)
    if equals(came, wanted * 4, atol=1e-5):
        raise Wrong(
            f"{what}: expected the divisor 12, that is 4 rows times 3 columns, got 3. Perhaps "
            "the height is missing in it."
        )
    if equals(came, _shifted(features, 1), atol=1e-5):
        raise Wrong(
            f"{what}: expected two steps, got one step. Perhaps the 1 is written as a number. Use "
            "`right`."
        )
    down = torch.einsum("biyx,bjyx->bij", features[..., :2, :], features[..., 2:, :]) / 10
    if equals(came, down, atol=1e-5):
        raise Wrong(
            f"{what}: expected neighbors to the right, got neighbors below. Columns are the last "
            "axis, 3."
        )
    flat = features.flatten(2)
    across_rows = flat[..., :-2] @ flat[..., 2:].transpose(1, 2) / 18
    if equals(came, across_rows, atol=1e-5):
        raise Wrong(
            f"{what}: expected 12 pairs, got 18. Perhaps you shifted after flattening, so that "
            "the end of a row meets the beginning of the next. Cut the columns first."
        )
    hint = "The first 3 of the 5 columns have a neighbor two to the right."
    expect(what, came, wanted, hint)

    what = "for right = 0"
    wanted = _shifted(features, 0)
    try:
        came = attempt(features.clone(), 0)
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        came = error
    if not isinstance(came, Tensor) or came.isnan().any() or not came.any():
        raise Wrong(
            f"{what}: expected the Gram matrix, got no numbers. Perhaps you cut with [:-right]: "
            "[:-0] is empty. Compute the number of columns that remain, W - right."
        )
    expect(what, came, wanted, "It is the Gram matrix, because each position meets itself.")
