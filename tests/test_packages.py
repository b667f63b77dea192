"""Packages on hosted services: only what is missing is added, and nothing of a service is changed.

The versions of Colab's machines stand in tests/colab/. Here, an environment pretends to have them:
its packages are empty, and its pip is a small program that does what each test wants."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools import browser, packages
from tools.build_site import PLACEHOLDER
from tools.lessons import lessons

ROOT = packages.ROOT
COLAB = {path.stem: path for path in sorted((ROOT / "tests" / "colab").glob("*.txt"))}
# A pip that writes down how it was called, and then installs each wanted package as version 9.
PIP = """
import json, os, sys
from pathlib import Path

site = Path(__file__).parents[1]
arguments = sys.argv[1:]
constraints = Path(arguments[arguments.index("--constraint") + 1])
wanted = [argument for argument in arguments if ">=" in argument]
called = {"arguments": arguments, "wanted": wanted, "constraints": constraints.read_text()}
(site / "called.json").write_text(json.dumps(called))

def add(name, version):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    metadata = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    (folder / "METADATA").write_text(metadata)
"""
WELL = "for requirement in wanted:\n    add(requirement.partition('>=')[0], '9')\n"
RUDE = "(site / 'ipywidgets-7.7.1.dist-info').rename(site / 'gone')\nadd('ipywidgets', '8.1.9')\n"
NO = "sys.exit('no version of distributed fits')\n"


def colab(machine):
    """The packages of one of Colab's machines and their versions, under the names that it gives."""
    lines = COLAB[machine].read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.fixture
def pretend(tmp_path):
    """A function that makes a Python with these packages and this pip, and nothing else."""

    def make(versions, pip=WELL):
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", tmp_path / "service"], check=True
        )
        site = next((tmp_path / "service").glob("[Ll]ib/**/site-packages"))
        (site / "pip").mkdir()
        (site / "pip" / "__main__.py").write_text(PIP + pip, encoding="utf-8")
        for name, version in versions.items():
            folder = site / f"{name}-{version}.dist-info"
            folder.mkdir()
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (folder / "METADATA").write_text(text, encoding="utf-8")
        return python_of(tmp_path / "service"), site

    return make


def python_of(environment):
    """The interpreter of an environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def run(python, *arguments, cwd=ROOT):
    """What tools/packages.py prints when this Python runs it as a program, and its status."""
    return subprocess.run(
        [python, ROOT / "tools" / "packages.py", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


# ------------------------------------------------------------------------------ Colab's versions


@pytest.mark.parametrize("machine", COLAB)
def test_the_lowest_versions_admit_those_of_colab(machine):
    there = {packages.normal(name): version for name, version in colab(machine).items()}
    asked = [
        Requirement(line.partition("#")[0])
        for line in packages.RUNNING.read_text(encoding="utf-8").splitlines()
        if line.partition("#")[0].strip()
    ]
    met = [item.name for item in asked if packages.normal(item.name) in there]
    assert len(met) >= len(asked) - 3
    for item in asked:
        if item.name in met:
            assert item.specifier.contains(there[packages.normal(item.name)]), item
    assert packages.too_old(packages.required(packages.RUNNING), there) == []


@pytest.mark.parametrize(("machine", "expected"), [("cpu", ["distributed"]), ("gpu", [])])
def test_on_colab_only_what_is_missing_is_added(machine, expected, pretend):
    there = colab(machine)
    python, site = pretend(there)
    done = run(python)
    assert done.returncode == 0, done.stderr
    if expected:
        called = json.loads((site / "called.json").read_text())
        assert [packages.name_of(wanted) for wanted in called["wanted"]] == expected
        pins = dict(line.split("==") for line in called["constraints"].split())
        names = {packages.normal(name): version for name, version in there.items()}
        assert pins == names, "each package that is there is held at its version"
        assert "Added: distributed 9." in done.stdout
        assert f"The {len(there)} packages that were there are unchanged." in done.stdout
    else:
        assert not (site / "called.json").exists(), "pip was not called"
        assert "Nothing was installed" in done.stdout
    assert str(packages.FIRST_LESSON) in done.stdout
    again = run(python)
    assert "Nothing was installed" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("machine", COLAB)
def test_the_real_pip_adds_nothing_that_colab_has(machine, pretend, tmp_path, monkeypatch):
    """pip looks at the package index, and says what it would install beside Colab's versions."""
    there = {packages.normal(name): version for name, version in colab(machine).items()}
    python, site = pretend(there)
    shutil.rmtree(site / "pip")
    subprocess.run([python, "-m", "ensurepip"], check=True, capture_output=True)
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_REPORT", str(tmp_path / "report.json"))
    done = run(python)
    if machine == "gpu":
        assert "Nothing was installed" in done.stdout
        return
    if not (tmp_path / "report.json").exists():
        pytest.skip(f"pip could not look at the package index: {done.stderr[:300]}")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    added = {packages.normal(item["metadata"]["name"]): item for item in report["install"]}
    assert "distributed" in added
    assert not added.keys() & there.keys()
    dask = [
        Requirement(text)
        for text in added["distributed"]["metadata"]["requires_dist"]
        if Requirement(text).name == "dask"
    ]
    assert dask[0].specifier.contains(there["dask"]), "pip took one that fits Colab's dask"


