"""The studio as a reader meets it: lesson 11 in JupyterLab, operated by keyboard.

JupyterLab and a headless Chromium talk over the loopback interface."""

import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = (
    shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
    or shutil.which("chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)
LESSON = "notebooks/11_studio.ipynb"

pytest.importorskip(
    "playwright", reason="the browser test needs the package playwright (pip install playwright)"
)
pytest.importorskip("jupyterlab", reason="the browser test needs the package jupyterlab")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="the browser test needs a Chromium on the PATH (apt install chromium)",
    ),
    pytest.mark.skipif(not (ROOT / LESSON).exists(), reason=f"there is no {LESSON}"),
]

KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
IDLE = """() => {
    const notebook = window.jupyterapp?.shell.currentWidget;
    return notebook?.sessionContext?.session?.kernel?.status === 'idle';
}"""
ALL_RAN = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(({model}) =>
    model.type !== 'code'
    || (model.executionCount !== null && model.executionState !== 'running'))"""
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
ASK = """async ([code, expression]) => {
    const request = {code, store_history: false, user_expressions: {it: expression}};
    const {content} = await KERNEL.requestExecute(request).done;
    const {status, evalue, data} = content.status === 'ok' ? content.user_expressions.it : content;
    if (status !== 'ok') throw new Error(evalue);
    return data['text/plain'];
}""".replace("KERNEL", KERNEL)


@pytest.fixture
def project(tmp_path):
    """A copy of what the lesson needs, because JupyterLab saves notebooks without being asked."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    for folder in ("assets", "style_transfer", "studio", "exercises"):
        shutil.copytree(ROOT / folder, root / folder)
    for name in ("helpers.py", LESSON):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def lab(project, tmp_path):
    """The address of a JupyterLab of its own, with no settings but these."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folders = {name: str(tmp_path / name.lower()) for name in FOLDERS}
    extension = Path(folders["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "notebook-extension"
    extension.mkdir(parents=True)
    # In its default mode, Lab takes cells that are out of view off the page.
    settings = extension / "tracker.jupyterlab-settings"
    settings.write_text(json.dumps({"windowingMode": "none"}))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--no-browser",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=studio",
        f"--ServerApp.root_dir={project}",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/api?token=studio", timeout=5
                ).read()
                break
            except OSError:
                log_end = (tmp_path / "lab.log").read_text()[-2000:]
                assert server.poll() is None and time.monotonic() < deadline, log_end
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/lab/tree/{LESSON}?token=studio&reset"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def page(lab, tmp_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=FLAGS,
            headless=True,
            viewport={"width": 1400, "height": 1500},
        )
        page = context.pages[0]
        page.goto(lab, wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
        page.wait_for_function(IDLE, timeout=120_000)
        yield page
        page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }"
        )
        context.close()


def test_a_reader_in_the_studio(page, project, tmp_path, capsys):
    def ask(expression, code=""):
        """What an expression is worth in the lesson's kernel, after running the code there."""
        return page.evaluate(ASK, [code, expression])

    def button(text):
        return page.locator(".jp-OutputArea button", has_text=text).first

    def previews():
        return page.evaluate("() => window.seen")

    # Run all cells.
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(ALL_RAN, timeout=400_000)
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
