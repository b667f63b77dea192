"""What does a picture cost? Six questions, one table for each, and all numbers as JSON.

    python -m benchmarks.bench [--quick] [--output FOLDER]

README.md in this folder says how to read the tables. It takes about ten minutes on two quiet cores.
With --quick it takes about one minute, and its numbers mean nothing: it shows that all parts run.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor

import helpers as nst
from benchmarks import growth
from benchmarks.measure import evaluation, machine, ratio, run_fresh, take_turns, warm_up
from benchmarks.report import Row, Table, heading, write_results
from benchmarks.rivals import HABITS, bare_network, plain_loop
from style_transfer import steps
from style_transfer.files import prepare_output
from style_transfer.settings import OUTPUTS, POOLING, PRECISIONS, ROOT, SIZE, finished_weights


@dataclass(frozen=True)
class Extent:
    """How much is measured: sizes are long sides in pixels, and rounds are turns of each task."""

    name: str
    rounds: int  # of single evaluations
    long_rounds: int  # of whole runs
    size: int
    precision_sizes: tuple[int, ...]
    growth_sizes: tuple[int, ...]
    growth_evaluations: int
    pairs: tuple[tuple[str, str], ...]  # of the race to equal losses
    adam_evaluations: int
    most_evaluations: int  # that L-BFGS may use to reach what Adam reached
    commands: tuple[tuple[str, ...], ...]  # flags of stylize.py
    old: tuple[int, int]  # size and evaluations of the first release's default
    new_size: int


FULL = Extent(
    name="full",
    rounds=9,
    long_rounds=3,
    size=256,
    precision_sizes=(256, 512),
    growth_sizes=(128, 256, 512, 1024),
    growth_evaluations=24,
    pairs=(
        ("china", "starry_night"),
        ("astronaut", "kandinsky_composition_viii"),
        ("coffee", "van_gogh_village_street_in_auvers"),
    ),
    adam_evaluations=150,
    most_evaluations=200,
    commands=(("--size", "256", "--steps", "1"), ()),
    old=(256, 200),
    new_size=SIZE,
)
QUICK = Extent(
    name="quick",
    rounds=2,
    long_rounds=1,
    size=64,
    precision_sizes=(64,),
    growth_sizes=(64, 128),
    growth_evaluations=4,
    pairs=FULL.pairs[:1],
    adam_evaluations=20,
    most_evaluations=30,
    commands=(("--size", "64", "--steps", "1"), ("--size", "64")),
    old=(64, 40),
    new_size=64,
)


# ------------------------------------------------------------------------------ what is measured on


def pair(size: int, names: tuple[str, str] = FULL.pairs[0]) -> tuple[Tensor, Tensor]:
    """Photograph and painting with this long side."""
    photo, painting = (nst.load_image(name, size) for name in names)
    return photo, painting


def network(name: str, precision: str = "float32", pooling: str = "max") -> nst.VGG19:
    """The pocket network, or VGG-19 at full width."""
    weights = {"pocket": "pocket", "VGG-19": full_width()}[name]
    return nst.VGG19(weights, precision=precision, pooling=pooling).to(nst.device())


def full_width() -> str:
    """ImageNet's weights if torch has them in its cache; else random ones, which cost the same."""
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return "imagenet" if list(cache.glob("vgg19-*.pth")) else "random"


def total(objective: Callable[[Tensor], dict[str, Tensor]]) -> Callable[[Tensor], Tensor]:
    """The sum of an objective's terms, as one function of the image."""
    return lambda image: sum(objective(image).values())


# ------------------------------------------------------------------------------ the questions


def compare_loops(extent: Extent) -> Table:
    """One evaluation of ours, of the bare network, and of the loops that people run."""
    photo, painting = pair(extent.size)
    rows = []
    for name in ("pocket", "VGG-19"):
        vgg = network(name)
        loops = {
            "ours": total(nst.transfer(vgg, photo, painting)),
            "bare network to relu5_1": bare_network(vgg),
            "plain loop": plain_loop(vgg, photo, painting),
        }
        for habit in HABITS:
            loops[f"plain loop, {habit}"] = plain_loop(vgg, photo, painting, [habit])
        loops["plain loop, all three"] = plain_loop(vgg, photo, painting, HABITS)
        tasks = {label: evaluation(loop, photo) for label, loop in loops.items()}
        times = take_turns(tasks, extent.rounds)
        for label, seconds in times.items():
            rows.append(
                {
                    "network": name,
                    "one evaluation": label,
                    "milliseconds": 1000 * statistics.median(seconds),
                    "times ours": ratio(seconds, times["ours"]),
                }
            )
    return Table(
        "loops",
        "What does one evaluation cost, beside the loops that people run?",
        f"Loss and gradient at {extent.size} px in float32. Above 1 is slower than ours. VGG-19 "
        f"has {full_width()} weights.",
        rows,
    )


