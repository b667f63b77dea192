"""The command line, end to end, as people type it."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import helpers as nst
import stylize
from style_transfer import flags, inputs, results
from style_transfer.features import POCKET
from style_transfer.labels import GAP
from style_transfer.settings import ASSETS, POOLING, STYLE_WEIGHTS, TERMS
from tests.conftest import random_image

ROOT = Path(stylize.__file__).parent
SMALL = ["--size", "48", "--steps", "4"]


def upper_half(path, size=(64, 43)):
    """Writes a mask that is white in its upper half, and returns its path."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0], size[1] // 2))
    mask.save(path)
    return path


def run(*words, cwd):
    """`python stylize.py WORDS` in a process of its own."""
    return subprocess.run(
        [sys.executable, ROOT / "stylize.py", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_two_pictures_in_three_files_out(tmp_path):
    done = run(
        "--content",
        ASSETS / "chelsea.jpg",
        "--style",
        ASSETS / "hokusai_great_wave.jpg",
        *SMALL,
        "--gif",
        "--panel",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "outputs"
    with Image.open(folder / "chelsea_hokusai_great_wave.png") as picture:
        assert picture.size == (48, 32)
        assert len(picture.getcolors(48 * 32)) > 200  # a picture, not a flat field
    with Image.open(folder / "chelsea_hokusai_great_wave.gif") as gif:
        assert gif.size == (48, 32) and gif.n_frames == 2
    with Image.open(folder / "chelsea_hokusai_great_wave_panel.png") as panel:
        # Photograph, painting at the same height, result, and the gaps around them.
        assert panel.height > 32 + 2 * GAP and panel.width == 48 + 48 + 48 + 4 * GAP
    for name in ("chelsea_hokusai_great_wave.png", ".gif", "_panel.png"):
        assert name in done.stdout
    assert "4 evaluations in" in done.stdout and "content" in done.stdout and "%" in done.stdout
    assert "style" in done.stderr  # the bar, with its losses


def test_the_command_that_people_know(tmp_path):
    """The flags of the tutorials' scripts, underscores and all."""
    done = run(
        f"--content={ASSETS / 'coffee.jpg'}",
        f"--style={ASSETS / 'starry_night.jpg'}",
        "--style_weight=500000",
        "--steps=6",
        "--random_input",
        "--size=48",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "coffee_starry_night.png").exists()
    assert "style 100.0%" in done.stdout and "--help says what weights mean" in done.stdout


def test_every_flag_reaches_the_run(tmp_path, capsys):
    sky = upper_half(tmp_path / "sky.png")
    start = tmp_path / "start.png"
    nst.save_image(random_image(86, 128), start)

    def picture(*words):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        assert stylize.main([*SMALL, *words, "--output", str(path)]) == 0, capsys.readouterr().err
        return path.read_bytes()

    plain = picture()
    assert picture() == plain  # the same command gives the same picture
    variants = [
        ["--content-weight=9"],
        ["--style-weight=7"],
        ["--tv-weight=5"],
        ["--style-layers", "relu1_1", "relu2_1"],
        ["--style-layers", "relu1_1=1", "relu3_1=0.2"],
        ["--style-layers", "1,2,3"],
        ["--method=adam"],
        ["--lr=0.2"],
        ["--pooling=max"],
        ["--start=content"],
        ["--start=style"],
        ["--start=one_pass"],
        ["--start", str(start)],
        ["--random-input"],
        ["--random_input", "--seed=1"],
        ["--preserve-color"],
        ["--luminance"],
        ["--style-scale=0.5"],
        ["--style_scale=2"],
        ["--blend", "grass=0.5"],
        ["--blend=grass=0.25", "--blend", "hokusai_great_wave=0.25"],
        ["--place", f"{sky}=hokusai_great_wave"],
        ["--place", f"{sky}=hokusai_great_wave", "--blend=grass=0.5", "--sizes=32,48"],
        ["--network", str(POCKET), "--content_weight=8"],
        ["--content", str(ASSETS / "flower.jpg")],
        ["--style", str(ASSETS / "grass.jpg")],
    ]
    pictures = [picture(*words) for words in variants]
    assert len({plain, *pictures}) == 1 + len(variants)


def test_one_pass_from_the_command_line(tmp_path, capsys):
    def picture(*words):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        words = ["--size=48", "--method=one-pass", *words, "--output", str(path)]
        assert stylize.main(words) == 0, capsys.readouterr().err
        return path.read_bytes()

    plain = picture()
    said = capsys.readouterr().out
    assert "one pass in" in said and "at strength 1" in said and "forecast" not in said
    assert picture("--strength=1") == plain
    variants = ("--strength=0.5", "--strength=0", "--preserve-color", "--luminance")
    others = [picture(word) for word in variants]
    others.append(picture("--blend", "hokusai_great_wave=0.5"))
    assert len({plain, *others}) == 6
    picture("--panel", str(tmp_path / "panel.png"))
    with Image.open(tmp_path / "panel.png") as panel:
        assert panel.height > 32 + 2 * GAP


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "many"], "--steps"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--method", "sgd"], "invalid choice"),
        (["--content", "missing.jpg"], "missing.jpg: no such file"),
        (["--content", __file__], "cannot be read as a picture"),
        (["--output", "result.tiff"], "must end in one of .png"),
        (["--gif", "result.mp4"], "must end in one of .gif"),
        (["--style-weight", "-1"], "--style-weight is -1"),
        (["--style-layers", "relu9_1"], "--style-layers: there is no layer 'relu9_1'"),
        (["--style-layers", "relu1_1=x"], "give every layer a weight"),
        (["--size", "8"], "needs 16x16 or more"),
        (["--size", "20"], "china.jpg is 20x13; relu5_1 needs 16x16 or more; a size of 25"),
        (["--steps", "0"], "--steps is 0"),
        (["--random-input", "--seed", "1" + 23 * "0"], "--seed is 1000"),
        (["--lr", "nan"], "--lr is nan"),
        (["--network", "vgg16"], "--network is 'vgg16'; it must be one of pocket, imagenet"),
        (["--size", "0"], "--size is 0; it must be a whole number of 1 or more"),
        (["--sizes", "64,32"], "--sizes is '64,32'; give them from small to large"),
        (["--sizes", "0,32"], "--sizes is 0"),
        (["--sizes", "24,32", "--steps", "1"], "--steps is 1; 2 sizes need at least one"),
        (["--size", "400", "--steps", "1"], "--steps is 1; 2 sizes need at least one"),
        (["--every", "0"], "--every is 0"),
        (["--start", "recolored.png"], "--start is 'recolored.png'; it must be one of recolored,"),
        (["--start", "square.png"], "--start square.png is 50x50 and the photograph 512x342"),
        (["--start", __file__], "cannot be read as a picture"),
        (["--start", "white.png", "-o", "white.png"], "one of the pictures that go in"),
        (["--device", "gpu"], "--device is 'gpu'; it must be auto, cpu, cuda, cuda:0 or mps"),
        (["--device", "cuda:99"], "--device: there is no device 'cuda:99'; torch finds cpu"),
        (["--blend", "starry_night"], "give a painting and its share"),
        (["--blend", "grass=1.2"], "give a painting and its share"),
        (["--blend", "grass=some"], "give a painting and its share"),
        (["--blend", "grass=0.6", "--blend", "brick=0.6"], "add up to 1.2"),
        (["--blend", "missing.jpg=0.5"], "missing.jpg: no such file"),
        (["--place", "sky.png"], "give a mask and a painting"),
        (["--place", "missing.png=grass"], "missing.png: no such file"),
        (["--place", "black.png=grass"], "black.png: is black everywhere"),
        (["--place", "square.png=grass"], "square.png is 50x50 and its picture 512x342"),
        (["--style-layers", "0,1"], "--style-layers has 0; a number must be from 1 to 5"),
        (["--place", "white.png=grass"], "--place: the masks cover the whole picture"),
        (["--style-scale", "0"], "--style-scale is 0"),
        (["--style-scale", "nan"], "--style-scale is nan"),
        (["--luminance", "--preserve-color"], "not allowed with"),
        (["--output", str(ASSETS / "china.jpg")], "one of the pictures that go in"),
        (["--output", str(ASSETS / "starry_night.jpg")], "one of the pictures that go in"),
        (["-c", "grass", "-s", "brick", "-o", str(ASSETS / "brick.jpg")], "pictures that go in"),
        (["--output", "a.png", "--panel", "./a.png"], "a.png: is another file that goes out"),
        (["--output", "a" * 300 + ".png"], "cannot be written (File name too long)"),
        (["--style-layers", "relu1_1", "relu1_1"], "name each layer once"),
        (["--style-layers", "relu1_1=1", "relu1_1=2"], "name each layer once"),
        (["--method", "one-pass", "--steps", "9"], "--steps is for an optimizer"),
        (["--method", "one-pass", "--gif"], "--gif is for an optimizer"),
        (
            ["--method", "one-pass", "--strength", "2"],
            "--strength is 2.0; it must be a number from",
        ),
        (["--strength", "0.5"], "--strength is for --method one-pass only"),
        (["--method", "one-pass", "--network", "random"], "trained for another network"),
        (["--method", "one-pass", "--size", "16"], "one pass needs 32x32 or more"),
    ],
)
def test_a_mistake_ends_in_one_line_and_status_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (64, 43), 0).save("black.png")
    Image.new("L", (64, 43), 255).save("white.png")
    Image.new("L", (50, 50), 255).save("square.png")
    try:
        status = stylize.main(words)
    except SystemExit as end:  # argparse's own way out
        status = end.code
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 2
    assert len(said) == 1 and said[0].startswith("stylize.py: ") and message in said[0], said


