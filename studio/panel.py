"""The studio's panel: sliders, buttons and a live picture for one `Studio`.

The panel holds no settings and no pictures of its own. Widgets call the studio, and after each
change the studio calls `Panel.refresh`, which shows the studio as it is. `controls.py` makes the
widgets, and `views.py` the HTML that the panel shows.
"""

import functools
import html
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
from torch import Tensor

import helpers as nst
from studio import controls, views
from studio.engine import Studio, Worker
from studio.pictures import first_look, place_of_second
from studio.settings import IN_ONE_PASS, NONE
from style_transfer.files import free_name, write_atomic
from style_transfer.settings import OUTPUTS, TERMS

PREVIEW_INTERVAL = 0.08  # seconds between two pictures, at least
PLOT_INTERVAL = 1.0  # seconds between two plots of the losses, at least

# Two columns if the page has room for them, and one if it has not.
LAYOUT = {
    "grid_template_columns": "repeat(auto-fit, minmax(min(410px, 100%), 1fr))",
    "grid_gap": "0 12px",
    "align_items": "flex-start",
    "max_width": "1200px",
}


class Panel(widgets.GridBox):
    """Widgets for one studio: `Panel(studio)` as the last line of a cell.

    `controls` and `buttons` are dicts of widgets, so that code can move whatever a hand can move.
    `numbers` holds the box beside each logarithmic slider, with the exact value.
    """

    def __init__(self, studio: Studio):
        super().__init__(layout=LAYOUT)
        self.add_class("studio-panel")
        self.studio = studio
        # The thread of the run and the notebook's thread both draw, one at a time, under this
        # lock. Changes of widgets that the thread `_writer` makes are not the user's.
        self._lock = threading.RLock()
        self._writer: int | None = None  # the id of the thread that redraws now
        self._drawn = 0.0  # when the picture was last drawn
        self._plotted = 0.0  # when the losses were last plotted
        self._curve_of: list | None = None  # the frames of that plot
        self._look: tuple[dict, Tensor] | None = None  # the last first look, after its settings

        self.preview = widgets.HTML()
        self.status = widgets.HTML()
        self.message = widgets.HTML(layout={"min_height": "1.6em"})
        self.message.add_class("studio-message")
        self.plot = widgets.HTML()
        self.shelf = widgets.HTML()
        tip = "how far the photo covers the result, in %"
        self.split = controls.wide_slider("photo | result", tip, max=100, step=5)
        tip = "pause to move it; Resume continues from there"
        self.frame = controls.wide_slider("frame", tip, max=1, disabled=True)
        self.buttons = {name: controls.button(*texts) for name, texts in controls.BUTTONS.items()}
        self.controls = controls.controls()
        self.numbers = {name: controls.number(name) for name in controls.slider_ends()}
        self._connect()
        self.children = [self._picture_column(), self._settings_column()]
        studio.listener = self.refresh  # a studio has one panel, the newest
        self.refresh()

    def _picture_column(self) -> widgets.Widget:
        buttons = list(self.buttons.values())
        children = [
            self.preview,
            widgets.HBox([self.split]),
            *[self._row(name) for name in controls.BELOW_PICTURE],
            widgets.HBox([self.frame]),
            widgets.HBox(buttons[:4]),
            widgets.HBox(buttons[4:]),
            self.message,
            self.status,
            self.shelf,
        ]
        return widgets.VBox(children, layout={"min_width": "0"})

    def _settings_column(self) -> widgets.Widget:
        (title, at_once), *folded = controls.sections().items()
        children = [widgets.HTML(f"<b>{title}</b>: the picture follows.")]
        children += [self._row(name) for name in at_once]
        for title, names in folded:
            if names:
                children.append(controls.folding(title, [self._row(name) for name in names]))
        children += [self.plot, controls.accessible_names()]
        return widgets.VBox(children, layout={"min_width": "0"})

    def _row(self, name: str) -> widgets.Widget:
        """A control, with what belongs beside or below it."""
        if name in controls.PICTURES:
            return self._chooser(name)
        row = [self.controls[name]]
        if name in self.numbers:
            row.append(self.numbers[name])
        return widgets.HBox(row)

    def _chooser(self, name: str) -> widgets.Widget:
        """A bundled picture, an upload, or a path; each of them sets the same setting."""
        upload = controls.upload(name)
        path = controls.path_box(name)
        upload.observe(lambda change: self._try(self._save_uploads, name, change.new), "value")
        path.observe(lambda change: self._try(self._choose, name, change.new), "value")
        return widgets.VBox([widgets.HBox([self.controls[name], upload]), widgets.HBox([path])])

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
            self.buttons[name].on_click(lambda _, action=action: self._try(action))

    def _try(self, action: Callable, *arguments) -> None:
        """Calls an action, and shows its message or its error in the panel.

        An exception in a widget's callback would end in a log that nobody opens.
        """
        try:
            said = action(*arguments)
            self.message.value = html.escape(said or "")
        except Exception as error:
            self.message.value = views.problem(str(error))
        self.refresh()

    def _moved(self, name: str, change) -> None:
        """A control has a new value: from the user, from `refresh`, or as an echo of the page."""
        if self._writer == threading.get_ident():
            return
        value = change.new
        if name in self.numbers:
            # The page rounds a slider to its notches and sends that back, which is no move.
            if abs(math.log10(change.new / change.old)) < 0.6 * controls.NOTCH:
                return
            left_end = 10.0 ** self.controls[name].min
            at_zero = name in TERMS and value < 1.001 * left_end
            # Four digits, so that the box beside the slider shows the whole value.
            value = 0.0 if at_zero else float(f"{value:.4g}")
        self._set(name, value)

    def _typed(self, name: str, change) -> None:
        if self._writer != threading.get_ident():
            self._set(name, change.new)

    def _set(self, name: str, value) -> None:
        self._try(lambda: self.studio.set(**{name: value}))

    def _choose(self, name: str, path) -> None:
        if path:
            # A picture that cannot be read is reported now.
            if name == "mask":
                nst.load_mask(path, 16)
            else:
                nst.load_image(path, 16)
            self.studio.set(**{name: path})

    def _save_uploads(self, name: str, value) -> None:
        for file, content in controls.uploaded(value):
            target = OUTPUTS / "uploads" / Path(file).name
            if target.exists() and target.read_bytes() != content:
                target = free_name(target)  # the older picture of this name may be in use
            suffixes = (target.suffix.lower(),)  # whatever the file is called, it is kept as it is
            write_atomic(target, suffixes, lambda part, data=content: part.write_bytes(data))
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
                self.numbers[name].value = value
                value = controls.nearest_notch(value, widget.min, widget.max)
            elif isinstance(widget, widgets.Dropdown) and value not in widget.options:
                widget.options = (*widget.options, value)
            if widget.value != value:
                widget.value = value

    def _show_run(self) -> None:
        self._show_frame_slider()
        self._show_buttons()
        self._draw()
        self.status.value = views.status(self.studio)
        self._show_losses()
        if len(self.studio.kept) != self.shelf.value.count("<img"):
            self.shelf.value = views.kept(self.studio.kept)

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
        for name in ("pause", "undo", "gif"):
            self.buttons[name].disabled = studio.now is None
        looks_first = studio.looks_first
        for name in ("enlarge", "keep", "png"):  # they take the picture of a run that is shown
            self.buttons[name].disabled = looks_first
        in_one_pass = studio.settings.start == IN_ONE_PASS
        self.controls["strength"].disabled = studio.running or not in_one_pass
        self.buttons["stop"].disabled = studio.state not in ("running", "paused")

    def _show_losses(self) -> None:
        frames = self.studio.frames
        waited = time.monotonic() - self._plotted
        if not frames or frames is self._curve_of:
            return
        if not self.studio.running or waited > PLOT_INTERVAL:
            self._plotted = time.monotonic()
            self._curve_of = frames
            self.plot.value = views.curves(frames)

    def _redraw(self, _) -> None:
        if self._writer != threading.get_ident():
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        studio = self.studio
        if studio.looks_first:
            self._show_first_look()
            return
        frame = studio.history.pick(self._shown())
        alt = f"the picture after {frame.evaluations} evaluations"
        self._show_picture(frame.image, alt, lambda: studio.photo)

    def _show_first_look(self) -> None:
        """Shows what Start begins from; a picture that cannot be used is reported instead."""
        settings = self.studio.settings
        wanted = settings.beginning
        try:
            if self._look is None or self._look[0] != wanted:
                self._look = (wanted, first_look(settings))
        except (OSError, ValueError) as error:
            self.message.value = views.problem(str(error))
            return
        image = self._look[1]
        alt = f"the first look: {views.beginning(settings)}"
        self._show_picture(image, alt, lambda: nst.load_image(settings.photo, settings.size))

    def _show_picture(self, image: Tensor, alt: str, photo: Callable[[], Tensor]) -> None:
        """Shows an image, with a part of the photo on it; a place that waits for Start is marked.

        `photo` loads the photograph, which is needed only if it covers a part.
        """
        if self.split.value:
            image = views.covered(image, photo(), self.split.value)
            alt += f", its left {self.split.value} % covered by the photo"
        settings = self.studio.settings
        waiting = self.studio.now is None or {"second", "mask", "place"} & {*self.studio.pending}
        if waiting and settings.second != NONE and settings.mask != NONE:
            try:
                image = views.marked(image, place_of_second(settings, image))
                alt += ", with the place of the second painting marked"
            except (OSError, ValueError) as error:
                self.message.value = views.problem(str(error))
        self.preview.value = views.picture(image, alt)
