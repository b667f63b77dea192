"""Builds the site from the notebooks as they are, and follows every link inside it.

    python -m tools.build_site

Writes build/site/html/, whose first page is index.html. Needs the packages of
requirements-site.txt; no notebook is executed. The settings and the first page stand in site/.
With the environment variable REPOSITORY, an address such as https://github.com/OWNER/NAME, each
lesson gets a button that opens it in Colab, and the cell in README that fetches the project has
this address.
"""

import base64
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

from style_transfer.settings import ROOT
from tools.lessons import GLOSSARY, Lesson, lessons

BUILD = ROOT / "build" / "site"
FIRST_PAGE = "index.html"
# What README has in place of the project's address, and the form that an address must have.
PLACEHOLDER = "https://github.com/OWNER/NAME"
# The pages that the site begins with, beside the lessons. What they link to is copied, too.
PAGES = ("README.md", "CONTRIBUTING.md", "assets/CREDITS.md")
LINK = re.compile(r"\]\(([^()\s#]+)[^()]*\)")  # [words](path) and [words](path#heading)
PICTURE_FILE = re.compile(r"|\S+\.(png|jpe?g|gif|svg)")  # nothing, or a path to a picture


# ------------------------------------------------------------------------------ copies


def copy_sources(source: Path) -> None:
    """Copies the pages into a new folder, with every file that they link to.

    Each file keeps its path, so the links between files stay true. The gallery and the list of
    lessons are added.
    """
    shutil.copytree(ROOT / "site", source)
    waiting = [lesson.path for lesson in lessons()]
    waiting += [GLOSSARY, *(ROOT / page for page in PAGES)]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        waiting += linked_files(path)
    (source / "generated").mkdir()
    write_address(source / "README.md")
    write_contents(source)
    write_gallery(source)


def write_address(page: Path) -> None:
    """Replaces the placeholder in a page by the address of the project, if there is one."""
    address = os.environ.get("REPOSITORY", "")
    if address:
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(PLACEHOLDER, address), encoding="utf-8")


def linked_files(path: Path) -> list[Path]:
    """The files of the project to which a page or notebook links."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    elif path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
    else:
        return []
    targets = [(path.parent / link).resolve() for link in LINK.findall(text)]
    return [target for target in targets if target.is_file() and target.is_relative_to(ROOT)]


def write_contents(source: Path) -> None:
    """Writes generated/contents.txt, the list of lessons for the sidebar."""
    rows = [f"{lesson.name} <notebooks/{lesson.path.stem}>\n" for lesson in lessons()]
    text = f"```{{toctree}}\n:hidden:\n:caption: Lessons\n\n{''.join(rows)}```\n"
    (source / "generated" / "contents.txt").write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------ gallery


def pictures(lesson: Lesson) -> list[tuple[bytes, str]]:
    """The figures in the outputs of a lesson, in order, each with its alt text."""
    found = []
    for cell in nbformat.read(lesson.path, as_version=4).cells:
        for output in cell.get("outputs", []):
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/"):
                    alt = output.metadata.get(kind, {}).get("alt", "")
                    found.append((base64.b64decode(data), alt))
    return found


def is_gif(content: bytes) -> bool:
    """Notebooks store a GIF as image/png, so its first bytes have to tell."""
    return content.startswith(b"GIF8")


def write_gallery(source: Path) -> None:
    """Writes gallery.md with the first figure and all GIFs of each lesson.

    generated/moving.txt, which the first page includes, has the GIFs alone.
    """
    (source / "gallery").mkdir()
    moving = []
    still = []
    for lesson in lessons():
        for number, (content, alt) in enumerate(pictures(lesson)):
            if not is_gif(content) and number > 0:
                continue
            suffix = "gif" if is_gif(content) else "jpg"
            name = f"gallery/{lesson.path.stem}_{number}.{suffix}"
            (source / name).write_bytes(content)
            entries = moving if is_gif(content) else still
            entries.append(figure(name, alt, lesson))
    page = "# Gallery\n\nThese pictures come from the lessons. A caption says from which one.\n"
    for heading, entries in {"Moving": moving, "Still": still}.items():
        page += f"\n## {heading}\n\n::::{{container}} gallery\n{''.join(entries)}::::\n"
    (source / "gallery.md").write_text(page, encoding="utf-8")
    (source / "generated" / "moving.txt").write_text("".join(moving), encoding="utf-8")


def figure(name: str, alt: str, lesson: Lesson) -> str:
    """A picture with its caption and a link to its lesson, in MyST's Markdown."""
    alt = " ".join(alt.split())
    caption = alt[:1].upper() + alt[1:]
    link = f"[{lesson.name}](/notebooks/{lesson.path.name})"
    return f":::{{figure}} /{name}\n:alt: {alt}\n:loading: lazy\n\n{caption} ({link})\n:::\n"


