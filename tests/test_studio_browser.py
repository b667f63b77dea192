"""The studio as a reader meets it: lesson 11 in JupyterLab, operated by keyboard.

JupyterLab and a headless Chromium talk over the loopback interface."""

import math
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.conftest import needs_a_browser
from tools import browser

pytest.importorskip(
    "playwright", reason="the browser test needs the package playwright (pip install playwright)"
)
pytest.importorskip("jupyterlab", reason="the browser test needs the package jupyterlab")
pytestmark = needs_a_browser

LESSON = "notebooks/11_studio.ipynb"
# The previews as they arrive on the page, each as [milliseconds, its place in the run], and when
# a key went down.
WATCH = """() => {
    window.seen = []; window.key = null;
    window.addEventListener('keydown', () => { window.key ??= performance.now(); }, true);
    new MutationObserver(() => {
        const image = document.querySelector('img[alt^="the picture after"]');
        const last = window.seen.at(-1);
        const place = image && Number(image.alt.match(/after (\\d+)/)[1]);
        if (image && (!last || last[1] !== place)) window.seen.push([performance.now(), place]);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


@pytest.fixture
def project(tmp_path):
    root = browser.copy_project(tmp_path / "project")
    shutil.copy(browser.ROOT / LESSON, root / LESSON)
    return root


@pytest.fixture
def page(project, tmp_path):
    with browser.lab_serving(project, tmp_path) as address, browser.window(tmp_path) as context:
        page = context.pages[0]
        browser.open_in_lab(page, address, LESSON)
        yield page
        browser.shut_down(page)


def test_a_reader_in_the_studio(page, project, tmp_path, capsys):
    def ask(expression, code=""):
        return browser.ask(page, expression, code)

    def button(text):
        return page.locator(".jp-OutputArea button", has_text=text).first

    def previews():
        return page.evaluate("() => window.seen")

    browser.run_all(page)
    errors = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0, errors.first.inner_text()

    # Start by keyboard, and watch the previews come.
    ask("None", "studio.set(evaluations=100_000)")
    page.evaluate(WATCH)
    button("Start").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.seen.length > 5", timeout=30_000)
    begin = len(previews())
    page.wait_for_timeout(3000)
    shown = previews()[begin:]
    rate = (len(shown) - 1) / (shown[-1][0] - shown[0][0]) * 1000
    evaluations = float(ask("studio.rate"))

    # One press of an arrow key on the style slider.
    before = float(ask("studio.settings.weights.style"))
    slider = page.locator(".widget-slider", has_text="style weight").get_by_role("slider")
    slider.focus()
    page.evaluate("() => { window.key = null; }")
    page.keyboard.press("ArrowRight")
    # Wait for the first frame that was computed with the new weight.
    moved_frames = (
        "[frame.evaluations for frame in studio.frames "
        f"if frame.settings.weights.style != {before}]"
    )
    first = -1
    deadline = time.monotonic() + 30
    while first == -1 and time.monotonic() < deadline:
        first = int(ask(f"next(iter({moved_frames}), -1)"))
    notch = round(10 * math.log10(before)) + 1
    expected = pytest.approx(10 ** (notch / 10), rel=1e-3)
    assert float(ask("studio.settings.weights.style")) == expected
    box = page.locator(".widget-hbox", has=slider).last.locator("input[type=number]")
    assert float(box.input_value()) == expected
    page.wait_for_function("place => window.seen.at(-1)[1] >= place", arg=first + 2, timeout=30_000)
    key = page.evaluate("() => window.key")
    latency = next(at - key for at, place in previews() if place >= first and at > key)
    moved = next(at - key for at, place in previews() if place >= first + 2 and at > key)

    # After Pause the picture does not change, after Resume it does. Then Stop.
    page.screenshot(path=tmp_path / "studio.png")
    button("Pause").click()
    button("Resume").wait_for(timeout=5000)
    picture = page.locator('img[alt^="the picture after"]')
    count = len(previews())
    source = picture.get_attribute("src")
    page.wait_for_timeout(700)
    assert len(previews()) == count
    button("Resume").click()
    page.wait_for_function("count => window.seen.length > count + 2", arg=count, timeout=10_000)
    assert picture.get_attribute("src") != source
    clicked = time.monotonic()
    button("Stop").click()
    page.locator(".jp-OutputArea b", has_text="stopped").wait_for(timeout=5000)
    stopped = time.monotonic() - clicked
    find = "import threading; left = [t for t in threading.enumerate() if t.name == 'studio']"
    assert ask("[t for t in left if t.join(5) or t.is_alive()]", find) == "[]"

    # Save a GIF, and open it.
    button("Save GIF").click()
    output = page.locator(".jp-OutputArea", has_text="Wrote")
    said = output.locator(".widget-html-content", has_text="Wrote").first
    said.wait_for(timeout=30_000)
    path = Path(re.search(r"Wrote (.+\.gif)", said.inner_text()).group(1))
    assert path.parent == project / "outputs"
    with Image.open(path) as gif:
        assert 12 <= gif.n_frames <= 24 and gif.size == (192, 128)
        frames = [
            np.asarray(frame.convert("RGB"), dtype=float) for frame in ImageSequence.Iterator(gif)
        ]
    assert np.abs(frames[0] - frames[-1]).mean() > 2, "it shows a change"

    # Make it large: previews of the photograph's own size come. Undo takes it back.
    button("Make it large").click()
    page.wait_for_function(
        "() => document.querySelector('img[alt^=\"the picture after\"]').naturalWidth === 640",
        timeout=60_000,
    )
    assert ask("(studio.settings.size, studio.pending)") == "(640, [])"
    button("Stop").click()
    page.locator(".jp-OutputArea b", has_text="stopped").wait_for(timeout=5000)
    button("Undo").click()
    page.locator(".jp-OutputArea b", has_text="paused").wait_for(timeout=5000)
    assert ask("(studio.settings.size, studio.now.size)") == "(192, 192)"

    # The cell that made the studio is run again: its predecessor stops.
    button("Start").click()
    page.wait_for_function(
        "count => window.seen.length > count", arg=len(previews()), timeout=30_000
    )
    ask("None", "old = studio")
    page.evaluate("""() => { const notebook = window.jupyterapp.shell.currentWidget.content;
        notebook.activeCellIndex = notebook.widgets.findIndex(
            cell => cell.model.sharedModel.getSource().startsWith('studio = Studio('));
        notebook.deselectAll(); window.jupyterapp.commands.execute('notebook:run-cell'); }""")
    page.wait_for_timeout(2000)
    assert ask("(studio is old, old.state)") == "(False, 'stopped')"

    with capsys.disabled():
        print(
            f"\nstudio in the browser: {rate:.1f} previews and {evaluations:.1f} evaluations per "
            f"second; a key on the style slider shows after {latency / 1000:.2f} s, in the pixels "
            f"after {moved / 1000:.2f} s; stop takes {stopped:.2f} s; a GIF of "
            f"{path.stat().st_size / 1e6:.2f} MB; screenshot: {tmp_path / 'studio.png'}"
        )