def test_a_blocked_folder_is_found_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert stylize.main(["--steps", "100000", "--output", str(tmp_path / "file" / "x.png")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_help_says_what_weights_mean(capsys):
    with pytest.raises(SystemExit) as end:
        stylize.main(["--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0 and "500000" in text and "1e6" in text and "4 / N^2" in text
    # Its figures, worked out again: 1e6 of MSE(G / (N M)), five layers, in units of the mean E_l.
    first, last = (5 * 1e6 * 4 / channels**2 for channels in (64, 512))
    assert round(first, -2) == 4900 and round(last) == 76


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one.jpg"], "give two, CONTENT and STYLE"),
        (["one.jpg", "two.jpg", "-c", "three.jpg"], "the pictures are given twice"),
        (["--style-layers", "relu1_1=-1"], "--style-layers relu1_1 is -1.0"),
    ],
)
def test_a_mistake_in_the_pictures_or_layers_is_named(words, message, capsys):
    assert stylize.main(words) == 2
    assert message in capsys.readouterr().err


def test_pictures_by_place_equal_pictures_by_flag(tmp_path):
    pair = [str(ASSETS / "coffee.jpg"), str(ASSETS / "grass.jpg")]
    assert stylize.main([*pair, *SMALL, "-o", str(tmp_path / "a.png")]) == 0
    assert stylize.main(["-c", pair[0], "-s", pair[1], *SMALL, "-o", str(tmp_path / "b.png")]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ([], STYLE_WEIGHTS[POOLING]),
        (["--pooling=max"], STYLE_WEIGHTS["max"]),
        (["--pooling=average"], STYLE_WEIGHTS["average"]),
        (["--pooling=max", "--style-weight=7"], 7.0),
    ],
)
def test_each_pooling_has_a_style_weight_of_its_own(words, style):
    options = stylize.parser().parse_args(words)
    assert flags.loss_weights(options) == nst.Weights(style=style)


def test_a_mistake_is_answered_before_torch_is_loaded():
    code = "import sys, stylize; assert not {'torch', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# ------------------------------------------------------------------------------ control


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), float) / 255


