"""Trains the pocket network, a narrow VGG-19, to compute what VGG-19 computes.

    python -m tools.train_pocket --photos PHOTOS --paintings PAINTINGS --teacher TEACHER

The student, as the narrow network is called here, starts from random weights. Each step cuts crops
out of photographs and paintings and computes the teacher's features of them. It then moves the
student, so that a linear map of the student's features comes closer to the teacher's. The maps and
the batch normalization serve the training only. Neither of them is in the file that is written.

PHOTOS and PAINTINGS are folders of pictures. TEACHER is "torchvision" (VGG-19 with its ImageNet
weights) or a folder that holds `vgg19_to_conv3_4.pt` (VGG-19's first eight convolutions) and
`vgg19_16x.pt` (the smaller VGG-19 of Wang et al., CVPR 2020, for the layers above).

The file is written to outputs/. To put it in the place of the network that the lessons use, copy it
to assets/pocket_vgg19.pt and change POCKET_SHA256 in style_transfer/features.py. The model card is
assets/pocket_vgg19/README.md, and `tools.evaluate_pocket` measures its figures.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from style_transfer.features import CONV_INDICES, bundled_photographs, read_state, rescale_filters
from style_transfer.files import prepare_output
from style_transfer.images import from_pil
from style_transfer.settings import CONTENT_LAYER, OUTPUTS, STYLE_LAYERS
from tools.teachers import (
    DEVICE,
    RELUS,
    Features,
    Teacher,
    linear_maps,
    load_teacher,
    normalize,
    read_folder,
    rows,
    walk,
    with_ones,
)
from tools.weight_files import write_weights

# The channels of each layer. Style transfer reads the first layer of each block. In blocks 2 and 3
# these are wider than the layers after them.
WIDTHS = dict(zip(RELUS, (24, 32, 80, 64, 112, 96, 96, 96, 128, 128, 128, 128, 128), strict=True))
# How much each layer counts in the training loss.
IMPORTANCE = dict(zip(RELUS, (1, 1, 3, 1, 3, 1, 0.5, 1, 1, 1, 0.5, 0.5, 1), strict=True))
# Blocks 1 to 3 have far more positions than a step needs. There the maps and the targets use only
# every second row and column.
STRIDES = {name: 2 if name[4] in "123" else 1 for name in RELUS}

AUTOCAST = {"device_type": DEVICE.type, "dtype": torch.bfloat16}

# The last quarter of a run uses fewer and larger crops, in which deep layers see as much around a
# position as in a whole picture. So few crops are too few for batch normalization, which is
# therefore frozen.
FROZEN_FROM = 0.75  # of the time
CROPS = (16, 112)  # number and side in pixels
CROPS_FROZEN = (8, 160)

WARM_UP = 300  # steps over which the learning rate rises from 0


# ------------------------------------------------------------------------------ the student


class Student(nn.Module):
    """The pocket network in training: VGG-19's layers, with batch normalization."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleDict()
        inputs = 3
        for name, outputs in WIDTHS.items():
            self.convs[name] = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            inputs = outputs
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(WIDTHS[name]) for name in RELUS})

    @property
    def frozen(self) -> bool:
        """Whether the normalization uses fixed statistics instead of those of the batch."""
        return not self.norms["relu1_1"].training

    def freeze(self) -> None:
        self.norms.eval()

    def forward(self, images: Tensor) -> Features:
        def convolve(layer: str, x: Tensor) -> Tensor:
            name = layer.replace("conv", "relu")
            return self.norms[name](self.convs[name](x))

        return walk(normalize(images), convolve)

    @torch.no_grad()
    def unfold(self, state: dict[str, Tensor]) -> None:
        """Takes over the weights of a plain VGG; the normalization becomes the identity."""
        for name, index in zip(RELUS, CONV_INDICES, strict=True):
            norm = self.norms[name]
            self.convs[name].weight.copy_(state[f"features.{index}.weight"])
            norm.bias.copy_(state[f"features.{index}.bias"])
            norm.running_var.fill_(1 - norm.eps)

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """The weights of a plain VGG in torchvision's names, with the normalization folded in."""
        state = {}
        for name, index in zip(RELUS, CONV_INDICES, strict=True):
            norm = self.norms[name]
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = self.convs[name].weight * scale.view(-1, 1, 1, 1)
            bias = norm.bias - norm.running_mean * scale
            state[f"features.{index}.weight"] = weight.cpu().contiguous()
            state[f"features.{index}.bias"] = bias.cpu()
        return state


# ------------------------------------------------------------------------------ crops


