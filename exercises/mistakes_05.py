"""Common wrong answers to the exercises of lesson 05. Each gets a hint of its own."""

import torch


def _content(features, content_target):
    return (features["relu4_2"] - content_target).square().mean()


def _style(features, gram_targets):
    total = 0
    for layer, target in gram_targets.items():
        flat = features[layer].flatten(2)
        gram = flat @ flat.transpose(1, 2) / flat.shape[2]
        total = total + (gram - target).square().mean() / 4
    return total / len(gram_targets)


def loss_without_the_quarter(features, content_target, gram_targets, alpha, beta):
    style = 4 * _style(features, gram_targets)
    return alpha * _content(features, content_target) + beta * style


def loss_without_layer_weights(features, content_target, gram_targets, alpha, beta):
    style = len(gram_targets) * _style(features, gram_targets)
    return alpha * _content(features, content_target) + beta * style


def loss_with_fifths(features, content_target, gram_targets, alpha, beta):
    style = len(gram_targets) * _style(features, gram_targets) / 5
    return alpha * _content(features, content_target) + beta * style


def loss_divided_by_all_features(features, content_target, gram_targets, alpha, beta):
    style = len(gram_targets) * _style(features, gram_targets) / len(features)
    return alpha * _content(features, content_target) + beta * style


def loss_of_the_last_style_layer(features, content_target, gram_targets, alpha, beta):
    for layer, target in gram_targets.items():
        style = _style(features, {layer: target})  # replaces the one before
    return alpha * _content(features, content_target) + beta * style / len(gram_targets)


def loss_with_weights_exchanged(features, content_target, gram_targets, alpha, beta):
    return beta * _content(features, content_target) + alpha * _style(features, gram_targets)


def loss_without_weights(features, content_target, gram_targets, alpha, beta):
    return _content(features, content_target) + _style(features, gram_targets)


def loss_with_a_content_sum(features, content_target, gram_targets, alpha, beta):
    content = (features["relu4_2"] - content_target).square().sum()
    return alpha * content + beta * _style(features, gram_targets)


def loss_with_undivided_grams(features, content_target, gram_targets, alpha, beta):
    style = 0
    for layer, target in gram_targets.items():
        flat = features[layer].flatten(2)
        style = style + (flat @ flat.transpose(1, 2) - target).square().mean() / 4
    return alpha * _content(features, content_target) + beta * style / len(gram_targets)


def loss_with_style_sums(features, content_target, gram_targets, alpha, beta):
    style = 0
    for layer, target in gram_targets.items():
        flat = features[layer].flatten(2)
        gram = flat @ flat.transpose(1, 2) / flat.shape[2]
        style = style + (gram - target).square().sum() / 4
    return alpha * _content(features, content_target) + beta * style / len(gram_targets)


def loss_as_a_number(features, content_target, gram_targets, alpha, beta):
    content = _content(features, content_target)
    return (alpha * content + beta * _style(features, gram_targets)).item()


def loss_without_gradient(features, content_target, gram_targets, alpha, beta):
    with torch.no_grad():
        content = _content(features, content_target)
        return alpha * content + beta * _style(features, gram_targets)


def _gradients(objective, image):
    image = image.detach().clone().requires_grad_(True)
    gradients = []
    for name in ("content", "style"):
        (gradient,) = torch.autograd.grad(objective(image)[name], image)
        gradients.append(gradient)
    return gradients


def factor_of_values(objective, image):
    terms = objective(image)
    return (terms["content"] / terms["style"]).item()


def factor_inverted(objective, image):
    content, style = _gradients(objective, image)
    return (style.norm() / content.norm()).item()


def factor_of_squares(objective, image):
    content, style = _gradients(objective, image)
    return (content.square().sum() / style.square().sum()).item()


def factor_of_absolute_sums(objective, image):
    content, style = _gradients(objective, image)
    return (content.abs().sum() / style.abs().sum()).item()


def factor_of_largest(objective, image):
    content, style = _gradients(objective, image)
    return (content.abs().max() / style.abs().max()).item()


def factor_of_medians(objective, image):
    content, style = _gradients(objective, image)
    return (content.abs().median() / style.abs().median()).item()


