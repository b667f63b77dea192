"""Writes what a teacher needs for a class into dist/class/, which git ignores; `make class`.

    python -m tools.make_class [FOLDER]

student/    the lessons without outputs and without the folded solutions
teacher/    the lessons with both, and with the minutes of each section
plan.md     one page: what fits into 90 minutes, into 180, and into twice 180

The minutes follow from the lessons by the rule of CONTRIBUTING.md. tools/grade.py grades what the
students hand in.
"""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from style_transfer.settings import ROOT
from tools.class_exercises import exercises
from tools.lessons import EXERCISE, GLOSSARY, PICTURES, Lesson, beats, lessons, main_path

CLASS = ROOT / "dist" / "class"
FOLDED = r"(?s)<details>\s*<summary>Solution</summary>.*?</details>\s*"
# The lessons from the one that a class needs most. A plan takes those that fit, in this order.
FIRST = ("05", "00", "04", "03", "02", "07", "11", "01", "09", "10", "06", "08", "12", "13")
SESSIONS = ((90,), (180,), (180, 180))  # minutes
BREAK = 10  # minutes, in the middle of a session of two hours or more

# ------------------------------------------------------------------------------ notebooks


def student(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Removes all outputs and folded solutions from a lesson, and cells that held nothing else."""
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
        else:
            cell.source = re.sub(FOLDED, "", cell.source)
        if cell.source.strip():
            kept.append(cell)
    notebook.cells = kept
    return notebook


def teacher(notebook: nbformat.NotebookNode, minutes: dict[str, int]) -> nbformat.NotebookNode:
    """Writes each section's minutes below its heading, and all of them into the title cell."""
    begin = 0
    table = ["| minutes | begin | section |", "|---|---|---|"]
    notes = {}
    for heading, length in minutes.items():
        table.append(f"| {length} | {begin} | {heading} |")
        notes[heading] = f"*For the teacher: minute {begin} to {begin + length}.*"
        begin += length
    table.append(f"| {begin} | | all |")

    def with_minutes(heading: re.Match) -> str:
        note = notes.get(heading.group(1))
        return f"{heading.group(0)}\n\n{note}" if note else heading.group(0)

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"(?m)^## (.+)", with_minutes, cell.source)
    notebook.cells[0].source += "\n\n**For the teacher**\n\n" + "\n".join(table)
    return notebook


# ------------------------------------------------------------------------------ plan


@dataclass(frozen=True)
class Part:
    """What a class does of one lesson: its main path, with the exercises or at home."""

    lesson: Lesson
    minutes: int  # without exercises
    exercises: tuple[str, ...]  # the headings of those on the main path
    in_class: int = 0  # how many of these there is time for

    @property
    def length(self) -> int:
        """The minutes of the main path and of the exercises in class."""
        return self.minutes + EXERCISE * self.in_class


def part(lesson: Lesson) -> Part:
    """A lesson, its minutes without exercises, and the exercises on its main path."""
    # A lesson may have a further exercise below "Going further", which takes none of its minutes.
    count = sum("raise NotImplementedError" in cell.source for cell in main_path(lesson.path))
    tasks = tuple(exercise.task for exercise in exercises(lesson.path))[:count]
    return Part(lesson, lesson.minutes - EXERCISE * count, tasks)


def fill(parts: list[Part], lengths: tuple[int, ...]) -> list[list[Part]]:
    """Puts lessons into sessions of these minutes, and exercises where time is left.

    Lessons are tried in the order of FIRST, and each one that fits is taken. Within and between
    sessions the lessons keep the order of their numbers.
    """
    taken = []
    for number in FIRST:
        found = [one for one in parts if one.lesson.number == number]
        trial = sorted([*taken, *found], key=lambda one: one.lesson.number)
        if _split(trial, lengths):
            taken = trial
    return [_add_exercises(*pair) for pair in zip(_split(taken, lengths), lengths, strict=True)]


def _split(parts: list[Part], lengths: tuple[int, ...]) -> list[list[Part]] | None:
    """The parts in their order, each session as full as it gets; None if they do not fit."""
    sessions = [[] for _ in lengths]
    here = 0
    for one in parts:
        while here < len(lengths) and _used(sessions[here]) + one.length > working(lengths[here]):
            here += 1
        if here == len(lengths):
            return None
        sessions[here].append(one)
    return sessions