class Crops:
    """An endless supply of crops from photographs and paintings; a third are from paintings."""

    def __init__(self, photos, paintings, rng: np.random.Generator):
        self.photos = read_folder(photos)
        self.paintings = read_folder(paintings)
        self.rng = rng

    def batch(self, count: int, size: int) -> Tensor:
        """Images (count, 3, size, size) with changes of color, contrast and noise, some blended."""
        rng = self.rng
        crops = torch.stack([self._crop(size) for _ in range(count)])

        # Pictures in the middle of a transfer show two things at once, so some crops do as well.
        share = rng.uniform(0, 0.5, (count, 1, 1, 1))
        share = _tensor(share * (rng.random((count, 1, 1, 1)) < 0.15))
        crops = (1 - share) * crops + share * crops.roll(1, 0)

        contrast = _tensor(np.exp(rng.normal(0, 0.15, (count, 3, 1, 1))))
        brightness = _tensor(rng.normal(0, 0.06, (count, 3, 1, 1)))
        crops = (crops - 0.5) * contrast + 0.5 + brightness

        noise = torch.randn(crops.shape)
        strength = rng.uniform(0, 0.1, (count, 1, 1, 1))
        strength = _tensor(strength * (rng.random((count, 1, 1, 1)) < 0.5))
        crops = (crops + noise * strength).clamp(0, 1)
        return crops.contiguous(memory_format=torch.channels_last).to(DEVICE)

    def _crop(self, size: int) -> Tensor:
        """One crop (3, size, size), mirrored in half of the cases.

        Its place is random, and so is its scale: from a slight enlargement to the whole short side.
        """
        rng = self.rng
        pictures = self.paintings if rng.random() < 1 / 3 else self.photos
        picture = pictures[rng.integers(len(pictures))]
        short = min(picture.size)
        smallest = min(0.8 * size, short)
        side = int(np.exp(rng.uniform(np.log(smallest), np.log(short))))
        top = int(rng.integers(picture.height - side + 1))
        left = int(rng.integers(picture.width - side + 1))
        crop = from_pil(picture.crop((left, top, left + side, top + side)))
        crop = F.interpolate(
            crop, (size, size), mode="bilinear", antialias=True, align_corners=False
        )
        return crop[0].flip(2) if rng.random() < 0.5 else crop[0]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


# ------------------------------------------------------------------------------ targets


class Targets:
    """The teacher's features, standardized: mean 0 for each channel, variance 1 for each layer."""

    def __init__(self, teach: Teacher, images: Tensor):
        self.teach = teach
        with torch.no_grad(), torch.autocast(**AUTOCAST):
            sample = teach(images)
        self.means = {}
        self.scales = {}
        for name, features in sample.items():
            features = features.float()
            self.means[name] = features.mean((0, 2, 3), keepdim=True)
            self.scales[name] = (features - self.means[name]).square().mean().sqrt()

    @torch.no_grad()
    def __call__(self, images: Tensor, strides: dict[str, int]) -> Features:
        """Targets by layer; of each layer's rows and columns, one in `strides[layer]` is kept."""
        targets = {}
        for name, features in self.teach(images).items():
            features = every(features, strides[name]).float()
            targets[name] = (features - self.means[name]) / self.scales[name]
        return targets


def every(features: Tensor, stride: int) -> Tensor:
    """Every `stride`-th row and column of features (B, C, h, w)."""
    return features[:, :, ::stride, ::stride]


# ------------------------------------------------------------------------------ training


def train(options: argparse.Namespace) -> None:
    """Trains a network for `options.minutes` and writes it to `options.out`."""
    prepare_output(options.out, (".pt",))  # before the work, not after it
    torch.manual_seed(options.seed)
    crops = Crops(options.photos, options.paintings, np.random.default_rng(options.seed))
    targets = Targets(load_teacher(options.teacher), crops.batch(64, 112))
    student = Student().to(DEVICE, memory_format=torch.channels_last)
    maps = new_maps(targets).to(DEVICE)
    if options.resume:
        student.unfold(read_state(Path(options.resume)))
        student.freeze()
        fit_maps(maps, student, targets, [crops.batch(*CROPS_FROZEN) for _ in range(12)])

    begin = time.monotonic()
    steps = take_steps(student, maps, targets, crops, options, begin)
    write(student, crops, options.out)
    print(f"{steps} steps in {minutes_since(begin):.1f} minutes; wrote {options.out}")


