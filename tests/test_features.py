"""features.py: the layers of VGG-19, the network, and weights from every source."""

import functools
import hashlib
import http.server
import io
import socket
import threading
import time
import traceback

import pytest
import torch
from torch import nn

import helpers as nst
from style_transfer import features
from style_transfer.losses import gram_matrix
from tests.conftest import narrow_state, random_image

# ------------------------------------------------------------------------------ the layers


def test_layer_names_are_at_torchvisions_indices():
    torchvision = {
        "conv1_1": 0,
        "conv1_2": 2,
        "pool1": 4,
        "conv2_1": 5,
        "conv2_2": 7,
        "pool2": 9,
        "conv3_1": 10,
        "conv3_4": 16,
        "pool3": 18,
        "conv4_1": 19,
        "conv4_2": 21,
        "relu4_2": 22,
        "pool4": 27,
        "conv5_1": 28,
        "relu5_1": 29,
    }
    assert {name: nst.LAYERS.index(name) for name in torchvision} == torchvision
    assert len(nst.LAYERS) == 30


def test_what_follows_from_the_layers():
    assert features.CONV_INDICES == (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
    assert [features.block_of(name) for name in ("conv1_1", "relu4_2", "pool4")] == [1, 4, 4]
    sides = [features.smallest_side(name) for name in ("relu1_2", "pool1", "relu3_4", "relu5_1")]
    assert sides == [1, 2, 4, 16]


def test_features_are_torchvisions_with_out_of_place_relus():
    from torchvision.models import vgg19

    theirs = vgg19(weights=None).features
    ours = nst.VGG19("random").features
    assert len(ours) == 30
    for mine, other in zip(ours, theirs, strict=False):
        assert type(mine) is type(other)
        if isinstance(mine, nn.Conv2d):
            assert mine.weight.shape == other.weight.shape
    assert not any(module.inplace for module in ours if isinstance(module, nn.ReLU))


# ------------------------------------------------------------------------------ the network


def test_shapes_halve_at_every_pooling(vgg):
    found = vgg(torch.rand(2, 3, 64, 96), nst.STYLE_LAYERS)
    sizes = [tuple(found[name].shape[2:]) for name in nst.STYLE_LAYERS]
    assert sizes == [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6)]
    assert all(len(batch) == 2 for batch in found.values())


def test_forward_is_the_plain_walk(vgg, photo):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    x = (photo - mean) / std
    ours = vgg(photo, nst.LAYERS)
    for index, layer in enumerate(vgg.features):
        x = layer(x)
        assert torch.allclose(ours[nst.LAYERS[index]], x, atol=1e-4), nst.LAYERS[index]
    assert (ours["conv4_2"] < 0).any()
    assert (ours["relu4_2"] >= 0).all()


def test_one_layer_may_be_given_as_a_word(vgg, photo):
    alone = vgg(photo, "relu2_1")
    assert alone.keys() == {"relu2_1"}
    assert torch.equal(alone["relu2_1"], vgg(photo, ["relu2_1"])["relu2_1"])


def test_nothing_deeper_runs(vgg, photo):
    ran = []
    hooks = []
    for index, module in enumerate(vgg.features):
        hooks.append(module.register_forward_hook(lambda *_, index=index: ran.append(index)))
    vgg(photo, ["relu3_1", "relu1_1"])
    for hook in hooks:
        hook.remove()
    assert ran == list(range(nst.LAYERS.index("relu3_1") + 1))


