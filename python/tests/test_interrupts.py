"""Ctrl-C ends a wait for packets, in parcap and in other libraries. A pass that is left early leaves no thread."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import parcap


TASKS = Path("/proc/self/task")


def workers() -> list[str]:
    """The threads that read packets, by name. Other libraries' threads come and go as they like."""
    names = []
    for task in TASKS.iterdir():
        # It may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append((task / "comm").read_text().strip())
    # The threads for requests to object stores stay as long as the process.
    return [name for name in names if name.startswith("parcap-") and name != "parcap-net"]


def wait_for_workers(are_there: bool) -> None:
    """A thread names itself once it runs, and may end a little after the pass."""
    deadline = time.monotonic() + 10
    while bool(workers()) != are_there and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bool(workers()) == are_there, workers()


@pytest.mark.skipif(not TASKS.exists(), reason="looks at threads as Linux lists them")
def test_a_pass_that_is_left_early_leaves_no_thread(office: str) -> None:
    wait_for_workers(False)
    for taken in [0, 1, 3]:
        with parcap.read([office] * 50, batch_rows=5, jobs=3).batches() as batches:
            for _ in range(taken):
                assert next(batches).num_rows == 5
            wait_for_workers(True)
        wait_for_workers(False)
    iterator = iter(parcap.read([office] * 50, batch_rows=5))
    next(iterator)
    wait_for_workers(True)
    del iterator
    wait_for_workers(False)


def test_a_forked_process_is_told_and_does_not_wait(office: str) -> None:
    code = f"""
import os, parcap, signal, warnings
warnings.simplefilter("ignore")
signal.alarm(20)
batches = parcap.read({office!r}, batch_rows=5).batches()
next(batches)
child = os.fork()
if child == 0:
    try:
        next(batches)
    except RuntimeError as error:
        assert "after a fork" in str(error)
        os._exit(0 if parcap.read({office!r}).count() == 468 else 1)
    os._exit(2)
assert os.waitpid(child, 0)[1] == 0
assert sum(batch.num_rows for batch in batches) == 463
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_another_thread_runs_while_captures_are_read(office: str) -> None:
    steps, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            steps[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    parcap.read([office] * 20).to_arrow()
    done.set()
    thread.join()
    assert steps[0] > 0


def started(reading: str, fifo: Path) -> subprocess.Popen[bytes]:
    """A process that reads a FIFO in some way, and says so if that was interrupted."""
    os.mkfifo(fifo)
    code = f"""
import parcap, polars, pyarrow, time
fifo, lake = {str(fifo)!r}, {str(fifo.with_name("lake"))!r}
packets = parcap.read(fifo)
try:
    try:
        {reading}
    finally:
        # A library makes an error of its own of it, and Python hears of it again.
        time.sleep(1)
except (KeyboardInterrupt, pyarrow.ArrowInvalid, polars.exceptions.ComputeError, RuntimeError):
    print("interrupted", flush=True)
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "reading",
    [
        "list(packets)",
        "packets.to_arrow()",
        "pyarrow.table(packets)",
        "polars.DataFrame(packets)",
        "parcap.convert(fifo, lake)",
    ],
)
def test_ctrl_c_ends_a_wait_for_packets(reading: str, office: str, tmp_path: Path) -> None:
    process = started(reading, tmp_path / "fifo")
    with open(tmp_path / "fifo", "wb") as writer:
        # A header and some packets, and then nothing more comes.
        writer.write(Path(office).read_bytes()[:2000])
        writer.flush()
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert out == b"interrupted\n"


@pytest.mark.parametrize(
    "reading",
    [
        "parcap.scan_polars(fifo).collect()",
        "parcap.scan_polars(fifo).filter(polars.col('length') > 0).collect(engine='streaming')",
    ],
)
def test_ctrl_c_ends_a_query_of_an_endless_capture(reading: str, office: str, tmp_path: Path) -> None:
    process = started(reading, tmp_path / "fifo")
    capture = Path(office).read_bytes()
    interrupted = threading.Event()

    def interrupt() -> None:
        interrupted.set()
        process.send_signal(signal.SIGINT)

    with open(tmp_path / "fifo", "wb") as writer:
        threading.Timer(1.5, interrupt).start()
        with pytest.raises(BrokenPipeError):
            # The header, and then the same packets for ever.
            writer.write(capture[:24])
            while True:
                writer.write(capture[24:])
        # It was not for a fault that the reader went away.
        assert interrupted.is_set()
        # Closing would write what is left.
        with contextlib.suppress(BrokenPipeError):
            writer.close()
    out, _ = process.communicate(timeout=60)
    assert out == b"interrupted\n"


def test_ctrl_c_is_not_lost_in_a_query_of_duckdb(office: str, tmp_path: Path) -> None:
    """Its main thread takes the signal, and may then wait until its workers have read the capture to the end."""
    query = "__import__('duckdb').sql('select count(distinct time) from packets').fetchall()"
    reading = f"try: {query}\n        except __import__('duckdb').Error: pass"
    process = started(reading, tmp_path / "fifo")
    capture = Path(office).read_bytes()
    with contextlib.suppress(BrokenPipeError), open(tmp_path / "fifo", "wb") as writer:
        threading.Timer(1.5, process.send_signal, [signal.SIGINT]).start()
        end = time.monotonic() + 3
        writer.write(capture[:24])
        while time.monotonic() < end:
            writer.write(capture[24:])
    out, _ = process.communicate(timeout=60)
    assert out == b"interrupted\n"
