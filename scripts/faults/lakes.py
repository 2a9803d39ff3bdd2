"""What the scripts that break lakes share: captures to convert, runs of parcap, and what is right about a lake.

A lake is right if everything that readers may see is a whole Parquet file (`unsound`), if it is the lake of an undisturbed
run (`differs`: names and bytes of parts, or their rows; rows and order of the summary tables), and if nothing of a run is
left (`left_over`).
"""

import gzip
import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "data" / "captures"
STATUSES = {0, 1, 3}
MICROS = 0xA1B2C3D4


# Captures.


def records_of(name):
    """The records of a little-endian pcap in microseconds among the samples: (seconds, micros, wire length, bytes)."""
    data = (SAMPLES / name).read_bytes()
    if struct.unpack_from("<I", data)[0] != MICROS:
        raise SystemExit(f"{name}: not a little-endian pcap in microseconds")
    records, at = [], 24
    while at < len(data):
        seconds, micros, captured, wire = struct.unpack_from("<IIII", data, at)
        records.append((seconds, micros, wire, data[at + 16 : at + 16 + captured]))
        at += 16 + captured
    return records


def pcap(records):
    """A little-endian pcap of Ethernet."""
    head = struct.pack("<IHHiIII", MICROS, 2, 4, 0, 0, 262144, 1)
    return head + b"".join(struct.pack("<IIII", s, u, len(data), wire) + data for s, u, wire, data in records)


def at(records, start):
    """The same records, the first of them at `start` (seconds since the epoch)."""
    first = records[0][0]
    return [(start + s - first, u, wire, data) for s, u, wire, data in records]


def write(path, data):
    """Writes a capture, packed if its name says so, as a whole: no run sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)
    draft.rename(path)


# Runs.


@dataclass
class Ran:
    """A run that ended."""

    status: int
    out: str
    err: str

    @property
    def report(self):
        """What it said with `--format json`."""
        return json.loads(self.out)

    def unsound(self, killed=False, also=frozenset()):
        """What is wrong with how it ended; these exit statuses are right as well."""
        if killed and self.status == -9:
            return []
        wrong = []
        if self.status not in STATUSES | also:
            wrong.append(f"exit status {self.status}: {self.err.strip()[-300:]}")
        if "panicked" in self.err or "RUST_BACKTRACE" in self.err:
            wrong.append(f"a panic: {self.err.strip()[-300:]}")
        if self.status == 1 and "error:" not in self.err:
            wrong.append(f"it failed, and does not say why: {self.err.strip()[-300:]!r}")
        return wrong


@dataclass
class Parcap:
    """The program."""

    path: str
    env: dict = field(default_factory=dict)

    def __post_init__(self):
        if not (found := shutil.which(self.path)):
            raise SystemExit(f"no parcap at {self.path}: build it, or name it with --parcap")
        self.path = str(Path(found).resolve())
        self.commands = set(self.run("--help").out.split())

    def start(self, *arguments, before=(), env=None, given=None, **more):
        """Starts it, with a file as its input; nobody's PARCAP_ variables are in its way."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PARCAP_")}
        command = [*map(str, before), self.path, *map(str, arguments)]
        return subprocess.Popen(
            command, stdin=open(given) if given else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**clean, **self.env, **(env or {})}, **more,
        )  # fmt: skip

    def run(self, *arguments, **more):
        """Runs it to its end."""
        return ended(self.start(*arguments, **more))

    def convert(self, inputs, lake, *arguments, **more):
        """`parcap convert`, quietly, with the report as JSON."""
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        quiet = ("--quiet", "--format", "json", "--top", "0")
        return self.run("convert", *inputs, "--out", lake, *quiet, *arguments, **more)

    def needs(self, commands, without, flag):
        """Ends this script if a command is missing, unless its absence was allowed."""
        missing = [command for command in commands if command not in self.commands]
        if missing and not without:
            raise SystemExit(f"{self.path} has no {', '.join(missing)}; {flag} goes without, and proves less")


