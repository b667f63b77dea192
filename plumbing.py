"""What a learner need not read: odd files in, whole files out, and where weights come from. Lessons import `helpers` alone."""

import hashlib
import io
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pygifsicle
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F

ASSETS = Path(__file__).resolve().parent / "assets"
PHOTOGRAPHS = ("astronaut.jpg", "chelsea.jpg", "china.jpg", "coffee.jpg", "flower.jpg")  # over which filters are scaled
POCKET = ASSETS / "pocket_vgg19.pt"
POCKET_SHA256 = "717b0b368f7a7f3d364ffd7634a60e780df9e738e48a77bab3405b3a6cbaabcd"
MOST_PIXELS = 100_000_000
PICTURES = (".png", ".jpg", ".jpeg")


# ------------------------------------------------------------------------------------------------ arguments


def check_word(name: str, value, words: tuple[str, ...]) -> None:
    """Raises ValueError unless `value` is one of `words`."""
    if value not in words:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, words))}")


def check_count(name: str, value) -> None:
    """Raises ValueError unless `value` is a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of 1 or more")


# ------------------------------------------------------------------------------------------------ pictures in


def read_picture(path) -> Image.Image:
    """A picture file as 8-bit RGB, upright: EXIF rotation applied, transparency on white, the first frame of several.

    Raises: FileNotFoundError where there is no such file, ValueError for anything that is not a readable picture; both
    name the file and the way out.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; paths are relative to {Path.cwd()}")
    if not path.is_file():
        raise ValueError(f"{path}: not a file; give the path of one picture")
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning), Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"it has {picture.width}x{picture.height} pixels, more than {MOST_PIXELS:,}; make it smaller")
            return _rgb(ImageOps.exif_transpose(picture))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything for a damaged file, and most do not name it
        raise ValueError(f"{path}: cannot be read as a picture ({error}); if another program shows it, save it from there as "
                         "PNG or JPEG") from error


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):  # Pillow's own conversion would turn these white
        picture = Image.fromarray(_eight_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Gray values of 16 or 32 bits, or of 0 to 1, as 8 bits."""
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 65535):
        raise ValueError(f"its gray values run from {low} to {high}, where 0 to 65535 was expected")
    if np.issubdtype(values.dtype, np.floating) and high <= 1:
        scale = 255.0
    else:
        scale = 1 / 257 if high > 255 or values.dtype.itemsize == 2 else 1.0
    return (values * scale).round().astype(np.uint8)


# ------------------------------------------------------------------------------------------------ files out


def check_output(path, suffixes: tuple[str, ...]) -> Path:
    """The path if it can be written to: a known suffix, and a folder that exists or can be made. Call it before long work.

    Raises: ValueError for another suffix; OSError, naming the path, where the system refuses.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path}: ends in {path.suffix or 'no suffix'!r}; it must end in one of {', '.join(suffixes)}")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder; give the name of a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror or error}); choose another folder") from error
    return path


