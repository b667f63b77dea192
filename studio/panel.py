"""The studio's panel: sliders, buttons and a live picture for one `Studio`.

The panel holds no settings and no pictures of its own. Widgets call the studio, and after each
change the studio calls `Panel.refresh`, which shows the studio as it is.
"""

import base64
import functools
import html
import io
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

import helpers as nst
from studio.engine import Studio, Worker
from studio.history import Frame
from studio.settings import Settings
from style_transfer.display import encode_jpeg
from style_transfer.files import write_atomic
from style_transfer.frames import draw_losses
from style_transfer.settings import (
    LEARNING_RATES,
    NETWORKS,
    OUTPUTS,
    POOLINGS,
    STARTS,
    STYLE_LAYERS,
    TERMS,
)

PREVIEW_INTERVAL = 0.08  # seconds between two pictures, at least
PLOT_INTERVAL = 1.0  # seconds between two plots of the losses, at least

LEARNING_RATE_SLIDER = (-3, 1)  # its ends, as powers of ten; those of the weights are in TERMS
NOTCH = 0.1  # one press of an arrow key adds this to the power of ten

# A button's name in the code: its label, its icon and its tooltip.
BUTTONS = {
    "start": (
        "Start",
        "play",
        "begin a new picture with these settings; Undo brings the old one back",
    ),
    "pause": ("Pause", "pause", "pause after this evaluation, or resume from the frame shown"),
    "stop": ("Stop", "stop", "end the run at once; the picture stays"),
    "undo": ("Undo", "undo", "take back the last change, and what it did to the picture"),
    "enlarge": (
        "Make it large",
        "expand",
        "go on from the frame shown at up to 1024 px; Undo brings the small picture back",
    ),
    "keep": ("Keep", "star", "put the picture shown aside, in studio.kept"),
    "png": ("Save PNG", "image", "write the picture shown to outputs/"),
    "gif": ("Save GIF", "film", "write the run so far to outputs/"),
}

# Studios in several threads may plot, and Matplotlib is not made for two threads at once.
_PLOTTING = threading.Lock()


