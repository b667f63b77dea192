"""Several paintings: shares, layers and places, in the losses and in a whole run."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import gradcheck

import helpers as nst
from style_transfer import forecast
from style_transfer.losses import region_loss
from style_transfer.settings import Stage
from tests.conftest import random_features

SIZE = 64
NETWORK = nst.VGG19()


@pytest.fixture(scope="module")
def wave():
    """A second painting, small: (1, 3, 43, 64)."""
    return nst.load_image("hokusai_great_wave", SIZE)


@pytest.fixture(scope="module")
def sky(photo):
    """A soft mask of the upper half."""
    return nst.gradient_mask(photo, start=0.3, end=0.7)


def paint(photo, painting, **settings):
    """The image after six evaluations, in float32 on every machine."""
    return list(nst.stylize(photo, painting, vgg=NETWORK, evaluations=6, **settings))[-1].image


# ------------------------------------------------------------------------------ guided Grams


def test_a_guided_gram_by_hand():
    features = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 2.0]]).view(1, 2, 1, 3)
    mask = torch.tensor([1.0, 0.0, 1.0]).view(1, 1, 1, 3)
    # positions 1 and 3: [1, 0] and [3, 2]; the sum of their outer products is [[10, 6], [6, 4]]
    expected = torch.tensor([[[5.0, 3.0], [3.0, 2.0]]])
    assert torch.allclose(nst.guided_gram(features, mask), expected)
    half = torch.tensor([0.5, 0.0, 1.0]).view(1, 1, 1, 3)
    # 0.5 * [[1, 0], [0, 0]] + [[9, 6], [6, 4]], divided by 1.5
    expected = torch.tensor([[[9.5, 6.0], [6.0, 4.0]]]) / 1.5
    assert torch.allclose(nst.guided_gram(features, half), expected)


def test_a_mask_of_ones_gives_the_gram_matrix():
    features = random_features(2, 5, 6, 8)
    assert torch.equal(
        nst.guided_gram(features, torch.ones(1, 1, 12, 16)),
        nst.guided_gram(features, torch.ones(1, 1, 6, 8)),
    )
    plain = nst.gram_matrix(features)
    assert torch.allclose(nst.guided_gram(features, torch.ones(1, 1, 6, 8)), plain, rtol=1e-12)


def test_the_grams_of_two_regions_add_up_to_the_whole():
    features = random_features(1, 5, 6, 8)
    mask = random_features(1, 1, 6, 8, seed=1)
    parts = [m.mean() * nst.guided_gram(features, m) for m in (mask, 1 - mask)]
    assert torch.allclose(sum(parts), nst.gram_matrix(features), rtol=1e-10)


def test_nothing_outside_the_mask_counts():
    features = random_features(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    mask[..., :2] = 1
    inside = nst.gram_matrix(features[..., :2])
    assert torch.allclose(nst.guided_gram(features, mask), inside, rtol=1e-12)
    features.requires_grad_(True)
    nst.guided_gram(features, mask).sum().backward()
    assert (features.grad[..., 2:] == 0).all()
    assert (features.grad[..., :2] != 0).all()


def written_out(features, mask, target):
    """The guided loss in plain tensor operations, with autograd's own gradient."""
    flat = features.flatten(2)
    weights = mask.flatten(2)
    gram = (weights * flat) @ flat.transpose(1, 2) / weights.sum()
    return mask.mean() * (gram - target).square().mean() / 4


def test_the_gradient_on_four_by_four_is_autograds():
    target = nst.gram_matrix(random_features(1, 3, 4, 4, seed=3))
    mask = random_features(1, 1, 4, 4, seed=4)
    mask[0, 0, 0] = 0
    gradients = []
    for loss in (region_loss, written_out):
        features = random_features(1, 3, 4, 4, seed=2).requires_grad_(True)
        loss(features, mask, target).backward()
        gradients.append(features.grad)
    assert torch.allclose(*gradients, rtol=1e-10, atol=1e-16)
    assert gradcheck(lambda x: region_loss(x, mask, target), features)
    assert gradcheck(lambda x: nst.guided_gram(x, mask), features)


