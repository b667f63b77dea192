"""Runs notebooks from a clean kernel, top to bottom, and saves them with their outputs.

python -m tools.execute_notebooks [NOTEBOOK ...]     all lessons without arguments; `make notebooks`
"""

import base64
import io
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from style_transfer.display import JPEG_QUALITY
from style_transfer.settings import ASSETS
from tools.lessons import NOTEBOOKS

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(path: Path) -> float:
    """Runs one notebook in its own folder, saves it, and returns the seconds that it took."""
    notebook = nbformat.read(path, as_version=4)
    begin = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    seconds = time.perf_counter() - begin
    clean(notebook)
    nbformat.write(notebook, path)
    save_thumbnail(notebook, path.stem)
    return seconds


def clean(notebook) -> None:
    """Removes widgets and all metadata but the tags.

    A widget without its kernel is an empty box on a page, so progress bars are dropped. What the
    code printed and drew is kept.
    """
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]


def save_thumbnail(notebook, name: str) -> None:
    """Writes the first figure of a lesson, small, for README's table."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [o["data"]["image/jpeg"] for o in outputs if "image/jpeg" in o.get("data", {})]
    if not figures:
        return
    folder = ASSETS / "thumbnails"
    folder.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(base64.b64decode(figures[0]))) as picture:
        picture.thumbnail((320, 120))
        picture.convert("RGB").save(folder / f"{name}.jpg", quality=JPEG_QUALITY)


if __name__ == "__main__":
    for notebook_path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        print(f"{notebook_path.name}: {execute(notebook_path):.0f} s", flush=True)