def test_blends_of_0_and_1_are_the_single_paintings(tmp_path):
    def picture(*words):
        path = tmp_path / "picture.png"
        assert stylize.main([*SMALL, "-c", "china", *words, "-o", str(path)]) == 0
        return path.read_bytes()

    night = picture("-s", "starry_night")
    wave = picture("-s", "hokusai_great_wave")
    both = ["-s", "starry_night", "--blend"]
    assert picture(*both, "hokusai_great_wave=0") == night
    assert picture(*both, "hokusai_great_wave=1") == wave
    assert picture(*both, "hokusai_great_wave=0.5") not in (night, wave)


def test_all_flags_of_control_in_one_run(tmp_path, capsys):
    sky = upper_half(tmp_path / "sky.png", (640, 427))
    words = ["--blend", "grass=0.2", "--place", f"{sky}=hokusai_great_wave", "--luminance"]
    words += ["--style-scale", "1.5", "--sizes", "32,48", "--steps", "4", "--gif", "--panel"]
    path = tmp_path / "out.png"
    assert stylize.main([*words, "-o", str(path)]) == 0, capsys.readouterr().err
    assert pixels(path).shape == (32, 48, 3)
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.size == (48, 32)
    with Image.open(tmp_path / "out_panel.png") as panel:
        assert panel.width > 4 * 40 + 6 * GAP  # photograph, three paintings and the result
    assert "forecast: about" in capsys.readouterr().out


