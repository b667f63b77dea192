"""The studio without a browser.

The engine runs in its thread and in the caller's, and code moves the panel."""

import datetime
import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import helpers as nst
from studio import Panel, Settings, Studio, views
from studio.controls import TOOLTIP, uploaded
from studio.engine import RESET_INTERVAL
from studio.history import FEWEST_FRAMES
from studio.pictures import first_look
from style_transfer import features
from style_transfer.frames import draw_losses
from style_transfer.images import from_bytes, to_bytes
from style_transfer.settings import NEXT_EVALUATIONS, TERMS, Term, finished_weights

ENDLESS = 10**6
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.engine.OUTPUTS", tmp_path)
    monkeypatch.setattr("studio.panel.OUTPUTS", tmp_path)
    return tmp_path


@pytest.fixture
def small():
    made = []

    def make(photo="china", painting="starry_night", **settings):
        made.append(Studio(photo, painting, **{"size": 48, "evaluations": ENDLESS} | settings))
        return made[-1]

    yield make
    for studio in made:
        studio.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "studio"]


def pixels(studio):
    return studio.image.clone()


# ------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"style": -1.0}, "style weight"),
        ({"tv": float("nan")}, "tv weight"),
        ({"layers": {"relu9_9": 1.0}}, "relu9_9"),
        ({"layers": {"relu1_1": -0.5}}, "-0.5"),
        ({"method": "sgd"}, "'lbfgs', 'adam'"),
        ({"lr": 0.0}, "above 0"),
        ({"lr": float("inf")}, "above 0"),
        ({"lr": "fast"}, "above 0"),
        ({"style": float("inf")}, "style weight"),
        ({"evaluations": float("inf")}, "evaluations"),
        ({"size": float("inf")}, "size"),
        ({"seed": -1}, "seed"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"strength": None}, "strength is None"),
        ({"seed": 10**30}, "seed"),
        ({"evaluations": 0}, "evaluations"),
        ({"size": 1.5}, "size"),
        ({"pooling": "mean"}, "'average'"),
        ({"start": "black"}, "'noise'"),
        ({"blend": 1.5}, "blend is 1.5"),
        ({"blend": float("nan")}, "blend is nan"),
        ({"blend": "half"}, "blend is 'half'"),
        ({"style_scale": "2"}, "style_scale is '2'"),
        ({"place": "here"}, "'white', 'black'"),
        ({"style_scale": 0.0}, "style_scale is 0.0"),
    ],
)
def test_a_setting_out_of_range_is_refused_and_changes_nothing(change, says, small):
    studio = small()
    before = studio.settings
    with pytest.raises(ValueError, match=says):
        studio.set(**change)
    assert studio.settings is before


def test_some_layers_may_be_named_alone(small):
    studio = small()
    studio.set(layers={"relu5_1": 0.0})
    assert studio.settings.layers == {**dict.fromkeys(nst.STYLE_LAYERS, 0.2), "relu5_1": 0.0}


def test_a_method_brings_its_learning_rate_unless_one_is_given(small):
    studio = small()
    assert studio.settings.lr == 1.0
    studio.set(method="adam")
    assert studio.settings.lr == 0.03
    studio.set(method="lbfgs", lr=0.5)
    assert studio.settings.lr == 0.5
    studio.set(style=3.0)
    assert studio.settings.lr == 0.5


def test_terms_and_layers_have_names_of_their_own(small):
    studio = small(style=3.0, relu2_1=0.0)
    studio.set(tv=2.0, relu1_1=0.5, layers={"relu5_1": 0.1})
    assert studio.settings.weights == nst.Weights(style=3.0, tv=2.0)
    assert studio.settings.layers == {
        **dict.fromkeys(nst.STYLE_LAYERS, 0.2),
        "relu2_1": 0.0,
        "relu1_1": 0.5,
        "relu5_1": 0.1,
    }
    studio.set(weights=nst.Weights(content=5.0))
    assert studio.settings.weights == nst.Weights(content=5.0)
    with pytest.raises(TypeError, match="no setting 'steps'"):
        studio.set(steps=100)


# ------------------------------------------------------------------------------ the engine


@pytest.mark.parametrize(
    ("method", "start"), [("adam", "recolored"), ("lbfgs", "recolored"), ("lbfgs", "one_pass")]
)
def test_it_computes_what_stylize_computes(small, method, start):
    photo, painting = (
        nst.load_image(nst.ASSETS / f"{name}.jpg", 48) for name in ("china", "starry_night")
    )
    run = nst.stylize(photo, painting, evaluations=12, method=method, start=start, every=1)
    *_, last = run
    image = small(evaluations=12, method=method, start=start).run()
    assert torch.allclose(image.cpu(), last.image, atol=2e-3)


def test_the_thread_and_the_caller_get_the_same_picture(small):
    one, two = (
        small(evaluations=10, start="noise", seed=3),
        small(evaluations=10, start="noise", seed=3),
    )
    one.start()
    assert torch.allclose(one.wait(timeout=60), two.run(), atol=1e-4)
    assert one.state == two.state == "finished" and one.now.evaluations == two.now.evaluations == 10


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_a_weight_moved_while_it_runs_counts_from_the_next_steps_on(small, method):
    studio = small(method=method)
    studio.start()
    studio.wait(10, timeout=60)
    studio.set(style=0.0, tv=7.0)
    step = studio.now.evaluations
    studio.wait(step + RESET_INTERVAL + 2, timeout=60)
    assert studio.running and studio.now.evaluations > step, "it did not begin again"
    assert studio.now.losses["style"] == 0 and studio.now.losses["tv"] > 0
    assert studio.now.settings.weights.tv == 7.0
    assert studio.frames[0].settings.weights.tv == 0.0 and studio.frames[0].losses["style"] > 0


def test_a_dragged_slider_does_not_freeze_lbfgs(small):
    studio = small()
    studio.start()
    studio.wait(5, timeout=60)
    before, step = pixels(studio), studio.now.evaluations
    for weight in np.linspace(100, 1000, 200):
        studio.set(style=float(weight))
        time.sleep(0.005)
    assert studio.now.evaluations > step + 2 * RESET_INTERVAL
    assert (pixels(studio) - before).abs().max() > 0.01


