"""The checks of lesson 02, Features."""

import torch
from torch import nn

from exercises.checking import Wrong, exercise, expect


@exercise
def layer_names(attempt):
    """Exercise 1: small networks whose blocks have other lengths than VGG-19's."""

    def network(*blocks):
        layers = []
        for count in blocks:
            for _ in range(count):
                layers += [nn.Conv2d(1, 1, 3), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        return nn.Sequential(*layers)

    expect(
        "one block of two convolutions",
        attempt(network(2)),
        ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"],
        "Blocks and places are counted from 1, and a ReLU has the number of its convolution.",
    )
    expect(
        "blocks of one and two convolutions",
        attempt(network(1, 2)),
        ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2"],
        "After a pooling the block goes up by 1 and the place starts again at 1.",
    )
    average = nn.Sequential(
        nn.Conv2d(1, 1, 3), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3)
    )
    expect(
        "average pooling, and no ReLU at the end",
        attempt(average),
        ["conv1_1", "relu1_1", "pool1", "conv2_1"],
        "Test the type of each module. Do not rely on VGG-19's own list or on one type of pooling.",
    )


@exercise
def receptive_field(attempt):
    """Exercise 2: from no layer to VGG-19's conv4_2, each case one step further."""
    conv = (3, 1)
    pool = (2, 2)
    to_conv4_2 = [conv] * 2 + [pool] + [conv] * 2 + [pool] + [conv] * 4 + [pool] + [conv] * 2
    expect(
        "no layer at all",
        attempt([]),
        1,
        "Without layers an output is its own pixel, so the field starts at 1.",
    )
    expect(
        "one 3 x 3 convolution",
        attempt([conv]),
        3,
        "A kernel adds kernel - 1 pixels to the one that is there.",
    )
    expect(
        "two 3 x 3 convolutions",
        attempt([conv, conv]),
        5,
        "The second convolution adds 2 pixels, not 3, because the windows overlap.",
    )
    expect(
        "two convolutions and a pooling",
        attempt([conv, conv, pool]),
        6,
        "The pooling adds (2 - 1) times the jump before it, which is 1. Let the jump grow after "
        "the field.",
    )
    expect(
        "a convolution after a pooling",
        attempt([conv, conv, pool, conv]),
        10,
        "After a pooling neighbors are 2 pixels apart, so a kernel adds (3 - 1) * 2 pixels. Keep "
        "track of the jump.",
    )
    expect(
        "VGG-19 to conv4_2",
        attempt(to_conv4_2),
        84,
        "Jumps multiply. After three poolings neighbors are 8 pixels apart, not 2 or 6.",
    )


class _MinusOne(nn.Module):
    def forward(self, x):
        return x - 1


@exercise
def safe_features(attempt):
    """Exercise 3: a network of subtractions and in-place ReLUs, on two numbers."""
    net = nn.Sequential(_MinusOne(), nn.ReLU(inplace=True), _MinusOne(), nn.ReLU(inplace=True))
    x = torch.tensor([0.0, 3.0])
    came = attempt(x, net, [0, 2])
    if not isinstance(came, dict) or sorted(came) != [0, 2]:
        found = sorted(came) if isinstance(came, dict) else type(came).__name__
        raise Wrong(f"for indices [0, 2]: expected a dict with the keys 0 and 2, got {found}.")
    if not all(layer.inplace for layer in net if isinstance(layer, nn.ReLU)):
        raise Wrong(
            "your function changed the network: its ReLUs do not work in place any more. The "
            "network belongs to the caller. Keep copies of what it computes instead."
        )
    expect(
        "layer 0 of (minus 1, ReLU, minus 1, ReLU) on [0, 3]",
        came[0],
        torch.tensor([-1.0, 2.0]),
        "The next ReLU may have overwritten the tensor that you kept. Keep a clone, made before "
        "the next layer runs.",
    )
    expect(
        "layer 2, the deepest one asked for",
        came[2],
        torch.tensor([-1.0, 1.0]),
        "A later ReLU may have overwritten it, or its input may have been changed.",
    )
    expect(
        "layer 1",
        attempt(x, net, [1])[1],
        torch.tensor([0.0, 2.0]),
        "Each output is the input of the next layer.",
    )
    start = torch.tensor([-1.0, 2.0])
    attempt(start, net[1:], [0])
    expect(
        "the caller's input, if the first layer works in place",
        start,
        torch.tensor([-1.0, 2.0]),
        "The first layer changed the caller's tensor. Begin with x = x.clone().",
    )
