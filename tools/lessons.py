"""The list of lessons, read from their own cells, and what follows from it.

    python -m tools.lessons

A lesson's number, title and question, and the boxes that its map lights, stand in its title cell
and nowhere else. This program computes the lesson's minutes and writes them into the title cell,
writes the table of lessons into README.md and the list of terms into notebooks/glossary.md, and
draws the maps.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from style_transfer.settings import ROOT
from tools.draw_map import BOXES, draw

NOTEBOOKS = ROOT / "notebooks"
PICTURES = NOTEBOOKS / "pictures"
GLOSSARY = NOTEBOOKS / "glossary.md"
BEGIN = "<!-- lessons -->"
END = "<!-- /lessons -->"
EXERCISE = 8  # minutes
SECTION = r"(?m)^(?=## )"  # the place before a heading of a section, in Markdown


@dataclass(frozen=True)
class Lesson:
    """One lesson, as its own cells describe it."""

    path: Path
    title: str
    question: str
    minutes: int  # as the title cell says
    boxes: tuple[str, ...]  # those that its map lights

    @property
    def number(self) -> str:
        """Two digits, "00" to "13"."""
        return self.path.stem[:2]

    @property
    def name(self) -> str:
        """Number and title, as links and tables say it."""
        return f"{self.number} {self.title}"

    @property
    def map(self) -> Path:
        """The picture at the head of the lesson."""
        return PICTURES / f"{self.path.stem}.png"


def lessons() -> list[Lesson]:
    """All lessons in order. Raises: ValueError, naming the lesson, for an unusual title cell."""
    return [read(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def read(path: Path) -> Lesson:
    """Reads the title cell of a lesson: title, question in bold, map, "About N minutes"."""
    cell = nbformat.read(path, as_version=4).cells[0].source
    title = _find(r"\A# ([^:\n]+)", cell, path, "a title")
    question = _find(r"\A# .+\n\n\*\*(.+\?)\*\*\n", cell, path, "a question in bold")
    minutes = _find(r"About (\d+) minutes", cell, path, "minutes")
    alt = _find(r"!\[([^\]]+)\]\(pictures/", cell, path, "a map")
    lit = alt.rpartition("lights ")[2]
    if "all seven" in alt or "every box" in alt:
        boxes = BOXES
    else:
        boxes = tuple(box for box in BOXES if re.search(rf"\b{box}\b", lit))
    return Lesson(path, title, question, int(minutes), boxes)


def _find(pattern: str, text: str, path: Path, what: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise ValueError(f"{path.name}: its first cell has no {what} of the form {pattern}")
    return found.group(1)


# ------------------------------------------------------------------------------ minutes


def minutes(path: Path) -> int:
    """How long the main path of a lesson takes, by the rule of CONTRIBUTING.md, rounded up to 5.

    Words of prose / 120 + 0.15 per line of code + 0.75 per figure + 8 per exercise. The section
    "Going further" does not count, and neither do folded solutions, stubs and checks of exercises.
    """
    return 5 * math.ceil(_exact_minutes(main_path(path)) / 5)


def _exact_minutes(cells: list) -> float:
    """The minutes of these cells by the same rule, not rounded."""
    words = lines = figures = exercises = 0
    for cell in cells:
        if cell.cell_type == "markdown":
            words += len(_prose(cell.source).split())
            figures += len(re.findall(r"!\[", cell.source))
        elif "raise NotImplementedError" in cell.source:
            exercises += 1
        elif "checks." not in cell.source:
            lines += sum(bool(line.strip()) for line in cell.source.splitlines())
            figures += sum(_is_figure(output) for output in cell.outputs)
    return words / 120 + 0.15 * lines + 0.75 * figures + EXERCISE * exercises


def beats(path: Path) -> dict[str, int]:
    """Whole minutes of each section of a lesson's main path, from heading to minutes.

    A section begins at a heading "## ..."; the first one is called "Opening". The last entry,
    "Questions", is what is left of the lesson's minutes, so that the sum is the lesson's.
    """
    sections = {"Opening": []}
    for cell in main_path(path):
        pieces = re.split(SECTION, cell.source) if cell.cell_type == "markdown" else []
        for piece in pieces:
            heading = re.match(r"## (.+)", piece)
            if heading:
                sections[heading.group(1)] = []
            sections[list(sections)[-1]].append(nbformat.v4.new_markdown_cell(piece))
        if cell.cell_type != "markdown":
            sections[list(sections)[-1]].append(cell)
    rounded = {}
    end = 0.0
    for heading, cells in sections.items():
        begin = end
        end += _exact_minutes(cells)
        rounded[heading] = round(end) - round(begin)
    rounded["Questions"] = minutes(path) - round(end)
    return rounded


def main_path(path: Path) -> list:
    """The cells of a lesson without the section "Going further"."""
    kept = []
    further = False
    for cell in nbformat.read(path, as_version=4).cells:
        heading = re.match(r"## (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            further = heading.group(1).startswith("Going further")
        if not further:
            kept.append(cell)
    return kept


def _prose(source: str) -> str:
    """Markdown without folded solutions, code blocks, and the addresses of links."""
    source = re.sub(r"(?s)<details>.*?</details>|```.*?```", "", source)
    source = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", source)
    return re.sub(r"\]\([^)]*\)", "]", source)


def _is_figure(output) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def write_minutes(path: Path) -> None:
    """Writes the computed minutes into the title cell of a lesson."""
    notebook = nbformat.read(path, as_version=4)
    old = notebook.cells[0].source
    new = re.sub(r"About \d+ minutes", f"About {minutes(path)} minutes", old, count=1)
    if new != old:
        notebook.cells[0].source = new
        nbformat.write(notebook, path)


# ------------------------------------------------------------------------------ table and glossary


def table() -> str:
    """README's table of lessons, in Markdown."""
    rows = ["| | lesson | its question | minutes |", "|---|---|---|---|"]
    for lesson in lessons():
        image = f"![{lesson.name}: its first picture](assets/thumbnails/{lesson.path.stem}.jpg)"
        link = f"[{lesson.name}](notebooks/{lesson.path.name})"
        rows.append(f"| {image} | {link} | {lesson.question} | {lesson.minutes} |")
    return "\n".join(rows)