def test_luminance_keeps_the_colors_of_every_pixel(tmp_path):
    path = tmp_path / "out.png"
    assert (
        stylize.main(["-c", "china", "-s", "starry_night", *SMALL, "--luminance", "-o", str(path)])
        == 0
    )
    painted = pixels(path)
    photo = nst.load_image("china", 48)[0].permute(1, 2, 0).numpy()
    change = painted - photo
    inside = (painted > 0.01).all(-1) & (painted < 0.99).all(-1)  # not clipped
    assert inside.mean() > 0.5
    # All three values of a pixel change by the same amount, up to the rounding to 8 bits.
    assert np.ptp(change[inside], axis=-1).max() < 2.5 / 255
    assert np.abs(change).mean() > 0.01


def test_a_painting_too_small_for_its_scale_is_noted(tmp_path, capsys):
    path = str(tmp_path / "out.png")
    assert (
        stylize.main(
            ["-c", "china", "-s", "starry_night", *SMALL, "--style-scale", "20", "-o", path]
        )
        == 0
    )
    assert "note: starry_night has 706 px, so its style scale is 15" in capsys.readouterr().out


def test_a_mask_is_no_place_for_the_result(tmp_path, capsys):
    sky = upper_half(tmp_path / "sky.png")
    words = ["--place", f"{sky}=grass", "-o", str(sky)]
    assert stylize.main([*SMALL, *words]) == 2
    assert "is one of the pictures that go in" in capsys.readouterr().err


# ------------------------------------------------------------------------------ the result first


def test_the_default_output_is_a_new_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words in (["--style-weight=5"], ["--gif"], []):
        assert stylize.main([*SMALL, *words]) == 0
    names = sorted(path.name for path in (tmp_path / "outputs").iterdir())
    stem = "china_starry_night"
    assert names == [f"{stem}-2.gif", f"{stem}-2.png", f"{stem}-3.png", f"{stem}.png"]
    assert f"picture:  outputs/{stem}-3.png" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_log_disk_costs_only_the_words(tmp_path):
    with open("/dev/full", "w") as full:
        words = [*SMALL, "--gif", "--panel", "-o", "x.png"]
        done = subprocess.run(
            [sys.executable, ROOT / "stylize.py", *words], cwd=tmp_path, stdout=full, stderr=full
        )
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", "x.gif", "x_panel.png"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_a_polite_kill_saves_what_there_is(tmp_path):
    words = ["--size=64", "--steps=100000", "--gif", "--panel", "-o", "x.png"]
    program = subprocess.Popen(
        [sys.executable, ROOT / "stylize.py", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen = b""
    while b"style" not in seen:  # the bar shows the first Snapshot
        seen += program.stderr.read1(100)
    program.send_signal(signal.SIGTERM)
    said, _ = program.communicate()
    assert program.returncode == 0
    assert b"interrupted after" in said and b"picture:  x.png" in said
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", "x.gif", "x_panel.png"}


def test_a_disk_that_is_full_at_the_end(tmp_path, monkeypatch, capsys):
    """The picture goes elsewhere, and what can still be written is written."""
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(spare))
    save = results.save_image

    def full(image, path):
        if Path(path).parent == tmp_path and "panel" not in Path(path).name:
            raise OSError(f"{path}: could not be written (No space left on device)")
        save(image, path)

    monkeypatch.setattr(results, "save_image", full)
    monkeypatch.setattr(results, "save_gif", lambda *_: 1 / 0)
    output = tmp_path / "x.png"
    assert stylize.main([*SMALL, "--gif", "--panel", "-o", str(output)]) == 2
    with Image.open(spare / "x.png") as picture:
        assert picture.size == (48, 32)
    said = capsys.readouterr()
    reason = "could not be written (No space left on device)"
    assert f"{output}: {reason}; the picture is at {spare / 'x.png'}" in said.err
    assert "x.gif: was not made (ZeroDivisionError" in said.err
    assert (tmp_path / "x_panel.png").exists() and "panel: " in said.out


# ------------------------------------------------------------------------------ no false success


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--lr=1e30"], "no longer a number after 10 evaluations"),
        (["--style-weight=1e38"], "the largest known term is style"),
        (["--method=adam", "--lr=1e6"], "most of it style; lower lr, or the style weight"),
    ],
)
def test_a_blow_up_is_no_success(words, reason, tmp_path, capsys):
    for _ in range(2):
        assert stylize.main([*SMALL, "--steps=12", *words, "-o", str(tmp_path / "x.png")]) == 3
        said = capsys.readouterr()
        assert reason in said.out
        assert "the run blew up, so" in said.err and "_best" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x_best-2.png", "x_best.png"]


