"""The lessons have teeth: a small mistake in helpers.py makes the lesson that builds that part fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# what is changed, from what to what, and the lesson that must notice
PATCHES = {
    "the loader's range": ("[None].float() / 255", "[None].float() / 256", "01_images"),
    "a layer's index": ("zip(LAYERS, self.features[: depth + 1]", "zip(LAYERS[1:], self.features[: depth + 1]", "02_features"),
    "a mean that becomes a sum": ("(features - target).square().mean()", "(features - target).square().sum()", "03_content"),
    "the Gram's divisor": ("(features) / (height * width)", "(features) / height", "04_gram_matrices"),
    "the quarter in E_l": (".square().mean() / 4 for layer", ".square().mean() / 2 for layer", "05_losses"),
    "pooling": ('nn.MaxPool2d(2) if pooling == "max"', 'nn.MaxPool2d(2) if pooling == "average"', "06_pooling"),
    "Adam's clamp": ("image.clamp_(0, 1)", "image.clamp_(-1, 2)", "07_optimization"),
}


@pytest.mark.parametrize("what", PATCHES)
def test_a_lesson_notices(what, tmp_path):
    right, wrong, lesson = PATCHES[what]
    source = (ROOT / "helpers.py").read_text()
    assert source.count(right) == 1
    (tmp_path / "helpers.py").write_text(source.replace(right, wrong))
    for name in ("plumbing.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("assets", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{lesson}.ipynb", tmp_path / "notebooks")
    done = subprocess.run([sys.executable, "-m", "pytest", "-x", "-q", f"notebooks/{lesson}.ipynb"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout[-2000:]
