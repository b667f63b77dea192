"""Neural style transfer after Gatys, Ecker and Bethge, small enough to read in one sitting.

A frozen VGG-19 turns a photograph and a painting into features. The photograph's features (content) and the painting's
Gram matrices (style) become losses, and gradient descent moves the *pixels* of a third image. The file is in the order of
that walk: image > tensor > features > Grams > losses > steps > frames. Lessons import it as `nst`; each docstring names the
lesson that builds the function from nothing.

Images are float32 tensors (1, 3, H, W), RGB in [0, 1], everywhere but inside the network, which normalizes for itself.

Sources: Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (arXiv:1508.06576) and "Image Style Transfer Using
Convolutional Neural Networks" (CVPR 2016); Simonyan, Zisserman, "Very Deep Convolutional Networks" (arXiv:1409.1556).
"""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

import plumbing

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"

plumbing.compact_figures()

# An objective takes an image and returns its loss as named, already weighted terms; what is minimized is their sum.
Objective = Callable[[Tensor], dict[str, Tensor]]


# ------------------------------------------------------------------------------------------------ images


def seed(value: int = 0) -> torch.Generator:
    """The same seed gives the same picture on the same machine: sets torch's generator and returns a fresh one of its own.

    Built in: 01_images.
    """
    torch.manual_seed(value)
    return torch.Generator().manual_seed(value)


def device() -> torch.device:
    """The fastest device that torch finds here: an NVIDIA GPU, an Apple GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load_image(path, size: int | None = 256) -> Tensor:
    """A picture file as an image (1, 3, H, W), its long side at most `size` pixels: aspect ratio kept, never enlarged.

    `size=None` takes the picture as it is. EXIF rotation is applied, transparency lies on white, gray, palette, CMYK and
    16-bit pictures become RGB, and of an animation the first frame is taken.

    Raises: FileNotFoundError or ValueError, with the file's name and the way out, for what cannot be read.
    Built in: 01_images.
    """
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}; it must be a whole number of pixels, 1 or more, or None for the picture as it is")
    picture = plumbing.read_picture(path)
    if size is not None and max(picture.size) > size:
        scale = size / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(picture))  # (H, W, 3), whole numbers from 0 to 255
    return pixels.permute(2, 0, 1)[None].float() / 255


def to_pil(image: Tensor) -> Image.Image:
    """An image (1, 3, H, W) as a Pillow picture: clipped to [0, 1] and rounded, so that a loaded picture comes back unharmed.

    Raises: ValueError if the image has another shape or holds NaN.
    Built in: 01_images.
    """
    _check_image(image)
    if len(image) != 1:
        raise ValueError(f"image holds a batch of {len(image)}; show or save one at a time: image[0:1]")
    if not torch.isfinite(image).all():
        raise ValueError("image holds NaN or infinity, so there is nothing to show; the run that made it diverged: lower lr")
    pixels = (image.detach()[0].clamp(0, 1) * 255).round().byte()
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def save_image(image: Tensor, path) -> None:
    """Writes an image (1, 3, H, W) as .png or .jpg, whole or not at all; missing folders are made. Built in: 01_images."""
    picture = to_pil(image)
    plumbing.write_whole(path, plumbing.PICTURES, lambda part: picture.save(part, quality=95))


def noise_like(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """An image of the same shape without content: gray noise, 0.5 + 0.1 times a standard normal, clipped to [0, 1].

    The numbers are drawn on the CPU, so that a seed means the same on every device. Built in: 03_content.
    """
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    return (0.5 + 0.1 * noise).clamp(0, 1)


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """An image at another size: `size` is the new long side, or (height, width); antialiased, in [0, 1]. Built in: 07."""
    height, width = image.shape[-2:]
    if isinstance(size, int):
        long = max(height, width)
        size = (size, max(1, round(width * size / long))) if height == long else (max(1, round(height * size / long)), size)
    if min(size) < 1:
        raise ValueError(f"size is {size}; both sides must be 1 pixel or more")
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def recolor(image: Tensor, like: Tensor) -> Tensor:
    """The image with the mean and the covariance of another image's RGB values: one linear map for all its pixels.

    With x a pixel, mu the means and S the covariances, x -> S_like^(1/2) S_image^(-1/2) (x - mu_image) + mu_like, clipped
    to [0, 1]. A direction in which the image has no color at all, as in a gray or flat one, stays without.

    Source: Gatys, Bethge, Hertzmann, Shechtman, "Preserving Color in Neural Artistic Style Transfer" (arXiv:1606.05897),
    section 3.1. Built in: 07_optimization.
    """
    _check_image(image), _check_image(like)
    pixels, mean, covariance = _color_statistics(image)
    _, mean_like, covariance_like = _color_statistics(like)
    linear = _power(covariance_like, 0.5) @ _power(covariance, -0.5)
    recolored = linear @ (pixels - mean) + mean_like
    return recolored.reshape(image.shape[1:])[None].clamp(0, 1).to(image)


def _color_statistics(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (3, H*W), mean (3, 1) and covariance (3, 3), in float64 on the CPU."""
    pixels = image.detach().cpu().double()[0].flatten(1)
    mean = pixels.mean(1, keepdim=True)
    return pixels, mean, (pixels - mean) @ (pixels - mean).T / pixels.shape[1]


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """A symmetric matrix to a power by its eigenvalues; those that are zero but for rounding stay zero."""
    values, vectors = torch.linalg.eigh(covariance)
    powers = torch.where(values > 1e-7, values.clamp(min=1e-7) ** exponent, 0.0)
    return vectors @ torch.diag(powers) @ vectors.T


