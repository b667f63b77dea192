"""The studio's engine: a run of style transfer in a thread, with settings that may change.

A `Studio` has no widgets. Settings go in and pictures come out, in the background (`start`,
`pause`, `resume`, `stop`) or in the calling thread (`run`). `panel.py` adds sliders to it.

The background is a daemon thread. What it shares with the notebook is replaced whole and never
changed in place: `settings` by the notebook, `now` and `frames` by the thread. So no lock is
needed, because each side always reads a complete object.
"""

import atexit
import itertools
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

import helpers as nst
from studio.history import Frame, History
from studio.pictures import Styles, first_image
from studio.settings import IN_ONE_PASS, Settings
from style_transfer.display import LivePicture, in_notebook
from style_transfer.forecast import Forecast
from style_transfer.settings import NEXT_EVALUATIONS, OUTPUTS, START, Stage, check_count
from style_transfer.steps import FIRST_MOVE
from style_transfer.terminal import is_out_of_memory

# A new weight resets L-BFGS at most once per so many evaluations. A snapshot is taken before the
# step that its evaluation allows, so a reset at each of them would freeze the picture. After a
# reset, the first step is a guess, and the pair that it gives makes the next steps good. While a
# slider is dragged, the loss is lower with 4 evaluations per reset than with 2, by a tenth to a
# third, and 6 are no better.
RESET_INTERVAL = 4

# How far the first step after a reset moves a value, on average. The step of a new picture is ten
# times as long, and it would more than double the loss of a picture that is nearly finished.
RESTART_MOVE = 0.001

FORECAST_EVALUATIONS = 100  # a scene's forecast is for so many; any other number is scaled from it
ENDLESS = 10**9  # evaluations for an optimizer; the studio itself decides when a run ends
PAUSE_PATIENCE = 5.0  # seconds to wait until the current evaluation has ended
STOP_PATIENCE = 0.8  # seconds to wait until the thread has ended, before it is abandoned
EXIT_PATIENCE = 10.0  # seconds to wait at the end of the program until a thread has ended
LIVE_INTERVAL = 0.3  # seconds between two pictures that `run` shows


# ------------------------------------------------------------------------------ a scene


class Scene:
    """What takes time to prepare and does not change during a run: pictures, network, targets."""

    def __init__(self, settings: Settings, vgg: nst.VGG19):
        self.settings = settings
        self.vgg = vgg
        self.photo = nst.load_image(settings.photo, settings.size)
        self.styles = Styles(settings, self.photo)
        self.layers = tuple(settings.layers)
        self.kept = {}  # the paintings' Gram matrices, so that another blend only mixes them anew
        self.aim(settings.blend)
        part = Stage(max(self.photo.shape[-2:]), FORECAST_EVALUATIONS)
        self._forecast = nst.forecast(
            vgg, self.photo, self.styles.of(settings.blend), stages=(part,), layers=self.layers
        )

    def aim(self, blend: float) -> None:
        """Computes the targets, with a share of the second painting.

        `measure` then gives the distances of an image from them. They have no weights, so weights
        may differ from one evaluation to the next.
        """
        self.blend = blend
        styles = self.styles.of(blend)
        self.measure = nst.distances(self.vgg, self.photo, styles, self.layers, kept=self.kept)

    def forecast(self, evaluations: int) -> Forecast:
        """What so many evaluations will take. Three of them were timed when the scene was made."""
        share = evaluations / FORECAST_EVALUATIONS
        return replace(self._forecast, seconds=share * self._forecast.seconds)

    def first_image(self, blend: float | None = None, **changes) -> Tensor:
        """The picture before the first evaluation; `blend` None is that of the scene.

        `changes` are settings that differ from the scene's.
        """
        blend = self.settings.blend if blend is None else blend
        settings = self.settings.changed(**changes)
        return first_image(settings, self.photo, self.styles.of(blend))

    def before_painting(self, blend: float) -> Tensor:
        """What a picture that is enlarged takes its fine detail from, at the scene's size.

        It is the picture before the first evaluation. One pass paints fine detail of its own, so
        the usual start, the recolored photograph, stands in for it.
        """
        if self.settings.start == IN_ONE_PASS:
            return self.first_image(blend, start=START)
        return self.first_image(blend)


# ------------------------------------------------------------------------------ the thread