def test_a_mix_of_two_grams_by_hand():
    a = torch.tensor([[[4.0, 2.0], [2.0, 1.0]]])
    b = torch.tensor([[[0.0, 2.0], [2.0, 5.0]]])
    assert torch.equal(
        nst.mix_grams([a, b], [0.75, 0.25]), torch.tensor([[[3.0, 2.0], [2.0, 2.0]]])
    )
    with pytest.raises(ValueError):
        nst.mix_grams([a, b], [1.0])


# ------------------------------------------------------------------------------ shares and layers


def test_shares_of_0_and_1_equal_the_single_runs(photo, painting, wave):
    single = paint(photo, painting)
    assert torch.equal(paint(photo, [nst.Style(painting, 1), nst.Style(wave, 0)]), single)
    assert torch.equal(paint(photo, [nst.Style(painting, 0.3)]), single)
    other = paint(photo, wave)
    assert torch.equal(paint(photo, [nst.Style(painting, 0), nst.Style(wave, 1)]), other)
    half = paint(photo, [painting, wave])
    assert (half - single).abs().mean() > 0.01 and (half - other).abs().mean() > 0.01
    assert torch.equal(half, paint(photo, [nst.Style(painting, 0.5), nst.Style(wave, 0.5)]))
    assert torch.equal(half, paint(photo, [nst.Style(painting, 2.0), nst.Style(wave, 2.0)]))


@pytest.mark.parametrize("start", ["recolored", "style", "content", "noise"])
def test_one_style_is_one_painting_from_every_start(start, photo, painting):
    alone = paint(photo, painting, start=start, generator=nst.seed(0))
    styled = paint(photo, nst.Style(painting), start=start, generator=nst.seed(0))
    assert torch.equal(alone, styled)


def test_distances_from_a_mix(vgg, photo, painting, wave):
    image = nst.noise_like(photo, nst.seed(0))
    layer = "relu2_1"
    mixed = [nst.Style(painting, 0.7), nst.Style(wave, 0.3)]
    measured = nst.distances(vgg, photo, mixed, [layer])(image)["style"][layer]
    grams = [nst.gram_matrix(vgg(one, layer)[layer]) for one in (image, painting, wave)]
    expected = nst.gram_loss(grams[0], 0.7 * grams[1] + 0.3 * grams[2])
    assert measured.item() == pytest.approx(expected.item(), rel=1e-4)


def test_paintings_for_some_layers(vgg, photo, painting, wave):
    image = nst.noise_like(photo, nst.seed(0))
    layers = ["relu1_1", "relu3_1"]
    styles = [nst.Style(painting, layers="relu1_1"), nst.Style(wave, layers=["relu3_1"])]
    measured = nst.distances(vgg, photo, styles, layers)(image)["style"]
    first = nst.distances(vgg, photo, painting, layers)(image)["style"]["relu1_1"]
    second = nst.distances(vgg, photo, wave, layers)(image)["style"]["relu3_1"]
    assert measured["relu1_1"].item() == pytest.approx(first.item(), rel=1e-5)
    assert measured["relu3_1"].item() == pytest.approx(second.item(), rel=1e-5)
    with pytest.raises(ValueError, match="no painting serves the style layer relu4_1"):
        nst.distances(vgg, photo, styles, [*layers, "relu4_1"])
    with pytest.raises(ValueError, match="a painting serves relu9_1, and the style layers are"):
        nst.distances(vgg, photo, [painting, nst.Style(wave, layers=["relu9_1"])], layers)


