"""losses.py and fast_gram.py against values worked out by hand, the papers' formulas, and
finite differences."""

import math

import pytest
import torch
from torch.autograd import gradcheck

import helpers as nst
from style_transfer.fast_gram import fast_gram_matrix
from style_transfer.losses import target_grams
from style_transfer.settings import TERMS
from tests.conftest import random_features

# ------------------------------------------------------------------------------ Gram matrices


def test_gram_of_a_two_by_two_table():
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 2, 1, 2)  # 2 channels, 2 positions
    expected = torch.tensor([[[2.5, 5.5], [5.5, 12.5]]])  # [[5, 11], [11, 25]] / 2
    assert torch.equal(nst.gram_matrix(features), expected)
    assert torch.equal(fast_gram_matrix(features), expected)


@pytest.mark.parametrize("gram", [nst.gram_matrix, fast_gram_matrix])
def test_gram_of_a_batch_is_one_gram_each_and_forgets_places(gram):
    features = torch.rand(3, 5, 4, 6)
    grams = gram(features)
    assert grams.shape == (3, 5, 5)
    assert torch.allclose(grams[1:2], gram(features[1:2]), atol=1e-6)
    shuffled = features.flatten(2)[:, :, torch.randperm(24)].view(3, 5, 4, 6)
    assert torch.allclose(grams, gram(shuffled), atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_fast_gram_has_the_same_value_and_gradient(layout):
    features = random_features(2, 5, 4, 6).to(memory_format=layout)
    direction = random_features(2, 5, 5, seed=1)  # not symmetric, so the order of i and j shows
    results = []
    for gram in (nst.gram_matrix, fast_gram_matrix):
        inputs = features.clone().requires_grad_(True)
        value = gram(inputs)
        (value * direction).sum().backward()
        results.append((value.detach(), inputs.grad))
    (value, gradient), (fast_value, fast_gradient) = results
    assert torch.allclose(value, fast_value, rtol=1e-12)
    assert torch.allclose(gradient, fast_gradient, rtol=1e-12)


def test_gradcheck_of_the_fast_gram():
    assert gradcheck(fast_gram_matrix, random_features(2, 3, 2, 3).requires_grad_(True))


# ------------------------------------------------------------------------------ losses by hand


def test_one_style_term_by_hand():
    grams = {"relu1_1": torch.tensor([[[2.0, 1.0], [1.0, 3.0]]])}
    targets = {"relu1_1": torch.tensor([[[1.0, 1.0], [1.0, 1.0]]])}
    # (1 + 0 + 0 + 4) / 4 numbers, and a quarter of that
    assert nst.gram_loss(grams["relu1_1"], targets["relu1_1"]).item() == 0.3125
    assert nst.style_loss(grams, targets).item() == 0.3125
    assert nst.style_loss(grams, targets, {"relu1_1": 2.0}).item() == 0.625


def test_style_layers_are_averaged_unless_weighted():
    grams = {"a": torch.full((1, 2, 2), 2.0), "b": torch.full((1, 3, 3), 4.0)}
    zeros = {name: torch.zeros_like(gram) for name, gram in grams.items()}
    assert nst.style_loss(grams, zeros).item() == (1 + 4) / 2
    assert nst.style_loss(grams, zeros, {"a": 1.0, "b": 0.5}).item() == 1 + 2


def test_style_loss_is_the_papers():
    channels = 7
    positions = 20
    f = random_features(1, channels, 4, 5)
    p = random_features(1, channels, 4, 5, seed=1)
    g = f[0].flatten(1) @ f[0].flatten(1).T
    a = p[0].flatten(1) @ p[0].flatten(1).T
    paper = ((g - a) ** 2).sum() / (4 * channels**2 * positions**2)
    ours = nst.style_loss({"x": nst.gram_matrix(f)}, {"x": nst.gram_matrix(p)})
    assert ours.item() == pytest.approx(paper.item(), rel=1e-12)


def test_content_loss_by_hand():
    features = torch.tensor([1.0, 2.0, 3.0, 4.0])
    target = torch.tensor([1.0, 1.0, 1.0, 2.0])
    assert nst.content_loss(features, target).item() == 9 / 4


def test_tv_of_a_two_by_two_image():
    image = torch.tensor([[0.0, 1.0], [2.0, 4.0]]).expand(1, 3, 2, 2)
    # horizontally 1 and 2, vertically 2 and 3: 1 + 4 + 4 + 9 = 18 per channel of four numbers
    assert nst.tv_loss(image).item() == 18 / 4
    assert nst.tv_loss(torch.rand(1, 3, 1, 1)).item() == 0


def test_content_gradient_is_the_papers():
    generator = torch.Generator().manual_seed(0)
    before = torch.randn(1, 6, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 6, 4, 5, generator=generator, dtype=torch.float64)
    f = before.relu()
    nst.content_loss(f, target).backward()
    paper = torch.where(f > 0, f - target, 0.0)  # equation 2, of half the sum
    assert torch.allclose(before.grad, paper * 2 / f.numel(), rtol=1e-12)


@pytest.mark.parametrize("gram", [nst.gram_matrix, fast_gram_matrix])
def test_style_gradient_is_the_papers(gram):
    generator = torch.Generator().manual_seed(1)
    before = torch.randn(1, 6, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    f = before.relu()
    a = torch.rand(6, 6, generator=generator, dtype=torch.float64)
    a = a + a.T
    n = 6
    m = 20
    nst.style_loss({"x": gram(f)}, {"x": a[None] / m}).backward()
    flat = f.detach()[0].flatten(1)
    paper = (flat.T @ (flat @ flat.T - a)).T / (n**2 * m**2)  # equation 6
    expected = torch.where(flat > 0, paper, 0.0)
    assert torch.allclose(before.grad[0].flatten(1), expected, rtol=1e-10)


def test_gradcheck_on_four_by_four():
    f = random_features(1, 3, 4, 4, seed=2)
    p = random_features(1, 3, 4, 4, seed=3)
    targets = {"x": nst.gram_matrix(p)}
    f.requires_grad_(True)
    assert gradcheck(nst.gram_matrix, f)
    assert gradcheck(lambda x: nst.content_loss(x, p), f)
    assert gradcheck(lambda x: nst.style_loss({"x": nst.gram_matrix(x)}, targets), f)
    assert gradcheck(nst.tv_loss, f)


def test_losses_refuse_what_cannot_be_compared():
    with pytest.raises(ValueError, match="give the image the photograph's size"):
        nst.content_loss(torch.rand(1, 2, 3, 3), torch.rand(1, 2, 4, 3))
    gram = torch.rand(1, 2, 2)
    with pytest.raises(ValueError, match="use the same layers"):
        nst.style_loss({"a": gram}, {"b": gram})
    with pytest.raises(ValueError, match="weights are for b"):
        nst.style_loss({"a": gram}, {"a": gram}, {"b": 1.0})


# ------------------------------------------------------------------------------ objectives


def test_objectives_name_their_terms_and_vanish_at_their_targets(vgg, photo, painting):
    assert nst.reconstruction(vgg, photo)(photo).keys() == {"content"}
    assert nst.reconstruction(vgg, photo)(photo)["content"].item() == 0
    assert nst.texture(vgg, painting)(painting).keys() == {"style"}
    assert nst.texture(vgg, painting)(painting)["style"].item() < 1e-10
    terms = nst.transfer(vgg, photo, painting, nst.Weights(2, 3, 5))(photo)
    assert list(terms) == list(TERMS)
    assert list(terms)[:3] == ["content", "style", "tv"]
    assert terms["content"].item() == 0
    assert terms["style"].item() > 0
    assert terms["tv"].item() == pytest.approx(5 * nst.tv_loss(photo).item())


def test_transfer_weights_scale_the_terms(vgg, photo, painting):
    image = nst.noise_like(photo, nst.seed(0))
    one = nst.transfer(vgg, photo, painting, nst.Weights(1, 1, 1))(image)
    many = nst.transfer(vgg, photo, painting, nst.Weights(2, 3, 5))(image)
    ratios = [many[term].item() / one[term].item() for term in ("content", "style", "tv")]
    assert ratios == pytest.approx([2, 3, 5], rel=1e-5)


def test_layers_may_carry_weights(vgg, photo, painting):
    image = nst.noise_like(photo, nst.seed(0))
    alone = {}
    for layer in ("relu1_1", "relu3_1"):
        alone[layer] = nst.texture(vgg, painting, [layer])(image)["style"].item()
    weighted = nst.texture(vgg, painting, {"relu1_1": 0.25, "relu3_1": 2.0})(image)["style"].item()
    expected = 0.25 * alone["relu1_1"] + 2.0 * alone["relu3_1"]
    assert weighted == pytest.approx(expected, rel=1e-5)
    averaged = nst.texture(vgg, painting, ["relu1_1", "relu3_1"])(image)["style"].item()
    assert averaged == pytest.approx(sum(alone.values()) / 2, rel=1e-5)
    with pytest.raises(ValueError, match="no style layer"):
        nst.texture(vgg, painting, [])


# ------------------------------------------------------------------------------ distances, weights


def test_distances_by_the_single_losses(vgg, photo, painting):
    image = nst.noise_like(photo, nst.seed(0))
    measured = nst.distances(vgg, photo, painting)(image)
    assert list(measured) == list(TERMS)
    target = vgg(photo, "relu4_2")["relu4_2"]
    content = nst.content_loss(vgg(image, "relu4_2")["relu4_2"], target)
    assert measured["content"].item() == pytest.approx(content.item(), rel=1e-6)
    assert measured["tv"].item() == nst.tv_loss(image).item()
    assert list(measured["style"]) == list(nst.STYLE_LAYERS)
    for layer, distance in measured["style"].items():
        alone = nst.texture(vgg, painting, layer)(image)["style"]
        assert distance.item() == pytest.approx(alone.item(), rel=1e-5), layer


@pytest.mark.parametrize(
    "layers",
    [nst.STYLE_LAYERS, ["relu2_1"], {"relu1_1": 0.0, "relu3_1": 2.0}, "relu4_1"],
    ids=["all", "one in a list", "weighted", "a word"],
)
@pytest.mark.parametrize("weights", [None, nst.Weights(0.5, 70.0, 3.0)], ids=["default", "given"])
def test_transfer_is_distances_and_weigh(layers, weights, vgg, photo, painting):
    image = nst.noise_like(photo, nst.seed(0))
    measured = nst.distances(vgg, photo, painting, layers)(image)
    weighed = nst.weigh(measured, weights, layers)
    together = nst.transfer(vgg, photo, painting, weights, layers=layers)(image)
    assert list(weighed) == list(together)
    for term in weighed:
        assert torch.equal(weighed[term], together[term]), term


def test_weigh_by_hand():
    nothing = dict.fromkeys(TERMS, 0.0)
    measured = nothing | {"content": 2.0, "style": {"a": 3.0, "b": 5.0}, "tv": 7.0}
    weights = nst.Weights(content=10.0, style=100.0, tv=1000.0)
    equal = nst.weigh(measured, weights, ["a", "b"])
    assert equal == nothing | {"content": 20.0, "style": 400.0, "tv": 7000.0}
    given = nst.weigh(measured, weights, {"a": 1.0, "b": 0.0})
    assert given == nothing | {"content": 20.0, "style": 300.0, "tv": 7000.0}


def test_layer_weights():
    assert nst.layer_weights(["a", "b"]) == {"a": 0.5, "b": 0.5}
    assert nst.layer_weights("a") == {"a": 1.0}
    assert nst.layer_weights({"a": 0.25, "b": 0}) == {"a": 0.25, "b": 0}
    with pytest.raises(ValueError, match="no style layer is given"):
        nst.layer_weights({})
    with pytest.raises(ValueError, match="style layers are a, b, a; name each layer once"):
        nst.layer_weights(["a", "b", "a"])


@pytest.mark.parametrize("weight", [-1, -0.5, math.nan, math.inf, "1", True, None])
def test_bad_layer_weights_are_refused_everywhere(weight, vgg, photo, painting):
    layers = {"relu1_1": 1.0, "relu2_1": weight}
    gram = torch.rand(1, 2, 2)
    grams = {"relu1_1": gram, "relu2_1": gram}
    measured = dict.fromkeys(TERMS, gram) | {"style": grams}
    calls = {
        "transfer": lambda: nst.transfer(vgg, photo, painting, layers=layers),
        "texture": lambda: nst.texture(vgg, painting, layers),
        "distances": lambda: nst.distances(vgg, photo, painting, layers),
        "weigh": lambda: nst.weigh(measured, nst.Weights(), layers),
        "style_loss": lambda: nst.style_loss(grams, grams, layers),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match="the weight of style layer relu2_1 is"):
            call()
            pytest.fail(f"{name} accepts the layer weight {weight!r}")


def test_targets_carry_no_gradient(vgg, photo, painting):
    bright = photo.clone().requires_grad_(True)
    art = painting.clone().requires_grad_(True)
    image = nst.noise_like(photo, nst.seed(0)).requires_grad_(True)
    objective = nst.transfer(vgg, bright, art)
    for _ in range(2):  # a graph of the targets would not survive the first backward pass
        sum(objective(image).values()).backward()
    assert bright.grad is None
    assert art.grad is None
    assert image.grad.abs().sum() > 0


def test_grams_are_kept_for_the_same_painting_and_layers(vgg, photo, painting):
    kept = {}
    layers = ("relu1_1", "relu2_1")
    first = target_grams(vgg, painting, layers, kept=kept)
    assert target_grams(vgg, painting.clone(), layers, kept=kept) is first
    assert target_grams(vgg, painting, layers[:1], kept=kept).keys() == {"relu1_1"}
    changed = painting.clone()
    changed[0, 0, 0, 0] += 1 / 255
    other = target_grams(vgg, changed, layers, kept=kept)
    assert not torch.equal(other["relu1_1"], first["relu1_1"])
    assert len(kept) == 3
    for name, gram in target_grams(vgg, painting, layers).items():
        assert torch.equal(gram, first[name])


def test_runs_share_the_grams_that_are_kept(vgg, photo, painting):
    kept = {}
    options = {"vgg": vgg, "sizes": (48, 64), "evaluations": 4}
    plain = list(nst.stylize(photo, painting, **options))
    for _ in range(2):
        run = list(nst.stylize(photo, painting, kept=kept, **options))
        assert torch.equal(run[-1].image, plain[-1].image)
        assert len(kept) == 2  # one entry for each size of the run


def test_targets_are_constants(vgg, photo):
    """Also if the picture itself asks for a gradient, as a result in use as a painting may."""
    picture = photo.clone().requires_grad_(True)
    assert not any(
        grams.requires_grad for grams in target_grams(vgg, picture, ["relu1_1"]).values()
    )
    objective = nst.transfer(vgg, picture, picture)
    sum(objective(photo.clone().requires_grad_(True)).values()).backward()
    assert picture.grad is None
