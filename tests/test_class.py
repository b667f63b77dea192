"""The class kit: notebooks for students and teachers, the plan, and the grader."""

import csv
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from tools import grade, make_class
from tools.class_exercises import exercises
from tools.lessons import NOTEBOOKS, beats, lessons

LESSONS = [lesson.path for lesson in lessons()]
LOSSES = NOTEBOOKS / "05_losses.ipynb"
SOLUTION = r"(?s)<summary>Solution</summary>.*?```python\n(.*?)```"
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    make_class.make(folder)
    return folder


def solutions(path):
    """The solutions of a lesson, in the order of its exercises."""
    cells = nbformat.read(path, as_version=4).cells
    return [code for cell in cells for code in re.findall(SOLUTION, cell.source)]


# ------------------------------------------------------------------------------ notebooks


@each_lesson
def test_a_students_notebook_has_no_solution_and_no_output(kit, path):
    notebook = nbformat.read(kit / "student" / path.name, as_version=4)
    nbformat.validate(notebook)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "<details>" not in text and "Solution</summary>" not in text
    for solution in solutions(path):
        assert solution not in text
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    listed = exercises(path)
    assert listed
    assert exercises(kit / "student" / path.name) == listed  # stubs, checks and tasks are all there


@each_lesson
def test_a_teachers_notebook_has_solutions_and_minutes_that_add_up(kit, path):
    notebook = nbformat.read(kit / "teacher" / path.name, as_version=4)
    nbformat.validate(notebook)
    assert solutions(kit / "teacher" / path.name) == solutions(path) != []
    assert any(cell.get("outputs") for cell in notebook.cells)
    title = notebook.cells[0].source
    rows = re.findall(r"(?m)^\| (\d+) \| (\d+) \| (.+) \|$", title)
    begin = 0
    for minutes, start, _ in rows:
        assert int(start) == begin
        begin += int(minutes)
    assert begin == int(re.search(r"About (\d+) minutes", title).group(1))
    text = "\n".join(cell.source for cell in notebook.cells[1:])
    for minutes, start, heading in rows[1:-1]:  # the opening and the questions have no heading
        note = f"*For the teacher: minute {start} to {int(start) + int(minutes)}.*"
        assert f"## {heading}\n\n{note}" in text


@each_lesson
def test_every_section_of_the_main_path_has_its_minutes(path):
    cells = nbformat.read(path, as_version=4).cells
    markdown = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = re.findall(r"(?m)^## (.+)", markdown)
    expected = [heading for heading in headings if not heading.startswith("Going further")]
    assert list(beats(path)) == ["Opening", *expected, "Questions"]
    assert min(beats(path).values()) >= 0


# ------------------------------------------------------------------------------ plan


def test_the_plans_minutes_add_up(kit):
    text = (kit / "plan.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?m)(?:^\|.*\n)+", text)
    sums = []
    for table in tables:
        *parts, total = [int(number) for number in re.findall(r"(?m)^\| (\d+) \|", table)]
        assert sum(parts) == total
        sums.append(total)
    assert sums == [90, 180, 180, 180]
    assert len(text.splitlines()) < 60  # one page


def test_the_plans_lessons_are_in_order_and_their_exercises_are_counted():
    parts = [make_class.part(lesson) for lesson in lessons()]
    assert {one.lesson.number for one in parts} == set(make_class.FIRST)
    for one in parts:
        assert one.minutes + 8 * len(one.exercises) == one.lesson.minutes
    for lengths in make_class.SESSIONS:
        sessions = make_class.fill(parts, lengths)
        numbers = [one.lesson.number for session in sessions for one in session]
        assert numbers and numbers == sorted(numbers)


def test_a_longer_session_does_not_get_less():
    parts = [make_class.part(lesson) for lesson in lessons()]
    counts = [len(make_class.fill(parts, (length,))[0]) for length in (20, 90, 180, 400)]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] >= 5


def test_make_class_refuses_what_it_does_not_know():
    with pytest.raises(SystemExit, match="it takes one folder"):
        make_class.main(["--teacher"])


# ------------------------------------------------------------------------------ grader

RIGHT, OTHER_RIGHT = solutions(LOSSES)[:2]
ENDLESS = "def total_loss(*_):\n    while True:\n        pass\n"
WRONG = "def total_loss(features, content_target, gram_targets, alpha, beta):\n    return 3.0\n"
GREEDY = "import torch\ndef balancing_factor(*_):\n    return torch.zeros(2**32)\n"
LARGE_FILE = (
    "from pathlib import Path\n"
    "def keras_factor(*_):\n"
    "    Path('large').write_bytes(bytes(3 * 2**20))\n"
)


