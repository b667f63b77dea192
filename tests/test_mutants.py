"""Mutants: small mistakes in the code, each with the test file that must fail.

`make test-all` makes each mistake in a copy of the project and runs that file. A mistake that no
test notices is a fault of the tests. `test_mutations.py` does the same for lessons.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutant:
    """One mistake: a file, the right text, the wrong one, and the test file that must fail.

    `only` are words for pytest's -k, which keep the other tests of the file out, to save time.
    """

    file: str
    right: str
    wrong: str
    test: str
    only: str = ""


MUTANTS = {
    "JPEGs of low quality": Mutant(
        "style_transfer/display.py", "JPEG_QUALITY = 92", "JPEG_QUALITY = 30", "test_images.py"
    ),
    "dark 16-bit gray becomes bright": Mutant(
        "style_transfer/files.py",
        "elif high > 255 or values.dtype.itemsize == 2:",
        "elif high > 255:",
        "test_files.py",
        "gray",
    ),
    "transparency lies on black": Mutant(
        "style_transfer/files.py",
        'Image.new("RGBA", layer.size, "white")',
        'Image.new("RGBA", layer.size, "black")',
        "test_files.py",
        "transparency",
    ),
    "every format of Pillow is read": Mutant(
        "style_transfer/files.py",
        "return [name for name in FORMATS if name in Image.OPEN]",
        "return list(Image.OPEN)",
        "test_files.py",
        "program",
    ),
    "half a file stays": Mutant(
        "style_transfer/files.py",
        "        part.unlink(missing_ok=True)",
        "        pass",
        "test_files.py",
        "failed",
    ),
    "a name that is taken": Mutant(
        "style_transfer/files.py",
        "    if not os.path.lexists(path):\n        return path",
        "    return path",
        "test_files.py",
        "free_name or another_name",
    ),
    "gifsicle's exit status": Mutant(
        "style_transfer/gif.py", "if done.returncode:", "if False:", "test_frames.py", "broken"
    ),
    "gifsicle's result": Mutant(
        "style_transfer/gif.py",
        "if not _same_frames(smaller, path):",
        "if not smaller.exists():",
        "test_frames.py",
        "broken",
    ),
    "streams that fail": Mutant(
        "style_transfer/terminal.py",
        "except (OSError, ValueError):  # ValueError: the stream was closed",
        "except KeyError:",
        "test_terminal.py",
    ),
    "a kill that is ignored": Mutant(
        "style_transfer/terminal.py",
        "    raise KeyboardInterrupt",
        "    return",
        "test_terminal.py",
        "ctrl_c",
    ),
    "negative weights": Mutant(
        "style_transfer/settings.py",
        "or not math.isfinite(value) or value < 0:",
        "or not math.isfinite(value):",
        "test_settings.py",
    ),
    "content before its ReLU": Mutant(
        "style_transfer/settings.py",
        'CONTENT_LAYER = "relu4_2"',
        'CONTENT_LAYER = "conv4_2"',
        "test_settings.py",
    ),
    "normalization": Mutant(
        "style_transfer/features.py",
        "- self.mean) / self.std",
        "- self.mean) * self.std",
        "test_features.py",
        "torchvisions or mean_activation",
    ),
    "silent filters": Mutant(
        "style_transfer/features.py",
        "activation.clamp(min=0.01 * activation.mean())",
        "activation",
        "test_features.py",
        "silent",
    ),
    "torch's advice": Mutant(
        "style_transfer/features.py",
        ") from None  # torch's own words advise to load it unsafely",
        ") from error",
        "test_features.py",
        "advice",
    ),
    "a download without a limit": Mutant(
        "style_transfer/features.py",
        "socket.setdefaulttimeout(STALLED_SECONDS)",
        "socket.setdefaulttimeout(None)",
        "test_features.py",
        "stalls",
    ),
    "targets with a gradient": Mutant(
        "style_transfer/losses.py",
        "@torch.no_grad()\ndef target_features",
        "def target_features",
        "test_losses.py",
        "constants",
    ),
    "the divisor of the Gram matrix": Mutant(
        "style_transfer/losses.py",
        "flat @ flat.transpose(1, 2) / flat.shape[2]",
        "flat @ flat.transpose(1, 2) / flat.shape[1]",
        "test_losses.py",
        "gram",
    ),
    "total variation of one direction": Mutant(
        "style_transfer/losses.py",
        "return (horizontal + vertical) / image.numel()",
        "return 2 * horizontal / image.numel()",
        "test_losses.py",
        "tv or variation or finite",
    ),
    "no penalty outside the range": Mutant(
        "style_transfer/steps.py",
        "loss = loss + penalty * (image",
        "loss = loss + 0 * (image",
        "test_steps.py",
        "penalty",
    ),
    "a memory that misleads": Mutant(
        "style_transfer/steps.py",
        "            optimizer.state.clear()",
        "            pass",
        "test_steps.py",
        "begins_again",
    ),
    "Adam without its clamp": Mutant(
        "style_transfer/steps.py",
        "image.clamp_(0, 1)",
        "image.clamp_(-1, 2)",
        "test_steps.py",
        "adam",
    ),
    "an objective without a gradient": Mutant(
        "style_transfer/steps.py",
        "if not loss.requires_grad:",
        "if False:",
        "test_steps.py",
        "objective",
    ),
    "an enlarged picture keeps all of its change": Mutant(
        "style_transfer/steps.py",
        "KEPT_CHANGE = 0.5",
        "KEPT_CHANGE = 1.0",
        "test_coarse_to_fine.py",
    ),
    "a blow-up that counts as a success": Mutant(
        "style_transfer/frames.py",
        "MOST_GROWTH = 10.0",
        "MOST_GROWTH = 1e9",
        "test_frames.py",
        "tenfold",
    ),
    "the painting is overwritten": Mutant(
        "style_transfer/inputs.py",
        "named = [options.content, *painting_files(options)]",
        "named = [options.content]",
        "test_stylize.py",
        "mistake",
    ),
    "the hint about the content": Mutant(
        "style_transfer/results.py",
        "< 0.1 * last.loss",
        "< 0.01 * last.loss",
        "test_stylize.py",
        "hint",
    ),
    "an uneven history": Mutant(
        "studio/history.py", "self.stride *= 2", "self.stride *= 1", "test_studio.py", "even"
    ),
    "a false warning of growth": Mutant(
        "studio/engine.py",
        '                self._in_use = wanted\n                self._lowest = float("inf")',
        "                self._in_use = wanted",
        "test_studio.py",
        "no_growth",
    ),
    "a studio that is never freed": Mutant(
        "studio/engine.py",
        "reference = weakref.ref(studio)",
        "reference = lambda: studio",
        "test_studio.py",
        "freed",
    ),
    "a mask carried by single pixels": Mutant(
        "style_transfer/masks.py", 'mode="area"', 'mode="nearest"', "test_masks.py", "carried"
    ),
    "a mask that is not softened at its edge": Mutant(
        "style_transfer/masks.py", ", count_include_pad=False", "", "test_masks.py", "soft"
    ),
    "a region without its area": Mutant(
        "style_transfer/losses.py",
        "return mask.mean() * gram_loss(",
        "return gram_loss(",
        "test_paintings.py",
        "gradient",
    ),
    "shares that do not add up to 1": Mutant(
        "style_transfer/paintings.py",
        "[(style, style.share / total) for style in serving]",
        "[(style, style.share) for style in serving]",
        "test_paintings.py",
        "some_layers",
    ),
    "a rest that overlaps the masks": Mutant(
        "style_transfer/paintings.py",
        "rest = (1 - sum(masks)).clamp(0, 1)",
        "rest = masks[0] * 0 + 1",
        "test_paintings.py",
        "one_region",
    ),
    "colors without the photograph's luminance": Mutant(
        "style_transfer/images.py",
        "luminance(image) - luminance(like)",
        "luminance(image) - luminance(image)",
        "test_images.py",
        "with_colors",
    ),
    "a style scale that is dropped": Mutant(
        "style_transfer/inputs.py",
        "round(options.style_scale * size)",
        "round(size)",
        "test_stylize.py",
        "too_small_for_its_scale",
    ),
    "memory that runs out and takes the picture with it": Mutant(
        "style_transfer/frames.py",
        "if not (seen and is_out_of_memory(error)):",
        "if True:",
        "test_frames.py",
        "memory",
    ),
    "numbered pictures that replace others": Mutant(
        "style_transfer/results.py",
        "save_image(snapshot.image, free_name(output.with_name(name)))",
        "save_image(snapshot.image, output.with_name(name))",
        "test_stylize.py",
        "replace_nothing",
    ),
    "a start that is not the file's": Mutant(
        "style_transfer/inputs.py",
        "if options.start in STARTS:",
        "if True:",
        "test_stylize.py",
        "start",
    ),
    "a blend that does not reach the run": Mutant(
        "studio/engine.py",
        "self._scene.aim(settings.blend)",
        "pass",
        "test_studio.py",
        "blend_moved",
    ),
}


def test_every_mutant_can_be_made():
    assert len(MUTANTS) >= 30
    for mutant in MUTANTS.values():
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert source.count(mutant.right) == 1, f"{mutant.file} has changed: {mutant.right!r}"
        assert (ROOT / "tests" / mutant.test).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_mistake_is_noticed(mistake, tmp_path):
    mutant = MUTANTS[mistake]
    for name in ("helpers.py", "stylize.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("assets", "exercises", "style_transfer", "studio", "tests", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / mutant.file
    source = file.read_text(encoding="utf-8")
    file.write_text(source.replace(mutant.right, mutant.wrong), encoding="utf-8")
    only = ["-k", mutant.only] if mutant.only else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", f"tests/{mutant.test}", *only],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout[-2000:]  # tests ran, and one failed
    assert "1 failed" in done.stdout, done.stdout[-2000:]
