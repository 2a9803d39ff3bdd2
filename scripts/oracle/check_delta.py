#!/usr/bin/env python3
"""Reads lakes as Delta tables with other engines, and holds what they see against the lake's own files.

    python3 scripts/oracle/check_delta.py [--parcap PARCAP] [--require deltalake,polars,duckdb] [--seconds N]

Lakes of its own are made from data/captures, night after night: captures that come, one that is replaced, one that is
forgotten, parts that are compacted. After each commit every engine that is here must see, through the log, the rows, the bytes,
the rows of each date and those between two times that DuckDB counts in the Parquet files themselves; also after a checkpoint,
also when all versions but the last are gone, also with other partitions and all further columns. Versions before must lead to
the rows of then, or to a file that is gone. Other writers change the table (deltalake: OPTIMIZE, DELETE, an appended table, a
checkpoint, VACUUM): commits must say so, and `parcap delta` must mend it. Last, readers count without a break while commits
happen: whatever they see must be what one commit left. They may fail only because a file is not there any more.

DuckDB reads Delta with its extension `delta`, which the package duckdb-ext-delta has. An engine that is not here is named as NOT
RUN. Exit status: 0 all agree, 1 something does not.
"""

import argparse
import collections
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "data/captures"
QUERY = "SELECT count(*), sum(length), count(DISTINCT ip_src), sum(port_dst), count(datetime) FROM {}"
DATES = "SELECT CAST(date AS VARCHAR), count(*) FROM {} GROUP BY 1 ORDER BY 1"
NAMED = "SELECT count(*) FROM {} WHERE protocol = 'UDP' AND ip_src >= '192'"
WRONG = []


def wrong(what):
    """Notes something that is not as it should be."""
    WRONG.append(what)
    print(f"WRONG {what}", flush=True)


class Engine:
    """A reader of Delta tables: rows as a DuckDB relation, so that all answer the same questions."""

    def __init__(self, name):
        self.name = name

    def answers(self, lake, times):
        """What is compared."""
        db, table = self.opened(lake)
        between = f"SELECT count(*) FROM {{}} WHERE epoch_us(datetime) BETWEEN {times[0]} AND {times[1]}"
        asked = [db.sql(query.format(table)).fetchall() for query in (QUERY, DATES, NAMED, between)]
        return [*asked, self.filtered(lake, times)]

    def having(self, lake, column, value):
        """Rows with a value in a column; without any if it is None: by the engine's own filter, which leaves out files."""
        db, table = self.opened(lake)
        condition = f'"{column}" IS NULL' if value is None else f'"{column}" = $value'
        return db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", {} if value is None else {"value": value}).fetchone()[0]

    def filtered(self, lake, times):
        """Rows between two times and of the first of the dates, by the engine's own filter, which leaves out files."""
        db, table = self.opened(lake)
        first, last = (f"make_timestamptz({micros})" for micros in times)
        between = db.sql(f"SELECT count(*) FROM {table} WHERE datetime BETWEEN {first} AND {last}").fetchone()[0]
        date = db.sql(f"SELECT min(date) FROM {table}").fetchone()[0]
        return between, db.sql(f"SELECT count(*) FROM {table} WHERE date = '{date}'").fetchone()[0]


class Files(Engine):
    """The Parquet files themselves."""

    def opened(self, lake):
        """Opens them."""
        db = duckdb.connect()
        db.execute("SET TimeZone = 'UTC'")
        return db, f"read_parquet('{lake}/packets/**/*.parquet', hive_partitioning = true)"


