#!/usr/bin/env python3
"""Runs the query of docs/readers.md from rows to captures on every row of a lake, and asks tshark for the packets it names.

    python3 scripts/oracle/check_origins.py LAKE [--rewritten PARCAP]

Each row must have one origin, and the packet of that number in that capture the row's length and time. Captures are looked
for at the paths that the lake knows, from the folder of the command. --rewritten checks a copy of the lake, too, from which
PARCAP has taken out a capture and which it has compacted. Exit status: 0 all are where the query says, 1 some are not.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb

PAGE = Path(__file__).resolve().parents[2] / "docs/readers.md"
VIEW = re.compile(r'"""\n(\s*CREATE VIEW origins AS.*?)"""', re.DOTALL)


def origins(lake):
    """Rows by capture: its number (or None), microseconds since the epoch (or None) and length of each; and rows of the lake."""
    view = VIEW.search(PAGE.read_text())[1].replace("'lake/packets", f"'{lake}/packets")
    db = duckdb.connect()
    db.execute(view)
    rows = {}
    for capture, *row in db.sql("SELECT capture, number, epoch_us(datetime), length FROM origins").fetchall():
        rows.setdefault(capture, []).append(row)
    return rows, db.sql(f"SELECT count(*) FROM '{lake}/packets/**/*.parquet'").fetchall()[0][0]


def packets(capture):
    """Microseconds (None without a time) and length of each packet of a capture, from 1, as tshark reads it, and its complaint."""
    fields = ["-e", "frame.encap_type", "-e", "frame.time_epoch", "-e", "frame.len"]
    done = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", *fields], capture_output=True, text=True)
    read = {}
    for line in done.stdout.splitlines():
        link_type, time, length = line.split("\t")
        # tshark makes frames of custom blocks of pcapng; only packets have a link type.
        if link_type:
            read[len(read) + 1] = (int(Decimal(time) * 1_000_000 // 1) if time else None, int(length))
    return read, done.stderr


def check(lake):
    """Prints what is wrong; returns how much."""
    rows, of_lake = origins(lake)
    found = sum(map(len, rows.values()))
    wrong = int(found != of_lake)
    if wrong:
        print(f"{lake}: {of_lake:,} rows, and {found:,} with an origin")
    checked, numbered = 0, 0
    for capture, of_capture in sorted(rows.items()):
        read, complaint = packets(capture)
        if not read:
            print(f"{capture}: NOT RUN: tshark reads nothing: {complaint.strip()}")
            continue
        seen = set()
        for number, micros, length in of_capture:
            if number is None:
                continue
            numbered += 1
            # A capture that is damaged may have fewer packets for tshark.
            if number not in read and "damaged" not in complaint and "cut short" not in complaint:
                wrong += 1
                print(f"{capture}: a row is said to be packet {number}, of {len(read)}")
            elif number in seen or number in read and (read[number][1] != length or micros not in (None, read[number][0])):
                wrong += 1
                print(f"{capture}: packet {number} is {read[number]}, the row {(micros, length)}")
            else:
                checked += number in read
            seen.add(number)
    print(f"{lake}: {of_lake:,} rows of {len(rows)} captures, {numbered:,} with a number, {checked:,} as tshark says")
    return wrong + (checked == 0)


def rewritten(lake, parcap, folder):
    """A copy of the lake without one of its captures, in fewer files."""
    copy = Path(folder, "lake")
    shutil.copytree(lake, copy)
    least = min(origins(lake)[0].items(), key=lambda item: len(item[1]))[0]
    for command in (["forget", copy, least], ["compact", copy]):
        subprocess.run([parcap, *command], check=True, capture_output=True)
    return copy


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lake", type=Path, metavar="LAKE")
    parser.add_argument("--rewritten", type=Path, metavar="PARCAP")
    arguments = parser.parse_args()
    wrong = check(arguments.lake)
    if arguments.rewritten:
        with tempfile.TemporaryDirectory() as folder:
            wrong += check(rewritten(arguments.lake, arguments.rewritten, folder))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
