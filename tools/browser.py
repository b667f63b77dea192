"""A Jupyter server of its own and a page of a headless Chromium.

`tools.panel_picture` and the browser tests share this file. The two programs talk over the loopback
interface only. Needs the packages jupyterlab and playwright.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

from style_transfer.settings import ROOT
from tools.execute_notebooks import KERNEL

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
LAB_SETTINGS = {
    # In its default mode, Lab takes cells that are out of view off the page.
    "notebook-extension/tracker": {"windowingMode": "none"},
    # Otherwise it asks whether it may fetch news, in a window above the page.
    "apputils-extension/notification": {"fetchNews": "false"},
}
TOKEN = "studio"

JUPYTER_KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
ASK = """async ([code, expression]) => {
    const request = {code, store_history: false, user_expressions: {it: expression}};
    const {content} = await KERNEL.requestExecute(request).done;
    const {status, evalue, data} = content.status === 'ok' ? content.user_expressions.it : content;
    if (status !== 'ok') throw new Error(evalue);
    return data['text/plain'];
}""".replace("KERNEL", JUPYTER_KERNEL)
IDLE = """() => {
    const notebook = window.jupyterapp?.shell.currentWidget;
    return notebook?.sessionContext?.session?.kernel?.status === 'idle';
}"""
ALL_RAN = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(({model}) =>
    model.type !== 'code'
    || (model.executionCount !== null && model.executionState !== 'running'))"""


def copy_project(root: Path) -> Path:
    """A copy of what the lessons need, because JupyterLab saves notebooks without being asked."""
    (root / "notebooks").mkdir(parents=True)
    for folder in ("assets", "style_transfer", "studio", "exercises", "tools"):
        shutil.copytree(ROOT / folder, root / folder)
    for name in ("helpers.py", ".gitignore"):
        shutil.copy(ROOT / name, root)
    return root


def notebook_of(path: Path, *sources: str) -> Path:
    """Writes a notebook with these code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, path)
    return path


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(module: str, *arguments: str, alive: str, folder: Path, cwd: Path = ROOT):
    """Runs `python -m module` with settings of its own until `alive`, an address, answers."""
    folders = {name: str(folder / name.lower()) for name in FOLDERS}
    for name, settings in LAB_SETTINGS.items():
        file = Path(folders["JUPYTERLAB_SETTINGS_DIR"]) / f"@jupyterlab/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    command = [sys.executable, "-m", module, *arguments]
    log_file = folder / f"{module}.log"
    with log_file.open("w") as log:
        server = subprocess.Popen(
            command, cwd=cwd, env=os.environ | folders, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(alive, timeout=5).read()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline, log_file.read_text()[
                    -2000:
                ]
                time.sleep(0.3)
        yield
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def lab_serving(project: Path, folder: Path, module: str = "jupyterlab"):
    """JupyterLab for the notebooks of a project; gives its address without a path.

    `module` is the program that starts it.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with serving(
        module,
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--no-browser",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
        alive=f"{address}/api?token={TOKEN}",
        folder=folder,
        cwd=project,
    ):
        yield address


@contextlib.contextmanager
def window(folder: Path, width: int = 1400, height: int = 1500):
    """A window of a Chromium with a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=CHROMIUM,
            args=FLAGS,
            headless=True,
            viewport={"width": width, "height": height},
        )
        yield context
        context.close()


def open_in_lab(page, address: str, notebook: str) -> None:
    """Shows a notebook, and waits until its kernel is ready."""
    page.goto(f"{address}/lab/tree/{notebook}?token={TOKEN}&reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
    page.wait_for_function(IDLE, timeout=120_000)


def run_all(page) -> None:
    """Runs all cells, and waits for the last."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(ALL_RAN, timeout=400_000)


def ask(page, expression: str, code: str = "") -> str:
    """What an expression is worth in the notebook's kernel, after running the code there."""
    return page.evaluate(ASK, [code, expression])


def shut_down(page) -> None:
    """Ends the kernel of the notebook that is shown."""
    page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }"
    )
