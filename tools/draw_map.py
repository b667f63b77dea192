"""Draws the map at the head of every lesson: one pipeline, with the boxes of that lesson lit.

`python -m tools.lessons` draws all of them. Which boxes a lesson lights stands in its title cell.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

BOXES = ("image", "tensor", "features", "Grams", "losses", "steps", "frames")
BLUE = "#1f3a68"
GRAY = "#6b7785"


def draw(lit: tuple[str, ...], path: Path) -> None:
    """Writes the map as a PNG file with the boxes in `lit` colored."""
    figure = Figure(figsize=(8.4, 0.9), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 8.4), ylim=(0, 0.9))
    axis.axis("off")
    for place, name in enumerate(BOXES):
        left = 0.1 + 1.2 * place
        _box(axis, left, name, name in lit)
        if place:  # an arrow from the box before
            arrow = {"arrowstyle": "->", "color": GRAY}
            axis.annotate("", (left - 0.01, 0.45), (left - 0.24, 0.45), arrowprops=arrow)
    figure.savefig(path, facecolor="white", metadata={"Software": None})


def _box(axis, left: float, name: str, on: bool) -> None:
    box = FancyBboxPatch(
        (left + 0.05, 0.25),
        0.85,
        0.4,
        boxstyle="round,pad=0.05",
        linewidth=1.2,
        facecolor="#f4b942" if on else "#eceff3",
        edgecolor=BLUE if on else "#9aa7b8",
    )
    axis.add_patch(box)
    axis.text(
        left + 0.475,
        0.44,
        name,
        ha="center",
        va="center",
        fontsize=12,
        weight="bold" if on else "normal",
        color=BLUE if on else GRAY,
    )
