"""Train the pocket network: a narrow VGG-19 that learns, from a random start, to compute what VGG-19 computes.

Each step cuts crops out of photographs and paintings, asks the teacher for its features of them, and moves the student so
that a 1x1 linear map of its features comes close to the teacher's. The maps and the batch normalization are scaffolding:
neither is in the file that is written. README.md beside this script is the model card; evaluate.py measures the result.

    python assets/pocket_vgg19/train.py --photos PHOTOS --paintings PAINTINGS --teacher TEACHER --minutes 60

PHOTOS and PAINTINGS are folders of pictures. TEACHER is "torchvision" (VGG-19 with its ImageNet weights) or a folder that
holds `vgg19_to_conv3_4.pt` (VGG-19's first eight convolutions) and `vgg19_16x.pt` (the 16x narrower VGG-19 of Wang et al.,
CVPR 2020, for the layers above).
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from plumbing import INDICES, bundled_photographs, read_state, rescale_filters

BLOCKS = (2, 2, 4, 4, 1)  # convolutions between two poolings
NAMES = tuple(f"{block}_{i}" for block, n in enumerate(BLOCKS, start=1) for i in range(1, n + 1))
# The layers that style transfer reads (first of each block, and 4_2) are wider or weigh more than those between them.
WIDTHS = dict(zip(NAMES, (24, 32, 80, 64, 112, 96, 96, 96, 128, 128, 128, 128, 128), strict=True))
IMPORTANCE = dict(zip(NAMES, (1, 1, 3, 1, 3, 1, 0.5, 1, 1, 1, 0.5, 0.5, 1), strict=True))
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AUTOCAST = dict(device_type="cuda" if torch.cuda.is_available() else "cpu", dtype=torch.bfloat16)


def normalized(images, mean=MEAN, std=STD):
    """(B,3,H,W) RGB in [0, 1] -> the same with the channels' mean taken off and their spread divided out."""
    mean, std = (torch.as_tensor(v, device=images.device, dtype=images.dtype).view(1, 3, 1, 1) for v in (mean, std))
    return (images - mean) / std


def walk(images, convolve):
    """name -> rectified features, where `convolve(name, x)` applies one convolution; 2x2 max pooling between blocks."""
    features, x = {}, images
    for name in NAMES:
        if name.endswith("_1") and name != "1_1":
            x = F.max_pool2d(x, 2)
        x = features[name] = F.relu(convolve(name, x))
    return features


# ---------------------------------------------------------------- teachers: images -> features by name


def torchvision_teacher():
    """VGG-19 with torchvision's ImageNet weights, for every layer."""
    from torchvision.models import VGG19_Weights, vgg19

    convs = [m for m in vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features if isinstance(m, nn.Conv2d)]
    convs = {n: c.to(DEVICE, memory_format=torch.channels_last).requires_grad_(False) for n, c in zip(NAMES, convs, strict=False)}
    return lambda images: walk(normalized(images), lambda name, x: convs[name](x))


def folder_teacher(folder):
    """VGG-19 itself up to 3_4, and its 16x narrower distillation above: see the module's docstring for the two files."""

    def tensors(state):
        return {k: v.float().to(DEVICE).contiguous(memory_format=torch.channels_last) if v.ndim == 4 else v.float().to(DEVICE)
                for k, v in state.items()}

    full = torch.load(Path(folder) / "vgg19_to_conv3_4.pt", weights_only=True)
    early, narrow = tensors(full["state_dict"]), tensors(torch.load(Path(folder) / "vgg19_16x.pt", weights_only=True)["state_dict"])
    mean, std = full["mean"].tolist(), full["std"].tolist()

    def teach(images):
        features, x = {}, normalized(images, mean, std)
        for name in NAMES[:8]:
            if name in ("2_1", "3_1"):
                x = F.max_pool2d(x, 2)
            x = features[name] = F.relu(F.conv2d(x, early[f"conv{name}.weight"], early[f"conv{name}.bias"], padding=1))
        x = F.conv2d(images, narrow["input.weight"], narrow["input.bias"])
        deep = walk(x, lambda name, x: F.conv2d(F.pad(x, (1,) * 4, mode="reflect"),
                                                narrow[f"conv{name}.weight"], narrow[f"conv{name}.bias"]))
        return features | {name: deep[name] for name in NAMES[8:]}

    return teach


# ---------------------------------------------------------------- the student


