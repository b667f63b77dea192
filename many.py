"""The command line for many pictures: every photograph with every painting and all settings."""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

from tqdm import tqdm

from batch import jobs
from style_transfer import flags, terminal
from style_transfer.settings import ASSETS, OUTPUTS, check_count

ANSWER_SECONDS = 5  # so long a scheduler may take to answer

EXAMPLES = """\
what is made:
  One picture for each photograph, painting and combination of the --sweep values, named by its
  settings. The folder also gets results.csv (settings, losses, seconds) and contact_sheet.jpg.
  stylize.py --help says what the weights mean.

examples:
  python many.py --content photos --style paintings --sweep style-weight=1e1,1e2,1e3 -o grid
  python many.py --content me.jpg --style a.jpg b.jpg --sweep start=content,noise --workers 4
  python many.py --content photos --style a.jpg --cluster tcp://HOST:8786 -o grid --resume

machines:
  Without --cluster, a local Dask cluster is started, and nothing listens on other addresses than
  127.0.0.1. For several machines, run `python -m dask scheduler` on one of them, and
  `python -m dask worker tcp://HOST:8786 --nthreads 1` in this folder on the others. Everybody who
  can reach a Dask scheduler can run programs on its workers, so use a network that you trust.
"""


def parser() -> argparse.ArgumentParser:
    """The flags of this program."""
    parser = flags.Parser(
        *jobs.PROGRAM,
        description="Paint many photographs in the style of many paintings.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add(
        "-c",
        "--content",
        nargs="+",
        metavar="DIR|FILE",
        default=[str(ASSETS / "china.jpg")],
        help="photographs (default: the bundled temple)",
    )
    add(
        "-s",
        "--style",
        nargs="+",
        metavar="DIR|FILE",
        default=[str(ASSETS / "starry_night.jpg")],
        help="paintings (default: the bundled Starry Night)",
    )
    add(
        "--sweep",
        action="append",
        metavar="FLAG=A,B,C",
        default=[],
        help="make a picture for each of these values of a flag below; may be given several times",
    )
    add("-o", "--output", metavar="DIR", help=f"the folder of results ({OUTPUTS.name}/many)")
    add(
        "--resume",
        action="store_true",
        help="go on in a folder with results: what has the same settings and the same pictures "
        "is not made again",
    )
    add(
        "--workers",
        type=int,
        metavar="N",
        help="processes on this machine (one per core);"
        " 0 makes one picture after another in this process, without Dask",
    )
    add("--cluster", metavar="tcp://HOST:PORT", help="use the Dask scheduler at this address")
    add("--threads", type=int, metavar="N", default=1, help="threads per picture (%(default)s)")
    flags.add_run_flags(parser)
    flags.add_loss_flags(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs the program and returns its exit status.

    0: all pictures are there. 1: some failed. 2: a mistake, or no scheduler. 130: an interrupt.
    """
    options = parser().read(arguments)
    try:
        prepare(options)
        return run(options)
    except KeyboardInterrupt:
        words = "interrupted; what is done is kept, and --resume goes on from there"
        return flags.mistake(options, words, terminal.INTERRUPTED)
    except Exception as error:
        if terminal.is_out_of_memory(error):
            return flags.mistake(options, terminal.NO_MEMORY)
        if isinstance(error, (OSError, ValueError)):
            return flags.mistake(options, str(error))
        raise


def prepare(options: argparse.Namespace) -> None:
    """Completes the options and checks them, before anything heavy is loaded.

    Raises: ValueError or OSError for what cannot be done.
    """
    check_count("--threads", options.threads)
    if options.workers is not None and options.cluster:
        raise ValueError("--workers and --cluster are both given; give one of them")
    if options.workers is not None and options.workers < 0:
        raise ValueError(f"--workers is {options.workers}; it must be a whole number of 0 or more")
    options.output = Path(options.output) if options.output else Path(OUTPUTS.name) / "many"

    options.sweeps = dict(jobs.read_sweep(text) for text in options.sweep)
    if len(options.sweeps) < len(options.sweep):
        raise ValueError("--sweep names one flag twice; give all its values together")
    contents = jobs.find_pictures("--content", options.content)
    styles = jobs.find_pictures("--style", options.style)
    for path in (*contents, *styles):
        if path.resolve().parent == options.output.resolve():
            raise ValueError(f"--output {options.output}: {path.name} in it is one of the pictures")
    if options.cluster:
        _check_scheduler(options.cluster)
    settings = {name: getattr(options, name) for name in jobs.default_settings()}
    combinations = jobs.combinations(settings, options.sweeps)
    options.jobs = jobs.grid(
        jobs.with_hashes(contents), jobs.with_hashes(styles), combinations, list(options.sweeps)
    )
    # A row of the contact sheet holds all settings of a pair, if it is not too long.
    options.columns = len(combinations) if 2 <= len(combinations) <= 12 else 8


def _check_scheduler(address: str) -> None:
    """Raises ValueError for what is no address, ConnectionError if nothing answers there."""
    import socket
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number
        host = port = None
    if parts.scheme != "tcp" or not host or not port:
        raise ValueError(f"--cluster is {address!r}; give tcp://HOST:PORT, as the scheduler prints")
    try:
        with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as connection:
            # A scheduler greets whoever connects. Dask would wait for the greeting without end.
            if not connection.recv(1):
                raise OSError("it closes the connection")
    except OSError as error:
        raise ConnectionError(
            f"no scheduler answers at {address} ({error.strerror or error}); start one with "
            "`python -m dask scheduler`, and give the address that it prints"
        ) from error


def run(options: argparse.Namespace) -> int:
    """Makes the pictures that are not there yet; returns the exit status."""
    from batch import record  # loads torch, so it comes after all checks of the arguments
    from style_transfer.steps import known_layers

    with flags.said_of("--style-layers"):
        known_layers(flags.style_layers(options.style_layers))
    results = _open_folder(options)
    swept = list(options.sweeps)
    sheet = record.Sheet(options.output / record.SHEET, options.jobs, swept, options.columns)
    waiting = []
    for job in options.jobs:
        path = results.find(job)
        if path is None:
            waiting.append(job)
        else:
            sheet.add(job, path)
    there = len(options.jobs) - len(waiting)
    print(f"pictures:  {len(options.jobs)}, of which {there} are there already", flush=True)
    try:
        failed = _make(waiting, options, results, sheet)
    finally:
        if results.rows:  # after an interrupt or without a scheduler, too
            sheet.write()
            print(f"results:   {options.output / record.TABLE}, {sheet.path}")
    for job, why in failed:
        flags.mistake(options, f"failed: {job.name}: {why}")
    return 1 if failed else 0


def _open_folder(options: argparse.Namespace):
    """The record of the output folder. Raises: ValueError if it has results and not --resume."""
    from batch.record import TABLE, Record
    from style_transfer.files import prepare_output

    table = prepare_output(options.output / TABLE, (".csv",))
    if table.exists() and not options.resume:
        raise ValueError(
            f"{options.output}: has results already; add --resume to go on there, or choose "
            "another folder"
        )
    return Record(options.output)


def _make(waiting: list, options: argparse.Namespace, results, sheet) -> list:
    """Makes pictures with a progress bar; returns the jobs that failed, each with its reason."""
    failed = []
    if not waiting:
        return failed
    begin = None
    spent = 0.0
    with _outcomes(waiting, options) as outcomes:
        begin = time.perf_counter()
        bar = tqdm(outcomes, total=len(waiting), unit="picture", leave=False)
        for outcome in bar:
            if outcome.painted is None:
                results.fail(outcome.job, outcome.error)
                failed.append((outcome.job, outcome.error))
                continue
            with terminal.uninterrupted():  # a picture that is there gets its row and its place
                path = results.keep(outcome.job, outcome.painted)
                sheet.add(outcome.job, path)
            spent += outcome.painted.seconds
            bar.set_postfix_str(path.name)
        wall = time.perf_counter() - begin
    done = len(waiting) - len(failed)
    if done:
        print(f"made:      {done} in {wall:.1f} s; {spent / done:.2f} s of work per picture")
    return failed


@contextlib.contextmanager
def _outcomes(waiting: list, options: argparse.Namespace):
    """The outcomes of the jobs, from the machines that the flags ask for."""
    from batch import engine, work

    workers = 1 if options.workers == 0 else options.workers or _cores()
    if not options.cluster:
        _print_forecast(waiting, workers, options.threads)
    if options.workers == 0 and not options.cluster:
        work.make_network(waiting[0].settings)
        yield engine.one_after_another(waiting, options.threads)
        return
    begin = time.perf_counter()
    if options.cluster:
        machines = engine.connect(options.cluster)
    else:
        machines = engine.local_cluster(workers)
    with machines as client:
        print(f"dashboard: {engine.dashboard(client)}", flush=True)
        engine.prepare(client, waiting[0].settings)
        seconds = time.perf_counter() - begin
        count = len(client.nthreads())
        print(f"workers:   {count}, ready after {seconds:.1f} s", flush=True)
        if not count:
            print("           they can come later: python -m dask worker " + options.cluster)
        with contextlib.closing(engine.on_cluster(waiting, client, options.threads)) as outcomes:
            yield outcomes


def _print_forecast(waiting: list, workers: int, threads: int) -> None:
    """Says how long all pictures will take, and how much memory, if this machine can tell."""
    from batch import work
    from style_transfer.forecast import duration
    from style_transfer.settings import ONE_PASS

    optimized = [job for job in waiting if job.settings["method"] != ONE_PASS]
    try:
        seconds, largest = work.forecast(optimized, threads) if optimized else (0.0, None)
    except (OSError, ValueError):  # a bad picture; it is reported when its turn comes
        return
    if largest is None:
        return
    memory = workers * largest.memory
    words = f"about {duration(seconds / workers)} and {memory / 1e9:.1f} GB of memory"
    if memory > largest.available:
        words += f", but only {largest.available / 1e9:.1f} GB are free: try fewer --workers"
    print(f"forecast:  {words}", flush=True)


def _cores() -> int:
    """The cores that this process may use; 1 with a GPU, because workers would share its memory."""
    import helpers as nst

    if nst.device().type != "cpu":
        return 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def command() -> int:
    """The command `style-transfer-many`, and what `python many.py` does."""
    return terminal.run(main)


if __name__ == "__main__":
    sys.exit(command())
