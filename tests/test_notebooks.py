"""What every lesson has in common; that they run is nbval's business (`make test` runs it over notebooks/)."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path: nbformat.read(path, as_version=4) for path in LESSONS}

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in NOTEBOOKS[path].cells if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def test_there_are_lessons():
    assert LESSONS and LESSONS[0].stem == "00_preview"


@each_lesson
def test_valid_and_executed_from_a_clean_kernel(path):
    nbformat.validate(NOTEBOOKS[path])
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), cell.source
            assert "image/svg+xml" not in output.get("data", {}), cell.source
    assert "widgets" not in NOTEBOOKS[path].metadata


@each_lesson
def test_the_same_setup_cell_everywhere(path):
    assert cells(path, "code")[0].source == cells(LESSONS[0], "code")[0].source


@each_lesson
def test_opens_and_closes_as_all_lessons_do(path):
    first, last = NOTEBOOKS[path].cells[0], NOTEBOOKS[path].cells[-1]
    assert first.cell_type == last.cell_type == "markdown"
    assert re.match(r"# .+\n\n\*\*.+\?\*\*\n", first.source), "a title, then the question in bold"
    assert f"../assets/pipeline/{path.stem}.png" in first.source
    promised = re.search(r"\*\*You will\*\*\n+((?:- .+\n(?:  .+\n)*)+)", first.source + "\n").group(1)
    assert re.search(r"About \d+ minutes", first.source)
    assert last.source.startswith("## In this lesson you\n")
    kept = re.search(r"## In this lesson you\n+((?:- .+\n(?:  .+\n)*)+)", last.source).group(1)
    assert promised.count("\n- ") == kept.count("\n- ") == 2, "three verbs, promised and kept"
    for word in ("**Left out.**", "**Next.**", "**Sources.**"):
        assert word in last.source


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
        assert 1 <= len(lines) <= 20, cell.source
        assert max(map(len, lines)) <= 132, cell.source
    for cell in cells(path, "markdown"):
        plain = re.sub(r"(?s)<details>.*</details>|```.*?```|\|.*\|", "", cell.source)
        assert len(plain.split()) <= 130 or cell is NOTEBOOKS[path].cells[-1], cell.source


@each_lesson
def test_no_installs_paths_or_filters_in_code(path):
    for cell in cells(path, "code"):
        forbidden = r"(?m)^\s*[!%]|pip install|warnings\.|import \*|retain_graph=True\)?\s*#\s*needed"
        assert not re.search(forbidden, cell.source), cell.source
        assert not re.search(r"""["'](/|[A-Z]:\\)\w""", cell.source), cell.source


@each_lesson
def test_small_enough_to_open_anywhere(path):
    assert path.stat().st_size < 2_200_000  # 1.5 MB of pictures, a third more as base64


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
def test_every_picture_is_credited(path):
    credits = (ROOT / "assets" / "CREDITS.md").read_text()
    for cell in cells(path, "code"):
        for name in re.findall(r"[\w/]+\.(?:jpg|png)", cell.source):
            if (ROOT / "assets" / Path(name).name).exists():
                assert Path(name).name in credits, name


def test_every_picture_in_assets_is_credited():
    credits = (ROOT / "assets" / "CREDITS.md").read_text()
    missing = [path.name for path in (ROOT / "assets").glob("*.[jgp][pin][gf]") if path.name not in credits]
    assert not missing


@each_lesson
def test_checked_numbers(path):
    checked = [cell for cell in cells(path, "code") if cell.source.startswith("# NBVAL_CHECK_OUTPUT")]
    assert len(checked) >= (0 if path.stem == "00_preview" else 3)
    for cell in checked:
        assert any(output.output_type in ("stream", "execute_result") for output in cell.outputs), cell.source
