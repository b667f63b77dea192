"""Features: VGG-19 up to relu5_1. Its layers, its normalization, its weights and their scaling.

This is the only place that describes the network. `LAYERS` follows from the numbers of convolutions
in each block, and everything else about the layers follows from `LAYERS`.

Source: Simonyan, Zisserman, "Very Deep Convolutional Networks" (arXiv:1409.1556).
"""

import contextlib
import hashlib
import io
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from filelock import FileLock  # torch itself needs this package
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from style_transfer.images import check_image, device, load_image
from style_transfer.settings import ASSETS, NETWORKS, PADDINGS, POOLINGS, PRECISIONS, check_word

# ------------------------------------------------------------------------------ the layers

# The number of convolutions in each block, and their number of channels. VGG-19 has four
# convolutions in its fifth block; style transfer uses one of them.
CONVOLUTIONS = (2, 2, 4, 4, 1)
CHANNELS = (64, 128, 256, 512, 512)


def _layer_names() -> tuple[str, ...]:
    names = []
    for block, count in enumerate(CONVOLUTIONS, start=1):
        for place in range(1, count + 1):
            names += [f"conv{block}_{place}", f"relu{block}_{place}"]
        names.append(f"pool{block}")
    return tuple(names[:-1])  # after relu5_1 nothing is used


# A layer's place in LAYERS is its index in torchvision's `vgg19().features`: conv1_1 is 0,
# relu1_1 is 1, pool1 is 4, relu5_1 is 29.
LAYERS = _layer_names()
CONV_INDICES = tuple(i for i, name in enumerate(LAYERS) if name.startswith("conv"))

# The mean and standard deviation of ImageNet's RGB values, with which VGG-19 was trained.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def block_of(layer: str) -> int:
    """The block of a layer, from 1 to 5: "relu4_2" and "pool4" are in block 4."""
    return int(layer[4])


def smallest_side(layer: str, padding: str = "zeros") -> int:
    """The smallest side in pixels that leaves one position at `layer`: each pooling halves it.

    The padding "reflect" mirrors the neighbor of the border, so it needs two positions.
    """
    poolings = sum(name.startswith("pool") for name in LAYERS[: LAYERS.index(layer) + 1])
    return 2**poolings * (2 if padding == "reflect" else 1)


# ------------------------------------------------------------------------------ the network

CHECKPOINT_PIXELS = 1_000_000  # above so many pixels, memory counts for more than time


def native_precision(where: torch.device) -> str:
    """Returns "bfloat16" if the processor computes in it directly, and "float32" if it does not.

    bfloat16 has the range of float32 and fewer digits. The network is 1.6 to 1.9 times as fast in
    it.
    """
    if where.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif where.type == "cpu":
        # Older releases of torch cannot tell; then float32 is the safe choice.
        known = getattr(torch.cpu, "get_capabilities", dict)()
        native = known.get("avx512_bf16", False) or known.get("amx_bf16", False)
    else:
        native = False
    return "bfloat16" if native else "float32"


