"""files.py: unusual picture files in, whole files out."""

import io
import os
import stat
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

import helpers as nst
from style_transfer import files
from style_transfer.settings import PICTURE_SUFFIXES

RED = (255, 0, 0)
GREEN = (0, 255, 0)
BLUE = (0, 0, 255)
GRAY = (128, 128, 128)
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)


def corners(path):
    """The four corner pixels of a loaded picture, as whole numbers, row by row."""
    pixels = (nst.load_image(path, None)[0] * 255).round().int()
    return [tuple(pixels[:, y, x].tolist()) for y in (0, -1) for x in (0, -1)]


@pytest.fixture
def colored():
    """A gray picture of 16x8 pixels with a red, a green and a blue corner."""
    picture = Image.new("RGB", (16, 8), GRAY)
    for place, color in {(0, 0): RED, (15, 0): GREEN, (0, 7): BLUE}.items():
        picture.putpixel(place, color)
    return picture


# ------------------------------------------------------------------------------ pictures in


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
    assert corners(tmp_path / "t.png") == [WHITE, BLACK, BLACK, WHITE]


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "RGB"])
def test_modes_keep_their_look(mode, tmp_path):
    ramp = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    name = "p.tif" if mode == "CMYK" else "p.png"
    if mode == "I;16":
        picture = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode == "1":
        ramp = np.where(ramp > 127, 255, 0).astype(np.uint8)
        picture = Image.fromarray(ramp).convert("1")
    elif mode == "P":
        picture = Image.fromarray(ramp).quantize(64)
    else:
        picture = Image.fromarray(ramp).convert("RGB").convert(mode)
    picture.save(tmp_path / name)
    image = nst.load_image(tmp_path / name, None)
    assert image.shape == (1, 3, 8, 8)
    assert torch.allclose(image[0].mean(0) * 255, torch.from_numpy(ramp).float(), atol=3)


@pytest.mark.parametrize("brightest", [100, 200, 255, 300, 65535])
def test_16_bit_gray_is_scaled_however_dark_it_is(brightest, tmp_path):
    ramp = np.linspace(0, brightest, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "gray.png")
    image = nst.load_image(tmp_path / "gray.png", None)
    assert torch.allclose(image[0, 0], torch.from_numpy(ramp / 65535).float(), atol=0.6 / 255)


def test_gray_values_out_of_range_are_refused(tmp_path):
    for low, high in [(-1.0, 1.0), (0.0, float("inf")), (0.0, 70_000.0)]:
        values = np.full((8, 8), low, np.float32)
        values[0, 0] = high
        Image.fromarray(values).save(tmp_path / "x.tif")
        with pytest.raises(ValueError, match="its gray values run from"):
            nst.load_image(tmp_path / "x.tif")
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "x.tif")
    assert nst.load_image(tmp_path / "x.tif").mean().item() == pytest.approx(0.5, abs=0.005)


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert corners(tmp_path / "a.gif")[0] == RED


