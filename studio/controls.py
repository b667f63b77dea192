"""The panel's widgets: one for each setting, each button and each upload.

The panel connects them to a studio. To add a setting to the panel, give it a widget in `controls`.
To show it in the folded section "Control", name it in `CONTROL`.
"""

import math

import ipywidgets as widgets

import helpers as nst
from studio.settings import NONE, PLACES, STYLE_SCALES, Settings
from style_transfer.settings import (
    LEARNING_RATES,
    NETWORKS,
    POOLINGS,
    STARTS,
    STYLE_LAYERS,
    TERMS,
)

# Settings that are shown in the section "Control", in the order of their rows.
CONTROL = ("second", "blend", "mask", "place", "style_scale")
# Settings whose control stands below the picture, which follows it before Start.
BELOW_PICTURE = ("strength",)
# Settings that are picture files, and what each of them is called. Their rows have an upload and a
# box for a path.
PICTURES = {
    "photo": "photo",
    "painting": "painting",
    "second": "2nd painting",
    "mask": "mask",
}

LEARNING_RATE_SLIDER = (-3, 1)  # its ends, as powers of ten; those of the weights are in TERMS
NOTCH = 0.1  # one press of an arrow key adds this to the power of ten

# A button's name in the code: its label, its icon and its tooltip.
BUTTONS = {
    "start": (
        "Start",
        "play",
        "begin from the first look with these settings; Undo brings the old picture back",
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

# The name of a labeled widget's tooltip: version 8 of ipywidgets changed it.
TOOLTIP = "tooltip" if hasattr(widgets.IntSlider, "tooltip") else "description_tooltip"
LABEL = {"description_width": "8em"}
# In a row: takes the room that is left.
FILL = {
    "width": "auto",
    "flex": "1 1 auto",
    "min_width": "0",
}


def sections() -> dict[str, tuple[str, ...]]:
    """The names of the settings in each section of the panel, by the section's title.

    The first section is always open. The others are folded until somebody opens them.
    """
    elsewhere = (*CONTROL, *BELOW_PICTURE)
    waiting = tuple(name for name in Settings.COSTLY if name not in elsewhere)
    at_once = tuple(name for name in controls() if name not in (*waiting, *elsewhere))
    return {"While it runs": at_once, "From the next Start on": waiting, "Control": CONTROL}


def slider_ends() -> dict[str, tuple[int, int]]:
    """The ends of each logarithmic slider, as powers of ten. Each term of the loss has one."""
    ends = {name: term.slider for name, term in TERMS.items()}
    ends["lr"] = LEARNING_RATE_SLIDER
    return ends


def controls() -> dict[str, widgets.Widget]:
    """One widget for each setting, and one for each term of the loss and each style layer.

    The order is that of the panel. Each widget has the name by which `Studio.set` knows it.
    """
    made = {}
    for name, term in TERMS.items():
        tip = f"{term.description}; the left end is 0"
        made[name] = _log_slider(name, f"{term.name} weight", tip)
    for layer in STYLE_LAYERS:
        made[layer] = _layer_slider(layer)
    pictures = tuple(nst.bundled())
    picture_tip = "a bundled picture; or upload one, or give a path"
    made |= {
        "method": _choice("optimizer", LEARNING_RATES, "continues from the same picture"),
        "lr": _log_slider("lr", "learning rate", "how far one step goes"),
        "evaluations": _count("evaluations", 1, 100_000, 100, "where the run ends"),
        "photo": _choice("photo", pictures, picture_tip),
        "painting": _choice("painting", pictures, picture_tip),
        "size": _count("size", 16, 4096, 32, "the long side, in pixels"),
        "network": _choice("network", NETWORKS, "imagenet is downloaded once, 548 MB"),
        "pooling": _choice("pooling", POOLINGS, "see lesson 06"),
        "start": _choice("start from", STARTS, "what Start begins from; see lessons 08 and 12"),
        "strength": _slider("strength", 0, 1, "how much of the painting the first look has"),
        "seed": _count("seed", 0, 2**31 - 1, 1, "of the noise, if that is the start"),
        "second": _choice("2nd painting", (NONE, *pictures), picture_tip),
        "blend": _slider("blend", 0, 1, "the share of the second painting; acts at once"),
        "mask": _choice("mask", (NONE,), "upload a gray picture of the photo's proportions"),
        "place": _choice("2nd paints on", PLACES, "the side of the mask for the second painting"),
        "style_scale": _slider("style scale", *STYLE_SCALES, "small: fine strokes; large: broad"),
    }
    return made


def _labeled(kind: type, text: str, tip: str, **options) -> widgets.Widget:
    """A widget with its label and its tooltip, which takes the room that its row has left."""
    return kind(**{"description": text, TOOLTIP: tip, "style": LABEL, "layout": FILL} | options)


def _log_slider(name: str, text: str, tip: str) -> widgets.FloatLogSlider:
    low, high = slider_ends()[name]
    ends = {"min": low, "max": high, "value": 10.0**low}
    # Without a readout: it would show 0.1 at the left end, where the weight is 0.
    return _labeled(widgets.FloatLogSlider, text, tip, step=NOTCH, readout=False, **ends)


def _slider(text: str, low: float, high: float, tip: str) -> widgets.FloatSlider:
    return _labeled(widgets.FloatSlider, text, tip, value=low, min=low, max=high, step=0.05)


def _layer_slider(layer: str) -> widgets.FloatSlider:
    tip = f"the weight of {layer} in the style: early layers are fine, late ones coarse"
    return _slider(layer, 0, 1, tip)


def _choice(text: str, words, tip: str) -> widgets.Dropdown:
    return _labeled(widgets.Dropdown, text, tip, options=tuple(words))


def _count(text: str, low: int, high: int, step: int, tip: str) -> widgets.BoundedIntText:
    ends = {"min": low, "max": high, "value": low}
    layout = {"width": "16em"}
    return _labeled(widgets.BoundedIntText, text, tip, step=step, layout=layout, **ends)


def number(name: str) -> widgets.FloatText:
    """The box beside a logarithmic slider. It shows the setting itself, and takes any number."""
    return widgets.FloatText(**{TOOLTIP: f"the exact {name}"}, layout={"width": "6em"})


def nearest_notch(value: float, low: float, high: float) -> float:
    """What a logarithmic slider shows for a value; the box beside it has the value itself."""
    if value <= 0:
        return 10.0**low
    power = round(math.log10(value) / NOTCH) * NOTCH
    return 10.0 ** min(max(power, low), high)


def wide_slider(text: str, tip: str, **options) -> widgets.IntSlider:
    """A slider below the picture, over the width of its column."""
    return _labeled(widgets.IntSlider, text, tip, **options)


def button(text: str, icon: str, tip: str) -> widgets.Button:
    """A button that shares its row with others."""
    return widgets.Button(description=text, icon=icon, tooltip=tip, layout=FILL)


def upload(name: str) -> widgets.FileUpload:
    """A button that takes a picture file from the reader's computer."""
    tip = {TOOLTIP: f"a {PICTURES[name]} from your computer"}
    return widgets.FileUpload(accept="image/*", layout={"width": "10em"}, **tip)


def path_box(name: str) -> widgets.Text:
    """A box for the path of a picture file on the computer where the notebook runs."""
    label = f"{PICTURES[name].removesuffix(' painting')} path"  # "2nd path" has room in its row
    tip = f"the path of a {PICTURES[name]} on the computer where the notebook runs"
    return _labeled(widgets.Text, label, tip, continuous_update=False)


def uploaded(value) -> list[tuple[str, bytes]]:
    """The name and the bytes of each file in the value of a FileUpload.

    Up to version 7 of ipywidgets, the value is a dict from names to files.
    """
    files = value.values() if isinstance(value, dict) else value
    return [(file.get("metadata", file)["name"], bytes(file["content"])) for file in files]


def folding(title: str, rows: list[widgets.Widget]) -> widgets.VBox:
    """Rows below a button that shows and hides them; at first they are hidden.

    It stands in place of ipywidgets' Accordion, whose titles the keyboard does not reach.
    """
    body = widgets.VBox(rows, layout={"display": "none"})
    title = widgets.ToggleButton(
        description=title,
        icon="caret-right",
        tooltip="show or hide these settings",
        layout={"width": "auto"},
    )

    def toggled(change) -> None:
        title.icon = "caret-down" if change.new else "caret-right"
        body.layout.display = "" if change.new else "none"

    title.observe(toggled, "value")
    section = widgets.VBox([title, body])
    section.add_class("studio-fold")
    return section


# What ipywidgets leaves out for a reader who does not see the panel. Neither the handle of a slider
# nor the box beside it has an accessible name; the label of their row becomes that. All upload
# buttons have the same text, to which their tooltip is added. The title of a folded section says
# whether the section is open, and a new message is read aloud.
_NAMES = """<script>
(() => {
    const controls = "[role=slider], .ui-slider-handle, input[type=number], input[type=text]";
    const set = (element, name, value) => {
        if (value && element.getAttribute(name) !== value) element.setAttribute(name, value);
    };
    const nameAll = () => {
        const all = selector => document.querySelectorAll(".studio-panel " + selector);
        for (const row of all(".widget-hbox")) {
            const name = row.querySelector("label")?.textContent;
            for (const control of row.querySelectorAll(controls)) set(control, "aria-label", name);
        }
        for (const button of all(".widget-upload")) {
            set(button, "aria-label", button.textContent + ": " + button.title);
        }
        for (const [index, title] of [...all(".studio-fold > button")].entries()) {
            const body = title.nextElementSibling;
            if (body) set(body, "id", body.id || "studio-fold-" + index + "-" + Date.now());
            if (body) set(title, "aria-controls", body.id);
            set(title, "aria-expanded", String(title.classList.contains("mod-active")));
        }
        for (const message of all(".studio-message")) set(message, "role", "status");
    };
    window.namesOfControls ??= new MutationObserver(nameAll);
    const changes = {childList: true, subtree: true, attributeFilter: ["class"]};
    window.namesOfControls.observe(document.body, changes);
    nameAll();
})();
</script>"""


def accessible_names() -> widgets.Output:
    """An invisible widget whose script names the panel's controls and says what is unfolded."""
    data = {"text/html": _NAMES}
    shown = {"output_type": "display_data", "data": data, "metadata": {}}
    return widgets.Output(outputs=(shown,), layout={"height": "0", "margin": "0"})
