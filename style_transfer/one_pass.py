"""One pass: gives features the statistics of a painting's features, and turns them into pixels.

An encoder, a match and a decoder take the place of the optimization. The encoder is the network of
`features.py`. `match` gives features the mean and the covariance of a painting's features, as
`images.recolor` does with pixels. The decoder is a network that was trained once, for all pairs, by
`tools/train_decoder.py`. Its file and its model card are in assets/.

Sources: Huang, Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization" (arXiv:1703.06868); Li, Fang, Yang, Wang, Lu, Yang, "Universal Style Transfer via
Feature Transforms" (arXiv:1705.08086).
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from style_transfer.features import LAYERS, VGG19
from style_transfer.images import check_image, recolor
from style_transfer.settings import ASSETS, STYLE_LAYERS, check_strength

DEPTHS = tuple(reversed(STYLE_LAYERS))  # from relu5_1 to relu1_1, as they are decoded
SMALLEST = 32  # pixels: at relu5_1 that is 2 positions, which is the least that can be mirrored

NEWTON_STEPS = 10
RIDGE = 0.01  # the share of the mean variance that is added to each variance before an inversion

DECODER = ASSETS / "pocket_decoder.pt"
DECODER_SHA256 = "60f2d8545727f8f024da6a3f5e9b69aa086093cd421b041cff4f1cbedd869628"
FINGERPRINT = 8  # bytes of a network's SHA-256 that a decoder's file holds

# ------------------------------------------------------------------------------ matching


@dataclass(frozen=True, eq=False)
class Statistics:
    """What `match` needs of features: mean (B, C, 1) and root (B, C, C).

    The root is the square root of the covariance.
    """

    mean: Tensor
    root: Tensor


def adain(features: Tensor, like: Tensor) -> Tensor:
    """Gives each channel of features (B, C, H, W) the mean and standard deviation of `like`.

    `like` is (B, C, h, w). A channel that is the same everywhere gets the mean of `like`.
    Source: Huang & Belongie 2017, equation 8. Built in: 12_one_pass.
    """
    mean = features.mean((2, 3), keepdim=True)
    spread = features.std((2, 3), keepdim=True, correction=0)
    mean_like = like.mean((2, 3), keepdim=True)
    spread_like = like.std((2, 3), keepdim=True, correction=0)
    return (features - mean) / spread.clamp(min=1e-5) * spread_like + mean_like


def statistics(features: Tensor) -> Statistics:
    """The mean and the root of the covariance of features (B, C, H, W), per picture of the batch.

    Built in: 12_one_pass.
    """
    with full_precision(features):
        _, mean, covariance = _centered(features)
        return Statistics(mean, square_roots(covariance)[0])


def mix(one: Statistics, other: Statistics, share: float) -> Statistics:
    """`one` at share 0, `other` at share 1, and a mixture of their features in between.

    Built in: 12_one_pass.
    """
    mean = torch.lerp(one.mean, other.mean, share)
    root = torch.lerp(one.root, other.root, share)
    return Statistics(mean, root)


def match(features: Tensor, target: Statistics) -> Tensor:
    """Gives features (B, C, H, W) the mean and the covariance of `target`, by one linear map.

    With features x, means mu and covariances S, it is
    x -> S_target^(1/2) S_x^(-1/2) (x - mu_x) + mu_target.
    Source: Li et al. 2017, section 3.2. Built in: 12_one_pass.
    """
    with full_precision(features):
        centered, _, covariance = _centered(features)
        linear = target.root @ square_roots(covariance)[1]
        return (linear @ centered + target.mean).view(features.shape)


def full_precision(features: Tensor) -> torch.autocast:
    """A context in which matrices are multiplied in float32; bfloat16 has too few digits here."""
    return torch.autocast(features.device.type, enabled=False)


def _centered(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features minus their mean (B, C, H*W), the mean (B, C, 1), and the covariance (B, C, C)."""
    flat = features.flatten(2).float()
    mean = flat.mean(2, keepdim=True)
    flat = flat - mean
    return flat, mean, flat @ flat.transpose(1, 2) / flat.shape[2]


