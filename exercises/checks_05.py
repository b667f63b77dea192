"""The checks of lesson 05, Losses."""

import torch
from torch import Tensor

from exercises.checking import Wrong, exercise, expect, kind


@exercise
def total_loss(attempt):
    """Exercise 1: alpha times the content loss plus beta times the style loss of three layers."""
    generator = torch.Generator().manual_seed(5)
    shapes = {
        "relu1_1": (3, 4, 6),
        "relu2_1": (5, 2, 3),
        "relu4_2": (4, 2, 2),
        "relu3_1": (2, 3, 5),
    }
    features = {}
    for layer, shape in shapes.items():
        features[layer] = torch.rand(1, *shape, generator=generator)
    content_target = torch.rand(1, 4, 2, 2, generator=generator)
    for layers in (("relu2_1",), ("relu1_1", "relu3_1", "relu2_1")):
        targets = {}
        for layer in layers:
            channels = shapes[layer][0]
            targets[layer] = torch.rand(1, channels, channels, generator=generator)
        _compare_loss(attempt, features, content_target, targets)


def _compare_loss(attempt, features: dict, content_target: Tensor, targets: dict) -> None:
    """Compares an attempt with the right loss, then with the losses of common mistakes."""
    alpha = 2.0
    beta = 30.0
    differences = {}
    counts = {}  # layer: channels, positions
    for layer, target in targets.items():
        flat = features[layer].flatten(2)
        counts[layer] = flat.shape[1:]
        differences[layer] = flat @ flat.transpose(1, 2) / flat.shape[2] - target
    style = sum(d.square().mean() / 4 for d in differences.values()) / len(targets)
    gap = features["relu4_2"] - content_target
    content = gap.square().mean()
    expected = alpha * content + beta * style

    leaf = features["relu4_2"].clone().requires_grad_(True)
    came = attempt(
        {**features, "relu4_2": leaf}, content_target.clone(), dict(targets), alpha, beta
    )
    what = f"style layers {', '.join(targets)}, alpha {alpha:g}, beta {beta:g}"
    if not isinstance(came, Tensor) or came.numel() != 1:
        raise Wrong(
            f"{what}: expected a scalar tensor, got {kind(came)}. Perhaps a return is missing, or "
            "a mean, or .item() was called, which removes the gradient."
        )
    undivided = sum(
        ((differences[layer] + targets[layer]) * counts[layer][1] - targets[layer]).square().mean()
        for layer in targets
    ) / (4 * len(targets))
    by_size = sum(
        ((d + targets[layer]) / counts[layer][0] - targets[layer]).square().mean()
        for layer, d in differences.items()
    ) / (4 * len(targets))
    sums = sum(d.square().sum() / 4 for d in differences.values()) / len(targets)
    last = list(differences.values())[-1].square().mean() / 4
    causes = (
        (alpha * content + 4 * beta * style, "Perhaps the quarter in E_l is missing."),
        (alpha * content + beta * len(targets) * style, "Perhaps w_l is missing, 1 over the number "
         "of style layers."),
        (alpha * content + beta * len(targets) * style / 5, "Perhaps w_l is always 1/5. It is 1 "
         "over the number of style layers in gram_targets."),
        (alpha * content + beta * len(targets) * style / len(features), "Perhaps w_l is 1 over "
         "the number of features. It is 1 over the number of style layers in gram_targets."),
        (alpha * content + beta * last, "Perhaps only the last style layer counts. Add up the "
         "layers, with + or +=."),
        (alpha * content + beta * last / len(targets), "Perhaps only the last style layer counts. "
         "Add up the layers, with + or +=."),
        (beta * content + alpha * style, "Perhaps alpha and beta are exchanged."),
        (content + style, "Perhaps alpha and beta are not used."),
        (alpha * content + style, "Perhaps beta is not used."),
        (alpha * gap.square().sum() + beta * style, "Perhaps the content loss is a sum. Ours is a "
         "mean."),
        (alpha * gap.square().mean() / 2 + beta * style, "Perhaps the content loss is halved. Ours "
         "is a mean without the half."),
        (alpha * content + beta * undivided, "Perhaps the Gram matrices are not divided by the "
         "number of positions, as the targets are."),
        (alpha * content + beta * by_size, "Perhaps the Gram matrices are divided by the channels, "
         "too. Divide by the number of positions only."),
        (alpha * content + beta * sums, "Perhaps E_l is a sum over the entries. It is a quarter of "
         "their mean."),
        (alpha * gap.abs().mean() + beta * style, "Perhaps the content differences are absolute. "
         "They are squared."),
    )  # fmt: skip
    if abs(came.item() - expected.item()) > 1e-4 * expected.item():
        for wrong, cause in causes:
            if abs(came.item() - wrong.item()) < 1e-5 * abs(wrong.item()):
                raise Wrong(f"{what}: expected {expected:.4f}, got {came.item():.4f}. {cause}")
    expect(what, came.reshape(()), expected, "Write content and style apart, and print both.",
           tolerance=1e-4)  # fmt: skip
    if not came.requires_grad:
        raise Wrong(
            f"{what}: the value is right, but it has no gradient. Perhaps the loss was computed "
            "under no_grad, or detached."
        )
    (gradient,) = torch.autograd.grad(came, leaf)
    if not torch.allclose(gradient, alpha * 2 * gap / gap.numel(), rtol=1e-4):
        raise Wrong(f"{what}: the value is right, but the gradient at relu4_2 is not "
                    "alpha * 2 (F - P) / (N M). Perhaps a part of it was detached.")  # fmt: skip