def show(**images: Tensor) -> None:
    """Pictures side by side, each under its name: `show(photo=photo, painting=painting)`. Built in: 01_images."""
    pictures = {name: to_pil(image) for name, image in images.items()}
    if not pictures:
        raise ValueError("there is nothing to show; name the images: show(photo=photo)")
    shapes = [picture.width / picture.height for picture in pictures.values()]
    width = min(3 * sum(shapes), 12)  # inches; a height of three, or less where many stand in a row
    size = width, width / sum(shapes) + 0.3
    figure, axes = plt.subplots(1, len(pictures), figsize=size, dpi=80, width_ratios=shapes, squeeze=False)
    for axis, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(name.replace("_", " "))
        axis.axis("off")
    figure.tight_layout()


def _check_image(image: Tensor) -> None:
    if not isinstance(image, Tensor) or not image.is_floating_point() or image.ndim != 4 or image.shape[1] != 3:
        what = f"{image.dtype} {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"image is {what}; it must be a float tensor (1, 3, H, W) with RGB in [0, 1], as load_image returns")


# ------------------------------------------------------------------------------------------------ features

CONVOLUTIONS = (2, 2, 4, 4, 1)  # a block's number of convolutions; VGG-19 has four in the fifth, of which we use one


def _names() -> tuple[str, ...]:
    """Layer names in order, so that a name's place is its index in torchvision's `vgg19().features`."""
    names = []
    for block, count in enumerate(CONVOLUTIONS, start=1):
        names += [f"{kind}{block}_{i}" for i in range(1, count + 1) for kind in ("conv", "relu")] + [f"pool{block}"]
    return tuple(names[:-1])


LAYERS = _names()  # conv1_1 is 0, relu1_1 is 1, ..., relu5_1 is 29


