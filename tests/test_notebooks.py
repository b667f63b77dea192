"""What all lessons have in common. That they run is tested by nbval, over notebooks/."""

import collections
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from tools.draw_map import BOXES, draw
from tools.lessons import GLOSSARY, glossary, lessons, minutes, read, readme_with_table

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path: nbformat.read(path, as_version=4) for path in LESSONS}
VERBS = r"((?:- .+\n(?:  .+\n)*)+)"  # a list, whose items may go on in indented lines

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in NOTEBOOKS[path].cells if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def test_there_are_lessons():
    assert LESSONS
    assert LESSONS[0].stem == "00_preview"


# ------------------------------------------------------------------------------ one lesson


@each_lesson
def test_valid_and_executed_from_a_clean_kernel(path):
    nbformat.validate(NOTEBOOKS[path])
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            data = output.get("data", {})
            assert output.output_type != "error", cell.source
            assert "application/vnd.jupyter.widget-view+json" not in data, cell.source
            assert "image/svg+xml" not in data, cell.source
    assert "widgets" not in NOTEBOOKS[path].metadata


@each_lesson
def test_the_same_setup_cell_everywhere(path):
    assert cells(path, "code")[0].source == cells(LESSONS[0], "code")[0].source
    for cell in cells(path, "code")[1:]:
        assert "sys.path" not in cell.source, "only the setup cell changes the path"


@each_lesson
def test_opens_and_closes_as_all_lessons_do(path):
    first = NOTEBOOKS[path].cells[0]
    last = NOTEBOOKS[path].cells[-1]
    assert first.cell_type == last.cell_type == "markdown"
    assert re.match(r"# .+\n\n\*\*.+\?\*\*\n", first.source), "a title, then the question in bold"
    assert f"(pictures/{path.stem}.png)" in first.source
    promised = re.search(r"\*\*You will\*\*\n+" + VERBS, first.source + "\n").group(1)
    assert re.search(r"About \d+ minutes", first.source)
    assert last.source.startswith("## In this lesson you\n")
    kept = re.search(r"## In this lesson you\n+" + VERBS, last.source).group(1)
    assert promised.count("\n- ") == kept.count("\n- ") == 2, "three verbs, promised and kept"
    for word in ("**Left out.**", "**Next.**", "**Sources.**"):
        assert word in last.source


@each_lesson
def test_links_to_the_lessons_before_and_after(path):
    first = NOTEBOOKS[path].cells[0].source
    place = LESSONS.index(path)
    for neighbor in LESSONS[max(place - 1, 0) : place + 2]:
        if neighbor != path:
            assert f"]({neighbor.name})" in first


@each_lesson
def test_predict_and_see(path):
    text = prose(path)
    assert text.count("**Predict.**") >= 2
    assert text.count("**Seen.**") >= text.count("**Predict.**")


@each_lesson
def test_cells_are_short(path):
    assert len(NOTEBOOKS[path].cells) <= 60
    for cell in cells(path, "code"):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert lines, "a code cell is empty"
        # The setup cell is the same everywhere, and the whole program has one page in lesson 07.
        whole_program = lines[0] == "# The whole program on one page"
        most = 45 if whole_program else 20
        assert len(lines) <= most, cell.source
        assert max(map(len, lines)) <= 88, cell.source
    for cell in cells(path, "markdown"):
        for program in re.findall(r"(?s)```python\n(.*?)```", cell.source):
            assert max(map(len, program.splitlines())) <= 88, program
        plain = re.sub(r"(?s)<details>.*</details>|```.*?```|\|.*\|", "", cell.source)
        assert len(plain.split()) <= 130 or cell is NOTEBOOKS[path].cells[-1], cell.source


@each_lesson
def test_no_installs_paths_or_filters_in_code(path):
    for cell in cells(path, "code"):
        forbidden = (
            r"(?m)^\s*[!%]|pip install|warnings\.|import \*|retain_graph=True\)?\s*#\s*needed"
        )
        assert not re.search(forbidden, cell.source), cell.source
        assert not re.search(r"""["'](/|[A-Z]:\\)\w""", cell.source), cell.source


@each_lesson
def test_checks_come_from_the_lessons_own_file(path):
    code = "\n".join(cell.source for cell in cells(path, "code"))
    line = f"from exercises import checks_{path.stem[:2]} as checks"
    assert re.findall(r"(?m)^.*\bexercises\b.*$", code) == [line]
    assert not re.search(r"(?m)^\s*(from|import) tests\b", code)


