"""one_pass.py: statistics that are matched, the decoder and its file, and one pass for any pair."""

import hashlib
import io

import pytest
import torch

import helpers as nst
from style_transfer import one_pass, steps
from style_transfer.one_pass import DECODER, DECODER_SHA256, DEPTHS, Statistics, square_roots
from tests.conftest import narrow_state, random_features, random_image
from tools.weight_files import write_weights


@pytest.fixture(scope="module")
def decoder(vgg):
    return nst.load_decoder(vgg)


def covariance_of(features):
    flat = features.flatten(2)
    flat = flat - flat.mean(2, keepdim=True)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


# ------------------------------------------------------------------------------ statistics


def test_adain_on_a_case_for_paper():
    features = torch.tensor([[[[1.0, 3.0]], [[10.0, 10.0]]]])  # means 2 and 10, deviations 1 and 0
    like = torch.tensor([[[[0.0, 20.0, 0.0, 20.0]], [[5.0, 7.0, 5.0, 7.0]]]])  # 10 and 10, 6 and 1
    expected = torch.tensor([[[[0.0, 20.0]], [[6.0, 6.0]]]])
    torch.testing.assert_close(nst.adain(features, like), expected)


def test_adain_takes_each_picture_of_a_batch_by_itself():
    features = random_features(2, 3, 4, 5).float()
    like = random_features(2, 3, 7, 2, seed=1).float() * 4 - 1
    both = nst.adain(features, like)
    for one in range(2):
        alone = nst.adain(features[one : one + 1], like[one : one + 1])
        torch.testing.assert_close(both[one : one + 1], alone)
    torch.testing.assert_close(both.mean((2, 3)), like.mean((2, 3)))
    spread = both.std((2, 3), correction=0)
    torch.testing.assert_close(spread, like.std((2, 3), correction=0))


def test_square_roots_on_a_case_for_paper(monkeypatch):
    monkeypatch.setattr(one_pass, "RIDGE", 0.0)
    covariance = torch.tensor([[[4.0, 0.0], [0.0, 9.0]], [[5.0, 4.0], [4.0, 5.0]]])
    root, inverse = square_roots(covariance)
    expected = torch.tensor([[[2.0, 0.0], [0.0, 3.0]], [[2.0, 1.0], [1.0, 2.0]]])
    torch.testing.assert_close(root, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(inverse, torch.linalg.inv(expected), atol=1e-4, rtol=0)


def test_match_gives_mean_and_covariance(monkeypatch):
    monkeypatch.setattr(one_pass, "RIDGE", 0.0)
    features = random_features(2, 3, 20, 20).float() * torch.tensor([1.0, 2, 3]).view(1, 3, 1, 1)
    like = random_features(2, 3, 15, 30, seed=1).float()
    like = torch.cat([like[:, :1] + like[:, 1:2], like[:, 1:]], dim=1)  # correlated channels
    matched = nst.match(features, nst.statistics(like))
    assert matched.shape == features.shape
    torch.testing.assert_close(matched.mean((2, 3)), like.mean((2, 3)), atol=1e-4, rtol=0)
    torch.testing.assert_close(covariance_of(matched), covariance_of(like), atol=1e-3, rtol=0)


def test_match_does_no_harm_to_channels_without_variance():
    features = torch.zeros(1, 4, 8, 8)
    features[:, 0] = torch.rand(8, 8)
    matched = nst.match(features, nst.statistics(random_features(1, 4, 8, 8).float()))
    assert torch.isfinite(matched).all()
    assert matched.abs().max() < 10
    flat = nst.match(torch.ones(1, 4, 8, 8), nst.statistics(torch.ones(1, 4, 8, 8)))
    torch.testing.assert_close(flat, torch.ones(1, 4, 8, 8), atol=1e-2, rtol=0)


def test_match_computes_in_float32_inside_autocast():
    features = random_features(1, 8, 9, 9).float()
    target = nst.statistics(random_features(1, 8, 9, 9, seed=1).float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = nst.match(features, target)
    assert torch.equal(inside, nst.match(features, target))


def test_mix_is_the_mixture_of_matched_features():
    features = random_features(1, 3, 9, 9).float()
    one = nst.statistics(random_features(1, 3, 9, 9, seed=1).float())
    other = nst.statistics(random_features(1, 3, 9, 9, seed=2).float() * 3)
    mixed = nst.match(features, nst.mix(one, other, 0.25))
    expected = 0.75 * nst.match(features, one) + 0.25 * nst.match(features, other)
    torch.testing.assert_close(mixed, expected)


# ------------------------------------------------------------------------------ the two networks


def test_encode_is_the_network_with_mirrored_borders():
    mirrored = nst.VGG19(padding="reflect")
    image = random_image(48, 70)
    expected = mirrored(image, DEPTHS)
    for vgg in (mirrored, nst.VGG19(padding="zeros", pooling="average")):
        found = nst.encode(vgg, image)
        assert found.keys() == expected.keys()
        for layer in DEPTHS:
            torch.testing.assert_close(found[layer], expected[layer])


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (50, 63)])
def test_a_new_decoder_has_the_size_of_any_picture(height, width):
    vgg = nst.VGG19()
    torch.manual_seed(0)
    features = nst.encode(vgg, random_image(height, width))
    target = {layer: nst.statistics(features[layer]) for layer in DEPTHS}
    image = nst.new_decoder(vgg)(features, target)
    assert image.shape == (1, 3, height, width)
    assert image.min() >= 0 and image.max() <= 1


