"""One pass beside optimization: style and content, seconds, and its use as a start.

    python -m benchmarks.one_pass --photos FOLDER [--pairs 40] [--starts 10] [--size 256]

Photographs of the folder are paired with the bundled paintings in turns. The tables are printed,
and README.md in this folder says how to read them.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

import helpers as nst
from benchmarks.report import Row, markdown
from style_transfer.settings import PICTURE_SUFFIXES

PAINTINGS = (
    "starry_night",
    "hokusai_great_wave",
    "kandinsky_composition_viii",
    "renoir_bal_du_moulin_de_la_galette",
    "van_gogh_village_street_in_auvers",
)
SPEED_SIZES = (256, 512, 1024)
GOAL = 60  # evaluations from the recolored photograph, whose loss is the goal of the other start
MOST = 120  # evaluations after which a start has not reached the goal
INSTANT = 0.5  # seconds that a reader waits for a first look
INSTANT_SIZES = (96, 128, 256)  # long sides at which the optimization gets these seconds


def pairs(folder, count: int, size: int) -> list[tuple[str, Tensor, Tensor]]:
    """The painting's name, a photograph and the painting, `count` times."""
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix in PICTURE_SUFFIXES)
    if len(paths) < count:
        raise ValueError(f"{folder}: holds {len(paths)} photographs; give --pairs {len(paths)}")
    found = []
    for index, path in enumerate(paths[:count]):
        name = PAINTINGS[index % len(PAINTINGS)]
        found.append((name, nst.load_image(path, size), nst.load_image(name, size)))
    return found


class Machine:
    """The two networks, and one pass with its seconds."""

    def __init__(self):
        where = nst.device()
        self.vgg = nst.ready_network(where=where)
        self.decoder = nst.load_decoder(self.vgg)

    def one_pass(self, photo: Tensor, painting: Tensor) -> tuple[Tensor, float]:
        """The picture, and the smaller number of seconds of two times."""
        seconds = []
        for _ in range(2):
            begin = time.perf_counter()
            image = nst.one_pass(self.vgg, self.decoder, photo, painting)
            if image.is_cuda:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begin)
        return image, min(seconds)


# ------------------------------------------------------------------------------ style and content


def compare(machine: Machine, photo: Tensor, painting: Tensor) -> Row:
    """One pair: style as a share of the recolored photograph's, content, seconds."""
    objective = nst.transfer(machine.vgg, photo, painting)
    start = nst.recolor(photo, like=painting)
    image, seconds = machine.one_pass(photo, painting)
    with torch.no_grad():
        before = {name: term.item() for name, term in objective(start).items()}
        after = {name: term.item() for name, term in objective(image).items()}
    run = nst.optimize(start, objective, evaluations=MOST, method="lbfgs", every=1)
    rival = after_seconds(run, seconds)
    return {
        "seconds": seconds,
        "one pass: style": after["style"] / before["style"],
        "one pass: content": after["content"],
        "one pass: loss": sum(after.values()),
        "evaluations in these seconds": rival.evaluations,
        "optimization: style": rival.losses["style"] / before["style"],
        "optimization: content": rival.losses["content"],
        "optimization: loss": rival.loss,
    }


def after_seconds(run: Iterator[nst.Snapshot], seconds: float) -> nst.Snapshot:
    """The image that a run reaches in so many seconds, or a little more.

    The seconds of a Snapshot include the evaluation of its image, which makes the next image.
    """
    time_is_up = False
    for snapshot in run:
        if time_is_up:
            break
        time_is_up = snapshot.seconds >= seconds
    return snapshot


def in_half_a_second(machine: Machine, photo: Tensor, painting: Tensor) -> Row:
    """One pair: what an optimization reaches in INSTANT seconds, at each of INSTANT_SIZES.

    The small pictures are enlarged to the photograph's size and measured there. Style is a share of
    the recolored photograph's.
    """
    objective = nst.transfer(machine.vgg, photo, painting)
    with torch.no_grad():
        before = objective(nst.recolor(photo, like=painting))
    row = {}
    for size in INSTANT_SIZES:
        reached = optimized(machine, photo, painting, size)
        image = nst.resize(reached.image, tuple(photo.shape[2:]))
        with torch.no_grad():
            after = objective(image)
        row[f"{size} px: evaluations"] = reached.evaluations
        row[f"{size} px: style"] = (after["style"] / before["style"]).item()
        row[f"{size} px: content"] = after["content"].item()
    return row


