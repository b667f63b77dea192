"""The networks that teach the pocket network, and the linear maps that compare it with them.

`tools.train_pocket`, `tools.evaluate_pocket` and `tools.compare_networks` share this file. A
teacher is a function from images (B, 3, H, W) with RGB in [0, 1] to a dict from "relu1_1" ...
"relu5_1" to features (B, C, h, w).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from style_transfer.features import LAYERS, MEAN, STD, bundled_photographs
from style_transfer.files import read_picture
from style_transfer.settings import PICTURE_SUFFIXES

RELUS = tuple(name for name in LAYERS if name.startswith("relu"))

# An Apple GPU is not used, because it has no float64, which the linear maps need.
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

Features = dict[str, Tensor]
Teacher = Callable[[Tensor], Features]


def read_folder(folder, without: Iterable[str] = ()) -> list[Image.Image]:
    """Every picture of a folder as a Pillow picture in RGB, in the order of the file names.

    Files whose stems are in `without` are left out.
    Raises: ValueError if the folder holds no picture.
    """
    paths = []
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.stem not in without:
            paths.append(path)
    pictures = [read_picture(path) for path in paths]
    if not pictures:
        raise ValueError(f"{folder}: holds no picture; give a folder of .jpg or .png files")
    return pictures


# ------------------------------------------------------------------------------ teachers


def load_teacher(source: str) -> Teacher:
    """The teacher that `source` names: "torchvision", or a folder that holds two files."""
    if source == "torchvision":
        return torchvision_teacher()
    return folder_teacher(Path(source))


def torchvision_teacher() -> Teacher:
    """VGG-19 with torchvision's ImageNet weights, for every layer; downloads them once."""
    from torchvision.models import VGG19_Weights, vgg19

    network = vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features
    network = network.to(DEVICE, memory_format=torch.channels_last).requires_grad_(False)

    def convolve(layer: str, x: Tensor) -> Tensor:
        return network[LAYERS.index(layer)](x)

    return lambda images: walk(normalize(images), convolve)


def folder_teacher(folder: Path) -> Teacher:
    """VGG-19 itself up to relu3_4, and above it the smaller VGG-19 of Wang et al.

    The smaller one has a quarter of the channels, and so 16 times fewer weights. `folder` holds
    `vgg19_to_conv3_4.pt` and `vgg19_16x.pt`.
    Source: Wang, Li, Wang, Hu, Yang, "Collaborative Distillation for Ultra-Resolution Universal
    Style Transfer" (CVPR 2020, arXiv:2003.08436).
    """
    full = torch.load(folder / "vgg19_to_conv3_4.pt", weights_only=True)
    narrow = torch.load(folder / "vgg19_16x.pt", weights_only=True)
    mean = full["mean"].tolist()
    std = full["std"].tolist()
    full = _on_device(full["state_dict"])
    narrow = _on_device(narrow["state_dict"])

    def convolve_full(layer: str, x: Tensor) -> Tensor:
        return F.conv2d(x, full[f"{layer}.weight"], full[f"{layer}.bias"], padding=1)

    def convolve_narrow(layer: str, x: Tensor) -> Tensor:
        mirrored = F.pad(x, (1, 1, 1, 1), mode="reflect")  # it was trained with reflection padding
        return F.conv2d(mirrored, narrow[f"{layer}.weight"], narrow[f"{layer}.bias"])

    def teach(images: Tensor) -> Features:
        early = walk(normalize(images, mean, std), convolve_full, last="relu3_4")
        x = F.conv2d(images, narrow["input.weight"], narrow["input.bias"])
        deep = walk(x, convolve_narrow)
        return deep | early  # where both have a layer, VGG-19 itself counts

    return teach


def _on_device(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as float32 on DEVICE; weights of convolutions have their channels last."""
    moved = {}
    for name, tensor in state.items():
        moved[name] = tensor.float().to(DEVICE)
        if tensor.ndim == 4:
            moved[name] = moved[name].contiguous(memory_format=torch.channels_last)
    return moved


def normalize(images: Tensor, mean=MEAN, std=STD) -> Tensor:
    """Subtracts the mean of each channel and divides by its standard deviation."""
    mean = torch.as_tensor(mean, device=images.device).view(1, 3, 1, 1)
    std = torch.as_tensor(std, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / std


def walk(x: Tensor, convolve: Callable[[str, Tensor], Tensor], last: str = LAYERS[-1]) -> Features:
    """Goes through VGG-19's layers up to `last` and returns the features after each ReLU.

    `convolve(layer, x)` applies one convolution, for instance the one called "conv1_1".
    """
    features = {}
    for name in LAYERS[: LAYERS.index(last) + 1]:
        if name.startswith("conv"):
            x = convolve(name, x)
        elif name.startswith("relu"):
            x = F.relu(x)
            features[name] = x
        else:
            x = F.max_pool2d(x, 2)
    return features


# ------------------------------------------------------------------------------ scaling of filters


@torch.no_grad()
def filter_scales(teach: Teacher, layers: Iterable[str]) -> dict[str, Tensor]:
    """The mean activation of each of a teacher's filters over the bundled photographs.

    Returns a dict from layer to (1, C, 1, 1). Features divided by it have a mean of 1 for each
    channel, as those of `nst.VGG19` have. Here every photograph counts the same, however large.
    """
    means = {name: [] for name in layers}
    for image in bundled_photographs():
        features = teach(image.to(DEVICE))
        for name, seen in means.items():
            seen.append(features[name].mean((2, 3)))
    return {name: _scale(torch.cat(seen).mean(0)) for name, seen in means.items()}


def _scale(activation: Tensor) -> Tensor:
    """One number per channel as (1, C, 1, 1), at least 1 % of their mean as in `features`."""
    return activation.clamp(min=0.01 * activation.mean()).view(1, -1, 1, 1)


# ------------------------------------------------------------------------------ linear maps


def linear_maps(pairs: Iterable[tuple[str, Tensor, Tensor]], ridge: float) -> dict[str, Tensor]:
    """The best linear map from student to teacher for each layer, by least squares.

    `pairs` are (layer, x, y), in any order and number: x is (rows, C) with a last column of ones,
    y is (rows, T). Returns a dict from layer to a map (C, T). `ridge` times the mean square of x is
    added to the diagonal. Otherwise a filter that is never active would make the matrix singular.
    """
    sums = {}
    for name, x, y in pairs:
        xx, xy = sums.get(name, (0, 0))
        sums[name] = (xx + x.T @ x, xy + x.T @ y)
    maps = {}
    for name, (xx, xy) in sums.items():
        identity = torch.eye(len(xx), device=xx.device)
        maps[name] = torch.linalg.solve(xx + ridge * xx.diagonal().mean() * identity, xy)
    return maps


def rows(features: Tensor) -> Tensor:
    """Features (B, C, h, w) as float64 (B*h*w, C): one row per position."""
    return features.transpose(0, 1).flatten(1).T.double()


def with_ones(x: Tensor) -> Tensor:
    """Adds a last column of ones, which stands for the constant of a linear map."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
