"""Several threads at once, with and without the lock of the interpreter."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pyarrow
import pytest

import parcap
from conftest import DATA

THREADS = 8
Result = TypeVar("Result")


def at_once(work: Callable[[int], Result]) -> list[Result]:
    """What each of eight threads returns, none of which begins before all are there."""
    there = threading.Barrier(THREADS)

    def wait_and_work(number: int) -> Result:
        there.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(wait_and_work, range(THREADS)))


def test_eight_threads_read_the_same_rows(office: str) -> None:
    alone = parcap.read(office).to_arrow()
    assert alone.num_rows == 468
    for table in at_once(lambda number: parcap.read(office, batch_rows=20 + number, jobs=2).to_arrow()):
        assert table == alone
    # Of one description too, whatever asks.
    packets = parcap.read(office, batch_rows=50)
    asked: list[Callable[[], pyarrow.Table]] = [packets.to_arrow, lambda: pyarrow.table(packets)]
    for table in at_once(lambda number: asked[number % 2]()):
        assert table == alone
    assert at_once(lambda number: packets.head(number).count()) == list(range(THREADS))


def test_one_pass_gives_each_batch_to_one_thread(office: str) -> None:
    with parcap.read(office, batch_rows=5, jobs=2).batches() as batches:
        parts = at_once(lambda number: [pyarrow.record_batch(batch) for batch in batches])
    rows = pyarrow.Table.from_batches([batch for part in parts for batch in part])
    assert rows.num_rows == 468
    alone = parcap.read(office).to_arrow()
    assert rows.sort_by("time").column("time") == alone.sort_by("time").column("time")


def test_each_pass_tells_of_its_damage(office: str, cut: str) -> None:
    packets = parcap.read([office, cut], on_damage="raise", batch_rows=50)

    def told(number: int) -> str:
        with pytest.raises(parcap.DamagedError) as raised:
            packets.to_arrow()
        return str(raised.value)

    assert len(set(at_once(told))) == 1
    # Also if a later one has begun meanwhile.
    first, second = packets.batches(), packets.batches()
    for batches in [first, second]:
        with pytest.raises(parcap.DamagedError, match="is cut off at byte"):
            list(batches)


def test_eight_threads_make_eight_lakes(tmp_path: Path) -> None:
    def made(number: int) -> dict[str, bytes]:
        lake = tmp_path / str(number)
        assert parcap.convert(DATA / "captures", lake, jobs=1)["rows"] == 1331
        return {str(part.relative_to(lake)): part.read_bytes() for part in lake.rglob("*.parquet")}

    lakes = at_once(made)
    assert len(lakes[0]) > 10 and all(lake == lakes[0] for lake in lakes)


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has the lock always")
def test_the_lock_of_the_interpreter_stays_away(office: str) -> None:
    # Of its own: another library may bring the lock back.
    code = f"""
import sys
assert not sys._is_gil_enabled()
import parcap
assert not sys._is_gil_enabled(), "after the import"
assert parcap.read({office!r}).count() == 468
assert not sys._is_gil_enabled(), "after reading"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
