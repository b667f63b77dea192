"""Runs the checks of one handed-in notebook; `tools.grade` starts it in a process of its own.

    python -m tools.grade_one NOTEBOOK LESSON RESULTS MEBIBYTES FILE_MEBIBYTES CHECK ...

It runs the setup cell of the project's own lesson. From the notebook it takes the imports and the
definitions of the cells that define an exercise's function, and nothing else. Each result is a
line of JSON in RESULTS: the name of a check before it begins, and the verdict after it.
"""

import ast
import contextlib
import importlib
import io
import json
import os
import sys
from pathlib import Path

import nbformat

from exercises.checking import verdict
from style_transfer.settings import ROOT
from tools.class_exercises import exercises
from tools.lessons import NOTEBOOKS

try:
    import resource
except ImportError:  # Windows has no such module; tools.grade says so
    resource = None

MEBIBYTE = 2**20
LONGEST = 2000  # characters of a verdict; an error of a student's code can be longer
DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def setup(lesson: Path) -> dict:
    """The names that the setup cell of a lesson defines."""
    names = {"__name__": "__main__"}
    code = next(cell for cell in nbformat.read(lesson, as_version=4).cells if _is_code(cell))
    here = Path.cwd()
    os.chdir(ROOT)  # the setup cell looks for the project from the current folder
    try:
        exec(compile(code.source, "<setup cell>", "exec"), names)
    finally:
        os.chdir(here)
    return names


def take_definitions(notebook: Path, functions: list[str], names: dict) -> dict[str, str]:
    """Adds the imports, and what the stub cells define, to `names`.

    Returns a dict from the name of a function to a verdict, for those that could not be defined.
    """
    problems = dict.fromkeys(functions, "missing: no code cell defines this function")
    for cell in nbformat.read(notebook, as_version=4).cells:
        if not _is_code(cell):
            continue
        here = [name for name in functions if f"def {name}(" in cell.source]
        try:
            statements = ast.parse(cell.source).body
        except (SyntaxError, ValueError) as error:
            problems.update(dict.fromkeys(here, f"not yet: the cell is no Python code: {error}"))
            continue
        here = [node.name for node in statements if getattr(node, "name", None) in functions]
        for node in statements:
            if _is_taken(node, here):
                problem = _execute(node, names)
                if getattr(node, "name", None) in here:
                    problems[node.name] = problem
    return {name: problem for name, problem in problems.items() if problem}


def _is_taken(statement: ast.stmt, functions: list[str]) -> bool:
    """Whether a statement is executed; `functions` are those that its cell defines.

    An assignment that calls one of them is an experiment of the student, and it is left out.
    """
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    if not functions or not isinstance(statement, DEFINITIONS):
        return False
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        called = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
        return not any(isinstance(one, ast.Name) and one.id in functions for one in called)
    return True


def _execute(statement: ast.stmt, names: dict) -> str | None:
    """Executes one statement; returns the verdict on an error, which later cells may not need."""
    try:
        exec(compile(ast.Module([statement], []), "<stub cell>", "exec"), names)
    except Exception as error:
        return f"not yet: the cell raised {type(error).__name__}: {error}"
    return None


def _is_code(cell) -> bool:
    return cell.cell_type == "code"


def limit(mebibytes: int, file_mebibytes: int) -> None:
    """Limits the memory that is added from now on, and the size of each file that is written."""
    if resource is None:
        return
    import psutil

    now = psutil.Process().memory_info().vms
    memory = now + mebibytes * MEBIBYTE
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_mebibytes * MEBIBYTE),
        (resource.RLIMIT_CORE, 0),
    ):
        # Some systems, such as macOS, refuse a limit of memory. The other limits hold all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def main(arguments: list[str]) -> None:
    """Writes a line of JSON before and after each check."""
    notebook, lesson, results, mebibytes, file_mebibytes, *wanted = arguments
    path = NOTEBOOKS / f"{lesson}.ipynb"
    listed = [exercise for exercise in exercises(path) if exercise.check in wanted]
    names = setup(path)
    checks = importlib.import_module(f"exercises.checks_{lesson[:2]}")

    def say(**line) -> None:
        with open(results, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    limit(int(mebibytes), int(file_mebibytes))
    problems = take_definitions(Path(notebook), [one.function for one in listed], names)
    for exercise in listed:
        say(begun=exercise.check)
        said = problems.get(exercise.function)
        if said is None:
            check = getattr(checks, exercise.check).__wrapped__
            with contextlib.redirect_stdout(io.StringIO()):
                said = verdict(check, names[exercise.function])
        say(check=exercise.check, said=said[:LONGEST])


if __name__ == "__main__":
    main(sys.argv[1:])
