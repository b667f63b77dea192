"""Makes the picture of the studio's panel in lesson 11: notebooks/pictures/11_panel.jpg.

    python -m tools.panel_picture

It opens the panel in JupyterLab, in a browser without a window, starts a run as a reader would, and
photographs the panel during the run. Beside the packages of requirements.txt it needs jupyterlab,
playwright and a Chromium on the PATH.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from style_transfer.display import encode_jpeg
from style_transfer.files import write_atomic
from tools import browser
from tools.lessons import PICTURES

PICTURE = PICTURES / "11_panel.jpg"
NOTEBOOK = "panel.ipynb"
PANEL = """import sys
sys.path.insert(0, {root!r})
from studio.engine import Studio
from studio.panel import Panel

studio = Studio("china", "starry_night", size=192, evaluations=400)
panel = Panel(studio)
panel"""

WINDOW = (1280, 900)  # width and height of the page
EVALUATIONS = 60  # after which the picture is taken
FAR_ENOUGH = """evaluations => {
    const image = document.querySelector('img[alt^="the picture after"]');
    return image && Number(image.alt.match(/after (\\d+)/)[1]) >= evaluations;
}"""


def photograph(folder: Path) -> Image.Image:
    """Starts a run in the panel, in a notebook in `folder`, and returns a picture of the panel."""
    browser.notebook_of(folder / NOTEBOOK, PANEL.format(root=str(browser.ROOT)))
    with browser.lab_serving(folder, folder) as address, browser.window(folder, *WINDOW) as context:
        page = context.pages[0]
        browser.open_in_lab(page, address, NOTEBOOK)
        browser.run_all(page)
        page.locator(".jp-OutputArea button", has_text="Start").first.click()
        page.wait_for_function(FAR_ENOUGH, arg=EVALUATIONS, timeout=120_000)
        data = page.locator(".jp-OutputArea-output .jupyter-widgets").first.screenshot()
        browser.shut_down(page)
    return Image.open(io.BytesIO(data)).convert("RGB")


def main() -> None:
    if browser.CHROMIUM is None:
        sys.exit("panel_picture: there is no Chromium on the PATH (apt install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        picture = photograph(Path(folder))
    data = encode_jpeg(picture)
    write_atomic(PICTURE, (".jpg",), lambda part: part.write_bytes(data))
    print(f"wrote {PICTURE}: {picture.width}x{picture.height}, {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