def test_a_blow_up_at_the_start_has_no_picture(tmp_path, capsys):
    words = ["--style-weight=1e300", "-o", str(tmp_path / "x.png")]
    assert stylize.main([*SMALL, *words]) == 3
    assert "after 0 evaluations" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_loss_that_does_not_move_is_said(tmp_path, capsys):
    weights = [f"--{term}-weight=0" for term in TERMS]
    assert stylize.main([*SMALL, *weights, "-o", str(tmp_path / "x.png")]) == 0
    assert "note: the loss did not move from 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_lack_of_memory_names_a_size(error, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(nst, "watch", full)
    assert stylize.main([*SMALL, "-o", str(tmp_path / "x.png")]) == 2
    assert "out of memory at --size 48; try --size 34" in capsys.readouterr().err


def test_an_interrupt_before_there_is_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(nst, "watch", lambda *_, **__: [])
    assert stylize.main([*SMALL, "-o", str(tmp_path / "x.png")]) == 130

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(inputs, "load_image", interrupted)
    assert stylize.main([*SMALL, "-o", str(tmp_path / "x.png")]) == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "hint"), [(9.9, True), (10.1, False), (0.0, True)])
def test_the_hint_about_content_begins_below_a_tenth(content, hint):
    losses = {"content": content, "style": 100 - content}
    last = nst.Snapshot(1, 0.0, torch.zeros(1, 3, 8, 8), losses)
    options = stylize.parser().parse_args([])
    assert ("hardly counts" in results.summary(last, options)) == hint
    options.content_weight = 0.0  # then it is what was asked for
    assert "hardly counts" not in results.summary(last, options)


# ------------------------------------------------------------------------------ on the way


def numbers(folder):
    """The numbers of the pictures that `--every` wrote, in order."""
    return sorted(path.stem.removeprefix("x_") for path in folder.glob("x_*.png"))


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [
        ("2", "5", ["0002", "0004"]),
        ("15", "31", ["0015", "0030"]),
        ("13", "30", ["0020", "0030"]),  # no number from 5 to 10 divides 13
        ("40", "12", []),
    ],
)
def test_every_writes_numbered_pictures(every, steps, expected, tmp_path):
    words = ["--size=32", f"--steps={steps}", f"--every={every}", "-o", str(tmp_path / "x.png")]
    assert stylize.main(words) == 0
    assert numbers(tmp_path) == expected
    for number in expected:
        with Image.open(tmp_path / f"x_{number}.png") as picture:
            assert picture.size == (32, 21)


def test_numbered_pictures_replace_nothing(tmp_path):
    words = ["--sizes=24,32", "--steps=8", "--every=4", "-o", str(tmp_path / "x.png")]
    assert stylize.main(words) == 0
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert stylize.main([*words, "--style-weight=7"]) == 0
    assert numbers(tmp_path) == ["0004", "0004-2", "0008", "0008-2"]
    kept = {name: (tmp_path / name).read_bytes() for name in first if name != "x.png"}
    assert kept == {name: data for name, data in first.items() if name != "x.png"}


def test_numbered_pictures_are_there_if_the_run_ends_badly(tmp_path, capsys):
    words = ["--size=32", "--steps=30", "--every=10", "--lr=1e30", "-o", str(tmp_path / "x.png")]
    assert stylize.main(words) == 3

    def broken(vgg, photo, painting, *_, **__):
        def objective(image):
            objective.calls += 1
            if objective.calls > 12:
                raise IndexError("a mistake in the code")
            return {"content": (image - photo.mean()).square().mean(), "style": 0 * image.mean()}

        objective.calls = 0
        return objective

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("style_transfer.steps.transfer", broken)
        with pytest.raises(IndexError):
            stylize.main(["--size=32", "--steps=30", "--every=5", "-o", str(tmp_path / "x.png")])
    assert numbers(tmp_path) == ["0005", "0010", "best"]