def test_the_network_is_frozen_and_the_gradient_reaches_the_image(vgg, photo):
    image = photo.clone().requires_grad_(True)
    vgg(image, "relu5_1")["relu5_1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not vgg.training
    assert not any(parameter.requires_grad for parameter in vgg.parameters())


@pytest.mark.parametrize(("network", "share"), [("pocket", 1.0), ("random", 0.8)])
def test_every_filter_has_mean_activation_one(network, share):
    vgg = nst.VGG19(network)
    relus = [name for name in nst.LAYERS if name.startswith("relu")]
    batches = [vgg(image, relus) for image in features.bundled_photographs()]
    for name in relus:
        total = sum(found[name].sum((0, 2, 3)) for found in batches)
        positions = sum(found[name][:, 0].numel() for found in batches)
        mean = (total / positions).double()
        assert mean.max() < 1.02, name
        near_one = ((mean - 1).abs() < 0.02).double().mean()
        assert near_one >= share, name  # all but those that are hardly ever active


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("padding", ["zeros", "replicate", "reflect"])
def test_every_pooling_and_padding(pooling, padding):
    vgg = nst.VGG19("pocket", pooling=pooling, padding=padding)
    kinds = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
    assert all(type(vgg.features[index]) is kinds[pooling] for index in (4, 9, 18, 27))
    convolutions = [module for module in vgg.features if isinstance(module, nn.Conv2d)]
    assert all(module.padding_mode == padding for module in convolutions)
    image = random_image(32, 40).requires_grad_(True)
    found = vgg(image, nst.STYLE_LAYERS)
    sum(gram_matrix(layer).square().mean() for layer in found.values()).backward()
    assert torch.isfinite(image.grad).all()
    assert image.grad.abs().sum() > 0


def test_pooling_by_hand():
    window = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert nst.VGG19(pooling="max").features[4](window).item() == 6
    assert nst.VGG19(pooling="average").features[4](window).item() == 3


def test_a_flat_picture_is_flat_inside_with_replicate_padding():
    flat = torch.full((1, 3, 32, 32), 0.7)
    replicate = nst.VGG19(padding="replicate")(flat, "relu3_1")["relu3_1"]
    assert torch.allclose(replicate, replicate[:, :, :1, :1].expand_as(replicate), atol=1e-4)
    zeros = nst.VGG19(padding="zeros")(flat, "relu3_1")["relu3_1"]
    assert not torch.allclose(zeros, zeros[:, :, 3:4, 3:4].expand_as(zeros), atol=1e-2)


def test_network_errors_name_the_way_out(vgg):
    message = "image is 40x12; relu5_1 needs 16x16 or more; load it larger"
    with pytest.raises(ValueError, match=message):
        vgg(torch.rand(1, 3, 12, 40), ["relu5_1"])
    assert vgg(torch.rand(1, 3, 16, 16), "relu5_1")["relu5_1"].shape[2:] == (1, 1)
    reflect = nst.VGG19(padding="reflect")
    with pytest.raises(ValueError, match="relu5_1 needs 32x32"):
        reflect(torch.rand(1, 3, 31, 40), ["relu5_1"])
    assert reflect(torch.rand(1, 3, 32, 32), "relu5_1")["relu5_1"].shape[2:] == (2, 2)
    with pytest.raises(ValueError, match=r"no layer 'relu9_9'; the layers are conv1_1"):
        vgg(torch.rand(1, 3, 32, 32), ["relu9_9"])
    with pytest.raises(ValueError, match="no layer is asked for"):
        vgg(torch.rand(1, 3, 32, 32), [])
    with pytest.raises(ValueError, match=r"float tensor \(1, 3, H, W\)"):
        vgg(torch.rand(3, 32, 32), ["relu1_1"])


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="pooling is 'mean'; it must be one of 'max', 'average'"):
        nst.VGG19(pooling="mean")
    with pytest.raises(ValueError, match="padding is 'same'"):
        nst.VGG19(padding="same")
    message = (
        "network is 'pockte'; it must be one of 'pocket', 'imagenet', 'random', "
        "or the path of a file of weights"
    )
    with pytest.raises(ValueError, match=message):
        nst.VGG19("pockte")
    with pytest.raises(ValueError, match="network is 5"):
        nst.VGG19(5)


# ------------------------------------------------------------------------------ bundled weights


def test_the_pocket_file_is_small_safe_and_the_recorded_one():
    assert features.POCKET.stat().st_size <= 3_000_000
    digest = hashlib.sha256(features.POCKET.read_bytes()).hexdigest()
    assert digest == features.POCKET_SHA256
    state = torch.load(features.POCKET, weights_only=True)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    assert len(state) == 26


def test_a_changed_pocket_file_is_refused(tmp_path, monkeypatch):
    data = bytearray(features.POCKET.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "pocket.pt").write_bytes(data)
    monkeypatch.setattr(features, "POCKET", tmp_path / "pocket.pt")
    message = r"pocket\.pt: is not the file that belongs here.*git checkout assets"
    with pytest.raises(ValueError, match=message):
        nst.VGG19()
    (tmp_path / "pocket.pt").unlink()
    with pytest.raises(OSError, match=r"pocket\.pt: cannot be read"):
        nst.VGG19()


def test_random_weights_are_the_same_every_time():
    one = features.load_weights("random")
    two = features.load_weights("random")
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one["features.28.weight"].shape == (512, 512, 3, 3)


# ------------------------------------------------------------------------------ a file of weights


def test_weights_from_a_path(tmp_path):
    torch.save(narrow_state() | {"classifier.0.weight": torch.rand(3, 3)}, tmp_path / "mine.pt")
    vgg = nst.VGG19(tmp_path / "mine.pt")
    assert vgg(torch.rand(1, 3, 32, 32), "relu5_1")["relu5_1"].shape == (1, 4, 2, 2)
    assert nst.VGG19(str(tmp_path / "mine.pt")).features[0].out_channels == 4


