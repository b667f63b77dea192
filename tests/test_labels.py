"""labels.py: pictures in a row with their names."""

import numpy as np
from PIL import Image

from style_transfer.labels import GAP, labeled_row


def flat(color, width, height):
    return Image.new("RGB", (width, height), color)


def test_pictures_have_gaps_and_the_height_of_the_last_one():
    row = labeled_row([("one", flat("red", 200, 100)), ("two", flat("blue", 30, 50))])
    assert row.width == 100 + 30 + 3 * GAP
    pixels = np.asarray(row)
    is_red = (pixels == (255, 0, 0)).all(-1)
    is_blue = (pixels == (0, 0, 255)).all(-1)
    assert is_red.sum() == 100 * 50 and is_blue.sum() == 30 * 50
    assert is_red[GAP : GAP + 50, GAP : GAP + 100].all()
    assert is_blue[GAP : GAP + 50, 2 * GAP + 100 :][:, :30].all()
    assert (pixels[:GAP] == 255).all() and (pixels[:, :GAP] == 255).all()


def test_each_name_stands_below_its_picture():
    def text(*names):
        row = labeled_row([(name, flat("red", 80, 40)) for name in names])
        return np.asarray(row)[GAP + 40 :].min(-1) < 128

    below = text("first", "")
    assert below[:, : GAP + 80].any() and not below[:, GAP + 80 :].any()
    below = text("", "second")
    assert below[:, GAP + 80 + GAP :].any() and not below[:, : GAP + 80].any()
    assert (text("first", "") != text("other", "")).any()
    assert not below[0].any() and not below[-1].any()  # no letter is cut off


def test_a_long_name_is_shortened_and_a_letter_of_another_script_does_no_harm():
    row = labeled_row([("a" * 300, flat("red", 60, 40)), ("\u5c71 \u00e9", flat("red", 60, 40))])
    assert row.width == 2 * 60 + 3 * GAP
    below = np.asarray(row)[GAP + 40 :].min(-1) < 128
    gap = below[:, GAP + 60 : GAP + 60 + GAP]
    assert not gap.any()
    assert below[:, GAP : GAP + 60].any()


def test_letters_grow_with_the_picture():
    heights = [labeled_row([("a", flat("red", 50, height))]).height for height in (40, 600)]
    assert heights[1] - 600 > heights[0] - 40
