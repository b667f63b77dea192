"""Common wrong answers to the exercises of lesson 02. Each gets a hint of its own."""

from torch import nn


def names_from_zero(features):
    names = []
    block = 0
    place = -1
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, nn.ReLU):
            names.append(f"relu{block}_{place}")
        else:
            names.append(f"pool{block}")
            block += 1
            place = -1
    return names


def names_count_on_after_pooling(features):
    names = []
    block = 1
    place = 0
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, nn.ReLU):
            names.append(f"relu{block}_{place}")
        else:
            names.append(f"pool{block}")
            block += 1
    return names


def names_of_max_pooling_only(features):
    names = []
    block = 1
    place = 0
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, nn.ReLU):
            names.append(f"relu{block}_{place}")
        elif isinstance(layer, nn.MaxPool2d):
            names.append(f"pool{block}")
            block += 1
            place = 0
    return names


def field_without_jump(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)


def field_after_jump(layers):
    field = 1
    jump = 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field


def field_of_whole_kernels(layers):
    field = 0
    jump = 1
    for kernel, stride in layers:
        field += kernel * jump
        jump *= stride
    return max(field, 1)


def features_overwritten(x, net, indices):
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
    for index, layer in enumerate(net):
        x = layer(x)
        if index in indices:
            features[index] = x
    return features


def features_change_the_input(x, net, indices):
    features = {}
    for index, layer in enumerate(net[: max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x.clone()
    return features


MISTAKES = {
    "layer_names": [names_from_zero, names_count_on_after_pooling, names_of_max_pooling_only],
    "receptive_field": [field_without_jump, field_after_jump, field_of_whole_kernels],
    "safe_features": [
        features_overwritten,
        features_of_a_changed_network,
        features_change_the_input,
    ],
}