def compare_precisions(extent: Extent) -> Table:
    """One evaluation in float32 and in bfloat16."""
    rows = []
    for name in ("pocket", "VGG-19"):
        networks = {precision: network(name, precision) for precision in PRECISIONS}
        for size in extent.precision_sizes:
            photo, painting = pair(size)
            tasks = {}
            for precision, vgg in networks.items():
                objective = total(nst.transfer(vgg, photo, painting))
                tasks[precision] = evaluation(objective, photo)
            times = take_turns(tasks, extent.rounds)
            row: Row = {"network": name, "size, px": size}
            for precision, seconds in times.items():
                row[f"{precision}, ms"] = 1000 * statistics.median(seconds)
            row["bfloat16 is so many times as fast"] = ratio(times["float32"], times["bfloat16"])
            rows.append(row)
    return Table(
        "precisions",
        "How much faster is bfloat16?",
        "One evaluation of loss and gradient. If the processor does not compute in bfloat16 "
        "directly, it may be slower.",
        rows,
    )


def measure_growth(extent: Extent) -> Table:
    """Seconds and peak memory of the pocket network at growing sizes, each in a fresh process."""
    rows = [
        growth.in_fresh_process(size, precision, extent.growth_evaluations)
        for size in extent.growth_sizes
        for precision in PRECISIONS
    ]
    return Table(
        "growth",
        "How do time and memory grow with the size?",
        "The pocket network with L-BFGS, at one size, in a fresh process each. The peak memory is "
        "that of the whole process, with Python and torch.",
        rows,
    )


def race(extent: Extent) -> Table:
    """Evaluations and seconds until the losses that Adam has at its end are reached."""
    vgg = network("pocket")
    warm_up(vgg)
    rows = []
    for names in extent.pairs:
        runs = take_steps_in_turns(racers(vgg, extent, *pair(extent.size, names)))
        goal = runs["Adam from the photograph"][-1]
        for label, snapshots in runs.items():
            rows.append({"pair": " + ".join(names), "run": label, **reached(snapshots, goal)})
    return Table(
        "race",
        "How long does it take to the losses that Adam ends with?",
        f"The pocket network at {extent.size} px in float32, default weights. Adam has "
        f"{extent.adam_evaluations} evaluations, L-BFGS at most {extent.most_evaluations}. Losses "
        "at the end are divided by Adam's.",
        rows,
    )


def racers(
    vgg: nst.VGG19, extent: Extent, photo: Tensor, painting: Tensor
) -> dict[str, Iterator[nst.Snapshot]]:
    """The runs that are compared, by name; none of them has begun."""

    def run(method: str, evaluations: int, **options) -> Iterator[nst.Snapshot]:
        return nst.stylize(
            photo,
            painting,
            vgg=vgg,
            method=method,
            sizes=(extent.size,),
            evaluations=evaluations,
            every=1,
            **options,
        )

    most = extent.most_evaluations
    return {
        "Adam from the photograph": run("adam", extent.adam_evaluations, start="content"),
        "L-BFGS from the recolored photograph (ours)": run("lbfgs", most),
        "L-BFGS from the photograph": run("lbfgs", most, start="content"),
        "ours with torch's own first step": with_torchs_first_step(run("lbfgs", most)),
    }


def with_torchs_first_step(run: Iterator[nst.Snapshot]) -> Iterator[nst.Snapshot]:
    """The same run of L-BFGS, but its first step is the tiny one of torch."""

    def first_step(optimizer, image, closure, lr, first_move) -> None:
        optimizer.param_groups[0]["max_iter"] = 1
        optimizer.param_groups[0]["max_eval"] = 2
        optimizer.step(closure)

    while True:
        # Other runs take their turns in between, so the function is replaced for one turn only.
        with mock.patch.object(steps, "_first_step", first_step):
            snapshot = next(run, None)
        if snapshot is None:
            return
        yield snapshot


def take_steps_in_turns(
    runs: dict[str, Iterator[nst.Snapshot]],
) -> dict[str, list[nst.Snapshot]]:
    """Advances all runs one step per turn; returns their Snapshots, without the large images."""
    seen = {name: [] for name in runs}
    running = dict(runs)
    while running:
        for name in list(running):
            snapshot = next(running[name], None)
            if snapshot is None:
                del running[name]
            else:
                seen[name].append(replace(snapshot, image=snapshot.image[..., :1, :1].clone()))
    return seen