# ------------------------------------------------------------------------------ links


class Page(HTMLParser):
    """What a built page links to, which names it has, and its pictures without alt text."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.without_alt: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Collects the attributes of one tag."""
        attributes = dict(attrs)
        for attribute in ("id", "name"):
            if attributes.get(attribute):
                self.names.add(attributes[attribute])
        for attribute in ("href", "src"):
            if attributes.get(attribute):
                self.links.append(attributes[attribute])
        # If a picture has no alt text, Sphinx writes the path of its file there.
        if tag == "img" and PICTURE_FILE.fullmatch(attributes.get("alt") or ""):
            self.without_alt.append(attributes.get("src", ""))


def faults(html: Path) -> tuple[int, list[str]]:
    """Follows every link and picture inside a folder of pages, without the network.

    Returns the number of links, and a line for each dead one and each picture without alt text.
    """
    pages = {}
    for path in sorted(html.rglob("*.html")):
        # The theme puts templates among its own files.
        if "_static" not in path.relative_to(html).parts:
            pages[path] = Page(path)
    count = 0
    found = []
    for path, page in pages.items():
        name = path.relative_to(html).as_posix()
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / FIRST_PAGE
            heading = unquote(parts.fragment)
            if not target.is_file():
                found.append(f"{name}: {link} leads to no file")
            elif heading and target in pages and heading not in pages[target].names:
                found.append(f"{name}: {link} leads to no heading")
        found += [f"{name}: the picture {picture} has no alt text" for picture in page.without_alt]
    return count, found


# ------------------------------------------------------------------------------ the program


def check_repository(address: str) -> None:
    """Raises ValueError for an address that Colab cannot open; none at all is allowed."""
    if address and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ValueError(
            f"REPOSITORY is {address!r}; Colab opens {PLACEHOLDER}; "
            "write it in this form, or leave it out"
        )


def build(folder: Path) -> Path:
    """Builds the site in a folder, which is emptied before, and returns the folder of its pages.

    Raises subprocess.CalledProcessError if Sphinx has a warning, which it has printed.
    """
    check_repository(os.environ.get("REPOSITORY", ""))
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    html = folder / "html"
    copy_sources(source)
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    command += ["--doctree-dir", folder / "doctrees", source, html]
    subprocess.run(command, check=True)
    (html / ".nojekyll").touch()  # otherwise GitHub Pages leaves out folders such as _static
    return html


def main() -> None:
    """Builds the site in build/site/, and ends with status 1 if anything is wrong with it."""
    if importlib.util.find_spec("myst_nb") is None:
        install = "-m pip install -r requirements-site.txt -c constraints.txt"
        sys.exit(f"the site needs Sphinx and myst-nb: {sys.executable} {install}")
    try:
        html = build(BUILD)
    except ValueError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError:
        sys.exit("Sphinx has warnings, see above")
    count, found = faults(html)
    if found:
        sys.exit("\n".join(found))
    print(f"{html.relative_to(ROOT)}/{FIRST_PAGE}: {count} links inside the site, none is dead")


if __name__ == "__main__":
    main()