def readme_with_table(text: str) -> str:
    """README's text with the present table between the markers."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md has no {BEGIN} ... {END}; put both around its table")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def terms(path: Path) -> dict[str, str]:
    """The terms that the last cell of a lesson lists under "Terms.", with their definitions."""
    last = nbformat.read(path, as_version=4).cells[-1].source
    listed = last.partition("**Terms.**")[2].partition("\n**")[0]
    found = re.findall(r"(?m)^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)", listed)
    return {term: " ".join(definition.split()) for term, definition in found}


def glossary() -> str:
    """All terms of all lessons in alphabetical order, in Markdown."""
    rows = []
    for lesson in lessons():
        for term, definition in terms(lesson.path).items():
            rows.append(f"- **{term}**: {definition} ([{lesson.name}]({lesson.path.name}))")
    rows.sort(key=str.lower)
    return (
        "# Glossary\n\nEach term, and the lesson that introduces it.\n\n" + "\n".join(rows) + "\n"
    )


def main() -> None:
    """Writes minutes, README's table and the glossary, and draws all maps."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        write_minutes(path)
    readme = ROOT / "README.md"
    readme.write_text(readme_with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    if any(terms(lesson.path) for lesson in lessons()):
        GLOSSARY.write_text(glossary(), encoding="utf-8")
    for lesson in lessons():
        draw(lesson.boxes, lesson.map)
        print(f"{lesson.path.stem}: {lesson.minutes} minutes, lights {', '.join(lesson.boxes)}")


if __name__ == "__main__":
    main()
