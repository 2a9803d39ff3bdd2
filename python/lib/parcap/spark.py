"""Conversions on a Spark cluster, and captures and summaries as DataFrames of Spark.

>>> import parcap.spark
>>> report = parcap.spark.convert(spark, "/archive", "/lake")
>>> volumes = parcap.spark.summaries(spark, "/lake")["volume_by_ip"]
>>> spark.dataSource.register(parcap.spark.PcapSource)
>>> packets = spark.read.format("pcap").load("/archive/capture.pcap")

The driver plans and commits. Executors convert. The lake is equal to that of ``parcap convert``, to the last byte. The driver and
the executors must see the captures and the lake by the same paths. As a job: ``python -m parcap.spark INPUT --out LAKE``.
"""

from __future__ import annotations

import heapq
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from parcap import _commands
from parcap._packets import Path, _outside
from parcap._unit_progress import counted
from parcap.errors import DamageWarning, ParcapError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from parcap._commands import OnDamage, Report
    from parcap._spark_source import PcapSource

__all__ = ["PcapSource", "convert", "converted", "summaries"]

#: ``True`` for a bar, or a function of units done and units in all.
UnitProgress: TypeAlias = bool | Callable[[int, int], object] | None

# Options of `convert` that its last step takes.
_AT_COMMIT = frozenset(
    {"strict", "wait", "top", "abandon", "resolver", "ptr_private", "ptr_timeout", "ptr_budget", "ptr_concurrency", "ptr_limit"}
)

# A GiB takes a core a second or two, and a task costs Spark some 0.06 s.
_BYTES_A_TASK = 1 << 30
# Each is some work for the driver.
_MOST_TASKS = 20_000

# The summary tables that a lake may have.
_TABLES = (
    "captures", "conversations", "dns_clients", "dns_names", "dns_queries", "names", "ports", "protocols", "send_rates",
    "send_rates_by_protocol", "tunnels", "volume_by_ip", "volume_by_name", "volume_by_src",
)

# What comes back of a unit.
_ROW = "place long, unit string, records long, damaged int, error string, attempt int, seconds double"


def convert(
    spark: SparkSession,
    inputs: Path | Iterable[Path],
    out: Path,
    *,
    tasks: int | None = None,
    max_failures: int | None = None,
    ship: bool | Literal["auto"] = "auto",
    progress: UnitProgress = None,
    on_damage: OnDamage = "warn",
    **options: Any,
) -> Report:
    """Converts captures to a lake on a cluster, as :func:`parcap.convert` does on one machine.

    A unit that fails is tried again by Spark. If it fails each time, its captures are left out, named in the report, and
    converted by the next run; the others are committed. After a driver that died, the same call goes on: what has been
    converted is not converted again.

    Args:
        spark: A session, classic or of Spark Connect.
        inputs: Files, folders (walked), patterns, by paths that executors see too.
        out: The lake, likewise.
        tasks: Tasks of the job; by default four a core, and one for each GiB if that is more. Each converts several units, the
            largest first.
        max_failures: How often Spark runs a task, if ``spark.task.maxFailures`` does not say it.
        ship: Whether to send this package to the executors; by default, unless they are on this machine.
        progress: ``True`` for a bar of units, or a function of units done and units in all.
        on_damage: As for :func:`parcap.convert`.
        **options: Those of the command ``convert``.

    Raises:
        ParcapError: Nothing was committed.
    """
    at_commit = {name: options.pop(name) for name in list(options) if name in _AT_COMMIT}
    out = _place(out)
    first, *units = _commands.plan(inputs, out, keep=True, **options)
    plan = json.loads(first)
    frame = converted(spark, plan, units, out, tasks=tasks, max_failures=max_failures, ship=ship)
    with counted(progress, lambda: _done(out, plan["plan"]), len(units)):
        failed = [row for row in frame.collect() if row.error is not None]
    told = [f"unit {row.place} was not converted, after {row.attempt + 1} attempts: {row.error}" for row in failed]
    if on_damage == "warn":
        for message in told:
            warnings.warn(message, DamageWarning, _outside())
    incomplete = "leave-out" if failed else "refuse"
    report = _commands.commit(out, plan=plan["plan"], incomplete=incomplete, on_damage=on_damage, **at_commit)
    report.messages = "".join(f"warning: {message}\n" for message in told) + report.messages
    return report


