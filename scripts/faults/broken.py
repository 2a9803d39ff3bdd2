#!/usr/bin/env python3
"""Takes pieces out of a lake, cuts them and flips bits in them, and proves that no run makes something wrong of it.

Every file below a small lake, and every folder, is deleted; every file is cut to nothing, to its half and by one byte, and one
bit of it is flipped in several places: one harm at a time. Then each of `convert` (with a new capture and one that has
grown), `compact`, `forget`, `verify`, `summarize` and `report` runs on a copy. Right is

- exit status 0, and what the same run makes of the undisturbed lake: rows, tables, what it prints. Only the harmed file may
  be as it is, with its size: a bit that flipped in a file that a run has no reason to read is found by `verify`;
- 3, and the run says what is lost: no row is there twice, and none that was never there;
- 1, and the run says why: no row is there that was not there before.

Never a signal, a panic, or no end. Then `verify --repair` mends each: what it leaves verifies, also with `--deep`; a
conversion of the same archive gives the rows of the undisturbed lake, and another repair finds nothing to do.

Exit status: 0 no wrong state, 1 a wrong state, each named.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

import lakes
from lakes import Figures, Parcap, at, pcap, records_of

CHUNKS = ("--chunk-size", "16KiB", "--target-file-size", "24KiB", "--jobs", "2")
NIGHT = 1_600_000_000
DAY = 86_400
# What says something else each time, and what readers of a page do not see.
CLOCK = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?")
# A run that takes so long hangs.
HANGS = 120


def archive_of(work):
    """Captures of three nights, one of them over two dates; what has come in by then, night by night."""
    office, vlan = records_of("office-hour.pcap"), records_of("vlan.pcap")
    archive = work / "archive"
    across = [(NIGHT + n * 3 * DAY // 80, *record[1:]) for n, record in enumerate(office[:60])]
    lakes.write(archive / "across.pcap", pcap(across))
    lakes.write(archive / "first.pcap", pcap(at(office[:80], NIGHT)))
    yield archive
    lakes.write(archive / "second.pcap.gz", pcap(at(vlan[:40], NIGHT + DAY)))
    lakes.write(archive / "dns.pcapng", (lakes.SAMPLES / "dns.pcapng").read_bytes())
    yield archive
    lakes.write(archive / "third.pcap", pcap(at(office[100:160], NIGHT + 2 * DAY)))
    yield archive
    # What comes in after the lake was harmed.
    lakes.write(archive / "new.pcap", pcap(at(vlan[:30], NIGHT + DAY)))
    lakes.write(archive / "across.pcap", pcap(across + [(NIGHT + 3 * DAY // 2, *record[1:]) for record in office[60:70]]))


def harms(lake, places, rng):
    """Everything that is done to a lake: what is harmed, how, and a function that does it to a copy."""
    folders = sorted(str(Path(where).relative_to(lake)) for where, _, _ in os.walk(lake) if Path(where) != lake)
    for folder in folders:
        yield folder, "delete the folder", lambda copy, name=folder: shutil.rmtree(copy / name)
    files = sorted(str(Path(where, name).relative_to(lake)) for where, _, names in os.walk(lake) for name in names)
    for name in files:
        data = (lake / name).read_bytes()
        yield name, "delete", lambda copy, name=name: (copy / name).unlink()
        cuts = {0, len(data) // 2, len(data) - 1} if data else set()
        for cut in sorted(cuts):
            yield name, f"cut to {cut}", lambda copy, name=name, data=data[:cut]: put(copy / name, data)
        for _ in range(places if data else 0):
            place, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
            flipped = bytearray(data)
            flipped[place] ^= bit
            yield name, f"flip {bit:#x} at {place}", lambda copy, name=name, data=bytes(flipped): put(copy / name, data)


def put(path, data):
    """Puts a file in the place of a hard link."""
    path.unlink()
    path.write_bytes(data)


def copy_of(lake, to):
    """A copy that costs no bytes: parcap changes no file where it is."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(lake, to, copy_function=os.link)
    return to


