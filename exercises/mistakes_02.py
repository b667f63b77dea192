"""Common wrong answers to the exercises of lesson 02. Each gets a hint of its own."""

from torch import nn

# ------------------------------------------------------------------------------ safe_features


def features_overwritten(x, net, indices):
    x = x.clone()
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x
    return features


def features_of_a_changed_network(x, net, indices):
    for layer in net:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x
    return features


def features_of_a_network_changed_for_a_while(x, net, indices):
    relus = [layer for layer in net if isinstance(layer, nn.ReLU)]
    for layer in relus:
        layer.inplace = False
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x
    for layer in relus:
        layer.inplace = True
    return features


def features_change_the_input(x, net, indices):
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x.clone()
    return features


def features_to_the_end_of_the_network(x, net, indices):
    x = x.clone()
    features = {}
    for index, layer in enumerate(net):
        x = layer(x)
        if index in indices:
            features[index] = x.clone()
    return features


def features_to_the_last_index_of_the_list(x, net, indices):
    x = x.clone()
    features = {}
    for index, layer in enumerate(net[: indices[-1] + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x.clone()
    return features


def features_detached(x, net, indices):
    x = x.clone()
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x.detach().clone()
    return features


def features_in_a_walk_per_index(x, net, indices):
    return {index: net[: index + 1](x.clone()) for index in indices}


def features_as_a_list(x, net, indices):
    x = x.clone()
    features = []
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features.append(x.clone())
    return features


def features_of_the_image(x, net, indices):
    """Each layer gets the image instead of the output of the layer before it."""
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        y = layer(x.clone())
        if index in indices:
            features[index] = y.clone()
    return features


def features_of_the_first_picture(x, net, indices):
    x = x.clone()
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x[:1].clone()
    return features


# ------------------------------------------------------------------------------ seen_pixels


def _walk(layers, position):
    """A right answer, in front-to-back or back-to-front order as `layers` has it."""
    first = position
    last = position
    for kernel, stride, padding in layers:
        first = first * stride - padding
        last = last * stride - padding + kernel - 1
    return first, last


def pixels_from_front_to_back(layers, position):
    return _walk(layers, position)


def pixels_without_padding(layers, position):
    return _walk([(kernel, stride, 0) for kernel, stride, _ in reversed(layers)], position)


def pixels_without_stride(layers, position):
    return _walk([(kernel, 1, padding) for kernel, _, padding in reversed(layers)], position)


def pixels_with_a_whole_kernel(layers, position):
    first = position
    last = position
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + kernel
    return first, last


def pixels_cut_at_the_border(layers, position):
    first, last = _walk(reversed(layers), position)
    return max(first, 0), last


def pixels_of_vgg_only(layers, position):
    """Takes each layer for a 3 x 3 convolution or a 2 x 2 pooling."""
    known = [(2, 2, 0) if kernel == 2 else (3, 1, 1) for kernel, _, _ in layers]
    return _walk(reversed(known), position)


def pixels_as_a_width(layers, position):
    first, last = _walk(reversed(layers), position)
    return last - first + 1


def pixels_from_zero(layers, position):
    return _walk(reversed(layers), 0)


def pixels_with_added_strides(layers, position):
    """The rule of the lesson with a jump that grows by addition."""
    field = 1
    jump = 1
    first = position
    for kernel, stride, padding in layers:
        field += (kernel - 1) * jump
        first -= padding * jump
        jump += stride - 1
    first += position * (jump - 1)
    return first, first + field - 1


MISTAKES = {
    "safe_features": [
        features_overwritten,
        features_of_a_changed_network,
        features_change_the_input,
        features_to_the_end_of_the_network,
        features_to_the_last_index_of_the_list,
        features_detached,
        features_in_a_walk_per_index,
        features_as_a_list,
        features_of_the_image,
        features_of_the_first_picture,
    ],
    "seen_pixels": [
        pixels_from_front_to_back,
        pixels_without_padding,
        pixels_without_stride,
        pixels_with_a_whole_kernel,
        pixels_cut_at_the_border,
        pixels_of_vgg_only,
        pixels_as_a_width,
        pixels_from_zero,
        pixels_with_added_strides,
    ],
}