def converted(
    spark: SparkSession,
    plan: dict[str, Any],
    units: list[str],
    out: Path,
    *,
    tasks: int | None = None,
    max_failures: int | None = None,
    ship: bool | Literal["auto"] = "auto",
) -> DataFrame:
    """The units of a plan that the lake keeps (``parcap.plan(…, keep=True)``), converted when somebody asks for the rows.

    Returns:
        A row a unit: ``place`` in the plan, ``unit``, ``records``, ``damaged`` captures, ``error`` (null if it went well),
        ``attempt`` from 0 on, ``seconds``. Commit with ``parcap.commit(out, plan=plan["plan"])``.
    """
    known = [json.loads(unit) for unit in units]
    sizes = list(map(_bytes, known))
    count = max(1, min(len(units), tasks or _tasks(sum(sizes), _cores(spark))))
    shares = [[(place, known[place]["id"]) for place in share] for share in _shares(sizes, count)]
    failures = max_failures or _max_failures(spark)
    archive = _shipped(spark) if ship is True or (ship == "auto" and not _is_local(spark)) else None
    # One row a partition: Spark moves the numbers of tasks, and nothing else.
    numbers = spark.range(0, count, 1, count)
    work = _worker(_place(out), plan["plan"], shares, failures, archive)
    return numbers.mapInArrow(work, _ROW)


def summaries(spark: SparkSession, lake: Path) -> dict[str, DataFrame]:
    """The summary tables of a lake, by their names. Of one in a bucket, Spark needs the URL as its file systems write it (``s3a://``)."""
    folder = os.path.join(_place(lake), "summaries")
    if "://" in folder:
        tables = {name: _table(spark, f"{folder}/{name}") for name in _TABLES}
        return {name: table for name, table in tables.items() if table is not None}
    if not os.path.isdir(folder):
        raise ParcapError(f"{lake}: has no summaries")
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    return {name: spark.read.parquet(os.path.join(folder, name)) for name in names}


def _table(spark: SparkSession, path: str) -> DataFrame | None:
    """A table, unless there is none."""
    from pyspark.errors import AnalysisException

    try:
        return spark.read.parquet(path)
    except AnalysisException:
        return None


def _place(path: Path) -> str:
    """A lake by a name that is the same in every process."""
    name = os.fspath(path)
    return name if "://" in name else os.path.abspath(name)


