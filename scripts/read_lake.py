#!/usr/bin/env python3
"""Reads a lake with DuckDB, pandas, polars and Spark, and checks that they see the same.

    python3 scripts/read_lake.py LAKE [--engines duckdb,pandas,polars,spark] [--require]

One function an engine, each as its users would write it; all answer the same questions about LAKE/packets (rows, bytes,
columns, partitions, the type of `datetime`, who was sent most) and give the sums of LAKE/summaries. An engine that is
not installed is named and stepped over, with --require it is an error.

Exit status: 0 all agree, 1 some disagree (each is named) or, with --require, are missing, 2 wrong usage.
"""

import argparse
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

COLUMNS = (
    "datetime dns_query dns_resp ip_dst ip_dst_int ip_src ip_src_int is_dns length mac_dst mac_dst_int mac_src"
    " mac_src_int port_dst port_src protocol time time_normed"
).split()
SUMMARIES = ["volume_by_ip", "volume_by_name", "send_rates", "protocols"]
TOP = 5


@dataclass
class Seen:
    """What an engine sees in a lake."""

    rows: int
    bytes: int
    columns: list  # of the table as the engine shows it, partitions included
    dates: list  # of the partition column `date`, as text, ascending
    datetime: str  # "UTC" where the type carries the zone, else what it is
    protocols: dict  # rows by protocol, None for null
    top: list  # (ip_dst, bytes), most bytes first
    summaries: dict  # sum of `bytes` by summary


def read_duckdb(lake):
    import duckdb

    # A view, so that each question reads only the columns that it needs.
    db = duckdb.connect()
    db.execute(f"CREATE VIEW packets AS FROM read_parquet('{lake}/packets/**/*.parquet', hive_partitioning = true)")
    kind = db.sql("SELECT typeof(datetime) FROM packets LIMIT 1").fetchall()[0][0]
    return Seen(
        *db.sql("SELECT count(*), sum(length)::BIGINT FROM packets").fetchall()[0],
        columns=db.sql("FROM packets LIMIT 0").columns,
        dates=[str(date) for (date,) in db.sql("SELECT DISTINCT date FROM packets ORDER BY date").fetchall()],
        datetime="UTC" if kind == "TIMESTAMP WITH TIME ZONE" else kind,
        protocols=dict(db.sql("SELECT protocol, count(*) FROM packets GROUP BY protocol").fetchall()),
        top=db.sql(
            "SELECT ip_dst, sum(length)::BIGINT AS bytes FROM packets WHERE ip_dst IS NOT NULL"
            f" GROUP BY ip_dst ORDER BY bytes DESC, ip_dst LIMIT {TOP}"
        ).fetchall(),
        summaries={
            name: db.sql(f"SELECT sum(bytes)::BIGINT FROM '{lake}/summaries/{name}/**/*.parquet'").fetchall()[0][0]
            for name in SUMMARIES
        },
    )


def read_pandas(lake):
    import pandas
    import pyarrow.dataset

    # Said outright: what pandas assumes turns partitions into categories, which a lake partitioned by protocol, whose
    # files hold that column as text, does not allow.
    hive = pyarrow.dataset.partitioning(flavor="hive")
    packets = pandas.read_parquet(f"{lake}/packets", partitioning=hive)
    by_protocol = packets.groupby("protocol", dropna=False).size()
    sent = packets.groupby("ip_dst")["length"].sum().reset_index()
    sent = sent.sort_values(["length", "ip_dst"], ascending=[False, True]).head(TOP)
    return Seen(
        rows=len(packets),
        bytes=int(packets["length"].sum()),
        columns=list(packets.columns),
        dates=sorted(str(date) for date in packets["date"].unique()),
        datetime=str(getattr(packets["datetime"].dtype, "tz", packets["datetime"].dtype)),
        protocols={None if pandas.isna(name) else name: int(rows) for name, rows in by_protocol.items()},
        top=[(ip, int(length)) for ip, length in sent.itertuples(index=False)],
        summaries={name: int(pandas.read_parquet(f"{lake}/summaries/{name}")["bytes"].sum()) for name in SUMMARIES},
    )


