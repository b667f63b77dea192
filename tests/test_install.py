"""`pip install .` and `pip install -e .`: two commands, with all that they need, and no more."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

from style_transfer.settings import ASSETS, NETWORKS
from tests.test_architecture import MODULES, import_graph


def version(package):
    """The first number of a package's version; 0 if it is not installed."""
    try:
        return int(metadata.version(package).partition(".")[0])
    except metadata.PackageNotFoundError:
        return 0


CAN_INSTALL = version("pip") >= 23 and version("setuptools") >= 77
ROOT = Path(__file__).resolve().parents[1]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_what_the_commands_import_is_installed():
    graph = import_graph(MODULES)
    reached = set()
    waiting = ["stylize", "many"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += graph[module]
    setuptools = TOOLS["tool"]["setuptools"]
    known = {*setuptools["py-modules"], *setuptools["packages"]}
    parts = {module if module in known else module.rpartition(".")[0] for module in reached}
    assert parts == known - {"style_transfer.assets"}


def test_the_assets_are_installed():
    patterns = TOOLS["tool"]["setuptools"]["package-data"]["style_transfer.assets"]
    found = {path.name for pattern in patterns for path in ASSETS.glob(pattern)}
    assert found >= {path.name for path in ASSETS.iterdir() if path.suffix in (".jpg", ".pt")}
    assert f"{NETWORKS[0]}_vgg19.pt" in found


@pytest.fixture
def clone(tmp_path):
    """The files that an installation reads, in a folder of their own, where pip may write."""
    folder = tmp_path / "clone"
    setuptools = TOOLS["tool"]["setuptools"]
    for name in ("style_transfer", "assets", "batch"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    modules = [f"{module}.py" for module in setuptools["py-modules"]]
    for name in (*modules, "pyproject.toml", "README.md", "requirements.txt", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the test uses the paths of Linux and macOS")
@pytest.mark.skipif(not CAN_INSTALL, reason="the test needs pip, and setuptools 77 or newer")
@pytest.mark.parametrize("how", [[], ["--editable"]])
def test_the_installed_command_finds_its_assets(how, clone, tmp_path):
    home = tmp_path / "environment"
    venv.create(home)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    # The new environment sees the packages of this one, so torch is not installed again.
    (packages / "this.pth").write_text(sysconfig.get_path("purelib"))
    options = ["--no-deps", "--no-build-isolation", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
    subprocess.run([*pip, "install", *options, *how, clone], check=True)

    command = home / "bin" / "style-transfer"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [command, "chelsea", "grass", "--size=48", "--steps=2"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "picture:  outputs/chelsea_grass.png" in done.stdout
    with Image.open(elsewhere / "outputs" / "chelsea_grass.png") as picture:
        assert max(picture.size) == 48
    done = subprocess.run([command, "--sise", "3"], cwd=elsewhere, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("style-transfer: unrecognized arguments: --sise")
    done = subprocess.run([command.with_name("style-transfer-many"), "--help"], check=True)
