"""Forecast: how long a run will take and how much memory it will need, before it starts."""

import time
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor

from style_transfer import features
from style_transfer.features import CONV_INDICES, LAYERS, VGG19, block_of
from style_transfer.images import fit, resize
from style_transfer.losses import StyleLayers, layer_weights, transfer
from style_transfer.paintings import Paintings, change_paintings, regions_of
from style_transfer.settings import STYLE_LAYERS, Stage, plan
from style_transfer.steps import history_size

PROBE_SIZE = 256  # long side of the picture on which evaluations are timed, in pixels

# Bytes per pixel that one evaluation needs at its peak, besides the activations of the network.
# Fitted to measured peaks of both networks from 512 to 3000 px, in both precisions.
BASE_BYTES = 450
CHECKPOINT_BYTES = 600  # in all, if activations are computed again instead of kept
REGION_BYTES = 6  # for each region with a mask, per activation of the style layers; measured as 5.6
OVERHEAD = 1.15  # of L-BFGS's own arithmetic and the Snapshots, measured
CHECKPOINT_EXTRA_TIME = 1.3  # the forward pass is computed twice then


@dataclass(frozen=True)
class Forecast:
    """What a run will need: seconds of computing, and bytes of memory at its peak.

    `memory` is that of the whole process, `available` what the machine has free for it, and
    `largest` the long side in pixels of the largest picture that fits into that.
    """

    seconds: float
    memory: int
    available: int
    largest: int

    @property
    def fits(self) -> bool:
        """Whether the run fits into the memory."""
        return self.memory <= self.available

    def __str__(self) -> str:
        words = f"about {duration(self.seconds)} and {self.memory / 1e9:.1f} GB of memory"
        if not self.fits:
            words += f", but only {self.available / 1e9:.1f} GB are free: "
            words += f"a picture of {self.largest} px would fit"
        return words


def duration(seconds: float) -> str:
    """Seconds in words: "8 seconds", "3 minutes", "1.5 hours"."""
    if seconds < 1.5:
        return "1 second"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def forecast(
    vgg: VGG19,
    photo: Tensor,
    painting: Paintings,
    *,
    stages: tuple[Stage, ...] | None = None,
    layers: StyleLayers = STYLE_LAYERS,
) -> Forecast:
    """Times two evaluations on a small copy of the pictures, and scales them up to the run.

    `stages` are as `settings.plan` gives them; None means the plan for the photograph's size. The
    times hold while nothing else uses the machine. Built in: 00_preview.
    """
    height, width = photo.shape[-2:]
    if stages is None:
        stages = plan(max(height, width))
    per_pixel = _seconds_per_pixel(vgg, photo, painting, layers)
    seconds = 0.0
    for stage in stages:
        rows, columns = fit(height, width, stage.size)
        # One evaluation more, for the targets and the last Snapshot.
        cost = OVERHEAD * per_pixel * rows * columns * (stage.evaluations + 1)
        if rows * columns > features.CHECKPOINT_PIXELS:
            cost *= CHECKPOINT_EXTRA_TIME
        seconds += cost
    used = psutil.Process().memory_info().rss
    free = available_memory()
    regions = _region_bytes(vgg, photo, painting, layers)
    needed = _bytes(vgg, *fit(height, width, stages[-1].size), regions)
    largest = stages[-1].size
    while _bytes(vgg, *fit(height, width, largest), regions) > free and largest > 64:
        largest = round(largest * 0.9)
    return Forecast(seconds, used + needed, used + free, largest)


def available_memory() -> int:
    """The bytes that this process can still get, by the machine's free memory and its own limit."""
    free = psutil.virtual_memory().available
    process = psutil.Process()
    if hasattr(process, "rlimit"):  # Linux
        limit, _ = process.rlimit(psutil.RLIMIT_DATA)
        if limit != psutil.RLIM_INFINITY:
            free = min(free, limit - process.memory_info().data)
    return max(0, free)


def _seconds_per_pixel(
    vgg: VGG19, photo: Tensor, painting: Paintings, layers: StyleLayers
) -> float:
    def small(image: Tensor) -> Tensor:
        return resize(image, min(PROBE_SIZE, max(image.shape[-2:])))

    small_photo = small(photo)
    small_painting = change_paintings(painting, small)
    objective = transfer(vgg, small_photo, small_painting, layers=layers)
    image = small_photo.clone().requires_grad_(True)
    times = []
    for _ in range(3):  # the first evaluation warms up
        begin = time.perf_counter()
        sum(objective(image).values()).backward()
        if vgg.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times[1:]) / small_photo[0, 0].numel()


def _region_bytes(vgg: VGG19, photo: Tensor, painting: Paintings, layers: StyleLayers) -> float:
    """The bytes per pixel of the picture for regions with masks; each keeps features of its own."""
    masked = sum(region.mask is not None for region in regions_of(painting, photo))
    channels = 0.0
    for name in layer_weights(layers):
        convolutions = [index for index in CONV_INDICES if index <= LAYERS.index(name)]
        channels += vgg.features[convolutions[-1]].out_channels / 4 ** (block_of(name) - 1)
    return REGION_BYTES * masked * channels


def _bytes(vgg: VGG19, height: int, width: int, regions: float = 0.0) -> int:
    """The bytes that a run at this size adds to the process; `regions` is for masks, per pixel."""
    pixels = height * width
    if pixels > features.CHECKPOINT_PIXELS:
        evaluation = CHECKPOINT_BYTES
    else:
        kept = _channels_per_pixel(vgg)
        size = 2 if vgg.precision == "bfloat16" else 4
        evaluation = BASE_BYTES + kept * (size + 2)
    image = 3 * 4  # bytes per pixel
    pairs = history_size(torch.empty(1, 3, height, width, device="meta"))
    return round(pixels * (evaluation + regions + 2 * image * pairs + 8 * image))


def _channels_per_pixel(vgg: VGG19) -> float:
    """How many activations per pixel of the image the gradient needs: one per ReLU's channel."""
    kept = 0.0
    for index, name in enumerate(LAYERS):
        if name.startswith("conv"):
            kept += vgg.features[index].out_channels / 4 ** (block_of(name) - 1)
    return kept