def hand_in(path, *programs):
    """Writes a notebook with the import of a lesson's checks and these cells."""
    notebook = nbformat.v4.new_notebook()
    # A lesson's other cells are not run: this one would fail.
    first = "from exercises import checks_05 as checks\nraise SystemExit('a whole cell was run')"
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (first, *programs)]
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The rows of grades.csv for three made-up hand-ins and a damaged one, by notebook."""
    folder = tmp_path_factory.mktemp("hand_ins")
    hand_in(folder / "right.ipynb", *solutions(LOSSES))
    hand_in(folder / "wrong.ipynb", WRONG, GREEDY, LARGE_FILE)
    hand_in(folder / "endless.ipynb", ENDLESS, OTHER_RIGHT, "def keras_factor(:\n    pass")
    (folder / "damaged.ipynb").write_text('{"cells": [', encoding="utf-8")
    output = folder / "tables"
    small = ["--seconds", "8", "--memory", "1024", "--file-size", "1"]
    grade.main([str(folder), "-o", str(output), *small])
    with open(output / "grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(grade.COLUMNS)
    return {
        "text": (output / "grades.md").read_text(encoding="utf-8"),
        **{
            name: [row for row in rows if row["notebook"] == f"{name}.ipynb"]
            for name in ("right", "wrong", "endless", "damaged")
        },
    }


def test_a_right_notebook_is_correct(table):
    assert [row["result"] for row in table["right"]] == ["correct"] * 3
    assert [row["exercise"] for row in table["right"]] == [one.task for one in exercises(LOSSES)]
    assert {row["lesson"] for row in table["right"]} == {"05_losses"}


def test_wrong_answers_are_not_yet_and_memory_and_files_are_limited(table):
    pytest.importorskip("resource")
    assert [row["result"] for row in table["wrong"]] == ["not yet"] * 3
    wrong, greedy, large_file = [row["message"] for row in table["wrong"]]
    assert "expected" in wrong and "raised" not in wrong
    if sys.platform == "linux":
        assert "memory" in greedy.lower()
    assert "OSError" in large_file and "too large" in large_file


def test_after_an_endless_loop_the_next_exercise_is_graded(table):
    loop, right, no_code = table["endless"]
    assert (loop["result"], loop["message"]) == ("stopped", "no result after 8 s")
    assert right["result"] == "correct"
    assert no_code["message"].startswith("the cell is no Python code: ")


def test_a_damaged_notebook_is_one_row(table):
    (row,) = table["damaged"]
    assert row["result"] == "damaged" and "cannot be read as a notebook" in row["message"]


def test_the_markdown_has_a_line_per_notebook_and_makes_no_promise(table):
    assert "| right.ipynb | 3 | 3 |" in table["text"]
    assert "| wrong.ipynb | 0 | 3 |" in table["text"]
    assert "| endless.ipynb | 1 | 3 |" in table["text"]
    assert "| damaged.ipynb | 0 | 0 |" in table["text"]
    assert "not against malice" in table["text"]


def test_code_that_ends_its_process_costs_one_exercise(tmp_path):
    leaves = "import os\ndef total_loss(*_):\n    os._exit(3)\n"
    path = hand_in(tmp_path / "leaves.ipynb", leaves, OTHER_RIGHT)
    rows = grade.grade(path, grade.Limits(seconds=8))
    assert [row["result"] for row in rows] == ["stopped", "correct", "missing"]
    assert "status 3" in rows[0]["message"]


def test_the_lesson_is_found_by_its_checks_or_by_the_name(tmp_path):
    assert grade.lesson_of(hand_in(tmp_path / "anna.ipynb")) == LOSSES
    copy = tmp_path / "anna_03_content (1).ipynb"
    nbformat.write(nbformat.v4.new_notebook(), copy)
    assert grade.lesson_of(copy).stem == "03_content"
    shutil.copyfile(copy, tmp_path / "other.ipynb")
    with pytest.raises(ValueError, match="it belongs to no lesson"):
        grade.lesson_of(tmp_path / "other.ipynb")


def test_bad_input_gets_one_clear_error(tmp_path):
    with pytest.raises(SystemExit, match=r"is no folder; name the folder"):
        grade.main([str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit, match=r"has no notebooks .* put the handed-in files there"):
        grade.main([str(tmp_path)])


def test_a_limit_out_of_range_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        grade.main([str(tmp_path), "--seconds", "-1"])
    assert "--seconds is -1; it must be above 0" in capsys.readouterr().err


def test_the_help_makes_no_promise():
    command = [sys.executable, "-m", "tools.grade", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "not against malice" in " ".join(said.split())
