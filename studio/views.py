"""What the panel shows of a studio, as HTML: pictures, the curve of the losses, the status."""

import base64
import html
import io
import threading

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

import helpers as nst
from studio.engine import Studio
from studio.history import Frame
from studio.pictures import LOOK_SIZE
from studio.settings import IN_ONE_PASS, Settings
from style_transfer.display import encode_jpeg
from style_transfer.frames import draw_losses
from style_transfer.settings import STARTS

PICTURE_HEIGHT = 340  # pixels on the page, of the box in which each picture is shown whole
MARK = (1.0, 0.1, 0.1)  # the color of the line around a place
KEPT_HEIGHT = 90  # pixels on the page, of a picture that was put aside

# Studios in several threads may plot, and Matplotlib is not made for two threads at once.
_PLOTTING = threading.Lock()


def picture(image: Tensor, alt: str) -> str:
    """An image (1, 3, H, W) in a box that has the same size for every H and W."""
    style = f"width:100%;height:{PICTURE_HEIGHT}px;object-fit:contain"
    return _element(image, alt, style)


def kept(frames: list[Frame]) -> str:
    """Small pictures of frames, one beside the other."""
    style = f"height:{KEPT_HEIGHT}px"
    return " ".join(_element(frame.image, f"kept: {frame.settings}", style) for frame in frames)


def _element(image: Tensor, alt: str, style: str) -> str:
    data = base64.b64encode(encode_jpeg(nst.to_pil(image))).decode()
    source = f"data:image/jpeg;base64,{data}"
    return f'<img alt="{html.escape(alt)}" style="{style}" src="{source}">'


def covered(image: Tensor, photo: Tensor, percent: int) -> Tensor:
    """A copy of an image whose left part is the photograph: `percent` of its width."""
    image = image.clone()
    columns = image.shape[3] * percent // 100
    photo = nst.resize(photo, tuple(image.shape[-2:])).to(image)
    image[..., :columns] = photo[..., :columns]
    return image


def marked(image: Tensor, mask: Tensor | None) -> Tensor:
    """A copy of an image with a line around the place where a mask (1, 1, H, W) is white."""
    if mask is None:
        return image
    inside = (mask > 0.5).float()
    line = F.max_pool2d(inside, 3, stride=1, padding=1) - inside
    return torch.lerp(image, image.new_tensor(MARK).view(1, 3, 1, 1), line)


def curves(frames: list[Frame]) -> str:
    """The losses over the evaluations of the run, as an SVG element in the page's text color.

    It uses a Figure without pyplot, because pyplot's current figure belongs to the notebook.
    """
    with _PLOTTING:
        figure = Figure(figsize=(5.6, 2))
        axis = figure.subplots()
        draw_losses(axis, frames)
        axis.set(xlabel="evaluations", ylabel="weighted loss")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, frameon=False)
        figure.subplots_adjust(left=0.13, right=0.98, top=0.87, bottom=0.24)
        data = io.StringIO()
        figure.savefig(data, format="svg", transparent=True)
    drawing = data.getvalue()
    drawing = drawing[drawing.index("<svg ") + len("<svg ") :].replace("#000000", "currentColor")
    alt = html.escape(f"the losses so far, on a log scale: {losses(frames[-1])}")
    style = "width:100%;height:auto;fill:currentColor"
    return f'<svg role="img" aria-label="{alt}" style="{style}" {drawing}'


def losses(frame: Frame) -> str:
    """The weighted terms of a frame and their sum: "loss 3.5 = content 1.2 + style 2.3"."""
    terms = " + ".join(f"{name} {value:.3g}" for name, value in frame.losses.items())
    return f"loss {frame.loss:.3g} = {terms}"


def status(studio: Studio) -> str:
    """What a studio does, with the settings of the picture that is shown."""
    now = studio.now
    lines = [_progress(studio)]
    if now is not None:
        lines.append(losses(now))
    settings = studio.settings if now is None else now.settings
    lines.append(html.escape(f"{settings}, in {studio.precision}"))
    if studio.running and studio.forecast is not None:
        lines.append(f"forecast at its start: {studio.forecast}")
    if studio.pending:
        lines.append(f"waiting for Start: {', '.join(studio.pending)}")
    if studio.looks_first and not studio.running:
        lines.append(f"Start begins from the picture shown: {beginning(studio.settings)}")
    problems = [studio.warning]
    if studio.error is not None:
        problems.append(f"{type(studio.error).__name__}: {studio.error}")
    lines += [problem(text) for text in problems if text]
    return f'<div style="line-height:1.4">{"<br>".join(lines)}</div>'


def beginning(settings: Settings) -> str:
    """What a run with these settings begins from."""
    words = STARTS[settings.start]
    if settings.start == IN_ONE_PASS:
        words += f" with strength {settings.strength:g}"
    if settings.size > LOOK_SIZE:
        words += f", made again at {settings.size} px"
    return words


def problem(text: str) -> str:
    """A sentence on something that went wrong."""
    return f"<b>⚠ {html.escape(text)}</b>"


def _progress(studio: Studio) -> str:
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