class Student(nn.Module):
    """The pocket network in training: the same walk, with batch normalization after each convolution."""

    def __init__(self):
        super().__init__()
        widths = [3, *WIDTHS.values()]
        self.convs = nn.ModuleDict({n: nn.Conv2d(i, o, 3, padding=1, bias=False)
                                    for n, i, o in zip(NAMES, widths, widths[1:], strict=False)})
        self.norms = nn.ModuleDict({n: nn.BatchNorm2d(WIDTHS[n]) for n in NAMES})

    def forward(self, images):
        return walk(normalized(images), lambda name, x: self.norms[name](self.convs[name](x)))

    @torch.no_grad()
    def unfold(self, state):
        """Takes over a plain VGG's weights; the normalization becomes the identity, to be kept frozen."""
        for name, weight, bias in zip(NAMES, list(state.values())[::2], list(state.values())[1::2], strict=True):
            norm = self.norms[name]
            self.convs[name].weight.copy_(weight)
            norm.bias.copy_(bias)
            norm.running_var.fill_(1 - norm.eps)

    @torch.no_grad()
    def folded(self):
        """Batch normalization folded into the convolutions: the state dict of a plain VGG, named by torchvision's indices."""
        state = {}
        for name, index in zip(NAMES, INDICES, strict=True):
            norm = self.norms[name]
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            state[f"features.{index}.weight"] = (self.convs[name].weight * scale.view(-1, 1, 1, 1)).cpu().contiguous()
            state[f"features.{index}.bias"] = (norm.bias - norm.running_mean * scale).cpu()
        return state


# ---------------------------------------------------------------- crops


def read_folder(folder):
    """Every picture of a folder as a (3,H,W) uint8 tensor."""
    paths = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not paths:
        raise SystemExit(f"train.py: no .jpg or .png in {folder}")
    return [torch.from_numpy(np.array(Image.open(p).convert("RGB"))).permute(2, 0, 1).contiguous() for p in paths]


def cut(pictures, size, rng):
    """One crop (3,size,size) in [0, 1]: any place, any scale from slight enlargement to the whole short side, perhaps mirrored."""
    picture = pictures[rng.integers(len(pictures))]
    short = min(picture.shape[1:])
    side = int(np.exp(rng.uniform(np.log(min(0.8 * size, short)), np.log(short))))
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[1:])
    crop = picture[None, :, top:top + side, left:left + side].float() / 255
    crop = F.interpolate(crop, (size, size), mode="bilinear", antialias=True, align_corners=False)[0]
    return crop.flip(2) if rng.random() < 0.5 else crop


def batch(photos, paintings, count, size, rng):
    """(count,3,size,size) crops; a third from paintings, some blended, with changes of color, contrast and noise."""
    crops = torch.stack([cut(paintings if rng.random() < 1 / 3 else photos, size, rng) for _ in range(count)])

    def draw(make, *shape):
        return torch.from_numpy(make((count, *shape, 1, 1)).astype(np.float32))

    blend = draw(lambda s: rng.uniform(0, 0.5, s) * (rng.random(s) < 0.15), 1)  # pictures in mid-transfer show two things at once
    crops = (1 - blend) * crops + blend * crops.roll(1, 0)
    crops = (crops - 0.5) * draw(lambda s: np.exp(rng.normal(0, 0.15, s)), 3) + 0.5 + draw(lambda s: rng.normal(0, 0.06, s), 3)
    crops = crops + torch.randn(crops.shape) * draw(lambda s: rng.uniform(0, 0.1, s) * (rng.random(s) < 0.5), 1)
    return crops.clamp(0, 1).contiguous(memory_format=torch.channels_last).to(DEVICE)


# ---------------------------------------------------------------- training

# Blocks 1 to 3 have far more positions than a step needs: there the maps, and the targets, take every second row and column.
STRIDES = {name: 2 if name[0] in "123" else 1 for name in NAMES}


