#!/usr/bin/env python3
"""Starts runs at once, and changes captures under a run, and proves that neither harms the lake.

Eight runs of the same conversion start at once, into a new lake and into one that is there: one does the work, the others
end with 75, or with 0 and nothing to do if they came after it; with `--wait` all end with 0 and still one does the work.

A capture grows, shrinks or vanishes while a run reads its archive, each many times, at a random moment of the run: no signal,
exit status 0 or 3, and a report that names the capture unless the lake holds it wholly as it was before or after. A plain
run then makes the lake that a conversion from scratch gives. A capture that vanished may be in the lake, as it was.

Exit status: 0 no wrong state, 1 a wrong state, each named.
"""

import argparse
import random
import shutil
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq

import lakes
from lakes import Figures, Parcap, Undisturbed, at, pcap, records_of

CHUNKS = ("--chunk-size", "256KiB", "--target-file-size", "1MiB")


def large(archive, copies):
    """An archive of a capture of many chunks between small ones; the records of the large one."""
    office, vlan = records_of("office-hour.pcap"), records_of("vlan.pcap")
    records = [record for n in range(copies) for record in at(office, office[0][0] + 14 * n)]
    lakes.write(archive / "a.pcap", pcap(vlan))
    lakes.write(archive / "m.pcap", pcap(records))
    lakes.write(archive / "z.pcap.gz", pcap(at(office, vlan[0][0] + 60)))
    return records


def at_once(parcap, work, options, figures):
    """Runs that start at once."""
    archive, base = work / "archive", work / "base"
    large(archive, 60)
    shutil.copytree(archive, work / "less", dirs_exist_ok=True)
    (work / "less/m.pcap").unlink()
    for name, before in (("new lake", None), ("lake that is there", base)):
        if before:
            # Half of the archive is in it; named by its final paths.
            parcap.convert([archive / "a.pcap"], base, *CHUNKS)
        lake = work / "lake"

        def fresh():
            shutil.rmtree(lake, ignore_errors=True)
            if before:
                shutil.copytree(before, lake)
            return lake

        alone = parcap.convert(archive, fresh(), *CHUNKS)
        expected, inputs = Undisturbed.of(lake), alone.report["inputs"]
        waits = ((), ("--wait", "60s")) if waits_for_others(parcap, options) else ((),)
        for wait in waits:
            what = f"{options.runs} runs at once, {' '.join((name, *wait[:1]))}"
            for _ in range(options.rounds):
                fresh()
                command = ["convert", archive, "--out", lake, *CHUNKS, "--quiet", "--format", "json", "--top", "0", *wait]
                ran = [lakes.ended(process) for process in [parcap.start(*command) for _ in range(options.runs)]]
                done = [run.report for run in ran if run.status == 0]
                worked = [report for report in done if report["inputs"]]
                busy = sum(run.status == 75 for run in ran)
                figures.notes[f"{what}: ended with 75"] += busy
                figures.notes[f"{what}: ended with 0, and nothing to do"] += len(done) - len(worked)
                wrong = []
                if [report["inputs"] for report in worked] != [inputs]:
                    wrong.append(f"{len(worked)} runs converted something: {[report['inputs'] for report in worked]}")
                if len(done) + busy != len(ran) or (busy and wait):
                    odd = [run for run in ran if run.status != 0 and (wait or run.status != 75)]
                    wrong.append(f"other exit statuses: {[(run.status, run.err.strip()[-200:]) for run in odd]}")
                wrong += lakes.unsound(lake) + expected.differs(lake) + lakes.left_over(lake)
                figures.check(what, wrong, lake)


def waits_for_others(parcap, options):
    """Whether `--wait` is tried."""
    if not options.no_wait and "--wait" not in parcap.run("help", "convert").out:
        raise SystemExit(f"{parcap.path} has no --wait; --no-wait goes without, and proves less")
    return not options.no_wait


def packets_of(lake, name):
    """How many packets of a capture the lake says that it holds; none if it is not there."""
    tables = sorted(lake.glob("summaries/captures/date=*/captures.parquet"))
    captures = [row for table in tables for row in pq.ParquetFile(table).read(["capture", "packets"]).to_pylist()]
    return next((row["packets"] for row in captures if row["capture"].endswith(name)), None)


def names(report, path):
    """Whether a report names a capture among what was not as it should be."""
    keys = ("damaged", "refused", "changing")
    return any(str(entry.get("path", "")).endswith(path) for key in keys for entry in report.get(key, []))


def grow(path, more, until):
    """Appends as a writer does: in pieces that end within records."""
    with path.open("ab", buffering=0) as file:
        piece = len(more) // 11 + 1
        for start in range(0, len(more), piece):
            file.write(more[start : start + piece])
            time.sleep(until / 20)


