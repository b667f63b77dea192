"""Settings of Sphinx for the site. `make site` copies this file beside the pages that it builds.

The pages show what the notebooks contain, and nothing is executed. If the environment variable
REPOSITORY has the address of the repository, each lesson gets a button that opens it in Colab.
"""

import base64
import hashlib
import os
from pathlib import PurePath

import nbformat
from docutils import nodes

REPOSITORY = os.environ.get("REPOSITORY", "")

project = "Learn neural style transfer"
author = "the contributors"
project_copyright = f"2026 {author}"
language = "en"
extensions = ["myst_nb"]
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "use_download_button": True,
    "show_toc_level": 2,
}
if REPOSITORY:
    tags.add("colab")  # noqa: F821  Sphinx gives this name to the file
    html_theme_options |= {
        "repository_url": REPOSITORY,
        "repository_branch": "main",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }


def descriptions(path):
    """The alt texts of a notebook's figures, by the names that myst-nb gives to their files.

    A name is the SHA-256 of the file's content.
    """
    found = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            for kind, about in output.get("metadata", {}).items():
                if kind.startswith("image/") and "alt" in about:
                    content = base64.b64decode(output.data[kind])
                    found[hashlib.sha256(content).hexdigest()] = about["alt"]
    return found


def describe_figures(app, doctree):
    """Gives the figures of a lesson the alt texts that its notebook has for them."""
    path = app.env.doc2path(app.env.docname)
    if PurePath(path).suffix != ".ipynb":
        return
    alts = descriptions(path)
    for image in doctree.findall(nodes.image):
        name = PurePath(image["uri"]).stem
        if name in alts:
            image["alt"] = alts[name]


def setup(app):
    """Sphinx calls this before it builds."""
    app.connect("doctree-read", describe_figures)