# ------------------------------------------------------------------------------ when it goes wrong


def test_a_pip_that_fails_is_quoted(pretend):
    python, _ = pretend(colab("cpu"), pip=NO)
    done = run(python)
    assert done.returncode == 1
    assert "no version of distributed fits" in done.stderr
    assert "nothing was changed" in done.stderr


def test_a_pip_that_changes_a_package_is_noticed(pretend):
    python, _ = pretend(colab("cpu"), pip=RUDE)
    done = run(python)
    assert done.returncode == 1
    assert "pip changed packages that were there: ipywidgets 7.7.1; start a new" in done.stderr


def test_an_old_package_is_named_and_stays(pretend):
    python, site = pretend(colab("gpu") | {"torch": "2.1.0"})
    done = run(python)
    assert "torch 2.1.0 stays as it is, but the lessons need torch>=2.4." in done.stdout
    assert not (site / "called.json").exists()


def test_a_version_that_pip_refuses_is_no_constraint(pretend):
    python, site = pretend(colab("cpu") | {"python-apt": "2.0.0ubuntu4"})
    assert run(python).returncode == 0
    called = json.loads((site / "called.json").read_text())
    assert "python-apt" not in called["constraints"]
    for line in called["constraints"].split():
        Version(line.partition("==")[2])


def test_a_folder_that_a_removed_package_left_behind_is_ignored(pretend):
    python, site = pretend(colab("gpu"))
    (site / "torch-1.0.dist-info").mkdir()
    (site / "torch-1.0.dist-info" / "RECORD").touch()
    assert "Nothing was installed" in run(python).stdout


def test_a_line_of_another_form_is_refused(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# a comment\n\ntorch>=2.4  # fits\nnumpy<3\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"requirements.txt has the line 'numpy<3'; write it as"):
        packages.required(file)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.10.0rc1", [2, 10]), ("2.9.0+cu126", [2, 9]), ("0", []), ("1.0", [1]), ("dev", [])],
)
def test_the_numbers_of_a_version(version, expected):
    assert packages.numbers(version) == expected


# ------------------------------------------------------------------------------ your own Python