@each_lesson
def test_small_enough_to_open_anywhere(path):
    films = figures = 0
    for cell in cells(path, "code"):
        for output in cell.outputs:
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/") and data.startswith("R0lG"):  # "GIF" as base64
                    assert len(data) * 3 / 4 < 500_000, cell.source
                    films += len(data)
                elif kind.startswith("image/"):
                    figures += len(data)
    assert figures * 3 / 4 < 1_500_000
    assert films * 3 / 4 < 1_600_000
    assert path.stat().st_size < 3_500_000


@each_lesson
def test_links_resolve_and_pictures_have_alt_text(path):
    text = prose(path)
    for bang, label, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", text):
        assert label.strip(), f"{target} has no text"
        assert not target.startswith(("http:", "data:")), target
        if not target.startswith("https:"):
            assert (path.parent / target.split("#")[0]).exists(), target
        if bang:
            assert len(label.split()) >= 3, f"the alt text of {target} says nothing: {label}"
    assert "<img" not in text


@each_lesson
def test_every_figure_has_alt_text(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    alt = output.metadata.get(kind, {}).get("alt", "") or output.metadata.get(
                        "alt", ""
                    )
                    assert len(alt.split()) >= 3, cell.source
            assert "<matplotlib" not in str(output.get("data", {}).get("text/plain", ""))


@each_lesson
def test_every_picture_is_credited(path):
    credits = (ROOT / "assets" / "CREDITS.md").read_text(encoding="utf-8")
    for cell in cells(path, "code"):
        for name in re.findall(r"[\w/]+\.(?:jpg|png)", cell.source):
            if (ROOT / "assets" / Path(name).name).exists():
                assert Path(name).name in credits, name


@each_lesson
def test_checked_numbers(path):
    checked = []
    for cell in cells(path, "code"):
        if "nbval-check-output" in cell.metadata.get("tags", []):
            checked.append(cell)
    assert len(checked) >= (0 if path.stem == "00_preview" else 3)
    for cell in checked:
        kinds = [output.output_type for output in cell.outputs]
        assert "stream" in kinds or "execute_result" in kinds, cell.source


# ------------------------------------------------------------------------------ all lessons


def test_cell_ids_are_unique_across_lessons():
    places = collections.defaultdict(list)
    for path in LESSONS:
        for index, cell in enumerate(NOTEBOOKS[path].cells):
            places[cell.id].append(f"{path.stem}[{index}]")
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_every_picture_in_assets_is_credited():
    credits = (ROOT / "assets" / "CREDITS.md").read_text(encoding="utf-8")
    pictures = (ROOT / "assets").glob("*.[jgp][pin][gf]")
    assert not [path.name for path in pictures if path.name not in credits]


def test_the_list_of_lessons_is_read_from_the_title_cells():
    found = lessons()
    assert [lesson.path for lesson in found] == LESSONS
    for lesson in found:
        assert lesson.path.stem.startswith(lesson.number + "_")
        assert lesson.question.endswith("?")


@each_lesson
def test_the_minutes_follow_from_the_length(path):
    assert read(path).minutes == minutes(path), "run `python -m tools.lessons`"


@each_lesson
def test_no_main_path_takes_more_than_75_minutes(path):
    assert minutes(path) <= 75, 'shorten it, or move a part into "Going further"'


def test_readme_has_the_table_of_the_title_cells():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == readme_with_table(text), "run `python -m tools.lessons`"


def test_the_glossary_has_the_terms_of_the_last_cells():
    assert GLOSSARY.read_text(encoding="utf-8") == glossary(), "run `python -m tools.lessons`"


def test_lesson_00_has_a_row_for_every_lesson():
    rows = re.findall(r"(?m)^\| (?:\[)?(\d\d .*) \| (.+\?) \|$", prose(LESSONS[0]))
    expected = []
    for lesson in lessons():
        link = "" if lesson.path == LESSONS[0] else f"]({lesson.path.name})"
        expected.append((lesson.name + link, lesson.question))
    assert rows == expected


@each_lesson
def test_the_map_lights_the_boxes_that_its_alt_text_names(path, tmp_path):
    lesson = read(path)
    assert lesson.boxes
    alt = re.search(r"!\[([^\]]+)\]\(pictures/", NOTEBOOKS[path].cells[0].source).group(1)
    if len(lesson.boxes) < len(BOXES):
        listed = re.findall(r"\w+", alt.split("lights ")[-1])
        assert set(listed) - {"the", "and"} == set(lesson.boxes), alt
    draw(lesson.boxes, tmp_path / "map.png")
    with Image.open(lesson.map) as committed, Image.open(tmp_path / "map.png") as drawn:
        assert committed.size == drawn.size
        difference = np.asarray(committed.convert("L"), float) - np.asarray(drawn.convert("L"))
    # One box in the other color makes a mean difference of 4 gray levels.
    assert np.abs(difference).mean() < 1, "run `python -m tools.lessons`"