@cache
def rows_of(path, _inode, _time):
    """The rows of a part, or None if it cannot be read; read once."""
    return read_rows(path)


def read_rows(path):
    """The rows of a part, or None if it cannot be read."""
    try:
        rows = pq.ParquetFile(path).read().to_pylist()
    except Exception:  # noqa: BLE001: whatever a reader says
        return None
    return Counter(tuple(map(str, row.values())) for row in rows)


def rows(lake, but=()):
    """The rows of all parts that can be read."""
    found = Counter()
    for name, path in lakes.visible(lake).items():
        if name.startswith("packets/") and name not in but:
            status = path.stat()
            found += rows_of(str(path), status.st_ino, status.st_mtime_ns) or Counter()
    return found


def tables(lake, without=()):
    """The rows of the summary tables."""
    found = {}
    for name, path in lakes.visible(lake).items():
        if name.startswith("summaries/") and not any(f"/{table}/" in name for table in without):
            try:
                found[name] = pq.ParquetFile(path).read().to_pylist()
            except Exception:  # noqa: BLE001: whatever a reader says
                found[name] = None
    return found


class Sweep:
    """Runs of every command over lakes that were harmed."""

    def __init__(self, parcap, work, lake, figures):
        self.parcap, self.work, self.lake, self.figures = parcap, work, lake, figures
        self.commands = {
            "convert": lambda copy: ("convert", work / "archive", "--out", copy, "--top", "0", "--quiet", *CHUNKS),
            "compact": lambda copy: ("compact", copy, "--target-file-size", "1MiB"),
            "forget": lambda copy: ("forget", copy, work / "archive/first.pcap"),
            "verify": lambda copy: ("verify", copy),
            "summarize": lambda copy: ("summarize", copy, "--top", "5"),
            "report": lambda copy: ("report", copy, "--out", work / "page.html"),
        }
        self.right = {name: self.state(name, *self.run(name, lake)) for name in self.commands}
        for name, state in self.right.items():
            if state[0] != 0:
                raise SystemExit(f"{name} of the undisturbed lake ends with {state[0]}")
        self.before, self.after = rows(lake), self.right["convert"][1]

    def run(self, name, lake):
        """Runs a command on a copy of a lake; how it ended, and the copy."""
        copy = copy_of(lake, self.work / "copy")
        return self.started(self.commands[name](copy)), copy

    def started(self, command):
        """A run that ended, or was ended because it hung."""
        process = self.parcap.start(*command)
        try:
            return lakes.ended(process, timeout=HANGS)
        except subprocess.TimeoutExpired:
            process.kill()
            return lakes.Ran(-9, "", "it hung")

    def state(self, name, ran, copy):
        """What a command made of a lake."""
        if name in ("convert", "compact", "forget"):
            return ran.status, rows(copy), tables(copy)
        page = (self.work / "page.html").read_text() if name == "report" and ran.status == 0 else ""
        said = (ran.out + page).replace(str(copy), "LAKE")
        return ran.status, CLOCK.sub("", said), None

    def try_all(self, what, how, harmed):
        """Every command on a lake that was harmed."""
        there = rows(harmed)
        for name in self.commands:
            ran, copy = self.run(name, harmed)
            # What is wrong with a lake is the result of `verify`, on stdout.
            ran = lakes.Ran(ran.status, ran.out, f"error: {ran.err}" if name == "verify" else ran.err)
            wrong = ran.unsound()
            status, found, made = self.state(name, ran, copy)
            if not wrong and name in ("convert", "compact", "forget"):
                unread = self.unread(what, harmed, copy)
                wrong = self.wrong_rows(name, status, (found, made), there, ran, unread)
            elif not wrong and status == 0 and name != "verify" and found != self.right[name][1]:
                wrong = ["it says something else than of the undisturbed lake, with exit status 0"]
            elif not wrong and status == 0 and name == "verify":
                same = there == self.before and tables(harmed) == tables(self.lake)
                wrong = [] if same else ["it is content with other rows or tables"]
            self.figures.check(name, [f"{what}, {how}: {problem}" for problem in wrong], copy)
        self.repair(what, how, harmed)

    def unread(self, what, harmed, copy):
        """The harmed file, if it is there as it was harmed, of the size that it should have."""
        files = [folder / what for folder in (self.lake, harmed, copy)]
        if not all(file.is_file() for file in files):
            return None
        sound, before, after = (file.read_bytes() for file in files)
        return what if before == after and len(before) == len(sound) else None

    def wrong_rows(self, name, status, made, there, ran, unread):
        """What is wrong with what a command made of a lake."""
        (found, tables_found), (_, rows_right, tables_right) = made, self.right[name]
        if status == 0:
            if unread and unread.startswith("packets/"):
                part, harmed = (read_rows(str(folder / unread)) for folder in (self.lake, self.work / "copy"))
                found, rows_right = found - (harmed or Counter()), rows_right - part
            without = [{path: rows for path, rows in held.items() if path != unread} for held in (tables_found, tables_right)]
            wrong = [] if found == rows_right else ["other rows, with exit status 0"]
            return wrong + ([] if without[0] == without[1] else ["other tables, with exit status 0"])
        if status == 3 and "lost" not in ran.err and "is not there" not in ran.err and "instead of" not in ran.err:
            return [f"it ends with 3, and names nothing that is lost: {ran.err[-200:]!r}"]
        # What a bit that flipped makes of a value is in the lake already, and stays until the file is mended.
        allowed = self.after | self.before | there if status == 3 else there
        more = found - allowed
        return [f"{more.total()} rows too many, with exit status {status}"] if more else []

    def repair(self, what, how, harmed):
        """A repair, and a night after it."""
        copy = copy_of(harmed, self.work / "copy")
        first = self.started(("verify", copy, "--repair", "--deep"))
        wrong = first.unsound()
        if not wrong and first.status == 1:
            wrong = [f"it is not mended: {(first.out + first.err)[-300:]!r}"]
        if not wrong:
            second = self.started(("verify", copy, "--repair"))
            if second.status != 0 or not second.out.startswith("nothing to repair"):
                wrong = [f"another repair finds more: {second.out[-300:]!r}"]
        if not wrong:
            night = self.started(self.commands["convert"](copy))
            wrong = night.unsound()
            if not wrong and night.status != 0:
                wrong = [f"the night after it ends with {night.status}: {night.err[-300:]!r}"]
            if not wrong and rows(copy) != self.after:
                missing, more = (self.after - rows(copy)).total(), (rows(copy) - self.after).total()
                wrong = [f"the night after it has other rows: {missing} missing, {more} too many"]
            deep = self.started(("verify", copy, "--deep"))
            if not wrong and deep.status != 0:
                wrong = [f"the night after it does not verify: {deep.out[-300:]!r}"]
        self.figures.check("repair", [f"{what}, {how}: {problem}" for problem in wrong], copy)


