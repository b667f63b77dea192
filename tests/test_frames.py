"""frames.py: watch a run, plot its losses, pick some of its images, and write them as a GIF."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import helpers as nst
from style_transfer import gif
from style_transfer.files import note
from style_transfer.frames import draw_losses, format_losses, growth
from style_transfer.settings import TERMS

ROOT = Path(__file__).resolve().parents[1]


def snapshots_at(*levels):
    """A made-up run whose images are flat, one gray level per Snapshot."""
    run = []
    for index, level in enumerate(levels):
        losses = {"content": 1 - level, "style": 2.0, "tv": 0.0}
        image = torch.full((1, 3, 8, 8), level)
        run.append(nst.Snapshot(10 * index, 0.1 * index, image, losses))
    return run


# ------------------------------------------------------------------------------ watch


def test_watch_returns_the_whole_run():
    run = snapshots_at(0.0, 0.5, 1.0)
    assert nst.watch(iter(run), total=20) == run


def test_divergence_keeps_what_there_is(photo, capsys):
    def breaks():
        yield nst.Snapshot(0, 0.0, photo, {"content": 1.0})
        raise FloatingPointError("the loss is no longer a number")

    assert len(nst.watch(breaks())) == 1
    assert "no longer a number" in capsys.readouterr().out


def test_divergence_at_the_start_is_raised():
    def breaks():
        raise FloatingPointError("the loss is no longer a number")
        yield

    with pytest.raises(FloatingPointError, match="no longer a number"):
        nst.watch(breaks())


def test_an_interrupt_keeps_what_there_is(photo, capsys):
    def interrupted():
        yield nst.Snapshot(0, 0.0, photo, {"content": 2.0})
        yield nst.Snapshot(10, 0.1, photo, {"content": 1.0})
        raise KeyboardInterrupt

    run = nst.watch(interrupted(), total=20)
    assert [snapshot.evaluations for snapshot in run] == [0, 10]
    assert "interrupted after 10 evaluations" in capsys.readouterr().out


def test_lack_of_memory_keeps_what_there_is(photo, capsys):
    def lacking(snapshots, error):
        yield from snapshots
        raise error

    run = snapshots_at(0.0, 0.5)
    error = RuntimeError("DefaultCPUAllocator: can't allocate memory")
    assert nst.watch(lacking(run, error)) == run
    said = capsys.readouterr().out
    assert "stopped: out of memory; the image so far, of 8 px, is kept; give a smaller" in said
    assert nst.watch(lacking(run, MemoryError())) == run
    for snapshots, other in (([], error), (run, RuntimeError("the sizes differ"))):
        with pytest.raises(RuntimeError) as caught:
            nst.watch(lacking(snapshots, other))
        assert caught.value is other


def run_of(*losses, size=8):
    image = torch.rand(1, 3, size, size)
    return [
        nst.Snapshot(10 * count, 0.0, image, {"content": 1.0, "style": loss})
        for count, loss in enumerate(losses)
    ]


def test_a_loss_that_grows_tenfold_is_said(capsys):
    nst.watch(run_of(9.0, 4.0, 99.1))
    said = capsys.readouterr().out
    assert "the loss grew from 10 to 100, most of it style; lower lr, or the style weight" in said
    nst.watch(run_of(9.0, 200.0, 99.0))  # it came back to ten times
    nst.watch([*run_of(0.1), *run_of(90.0, 80.0, size=16)])  # each size has a loss of its own
    assert "grew" not in capsys.readouterr().out
    assert growth([]) == ""


def test_a_loss_that_does_not_move_is_said(capsys):
    nst.watch(run_of(9.0, 9.0, 9.0))
    assert "the loss did not move from 10, so the picture is the one" in capsys.readouterr().out
    nst.watch(run_of(9.0, 8.9, 9.0))
    nst.watch(run_of(9.0))
    assert "did not move" not in capsys.readouterr().out


def test_losses_on_one_line(photo):
    snapshot = nst.Snapshot(0, 0.0, photo, {"content": 1.23456, "style": 30.44, "tv": 0.0})
    assert format_losses(snapshot) == "content 1.23  style 30.4  tv 0"


# ------------------------------------------------------------------------------ plot


def test_plot_losses_draws_one_curve_per_term():
    nst.plot_losses(snapshots_at(0.0, 0.5))
    axis = plt.gcf().axes[0]
    assert [line.get_label() for line in axis.lines] == ["content", "style", "total"]
    assert axis.get_yscale() == "log"
    assert axis.get_xlabel().startswith("evaluations")
    plt.close("all")
    with pytest.raises(ValueError, match="no steps to plot"):
        nst.plot_losses([])


def test_draw_losses_on_an_axis_of_ones_own():
    axis = Figure().subplots()
    draw_losses(axis, snapshots_at(0.0, 0.5))
    colors = {line.get_label(): line.get_color() for line in axis.lines}
    assert colors["content"] == TERMS["content"].color
    assert colors["style"] == TERMS["style"].color
    assert len(set(colors.values())) == 3
    assert list(axis.lines[0].get_xdata()) == [0, 10]
    assert list(axis.lines[2].get_ydata()) == [3.0, 2.5]
    assert not plt.get_fignums()
    alone = Figure().subplots()
    run = [nst.Snapshot(0, 0.0, torch.rand(1, 3, 8, 8), {"content": 1.0})]
    draw_losses(alone, run)
    assert [line.get_label() for line in alone.lines] == ["content"]  # the total is the same


# ------------------------------------------------------------------------------ pick


def test_pick_frames_goes_by_how_much_changes():
    run = snapshots_at(0.0, 0.5, 0.9, 0.97, 0.98, 0.99, 1.0)

    def picked(count):
        return [frame.mean().item() for frame in nst.pick_frames(run, count)]

    assert picked(3) == pytest.approx([0.0, 0.5, 1.0])
    assert len(picked(24)) == 7
    assert picked(1) == [1.0]
    assert nst.pick_frames([], 5) == []
    still = snapshots_at(0.0, 0.5, 1.0, 1.0, 1.0)  # a run that stands still at its end
    assert [frame.mean().item() for frame in nst.pick_frames(still, 3)] == [0.0, 0.5, 1.0]
    assert nst.pick_frames(still, 3)[-1] is still[-1].image
    with pytest.raises(ValueError, match="count is 0"):
        nst.pick_frames(run, 0)


# ------------------------------------------------------------------------------ GIF


def frames(count=6, size=32):
    """Images whose red changes with time, green across, and blue the other way."""
    across = torch.linspace(0, 1, size).view(1, 1, 1, size).expand(1, 3, size, size)
    made = []
    for index in range(count):
        red = across[:, :1] * index / count
        made.append(torch.cat([red, across[:, 1:2], 1 - across[:, 2:]], 1))
    return made


@pytest.fixture(params=["with gifsicle", "without"])
def gifsicle(request, monkeypatch):
    """Runs a test with and without the program gifsicle; gives whether it is there."""
    note.cache_clear()
    if request.param == "without":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif shutil.which("gifsicle") is None:
        pytest.skip("the gifsicle program is not installed")
    return request.param == "with gifsicle"


def times(path):
    """The milliseconds of each frame of a GIF that repeats without end."""
    with Image.open(path) as film:
        assert film.info["loop"] == 0
        durations = []
        for index in range(film.n_frames):
            film.seek(index)
            durations.append(film.info["duration"])
    return durations


def test_gif_timing_looping_and_colors(gifsicle, tmp_path, capsys):
    path = tmp_path / "out" / "progress.gif"
    nst.save_gif(frames(), path, seconds=1.2, hold=0.5)
    assert times(path) == [200] * 5 + [700]
    shown = iio.imread(path).astype(float)
    wanted = np.stack([np.asarray(nst.to_pil(frame)) for frame in frames()])
    assert np.abs(shown - wanted).mean() < 12
    assert ("would be smaller" in capsys.readouterr().out) == (not gifsicle)
    assert [file.name for file in path.parent.iterdir()] == ["progress.gif"]


def test_a_gif_of_one_frame(gifsicle, tmp_path):
    path = tmp_path / "still.gif"
    nst.save_gif(frames(1), path, seconds=1.0, hold=0.5)
    with Image.open(path) as film:
        assert film.n_frames == 1
        shown = np.asarray(film.convert("RGB")).astype(float)
    assert np.abs(shown - np.asarray(nst.to_pil(frames(1)[0]))).mean() < 12
    assert [file.name for file in tmp_path.iterdir()] == ["still.gif"]


def test_pillow_writes_the_gif_without_imageio(gifsicle, tmp_path, monkeypatch):
    nst.save_gif(frames(), tmp_path / "with.gif", seconds=1.2)
    monkeypatch.setattr(gif, "iio", None)
    nst.save_gif(frames(), tmp_path / "without.gif", seconds=1.2)
    assert times(tmp_path / "without.gif") == times(tmp_path / "with.gif")
    one = iio.imread(tmp_path / "with.gif")
    two = iio.imread(tmp_path / "without.gif")
    assert np.abs(one.astype(float) - two).max() < 12
    nst.save_gif(frames(1), tmp_path / "still.gif")
    assert len(times(tmp_path / "still.gif")) == 1


def test_neither_imageio_nor_pygifsicle_is_needed(tmp_path):
    program = (
        "import sys; sys.modules['imageio'] = sys.modules['pygifsicle'] = None\n"
        "import helpers as nst, torch\n"
        f"nst.save_gif([torch.rand(1, 3, 8, 8) for _ in range(3)], {str(tmp_path / 'x.gif')!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(times(tmp_path / "x.gif")) == 3
    assert "the Python package pygifsicle" in done.stdout


# Programs that are called gifsicle. The last argument is the name of the file to write.
BROKEN_GIFSICLES = {
    "dies": ('printf GIF89a1234 > "${@: -1}"; exit 1', "its exit status is 1"),
    "dies with a sound file": ('cp "$4" "${@: -1}"; exit 3', "its exit status is 3"),
    "writes rubbish": ('printf rubbish > "${@: -1}"', "other frames, or none"),
    "writes nothing": ("true", "other frames, or none"),
    "loses frames": ('REAL "$4" "#0" --output "${@: -1}"', "other frames"),
    "changes the times": ('REAL -d 7 "$4" --output "${@: -1}"', "other frames"),
    "hangs": ("exec sleep 60", "more than 1 s"),
}


@pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")
@pytest.mark.parametrize("kind", BROKEN_GIFSICLES)
def test_a_broken_gifsicle_does_not_touch_the_gif(kind, tmp_path, monkeypatch, capsys):
    body, reason = BROKEN_GIFSICLES[kind]
    if "REAL" in body and shutil.which("gifsicle") is None:
        pytest.skip("the gifsicle program is not installed")
    note.cache_clear()
    program = tmp_path / "bin" / "gifsicle"
    program.parent.mkdir()
    program.write_text("#!/bin/bash\n" + body.replace("REAL", str(shutil.which("gifsicle"))))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr(gif, "SHRINK_SECONDS", 1 if kind == "hangs" else 30)
    path = tmp_path / "out" / "x.gif"
    nst.save_gif(frames(), path, seconds=1.2, hold=0.5)
    assert times(path) == [200] * 5 + [700]
    nst.save_gif(frames(), path, seconds=1.2, hold=0.5)
    said = capsys.readouterr().out
    assert said.count("note: gifsicle did not work") == 1, said
    assert reason in said
    assert [file.name for file in path.parent.iterdir()] == ["x.gif"]
    assert gif.pygifsicle.gifsicle.__globals__["subprocess"] is subprocess


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bits")
def test_a_gifsicle_that_is_no_program_is_said_once(tmp_path, monkeypatch, capsys):
    note.cache_clear()
    program = tmp_path / "gifsicle"
    program.write_bytes(b"\x7fELF no program")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("a.gif", "b.gif"):
        nst.save_gif(frames(), tmp_path / name)
        assert len(times(tmp_path / name)) == 6
    assert capsys.readouterr().out.count("note: gifsicle did not work") == 1


def test_gif_errors(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        nst.save_gif([], tmp_path / "x.gif")
    with pytest.raises(ValueError, match="differ in size"):
        nst.save_gif([torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 9)], tmp_path / "x.gif")
    with pytest.raises(ValueError, match=r"must end in one of \.gif"):
        nst.save_gif(frames(), tmp_path / "x.mp4")
    for settings, message in [
        ({"seconds": 0}, "seconds is 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"hold": -1}, "hold is -1"),
        ({"seconds": 1e9}, "would last 1.66667e.08 s; a frame of a GIF lasts 655.35 s at most"),
        ({"hold": 1e6}, "would last 1e.06 s"),
        ({"seconds": 0.1}, "6 frames in 0.1 s are too fast; a GIF shows 50 per second"),
    ]:
        with pytest.raises(ValueError, match=message):
            nst.save_gif(frames(), tmp_path / "x.gif", **settings)
    assert not list(tmp_path.iterdir())
