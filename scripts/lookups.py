#!/usr/bin/env python3
"""What a question about one address, or one name, reads of a lake: the bytes that DuckDB and Spark count themselves.

Makes an archive out of a recorded capture, converts it, and asks for an address that is in one of a hundred row groups, in
`ip_src` and in `ip_dst`, and for a name in `dns_query`; also for ones that nobody has. With --before, the same is done with
another build of parcap, and conversions are timed in pairs. The archive is as real ones are: some hosts are in every hour, and the
others come by Zipf's law out of a million. Prints a table in Markdown.

    python3 scripts/lookups.py [--packets 2000000] [--capture C.pcap] [--before OTHER/parcap] [--spark PYTHON] [--http]

Needs numpy and pyarrow, and duckdb 2.0 or later; --spark names a Python with pyspark, --duckdb one with another duckdb (1.4 does not
count bytes: then the system does). Spark does not count what it reads in vectors, so the system counts for its process, and both are
shown. --http asks DuckDB once more through a web server: it needs httpfs, for which it looks in the package duckdb_ext.
Exit status: 0 measured, 1 a lake gave other rows than were put in, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import http.server
import json
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
SNAP, ROW_GROUP, POOL, DAY_US = 96, 131_072, 1_000_000, 86_400_000_000
START_US = 1_704_067_200_000_000  # 2024-01-01 UTC
# One of a hundred row groups has the first. Nobody has the other.
LOOKED_FOR, NOBODY = bytes([198, 51, 100, 77]), "203.0.113.250"
ASK_DUCKDB = """
import json, sys, tempfile, duckdb
files, query, setup = json.loads(sys.argv[1])
try:
    import duckdb_ext
    db = duckdb.connect(config={"extension_directory": next(iter(duckdb_ext.__path__)) + "/extensions"})
except ImportError:
    db = duckdb.connect()
for line in setup: db.execute(line)
rchar = lambda: int(open("/proc/self/io").read().split()[1])
with tempfile.NamedTemporaryFile(suffix=".json") as out:
    db.execute("PRAGMA enable_profiling='json'"); db.execute(f"PRAGMA profiling_output='{out.name}'")
    before = rchar(); db.execute("CREATE TABLE found AS " + query.format(table=f"read_parquet({files})")); after = rchar()
    io = json.load(open(out.name)).get("io")
    db.execute("PRAGMA disable_profiling")
rows = db.execute("SELECT count(*) FROM found").fetchall()[0][0]
io = io or {"total_bytes_read": after - before, "total_read_operations": "?"}
print(json.dumps([rows, io["total_bytes_read"], f"{io['total_read_operations']} reads"]))
"""
ASK_SPARK = """
import json, sys, pyspark.sql
lakes, queries = json.loads(sys.argv[1])
spark = pyspark.sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "4g")
spark = spark.config("spark.ui.showConsoleProgress", "false").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
def counted():
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    found = spark.sparkContext._jsc.sc().statusStore().executorList(True)
    return sum(found.apply(place).totalInputBytes() for place in range(found.size()))
jvm = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
rchar = lambda: int(open(f"/proc/{jvm}/io").read().split()[1])
answers = {}
for reader, dictionaries in (("Spark", "true"), ("Spark without dictionaries", "false")):
    spark.conf.set("parquet.filter.dictionary.enabled", dictionaries)
    for name, folder in lakes.items():
        spark.read.parquet(folder).createOrReplaceTempView("packets")
        for query in queries:
            # Once before, so that the classes are loaded when the system counts.
            spark.sql(query.format(table="packets")).collect()
            before, of_all = counted(), rchar()
            rows = len(spark.sql(query.format(table="packets")).collect())
            own, system = counted() - before, rchar() - of_all
            answers[reader + name + query] = rows, system, f"Spark counts {own:,}"