def test_what_is_optional_can_be_missing():
    """Each optional package stands in the list, and no module needs it when it is imported.

    `test_neither_imageio_nor_pygifsicle_is_needed` in test_frames.py runs without two of them."""
    assert packages.required(packages.RUNNING).keys() >= set(packages.OPTIONAL)
    code = (
        f"import sys\nsys.modules |= dict.fromkeys({packages.OPTIONAL!r})\n"
        "import stylize, many, helpers, studio"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_check_prints_the_command_that_installs_what_is_missing(pretend):
    there = colab("cpu") | {"torch": "2.1.0"}
    del there["ImageIO"]  # optional for the lessons
    python, site = pretend(there)
    command = [str(python), "-m", "pip", "install"]
    for arguments, names in (
        ([], ["distributed", "torch"]),
        (["lab"], ["distributed", "jupyterlab", "torch"]),
        (["tests"], ["imageio", "pygifsicle", "distributed", "jupyterlab", "pytest", "nbval"]),
    ):
        done = run(python, "--check", *arguments)
        assert done.returncode == 1
        words = done.stderr.splitlines()[-1].replace("'", "").split()
        assert words[:4] == command
        wanted = [packages.name_of(word) for word in words[4:]]
        assert wanted[: len(names)] == names
        assert f"lacks {', '.join(wanted)};" in done.stderr
    assert not (site / "called.json").exists(), "nothing is installed"


def test_make_uses_a_python_without_what_is_optional(pretend):
    if shutil.which("make") is None:
        pytest.skip("this test needs the program make")
    there = colab("gpu")
    del there["ImageIO"]
    python, site = pretend(there)

    def make(target):
        command = ["make", target, f"PYTHON={python}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert make("check-python").returncode == 0
    lab = make("check-python-lab")
    assert lab.returncode != 0
    assert f"{python} -m pip install 'jupyterlab>=" in lab.stderr
    assert "nbval" in make("check-python-tests").stderr
    assert not (site / "called.json").exists()


# ------------------------------------------------------------------------------ the cell of README


def readme_cell():
    """The cell that README gives for hosted services."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("### On a hosted notebook service\n")[2].partition("\n#")[0]
    return re.search(r"```\n(REPOSITORY.*?)```", section, re.DOTALL)[1]


def test_the_address_stands_once_and_the_site_knows_it():
    assert readme_cell().count(PLACEHOLDER) == 1
    assert readme_cell().startswith(f'REPOSITORY = "{PLACEHOLDER}"')


def test_the_cell_fetches_the_project_and_a_lesson_then_runs(tmp_path, monkeypatch):
    """In a folder without the project, as where Colab opens a notebook; and then once more."""
    pytest.importorskip("nbclient")
    if shutil.which("git") is None or shutil.which("test") is None:
        pytest.skip("this test needs the programs git and test")
    origin = browser.copy_project(tmp_path / "origin")
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, origin)
    git = ["git", "-C", origin, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "a"]):
        subprocess.run([*git, *command], check=True)
    cell = readme_cell().replace(PLACEHOLDER, origin.as_uri())
    setup = nbformat.read(lessons()[0].path, as_version=4).cells[1].source
    folder = tmp_path / "content"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # so a wish to install anything would be an error
    sources = [cell, cell, setup, "print(root, Path.cwd(), tuple(photo.shape))"]
    path = browser.notebook_of(folder / "lesson.ipynb", *sources)
    execute = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
    subprocess.run([*execute, path], check=True, timeout=300)
    cells = nbformat.read(path, as_version=4).cells
    printed = ["".join(output.get("text", "") for output in cell.outputs) for cell in cells]
    clone = folder / "style-transfer"
    assert "Nothing was installed" in printed[0]
    assert str(clone / "notebooks" / "00_preview.ipynb") in printed[0].replace("\n", "")
    assert "Nothing was installed" in printed[1]
    assert not (clone / "style-transfer").exists()
    assert printed[3].startswith(f"{clone} {clone} (1, 3, ")


# ------------------------------------------------------------------------------ editors, containers


def test_an_editor_such_as_vs_code_finds_what_it_needs():
    """A kernel and the widgets in the packages, and the language in each lesson."""
    assert "ipywidgets" in packages.required(packages.RUNNING)
    lab = [Requirement(text).name for text in importlib.metadata.requires("jupyterlab")]
    assert "ipykernel" in lab and "jupyterlab" in packages.required(packages.RUNNING)
    for lesson in lessons():
        metadata = nbformat.read(lesson.path, as_version=4).metadata
        assert metadata.kernelspec.name == "python3"
        assert metadata.kernelspec.language == metadata.language_info.name == "python"


def test_the_development_container_is_described_as_its_schema_asks():
    """The keys are those of devContainer.base.schema.json in github.com/devcontainers/spec."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(text)  # without comments, so that every reader can read it
    kinds = {
        "name": str,
        "image": str,
        "hostRequirements": dict,
        "containerEnv": dict,
        "postCreateCommand": str,
        "customizations": dict,
    }
    assert {key: type(value) for key, value in settings.items()} == kinds
    assert re.fullmatch(r"python:3\.(\d+)-\w+", settings["image"]), "an image without a host"
    host = settings["hostRequirements"]
    assert host.keys() == {"cpus", "memory", "storage"} and type(host["cpus"]) is int
    assert all(re.fullmatch(r"\d+[tgmk]b", host[key]) for key in ("memory", "storage"))
    assert settings["containerEnv"] == {"PIP_EXTRA_INDEX_URL": ""}
    code = settings["customizations"]["vscode"]
    assert code.keys() == {"extensions", "settings"}
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", name) for name in code["extensions"])
    python = code["settings"]["python.defaultInterpreterPath"]
    assert python == "${containerWorkspaceFolder}/.venv/bin/python"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = settings["postCreateCommand"].removeprefix("make ")
    assert f"\n{target}: $(SETUP)" in makefile and "\nPY    := .venv/bin/python\n" in makefile


def test_binder_gets_a_python_that_fits_and_runs_the_same_program():
    folder = ROOT / "binder"
    assert {path.name for path in folder.iterdir()} == {"runtime.txt", "postBuild"}
    runtime = (folder / "runtime.txt").read_text(encoding="utf-8").strip()
    minor = int(re.fullmatch(r"python-3\.(\d+)", runtime)[1])
    oldest = re.search(r"sys.version_info < \(3, (\d+)\)", (ROOT / "Makefile").read_text())[1]
    assert minor >= int(oldest)
    script = (folder / "postBuild").read_text(encoding="utf-8")
    lines = [line for line in script.splitlines() if line and not line.startswith("# ")]
    assert lines == [
        "#!/bin/bash",
        "set -euo pipefail",
        'export PIP_EXTRA_INDEX_URL=""',
        "python -m tools.packages",
    ]
    if sys.platform != "win32":
        assert (folder / "postBuild").stat().st_mode & 0o111, "it is a program"


# ------------------------------------------------------------------------------ a smaller torch


def wheel(folder: Path, name: str, version: str) -> None:
    """Writes a package without content, and adds it to a package index in files."""
    page = folder / name
    page.mkdir(parents=True, exist_ok=True)
    file = page / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    link = f'<a href="{file.name.replace("+", "%2B")}">{file.name}</a>'
    (page / "index.html").write_text(f"<html><body>{link}</body></html>", encoding="utf-8")


@pytest.mark.parametrize("constrained", [True, False])
def test_one_variable_makes_pip_take_the_torch_without_gpu_libraries(tmp_path, constrained):
    """Two indexes have the version of constraints.txt, and the variable names the second one."""
    constraints = ROOT / "constraints.txt"
    pinned = re.search(r"^torch==(.+)$", constraints.read_text(encoding="utf-8"), re.MULTILINE)[1]
    wheel(tmp_path / "first", "torch", pinned)
    wheel(tmp_path / "second", "torch", f"{pinned}+cpu")
    options = ["--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-"]
    if constrained:
        options += ["-c", str(constraints)]
    environment = {
        "PATH": "",
        "PIP_CONFIG_FILE": str(tmp_path / "none"),
        "PIP_INDEX_URL": (tmp_path / "first").as_uri(),
    }
    taken = []
    for address in ("", (tmp_path / "second").as_uri()):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, "torch>=2.4"],
            env=environment | {"PIP_EXTRA_INDEX_URL": address},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        taken.append(json.loads(done.stdout)["install"][0]["metadata"]["version"])
    assert taken == [pinned, f"{pinned}+cpu"]
