"""images.py: picture file <-> tensor, another size, other colors, noise, a look."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

import helpers as nst
from style_transfer import images
from tests.conftest import random_image

# ------------------------------------------------------------------------------ file <-> tensor


def test_a_picture_survives_the_round_trip(tmp_path):
    image = torch.arange(3 * 4 * 5).reshape(1, 3, 4, 5) / 255
    path = tmp_path / "new" / "folder" / "picture.png"
    nst.save_image(image, path)
    assert torch.equal(nst.load_image(path, None), image)


def test_load_image_keeps_the_aspect_ratio_and_never_enlarges():
    path = nst.ASSETS / "china.jpg"
    assert nst.load_image(path, 320).shape == (1, 3, 214, 320)  # 640x427
    assert nst.load_image(path, 5000).shape == (1, 3, 427, 640)
    image = nst.load_image(path)
    assert image.shape == (1, 3, 171, 256)
    assert image.dtype == torch.float32
    assert image.min() >= 0
    assert 0.9 < image.max() <= 1


def test_bundled_pictures_are_known_by_name():
    assert list(nst.bundled()) == sorted(path.stem for path in nst.ASSETS.glob("*.jpg"))
    for name, path in nst.bundled().items():
        assert torch.equal(nst.load_image(name, 64), nst.load_image(path, 64)), name
    with pytest.raises(FileNotFoundError, match="chinna: no such file"):
        nst.load_image("chinna")


def test_the_fastest_device_is_found(find_device, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setattr(torch.backends.mps, "is_available", lambda: False)
        assert find_device() == torch.device("cpu")
        patch.setattr(torch.backends.mps, "is_available", lambda: True)
        assert find_device() == torch.device("mps")
        patch.setattr(torch.cuda, "is_available", lambda: True)
        assert find_device() == torch.device("cuda")


def test_a_loaded_image_is_on_that_device(monkeypatch):
    monkeypatch.setattr(images, "device", lambda: torch.device("meta"))
    assert nst.load_image("china").is_meta


def test_a_thin_picture_keeps_a_pixel(tmp_path):
    Image.new("RGB", (1000, 1)).save(tmp_path / "thin.png")
    assert nst.load_image(tmp_path / "thin.png", 100).shape == (1, 3, 1, 100)


@pytest.mark.parametrize("size", [0, -5, 2.5, "64", True])
def test_a_size_that_is_no_number_of_pixels_is_refused(size):
    with pytest.raises(ValueError, match=f"size is {size!r}; it must be a whole number of pixels"):
        nst.load_image("china", size)


def test_from_pil_by_hand():
    picture = Image.new("RGB", (3, 2))  # 3 wide and 2 high
    picture.putpixel((2, 0), (255, 51, 0))
    image = nst.from_pil(picture)
    assert image.shape == (1, 3, 2, 3)
    assert image.dtype == torch.float32
    assert torch.allclose(image[0, :, 0, 2], torch.tensor([1.0, 0.2, 0.0]))
    assert image.sum().item() == pytest.approx(1.2)


def test_to_pil_rounds_and_clips():
    values = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 2.0])
    image = values.view(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert list(nst.to_pil(image).getchannel("R").tobytes()) == [0, 0, 1, 255]


def test_to_pil_is_the_inverse_of_from_pil():
    rows = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(np.asarray(nst.to_pil(nst.from_pil(Image.fromarray(rows)))), rows)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.rand(3, 8, 8),
        torch.rand(1, 4, 8, 8),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
        "x",
    ],
    ids=["three axes", "four channels", "whole numbers", "a string"],
)
def test_what_is_no_image_is_refused(wrong):
    with pytest.raises(ValueError, match=r"float tensor \(1, 3, H, W\)"):
        nst.to_pil(wrong)


def test_to_pil_refuses_batches_and_nan():
    with pytest.raises(ValueError, match="batch of 2"):
        nst.to_pil(torch.rand(2, 3, 4, 4))
    with pytest.raises(ValueError, match="NaN"):
        nst.to_pil(torch.full((1, 3, 4, 4), math.nan))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_save_image_writes_what_the_suffix_says(suffix, tmp_path, photo):
    path = tmp_path / f"picture{suffix}"
    nst.save_image(photo, path)
    with Image.open(path) as picture:
        assert picture.format == ("PNG" if suffix == ".png" else "JPEG")
    assert (nst.load_image(path, None) - photo).abs().mean() < 0.02
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.jpg, \.jpeg"):
        nst.save_image(photo, tmp_path / "picture.bmp")


# ------------------------------------------------------------------------------ image -> image


def test_a_jpeg_is_a_good_one(tmp_path):
    photo = nst.load_image("china", 256)
    nst.save_image(photo, tmp_path / "x.jpg")
    assert (nst.load_image(tmp_path / "x.jpg") - photo).abs().mean() < 5 / 255


def test_noise_is_gray_in_range_and_seeded():
    image = random_image(200, 200)
    noise = nst.noise_like(image, nst.seed(3))
    assert noise.shape == image.shape
    assert noise.min() >= 0
    assert noise.max() <= 1
    assert noise.mean().item() == pytest.approx(0.5, abs=0.002)
    assert noise.std().item() == pytest.approx(0.1, abs=0.002)
    assert torch.equal(noise, nst.noise_like(image, nst.seed(3)))
    assert not torch.equal(noise, nst.noise_like(image, nst.seed(4)))


def test_seed_seeds_both_generators():
    generator = nst.seed(3)
    expected = torch.Generator().manual_seed(3)
    assert torch.equal(torch.rand(4), torch.rand(4, generator=expected))
    assert generator.initial_seed() == 3


@pytest.mark.parametrize("value", [-1, 2**63, 10**23, "1", 1.5, True, None])
def test_what_is_no_seed_is_refused(value):
    with pytest.raises(ValueError, match=r"the seed is .*; it must be a whole number from 0 to"):
        nst.seed(value)


def test_an_image_of_nan_has_no_colors(painting):
    with pytest.raises(ValueError, match="image holds NaN or infinity, so it has no colors"):
        nst.recolor(painting * float("nan"), like=painting)


def test_resize_by_long_side_and_by_shape():
    image = random_image(30, 60)
    assert nst.resize(image, 20).shape == (1, 3, 10, 20)
    assert nst.resize(image, (7, 9)).shape == (1, 3, 7, 9)
    flat = torch.full((1, 3, 30, 60), 0.25)
    assert torch.allclose(nst.resize(flat, 100), torch.tensor(0.25))
    with pytest.raises(ValueError, match="1 pixel or more"):
        nst.resize(image, 0)
    with pytest.raises(ValueError, match="both sides must be 1 pixel or more"):
        nst.resize(image, (0, 9))


@pytest.mark.parametrize(
    ("height", "width", "size", "fitted"),
    [
        (427, 640, 256, (171, 256)),
        (640, 427, 256, (256, 171)),
        (22, 176, 100, (12, 100)),  # 12.5 is rounded to the even number
        (136, 85, 100, (100, 62)),  # 62.5 too
        (1, 1000, 100, (1, 100)),
    ],
)
def test_one_rounding_for_files_and_tensors(height, width, size, fitted, tmp_path):
    assert nst.fit(height, width, size) == fitted
    assert nst.resize(torch.rand(1, 3, height, width), size).shape[2:] == fitted
    Image.new("RGB", (width, height)).save(tmp_path / "picture.png")
    assert nst.load_image(tmp_path / "picture.png", size).shape[2:] == fitted


def test_recolor_matches_mean_and_covariance():
    image = 0.3 + 0.2 * random_image(40, 50, 1)
    like = 0.5 + 0.1 * random_image(30, 20, 2)
    like = like @ torch.eye(20) + 0.1 * like.roll(1, 1)  # channels that go together
    result = nst.recolor(image, like)
    assert result.shape == image.shape
    assert result.dtype == image.dtype
    found = result[0].flatten(1).double()
    wanted = like[0].flatten(1).double()
    assert torch.allclose(found.mean(1), wanted.mean(1), atol=1e-5)
    covariance = torch.cov(found, correction=0)
    assert torch.allclose(covariance, torch.cov(wanted, correction=0), atol=1e-5)


@pytest.mark.parametrize("kind", ["flat", "gray", "black"])
def test_recolor_is_finite_without_color(kind, painting):
    without_color = {
        "flat": torch.full((1, 3, 20, 20), 0.3),
        "gray": random_image(20, 20)[:, :1].expand(1, 3, 20, 20),
        "black": torch.zeros(1, 3, 20, 20),
    }
    image = without_color[kind]
    for result in (nst.recolor(image, painting), nst.recolor(painting, image)):
        assert torch.isfinite(result).all()
        assert result.min() >= 0
        assert result.max() <= 1
    flat = nst.recolor(without_color["flat"], painting)
    assert torch.allclose(flat.mean((2, 3)), painting.mean((2, 3)), atol=1e-5)


# ------------------------------------------------------------------------------ a look


@pytest.fixture
def figure_of():
    """A function that calls `show` and returns the figure that it made."""

    def call(*arguments, **named):
        nst.show(*arguments, **named)
        return plt.gcf()

    yield call
    plt.close("all")


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def test_show_names_every_picture(figure_of):
    figure = figure_of(photo=random_image(), first_try=random_image())
    assert titles(figure) == ["photo", "first try"]
    assert all(len(axis.images) == 1 for axis in figure.axes)


def test_show_takes_labels_that_are_no_names(figure_of):
    figure = figure_of({"lr 0.01": random_image(), "conv1_1": random_image()}, photo=random_image())
    assert titles(figure) == ["lr 0.01", "conv1_1", "photo"]


def test_show_makes_a_grid(figure_of):
    pictures = {f"number {i}": random_image(seed=i) for i in range(5)}
    figure = figure_of(pictures, columns=2)
    places = [axis.get_subplotspec() for axis in figure.axes]
    assert [(place.rowspan.start, place.colspan.start) for place in places] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),  # stays empty
    ]
    assert titles(figure) == [*pictures, ""]
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    one_row = figure_of(pictures)
    assert {axis.get_subplotspec().rowspan.start for axis in one_row.axes} == {0}
    few = figure_of({"alone": random_image()}, columns=3)
    assert titles(few) == ["alone"]


def test_show_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="nothing to show"):
        nst.show()
    with pytest.raises(ValueError, match=r"float tensor \(1, 3, H, W\)"):
        nst.show(photo="china")


def test_side_by_side_has_the_height_of_the_last():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 40, 20)
    blue = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 10, 30)
    row = nst.side_by_side(red, blue)
    assert row.shape == (1, 3, 10, 5 + 30)
    assert torch.allclose(row[..., :5], red[..., :10, :5], atol=1e-6)
    assert torch.allclose(row[..., 5:], blue, atol=1e-6)
    alone = random_image()
    assert torch.allclose(nst.side_by_side(alone), alone, atol=1e-6)


# ------------------------------------------------------------------------------ luminance


def test_luminance_by_hand():
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    gray = nst.luminance(image)
    assert gray.shape == (1, 3, 2, 2)
    assert torch.allclose(gray, torch.tensor(0.299 + 0.5 * 0.587))
    assert torch.allclose(nst.luminance(torch.ones(1, 3, 2, 2)), torch.tensor(1.0))


def test_with_colors_takes_luminance_here_and_color_there():
    image = 0.4 + 0.2 * random_image(8, 9)
    like = 0.4 + 0.2 * random_image(8, 9, seed=1)  # near gray, so nothing is clipped
    mixed = nst.with_colors(image, like=like)
    assert torch.allclose(nst.luminance(mixed), nst.luminance(image), atol=1e-6)
    chroma = like - nst.luminance(like)
    assert torch.allclose(mixed - nst.luminance(mixed), chroma, atol=1e-6)
    assert torch.allclose(nst.with_colors(image, like=image), image, atol=1e-6)


def test_with_colors_wants_one_size_and_stays_in_the_range():
    white = torch.ones(1, 3, 4, 4)
    assert nst.with_colors(white, like=random_image(4, 4)).max() == 1
    with pytest.raises(ValueError, match="give both the same size"):
        nst.with_colors(white, like=random_image(4, 5))