class DuckDB(Engine):
    """DuckDB's extension."""

    def __init__(self):
        super().__init__("duckdb")
        found = glob.glob(f"{sysconfig.get_paths()['purelib']}/duckdb_ext/extensions/v{duckdb.__version__}/*/delta.duckdb_extension")
        if not found:
            raise ImportError(f"duckdb-ext-delta for DuckDB {duckdb.__version__}")
        self.extension = found[0]

    def opened(self, lake):
        """Opens the table."""
        db = duckdb.connect(config={"allow_unsigned_extensions": True})
        db.execute(f"LOAD '{self.extension}'")
        db.execute("SET TimeZone = 'UTC'")
        return db, f"delta_scan('{lake}')"

    def rows(self, lake):
        """All rows."""
        db, table = self.opened(lake)
        return db.sql(f"SELECT count(length), sum(length) FROM {table}").fetchone()


class DeltaLake(Engine):
    """delta-rs."""

    def __init__(self):
        super().__init__("deltalake")
        import deltalake
        import pyarrow.compute
        import pyarrow.dataset

        self.delta, self.compute = deltalake, pyarrow.compute

    def opened(self, lake):
        """Opens the table."""
        db = duckdb.connect()
        db.execute("SET TimeZone = 'UTC'")
        db.register("found", self.delta.DeltaTable(lake).to_pyarrow_table())
        return db, "found"

    def filtered(self, lake, times):
        """By a filter on its fragments, which it leaves out by their statistics."""
        import datetime
        import pyarrow as pa

        rows = self.delta.DeltaTable(lake).to_pyarrow_dataset()
        first, last = (pa.scalar(micros, pa.timestamp("us", "UTC")) for micros in times)
        field = self.compute.field("datetime")
        between = rows.count_rows(filter=(field >= first) & (field <= last))
        dates = rows.to_table(columns=["date"])["date"]
        date = min(dates.to_pylist())
        assert isinstance(date, datetime.date), date
        return between, rows.count_rows(filter=self.compute.field("date") == date)

    def having(self, lake, column, value):
        """By a filter of pyarrow, as pandas has it."""
        rows, field = self.delta.DeltaTable(lake).to_pyarrow_dataset(), self.compute.field(column)
        return rows.count_rows(filter=field.is_null() if value is None else field == value)

    def rows(self, lake):
        """All rows."""
        found = self.delta.DeltaTable(lake).to_pyarrow_table(columns=["length"])["length"]
        return len(found), self.compute.sum(found).as_py()


class Polars(Engine):
    """polars."""

    def __init__(self):
        super().__init__("polars")
        import deltalake  # noqa: F401 polars reads the log by it
        import polars

        self.polars = polars

    def opened(self, lake):
        """Opens the table."""
        db = duckdb.connect()
        db.execute("SET TimeZone = 'UTC'")
        db.register("found", self.polars.read_delta(str(lake)).to_arrow())
        return db, "found"

    def filtered(self, lake, times):
        """By a lazy filter."""
        pl, rows = self.polars, self.polars.scan_delta(str(lake))
        first, last = (pl.lit(micros, pl.Int64).cast(pl.Datetime("us", "UTC")) for micros in times)
        count = lambda *conditions: rows.filter(*conditions).select(pl.len()).collect().item()  # noqa: E731
        date = rows.select(pl.col("date").min()).collect().item()
        return count(pl.col("datetime").is_between(first, last)), count(pl.col("date") == date)

    def having(self, lake, column, value):
        """By a lazy filter."""
        pl, field = self.polars, self.polars.col(column)
        rows = pl.scan_delta(str(lake)).filter(field.is_null() if value is None else field == value)
        return rows.select(pl.len()).collect().item()

    def rows(self, lake):
        """All rows."""
        pl = self.polars
        return self.polars.scan_delta(str(lake)).select(pl.len(), pl.col("length").sum()).collect().row(0)


def engines(required):
    """The engines that are here."""
    here = []
    for name, engine in {"deltalake": DeltaLake, "polars": Polars, "duckdb": DuckDB}.items():
        try:
            here.append(engine())
        except ImportError as error:
            print(f"NOT RUN: {name}: {error}")
            if name in required:
                wrong(f"{name} is required, and not here")
    return here