def test_unreadable_files_are_named(tmp_path, colored):
    with pytest.raises(FileNotFoundError, match=r"missing\.png: no such file"):
        nst.load_image(tmp_path / "missing.png")
    with pytest.raises(ValueError, match="not a file"):
        nst.load_image(tmp_path)
    data = io.BytesIO()
    colored.resize((200, 200)).save(data, "PNG")
    contents = {"empty.png": b"", "text.jpg": b"hello", "cut.png": data.getvalue()[:300]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        message = rf"{name}: cannot be read as a picture .*save it from there as PNG or JPEG"
        with pytest.raises(ValueError, match=message):
            nst.load_image(tmp_path / name)
    with pytest.raises(ValueError, match="size is 0; it must be a whole number of pixels"):
        nst.load_image(tmp_path / "cut.png", 0)


def huge_png(side):
    """A PNG file of a few bytes whose header promises a black and white picture of that side."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (13_000, r"bomb\.png.*13000x13000 pixels, more than 100,000,000; make it smaller"),
        (20_000, r"bomb\.png.*it has more than 100,000,000 pixels; make it smaller"),
    ],
)
def test_a_small_file_with_a_huge_picture_is_refused(side, message, tmp_path):
    (tmp_path / "bomb.png").write_bytes(huge_png(side))
    with pytest.raises(ValueError, match=message):
        nst.load_image(tmp_path / "bomb.png")


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize("name", ["e.jpg", "e.eps"])
def test_no_picture_starts_another_program(name, tmp_path, monkeypatch):
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/bash\ntouch {tmp_path / 'started'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    box = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / name).write_bytes(box)
    with pytest.raises(ValueError, match=rf"{name}: is a file of the format EPS, .* PNG or JPEG"):
        nst.load_image(tmp_path / name)
    assert not (tmp_path / "started").exists()


OTHER_FILES = {
    "HEIF": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "JPEG XL": b"\xff\x0a\xfa\x7f",
    "PDF": b"%PDF-1.7",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_a_format_that_is_not_read_is_named(kind, tmp_path):
    (tmp_path / "x.jpg").write_bytes(OTHER_FILES[kind])
    with pytest.raises(ValueError, match=f"is a file of the format {kind}.*convert it to PNG"):
        nst.load_image(tmp_path / "x.jpg")


def test_what_is_read_is_a_fixed_list():
    assert set(files.FORMATS).isdisjoint({"EPS", "WMF", "PDF", "FPX", "MIC"})
    assert {"PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"} <= set(files._formats())


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png", "a.webp"])
def test_further_frames_are_mentioned(name, tmp_path, capsys):
    pages = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE, GREEN)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    assert nst.load_image(tmp_path / name).shape == (1, 3, 8, 8)
    note = f"{name} has 3 frames or pages; only the first one is used\n"
    assert capsys.readouterr().out.endswith(note)
    pages[0].save(tmp_path / f"one-{name}")
    nst.load_image(tmp_path / f"one-{name}")
    assert capsys.readouterr().out == ""


def test_lack_of_memory_is_the_fault_of_the_file(tmp_path, colored, monkeypatch):
    def greedy(picture):
        raise MemoryError

    colored.save(tmp_path / "x.png")
    monkeypatch.setattr(files, "_to_rgb", greedy)
    with pytest.raises(ValueError, match=r"x\.png: .*it takes more memory than there is"):
        nst.load_image(tmp_path / "x.png")


def test_broken_further_frames_do_not_matter(tmp_path, colored):
    colored.save(tmp_path / "x.gif", save_all=True, append_images=[colored.rotate(180)])
    data = (tmp_path / "x.gif").read_bytes()
    (tmp_path / "x.gif").write_bytes(data[: len(data) - 20])
    assert nst.load_image(tmp_path / "x.gif").shape == (1, 3, 8, 16)


# ------------------------------------------------------------------------------ files out


def test_output_paths_are_checked_before_the_work(tmp_path):
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.jpg"):
        files.prepare_output(tmp_path / "x.tiff", PICTURE_SUFFIXES)
    with pytest.raises(ValueError, match="ends in 'no suffix'"):
        files.prepare_output(tmp_path / "x", PICTURE_SUFFIXES)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match=r"folder\.png: is a folder"):
        files.prepare_output(tmp_path / "folder.png", PICTURE_SUFFIXES)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"x\.png: cannot be written"):
        files.prepare_output(tmp_path / "file" / "x.png", PICTURE_SUFFIXES)
    path = files.prepare_output(tmp_path / "a" / "b" / "x.png", PICTURE_SUFFIXES)
    assert path.parent.is_dir()
    assert not path.exists()


def test_a_failed_write_leaves_the_older_file_and_no_part(tmp_path):
    old = tmp_path / "x.png"
    old.write_bytes(b"older")

    def full_disk(part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    message = r"x\.png: could not be written \(No space left on device\); what stood there"
    with pytest.raises(OSError, match=message):
        files.write_atomic(old, (".png",), full_disk)
    assert old.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_a_write_replaces_the_older_file(tmp_path):
    path = tmp_path / "new" / "x.png"
    files.write_atomic(path, (".png",), lambda part: part.write_bytes(b"first"))
    files.write_atomic(path, (".png",), lambda part: part.write_bytes(b"second"))
    assert path.read_bytes() == b"second"
    assert [path.name for path in path.parent.iterdir()] == ["x.png"]
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_refused_file_goes_to_another_name_or_folder(tmp_path, monkeypatch):
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(spare))
    path = tmp_path / "x.png"
    path.write_bytes(b"older")
    refused = []

    def save(place):
        if place in refused:
            raise OSError(28, f"no space for {place.name}")
        place.write_bytes(b"new")

    refused.append(path)
    place, refusal = files.save_anywhere(save, path)
    assert place == tmp_path / "x-2.png"
    assert "no space for x.png" in str(refusal)
    assert path.read_bytes() == b"older"
    refused.append(tmp_path / "x-3.png")
    assert files.save_anywhere(save, path)[0] == spare / "x.png"
    refused.append(spare / "x-2.png")
    with pytest.raises(OSError, match=r"no space for x\.png"):
        files.save_anywhere(save, path)


def test_a_free_name_is_counted_up(tmp_path):
    path = tmp_path / "x.png"
    assert files.free_name(path) == path
    path.write_text("")
    assert files.free_name(path).name == "x-2.png"
    (tmp_path / "x-2.png").symlink_to(tmp_path / "nowhere")  # a link without a file is taken, too
    assert files.free_name(path).name == "x-3.png"


def test_names_of_any_length(tmp_path):
    longest = tmp_path / ("a" * 251 + ".png")
    files.write_atomic(longest, (".png",), lambda part: part.write_bytes(b"x"))
    assert longest.read_bytes() == b"x"
    with pytest.raises(OSError, match=r"cannot be written \(File name too long\); choose another"):
        files.prepare_output(tmp_path / ("a" * 252 + ".png"), (".png",))


def test_a_note_is_printed_once(capsys):
    files.note("the same words")
    files.note("the same words")
    assert capsys.readouterr().out == "note: the same words\n"
