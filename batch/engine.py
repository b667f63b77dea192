"""Engine: runs jobs one after another in this process, or on the workers of a Dask cluster.

Dask's scheduler gives each job to a worker, gives it to another one if a worker dies, and replaces
the workers that this program started. This is the only file that imports Dask.
"""

import contextlib
import functools
import importlib.util
import logging
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import dask
import numpy as np

from batch import work
from batch.jobs import Job, Picture
from batch.work import Painted
from style_transfer.terminal import is_out_of_memory

dask.config.set(
    {
        # Dask reports much that is no concern of a reader. Its workers take over this setting.
        "logging": {"distributed": "critical", "distributed.client": "critical"},
        # Dask lets its workers give memory back at once. Then every tensor asks for it again, and
        # a picture takes 10 % longer.
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    }
)

# They read the lines above when they are imported.
from distributed import Client, Future, LocalCluster, WorkerPlugin, as_completed  # noqa: E402
from distributed.scheduler import KilledWorker  # noqa: E402

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 10  # so long a scheduler may take to answer
RECOUNT_SECONDS = 2  # the workers are counted again after so long
AHEAD = 2  # jobs under way for each thread of the cluster: one that runs and one that waits
MOST_SENT = 32  # pictures that the cluster keeps although no job under way needs them


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a picture, or the reason why there is none."""

    job: Job
    painted: Painted | None
    error: str | None = None


# ------------------------------------------------------------------------------ one process


def one_after_another(jobs: Iterable[Job], threads: int = 1) -> Iterator[Outcome]:
    """Runs jobs in this process. A job that fails gives an Outcome with its reason."""
    pixels = functools.lru_cache(maxsize=MOST_SENT)(work.load_pixels)
    for job in jobs:
        size = job.settings["size"]
        try:
            photo = pixels(job.content.path, size)
            painting = pixels(job.style.path, size)
            outcome = Outcome(job, work.paint(job.settings, photo, painting, threads))
        except Exception as error:
            outcome = Outcome(job, None, reason(error, job))
        yield outcome


def reason(error: BaseException, job: Job) -> str:
    """Why a job failed, on one line."""
    if isinstance(error, KilledWorker):
        return (
            "each worker that worked at it died; perhaps the picture needs more memory than a "
            "worker has: try fewer workers or a smaller --size"
        )
    if is_out_of_memory(error):
        size = job.settings["size"]
        return f"out of memory at --size {size}; try fewer workers or --size {round(0.7 * size)}"
    words = " ".join(str(error).split())
    if isinstance(error, (OSError, ValueError, ArithmeticError)) and words:
        return words
    return f"{type(error).__name__}: {words}"


# ------------------------------------------------------------------------------ clusters


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Starts a scheduler and so many workers with one thread each, on this machine alone.

    A worker that dies is replaced. Nothing listens on other addresses than 127.0.0.1.
    """
    address = f"{LOOPBACK}:0"  # 0 stands for any free port
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host=LOOPBACK,
            dashboard_address=address,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers)
        client.register_plugin(IgnoreInterrupts())
        yield client


class IgnoreInterrupts(WorkerPlugin):
    """Ctrl-C reaches all processes of a terminal. The workers leave it to the program itself."""

    def setup(self, worker) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def connect(address: str) -> Iterator[Client]:
    """Connects to the scheduler at tcp://HOST:PORT. Raises: ConnectionError if none answers."""
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no scheduler answers at {address} ({type(error).__name__}); start one with "
            "`python -m dask scheduler`, and give the address that it prints"
        ) from error
    with client:
        yield client


def prepare(client: Client, settings: dict) -> None:
    """Lets every worker load torch and make the network, so that no picture waits for it.

    Raises: ConnectionError if a worker cannot import this project; what `VGG19` raises.
    """

    # A function inside a function is sent whole, so a worker without the project can read it.
    def lacks_project() -> bool:
        return importlib.util.find_spec("batch") is None

    for worker, lacks in client.run(lacks_project).items():
        if lacks:
            raise ConnectionError(
                f"the worker at {worker} cannot import this project; start it in the project's "
                f"folder, with `python -m dask worker {client.scheduler.address}`"
            )
    futures = []
    for worker in client.nthreads():
        # If this worker dies, another one may do it.
        where = {"workers": [worker], "allow_other_workers": True}
        make = on_worker("make_network")
        futures.append(client.submit(make, settings, pure=False, **where))
    client.gather(futures)


