"""The forecast: seconds and memory before a run. Its accuracy is measured in benchmarks/."""

import pytest
import torch

import helpers as nst
from style_transfer import features, forecast
from style_transfer.settings import Stage, plan


@pytest.fixture(scope="module")
def pictures():
    return nst.load_image("china", 96), nst.load_image("starry_night", 96)


def test_more_work_takes_longer(vgg, pictures, monkeypatch):
    monkeypatch.setattr(forecast, "_seconds_per_pixel", lambda *_: 1e-6)
    photo, painting = pictures

    def seconds(*stages):
        return nst.forecast(vgg, photo, painting, stages=stages).seconds

    one = seconds(Stage(60, 9))
    evaluations = 9 + 1  # one for the targets
    assert one == pytest.approx(forecast.OVERHEAD * 1e-6 * 60 * 40 * evaluations)
    assert seconds(Stage(60, 19)) == pytest.approx(2 * one)
    assert seconds(Stage(60, 9), Stage(60, 9)) == pytest.approx(2 * one)
    monkeypatch.setattr(features, "CHECKPOINT_PIXELS", 100)
    assert seconds(Stage(60, 9)) == pytest.approx(forecast.CHECKPOINT_EXTRA_TIME * one)


def test_the_plan_is_that_of_the_photograph(vgg, pictures, monkeypatch):
    monkeypatch.setattr(forecast, "_seconds_per_pixel", lambda *_: 1e-6)
    by_plan = nst.forecast(vgg, *pictures)
    assert by_plan.seconds == nst.forecast(vgg, *pictures, stages=plan(96)).seconds


def test_it_times_real_evaluations(vgg, pictures):
    found = nst.forecast(vgg, *pictures)
    assert 0.01 < found.seconds < 600
    assert found.memory > 100e6 and found.available > found.memory and found.fits
    assert found.largest == 96


def test_too_large_a_picture_gets_a_size_that_fits(vgg, monkeypatch):
    monkeypatch.setattr(forecast, "_seconds_per_pixel", lambda *_: 1e-6)
    monkeypatch.setattr(forecast, "available_memory", lambda: 10**9)
    photo = torch.zeros(1, 1, 1, 1).expand(1, 3, 4000, 6000)
    found = nst.forecast(vgg, photo, photo, stages=(Stage(6000, 1),))
    assert not found.fits
    assert 200 < found.largest < 3000
    assert f"a picture of {found.largest} px would fit" in str(found)
    smaller = nst.forecast(vgg, photo, photo, stages=(Stage(found.largest, 1),))
    assert smaller.fits


def test_low_precision_needs_less_memory(vgg, pictures, monkeypatch):
    monkeypatch.setattr(forecast, "_seconds_per_pixel", lambda *_: 1e-6)
    low = nst.VGG19(precision="bfloat16")
    assert forecast._bytes(low, 600, 900) < forecast._bytes(vgg, 600, 900)
    wide = nst.VGG19("random")
    assert forecast._bytes(vgg, 600, 900) < forecast._bytes(wide, 600, 900)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (42.4, "42 seconds"), (100, "2 minutes"), (9000, "2.5 hours")],
)
def test_durations_in_words(seconds, words):
    assert forecast.duration(seconds) == words