class VGG19(nn.Module):
    """VGG-19 up to relu5_1, frozen; each filter is scaled to a mean activation of 1 on photographs.

    `network` is "pocket" (narrow, trained for this project, in assets/), "imagenet" (torchvision's,
    downloaded once), "random" (full width, seeded), or the path of a state dict with torchvision's
    names. `pooling` is "max" or "average". `padding` is "zeros", "replicate" or "reflect".

    The scaling is the paper's normalized network. ReLU and max pooling pass positive factors
    through, so only the scale of each channel changes, and layers of different depth get
    comparable losses.

    `features` is an nn.Sequential with torchvision's indices. Its ReLUs do not work in place, so
    conv4_2 and relu4_2 differ. The pixels of an image get a gradient; the weights get none.

    Raises: ValueError for an unknown word; OSError or ValueError for weights that cannot be used.
    Built in: 02_features, pooling in 06_pooling, padding in 09_artifacts.
    """

    def __init__(
        self,
        network="pocket",
        *,
        pooling: str = "max",
        padding: str = "zeros",
        precision: str = "float32",
    ):
        super().__init__()
        check_word("pooling", pooling, POOLINGS)
        check_word("padding", padding, PADDINGS)
        check_word("precision", precision, PRECISIONS)
        state = load_weights(network)
        self.features = nn.Sequential(*_layers(state, pooling, padding))
        self.load_state_dict(state)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.padding = padding
        self.precision = precision
        self.eval()
        self.requires_grad_(False)
        self.to(memory_format=torch.channels_last)

    @property
    def device(self) -> torch.device:
        """Where the network's weights are."""
        return self.mean.device

    def normalize(self, image: Tensor) -> Tensor:
        """Subtracts ImageNet's mean from RGB in [0, 1] and divides by its standard deviation."""
        return (image.to(self.mean.dtype) - self.mean) / self.std

    def forward(self, image: Tensor, layers: str | Iterable[str]) -> dict[str, Tensor]:
        """Returns a dict from layer name to features (B, C, h, w); deeper layers are not computed.

        `image` is (B, 3, H, W), RGB in [0, 1]. Raises: ValueError for an unknown layer, for
        something that is no image, and for an image too small for the deepest layer.
        """
        wanted = {layers} if isinstance(layers, str) else set(layers)
        depth = deepest(wanted)
        self._check_size(image, LAYERS[depth])
        # With the channels last in memory, a narrow network is twice as fast on a CPU. The result
        # is the same.
        x = self.normalize(image).contiguous(memory_format=torch.channels_last)
        # A large image would need gigabytes for the activations that the gradient uses. Then only
        # the first activation of each block is kept, and the block is computed again for the
        # gradient.
        save_memory = x.requires_grad and x[:, 0].numel() > CHECKPOINT_PIXELS
        features = {}
        low_precision = self.precision == "bfloat16"
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=low_precision):
            for block in _indices_by_block(depth):
                if save_memory:
                    x, found = checkpoint(self._walk, x, block, wanted, use_reentrant=False)
                else:
                    x, found = self._walk(x, block, wanted)
                features.update(found)
        return features

    def _walk(
        self, x: Tensor, indices: list[int], wanted: set[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Applies some layers one after another; returns the result and the features wanted."""
        found = {}
        for index in indices:
            x = self.features[index](x)
            if LAYERS[index] in wanted:
                found[LAYERS[index]] = x.float()  # Grams and losses are float32 in any precision
        return x, found

    def _check_size(self, image: Tensor, layer: str) -> None:
        check_image(image)
        smallest = smallest_side(layer, self.padding)
        height, width = image.shape[-2:]
        if min(height, width) < smallest:
            raise ValueError(
                f"image is {width}x{height}; {layer} needs {smallest}x{smallest} or more; "
                "load it larger"
            )


def ready_network(
    network="pocket",
    *,
    pooling: str = "max",
    padding: str = "zeros",
    precision: str = "auto",
    where: torch.device | None = None,
) -> VGG19:
    """A `VGG19` on the device `where`, in the precision that suits it; None is the fastest device.

    `precision` "auto" means as in `native_precision`. The rest, and what is raised, is as in
    `VGG19`.
    """
    where = device() if where is None else where
    if precision == "auto":
        precision = native_precision(where)
    return VGG19(network, pooling=pooling, padding=padding, precision=precision).to(where)


def _indices_by_block(depth: int) -> list[list[int]]:
    """The indices of the layers from 0 to `depth`, one list per block."""
    blocks = [[] for _ in CONVOLUTIONS]
    for index in range(depth + 1):
        blocks[block_of(LAYERS[index]) - 1].append(index)
    return [block for block in blocks if block]


def _layers(state: dict[str, Tensor], pooling: str, padding: str) -> list[nn.Module]:
    """The modules of the network, in the order of LAYERS and as wide as the weights in `state`."""
    modules = []
    for index, name in enumerate(LAYERS):
        if name.startswith("conv"):
            outputs, inputs = state[f"features.{index}.weight"].shape[:2]
            modules.append(nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding))
        elif name.startswith("relu"):
            modules.append(nn.ReLU(inplace=False))
        elif pooling == "max":
            modules.append(nn.MaxPool2d(2))
        else:
            modules.append(nn.AvgPool2d(2))
    return modules


def deepest(wanted: set[str]) -> int:
    """The index of the deepest of the layers wanted.

    Raises: ValueError for an unknown layer, or for none.
    """
    unknown = sorted(wanted - set(LAYERS))
    if unknown:
        raise ValueError(
            f"there is no layer {', '.join(map(repr, unknown))}; the layers are {', '.join(LAYERS)}"
        )
    if not wanted:
        raise ValueError(
            "no layer is asked for; name at least one, for instance layers=['relu4_2']"
        )
    return max(LAYERS.index(name) for name in wanted)


# ------------------------------------------------------------------------------ scaling of filters


def bundled_photographs() -> list[Tensor]:
    """The bundled photographs over which filters are scaled: (1, 3, H, W), long side 256."""
    names = ("astronaut", "chelsea", "china", "coffee", "flower")
    return [load_image(name, 256).cpu() for name in names]


@torch.no_grad()
def rescale_filters(state: dict[str, Tensor], images: list[Tensor]) -> dict[str, Tensor]:
    """Divides each filter's weights and bias so that its mean activation over `images` is 1.

    The next layer is multiplied by the same factors, so the network computes the same function and
    only the scale of each channel changes. The walk uses max pooling and zero padding.

    Source: Gatys et al. 2016, section 2, the "normalized" VGG. Built in: 02_features.
    """
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    xs = [(image - mean) / std for image in images]
    factor = torch.ones(3)  # of the channels that go into the next convolution
    scaled = {}
    for index, name in enumerate(LAYERS):
        if name.startswith("pool"):
            xs = [F.max_pool2d(x, 2) for x in xs]
        if not name.startswith("conv"):
            continue  # the ReLU is applied together with its convolution
        weight = state[f"features.{index}.weight"] * factor.view(1, -1, 1, 1)
        bias = state[f"features.{index}.bias"]
        xs = [F.relu(F.conv2d(x, weight, bias, padding=1)) for x in xs]

        positions = sum(x[:, 0].numel() for x in xs)
        activation = sum(x.sum((0, 2, 3)) for x in xs) / positions  # one mean per channel
        # Clamped to at least 1 % of the layer's mean. Otherwise a filter that is active only at a
        # few border pixels would be scaled far above the others.
        factor = activation.clamp(min=0.01 * activation.mean())
        xs = [x / factor.view(1, -1, 1, 1) for x in xs]
        scaled[f"features.{index}.weight"] = weight / factor.view(-1, 1, 1, 1)
        scaled[f"features.{index}.bias"] = bias / factor
    return scaled


# ------------------------------------------------------------------------------ weights

POCKET = ASSETS / "pocket_vgg19.pt"
STALLED_SECONDS = 30  # a download from which nothing comes for so long has failed
POCKET_SHA256 = "717b0b368f7a7f3d364ffd7634a60e780df9e738e48a77bab3405b3a6cbaabcd"


def load_weights(network) -> dict[str, Tensor]:
    """Loads float32 weights and biases up to conv5_1 by torchvision's names, filters scaled.

    `network` is one of "pocket", "imagenet" and "random", or a path.
    Raises: ValueError or OSError, which name the file and say what to do.
    """
    if network == "pocket":
        return _pocket()  # its filters were scaled before it was saved
    if network == "imagenet":
        state = _imagenet()
    elif network == "random":
        state = _random()
    elif isinstance(network, (str, os.PathLike)) and Path(network).is_file():
        state = read_state(Path(network))
    else:
        words = ", ".join(repr(word) for word in NETWORKS)
        raise ValueError(
            f"network is {network!r}; it must be one of {words}, or the path of a file of weights"
        )
    scaled = rescale_filters(state, bundled_photographs())
    for index in CONV_INDICES:
        if not torch.isfinite(scaled[f"features.{index}.weight"]).all():
            raise ValueError(
                f"{network}: {LAYERS[index]} is silent or overflows on photographs, so its filters "
                "cannot be scaled; the file is damaged, or its training failed: give another file"
            )
    return scaled


def _pocket() -> dict[str, Tensor]:
    way_out = "restore it with `git checkout assets`, or clone the project again"
    try:
        digest = hashlib.sha256(POCKET.read_bytes()).hexdigest()
    except OSError as error:
        raise OSError(f"{POCKET}: cannot be read ({error.strerror}); {way_out}") from error
    if digest != POCKET_SHA256:
        raise ValueError(
            f"{POCKET}: is not the file that belongs here (its SHA-256 is {digest[:12]}..., "
            f"not {POCKET_SHA256[:12]}...); {way_out}"
        )
    return read_state(POCKET)


def _random() -> dict[str, Tensor]:
    """He's initialization at VGG-19's full width, with the same numbers every time."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    inputs = 3
    for index in CONV_INDICES:
        outputs = CHANNELS[block_of(LAYERS[index]) - 1]
        spread = (2 / (9 * inputs)) ** 0.5
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
        state[f"features.{index}.weight"] = spread * weight
        state[f"features.{index}.bias"] = torch.zeros(outputs)
        inputs = outputs
    return state


def _imagenet() -> dict[str, Tensor]:
    """torchvision's VGG-19 through torchvision's own download and cache, up to conv5_1."""
    from torchvision.models import VGG19_Weights  # slow to import, and only needed here

    weights = VGG19_Weights.IMAGENET1K_V1
    file = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    if file.exists():
        _check_cached(file)
    try:
        with contextlib.nullcontext() if file.exists() else _downloading(file):
            state = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise OSError(
            f"could not download the ImageNet weights ({error}); download {weights.url} elsewhere "
            f"and put it at {file}, or use network='pocket', which needs no download"
        ) from None
    return _convolutions(state, file)


@contextlib.contextmanager
def _downloading(file: Path) -> Iterator[None]:
    """In here, a stalled download ends in an error, and one process at a time downloads.

    Another process that waited for the first finds the file in the cache, and downloads nothing.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    patience = socket.getdefaulttimeout()
    with FileLock(f"{file}.lock"):
        for part in file.parent.glob(f"{file.name}.*.partial"):
            part.unlink()  # of a process that was killed
        socket.setdefaulttimeout(STALLED_SECONDS)  # torch itself would wait without end
        try:
            yield
        finally:
            socket.setdefaulttimeout(patience)


def _check_cached(file: Path) -> None:
    """torch checks the hash of a download only; this checks a file that is in the cache already."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    expected = file.stem.rsplit("-", 1)[-1]  # the name ends in the first digits of the hash
    if not digest.startswith(expected):
        raise ValueError(
            f"{file}: is damaged (its SHA-256 begins with {digest[:8]}, not {expected}); "
            "delete it, and it will be downloaded again, or use network='pocket'"
        )


def read_state(path: Path) -> dict[str, Tensor]:
    """Reads a file of weights with torchvision's names, of any widths, as float32.

    Raises: OSError if it cannot be read, ValueError if it does not hold a VGG-19.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); give another file") from error
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many things for a file that holds no weights
        raise ValueError(
            f"{path}: is not a file of weights that torch can read safely "
            f"({type(error).__name__}); it must be a VGG-19's state dict, saved by torch.save"
        ) from None  # torch's own words advise to load it unsafely
    return _convolutions(state, path)


def _convolutions(state, path: Path) -> dict[str, Tensor]:
    """The convolutions up to conv5_1 from a state dict, after a check that they fit together."""
    kept = {}
    inputs = 3
    for index in CONV_INDICES:
        weight = _checked(state, f"features.{index}.weight", (None, inputs, 3, 3), path)
        bias = _checked(state, f"features.{index}.bias", (len(weight),), path)
        kept[f"features.{index}.weight"] = weight
        kept[f"features.{index}.bias"] = bias
        inputs = len(weight)
    return kept


def _checked(state, name: str, shape: tuple, path: Path) -> Tensor:
    """One tensor of a state dict as float32; in `shape`, None stands for any number."""
    tensor = state.get(name) if isinstance(state, dict) else None
    found = tuple(tensor.shape) if isinstance(tensor, Tensor) else "nothing"
    fits = (
        isinstance(tensor, Tensor)
        and tensor.numel() > 0
        and len(found) == len(shape)
        and all(wanted in (None, side) for wanted, side in zip(shape, found, strict=True))
    )
    if not fits:
        raise ValueError(
            f"{path}: holds {found} as {name}, where {shape} was expected; "
            "it must be a VGG-19's state dict in torchvision's names"
        )
    if not tensor.is_floating_point() or tensor.layout != torch.strided:
        kind = f"{tensor.dtype}, {tensor.layout}".replace("torch.", "")
        raise ValueError(
            f"{path}: {name} is a tensor of the kind {kind}; save it as ordinary numbers, "
            "with .to_dense().float()"
        )
    if not torch.isfinite(tensor).all():
        raise ValueError(
            f"{path}: {name} holds NaN or infinity; the file is damaged, or its training diverged"
        )
    return tensor.float().clone()
