"""Run notebooks from a clean kernel, top to bottom, and save them with what they printed and drew: `make notebooks`."""

import base64
import io
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(path: Path) -> float:
    """Runs one notebook in its own folder, as nbval does, saves it, and returns the seconds that it took."""
    notebook = nbformat.read(path, as_version=4)
    begin = time.perf_counter()
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    seconds = time.perf_counter() - begin
    # A widget without its kernel is a dead box on a page: progress bars are dropped, what the code printed and drew is kept.
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    nbformat.write(notebook, path)
    thumbnail(notebook, path.stem)
    return seconds


def thumbnail(notebook, name: str) -> None:
    """The first figure of a lesson, small, for the README's table."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if data := output.get("data", {}).get("image/jpeg"):
            with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
                picture.thumbnail((320, 120))
                (ROOT / "assets" / "thumbnails").mkdir(exist_ok=True)
                picture.convert("RGB").save(ROOT / "assets" / "thumbnails" / f"{name}.jpg", quality=85)
            return


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb")):
        print(f"{path.name}: {execute(path):.0f} s", flush=True)
