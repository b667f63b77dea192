"""The exercises of a lesson, as its own cells list them: function, check, and task."""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson."""

    function: str  # the name that the stub cell defines
    check: str  # the name in exercises/checks_NN.py
    task: str  # the heading, "Exercise 1: write the whole loss"


def exercises(path: Path) -> list[Exercise]:
    """The exercises of a lesson in order: each is a stub cell and the next cell, its check.

    Raises: ValueError, naming the lesson, if no check follows a stub.
    """
    found = []
    task = ""
    cells = nbformat.read(path, as_version=4).cells
    for cell, following in itertools.pairwise(cells):
        headings = re.findall(r"(?m)^### (Exercise .+)", cell.source)
        if cell.cell_type == "markdown" and headings:
            task = headings[-1]
        if cell.cell_type == "code" and "raise NotImplementedError" in cell.source:
            call = re.search(r"checks\.(\w+)\((\w+)\)", following.source)
            if call is None:
                raise ValueError(f"{path.name}: no check follows this stub:\n{cell.source}")
            found.append(Exercise(call.group(2), call.group(1), task))
    return found
