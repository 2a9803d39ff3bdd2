#!/usr/bin/env python3
"""What Spark adds to the units of a conversion, and how far a driver gets with more executors.

Converts the hour of data/captures, repeated, on a cluster of this machine: two executors of one core each. Then does the same plan
again with more executors, whose units sleep for as long as they took and give the same rows, so there may be more
executors than cores. Prints a line for each: the wall time of plan, units and commit, and that of the units beside the
time that they took themselves, spread evenly.

Needs an environment with parcap and pyspark: python scripts/spark/scaling.py [--units 1000] [--tasks 16]
Exit status 0 if every unit went well, and the lake of those that work has all packets.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import parcap
import parcap.spark
import standalone

ROOT = Path(__file__).parents[2]
# What executors import instead of parcap: a unit that sleeps. times.json has the time and the row of each.
SLEEPER = '''
import json, os, time
from pathlib import Path
_folder = Path(__file__).parents[1]
_times = json.loads((_folder / "times.json").read_text())

def convert_unit(place, out, *, of):
    begin = time.perf_counter()
    name, seconds = _times[place]
    row = (_folder / "rows" / name).read_text()
    kept = Path(out, "_parcap", "units", of, "rows", name)
    time.sleep(max(0.0, seconds - (time.perf_counter() - begin)))
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(row)
    return json.dumps({"records": 0, "damaged": 0})
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--unit-size", type=int, default=1_000_000, help="bytes of the capture that a unit reads; 64 MiB is usual")
    parser.add_argument("--tasks", type=int, help="the default is four for each core")
    parser.add_argument("--executors", type=int, nargs="*", default=[1, 2, 4, 8, 16], help="of sleeping units")
    parser.add_argument("--seconds", type=float, help="sleep this long in each unit, instead of the time that was measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parcap") as folder:
        run(Path(folder), given)
    return 0


def run(folder: Path, given: argparse.Namespace) -> None:
    archive = folder / "archive"
    archive.mkdir()
    hour = ROOT / "data" / "captures" / "office-hour.pcap"
    packets = standalone.repeat_capture(hour, archive / "hours.pcap", given.units * given.unit_size, shift_s=10)
    shape: dict[str, Any] = {"chunk_size": f"{given.unit_size}B", "target_file_size": "8KiB"}
    lake = folder / "lake"
    print(f"{packets:,} packets\n{'':18} plan    units   commit | units x executors / their own time   (ideal)")

    cluster = standalone.Cluster(folder / "real")
    try:
        with standalone.session(cluster) as spark:
            warm_up(spark, 2)
            begin = time.perf_counter()
            first, *units = parcap.plan(archive, lake, keep=True, **shape)
            planned = time.perf_counter() - begin
            plan = json.loads(first)
            rows, took = collected(parcap.spark.converted(spark, plan, units, lake, tasks=given.tasks))
            rows_of_it = folder / "rows"
            kept = lake / "_parcap" / "units" / plan["plan"]
            shutil.copytree(kept / "rows", rows_of_it)
            begin = time.perf_counter()
            assert parcap.commit(lake, plan=plan["plan"])["rows"] == packets
            tell("2 that work", 2, planned, took, time.perf_counter() - begin, rows)
    finally:
        cluster.stop()

    fake = folder / "parcap"
    fake.mkdir()
    (fake / "__init__.py").write_text(SLEEPER)
    seconds = [given.seconds or row.seconds for row in sorted(rows, key=lambda row: row.place)]
    names = [f"{json.loads(unit)['id']}.json" for unit in units]
    (folder / "times.json").write_text(json.dumps(list(zip(names, seconds, strict=True))))
    for executors in given.executors:
        cluster = standalone.Cluster(folder / f"of-{executors}", workers=1, cores=executors, memory=f"{executors}g")
        try:
            with standalone.session(cluster, spark__executorEnv__PYTHONPATH=folder) as spark:
                warm_up(spark, executors)
                begin = time.perf_counter()
                first, *units = parcap.plan(archive, folder / "sleeping", keep=True, **shape)
                planned = time.perf_counter() - begin
                work = parcap.spark.converted(
                    spark, json.loads(first), units, folder / "sleeping", tasks=given.tasks, ship=False
                )
                rows, took = collected(work)
                tell(f"{executors} that sleep", executors, planned, took, None, rows)
        finally:
            cluster.stop()
        shutil.rmtree(folder / "sleeping")


def warm_up(spark: Any, executors: int) -> None:
    """Waits for all executors, and has each start its Python."""

    def sleep(batches: Any) -> Any:
        import time

        time.sleep(1)
        yield from batches

    while spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() <= executors:
        time.sleep(0.2)
    for _ in range(2):
        spark.range(0, executors, 1, executors).mapInArrow(sleep, "id long").collect()


def collected(frame: Any) -> tuple[list[Any], float]:
    begin = time.perf_counter()
    rows = frame.collect()
    took = time.perf_counter() - begin
    assert all(row.error is None for row in rows), [row.error for row in rows if row.error][:3]
    return rows, took


def tell(name: str, executors: int, planned: float, took: float, committed: float | None, rows: list[Any]) -> None:
    own = sum(row.seconds for row in rows)
    committing = "     -  " if committed is None else f"{committed:6.2f} s"
    per_second = len(rows) / took
    print(
        f"{name:>15} {planned:6.2f} s {took:6.2f} s {committing} | {took * executors / own:5.2f}"
        f"   ({own / executors:.2f} s; {len(rows)} units, {per_second:.0f} a second)",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