print(json.dumps(answers))
"""


def mixed(numbers: np.ndarray) -> np.ndarray:
    """Numbers that look random, different for different ones."""
    numbers = numbers.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


class Mix:
    """A recorded capture that is repeated with other hosts and names. Frames that are not Ethernet are left as they are."""

    def __init__(self, capture: Path):
        raw = capture.read_bytes()
        order = {0xA1B2C3D4: "<", 0xD4C3B2A1: ">"}[struct.unpack_from("<I", raw)[0]]
        self.link: int = struct.unpack_from(order + "I", raw, 20)[0]
        records, times, places = [], [], []
        sides: list[tuple[int, bytes]] = []
        labels: list[tuple[int, bytes]] = []
        at, out = 24, 0
        while at + 16 <= len(raw):
            seconds, micros, captured, wire = struct.unpack_from(order + "IIII", raw, at)
            frame = raw[at + 16 : at + 16 + min(captured, SNAP)]
            at += 16 + captured
            records.append(struct.pack("<IIII", 0, 0, len(frame), wire) + frame)
            times.append(seconds * 1_000_000 + micros)
            places.append(out)
            self._note(frame, out + 16, sides, labels)
            out += 16 + len(frame)
        self.blob = np.frombuffer(b"".join(records), np.uint8).copy()
        self.places = np.array(places)
        self.times = np.array(times) - min(times)
        self.packets = len(records)
        self.hosts = self._of_kind([(place, host) for place, host in sides if len(host) == 4])
        self.hosts6 = self._of_kind([(place, host) for place, host in sides if len(host) == 16])
        self.names = [self._of_kind([one for one in labels if len(one[1]) == size]) for size in range(3, 64)]

    @staticmethod
    def _note(frame: bytes, out: int, sides: list[tuple[int, bytes]], labels: list[tuple[int, bytes]]) -> None:
        """Where the addresses of a frame are, and the longest label of the name that it asks for."""
        kind, ip = frame[12:14], 14
        while kind in (b"\x81\x00", b"\x88\xa8"):
            kind, ip = frame[ip + 2 : ip + 4], ip + 4
        size, protocol, first = {b"\x08\x00": (4, 9, 12), b"\x86\xdd": (16, 6, 8)}.get(kind, (0, 0, 0))
        if size == 0 or len(frame) < ip + first + 2 * size:
            return
        for side in (ip + first, ip + first + size):
            sides.append((out + side, frame[side : side + size]))
        udp = ip + (4 * (frame[ip] & 15) if size == 4 else 40)
        if frame[ip + protocol] != 17 or 53 not in struct.unpack(">HH", frame[udp : udp + 4].ljust(4, b"\0")):
            return
        at, best = udp + 20, (0, b"")
        while at < len(frame) and 0 < frame[at] < 64 and at + 1 + frame[at] < len(frame):
            label = frame[at + 1 : at + 1 + frame[at]]
            best = max(best, (at + 1, label), key=lambda one: len(one[1]))
            at += 1 + frame[at]
        if len(best[1]) > 2 and at < len(frame) and frame[at] == 0:
            labels.append((out + best[0], best[1]))

    @staticmethod
    def _of_kind(found: list[tuple[int, bytes]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Places, which value each has, the values, and how many of these stay: the busiest. The others are in order of how often."""
        values = [value for value, _ in Counter(value for _, value in found).most_common()]
        number = {value: place for place, value in enumerate(values)}
        which = np.array([number[value] for _, value in found], int)
        table = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1) if values else np.zeros((0, 1), np.uint8)
        return np.array([place for place, _ in found], int), which, table, len(values) // 20

    def copy(self, number: int, begin_us: int, span_us: int, has_it: bool) -> bytes:
        """The capture once more, `span_us` long."""
        chance = np.random.default_rng(number)
        blob = self.blob.copy()
        moved = begin_us + self.times * span_us // (int(self.times.max()) + 1)
        stamps = np.stack([moved // 1_000_000, moved % 1_000_000], axis=1).astype("<u4").view(np.uint8).reshape(-1, 8)
        blob[self.places[:, None] + np.arange(8)] = stamps
        for kind, letters in [(self.hosts, False), (self.hosts6, False), *((one, True) for one in self.names)]:
            places, which, values, steady = kind
            if not len(places):
                continue
            size, others = values.shape[1], len(values) - steady
            ranks = np.floor(POOL ** chance.random(others))
            new = mixed(ranks[:, None] * 8 + np.arange((size + 7) // 8)).view(np.uint8).reshape(others, -1)[:, :size]
            new = (new % 26 + ord("a") if letters else new).astype(np.uint8)
            if size == 4:
                new[:, 0] = new[:, 0] % 190 + 11  # of the usual ranges
                if has_it and others:
                    new[min(others - 1, others // 4)] = np.frombuffer(LOOKED_FOR, np.uint8)
            elif not letters:
                new[:, 0:8] = np.frombuffer(bytes.fromhex("20010db800000000"), np.uint8)
            elif has_it and others:
                new[others // 2] = np.frombuffer((b"looked-for" * 7)[:size], np.uint8)
            blob[places[:, None] + np.arange(size)] = np.concatenate([values[:steady], new])[which]
        return blob.tobytes()

    def write(self, path: Path, day: int, first: int, copies: int) -> int:
        """A capture of one day. Returns its packets. One of a hundred row groups has what is looked for, and one of the first day."""
        every = round(100 * ROW_GROUP / self.packets)
        span = DAY_US // copies
        with path.open("wb", buffering=1 << 20) as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, self.link))
            for copy in range(copies):
                has_it = (first + copy) % every == min(every, copies) // 2
                out.write(self.copy(first + copy, START_US + day * DAY_US + copy * span, span, has_it))
        return copies * self.packets


def convert(program: Path, capture: Path, lake: Path) -> float:
    """Converts a capture. Returns the seconds of CPU that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [program, "convert", capture, "--out", lake, "--no-summary", "--quiet", "--jobs", "1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make(mix: Mix, packets: int, lakes: dict[str, Path], programs: dict[str, Path], folder: Path) -> list[float]:
    """Makes the lakes, a day after the other. Returns the ratio of CPU of each day."""
    done, day, ratios = 0, 0, []
    copies = max(1, round(min(packets, 5_000_000) / mix.packets))
    while done < packets:
        capture = folder / f"day-{day:03}.pcap"
        count = mix.write(capture, day, day * copies, copies)
        names = list(lakes) if day % 2 else list(lakes)[::-1]
        taken = {name: convert(programs[name], capture, lakes[name]) for name in names}
        if len(taken) == 2:
            ratios.append(taken["after"] / taken["before"])
        capture.unlink()
        done, day = done + count, day + 1
    return ratios


def denied(python: str, files: list[Path], column: str) -> tuple[int, int, int]:
    """Asks DuckDB what the filters of a column say: of three values of each row group, and of ones that nobody has.

    Returns how often a filter denies a value that its row group has, which is never right; how many of the others it denies; of how
    many. A row group without a filter denies none.
    """
    wrong = right = asked = 0
    script = """
import json, sys, duckdb
db, told = duckdb.connect(), []
for path, column, values in json.loads(sys.argv[1])[0]:
    probe = "select row_group_id, bloom_filter_excludes from parquet_bloom_probe(?, ?, ?)"
    told.append([dict(db.execute(probe, [path, column, value]).fetchall()) for value in values])
print(json.dumps(told))
"""
    for path in files[:: max(1, len(files) // 5)]:
        file = pq.ParquetFile(path)
        groups = range(0, file.num_row_groups, max(1, file.num_row_groups // 5))
        values = [sorted(set(file.read_row_group(group, columns=[column]).column(0).to_pylist()) - {None}) for group in groups]
        held = [(group, of[place]) for group, of in zip(groups, values, strict=True) if of for place in (0, len(of) // 2, -1)]
        others = [f"203.0.{number}.250" for number in range(113, 133)]
        [told] = ask(python, script, [(str(path), column, [value for _, value in held] + others)])
        wrong += sum(of[str(group)] for (group, _), of in zip(held, told, strict=False))
        right += sum(excluded for of in told[len(held) :] for excluded in of.values())
        asked += sum(len(of) for of in told[len(held) :])
    return wrong, right, asked


def holds(files: list[Path], column: str, value: str) -> tuple[int, int, int]:
    """Row groups, those that have the value, and its rows."""
    groups = having = rows = 0
    for path in files:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            array = file.read_row_group(group, columns=[column]).column(0).combine_chunks().dictionary_encode()
            known = array.chunk(0) if hasattr(array, "chunk") else array
            groups += 1
            if value in known.dictionary.to_pylist():
                place = known.dictionary.to_pylist().index(value)
                having += 1
                rows += int(np.count_nonzero(np.asarray(known.indices.fill_null(-1)) == place))
    return groups, having, rows


# Rows, bytes, and what else is known of how they were read.
Answer = tuple[int, int, str]


def ask(python: str, script: str, *given: Any) -> Any:
    """What a script prints at last, in a process of its own."""
    answer = subprocess.run([python, "-c", script, json.dumps(given)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, Counter[str]]]:
    """A web server of a folder that knows ranges. Gives its URL, and counts its requests and bytes."""
    counts: Counter[str] = Counter()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = folder / self.path.lstrip("/").replace("%3D", "=")
            size = path.stat().st_size
            asked = self.headers.get("Range")
            first, last = 0, size - 1
            if asked:
                begin, end = asked.removeprefix("bytes=").split("-")
                first, last = (int(begin), min(int(end or last), last)) if begin else (size - int(end), last)
            self.send_response(206 if asked else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            counts["requests"] += 1
            if self.command == "GET":
                counts["bytes"] += last - first + 1
                with path.open("rb") as file:
                    file.seek(first)
                    self.wfile.write(file.read(last - first + 1))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", counts
    finally:
        server.shutdown()


def filters(python: str, files: list[Path]) -> tuple[int, int, int]:
    """Filters of the files, their bytes, and those of the pages."""
    query = (
        "select count(bloom_filter_offset), sum(bloom_filter_length), sum(total_compressed_size), any_value(file_name) "
        f"from parquet_metadata({[str(path) for path in files]})"
    )
    script = "import duckdb, sys, json; print(json.dumps(duckdb.sql(sys.argv[1]).fetchall()[0]))"
    found = json.loads(subprocess.run([python, "-c", script, query], check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found[0], found[1] or 0, found[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=2_000_000)
    parser.add_argument("--capture", type=Path, default=ROOT / "data" / "captures" / "office-hour.pcap")
    parser.add_argument("--parcap", type=Path, default=ROOT / "target" / "release" / "parcap")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--duckdb", default=sys.executable)
    parser.add_argument("--spark")
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder for the lakes; those that are there are asked again")
    given = parser.parse_args()
    programs = {"before": given.before, "after": given.parcap} if given.before else {"after": given.parcap}
    with tempfile.TemporaryDirectory(prefix="parcap") as folder:
        kept = given.keep or Path(folder)
        lakes = {name: kept / name for name in programs}
        if not all(lake.exists() for lake in lakes.values()):
            ratios = make(Mix(given.capture), given.packets, lakes, programs, Path(folder))
            if ratios:
                spread = f"median of {len(ratios)} days, {min(ratios):.3f} to {max(ratios):.3f}"
                print(f"CPU of conversions, after / before: {np.median(ratios):.3f} ({spread})")
        return measure(lakes, given)


def measure(lakes: dict[str, Path], given: argparse.Namespace) -> int:
    files = {name: sorted((lake / "packets").rglob("*.parquet")) for name, lake in lakes.items()}
    sizes = {name: sum(path.stat().st_size for path in paths) for name, paths in files.items()}
    for name, paths in files.items():
        count, taken, pages = filters(given.duckdb, paths)
        rows = sum(pq.read_metadata(path).num_rows for path in paths)
        of_filters = f"{count} filters of {taken:,} bytes, {taken / pages:.2%} of the pages"
        print(f"{name}: {rows:,} packets, {sizes[name]:,} bytes in {len(paths)} parts; {of_filters}")
    address = ".".join(map(str, LOOKED_FOR))
    after = files["after"]
    name = looked_for_name(after)
    questions = [("ip_src", address), ("ip_dst", address), ("dns_query", name), ("ip_src", NOBODY)]
    asked = [
        (what, column, value, f"select {columns} from {{table}} where {column} = '{value}'")
        for column, value in questions
        for what, columns in (("`*`", "*"), ("two columns", "time, length"))
    ]
    of_spark = {}
    if given.spark:
        folders = {name: str(lake / "packets") for name, lake in lakes.items()}
        of_spark = ask(given.spark, ASK_SPARK, folders, [query for *_, query in asked])
    wrong = 0
    for column in ("ip_src", "ip_dst", "dns_query"):
        lies, right, of = denied(given.duckdb, after, column)
        print(f"{column}: the filters deny {right / of:.2%} of addresses that nobody has, and {lies} values that are there")
        wrong += lies
    heads = " | ".join(f"{name}: bytes" for name in lakes)
    print(f"\n| question | in row groups | reader | {heads} | of the table |\n|---|---|---|" + "---|" * (len(lakes) + 1))
    readers = ["DuckDB", *(["DuckDB, HTTP"] if given.http else [])]
    readers += ["Spark", "Spark without dictionaries"] if given.spark else []
    held = {(column, value): holds(after, column, value) for column, value in questions}
    for what, column, value, query in asked:
        groups, having, rows = held[column, value]
        for reader in readers:
            cells, shares = [], []
            for lake in lakes:
                if reader.startswith("Spark"):
                    found, taken, more = of_spark[reader + lake + query]
                else:
                    found, taken, more = duckdb_asks(reader, given.duckdb, lakes[lake], files[lake], query)
                wrong += found != rows
                cells.append(f"{taken:,}; {more}")
                shares.append(f"{taken / sizes[lake]:.2%}")
            question = f"{what} where {column} = '{value}'"
            print(f"| {question} | {having} of {groups} | {reader} | {' | '.join(cells)} | {', '.join(shares)} |", flush=True)
    if wrong:
        print(f"{wrong} answers have other rows than were put in")
    return 1 if wrong else 0


def duckdb_asks(reader: str, python: str, lake: Path, files: list[Path], query: str) -> Answer:
    """What one query gives and reads."""
    setup = ["SET threads = 2", *(["LOAD httpfs"] if reader == "DuckDB, HTTP" else [])]
    if reader == "DuckDB":
        rows, taken, reads = ask(python, ASK_DUCKDB, [str(path) for path in files], query, setup)
        return rows, taken, reads
    with served(lake) as (url, counts):
        urls = [f"{url}/{path.relative_to(lake)}" for path in files]
        rows, _, _ = ask(python, ASK_DUCKDB, urls, query, setup)
        return rows, counts["bytes"], f"{counts['requests']} requests"


def looked_for_name(files: list[Path]) -> str:
    """The name that is in fewest row groups of those that were put in."""
    found: Counter[str] = Counter()
    for path in files:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            names = file.read_row_group(group, columns=["dns_query"]).column(0).unique().to_pylist()
            found.update(one for one in names if one and "looked" in one)
    return min(found, key=lambda one: (found[one], one)) if found else "looked-for.example."


if __name__ == "__main__":
    sys.exit(main())