class VGG19(nn.Module):
    """VGG-19 up to relu5_1, frozen, each filter scaled to a mean activation of 1 over photographs.

    `weights`: "pocket" (narrow, trained for this project, in assets/), "imagenet" (torchvision's, downloaded once), "random"
    (full width, seeded) or the path of a state dict with torchvision's names. `pooling`: "max", or "average", the raw swap.
    `padding`: "zeros", "replicate" or "reflect". The scaling is the paper's normalized network: because every layer is a
    ReLU, it changes what is computed by nothing but a factor a channel, and layers of different depth weigh alike.

    `features` is an nn.Sequential with torchvision's indices; its ReLUs are not in-place, so that conv4_2 and relu4_2 differ.
    Built in: 02_features, pooling in 06_pooling, padding in 08_artifacts.
    """

    def __init__(self, weights="pocket", *, pooling: str = "max", padding: str = "zeros"):
        super().__init__()
        plumbing.check_word("pooling", pooling, ("max", "average"))
        plumbing.check_word("padding", padding, ("zeros", "replicate", "reflect"))
        state, layers = plumbing.load_weights(weights), []
        for index, name in enumerate(LAYERS):
            if name.startswith("conv"):
                outputs, inputs = state[f"features.{index}.weight"].shape[:2]
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding))
            elif name.startswith("relu"):
                layers.append(nn.ReLU(inplace=False))
            else:
                layers.append(nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2))
        self.features = nn.Sequential(*layers)
        self.load_state_dict(state)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)
        self.padding = padding
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def normalize(self, image: Tensor) -> Tensor:
        """RGB in [0, 1] -> what the first convolution expects: ImageNet's mean taken off, its standard deviation divided out."""
        return (image - self.mean) / self.std

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Image (B, 3, H, W) in [0, 1] -> a dict from layer name to features (B, C, h, w); nothing deeper is computed.

        Raises: ValueError for an unknown layer, another shape, or an image too small for the deepest layer.
        """
        wanted = {layers} if isinstance(layers, str) else set(layers)
        if unknown := wanted - set(LAYERS):
            raise ValueError(f"there is no layer {', '.join(sorted(map(repr, unknown)))}; the layers are {', '.join(LAYERS)}")
        if not wanted:
            raise ValueError("no layer is asked for; name at least one, for instance layers=['relu4_2']")
        depth = max(map(LAYERS.index, wanted))
        self._check_size(image, LAYERS[depth])
        # Channels last in memory: a narrow network runs at twice the speed on a CPU. What it computes is the same.
        x, features = self.normalize(image).contiguous(memory_format=torch.channels_last), {}
        for name, layer in zip(LAYERS, self.features[: depth + 1], strict=False):
            x = layer(x)
            if name in wanted:
                features[name] = x
        return features

    def _check_size(self, image: Tensor, layer: str) -> None:
        _check_image(image)
        block = int(layer.removeprefix("pool")) + 1 if layer.startswith("pool") else int(layer[4])
        smallest = 2 ** (block - 1) * (2 if self.padding == "reflect" else 1)  # a border of one pixel mirrors its neighbor
        height, width = image.shape[-2:]
        if min(height, width) < smallest:
            raise ValueError(f"image is {width}x{height}; {layer} needs {smallest}x{smallest} or more; load it larger")


# ------------------------------------------------------------------------------------------------ Grams and losses


def gram_matrix(features: Tensor) -> Tensor:
    """Features (B, C, H, W) -> Gram matrices (B, C, C): how strongly channels i and j fire together, averaged over positions.

    G_ij = 1 / (H W) * sum_k F_ik F_jk. Source: Gatys et al. 2016, equation 3, divided by the number of positions, so that
    pictures of any two sizes can be compared. Built in: 04_gram_matrices.
    """
    height, width = features.shape[-2:]
    return _Products.apply(features) / (height * width)


class _Products(torch.autograd.Function):
    """Features F -> F F^T, with the gradient (g + g^T) F written out.

    Autograd sees two factors where there is one, so it multiplies twice and adds; this saves a fifth of an evaluation.
    """

    @staticmethod
    def forward(ctx, features):
        ctx.save_for_backward(features)
        rows = features.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H*W, C): a row a position, as it lies in memory
        return rows.transpose(1, 2) @ rows

    @staticmethod
    def backward(ctx, gradient):
        (features,) = ctx.saved_tensors
        channels_last = features.permute(0, 2, 3, 1)  # (B, H, W, C)
        moved = channels_last.flatten(1, 2) @ (gradient + gradient.transpose(1, 2))
        return moved.view(channels_last.shape).permute(0, 3, 1, 2)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """The mean squared difference of two feature tensors of one shape, as a scalar.

    Source: Gatys et al. 2016, equation 1, times 2 / (N M) for N channels and M positions: a mean instead of half a sum, so
    that its weight does not depend on the image's size. Built in: 03_content.
    """
    if features.shape != target.shape:
        raise ValueError(f"features are {tuple(features.shape)} and target {tuple(target.shape)}; content compares place with "
                         "place: give the image the photograph's size")
    return (features - target).square().mean()


def style_loss(grams: dict[str, Tensor], targets: dict[str, Tensor], weights: dict[str, float] | None = None) -> Tensor:
    """Sum over layers of w_l E_l, with E_l one quarter of the mean squared difference of Gram matrices, as a scalar.

    `weights` are the w_l, used as given; None means 1 / number of layers each. Because the Grams are divided by H W, this
    E_l is the paper's 1 / (4 N^2 M^2) * sum (G - A)^2. Source: Gatys et al. 2016, equations 4 and 5. Built in: 05_losses.
    """
    if grams.keys() != targets.keys():
        raise ValueError(f"grams are of {', '.join(grams)} and targets of {', '.join(targets)}; use the same layers for both")
    if weights is None:
        weights = dict.fromkeys(grams, 1 / len(grams))
    if weights.keys() != grams.keys():
        raise ValueError(f"weights are for {', '.join(weights)} and grams of {', '.join(grams)}; use the same layers for both")
    return sum(weights[layer] * (grams[layer] - targets[layer]).square().mean() / 4 for layer in grams)


def tv_loss(image: Tensor) -> Tensor:
    """Total variation: squared differences of horizontal and of vertical neighbors, summed, per number in the image.

    The squared, anisotropic kind: smooth, so that L-BFGS can follow it. It is not in the paper; it quiets single pixels
    that disagree with their neighbors. Built in: 08_artifacts.
    """
    horizontal = (image[..., :, 1:] - image[..., :, :-1]).square().sum()
    vertical = (image[..., 1:, :] - image[..., :-1, :]).square().sum()
    return (horizontal + vertical) / image.numel()


# ------------------------------------------------------------------------------------------------ objectives


@dataclass(frozen=True)
class Weights:
    """How much each term of the loss counts. The defaults suit the bundled pictures; what looks right is taste."""

    content: float = 1.0
    style: float = 300.0
    tv: float = 0.0

    def __post_init__(self):
        for name, value in vars(self).items():
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
                raise ValueError(f"the {name} weight is {value!r}; it must be a number of 0 or more")


def reconstruction(vgg: VGG19, photo: Tensor, layer: str = CONTENT_LAYER) -> Objective:
    """Asks for the photograph's features at one layer, wherever pixels must go for it: one term, content. Built in: 03."""
    target = _targets(vgg, photo, [layer])[layer]
    return lambda image: {"content": content_loss(vgg(image, [layer])[layer], target)}