def test_every_weight_of_the_decoder_gets_a_gradient(vgg):
    torch.manual_seed(0)
    decoder = nst.new_decoder(vgg)
    features = nst.encode(vgg, random_image(48, 48))
    target = {
        layer: nst.statistics(x) for layer, x in nst.encode(vgg, random_image(64, 40, 1)).items()
    }
    decoder(features, target).square().mean().backward()
    for name, weight in decoder.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
        # The match takes the mean away, so a bias before it does not count.
        if name.endswith("weight"):
            assert weight.grad.abs().max() > 0, name


# ------------------------------------------------------------------------------ one pass


def test_one_pass_paints(vgg, decoder):
    photo = nst.load_image("china", 128)
    painting = nst.load_image("starry_night", 128)
    image = nst.one_pass(vgg, decoder, photo, painting)
    assert image.shape == photo.shape and image.dtype == photo.dtype
    assert image.min() >= 0 and image.max() <= 1
    assert not image.requires_grad
    assert torch.equal(image, nst.one_pass(vgg, decoder, photo, painting)), "always the same"

    measure = nst.distances(vgg, photo, painting)
    start = nst.recolor(photo, like=painting)
    with torch.no_grad():
        before = nst.weigh(measure(start))["style"]
        after = nst.weigh(measure(image))["style"]
    assert after < 0.6 * before


def test_strength_goes_from_the_photograph_to_the_painting(vgg, decoder):
    photo = nst.load_image("china", 128)
    painting = nst.load_image("starry_night", 128)
    images = [nst.one_pass(vgg, decoder, photo, painting, strength) for strength in (0, 0.5, 1)]
    away = [(image - photo).square().mean().item() for image in images]
    assert away[0] < away[1] < away[2]
    assert away[0] < 0.5 * away[2]


def test_statistics_that_are_kept_give_the_same_picture(vgg, decoder, photo, painting, monkeypatch):
    kept = {}
    for strength in (1.0, 0.5):
        expected = nst.one_pass(vgg, decoder, photo, painting, strength)
        image = nst.one_pass(vgg, decoder, photo, painting, strength, kept=kept)
        assert torch.equal(image, expected)
    other = nst.one_pass(vgg, decoder, photo, painting.flip(1), 0.5, kept=kept)
    assert not torch.equal(other, expected), "other pixels are another painting"
    assert len(kept) == 3

    counted = []
    encode = one_pass.encode
    monkeypatch.setattr(one_pass, "encode", lambda *both: counted.append(1) or encode(*both))
    nst.one_pass(vgg, decoder, photo, painting, 0.7, kept=kept)
    assert len(counted) == 1, "only the picture that is decoded"


