"""The figure that compares the pocket network with VGG-19. Here pocket itself is the teacher."""

import re
import sys

import pytest
from PIL import Image

import helpers as nst
from tools import compare_networks
from tools.teachers import RELUS


@pytest.fixture(scope="module")
def pocket():
    return nst.VGG19("pocket")


@pytest.fixture(scope="module")
def judge(pocket):
    """A teacher whose features are three times those of pocket, with the scale taken out."""

    def teach(image):
        features = pocket(image, RELUS)
        return {name: 3 * features[name] for name in features}

    return compare_networks.ScaledTeacher(teach)


@pytest.fixture(scope="module")
def pair():
    return nst.load_image("china", 32).cpu(), nst.load_image("starry_night", 32).cpu()


@pytest.fixture
def call(monkeypatch, capsys, pocket):
    """A function that runs the program with pocket as the teacher, and returns what it printed."""
    monkeypatch.setattr(
        compare_networks, "load_teacher", lambda source: lambda image: pocket(image, RELUS)
    )

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare_networks", "--teacher", "here", *arguments])
        compare_networks.main()
        return capsys.readouterr().out

    return run


def test_a_scaled_teacher_has_the_features_of_the_scaled_network(pocket, judge, pair):
    photo, _ = pair
    layers = compare_networks.MEASURED
    expected = pocket(photo, layers)
    for name, features in judge(photo, layers).items():
        # A teacher's scale counts every picture once, and a network's scale every position once.
        assert (features - expected[name]).norm() < 0.1 * expected[name].norm()


def test_shares_are_1_for_the_noise_and_0_for_the_originals(judge, pair):
    photo, painting = pair
    start = compare_networks.noise(photo)
    labels = list(compare_networks.objectives(judge, photo, painting))
    assert len(labels) == 6
    of_noise = compare_networks.shares(judge, dict.fromkeys(labels, start), photo, painting)
    assert list(of_noise.values()) == pytest.approx([1] * 6)
    originals = {label: painting if "texture" in label else photo for label in labels}
    of_originals = compare_networks.shares(judge, originals, photo, painting)
    assert list(of_originals.values()) == pytest.approx([0] * 6, abs=1e-6)


def test_a_picture_gets_nearer_to_what_it_was_grown_for(pocket, judge, pair):
    photo, painting = pair
    pictures = compare_networks.grow(pocket, photo, painting, evaluations=30)
    measured = compare_networks.shares(judge, pictures, photo, painting)
    assert max(measured.values()) < 0.5


def test_the_program_writes_a_figure_and_a_table(call, tmp_path):
    path = tmp_path / "folder" / "evidence.jpg"
    printed = call("--size", "32", "--evaluations", "2", "--out", str(path))
    with Image.open(path) as figure:
        assert figure.format == "JPEG"
        assert figure.width == 880
    rows = re.findall(r"(?m)^((?:texture|content), .+?) +\S+ % +\S+ % +\S+ %$", printed)
    assert len(rows) == 6
    assert f"wrote {path}" in printed


def test_an_unusual_suffix_and_a_missing_folder_are_refused_in_words(
    call, monkeypatch, capsys, tmp_path
):
    with pytest.raises(SystemExit):
        call("--out", str(tmp_path / "evidence.gif"))
    assert "its name must end in .jpg or .png" in capsys.readouterr().err
    monkeypatch.undo()
    missing = str(tmp_path / "no_teacher")
    monkeypatch.setattr(sys, "argv", ["compare_networks", "--teacher", missing])
    with pytest.raises(SystemExit) as ended:
        compare_networks.main()
    assert ended.value.code == 2
    assert "no_teacher" in capsys.readouterr().err