def texture(vgg: VGG19, painting: Tensor, layers: Iterable[str] | dict[str, float] = STYLE_LAYERS) -> Objective:
    """Asks for the painting's Gram matrices and nothing else: one term, style. Built in: 04_gram_matrices."""
    names, layer_weights = _layer_weights(layers)
    targets = {name: gram_matrix(f) for name, f in _targets(vgg, painting, names).items()}

    def objective(image):
        grams = {name: gram_matrix(f) for name, f in vgg(image, names).items()}
        return {"style": style_loss(grams, targets, layer_weights)}

    return objective


def transfer(vgg: VGG19, photo: Tensor, painting: Tensor, weights: Weights | None = None, *,
             layers: Iterable[str] | dict[str, float] = STYLE_LAYERS) -> Objective:
    """Asks for the photograph's features and the painting's Grams at once: three terms, content, style and tv.

    `layers` are style layers, averaged, or a dict from layer to its weight w_l. The two pictures may differ in size and
    shape; the image must have the photograph's. Source: Gatys et al. 2016, equation 7. Built in: 05_losses.
    """
    weights = weights or Weights()
    names, layer_weights = _layer_weights(layers)
    content_target = _targets(vgg, photo, [CONTENT_LAYER])[CONTENT_LAYER]
    targets = {name: gram_matrix(f) for name, f in _targets(vgg, painting, names).items()}

    def objective(image):
        features = vgg(image, {CONTENT_LAYER, *names})
        grams = {name: gram_matrix(features[name]) for name in names}
        return {"content": weights.content * content_loss(features[CONTENT_LAYER], content_target),
                "style": weights.style * style_loss(grams, targets, layer_weights),
                "tv": weights.tv * tv_loss(image) if weights.tv else image.new_zeros(())}

    return objective