class Stopped(Exception):
    """Raised inside an evaluation to end it at once."""


class Worker(threading.Thread):
    """The thread of one stretch of a run. Each pause, stop or end finishes it."""

    def __init__(self, work: Callable[["Worker"], None]):
        # A daemon does not keep Python alive when the notebook is closed.
        super().__init__(name="studio", daemon=True)
        self.work = work
        self.pause = threading.Event()  # set: end after the current evaluation
        self.stop = threading.Event()  # set: end in the middle of it

    def run(self):
        self.work(self)


# ------------------------------------------------------------------------------ the studio


class Studio:
    """A picture that is being made: `Studio("china", "hokusai_great_wave", size=256)`.

    `start()` runs it in the background, and `set(style=300)` acts while it runs. `now` is the
    current Frame and `image` its picture, `frames` is the run so far, and `kept` holds the frames
    that `keep()` put aside. `state` is new, running, paused, stopped, finished or failed; after
    a failure, `error` holds the exception.
    """

    def __init__(self, photo="china", painting="starry_night", **settings):
        self.settings = Settings().changed(photo=photo, painting=painting, **settings)
        self.history = History()
        self.kept: list[Frame] = []
        self.state = "new"
        self.error: Exception | None = None
        self.forecast: Forecast | None = None  # of the last stretch, made when it began
        self.spent = 0  # evaluations computed since the last start, undone ones included
        # Called after each change, without arguments, in the thread that made the change.
        self.listener: Callable[[], None] | None = None

        self._scene: Scene | None = None  # pictures, network and targets in use
        self._larger: int | None = None  # the size at which the current picture goes on
        self._worker: Worker | None = None  # the thread of the last stretch
        self._optimizer: Iterator[nst.Snapshot] | None = None  # None: a new one is needed
        self._in_use = self.settings  # the settings of the last evaluation
        self._base_evaluations = 0  # the place in the run where the optimizer began
        self._base_seconds = 0.0  # the seconds of the run before the optimizer began
        self._lowest = float("inf")  # the lowest loss since a setting last changed
        self._end_times = deque(maxlen=20)  # the times at which the last evaluations ended
        self._cell = _current_cell()  # the notebook cell that made this studio
        _stop_predecessors(self)

    # -------------------------------------------------------------- what there is to see

    @property
    def now(self) -> Frame | None:
        """The current frame; None before the first evaluation."""
        return self.history.now

    @property
    def frames(self) -> list[Frame]:
        """The run so far, thinned."""
        return self.history.frames

    @property
    def image(self) -> Tensor | None:
        """The current picture, (1, 3, H, W) in [0, 1]; None before the first evaluation."""
        return None if self.now is None else self.now.image

    @property
    def photo(self) -> Tensor:
        """The photograph at the size of the picture."""
        scene = self._scene
        if self.now is not None:
            made = self.now.settings
        else:
            made = self.settings if scene is None else scene.settings
        if scene is not None and scene.settings.costly == made.costly:
            return scene.photo
        return nst.load_image(made.photo, made.size)

    @property
    def precision(self) -> str:
        """The numbers in which the network computes: "bfloat16" or "float32"."""
        if self._scene is None:
            return nst.native_precision(nst.device())
        return self._scene.vgg.precision

    @property
    def running(self) -> bool:
        """Whether an evaluation is being computed, in the background or in the calling thread."""
        return self.state == "running"

    @property
    def pending(self) -> list[str]:
        """Names of the settings that differ from the current picture's and wait for a start."""
        made_with = self._wanted().costly
        return [name for name, value in self.settings.costly.items() if value != made_with[name]]

    @property
    def looks_first(self) -> bool:
        """Whether there is something new to begin from, and nothing runs: the panel shows it."""
        if self.now is None:
            return True
        return not self.running and bool({*Settings.BEGINNING} & {*self.pending})

    @property
    def rate(self) -> float:
        """Evaluations per second, over the last few; 0 if that is not known yet."""
        times = list(self._end_times)
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])

    @property
    def seconds_left(self) -> float:
        """Seconds until the end of the run at the current rate; NaN if that is not known yet."""
        if self.now is None or self.rate == 0:
            return float("nan")
        return (self.settings.evaluations - self.now.evaluations) / self.rate

    @property
    def warning(self) -> str:
        """A sentence if the loss is more than twice its lowest since a setting last changed."""
        if self.now is None or self.now.loss <= 2 * self._lowest:
            return ""
        growth = self.now.loss / self._lowest
        return (
            f"the loss has grown to {growth:.1f} times its lowest: lower the learning rate, "
            "or go back"
        )

    # -------------------------------------------------------------- steering

    def set(self, **changes) -> None:
        """Changes settings: `set(style=300, tv=2, relu1_1=0.5, layers={"relu5_1": 0})`.

        Terms of the loss and style layers have names of their own. `layers` may leave layers out.
        Raises: ValueError for a value out of range; TypeError for an unknown name.
        """
        settings = self.settings.changed(**changes)
        if settings != self.settings:
            self.history.remember_change(tuple(changes), self.settings)
            self.settings = settings
        self._notify()

    def start(self) -> None:
        """Begins a new run in the background, with all settings as they are now."""
        self.stop()
        self._begin_run()
        self._new_worker().start()

    def pause(self) -> None:
        """Pauses after the current evaluation; `resume` continues exactly from there."""
        if self._worker is not None and self.running:
            self._worker.pause.set()
            self._wait_for_worker(PAUSE_PATIENCE)

    def stop(self) -> None:
        """Ends the run at once, in the middle of an evaluation. The picture and its frames stay."""
        if self._worker is not None and self.running:
            self._worker.stop.set()
            if not self._wait_for_worker(STOP_PATIENCE):
                # The thread may be busy loading a network. Abandon it: it ends by itself, and
                # nothing that it still computes is used.
                self._worker = None
                self._scene = None
        self._optimizer = None
        if self.state in ("running", "paused"):
            self.state = "stopped"
        self._notify()

    def resume(self, frame: int | None = None) -> None:
        """Continues in the background from the current picture, or from an index in `frames`.

        Later frames are dropped then, and `undo` brings them back.
        Raises: ValueError if the run has all its evaluations; IndexError for a wrong index.
        """
        if self.running:
            return
        if frame is not None:
            frames = self.history.up_to(frame)
            self.history.remember(self.settings)
            self._go_back(frames)
        if self.now is not None and self.now.evaluations >= self.settings.evaluations:
            raise ValueError(
                f"all {self.settings.evaluations} evaluations are done; raise evaluations to go on"
            )
        self._new_worker().start()

    def enlarge(self, size: int = 1024, frame: int = -1) -> str:
        """Makes the current picture large, and goes on from it in the background.

        The pictures are loaded at the new size, and the run gets `NEXT_EVALUATIONS` more
        evaluations. Nothing becomes larger than the photograph's own size. `frame` is an index in
        `frames`; -1 is the current picture. Returns a sentence that says what happens, and `undo`
        takes it back. Raises: ValueError if there is no picture yet, or if it has this size
        already; IndexError for a wrong index.
        """
        check_count("size", size)
        reached = _reachable(self.history.pick(frame), size)
        self.stop()
        self.history.remember(self.settings)
        if frame != -1:
            self._go_back(self.history.up_to(frame))
        self._larger = reached
        end = self.now.evaluations + NEXT_EVALUATIONS
        self.settings = self.settings.changed(size=reached, evaluations=end)
        self._new_worker().start()
        limit = ", which is the photograph's own size" if reached < size else ""
        return f"Going on for {NEXT_EVALUATIONS} evaluations at {reached} px{limit}"

    def run(self) -> Tensor:
        """Runs in the calling thread, to the end or until you interrupt the kernel.

        This is for scripts, and for hosted notebooks that show nothing from a background thread.
        It continues after a pause or an interrupt and otherwise begins a new run. It returns the
        picture and raises what went wrong.
        """
        if self.running:
            raise RuntimeError("the studio is running in the background; call stop() first")
        if self.state != "paused":
            self._begin_run()
        listener = self.listener
        if listener is None:
            self.listener = _live_picture(self)
        try:
            self._new_worker().run()
        finally:
            self.listener = listener
        return self.wait()

    def wait(self, evaluations: int | None = None, *, timeout: float = 600) -> Tensor | None:
        """Waits until so many evaluations are done, or the run has ended; returns the picture.

        Raises: what went wrong in the run; TimeoutError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while self.running and not self._reached(evaluations):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the studio is still running after {timeout:g} s")
            time.sleep(0.01)
        if self.error is not None:
            raise self.error
        return self.image

    def undo(self) -> None:
        """Takes back the last change of settings, start, or resuming from an earlier frame.

        The settings and the picture are again as they were before it.
        """
        if self.history.past:
            was_running = self.running
            self.stop()
            self.settings, frames = self.history.pop()
            self._go_back(frames)
            if was_running:
                self._new_worker().start()
        self._notify()

    # -------------------------------------------------------------- keeping

    def keep(self, frame: int = -1) -> Frame:
        """Puts a frame of the run aside, in `kept`, which later runs do not change."""
        kept = self.history.pick(frame).packed()
        self.kept.append(kept)
        self._notify()
        return kept

    def save_png(self, path=None, frame: int = -1) -> Path:
        """Writes a frame of the run, to a new name in outputs/ without a path; returns the path."""
        picture = self.history.pick(frame)
        path = Path(path or _new_name(picture.settings, ".png"))
        nst.save_image(picture.image, path)
        return path

    def save_gif(self, path=None, *, count: int = 24, size: int = 256) -> Path:
        """Writes the run so far as a GIF, and returns the path.

        It has at most `count` frames, of at most `size` pixels on the long side.
        """
        now = self.history.pick(-1)
        path = Path(path or _new_name(now.settings, ".gif"))
        # Scaled first, because all frames at the size of a large picture would take gigabytes.
        shape = nst.fit(*now.image.shape[-2:], min(size, now.size))
        frames = [_scaled(frame, shape) for frame in self.history.complete()]
        nst.save_gif(nst.pick_frames(frames, count), path)
        return path

    # -------------------------------------------------------------- the loop, in the worker

    def _work(self, worker: Worker) -> None:
        state = "finished"
        error = None
        try:
            self._prepare(worker)
            while not self._reached(self.settings.evaluations):
                if worker.pause.is_set():
                    state = "paused"
                    break
                self._evaluate(worker)
        except Stopped:
            state = "stopped"
        except KeyboardInterrupt:  # `run` works in the notebook's thread, which can be interrupted
            state = "paused"
        except Exception as caught:  # `wait` raises it where somebody can see it
            state = "failed"
            error = self._explained(caught)
        if worker is self._worker:  # otherwise it was abandoned, and must not touch a later run
            self.error = self.error or error
            self.history.finish()
            self.state = state
            self._notify()

    def _reached(self, evaluations: int | None) -> bool:
        """Whether the current picture is at this place in the run or after it."""
        if evaluations is None or self.now is None:
            return False
        return self.now.evaluations >= evaluations

    def _prepare(self, worker: Worker) -> None:
        """Loads pictures and network for the run, unless they are loaded already."""
        wanted = self._wanted()
        if self._scene is None or self._scene.settings.costly != wanted.costly:
            scene = Scene(wanted, self._network(wanted))
            if worker.stop.is_set():  # loading took a while
                raise Stopped
            self._scene = scene
        done = 0 if self.now is None else self.now.evaluations
        self.forecast = self._scene.forecast(max(0, self.settings.evaluations - done))
        self._notify()

    def _wanted(self) -> Settings:
        """The settings whose pictures, network and targets the next evaluation needs."""
        if self.now is None:
            return self.settings
        # After a pause or an undo, the current picture continues with its own costly settings.
        if self._larger is None:
            return self.now.settings
        return replace(self.now.settings, size=self._larger)

    def _explained(self, error: Exception) -> Exception:
        """The error itself, or for a blow-up and for lack of memory one that says what to set."""
        if isinstance(error, FloatingPointError) and self.now is not None:
            losses = self.now.losses
            return FloatingPointError(
                "the loss is no longer a number: lower the learning rate, or the "
                f"{max(losses, key=losses.get)} weight, and resume from the last picture"
            )
        if not is_out_of_memory(error):
            return error
        wanted = self._wanted()
        size = wanted.size
        fitting = size * 3 // 4
        scene = self._scene
        if scene is not None and scene.settings.costly == wanted.costly:
            size = max(scene.photo.shape[-2:])
            fitting = min(size * 3 // 4, scene.forecast(1).largest)
        # Without the error as its cause, which would keep the memory of the failed evaluation.
        return MemoryError(
            f"there is not enough memory for a picture of {size} px; undo, or set "
            f"size={fitting}, which should fit, and start again"
        )

    def _network(self, wanted: Settings) -> nst.VGG19:
        """The network of the last scene if it is the one wanted, or else a new one."""
        if self._scene is not None:
            last = self._scene.settings
            if (last.network, last.pooling) == (wanted.network, wanted.pooling):
                return self._scene.vgg
        vgg = nst.ready_network(wanted.network, pooling=wanted.pooling)
        # One evaluation of a large picture takes seconds. After each layer, forward and backward,
        # it can be stopped.
        for layer in vgg.features:
            layer.register_forward_hook(_stopping(self))
        return vgg

    def _check_stop(self) -> None:
        worker = self._worker
        if worker is not None and worker.stop.is_set():
            raise Stopped

    def _evaluate(self, worker: Worker) -> None:
        """Computes one evaluation, with the settings as they are now, and adds its frame."""
        self._adopt_settings()
        # An exception inside a generator ends it, and so does a stop. The optimizer is put back
        # only after a complete evaluation; without it, the next one starts a new optimizer.
        optimizer = self._optimizer
        self._optimizer = None
        snapshot = next(optimizer)
        if worker.stop.is_set():
            raise Stopped
        self._optimizer = optimizer
        self.history.add(self._frame(snapshot))
        self._lowest = min(self._lowest, snapshot.loss)
        self._end_times.append(time.perf_counter())
        self._notify()

    def _adopt_settings(self) -> None:
        """Takes over the settings of the notebook, with a new optimizer if they need one."""
        wanted = self.settings  # read once, because the notebook may replace it at any time
        used = self._in_use
        if self._optimizer is None or (wanted.method, wanted.lr) != (used.method, used.lr):
            self._begin_optimizer(wanted)
        elif wanted.at_once != used.at_once:
            if wanted.method == "adam":
                # Adam's memory is a running average, which adapts to the new loss.
                self._in_use = wanted
                self._lowest = float("inf")
            elif self.now.evaluations - self._base_evaluations >= RESET_INTERVAL - 1:
                # L-BFGS remembers gradients of the old loss, and differences between those and
                # new gradients are not curvature. It starts again from the current picture.
                self._begin_optimizer(wanted)

    def _begin_optimizer(self, wanted: Settings) -> None:
        """Starts a new optimizer, with empty memory, from the current picture."""
        if self.now is None:
            image = self._scene.first_image(wanted.blend)
            first_move = FIRST_MOVE
            self._base_evaluations = 0
            self._base_seconds = 0.0
        else:
            image = self.now.image.to(self._scene.photo.device)
            first_move = RESTART_MOVE
            if image.shape != self._scene.photo.shape:
                image = nst.enlarge(image, self._scene.before_painting(wanted.blend))
                first_move = FIRST_MOVE
            self._base_evaluations = self.now.evaluations
            self._base_seconds = self.now.seconds
        self._in_use = wanted
        self._lowest = float("inf")
        self._optimizer = nst.optimize(
            image,
            self._objective,
            evaluations=ENDLESS,
            method=wanted.method,
            lr=wanted.lr,
            every=1,
            first_move=first_move,
        )

    def _objective(self, image: Tensor) -> dict[str, Tensor]:
        self.spent += 1
        settings = self._in_use
        if settings.blend != self._scene.blend:
            self._scene.aim(settings.blend)
        return nst.weigh(self._scene.measure(image), settings.weights, settings.layers)

    def _frame(self, snapshot: nst.Snapshot) -> Frame:
        """The snapshot of an optimizer, at its place in the run and with its settings."""
        settings = replace(
            self._in_use,
            evaluations=self.settings.evaluations,
            **self._scene.settings.costly,
        )
        return Frame(
            evaluations=self._base_evaluations + snapshot.evaluations,
            seconds=self._base_seconds + snapshot.seconds,
            image=snapshot.image,
            losses=snapshot.losses,
            settings=settings,
        )

    # -------------------------------------------------------------- small parts

    def _begin_run(self) -> None:
        self.history.remember(self.settings)
        self.history.clear()
        self._optimizer = None
        self._larger = None
        self.state = "new"
        self.spent = 0

    def _go_back(self, frames: list[Frame]) -> None:
        """Makes the last of these frames the current picture, from which the run continues."""
        self.history.rewind(frames)
        self._optimizer = None
        self._larger = None
        self.state = "paused"

    def _new_worker(self) -> Worker:
        worker = Worker(self._work)
        self._worker = worker
        self.state = "running"
        self.error = None
        self._end_times.clear()  # the time between two stretches is no evaluation's
        self._notify()
        return worker

    def _wait_for_worker(self, patience: float) -> bool:
        """Waits so many seconds at most until the worker has ended; returns whether it has."""
        worker = self._worker
        # `run` has no thread to wait for, and a listener may call from the worker itself.
        if worker.is_alive() and worker is not threading.current_thread():
            worker.join(patience)
        return not worker.is_alive()

    def _notify(self) -> None:
        if self.listener is None:
            return
        try:
            self.listener()
        except Exception as error:  # a broken panel must not end the run
            self.error = error


# ------------------------------------------------------------------------------ around a studio


def _stopping(studio: Studio) -> Callable:
    """A hook for a layer that ends an evaluation there, forward or backward, after a stop.

    It refers to the studio weakly. Autograd keeps hooks where Python's garbage collector does not
    look, so a studio to which its own gradients refer would never be freed.
    """
    reference = weakref.ref(studio)

    def check(*_) -> None:
        owner = reference()
        if owner is not None:
            owner._check_stop()

    def check_in_layer(layer, inputs, output) -> None:
        check()
        if output.requires_grad:
            output.register_hook(check)

    return check_in_layer


@atexit.register
def _end_workers() -> None:
    """Ends all runs before Python ends, because a thread inside torch would abort the program."""
    workers = [thread for thread in threading.enumerate() if isinstance(thread, Worker)]
    for worker in workers:
        worker.stop.set()
    for worker in workers:
        worker.join(EXIT_PATIENCE)


def _reachable(frame: Frame, size: int) -> int:
    """The long side that a frame can have if it is enlarged to `size`.

    Raises: ValueError if it has that size already.
    """
    reached = max(nst.load_image(frame.settings.photo, size).shape[-2:])
    if reached > frame.size:
        return reached
    if reached < size:
        raise ValueError(
            f"the picture has {frame.size} px, and the photograph has no more; "
            "begin with a larger photograph"
        )
    raise ValueError(f"size is {size}, and the picture has {frame.size} px; give a larger size")


def _scaled(frame: Frame, shape: tuple[int, int]) -> nst.Snapshot:
    """A frame with its image at another height and width."""
    image = frame.image
    if image.shape[-2:] != shape:
        image = nst.resize(image, shape)
    return nst.Snapshot(frame.evaluations, frame.seconds, image, frame.losses)


def _new_name(settings: Settings, suffix: str) -> Path:
    """A path in outputs/ at which there is no file yet."""
    stem = f"{Path(settings.photo).stem}-{Path(settings.painting).stem}"
    for number in itertools.count(1):
        path = OUTPUTS / f"{stem}-{number}{suffix}"
        if not path.exists():
            return path


def _live_picture(studio: Studio) -> Callable[[], None]:
    """A listener that shows one picture under the cell and replaces it; `run` uses it."""
    live = LivePicture()
    last = 0.0

    def show():
        nonlocal last
        if studio.now is None:
            return
        if studio.running and time.monotonic() - last < LIVE_INTERVAL:
            return
        last = time.monotonic()
        alt = f"the picture after {studio.now.evaluations} evaluations: {studio.now.settings}"
        live.show(nst.to_pil(studio.image), alt)

    return show


# A weak set, so that a studio that nobody uses any more can be freed.
_STUDIOS: "weakref.WeakSet[Studio]" = weakref.WeakSet()


def _current_cell() -> tuple[str | None, int]:
    """The id of the notebook cell that is being executed, and its execution count.

    Outside a notebook the id is None.
    """
    if not in_notebook():
        return None, 0
    shell = sys.modules["IPython"].get_ipython()
    return shell.get_parent().get("metadata", {}).get("cellId"), shell.execution_count


def _stop_predecessors(studio: Studio) -> None:
    """Stops the studios that the same cell made when it was executed before.

    Two studios of one execution, or of two cells, may both run.
    """
    cell, count = studio._cell
    for other in list(_STUDIOS):
        other_cell, other_count = other._cell
        if cell is not None and other_cell == cell and other_count != count:
            other.stop()
    _STUDIOS.add(studio)