def test_kept_grams_serve_a_mix_too(vgg, photo, painting, wave):
    kept = {}
    losses = []
    for share in (0.3, 0.3, 0.6):
        styles = [nst.Style(painting), nst.Style(wave, share)]
        measure = nst.distances(vgg, photo, styles, ["relu2_1"], kept=kept)
        losses.append(measure(photo)["style"]["relu2_1"].item())
        assert len(kept) == 2  # the share is no part of what is kept
    assert losses[0] == losses[1] != losses[2]


# ------------------------------------------------------------------------------ places


def test_a_mask_of_ones_equals_the_painting_alone(photo, painting, wave):
    ones = nst.rectangle_mask(photo)
    single = paint(photo, wave)
    assert torch.equal(paint(photo, nst.Style(wave, mask=ones)), single)
    with pytest.raises(ValueError, match="the masks cover the whole picture"):
        paint(photo, [nst.Style(painting), nst.Style(wave, mask=ones)])
    some = torch.rand(1, 1, *photo.shape[-2:])
    both = [nst.Style(wave, mask=some), nst.Style(painting, mask=1 - some), nst.Style(wave)]
    with pytest.raises(ValueError, match="the masks cover the whole picture"):
        paint(photo, both)


def test_distances_in_two_places(vgg, photo, painting, wave, sky):
    image = nst.noise_like(photo, nst.seed(0))
    layer = "relu3_1"
    styles = [nst.Style(painting), nst.Style(wave, mask=sky)]
    measured = nst.distances(vgg, photo, styles, [layer])(image)["style"][layer]
    features = vgg(image, layer)[layer]
    expected = 0.0
    for mask, one in ((1 - sky, painting), (sky, wave)):
        target = nst.gram_matrix(vgg(one, layer)[layer])
        expected += mask.mean() * nst.gram_loss(nst.guided_gram(features, mask), target)
    assert measured.item() == pytest.approx(expected.item(), rel=1e-4)


def test_each_region_comes_to_its_own_painting(vgg, photo, painting, wave, sky):
    image = paint(
        photo, [nst.Style(painting), nst.Style(wave, mask=sky)], weights=nst.Weights(0, 100)
    )
    for mask, own, other in ((1 - sky, painting, wave), (sky, wave, painting)):
        losses = []
        for one in (own, other):
            features = {layer: vgg(one, layer)[layer] for layer in nst.STYLE_LAYERS}
            here = vgg(image, nst.STYLE_LAYERS)
            grams = {layer: nst.guided_gram(here[layer], mask) for layer in nst.STYLE_LAYERS}
            targets = {layer: nst.gram_matrix(features[layer]) for layer in nst.STYLE_LAYERS}
            losses.append(nst.style_loss(grams, targets).item())
        assert losses[0] < losses[1]