class Panel(widgets.VBox):
    """Widgets for one studio: `Panel(studio)` as the last line of a cell.

    `controls` and `buttons` are dicts of widgets, so that code can move whatever a hand can move.
    `numbers` holds the box beside each logarithmic slider, with the exact value.
    """

    def __init__(self, studio: Studio):
        super().__init__()
        self.studio = studio
        # The thread of the run and the notebook's thread both draw, one at a time, under this
        # lock. Changes of widgets that the thread `_writer` makes are not the user's.
        self._lock = threading.RLock()
        self._writer: int | None = None  # the id of the thread that redraws now
        self._drawn = 0.0  # when the picture was last drawn
        self._plotted = 0.0  # when the losses were last plotted

        self.preview = widgets.HTML()
        self.status = widgets.HTML()
        self.message = widgets.HTML()
        self.plot = widgets.HTML()
        self.shelf = widgets.HTML()
        tip = "how far the photo covers the result, in %"
        self.split = _wide_slider("photo | result", tip, max=100, step=5)
        tip = "pause to move it; Resume continues from there"
        self.frame = _wide_slider("frame", tip, max=1, disabled=True)
        self.buttons = {name: _button(*texts) for name, texts in BUTTONS.items()}
        self.controls = _controls()
        self.numbers = {name: _number(name) for name in _slider_ends()}
        self._connect()
        columns = [self._left_column(), self._right_column()]
        self.children = [widgets.HBox(columns, layout={"flex_flow": "row wrap"})]
        studio.listener = self.refresh  # a studio has one panel, the newest
        self.refresh()

    def _left_column(self) -> widgets.Widget:
        buttons = list(self.buttons.values())
        children = [
            self.preview,
            self.split,
            self.frame,
            widgets.HBox(buttons[:4]),
            widgets.HBox(buttons[4:]),
            self.status,
            self.message,
            self.plot,
            self.shelf,
        ]
        return widgets.VBox(children, layout={"width": "540px"})

    def _right_column(self) -> widgets.Widget:
        at_once = [self._row(name) for name in self.controls if name not in Settings.COSTLY]
        waiting = [self._row(name) for name in Settings.COSTLY]
        children = [
            widgets.HTML("<b>While it runs</b>: the picture follows."),
            *at_once,
            widgets.HTML("<b>From the next Start on</b>: these begin a new picture."),
            *waiting,
        ]
        return widgets.VBox(children, layout={"width": "420px"})

    def _row(self, name: str) -> widgets.Widget:
        """A control, with what belongs beside or below it."""
        if name in self.numbers:
            return widgets.HBox([self.controls[name], self.numbers[name]])
        if name in ("photo", "painting"):
            return self._chooser(name)
        return self.controls[name]

    def _chooser(self, name: str) -> widgets.Widget:
        """A bundled picture, an upload, or a path; each of them sets the same setting."""
        upload = widgets.FileUpload(
            accept="image/*", description="Upload", tooltip=f"a {name} from your computer"
        )
        path = widgets.Text(
            placeholder=f"or the path of a {name}",
            continuous_update=False,
            layout={"width": "15em"},
        )

        def uploaded(change) -> None:
            if change.new:
                self._try(self._save_upload, name, change.new[0])

        def typed(change) -> None:
            if change.new:
                self._try(self._choose, name, change.new)

        upload.observe(uploaded, "value")
        path.observe(typed, "value")
        return widgets.VBox([self.controls[name], widgets.HBox([upload, path])])

    # -------------------------------------------------------------- from the user to the studio

    def _connect(self) -> None:
        for name, widget in self.controls.items():
            widget.observe(functools.partial(self._moved, name), "value")
        for name, box in self.numbers.items():
            box.observe(functools.partial(self._typed, name), "value")
        for slider in (self.split, self.frame):
            slider.observe(self._redraw, "value")
        actions = {
            "start": self.studio.start,
            "pause": self._pause_or_resume,
            "stop": self.studio.stop,
            "undo": self.studio.undo,
            "enlarge": self._enlarge,
            "keep": self._keep,
            "png": self._save_png,
            "gif": self._save_gif,
        }
        for name, action in actions.items():
            self.buttons[name].on_click(functools.partial(self._pressed, action))

    def _pressed(self, action: Callable, button: widgets.Button) -> None:
        self._try(action)

    def _try(self, action: Callable, *arguments) -> None:
        """Calls an action, and shows its message or its error in the panel.

        An exception in a widget's callback would end in a log that nobody opens.
        """
        try:
            said = action(*arguments)
            self.message.value = html.escape(said or "")
        except Exception as error:
            self.message.value = f"<b>⚠ {html.escape(str(error))}</b>"
        self.refresh()

    def _moved(self, name: str, change) -> None:
        """A control has a new value: from the user, from `refresh`, or as an echo of the page."""
        if self._writer == threading.get_ident():
            return
        value = change.new
        if name in self.numbers:
            # The page rounds a slider to its notches and sends that back, which is no move.
            if abs(math.log10(change.new / change.old)) < 0.6 * NOTCH:
                return
            left_end = 10.0 ** self.controls[name].min
            if name in TERMS and value < 1.001 * left_end:
                value = 0.0
        self._set(name, value)

    def _typed(self, name: str, change) -> None:
        if self._writer != threading.get_ident():
            self._set(name, change.new)

    def _set(self, name: str, value) -> None:
        self._try(lambda: self.studio.set(**{name: value}))

    def _choose(self, name: str, path) -> None:
        nst.load_image(path, 16)  # so that a picture that cannot be read is reported now
        self.studio.set(**{name: path})

    def _save_upload(self, name: str, file: dict) -> None:
        target = OUTPUTS / "uploads" / Path(file["name"]).name
        suffixes = (target.suffix.lower(),)  # whatever the file is called, it is kept as it is
        write_atomic(target, suffixes, lambda part: part.write_bytes(file["content"]))
        self._choose(name, target)

    def _pause_or_resume(self) -> None:
        if self.studio.running:
            self.studio.pause()
            return
        frame = self._shown()
        self.studio.resume(None if frame == -1 else frame)

    def _enlarge(self) -> str:
        return self.studio.enlarge(frame=self._shown())

    def _keep(self) -> str:
        return f"Kept: {self.studio.keep(self._shown()).settings}"

    def _save_png(self) -> str:
        return f"Wrote {self.studio.save_png(frame=self._shown())}"

    def _save_gif(self) -> str:
        return f"Wrote {self.studio.save_gif()}"

    def _shown(self) -> int:
        """The index of the frame that is shown; -1 is the current picture."""
        last = len(self.studio.frames) - 1
        if self.studio.running or self.frame.value >= last:
            return -1
        return self.frame.value

    # -------------------------------------------------------------- from the studio to the page

    def refresh(self) -> None:
        """Shows the studio as it is; while it runs, not more often than the intervals allow."""
        with self._lock:
            self._writer = threading.get_ident()
            try:
                # The thread of the run leaves the controls alone. Otherwise it would pull back a
                # slider that the user is moving.
                if not isinstance(threading.current_thread(), Worker):
                    self._show_settings()
                waited = time.monotonic() - self._drawn
                if not self.studio.running or waited > PREVIEW_INTERVAL:
                    self._show_run()
            finally:
                self._writer = None

    def _show_settings(self) -> None:
        """Moves the controls to the settings, which code may have changed."""
        settings = self.studio.settings
        values = vars(settings) | vars(settings.weights) | settings.layers
        for name, widget in self.controls.items():
            value = values[name]
            if name in self.numbers:
                self.numbers[name].value = float(f"{value:.5g}")
                value = _nearest_notch(value, widget.min, widget.max)
            elif isinstance(widget, widgets.Dropdown) and value not in widget.options:
                widget.options = (*widget.options, value)
            if widget.value != value:
                widget.value = value

    def _show_run(self) -> None:
        self._show_frame_slider()
        self._show_buttons()
        self._draw()
        self.status.value = self._status()
        self._show_losses()
        kept = self.studio.kept
        if len(kept) != self.shelf.value.count("<img"):
            images = [_img(_jpeg(frame.image), f"kept: {frame.settings}", 150) for frame in kept]
            self.shelf.value = " ".join(images)

    def _show_frame_slider(self) -> None:
        running = self.studio.running
        last = max(1, len(self.studio.frames) - 1)
        if running or self.frame.max != last:
            self.frame.max = last
            self.frame.value = last
        self.frame.disabled = running or len(self.studio.frames) < 2

    def _show_buttons(self) -> None:
        studio = self.studio
        pause = self.buttons["pause"]
        if studio.running or studio.now is None:
            pause.description = "Pause"
            pause.icon = "pause"
        else:
            pause.description = "Resume"
            pause.icon = "step-forward"
        for name in ("pause", "undo", "enlarge", "keep", "png", "gif"):
            self.buttons[name].disabled = studio.now is None
        self.buttons["stop"].disabled = studio.state not in ("running", "paused")

    def _show_losses(self) -> None:
        frames = self.studio.frames
        waited = time.monotonic() - self._plotted
        if frames and (not self.studio.running or waited > PLOT_INTERVAL):
            self._plotted = time.monotonic()
            alt = f"the losses so far, on a log scale: {_losses(frames[-1])}"
            self.plot.value = _img(_plot(frames), alt, 480)

    def _redraw(self, _) -> None:
        if self._writer != threading.get_ident():
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        studio = self.studio
        if studio.now is None:
            self.preview.value = _img(_jpeg(studio.photo), "the photo", 512)
            return
        frame = studio.history.pick(self._shown())
        image = frame.image.clone()
        alt = f"the picture after {frame.evaluations} evaluations"
        covered = image.shape[3] * self.split.value // 100  # columns of pixels
        if covered:
            photo = nst.resize(studio.photo, tuple(image.shape[-2:])).to(image)
            image[..., :covered] = photo[..., :covered]
            alt += f", its left {self.split.value} % covered by the photo"
        self.preview.value = _img(_jpeg(image), alt, 512)

    def _status(self) -> str:
        studio = self.studio
        lines = [self._progress()]
        if studio.now is not None:
            lines.append(_losses(studio.now))
        lines.append(html.escape(f"{studio.settings}, in {studio.precision}"))
        if studio.running and studio.forecast is not None:
            lines.append(f"forecast at its start: {studio.forecast}")
        if studio.pending:
            lines.append(f"waiting for Start: {', '.join(studio.pending)}")
        problems = [studio.warning]
        if studio.error is not None:
            problems.append(f"{type(studio.error).__name__}: {studio.error}")
        lines += [f"<b>⚠ {html.escape(problem)}</b>" for problem in problems if problem]
        return "<br>".join(lines)

    def _progress(self) -> str:
        studio = self.studio
        now = studio.now
        parts = [f"<b>{studio.state}</b>"]
        if now is None:
            return parts[0] if studio.running else f"{parts[0]}: press Start"
        place = f"{now.evaluations} of {studio.settings.evaluations} evaluations"
        parts.append(f"{place} ({studio.spent} computed)")
        if studio.running and studio.rate:
            parts.append(f"{studio.rate:.1f} per second")
            parts.append(f"{studio.seconds_left:.0f} s left")
        return " · ".join(parts)