@pytest.mark.parametrize(
    ("name", "spoiled", "message"),
    [
        ("features.10.bias", None, r"holds nothing as features\.10\.bias"),
        (
            "features.5.weight",
            torch.rand(4, 5, 3, 3),
            r"holds \(4, 5, 3, 3\) as features\.5\.weight",
        ),
        ("features.7.bias", torch.full((4,), torch.nan), r"features\.7\.bias holds NaN"),
        (
            "features.12.bias",
            torch.rand(3),
            r"holds \(3,\) as features\.12\.bias, where \(4,\) was expected",
        ),
        ("features.2.weight", "a string", r"holds nothing as features\.2\.weight"),
        ("features.28.weight", torch.zeros(0, 4, 3, 3), r"holds \(0, 4, 3, 3\) as features\.28"),
        (
            "features.5.weight",
            torch.rand(4, 4, 3, 3).to_sparse(),
            r"features\.5\.weight is a tensor of the kind float32, sparse_coo; .*to_dense",
        ),
        (
            "features.0.bias",
            torch.ones(4, dtype=torch.int64),
            r"features\.0\.bias is a tensor of the kind int64",
        ),
        (
            "features.0.bias",
            torch.ones(4, dtype=torch.complex64),
            r"features\.0\.bias is a tensor of the kind complex64",
        ),
        ("features.7.bias", torch.full((4,), -1e6), "conv2_2 is silent or overflows"),
        ("features.5.weight", torch.full((4, 4, 3, 3), 3e38), "conv2_1 is silent or overflows"),
    ],
    ids=[
        "missing",
        "of another shape",
        "NaN",
        "a short bias",
        "no tensor",
        "empty",
        "sparse",
        "whole numbers",
        "complex",
        "dead",
        "huge",
    ],
)
def test_unfit_weights_are_refused(name, spoiled, message, tmp_path):
    state = narrow_state()
    if spoiled is None:
        del state[name]
    else:
        state[name] = spoiled
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(ValueError, match=rf"bad\.pt: {message}"):
        nst.VGG19(tmp_path / "bad.pt")


def test_a_filter_that_is_silent_on_photographs_is_left_silent(tmp_path):
    state = narrow_state()
    state["features.7.bias"][0] = -1e6
    torch.save(state, tmp_path / "one.pt")
    vgg = nst.VGG19(tmp_path / "one.pt")
    features = vgg(random_image(), nst.STYLE_LAYERS)
    assert all(torch.isfinite(values).all() for values in features.values())
    assert vgg(random_image(), "relu2_2")["relu2_2"][0, 0].abs().max() == 0


