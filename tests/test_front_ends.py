"""Front ends other than JupyterLab: the studio as an app, pages of HTML, and older widgets.

All tests here take about a minute or need the package index, so `make test-all` runs them."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

from tests.conftest import needs_a_browser
from tools import browser
from tools.lessons import lessons

ROOT = browser.ROOT
PANEL = ".studio-panel"
PAINTED = """() => {
    const image = document.querySelector('.studio-panel img[alt^="the picture after"]');
    return image && Number(image.alt.match(/after (\\d+)/)[1]) >= 10;
}"""

pytestmark = pytest.mark.slow


# ------------------------------------------------------------------------------ an app


@needs_a_browser
def test_voila_serves_the_studio_and_it_paints(tmp_path):
    pytest.importorskip("voila", reason="the app needs the package voila (pip install voila)")
    pytest.importorskip("playwright")
    port = browser.free_port()
    address = f"http://127.0.0.1:{port}/"
    arguments = ["studio/app.ipynb", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with (
        browser.serving(
            "voila", *arguments, alive=f"{address}voila/static/voila.js", folder=tmp_path
        ),
        browser.window(tmp_path, 1280, 800) as context,
    ):
        page = context.pages[0]
        page.goto(address)
        page.locator(f"{PANEL} button", has_text="Start").first.click(timeout=120_000)
        page.wait_for_function(PAINTED, timeout=60_000)
        page.screenshot(path=tmp_path / "voila.png")
        picture = page.locator(f"{PANEL} img").bounding_box()
        slider = page.locator(f"{PANEL} .widget-slider", has_text="style weight").bounding_box()
        assert picture["y"] + picture["height"] < 800 and slider["y"] + slider["height"] < 800
        assert slider["x"] >= picture["x"] + picture["width"], "they stand beside each other"
        page.locator(f"{PANEL} button", has_text="Stop").click()
        page.locator(f"{PANEL} b", has_text="stopped").wait_for(timeout=5000)


# ------------------------------------------------------------------------------ pages of HTML


ALTS = "all => all.map(image => image.getAttribute('alt') ?? '')"


@needs_a_browser
@pytest.mark.parametrize("template", ["lab", "classic"])
def test_every_picture_of_every_exported_lesson_loads(tmp_path, template):
    """The pages stand alone: each picture is in its page, and with "classic" it has alt text.

    nbconvert's own template, "lab", leaves the alt texts of figures out."""
    pytest.importorskip("playwright")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--embed-images"]
    command += ["--template", template, "--output-dir", tmp_path]
    paths = [lesson.path for lesson in lessons()]
    subprocess.run([*command, *paths], check=True, timeout=300)
    broken = "all => all.filter(image => !image.naturalWidth).map(image => image.alt)"
    with browser.window(tmp_path) as context:
        page = context.pages[0]
        for lesson in lessons():
            page.goto((tmp_path / f"{lesson.path.stem}.html").as_uri(), wait_until="commit")
            page.wait_for_load_state("domcontentloaded")
            images = page.locator("img")
            images.last.wait_for(state="attached")
            figures = sum(
                kind.startswith("image/")
                for cell in nbformat.read(lesson.path, as_version=4).cells
                for output in cell.get("outputs", [])
                for kind in output.get("data", {})
            )
            assert images.count() > figures, "the map and each figure"
            assert images.evaluate_all(broken) == [], lesson.path
            assert "Image object" not in page.content()
            if template == "classic":
                assert all(images.evaluate_all(ALTS)), lesson.path


# ------------------------------------------------------------------------------ older widgets

# What Colab has, in the versions of tests/colab/. IPython 7 is as old there as the widgets.
OLD = ("ipywidgets", "ipykernel", "ipython", "traitlets", "jupyter_client", "nbclient")


def colab_versions():
    """These packages as pip wants them, such as "ipywidgets==7.7.1"."""
    lines = (ROOT / "tests" / "colab" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    versions = [line for line in lines if line.partition("==")[0] in OLD]
    assert len(versions) == len(OLD)
    return versions


# Old widgets in Colab's kernel, and in the last kernels before those of today.
OLD_VERSIONS = {"Colab": colab_versions(), "6.29": ["ipywidgets==7.7.1", "ipykernel==6.29.5"]}

OLD_CELLS = """
import sys
sys.path.insert(0, {root!r})
import ipykernel, IPython, ipywidgets
for package in ipykernel, IPython, ipywidgets:
    print(f"{{package.__name__.lower()}}=={{package.__version__}}")
---
from studio import Panel, Studio
studio = Studio(size=64, evaluations=20)
panel = Panel(studio)
panel
---
panel.buttons["start"].click()
studio.wait(10)
panel.numbers["style"].value = 300
studio.wait()
panel.buttons["stop"].click()
print(studio.state, studio.settings.weights.style, "the picture after 20" in panel.preview.value)
---
blocking = Studio(size=64, evaluations=5)
print(tuple(blocking.run().shape))
---
from PIL import Image
from style_transfer.display import LivePicture
LivePicture().show(Image.new("RGB", (8, 8)), alt="a black square")
"""


@pytest.fixture(scope="module", params=list(OLD_VERSIONS))
def old(request, tmp_path_factory):
    """A Python with old widgets, which takes every other package from this one; the versions."""
    folder = tmp_path_factory.mktemp("old")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    scripts, program = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    python = folder / scripts / program
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    # What the environment has itself comes first.
    parent = Path(packages.stdout.strip()) / "parent.pth"
    parent.write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    versions = OLD_VERSIONS[request.param]
    install = [python, "-m", "pip", "install", "--quiet", *versions]
    if subprocess.run(install, timeout=300).returncode:
        pytest.skip(f"{' and '.join(versions)} could not be installed")
    return python, versions


def test_studio_and_panel_work_in_a_kernel_with_old_widgets(old, tmp_path):
    python, versions = old
    sources = OLD_CELLS.format(root=str(ROOT)).strip().split("\n---\n")
    path = browser.notebook_of(tmp_path / "old.ipynb", *sources)
    execute = (
        "import nbclient, nbformat; path = 'old.ipynb'; notebook = nbformat.read(path, 4); "
        "nbclient.NotebookClient(notebook, timeout=120).execute(); nbformat.write(notebook, path)"
    )
    subprocess.run([python, "-c", execute], cwd=tmp_path, check=True, timeout=300)
    cells = nbformat.read(path, as_version=4).cells
    printed = [
        output.text for cell in cells for output in cell.outputs if output.output_type == "stream"
    ]
    told = ("ipykernel", "ipython", "ipywidgets")
    asked = {line for line in versions if line.partition("==")[0] in told}
    assert asked <= set(printed[0].split())
    assert "finished 300.0 True\n" in printed
    assert "(1, 3, 43, 64)\n" in printed
    assert cells[4].outputs[0].metadata == {"image/jpeg": {"alt": "a black square"}}
    assert any("widget-view" in json.dumps(output) for output in cells[1].outputs)


def test_upload_and_sliders_work_with_old_widgets(old):
    python, _ = old
    which = "upload or hand or control or box or follow or fold"
    command = [python, "-m", "pytest", "-q", "tests/test_studio.py", "-k", which]
    subprocess.run(command, cwd=ROOT, check=True, timeout=600)
