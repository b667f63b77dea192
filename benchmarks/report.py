"""Reports: rows of measurements as Markdown for people and as JSON for programs."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from style_transfer.files import write_atomic

Row = dict[str, str | int | float | None]


@dataclass(frozen=True)
class Table:
    """The answer to one question. All rows have the same keys, which are the column headings.

    A value of None stands for a loss that was not reached.
    """

    name: str
    question: str
    note: str
    rows: list[Row]

    def __str__(self) -> str:
        """The table in Markdown."""
        return f"## {self.question}\n\n{self.note}\n\n{markdown(self.rows)}\n"


def markdown(rows: list[Row]) -> str:
    """Rows as a Markdown table; numbers are to the right."""
    headings = list(rows[0])
    rules = []
    for heading in headings:
        is_text = isinstance(rows[0][heading], str)
        rules.append("---" if is_text else "---:")
    lines = [headings, rules]
    lines += [[cell(row[heading]) for heading in headings] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: str | int | float | None) -> str:
    """A value in a table; a measured number has three digits, and None is "not reached"."""
    if value is None:
        return "not reached"
    if not isinstance(value, float):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def write_results(
    folder: Path, machine: dict[str, str | int], extent: str, tables: list[Table]
) -> tuple[Path, Path]:
    """Writes results.md and results.json into a folder, and returns their paths."""
    text = heading(machine, extent) + "\n" + "\n".join(str(table) for table in tables)
    found = {
        "machine": machine,
        "extent": extent,
        "tables": [asdict(table) for table in tables],
    }
    return (
        _write(folder / "results.md", text),
        _write(folder / "results.json", json.dumps(found, indent=2, allow_nan=False) + "\n"),
    )


def heading(machine: dict[str, str | int], extent: str) -> str:
    """The first lines of the report: what was run, and on which machine."""
    words = ", ".join(f"{name}: {value}" for name, value in machine.items())
    return (
        f"# Results of `make bench` ({extent})\n\n{words}.\n\n"
        "benchmarks/README.md says how to read the tables.\n"
    )


def _write(path: Path, text: str) -> Path:
    write_atomic(path, (path.suffix,), lambda part: part.write_text(text, encoding="utf-8"))
    return path