class Lake:
    """A lake, its archive, and the rows that each of its versions had."""

    def __init__(self, parcap, folder, *options):
        self.parcap, self.folder, self.options = parcap, Path(folder), options
        self.path, self.archive = self.folder / "lake", self.folder / "archive"
        self.archive.mkdir(parents=True)
        self.had = {}

    def take(self, name, as_name=None):
        """Puts a sample into the archive."""
        shutil.copy(SAMPLES / name, self.archive / (as_name or name))

    def run(self, *words, status=(0,)):
        """Runs a command; returns what it said."""
        done = subprocess.run([self.parcap, *map(str, words)], capture_output=True, text=True)
        if done.returncode not in status:
            wrong(f"parcap {words[0]} ends with {done.returncode}: {done.stderr}")
        return done

    def convert(self, *more, status=(0, 3)):
        """A night."""
        options = self.options if not self.path.exists() else [word for word in self.options if word != "--delta"]
        return self.run("convert", self.archive, "--out", self.path, "--quiet", "--top", "0", *options, *more, status=status)

    def versions(self):
        """The versions of the log."""
        return sorted(int(path.stem) for path in (self.path / "_delta_log").glob("*.json") if path.stem.isdigit())

    def check(self, what, here):
        """Holds every engine against the files."""
        files = Files("files")
        db, table = files.opened(self.path)
        spread = db.sql(f"SELECT quantile_disc(epoch_us(datetime), [0.3, 0.7]) FROM {table}").fetchone()[0] or (0, 0)
        expected = files.answers(self.path, spread)
        self.had[self.versions()[-1]] = expected[0][0][0]
        for engine in here:
            found = engine.answers(self.path, spread)
            if found != expected:
                wrong(f"{what}: {engine.name} sees {found} instead of {expected}")
        self.run("verify", self.path)
        print(f"{what}: version {self.versions()[-1]}, {expected[0][0][0]} rows: {', '.join(engine.name for engine in here)}")


def nights(lake, here):
    """Five commits of every kind, and more until there are checkpoints."""
    lake.take("midnight.pcap")
    lake.take("office-hour.pcap")
    lake.convert()
    lake.check("first", here)
    lake.take("dns.pcapng")
    lake.take("vlan.pcap")
    lake.take("no-time.pcapng")
    lake.convert()
    lake.check("second", here)
    lake.take("fragments.pcap", "vlan.pcap")
    lake.convert()
    lake.check("replaced", here)
    lake.run("forget", lake.path, lake.archive / "office-hour.pcap")
    lake.check("forgotten", here)
    (lake.archive / "office-hour.pcap").unlink()
    lake.take("multicast-dns.pcap")
    lake.convert()
    lake.run("compact", lake.path)
    lake.check("compacted", here)
    for number in range(8):
        lake.take("loopback.pcap" if number % 2 else "two-interfaces.pcapng", "changes.pcap")
        lake.convert()
    lake.check("after a checkpoint", here)
    if not list((lake.path / "_delta_log").glob("*.checkpoint.parquet")):
        wrong("there is no checkpoint")


def each_column(lake, here):
    """Filters on each column find what is there: an engine that makes too much of statistics loses rows without a word."""
    # The columns of the files themselves: DuckDB takes the folder of a null for a name.
    db, table = duckdb.connect(), f"read_parquet('{lake.path}/packets/**/*.parquet', hive_partitioning = false)"
    columns = [row[0] for row in db.sql(f"DESCRIBE SELECT * EXCLUDE (datetime) FROM {table}").fetchall()]
    asked = 0
    for column in columns:
        # The least and the greatest value, and the longest one.
        found = db.sql(f"""SELECT min("{column}"), max("{column}"), arg_max("{column}", length(CAST("{column}" AS VARCHAR))) FROM {table}""")
        for value in dict.fromkeys([*found.fetchone(), None]):
            condition = f'"{column}" IS NULL' if value is None else f'"{column}" = $value'
            parameters = {} if value is None else {"value": value}
            expected = db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", parameters).fetchone()[0]
            for engine in here:
                if (seen := engine.having(lake.path, column, value)) != expected:
                    wrong(f"{engine.name}: {seen} rows with {column} = {value!r} instead of {expected}")
                asked += 1
    print(f"filters on each of {len(columns)} columns: {asked} asked")