def square_roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of covariances (B, C, C), and its inverse, after the iteration of Newton.

    A small number is added to each variance, so a channel that is the same everywhere does no harm.
    A fixed number of products costs less than eigenvalues do, and its gradient is exact.
    Source: Higham, "Functions of Matrices" (SIAM 2008), chapter 6; the form is that of Schulz.
    """
    identity = torch.eye(covariance.shape[-1], device=covariance.device)
    variance = covariance.diagonal(dim1=1, dim2=2).mean(1).view(-1, 1, 1)
    covariance = covariance + (RIDGE * variance + 1e-6) * identity
    norm = covariance.square().sum((1, 2), keepdim=True).sqrt()
    root = covariance / norm
    inverse = identity.expand_as(covariance)
    for _ in range(NEWTON_STEPS):
        update = 1.5 * identity - 0.5 * inverse @ root
        root = root @ update
        inverse = update @ inverse
    return root * norm.sqrt(), inverse / norm.sqrt()


# ------------------------------------------------------------------------------ the two networks


def encode(vgg: VGG19, image: Tensor) -> dict[str, Tensor]:
    """The features of an image (B, 3, H, W) at the depths that the decoder needs.

    The network is used with max pooling and mirrored borders, whatever it was made with. The
    decoder was trained so. Zeros around the picture would become a frame.
    """
    x = vgg.normalize(image).contiguous(memory_format=torch.channels_last)
    features = {}
    for name, module in zip(LAYERS, vgg.features, strict=True):
        if name.startswith("conv"):
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), module.weight, module.bias)
        elif name.startswith("relu"):
            x = F.relu(x)
        else:
            x = F.max_pool2d(x, 2)
        if name in DEPTHS:
            features[name] = x
        if len(features) == len(DEPTHS):
            break
    return features


class Block(nn.Module):
    """Two convolutions, whose result is added to what goes in."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