def test_a_numbered_picture_that_cannot_be_written_costs_only_itself(tmp_path, monkeypatch, capsys):
    save = results.save_image

    def full(image, path):
        if "_0" in Path(path).name:
            raise OSError(f"{path}: could not be written (No space left on device)")
        save(image, path)

    monkeypatch.setattr(results, "save_image", full)
    assert stylize.main([*SMALL, "--every=2", "-o", str(tmp_path / "x.png")]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    said = capsys.readouterr().err
    assert said.count("No space left on device); the run goes on") == 1 and "_0002" in said


def test_a_result_as_a_start_goes_on_from_there(tmp_path):
    first = tmp_path / "first.png"
    assert stylize.main([*SMALL, "-o", str(first)]) == 0
    options = stylize.parser().read([*SMALL, "--start", str(first)])
    stylize.prepare(options)
    options.where = torch.device("cpu")
    photo = inputs.load_photo(options)
    image = inputs.load_start(photo, options)
    assert torch.equal(nst.first_image(image, photo, photo), nst.load_image(first, 48))
    options.luminance = True
    assert torch.equal(inputs.load_start(photo, options), nst.luminance(image))
    options.start = "style"
    assert inputs.load_start(photo, options) == "style"


def test_layers_may_be_numbers():
    assert flags.layer_words(["1,2", "5"]) == ["relu1_1", "relu2_1", "relu5_1"]
    assert flags.layer_words(["1=0.5,conv2_2=2"]) == ["relu1_1=0.5", "conv2_2=2"]
    options = stylize.parser().read(["--style-layers", "1,2,3,4,5"])
    stylize.prepare(options)
    assert options.layers == list(nst.STYLE_LAYERS)


# ------------------------------------------------------------------------------ memory


def test_out_of_memory_at_a_larger_size_keeps_the_smaller_picture(tmp_path, monkeypatch, capsys):
    real = nst.stylize

    def large(*arguments, **settings):
        for snapshot in real(*arguments, **settings):
            if snapshot.size == 48:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            yield snapshot

    monkeypatch.setattr(nst, "stylize", large)
    path = tmp_path / "x.png"
    words = ["--sizes=32,48", "--steps=8", "--gif", "--panel", "--every=4", "-o", str(path)]
    assert stylize.main(words) == 2
    said = capsys.readouterr()
    assert "stopped: out of memory; the image so far, of 32 px, is kept" in said.out
    assert f"out of memory at --size 48; try --size 34; {path} has 32 px" in said.err
    with Image.open(path) as picture:
        assert picture.size == (32, 21)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"x.png", "x.gif", "x_panel.png", "x_0004.png"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are those of Linux")
@pytest.mark.parametrize("program", ["stylize.py", "many.py"])
def test_too_little_memory_for_the_modules_is_one_line(program, tmp_path):
    done = subprocess.run(
        ["sh", "-c", f'ulimit -v 700000; exec "{sys.executable}" "{ROOT / program}" --size 48'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"{program}: out of memory while the program was loaded; close other programs, or raise "
        "the limit\n"
    )


# ------------------------------------------------------------------------------ devices, the name


def test_devices_have_names(monkeypatch):
    assert nst.device_named("cpu") == torch.device("cpu")
    assert nst.device_named("auto") == nst.device()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert nst.device_named("cuda:1") == torch.device("cuda:1")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert nst.device_named("mps") == torch.device("mps")
    with pytest.raises(ValueError, match="no device 'cuda:2'; torch finds cpu, cuda, cuda:0, cuda"):
        nst.device_named("cuda:2")


def test_the_installed_command_calls_itself_by_its_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/style-transfer", "--help"])
    with pytest.raises(SystemExit):
        stylize.main()
    said = capsys.readouterr().out
    assert said.startswith("usage: style-transfer ") and "stylize.py" not in said
    assert "  style-transfer me.jpg painting.jpg\n" in said