def travel(lake, here):
    """Versions before lead to the rows of then, or to a file that is gone."""
    delta = next((engine.delta for engine in here if engine.name == "deltalake"), None)
    if delta is None:
        return
    seen = 0
    for version, rows in lake.had.items():
        table = delta.DeltaTable(lake.path, version=version)
        import pyarrow as pa

        actions = pa.table(table.get_add_actions(flatten=True))
        told = sum(actions["num_records"].to_pylist())
        if told != rows:
            wrong(f"version {version}: its statistics add up to {told} rows, and there were {rows}")
        try:
            found = table.to_pyarrow_table().num_rows
            seen += 1
            if found != rows:
                wrong(f"version {version}: {found} rows, and there were {rows}")
        except Exception as error:  # noqa: BLE001 each engine has its own
            if "not found" not in str(error).lower() and "no such file" not in str(error).lower():
                wrong(f"version {version}: {error}")
    print(f"time travel: {len(lake.had)} versions, of {seen} all files are there")


def without_versions(lake, here):
    """With all versions gone but the last, and with the checkpoint alone."""
    lake.run("delta", lake.path)
    log = lake.path / "_delta_log"
    newest = max(int(path.name[:20]) for path in log.glob("*.checkpoint.parquet"))
    for version in [version for version in lake.versions() if version <= newest and version != lake.versions()[-1]]:
        (log / f"{version:020}.json").unlink()
    lake.check("the versions before the checkpoint are gone", here)
    lake.take("vlan.pcap", "after.pcap")
    lake.convert()
    lake.check("and the next commit", here)


def foreign(lake, here):
    """What other writers do is said, and mended."""
    delta = next((engine.delta for engine in here if engine.name == "deltalake"), None)
    if delta is None:
        return
    import pyarrow as pa

    rows = lambda: pa.table(delta.DeltaTable(lake.path).to_pyarrow_table())  # noqa: E731
    harms = {
        "OPTIMIZE": lambda table: table.optimize.compact(),
        "DELETE": lambda table: table.delete("protocol = 'UDP'"),
        "an appended table": lambda table: delta.write_deltalake(table, rows().slice(0, 5), mode="append"),
        "a checkpoint": lambda table: table.create_checkpoint(),
    }
    for number, (name, harm) in enumerate(harms.items()):
        before = lake.versions()[-1]
        harm(delta.DeltaTable(lake.path))
        changed = lake.versions()[-1] != before
        lake.take("web.pcap.gz" if number % 2 else "fragments.pcap", f"night-{number}.pcap")
        done = lake.convert(status=(3,) if changed else (0, 3))
        said = "the Delta log lacks" in done.stderr
        if said != changed:
            wrong(f"{name}: the next commit says {done.stderr!r}")
        lake.run("verify", lake.path, status=(1,) if changed else (0,))
        lake.run("delta", lake.path, status=(0,))
        strays = [path for path in lake.path.rglob("*.parquet") if path.parts[len(lake.path.parts)] not in ("packets", "summaries", "_parcap", "_delta_log")]
        lake.check(f"after {name}, mended ({len(strays)} files of the other writer lie about)", here)
        for stray in strays:
            stray.unlink()
    for full in (False, True):
        goes = delta.DeltaTable(lake.path).vacuum(dry_run=True, full=full)
        if goes:
            wrong(f"VACUUM (full={full}) would remove {goes[:3]}")
    print("VACUUM with the table's own retention removes nothing")


