#!/usr/bin/env python3
"""Extracts captures from a lake again, and compares them with what they were.

Needs tshark, and pyarrow. Each capture is converted and extracted: all of it, every third row by a table, and the packets of one
address. What comes out is converted again and must have the same rows. tshark must see the same packets in it as in the capture:
times, lengths and bytes. Where tshark reads another number of packets of the capture than there are rows (it is damaged), tshark
is asked only whether it reads as many as there are rows, with their times and lengths.

Usage: check_extract.py FOLDER… [--parcap BINARY]. Prints what differs. Exit status 0 if nothing does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SETS = "capture,link,ip,transport,flow"
# What says where a packet was, and not what it is.
PLACE = ["time_normed", "capture", "frame", "offset"]
FIELDS = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.md5_hash"]

Rows = Counter[tuple[Any, ...]]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def lake_of(parcap: Path, captures: list[Path], lake: Path) -> pa.Table | None:
    """The rows of a lake that is made of captures. None if there are no rows."""
    ran = run(parcap, "convert", *captures, "--out", lake, "--columns", SETS, "--quiet", "--top", "0")
    if ran.returncode not in (0, 3):
        raise SystemExit(f"{captures}: {ran.stderr}")
    parts = sorted((lake / "packets").rglob("*.parquet"))
    if not parts:
        return None
    # The partition is left out: a packet without a time has that of the packet before it.
    return pa.concat_tables(pq.read_table(part, partitioning=None) for part in parts)


def rows_of(table: pa.Table) -> Rows:
    table = table.drop_columns(PLACE)
    # The number of an interface without a name is where it stands.
    names = [None if name is None or name.isdigit() else name for name in table.column("interface").to_pylist()]
    place = table.schema.get_field_index("interface")
    table = table.set_column(place, "interface", pa.array(names, pa.string()))
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


def seen(capture: Path) -> Counter[tuple[str, ...]]:
    """What tshark says of each packet."""
    command = ["tshark", "-n", "-r", str(capture), "-o", "frame.generate_md5_hash:TRUE", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    return Counter(normal(tuple(line.split("\t"))) for line in run(*command).stdout.splitlines())


def normal(packet: tuple[str, ...]) -> tuple[str, ...]:
    """A packet without its time, where that has a fraction of a second or more: tshark does not carry it, and its nanoseconds
    overflow. The rows have been compared."""
    time, *rest = packet
    return ("", *rest) if len(time.partition(".")[2]) > 9 else packet


def lengths_of(table: pa.Table) -> Counter[tuple[str, ...]]:
    pairs = zip(table.column("length").to_pylist(), table.column("cap_len").to_pylist(), strict=True)
    return Counter((str(length), str(cap_len)) for length, cap_len in pairs)


class Check:
    def __init__(self, parcap: Path) -> None:
        self.parcap = parcap
        self.counts: Counter[str] = Counter()
        self.differing: list[str] = []

    def differs(self, capture: Path, what: str) -> None:
        self.differing.append(f"{capture}: {what}")
        print(f"DIFFERS {capture}: {what}")

    def extracted(self, capture: Path, lake: Path, folder: Path, name: str, *options: str) -> tuple[Path, pa.Table | None]:
        out = folder / f"{name}.pcapng"
        ran = run(self.parcap, "extract", lake, "--out", out, *options)
        if ran.returncode != 0:
            self.differs(capture, f"{name}: exit status {ran.returncode}: {ran.stderr}")
            return out, None
        return out, lake_of(self.parcap, [out], folder / f"{name}.lake")

    def rows(self, capture: Path, name: str, wanted: pa.Table, found: pa.Table | None) -> None:
        self.counts["rows"] += wanted.num_rows
        missing = rows_of(wanted) - (rows_of(found) if found is not None else Counter())
        if missing or wanted.num_rows != (found.num_rows if found is not None else 0):
            first = next(iter(missing), None)
            self.differs(capture, f"{name}: {sum(missing.values())} of {wanted.num_rows} rows are not the same: {first}")

    def check(self, capture: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lake = folder / "lake"
            table = lake_of(self.parcap, [capture], lake)
            if table is None:
                self.counts["captures without rows"] += 1
                return
            self.counts["captures"] += 1
            out, found = self.extracted(capture, lake, folder, "all")
            self.rows(capture, "all", table, found)
            self.tshark(capture, out, table)

            third = table.take(list(range(0, table.num_rows, 3)))
            pq.write_table(third.select(["capture", "offset"]), folder / "third.parquet")
            _, found = self.extracted(capture, lake, folder, "third", "--rows", str(folder / "third.parquet"))
            self.rows(capture, "third", third, found)

            addresses = Counter(address for address in table.column("ip_src").to_pylist() if address)
            if addresses:
                address = addresses.most_common(1)[0][0]
                of = table.filter(pc.or_kleene(pc.equal(table["ip_src"], address), pc.equal(table["ip_dst"], address)))
                _, found = self.extracted(capture, lake, folder, "address", "--net", address)
                self.rows(capture, f"address {address}", of, found)

    def tshark(self, capture: Path, out: Path, table: pa.Table) -> None:
        before, after = seen(capture), seen(out)
        if sum(before.values()) == table.num_rows:
            self.counts["packets in tshark"] += table.num_rows
            gone, new = before - after, after - before
            # What has no time that can be compared is compared without it.
            untimed = Counter({packet: count for packet, count in gone.items() if not packet[0]})
            if untimed:
                gone, new = gone - untimed, Counter(("", *packet[1:]) for packet in new.elements()) - untimed
            if gone or new:
                self.differs(capture, f"tshark: {len(gone)} not there, as {next(iter(gone), None)}; new {next(iter(new), None)}")
            return
        self.counts["captures of which tshark reads other packets"] += 1
        after_lengths: Counter[tuple[str, ...]] = Counter()
        for (_, length, cap_len, _), count in after.items():
            after_lengths[(length, cap_len)] += count
        if after_lengths != lengths_of(table):
            # tshark may refuse what it refuses in the capture too.
            self.counts["of which it reads other packets afterwards too"] += 1
            print(f"NOTE {capture}: {table.num_rows} rows, tshark reads {sum(before.values())}, afterwards {sum(after.values())}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--parcap", type=Path, default=Path("parcap"))
    arguments = parser.parse_args()
    check = Check(arguments.parcap)
    for folder in arguments.folders:
        for capture in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".tsv")):
            check.check(capture)
    print(", ".join(f"{what} {count}" for what, count in check.counts.items()), f"differing {len(check.differing)}", sep=", ")
    return 1 if check.differing or not check.counts["captures"] else 0


if __name__ == "__main__":
    sys.exit(main())