@exercise
def balancing_factor(attempt):
    """Exercise 2: two terms with uneven gradients, which share a part of the graph.

    The content term is weak in the second case, so that the factor is below 1.
    """
    slopes = torch.tensor([3.0, -1.0, 0.5, 2.0, 4.0, -7.0]).view(1, 3, 1, 2)
    for strength, what in (
        (2.0, "the factor for uneven gradients of two terms"),
        (0.02, "the factor if content has the shorter gradient"),
    ):

        def objective(image, strength=strength):
            shared = image * 1.0  # one walk through the network serves both terms
            return {
                "content": strength * shared.square().sum(),
                "style": (0.1 * slopes * shared).sum().exp() + 1,
            }

        _compare_factor(attempt, objective, what)


def _compare_factor(attempt, objective, what: str) -> None:
    """Compares an attempt with the right factor, then with the factors of common mistakes."""
    image = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.25]).view(1, 3, 1, 2)
    before = image.clone()
    came = _answer_autograd(attempt, objective, image)
    _, content, style = _two_gradients(objective, before)
    expected = (content.norm() / style.norm()).item()
    answer = came
    if isinstance(came, Tensor) and came.numel() == 1:
        answer = came.item()
    if not isinstance(answer, (int, float)):
        raise Wrong(f"{what}: expected a float, got {kind(came)}. Perhaps a return is missing.")
    if abs(answer - expected) > 1e-4 * expected:
        for wrong, cause in _wrong_factors(objective(before), content, style):
            if abs(answer - wrong) < 1e-5 * abs(wrong):
                raise Wrong(f"{what}: expected {expected:.4f}, got {answer:.4f}. {cause}")
    expect(
        what,
        float(answer),
        expected,
        "Perhaps the gradients are not those with respect to the pixels. It is the length of "
        "content's gradient over the length of style's.",
        tolerance=1e-4,
    )
    if image.requires_grad or not torch.equal(image, before):
        raise Wrong(
            "the factor is right, but your function changed the caller's image. Perhaps it called "
            "requires_grad_ on it. Work on a copy, `image.detach().clone()`."
        )
    if isinstance(came, Tensor):
        raise Wrong(
            f"{what}: the value is right, but it is a tensor, not a float. Perhaps `.item()` is "
            "missing, which makes a float of a tensor with one number."
        )


def _wrong_factors(values: dict, content: Tensor, style: Tensor) -> tuple:
    """The factors that common mistakes give, each with its likely cause, from two gradients."""
    expected = (content.norm() / style.norm()).item()
    return (
        ((values["content"] / values["style"]).item(), "Perhaps it is the ratio of the values."),
        (1 / expected, "Perhaps it is the inverse. This factor would make the larger gradient even "
         "larger."),
        (expected**2, "Perhaps it is the ratio of the squares. A length is the root of the sum of "
         "squares: `gradient.norm()`."),
        ((content.abs().sum() / style.abs().sum()).item(), "Perhaps absolute values are added. A "
         "length is the root of the sum of squares."),
        ((content.abs().max() / style.abs().max()).item(), "Perhaps the largest entries are "
         "compared. A length needs all pixels."),
        ((content.abs().median() / style.abs().median()).item(), "Perhaps medians are compared. A "
         "length needs all pixels."),
        ((content.sum() / style.sum()).item(), "Perhaps the entries are added with their signs, so "
         "that they cancel. Square them first."),
        ((content / style).mean().item(), "Perhaps it is the mean of the ratios of the pixels. "
         "Take one length per gradient, then one ratio."),
        ((content.flatten()[0] / style.flatten()[0]).item(), "Perhaps only the first pixel counts. "
         "A length needs all pixels."),
        ((content.norm() / (content + style).norm()).item(), "Perhaps the second gradient was "
         "added to the first. `torch.autograd.grad` does not add up; `.backward()` does."),
        (max(1.0, expected), "Perhaps the factor is kept at 1 or above. It may be smaller."),
        (round(expected, 2), "Perhaps it was rounded. Return the ratio as it is."),
        (int(expected), "Perhaps it was rounded. Return the ratio as it is."),
    )  # fmt: skip


def _answer_autograd(attempt, objective, image: Tensor):
    """Calls the attempt; autograd's two usual complaints are answered with their likely cause."""
    try:
        return attempt(objective, image)
    except RuntimeError as error:
        if "does not require grad" in str(error):
            raise Wrong(
                f"torch says: {str(error).split(' and ')[0]}. Perhaps the image asks for no "
                "gradient. Start with `image = image.detach().clone().requires_grad_(True)`."
            ) from None
        if "second time" in str(error):
            raise Wrong(
                "torch says: trying to backward through the graph a second time. Both terms share "
                "one walk through the network, and the first gradient frees it. Perhaps you called "
                "objective(image) once; call it once per term."
            ) from None
        raise


def _two_gradients(objective, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    image = image.detach().clone().requires_grad_(True)
    (content,) = torch.autograd.grad(objective(image)["content"], image)
    (style,) = torch.autograd.grad(objective(image)["style"], image)
    return image, content, style


@exercise
def keras_factor(attempt):
    """Exercise 3: the two formulas on random Gram matrices of 7 channels and 12 positions."""
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
            (channels * positions) ** 2 / size**2,
            "Perhaps the 3, the number of color channels, is missing.",
        ),
        (expected * 3, "Perhaps the 3 is not squared."),
        (expected * size, "Perhaps size, the number of pixels, is not squared."),
        (0.0, "Perhaps // was used, which rounds down. Use /."),
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
