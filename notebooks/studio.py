"""The studio of lesson 09: a style transfer that you steer while it runs.

`Studio` is the engine. It knows no widgets: settings go in, a picture comes out, in the background (`start`, `pause`, `go_on`,
`stop`) or in the calling thread (`run`). `studio_panel.py` puts sliders and a live picture on it.

The background is a daemon thread. What it shares with the notebook is replaced whole and never changed in place: `settings`
by the notebook, `now` and `frames` by the thread that runs. So neither waits for the other, and neither sees half a change.
"""

import sys
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

import helpers as nst
import plumbing

ROOT = Path(nst.__file__).resolve().parent
OUTPUTS = ROOT / "outputs"
BUNDLED = tuple(sorted(path.stem for path in (ROOT / "assets").glob("*.jpg")))
STARTS = ("recolored", "content", "noise", "style")
LR = {"adam": 0.03, "lbfgs": 1.0}

MOST_FRAMES, HISTORY_BYTES = 120, 64 * 2**20  # of one run; beyond either, every second frame goes
ROUND = 4  # L-BFGS may forget once in so many evaluations: its first move after that is tiny, and a drag would freeze it
ENDLESS = 10**9


# ------------------------------------------------------------------------------------------------ settings and frames


@dataclass(frozen=True)
class Settings:
    """All that can be set. What COSTLY names takes effect at the next start, everything else at the next evaluation."""

    photo: str = "china"  # the name of a bundled picture, or the path of a file
    painting: str = "starry_night"
    content: float = nst.Weights().content
    style: float = nst.Weights().style
    tv: float = nst.Weights().tv
    layers: dict[str, float] = field(default_factory=lambda: dict.fromkeys(nst.STYLE_LAYERS, 1 / len(nst.STYLE_LAYERS)))
    method: str = "lbfgs"
    lr: float | None = None  # None becomes what suits the method
    steps: int = 400
    size: int = 192
    network: str = "pocket"
    pooling: str = "max"
    start: str = "recolored"
    seed: int = 0

    COSTLY = ("photo", "painting", "size", "network", "pooling", "start", "seed")

    def __post_init__(self):
        nst.Weights(self.content, self.style, self.tv)  # raises ValueError for what is no weight
        for weight in self.layers.values():
            nst.Weights(style=weight)
        if self.layers.keys() != set(nst.STYLE_LAYERS):
            raise ValueError(f"layers are {', '.join(self.layers)}; they are {', '.join(nst.STYLE_LAYERS)}, and 0 turns one off")
        plumbing.check_word("method", self.method, tuple(LR))
        plumbing.check_word("pooling", self.pooling, ("max", "average"))
        plumbing.check_word("start", self.start, STARTS)
        plumbing.check_count("steps", self.steps)
        plumbing.check_count("size", self.size)
        object.__setattr__(self, "lr", LR[self.method] if self.lr is None else self.lr)
        if not self.lr > 0:
            raise ValueError(f"lr is {self.lr}; it must be above 0, for instance {LR[self.method]:g} for {self.method}")

    @property
    def weights(self) -> tuple[float, ...]:
        """What the loss is weighed with."""
        return self.content, self.style, self.tv, *self.layers.values()

    @property
    def costly(self) -> dict:
        return {name: getattr(self, name) for name in self.COSTLY}

    def __str__(self):
        uneven = len(set(self.layers.values())) > 1
        layers = " (" + ", ".join(f"{name} {weight:g}" for name, weight in self.layers.items()) + ")" if uneven else ""
        return (f"{Path(self.photo).stem} + {Path(self.painting).stem}, content {self.content:.5g}, style {self.style:.5g}"
                f"{layers}, tv {self.tv:.5g}, {self.method} {self.lr:.5g}, {self.network}, {self.pooling} pooling, "
                f"{self.size} px, from {self.start}")


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of a run, what it cost, and the settings that made it. `nst.plot_losses` and `nst.pick_frames` take it."""

    step: int
    evaluations: int
    pixels: Tensor  # floats in [0, 1] for the current picture; bytes on the CPU in the history
    losses: dict[str, float]
    settings: Settings

    @property
    def image(self) -> Tensor:
        return self.pixels if self.pixels.is_floating_point() else self.pixels.float() / 255

    @property
    def loss(self) -> float:
        return sum(self.losses.values())

    def packed(self) -> "Frame":
        """The same in a quarter of the memory: one byte a number, as a PNG would hold it."""
        return replace(self, pixels=(self.pixels * 255).round().byte().cpu()) if self.pixels.is_floating_point() else self


# ------------------------------------------------------------------------------------------------ the scene


class Scene:
    """What takes time to prepare and stays as it is during a run: the two pictures, and what the network sees in them."""

    def __init__(self, settings: Settings, vgg: nst.VGG19):
        self.settings, self.vgg = settings, vgg
        self.photo = read(settings.photo, settings.size).to(vgg.mean.device)
        self.painting = read(settings.painting, settings.size).to(vgg.mean.device)
        with torch.no_grad():
            self.target = vgg(self.photo, nst.CONTENT_LAYER)[nst.CONTENT_LAYER]
            self.grams = {name: nst.gram_matrix(f) for name, f in vgg(self.painting, nst.STYLE_LAYERS).items()}

    def losses(self, image: Tensor, dials: Settings) -> dict[str, Tensor]:
        """The three terms of `nst.transfer`, with weights that may differ at each call."""
        features = self.vgg(image, {nst.CONTENT_LAYER, *nst.STYLE_LAYERS})
        grams = {name: nst.gram_matrix(features[name]) for name in nst.STYLE_LAYERS}
        return {"content": dials.content * nst.content_loss(features[nst.CONTENT_LAYER], self.target),
                "style": dials.style * nst.style_loss(grams, self.grams, dials.layers),
                "tv": dials.tv * nst.tv_loss(image)}

    def first_image(self) -> Tensor:
        match self.settings.start:
            case "recolored":
                return nst.recolor(self.photo, like=self.painting)
            case "noise":  # a generator of its own, because the global one belongs to everybody
                return nst.noise_like(self.photo, torch.Generator().manual_seed(self.settings.seed))
            case "style":
                return nst.resize(self.painting, tuple(self.photo.shape[-2:]))
        return self.photo


def read(name: str, size: int) -> Tensor:
    """A bundled picture by its name, or any other by its path."""
    return nst.load_image(ROOT / "assets" / f"{name}.jpg" if name in BUNDLED else name, size)


# ------------------------------------------------------------------------------------------------ the engine


class Halt(Exception):
    """Raised inside an evaluation to end it at once."""


class Worker(threading.Thread):
    """One stretch of a run: `rest` ends it after the evaluation it is at, `halt` within it."""

    def __init__(self, work):
        super().__init__(name="studio", daemon=True)
        self.work, self.rest, self.halt, self.error = work, threading.Event(), threading.Event(), None

    def run(self):
        self.work(self)


class Studio:
    """One picture in the making. `Studio("china", "hokusai_great_wave", size=256)`, then `start()`, or `panel()` for sliders.

    `set(style=300)` acts while it runs. `now` is the current Frame and `image` its picture; `frames` is the run so far, `kept`
    what `keep()` put aside; `state` is new, running, paused, stopped, finished or failed, and then `error` says why.
    """

    def __init__(self, photo="china", painting="starry_night", **settings):
        self.settings = Settings(str(photo), str(painting), **settings)
        self.now: Frame | None = None
        self.frames: list[Frame] = []
        self.kept: list[Frame] = []
        self.state, self.error, self.evaluations = "new", None, 0
        self.listener = None  # called after each change, without arguments, in the thread that made the change
        self._scene = self._moves = self._worker = None
        self._stride, self._lowest, self._ticks = 1, float("inf"), deque(maxlen=20)
        self._past, self._touched = deque(maxlen=5), ((), 0.0)
        _stop_predecessors(self)

    # ---------------------------------------------------------------- what there is to see

    @property
    def image(self) -> Tensor | None:
        """The current picture, (1, 3, H, W) in [0, 1]; None before the first."""
        return None if self.now is None else self.now.image

    @property
    def photo(self) -> Tensor:
        return read(self.settings.photo, self.settings.size) if self._scene is None else self._scene.photo

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def pending(self) -> list[str]:
        """Names of the costly settings that differ from the current picture's: they wait for a start."""
        then = self.now.settings if self.now else self.settings
        return [name for name, value in self.settings.costly.items() if value != getattr(then, name)]

    @property
    def rate(self) -> float:
        """Evaluations a second, of late."""
        ticks = list(self._ticks)
        return (len(ticks) - 1) / (ticks[-1] - ticks[0]) if len(ticks) > 1 else 0.0

    @property
    def seconds_left(self) -> float:
        return (self.settings.steps - self.now.step) / self.rate if self.now and self.rate else float("nan")

    @property
    def warning(self) -> str:
        """A sentence where the loss is more than twice its lowest since a setting last moved; else nothing."""
        if self.now is None or self.now.loss <= 2 * self._lowest:
            return ""
        return f"the loss has grown to {self.now.loss / self._lowest:.1f} times its lowest: lower the learning rate, or go back"

    # ---------------------------------------------------------------- steering

    def set(self, **changes) -> None:
        """Changes settings; `layers` may name some of them only. Raises ValueError for a value out of range."""
        if "layers" in changes:
            changes["layers"] = self.settings.layers | changes["layers"]
        if changes.get("method", self.settings.method) != self.settings.method:
            changes.setdefault("lr", None)
        settings = replace(self.settings, **changes)
        if settings != self.settings:
            (names, when), now = self._touched, time.monotonic()
            if names != tuple(changes) or now - when > 2:  # a slider on its way is one change, not twenty
                self._remember()
            self._touched, self.settings = (tuple(changes), now), settings
        self._tell()

    def start(self) -> None:
        """A new run in the background, from the start picture and with all settings as they are now."""
        self.stop()
        self._renew()
        self._launch().start()

    def pause(self) -> None:
        """Rests after the current evaluation; `go_on` continues as if nothing had been, L-BFGS's memory included."""
        self._signal("rest", patience=5)

    def stop(self) -> None:
        """Ends the run at once, in the middle of an evaluation if need be. The picture and its frames stay."""
        if not self._signal("halt", patience=0.8):  # it loads a network, for one; it will notice, and by then no one listens
            self._worker = self._scene = None
        self._moves = None
        if self.state in ("running", "paused"):
            self.state = "stopped"
        self._tell()

    def go_on(self, frame: int | None = None) -> None:
        """Continues in the background from the current picture, or from that place in `frames`; `undo` takes it back."""
        if self.running:
            return
        if frame is not None:
            self._remember()
            self._go_back(self.frames[: range(len(self.frames))[frame] + 1])
        if self.now and self.now.step >= self.settings.steps:
            raise ValueError(f"all {self.settings.steps} steps are done; raise steps to go further")
        self._launch().start()

    def run(self) -> Tensor:
        """The same loop in the calling thread, to its end or until you interrupt the kernel: for hosted notebooks and scripts.

        It continues after a pause or an interrupt, and begins anew otherwise. Returns the picture; raises what went wrong.
        """
        if self.running:
            raise RuntimeError("it runs in the background already; stop() it first")
        if self.state != "paused":
            self._renew()
        listener, self.listener = self.listener, self.listener or _live_picture(self)
        try:
            self._launch().run()
        finally:
            self.listener = listener
        return self.wait()

    def wait(self, step: int | None = None, *, timeout: float = 600) -> Tensor | None:
        """Waits until the run is at a step, or has ended, and returns the picture. Raises what went wrong, or TimeoutError."""
        deadline = time.monotonic() + timeout
        while self.running and (step is None or self.now is None or self.now.step < step):
            if time.monotonic() > deadline:
                raise TimeoutError(f"it is still running after {timeout:g} s")
            time.sleep(0.01)
        if self.error is not None:
            raise self.error
        return self.image

    def undo(self) -> None:
        """Takes back the last change of settings, start or going back: settings and picture are as they were before it."""
        if self._past:
            running = self.running
            self.stop()
            self.settings, frames = self._past.pop()
            self._touched = (), 0.0
            self._go_back(frames)
            if running:
                self._launch().start()
        self._tell()

    def keep(self, frame: int = -1) -> Frame:
        """Puts a frame of the run aside, in `kept`, where no later run touches it."""
        self.kept.append(self._frame(frame).packed())
        self._tell()
        return self.kept[-1]

    def save_png(self, path=None, frame: int = -1) -> Path:
        """Writes a frame of the run; without a path, under a new name in outputs/. Returns the path."""
        picture = self._frame(frame)
        path = Path(path or _new_name(picture.settings, ".png"))
        nst.save_image(picture.image, path)
        return path

    def save_gif(self, path=None, *, count: int = 24, size: int = 256) -> Path:
        """Writes the run so far as a GIF of at most `count` frames, of at most `size` pixels. Returns the path."""
        path = Path(path or _new_name(self._frame(-1).settings, ".gif"))
        images = nst.pick_frames(self._all_frames(), count)
        nst.save_gif([image if max(image.shape) <= size else nst.resize(image, size) for image in images], path)
        return path

    def panel(self):
        """Sliders, buttons and a live picture for this studio: a widget, to be the last line of a cell."""
        from studio_panel import Panel

        return Panel(self)

    # ---------------------------------------------------------------- the loop

    def _work(self, worker: Worker) -> None:
        state = "finished"
        try:
            self._prepare(worker)
            while self.now is None or self.now.step < self.settings.steps:
                if worker.rest.is_set():
                    state = "paused"
                    break
                self._step(worker)
        except Halt:
            state = "stopped"
        except KeyboardInterrupt:
            state = "paused"
        except Exception as error:
            state, worker.error = "failed", error
        if worker is self._worker:  # else stop() has given it up
            self.error, self.frames = self.error or worker.error, self._all_frames()
            self.state = state
            self._tell()

    def _prepare(self, worker: Worker) -> None:
        """Sets the scene of the current picture, or of the settings where there is none yet, unless it stands already."""
        wanted, scene = (self.now or self).settings, self._scene
        if scene is not None and scene.settings.costly == wanted.costly:
            return
        if scene is not None and (scene.settings.network, scene.settings.pooling) == (wanted.network, wanted.pooling):
            vgg = scene.vgg
        else:
            vgg = nst.VGG19(wanted.network, pooling=wanted.pooling).to(nst.device())
            for layer in vgg.features:  # after each layer, forward and backward, a stop may end the evaluation
                layer.register_forward_hook(self._checkpoint)
        scene = Scene(wanted, vgg)
        if worker.halt.is_set():  # that took a while
            raise Halt
        self._scene = scene

    def _checkpoint(self, layer, inputs, output) -> None:
        self._check()
        if output.requires_grad:
            output.register_hook(lambda gradient: self._check())

    def _check(self) -> None:
        if (worker := self._worker) is not None and worker.halt.is_set():
            raise Halt

    def _objective(self, image: Tensor) -> dict[str, Tensor]:
        self.evaluations += 1
        return self._scene.losses(image, self._dials)

    def _step(self, worker: Worker) -> None:
        """One evaluation, with the settings as they are now, and the picture that it saw."""
        wanted = self.settings
        if self._moves is None or (wanted.method, wanted.lr) != (self._dials.method, self._dials.lr):
            self._begin(wanted)
        elif wanted.weights != self._dials.weights:
            if wanted.method == "adam":  # its memory is a running average, and adapts
                self._dials, self._lowest = wanted, float("inf")
            elif self.now.step - self._base >= ROUND - 1:  # L-BFGS remembers another loss: forget, go on from this picture
                self._begin(wanted)
        moves, self._moves = self._moves, None  # what raises inside an optimizer ends it
        step = next(moves)
        if worker.halt.is_set():
            raise Halt
        self._moves = moves
        settings = replace(self._dials, steps=wanted.steps, **self._scene.settings.costly)
        self.now = Frame(self._base + step.evaluations, self.evaluations, step.image, step.losses, settings)
        self._lowest = min(self._lowest, step.loss)
        self._ticks.append(time.perf_counter())
        if not self.frames or self.now.step - self.frames[-1].step >= self._stride:
            self.frames = self._thinned(self._all_frames())
        self._tell()

    def _begin(self, wanted: Settings) -> None:
        """Hands the current picture to a new optimizer, which knows nothing of what was."""
        image = self._scene.first_image() if self.now is None else self.image.to(self._scene.photo.device)
        self._base, self._dials, self._lowest = self.now.step if self.now else 0, wanted, float("inf")
        self._moves = nst.optimize(image, self._objective, steps=ENDLESS, method=wanted.method, lr=wanted.lr, every=1)

    def _thinned(self, frames: list[Frame]) -> list[Frame]:
        """At most as many frames as memory is meant for; where there are more, every second goes, and later ones come rarer."""
        if len(frames) <= max(24, min(MOST_FRAMES, HISTORY_BYTES // frames[0].pixels.numel())):
            return frames
        self._stride *= 2
        return frames[::2]

    # ---------------------------------------------------------------- small print

    def _launch(self) -> Worker:
        self._worker, self.state, self.error = Worker(self._work), "running", None
        self._ticks.clear()
        self._tell()
        return self._worker

    def _signal(self, what: str, patience: float) -> bool:
        """Asks the worker to rest or to halt; whether it has ended."""
        worker = self._worker
        if worker is None or not self.running:
            return True
        getattr(worker, what).set()
        if worker.is_alive() and worker is not threading.current_thread():
            worker.join(patience)
        return not worker.is_alive()

    def _renew(self) -> None:
        self._remember()
        self._go_back([])
        self._stride, self.evaluations, self._touched = 1, 0, ((), 0.0)

    def _go_back(self, frames: list[Frame]) -> None:
        self.frames, self.now, self._moves = frames, frames[-1] if frames else None, None
        self.state = "paused" if frames else "new"

    def _remember(self) -> None:
        """Puts settings and frames where undo finds them."""
        if self.now is not None:
            self._past.append((self.settings, self._all_frames()))

    def _all_frames(self) -> list[Frame]:
        """The history with the current picture at its end."""
        new = self.now is not None and (not self.frames or self.frames[-1].step < self.now.step)
        return [*self.frames, self.now.packed()] if new else self.frames

    def _frame(self, index: int) -> Frame:
        if self.now is None:
            raise ValueError("there is no picture yet; start() first")
        return self.now if index == -1 else self.frames[index]

    def _tell(self) -> None:
        if self.listener is not None:
            try:
                self.listener()
            except Exception as error:  # what shows a run must not end it
                self.error = error


def _new_name(settings: Settings, suffix: str) -> Path:
    stem = f"{Path(settings.photo).stem}-{Path(settings.painting).stem}"
    return next(path for number in range(1, 10**6) if not (path := OUTPUTS / f"{stem}-{number}{suffix}").exists())


def _live_picture(studio: Studio):
    """What `run` shows where there is no panel: one picture under the cell, which changes."""
    live, last = plumbing.LivePicture(), 0.0

    def show():
        nonlocal last
        if studio.now and (time.monotonic() - last > 0.3 or not studio.running):
            last = time.monotonic()
            live.show(nst.to_pil(studio.image), f"the picture after {studio.now.step} steps: {studio.now.settings}")

    return show


# ------------------------------------------------------------------------------------------------ one cell, one studio

_STUDIOS: "weakref.WeakSet[Studio]" = weakref.WeakSet()


def _cell() -> tuple[str | None, int]:
    """The id of the notebook cell that is being executed, where there is one, and its execution count."""
    if not plumbing.in_notebook():
        return None, 0
    shell = sys.modules["IPython"].get_ipython()
    return shell.get_parent().get("metadata", {}).get("cellId"), shell.execution_count


def _stop_predecessors(studio: Studio) -> None:
    """A cell that is run again stops what it made before; two studios of one execution, or of two cells, both live."""
    studio._cell = cell, count = _cell()
    for other in list(_STUDIOS):
        if cell is not None and other._cell[0] == cell and other._cell[1] != count:
            other.stop()
    _STUDIOS.add(studio)