def optimized(machine: Machine, photo: Tensor, painting: Tensor, size: int) -> nst.Snapshot:
    """What a run from the recolored photograph reaches in INSTANT seconds at a long side."""
    begin = time.perf_counter()
    photo = nst.resize(photo, size)
    painting = nst.resize(painting, size)
    run = nst.stylize(photo, painting, vgg=machine.vgg, evaluations=MOST, every=1)
    reached = None
    for snapshot in run:
        reached = snapshot
        if time.perf_counter() - begin > INSTANT:
            break
    return reached


def summary(rows: list[Row]) -> list[Row]:
    """The median, the lowest and the highest of every column."""
    table = []
    for column in rows[0]:
        values = [float(row[column]) for row in rows]
        table.append(
            {
                "over all pairs": column,
                "median": statistics.median(values),
                "lowest": min(values),
                "highest": max(values),
            }
        )
    return table


# ------------------------------------------------------------------------------ as a start


def evaluations_saved(machine: Machine, photo: Tensor, painting: Tensor) -> Row:
    """How many evaluations one pass needs as a start to reach the recolored start's loss."""
    objective = nst.transfer(machine.vgg, photo, painting)
    start = nst.recolor(photo, like=painting)
    *_, goal = nst.optimize(start, objective, evaluations=GOAL, method="lbfgs")
    image, _ = machine.one_pass(photo, painting)
    run = nst.optimize(image, objective, evaluations=MOST, method="lbfgs", every=1)
    reached = next((one.evaluations for one in run if one.loss <= goal.loss), None)
    return {f"loss after {GOAL} from recolored": goal.loss, "from one pass after": reached}


# ------------------------------------------------------------------------------ speed


def speed(machine: Machine) -> list[Row]:
    """Seconds per picture at several sizes, for a bundled pair, which is enlarged if necessary."""
    rows = []
    for size in SPEED_SIZES:
        images = []
        for name in ("china", "starry_night"):
            image = nst.load_image(name, None)
            images.append(nst.resize(image, size))
        seconds = [machine.one_pass(*images)[1] for _ in range(3)]
        rows.append({"long side": size, "seconds": statistics.median(seconds)})
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measures speed, style and content, half a second, and starts; prints a table of each."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.one_pass",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--photos", required=True, help="folder of photographs")
    add("--pairs", type=int, default=40, help="pairs to compare (%(default)s)")
    add("--starts", type=int, default=10, help="pairs to start a run from (%(default)s)")
    add("--size", type=int, default=256, help="long side in pixels (%(default)s)")
    add("--save", metavar="FOLDER", help="write the pictures there")
    options = parser.parse_args(arguments)
    try:
        chosen = pairs(options.photos, options.pairs, options.size)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    machine = Machine()
    machine.one_pass(*chosen[0][1:])  # the first pass is slower than the others
    print(markdown(speed(machine)), flush=True)
    rows = [compare(machine, photo, painting) for _, photo, painting in chosen]
    print(f"\n{markdown(summary(rows))}", flush=True)
    if options.save:
        for index, (name, photo, painting) in enumerate(chosen):
            image, _ = machine.one_pass(photo, painting)
            panel = nst.side_by_side(photo, painting, image)
            nst.save_image(panel, Path(options.save) / f"{index:02d}_{name}.png")
    rows = [in_half_a_second(machine, photo, painting) for _, photo, painting in chosen]
    print(f"\n{markdown(summary(rows))}", flush=True)
    starts = []
    for name, photo, painting in chosen[: options.starts]:
        starts.append({"painting": name, **evaluations_saved(machine, photo, painting)})
    print(f"\n{markdown(starts)}")


if __name__ == "__main__":
    main()
