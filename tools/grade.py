"""Grades a folder of handed-in notebooks with the checks of the exercises, and writes a table.

    python -m tools.grade FOLDER

Each notebook runs in a process of its own, in a temporary folder, with limits of time, memory and
file size. Only its imports and the cells that define the exercises' functions are executed, after
the setup cell of the project's own lesson. After an exercise that does not end, the process is
killed, and a new one goes on with the next exercise.

The limits protect against mistakes, and not against malice: the code can read your files and use
the network. If you do not trust the authors, run the grader in a virtual machine. Windows has no
limits of memory and file size, and macOS has none of memory; the limit of time holds everywhere.
"""

import argparse
import contextlib
import csv
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

from style_transfer.settings import ROOT
from tools.class_exercises import exercises
from tools.lessons import NOTEBOOKS

COLUMNS = ("notebook", "lesson", "exercise", "result", "message")
START = 120  # seconds in which torch is imported and the setup cell runs
NO_PROMISE = "The limits protect against mistakes in handed-in code, and not against malice."
NO_RESOURCE = "This system has no `resource` module: memory and file size were not limited."


@dataclass(frozen=True)
class Limits:
    """What one handed-in notebook may use."""

    seconds: float = 60  # per exercise
    memory: int = 2048  # MiB, in addition to what torch and the setup cell use
    file_size: int = 100  # MiB per file


def hand_ins(folder: Path) -> list[Path]:
    """All notebooks in a folder and its subfolders, but not in hidden ones.

    Raises: ValueError if there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; name the folder of the handed-in notebooks")
    found = []
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            found.append(path)
    if not found:
        raise ValueError(f"{folder} has no notebooks (*.ipynb); put the handed-in files there")
    return found


def lesson_of(path: Path) -> Path:
    """The project's lesson to which a handed-in notebook belongs.

    The import of the checks tells it ("checks_05"), or else the name of the file ("05_losses").
    Raises: ValueError if the notebook cannot be read or belongs to no lesson.
    """
    try:
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    except Exception as error:  # a damaged file raises errors of many types
        first_line = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(f"it cannot be read as a notebook: {first_line}") from error
    lessons = {lesson.stem: lesson for lesson in sorted(NOTEBOOKS.glob("*.ipynb"))}
    imported = re.search(r"\bchecks_(\d\d)\b", code)
    for stem, lesson in lessons.items():
        if imported and stem.startswith(imported.group(1) + "_"):
            return lesson
    for stem, lesson in lessons.items():
        if stem in path.name:
            return lesson
    raise ValueError(
        "it belongs to no lesson: it imports no checks_NN, and its name is no lesson's"
    )


def grade(path: Path, limits: Limits) -> list[dict[str, str]]:
    """One row per exercise, or a single one for a damaged notebook; the keys are in COLUMNS."""
    try:
        lesson = lesson_of(path)
    except ValueError as error:
        return [_row("", "", f"damaged: {error}")]
    listed = exercises(lesson)
    said = {}
    while len(said) < len(listed):
        left = [one.check for one in listed if one.check not in said]
        said |= _run(path, lesson, left, limits)
    return [_row(lesson.stem, one.task, said[one.check]) for one in listed]


def _row(lesson: str, task: str, said: str) -> dict[str, str]:
    result, _, message = said.partition(": ")
    return {"lesson": lesson, "exercise": task, "result": result, "message": message}


def _run(path: Path, lesson: Path, checks: list[str], limits: Limits) -> dict[str, str]:
    """Verdicts of at least one of these checks, by the check's name, from one process."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own,
    ):
        results = Path(own) / "results"
        results.touch()
        command = [sys.executable, "-m", "tools.grade_one", str(path.resolve()), lesson.stem]
        command += [str(results), str(limits.memory), str(limits.file_size), *checks]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
        environment |= {"TMPDIR": work, "TEMP": work, "TMP": work}
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            end = _wait(process, results, limits.seconds)
        finally:
            _kill(process)
        text = results.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]  # a process that was killed may leave half a line
    lines = [json.loads(line) for line in whole.splitlines()]
    said = {line["check"]: line["said"] for line in lines if "check" in line}
    begun = [line["begun"] for line in lines if "begun" in line and line["begun"] not in said]
    if begun:
        said[begun[0]] = f"stopped: {end}"
    if not said:
        said = dict.fromkeys(checks, f"stopped: {end}, before the first check")
    return said


