"""Captures in a bucket, as rows and on Spark. Skipped where moto is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import parcap
from conftest import DATA, ROOT, spark_session

pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")
sys.path.insert(0, str(ROOT / "scripts" / "remote"))
import servers  # noqa: E402

CAPTURES = ["office-hour.pcap", "web.pcap.gz", "dns.pcapng"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    with servers.moto() as port, pytest.MonkeyPatch.context() as environment:
        for name, value in servers.environment(port).items():
            environment.setenv(name, value)
        bucket = servers.Bucket(port, "captures")
        for name in CAPTURES:
            bucket.put(f"in/{name}", (DATA / "captures" / name).read_bytes())
        yield bucket


def test_rows_of_a_bucket_are_those_of_the_files(bucket: Any) -> None:
    for name in CAPTURES:
        away = parcap.read(bucket.url(f"in/{name}"), ["time", "ip_dst", "length"]).to_arrow()
        assert away.equals(parcap.read(DATA / "captures" / name, ["time", "ip_dst", "length"]).to_arrow())
    assert parcap.read(bucket.url("in/")).count() == sum(
        parcap.read(DATA / "captures" / name).count() for name in CAPTURES
    )
    assert parcap.read(bucket.url("in/*.pcap"), jobs=2).where(protocol="UDP").count() > 0


def test_a_lake_is_made_of_a_bucket(bucket: Any, tmp_path: Path) -> None:
    report = parcap.convert(bucket.url("in/"), tmp_path / "lake")
    assert report["inputs"] == len(CAPTURES)
    assert parcap.convert(bucket.url("in/"), tmp_path / "lake")["unchanged"] == len(CAPTURES)


def packets_of(lake: str, bucket: Any) -> dict[str, bytes]:
    """The parts and tables of a lake in a bucket, by their keys."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=lake)
    keys = [found["Key"] for page in pages for found in page.get("Contents", []) if "/_parcap/" not in found["Key"]]
    read = {key: bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in keys}
    return {key.removeprefix(lake): value for key, value in read.items()}


def test_a_lake_in_a_bucket_is_that_of_a_folder(bucket: Any, tmp_path: Path) -> None:
    parcap.convert(DATA / "captures", tmp_path / "lake", on_damage="ignore")
    parcap.convert(DATA / "captures", bucket.url("lake"), on_damage="ignore")
    found = packets_of("lake/", bucket)
    files = [path for path in (tmp_path / "lake").rglob("*.parquet") if "_parcap" not in path.parts]
    assert found == {str(path.relative_to(tmp_path / "lake")): path.read_bytes() for path in files}
    assert parcap.verify(bucket.url("lake"), deep=True)["faults"] == []


def test_spark_converts_from_a_bucket_into_a_bucket(bucket: Any) -> None:
    pytest.importorskip("pyspark")
    import parcap.spark

    shape: dict[str, Any] = {"chunk_size": "64KiB", "target_file_size": "64KiB"}
    with spark_session("local[2]") as session:
        report = parcap.spark.convert(session, bucket.url("in/"), bucket.url("by-spark"), tasks=4, **shape)
        assert report["inputs"] == len(CAPTURES)
    parcap.convert(bucket.url("in/"), bucket.url("alone"), **shape)
    assert packets_of("by-spark/", bucket) == packets_of("alone/", bucket) != {}
    assert parcap.verify(bucket.url("by-spark"), deep=True)["faults"] == []
    uploads = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
    assert uploads == []


def test_spark_reads_a_bucket(bucket: Any) -> None:
    pyspark = pytest.importorskip("pyspark")
    if pyspark.__version__ < "4":
        pytest.skip("Spark 4 is the first with data sources in Python")
    import parcap.spark

    with spark_session("local[2]") as session:
        session.dataSource.register(parcap.spark.PcapSource)
        frame = session.read.format("pcap").load(bucket.url("in/office-hour.pcap"))
        assert frame.count() == 468
