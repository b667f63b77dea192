"""The studio's face: sliders, buttons and a live picture on one `Studio`. It holds no settings and no pictures of its own."""

import base64
import functools
import html
import io
import math
import threading
import time
from pathlib import Path

import ipywidgets as widgets
from matplotlib.figure import Figure
from studio import BUNDLED, LR, OUTPUTS, STARTS, Frame, Settings, Studio, Worker

import helpers as nst
import plumbing

PREVIEW, PLOT = 0.08, 1.0  # seconds between two, at least
LOG = {"content": (-2, 2), "style": (0, 5), "tv": (-1, 3), "lr": (-3, 1)}  # a slider's ends, as powers of ten
NOTCH = 0.1  # what one press of an arrow key adds to the power of ten
WEIGHTS = ("content", "style", "tv")  # their left end means 0
BUTTONS = {
    "start": ("Start", "play", "begin a new picture with these settings; Undo brings back the one before"),
    "pause": ("Pause", "pause", "rest after this step, or go on from the frame shown"),
    "stop": ("Stop", "stop", "end the run at once; the picture stays"),
    "undo": ("Undo", "undo", "take back the last change, and what it did to the picture"),
    "keep": ("Keep", "star", "put the picture shown aside, in studio.kept"),
    "png": ("Save PNG", "image", "write the picture shown to outputs/"),
    "gif": ("Save GIF", "film", "write the run so far to outputs/"),
}
_PLOTTING = threading.Lock()  # Matplotlib is not made for two threads at once


