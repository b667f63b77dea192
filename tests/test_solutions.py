"""Every exercise: its check waits for an attempt, accepts the lesson's own solution, and tells common mistakes apart."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import helpers as nst
from tests import checks
from tests.mistakes import MISTAKES
from tests.test_notebooks import LESSONS, NOTEBOOKS


def exercises():
    """(lesson, name of the check, name of the function, source of the solution) of every exercise of every lesson."""
    for path in LESSONS:
        found = NOTEBOOKS[path].cells
        for stub, check, solution in zip(found, found[1:], found[2:], strict=False):
            if stub.cell_type == "code" and "raise NotImplementedError" in stub.source:
                call = re.search(r"checks\.(\w+)\((\w+)\)", check.source)
                code = re.search(r"(?s)<details>.*?```python\n(.*?)```.*?</details>", solution.source)
                assert call and code, f"{path.stem}: after the stub come its check and its folded solution:\n{stub.source}"
                yield path.stem, *call.groups(), code.group(1)


EXERCISES = list(exercises())
each_exercise = pytest.mark.parametrize(("lesson", "check", "function", "solution"), EXERCISES, ids=[e[1] for e in EXERCISES])


@pytest.fixture(scope="module")
def names():
    """What a lesson's cells may use: the three shared names and the usual modules."""
    assets = Path(nst.__file__).parent / "assets"
    return {"nst": nst, "torch": torch, "F": F, "np": np, "plt": plt, "vgg": nst.VGG19(), "generator": nst.seed(0),
            "photo": nst.load_image(assets / "china.jpg"), "painting": nst.load_image(assets / "starry_night.jpg")}


def verdict(check, function, source, names, capsys):
    scope = dict(names)
    exec(source, scope)
    capsys.readouterr()
    getattr(checks, check)(scope[function])
    return capsys.readouterr().out.strip()


def test_two_to_four_a_lesson():
    for path in LESSONS:
        assert 2 <= sum(lesson == path.stem for lesson, *_ in EXERCISES) <= 4, path.stem


@each_exercise
def test_a_solution_is_correct(lesson, check, function, solution, names, capsys):
    assert verdict(check, function, solution, names, capsys) == "correct"


@each_exercise
def test_a_stub_is_not_attempted_yet(lesson, check, function, solution, names, capsys):
    assert verdict(check, function, f"def {function}(*_, **__): raise NotImplementedError", names, capsys) == "not attempted yet"


@each_exercise
def test_three_mistakes_get_three_hints(lesson, check, function, solution, names, capsys):
    said = [verdict(check, function, source, names, capsys) for source in MISTAKES[check]]
    assert len(said) >= 3 and all(text.startswith("not yet: ") for text in said), said
    assert len(set(said)) == len(said), said
    assert not any("your code raised" in text for text in said), said


def test_no_check_without_an_exercise():
    assert {check for _, check, _, _ in EXERCISES} == set(MISTAKES)
