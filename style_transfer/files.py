"""Reads unusual picture files and writes files safely. The lessons do not need this file."""

import functools
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from style_transfer.settings import OUTPUTS, ROOT

MOST_PIXELS = 100_000_000  # larger pictures are refused before they are decoded

# The formats that are read, in Pillow's words. Pillow knows more, but for some of them it starts
# another program: an EPS file, whatever it is called, is given to Ghostscript.
FORMATS = ["PNG", "JPEG", "MPO", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "DIB", "JPEG2000", "PPM"]
FORMATS += ["TGA", "ICO", "PCX", "PSD", "QOI", "SGI"]

# Formats that are not read, and how their files begin: at a place, with some bytes.
OTHER_FORMATS = {
    "HEIF": [(4, b"ftyp" + brand) for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")],
    "JPEG XL": [(0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL ")],
    "AVIF": [(4, b"ftypavif")],
    "EPS": [(0, b"%!PS"), (0, b"\xc5\xd0\xd3\xc6")],
    "PDF": [(0, b"%PDF")],
    "SVG": [(0, b"<svg"), (0, b"<?xml")],
}


@functools.cache
def note(text: str) -> None:
    """Prints a note, and the same note only once."""
    print(f"note: {text}")


# ------------------------------------------------------------------------------ pictures in


def read_picture(path) -> Image.Image:
    """Returns a picture file as 8-bit RGB, upright, without transparency.

    EXIF rotation is applied, transparent pixels are laid on white, and of several frames the first
    one is taken, which a note says.

    Raises: FileNotFoundError if there is no such file; ValueError for anything else that cannot be
    read as a picture. Both messages name the file and say what to do.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; paths are relative to {Path.cwd()}")
    if not path.is_file():
        raise ValueError(f"{path}: not a file; give the path of one picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MOST_PIXELS decides
            with Image.open(path, formats=_formats()) as picture:
                _check_pixel_count(picture)
                pixels = _to_rgb(ImageOps.exif_transpose(picture))
                _mention_frames(path, picture)
                return pixels
    # Decoders raise almost anything, and most do not name the file. A damaged file may ask for more
    # memory than there is.
    except Exception as error:
        raise ValueError(f"{path}: {_unread(path, error)}") from error


def _formats() -> list[str]:
    """The formats of FORMATS that this Pillow can read."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _unread(path: Path, error: Exception) -> str:
    """What is wrong with a file that is not read as a picture, and what to do."""
    with path.open("rb") as file:
        head = file.read(256)
    for kind, marks in OTHER_FORMATS.items():
        if any(head[place:].startswith(mark) for place, mark in marks):
            return (
                f"is a file of the format {kind}, which is not read here; convert it to PNG or JPEG"
            )
    reason = str(error)
    if isinstance(error, MemoryError):
        reason = "it takes more memory than there is"
    elif isinstance(error, Image.DecompressionBombError):
        reason = f"it has more than {MOST_PIXELS:,} pixels; make it smaller"
    return (
        f"cannot be read as a picture ({reason}); if another program shows it, "
        "save it from there as PNG or JPEG"
    )


def _mention_frames(path: Path, picture: Image.Image) -> None:
    """Prints a note if the file has further frames or pages."""
    if picture.format not in ("GIF", "PNG", "TIFF", "WEBP", "AVIF"):
        return  # elsewhere, further frames are previews or layers of the same picture
    try:
        count = getattr(picture, "n_frames", 1)
    except Exception:  # the first frame is sound, and no other is needed
        return
    if count > 1:
        note(f"{path} has {count} frames or pages; only the first one is used")


def _check_pixel_count(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError(
            f"it has {picture.width}x{picture.height} pixels, more than {MOST_PIXELS:,}; "
            "make it smaller"
        )


def _to_rgb(picture: Image.Image) -> Image.Image:
    # Pillow's own conversion turns 16-bit and 32-bit gray white.
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = Image.fromarray(_to_eight_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        picture = Image.alpha_composite(white, layer)
    return picture.convert("RGB")


def _to_eight_bits(values: np.ndarray) -> np.ndarray:
    """Gray values of 16 or 32 bits, or floats from 0 to 1, as 8 bits."""
    low = values.min()
    high = values.max()
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 65535):
        raise ValueError(f"its gray values run from {low} to {high}, where 0 to 65535 was expected")
    if np.issubdtype(values.dtype, np.floating) and high <= 1:
        scale = 255.0
    elif high > 255 or values.dtype.itemsize == 2:
        scale = 1 / 257  # 65535 becomes 255
    else:
        scale = 1.0
    return (values * scale).round().astype(np.uint8)


# ------------------------------------------------------------------------------ files out


def prepare_output(path, suffixes: tuple[str, ...]) -> Path:
    """Checks that a file can be written at `path` and makes its folder; call it before long work.

    Raises: ValueError for another suffix or a folder; OSError, naming the path, if the system
    refuses.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(
            f"{path}: ends in {path.suffix or 'no suffix'!r}; it must end in one of "
            + ", ".join(suffixes)
        )
    if OUTPUTS in path.parents and ROOT not in path.parents:
        note(f"the project's own folder is read-only, so this file goes to {OUTPUTS}")
    try:
        if path.is_dir():
            raise ValueError(f"{path}: is a folder; give the name of a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{path}: cannot be written ({reason}); choose another path") from error
    return path


def write_atomic(path, suffixes: tuple[str, ...], write: Callable[[Path], None]) -> None:
    """Calls `write` with a temporary path beside `path`, then renames that file to `path`.

    A write that fails leaves an older file at `path` as it was, and no part of the new one.
    Raises: as `prepare_output`, and OSError, naming the path, if the write fails.
    """
    path = prepare_output(path, suffixes)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem[:40]}.", suffix=path.suffix.lower()
    )
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        os.chmod(part, 0o666 & ~_umask())  # mkstemp allows only the owner to read
        os.replace(part, path)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"{path}: could not be written ({reason}); what stood there before is unharmed"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def save_anywhere(save: Callable[[Path], None], path: Path) -> tuple[Path, OSError | None]:
    """Calls `save` with the path; returns the path at which the file is, and the first refusal.

    If the system refuses, because the disk is full or the file is protected, it tries another name
    in the same folder, and then the system's temporary folder. Raises: OSError if all refuse.
    """
    refusal = None
    spare = Path(tempfile.gettempdir()) / path.name
    for place in (path, free_name(path), free_name(spare)):
        try:
            save(place)
        except OSError as error:
            refusal = refusal or error
        else:
            return place, refusal
    raise refusal


def free_name(path: Path) -> Path:
    """The path itself if there is no file yet, or else the first of x-2.png, x-3.png, ..."""
    if not os.path.lexists(path):
        return path
    for number in itertools.count(2):
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not os.path.lexists(free):
            return free


def _umask() -> int:
    mask = os.umask(0)  # the only way to read it is to set it
    os.umask(mask)
    return mask
