"""The loops that people run: the same loss and gradient as in many programs and tutorials.

Nothing here is copied from another program. Each habit was described in words and then written
anew, with the weights of one of our networks, so that a convolution costs the same. All of these
loops keep the channels first in memory, which is torch's default, and leave the gradient of the
Gram matrix to autograd.
"""

import copy
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from style_transfer.features import LAYERS, VGG19
from style_transfer.settings import CONTENT_LAYER, STYLE_LAYERS, check_word

# What a loop may do at every evaluation although it need not, each with its reason.
HABITS = {
    "whole network": "the network is run to pool5 as in torchvision, and relu5_1 would be enough",
    "weights not frozen": "autograd computes the gradient of the weights too, which nobody uses",
    "targets recomputed": "photograph and painting go through the network again",
}

MORE_CONVOLUTIONS = 3  # of block 5, which follow relu5_1 in torchvision's VGG-19

# A style weight as in many tutorials; with it, both terms count.
STYLE_WEIGHT = 1e6


def bare_network(vgg: VGG19) -> Callable[[Tensor], Tensor]:
    """The network to relu5_1 and nothing else, as the least that an evaluation can cost."""

    def objective(image: Tensor) -> Tensor:
        x = vgg.normalize(image).contiguous(memory_format=torch.channels_last)
        return vgg.features(x).mean()

    return objective


def plain_loop(
    vgg: VGG19, photo: Tensor, painting: Tensor, habits: Collection[str] = ()
) -> Callable[[Tensor], Tensor]:
    """A loop without our shortcuts, and with some of `HABITS`: image -> content plus style loss."""
    for habit in habits:
        check_word("habit", habit, HABITS)
    layers = copy.deepcopy(vgg.features).to(memory_format=torch.contiguous_format)
    if "whole network" in habits:
        layers.extend(rest_of_network(layers))
    layers.to(vgg.device).requires_grad_("weights not frozen" in habits)

    def walk(image: Tensor) -> dict[str, Tensor]:
        return features(layers, vgg.normalize(image))

    @torch.no_grad()
    def targets() -> tuple[Tensor, dict[str, Tensor]]:
        style = walk(painting)
        return walk(photo)[CONTENT_LAYER], {name: gram(style[name]) for name in STYLE_LAYERS}

    once = targets()

    def objective(image: Tensor) -> Tensor:
        if "targets recomputed" in habits:
            content_target, style_target = targets()
        else:
            content_target, style_target = once
        found = walk(image)
        content = F.mse_loss(found[CONTENT_LAYER], content_target)
        style = sum(F.mse_loss(gram(found[name]), style_target[name]) for name in STYLE_LAYERS)
        return content + STYLE_WEIGHT * style

    return objective


def rest_of_network(layers: nn.Sequential) -> list[nn.Module]:
    """The layers of torchvision's VGG-19 that follow relu5_1, as wide as the last of `layers`."""
    width = [layer for layer in layers if isinstance(layer, nn.Conv2d)][-1].out_channels
    rest = []
    for _ in range(MORE_CONVOLUTIONS):
        convolution = nn.Conv2d(width, width, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)
        rest += [convolution, nn.ReLU(inplace=False)]
    return [*rest, nn.MaxPool2d(2)]


def features(layers: nn.Sequential, x: Tensor) -> dict[str, Tensor]:
    """Runs all layers; returns the features of the content layer and of the style layers."""
    found = {}
    for index, layer in enumerate(layers):
        x = layer(x)
        if index < len(LAYERS) and LAYERS[index] in (CONTENT_LAYER, *STYLE_LAYERS):
            found[LAYERS[index]] = x
    return found


def gram(found: Tensor) -> Tensor:
    """The Gram matrix of features (1, C, H, W), divided by C H W as in many tutorials."""
    rows = found.flatten(2)[0]  # (C, H*W)
    return rows @ rows.T / rows.numel()