class Decoder(nn.Module):
    """Turns features back into pixels, and matches its own features to a painting's on the way.

    It goes up from relu5_1 to the pixels. At each depth its features have the size and the channels
    of the encoder's, and get the painting's statistics of that depth. relu3_1 and relu2_1 of the
    photograph are matched and added, relu1_1 only after it was averaged over 4x4 positions. So
    shapes and colors come from the photograph, and the finest detail is made here.

    Features are enlarged by interpolation and then convolved, which leaves no checkerboard.
    `network` is the fingerprint of the encoder for which the decoder was trained.
    """

    def __init__(self, channels: dict[str, int]):
        super().__init__()
        c5, c4, c3, c2, c1 = (channels[layer] for layer in DEPTHS)
        self.to4 = nn.Conv2d(c5, c4, 1)
        self.block4 = Block(c4)
        self.to3 = _convolution(c4, c3)
        self.skip3 = nn.Conv2d(c3, c3, 1)
        self.colors3 = nn.Conv2d(c1, c3, 1)
        self.noise3 = nn.Parameter(torch.full((1, c3, 1, 1), 0.1))
        self.block3 = Block(c3)
        self.narrow3 = _convolution(c3, c2)
        self.to2 = _convolution(c2, c2)
        self.skip2 = nn.Conv2d(c2, c2, 1)
        self.noise2 = nn.Parameter(torch.full((1, c2, 1, 1), 0.1))
        self.narrow2 = _convolution(c2, 32)
        self.to1 = _convolution(32, c1)
        self.last1 = _convolution(c1, 24)
        self.pixels = _convolution(24, 3)
        self.register_buffer("network", torch.zeros(FINGERPRINT, dtype=torch.uint8))
        self.to(memory_format=torch.channels_last)

    def forward(
        self,
        features: dict[str, Tensor],
        target: dict[str, Statistics],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Features and statistics at all of DEPTHS -> an image (B, 3, H, W) in [0, 1].

        Noise, drawn with `generator` on the CPU, gives flat areas something to paint on.
        """

        def matched(layer: str, x: Tensor) -> Tensor:
            return match(x, target[layer]).contiguous(memory_format=torch.channels_last)

        def noise(x: Tensor) -> Tensor:
            return torch.randn(len(x), 1, *x.shape[2:], generator=generator).to(x)

        fifth, fourth, third, second, first = (features[layer] for layer in DEPTHS)
        colors = F.interpolate(matched("relu1_1", first), third.shape[2:], mode="area")

        x = self.to4(_enlarged(matched("relu5_1", fifth), fourth))
        x = F.relu(self.block4(x + matched("relu4_1", fourth)))

        x = self.to3(_enlarged(x, third))
        x = x + self.skip3(matched("relu3_1", third)) + self.colors3(colors)
        x = self.block3(matched("relu3_1", x + self.noise3 * noise(x)))

        x = F.relu(self.narrow3(F.relu(x)))
        x = self.to2(_enlarged(x, second)) + self.skip2(matched("relu2_1", second))
        x = matched("relu2_1", x + self.noise2 * noise(x))

        x = F.relu(self.narrow2(F.relu(x)))
        x = matched("relu1_1", self.to1(_enlarged(x, first)))
        x = self.pixels(F.relu(self.last1(F.relu(x))))
        return torch.sigmoid(x.float())


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)


# ------------------------------------------------------------------------------ one pass


@torch.no_grad()
def one_pass(
    vgg: VGG19,
    decoder: Decoder,
    photo: Tensor,
    painting: Tensor,
    strength: float = 1.0,
    *,
    kept: dict | None = None,
) -> Tensor:
    """Paints the photograph in the style of the painting without optimization.

    `photo` and `painting` are (1, 3, H, W); the result has the photograph's size and is in [0, 1].
    `strength` is from 0, which gives a soft copy of the photograph, to 1. The same input gives the
    same picture. `kept` is a dict that the caller holds for one network. The statistics of the two
    pictures are kept in it, so another strength costs less than half.

    Built in: 12_one_pass. Raises: ValueError for a strength out of range, or for a picture that is
    no image or too small.
    """
    check_strength(strength)
    for image in (photo, painting):
        check_image(image)
        height, width = image.shape[2:]
        if min(height, width) < SMALLEST:
            raise ValueError(
                f"image is {width}x{height}; one pass needs {SMALLEST}x{SMALLEST} or more; "
                "load it larger"
            )
    photo = photo.to(vgg.device)
    painting = painting.to(vgg.device)
    start = torch.lerp(photo, recolor(photo, like=painting), strength)
    low_precision = vgg.precision == "bfloat16"
    with torch.autocast(vgg.device.type, dtype=torch.bfloat16, enabled=low_precision):
        target = _statistics_of(vgg, painting, kept)
        if strength < 1:
            own = _statistics_of(vgg, photo, kept)
            target = {layer: mix(own[layer], target[layer], strength) for layer in DEPTHS}
        return decoder(encode(vgg, start), target, torch.Generator().manual_seed(0))


def _statistics_of(vgg: VGG19, image: Tensor, kept: dict | None) -> dict[str, Statistics]:
    """The statistics of an image's features at all of DEPTHS, from `kept` if they are there."""
    if kept is None:
        return all_statistics(encode(vgg, image))
    pixels = image.detach().cpu().contiguous().numpy().tobytes()
    key = (tuple(image.shape), hashlib.sha256(pixels).hexdigest())
    found = kept.get(key)
    if found is None:
        found = all_statistics(encode(vgg, image))
        kept[key] = found
    return found


def all_statistics(features: dict[str, Tensor]) -> dict[str, Statistics]:
    return {layer: statistics(features[layer]) for layer in DEPTHS}


# ------------------------------------------------------------------------------ the file


def fingerprint(vgg: VGG19) -> Tensor:
    """The first 8 bytes of the SHA-256 of a network's weights, by which a decoder knows it."""
    digest = hashlib.sha256()
    for tensor in vgg.features.state_dict().values():
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return torch.tensor(list(digest.digest()[:FINGERPRINT]), dtype=torch.uint8)


def new_decoder(vgg: VGG19) -> Decoder:
    """A decoder with random weights that fits the widths of a network."""
    channels = {layer: vgg.features[LAYERS.index(layer) - 1].out_channels for layer in DEPTHS}
    decoder = Decoder(channels).to(vgg.device)
    decoder.network.copy_(fingerprint(vgg))
    return decoder


def load_decoder(vgg: VGG19, path=DECODER) -> Decoder:
    """Loads the decoder of a network, on the network's device, for use and not for training.

    Raises: OSError if the file cannot be read; ValueError if it is damaged, or if it was trained
    for another network. Built in: 12_one_pass.
    """
    path = Path(path)
    way_out = "restore it with `git checkout assets`, or clone the project again"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); {way_out}") from error
    digest = hashlib.sha256(data).hexdigest()
    if path == DECODER and digest != DECODER_SHA256:
        raise ValueError(
            f"{path}: is not the file that belongs here (its SHA-256 is {digest[:12]}..., "
            f"not {DECODER_SHA256[:12]}...); {way_out}"
        )
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        network = state["network"].to(torch.uint8)
    except Exception as error:  # torch.load raises many things for a file that holds no weights
        raise ValueError(f"{path}: is damaged or holds no decoder; {way_out}") from error
    if not torch.equal(network, fingerprint(vgg)):
        raise ValueError(
            f"{path}: was trained for another network than this one; use VGG19('pocket'), or "
            "train a decoder with `python -m tools.train_decoder`"
        )
    decoder = new_decoder(vgg)
    try:
        decoder.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path}: holds weights of other shapes; {way_out}") from error
    return decoder.eval().requires_grad_(False)