# ------------------------------------------------------------------------------ many machines


def on_worker(name: str) -> Callable:
    """A function that calls the function of this name in batch/work.py.

    The scheduler reads all that it passes on. It can read this function without the project and
    without torch, because a function inside a function is sent whole.
    """

    def call(*arguments):
        from batch import work

        return getattr(work, name)(*arguments)

    call.__name__ = name  # the dashboard shows it
    return call


def on_cluster(jobs: Iterable[Job], client: Client, threads: int = 1) -> Iterator[Outcome]:
    """Runs jobs on the workers of a cluster and yields each Outcome as soon as it is there.

    Only so many jobs are sent that every worker has one in reserve. Raises: ConnectionError if the
    scheduler goes away.
    """
    cluster = Jobs(client, threads)
    waiting = iter(jobs)
    try:
        while True:
            yield from cluster.fill(waiting)
            if not cluster.under_way:
                return
            yield cluster.next()
    except GeneratorExit:  # somebody interrupts
        client.cancel(list(cluster.under_way))
        raise


class Jobs:
    """The jobs that a cluster has been given and has not finished."""

    def __init__(self, client: Client, threads: int):
        self.client = client
        self.threads = threads
        self.under_way = {}  # future -> job
        self.finished = as_completed(loop=client.loop)
        self.sent = {}  # (hash, size) of a picture -> future of its bytes, the last used at the end
        self.counted = -float("inf")  # when the cluster's threads were counted
        self.slots = 0

    def fill(self, waiting: Iterator[Job]) -> Iterator[Outcome]:
        """Sends jobs until all workers have enough; yields the jobs that cannot be sent."""
        while len(self.under_way) < self.room():
            job = next(waiting, None)
            if job is None:
                return
            try:
                pixels = [self.load(one, job.settings["size"]) for one in (job.content, job.style)]
            except (OSError, ValueError, MemoryError) as error:
                yield Outcome(job, None, reason(error, job))
                continue
            future = self.submit(job, pixels)
            self.under_way[future] = job
            self.finished.add(future)

    def room(self) -> int:
        """How many jobs may be under way. Workers may come and go while the jobs run."""
        if time.monotonic() - self.counted > RECOUNT_SECONDS:
            try:
                self.slots = sum(self.client.nthreads().values())
            except OSError as error:
                raise self.lost() from error
            self.counted = time.monotonic()
        return max(1, AHEAD * self.slots)

    def load(self, picture: Picture, size: int) -> np.ndarray | None:
        """The pixels of a picture, or None if the cluster has it already."""
        if (picture.sha256, size) in self.sent:
            return None
        return work.load_pixels(picture.path, size)

    def submit(self, job: Job, pixels: list[np.ndarray | None]) -> Future:
        """Gives a job to the cluster, with the pictures that it does not have yet."""
        futures = []
        for picture, loaded in zip((job.content, job.style), pixels, strict=True):
            futures.append(self.send((picture.sha256, job.settings["size"]), loaded))
        paint = on_worker("paint")
        future = self.client.submit(paint, job.settings, *futures, self.threads, pure=False)
        while len(self.sent) > MOST_SENT:
            del self.sent[next(iter(self.sent))]  # jobs under way hold on to theirs
        return future

    def send(self, key: tuple[str, int], pixels: np.ndarray | None) -> Future:
        """The future of a picture on the cluster. It is sent once, and workers pass it on.

        It is the result of a task. So if the worker that has it dies, the scheduler makes it again.
        """
        future = self.sent.pop(key, None)
        if future is None:
            future = self.client.submit(on_worker("arrive"), pixels, pure=False)
        self.sent[key] = future
        return future

    def next(self) -> Outcome:
        """Waits for the next job to finish."""
        future = next(self.finished)
        job = self.under_way.pop(future)
        if future.status == "finished":
            return Outcome(job, future.result())
        if future.status == "error":
            return Outcome(job, None, reason(future.exception(), job))
        raise self.lost()

    def lost(self) -> ConnectionError:
        """The error that says that the scheduler is gone."""
        address = self.client.scheduler.address
        return ConnectionError(
            f"the scheduler at {address} went away; what is done is kept, and --resume goes on "
            "from there"
        )


def dashboard(client: Client) -> str:
    """The address of Dask's page that shows the cluster at work."""
    link = client.dashboard_link
    if importlib.util.find_spec("bokeh") is None:
        link += " (the page needs the package bokeh where the scheduler runs: pip install bokeh)"
    return link
