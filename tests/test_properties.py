"""Properties: what holds for any input, tried on inputs that hypothesis invents.

The inputs are the same in every run, because they do not come from a clock.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import helpers as nst
from tests.test_solutions import EXERCISES, module

settings.register_profile("same", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("same")

sides = st.integers(1, 40)
seeds = st.integers(0, 10_000)


def pixels_of(height, width, seed):
    """Random bytes (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def image_of(height, width, seed, low=0.0, high=1.0):
    """A random image (1, 3, height, width) between two levels."""
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(1, 3, height, width, generator=generator)


# ------------------------------------------------------------------------------ loader


@given(sides, sides, seeds, st.sampled_from(["png", "bmp", "ppm", "tga", "tif", "webp"]))
def test_a_lossless_file_comes_back_exactly(height, width, seed, suffix):
    pixels = pixels_of(height, width, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x.{suffix}"
        Image.fromarray(pixels).save(path, lossless=True)
        image = nst.load_image(path, None)
    assert image.shape == (1, 3, height, width)
    assert np.array_equal(np.asarray(nst.to_pil(image)), pixels)


@given(sides, sides, seeds, st.integers(1, 60), st.sampled_from(["L", "P", "RGBA", "CMYK", "1"]))
def test_any_mode_and_size_gives_an_image_in_range(height, width, seed, size, mode):
    picture = Image.fromarray(pixels_of(height, width, seed)).convert(mode)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("x.tif" if mode == "CMYK" else "x.png")
        picture.save(path)
        image = nst.load_image(path, size)
    assert max(image.shape[2:]) == min(size, max(height, width))
    assert image.dtype == torch.float32 and image.shape[:2] == (1, 3)
    assert image.min() >= 0 and image.max() <= 1


@given(st.binary(max_size=200))
def test_bytes_that_are_no_picture_are_refused_with_the_name_of_the_file(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.png"
        path.write_bytes(data)
        with pytest.raises(ValueError) as error:
            nst.load_image(path)
    assert str(error.value).startswith(f"{path}: ")


# ------------------------------------------------------------------------------ resize and recolor


@given(sides, sides, seeds, sides, sides)
def test_a_resized_image_has_the_size_and_the_range(height, width, seed, rows, columns):
    image = image_of(height, width, seed)
    resized = nst.resize(image, (rows, columns))
    assert resized.shape == (1, 3, rows, columns)
    assert image.min() - 1e-6 <= resized.min() and resized.max() <= image.max() + 1e-6
    by_long_side = nst.resize(image, max(rows, columns))
    assert tuple(by_long_side.shape[2:]) == nst.fit(height, width, max(rows, columns))
    assert torch.equal(nst.resize(image, (height, width)), image)


@given(sides, sides, st.floats(0, 1), sides, sides)
def test_a_flat_image_stays_flat(height, width, level, rows, columns):
    flat = torch.full((1, 3, height, width), level)
    assert torch.allclose(nst.resize(flat, (rows, columns)), torch.tensor(level), atol=1e-6)


@given(st.integers(4, 30), st.integers(4, 30), seeds, seeds)
def test_recolor_gives_the_mean_and_the_covariance(height, width, seed, other):
    image = image_of(height, width, seed)
    like = image_of(width, height, other, 0.4, 0.6)  # in the middle, so that nothing is clipped
    recolored = nst.recolor(image, like=like)
    if not (recolored > 0).all() or not (recolored < 1).all():
        return
    assert torch.allclose(recolored.mean((2, 3)), like.mean((2, 3)), atol=1e-4)
    covariances = [torch.cov(one[0].flatten(1), correction=0) for one in (recolored, like)]
    assert torch.allclose(*covariances, atol=1e-4)


@given(sides, sides, seeds, st.floats(0, 1))
def test_recolor_is_finite_and_in_range_for_flat_and_tiny_images(height, width, seed, level):
    image = image_of(height, width, seed)
    flat = torch.full((1, 3, 2, 2), level)
    for one, two in [(image, flat), (flat, image), (flat, flat), (image, image)]:
        recolored = nst.recolor(one, like=two)
        assert recolored.shape == one.shape
        assert torch.isfinite(recolored).all()
        assert recolored.min() >= 0 and recolored.max() <= 1


# ------------------------------------------------------------------------------ frames


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(1, 30))
def test_picked_frames_are_some_of_the_run_in_their_order(levels, count):
    images = [torch.full((1, 3, 2, 2), level) for level in levels]
    run = [nst.Snapshot(place, 0.0, image, {"tv": 0.0}) for place, image in enumerate(images)]
    picked = nst.pick_frames(run, count)
    places = [next(i for i, image in enumerate(images) if image is one) for one in picked]
    assert places == sorted(set(places))
    assert len(picked) <= count
    if run:
        assert picked[-1] is images[-1]
        assert count == 1 or picked[0] is images[0]
    if len(run) <= count:
        assert len(picked) == len(run)


@given(st.integers(1, 12), st.floats(0.5, 8), st.floats(0, 3), seeds)
@settings(max_examples=15)
def test_a_gif_lasts_as_long_as_it_should(count, seconds, hold, seed):
    frames = [image_of(8, 8, seed + place) for place in range(count)]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "x.gif"
        nst.save_gif(frames, path, seconds=seconds, hold=hold)
        with Image.open(path) as gif:
            total = 0
            for place in range(getattr(gif, "n_frames", 1)):
                gif.seek(place)
                total += gif.info["duration"]
    assert total / 1000 == pytest.approx(seconds + hold, abs=0.01 * count + 0.01)


# ------------------------------------------------------------------------------ exercise checks

answers = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-5, 5), max_size=4),
    st.tuples(sides, sides, seeds).map(lambda shape: image_of(*shape)),
    seeds.map(lambda seed: torch.rand(seed % 4 + 1, generator=torch.Generator().manual_seed(seed))),
)


@pytest.mark.parametrize(("lesson", "name"), [(lesson, name) for lesson, name, *_ in EXERCISES])
@given(answer=answers)
@settings(max_examples=8)
def test_a_check_tells_any_fixed_answer_apart_and_never_raises(lesson, name, answer):
    """Also an answer of a wrong type gets a sentence, not an error of the check."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        getattr(module("checks", lesson), name)(lambda *_, **__: answer)
    assert said.getvalue().startswith("not yet: "), said.getvalue()