def _used(session: list[Part]) -> int:
    return sum(one.length for one in session)


def working(length: int) -> int:
    """The minutes of a session without its break."""
    return length - BREAK if length >= 120 else length


def _add_exercises(session: list[Part], length: int) -> list[Part]:
    """Each lesson's first exercise, then each one's second, as long as there is time."""
    counts = [0] * len(session)
    left = working(length) - _used(session)
    most = max((len(one.exercises) for one in session), default=0)
    for turn in range(most):
        for place, one in enumerate(session):
            if len(one.exercises) > turn and left >= EXERCISE:
                counts[place] += 1
                left -= EXERCISE
    return [
        Part(one.lesson, one.minutes, one.exercises, count)
        for one, count in zip(session, counts, strict=True)
    ]


def plan(found: list[Lesson]) -> str:
    """The one-page plan in Markdown, for each of SESSIONS."""
    parts = [part(lesson) for lesson in found]
    lines = [
        "# Plans for a class",
        "",
        "Each lesson is taught on its main path; what is under *at home* follows as homework. The",
        f"minutes are those of the lessons, and an exercise takes {EXERCISE}. The notebooks in",
        "`teacher/` have the minutes of each section. A session of two hours or more has a break",
        f"of {BREAK} minutes, which you place where you like. Students copy their notebooks into",
        "`work/` of their clone of the project. `python -m tools.grade FOLDER` grades what they",
        "hand in.",
    ]
    for lengths in SESSIONS:
        title = f"{len(lengths)} x {lengths[0]}" if len(lengths) > 1 else str(lengths[0])
        lines += ["", f"## {title} minutes"]
        for number, session in enumerate(fill(parts, lengths), start=1):
            if len(lengths) > 1:
                lines += ["", f"Session {number}:"]
            lines += ["", *_rows(session, lengths[number - 1])]
    return "\n".join(lines) + "\n"


def _rows(session: list[Part], length: int) -> list[str]:
    """The table of one session; its minutes add up to the session's length."""
    rows = [
        "| minutes | lesson | its question | exercises in class | at home |",
        "|---|---|---|---|---|",
    ]
    for one in session:
        home = len(one.exercises) - one.in_class
        begin = f"| {one.length} | {one.lesson.name} | {one.lesson.question} |"
        rows.append(f"{begin} {one.in_class} | {home} |")
    if working(length) < length:
        rows.append(f"| {length - working(length)} | | a break | | |")
    if working(length) > _used(session):
        rows.append(f"| {working(length) - _used(session)} | | questions | | |")
    rows.append(f"| {length} | | | | |")
    return rows


# ------------------------------------------------------------------------------ files


def make(target: Path) -> None:
    """Writes both sets of notebooks, the pictures and the glossary that they link, and the plan.

    Notebooks of the same name are replaced; other files in the folder stay.
    """
    found = lessons()
    for kind in ("student", "teacher"):
        folder = target / kind
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(PICTURES, folder / PICTURES.name, dirs_exist_ok=True)
        if GLOSSARY.exists():
            shutil.copyfile(GLOSSARY, folder / GLOSSARY.name)
    for lesson in found:
        name = lesson.path.name
        nbformat.write(student(_read(lesson.path)), target / "student" / name)
        with_minutes = teacher(_read(lesson.path), beats(lesson.path))
        nbformat.write(with_minutes, target / "teacher" / name)
    (target / "plan.md").write_text(plan(found), encoding="utf-8")


def _read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def main(arguments: list[str]) -> None:
    """Makes the kit in dist/class/, or in the folder that is named."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        wish = " ".join(arguments)
        sys.exit(f"tools.make_class: got {wish}; it takes one folder, or nothing for dist/class")
    target = Path(arguments[0]) if arguments else CLASS
    try:
        make(target)
    except OSError as error:
        sys.exit(f"tools.make_class: {target} cannot be written: {error.strerror}; name another")
    print(f"{target} has student/, teacher/ and plan.md for {len(lessons())} lessons")
    print(
        "students put their notebooks into work/, and you grade with python -m tools.grade FOLDER"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
