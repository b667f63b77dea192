"""The working copy that `make lab` opens, and the panel that comes back in it."""

import subprocess
import time

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from tests.conftest import PANEL, PANEL_CELLS, needs_a_browser
from tools import browser, open_lab
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


def test_a_lesson_that_has_changed_since_is_named(work, tmp_path, monkeypatch):
    source = tmp_path / "notebooks"
    source.mkdir()
    monkeypatch.setattr(open_lab, "NOTEBOOKS", source)
    for name in ("00_a.ipynb", "01_b.ipynb"):
        (source / name).write_text("as it was", encoding="utf-8")
    open_lab.copy_lessons(work)
    (work / "00_a.ipynb").write_text("my notes", encoding="utf-8")
    assert open_lab.outdated(work) == []
    (source / "01_b.ipynb").write_text("as it is now", encoding="utf-8")
    assert open_lab.outdated(work) == ["01_b.ipynb"]
    (work / "01_b.ipynb").rename(work / "01_mine.ipynb")
    open_lab.copy_lessons(work)
    assert open_lab.outdated(work) == []


def test_jupyter_trusts_the_copies_and_no_other_notebook(work, tmp_path):
    first, second, *_ = open_lab.copy_lessons(work)
    open_lab.trust([first])
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(first, as_version=4))
    assert not notary.check_signature(nbformat.read(second, as_version=4))


@pytest.mark.parametrize(
    ("arguments", "folder"), [([], "work"), (["--originals", "--no-browser"], "notebooks")]
)
def test_it_opens_the_first_lesson(work, monkeypatch, arguments, folder):
    launched = []
    labapp = pytest.importorskip("jupyterlab.labapp")
    monkeypatch.setattr(labapp.LabApp, "launch_instance", launched.append)
    monkeypatch.setattr(open_lab, "WORK", work)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    open_lab.main(list(arguments))
    (command,) = launched
    assert f"--LabApp.default_url=/lab/tree/{folder}/00_preview.ipynb" in command
    assert command[2:] == [word for word in arguments if word != "--originals"]


def test_a_project_that_cannot_be_written_is_reported(monkeypatch, tmp_path):
    blocked = tmp_path / "work"
    blocked.write_text("a file stands where the folder should be", encoding="utf-8")
    monkeypatch.setattr(open_lab, "WORK", blocked)
    with pytest.raises(SystemExit, match=r"cannot be copied to .*work: .*--originals"):
        open_lab.main([])


@needs_a_browser
def test_the_panel_comes_back_and_git_sees_no_change(tmp_path):
    """`make lab`, a reload in the middle of a run, a closed tab, and `git status` after it."""
    pytest.importorskip("playwright")
    pytest.importorskip("jupyterlab")
    project = browser.copy_project(tmp_path / "project")
    browser.notebook_of(project / "notebooks" / "00_panel.ipynb", *PANEL_CELLS)
    git = ["git", "-C", str(project), "-c", "user.name=reader", "-c", "user.email=reader@localhost"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "as it was"]):
        subprocess.run([*git, *command], check=True)
    copy = "work/00_panel.ipynb"
    picture = f'{PANEL} img[alt^="the picture after"]'
    place = "image => Number(image.alt.match(/after (\\d+)/)[1])"
    with (
        browser.lab_serving(project, tmp_path, "tools.open_lab") as address,
        browser.window(tmp_path) as context,
    ):
        page = context.pages[0]
        browser.open_in_lab(page, address, copy)
        browser.run_all(page)
        browser.ask(page, "None", "studio.set(evaluations=10**6); studio.start()")
        page.locator(picture).wait_for()
        deadline = time.monotonic() + 60
        while "widget-view" not in (project / copy).read_text():  # until the notebook is saved
            assert time.monotonic() < deadline
            page.wait_for_timeout(200)
        before = page.locator(picture).evaluate(place)

        page.reload(wait_until="domcontentloaded")
        page.locator(picture).wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        reloaded = page.locator(picture).evaluate(place)
        assert reloaded > before

        page.close()
        page = context.new_page()
        browser.open_in_lab(page, address, copy)
        page.locator(picture).wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        assert page.locator(picture).evaluate(place) > reloaded
        page.locator(f"{PANEL} button", has_text="Stop").click()
        page.locator(f"{PANEL} b", has_text="stopped").wait_for(timeout=5000)
        browser.shut_down(page)
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    assert status.stdout == "", status.stdout
