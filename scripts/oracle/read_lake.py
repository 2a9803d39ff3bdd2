#!/usr/bin/env python3
"""Reads a lake with DuckDB, pandas, polars and Spark, and checks that they see the same.

    python3 scripts/oracle/read_lake.py LAKE [--engines duckdb,pandas,polars,spark] [--require]

One function an engine, each as its users would write it; all answer the same questions about LAKE/packets (rows, bytes,
columns, partitions, the type of `datetime`, who was sent most). Each then reads every value of every column of packets
and of all summaries, so that a file that it cannot decode is seen, and gives figures of them that must agree: rows with a
value, and least, greatest and sum of numbers, first and last of times, how many are true, distinct texts and their bytes.
An engine that is not installed is named and stepped over, with --require it is an error.

Exit status: 0 all agree, 1 some disagree (each is named) or, with --require, are missing, 2 wrong usage.
"""

import argparse
import importlib.util
import math
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
    tables: dict  # figures of each column, see `figures_of_*`, by table and column; the rows of a table under ROWS


ROWS = "rows of the table"
INSTANTS_OF_DUCKDB = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")  # of micro- and of nanoseconds


def tables_of(lake):
    """The folders of the tables that have files, by name: packets, and each summary."""
    folders = [lake / "packets", *sorted((lake / "summaries").iterdir())]
    return {folder.name: folder for folder in folders if any(folder.rglob("*.parquet"))}


# What the files hold, without columns that only their paths say: a dictionary from column to figures, of numbers
# (values, least, greatest, sum as a double), times (values, first, last, in microseconds since the epoch), booleans
# (values, how many are true) and texts (values, distinct ones, bytes of UTF-8).


def figures_of_duckdb(db, folder):
    db.execute(f"CREATE OR REPLACE VIEW t AS FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = false)")
    figures = {ROWS: db.sql("SELECT count(*) FROM t").fetchall()[0]}
    for name, kind, *_ in db.sql("DESCRIBE t").fetchall():
        column = f'"{name}"'
        times = "epoch_us(min({0})::TIMESTAMPTZ), epoch_us(max({0})::TIMESTAMPTZ)"
        asked = {
            "VARCHAR": "count(distinct {0}), sum(strlen({0}))::BIGINT",
            "BOOLEAN": "count_if({0})",
            **dict.fromkeys(INSTANTS_OF_DUCKDB, times),
        }.get(kind, "min({0}), max({0}), sum({0}::DOUBLE)")
        figures[name] = db.sql(f"SELECT count({column}), {asked.format(column)} FROM t").fetchall()[0]
    return figures


def figures_of_pandas(pandas, folder):
    import pyarrow as pa

    # Without partitioning, or text that is also a partition makes trouble; Arrow's types, or integers with nulls are
    # floats, which do not hold all of them.
    table = pandas.read_parquet(folder, partitioning=None, dtype_backend="pyarrow")
    figures = {ROWS: (len(table),)}
    for name in table.columns:
        have = table[name].dropna()
        kind = have.dtype.pyarrow_dtype
        if pa.types.is_timestamp(kind):
            micros = have.astype(f"timestamp[{kind.unit}, UTC][pyarrow]").dt.as_unit("us").astype("int64[pyarrow]")
            asked = (micros.min(), micros.max()) if len(have) else (None, None)
        elif pa.types.is_boolean(kind):
            asked = (int(have.sum()),)
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            asked = (have.nunique(), sum(len(text.encode()) for text in have) if len(have) else None)
        else:
            asked = (have.min(), have.max(), float(have.astype("float64").sum())) if len(have) else (None, None, None)
        figures[name] = (len(have), *asked)
    return figures


def figures_of_polars(pl, folder):
    table = pl.scan_parquet(f"{folder}/**/*.parquet", hive_partitioning=False)
    figures = {ROWS: table.select(pl.len()).collect().row(0)}
    for name, kind in table.collect_schema().items():
        column = pl.col(name).drop_nulls()
        if kind == pl.String:
            asked = [column.n_unique(), column.str.len_bytes().sum()]
        elif kind == pl.Boolean:
            asked = [column.sum()]
        elif isinstance(kind, pl.Datetime):
            asked = [column.dt.epoch("us").min(), column.dt.epoch("us").max()]
        else:
            asked = [column.min(), column.max(), column.cast(pl.Float64).sum()]
        found = [ask.alias(str(number)) for number, ask in enumerate([column.len(), *asked])]
        figures[name] = table.select(found).collect().row(0)
    return figures


