"""Lesson 07 ends with the whole program on one page; it must run as a plain script, on its own."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from PIL import Image

from style_transfer.settings import ASSETS
from tools.lessons import NOTEBOOKS

FIRST_LINE = "# The whole program on one page"


@pytest.fixture(scope="module")
def program() -> str:
    """The source of the one cell that holds the whole program."""
    cells = nbformat.read(NOTEBOOKS / "07_optimization.ipynb", as_version=4).cells
    (found,) = [cell.source for cell in cells if cell.source.startswith(FIRST_LINE + "\n")]
    return found


def test_it_is_one_page_and_needs_no_library_of_ours(program):
    assert len([line for line in program.splitlines() if line.strip()]) <= 45
    assert not re.search(r"\b(nst|helpers|style_transfer)\b", program)


def test_it_runs_as_a_script_and_writes_a_picture(program, tmp_path):
    for folder in ("assets", "temporary"):
        (tmp_path / folder).mkdir()
    for name in ("china.jpg", "starry_night.jpg"):
        shutil.copy(ASSETS / name, tmp_path / "assets")
    script = tmp_path / "one_page.py"
    script.write_text(program, encoding="utf-8")
    temporary = str(tmp_path / "temporary")
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": temporary, "TEMP": temporary, "TMP": temporary},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    before, after = re.search(r"loss (\S+) -> ([^\s,]+)", done.stdout).groups()
    assert float(after) < float(before)
    (picture,) = (tmp_path / "temporary").rglob("painted.png")
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        assert max(image.size) == 96