# ------------------------------------------------------------------------------ widgets


def _slider_ends() -> dict[str, tuple[int, int]]:
    """The ends of each logarithmic slider, as powers of ten. Each term of the loss has one."""
    ends = {name: term.slider for name, term in TERMS.items()}
    ends["lr"] = LEARNING_RATE_SLIDER
    return ends


def _controls() -> dict[str, widgets.Widget]:
    """One widget for each setting, and one for each term of the loss and each style layer.

    The order is that of the panel. Each widget has the name by which `Studio.set` knows it.
    """
    controls = {}
    for name, term in TERMS.items():
        tip = f"{term.description}; the left end is 0"
        controls[name] = _log_slider(name, f"{term.name} weight", tip)
    for layer in STYLE_LAYERS:
        controls[layer] = _layer_slider(layer)
    pictures = tuple(nst.bundled())
    picture_tip = "a bundled picture; or upload one, or give a path"
    controls |= {
        "method": _choice("optimizer", LEARNING_RATES, "continues from the same picture"),
        "lr": _log_slider("lr", "learning rate", "how far one step goes"),
        "evaluations": _count("evaluations", 1, 100_000, 100, "where the run ends"),
        "photo": _choice("photo", pictures, picture_tip),
        "painting": _choice("painting", pictures, picture_tip),
        "size": _count("size", 16, 4096, 32, "the long side, in pixels"),
        "network": _choice("network", NETWORKS, "imagenet is downloaded once, 548 MB"),
        "pooling": _choice("pooling", POOLINGS, "see lesson 06"),
        "start": _choice("start from", STARTS, "the picture before the first step; see lesson 07"),
        "seed": _count("seed", 0, 2**31 - 1, 1, "of the noise, if that is the start"),
    }
    return controls


