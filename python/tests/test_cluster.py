"""A Spark cluster of two workers, and what goes wrong on clusters. The lake is that of one machine, to the last byte.

Run with PARCAP_SPARK=1: two to four minutes, and the memory of four JVMs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import parcap
from conftest import DATA, ROOT

pytest.importorskip("pyspark")
if not os.environ.get("PARCAP_SPARK"):
    pytest.skip("starts a cluster; set PARCAP_SPARK=1", allow_module_level=True)
sys.path.insert(0, str(ROOT / "scripts" / "spark"))

import standalone  # noqa: E402

import parcap.spark  # noqa: E402

SHAPE: dict[str, Any] = {"chunk_size": "1MiB", "target_file_size": "64KiB"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one capture of 96 MiB: the packets of an hour, again and again, an hour later each time."""
    folder = tmp_path_factory.mktemp("large")
    hour = DATA / "captures" / "office-hour.pcap"
    standalone.repeat_capture(hour, folder / "office-hours.pcap", 96 << 20, shift_s=3600)
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[standalone.Cluster]:
    made = standalone.Cluster(tmp_path / "cluster")
    yield made
    made.stop()


def equal(lake: Path, alone: Path) -> None:
    """Not a file of two lakes differs, and nothing is left of units."""
    found = subprocess.run(["diff", "-r", lake, alone], capture_output=True, text=True)
    assert (found.returncode, found.stdout[:2000]) == (0, "")
    assert not (lake / "_parcap" / "units").exists()


def done(lake: Path) -> int:
    """Units of a lake that have their rows."""
    return len(list(lake.glob("_parcap/units/*/rows/*.json")))