def test_the_painting_has_a_place_too(vgg, photo, wave):
    image = nst.noise_like(photo, nst.seed(0))
    left = nst.rectangle_mask(wave, right=0.5)
    layer = "relu2_1"
    styles = nst.Style(wave, painting_mask=left)
    measured = nst.distances(vgg, photo, styles, [layer])(image)["style"][layer]
    features = vgg(wave, layer)[layer]
    target = nst.gram_matrix(features[..., : features.shape[3] // 2])
    expected = nst.gram_loss(nst.gram_matrix(vgg(image, layer)[layer]), target)
    assert measured.item() == pytest.approx(expected.item(), rel=1e-4)


def test_equal_masks_make_one_region(photo, painting, wave, sky):
    regions = nst.regions_of(
        [
            nst.Style(painting),
            nst.Style(wave, 0.3, mask=sky),
            nst.Style(painting, 0.1, mask=sky.clone()),
        ],
        photo,
    )
    assert [len(region.styles) for region in regions] == [1, 2]
    assert [style.share for style in regions[1].styles] == pytest.approx([0.75, 0.25])
    assert sum(region.area for region in regions) == pytest.approx(1)
    assert torch.allclose(regions[0].mask, 1 - sky)


def test_the_start_has_each_painting_in_its_place(photo, painting, wave):
    top = nst.rectangle_mask(photo, bottom=0.5)
    edge = round(0.5 * photo.shape[2])
    styles = [nst.Style(painting), nst.Style(wave, mask=top)]
    start = nst.first_image("recolored", photo, styles)
    assert torch.allclose(start[:, :, :edge], nst.recolor(photo, wave)[:, :, :edge], atol=1e-6)
    assert torch.allclose(start[:, :, edge:], nst.recolor(photo, painting)[:, :, edge:], atol=1e-6)
    only_top = nst.first_image("recolored", photo, styles[1])
    assert torch.equal(only_top[:, :, edge:], photo[:, :, edge:])
    twice = [nst.Style(wave, mask=top), nst.Style(painting, mask=nst.rectangle_mask(photo))]
    mixed = nst.first_image("recolored", photo, twice)
    both = (nst.recolor(photo, wave) + nst.recolor(photo, painting)) / 2
    assert torch.allclose(mixed[:, :, :edge], both[:, :, :edge], atol=1e-6)


def test_sizes_and_masks_of_another_size(painting, wave):
    photo = nst.load_image("china", 96)
    mask = nst.gradient_mask(nst.load_image("china", 320))
    styles = [nst.Style(painting), nst.Style(wave, mask=mask)]
    run = list(nst.stylize(photo, styles, vgg=nst.VGG19(), sizes=(48, 96), evaluations=6))
    assert [run[0].size, run[-1].size] == [48, 96]
    assert all(math.isfinite(snapshot.loss) for snapshot in run)


# ------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize("share", [-1, math.nan, math.inf, "0.5", True])
def test_a_bad_share_is_refused(share, painting):
    with pytest.raises(ValueError, match="the share of a painting is"):
        nst.Style(painting, share)


def test_bad_styles_are_refused_before_the_run(vgg, photo, painting, wave):
    square = torch.ones(1, 1, 64, 64)
    cases = {
        "no painting is given": [],
        "add up to 0": [nst.Style(painting, 0), nst.Style(wave, 0)],
        "the mask of painting 2 is 64x64": [painting, nst.Style(wave, mask=square)],
    }
    for message, styles in cases.items():
        with pytest.raises(ValueError, match=message):
            nst.stylize(photo, styles, vgg=vgg)
    with pytest.raises(ValueError, match="the mask of a painting is 0 everywhere"):
        nst.Style(wave, mask=torch.zeros(1, 1, 43, 64))
    with pytest.raises(ValueError, match="image is str"):
        nst.Style("starry_night")
    with pytest.raises(ValueError, match="painting_mask is 64x64"):
        list(nst.stylize(photo, nst.Style(wave, painting_mask=square), vgg=vgg, evaluations=1))


def test_the_forecast_knows_several_paintings(vgg, photo, painting, wave, sky):
    found = nst.forecast(vgg, photo, [nst.Style(painting), nst.Style(wave, mask=sky)])
    assert 0.01 < found.seconds < 600


def test_the_forecast_counts_the_memory_of_masks(photo, painting, wave, sky, monkeypatch):
    monkeypatch.setattr(forecast, "_seconds_per_pixel", lambda *_: 1e-6)
    monkeypatch.setattr(forecast.psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=0))
    stages = (Stage(640, 1),)
    plain = nst.forecast(NETWORK, photo, painting, stages=stages).memory
    blend = nst.forecast(NETWORK, photo, [painting, wave], stages=stages).memory
    styles = [nst.Style(painting), nst.Style(wave, mask=sky)]
    placed = nst.forecast(NETWORK, photo, styles, stages=stages, layers=["relu2_1"]).memory
    assert blend == plain
    channels = NETWORK.features[5].out_channels / 4  # block 2 has a quarter of the positions
    pixels = 640 * 430  # the photograph is 64x43
    assert placed - plain == pytest.approx(2 * channels * pixels * forecast.REGION_BYTES, abs=1)