def read_polars(lake):
    import polars as pl

    packets = pl.scan_parquet(f"{lake}/packets/**/*.parquet", hive_partitioning=True)
    schema = packets.collect_schema()
    sent = packets.filter(pl.col("ip_dst").is_not_null()).group_by("ip_dst").agg(pl.col("length").sum())
    top = sent.sort(["length", "ip_dst"], descending=[True, False]).head(TOP)
    return Seen(
        *packets.select(pl.len(), pl.col("length").sum()).collect().row(0),
        columns=schema.names(),
        dates=[str(date) for date in packets.select(pl.col("date").unique().sort()).collect()["date"]],
        datetime=str(getattr(schema["datetime"], "time_zone", schema["datetime"])),
        protocols=dict(packets.group_by("protocol").agg(pl.len()).collect().rows()),
        top=top.collect().rows(),
        summaries={
            name: pl.scan_parquet(f"{lake}/summaries/{name}/**/*.parquet").select(pl.col("bytes").sum()).collect().item()
            for name in SUMMARIES
        },
    )


def read_spark(lake):
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")  # for what is shown; the type is an instant
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    packets = spark.read.parquet(f"{lake}/packets")
    sent = packets.where("ip_dst IS NOT NULL").groupBy("ip_dst").agg(F.sum("length").alias("bytes"))
    # An instant; Spark calls a time without a zone timestamp_ntz.
    kind = packets.schema["datetime"].dataType.simpleString()
    seen = Seen(
        *packets.agg(F.count("*"), F.sum("length")).first(),
        columns=packets.columns,
        dates=sorted(str(row["date"]) for row in packets.select("date").distinct().collect()),
        datetime="UTC" if kind == "timestamp" else kind,
        protocols={row["protocol"]: row["count"] for row in packets.groupBy("protocol").count().collect()},
        top=[tuple(row) for row in sent.orderBy(F.desc("bytes"), "ip_dst").limit(TOP).collect()],
        summaries={
            name: spark.read.parquet(f"{lake}/summaries/{name}").agg(F.sum("bytes")).first()[0] for name in SUMMARIES
        },
    )
    spark.stop()
    return seen


# What an engine is called, the packages that it needs, and how it reads.
ENGINES = {
    "duckdb": (["duckdb"], read_duckdb),
    "pandas": (["pandas", "pyarrow"], read_pandas),
    "polars": (["polars"], read_polars),
    "spark": (["pyspark"], read_spark),
}


def faults(seen, first, partitions):
    """What is wrong with what an engine sees: in itself, or because the first engine sees something else."""
    # A partition that is also a column of the files, `protocol`, stands once, in the place that it has in the files.
    columns = COLUMNS + [name for name in partitions if name not in COLUMNS]
    if seen.columns != columns:
        yield f"columns are {seen.columns}, not {columns}"
    if seen.datetime != "UTC":
        yield f"datetime is {seen.datetime}, not UTC"
    for name, total in seen.summaries.items():
        if total != seen.bytes:
            yield f"summaries/{name} sums to {total:,} bytes, packets to {seen.bytes:,}"
    for what in ("rows", "bytes", "dates", "protocols", "top"):
        if getattr(seen, what) != getattr(first, what):
            yield f"{what} are {getattr(seen, what)}, elsewhere {getattr(first, what)}"


def show(name, seen):
    print(f"{name}: {seen.rows:,} rows, {seen.bytes:,} bytes, {len(seen.dates)} dates, {len(seen.columns)} columns")
    for ip, length in seen.top:
        print(f"    {ip:<39} {length:>15,}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lake", type=Path, metavar="LAKE")
    parser.add_argument("--engines", default=",".join(ENGINES), help="default: %(default)s")
    parser.add_argument("--require", action="store_true", help="an engine that is not installed is an error")
    args = parser.parse_args()
    names = args.engines.split(",")
    if unknown := [name for name in names if name not in ENGINES]:
        parser.error(f"no such engine: {', '.join(unknown)}")
    part = next((args.lake / "packets").rglob("*.parquet"), None)
    if part is None:
        parser.error(f"{args.lake}/packets has no part")
    partitions = [folder.partition("=")[0] for folder in part.relative_to(args.lake / "packets").parts[:-1]]

    wrong, first = 0, None
    for name in names:
        packages, read = ENGINES[name]
        if missing := [package for package in packages if importlib.util.find_spec(package) is None]:
            print(f"{name}: skipped, {' and '.join(missing)} is not installed")
            wrong += args.require
            continue
        try:
            seen = read(args.lake.resolve())
        except Exception as error:  # Whatever an engine raises, the others are still asked.
            print(f"{name}: cannot read it: {error}")
            wrong += 1
            continue
        first = first or seen
        show(name, seen)
        for fault in faults(seen, first, partitions):
            print(f"{name}: {fault}")
            wrong += 1
    print("they disagree" if wrong else "all agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
