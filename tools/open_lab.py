"""Opens JupyterLab at the first lesson, in a working copy that belongs to the reader.

python -m tools.open_lab                 copies of the lessons, in work/; `make lab`
python -m tools.open_lab --originals     the lessons themselves, in notebooks/; `make edit`

A lesson is copied once and never overwritten, and git ignores the folder. So notes stay, and
`git pull` meets no changes. To get a lesson anew, rename or delete its copy.

After a reload, JupyterLab shows the studio's panel again if it trusts the notebook and if the
notebook was saved with the panel in it. So the lessons are trusted, and notebooks are saved every
10 seconds. JupyterLab does not ask whether it may fetch news, because the question covers a part of
the page. Settings of your own take precedence over these.
"""

import filecmp
import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from style_transfer.settings import ROOT
from tools.lessons import NOTEBOOKS

WORK = ROOT / "work"
AS_COPIED = ".as_copied"  # the folder in it that has each lesson as it was when it was copied
SETTINGS = ROOT / "tools" / "jupyter"  # a folder of JupyterLab's default settings


def copy_lessons(target: Path) -> list[Path]:
    """Copies the lessons that are not there yet, and returns the paths of the copies.

    What the lessons show, such as the maps, is copied each time.
    """
    (target / AS_COPIED).mkdir(parents=True, exist_ok=True)
    copied = []
    for path in sorted(NOTEBOOKS.iterdir()):
        copy = target / path.name
        if path.suffix == ".ipynb":
            if not copy.exists():
                shutil.copyfile(path, copy)
                shutil.copyfile(path, target / AS_COPIED / path.name)
                copied.append(copy)
        elif path.is_dir() and not path.name.startswith("."):
            shutil.copytree(path, copy, dirs_exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, copy)
    return copied


def outdated(target: Path) -> list[str]:
    """The names of the lessons that have changed in the project since they were copied."""
    names = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        as_copied = target / AS_COPIED / path.name
        if as_copied.exists() and not filecmp.cmp(path, as_copied, shallow=False):
            names.append(path.name)
    return names


def trust(paths: list[Path]) -> None:
    """Tells Jupyter that these notebooks may show widgets before they are run."""
    notary = NotebookNotary()
    for path in paths:
        notary.sign(nbformat.read(path, as_version=4))


def main(arguments: list[str]) -> None:
    """Prepares the lessons and opens JupyterLab; what is not `--originals` is passed on to it."""
    from jupyterlab.labapp import LabApp

    if "--originals" in arguments:
        arguments.remove("--originals")
        folder = NOTEBOOKS
        trust(sorted(NOTEBOOKS.glob("*.ipynb")))
    else:
        folder = WORK
        try:
            copied = copy_lessons(WORK)
        except OSError as error:
            sys.exit(
                f"lessons cannot be copied to {WORK}: {error.strerror}; copy the project to a "
                "folder of your own, or open the lessons themselves with --originals"
            )
        trust(copied)
        print(f"copied {len(copied)} lessons to work/; those that were there stay as they are")
        for name in outdated(WORK):
            print(f"{name} has changed since it was copied; to get it anew, rename work/{name}")
    paths = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    first = min(folder.glob("00_*.ipynb"))
    # With the whole project as its root, JupyterLab follows the links to modules.
    root = f"--ServerApp.root_dir={ROOT}"
    url = f"--LabApp.default_url=/lab/tree/{folder.name}/{first.name}"
    LabApp.launch_instance([root, url, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
