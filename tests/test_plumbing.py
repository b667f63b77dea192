"""Odd pictures in, whole files out, and weights from every source."""

import functools
import hashlib
import http.server
import io
import shutil
import struct
import threading
import zlib

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from PIL import Image

import helpers as nst
import plumbing

# ------------------------------------------------------------------------------------------------ pictures in


def corners(path):
    """The four corner pixels of a loaded picture, as whole numbers, row by row."""
    image = nst.load_image(path, None)
    return [tuple((image[0, :, y, x] * 255).round().int().tolist()) for y in (0, -1) for x in (0, -1)]


RED, GREEN, BLUE, GRAY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)


@pytest.fixture
def colored():
    picture = Image.new("RGB", (16, 8), GRAY)
    for place, color in {(0, 0): RED, (15, 0): GREEN, (0, 7): BLUE}.items():
        picture.putpixel(place, color)
    return picture


def test_exif_rotation_is_applied(tmp_path, colored):
    exif = Image.Exif()
    exif[274] = 6  # the camera was held upright: turn a quarter to the right
    colored.save(tmp_path / "turned.png", exif=exif)
    assert nst.load_image(tmp_path / "turned.png").shape == (1, 3, 16, 8)
    assert corners(tmp_path / "turned.png") == [BLUE, RED, GRAY, GREEN]


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_transparency_lies_on_white(mode, tmp_path):
    if mode == "P":
        picture = Image.fromarray(np.eye(4, dtype=np.uint8))
        picture.putpalette([0, 0, 0, 255, 0, 0])  # 0 is black, 1 is red
        picture.save(tmp_path / "t.png", transparency=1)
    else:
        picture = Image.new("RGBA", (4, 4), (0, 0, 0, 255))
        picture.putpixel((0, 0), (255, 0, 0, 0))
        picture.putpixel((3, 3), (255, 0, 0, 0))
        picture.convert(mode).save(tmp_path / "t.png")
    white, black = (255, 255, 255), (0, 0, 0)
    assert corners(tmp_path / "t.png") == [white, black, black, white]


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "RGB"])
def test_modes_keep_their_look(mode, tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    if mode == "I;16":
        picture, name = Image.fromarray(ramp.astype(np.uint16) * 257), "p.png"
    elif mode == "1":
        ramp = np.where(ramp > 127, 255, 0).astype(np.uint8)
        picture, name = Image.fromarray(ramp).convert("1"), "p.png"
    elif mode == "P":
        picture, name = Image.fromarray(ramp).quantize(64), "p.png"
    else:
        picture, name = Image.fromarray(ramp).convert("RGB").convert(mode), "p.tif" if mode == "CMYK" else "p.png"
    picture.save(tmp_path / name)
    image = nst.load_image(tmp_path / name, None)
    assert image.shape == (1, 3, 8, 8)
    assert torch.allclose(image[0].mean(0) * 255, torch.from_numpy(ramp).float(), atol=3)


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert corners(tmp_path / "a.gif")[0] == RED


def test_a_thin_picture_keeps_a_pixel(tmp_path):
    Image.new("RGB", (1000, 1)).save(tmp_path / "thin.png")
    assert nst.load_image(tmp_path / "thin.png", 100).shape == (1, 3, 1, 100)


def test_unreadable_files_are_named(tmp_path, colored):
    with pytest.raises(FileNotFoundError, match=r"missing\.png: no such file"):
        nst.load_image(tmp_path / "missing.png")
    with pytest.raises(ValueError, match="not a file"):
        nst.load_image(tmp_path)
    data = io.BytesIO()
    colored.resize((200, 200)).save(data, "PNG")
    for name, content in {"empty.png": b"", "text.jpg": b"hello", "cut.png": data.getvalue()[:300]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: cannot be read as a picture .*save it from there as PNG or JPEG"):
            nst.load_image(tmp_path / name)
    with pytest.raises(ValueError, match="size is 0; it must be a whole number of pixels"):
        nst.load_image(tmp_path / "cut.png", 0)


def test_a_small_file_with_a_huge_picture_is_refused(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 13_000, 13_000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1 + 13_000 // 8) * 13_000)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    (tmp_path / "bomb.png").write_bytes(b"".join(parts))
    with pytest.raises(ValueError, match=r"bomb\.png.*13000x13000 pixels, more than 100,000,000"):
        nst.load_image(tmp_path / "bomb.png")


# ------------------------------------------------------------------------------------------------ files out


def test_output_paths_are_checked_before_the_work(tmp_path):
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.jpg"):
        plumbing.check_output(tmp_path / "x.tiff", plumbing.PICTURES)
    with pytest.raises(ValueError, match="ends in 'no suffix'"):
        plumbing.check_output(tmp_path / "x", plumbing.PICTURES)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"x\.png: cannot be written"):
        plumbing.check_output(tmp_path / "file" / "x.png", plumbing.PICTURES)
    assert plumbing.check_output(tmp_path / "a" / "b" / "x.png", plumbing.PICTURES).parent.is_dir()


def test_a_failed_write_leaves_the_older_file_and_no_part(tmp_path):
    old = tmp_path / "x.png"
    old.write_bytes(b"older")

    def full_disk(part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"x\.png: could not be written \(No space left on device\); what stood there"):
        plumbing.write_whole(old, (".png",), full_disk)
    assert old.read_bytes() == b"older" and [p.name for p in tmp_path.iterdir()] == ["x.png"]


def frames(count=6, size=32):
    rows = torch.linspace(0, 1, size).view(1, 1, 1, size).expand(1, 3, size, size)
    return [torch.cat([rows[:, :1] * i / count, rows[:, 1:2], 1 - rows[:, 2:]], 1) for i in range(count)]


@pytest.mark.parametrize("program", ["with gifsicle", "without"])
def test_gif_timing_looping_and_colors(program, tmp_path, monkeypatch, capsys):
    if program == "without":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif shutil.which("gifsicle") is None:
        pytest.skip("the gifsicle program is not installed")
    path = tmp_path / "out" / "progress.gif"
    nst.save_gif(frames(), path, seconds=1.2, hold=0.5)
    with Image.open(path) as gif:
        assert gif.n_frames == 6 and gif.info["loop"] == 0
        durations = []
        for i in range(6):
            gif.seek(i)
            durations.append(gif.info["duration"])
    assert durations == [200] * 5 + [700]
    shown = iio.imread(path).astype(float)
    wanted = np.stack([np.asarray(nst.to_pil(frame)) for frame in frames()])
    assert np.abs(shown - wanted).mean() < 12
    assert ("would be smaller" in capsys.readouterr().out) == (program == "without")
    assert [p.name for p in path.parent.iterdir()] == ["progress.gif"]


def test_gif_errors(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        nst.save_gif([], tmp_path / "x.gif")
    with pytest.raises(ValueError, match="differ in size"):
        nst.save_gif([torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 9)], tmp_path / "x.gif")
    with pytest.raises(ValueError, match=r"must end in one of \.gif"):
        nst.save_gif(frames(), tmp_path / "x.mp4")
    with pytest.raises(ValueError, match="seconds is 0"):
        nst.save_gif(frames(), tmp_path / "x.gif", seconds=0)


# ------------------------------------------------------------------------------------------------ weights


def test_the_pocket_file_is_small_safe_and_the_recorded_one():
    assert plumbing.POCKET.stat().st_size <= 3_000_000
    assert hashlib.sha256(plumbing.POCKET.read_bytes()).hexdigest() == plumbing.POCKET_SHA256
    state = torch.load(plumbing.POCKET, weights_only=True)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16} and len(state) == 26


def test_a_changed_pocket_file_is_refused(tmp_path, monkeypatch):
    data = bytearray(plumbing.POCKET.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "pocket.pt").write_bytes(data)
    monkeypatch.setattr(plumbing, "POCKET", tmp_path / "pocket.pt")
    with pytest.raises(ValueError, match=r"pocket\.pt: is not the file that belongs here.*git checkout assets"):
        nst.VGG19()
    (tmp_path / "pocket.pt").unlink()
    with pytest.raises(OSError, match=r"pocket\.pt: cannot be read"):
        nst.VGG19()


def test_random_weights_are_the_same_every_time():
    one, two = plumbing.load_weights("random"), plumbing.load_weights("random")
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one["features.28.weight"].shape == (512, 512, 3, 3)


def narrow_state(width=4):
    generator, state, inputs = torch.Generator().manual_seed(1), {}, 3
    for index in plumbing.INDICES:
        state[f"features.{index}.weight"] = torch.randn(width, inputs, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = torch.randn(width, generator=generator)
        inputs = width
    return state


def test_weights_from_a_path(tmp_path):
    torch.save(narrow_state() | {"classifier.0.weight": torch.rand(3, 3)}, tmp_path / "mine.pt")
    vgg = nst.VGG19(tmp_path / "mine.pt")
    assert vgg(torch.rand(1, 3, 32, 32), "relu5_1")["relu5_1"].shape == (1, 4, 2, 2)
    assert nst.VGG19(str(tmp_path / "mine.pt")).features[0].out_channels == 4


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda s: s.pop("features.10.bias"), "holds nothing as features.10.bias"),
    (lambda s: s.update({"features.5.weight": torch.rand(4, 5, 3, 3)}), "features.5.weight"),
    (lambda s: s["features.7.bias"].fill_(float("nan")), "features.7.bias holds NaN"),
])
def test_unfit_weights_are_refused(spoil, message, tmp_path):
    state = narrow_state()
    spoil(state)
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(ValueError, match=message):
        nst.VGG19(tmp_path / "bad.pt")