def train(arguments):
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    photos, paintings = read_folder(arguments.photos), read_folder(arguments.paintings)
    teach = torchvision_teacher() if arguments.teacher == "torchvision" else folder_teacher(arguments.teacher)

    with torch.no_grad(), torch.autocast(**AUTOCAST):  # the mean and the spread by which targets are standardized, per layer
        sample = {n: f.float() for n, f in teach(batch(photos, paintings, 64, 112, rng)).items()}
    means = {n: f.mean((0, 2, 3), keepdim=True) for n, f in sample.items()}
    scales = {n: (f - means[n]).square().mean().sqrt() for n, f in sample.items()}
    del sample

    student = Student().to(DEVICE, memory_format=torch.channels_last)
    maps = nn.ModuleDict({n: nn.Conv2d(WIDTHS[n], means[n].shape[1], 1, stride=STRIDES[n]) for n in NAMES}).to(DEVICE)
    if arguments.resume:
        student.unfold(read_state(Path(arguments.resume)))
        student.norms.eval()
        crops = [batch(photos, paintings, 8, 160, rng) for _ in range(12)]
        fit(maps, student, lambda images: {n: (f - means[n]) / scales[n] for n, f in teach(images).items()}, crops)
    parameters = [*student.parameters(), *maps.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=arguments.lr, weight_decay=1e-4)

    begin, step, running = time.monotonic(), 0, dict.fromkeys(NAMES, 1.0)
    while (done := (time.monotonic() - begin) / 60 / arguments.minutes) < 1:
        if done > 0.75 and student.norms["1_1"].training:  # fewer and larger crops at the end: deep layers see as far as they will
            settle(student, photos, paintings, rng)  # in a whole picture; but four crops are too few to normalize over
            student.norms.eval()
        images = batch(photos, paintings, *((16, 112) if student.norms["1_1"].training else (8, 160)), rng)
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr * min(1, (step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * done))
        with torch.autocast(**AUTOCAST):
            with torch.no_grad():
                targets = {n: f[:, :, ::STRIDES[n], ::STRIDES[n]].float() for n, f in teach(images).items()}
            guesses = {n: maps[n](f) for n, f in student(images).items()}
        unexplained = {n: F.mse_loss(guesses[n].float(), (targets[n] - means[n]) / scales[n]) for n in NAMES}
        optimizer.zero_grad(set_to_none=True)
        sum(IMPORTANCE[n] * loss for n, loss in unexplained.items()).backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        step += 1
        for n, loss in unexplained.items():
            running[n] += (loss.item() - running[n]) * max(0.01, 1 / step)
        if step % 200 == 0:
            spent = (time.monotonic() - begin) / 60
            print(f"{spent:6.1f} min  step {step:6d}  explained variance "
                  + "  ".join(f"{n} {1 - v:.3f}" for n, v in running.items() if n.endswith("_1") or n == "4_2"), flush=True)
        if step % 2000 == 0:
            write(student, photos, paintings, rng, arguments.out)
    write(student, photos, paintings, rng, arguments.out)
    print(f"{step} steps in {(time.monotonic() - begin) / 60:.1f} minutes")


def linear_maps(pairs, ridge):
    """Least squares by name: `pairs` are (name, x, y) in any order and number, x (rows, C) with a last column of ones, y (rows, T);
    a dict from name to (C, T). `ridge`, times the mean square of x, keeps filters that never fire from making it singular."""
    normal = {}
    for name, x, y in pairs:
        xx, xy = normal.get(name, (0, 0))
        normal[name] = xx + x.T @ x, xy + x.T @ y
    return {name: torch.linalg.solve(xx + ridge * xx.diagonal().mean() * torch.eye(len(xx), device=xx.device), xy)
            for name, (xx, xy) in normal.items()}


def rows(features):
    """Features (B, C, h, w) -> (B*h*w, C), float64."""
    return features.transpose(0, 1).flatten(1).T.double()


def with_ones(x):
    """A last column of ones, for the map's constant."""
    return torch.cat([x, torch.ones_like(x[:, :1])], 1)


@torch.no_grad()
def fit(maps, student, targets, crops):
    """Sets the 1x1 maps to the best linear ones, so that a student that knows much already is not led astray by new maps."""

    def pairs():
        for images in crops:
            features, wanted = student(images), targets(images)
            for name in NAMES:
                yield name, *(rows(f[name][:, :, ::2, ::2]) for f in (features, wanted))

    for name, solution in linear_maps(((name, with_ones(x), y) for name, x, y in pairs()), 1e-6).items():
        maps[name].weight.copy_(solution[:-1].T[:, :, None, None])
        maps[name].bias.copy_(solution[-1])


@torch.no_grad()
def settle(student, photos, paintings, rng):
    """Replaces the running statistics by the plain average over 24 batches."""
    for norm in student.norms.values():
        norm.reset_running_stats()
        norm.momentum = None
    for _ in range(24):
        student(batch(photos, paintings, 4, 224, rng))
    for norm in student.norms.values():
        norm.momentum = 0.1


def write(student, photos, paintings, rng, path):
    """Fold the normalization away, scale every filter to a mean activation of 1, write float16."""
    if student.norms["1_1"].training:
        settle(student, photos, paintings, rng)
    state = rescale_filters(student.folded(), bundled_photographs())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: tensor.half() for name, tensor in state.items()}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="folder of photographs")
    parser.add_argument("--paintings", required=True, help="folder of paintings")
    parser.add_argument("--teacher", required=True, help='"torchvision", or a folder with the two teacher files')
    parser.add_argument("--minutes", type=float, default=60.0, help="the learning rate falls to 0 over this time")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--resume", metavar="FILE", help="go on from a written file, its normalization frozen; wants a lower --lr")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=Path(__file__).resolve().parents[1] / "pocket_vgg19.pt", help="where the weights go")
    train(parser.parse_args())


DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

if __name__ == "__main__":
    main()
