"""Adds the packages that the lessons need and that are missing, and changes no other package.

    %run tools/packages.py                   in a notebook of a hosted service; see README.md
    python -m tools.packages                 the same from a command line
    python -m tools.packages --check         says what is missing, and installs nothing
    python -m tools.packages --check tests   the same for what the tests need

A hosted notebook service has packages of its own that need each other's versions, and an upgrade
of one can break the service. So pip gets the version of each installed package as a constraint. It
can add packages, and it can neither upgrade nor downgrade one. If nothing is missing, pip is not
called. This file imports the standard library only, because it runs before everything else is
there.
"""

import argparse
import importlib
import importlib.metadata
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNNING = ROOT / "requirements.txt"
TESTING = ROOT / "requirements-dev.txt"
FIRST_LESSON = ROOT / "notebooks" / "00_preview.ipynb"
FRONT_END = "jupyterlab"
# The lessons run without these: Pillow writes the GIFs then, and a service has its own front end.
OPTIONAL = ("imageio", "pygifsicle", FRONT_END)

REQUIREMENT = re.compile(r"([\w.-]+)>=([\d.]+)")
# A version as PEP 440 writes it. Older packages may have others, which pip refuses as constraints.
VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z\d.]+)?")


# ------------------------------------------------------------------------------ what is needed


def required(path: Path) -> dict[str, str]:
    """The packages that a file of requirements names, each with its lowest version.

    Raises ValueError for a line of another form than name>=version.
    """
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        requirement = line.partition("#")[0].strip()
        if not requirement:
            continue
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{path.name} has the line {line!r}; write it as name>=version")
        found[normal(match[1])] = match[2]
    return found


def needed(purpose: str = "lessons") -> dict[str, str]:
    """The packages that the lessons, JupyterLab ("lab") or the tests need, as `required` does."""
    packages = required(RUNNING)
    if purpose == "tests":
        return packages | required(TESTING)
    left_out = set(OPTIONAL)
    if purpose == "lab":
        left_out.remove(FRONT_END)
    return {name: lowest for name, lowest in packages.items() if name not in left_out}


# ------------------------------------------------------------------------------ what is there


def normal(name: str) -> str:
    """A package's name in the one spelling that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """The packages that are installed for this Python, with their versions."""
    found = {}
    for package in importlib.metadata.distributions():
        name = package.metadata["Name"]  # None, if a removed package left a folder behind
        if name and package.version:
            found.setdefault(normal(name), package.version)  # Python imports the first one
    return found


def missing(packages: dict[str, str], present: dict[str, str]) -> list[str]:
    """The packages that are not there, as pip wants them."""
    return [f"{name}>={lowest}" for name, lowest in packages.items() if name not in present]


def too_old(packages: dict[str, str], present: dict[str, str]) -> list[str]:
    """The packages that are there in a version that is too low, as pip wants them."""
    return [
        f"{name}>={lowest}"
        for name, lowest in packages.items()
        if name in present and numbers(present[name]) < numbers(lowest)
    ]


def numbers(version: str) -> list[int]:
    """The numbers at the head of a version, without zeros at their end: 2.10.0rc1 is [2, 10]."""
    head = re.match(r"\d+(\.\d+)*", version)
    found = [int(number) for number in head[0].split(".")] if head else []
    while found and found[-1] == 0:
        found.pop()
    return found


# ------------------------------------------------------------------------------ what is done


def check(purpose: str) -> None:
    """Ends the program with the command that installs what is missing or too old, if anything."""
    packages = needed(purpose)
    present = installed()
    wanted = missing(packages, present) + too_old(packages, present)
    if wanted:
        names = ", ".join(name_of(requirement) for requirement in wanted)
        command = shlex.join(pip_install(*wanted))
        sys.exit(
            f"{sys.executable} lacks {names}; this command installs what is missing:\n{command}"
        )


def name_of(requirement: str) -> str:
    """The package of a requirement such as "torch>=2.4"."""
    return requirement.partition(">=")[0]


def pip_install(*arguments: str) -> list[str]:
    """The command that lets pip install something for this Python."""
    return [sys.executable, "-m", "pip", "install", *arguments]


def add_missing() -> None:
    """Adds what the lessons need and what is missing, and prints what it did.

    Ends the program if pip failed or changed a package that was there.
    """
    before = installed()
    for requirement in too_old(needed(), before):
        name = name_of(requirement)
        print(f"{name} {before[name]} stays as it is, but the lessons need {requirement}.")
    wanted = missing(needed(), before)
    if not wanted:
        print("Nothing was installed, because each package that the lessons need is there.")
        return
    error = run_pip(wanted, before)
    importlib.invalidate_caches()
    after = installed()
    changed = [f"{name} {before[name]}" for name in before if after.get(name) != before[name]]
    if changed:
        sys.exit(f"pip changed packages that were there: {', '.join(changed)}; start a new session")
    if error:
        sys.exit(f"{error}\npip could not add {', '.join(wanted)}; nothing was changed")
    added = [f"{name} {after[name]}" for name in sorted(after.keys() - before.keys())]
    print(f"Added: {', '.join(added)}. The {len(before)} packages that were there are unchanged.")


def run_pip(wanted: list[str], present: dict[str, str]) -> str:
    """Lets pip add packages beside those that are there; returns what it says if it fails."""
    pins = [
        f"{name}=={version}\n" for name, version in present.items() if VERSION.fullmatch(version)
    ]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(pins), encoding="utf-8")
        command = pip_install("--quiet", "--constraint", str(constraints), *wanted)
        # A notebook shows what Python prints, and not what another program writes.
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip() or "pip failed" if done.returncode else ""


def main() -> None:
    """Checks, or installs and says which lesson comes next."""
    parser = argparse.ArgumentParser(
        description="Installs what the lessons need and what is missing; changes nothing else."
    )
    parser.add_argument(
        "--check",
        nargs="?",
        const="lessons",
        choices=("lessons", "lab", "tests"),
        help="install nothing; if a package is missing, print the command that installs it",
    )
    purpose = parser.parse_args().check
    if purpose:
        check(purpose)
        return
    add_missing()
    print(f"If this notebook is a lesson, run its cells now. The first lesson is {FIRST_LESSON}.")


if __name__ == "__main__":
    main()
