"""masks.py: masks from files, places and pixels, softened and carried to other sizes."""

import math

import pytest
import torch
from PIL import Image

import helpers as nst
from style_transfer.masks import check_mask, fit_mask
from tests.conftest import random_image


def test_a_mask_from_a_file(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("L", (4, 2), 255).save(path)
    with Image.open(path) as picture:
        picture.putpixel((0, 0), 0)
        picture.putpixel((1, 0), 51)
        picture.save(path)
    mask = nst.load_mask(path)
    assert mask.shape == (1, 1, 2, 4)
    expected = torch.ones(1, 1, 2, 4)
    expected[0, 0, 0, :2] = torch.tensor([0.0, 0.2])
    assert torch.allclose(mask, expected, atol=1e-6)
    assert nst.load_mask(path, 2).shape == (1, 1, 1, 2)


def test_a_black_file_is_refused_by_name(tmp_path):
    path = tmp_path / "night.png"
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(ValueError, match=r"night\.png: is black everywhere"):
        nst.load_mask(path)


def test_a_rectangle_by_hand():
    image = random_image(4, 10)
    mask = nst.rectangle_mask(image, top=0.5, left=0.2, right=0.4)
    expected = torch.zeros(1, 1, 4, 10)
    expected[:, :, 2:, 2:4] = 1
    assert torch.equal(mask, expected)
    assert nst.rectangle_mask(image).min() == 1


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"top": 0.5, "bottom": 0.5}, "holds no pixel"),
        ({"left": 0.9, "right": 0.1}, "holds no pixel"),
        ({"top": -0.1}, "top is -0.1"),
        ({"right": 20}, "right is 20"),
        ({"bottom": math.nan}, "bottom is nan"),
    ],
)
def test_a_rectangle_without_pixels_is_refused(sides, message):
    with pytest.raises(ValueError, match=message):
        nst.rectangle_mask(random_image(4, 10), **sides)


def test_gradients_by_hand():
    image = random_image(4, 2)
    down = torch.tensor([0.875, 0.625, 0.375, 0.125]).view(1, 1, 4, 1).expand(1, 1, 4, 2)
    assert torch.allclose(nst.gradient_mask(image), down)
    assert torch.allclose(nst.gradient_mask(image, direction="up"), down.flip(2))
    hard = nst.gradient_mask(image, start=0.25, end=0.5)  # the middles are 1/8, 3/8, 5/8, 7/8
    assert torch.allclose(hard[0, 0, :, 0], torch.tensor([1.0, 0.5, 0.0, 0.0]))
    wide = random_image(2, 4)
    across = nst.gradient_mask(wide, direction="right")
    assert torch.allclose(across, down.transpose(2, 3))
    assert torch.allclose(nst.gradient_mask(wide, direction="left"), across.flip(3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "north"}, "direction is 'north'"),
        ({"start": 0.5, "end": 0.5}, "the end must lie after the start"),
        ({"end": 1.5}, "end is 1.5"),
    ],
)
def test_an_impossible_gradient_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        nst.gradient_mask(random_image(), **changes)


def test_brightness_and_color_by_hand():
    image = torch.zeros(1, 3, 1, 3)
    image[0, :, 0, 1] = torch.tensor([0.0, 1.0, 0.0])  # green, whose luminance is 0.587
    image[0, :, 0, 2] = torch.tensor([0.0, 0.8, 0.0])  # luminance 0.4696
    assert nst.brightness_mask(image, 0.5).flatten().tolist() == [0, 1, 0]
    assert nst.brightness_mask(image, 0.4).flatten().tolist() == [0, 1, 1]
    assert nst.color_mask(image, (0, 1, 0), 0.1).flatten().tolist() == [0, 1, 0]
    assert nst.color_mask(image, (0, 1, 0), 0.25).flatten().tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match=r"above is 128"):
        nst.brightness_mask(image, 128)
    with pytest.raises(ValueError, match="green is 255"):
        nst.color_mask(image, (0, 255, 0))
    with pytest.raises(ValueError, match="within is -1"):
        nst.color_mask(image, (0, 1, 0), -1)


def test_a_soft_border_by_hand():
    mask = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]).view(1, 1, 1, 5)
    soft = nst.soften_mask(mask, 1).flatten()
    assert torch.allclose(soft, torch.tensor([0, 1 / 3, 2 / 3, 1, 1]))
    assert torch.equal(nst.soften_mask(mask, 0), mask)
    assert torch.equal(nst.soften_mask(torch.ones(1, 1, 7, 9), 3), torch.ones(1, 1, 7, 9))
    with pytest.raises(ValueError, match="radius is -1"):
        nst.soften_mask(mask, -1)


def test_a_mask_is_carried_by_averages():
    mask = torch.tensor(
        [[1.0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
    ).view(1, 1, 4, 4)
    expected = torch.tensor([[1.0, 0.25], [0, 0.25]]).view(1, 1, 2, 2)
    assert torch.equal(nst.carry_mask(mask, (2, 2)), expected)
    assert nst.carry_mask(mask, (1, 1)).item() == mask.mean().item()
    assert nst.carry_mask(mask, (8, 8)).mean().item() == mask.mean().item()
    assert nst.carry_mask(mask, (4, 4)) is mask
    lonely = torch.zeros(1, 1, 171, 256)
    lonely[0, 0, 170, 255] = 1
    for size in ((85, 128), (10, 16), (1, 1)):
        assert nst.carry_mask(lonely, size).max() > 0


@pytest.mark.parametrize("size", [(43, 64), (427, 640), (86, 128), (10, 15)])
def test_a_mask_of_any_size_fits_if_its_proportions_do(size):
    photo = random_image(43, 64)
    assert fit_mask("sky", torch.rand(1, 1, *size), photo).shape == (1, 1, 43, 64)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(1, 1, 64, 64), "sky is 64x64 and its picture 64x43"),
        (torch.ones(1, 1, 64, 43), "same proportions"),
        (torch.zeros(1, 1, 43, 64), "sky is 0 everywhere"),
        (torch.ones(43, 64), r"sky is torch.float32 \(43, 64\)"),
        (torch.ones(1, 3, 43, 64), r"it must be a float tensor \(1, 1, H, W\)"),
        (torch.ones(1, 1, 43, 64).byte(), "sky is torch.uint8"),
        (torch.full((1, 1, 43, 64), 255.0), "goes from 255 to 255"),
        (torch.full((1, 1, 43, 64), math.nan), "must lie in"),
        ("sky.png", "sky is str"),
    ],
)
def test_other_masks_are_refused_by_name(mask, message):
    with pytest.raises(ValueError, match=message):
        fit_mask("sky", mask, random_image(43, 64))


def test_a_mask_of_pixels_is_a_mask():
    image = random_image(8, 8)
    for mask in (
        nst.brightness_mask(image),
        nst.color_mask(image, (0.5, 0.5, 0.5), 0.5),
        nst.gradient_mask(image),
        nst.rectangle_mask(image, top=0.5),
        1 - nst.rectangle_mask(image, top=0.5),
    ):
        check_mask("mask", mask)
        assert mask.shape == (1, 1, 8, 8)