def test_a_picture_gets_better_while_a_slider_is_dragged(small):
    """The style weight moves at every evaluation for 40 of them, and then rests for 15."""
    studio = small("astronaut", "hokusai_great_wave", size=64, evaluations=10, start="recolored")
    studio.run()
    before, dragged = pixels(studio), iter(np.geomspace(100, 1000, 40))
    during = []

    def drag():
        weight = next(dragged, None) if studio.running else None
        if weight is not None:
            studio.listener = None
            studio.set(style=float(weight))
            studio.listener = drag
            during.append(pixels(studio))

    studio.listener = drag
    studio.set(evaluations=65)
    studio.resume()
    studio.wait(timeout=60)
    scene = studio._scene
    objective = nst.transfer(
        scene.vgg, scene.photo, scene.styles.painting, nst.Weights(style=1000.0)
    )
    images = (before, *during[-12:], pixels(studio))
    first, *late, last = [sum(objective(image).values()).item() for image in images]
    assert np.mean(late) < 0.7 * first and last < 0.5 * first, (first, late, last)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_network_has_the_precision_that_the_panel_says(small, monkeypatch, precision):
    for module in (nst, features):
        monkeypatch.setattr(module, "native_precision", lambda device: precision)
    studio = small(evaluations=2)
    panel = Panel(studio)
    assert f"in {precision}" in panel.status.value
    image = studio.run()
    assert studio._scene.vgg.precision == precision and f"in {precision}" in panel.status.value
    assert image.dtype == studio._scene.photo.dtype == torch.float32


def test_a_forecast_is_made_in_the_thread_and_only_when_something_is_loaded(small, monkeypatch):
    threads, real = [], nst.forecast

    def forecast(*arguments, **options):
        threads.append(threading.current_thread())
        return real(*arguments, **options)

    monkeypatch.setattr(nst, "forecast", forecast)
    studio = small(evaluations=400)
    panel = Panel(studio)
    panel.controls["size"].value = 64
    panel.controls["style"].value = 1000.0
    assert threads == [] and studio.forecast is None
    studio.start()
    studio.wait(2, timeout=60)
    panel.refresh()
    assert threads == [studio._worker] and "forecast at its start: about" in panel.status.value
    studio.stop()
    first = studio.forecast
    studio.set(evaluations=800)
    studio.start()
    studio.wait(2, timeout=60)
    assert len(threads) == 1, "nothing was loaded, so nothing is timed again"
    assert studio.forecast.seconds == pytest.approx(2 * first.seconds)
    assert studio.forecast.memory == first.memory > 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
)
def test_too_little_memory_names_a_size_and_keeps_the_frames(small, monkeypatch, error):
    studio = small(evaluations=4)
    panel = Panel(studio)
    studio.run()
    frames = list(studio.frames)

    def measure(image):
        raise error

    monkeypatch.setattr(studio._scene, "measure", measure)
    studio.set(evaluations=8)
    studio.resume()
    with pytest.raises(MemoryError, match="for a picture of 48 px; undo, or set size=36"):
        studio.wait(timeout=60)
    panel.refresh()
    assert studio.state == "failed" and studio.frames == frames and studio.error.__cause__ is None
    assert "size=36" in panel.status.value
    studio.set(size=36)
    studio.start()
    assert max(studio.wait(timeout=60).shape) == 36

    monkeypatch.setattr(nst, "distances", lambda *_, **__: measure(None))  # while targets are made
    studio.enlarge(80)
    with pytest.raises(MemoryError, match="for a picture of 80 px; undo, or set size=60"):
        studio.wait(timeout=60)
    studio.undo()
    assert studio.settings.size == max(studio.image.shape) == 36