def _worker(
    out: str, plan: str, shares: list[list[tuple[int, str]]], failures: int, archive: str | None
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    # Spark sends this function by its code. It needs no module that executors do not have, before it has found it.
    def work(batches: Iterator[Any]) -> Iterator[Any]:
        import json
        import os
        import subprocess
        import sys
        import time

        import pyarrow
        from pyspark import SparkFiles, TaskContext

        environment = dict(os.environ)
        if archive is not None:
            folder = SparkFiles.get(archive)
            environment["PYTHONPATH"] = os.pathsep.join([folder, *sys.path])
            if folder not in sys.path:
                sys.path.insert(0, folder)
        import parcap

        context = TaskContext.get()
        attempt = 0 if context is None else context.attemptNumber()
        # Units that an earlier attempt has begun and not ended. One of them may have taken its process with it.
        begun = set()
        if attempt > 0 and "://" in out:
            # What lies in a bucket is not listed here: any of them.
            begun = {unit for share in shares for _, unit in share}
        elif attempt > 0:
            folder = os.path.join(out, "_parcap", "units", plan)
            rows = os.path.join(folder, "rows")
            begun = {name.split("-")[0] for name in os.listdir(folder) if "-" in name}
            begun -= {name.removesuffix(".json") for name in os.listdir(rows)} if os.path.exists(rows) else set()

        def convert(place: int, unit: str) -> str:
            if unit not in begun:
                return parcap.convert_unit(place, out, of=plan)
            # It cannot do so again.
            command = [sys.executable, "-m", "parcap", "convert-unit", f"--out={out}", f"--of={plan}", f"--unit={place}"]
            done = subprocess.run([*command, "--jobs=1"], capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.strip() or f"exit status {done.returncode}")
            return done.stdout

        for batch in batches:
            for place, unit in [share for number in batch.column(0).to_pylist() for share in shares[number]]:
                begin, row, error = time.perf_counter(), {}, None
                try:
                    row = json.loads(convert(place, unit))
                except Exception as failure:
                    if attempt + 1 < failures:
                        raise
                    error = str(failure)[:1000]
                seconds = time.perf_counter() - begin
                values = [place, unit, row.get("records"), row.get("damaged"), error, attempt, seconds]
                types = ["int64", "string", "int64", "int32", "string", "int32", "float64"]
                names = ["place", "unit", "records", "damaged", "error", "attempt", "seconds"]
                columns = [pyarrow.array([value], type) for value, type in zip(values, types, strict=True)]
                yield pyarrow.RecordBatch.from_arrays(columns, names=names)

    return work


def _tasks(size: int, cores: int) -> int:
    """How many tasks there are for some bytes. There are more than cores, for some clusters add cores when tasks wait."""
    return max(4 * cores, min(size // _BYTES_A_TASK, _MOST_TASKS))


def _bytes(unit: dict[str, Any]) -> int:
    """Bytes that a unit reads, about."""
    chunk_size = unit["settings"]["chunk_size"]

    def read(capture: dict[str, Any]) -> int:
        chunks = capture.get("chunks")
        size: int = capture["input"]["size"]
        return size if chunks is None else min(size, (chunks["end"] - chunks["start"]) * chunk_size)

    return sum(read(capture) for capture in unit["captures"])


def _shares(sizes: list[int], count: int) -> list[list[int]]:
    """The units of each task: the largest first, each to the task that has least."""
    tasks: list[tuple[int, int]] = [(0, number) for number in range(count)]
    shares: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        held, number = heapq.heappop(tasks)
        shares[number].append(place)
        # Each unit costs something, however small it is.
        heapq.heappush(tasks, (held + sizes[place] + 100_000, number))
    return shares


def _done(out: str, plan: str) -> int:
    """Units of a plan that have their rows. What lies in a bucket is not counted before the end."""
    try:
        return sum(name.endswith(".json") for name in os.listdir(os.path.join(out, "_parcap", "units", plan, "rows")))
    except FileNotFoundError:
        return 0


def _conf(spark: SparkSession, name: str) -> str | None:
    try:
        value: str | None = spark.conf.get(name, None)
        return value
    except Exception:
        # Spark Connect refuses to tell of some.
        return None


def _cores(spark: SparkSession) -> int:
    try:
        return int(spark.sparkContext.defaultParallelism)
    except Exception:
        # Spark Connect has no context.
        return int(_conf(spark, "spark.default.parallelism") or 16)


def _is_local(spark: SparkSession) -> bool:
    return (_conf(spark, "spark.master") or "").startswith("local")


def _max_failures(spark: SparkSession) -> int:
    master = _conf(spark, "spark.master") or ""
    if master.startswith("local") and not master.startswith("local-cluster"):
        # `local[2,4]` runs a task four times at most, and `local[2]` once.
        return int(master.rstrip("]").partition(",")[2] or 1)
    return int(_conf(spark, "spark.task.maxFailures") or 4)


def _shipped(spark: SparkSession) -> str:
    """Sends this package to the executors. Returns the name under which they find it."""
    import atexit
    import shutil
    import tempfile
    import zipfile

    package = os.path.dirname(os.path.abspath(__file__))
    files = sorted(
        os.path.relpath(os.path.join(folder, name), os.path.dirname(package))
        for folder, _, names in os.walk(package)
        for name in names
        if not name.endswith(".pyc")
    )
    # Executors may ask for it at any time, as long as the session lives.
    made = tempfile.mkdtemp(prefix="parcap")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    # An archive of one name cannot be sent twice to a session.
    name = f"parcap_{os.urandom(4).hex()}"
    path = os.path.join(made, f"{name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(os.path.join(os.path.dirname(package), file), file)
    try:
        context = spark.sparkContext
    except Exception:
        # Spark Connect has no context.
        spark.addArtifacts(f"{path}#{name}", archive=True)
    else:
        context.addArchive(f"{path}#{name}")
    return name


def __getattr__(name: str) -> object:
    # Spark before 4 has no data sources in Python.
    if name == "PcapSource":
        from parcap._spark_source import PcapSource

        return PcapSource
    raise AttributeError(f"module 'parcap.spark' has no attribute {name!r}")


if __name__ == "__main__":
    from parcap._spark_job import main

    main()