_LABEL = {"description_width": "8em"}


def _log_slider(name: str, text: str, tip: str) -> widgets.FloatLogSlider:
    low, high = _slider_ends()[name]
    # Without a readout: it would show 0.1 at the left end, where the weight is 0.
    return widgets.FloatLogSlider(
        10.0**low,
        min=low,
        max=high,
        step=NOTCH,
        readout=False,
        description=text,
        tooltip=tip,
        style=_LABEL,
    )


def _number(name: str) -> widgets.FloatText:
    """The box beside a logarithmic slider. It shows the setting itself, and takes any number."""
    return widgets.FloatText(tooltip=f"the exact {name}", layout={"width": "6em"})


def _layer_slider(layer: str) -> widgets.FloatSlider:
    tip = f"the weight of {layer} in the style: early layers are fine, late ones coarse"
    return widgets.FloatSlider(
        0.0, min=0, max=1, step=0.05, description=layer, tooltip=tip, style=_LABEL
    )


def _choice(text: str, words, tip: str) -> widgets.Dropdown:
    return widgets.Dropdown(options=tuple(words), description=text, tooltip=tip, style=_LABEL)


def _count(text: str, low: int, high: int, step: int, tip: str) -> widgets.BoundedIntText:
    return widgets.BoundedIntText(
        low, min=low, max=high, step=step, description=text, tooltip=tip, style=_LABEL
    )


def _wide_slider(text: str, tip: str, **options) -> widgets.IntSlider:
    return widgets.IntSlider(
        0,
        min=0,
        description=text,
        tooltip=tip,
        style={"description_width": "initial"},
        layout={"width": "95%"},
        **options,
    )


def _button(text: str, icon: str, tip: str) -> widgets.Button:
    return widgets.Button(description=text, icon=icon, tooltip=tip, layout={"width": "9.6em"})


def _nearest_notch(value: float, low: float, high: float) -> float:
    """What a logarithmic slider shows for a value; the box beside it has the value itself."""
    if value <= 0:
        return 10.0**low
    power = round(math.log10(value) / NOTCH) * NOTCH
    return 10.0 ** min(max(power, low), high)


# ------------------------------------------------------------------------------ text and pictures


def _losses(frame: Frame) -> str:
    terms = " + ".join(f"{name} {value:.3g}" for name, value in frame.losses.items())
    return f"loss {frame.loss:.3g} = {terms}"


def _jpeg(image: Tensor) -> bytes:
    return encode_jpeg(nst.to_pil(image))


def _img(data: bytes, alt: str, width: int) -> str:
    """An HTML element with the bytes of a JPEG or PNG file in it."""
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    style = f"width:{width}px;max-width:100%"
    return f'<img alt="{html.escape(alt)}" style="{style}" src="{source}">'


def _plot(frames: list[Frame]) -> bytes:
    """The losses over the evaluations of the run, as the bytes of a PNG file.

    It uses a Figure without pyplot, because pyplot's current figure belongs to the notebook.
    """
    with _PLOTTING:
        figure = Figure(figsize=(6, 2), dpi=80)
        axis = figure.subplots()
        draw_losses(axis, frames)
        axis.set(xlabel="evaluations", ylabel="weighted loss")
        # A weight that was 0 for a while leaves a gap in its curve, not a line down to nothing.
        axis.set_yscale("log", nonpositive="mask")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.legend(loc="upper right", fontsize="small")
        figure.subplots_adjust(left=0.13, right=0.98, top=0.97, bottom=0.24)
        data = io.BytesIO()
        figure.savefig(data, format="png")
        return data.getvalue()
