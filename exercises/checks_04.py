"""The checks of lesson 04, Gram matrices."""

import torch

from exercises.checking import Wrong, equals, exercise, expect


@exercise
def gram_by_loops(attempt):
    """Exercise 1: the mean over positions of outer products."""
    table = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    expected = torch.tensor([[5.0, 2.0], [2.0, 10.0]]) / 3
    all_pairs = torch.tensor([[9.0, 12.0], [12.0, 16.0]])  # of positions, also k with another m
    what = f"for the table {table.tolist()}"
    came = attempt(table.clone())
    if any(equals(came, all_pairs / count) for count in (1, 3, 9)):
        raise Wrong(
            f"{what}: this is the sum over all pairs of positions. Multiply each position with "
            "itself only, with one k for both channels."
        )
    if equals(came, 3 * expected):
        raise Wrong(
            f"{what}: expected the mean over positions, got the sum, {came.tolist()}. Divide by "
            "the number of positions, 3."
        )
    if equals(came, expected / 2) or equals(came, expected * 3 / 2):
        raise Wrong(
            f"{what}: the divisor is not the number of positions, 3. Perhaps the number of "
            "channels, 2, is in it."
        )
    if isinstance(came, torch.Tensor) and came.shape == (3, 3):
        raise Wrong(
            f"{what}: expected shape (2, 2), channels by channels, got (3, 3), positions by "
            "positions. The sum runs over positions."
        )
    expect(what, came, expected, "Entry i, j is the mean over k of table[i, k] * table[j, k].")

    table = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    expect(
        "for a random table (4, 7)",
        attempt(table),
        table @ table.T / 7,
        "Take both sizes from the shape of the table.",
    )


@exercise
def covariance_of_features(attempt):
    """Exercise 2: the Gram matrix of centered features."""
    features = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]).reshape(1, 2, 1, 3)
    expected = torch.tensor([[[2.0, -2.0], [-2.0, 14 / 3]]]) / 3
    gram = torch.tensor([[[5.0, 2.0], [2.0, 10.0]]]) / 3
    what = "for the table [[1, 2, 0], [0, 1, 3]] as features (1, 2, 1, 3)"
    came = attempt(features.clone())
    if equals(came, gram):
        raise Wrong(
            f"{what}: this is the Gram matrix itself. Subtract each channel's mean over positions "
            "first."
        )
    if equals(came, expected * 3 / 2):
        raise Wrong(
            f"{what}: the divisor is 2, expected 3. Divide by H W, not by one less, so that it is "
            "comparable with a Gram matrix."
        )
    over_channels = (features - features.mean(1, keepdim=True))[:, :, 0]
    if equals(came, over_channels @ over_channels.transpose(1, 2) / 3):
        raise Wrong(
            f"{what}: the means were taken over channels, axis 1. Take them over positions, axes "
            "2 and 3."
        )
    hint = "It is the mean over positions of (F_i - mean_i)(F_j - mean_j)."
    expect(what, came, expected, hint)

    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    features[1] += 9
    expect(
        "for a batch of two, one of them much brighter",
        attempt(features),
        torch.stack([torch.cov(one.flatten(1), correction=0) for one in features]),
        "Each picture of the batch has its own means.",
        tolerance=1e-4,
    )


@exercise
def shifted_gram(attempt):
    """Exercise 3: the Gram matrix of each position and its neighbor on the right."""
    features = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]])  # (1, 2, 1, 3)
    expected = torch.tensor([[[2.0, 7.0], [0.0, 3.0]]]) / 2
    what = "for the table [[1, 2, 0], [0, 1, 3]] as features (1, 2, 1, 3), one step to the right"
    came = attempt(features.clone(), 1)
    if equals(came, expected.transpose(1, 2)):
        raise Wrong(f"{what}: i and j are exchanged. Channel i is at x, and j is at x + right.")
    if equals(came, expected * 2 / 3):
        raise Wrong(
            f"{what}: the divisor is 3, expected 2. Only two of the three positions have a "
            "neighbor on the right."
        )
    rolled = torch.einsum("biyx,bjyx->bij", features, features.roll(-1, 3)) / 3
    if equals(came, rolled) or equals(came, rolled.transpose(1, 2)):
        raise Wrong(
            f"{what}: the last column was multiplied with the first. Perhaps you used roll(), "
            "which wraps around the border. Cut the columns off instead."
        )
    hint = "It is the mean over the pairs (x, x + right) inside the picture."
    expect(what, came, expected, hint)

    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expect(
        "for random features (2, 3, 4, 5), two steps to the right",
        attempt(features, 2),
        torch.einsum("biyx,bjyx->bij", features[..., :3], features[..., 2:]) / 12,
        "Columns are the last axis. The first 3 of the 5 have a neighbor two to the right.",
    )