class Panel(widgets.VBox):
    """Widgets on one studio. `controls` and `buttons` are dicts, so that code can move whatever a hand can move."""

    def __init__(self, studio: Studio):
        super().__init__()
        self.studio = studio
        # Worker and notebook both draw, one at a time; a widget that this very thread writes to is not a hand's doing.
        self._lock, self._writer, self._drawn, self._plotted = threading.RLock(), None, 0.0, 0.0
        self.preview, self.status, self.message, self.plot, self.shelf = (widgets.HTML() for _ in range(5))
        slider = functools.partial(widgets.IntSlider, 0, min=0, style={"description_width": "initial"}, layout={"width": "95%"})
        self.split = slider(max=100, step=5, description="photo | result", tooltip="how far the photo covers the result, in %")
        self.frame = slider(max=1, disabled=True, description="frame", tooltip="pause to move; Go on continues from there")
        self.buttons = {name: widgets.Button(description=text, icon=icon, tooltip=tip, layout={"width": "9em"})
                        for name, (text, icon, tip) in BUTTONS.items()}
        self.controls = _controls()
        self._wire()
        self.children = [widgets.HBox([self._left(), self._right()], layout={"flex_flow": "row wrap"})]
        studio.listener = self.refresh  # one panel a studio: the newest
        self.refresh()

    def _left(self) -> widgets.Widget:
        buttons = list(self.buttons.values())
        return widgets.VBox([self.preview, self.split, self.frame, widgets.HBox(buttons[:4]), widgets.HBox(buttons[4:]),
                             self.status, self.message, self.plot, self.shelf], layout={"width": "540px"})

    def _right(self) -> widgets.Widget:
        live = [widget for name, widget in self.controls.items() if name not in Settings.COSTLY]
        costly = [self.controls[name] for name in Settings.COSTLY if name not in ("photo", "painting")]
        return widgets.VBox([widgets.HTML("<b>While it runs</b>: the picture follows."), *live,
                             widgets.HTML("<b>From the next Start on</b>: these begin a new picture."),
                             self._chooser("photo"), self._chooser("painting"), *costly], layout={"width": "420px"})

    def _chooser(self, name: str) -> widgets.Widget:
        """A bundled picture, an uploaded one or a path: all three end in one setting."""
        upload = widgets.FileUpload(accept="image/*", description="Upload", tooltip=f"a {name} from your computer")
        path = widgets.Text(placeholder=f"or the path of a {name}", continuous_update=False, layout={"width": "15em"})

        def uploaded(file):
            target = OUTPUTS / "uploads" / Path(file["name"]).name
            plumbing.write_whole(target, (target.suffix.lower(),), lambda part: part.write_bytes(file["content"]))
            self._choose(name, target)

        upload.observe(lambda change: change.new and self._try(uploaded, change.new[0]), "value")
        path.observe(lambda change: change.new and self._try(self._choose, name, change.new), "value")
        return widgets.VBox([self.controls[name], widgets.HBox([upload, path])])

    # ---------------------------------------------------------------- from the hand to the studio

    def _wire(self) -> None:
        for name, widget in self.controls.items():
            widget.observe(functools.partial(self._moved, name), "value")
        for slider in (self.split, self.frame):
            slider.observe(self._redraw, "value")
        presses = {"start": self.studio.start, "pause": self._pause, "stop": self.studio.stop, "undo": self.studio.undo,
                   "keep": lambda: f"Kept: {self.studio.keep(self._shown()).settings}",
                   "png": lambda: f"Wrote {self.studio.save_png(frame=self._shown())}",
                   "gif": lambda: f"Wrote {self.studio.save_gif()}"}
        for name, press in presses.items():
            self.buttons[name].on_click(lambda _, press=press: self._try(press))

    def _try(self, do, *arguments) -> None:
        """What goes wrong is said in the panel: an exception in a callback would end in a log that nobody opens."""
        try:
            self.message.value = html.escape(do(*arguments) or "")
        except Exception as error:
            self.message.value = f"<b>⚠ {html.escape(str(error))}</b>"
        self.refresh()

    def _moved(self, name: str, change) -> None:
        echo = name in LOG and abs(math.log10(change.new / change.old)) < 0.6 * NOTCH  # the page rounds to its notches
        if self._writer != threading.get_ident() and not echo:
            value = 0.0 if name in WEIGHTS and change.new < 1.001 * 10.0 ** LOG[name][0] else change.new
            changes = {"layers": {name: value}} if name in nst.STYLE_LAYERS else {name: value}
            self._try(lambda: self.studio.set(**changes))

    def _choose(self, name: str, path) -> None:
        nst.load_image(path, 16)  # says now what cannot be read later
        self.studio.set(**{name: str(path)})

    def _pause(self) -> None:
        if self.studio.running:
            self.studio.pause()
        else:
            frame = self._shown()
            self.studio.go_on(None if frame == -1 else frame)

    def _shown(self) -> int:
        """The index of the frame on view; -1 is the current picture."""
        return -1 if self.studio.running or self.frame.value >= len(self.studio.frames) - 1 else self.frame.value

    # ---------------------------------------------------------------- from the studio to the eye

    def refresh(self) -> None:
        """Shows the studio as it is; while it runs, not more often than PREVIEW and PLOT say."""
        with self._lock:
            self._writer = threading.get_ident()
            try:
                if not isinstance(threading.current_thread(), Worker):  # a slider that a hand is moving must not be pulled back
                    self._follow_settings()
                if not self.studio.running or time.monotonic() - self._drawn > PREVIEW:
                    self._follow_run()
            finally:
                self._writer = None

    def _follow_settings(self) -> None:
        """Code moves sliders, too."""
        values = vars(self.studio.settings) | self.studio.settings.layers
        for name, widget in self.controls.items():
            value = values[name]
            if name in LOG:
                value = _nearest_notch(value, *LOG[name])
            elif isinstance(widget, widgets.Dropdown) and value not in widget.options:
                widget.options = (*widget.options, value)
            if widget.value != value:
                widget.value = value

    def _follow_run(self) -> None:
        studio = self.studio
        running, frames = studio.running, studio.frames
        if running or self.frame.max != max(1, len(frames) - 1):
            self.frame.max = max(1, len(frames) - 1)
            self.frame.value = self.frame.max
        self.frame.disabled = running or len(frames) < 2
        pause = self.buttons["pause"]
        pause.description, pause.icon = ("Pause", "pause") if running or studio.now is None else ("Go on", "step-forward")
        for name in ("pause", "undo", "keep", "png", "gif"):
            self.buttons[name].disabled = studio.now is None
        self.buttons["stop"].disabled = studio.state not in ("running", "paused")
        self._draw()
        self.status.value = self._status()
        if frames and (not running or time.monotonic() - self._plotted > PLOT):
            self._plotted = time.monotonic()
            self.plot.value = _img(_plot(frames), "the losses so far, on a log scale: " + _terms(frames[-1]), 480)
        if len(studio.kept) != self.shelf.value.count("<img"):
            self.shelf.value = " ".join(_img(_jpeg(frame.image), f"kept: {frame.settings}", 150) for frame in studio.kept)

    def _redraw(self, _) -> None:
        if self._writer != threading.get_ident():
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        self._drawn, studio = time.monotonic(), self.studio
        if studio.now is None:
            self.preview.value = _img(_jpeg(studio.photo), "the photo", 512)
            return
        shown = self._shown()
        frame = studio.now if shown == -1 else studio.frames[shown]
        image, alt = frame.image.clone(), f"the picture after {frame.step} steps"
        if covered := image.shape[3] * self.split.value // 100:
            image[..., :covered] = nst.resize(studio.photo, tuple(image.shape[-2:])).to(image)[..., :covered]
            alt += f", its left {self.split.value} % covered by the photo"
        self.preview.value = _img(_jpeg(image), alt, 512)

    def _status(self) -> str:
        studio, now = self.studio, self.studio.now
        if now is None:
            lines = [f"<b>{studio.state}</b>" + ("" if studio.running else ": press Start")]
        else:
            pace = f" · {studio.rate:.1f} a second · {studio.seconds_left:.0f} s left" if studio.running and studio.rate else ""
            lines = [f"<b>{studio.state}</b> · step {now.step} of {studio.settings.steps} · {now.evaluations} evaluations{pace}",
                     _terms(now)]
        lines.append(html.escape(str(studio.settings)))
        if studio.pending:
            lines.append(f"waiting for Start: {', '.join(studio.pending)}")
        problems = [studio.warning, f"{type(studio.error).__name__}: {studio.error}" if studio.error else ""]
        return "<br>".join(lines + [f"<b>⚠ {html.escape(problem)}</b>" for problem in problems if problem])


