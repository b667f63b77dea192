"""many.py and its engine: grids, faults, and a real scheduler with real workers on loopback."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

import many
from batch import jobs, work
from batch.record import SHEET, TABLE, Record
from style_transfer.settings import ASSETS, ONE_PASS

ROOT = Path(many.__file__).parent
SMALL = ["--size", "48", "--steps", "4"]
PATIENCE = 240  # seconds after which a test gives up; a busy machine may need many of them

# The tests compare processes, so all of them compute on the CPU.
ENVIRONMENT = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_WAIT_POLICY": "PASSIVE"}


def start(*words, cwd):
    """`python many.py WORDS` in a process and a process group of its own.

    A program that was started in the background of a shell ignores SIGINT, and so do the programs
    that it starts. So the signal is set back.
    """
    return subprocess.Popen(
        [sys.executable, str(ROOT / "many.py"), *map(str, words)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process):
    """Waits for a process; returns its status, what it printed, and its error lines."""
    try:
        out, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    # The bar rewrites its line; what is not the bar counts.
    lines = [line.strip() for line in errors.replace("\r", "\n").splitlines()]
    return process.returncode, out, [line for line in lines if line and "picture" not in line[:90]]


def run(*words, cwd):
    return finish(start(*words, cwd=cwd))


def wait_until(condition, process=None):
    """Polls until the condition holds; a process that ends before that is a failure."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for too long"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def pictures(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def rows(folder):
    with (folder / TABLE).open(newline="", encoding="utf-8") as stream:
        return {row["picture"]: row for row in csv.DictReader(stream)}


def no_part_is_left(folder):
    return not list(folder.glob(".*"))


# ------------------------------------------------------------------------------ jobs


def settings(**changes):
    return jobs.combinations(jobs.default_settings() | changes, {})[0]


def test_a_grid_has_every_combination_once():
    photos = jobs.with_hashes(jobs.find_pictures("--content", ["china", "chelsea"]))
    paintings = jobs.with_hashes(jobs.find_pictures("--style", ["starry_night"]))
    sweeps = dict(map(jobs.read_sweep, ["style-weight=1,1e2,100", "start=content,noise"]))
    chosen = jobs.combinations(jobs.default_settings(), sweeps)
    grid = jobs.grid(photos, paintings, chosen, list(sweeps))
    assert [job.name for job in grid][:4] == [
        "china_starry_night_start-content_style-weight-1",
        "china_starry_night_start-noise_style-weight-1",
        "china_starry_night_start-content_style-weight-100",
        "china_starry_night_start-noise_style-weight-100",
    ]
    assert len(grid) == 2 * 1 * 2 * 2  # 1e2 and 100 are one value
    assert len({job.fingerprint for job in grid}) == len({job.name for job in grid}) == 8
    assert grid[0].settings["style_weight"] == 1.0 and grid[0].settings["size"] == 512


def test_a_fingerprint_depends_on_settings_and_bytes_alone(tmp_path):
    first = settings(style_weight=10.0)
    mark = jobs.fingerprint("a" * 64, "b" * 64, first)
    assert jobs.fingerprint("a" * 64, "b" * 64, dict(reversed(first.items()))) == mark
    others = [
        jobs.fingerprint("b" * 64, "a" * 64, first),
        jobs.fingerprint("a" * 64, "b" * 64, settings(style_weight=11.0)),
        jobs.fingerprint("a" * 64, "b" * 64, settings(style_weight=10.0, seed=1)),
    ]
    weights = tmp_path / "weights.pt"
    for content in (b"one", b"two"):  # a file of weights counts by its bytes, not by its name
        weights.write_bytes(content)
        others.append(jobs.fingerprint("a" * 64, "b" * 64, first | {"network": str(weights)}))
    assert len({mark, *others}) == 6


def test_pictures_of_one_name_and_pictures_of_the_same_bytes(tmp_path):
    for folder, source in (("a", "china"), ("b", "chelsea"), ("c", "china")):
        (tmp_path / folder).mkdir()
        data = (ASSETS / f"{source}.jpg").read_bytes()
        (tmp_path / folder / "me.jpg").write_bytes(data)
        (tmp_path / folder / "notes.txt").write_text("no picture")
    words = [str(tmp_path / folder) for folder in "abc"]
    found = jobs.with_hashes(jobs.find_pictures("--content", words))
    assert [one.path.parent.name for one in found] == ["a", "b"]  # c has the bytes of a
    assert len({one.name for one in found}) == 2
    assert all(one.name.startswith("me-") for one in found)


def test_a_name_says_what_differs_from_the_defaults():
    photo, painting = jobs.with_hashes([ASSETS / "china.jpg", ASSETS / "starry_night.jpg"])

    def name(swept=(), **changes):
        return jobs.result_name(photo, painting, settings(**changes), list(swept))

    assert name() == "china_starry_night"
    assert name(["style_weight"]) == "china_starry_night_style-weight-400"
    assert name(["pooling"], pooling="max") == "china_starry_night_pooling-max"
    assert name(size=64, steps=9) == "china_starry_night_size-64_steps-9"
    assert name(sizes="32,64") == "china_starry_night_sizes-32-64"
    assert name(network=str(ASSETS / "pocket_vgg19.pt")).endswith("network-pocket_vgg19")


def test_every_flag_of_the_table_is_honored():
    assert set(work.HONORED) == set(jobs.default_settings())


def test_every_setting_reaches_the_picture():
    photo, painting = (work.load_pixels(name, 48) for name in ("china", "starry_night"))
    # Some settings show only together with another one.
    base = settings(size=48, steps=4, start="noise")
    changes = [
        {"style_weight": 7.0},
        {"content_weight": 9.0},
        {"tv_weight": 50.0},
        {"grain_weight": 900.0},
        {"style_layers": ["relu1_1"]},
        {"sizes": "32,48"},
        {"steps": 5},
        {"method": "adam"},
        {"method": ONE_PASS, "steps": None},
        {"method": ONE_PASS, "steps": None, "strength": 0.5},
        {"lr": 0.2},
        {"start": "content"},
        {"seed": 1},
        {"pooling": "max"},
        {"padding": "reflect"},
        {"network": str(ASSETS / "pocket_vgg19.pt"), "precision": "float32"},
        {"precision": "bfloat16"},
    ]
    made = [work.paint(base | change, photo, painting).png for change in ({}, {}, *changes)]
    assert made[0] == made[1]
    precisions = 1  # auto is one of the two
    assert len(set(made)) >= 1 + len(changes) - precisions
    missing = set(jobs.default_settings()) - {name for change in changes for name in change}
    assert missing == {"size"}


def test_the_network_and_the_grams_are_made_once_per_process(monkeypatch):
    from style_transfer import losses

    counted = []
    original = losses.fast_gram_matrix

    def counting(features):
        if not features.requires_grad:
            counted.append(features.shape)
        return original(features)

    photo, painting = (work.load_pixels(name, 40) for name in ("china", "starry_night"))
    chosen = settings(size=40, steps=2, seed=123)
    assert work.network(chosen)[0] is work.network(dict(chosen))[0]
    work.network(chosen)[1].clear()
    monkeypatch.setattr(losses, "fast_gram_matrix", counting)
    work.paint(chosen, photo, painting)
    first = len(counted)
    work.paint(chosen | {"style_weight": 5.0}, photo, painting)
    again = len(counted) - first
    assert first - again == len(chosen["style_layers"])  # the painting's own, one per layer


def test_recent_forgets_the_oldest():
    recent = work.Recent()
    for key in range(recent.MOST + 3):
        recent[key] = key
    assert list(recent) == list(range(3, recent.MOST + 3))


# ------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--content", "missing"], "--content missing: no such file or folder"),
        (["--content", "."], "the folder has no picture"),
        (["--sweep", "style-weight"], "give values with commas"),
        (["--sweep", "style-weight=1,,2"], "give values with commas"),
        (["--sweep", "style-weight=1,x"], "invalid float value: 'x'"),
        (["--sweep", "style-weight=1,-1"], "--style-weight is -1.0"),
        (["--sweep", "color=1"], "there is no 'color'; it must be one of size,"),
        (["--sweep", "sizes=1,2"], "there is no 'sizes'"),
        (["--sweep", "start=content,nothing"], "--start is 'nothing'; it must be one of recolored"),
        (["--sweep", "seed=1,2", "--sweep", "seed=3"], "names one flag twice"),
        (["--steps", "0"], "--steps is 0"),
        (["--lr", "nan"], "--lr is nan"),
        (["--network", "vgg16"], "--network is 'vgg16'"),
        (["--workers", "-1"], "--workers is -1"),
        (["--workers", "many"], "invalid int value"),
        (["--threads", "0"], "--threads is 0"),
        (["--workers", "2", "--cluster", "tcp://127.0.0.1:1"], "give one of them"),
        (["--cluster", "127.0.0.1:8786"], "give tcp://HOST:PORT"),
        (["--cluster", "tcp://127.0.0.1:none"], "give tcp://HOST:PORT"),
        (["--cluster", "tcp://127.0.0.1:1"], "no scheduler answers at tcp://127.0.0.1:1"),
        (["-c", str(ASSETS / "china.jpg"), "-o", str(ASSETS)], "is one of the pictures"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_a_mistake_ends_in_one_line_and_status_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        status = many.main(words)
    except SystemExit as end:  # argparse's own way out
        status = end.code
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 2
    assert len(said) == 1 and said[0].startswith("many.py: ") and message in said[0], said
    assert not list(tmp_path.iterdir())


def test_a_mistake_is_answered_before_torch_and_dask_are_loaded():
    code = (
        "import sys, many; many.main(['--steps', '0']); "
        "assert not {'torch', 'matplotlib', 'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_what_answers_and_is_no_scheduler(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close(), daemon=True)
        thread.start()
        assert many.main(["--cluster", f"tcp://127.0.0.1:{server.getsockname()[1]}"]) == 2
    assert "no scheduler answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style-layers", "relu9_1"], "no layer 'relu9_1'"),
        (["--network", __file__], "is not a file of weights"),
    ],
)
def test_a_mistake_that_torch_finds_is_one_line_too(words, message, tmp_path, capsys):
    assert many.main([*words, *SMALL, "--workers", "0", "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and message in said[0], said


# ------------------------------------------------------------------------------ one process


def test_resume_is_judged_by_settings_and_bytes(tmp_path, capsys):
    photo = tmp_path / "photos" / "me.jpg"
    photo.parent.mkdir()
    photo.write_bytes((ASSETS / "china.jpg").read_bytes())
    out = tmp_path / "out"
    base = ["-c", str(photo.parent), *SMALL, "--workers", "0", "-o", str(out)]

    def made(*words):
        """Runs the program and returns how many pictures were made, by their times of writing."""
        before = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
        assert many.main([*base, *words]) == 0, capsys.readouterr().err
        after = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
        return sum(before.get(path) != written for path, written in after.items())

    assert made("--sweep", "style-weight=1,10") == 2
    assert many.main([*base, "--sweep", "style-weight=1,10"]) == 2  # without --resume
    assert "add --resume" in capsys.readouterr().err
    assert made("--sweep", "style-weight=1,10", "--resume") == 0
    assert made("--sweep", "style-weight=1,10,100", "--resume") == 1
    assert made("--sweep", "style-weight=1,10,100", "--tv-weight=1", "--resume") == 3
    photo.rename(photo.with_name("you.jpg"))  # another name, the same bytes
    assert made("--sweep", "style-weight=1,10,100", "--resume") == 0
    changed = (ASSETS / "chelsea.jpg").read_bytes()
    photo.with_name("you.jpg").write_bytes(changed)  # the same name, other bytes
    assert made("--sweep", "style-weight=1,10,100", "--resume") == 3
    victim = next(out.glob("you_*_style-weight-1.png"))
    victim.write_bytes(victim.read_bytes()[:-9])  # a harmed result
    assert made("--sweep", "style-weight=1,10,100", "--resume") == 1
    next(out.glob("you_*_style-weight-10.png")).unlink()
    assert made("--sweep", "style-weight=1,10,100", "--resume") == 1
    assert no_part_is_left(out)


def test_a_bad_picture_is_listed_and_the_rest_goes_on(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((ASSETS / "china.jpg").read_bytes())
    (folder / "b.jpg").write_bytes(b"no picture at all")
    (folder / "c.png").write_bytes((ASSETS / "chelsea.jpg").read_bytes())
    Image.new("RGB", (300, 3)).save(folder / "d.png")  # too flat for the network
    out = tmp_path / "out"
    words = ["-c", str(folder), *SMALL, "--workers", "0", "-o", str(out)]
    assert many.main(words) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("many.py")]
    assert len(said) == 2
    assert "b_starry_night" in said[0] and "cannot be read as a picture" in said[0]
    assert "d_starry_night" in said[1] and "needs 16x16 or more" in said[1]
    assert {name[0] for name in pictures(out)} == {"a", "c"}
    table = rows(out)
    assert len(table) == 4
    assert {name[0] for name, row in table.items() if row["error"]} == {"b", "d"}

    Image.new("RGB", (64, 48), "teal").save(folder / "b.jpg")
    assert many.main([*words, "--resume"]) == 1
    assert {name[0] for name in pictures(out)} == {"a", "b", "c"}


def test_the_table_and_the_contact_sheet(tmp_path):
    out = tmp_path / "out"
    sweep = ["--sweep", "style-weight=1,1e4", "--sweep", "method=adam,lbfgs"]
    assert many.main([*SMALL, *sweep, "--workers", "0", "-o", str(out)]) == 0
    table = rows(out)
    assert set(table) == set(pictures(out)) and len(table) == 4
    for row in table.values():
        parts = [float(row[f"loss_{term}"]) for term in ("content", "style", "tv", "grain")]
        assert float(row["loss"]) == pytest.approx(sum(parts), rel=1e-4)
        assert float(row["seconds"]) > 0 and row["evaluations"] == "4" and row["threads"] == "1"
    assert {row["style_weight"] for row in table.values()} == {"1", "10000"}
    with Image.open(out / SHEET) as sheet:
        assert sheet.width == 4 * 168  # four combinations in a row
        assert len(sheet.convert("RGB").getcolors(sheet.width * sheet.height)) > 500


def test_a_table_of_another_program_is_refused(tmp_path, capsys):
    (tmp_path / TABLE).write_text("name,age\nme,7\n")
    assert many.main([*SMALL, "--workers", "0", "-o", str(tmp_path), "--resume"]) == 2
    assert "has no column" in capsys.readouterr().err
    assert (tmp_path / TABLE).read_text() == "name,age\nme,7\n"


def test_a_record_survives_a_full_disk(tmp_path, monkeypatch):
    from batch import record

    photo, painting = jobs.with_hashes([ASSETS / "china.jpg", ASSETS / "starry_night.jpg"])
    first, second = jobs.grid([photo], [painting], [settings(), settings(seed=1)], ["seed"])
    results = Record(tmp_path)
    painted = work.Painted(b"png", {"content": 1.0}, 4, 0.1, 1, "cpu", "me-1")
    results.keep(first, painted)
    before = (tmp_path / TABLE).read_text()

    def full(path, suffixes, write):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        results.keep(second, painted)
    assert (tmp_path / TABLE).read_text() == before
    assert Record(tmp_path).find(first) is not None


# ------------------------------------------------------------------------------ processes

GRID = [
    *("-c", "china", "chelsea", "-s", "starry_night", "hokusai_great_wave"),
    *("--sweep", "style-weight=1e1,1e2,1e3", "--size", "64", "--steps", "30"),
]
GRID_SIZE = 12


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """The pictures of GRID, made one after another in one process."""
    folder = tmp_path_factory.mktemp("one")
    status, _, errors = run(*GRID, "--workers", "0", "-o", "out", cwd=folder)
    assert status == 0, errors
    return pictures(folder / "out")


@contextlib.contextmanager
def dask(folder, count):
    """A scheduler and workers on loopback, each in a process of its own, without a nanny."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": ENVIRONMENT}
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    command = [sys.executable, "-m", "dask", "scheduler", *here, "--port", "0"]
    # It starts in a folder without the project, which a scheduler does not need.
    processes = [subprocess.Popen([*command, "--scheduler-file", file], cwd=folder, **quiet)]
    try:
        address = None

        def known():
            nonlocal address
            with contextlib.suppress(OSError, ValueError):
                address = json.loads(file.read_text())["address"]
            return address is not None

        wait_until(known)
        command = [sys.executable, "-m", "dask", "worker", address, "--no-nanny", *here]
        for _ in range(count):
            words = [*command, "--nthreads", "1", "--local-directory", str(folder)]
            processes.append(subprocess.Popen(words, cwd=ROOT, **quiet))
        yield address, processes[0], processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_one_of_two_workers_is_killed_and_every_picture_arrives(tmp_path, one_process):
    out = tmp_path / "out"
    with dask(tmp_path, 2) as (address, scheduler, workers):
        process = start(*GRID, "--cluster", address, "-o", "out", cwd=tmp_path)
        wait_until(lambda: len(pictures(out)) >= 2, process)
        workers[0].kill()
        assert len(pictures(out)) < GRID_SIZE
        status, said, errors = finish(process)
        assert status == 0, errors
        assert "dashboard: http://127.0.0.1:" in said
        assert pictures(out) == one_process  # the same bytes, whoever made them

        # The scheduler goes away in the middle of another run: one line, and what is done is kept.
        again = tmp_path / "again"
        process = start(*GRID, "--cluster", address, "-o", "again", cwd=tmp_path)
        wait_until(lambda: len(pictures(again)) >= 2, process)
        scheduler.kill()
        status, _, errors = finish(process)
        assert status == 2
        assert len(errors) == 1 and "went away; what is done is kept" in errors[0], errors
        assert 2 <= len(rows(again)) < GRID_SIZE and no_part_is_left(again)


def test_a_killed_program_goes_on_where_it_was(tmp_path, one_process):
    out = tmp_path / "out"
    process = start(*GRID, "--workers", "2", "-o", "out", cwd=tmp_path)
    # A picture counts as done if it is in the table.
    wait_until(lambda: (out / TABLE).exists() and len(rows(out)) >= 2, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    done = rows(out)
    assert len(done) < GRID_SIZE
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1], "workers outlive the program"
    times = {name: (out / name).stat().st_mtime_ns for name in done}

    status, said, errors = run(*GRID, "--workers", "2", "-o", "out", "--resume", cwd=tmp_path)
    assert status == 0, errors
    assert f"of which {len(done)} are there already" in said
    assert times == {name: (out / name).stat().st_mtime_ns for name in done}
    assert pictures(out) == one_process and len(rows(out)) == GRID_SIZE


def test_a_local_worker_is_replaced_and_nothing_listens_to_the_world(tmp_path, one_process):
    out = tmp_path / "out"
    process = start(*GRID, "--workers", "1", "-o", "out", cwd=tmp_path)
    wait_until(lambda: len(pictures(out)) >= 2, process)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    listening = [
        connection.laddr
        for member in family
        for connection in member.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3 and {address.ip for address in listening} == {"127.0.0.1"}
    (worker,) = {row["worker"] for row in rows(out).values()}
    os.kill(int(worker.rpartition("-")[2]), signal.SIGKILL)
    status, _, errors = finish(process)
    assert status == 0, errors
    assert pictures(out) == one_process
    assert len({row["worker"] for row in rows(out).values()}) == 2


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupt_keeps_what_is_done(workers, tmp_path):
    out = tmp_path / "out"
    process = start(*GRID, "--workers", workers, "-o", "out", cwd=tmp_path)
    wait_until(lambda: len(pictures(out)) >= 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as the keys Ctrl and C do
    status, _, errors = finish(process)
    assert status == 130
    assert len(errors) == 1 and "interrupted" in errors[0], errors
    assert 2 <= len(rows(out)) < GRID_SIZE
    assert (out / SHEET).exists() and no_part_is_left(out)
