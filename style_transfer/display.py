"""Pictures in a notebook's output. You need not read this to follow the lessons."""

import base64
import io
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

JPEG_QUALITY = 92  # of every JPEG that this project makes: files, figures and previews


def encode_jpeg(picture: Image.Image) -> bytes:
    """Returns a Pillow picture as the bytes of a JPEG file."""
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY)
    return data.getvalue()


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None


def use_jpeg_figures() -> None:
    """Makes Matplotlib's figures in this notebook JPEG files, which are smaller than PNG.

    Outside a notebook it does nothing. The lessons' setup cell calls it.
    """
    if in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("jpeg", pil_kwargs={"quality": JPEG_QUALITY})


def show_figure(figure: Figure, alt: str) -> None:
    """Shows a Matplotlib figure under its cell and closes it; `alt` says in words what it shows.

    The words go into the output's metadata, for readers who cannot see the figure. Outside a
    notebook the figure stays open, and nothing is shown.
    """
    if in_notebook():
        from IPython import display

        display.display(figure, metadata={"image/jpeg": {"alt": alt}})
        plt.close(figure)


def show_gif(path, alt: str) -> None:
    """Shows a GIF file under its cell; `alt` says in words what it shows.

    GitHub and exported pages do not show an output of type image/gif. They show the same bytes as
    image/png, and browsers play them.
    """
    if in_notebook():
        from IPython import display

        data = base64.b64encode(Path(path).read_bytes()).decode()
        display.display({"image/png": data}, raw=True, metadata={"image/png": {"alt": alt}})


class LivePicture:
    """One picture in a notebook's output that the next picture replaces, without flicker.

    Outside a notebook it does nothing.
    """

    def __init__(self):
        self.handle = None

    def show(self, picture: Image.Image, alt: str) -> None:
        """Shows a Pillow picture in place of the one before; `alt` says in words what it shows."""
        if not in_notebook():
            return
        from IPython import display

        # The parameter `alt` of newer versions does the same. Colab has IPython 7, without it.
        frame = display.Image(encode_jpeg(picture), format="jpeg", metadata={"alt": alt})
        if self.handle is None:
            self.handle = display.display(frame, display_id=True)
        else:
            self.handle.update(frame)
