"""The site: its links, its address, and a whole build without warnings.

The build takes seconds, but it needs Sphinx, which running and testing do not, so it is slow."""

import html
import re

import pytest

from tools import build_site
from tools.lessons import lessons

REPOSITORY = build_site.PLACEHOLDER


def write(folder, **pages):
    """Writes pages of HTML into a folder, each under its name."""
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------ links


def test_links_that_lead_somewhere_are_counted(tmp_path):
    write(
        tmp_path,
        index='<a href="second.html#part">a</a><a href="#top">b</a><p id="top">c</p>',
        second='<h1 id="part">d</h1><a href="./">e</a><a href="https://example.org/">f</a>',
    )
    assert build_site.faults(tmp_path) == (3, [])


@pytest.mark.parametrize(
    ("tag", "fault"),
    [
        ('<a href="gone.html">a</a>', "gone.html leads to no file"),
        ('<img src="gone.png" alt="a cat">', "gone.png leads to no file"),
        ('<link href="style/gone.css?v=2">', "style/gone.css?v=2 leads to no file"),
        ('<a href="index.html#gone">a</a>', "index.html#gone leads to no heading"),
        ('<a href="#gone">a</a>', "#gone leads to no heading"),
        ('<img src="data:image/png;base64,">', "has no alt text"),
        ('<img src="data:image/png;base64," alt="">', "has no alt text"),
        ('<img src="data:image/png;base64," alt="../_images/0f.jpg">', "has no alt text"),
    ],
)
def test_a_dead_link_and_a_picture_without_alt_text_are_found(tmp_path, tag, fault):
    write(tmp_path, index=tag)
    found = build_site.faults(tmp_path)[1]
    assert len(found) == 1
    assert found[0].startswith("index.html: ") and fault in found[0]


def test_what_a_page_links_to_is_found():
    found = build_site.linked_files(build_site.ROOT / "README.md")
    names = {path.relative_to(build_site.ROOT).as_posix() for path in found}
    assert {"helpers.py", "assets/result.gif", "notebooks/00_preview.ipynb"} <= names
    lesson = build_site.ROOT / "notebooks" / "00_preview.ipynb"
    assert lesson.parent / "pictures" / "00_preview.png" in build_site.linked_files(lesson)
    assert build_site.linked_files(build_site.ROOT / "helpers.py") == []


# ------------------------------------------------------------------------------ the address


@pytest.mark.parametrize("address", ["", REPOSITORY])
def test_an_address_that_colab_can_open_is_taken(address):
    build_site.check_repository(address)


@pytest.mark.parametrize(
    "address", ["OWNER/NAME", "https://example.org/OWNER/NAME", f"{REPOSITORY}.git/", "github.com"]
)
def test_another_address_is_refused_in_one_line(address):
    with pytest.raises(ValueError, match="write it in this form") as raised:
        build_site.check_repository(address)
    assert repr(address) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("address", ["", "https://github.com/somebody/something"])
def test_the_page_gets_the_address_of_the_project(address, tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text(f'REPOSITORY = "{build_site.PLACEHOLDER}"\n', encoding="utf-8")
    monkeypatch.setenv("REPOSITORY", address)
    build_site.write_address(page)
    expected = address or build_site.PLACEHOLDER
    assert page.read_text(encoding="utf-8") == f'REPOSITORY = "{expected}"\n'


# ------------------------------------------------------------------------------ the whole site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    reason = "the site needs Sphinx and myst-nb (pip install -r requirements-site.txt)"
    for package in ("sphinx", "myst_nb", "sphinx_book_theme"):
        pytest.importorskip(package, reason=reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPOSITORY", REPOSITORY)
        return build_site.build(tmp_path_factory.mktemp("site"))


def alts(page):
    """The alt texts of the pictures on a page."""
    found = re.findall(r'<img[^>]* ?alt="([^"]*)"', page.read_text(encoding="utf-8"))
    return [html.unescape(alt) for alt in found]


@pytest.mark.slow
def test_no_link_of_the_site_is_dead(site):
    count, found = build_site.faults(site)
    assert found == []
    assert count > 100 * len(lessons()), "each page links to all lessons, in its sidebar"


@pytest.mark.slow
def test_every_lesson_has_a_page_with_its_pictures_and_buttons(site):
    for lesson in lessons():
        page = site / "notebooks" / f"{lesson.path.stem}.html"
        text = page.read_text(encoding="utf-8")
        shown = alts(page)
        for _, alt in build_site.pictures(lesson):
            assert alt in shown, lesson.name
        assert any("pipeline" in alt for alt in shown), f"{lesson.name}: the map"
        copy = site / "_sources" / "notebooks" / lesson.path.name
        assert copy.read_bytes() == lesson.path.read_bytes(), "what the button downloads"
        opened = f"github/OWNER/NAME/blob/main/notebooks/{lesson.path.name}"
        assert f"https://colab.research.google.com/{opened}" in text


@pytest.mark.slow
def test_the_first_page_moves_and_lists_the_lessons_in_order(site):
    text = (site / build_site.FIRST_PAGE).read_text(encoding="utf-8")
    before_words = text.partition("Neural style transfer takes")[0]
    assert '_images/result.gif"' in before_words
    moving = [name for name in re.findall(r'src="(_images/[^"]+)"', text) if name.endswith("gif")]
    assert len(moving) > 1
    assert all(build_site.is_gif((site / name).read_bytes()) for name in moving)
    sidebar = re.findall(r'class="reference internal" href="notebooks/(\d\d_\w+)\.html"', text)
    names = [lesson.path.stem for lesson in lessons()]
    assert [name for name in dict.fromkeys(sidebar) if name in names] == names
    for page in ("gallery.html", "notebooks/glossary.html", "assets/CREDITS.html"):
        assert f'href="{page}"' in text
    assert (site / "search.html").is_file()
    assert "Gram matrices" in (site / "searchindex.js").read_text(encoding="utf-8")