def under_a_run(parcap, work, options, figures):
    """Captures that change while they are read."""
    archive, lake, scratch = work / "moving", work / "lake", work / "scratch"
    parcap.needs(["forget"], options.no_replace, "--no-replace")
    replaces = not options.no_replace
    records = large(archive, options.copies)
    whole, target = pcap(records), archive / "m.pcap"
    cut = len(pcap(records[: len(records) // 3]))
    shutil.rmtree(scratch, ignore_errors=True)
    began = time.monotonic()
    parcap.convert(archive, scratch, *CHUNKS)
    length = time.monotonic() - began
    figures.notes["milliseconds that an undisturbed run takes"] = round(length * 1000)
    # The lakes that may be there in the end: with the whole capture, with its beginning, without it.
    versions = {}
    for version, data in (("whole", whole), ("short", whole[:cut]), ("without", None)):
        target.unlink(missing_ok=True)
        if data:
            lakes.write(target, data)
        shutil.rmtree(scratch, ignore_errors=True)
        parcap.convert(archive, scratch, *CHUNKS)
        versions[version] = (packets_of(scratch, "/m.pcap"), Undisturbed.of(scratch))
    actions = {
        "grows": ("short", "whole", lambda: grow(target, whole[cut:], length)),
        "shrinks": ("whole", "short", lambda: target.open("r+b").truncate(cut)),
        "vanishes": ("whole", "without", target.unlink),
    }
    for what, (before, later, act) in actions.items():
        for _ in range(options.times):
            shutil.rmtree(lake, ignore_errors=True)
            target.unlink(missing_ok=True)
            lakes.write(target, whole if before == "whole" else whole[:cut])
            process = parcap.start("convert", archive, "--out", lake, *CHUNKS, "--quiet", "--format", "json", "--top", "0")
            timer = threading.Timer(random.uniform(0, length), act)
            timer.start()
            ran = lakes.ended(process)
            timer.join()
            wrong = ran.unsound() + lakes.unsound(lake)
            if ran.status not in (0, 3):
                wrong.append(f"exit status {ran.status}: {ran.err.strip()[-300:]}")
            else:
                held, named = packets_of(lake, "/m.pcap"), names(ran.report, "m.pcap")
                figures.notes[f"a capture that {what}: named, exit {ran.status}"] += named
                if not named and held not in (versions[before][0], versions[later][0]):
                    packets = f"{held} packets, {versions[before][0]} before and {versions[later][0]} after"
                    wrong.append(f"{packets}, and nobody says so")
                if what == "vanishes":
                    partly = held not in (None, versions["whole"][0])
                    figures.notes["a capture that vanishes: in the lake in part, and named"] += partly and named
            again = parcap.convert(archive, lake, *CHUNKS)
            if what == "shrinks":
                # Of a file of which there is less the lake keeps what it has, and says so; until it is meant.
                if again.status == 3 and "and keeps them" not in again.err:
                    wrong.append(f"the run after it ends with 3: {again.err.strip()[-300:]}")
                again = parcap.convert(archive, lake, "--force", *CHUNKS)
            if again.status not in ((0,) if replaces else (0, 3)):
                wrong.append(f"the run after it ends with {again.status}: {again.err.strip()[-300:]}")
            if replaces:
                wrong += lakes.left_over(lake) + lakes.unsound(lake) + settled(lake, what, versions, later)
            figures.check(f"a capture that {what}", wrong, lake)


def settled(lake, what, versions, later):
    """What is wrong with a lake after the plain run."""
    expected = versions[later][1]
    if what != "vanishes":
        return expected.differs(lake, only_rows=True)
    held = packets_of(lake, "/m.pcap")
    if held is None:
        return expected.differs(lake, only_rows=True)
    if held == versions["whole"][0]:
        return versions["whole"][1].differs(lake, only_rows=True)
    found = lakes.rows(lake)
    lost, strange = (expected.rows - found).total(), (found - versions["whole"][1].rows).total()
    return [f"{lost} rows of other captures are lost, {strange} are strange"] if lost or strange else []


def main():
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lakes.arguments(parser)
    parser.add_argument("--runs", type=int, default=8, help="runs at once [default: %(default)s]")
    parser.add_argument("--rounds", type=int, default=100, help="how often they start at once [default: %(default)s]")
    parser.add_argument("--times", type=int, default=50, help="how often a capture changes, each way [default: %(default)s]")
    parser.add_argument("--copies", type=int, default=200, help="how large it is, in 62 kB [default: %(default)s]")
    parser.add_argument("--quick", action="store_true", help="10 rounds, 5 times")
    without = "for a parcap that refuses changed captures: no comparison after"
    parser.add_argument("--no-replace", action="store_true", help=without)
    parser.add_argument("--no-wait", action="store_true", help="for a parcap without --wait")
    parser.add_argument("--seed", type=int, default=1, help="of the moments [default: %(default)s]")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.times = 10, 5
    random.seed(options.seed)
    parcap, figures = Parcap(options.parcap), Figures(options.keep)
    with lakes.work_folder(options) as folder:
        work = Path(folder).resolve()
        at_once(parcap, work, options, figures)
        under_a_run(parcap, work, options, figures)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