def _wait(process: subprocess.Popen, results: Path, seconds: float) -> str:
    """Waits until a process ends, or adds nothing to its results in time; returns what happened."""
    size = 0
    deadline = time.monotonic() + START + seconds
    while process.poll() is None:
        if results.stat().st_size > size:
            size = results.stat().st_size
            deadline = time.monotonic() + seconds
        if time.monotonic() > deadline:
            return f"no result after {seconds:g} s"
        time.sleep(0.05)
    return f"the code ended its process (status {process.returncode})"


def _kill(process: subprocess.Popen) -> None:
    """Ends a process and, where the system has groups of processes, those that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def summary(rows: list[dict[str, str]]) -> str:
    """The table in Markdown: correct answers per notebook, then all rows, then what was limited."""
    lines = ["# Grades", "", "| notebook | correct | of |", "|---|---|---|"]
    for notebook in dict.fromkeys(row["notebook"] for row in rows):
        results = [row["result"] for row in rows if row["notebook"] == notebook]
        count = sum(bool(row["exercise"]) for row in rows if row["notebook"] == notebook)
        lines.append(f"| {_cell(notebook)} | {results.count('correct')} | {count} |")
    lines += ["", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(_cell(row[name]) for name in COLUMNS)} |" for row in rows]
    lines += ["", NO_PROMISE]
    if not importlib.util.find_spec("resource"):
        lines += ["", NO_RESOURCE]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table, on one line."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:300]


def write(rows: list[dict[str, str]], folder: Path) -> None:
    """Writes grades.csv and grades.md into a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "grades.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    (folder / "grades.md").write_text(summary(rows), encoding="utf-8")


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line's arguments."""
    about, _, details = __doc__.partition("\n\n    ")
    parser = argparse.ArgumentParser(
        prog="python -m tools.grade",
        description=about,
        epilog=details.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, help="the folder of handed-in notebooks; subfolders count, too")
    add("-o", "--output", type=Path, default=ROOT / "dist" / "class", help="where the tables go")
    add("--seconds", type=float, default=Limits.seconds, help="per exercise (%(default)s)")
    add("--memory", type=int, default=Limits.memory, help="MiB besides torch (%(default)s)")
    add("--file-size", type=int, default=Limits.file_size, help="MiB per file (%(default)s)")
    options = parser.parse_args(arguments)
    for name in ("seconds", "memory", "file_size"):
        value = getattr(options, name)
        if not 0 < value < 1e6:
            parser.error(
                f"--{name.replace('_', '-')} is {value:g}; it must be above 0 and below 1e6"
            )
    return options


def main(arguments: list[str]) -> None:
    """Grades all notebooks of a folder and writes the tables; a line per notebook says how far."""
    options = parse(arguments)
    limits = Limits(options.seconds, options.memory, options.file_size)
    print(NO_PROMISE)
    if not importlib.util.find_spec("resource"):
        print(NO_RESOURCE)
    rows = []
    try:
        for path in hand_ins(options.folder):
            name = path.relative_to(options.folder).as_posix()
            graded = [{"notebook": name, **row} for row in grade(path, limits)]
            print(f"{name}: {', '.join(row['result'] for row in graded)}", flush=True)
            rows += graded
        write(rows, options.output)
    except (ValueError, OSError) as error:
        sys.exit(f"tools.grade: {error}")
    print(f"grades.csv and grades.md are in {options.output}")


if __name__ == "__main__":
    main(sys.argv[1:])