def once(condition: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Acts as soon as something is so."""

    def watch() -> None:
        while not condition():
            time.sleep(0.01)
        act()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    return watching


def test_a_large_capture_and_executors_without_parcap(large: Path, cluster: standalone.Cluster, tmp_path: Path) -> None:
    lake, alone = tmp_path / "lake", tmp_path / "alone"
    counted: list[tuple[int, int]] = []
    rows = parcap.convert(large, alone, **SHAPE)["rows"]
    with standalone.session(cluster) as spark:
        found = subprocess.run([cluster.python, "-c", "import pyarrow, parcap"], capture_output=True, text=True)
        assert "No module named 'parcap'" in found.stderr
        report = parcap.spark.convert(spark, large, lake, progress=lambda *now: counted.append(now), **SHAPE)
        assert report.complete and report["rows"] == rows
        assert counted[-1][0] == counted[-1][1] > 90 and len(counted) > 2
        equal(lake, alone)
        # A second night.
        assert parcap.plan(large, lake, **SHAPE)[1:] == []
        assert parcap.spark.convert(spark, large, lake, **SHAPE)["rows"] == 0
        parcap.convert(large, alone, **SHAPE)
        equal(lake, alone)
        for name, table in parcap.spark.summaries(spark, lake).items():
            assert table.count() > 0, name


def test_a_worker_is_killed(large: Path, cluster: standalone.Cluster, tmp_path: Path) -> None:
    lake, alone = tmp_path / "lake", tmp_path / "alone"
    shape: dict[str, Any] = {"chunk_size": "100KiB", "target_file_size": "8KiB"}
    parcap.convert(large, alone, **shape)
    first, *units = parcap.plan(large, lake, keep=True, **shape)
    plan = json.loads(first)
    killed = once(lambda: done(lake) > 12, lambda: cluster.kill(0))
    with standalone.session(cluster) as spark:
        rows = parcap.spark.converted(spark, plan, units, lake).collect()
    killed.join()
    assert len(units) > 900
    assert sorted(row.place for row in rows) == list(range(len(units)))
    assert max(row.attempt for row in rows) >= 1 and all(row.error is None for row in rows)
    assert parcap.commit(lake, plan=plan["plan"]).complete
    equal(lake, alone)


def test_a_worker_is_killed_between_two_buckets(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Captures in one bucket, the lake in another one; each process of the cluster sees only these."""
    pytest.importorskip("moto")
    sys.path.insert(0, str(ROOT / "scripts" / "remote"))
    import servers

    shape: dict[str, Any] = {"chunk_size": "4MiB", "target_file_size": "64KiB"}
    with servers.moto() as port:
        for name, value in servers.environment(port).items():
            monkeypatch.setenv(name, value)
        captures, lakes = servers.Bucket(port, "captures"), servers.Bucket(port, "lakes")
        captures.put_folder(large)
        lake, alone = lakes.url("lake"), tmp_path / "alone"

        def keys(prefix: str) -> list[str]:
            pages = lakes.client.get_paginator("list_objects_v2").paginate(Bucket="lakes", Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

        parcap.convert(captures.url(), alone, **shape)
        first, *units = parcap.plan(captures.url(), lake, keep=True, **shape)
        plan = json.loads(first)
        cluster = standalone.Cluster(tmp_path / "cluster")
        killed = once(lambda: len([key for key in keys("lake/_parcap/units/") if "/rows/" in key]) > 4, lambda: cluster.kill(0))
        try:
            with standalone.session(cluster) as spark:
                rows = parcap.spark.converted(spark, plan, units, lake).collect()
        finally:
            cluster.stop()
        killed.join()
        assert len(units) > 20 and keys("lake/packets") == []
        assert max(row.attempt for row in rows) >= 1 and all(row.error is None for row in rows)
        assert parcap.commit(lake, plan=plan["plan"]).complete
        visible = [path.relative_to(alone) for path in alone.rglob("*.parquet") if "_parcap" not in path.parts]
        assert sorted(keys("lake/packets") + keys("lake/summaries")) == sorted(f"lake/{path}" for path in visible)
        for path in visible:
            body = lakes.client.get_object(Bucket="lakes", Key=f"lake/{path}")["Body"].read()
            assert body == (alone / path).read_bytes(), path
        assert keys("lake/_parcap/units") == []
        assert parcap.verify(lake, deep=True)["faults"] == []


def test_a_machine_hangs_and_another_one_does_its_work(large: Path, cluster: standalone.Cluster, tmp_path: Path) -> None:
    lake, alone = tmp_path / "lake", tmp_path / "alone"
    parcap.convert(large, alone, **SHAPE)
    first, *units = parcap.plan(large, lake, keep=True, **SHAPE)
    plan = json.loads(first)
    stopped: list[int] = []

    def stop() -> None:
        while not stopped:
            stopped.extend(cluster.pythons(0))
        standalone.signal_all(stopped, signal.SIGSTOP)

    hung = once(lambda: done(lake) > 8, stop)
    speculation = {"spark__speculation": True, "spark__speculation__interval": "100ms", "spark__speculation__quantile": 0.5}
    with standalone.session(cluster, **speculation) as spark:
        rows = parcap.spark.converted(spark, plan, units, lake).collect()
        hung.join()
        assert len(rows) == len(units) and all(row.error is None for row in rows)
        # A copy has a number of its own.
        assert stopped and max(row.attempt for row in rows) == 1
        assert parcap.commit(lake, plan=plan["plan"]).complete
    equal(lake, alone)


def test_a_unit_always_fails(large: Path, cluster: standalone.Cluster, tmp_path: Path) -> None:
    lake, alone = tmp_path / "lake", tmp_path / "alone"
    captures = [large, DATA / "captures"]
    # The same captures, of which one cannot be converted.
    first, *units = parcap.plan(captures, lake, keep=True, **SHAPE)
    place = next(place for place, unit in enumerate(units) if "office-hours.pcap" in unit)
    kept = lake / "_parcap" / "units" / json.loads(first)["plan"] / f"units-{place // 100}.jsonl"
    lines = kept.read_text().splitlines()
    lines[place % 100] = "poison"
    kept.write_text("\n".join(lines) + "\n")
    with standalone.session(cluster, spark__task__maxFailures=2) as spark:
        with pytest.warns(parcap.DamageWarning, match=f"unit {place} was not converted, after 2 attempts"):
            report = parcap.spark.convert(spark, captures, lake, **SHAPE)
        assert not report.complete
        assert [Path(refused["path"]).name for refused in report["refused"]] == ["office-hours.pcap"]
        assert report["rows"] == parcap.convert(DATA / "captures", alone, **SHAPE)["rows"]
        assert not (lake / "_parcap" / "units").exists()
        report = parcap.spark.convert(spark, captures, lake, **SHAPE)
    assert report.complete
    parcap.convert(captures, alone, **SHAPE)
    assert parcap.verify(lake, deep=True)["rows"] == parcap.verify(alone)["rows"]


def test_a_night_of_an_archive(cluster: standalone.Cluster, tmp_path: Path) -> None:
    """Captures are renamed, touched, copied, replaced, damaged, refused, and copied under a second name."""
    archive, lake, alone = tmp_path / "archive", tmp_path / "lake", tmp_path / "alone"
    shutil.copytree(DATA / "captures", archive)
    with standalone.session(cluster) as spark:
        for night in (1, 2):
            parcap.convert(archive, alone, on_damage="ignore", **SHAPE)
            parcap.spark.convert(spark, archive, lake, on_damage="ignore", **SHAPE)
            equal(lake, alone)
            if night == 1:
                (archive / "any.pcap").rename(archive / "renamed.pcap")
                os.utime(archive / "dns.pcapng")
                shutil.copyfile(archive / "tunnels.pcap", archive / "copy-of-tunnels.pcap")
                shutil.copyfile(archive / "midnight.pcap", archive / "vlan.pcap")
                shutil.copyfile(DATA / "damaged" / "cut-in-block.pcapng", archive / "cut-in-block.pcapng")
                shutil.copyfile(DATA / "damaged" / "text.pcap", archive / "text.pcap")
                shutil.copyfile(DATA / "damaged" / "twelve-bytes.pcap", archive / "twelve-bytes.pcap")


def test_many_small_captures(cluster: standalone.Cluster, tmp_path: Path) -> None:
    archive, lake, alone = tmp_path / "archive", tmp_path / "lake", tmp_path / "alone"
    capture = (DATA / "captures" / "office-hour.pcap").read_bytes()
    _, _, captured, _ = struct.unpack_from("<4I", capture, 24)
    for number in range(20_000):
        folder = archive / str(number // 1000)
        folder.mkdir(parents=True, exist_ok=True)
        # An hour of its own each, or they would be copies.
        (folder / f"{number}.pcap").write_bytes(
            capture[:24] + struct.pack("<I", 1_700_000_000 + 3600 * number) + capture[28 : 40 + captured]
        )
    parcap.convert(archive, alone)
    with standalone.session(cluster) as spark:
        assert parcap.spark.convert(spark, archive, lake)["rows"] == 20_000
    equal(lake, alone)


def test_spark_connect(tmp_path: Path) -> None:
    pytest.importorskip("grpc")
    code = f"""
import sys
from pathlib import Path
from pyspark.sql import SparkSession
import parcap, parcap.spark
captures, folder = {str(DATA / "captures")!r}, Path({str(tmp_path)!r})
spark = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false").getOrCreate()
assert "connect" in type(spark).__module__
for name, ship in (("lake", "auto"), ("shipped", True)):
    assert parcap.spark.convert(spark, captures, folder / name, ship=ship, **{SHAPE!r}).complete
parcap.convert(captures, folder / "alone", **{SHAPE!r})
assert parcap.spark.summaries(spark, folder / "lake")["captures"].count() == 21
spark.dataSource.register(parcap.spark.PcapSource)
assert spark.read.format("pcap").load(captures).count() == 1331
spark.stop()
print("all is well")
"""
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert "all is well" in found.stdout, found.stderr
    for name in ("lake", "shipped"):
        equal(tmp_path / name, tmp_path / "alone")
