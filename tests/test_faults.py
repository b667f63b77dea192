"""The table of faults in tests/README.md names tests that exist."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
ROW = re.compile(
    r"^\| (?P<done>[^|]+) \| (?P<happens>[^|]+) \| `(?P<file>\w+)`: `(?P<test>\w+)` \|$"
)


def rows():
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    return [match for match in map(ROW.match, text.splitlines()) if match]


def test_the_table_has_sixty_faults_and_each_is_another():
    done = [row["done"] for row in rows()]
    assert len(done) >= 60
    assert len(set(done)) == len(done)


def test_every_row_of_the_table_is_read():
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    table = text.split("| what is done | what happens | test |\n|---|---|---|\n")[1]
    lines = table.split("\n\n")[0].splitlines()
    assert len(lines) == len(rows()), [line for line in lines if not ROW.match(line)]


def test_every_named_test_exists():
    for row in rows():
        tree = ast.parse((TESTS / f"{row['file']}.py").read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert row["test"] in names, row[0]