def test_a_painting_in_two_places_is_painted_once(vgg, photo, painting, monkeypatch):
    mask = torch.zeros_like(photo[:, :1])
    mask[..., :20] = 1
    styles = [nst.Style(painting, 0.5, mask=mask), nst.Style(photo, 0.5, mask=mask)]
    painted = []
    original = steps.one_pass

    def counted(*arguments, **options):
        painted.append(arguments[3])
        return original(*arguments, **options)

    monkeypatch.setattr(steps, "one_pass", counted)
    image = nst.paint_at_once(photo, [*styles, nst.Style(painting)], vgg=vgg)
    assert len(painted) == 2
    alone = nst.paint_at_once(photo, painting, vgg=vgg)
    assert torch.equal(image[..., 20:], alone[..., 20:])


def test_the_caller_s_random_numbers_are_left_alone(vgg, decoder, photo, painting):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    nst.one_pass(vgg, decoder, photo, painting)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "1", True, None])
def test_a_strength_out_of_range_is_refused(vgg, decoder, photo, painting, strength):
    with pytest.raises(ValueError, match=f"strength is {strength!r}; .* from 0 to 1"):
        nst.one_pass(vgg, decoder, photo, painting, strength)


def test_pictures_that_are_too_small_or_none_are_refused(vgg, decoder, photo, painting):
    with pytest.raises(ValueError, match=r"image is 64x20; one pass needs 32x32 or more"):
        nst.one_pass(vgg, decoder, photo, painting[:, :, :20])
    with pytest.raises(ValueError, match="image is"):
        nst.one_pass(vgg, decoder, photo[0], painting)


def test_a_run_starts_from_it(vgg, decoder, photo, painting):
    run = nst.stylize(photo, painting, vgg=vgg, evaluations=1, start="one_pass")
    assert torch.equal(next(run).image, nst.one_pass(vgg, decoder, photo, painting))


# ------------------------------------------------------------------------------ the file


def test_the_file_is_small_safe_and_the_recorded_one():
    data = DECODER.read_bytes()
    assert len(data) <= 2_000_000
    assert hashlib.sha256(data).hexdigest() == DECODER_SHA256
    state = torch.load(io.BytesIO(data), weights_only=True)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16, torch.uint8}


def test_what_the_training_writes_is_loaded(vgg, tmp_path):
    torch.manual_seed(0)
    decoder = nst.new_decoder(vgg)
    for name in ("one.pt", "two.pt"):
        write_weights(decoder.state_dict(), tmp_path / name)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()
    loaded = nst.load_decoder(vgg, tmp_path / "one.pt")
    for name, tensor in decoder.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_a_missing_file_and_a_changed_one(vgg, tmp_path, monkeypatch):
    file = tmp_path / "pocket_decoder.pt"
    with pytest.raises(OSError, match=r"pocket_decoder\.pt: cannot be read .*git checkout assets"):
        nst.load_decoder(vgg, file)
    file.write_bytes(DECODER.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"pocket_decoder\.pt: is damaged .*git checkout assets"):
        nst.load_decoder(vgg, file)
    monkeypatch.setattr(one_pass, "DECODER", file)
    with pytest.raises(
        ValueError, match=r"is not the file that belongs here .*git checkout assets"
    ):
        nst.load_decoder(vgg, file)


def test_a_file_with_something_else_in_it(vgg, tmp_path):
    file = tmp_path / "else.pt"
    for content in ([1, 2], {"a": torch.ones(2)}, {"network": 3}):
        torch.save(content, file)
        with pytest.raises(ValueError, match=r"else\.pt: is damaged or holds no decoder"):
            nst.load_decoder(vgg, file)
    torch.save({"network": one_pass.fingerprint(vgg)}, file)
    with pytest.raises(ValueError, match=r"else\.pt: holds weights of other shapes"):
        nst.load_decoder(vgg, file)


def test_a_decoder_of_another_network_is_refused(tmp_path):
    torch.save(narrow_state(), tmp_path / "narrow.pt")
    other = nst.VGG19(tmp_path / "narrow.pt")
    with pytest.raises(ValueError, match=r"trained for another network .* VGG19\('pocket'\)"):
        nst.load_decoder(other)


def test_statistics_of_one_picture_have_the_channels_of_its_features(vgg, photo):
    found = nst.statistics(nst.encode(vgg, photo)["relu2_1"])
    assert isinstance(found, Statistics)
    assert found.mean.shape == (1, 80, 1)
    assert found.root.shape == (1, 80, 80)
