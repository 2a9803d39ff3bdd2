#!/usr/bin/env python3
"""Measures nights over archives of ten times as many captures each time: CPU, memory, and the walk itself beside them.

Usage: scale.py PARCAP [--steps 1000,10000,100000] [--new 100] [--others] [--keep FOLDER]

Each archive has captures of one packet, one for each minute. Of each: a first night, a night with nothing new, a night with some new
ones, `find` over the same files; and `plan`, `convert-unit` and `commit` for another lake. --others adds summarize, report, verify
and compact.

Exit status: 0; 1 if a night with nothing new, a plan or a commit takes more memory over the largest archive than over the one before
by more than a quarter and 32 MiB, and 100 bytes for each capture of a plan or a commit, and what a commit of a whole portion takes; or
if a lake lacks a packet. Times are shown and decide nothing.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
FIRST = 1_600_000_000
# A quarter, and what an allocator may keep; of a plan, its paths: the first line has all of them.
MORE, ROOM, OF_A_PATH = 1.25, 32 << 10, 100 / 1024
# 5 KiB for each of 16,384 captures that are committed together.
OF_A_PORTION = 80 << 10


def capture(number: int) -> bytes:
    """A capture of one UDP packet; no two are alike."""
    udp = struct.pack(">HHHH", 1024 + number % 50_000, 53, 8, 0)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 28, number & 0xFFFF, 0, 64, 17, 0, 0x0A000000 + number % 60_000, 0xC0000201)
    packet = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + udp
    return HEADER + struct.pack("<IIII", FIRST + 60 * number, number % 1_000_000, len(packet), len(packet)) + packet


def write(archive: Path, numbers: range) -> None:
    for number in numbers:
        folder = archive / f"{number // 1000:06}"
        if number % 1000 == 0 or number == numbers.start:
            folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{number:09}.pcap", "wb") as file:
            file.write(capture(number))


def run(*command: str, given: Path | None = None, into: Path | None = None) -> tuple[float, int, str]:
    """CPU seconds, peak memory in KiB and output of a command; its output may go into a file instead."""
    with open(into, "w+") if into else tempfile.TemporaryFile("w+") as out, open(given or os.devnull) as read:
        process = subprocess.Popen(command, stdin=read, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            sys.exit(f"{' '.join(command)}: exit {code}")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, "" if into else out.read()


def show(what: str, cpu: float, peak: int) -> None:
    print(f"| {what} | {cpu:.2f} s | {peak / 1024:.0f} MiB |", flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parcap")
    options.add_argument("--steps", default="1000,10000,100000")
    options.add_argument("--new", type=int, default=100)
    options.add_argument("--others", action="store_true")
    options.add_argument("--keep", type=Path, help="where archives and lakes are made, and stay")
    asked = options.parse_args()
    root = asked.keep or Path(tempfile.mkdtemp(prefix="parcap-scale-"))
    archive, lake = root / "archive", root / "lake"
    peaks: dict[str, list[tuple[int, int]]] = {"nothing new": [], "plan": [], "commit": []}
    wrong = 0
    made = 0
    for step in (int(step) for step in asked.steps.split(",")):
        write(archive, range(made, step))
        made = step
        shutil.rmtree(lake, ignore_errors=True)

        def convert() -> tuple[float, int, dict]:
            cpu, peak, out = run(asked.parcap, "convert", str(archive), "--out", str(lake), "--format", "json", "--quiet")
            return cpu, peak, json.loads(out)

        print(f"\n{step:,} captures\n\n| | CPU | memory |\n|---|---|---|")
        cpu, peak, report = convert()
        show("first night", cpu, peak)
        wrong += report["rows"] != step
        cpu, peak, report = convert()
        show("a night with nothing new", cpu, peak)
        peaks["nothing new"].append((0, peak))
        wrong += report["unchanged"] != step or report["commits"] != 0
        write(archive, range(made, made + asked.new))
        made += asked.new
        cpu, peak, report = convert()
        show(f"a night with {asked.new} new ones", cpu, peak)
        wrong += report["rows"] != asked.new
        cpu, peak, _ = run("find", str(archive), "-type", "f", "-printf", "%s %T@ %p\n")
        show("`find` over the archive", cpu, peak)
        planned, plan, rows = str(root / "planned"), root / "plan.jsonl", root / "rows.jsonl"
        shutil.rmtree(planned, ignore_errors=True)
        cpu, peak, _ = run(asked.parcap, "plan", str(archive), "--out", planned, into=plan)
        show("`plan`", cpu, peak)
        peaks["plan"].append((made, peak))
        cpu, peak, _ = run(asked.parcap, "convert-unit", "--out", planned, "--jobs", "2", given=plan, into=rows)
        show("`convert-unit`", cpu, peak)
        cpu, peak, out = run(asked.parcap, "commit", planned, "--format", "json", "--quiet", given=rows)
        show("`commit`", cpu, peak)
        peaks["commit"].append((made, peak))
        wrong += json.loads(out)["rows"] != made
        if asked.others:
            for name, command in [
                ("`summarize`", ("summarize", str(lake))),
                ("`report`", ("report", str(lake), "--out", str(root / "report.html"))),
                ("`verify`", ("verify", str(lake))),
                ("`compact`", ("compact", str(lake))),
            ]:
                cpu, peak, _ = run(asked.parcap, *command)
                show(name, cpu, peak)
            cpu, peak, _ = convert()
            show("a night with nothing new, after `compact`", cpu, peak)
    if asked.keep is None:
        shutil.rmtree(root)
    grows = False
    for what, of_it in peaks.items():
        for (_, before), (captures, peak) in list(zip(of_it, of_it[1:]))[-1:]:
            portion = OF_A_PORTION if what == "commit" else 0
            if peak > MORE * before + ROOM + OF_A_PATH * captures + portion:
                print(f"error: {what}: memory follows the number of captures: {of_it} KiB", file=sys.stderr)
                grows = True
    if wrong:
        print(f"error: {wrong} nights were not as expected", file=sys.stderr)
    return int(grows or wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
