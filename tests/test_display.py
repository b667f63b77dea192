"""display.py: pictures in a notebook's output. A stand-in for IPython records what is shown."""

import base64
import io

import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import helpers as nst
from style_transfer import display
from tests.conftest import random_image


@pytest.fixture
def notebook(monkeypatch):
    """Makes display.py believe that a kernel runs it; gives the list of what it shows."""
    shown = []

    class Handle:
        def update(self, item):
            shown.append({"item": item, "updates": True})

    def record(item, **options):
        shown.append({"item": item, **options})
        return Handle()

    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", record)
    yield shown
    plt.close("all")


def test_encode_jpeg_keeps_the_picture(photo):
    picture = nst.to_pil(photo)
    data = display.encode_jpeg(picture)
    with Image.open(io.BytesIO(data)) as read:
        assert read.format == "JPEG"
        difference = np.asarray(read).astype(float) - np.asarray(picture)
    assert np.abs(difference).mean() < 5


def test_outside_a_notebook_nothing_is_shown(photo, tmp_path, capsys):
    assert not display.in_notebook()
    nst.use_jpeg_figures()
    nst.show_gif(tmp_path / "missing.gif", "a file that is not there")
    picture = display.LivePicture()
    picture.show(nst.to_pil(photo), alt="the photograph")
    assert picture.handle is None
    nst.show_figure(plt.figure(), "an empty figure")
    assert len(plt.get_fignums()) == 1  # the figure stays open
    plt.close("all")
    assert capsys.readouterr().out == ""


def test_a_figure_is_shown_with_its_words_and_closed(notebook):
    figure = plt.figure()
    nst.show_figure(figure, "an empty figure")
    (shown,) = notebook
    assert shown["item"] is figure
    assert shown["metadata"] == {"image/jpeg": {"alt": "an empty figure"}}
    assert not plt.get_fignums()


def test_every_figure_of_the_library_has_words(notebook):
    snapshot = nst.Snapshot(0, 0.0, random_image(), {"content": 1.0, "style": 2.0})
    nst.show(photo=random_image(), first_try=random_image())
    nst.show({"lr 0.01": random_image()}, alt="words of one's own")
    nst.plot_losses([snapshot])
    nst.plot_losses([snapshot], alt="words of one's own")
    words = [shown["metadata"]["image/jpeg"]["alt"] for shown in notebook]
    assert "photo, first try" in words[0]
    assert words[1] == words[3] == "words of one's own"
    assert "content 1  style 2" in words[2]
    assert not plt.get_fignums()


def test_a_gif_is_shown_as_its_own_bytes(notebook, tmp_path):
    path = tmp_path / "still.gif"
    nst.save_gif([random_image()], path)
    nst.show_gif(path, "a still picture")
    (shown,) = notebook
    assert base64.b64decode(shown["item"]["image/png"]) == path.read_bytes()
    assert shown["raw"] is True
    assert shown["metadata"] == {"image/png": {"alt": "a still picture"}}


def test_a_live_picture_replaces_the_one_before(notebook, photo):
    live = display.LivePicture()
    for number in range(3):
        live.show(nst.to_pil(photo), alt=f"picture {number}")
    assert [shown.get("updates", False) for shown in notebook] == [False, True, True]
    assert notebook[0]["display_id"] is True
    pictures = [shown["item"] for shown in notebook]
    for number, picture in enumerate(pictures):
        _, metadata = picture._repr_mimebundle_()
        assert metadata == {"image/jpeg": {"alt": f"picture {number}"}}
    data = display.encode_jpeg(nst.to_pil(photo))
    assert all(picture.data == data for picture in pictures)


def test_watch_shows_every_snapshot_with_words(notebook):
    images = [random_image(seed=seed) for seed in range(2)]
    run = [nst.Snapshot(10 * i, 0.1, image, {"content": 1.0}) for i, image in enumerate(images)]
    nst.watch(run)
    frames = [
        shown["item"] for shown in notebook if isinstance(shown["item"], IPython.display.Image)
    ]
    words = [frame.metadata["alt"] for frame in frames]
    assert words == ["the image after 0 evaluations", "the image after 10 evaluations"]
