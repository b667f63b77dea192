"""The checks of lesson 05, Losses."""

import torch

from exercises.checking import Wrong, exercise, expect, kind


@exercise
def balancing_factor(attempt):
    """Exercise 1: two terms whose gradients are 4 and 6 at each pixel of an image of ones."""
    image = torch.ones(1, 3, 2, 2)

    def objective(image):
        return {"content": 2 * image.square().sum(), "style": 6 * image.sum()}

    came = attempt(objective, image)
    what = "the factor for a gradient of 4 per pixel (content) and 6 (style)"
    hint = (
        "Take the gradient of each term with respect to the pixels, then the ratio of their norms"
    )
    if isinstance(came, (int, float)):
        found = f"{what}: expected 4 / 6, got {came:.4f}"
        if abs(came - 24 / 72) < 1e-4:
            raise Wrong(f"{found}, the ratio of the values of the terms, 24 / 72. {hint}.")
        if abs(came - 6 / 4) < 1e-4:
            raise Wrong(
                f"{found}, the inverse. This factor would make the larger gradient even larger."
            )
        if abs(came - 16 / 36) < 1e-4:
            raise Wrong(
                f"{found}, the square. A norm is the root of the sum of squares: `gradient.norm()`."
            )
    expect(
        what,
        came,
        4 / 6,
        f"{hint}, content's divided by style's, and return a float (`.item()`).",
        tolerance=1e-4,
    )
    if image.requires_grad:
        raise Wrong(
            "your function called requires_grad_ on the caller's image. Work on a copy, "
            "`image.detach().clone()`."
        )


@exercise
def keras_factor(attempt):
    """Exercise 2: the two formulas on random Gram matrices of 7 channels and 12 positions."""
    channels = 7
    positions = 12
    size = 40  # pixels of the image
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(channels, positions, generator=generator, dtype=torch.float64)
    wanted = torch.rand(channels, positions, generator=generator, dtype=torch.float64)
    difference = (features @ features.T - wanted @ wanted.T).square().sum()
    keras = difference / (4 * 3**2 * size**2)
    ours = difference / (4 * channels**2 * positions**2)
    expected = (keras / ours).item()  # 0.49

    came = attempt(channels, positions, size)
    what = f"7 channels, 12 positions and 40 pixels: expected {expected:.4f}"
    causes = (
        (
            1 / expected,
            "Perhaps it is the inverse: how many of Keras's losses make one of our E_l.",
        ),
        (
            expected**0.5,
            "Perhaps the squares are missing, on channels, positions, 3 and size.",
        ),
        (expected / 4, "Perhaps a 4 is left. Both formulas divide by 4, so it cancels."),
        (expected * 4, "Perhaps a 4 is left. Both formulas divide by 4, so it cancels."),
        (
            positions**2 / size**2,
            "Perhaps you canceled Keras's 3 against the layer's channels. They are not equal.",
        ),
    )
    if isinstance(came, (int, float)):
        for wrong, cause in causes:
            if abs(came - wrong) < 1e-6:
                raise Wrong(f"{what}, got {came:.4f}. {cause}")
    hint = "Write both losses as a constant times sum((g - a)^2), and divide the constants."
    expect("7 channels, 12 positions, 40 pixels", came, expected, hint)
    expect("12 channels, 5 positions, 20 pixels", attempt(12, 5, 20), 1.0, hint)


@exercise
def blend(attempt):
    """Exercise 3: two layers of Gram matrices, a quarter of the way from first to second."""
    first = {"relu1_1": torch.zeros(1, 2, 2), "relu2_1": torch.full((1, 3, 3), 4.0)}
    second = {"relu1_1": torch.full((1, 2, 2), 8.0), "relu2_1": torch.zeros(1, 3, 3)}
    came = attempt(first, second, 0.25)
    if not isinstance(came, dict) or came.keys() != first.keys():
        found = f"a dict with {', '.join(came)}" if isinstance(came, dict) else kind(came)
        raise Wrong(
            "expected a dict with relu1_1 and relu2_1, one blended Gram matrix per layer, got "
            f"{found}."
        )
    shallow = came["relu1_1"]
    deep = came["relu2_1"]

    def both_are(shallow_value, deep_value):
        return torch.allclose(shallow, torch.tensor(shallow_value)) and torch.allclose(
            deep, torch.tensor(deep_value)
        )

    if both_are(6.0, 1.0):
        raise Wrong(
            "a share of 0.25 gave three quarters of the second painting. The two are exchanged: a "
            "share of 0 is the first painting."
        )
    if both_are(2.0, 4.0):
        raise Wrong(
            "the second painting's part is right, but the first still counts in full. Multiply it "
            "by 1 - share, or both styles add up."
        )
    if both_are(4.0, 2.0):
        raise Wrong("a share of 0.25 gave half of each painting. Use `share`.")
    hint = "It is (1 - share) times the first plus share times the second, in every layer."
    expect("relu1_1, from 0 to 8", shallow, torch.full((1, 2, 2), 2.0), hint)
    expect("relu2_1, from 4 to 0", deep, torch.full((1, 3, 3), 3.0), hint)
    if first["relu1_1"].any() or second["relu2_1"].any():
        raise Wrong(
            "the blend is right, but your function changed the Gram matrices that it was given. "
            "Build new tensors."
        )