def _targets(vgg: VGG19, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """What the image is to reach: computed once, and constant, so no gradient may flow back through it."""
    with torch.no_grad():
        return vgg(image.to(vgg.mean.device), layers)


def _layer_weights(layers) -> tuple[tuple[str, ...], dict[str, float] | None]:
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    if not names:
        raise ValueError(f"no style layer is given; name at least one of {', '.join(LAYERS)}")
    return names, dict(layers) if isinstance(layers, dict) else None


# ------------------------------------------------------------------------------------------------ steps


@dataclass(frozen=True)
class Step:
    """A look at a run: the image (1, 3, H, W) in [0, 1] after `evaluations` of the loss and its gradient.

    `index` counts the looks from 0, which is the start; `seconds` are those spent computing; `losses` maps a term's name to
    its weighted value for this image.
    """

    index: int
    evaluations: int
    seconds: float
    image: Tensor
    losses: dict[str, float]

    @property
    def loss(self) -> float:
        """The sum of the terms: what the run makes small."""
        return sum(self.losses.values())


RANGE_PENALTY = 100.0  # times the start's loss: what it costs L-BFGS to leave [0, 1], where no screen would show it


def optimize(start: Tensor, objective: Objective, *, steps: int, method: str = "adam", lr: float | None = None,
             every: int = 10) -> Iterator[Step]:
    """Moves the pixels of `start` down the gradient of the objective; a generator, so look at any step, break at any step.

    `steps` is the number of evaluations of the loss and its gradient. A Step comes for the start, after each `every`
    evaluations, and for the end. `lr` defaults to 0.03 for Adam and to 1 for L-BFGS. Adam clips the image to [0, 1] after each
    step. L-BFGS must find the image as it left it, so there a quadratic penalty holds the pixels in range and only the copy
    that you get is clipped.

    Raises: ValueError for a setting out of range; FloatingPointError when the loss is no longer a number.
    Built in: 03_content (Adam) and 07_optimization (L-BFGS).
    """
    _check_image(start)
    plumbing.check_word("method", method, ("adam", "lbfgs"))
    plumbing.check_count("steps", steps)
    plumbing.check_count("every", every)
    lr = {"adam": 0.03, "lbfgs": 1.0}[method] if lr is None else lr
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr is {lr}; it must be above 0, for instance 0.03 for adam and 1 for lbfgs")
    image = start.detach().clamp(0, 1).clone(memory_format=torch.contiguous_format).requires_grad_(True)
    moves = {"adam": _adam, "lbfgs": _lbfgs}[method](image, objective, steps, lr, every)
    return _steps(moves, image, objective, steps, f"{method} with lr {lr:g}")


def _steps(moves, image: Tensor, objective: Objective, steps: int, settings: str) -> Iterator[Step]:
    """Turns what a method reports, (evaluations, image, terms), into Steps, and adds the last one."""

    def look(evaluations, image, terms):
        losses = {name: term.item() for name, term in terms.items()}
        if not all(map(math.isfinite, losses.values())):
            raise FloatingPointError(f"the loss is no longer a number after {evaluations} evaluations of {settings}: {losses}; "
                                     "lower lr, or the weight of the term that grew")
        return Step(index, evaluations, spent, image.detach().clamp(0, 1).clone(), losses)

    index, spent, since = 0, 0.0, time.perf_counter()
    for move in moves:
        spent += time.perf_counter() - since  # the caller's time between two Steps does not count
        yield look(*move)
        index, since = index + 1, time.perf_counter()
    with torch.no_grad():
        final = image.detach().clamp(0, 1)
        terms = objective(final)
    spent += time.perf_counter() - since
    yield look(steps, final, terms)


def _adam(image, objective, steps, lr, every):
    optimizer = torch.optim.Adam([image], lr=lr)
    for evaluations in range(steps):
        optimizer.zero_grad()
        terms = objective(image)
        sum(terms.values()).backward()
        if evaluations % every == 0:
            yield evaluations, image, terms
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)


def _lbfgs(image, objective, steps, lr, every):
    optimizer = torch.optim.LBFGS([image], lr=lr, history_size=20, tolerance_grad=0, tolerance_change=0)
    evaluations, penalty, seen = 0, None, None

    def closure():
        nonlocal evaluations, penalty, seen
        optimizer.zero_grad()
        terms = objective(image)
        loss = sum(terms.values())
        penalty = RANGE_PENALTY * loss.item() if penalty is None else penalty
        loss = loss + penalty * (image - image.detach().clamp(0, 1)).square().mean()
        loss.backward()
        if seen is None:  # the first evaluation of a round is the one that is looked at
            seen = evaluations, image.detach().clone(), terms
        evaluations += 1
        return loss

    while evaluations < steps:
        seen, count = None, min(every - evaluations % every, steps - evaluations)
        optimizer.param_groups[0].update(max_iter=count, max_eval=2 * count)  # without line search, an evaluation an iteration
        before = evaluations
        optimizer.step(closure)
        if seen[0] % every == 0:
            yield seen
        if evaluations - before < count:  # it gave up early, its memory pointing uphill: forget it and go on from here
            optimizer.state.clear()