def main():
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lakes.arguments(parser)
    parser.add_argument("--places", type=int, default=12, help="bits flipped in each file [default: %(default)s]")
    parser.add_argument("--only", default="", help="harm only what has this in its path")
    parser.add_argument("--share", type=int, default=1, help="try every n-th harm only [default: %(default)s]")
    parser.add_argument("--quick", action="store_true", help="2 places, every 5th harm")
    parser.add_argument("--seed", type=int, default=1, help="of the places [default: %(default)s]")
    options = parser.parse_args()
    if options.quick:
        options.places, options.share = 2, 5
    rng = random.Random(options.seed)
    parcap, figures = Parcap(options.parcap), Figures(options.keep)
    with lakes.work_folder(options) as folder:
        work = Path(folder).resolve()
        lake = work / "lake"
        for archive in archive_of(work):
            ran = parcap.convert(archive, lake, *CHUNKS)
            if ran.status != 0:
                raise SystemExit(f"the lake cannot be made: {ran.err}")
        sweep = Sweep(parcap, work, lake, figures)
        for number, (what, how, harm) in enumerate(harms(lake, options.places, rng)):
            if options.only in what and number % options.share == 0:
                harmed = copy_of(lake, work / "harmed")
                harm(harmed)
                sweep.try_all(what, how, harmed)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
