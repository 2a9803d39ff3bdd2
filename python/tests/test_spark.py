"""Spark: the lake of `convert`, from executors; captures and summaries as its DataFrames. In local mode, with two cores.

Skipped where pyspark is not installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import parcap
from conftest import DATA, spark_session

pyspark = pytest.importorskip("pyspark")
import parcap.spark
from pyspark.sql.functions import spark_partition_id

CAPTURES = DATA / "captures"
# Many small units.
SHAPE: dict[str, Any] = {"chunk_size": "20KiB", "target_file_size": "8KiB"}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    settings = {
        "spark__sql__session__timeZone": "UTC",
        "spark__log__level": "ERROR",
        "spark__sql__python__filterPushdown__enabled": "true",
    }
    # A task may fail twice, and is then tried once more.
    with spark_session("local[2,3]", **settings) as session:
        yield session


def whole(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in sorted(lake.rglob("*")) if path.is_file()}


def test_a_lake_is_that_of_one_machine_to_the_last_byte(spark: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    alone = parcap.convert(CAPTURES, tmp_path / "alone", **SHAPE)
    report = parcap.spark.convert(
        spark, CAPTURES, tmp_path / "lake", tasks=5, progress=lambda *now: told.append(now), **SHAPE
    )
    assert report.complete and report["rows"] == alone["rows"] == 1331
    assert whole(tmp_path / "lake") == whole(tmp_path / "alone")
    # The commit has taken the rows away; all of them were there before it.
    assert told[-1][0] == told[-1][1] > 5
    # A second night has nothing to do.
    assert parcap.spark.convert(spark, CAPTURES, tmp_path / "lake", **SHAPE)["rows"] == 0
    assert whole(tmp_path / "lake") == whole(tmp_path / "alone")


def test_a_unit_that_always_fails_is_left_out_and_named(spark: Any, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    first, *units = parcap.plan(CAPTURES, lake, keep=True, **SHAPE)
    plan = json.loads(first)
    kept = lake / "_parcap" / "units" / plan["plan"] / "units-0.jsonl"
    lines = kept.read_text().splitlines()
    lines[3] = "poison"
    kept.write_text("\n".join(lines) + "\n")
    with pytest.warns(parcap.DamageWarning, match="unit 3 was not converted, after 3 attempts") as told:
        report = parcap.spark.convert(spark, CAPTURES, lake, **SHAPE)
    assert {one.filename for one in told if one.category is parcap.DamageWarning} == {__file__}
    left_out = json.loads(units[3])["captures"][0]["input"]["path"]
    assert not report.complete
    assert [refused["path"] for refused in report["refused"]] == [left_out]
    assert 0 < report["rows"] < 1331
    # The next run has it again.
    assert parcap.spark.convert(spark, CAPTURES, lake, **SHAPE).complete
    assert parcap.verify(lake, deep=True)["rows"] == 1331


def test_what_a_driver_left_that_died_is_not_converted_again(spark: Any, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    first, *units = parcap.plan(CAPTURES, lake, keep=True, **SHAPE)
    plan = json.loads(first)
    for place in (1, 4):
        parcap.convert_unit(place, lake, of=plan["plan"])
    staged = set((lake / "_parcap" / "units" / plan["plan"]).glob("????????????????-*"))
    rows = parcap.spark.converted(spark, plan, units, lake).collect()
    assert sorted(row.place for row in rows) == list(range(len(units)))
    assert all(row.error is None and row.attempt == 0 for row in rows)
    after = set((lake / "_parcap" / "units" / plan["plan"]).glob("????????????????-*"))
    assert len(staged) == 2 and staged < after and len(after) == len(units)
    assert parcap.commit(lake, plan=plan["plan"])["rows"] == sum(row.records for row in rows) == 1331


def test_damage_is_said_as_by_convert(spark: Any, tmp_path: Path) -> None:
    with pytest.warns(parcap.DamageWarning, match="cut-in-packet.pcap: packet"):
        report = parcap.spark.convert(spark, DATA / "damaged" / "cut-in-packet.pcap", tmp_path / "lake")
    assert not report.complete and report["damaged"][0]["records"] == report["rows"]
    with pytest.raises(parcap.UsageError, match="nonsense"):
        parcap.spark.convert(spark, CAPTURES, tmp_path / "lake", nonsense=1)


def test_the_package_is_sent_to_executors(spark: Any, tmp_path: Path) -> None:
    first, *units = parcap.plan(CAPTURES, tmp_path / "lake", keep=True)
    plan = json.loads(first)
    rows = parcap.spark.converted(spark, plan, units, tmp_path / "lake", ship=True).collect()
    assert all(row.error is None for row in rows)

    # It is what executors import.
    archive = parcap.spark._shipped(spark)

    def look(batches: Any) -> Any:
        import sys

        import pyarrow
        from pyspark import SparkFiles

        sys.path.insert(0, SparkFiles.get(archive))
        sys.modules.pop("parcap", None)
        import parcap

        for batch in batches:
            yield pyarrow.RecordBatch.from_arrays([pyarrow.array([parcap.__file__] * batch.num_rows)], names=["file"])

    files = {row.file for row in spark.range(1).mapInArrow(look, "file string").collect()}
    assert all(archive in file for file in files)


def test_summaries_are_frames(spark: Any, tmp_path: Path) -> None:
    parcap.convert(CAPTURES, tmp_path / "lake")
    tables = parcap.spark.summaries(spark, tmp_path / "lake")
    mine = parcap.summarize(tmp_path / "lake", "protocols")["protocols"].to_arrow().to_pylist()
    found = tables["protocols"].groupBy("protocol").sum("packets").collect()
    assert {row[0]: row[1] for row in found} == {row["protocol"]: row["packets"] for row in mine}
    with pytest.raises(parcap.ParcapError, match="has no summaries"):
        parcap.spark.summaries(spark, tmp_path)


def rows_of(frame: Any) -> Counter[tuple[str, ...]]:
    return Counter(tuple(map(repr, row)) for row in frame.collect())


def read(*columns: str, **asked: Any) -> Counter[tuple[str, ...]]:
    packets = parcap.read(CAPTURES).where(**asked).select(*columns)
    return Counter(tuple(map(repr, row.values())) for row in packets.to_arrow().to_pylist())


# Spark before 4 has no data sources in Python.
reads = pytest.mark.skipif(pyspark.__version__ < "4", reason="Spark 4 is the first with data sources in Python")


@reads
def test_captures_are_a_data_source(spark: Any) -> None:
    spark.dataSource.register(parcap.spark.PcapSource)
    packets = spark.read.format("pcap").load(str(CAPTURES))
    assert packets.columns == list(parcap.COLUMNS)
    # Spark's times have no zone in Python, and are those of the session.
    columns = [name for name in parcap.COLUMNS if name != "datetime"]
    assert rows_of(packets.select(*columns)) == read(*columns)
    assert packets.selectExpr("min(unix_micros(datetime))").first()[0] == min(
        int(time.timestamp() * 1e6 + 0.5) for time in parcap.read(CAPTURES, ["datetime"]).to_arrow()["datetime"].to_pylist() if time
    )
    some = spark.read.format("pcap").schema("length bigint, ip_dst string").load(str(CAPTURES / "*.pcap"))
    assert some.columns == ["length", "ip_dst"]
    named = spark.read.format("pcap").option("columns", "ip_dst, length").load(str(CAPTURES))
    assert rows_of(named) == read("ip_dst", "length")
    further = spark.read.format("pcap").schema("tcp_flags int, ip_more_fragments boolean").load(str(CAPTURES))
    assert rows_of(further) == read("tcp_flags", "ip_more_fragments")
    inside = spark.read.format("pcap").options(columns="tunnel, tunnel_id", decapsulate="all").load(str(CAPTURES))
    assert rows_of(inside) == Counter(
        tuple(map(repr, row.values()))
        for row in parcap.read(CAPTURES, ["tunnel", "tunnel_id"], decapsulate="all").to_arrow().to_pylist()
    )
    assert inside.where("tunnel = 'VXLAN'").count() == 1
    given = {"columns": "tunnel", "decapsulate": "geneve", "tunnel_ports": "geneve=4789"}
    assert spark.read.format("pcap").options(**given).load(str(CAPTURES / "tunnels.pcap")).count() == 10
    with pytest.raises(Exception, match="tunnel_ports names kinds and ports"):
        spark.read.format("pcap").options(**(given | {"tunnel_ports": "4789"})).load(str(CAPTURES)).count()
    typed = spark.read.format("pcap").option("columns", "ip_ttl,ip_id,ip_more_fragments,datetime,time").load(str(CAPTURES))
    assert [kind for _, kind in typed.dtypes] == ["int", "bigint", "boolean", "timestamp", "double"]
    with pytest.raises(Exception, match="nothing to read"):
        spark.read.format("pcap").load(str(CAPTURES / "missing.pcap")).count()


def in_chunks(spark: Any, path: Path, size: str, **options: str) -> Any:
    reader = spark.read.format("pcap").options(columns="ip_dst, length, dns_query, time_normed", chunk_size=size, **options)
    return reader.load(str(path))


@reads
def test_large_captures_are_several_partitions(spark: Any) -> None:
    spark.dataSource.register(parcap.spark.PcapSource)
    columns = ["ip_dst", "length", "dns_query", "time_normed"]
    whole_ones = len(parcap.read(CAPTURES).captures)
    for size, least in [("64MiB", whole_ones), ("8kB", whole_ones + 10), ("1KiB", 150)]:
        packets = in_chunks(spark, CAPTURES, size)
        partitions = packets.rdd.getNumPartitions()
        assert partitions == whole_ones if size == "64MiB" else partitions > least, size
        assert rows_of(packets) == read(*columns), size
    # What is compressed is one.
    assert in_chunks(spark, CAPTURES / "web.pcap.gz", "1000").rdd.getNumPartitions() == 1
    # Each partition has rows of its own.
    office = in_chunks(spark, CAPTURES / "office-hour.pcap", "20kB")
    rows = [row["count"] for row in office.groupBy(spark_partition_id()).count().collect()]
    assert sum(rows) == 468 and len(rows) == office.rdd.getNumPartitions() > 3
    with pytest.raises(Exception, match="chunk_size is a size"):
        in_chunks(spark, CAPTURES, "0").count()


@reads
def test_damage_is_raised_by_the_chunk_that_has_it(spark: Any) -> None:
    spark.dataSource.register(parcap.spark.PcapSource)
    for name, rows in [("impossible-length.pcap", 60), ("cut-in-block.pcapng", 20)]:
        packets = in_chunks(spark, DATA / "damaged" / name, "1KiB")
        assert packets.rdd.getNumPartitions() > 3 and packets.count() == rows, name
        with pytest.raises(Exception, match=f"{name}: .*packet {rows + 1} "):
            in_chunks(spark, DATA / "damaged" / name, "1KiB", on_damage="raise").count()


@reads
def test_chunks_are_larger_where_there_would_be_many() -> None:
    from parcap._spark_source import _bytes, _chunks

    plain = parcap.read(CAPTURES / "vlan.pcap").captures[0]
    assert _chunks(plain._replace(size=384 << 20), None) == [None]
    assert _chunks(plain._replace(size=(384 << 20) + 1), None) == [(0, 256 << 20), (256 << 20, (384 << 20) + 1)]
    for size in [1 << 32, 10**12 + 1]:
        chunks = [chunk for chunk in _chunks(plain._replace(size=size), None) if chunk is not None]
        assert len(chunks) == 16 and chunks[0][0] == 0 and chunks[-1][1] == size
        assert all(before[1] == after[0] for before, after in zip(chunks, chunks[1:]))
    assert len(_chunks(plain._replace(size=1 << 30), _bytes("1MiB"))) == 1024
    assert _chunks(plain._replace(size=1 << 30, compression="gzip"), 1000) == [None]
    assert _chunks(plain._replace(size=0, format=None), 1000) == [None]
    assert [_bytes(text) for text in ["4096", "1kB", "2 MiB", "3B"]] == [4096, 1000, 2 << 20, 3]
    for text in ["", "0", "-1", "MiB", "1XB", "\u0663"]:
        with pytest.raises(parcap.UsageError, match="64MiB"):
            _bytes(text)


@reads
def test_filters_are_asked_of_the_captures(spark: Any) -> None:
    spark.dataSource.register(parcap.spark.PcapSource.with_pushdown())
    packets = spark.read.format("pcap").load(str(CAPTURES)).select("ip_src", "port_dst", "dns_query")
    queries: list[tuple[str, dict[str, Any]]] = [
        ("is_dns = true", {"is_dns": True}),
        ("port_dst = 53 and protocol = 'UDP'", {"port_dst": 53, "protocol": "UDP"}),
        ("port_dst in (53, 80)", {"port_dst": [53, 80]}),
        ("ip_src = '2001:db8::10'", {"ip_src": "2001:db8::10"}),
    ]
    for query, asked in queries:
        asked_for = rows_of(spark.read.format("pcap").load(str(CAPTURES)).where(query).select(*packets.columns))
        assert asked_for == read(*packets.columns, **asked), query
    # Spark compares texts. These are none that a column has; some of them are no address, port or protocol at all.
    for query in ["ip_src = '2001:DB8::10'", "ip_src = 'nonsense'", "protocol in ('UPD')", "protocol = '17'", "port_dst = 70000"]:
        assert spark.read.format("pcap").load(str(CAPTURES)).where(query).count() == 0, query


def test_a_cluster_that_has_few_cores_yet_gets_tasks_to_grow_for() -> None:
    sizes = {1 << 20: 8, 10 << 30: 10, 3 << 40: 3072, 1 << 50: 20_000}
    assert {size: parcap.spark._tasks(size, cores=2) for size in sizes} == sizes
    assert parcap.spark._tasks(3 << 40, cores=1000) == 4000


def job(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "parcap.spark", "--master=local[2]", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_job(tmp_path: Path) -> None:
    lake, cut = tmp_path / "lake", DATA / "damaged" / "cut-in-packet.pcap"
    # The capture that has the rest of it is not given.
    whole_captures = [path for path in sorted(CAPTURES.iterdir()) if path.name != "web.pcap.gz"]
    done = job(*whole_captures, cut, "--out", lake, "--chunk-size=20KiB", "--no-summary")
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("cut-in-packet.pcap: packet 71 is cut off at byte 12966") == 1
    assert parcap.verify(lake)["rows"] == parcap.read([*whole_captures, cut], on_damage="ignore").count()
    assert not (lake / "summaries").exists()
    done = job(CAPTURES, "--out", lake, "--nonsense=1")
    assert done.returncode == 2 and "--nonsense" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_what_took_its_process_with_it_gets_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a second attempt a unit that the first one began, and did not end, is converted by a process of its own."""
    import pyarrow
    from pyspark import TaskContext

    lake = tmp_path / "lake"
    first, *units = parcap.plan(CAPTURES, lake, keep=True, **SHAPE)
    plan, ids = json.loads(first)["plan"], [json.loads(unit)["id"] for unit in units]
    # What a process leaves that is killed in the middle.
    (lake / "_parcap" / "units" / plan / f"{ids[2]}-1-abc").mkdir()
    here: list[int] = []
    real = parcap.convert_unit

    def in_process(unit: int, out: str, *, of: str) -> str:
        here.append(unit)
        return real(unit, out, of=of)

    class Second:
        @staticmethod
        def attemptNumber() -> int:
            return 1

    monkeypatch.setattr(parcap, "convert_unit", in_process)
    monkeypatch.setattr(TaskContext, "get", lambda: Second)
    shares = [list(enumerate(ids))]
    work = parcap.spark._worker(str(lake), plan, shares, 4, None)
    rows = [row for batch in work(iter([pyarrow.record_batch({"id": [0]})])) for row in batch.to_pylist()]
    assert here == [place for place in range(len(ids)) if place != 2]
    assert [row["error"] for row in rows] == [None] * len(ids)
    assert parcap.commit(lake, plan=plan)["rows"] == sum(row["records"] for row in rows) == 1331
