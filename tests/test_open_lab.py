"""The working copy that `make lab` opens."""

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from tools import open_lab
from tools.lessons import NOTEBOOKS


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "work"


def test_all_lessons_and_their_pictures_are_copied(work):
    copied = open_lab.copy_lessons(work)
    assert copied == sorted(work.glob("*.ipynb"))
    for path in NOTEBOOKS.rglob("*"):
        place = path.relative_to(NOTEBOOKS)
        if path.is_file() and not place.parts[0].startswith("."):
            assert (work / place).read_bytes() == path.read_bytes()


def test_a_copy_is_never_overwritten_and_comes_anew_if_it_is_gone(work):
    first, second, *_ = open_lab.copy_lessons(work)
    first.write_text("my notes", encoding="utf-8")
    second.unlink()
    assert open_lab.copy_lessons(work) == [second]
    assert first.read_text(encoding="utf-8") == "my notes"


def test_jupyter_trusts_the_copies_and_no_other_notebook(work, tmp_path):
    first, second, *_ = open_lab.copy_lessons(work)
    open_lab.trust([first])
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(first, as_version=4))
    assert not notary.check_signature(nbformat.read(second, as_version=4))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "work/00_preview.ipynb"),
        (["--originals", "--no-browser"], "notebooks/00_preview.ipynb"),
    ],
)
def test_it_opens_the_first_lesson(work, monkeypatch, arguments, expected):
    launched = []
    labapp = pytest.importorskip("jupyterlab.labapp")
    monkeypatch.setattr(labapp.LabApp, "launch_instance", launched.append)
    monkeypatch.setattr(open_lab, "WORK", work)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    open_lab.main(list(arguments))
    (command,) = launched
    assert command[0].replace("\\", "/").endswith(expected)
    assert command[1:] == [word for word in arguments if word != "--originals"]
