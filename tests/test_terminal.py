"""terminal.py: streams that fail and signals, tried on small programs in processes of their own."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from style_transfer import terminal

ROOT = Path(__file__).resolve().parents[1]

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")


def process(body, **options):
    """Starts a program whose `main` has the given body, under `terminal.run`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    program = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from style_transfer import terminal\n"
        f"def main():\n{lines}"
        "sys.exit(terminal.run(main))\n"
    )
    return subprocess.Popen([sys.executable, "-c", program], env=environment(), **options)


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


WORDS = """\
print("words")
sys.stderr.write("bar")
Path("result").write_text("saved")
print("more words", flush=True)
return 7"""


@needs_full
def test_streams_that_cannot_be_written_cost_nothing(tmp_path):
    with open("/dev/full", "w") as full:
        done = process(WORDS, cwd=tmp_path, stdout=full, stderr=full)
        assert done.wait() == 7
    assert (tmp_path / "result").read_text() == "saved"


def test_a_reader_that_goes_away_costs_nothing(tmp_path):
    body = WORDS.replace('print("words")', "sys.stdin.read()")
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    done = process(body, cwd=tmp_path, **pipes)
    done.stdout.close()
    done.stdin.close()  # only now it goes on, and prints
    said = done.stderr.read().decode()
    assert done.wait() == 7
    assert said == "bar"
    assert (tmp_path / "result").read_text() == "saved"


@needs_signals
def test_streams_that_are_closed_from_the_start_cost_nothing(tmp_path):
    body = WORDS
    done = process(body, cwd=tmp_path, preexec_fn=lambda: (os.close(1), os.close(2)))
    assert done.wait() == 7
    assert (tmp_path / "result").read_text() == "saved"


def test_what_a_terminal_cannot_show_is_spelled_out():
    program = (
        "import sys; from style_transfer import terminal\n"
        "sys.exit(terminal.run(lambda: print('b\\xe4ume', sys.stdout.encoding)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "b\\xe4ume ascii\n"


SLEEP = """\
try:
    print("ready", flush=True)
    time.sleep(30)
except KeyboardInterrupt:
    SECOND
    time.sleep(0.1)
    print("saved")
    return 5
return 6"""


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_acts_as_ctrl_c_does(name):
    second = "pass" if name == "SIGINT" else "os.kill(os.getpid(), signal.SIGTERM)"
    done = process(
        SLEEP.replace("SECOND", second),
        stdout=subprocess.PIPE,
        text=True,
        # A job in the background ignores Ctrl-C, and one under nohup SIGHUP. Children inherit that.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )
    assert done.stdout.readline() == "ready\n"
    done.send_signal(getattr(signal, name))
    assert done.stdout.read() == "saved\n"  # a second signal meanwhile changes nothing
    assert done.wait() == 5


@needs_signals
def test_nohup_stays_in_force():
    body = "os.kill(os.getpid(), signal.SIGHUP)\nreturn 4"
    done = process(body, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert done.wait() == 4


@needs_signals
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_nothing_interrupts_a_short_write(name):
    number = getattr(signal, name)
    before = signal.signal(number, signal.default_int_handler)
    written = []
    try:
        with pytest.raises(KeyboardInterrupt), terminal.uninterrupted():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGINT)
            written.append("whole")
        assert written == ["whole"]  # the signal is put off, and it is not lost
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)


@needs_signals
def test_a_signal_that_is_ignored_stays_ignored_while_something_is_written():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with terminal.uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_write_in_a_thread_is_not_put_off():
    def elsewhere():
        with terminal.uninterrupted():
            done.append("in a thread")

    done = []
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert done == ["in a thread"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"), True),
        (RuntimeError("std::bad_alloc"), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (ImportError("libx.so: cannot open shared object file: Cannot allocate memory"), True),
        (ImportError("No module named 'torch'"), False),
        (RuntimeError("the sizes differ"), False),
        (OSError(12, "Cannot allocate memory"), True),
        (OSError(28, "No space left on device"), False),
        (ValueError("memory"), False),
    ],
)
def test_every_way_to_say_that_memory_ran_out_is_known(error, expected):
    assert terminal.is_out_of_memory(error) is expected