def figures_of_spark(spark, folder):
    from pyspark.sql import functions as F

    # This option also keeps Spark from making columns of the folders' names.
    table = spark.read.option("recursiveFileLookup", "true").parquet(str(folder))
    figures = {ROWS: (table.count(),)}
    for name, kind in table.dtypes:
        column = F.col(f"`{name}`")
        asked = {
            "string": [F.count_distinct(column), F.sum(F.octet_length(column))],
            "boolean": [F.sum(column.cast("long"))],
            "timestamp": [F.unix_micros(F.min(column)), F.unix_micros(F.max(column))],
        }.get(kind, [F.min(column), F.max(column), F.sum(column.cast("double"))])
        figures[name] = tuple(table.agg(F.count(column), *asked).first())
    return figures


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
        datetime="UTC" if kind in INSTANTS_OF_DUCKDB else kind,
        protocols=dict(db.sql("SELECT protocol, count(*) FROM packets GROUP BY protocol").fetchall()),
        top=db.sql(
            "SELECT ip_dst, sum(length)::BIGINT AS bytes FROM packets WHERE ip_dst IS NOT NULL"
            f" GROUP BY ip_dst ORDER BY bytes DESC, ip_dst LIMIT {TOP}"
        ).fetchall(),
        tables={name: figures_of_duckdb(db, folder) for name, folder in tables_of(lake).items()},
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
        tables={name: figures_of_pandas(pandas, folder) for name, folder in tables_of(lake).items()},
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
        tables={name: figures_of_polars(pl, folder) for name, folder in tables_of(lake).items()},
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
        tables={name: figures_of_spark(spark, folder) for name, folder in tables_of(lake).items()},
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


def agree(here, there):
    """Whether figures are the same; sums of doubles, which engines add up in orders of their own, nearly."""
    near = lambda a, b: math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b
    # What the sum of no values is, zero or nothing, is not agreed upon.
    return len(here) == len(there) and (here[0] == there[0] == 0 or all(map(near, here, there)))


def faults(seen, first, partitions):
    """What is wrong with what an engine sees: in itself, or because the first engine sees something else."""
    # A partition that is also a column of the files, `protocol`, stands once, in the place that it has in the files.
    columns = COLUMNS + [name for name in partitions if name not in COLUMNS]
    if seen.columns != columns:
        yield f"columns are {seen.columns}, not {columns}"
    if seen.datetime != "UTC":
        yield f"datetime is {seen.datetime}, not UTC"
    for name in SUMMARIES:
        total = seen.tables[name]["bytes"][-1]
        if total != seen.bytes:
            yield f"summaries/{name} sums to {total:,} bytes, packets to {seen.bytes:,}"
    if seen.tables.keys() != first.tables.keys():
        yield f"tables are {list(seen.tables)}, elsewhere {list(first.tables)}"
    for table in seen.tables.keys() & first.tables.keys():
        here, there = seen.tables[table], first.tables[table]
        if list(here) != list(there):
            yield f"{table} has columns {list(here)}, elsewhere {list(there)}"
        for column in here.keys() & there.keys():
            if not agree(here[column], there[column]):
                yield f"{table}: {column} has {here[column]}, elsewhere {there[column]}"
    for what in ("rows", "bytes", "dates", "protocols", "top"):
        if getattr(seen, what) != getattr(first, what):
            yield f"{what} are {getattr(seen, what)}, elsewhere {getattr(first, what)}"


def show(name, seen):
    read = sum(len(columns) - 1 for columns in seen.tables.values())
    print(
        f"{name}: {seen.rows:,} rows, {seen.bytes:,} bytes, {len(seen.dates)} dates, {len(seen.columns)} columns;"
        f" {read} columns of {len(seen.tables)} tables read"
    )
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
