"""Mutation tests: a small mistake in the library makes the lesson that builds that part fail."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutation:
    """One mistake: a file of style_transfer/, the right text, the wrong one, and the lesson.

    Of several mistakes in one lesson, all but one are slow: `make test-all` tries them too.
    """

    file: str
    right: str
    wrong: str
    lesson: str
    slow: bool = False


RIGHT_ORDER = """\
            x = self.features[index](x)
            if LAYERS[index] in wanted:
                found[LAYERS[index]] = x.float()  # Grams and losses are float32 in any precision
"""
WRONG_ORDER = """\
            if LAYERS[index] in wanted:
                found[LAYERS[index]] = x.float()  # Grams and losses are float32 in any precision
            x = self.features[index](x)
"""

MUTATIONS = {
    "the loader's range": Mutation(
        "images.py", "return pixels.float() / 255", "return pixels.float() / 256", "01_images"
    ),
    "features before their layer": Mutation("features.py", RIGHT_ORDER, WRONG_ORDER, "02_features"),
    "a mean that becomes a sum": Mutation(
        "losses.py",
        "(features - target).square().mean()",
        "(features - target).square().sum()",
        "03_content",
    ),
    "the divisor of the Gram matrix": Mutation(
        "losses.py",
        "flat @ flat.transpose(1, 2) / flat.shape[2]",
        "flat @ flat.transpose(1, 2) / flat.shape[1]",
        "04_gram_matrices",
    ),
    "the divisor of the fast Gram matrix": Mutation(
        "fast_gram.py",
        "(features) / (height * width)",
        "(features) / height",
        "04_gram_matrices",
        slow=True,
    ),
    "the quarter in E_l": Mutation(
        "losses.py",
        "(gram - target).square().mean() / 4",
        "(gram - target).square().mean() / 2",
        "05_losses",
    ),
    "the style weight": Mutation(
        "losses.py",
        "terms[name] = weight * distance",
        "terms[name] = distance",
        "05_losses",
        slow=True,
    ),
    "the pooling": Mutation(
        "features.py", 'elif pooling == "max":', 'elif pooling == "average":', "06_pooling"
    ),
    "Adam's clamp": Mutation(
        "steps.py", "image.clamp_(0, 1)", "image.clamp_(-1, 2)", "07_optimization"
    ),
    "the colors of the start": Mutation(
        "images.py",
        "_power(covariance, -0.5)",
        "_power(covariance, 0.5)",
        "08_runs",
        slow=True,
    ),
    "frames that are spaced by time": Mutation(
        "frames.py", "(b - a).abs().mean().item()", "1.0", "08_runs"
    ),
    "the change that is kept when a picture is enlarged": Mutation(
        "steps.py", "KEPT_CHANGE = 0.5", "KEPT_CHANGE = 1.0", "08_runs", slow=True
    ),
    "features without the new mean": Mutation(
        "one_pass.py",
        "(linear @ centered + target.mean).view",
        "(linear @ centered).view",
        "12_one_pass",
    ),
    "neighbors that are two apart": Mutation(
        "losses.py",
        "image[..., :, 1:] - image[..., :, :-1]",
        "image[..., :, 2:] - image[..., :, :-2]",
        "09_artifacts",
    ),
    "a Gram matrix that is guided twice": Mutation(
        "losses.py", "features * weights.sqrt()", "features * weights", "10_control"
    ),
    "a mix without its shares": Mutation(
        "losses.py", "sum(share * gram for", "sum(gram for", "10_control", slow=True
    ),
    "the limit of the grain": Mutation(
        "losses.py", "- GRAIN_LIMIT\n", "+ GRAIN_LIMIT\n", "09_artifacts", slow=True
    ),
}


def parameters():
    for mistake, mutation in MUTATIONS.items():
        yield pytest.param(mistake, marks=[pytest.mark.slow] if mutation.slow else [])


@pytest.mark.parametrize("mistake", list(parameters()))
def test_a_lesson_fails(mistake, tmp_path):
    mutation = MUTATIONS[mistake]
    for name in ("helpers.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("assets", "style_transfer", "exercises", "studio"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{mutation.lesson}.ipynb", tmp_path / "notebooks")

    file = tmp_path / "style_transfer" / mutation.file
    source = file.read_text(encoding="utf-8")
    assert source.count(mutation.right) == 1, f"{mutation.file} has changed: mend MUTATIONS"
    file.write_text(source.replace(mutation.right, mutation.wrong), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", f"notebooks/{mutation.lesson}.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout[-2000:]
    assert "1 failed" in done.stdout, done.stdout[-2000:]
    # The setup cell works, and the lesson fails because a number is wrong, not for lack of time.
    assert "ipynb::Cell 0" not in done.stdout, done.stdout[-2000:]
    noticed = "AssertionError" in done.stdout or "Cell outputs differ" in done.stdout
    assert noticed, done.stdout[-2000:]
