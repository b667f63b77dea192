"""The benchmarks run and report every row; how long they take is not tested."""

import json
import math
import os
import platform
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import helpers as nst
from benchmarks import bench, measure, one_pass, picture, report, rivals
from style_transfer import steps
from style_transfer.settings import PRECISIONS
from style_transfer.steps import Snapshot
from tests.conftest import random_image

TINY = replace(
    bench.QUICK,
    rounds=1,
    size=48,  # the photograph is 32 px high then, as little as pool5 allows
    precision_sizes=(32,),
    growth_sizes=(32,),
    growth_evaluations=2,
    adam_evaluations=3,
    most_evaluations=4,
    commands=(("--size", "32", "--steps", "1"),),
    old=(32, 2),
    new_size=32,
)

# How many rows each table has.
ROWS = {
    "loops": 2 * (4 + len(rivals.HABITS)),
    "precisions": 2,
    "growth": len(PRECISIONS),
    "race": 4,
    "command line": len(PRECISIONS),
    "defaults": 1 + len(PRECISIONS),
}


@pytest.fixture(scope="module")
def tables():
    """The tables of all questions, measured as little as possible."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OMP_NUM_THREADS", "1")  # of the fresh processes
        return [question(TINY) for question in bench.QUESTIONS]


def test_every_question_has_all_rows(tables):
    assert {table.name: len(table.rows) for table in tables} == ROWS


def test_rows_of_a_table_have_the_same_columns(tables):
    for table in tables:
        for row in table.rows:
            assert row.keys() == table.rows[0].keys()
            numbers = [value for value in row.values() if isinstance(value, float)]
            assert all(math.isfinite(value) and value > 0 for value in numbers), row


def test_the_results_are_written_as_markdown_and_json(tables, tmp_path):
    machine = measure.machine()
    text, data = report.write_results(tmp_path, machine, TINY.name, tables)
    found = json.loads(data.read_text(encoding="utf-8"))
    assert found["machine"]["torch"] == torch.__version__
    assert {table["name"]: len(table["rows"]) for table in found["tables"]} == ROWS
    lines = text.read_text(encoding="utf-8").splitlines()
    for table in tables:
        assert f"## {table.question}" in lines
    assert sum(line.startswith("|") for line in lines) == sum(ROWS.values()) + 2 * len(tables)


def test_nothing_in_the_results_names_the_machine(tables):
    text = json.dumps(measure.machine()) + "".join(map(str, tables))
    assert str(bench.ROOT) not in text
    assert str(Path.home()) not in text
    assert not platform.node() or platform.node() not in text


def test_tasks_take_turns():
    calls = []
    tasks = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = measure.take_turns(tasks, 2)
    assert calls == ["a", "b", "b", "a", "a", "b"]
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 2, "b": 2}


def test_the_ratio_is_taken_round_by_round():
    assert measure.ratio([2.0, 20.0, 6.0], [1.0, 10.0, 2.0]) == 2.0


def test_a_program_that_fails_is_reported():
    with pytest.raises(RuntimeError, match=r"ended with 2: .*--size is 0"):
        measure.run_fresh(["stylize.py", "--size", "0"])


@pytest.mark.parametrize("habits", [(), *((habit,) for habit in rivals.HABITS), rivals.HABITS])
def test_a_habit_changes_the_cost_and_not_the_loss(vgg, photo, painting, habits):
    image = random_image(*photo.shape[-2:])
    expected = rivals.plain_loop(vgg, photo, painting)(image)
    torch.testing.assert_close(rivals.plain_loop(vgg, photo, painting, habits)(image), expected)


def test_an_unknown_habit_is_refused(vgg, photo, painting):
    with pytest.raises(ValueError, match="habit is 'smoking'; it must be one of"):
        rivals.plain_loop(vgg, photo, painting, ["smoking"])


def test_the_networks_own_weights_stay_frozen(vgg, photo, painting):
    objective = rivals.plain_loop(vgg, photo, painting, ["weights not frozen"])
    objective(photo.clone().requires_grad_(True)).backward()
    assert all(weight.grad is None and not weight.requires_grad for weight in vgg.parameters())


def test_the_rest_of_the_network_ends_at_pool5(vgg):
    rest = rivals.rest_of_network(vgg.features)
    assert len(vgg.features) + len(rest) == 37  # torchvision's vgg19().features has 37 modules


def test_torchs_own_first_step_hardly_moves_the_image(vgg, photo, painting):
    runs = bench.racers(vgg, replace(TINY, size=64), photo, painting)
    moved = {}
    for name in ("L-BFGS from the recolored photograph (ours)", "ours with torch's own first step"):
        start = next(runs[name]).image
        moved[name] = (next(runs[name]).image - start).abs().mean().item()
    ours, torchs = moved.values()
    assert ours == pytest.approx(steps.FIRST_MOVE, rel=0.1)
    assert torchs == pytest.approx(1 / photo.numel(), rel=0.1)


def test_a_loss_that_is_never_reached_is_none():
    goal = nst.Snapshot(9, 9.0, random_image(), {"content": 1.0, "style": 1.0})
    near = nst.Snapshot(1, 1.0, random_image(), {"content": 0.5, "style": 1.4})
    row = bench.reached([near], goal)
    assert row["equal loss: evaluations"] == 1
    assert row["equal content and style: evaluations"] is None
    assert report.cell(None) == "not reached"


@pytest.mark.parametrize(
    ("value", "text"), [(0.06123, "0.0612"), (1.0, "1.00"), (1234.5, "1234"), (7, "7"), (0.0, "0")]
)
def test_measured_numbers_have_three_digits(value, text):
    assert report.cell(value) == text


# ------------------------------------------------------------------------------ the picture


@pytest.mark.parametrize("wavelength", [8, 16])
def test_the_stroke_width_of_stripes_is_their_wavelength(wavelength):
    stripes = 0.5 + 0.4 * torch.sin(2 * torch.pi * torch.arange(128.0) / wavelength)
    image = stripes.expand(1, 3, 96, 128)
    assert picture.stroke_width(image) == pytest.approx(wavelength, rel=0.02)


def test_a_painting_measured_against_itself_is_1(painting):
    row = picture.measure(painting, painting)
    assert row["chroma grain, result / painting"] == pytest.approx(1)
    assert row["result / painting"] == pytest.approx(1)


def test_a_pair_is_painted_measured_and_saved(tmp_path):
    row = picture.paint(picture.PAIRS[0], 32, tmp_path)
    assert row["pair"] == "astronaut + hokusai_great_wave"
    assert (tmp_path / "astronaut_hokusai_great_wave.png").is_file()


def test_the_pairs_use_every_painting():
    paintings = {painting for _, painting in picture.PAIRS}
    assert len(picture.PAIRS) == 8 and len(paintings) == 5
    assert all(name in nst.bundled() for pair in picture.PAIRS for name in pair)


def test_one_pass_is_compared_with_optimization(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("china", "coffee"):
        nst.save_image(nst.load_image(name, 64), folder / f"{name}.png")
    monkeypatch.setattr(one_pass, "SPEED_SIZES", (48,))
    monkeypatch.setattr(one_pass, "GOAL", 3)
    monkeypatch.setattr(one_pass, "MOST", 4)
    monkeypatch.setattr(one_pass, "INSTANT_SIZES", (32,))
    words = ["--pairs=2", "--starts=1", "--size=48", f"--photos={folder}", f"--save={tmp_path}"]
    one_pass.main(words)
    said = capsys.readouterr().out
    for heading in (
        "long side",
        "one pass: style",
        "optimization: style",
        "32 px: style",
        "from one pass after",
    ):
        assert heading in said
    assert len(list(tmp_path.glob("*.png"))) == 2
    with pytest.raises(SystemExit):
        one_pass.main([f"--photos={folder}"])
    assert "holds 2 photographs; give --pairs 2" in capsys.readouterr().err


def test_an_optimization_in_half_a_second_may_be_small(monkeypatch):
    photo, painting = (nst.load_image(name, 64) for name in ("china", "starry_night"))
    machine = one_pass.Machine()
    for seconds, evaluations in ((0, 0), (600, 3)):
        monkeypatch.setattr(one_pass, "INSTANT", seconds)
        monkeypatch.setattr(one_pass, "MOST", 3)
        reached = one_pass.optimized(machine, photo, painting, 32)
        assert reached.evaluations == evaluations and max(reached.image.shape) == 32
    row = one_pass.in_half_a_second(machine, photo, painting)
    assert row["96 px: evaluations"] == 3 and 0 < row["96 px: style"] < 2


def test_the_image_that_a_run_reaches_in_some_seconds():
    def run():
        for count in range(4):
            yield Snapshot(count, 0.5 + count, torch.zeros(1, 3, 1, 1), {})

    for seconds, evaluations in ((0.1, 1), (0.5, 1), (1.6, 3), (99, 3)):
        assert one_pass.after_seconds(run(), seconds).evaluations == evaluations
