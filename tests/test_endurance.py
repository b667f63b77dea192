"""What only time and large numbers show. All but the small versions of the tests are slow."""

import gc
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

import helpers as nst
import stylize
from studio import Studio

ROOT = Path(__file__).resolve().parents[1]


# ------------------------------------------------------------------------------ many runs


def state_of_process():
    """The memory in MB, the open files and the threads of this process."""
    gc.collect()
    process = psutil.Process()
    handles = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return process.memory_info().rss / 1e6, handles, threading.active_count()


@pytest.mark.slow
def test_fifty_runs_leave_nothing_behind(tmp_path):
    states = []
    for number in range(50):
        words = ["--size=64", "--steps=10", "-o", str(tmp_path / f"{number % 3}.png")]
        words += ["--gif"] if number % 10 == 0 else []
        assert stylize.main(words) == 0
        states.append(state_of_process())
    memory, handles, threads = zip(*states, strict=True)
    slope = np.polyfit(range(40), memory[10:], 1)[0]
    print(f"\nmemory {memory[0]:.0f}, {memory[10]:.0f}, {memory[-1]:.0f} MB: {slope:.3f} MB a run")
    assert slope < 0.2, memory
    assert len(set(handles[10:])) == 1 and len(set(threads)) == 1, (handles, threads)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_thirty_studios_are_freed():
    references = []
    memory = []
    for number in range(30):
        studio = Studio(size=48, evaluations=6 if number % 3 else 10**6)
        studio.start()
        studio.wait(6, timeout=60)
        if number % 3 == 0:
            studio.pause()
        references.append(weakref.ref(studio))
        del studio
        memory.append(state_of_process()[0])
    deadline = time.monotonic() + 10
    while any(reference() for reference in references) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    print(f"\nmemory {memory[0]:.0f}, {memory[10]:.0f}, {memory[-1]:.0f} MB")
    assert not any(reference() for reference in references)
    assert not [thread for thread in threading.enumerate() if thread.name == "studio"]
    assert memory[-1] - memory[5] < 60, memory


# ------------------------------------------------------------------------------ damaged pictures

# The formats that are written, and options under which each is written.
WRITTEN = {
    "png": {},
    "jpg": {"quality": 80},
    "gif": {},
    "webp": {"quality": 80},
    "tif": {"compression": "tiff_lzw"},
    "bmp": {},
    "ppm": {},
    "tga": {"compression": "tga_rle"},
    "pcx": {},
    "jp2": {},
}


def damaged(data, chance):
    """The bytes of a file with one to eight mistakes, or with its end cut off, or a part zeroed."""
    data = bytearray(data)
    kind = chance.choice(["bytes", "bytes", "bytes", "cut", "zeros", "twice"])
    place = chance.randrange(len(data))
    if kind == "bytes":
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == "cut":
        del data[place:]
    elif kind == "zeros":
        data[place : place + 16] = bytes(len(data[place : place + 16]))
    else:
        data[place:place] = data[place : place + chance.randint(1, 64)]
    return bytes(data)


def try_damaged_files(count, folder):
    """Loads so many damaged files; returns how many were still read, and the longest time."""
    chance = random.Random(0)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((96, 72), Image.Resampling.BICUBIC)
    originals = {}
    for suffix, options in WRITTEN.items():
        picture.save(folder / f"sound.{suffix}", **options)
        originals[suffix] = (folder / f"sound.{suffix}").read_bytes()
    read = 0
    longest = 0.0
    for number in range(count):
        suffix = list(originals)[number % len(originals)]
        path = folder / f"damaged.{suffix}"
        path.write_bytes(damaged(originals[suffix], chance))
        began = time.monotonic()
        try:
            image = nst.load_image(path, 64)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and len(str(error).splitlines()) == 1
        else:
            read += 1
            assert image.shape[:2] == (1, 3) and max(image.shape[2:]) <= 64
            assert torch.isfinite(image).all() and image.min() >= 0 and image.max() <= 1
        longest = max(longest, time.monotonic() - began)
    return read, longest


# Pillow warns of damaged metadata, which is no fault of ours.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "count", [200, pytest.param(2000, marks=pytest.mark.slow)], ids=["200", "2000"]
)
def test_damaged_files_hold_no_surprise(count, tmp_path):
    read, longest = try_damaged_files(count, tmp_path)
    print(f"\n{read} of {count} damaged files were read; the longest took {longest:.2f} s")
    assert count / 5 < read < count
    assert longest < 20


# ------------------------------------------------------------------------------ lessons anywhere

# Runs lessons one after another, each in a kernel of its own, and prints what they said.
RUN_LESSONS = """
import json, sys
import nbformat
from nbclient import NotebookClient

said = {}
for name in sys.argv[1:]:
    lesson = nbformat.read(f"notebooks/{name}.ipynb", as_version=4)
    NotebookClient(lesson, timeout=900, resources={"metadata": {"path": "notebooks"}}).execute()
    said[name] = []
    for cell in lesson.cells:
        if "nbval-check-output" in cell.metadata.get("tags", []):
            texts = [out.get("text", "") for out in cell.outputs]
            texts += [out.get("data", {}).get("text/plain", "") for out in cell.outputs]
            said[name].append("".join(texts))
print(json.dumps(said))
"""


def read_only_checkout(folder):
    """A copy of the project in which nobody may write."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for path in [folder, *folder.rglob("*")]:
        readable = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
        path.chmod(readable | (0o111 if path.is_dir() else 0))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="other users and permissions are those of Unix")
def test_lessons_in_any_order_from_a_read_only_checkout():
    """Without the right to write, twice, in two orders: the same numbers.

    The variable LESSONS, as in LESSONS=01_images,03_content, tries these lessons only."""
    lessons = os.environ.get("LESSONS", "").split(",")
    if lessons == [""]:
        lessons = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    ordinary = []
    if os.getuid() == 0:  # root may write anywhere, unless it gives up this right
        if shutil.which("setpriv") is None:
            pytest.skip("root needs the program setpriv for this test")
        ordinary = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        place.chmod(0o755)
        checkout = place / "checkout"
        checkout.mkdir()
        read_only_checkout(checkout)
        rounds = []
        for seed in (1, 2):
            order = random.Random(seed).sample(lessons, len(lessons))
            home = place / f"home{seed}"
            home.mkdir()
            home.chmod(0o777)
            where = dict.fromkeys(("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), home)
            where |= {"MPLCONFIGDIR": home, "XDG_CACHE_HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run(
                [*ordinary, sys.executable, "-c", RUN_LESSONS, *order],
                cwd=checkout,
                env=os.environ | {name: str(value) for name, value in where.items()},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, (order, done.stderr[-3000:])
            rounds.append(json.loads(done.stdout.splitlines()[-1]))
        assert not (checkout / "outputs").exists()
        for path in checkout.rglob("*"):
            path.chmod(0o755)  # so that it can be deleted
        checkout.chmod(0o755)
    assert rounds[0].keys() == set(lessons) and any(rounds[0].values())
    assert rounds[0] == rounds[1]