def factor_of_signed_sums(objective, image):
    content, style = _gradients(objective, image)
    return (content.sum() / style.sum()).item()


def factor_of_the_first_pixel(objective, image):
    content, style = _gradients(objective, image)
    return (content.flatten()[0] / style.flatten()[0]).item()


def factor_as_mean_of_ratios(objective, image):
    content, style = _gradients(objective, image)
    return (content / style).mean().item()


def factor_by_backward_twice(objective, image):
    image = image.detach().clone().requires_grad_(True)
    objective(image)["content"].backward()
    content = image.grad.norm().item()
    objective(image)["style"].backward()  # adds to the gradient that is there
    return content / image.grad.norm().item()


def factor_from_one_graph(objective, image):
    image = image.detach().clone().requires_grad_(True)
    terms = objective(image)
    (content,) = torch.autograd.grad(terms["content"], image)
    (style,) = torch.autograd.grad(terms["style"], image)
    return (content.norm() / style.norm()).item()


def factor_without_requires_grad(objective, image):
    (content,) = torch.autograd.grad(objective(image)["content"], image)
    (style,) = torch.autograd.grad(objective(image)["style"], image)
    return (content.norm() / style.norm()).item()


def factor_on_the_callers_image(objective, image):
    image.requires_grad_(True)
    (content,) = torch.autograd.grad(objective(image)["content"], image)
    (style,) = torch.autograd.grad(objective(image)["style"], image)
    return (content.norm() / style.norm()).item()


def factor_as_a_tensor(objective, image):
    content, style = _gradients(objective, image)
    return content.norm() / style.norm()


def factor_of_one_or_more(objective, image):
    content, style = _gradients(objective, image)
    return max(1.0, (content.norm() / style.norm()).item())


def factor_rounded(objective, image):
    content, style = _gradients(objective, image)
    return round((content.norm() / style.norm()).item(), 2)


def keras_inverted(channels, positions, size):
    return (3 * size) ** 2 / (channels * positions) ** 2


def keras_without_squares(channels, positions, size):
    return channels * positions / (3 * size)


def keras_with_the_four(channels, positions, size):
    return (channels * positions) ** 2 / (4 * 3**2 * size**2)


def keras_with_its_three_canceled(channels, positions, size):
    return positions**2 / size**2


def keras_without_the_three(channels, positions, size):
    return (channels * positions) ** 2 / size**2


def keras_with_its_three_unsquared(channels, positions, size):
    return (channels * positions) ** 2 / (3 * size**2)


def keras_with_the_size_unsquared(channels, positions, size):
    return (channels * positions) ** 2 / (3**2 * size)


def keras_by_whole_division(channels, positions, size):
    return (channels * positions) ** 2 // (3 * size) ** 2


def keras_without_return(channels, positions, size):
    _ = (channels * positions) ** 2 / (3 * size) ** 2


MISTAKES = {
    "total_loss": [
        loss_without_the_quarter,
        loss_without_layer_weights,
        loss_with_fifths,
        loss_divided_by_all_features,
        loss_of_the_last_style_layer,
        loss_with_weights_exchanged,
        loss_without_weights,
        loss_with_a_content_sum,
        loss_with_undivided_grams,
        loss_with_style_sums,
        loss_as_a_number,
        loss_without_gradient,
    ],
    "balancing_factor": [
        factor_of_values,
        factor_inverted,
        factor_of_squares,
        factor_of_absolute_sums,
        factor_of_largest,
        factor_of_medians,
        factor_of_signed_sums,
        factor_of_the_first_pixel,
        factor_as_mean_of_ratios,
        factor_by_backward_twice,
        factor_from_one_graph,
        factor_without_requires_grad,
        factor_on_the_callers_image,
        factor_as_a_tensor,
        factor_of_one_or_more,
        factor_rounded,
    ],
    "keras_factor": [
        keras_inverted,
        keras_without_squares,
        keras_with_the_four,
        keras_with_its_three_canceled,
        keras_without_the_three,
        keras_with_its_three_unsquared,
        keras_with_the_size_unsquared,
        keras_by_whole_division,
        keras_without_return,
    ],
}