def test_a_failure_that_is_not_of_memory_stays_what_it_is(small, monkeypatch):
    studio = small()
    studio.start()
    studio.wait(2, timeout=60)
    monkeypatch.setattr("style_transfer.losses.tv_loss", lambda image: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        studio.wait(timeout=60)


def test_a_costly_setting_waits_for_a_start(small):
    studio = small(evaluations=3)
    studio.run()
    studio.set(size=64, pooling="max")
    assert studio.pending == ["size", "pooling"]
    studio.set(evaluations=6)
    studio.resume()
    assert max(studio.wait(timeout=60).shape) == 48
    studio.start()
    assert max(studio.wait(timeout=60).shape) == 64 and studio.pending == []


def upper_half(path, size=(60, 40)):
    """Writes a mask that is white in its upper half, and returns its path."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0], size[1] // 2))
    mask.save(path)
    return str(path)


def test_a_blend_of_0_or_1_is_one_painting(small):
    wave = "hokusai_great_wave"
    alone = small(evaluations=5).run()
    assert torch.equal(small(evaluations=5, second=wave, blend=0).run(), alone)
    other = small(painting=wave, evaluations=5).run()
    assert torch.equal(small(evaluations=5, second=wave, blend=1).run(), other)
    half = small(evaluations=5, second=wave).run()
    assert not torch.equal(half, alone) and not torch.equal(half, other)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_a_blend_moved_while_it_runs_counts_from_the_next_steps_on(small, method):
    studio = small(second="hokusai_great_wave", blend=0.0, method=method)
    studio.start()
    studio.wait(5)
    studio.set(blend=1.0)
    studio.wait(30)
    studio.pause()
    assert not studio.pending
    blends = [frame.settings.blend for frame in studio.frames]
    assert blends[0] == 0 and blends[-1] == 1
    with torch.no_grad():
        expected = nst.distances(
            studio._scene.vgg, studio._scene.photo, studio._scene.styles.second
        )
        measured = studio._scene.measure(studio.image)["style"]
        wanted = expected(studio.image)["style"]
    assert {name: loss.item() for name, loss in measured.items()} == {
        name: loss.item() for name, loss in wanted.items()
    }


def test_a_mask_gives_the_second_painting_its_place(small, outputs):
    sky = upper_half(outputs / "sky.png")
    both = {"second": "hokusai_great_wave", "blend": 1.0, "evaluations": 5}
    above = small(mask=sky, **both)
    below = small(mask=sky, place="black", **both)
    above.run()
    below.run()
    assert not torch.equal(above.image, below.image)
    (one, rest), (other, _) = (studio._scene.styles.of(1.0)[1:] for studio in (above, below))
    assert torch.equal(one.mask, 1 - other.mask) and rest.mask is None
    assert one.mask[..., 0, :].min() == 1 and one.mask[..., -1, :].max() == 0
    assert "hokusai_great_wave where sky is white" in str(above.settings)
    white = outputs / "white.png"
    Image.new("L", (60, 40), 255).save(white)
    everywhere = small(mask=str(white), **both)
    assert torch.equal(everywhere.run(), small("china", "hokusai_great_wave", evaluations=5).run())
    with pytest.raises(ValueError, match="no place is black"):
        small(mask=str(white), place="black", **both).run()
    Image.new("L", (40, 40), 255).save(outputs / "square.png")
    with pytest.raises(ValueError, match=r"square\.png is 40x40 and its picture 48x32"):
        small(mask=str(outputs / "square.png"), **both).run()


def test_none_takes_the_second_painting_and_the_mask_away(small):
    studio = small(second="grass", mask="sky.png", evaluations=2)
    studio.set(second=None, mask=None)
    assert studio.settings.second == studio.settings.mask == "none"
    assert torch.equal(studio.run(), small(evaluations=2).run())


def test_a_style_scale_loads_the_paintings_at_another_size(small):
    studio = small(second="grass", style_scale=0.5, evaluations=1)
    studio.run()
    styles = studio._scene.styles
    assert max(styles.painting.shape[-2:]) == max(styles.second.shape[-2:]) == 24
    assert "style scale 0.5" in str(studio.settings)
    studio.set(style_scale=1)
    assert studio.pending == ["style_scale"]


def test_pause_and_resume_change_nothing(small):
    whole = small(evaluations=20).run()
    studio = small(evaluations=20)
    studio.start()
    while studio.state != "finished":
        studio.wait((studio.now.evaluations if studio.now else 0) + 4, timeout=60)
        studio.pause()
        if studio.state == "paused":
            studio.resume()
    assert torch.allclose(studio.image, whole, atol=1e-3), "L-BFGS kept its memory over the pauses"


def test_stop_ends_an_evaluation_in_the_middle(small, monkeypatch):
    studio = small()
    studio.start()
    studio.wait(2, timeout=60)
    layer, slow = studio._scene.vgg.features[0], threading.Event()

    def hook(*_):
        slow.set()
        time.sleep(0.3)

    for layer in list(studio._scene.vgg.features)[
        :20
    ]:  # six seconds an evaluation, as the full network at a large size
        layer.register_forward_hook(hook)
    assert slow.wait(10)
    begin = time.monotonic()
    studio.stop()
    assert time.monotonic() - begin < 1
    assert studio.state == "stopped" and studio.image is not None


def test_stop_gives_up_what_cannot_be_ended(small, monkeypatch):
    """While a network is loading, stop returns within about a second all the same.

    What comes late changes nothing."""
    go = threading.Event()
    real = nst.VGG19
    monkeypatch.setattr(nst, "VGG19", lambda *a, **k: go.wait(30) and real(*a, **k))
    studio = small()
    studio.start()
    late, begin = studio._worker, time.monotonic()
    studio.stop()
    assert time.monotonic() - begin < 1.2 and studio.state == "stopped"
    go.set()
    studio.set(evaluations=3)
    studio.run()
    late.join(30)
    assert studio.state == "finished" and studio.now.evaluations == 3


def test_twenty_starts_and_stops_leave_no_thread_and_no_memory(small):
    studio = small()

    def cycle(times):
        for _ in range(times):
            studio.start()
            studio.wait(3, timeout=60)
            studio.stop()
        gc.collect()
        return resident()

    memory = cycle(8)  # until Undo's memory is full
    threads = count_threads()
    more = cycle(20)
    # torch's threads of a run that has ended take a moment, above all on a busy machine.
    deadline = time.monotonic() + 30
    while count_threads() > threads and time.monotonic() < deadline:
        time.sleep(0.1)
    assert count_threads() <= threads
    assert more - memory < 20 * 2**20, f"{(more - memory) / 2**20:.0f} MiB more after twenty runs"


def count_threads() -> int:
    """Threads of this process; those of Python where the system does not tell the others."""
    tasks = Path("/proc/self/task")
    return len(os.listdir(tasks)) if tasks.exists() else threading.active_count()


def resident() -> int:
    """Bytes of memory in use by this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def test_two_studios_at_once_do_not_disturb_each_other(small):
    alone = small(evaluations=15, start="noise", seed=1).run()
    one, two = (
        small(evaluations=15, start="noise", seed=1),
        small("coffee", "hokusai_great_wave", seed=2, start="noise"),
    )
    two.start()
    one.start()
    torch.manual_seed(99)  # a third party that draws from the global generator
    torch.randn(10)
    assert torch.allclose(one.wait(timeout=60), alone, atol=1e-3)
    assert two.running and two.settings.painting == "hokusai_great_wave"
    one.set(style=5.0)
    assert two.settings.weights.style == Settings().weights.style


def test_a_cell_that_is_run_again_stops_what_it_made(small, monkeypatch):
    cell = ["a", 1]
    monkeypatch.setattr("studio.engine._current_cell", lambda: tuple(cell))
    one, two = small(), small()
    one.start(), two.start()
    cell[:] = ["b", 2]
    other = small()
    other.start()
    assert one.running and two.running, (
        "neither a second studio of the cell nor another cell stops them"
    )
    cell[:] = ["a", 3]
    small()
    assert one.state == two.state == "stopped" and other.running


def test_what_goes_wrong_in_the_thread_is_kept_and_raised(small):
    studio = small("/no/such/picture.jpg")
    studio.start()
    with pytest.raises(FileNotFoundError, match="picture"):
        studio.wait(timeout=60)
    assert studio.state == "failed" and studio.image is None
    studio.set(photo="china", evaluations=2)
    studio.start()
    assert studio.wait(timeout=60) is not None and studio.error is None


def test_a_loss_that_is_no_number_leaves_the_last_picture(small, monkeypatch):
    studio = small()
    studio.start()
    studio.wait(3, timeout=60)
    monkeypatch.setattr("style_transfer.losses.tv_loss", lambda image: image.sum() * float("nan"))
    message = "lower the learning rate, or the style weight, and resume from the last picture"
    with pytest.raises(FloatingPointError, match=message):
        studio.wait(timeout=60)
    assert torch.isfinite(studio.image).all() and studio.now.evaluations >= 3


def test_a_dropped_studio_is_freed(outputs):
    """Finished or paused, and without `stop`; the fixture `small` would keep it."""
    references = []
    for pause in (False, True):
        studio = Studio(size=48, evaluations=ENDLESS if pause else 4)
        studio.start()
        studio.wait(4, timeout=60)
        if pause:
            studio.pause()
        references.append(weakref.ref(studio))
        del studio
    deadline = time.monotonic() + 10  # the thread of the second one may still be ending
    while any(reference() for reference in references) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    assert not any(reference() for reference in references)


def test_a_script_that_ends_while_a_studio_runs_exits_cleanly():
    program = (
        "from studio import Studio; studio = Studio(size=128, evaluations=10**6); "
        "studio.start(); studio.wait(2, timeout=60)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_an_interrupt_ends_run_with_the_result_kept(small):
    studio = small()

    def interrupt():
        if studio.running and studio.now and studio.now.evaluations == 5:
            raise KeyboardInterrupt

    studio.listener = interrupt
    assert studio.run() is not None
    assert studio.state == "paused" and studio.now.evaluations == 5
    studio.listener = None
    studio.set(evaluations=8)
    studio.run()
    assert studio.now.evaluations == 8, "and the next run goes on"


def test_growing_losses_are_said(small):
    studio = small(start="content", method="adam", lr=0.01, evaluations=30)
    studio.run()
    assert studio.warning == ""
    studio.set(lr=3.0, evaluations=40)
    studio.resume()
    studio.wait(timeout=60)
    assert "times its lowest" in studio.warning


# ------------------------------------------------------------------------------ larger


def test_a_weight_that_moves_is_no_growth(small):
    """Adam keeps its memory then, but what the loss was before says nothing."""
    studio = small(method="adam", evaluations=12)
    before = studio.settings.weights.style

    def move():
        if studio.now and studio.now.evaluations == 6 and studio.settings.weights.style == before:
            studio.set(style=20 * before)

    studio.listener = move
    studio.run()
    losses = [frame.loss for frame in studio.frames]
    assert losses[-1] > 2 * min(losses)
    assert studio.warning == ""


def test_a_thinned_history_is_even(small, monkeypatch):
    monkeypatch.setattr("studio.history.MOST_FRAMES", 30)
    studio = small(evaluations=130)
    studio.run()
    places = [frame.evaluations for frame in studio.frames]
    assert set(np.diff(places[:-1])) == {studio.history.stride}
    assert studio.history.stride == 8


def test_a_picture_made_large_goes_on_from_the_small_one(small, outputs):
    studio = small(evaluations=8)
    panel = Panel(studio)
    studio.run()
    before, end = studio.settings, studio.frames[-1]
    assert f"for {NEXT_EVALUATIONS} evaluations at 96 px" in studio.enlarge(96)
    assert studio.pending == [] and studio.settings.size == 96
    large = studio.wait(timeout=60)
    assert (
        studio.state == "finished" and studio.pending == [] and tuple(large.shape[2:]) == (64, 96)
    )
    assert studio.now.settings.size == 96
    assert studio.now.evaluations == studio.settings.evaluations == 8 + NEXT_EVALUATIONS

    first = next(frame for frame in studio.frames if frame.size == 96)
    assert first.evaluations == end.evaluations, "it is the same place in the run"
    recolored = nst.recolor(studio.photo, like=studio._scene.styles.painting)
    expected = nst.enlarge(end.image, recolored)
    assert torch.allclose(first.image, expected, atol=0.01)
    assert studio.now.loss < first.loss

    assert "<svg" in panel.plot.value
    panel.split.value = 50
    for place, size in ((2, (48, 32)), (len(studio.frames) - 2, (96, 64))):
        panel.frame.value = place
        assert "covered by the photo" in panel.preview.value
        assert Image.open(studio.save_png(frame=panel._shown())).size == size
    with Image.open(studio.save_gif()) as gif:
        assert gif.size == (96, 64) and 12 <= gif.n_frames <= 24
    with Image.open(studio.save_gif(size=32)) as gif:
        assert max(gif.size) == 32

    studio.undo()
    assert studio.settings == before and studio.now is end and studio.pending == []
    assert tuple(studio.photo.shape[2:]) == (32, 48), "the photo has the size of the picture"


def test_making_it_large_takes_the_running_picture_and_survives_a_stop(small, monkeypatch):
    monkeypatch.setattr("studio.engine.NEXT_EVALUATIONS", 5)
    studio = small()
    studio.start()
    studio.wait(3, timeout=60)
    studio.set(painting="hokusai_great_wave")
    studio.enlarge(64)
    studio.stop()  # most often before the first evaluation at the new size
    assert studio.pending == ["painting"], "the picture goes on with its own painting"
    place = studio.now.evaluations
    studio.resume()
    assert max(studio.wait(timeout=60).shape) == 64 and studio.now.evaluations >= place
    assert studio.now.settings.painting == "starry_night" and studio.state == "finished"
    studio.undo()
    assert studio.running is False and max(studio.image.shape) == 48
    studio.undo()
    assert studio.settings.painting == "starry_night"


def test_a_frame_of_the_run_can_be_made_large(small, monkeypatch):
    monkeypatch.setattr("studio.engine.NEXT_EVALUATIONS", 5)
    studio = small(evaluations=10)
    panel = Panel(studio)
    studio.run()
    frames = list(studio.frames)
    panel.frame.value = 4
    panel.buttons["enlarge"].click()
    assert "at 640 px, which is the photograph" in panel.message.value
    studio.wait(timeout=120)
    assert studio.frames[:5] == frames[:5] and studio.now.evaluations == 9
    assert [frame.size for frame in studio.frames] == [48] * 5 + [640] * 6
    panel.buttons["undo"].click()
    assert studio.frames == frames


def test_nothing_becomes_larger_than_the_photograph(small, monkeypatch, tmp_path):
    monkeypatch.setattr("studio.engine.NEXT_EVALUATIONS", 2)
    path = tmp_path / "mine.png"
    nst.save_image(nst.load_image("coffee", 80), path)
    studio = small(path, evaluations=2)
    panel = Panel(studio)
    assert panel.buttons["enlarge"].disabled
    with pytest.raises(ValueError, match="no picture yet"):
        studio.enlarge()
    studio.run()
    with pytest.raises(ValueError, match="size is 48, and the picture has 48 px"):
        studio.enlarge(48)
    panel.buttons["enlarge"].click()
    assert "at 80 px, which is the photograph" in panel.message.value
    assert max(studio.wait(timeout=60).shape) == studio.settings.size == 80
    frames = studio.frames
    panel.buttons["enlarge"].click()
    assert "the photograph has no more" in panel.message.value
    assert studio.frames is frames and studio.state == "finished"


def test_frames_of_several_sizes_are_thinned_by_their_bytes(small, monkeypatch):
    studio = small(evaluations=30)
    studio.run()
    most = 60 * studio.frames[0].pixels.numel()
    monkeypatch.setattr("studio.history.MOST_BYTES", most)
    studio.enlarge(96)
    studio.wait(timeout=60)
    sizes = [frame.size for frame in studio.frames]
    taken = sum(frame.pixels.numel() for frame in studio.frames)
    assert taken <= most or len(sizes) <= FEWEST_FRAMES + 1
    assert sizes == sorted(sizes) and set(sizes) == {48, 96}
    places = [(frame.evaluations, frame.size) for frame in studio.frames]
    assert places == sorted(set(places)) and places[0] == (0, 48)
    assert places[-1] == (studio.settings.evaluations, 96)


# ------------------------------------------------------------------------------ history


def test_the_history_is_bounded(small, monkeypatch):
    monkeypatch.setattr("studio.history.MOST_FRAMES", 30)
    studio = small(evaluations=100, method="adam")
    studio.run()
    steps = [frame.evaluations for frame in studio.frames]
    assert len(steps) <= 31 and steps[0] == 0 and steps[-1] == 100 and steps == sorted(set(steps))
    assert all(frame.pixels.dtype == torch.uint8 for frame in studio.frames)
    assert torch.equal(
        studio.frames[-1].image.mul(255).round(), studio.image.mul(255).round().cpu()
    )


def test_going_on_from_a_frame_and_back(small):
    studio = small(evaluations=20)
    studio.run()
    end, frames = studio.frames[-1], list(studio.frames)
    studio.set(evaluations=15)
    studio.resume(5)
    studio.wait(timeout=60)
    assert studio.now.evaluations == 15 and [f.evaluations for f in studio.frames] == list(
        range(16)
    )
    assert studio.frames[:6] == frames[:6]
    studio.undo()
    assert studio.frames == frames and studio.now is end
    studio.undo()
    assert studio.settings.evaluations == 20


def test_undo_while_it_runs_goes_on_from_before(small):
    studio = small()
    studio.start()
    studio.wait(5, timeout=60)
    style = studio.settings.weights.style
    studio.set(style=5000.0)
    studio.wait(studio.now.evaluations + 20, timeout=60)
    late = studio.now.evaluations
    studio.undo()
    assert (
        studio.running
        and studio.settings.weights.style == style
        and studio.frames[-1].evaluations < late
    )


def test_undo_brings_back_the_picture_that_start_replaced(small):
    studio = small(evaluations=5)
    studio.run()
    before = studio.frames[-1]
    studio.set(painting="kandinsky_composition_viii")
    studio.start()
    studio.wait(timeout=60)
    studio.undo(), studio.undo()
    assert studio.now is before and studio.settings.painting == "starry_night"
    studio.set(evaluations=8)
    studio.resume()
    studio.wait(timeout=60)
    assert studio.now.settings.painting == "starry_night" and studio.now.evaluations == 8, (
        "the scene is that of the picture"
    )


def test_png_gif_and_keep(small, outputs, capsys):
    studio = small(evaluations=10)
    with pytest.raises(ValueError, match="no picture yet"):
        studio.save_gif()
    studio.run()
    first, second = studio.save_png(), studio.save_png(frame=0)
    assert first.parent == outputs and first != second
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(nst.to_pil(studio.image)))
    assert np.array_equal(
        np.asarray(Image.open(second)), np.asarray(nst.to_pil(studio.frames[0].image))
    )
    with Image.open(studio.save_gif()) as gif:
        assert gif.n_frames == 11 and gif.size == (48, 32) and gif.info["loop"] == 0
    kept = studio.keep(3)
    studio.start()
    assert studio.kept == [kept] and kept.evaluations == 3


@pytest.mark.parametrize(("shrinks", "most"), [(True, 3_000_000), (False, 6_000_000)])
def test_a_gif_of_24_frames_at_256_px_is_small(small, monkeypatch, capsys, shrinks, most):
    if shrinks and shutil.which("gifsicle") is None:
        pytest.skip("the gifsicle program is not installed")
    if not shrinks:
        monkeypatch.setattr("style_transfer.gif.shutil.which", lambda name: None)
    studio = small(
        "coffee", size=256, evaluations=23, start="noise", style=1000.0
    )  # noise is what GIF compresses worst
    studio.run()
    path = studio.save_gif()
    with Image.open(path) as gif:
        assert (gif.n_frames, max(gif.size)) == (24, 256)
        gif.seek(23)
        last = np.asarray(gif.convert("RGB"), dtype=float)
    assert path.stat().st_size < most
    assert np.abs(last - np.asarray(nst.to_pil(studio.image), dtype=float)).mean() < 16, (
        "the colors are right"
    )


# ------------------------------------------------------------------------------ the panel


def test_every_setting_has_a_control_that_says_what_it_is(small):
    panel = Panel(small())
    assert set(panel.controls) == set(vars(Settings())) - {"weights", "layers"} | set(
        vars(nst.Weights())
    ) | set(nst.STYLE_LAYERS)
    for widget in [*panel.controls.values(), panel.split, panel.frame]:
        assert widget.description and getattr(widget, TOOLTIP)
    for button in panel.buttons.values():
        assert button.description and button.tooltip


def test_a_new_term_of_the_loss_needs_no_change_of_the_studio(small, monkeypatch):
    """A row in TERMS, a field in Weights and a distance are all that a new term takes."""

    @dataclass(frozen=True)
    class MoreWeights(nst.Weights):
        contrast: float = 0.0

    def more_distances(*arguments, **options):
        measure = distances(*arguments, **options)
        return lambda image: measure(image) | {"contrast": image.var()}

    distances = nst.distances
    monkeypatch.setattr(nst, "distances", more_distances)
    monkeypatch.setitem(
        TERMS, "contrast", Term("contrast", "how much even pictures count", "tab:red", (-2, 1))
    )
    studio = small(weights=MoreWeights(), evaluations=3)
    panel = Panel(studio)
    sliders = [
        widget.description
        for widget in panel.controls.values()
        if widget.description.endswith(" weight")
    ]
    assert sliders == [f"{term.name} weight" for term in TERMS.values()], (
        "one slider for each row of TERMS"
    )
    panel.controls["contrast"].value = 10.0
    assert studio.settings.weights.contrast == 10 and "contrast 10" in str(studio.settings)
    studio.run()
    assert studio.now.losses["contrast"] > 0 and "contrast" in panel.status.value
    studio.set(contrast=0)
    assert studio.settings.weights == MoreWeights()


def test_each_term_has_its_slider_its_number_and_its_curve(small):
    studio = small(evaluations=4, start="noise")  # noise has more grain than a painting
    panel = Panel(studio)
    for name, weight in vars(finished_weights()).items():
        assert panel.numbers[name].value == weight and panel.controls[name].description
    assert panel.controls["grain"].value == pytest.approx(1.0)
    studio.run()
    for name in ("content", "style", "tv", "grain"):
        assert f"{name} {studio.now.losses[name]:.3g}" in panel.status.value
    axis = Figure().subplots()
    draw_losses(axis, studio.frames)
    assert {"content", "style", "grain", "total"} == {line.get_label() for line in axis.lines}
    panel.controls["grain"].value = 10.0 ** panel.controls["grain"].min
    assert studio.settings.weights.grain == panel.numbers["grain"].value == 0


def test_the_box_beside_a_slider_says_what_the_weight_is(small):
    studio = small()
    panel = Panel(studio)
    assert (
        panel.numbers["tv"].value == 0
        and panel.numbers["style"].value == 400
        and panel.numbers["lr"].value == 1
    )
    assert not any(panel.controls[name].readout for name in panel.numbers), (
        "a slider's own readout would say 0.100 at its left end"
    )
    panel.controls["tv"].value = 5.0
    assert panel.numbers["tv"].value == studio.settings.weights.tv == 5
    panel.controls["tv"].value = 10.0 ** panel.controls["tv"].min
    assert panel.numbers["tv"].value == studio.settings.weights.tv == 0
    panel.controls["style"].value = 10**2.1
    assert panel.numbers["style"].value == studio.settings.weights.style == 125.9
    panel.numbers["style"].value = 1234567.0
    assert panel.numbers["style"].value == studio.settings.weights.style == 1234567
    panel.numbers["style"].value = 321.5
    assert studio.settings.weights.style == 321.5 and panel.controls[
        "style"
    ].value == pytest.approx(10**2.5)
    panel.numbers["style"].value = -1.0
    assert "style weight is -1.0" in panel.message.value and panel.numbers["style"].value == 321.5


def test_a_hand_on_the_panel(small, outputs):
    studio = small()
    panel = Panel(studio)
    assert '<img alt="the first look: the photograph, painted in one' in panel.preview.value
    panel.buttons["start"].click()
    studio.wait(5, timeout=60)
    panel.controls["style"].value = 1000.0
    panel.controls["relu5_1"].value = 0.5
    panel.controls["tv"].value = 5.0
    panel.controls["tv"].value = 10.0 ** panel.controls["tv"].min  # its left end
    assert (
        studio.settings.weights.style == 1000
        and studio.settings.layers["relu5_1"] == 0.5
        and studio.settings.weights.tv == 0
    )
    panel.buttons["pause"].click()
    assert (
        studio.state == "paused"
        and panel.buttons["pause"].description == "Resume"
        and "evaluations" in panel.status.value
    )
    assert "<svg" in panel.plot.value and 'aria-label="the losses' in panel.plot.value
    shown = panel.preview.value
    panel.frame.value = 1
    assert panel.preview.value != shown and "after 1 evaluations" in panel.preview.value
    panel.split.value = 50
    assert "covered by the photo" in panel.preview.value
    panel.buttons["png"].click()
    panel.buttons["gif"].click()
    assert len(list(outputs.iterdir())) == 2 and "Wrote" in panel.message.value
    panel.buttons["keep"].click()
    assert studio.kept[0].evaluations == 1 and panel.shelf.value.count("<img") == 1
    panel.buttons["pause"].click()
    assert studio.running and studio.frames[1].evaluations == 1
    panel.buttons["stop"].click()
    assert studio.state == "stopped" and panel.buttons["stop"].disabled


def test_sliders_follow_code_but_do_not_answer(small):
    studio = small()
    panel = Panel(studio)
    studio.set(style=321.0, size=96, photo="coffee", layers={"relu1_1": 0.7})
    assert (
        panel.controls["style"].value == pytest.approx(10**2.5)
        and panel.controls["size"].value == 96
    )
    assert panel.controls["photo"].value == "coffee" and panel.controls["relu1_1"].value == 0.7
    assert studio.settings.weights.style == 321, (
        "the slider shows its nearest notch, the setting is what was set"
    )
    panel.controls["style"].value = 10**2.5 + 1e-9  # the page rounds what it is given, and says so
    assert studio.settings.weights.style == 321
    studio.set(style=1e7)
    assert studio.settings.weights.style == 1e7, (
        "a slider at its end does not pull the setting back"
    )


def test_the_panel_says_what_is_wrong(small, monkeypatch):
    studio = small(evaluations=2)
    panel = Panel(studio)
    monkeypatch.setattr(Studio, "save_gif", lambda self: 1 / 0)
    panel.buttons["start"].click()
    studio.wait(timeout=60)
    panel.buttons["pause"].click()
    assert "raise evaluations" in panel.message.value
    panel.buttons["gif"].click()
    assert "division" in panel.message.value
    panel._choose, chosen = lambda name, path: studio.set(**{name: path}), "/no/such <file>.jpg"
    panel._try(panel._choose, "photo", chosen)
    panel.buttons["start"].click()
    with pytest.raises(FileNotFoundError):
        studio.wait(timeout=60)
    assert "FileNotFoundError" in panel.status.value and "<file>" not in panel.status.value


def hand_in(upload, name, content):
    """Puts a file into a FileUpload as the page does, in ipywidgets 8 and 7."""
    file = {
        "name": name,
        "type": "image/jpeg",
        "size": len(content),
        "last_modified": datetime.datetime.now(),
    }
    if hasattr(upload, "metadata"):
        upload.metadata, upload.data = [file], [content]
        upload._counter += 1
    else:
        upload.value = (file | {"content": memoryview(content)},)


def test_an_upload_and_a_path_become_the_photo(small, outputs):
    studio = small(evaluations=2)
    panel = Panel(studio)
    content = (nst.ASSETS / "coffee.jpg").read_bytes()
    first_row, second_row = panel._chooser("photo").children
    _, upload = first_row.children
    (path,) = second_row.children
    hand_in(upload, "../../mine.jpg", content)
    assert studio.settings.photo == str(outputs / "uploads" / "mine.jpg")
    path.value = "nowhere.jpg"
    assert "nowhere.jpg" in panel.message.value and studio.settings.photo.endswith("mine.jpg")
    studio.start()
    assert studio.wait(timeout=60) is not None


def test_another_picture_of_the_same_name_replaces_no_upload(small, outputs):
    studio = small()
    upload = Panel(studio)._chooser("photo").children[0].children[1]
    for name, expected in (("china", "mine.jpg"), ("coffee", "mine-2.jpg"), ("china", "mine.jpg")):
        hand_in(upload, "mine.jpg", (nst.ASSETS / f"{name}.jpg").read_bytes())
        assert studio.settings.photo == str(outputs / "uploads" / expected)


def test_a_mask_is_uploaded_and_marked_until_the_next_start(small, outputs):
    studio = small(second="hokusai_great_wave", blend=1.0, evaluations=2)
    panel = Panel(studio)
    plain = panel.preview.value
    path = outputs / "sky.png"
    upper_half(path)
    upload = panel._chooser("mask").children[0].children[1]
    hand_in(upload, "sky.png", path.read_bytes())
    assert studio.settings.mask == str(outputs / "uploads" / "sky.png")
    assert "the place of the second painting marked" in panel.preview.value
    assert panel.preview.value != plain and "the first look" in panel.preview.value
    white = panel.preview.value
    panel.controls["place"].value = "black"
    assert "marked" in panel.preview.value and panel.preview.value != white
    studio.run()
    assert "marked" not in panel.preview.value
    panel.controls["place"].value = "white"
    assert "marked" in panel.preview.value and studio.pending == ["place"]


def test_a_black_mask_is_reported(small, outputs):
    studio = small()
    panel = Panel(studio)
    Image.new("L", (60, 40)).save(outputs / "night.png")
    (path,) = panel._chooser("mask").children[1].children
    path.value = str(outputs / "night.png")
    assert "is black everywhere" in panel.message.value and studio.settings.mask == "none"


def test_an_upload_of_ipywidgets_7_is_read_too():
    new = ({"name": "a.jpg", "content": memoryview(b"1")},)
    old = {"a.jpg": {"metadata": {"name": "a.jpg"}, "content": b"1"}}
    assert uploaded(new) == uploaded(old) == [("a.jpg", b"1")]


def test_an_upload_that_is_no_picture_is_reported(small):
    studio = small()
    panel = Panel(studio)
    upload = panel._chooser("photo").children[0].children[1]
    hand_in(upload, "mine.jpg", b"none")
    assert "mine.jpg" in panel.message.value and studio.settings.photo == "china"


def test_the_status_names_the_picture_that_is_painted(small):
    studio = small(evaluations=3)
    panel = Panel(studio)
    studio.run()
    studio.set(photo="coffee", painting="hokusai_great_wave")
    assert "china + starry_night" in panel.status.value
    assert "waiting for Start: photo, painting" in panel.status.value
    studio.start()
    studio.wait(timeout=60)
    panel.refresh()
    assert "coffee + hokusai_great_wave" in panel.status.value


def test_layers_that_are_all_off_are_named(small):
    studio = small()
    studio.set(layers=dict.fromkeys(nst.STYLE_LAYERS, 0.0))
    assert "style 400 (relu1_1 0, relu2_1 0," in str(studio.settings)


def test_the_picture_has_one_box_for_every_shape(small):
    for height, width in ((20, 40), (40, 20)):
        shown = views.picture(torch.rand(1, 3, height, width), "a picture")
        assert f'style="width:100%;height:{views.PICTURE_HEIGHT}px;object-fit:contain"' in shown


def test_the_curve_has_no_line_over_evaluations_that_were_undone(small):
    studio = small(evaluations=40, method="adam")
    studio.run()
    studio.set(evaluations=25)
    studio.resume(10)
    studio.wait(timeout=60)
    axis = Figure().subplots()
    draw_losses(axis, studio.frames)
    total = next(line for line in axis.lines if line.get_label() == "total")
    places = total.get_xdata()
    assert list(places) == sorted(set(places)) and places[-1] == 25
    assert np.diff(places).max() <= studio.history.stride
    assert "#000000" not in views.curves(studio.frames), "black is the page's text color"


def test_costly_settings_are_folded_until_their_title_is_pressed(small):
    panel = Panel(small())
    title, body = panel._settings_column().children[-4].children
    assert title.description == "From the next Start on" and body.layout.display == "none"
    title.value = True
    assert body.layout.display == ""


def test_a_broken_panel_does_not_end_the_run(small):
    studio = small(evaluations=5)
    panel = Panel(studio)
    panel._show_run = lambda: 1 / 0
    studio.start()
    with pytest.raises(ZeroDivisionError):
        studio.wait(timeout=60)
    while studio.running:
        time.sleep(0.01)
    assert studio.now.evaluations == 5


def test_a_new_panel_takes_the_place_of_the_old(small):
    studio = small()
    old, new = Panel(studio), Panel(studio)
    shown = old.preview.value
    studio.start()
    studio.wait(5, timeout=60)
    studio.stop()
    assert old.preview.value == shown and new.preview.value != shown


# ------------------------------------------------------------------------------ the first look


def test_a_first_look_is_there_before_the_start_and_after_another_pair(small):
    studio = small()
    panel = Panel(studio)
    strength = panel.controls["strength"]
    first = panel.preview.value
    words = "the first look: the photograph, painted in one pass with strength"
    assert f"{words} 1" in first
    assert not strength.disabled and panel.buttons["png"].disabled

    panel.controls["painting"].value = "hokusai_great_wave"
    assert panel.preview.value != first and words in panel.preview.value
    wave = panel.preview.value
    strength.value = 0.5
    assert panel.preview.value != wave and f"{words} 0.5" in panel.preview.value
    assert studio.settings.strength == 0.5
    panel.split.value = 30
    assert "its left 30 % covered by the photo" in panel.preview.value

    panel.buttons["start"].click()
    studio.wait(2, timeout=60)
    panel.refresh()
    assert strength.disabled, "the run has begun"
    panel.buttons["stop"].click()
    assert "the first look" not in panel.preview.value and not panel.buttons["png"].disabled
    for name, other in (("painting", "starry_night"), ("strength", 1.0), ("start", "noise")):
        before = panel.controls[name].value
        panel.controls[name].value = other
        assert "the first look" in panel.preview.value and panel.buttons["png"].disabled
        assert "Start begins from the picture shown" in panel.status.value
        panel.controls[name].value = before
        assert "the first look" not in panel.preview.value
        assert "Start begins from" not in panel.status.value


def test_start_goes_on_from_the_picture_that_is_shown(small, outputs):
    """Whatever it is made of: the frame of evaluation 0 has the pixels of the first look."""
    sky = upper_half(outputs / "sky.png")
    placed = {"second": "hokusai_great_wave", "blend": 0.8, "mask": sky}
    for settings in (
        {},
        {"strength": 0.4},
        {"start": "recolored"},
        {"start": "noise", "seed": 5},
        {"second": "hokusai_great_wave", "blend": 0.7},
        placed | {"style_scale": 2.0},
        {"network": "random", "strength": 0.7},
        {"size": 40},  # 27 pixels high, which is too small for one pass
    ):
        studio = small(**{"evaluations": 1} | settings)
        panel = Panel(studio)
        shown = first_look(studio.settings)
        studio.run()
        begun = studio.frames[0]
        assert begun.evaluations == 0
        assert torch.equal(begun.image, from_bytes(to_bytes(shown))), settings
        for name, value in settings.items():
            assert getattr(begun.settings, name) == value, "the frame says what it was made with"
        assert "the first look" not in panel.preview.value


def test_a_strength_of_0_and_of_1_are_two_pictures(small):
    looks = [first_look(small(strength=strength).settings) for strength in (0, 0.5, 1)]
    photo = nst.load_image("china", 48)
    distances = [(look - photo).abs().mean().item() for look in looks]
    assert distances == sorted(distances) and distances[2] > 1.2 * distances[0]
    assert "from one_pass of strength 0.5" in str(small(strength=0.5).settings)


def test_a_first_look_has_256_pixels_at_most_and_the_panel_says_so(small):
    studio = small(size=320)
    panel = Panel(studio)
    assert max(first_look(studio.settings).shape) == 256
    assert "made again at 320 px" in panel.status.value
    studio.set(size=256)
    assert "made again" not in panel.status.value


def test_a_first_look_is_made_once_for_the_same_settings(small, monkeypatch):
    made = []

    def counted(settings):
        made.append(settings.beginning)
        return first_look(settings)

    monkeypatch.setattr("studio.panel.first_look", counted)
    panel = Panel(small())
    panel.controls["style"].value = 1000.0
    panel.split.value = 20
    assert len(made) == 1
    panel.controls["style_scale"].value = 2.0
    assert len(made) == 2


def test_a_picture_that_cannot_be_read_is_reported_and_the_last_one_stays(small):
    studio = small()
    panel = Panel(studio)
    shown = panel.preview.value
    studio.set(photo="/no/such/picture.jpg")
    assert "picture.jpg" in panel.message.value and panel.preview.value == shown
    assert studio.error is None
    panel.controls["photo"].value = "coffee"
    assert panel.message.value == "" and panel.preview.value != shown


def test_a_new_blend_computes_no_new_gram_matrices(small, monkeypatch):
    studio = small(second="hokusai_great_wave", evaluations=2)
    studio.run()
    monkeypatch.setattr("style_transfer.losses.fast_gram_matrix", lambda features: 1 / 0)
    studio._scene.aim(0.9)
    assert studio._scene.blend == 0.9


def test_a_studio_that_runs_is_not_run_again_and_waiting_has_an_end(small):
    studio = small(evaluations=ENDLESS)
    assert np.isnan(studio.seconds_left)
    studio.undo()  # there is nothing to take back
    assert studio.state == "new"
    studio.start()
    studio.wait(1, timeout=60)
    with pytest.raises(RuntimeError, match=r"running in the background; call stop\(\) first"):
        studio.run()
    with pytest.raises(TimeoutError, match=r"still running after 0\.2 s"):
        studio.wait(timeout=0.2)
    assert studio.running
    studio.stop()
    assert studio.state == "stopped"


def test_an_undo_while_a_studio_runs_goes_on_from_there(small):
    studio = small(evaluations=ENDLESS)
    studio.start()
    studio.wait(2, timeout=60)
    studio.set(style=7)
    studio.undo()
    assert studio.running and studio.settings.weights.style != 7
    before = studio.now.evaluations
    studio.wait(before + 2, timeout=60)
    studio.stop()