def write_whole(path, suffixes: tuple[str, ...], write) -> None:
    """Calls `write(part)` with a temporary path beside `path`, then puts it in place: what stood there stays until then."""
    path = check_output(path, suffixes)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix.lower())
    os.close(handle)
    part = Path(part)
    try:
        write(part)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        raise OSError(f"{path}: could not be written ({error.strerror or error}); what stood there before is unharmed") from error
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_gif(pictures: list[Image.Image], path, seconds: float, hold: float) -> None:
    """Pictures of one size as a GIF that plays for ever; see helpers.save_gif."""
    if not (seconds > 0 and hold >= 0):
        raise ValueError(f"seconds is {seconds} and hold is {hold}; seconds must be above 0 and hold 0 or more")
    frame = max(20, round(100 * seconds / len(pictures)) * 10)  # milliseconds; GIF counts in hundredths of a second
    durations = [frame] * len(pictures)
    durations[-1] += round(100 * hold) * 10
    # One palette for all frames, from a strip of some of them: without flicker, and far faster than a palette a frame.
    some = pictures[:: max(1, len(pictures) // 8)] + pictures[-1:]
    palette = Image.fromarray(np.concatenate([np.asarray(p) for p in some])).quantize(256, method=Image.Quantize.FASTOCTREE)
    frames = [np.asarray(p.quantize(palette=palette, dither=Image.Dither.NONE)) for p in pictures]

    def write(part):
        iio.imwrite(part, frames, extension=".gif", plugin="pillow", mode="P", is_batch=True,
                    palette=palette.getpalette(), duration=durations, loop=0)
        _shrink(part)

    write_whole(path, (".gif",), write)


def _shrink(path: Path) -> None:
    """Lets gifsicle make the file smaller, where that program is; keeps the smaller of the two files."""
    if shutil.which("gifsicle") is None:
        print("note: the GIF would be smaller with the program gifsicle (apt install gifsicle, brew install gifsicle)")
        return
    smaller = path.with_name(path.stem + ".small.gif")
    try:
        pygifsicle.gifsicle(path, smaller, options=["-O3", "--lossy=40", "--no-warnings"])
        if smaller.exists() and 0 < smaller.stat().st_size < path.stat().st_size:
            os.replace(smaller, path)
    finally:
        smaller.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------ in a notebook


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    if "IPython" not in sys.modules:
        return False
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is not None


def compact_figures() -> None:
    """Figures in a notebook become JPEG: pictures as PNG would make a lesson several megabytes."""
    if in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("jpeg", pil_kwargs={"quality": 92})


class LivePicture:
    """One picture in a notebook's output that later pictures replace, without flicker. Outside a notebook it does nothing."""

    def __init__(self):
        self.handle = None

    def show(self, picture: Image.Image, alt: str) -> None:
        if not in_notebook():
            return
        from IPython import display

        data = io.BytesIO()
        picture.save(data, "JPEG", quality=90)
        frame = display.Image(data.getvalue(), format="jpeg", alt=alt)
        if self.handle is None:
            self.handle = display.display(frame, display_id=True)
        else:
            self.handle.update(frame)


# ------------------------------------------------------------------------------------------------ weights


def load_weights(weights) -> dict[str, torch.Tensor]:
    """float32 weights and biases of VGG-19 up to conv5_1 by torchvision's names, each filter's mean activation scaled to 1.

    `weights` is "pocket", "imagenet", "random" or a path. Raises: ValueError or OSError that names the file and the way out.
    """
    if weights == "pocket":  # scaled already
        return read_state(POCKET, POCKET_SHA256)
    if weights == "imagenet":
        state = _imagenet()
    elif weights == "random":
        state = _random()
    elif isinstance(weights, (str, os.PathLike)) and Path(weights).is_file():
        state = read_state(Path(weights))
    else:
        raise ValueError(f"weights is {weights!r}; it must be 'pocket', 'imagenet', 'random' or the path of a file of weights")
    return rescale_filters(state, bundled_photographs())


# VGG-19's convolutions up to conv5_1: torchvision's index in `features`, and how many channels go in and come out.
INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
WIDTHS = (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512)


def _random() -> dict[str, torch.Tensor]:
    """He's initialization at VGG-19's full width, the same numbers every time."""
    generator, state = torch.Generator().manual_seed(0), {}
    for index, inputs, outputs in zip(INDICES, (3, *WIDTHS), WIDTHS, strict=False):
        spread = (2 / (9 * inputs)) ** 0.5
        state[f"features.{index}.weight"] = spread * torch.randn(outputs, inputs, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = torch.zeros(outputs)
    return state


def _imagenet() -> dict[str, torch.Tensor]:
    """torchvision's VGG-19, through torchvision's own download and cache; only the convolutions up to conv5_1 are kept."""
    from torchvision.models import VGG19_Weights

    weights = VGG19_Weights.IMAGENET1K_V1
    file = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    if file.exists():  # torch checks a download, but not a file that was damaged or put there since
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        expected = file.stem.rsplit("-", 1)[-1]  # the name ends in the first digits of the hash
        if not digest.startswith(expected):
            raise ValueError(f"{file}: is damaged (its SHA-256 begins with {digest[:8]}, not {expected}); delete it and it is "
                             "fetched again, or use weights='pocket'")
    try:
        state = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise OSError(f"the ImageNet weights could not be had ({error}); download {weights.url} elsewhere and put it at {file}, "
                      "or use weights='pocket', which needs no download") from error
    return _convolutions(state, file)


def read_state(path: Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """A file of weights in torchvision's names, of any widths, as float32; its SHA-256 is checked where one is given."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); get it back with `git checkout assets`") from error
    if sha256 is not None and (digest := hashlib.sha256(data).hexdigest()) != sha256:
        raise ValueError(f"{path}: is not the file that belongs here (its SHA-256 is {digest[:12]}..., not {sha256[:12]}...); "
                         "get it back with `git checkout assets`")
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many things for a file that is no file of weights
        raise ValueError(f"{path}: is not a file of weights that torch can read safely ({error})") from error
    return _convolutions(state, path)


def _convolutions(state, path: Path) -> dict[str, torch.Tensor]:
    """The convolutions up to conv5_1 out of a state dict, checked to fit together."""
    kept, inputs = {}, 3
    for index in INDICES:
        for kind in ("weight", "bias"):
            name = f"features.{index}.{kind}"
            tensor = state.get(name) if isinstance(state, dict) else None
            shape = (None, inputs, 3, 3) if kind == "weight" else (inputs,)
            if not isinstance(tensor, torch.Tensor) or len(tensor.shape) != len(shape) or tuple(tensor.shape[1:]) != shape[1:]:
                found = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else "nothing"
                raise ValueError(f"{path}: holds {found} as {name}, where {shape} was expected; it must be a VGG-19's state "
                                 "dict in torchvision's names")
            if not torch.isfinite(tensor).all():
                raise ValueError(f"{path}: {name} holds NaN or infinity; the file is damaged, or its training diverged")
            kept[name] = tensor.float().clone()
            inputs = len(tensor)
    return kept


def bundled_photographs() -> list[torch.Tensor]:
    """The photographs in assets/, (1, 3, H, W) in [0, 1], long side 256: what filters are scaled over."""
    pictures = []
    for name in PHOTOGRAPHS:
        picture = read_picture(ASSETS / name)
        picture.thumbnail((256, 256), Image.Resampling.LANCZOS)
        pictures.append(torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255)
    return pictures


@torch.no_grad()
def rescale_filters(state: dict[str, torch.Tensor], images: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same network with each filter's weights and bias divided so that its mean activation over `images` is 1.

    A ReLU passes positive factors on, so the next layer undoes them and only the scale of each channel changes: the paper's
    "normalized" VGG (Gatys et al. 2016, section 2). Max pooling, zero padding. A filter with less than a hundredth of its layer's
    mean activation is taken to have that much: what fires at a few border pixels alone would be blown up beyond all others.
    """
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    xs, scaled, before, factor = [(image - mean) / std for image in images], {}, 0, torch.ones(3)
    for index in INDICES:
        if index - before == 3:  # a pooling stands between this convolution and the one before
            xs = [F.max_pool2d(x, 2) for x in xs]
        weight = state[f"features.{index}.weight"] * factor.view(1, -1, 1, 1)
        bias = state[f"features.{index}.bias"]
        xs = [F.relu(F.conv2d(x, weight, bias, padding=1)) for x in xs]
        activation = sum(x.sum((0, 2, 3)) for x in xs) / sum(x[:, 0].numel() for x in xs)
        factor, before = activation.clamp(min=0.01 * activation.mean()), index
        xs = [x / factor.view(1, -1, 1, 1) for x in xs]
        scaled[f"features.{index}.weight"] = weight / factor.view(-1, 1, 1, 1)
        scaled[f"features.{index}.bias"] = bias / factor
    return scaled