def take_steps(
    student: Student, maps: nn.ModuleDict, targets: Targets, crops: Crops, options, begin: float
) -> int:
    """Moves the student and the maps until the time is over; returns the number of steps."""
    parameters = [*student.parameters(), *maps.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=options.lr, weight_decay=1e-4)
    unexplained = dict.fromkeys(RELUS, 1.0)  # running means over about the last 100 steps
    steps = 0
    while (done := minutes_since(begin) / options.minutes) < 1:
        if done > FROZEN_FROM and not student.frozen:
            settle(student, crops)
            student.freeze()
        images = crops.batch(*(CROPS_FROZEN if student.frozen else CROPS))
        set_learning_rate(optimizer, options.lr, steps, done)
        losses = step(student, maps, targets, images, optimizer)
        steps += 1
        for name, loss in losses.items():
            unexplained[name] += (loss - unexplained[name]) * max(0.01, 1 / steps)
        if steps % 200 == 0:
            report(minutes_since(begin), steps, unexplained)
        if steps % 2000 == 0:
            write(student, crops, options.out)
    return steps


def step(
    student: Student, maps: nn.ModuleDict, targets: Targets, images: Tensor, optimizer
) -> dict[str, float]:
    """One step of the optimizer; returns the unexplained share of the variance for each layer."""
    with torch.autocast(**AUTOCAST):
        wanted = targets(images, STRIDES)
        features = student(images)
        guesses = {name: maps[name](features[name]) for name in RELUS}
    losses = {name: F.mse_loss(guesses[name].float(), wanted[name]) for name in RELUS}
    optimizer.zero_grad(set_to_none=True)
    sum(IMPORTANCE[name] * losses[name] for name in RELUS).backward()
    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 5.0)
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}


def set_learning_rate(optimizer, lr: float, steps: int, done: float) -> None:
    """Lets the learning rate rise over the first steps and then fall to 0 along a cosine."""
    warm_up = min(1, (steps + 1) / WARM_UP)
    for group in optimizer.param_groups:
        group["lr"] = lr * warm_up * 0.5 * (1 + math.cos(math.pi * done))


def minutes_since(begin: float) -> float:
    return (time.monotonic() - begin) / 60


def report(minutes: float, steps: int, unexplained: dict[str, float]) -> None:
    shown = (*STYLE_LAYERS, CONTENT_LAYER)
    explained = "  ".join(f"{name} {1 - unexplained[name]:.3f}" for name in shown)
    print(f"{minutes:6.1f} min  step {steps:6d}  explained variance  {explained}", flush=True)


# ------------------------------------------------------------------------------ maps, statistics


def new_maps(targets: Targets) -> nn.ModuleDict:
    """One convolution of 1x1 per layer, from the student's channels to the teacher's."""
    maps = nn.ModuleDict()
    for name in RELUS:
        channels = targets.means[name].shape[1]
        maps[name] = nn.Conv2d(WIDTHS[name], channels, 1, stride=STRIDES[name])
    return maps


@torch.no_grad()
def fit_maps(
    maps: nn.ModuleDict, student: Student, targets: Targets, batches: list[Tensor]
) -> None:
    """Sets the maps to the best linear ones.

    New maps are random, and would spoil a student that is already trained.
    """
    strides = dict.fromkeys(RELUS, 2)

    def pairs():
        for images in batches:
            features = student(images)
            wanted = targets(images, strides)
            for name in RELUS:
                yield name, with_ones(rows(every(features[name], 2))), rows(wanted[name])

    for name, solution in linear_maps(pairs(), 1e-6).items():
        maps[name].weight.copy_(solution[:-1].T[:, :, None, None])
        maps[name].bias.copy_(solution[-1])


@torch.no_grad()
def settle(student: Student, crops: Crops) -> None:
    """Replaces the running statistics of the normalization by the plain mean over 24 batches."""
    for norm in student.norms.values():
        norm.reset_running_stats()
        norm.momentum = None  # torch then takes the plain mean
    for _ in range(24):
        student(crops.batch(4, 224))
    for norm in student.norms.values():
        norm.momentum = 0.1


def write(student: Student, crops: Crops, path) -> None:
    """Folds the normalization in, scales each filter to a mean activation of 1, writes float16."""
    if not student.frozen:
        settle(student, crops)
    state = rescale_filters(student.folded(), bundled_photographs())
    write_weights(state, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_pocket",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--photos", required=True, help="folder of photographs")
    add("--paintings", required=True, help="folder of paintings")
    add("--teacher", required=True, help='"torchvision", or a folder with the two teacher files')
    add("--minutes", type=float, default=60.0, help="length of the training (%(default)g)")
    add("--lr", type=float, default=3e-3, help="highest learning rate (%(default)g)")
    add(
        "--resume",
        metavar="FILE",
        help="continue from a written file with frozen normalization; give a lower --lr too",
    )
    add("--seed", type=int, default=0, help="seed of the random numbers (%(default)s)")
    add("--out", default=f"{OUTPUTS.name}/pocket_vgg19.pt", help="the file to write (%(default)s)")
    try:
        train(parser.parse_args())
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