def test_a_file_that_holds_code_or_nonsense_is_refused(tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"bad\.pt: is not a file of weights"):
        nst.VGG19(tmp_path / "bad.pt")
    torch.save({"features.0.weight": print}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match=r"code\.pt: is not a file of weights"):
        nst.VGG19(tmp_path / "code.pt")


def test_scaling_changes_a_channel_by_one_factor(tmp_path):
    torch.save(narrow_state(), tmp_path / "mine.pt")
    scaled = nst.VGG19(tmp_path / "mine.pt")
    plain = nst.VGG19(tmp_path / "mine.pt")
    plain.load_state_dict(narrow_state())
    image = nst.load_image(plumbing.ASSETS / "coffee.jpg", 64)
    for layer in nst.STYLE_LAYERS:
        ratio = plain(image, layer)[layer] / scaled(image, layer)[layer]
        for channel in ratio[0]:
            values = channel[torch.isfinite(channel)]
            assert len(values) == 0 or torch.allclose(values, values.median(), rtol=1e-2), layer


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """torchvision's own loading code, pointed at a server on this machine, which serves the folder `site`."""
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
    assert cached.exists() and not any("classifier" in name for name in vgg.state_dict())
    assert {p.dtype for p in vgg.parameters()} == {torch.float32}
    source.unlink()  # the second time it comes from the cache
    assert torch.equal(nst.VGG19("imagenet").features[28].weight, vgg.features[28].weight)


def test_a_damaged_cached_file_is_refused(imagenet):
    _, cached = imagenet
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"vgg19-.*is damaged.*delete it.*weights='pocket'"):
        nst.VGG19("imagenet")


def test_without_a_network_one_message_says_what_to_do(imagenet):
    source, cached = imagenet
    source.unlink()
    with pytest.raises(OSError, match=rf"could not be had .*download http.*put it at .*{cached.name}, or use weights='pocket'"):
        nst.VGG19("imagenet")