def ended(process, timeout=300):
    """A started run, when it has ended."""
    out, err = process.communicate(timeout=timeout)
    return Ran(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


# Lakes.


def visible(lake):
    """The files that readers may see, by their paths below the lake."""
    files = {}
    for folder in ("packets", "summaries"):
        for where, _, names in os.walk(lake / folder):
            files |= {str(Path(where, name).relative_to(lake)): Path(where, name) for name in names}
    return files


def unsound(lake):
    """What readers may see and is not whole: every file is opened and read to its end."""
    wrong = []
    for name, path in sorted(visible(lake).items()):
        if path.name == "_SUCCESS" and path.stat().st_size == 0:
            continue
        if path.suffix != ".parquet":
            wrong.append(f"{name}: no Parquet, and in the way of readers")
            continue
        try:
            file = pq.ParquetFile(path)
            rows = sum(batch.num_rows for batch in file.iter_batches())
            if rows != file.metadata.num_rows:
                wrong.append(f"{name}: {rows} rows, its footer says {file.metadata.num_rows}")
        except Exception as error:  # noqa: BLE001: whatever a reader says is wrong
            wrong.append(f"{name}: {str(error).splitlines()[0]}")
    return wrong + unsound_log(lake)


def unsound_log(lake):
    """What is wrong with the Delta log, if there is one: a version that is missing or not whole, a commit that is in it twice."""
    wrong, commits = [], []
    versions = sorted(path for path in (lake / "_delta_log").glob("*.json"))
    for version, path in enumerate(versions):
        if path.name != f"{version:020}.json":
            wrong.append(f"{path.name}: version {version} is missing")
        try:
            lines = [json.loads(line) for line in path.read_text().splitlines()]
        except ValueError as error:
            wrong.append(f"{path.name}: {error}")
            continue
        commits += [line["txn"]["version"] for line in lines if "txn" in line]
    # A log that was mended says its commit again, which no fault of these makes necessary.
    if len(commits) != len(versions) or commits != sorted(set(commits)):
        wrong.append(f"_delta_log: {len(versions)} versions, of the commits {commits}")
    return wrong


def left_over(lake):
    """What a run should have taken away."""
    own = lake / "_parcap"
    found = [path for path in (own / "pending.json", *(own / "staging").rglob("*")) if path.exists()]
    return [f"{path.relative_to(lake)} is left" for path in found]


def rows(lake):
    """The rows of the packets table as a multiset: how often each is there, with its date."""
    if not (lake / "packets").is_dir() or not any((lake / "packets").rglob("*.parquet")):
        return Counter()
    table = f"read_parquet('{lake}/packets/**/*.parquet', hive_partitioning = true)"
    found = duckdb.sql(f"SELECT p::VARCHAR, count(*) FROM {table} p GROUP BY ALL").fetchall()
    return Counter(dict(found))


def tables(lake, by_name=False):
    """The summary tables; captures only by their file names, if they lay elsewhere."""
    found = {}
    for name, path in visible(lake).items():
        if name.startswith("summaries/"):
            table = pq.ParquetFile(path).read().replace_schema_metadata()
            if by_name and name.startswith("summaries/captures/"):
                names = pa.array([capture.rsplit("/", 1)[-1] for capture in table["capture"].to_pylist()])
                table = table.set_column(0, "capture", names).sort_by("capture")
            found[name] = table
    return found


def parts(lake):
    """The parts, by name: their bytes."""
    return {name: path.read_bytes() for name, path in visible(lake).items() if name.startswith("packets/")}


@dataclass
class Undisturbed:
    """The lake that should be there."""

    parts: dict
    rows: Counter
    tables: dict

    @classmethod
    def of(cls, lake, by_name=False):
        """As a lake is now."""
        return cls(parts(lake), rows(lake), tables(lake, by_name))

    def same_parts(self, lake):
        """Whether names and bytes of the parts are the same."""
        return parts(lake) == self.parts

    def differs(self, lake, only_rows=False, by_name=False):
        """In what a lake is another one; with `only_rows` its rows may be distributed over parts in another way."""
        wrong = []
        if not only_rows and not self.same_parts(lake):
            found = parts(lake)
            missing, more = sorted(self.parts.keys() - found.keys()), sorted(found.keys() - self.parts.keys())
            wrong.append(f"other parts: missing {missing[:3]}, too many {more[:3]}, else bytes")
        if wrong or only_rows:
            found = rows(lake)
            missing, more = (self.rows - found).total(), (found - self.rows).total()
            if missing or more:
                wrong.append(f"other rows: {missing} missing, {more} too many, of {self.rows.total()}")
        found = tables(lake, by_name)
        for name in sorted(self.tables.keys() | found.keys()):
            if name not in found or name not in self.tables:
                wrong.append(f"{name}: {'is missing' if name in self.tables else 'should not be there'}")
            elif not found[name].equals(self.tables[name]):
                wrong.append(f"{name}: other rows, or another order")
        return wrong


# Figures.


class Figures:
    """What was tried, and what was wrong."""

    def __init__(self, keep=None):
        self.tried, self.notes, self.wrong, self.keep = Counter(), Counter(), [], keep

    def check(self, what, wrong, lake=None):
        """Counts one try, and keeps what is wrong with it, the lake too if that was asked for."""
        self.tried[what] += 1
        for problem in wrong[:3]:
            print(f"WRONG {what}: {problem}", flush=True)
        if wrong[3:]:
            print(f"      and {len(wrong) - 3} more", flush=True)
        if wrong and self.keep and lake and lake.exists():
            shutil.copytree(lake, Path(self.keep) / f"wrong-{len(self.wrong)}", dirs_exist_ok=True)
        if wrong:
            self.wrong.append((what, wrong))

    def end(self):
        """Prints the figures; the exit status."""
        width = max(map(len, self.tried), default=0)
        for what, count in self.tried.items():
            wrong = sum(1 for about, _ in self.wrong if about == what)
            print(f"{what:{width}}  {count:6,} tried, {wrong} wrong")
        for note, count in self.notes.items():
            print(f"note: {note}: {count:,}")
        print(f"{self.tried.total():,} tried, {len(self.wrong)} wrong states")
        return 1 if self.wrong else 0


def arguments(parser):
    """The arguments that all these scripts have."""
    parser.add_argument("--parcap", default=str(ROOT / "target/release/parcap"), help="the program [default: %(default)s]")
    parser.add_argument("--work", type=Path, help="a folder to work in [default: a temporary one]")
    parser.add_argument("--keep", type=Path, help="a folder for copies of the lakes in which something was wrong")
    return parser


def work_folder(options):
    """Where to work, and whatever goes with it when the script ends."""
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="parcap-", dir=options.work)
