#!/usr/bin/env python3
"""Thirty nights of an archive that lives, and proves that the lake is what a conversion from scratch gives.

Each night captures come: small and large, across midnight, late by days, out of order, in gzip, cut by a disk that was
full. Some are still being written: they end within a record tonight, and are longer tomorrow. Some are rewritten, touched,
renamed, packed, duplicated, deleted from disk. Every third night the run is killed at a random moment and run again. Now and
then the lake is compacted; one capture is forgotten. After each night whatever readers see is whole and nothing is left over.

Every tenth night, and in the end, the lake is held against a conversion from scratch of every capture that it should hold,
those that were deleted from disk included: rows as multisets for each date, summary tables with their order (captures by file
name), and `parcap verify --deep`. What happens is a matter of --seed alone, but for the moments of the kills.

Exit status: 0 no wrong state, 1 a wrong state, each named.
"""

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import lakes
from lakes import Figures, Parcap, Undisturbed, at, pcap, records_of

MAY = 1_714_521_600  # 2024-05-01T00:00:00Z
DAY = 86_400
SETTINGS = ("--chunk-size", "64KiB", "--target-file-size", "64KiB")
SOURCES = ("office-hour.pcap", "vlan.pcap", "midnight.pcap")


class Archive:
    """The captures on disk, and those that the lake should hold."""

    def __init__(self, folder, copies, dice, replaces):
        self.folder, self.copies, self.dice, self.replaces = folder, copies, dice, replaces
        self.sources = [records_of(name) for name in SOURCES]
        self.should = {}  # by path below the folder: the bytes of the file
        self.open = {}  # captures that are being written: all of their bytes
        self.alone = set()  # captures with a content that no other one has or had, so that a new name is a new name
        self.today = set()  # captures that something happened to today: no run has seen them as they are
        self.happened = Counter()
        self.number = 0

    def put(self, name, data):
        """A file on disk, and in what should be in the lake."""
        lakes.write(self.folder / name, data)
        self.should[name] = (self.folder / name).read_bytes()

    def new(self, night, what):
        """A capture of a night."""
        start = MAY + night * DAY + self.dice.randrange(3600, 80_000)
        if what == "across midnight":
            start = MAY + (night + 1) * DAY - self.dice.randrange(1, 9)
        if what == "late":
            start -= self.dice.randrange(1, 6) * DAY
        records = self.dice.choice(self.sources)
        first = self.dice.randrange(len(records) // 2)
        records = at(records[first : first + self.dice.randrange(5, len(records))], start)
        if what == "large":
            records = [record for n in range(12) for record in at(self.sources[0], start + 14 * n)]
        if what == "out of order":
            self.dice.shuffle(records)
        self.number += 1
        name = f"2024-05-{night + 1:02}/{self.number:04}.pcap{'.gz' if what == 'gzip' else ''}"
        data = pcap(records)
        if what == "cut":
            data = data[: -self.dice.randrange(1, 40)]
        if what == "open":
            self.open[name] = data
            data = data[: len(data) * 2 // 3 - 3]
        self.put(name, data)
        self.alone.add(name)
        self.happened[what] += 1

    def on_disk(self, plain=False):
        """A capture that is on disk, whose content is nobody else's."""
        names = [name for name in sorted(self.alone) if (self.folder / name).exists() and name not in self.open]
        names = [name for name in names if name not in self.today and (name.endswith(".pcap") or not plain)]
        return self.dice.choice(names) if names else None

    def change(self, night, what):
        """Something happens to a capture that has been there; what a parcap cannot follow yet is left out."""
        if not (name := self.on_disk(plain=what in ("rewritten", "packed"))):
            return
        path, data = self.folder / name, self.should[name]
        self.today.add(name)
        if what == "touched":
            path.touch()
        elif what == "duplicated":
            self.number += 1
            twin = f"{Path(name).parent}/{self.number:04}-twin{''.join(Path(name).suffixes)}"
            shutil.copyfile(path, self.folder / twin)
            self.should[twin] = data
            self.alone.discard(name)
        elif what == "deleted":
            self.copies.mkdir(exist_ok=True)
            path.unlink()
            self.alone.discard(name)
        elif not self.replaces:
            return
        elif what == "rewritten":
            self.put(name, pcap(at(self.dice.choice(self.sources)[:40], MAY + night * DAY + self.number)))
        elif what in ("renamed", "packed"):
            self.number += 1
            moved = f"{Path(name).parent}/{self.number:04}-renamed{''.join(Path(name).suffixes)}"
            other = f"{name}.gz" if what == "packed" else moved
            self.today.add(other)
            path.unlink()
            del self.should[name]
            self.alone.remove(name)
            self.alone.add(other)
            if what == "packed":
                self.put(other, data)
            else:
                (self.folder / other).write_bytes(data)
                self.should[other] = data
        self.happened[what] += 1

    def grow(self):
        """What was being written is whole now."""
        for name, data in self.open.items():
            self.put(name, data)
            self.today.add(name)
            self.happened["grown"] += 1
        self.open.clear()

    def evening(self, night):
        """All that happens on a day."""
        self.today.clear()
        self.grow()
        if night > 0:
            for what in self.dice.sample(["touched", "duplicated", "deleted", "rewritten", "renamed", "packed"], 3):
                self.change(night, what)
        kinds = ["usual", "usual", "large", "across midnight", "late", "out of order", "gzip", "cut"]
        for what in self.dice.sample(kinds, self.dice.randrange(3, 6)):
            self.new(night, what)
        if self.replaces:
            self.new(night, "open")

    def forget(self):
        """A capture that is to go from disk and lake."""
        self.today.clear()
        if name := self.on_disk():
            (self.folder / name).unlink()
            del self.should[name]
            self.alone.remove(name)
            self.happened["forgotten"] += 1
        return name

    def from_scratch(self, parcap, work):
        """The lake that there should be."""
        folder, lake = work / "scratch-archive", work / "scratch-lake"
        for path in (folder, lake):
            shutil.rmtree(path, ignore_errors=True)
        for name, data in self.should.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        ran = parcap.convert(folder, lake, *SETTINGS)
        if ran.status not in (0, 3) or ran.report["refused"]:
            raise SystemExit(f"the conversion from scratch fails: {ran.err}")
        return Undisturbed.of(lake, by_name=True)


def night_of(parcap, archive, lake, kill, dice, figures):
    """A run, perhaps killed and run again."""
    wrong = []
    command = ["convert", archive.folder, "--out", lake, *SETTINGS, "--quiet", "--format", "json", "--top", "0"]
    if kill:
        process = parcap.start(*command)
        time.sleep(dice.uniform(0.005, figures.length))
        process.kill()
        ran = lakes.ended(process)
        figures.notes["runs that were killed" if ran.status == -9 else "kills that came too late"] += 1
        wrong += ran.unsound(killed=True) + lakes.unsound(lake)
    began = time.monotonic()
    ran = parcap.run(*command)
    figures.length = max(0.02, time.monotonic() - began)
    wrong += ran.unsound()
    if ran.status not in (0, 3):
        wrong.append(f"exit status {ran.status}: {ran.err.strip()[-300:]}")
    return wrong


def main():
    """Lives through the nights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lakes.arguments(parser)
    parser.add_argument("--nights", type=int, default=30, help="[default: %(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of all that happens [default: %(default)s]")
    parser.add_argument("--compare-every", type=int, default=10, metavar="N", help="nights [default: %(default)s]")
    without = "nothing rewritten, grown, renamed, packed, forgotten, compacted"
    parser.add_argument("--no-replace", action="store_true", help=without)
    parser.add_argument("--no-verify", action="store_true", help="for a parcap without verify")
    options = parser.parse_args()
    parcap, figures = Parcap(options.parcap), Figures(options.keep)
    parcap.needs(["compact", "forget"], options.no_replace, "--no-replace")
    parcap.needs(["verify"], options.no_verify, "--no-verify")
    replaces, verifies = not options.no_replace, not options.no_verify
    dice, moments = random.Random(options.seed), random.Random(-options.seed)
    figures.length = 0.1
    with lakes.work_folder(options) as folder:
        work = Path(folder).resolve()
        archive, lake = Archive(work / "archive", work / "copies", dice, replaces), work / "lake"
        for night in range(options.nights):
            archive.evening(night)
            wrong = night_of(parcap, archive, lake, night % 3 == 2, moments, figures)
            if replaces and night % 8 == 6:
                before = len(lakes.parts(lake))
                ran = parcap.run("compact", lake)
                figures.notes["parts that compacting saved"] += before - len(lakes.parts(lake))
                wrong += ran.unsound() + ([f"compact ends with {ran.status}: {ran.err}"] if ran.status else [])
            if replaces and night == options.nights // 2 and (name := archive.forget()):
                ran = parcap.run("forget", lake, archive.folder / name)
                wrong += ran.unsound() + ([f"forget ends with {ran.status}: {ran.err}"] if ran.status else [])
            wrong += lakes.unsound(lake) + lakes.left_over(lake)
            figures.check("nights", [f"{problem}  [night {night + 1}]" for problem in wrong], lake)
            last = night == options.nights - 1
            if last and archive.open:
                archive.grow()
                wrong = night_of(parcap, archive, lake, False, moments, figures)
                figures.check("a run more, when nothing is being written", wrong, lake)
            if last or night % options.compare_every == options.compare_every - 1:
                wrong = archive.from_scratch(parcap, work).differs(lake, only_rows=True, by_name=True)
                if verifies and (ran := parcap.run("verify", lake, "--deep")).status != 0:
                    wrong.append(f"verify: {ran.out.strip()[-500:]} {ran.err.strip()[-200:]}")
                figures.check("comparisons with a conversion from scratch", [f"{p}  [night {night + 1}]" for p in wrong], lake)
        figures.notes |= Counter({f"captures: {what}": count for what, count in sorted(archive.happened.items())})
        figures.notes["captures in the lake in the end"] = len(archive.should)
        figures.notes["rows in the lake in the end"] = lakes.rows(lake).total()
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
