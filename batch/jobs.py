"""Jobs: which pictures with which settings, as a grid; what makes two jobs the same.

This file imports nothing heavy, so a mistake is answered before torch and Dask are loaded.
"""

import argparse
import functools
import hashlib
import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from style_transfer import flags
from style_transfer.settings import ASSETS, NETWORKS

# Files of a folder that are taken as pictures. Any other format can be given by its path.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")

PROGRAM = ("many.py", "style-transfer-many")  # the command line's file, and its command

LONGEST_NAME = 160  # characters of a result's name; file systems allow 255 bytes

# Flags whose values hold commas or several words cannot be swept.
NOT_SWEPT = ("sizes", "style_layers")


# ------------------------------------------------------------------------------ pictures


@dataclass(frozen=True)
class Picture:
    """A picture that goes in: its file, the name that results carry, and the hash of its bytes."""

    path: Path
    name: str
    sha256: str


def find_pictures(flag: str, words: list[str]) -> list[Path]:
    """The files that words after a flag stand for: files, folders, names of bundled pictures.

    Of a folder, the files with a picture's suffix are taken, by name, without its subfolders.
    Raises: ValueError for a word that is none of the three, or a folder without a picture.
    """
    found = []
    for word in words:
        path = Path(word)
        bundled = ASSETS / f"{word}.jpg"
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if _is_picture(file)]
            if not inside:
                raise ValueError(
                    f"{flag} {word}: the folder has no picture; it must hold one of "
                    + ", ".join(f"*{suffix}" for suffix in SUFFIXES)
                )
            found += inside
        elif path.is_file():
            found.append(path)
        elif bundled.is_file():
            found.append(bundled)
        else:
            raise ValueError(
                f"{flag} {word}: no such file or folder; paths are relative to {Path.cwd()}"
            )
    return found


def _is_picture(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def with_hashes(paths: list[Path]) -> list[Picture]:
    """Pictures with their hashes; two files of one name get a part of their hash as well.

    Files with the same bytes count once. Raises: OSError, naming the file, for one that cannot be
    read.
    """
    by_hash = {}
    for path in paths:
        by_hash.setdefault(file_hash(path), path)
    stems = Counter(path.stem for path in by_hash.values())
    pictures = []
    for sha256, path in by_hash.items():
        name = path.stem if stems[path.stem] == 1 else f"{path.stem}-{sha256[:6]}"
        pictures.append(Picture(path, name, sha256))
    return pictures


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes. Raises: OSError, naming the file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror or error})") from error


# ------------------------------------------------------------------------------ settings


def settings_parser() -> argparse.ArgumentParser:
    """The flags that are settings of a picture, from the table that all programs share."""
    parser = flags.Parser(*PROGRAM, add_help=False)
    flags.add_run_flags(parser)
    flags.add_loss_flags(parser)
    return parser


@functools.cache
def default_settings() -> dict:
    """Each setting's name and default value; the names are those of the flags."""
    return vars(settings_parser().parse_args([]))


def read_sweep(text: str) -> tuple[str, list]:
    """The name of a setting and its values from "style-weight=1e2,1e3".

    The values mean what they mean after the flag of that name. Raises: ValueError for an unknown
    name or no value; a value that the flag refuses ends the program, as the flag would.
    """
    word, equals, values = text.partition("=")
    name = word.strip().lstrip("-").replace("-", "_")
    known = [key for key in default_settings() if key not in NOT_SWEPT]
    if name not in known:
        listed = ", ".join(key.replace("_", "-") for key in known)
        raise ValueError(f"--sweep {text}: there is no {word!r}; it must be one of {listed}")
    words = [value.strip() for value in values.split(",")]
    if not equals or not all(words):
        raise ValueError(f"--sweep {text}: give values with commas, as in {word}=1,10,100")
    flag = "--" + name.replace("_", "-")
    return name, [getattr(settings_parser().parse_args([f"{flag}={one}"]), name) for one in words]


def combinations(settings: dict, sweeps: dict[str, list]) -> list[dict]:
    """All combinations of the swept values, each as a whole dict of settings, checked.

    The last sweep changes fastest. Raises: ValueError for settings that `stylize` would refuse.
    """
    found = []
    for values in itertools.product(*sweeps.values()):
        chosen = dict(settings)
        chosen.update(zip(sweeps, values, strict=True))
        options = argparse.Namespace(**chosen)
        check(options)
        found.append(vars(options))
    return found


def check(options: argparse.Namespace) -> None:
    """Completes the options with what others imply, and checks them.

    Raises: ValueError for settings out of range; what torch must know is checked later.
    """
    flags.check(options)
    flags.check_start(options.start, files=False)


# ------------------------------------------------------------------------------ jobs


@dataclass(frozen=True)
class Job:
    """One picture to make: a photograph, a painting, and all settings.

    `fingerprint` is the same for the same settings and the same bytes of both pictures, whatever
    their files are called. `name` is the file name of the result without its suffix.
    """

    content: Picture
    style: Picture
    settings: dict
    fingerprint: str
    name: str


def fingerprint(content_hash: str, style_hash: str, settings: dict) -> str:
    """The SHA-256 of two pictures' hashes and the settings; their order does not matter.

    A file of weights counts by its bytes, too. Built in: 13_many.
    """
    parts = {"content": content_hash, "style": style_hash, "settings": settings}
    if settings["network"] not in NETWORKS:
        path = Path(settings["network"])
        named = {name: value for name, value in settings.items() if name != "network"}
        parts["settings"] = named | {"network": file_hash(path)}
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def grid(
    contents: list[Picture], styles: list[Picture], settings: list[dict], swept: list[str]
) -> list[Job]:
    """Every photograph with every painting and all settings, each combination once.

    `swept` names the settings that the results' names always carry.
    """
    jobs = {}
    taken = set()
    for content, style, chosen in itertools.product(contents, styles, settings):
        mark = fingerprint(content.sha256, style.sha256, chosen)
        if mark in jobs:
            continue  # a value that is given twice
        name = result_name(content, style, chosen, swept)
        if len(name) > LONGEST_NAME or name.lower() in taken:
            name = f"{name[:LONGEST_NAME]}_{mark[:8]}"
        taken.add(name.lower())  # some file systems do not tell a.png from A.png
        jobs[mark] = Job(content, style, chosen, mark, name)
    return list(jobs.values())


def result_name(content: Picture, style: Picture, settings: dict, swept: list[str]) -> str:
    """The names of the two pictures, and each setting that is swept or has not its default."""
    words = [content.name, style.name]
    for name, default in default_settings().items():
        value = settings[name]
        usual = _implied(name, settings) if default is None else default
        if name in swept or value != usual:
            words.append(f"{name.replace('_', '-')}-{value_name(value)}")
    return re.sub(r"[^\w.+=-]", "-", "_".join(words))


def _implied(name: str, settings: dict):
    """What the other settings imply for one that has no default of its own."""
    options = argparse.Namespace(**(settings | {name: None}))
    check(options)
    return getattr(options, name)


def value_name(value) -> str:
    """A value of a setting as a part of a file name or a label."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "+".join(value_name(one) for one in value)
    if isinstance(value, str) and value not in NETWORKS and Path(value).suffix:
        return Path(value).stem
    return str(value)
