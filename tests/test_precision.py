"""bfloat16 and activation checkpointing: faster or smaller, and the same picture."""

import pytest
import torch

import helpers as nst
from style_transfer import features
from tests.conftest import random_image

LAYERS = [*nst.STYLE_LAYERS, nst.CONTENT_LAYER]


@pytest.fixture(scope="module")
def low():
    """The pocket network in bfloat16; every processor can compute it, if slowly."""
    return nst.VGG19(precision="bfloat16")


def test_features_are_float32_and_close(vgg, low, photo):
    exact = vgg(photo, LAYERS)
    rough = low(photo, LAYERS)
    for name in LAYERS:
        assert rough[name].dtype == torch.float32
        error = (rough[name] - exact[name]).square().mean() / exact[name].square().mean()
        assert 0 < error < 1e-3, name


def test_features_do_not_overflow():
    wide = nst.VGG19("random", precision="bfloat16")
    image = 1e4 * random_image(32, 32)  # far out of range
    assert all(torch.isfinite(f).all() for f in wide(image, LAYERS).values())


def test_the_gradient_is_float32_and_points_the_same_way(vgg, low, photo, painting):
    gradients = []
    for network in (vgg, low):
        image = photo.clone().requires_grad_(True)
        sum(nst.transfer(network, photo, painting)(image).values()).backward()
        assert image.grad.dtype == torch.float32
        gradients.append(image.grad.flatten())
    assert torch.cosine_similarity(*gradients, dim=0) > 0.95


def test_the_same_seed_gives_the_same_bits(low, photo, painting):
    def last():
        settings = {"vgg": low, "evaluations": 8, "start": "noise", "generator": nst.seed(3)}
        return list(nst.stylize(photo, painting, **settings))[-1].image

    assert torch.equal(last(), last())


def test_the_network_is_float32_unless_told(vgg):
    assert vgg.precision == "float32"
    with pytest.raises(ValueError, match="precision is 'half'; it must be one of 'float32'"):
        nst.VGG19(precision="half")


def test_stylize_alone_chooses_the_precision(photo, painting, monkeypatch):
    made = []

    class Spy(nst.VGG19):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            made.append(self.precision)

    monkeypatch.setattr("style_transfer.features.VGG19", Spy)
    nst.stylize(photo, painting)
    assert made == [nst.native_precision(torch.device("cpu"))]


def test_other_processors_compute_in_float32():
    assert nst.native_precision(torch.device("mps")) == "float32"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_checkpointing_changes_no_bit(precision, photo, painting, monkeypatch):
    network = nst.VGG19(precision=precision)

    def last():
        return list(nst.stylize(photo, painting, vgg=network, evaluations=5))[-1].image

    kept = last()
    monkeypatch.setattr(features, "CHECKPOINT_PIXELS", 0)
    assert torch.equal(last(), kept)


def test_checkpointing_computes_a_block_again(vgg, photo, monkeypatch):
    ran = []
    hook = vgg.features[0].register_forward_hook(lambda *_: ran.append(1))
    for pixels, expected in ((10**9, 1), (0, 2)):
        monkeypatch.setattr(features, "CHECKPOINT_PIXELS", pixels)
        ran.clear()
        image = photo.clone().requires_grad_(True)
        vgg(image, "relu3_1")["relu3_1"].sum().backward()
        assert len(ran) == expected
    hook.remove()
