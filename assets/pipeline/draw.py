"""Draws the map at the head of every lesson: one pipeline, with the boxes of that lesson lit. `python assets/pipeline/draw.py`"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

BOXES = ("image", "tensor", "features", "Grams", "losses", "steps", "frames")
LIT = {
    "00_preview": BOXES,
    "01_images": ("image", "tensor"),
    "02_features": ("features",),
    "03_content": ("features", "losses", "steps"),
    "04_gram_matrices": ("Grams",),
    "05_losses": ("losses",),
    "06_pooling": ("features",),
    "07_optimization": ("steps", "frames"),
    "08_artifacts": ("losses", "steps"),
    "09_studio": BOXES,
}


def draw(lit, path: Path) -> None:
    figure = plt.figure(figsize=(8.4, 0.9), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 8.4), ylim=(0, 0.9))
    axis.axis("off")
    for i, name in enumerate(BOXES):
        left, on = 0.1 + 1.2 * i, name in lit
        axis.add_patch(FancyBboxPatch((left + 0.05, 0.25), 0.85, 0.4, boxstyle="round,pad=0.05", linewidth=1.2,
                                      facecolor="#f4b942" if on else "#eceff3", edgecolor="#1f3a68" if on else "#9aa7b8"))
        axis.text(left + 0.475, 0.44, name, ha="center", va="center", fontsize=12, weight="bold" if on else "normal",
                  color="#1f3a68" if on else "#6b7785")
        if i:
            axis.annotate("", (left - 0.01, 0.45), (left - 0.24, 0.45), arrowprops={"arrowstyle": "->", "color": "#6b7785"})
    figure.savefig(path, facecolor="white")
    plt.close(figure)


if __name__ == "__main__":
    for lesson, lit in LIT.items():
        draw(lit, Path(__file__).with_name(f"{lesson}.png"))