def reached(snapshots: list[nst.Snapshot], goal: nst.Snapshot) -> Row:
    """When a run first had the goal's loss, and the goal's content and style loss together."""

    def first(is_there: Callable[[nst.Snapshot], bool]) -> tuple[int | None, float | None]:
        for snapshot in snapshots:
            if is_there(snapshot):
                return snapshot.evaluations, snapshot.seconds
        return None, None

    def both(snapshot: nst.Snapshot) -> bool:
        return all(snapshot.losses[term] <= goal.losses[term] for term in ("content", "style"))

    loss_evaluations, loss_seconds = first(lambda snapshot: snapshot.loss <= goal.loss)
    both_evaluations, both_seconds = first(both)
    last = snapshots[-1]
    return {
        "equal loss: evaluations": loss_evaluations,
        "equal loss: seconds": loss_seconds,
        "equal content and style: evaluations": both_evaluations,
        "equal content and style: seconds": both_seconds,
        "content at the end": last.losses["content"] / goal.losses["content"],
        "style at the end": last.losses["style"] / goal.losses["style"],
    }


def time_command_line(extent: Extent) -> Table:
    """Seconds of stylize.py from a fresh process to the picture on the disk."""
    tasks = {}
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "picture.png")
        for flags in extent.commands:
            for precision in PRECISIONS:
                words = ["stylize.py", *flags, "--precision", precision]
                command = [*words, "--output", picture]
                tasks[" ".join(words)] = lambda command=command: run_fresh(command)
        times = take_turns(tasks, extent.long_rounds, warm_up=0)
    rows = [
        {"command": f"`python {words}`", "seconds": statistics.median(seconds)}
        for words, seconds in times.items()
    ]
    return Table(
        "command line",
        "How long does it take from a fresh process to the picture?",
        "From the start of Python to its end. Without --size, the picture has "
        f"{SIZE} px and the default plan.",
        rows,
    )


def compare_defaults(extent: Extent) -> Table:
    """Seconds of a run with the first release's settings, and with those of today."""
    tasks = {}
    old_size, old_evaluations = extent.old
    old = {
        "vgg": network("pocket"),
        "sizes": (old_size,),
        "evaluations": old_evaluations,
        "weights": nst.Weights(style=300, grain=0),
    }
    old_label = (
        f"first release: {old_size} px, {old_evaluations} evaluations, style 300, no grain term, "
        "float32"
    )
    tasks[old_label] = whole_run(old_size, **old)
    for precision in PRECISIONS:
        vgg = network("pocket", precision, POOLING)
        warm_up(vgg)
        today = {"vgg": vgg, "weights": finished_weights()}
        tasks[f"today: {extent.new_size} px, {precision}"] = whole_run(extent.new_size, **today)
    times = take_turns(tasks, extent.long_rounds, warm_up=0)
    rows = [
        {
            "default": label,
            "seconds": statistics.median(seconds),
            "times the first release": ratio(seconds, times[old_label]),
        }
        for label, seconds in times.items()
    ]
    return Table(
        "defaults",
        "How long does the default take, beside that of the first release?",
        "The whole run of the pocket network, in today's code, without the start of Python.",
        rows,
    )


def whole_run(size: int, **options) -> Callable[[], None]:
    """A task: `stylize` from the first to the last Snapshot."""
    photo, painting = pair(size)

    def run() -> None:
        for _ in nst.stylize(photo, painting, **options):
            pass

    return run


QUESTIONS = (
    compare_loops,
    compare_precisions,
    measure_growth,
    race,
    time_command_line,
    compare_defaults,
)


# ------------------------------------------------------------------------------ the program


def main() -> None:
    """Answers all questions, prints each table when it is ready, and writes the results."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_const", const=QUICK, default=FULL, dest="extent")
    add("--output", type=Path, help="folder of the results (benchmarks, or outputs if --quick)")
    options = parser.parse_args()
    if options.output is None:
        options.output = ROOT / "benchmarks" if options.extent is FULL else OUTPUTS
    prepare_output(options.output / "results.md", (".md",))  # better now than after the work

    begin = time.perf_counter()
    described = machine()
    print(heading(described, options.extent.name), flush=True)
    tables = []
    for question in QUESTIONS:
        tables.append(question(options.extent))
        print(tables[-1], flush=True)
    for path in write_results(options.output, described, options.extent.name, tables):
        print(f"written: {path}")
    print(f"{time.perf_counter() - begin:.0f} seconds")


if __name__ == "__main__":
    main()