def test_a_file_that_holds_code_or_nonsense_is_refused(tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"bad\.pt: is not a file of weights"):
        nst.VGG19(tmp_path / "bad.pt")
    torch.save({"features.0.weight": print}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match=r"code\.pt: is not a file of weights"):
        nst.VGG19(tmp_path / "code.pt")
    torch.save([torch.rand(3)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match=r"list\.pt: holds nothing as features\.0\.weight"):
        nst.VGG19(tmp_path / "list.pt")


def test_torchs_advice_to_load_unsafely_is_not_passed_on(tmp_path):
    torch.save(nn.Conv2d(3, 3, 3), tmp_path / "model.pt")
    (tmp_path / "page.pt").write_text("<html>404</html>")
    torch.save({"features.0.weight": print}, tmp_path / "code.pt")
    for name in ("model.pt", "page.pt", "code.pt"):
        with pytest.raises(ValueError) as error:
            nst.VGG19(tmp_path / name)
        printed = "".join(traceback.format_exception(error.value))
        assert "weights_only" not in printed
        assert len(str(error.value).splitlines()) == 1 and name in str(error.value)


def test_half_precision_weights_become_float32(tmp_path):
    state = {name: tensor.half() for name, tensor in narrow_state().items()}
    torch.save(state, tmp_path / "half.pt")
    vgg = nst.VGG19(tmp_path / "half.pt")
    assert {parameter.dtype for parameter in vgg.parameters()} == {torch.float32}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_an_image_may_have_any_precision(vgg, photo, dtype):
    image = photo.to(dtype).requires_grad_(True)
    features = vgg(image, "relu2_1")["relu2_1"]
    assert torch.allclose(features, vgg(photo, "relu2_1")["relu2_1"], atol=0.2)
    features.mean().backward()
    assert image.grad.dtype == dtype and image.grad.abs().sum() > 0


def test_an_error_about_a_file_of_ones_own_does_not_advise_git(tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"not weights")
    with pytest.raises(ValueError) as error:
        nst.VGG19(tmp_path / "bad.pt")
    assert "git" not in str(error.value).replace(str(tmp_path), "")


def test_scaling_changes_a_channel_by_one_factor(tmp_path):
    torch.save(narrow_state(), tmp_path / "mine.pt")
    scaled = nst.VGG19(tmp_path / "mine.pt")
    plain = nst.VGG19(tmp_path / "mine.pt")
    plain.load_state_dict(narrow_state())
    image = nst.load_image("coffee", 64)
    for layer in nst.STYLE_LAYERS:
        ratio = plain(image, layer)[layer] / scaled(image, layer)[layer]
        for channel in ratio[0]:
            values = channel[torch.isfinite(channel)]
            assert len(values) == 0 or torch.allclose(values, values.median(), rtol=1e-2), layer


# ------------------------------------------------------------------------------ a download


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """torchvision's own download, from a server on this machine.

    The fixture gives the file that the server has, and the place in the cache where it belongs."""
    from torchvision.models import VGG19_Weights
    from torchvision.models._api import Weights

    site = tmp_path / "site"
    site.mkdir()
    data = io.BytesIO()
    torch.save(narrow_state() | {"classifier.0.weight": torch.rand(3, 3)}, data)
    name = f"vgg19-{hashlib.sha256(data.getvalue()).hexdigest()[:8]}.pth"
    (site / name).write_bytes(data.getvalue())

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    member = VGG19_Weights.IMAGENET1K_V1
    url = f"http://127.0.0.1:{server.server_address[1]}/{name}"
    monkeypatch.setattr(member, "_value_", Weights(url=url, transforms=member.transforms, meta={}))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    yield site / name, tmp_path / "hub" / "checkpoints" / name
    server.shutdown()
    server.server_close()


def test_imagenet_is_downloaded_once_and_trimmed(imagenet):
    source, cached = imagenet
    vgg = nst.VGG19("imagenet")
    assert cached.exists()
    assert not any("classifier" in name for name in vgg.state_dict())
    assert {parameter.dtype for parameter in vgg.parameters()} == {torch.float32}
    source.unlink()  # the second time it comes from the cache
    again = nst.VGG19("imagenet")
    assert torch.equal(again.features[28].weight, vgg.features[28].weight)


def test_a_damaged_cached_file_is_refused(imagenet):
    _, cached = imagenet
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"vgg19-.*is damaged.*delete it.*network='pocket'"):
        nst.VGG19("imagenet")


def test_without_a_network_one_message_says_what_to_do(imagenet):
    source, cached = imagenet
    source.unlink()
    message = (
        r"could not download the ImageNet weights .*download http.*"
        rf"put it at .*{cached.name}, or use network='pocket'"
    )
    with pytest.raises(OSError, match=message):
        nst.VGG19("imagenet")


@pytest.fixture
def server():
    """A list for a function that answers requests, and the address of the server that calls it."""
    answers = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answers[-1](self)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield answers, f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


def aim(monkeypatch, url):
    """Makes torchvision download its weights from another address."""
    from torchvision.models import VGG19_Weights
    from torchvision.models._api import Weights

    member = VGG19_Weights.IMAGENET1K_V1
    monkeypatch.setattr(member, "_value_", Weights(url=url, transforms=member.transforms, meta={}))


def test_a_download_that_stalls_ends_and_leaves_nothing(imagenet, server, monkeypatch):
    _, cached = imagenet
    answers, url = server
    released = threading.Event()

    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.wfile.flush()
        released.wait(30)

    answers.append(stall)
    aim(monkeypatch, f"{url}/{cached.name}")
    monkeypatch.setattr(features, "STALLED_SECONDS", 0.5)
    cached.parent.mkdir(parents=True)
    (cached.parent / f"{cached.name}.0123.partial").write_bytes(b"of a process that was killed")
    began = time.monotonic()
    with pytest.raises(OSError, match=r"could not download .*timed out.*or use network='pocket'"):
        nst.VGG19("imagenet")
    released.set()
    assert time.monotonic() - began < 10
    assert not list(cached.parent.glob("*.pth")) and not list(cached.parent.glob("*.partial"))
    assert socket.getdefaulttimeout() is None


def test_two_processes_share_one_download(imagenet, server, monkeypatch):
    source, cached = imagenet
    answers, url = server
    requests = []

    def slowly(handler):
        requests.append(handler.path)
        data = source.read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        time.sleep(0.5)
        handler.wfile.write(data)

    answers.append(slowly)
    aim(monkeypatch, f"{url}/{cached.name}")
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(nst.VGG19("imagenet"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2 and len(requests) == 1
    assert torch.equal(made[0].features[0].weight, made[1].features[0].weight)
