"""Every exercise: its check waits for an attempt, accepts the lesson's own solution, and tells
common mistakes apart."""

import importlib
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn import functional as F

import helpers as nst
from tests.test_notebooks import LESSONS, NOTEBOOKS


def find_exercises():
    """Yields the lesson, the check's name, the function's name and the solution of each exercise.

    An exercise is a stub, then a cell that calls its check, then its folded solution.
    """
    for path in LESSONS:
        found = NOTEBOOKS[path].cells
        for stub, check, solution in zip(found, found[1:], found[2:], strict=False):
            if stub.cell_type != "code" or "raise NotImplementedError" not in stub.source:
                continue
            call = re.search(r"checks\.(\w+)\((\w+)\)", check.source)
            code = re.search(r"(?s)<details>.*?```python\n(.*?)```.*?</details>", solution.source)
            assert call, f"{path.stem}: no check follows this stub:\n{stub.source}"
            assert code, f"{path.stem}: no folded solution follows this check:\n{check.source}"
            yield path.stem, *call.groups(), code.group(1)


EXERCISES = list(find_exercises())
NAMES = [check for _, check, _, _ in EXERCISES]
each_exercise = pytest.mark.parametrize(
    ("lesson", "name", "function", "solution"), EXERCISES, ids=NAMES
)


def module(kind, lesson):
    """The module "checks" or "mistakes" of a lesson."""
    return importlib.import_module(f"exercises.{kind}_{lesson[:2]}")


@pytest.fixture(scope="module")
def names():
    """What a lesson's cells may use: the names of the setup cell and the usual modules."""
    return {
        "nst": nst,
        "torch": torch,
        "F": F,
        "np": np,
        "plt": plt,
        "vgg": nst.VGG19(),
        "generator": nst.seed(0),
        "photo": nst.load_image("china"),
        "painting": nst.load_image("starry_night"),
    }


@pytest.fixture
def verdict(capsys):
    """A function that runs the check of an exercise on an attempt and returns what it printed."""

    def run(lesson, name, attempt):
        check = getattr(module("checks", lesson), name)
        capsys.readouterr()
        check(attempt)
        return capsys.readouterr().out.strip()

    return run


def test_two_to_four_per_lesson():
    for path in LESSONS:
        count = sum(lesson == path.stem for lesson, *_ in EXERCISES)
        assert 2 <= count <= 4, f"{path.stem} has {count} exercises"


@each_exercise
def test_a_solution_is_correct(lesson, name, function, solution, names, verdict):
    scope = dict(names)
    exec(solution, scope)
    assert verdict(lesson, name, scope[function]) == "correct"


@each_exercise
def test_a_stub_is_not_attempted_yet(lesson, name, function, solution, verdict):
    def stub(*_, **__):
        raise NotImplementedError

    assert verdict(lesson, name, stub) == "not attempted yet"


@each_exercise
def test_six_mistakes_or_more_get_a_hint_each(lesson, name, function, solution, verdict):
    said = [verdict(lesson, name, wrong) for wrong in module("mistakes", lesson).MISTAKES[name]]
    assert len(said) >= 6
    for text in said:
        assert text.startswith("not yet: "), text
        assert text.endswith("."), text
        assert "your code raised" not in text, text
    assert len(set(said)) == len(said), said


def test_no_check_without_an_exercise():
    for path in LESSONS:
        used = {name for lesson, name, _, _ in EXERCISES if lesson == path.stem}
        assert used == set(module("mistakes", path.stem).MISTAKES), path.stem
        checks = vars(module("checks", path.stem))
        # `exercise` wraps each check, so a check is a function that has __wrapped__.
        defined = {name for name, value in checks.items() if hasattr(value, "__wrapped__")}
        assert used == defined, path.stem


def test_an_error_in_an_attempt_is_reported_and_not_raised(verdict):
    def attempt(losses, term):
        return losses["no such term"]

    said = verdict("00_preview", "share_of_a_term", attempt)
    assert said == "not yet: your code raised KeyError: 'no such term'"