# ------------------------------------------------------------------------------------------------ small parts


def _controls() -> dict[str, widgets.Widget]:
    """One widget for each setting, named like it, and one for each style layer."""
    common = {"style": {"description_width": "8em"}}

    def log(name, text, tip):
        low, high = LOG[name]
        return widgets.FloatLogSlider(10.0**low, min=low, max=high, step=NOTCH, readout_format=".3r",
                                      description=text, tooltip=tip, **common)

    def pick(text, words, tip):
        return widgets.Dropdown(options=words, description=text, tooltip=tip, **common)

    def count(text, low, high, step, tip):
        return widgets.BoundedIntText(low, min=low, max=high, step=step, description=text, tooltip=tip, **common)

    return {
        "content": log("content", "content weight", "how much the photo's shapes count; the left end is 0"),
        "style": log("style", "style weight", "how much the painting's textures count; the left end is 0"),
        "tv": log("tv", "TV weight", "how much smoothness counts; the left end is 0"),
        **{layer: widgets.FloatSlider(0.0, min=0, max=1, step=0.05, description=layer, **common,
                                      tooltip=f"what {layer} counts in the style: early layers are fine, late ones coarse")
           for layer in nst.STYLE_LAYERS},
        "method": pick("optimizer", tuple(LR), "goes on from the same picture"),
        "lr": log("lr", "learning rate", "how far a step goes"),
        "steps": count("steps", 1, 100_000, 100, "where the run ends"),
        "photo": pick("photo", BUNDLED, "a bundled picture; or upload one, or give a path"),
        "painting": pick("painting", BUNDLED, "a bundled picture; or upload one, or give a path"),
        "size": count("size", 16, 4096, 32, "the long side, in pixels"),
        "network": pick("network", ("pocket", "imagenet", "random"), "imagenet is downloaded once, 548 MB"),
        "pooling": pick("pooling", ("max", "average"), "lesson 06"),
        "start": pick("start from", STARTS, "the picture before the first step: lesson 07"),
        "seed": count("seed", 0, 2**31 - 1, 1, "of the noise, where that is the start"),
    }


def _nearest_notch(value: float, low: int, high: int) -> float:
    """What a logarithmic slider shows for a value; the status line has the value itself."""
    power = low if value <= 0 else round(math.log10(value) / NOTCH) * NOTCH
    return 10.0 ** min(max(power, low), high)


def _terms(frame: Frame) -> str:
    return f"loss {frame.loss:.3g} = " + " + ".join(f"{name} {value:.3g}" for name, value in frame.losses.items())


def _jpeg(image) -> bytes:
    data = io.BytesIO()
    nst.to_pil(image).save(data, "JPEG", quality=88)
    return data.getvalue()


def _img(data: bytes, alt: str, width: int) -> str:
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(alt)}" style="width:{width}px;max-width:100%" src="{source}">'


def _plot(frames: list[Frame]) -> bytes:
    """The terms over evaluations, as PNG; a Figure without pyplot, whose current figure belongs to the notebook."""
    with _PLOTTING:
        figure = Figure(figsize=(6, 2), dpi=80)
        axis = figure.subplots()
        for name in frames[0].losses:
            if points := [(frame.evaluations, frame.losses[name]) for frame in frames if frame.losses[name] > 0]:
                axis.plot(*zip(*points, strict=True), color=nst.COLORS[name], label=name)
        axis.set(xlabel="evaluations", ylabel="weighted loss", yscale="log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.legend(loc="upper right", fontsize="small")
        figure.subplots_adjust(left=0.13, right=0.98, top=0.97, bottom=0.24)
        data = io.BytesIO()
        figure.savefig(data, format="png")
        return data.getvalue()