def stylize(photo: Tensor, painting: Tensor, *, vgg: VGG19 | None = None, weights: Weights | None = None,
            layers: Iterable[str] | dict[str, float] = STYLE_LAYERS, steps: int = 200, start: str = "recolored",
            method: str = "lbfgs", lr: float | None = None, every: int = 10,
            generator: torch.Generator | None = None) -> Iterator[Step]:
    """The photograph in the painting's manner, step by step: `transfer` handed to `optimize`, from a start of your choice.

    `start` is the photograph "recolored" with the painting's palette, the photograph itself ("content"), gray "noise" drawn
    with `generator`, or the painting at the photograph's size ("style"). `vgg` None is the pocket network on the fastest
    device. The rest is as in `transfer` and `optimize`. Built in: 07_optimization.
    """
    plumbing.check_word("start", start, ("recolored", "content", "noise", "style"))
    vgg = vgg or VGG19("pocket").to(device())
    photo, painting = photo.to(vgg.mean.device), painting.to(vgg.mean.device)
    objective = transfer(vgg, photo, painting, weights, layers=layers)
    image = {"recolored": lambda: recolor(photo, like=painting), "content": lambda: photo,
             "noise": lambda: noise_like(photo, generator),
             "style": lambda: resize(painting, tuple(photo.shape[-2:]))}[start]()
    return optimize(image, objective, steps=steps, method=method, lr=lr, every=every)


# ------------------------------------------------------------------------------------------------ frames


def watch(steps: Iterable[Step], total: int | None = None) -> list[Step]:
    """Runs to the end with a progress bar and, in a notebook, a picture that changes; returns all Steps as a list.

    `total` is the number of evaluations, for the bar. An interrupt ends the run, and so does a loss that is no longer a
    number, which is said; what there is by then is kept and returned. Built in: 07_optimization.
    """
    seen, picture = [], plumbing.LivePicture()
    with tqdm(total=total, unit="evaluation", leave=False) as bar:
        try:
            for step in steps:
                seen.append(step)
                bar.update(step.evaluations - bar.n)
                bar.set_postfix_str("  ".join(f"{name} {value:.3g}" for name, value in step.losses.items()))
                picture.show(to_pil(step.image), f"the image after {step.evaluations} evaluations")
        except KeyboardInterrupt:
            bar.write(f"interrupted after {seen[-1].evaluations if seen else 0} evaluations; what there is, is kept")
        except FloatingPointError as error:
            if not seen:
                raise
            bar.write(f"stopped: {error}")
    return seen


COLORS = {"content": "tab:blue", "style": "tab:orange", "tv": "tab:green", "total": "black"}


def plot_losses(steps: Iterable[Step]) -> None:
    """The terms and their total over evaluations, on a log scale, one color a term. Built in: 03_content."""
    steps = list(steps)
    if not steps:
        raise ValueError("there are no steps to plot; run watch(stylize(...)) first")
    _, axis = plt.subplots(figsize=(6, 3), dpi=80)
    evaluations = [step.evaluations for step in steps]
    curves = {name: [step.losses[name] for step in steps] for name in steps[0].losses}
    if len(curves) > 1:
        curves["total"] = [step.loss for step in steps]
    for name, values in curves.items():
        if any(values):  # a term of weight 0 has no place on a log scale
            axis.semilogy(evaluations, values, color=COLORS.get(name), label=name)
    axis.set(xlabel="evaluations of the loss and its gradient", ylabel="weighted loss")
    axis.legend()
    axis.figure.tight_layout()


def pick_frames(steps: Iterable[Step], count: int = 24) -> list[Tensor]:
    """At most `count` images of a run, first and last among them, spaced so that each differs from the one before about
    equally: a run changes most at its beginning. Built in: 07_optimization.
    """
    plumbing.check_count("count", count)
    images = [step.image for step in steps]
    if len(images) <= count:
        return images
    changes = [0.0] + [(b - a).abs().mean().item() for a, b in itertools.pairwise(images)]
    way = np.cumsum(changes)  # how far the image has come
    marks = np.linspace(0, way[-1], count) if count > 1 else way[-1:]
    picked = {int(np.abs(way - mark).argmin()) for mark in marks} | {len(images) - 1}
    return [images[i] for i in sorted(picked)[-count:]]


def save_gif(frames: Iterable[Tensor], path, *, seconds: float = 4.0, hold: float = 1.0) -> None:
    """Writes images of one size as an endless GIF of `seconds`, the last frame held `hold` seconds longer.

    All frames share one palette of 256 colors, so that nothing flickers. Where the gifsicle program is installed it shrinks
    the file. Whole or not at all; missing folders are made. Built in: 07_optimization.
    """
    pictures = [to_pil(frame) for frame in frames]
    if not pictures:
        raise ValueError("there are no frames to save; pick_frames(steps) gives some")
    if sizes := {picture.size for picture in pictures} - {pictures[0].size}:
        raise ValueError(f"the frames differ in size: {pictures[0].size} and {sizes.pop()}; resize them first")
    plumbing.write_gif(pictures, path, seconds, hold)