def counting(lake, here, seconds):
    """Readers count without a break while captures are replaced, taken out, put back and compacted."""
    lake.take("office-hour.pcap")
    lake.take("midnight.pcap")
    lake.convert()
    states, over = set(), threading.Event()
    seen = {engine.name: collections.Counter() for engine in here}
    totals = {engine.name: set() for engine in here}

    def state():
        db, table = Files("files").opened(lake.path)
        states.add(tuple(db.sql(f"SELECT count(*), sum(length) FROM {table}").fetchone()))

    def count(engine):
        while not over.is_set():
            try:
                totals[engine.name].add(tuple(engine.rows(lake.path)))
                seen[engine.name]["counted"] += 1
            except Exception as error:  # noqa: BLE001 each engine has its own
                gone = any(words in str(error).lower() for words in ("not found", "no such file", "os error 2"))
                seen[engine.name]["a file was gone" if gone else f"failed: {error}"] += 1

    state()
    readers = [threading.Thread(target=count, args=(engine,)) for engine in here]
    for reader in readers:
        reader.start()
    began, commits = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        for number in range(4):
            if number == 3:
                lake.run("compact", lake.path)
            elif number == 2:
                lake.run("forget", lake.path, lake.archive / "midnight.pcap")
            else:
                lake.take(("vlan.pcap", "fragments.pcap")[number], "changes.pcap")
                lake.convert()
            commits += 1
            state()
    over.set()
    for reader in readers:
        reader.join()
    for engine in here:
        if strange := totals[engine.name] - states:
            wrong(f"{engine.name} counted what no commit left: {strange}, of {states}")
        for outcome in seen[engine.name]:
            if outcome.startswith("failed"):
                wrong(f"{engine.name}: {outcome}")
        if not seen[engine.name]["counted"]:
            wrong(f"{engine.name} counted nothing")
        print(f"{commits} commits, {engine.name}: {dict(seen[engine.name])}, {len(totals[engine.name])} totals of {len(states)}")


def odd_protocol():
    """A capture of IP protocol 39, TP++, whose partition is `protocol=TP%2B%2B`; its times are the first and the last day."""
    ip = bytes([0x45, 0, 0, 40, 0, 1, 0, 0, 64, 39, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]) + bytes(20)
    frame = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]) + ip
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    records = ((0, 1), (0, 999_999), (2**32 - 1, 999_999))
    return head + b"".join(struct.pack("<IIII", *when, len(frame), len(frame)) + frame for when in records)


def main():
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcap", default=str(ROOT / "target/release/parcap"), help="the program [default: %(default)s]")
    parser.add_argument("--require", default="", help="engines that must be here, with commas between")
    parser.add_argument("--seconds", type=float, default=10, help="for which readers count [default: %(default)s]")
    options = parser.parse_args()
    here = engines(options.require.split(","))
    with tempfile.TemporaryDirectory() as work:
        lake = Lake(options.parcap, f"{work}/nights", "--delta")
        nights(lake, here)
        travel(lake, here)
        without_versions(lake, here)
        foreign(lake, here)
        shape = ["--partition-by", "date,hour,protocol", "--columns", "capture,link,ip,transport,flow,dns,tunnel,tls"]
        # Its captures have names that footers cut.
        lake = Lake(options.parcap, f"{work}/shaped-{'as-nobody-needs-it-' * 4}", "--delta", *shape)
        for capture in sorted(SAMPLES.glob("*.pcap*")):
            lake.take(capture.name)
        (lake.archive / "odd.pcap").write_bytes(odd_protocol())
        lake.convert()
        lake.check("other partitions and all columns", here)
        each_column(lake, here)
        counting(Lake(options.parcap, f"{work}/counting", "--delta"), here, options.seconds)
    print(json.dumps({"wrong": len(WRONG)}))
    sys.stdout.flush()
    # Threads of the engines outlive the interpreter's end, and abort the process there.
    os._exit(1 if WRONG else 0)


if __name__ == "__main__":
    main()
