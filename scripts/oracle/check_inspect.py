#!/usr/bin/env python3
"""Hold `parcap inspect` against capinfos (Wireshark), capture by capture.

  check_inspect.py FOLDER... [--parcap BIN] [--show N]

Compared: packets, bytes of the file, bytes on the wire, first and last time, time order, one link type or several. A
capture that either of the two does not read to its end is only listed. Exit status 1 if anything differs.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from decimal import ROUND_FLOOR, Decimal


def capinfos(path):
    """What capinfos says, or None if it stops before the end."""
    run = subprocess.run(["capinfos", "-TMmQS", path], capture_output=True, text=True, errors="replace", env={**os.environ, "TZ": "UTC"})
    rows = list(csv.reader(run.stdout.splitlines()))
    # It repeats the line for each section of a pcapng; the numbers are the file's.
    return dict(zip(rows[0], rows[1])) if run.returncode == 0 and len(rows) > 1 else None


def decimal(text):
    """A number, or None for what capinfos says where it has none, or where a fraction overflows its digits."""
    whole, _, fraction = text.partition(".")
    return Decimal(text) if whole.lstrip("-").isdigit() and fraction.isdigit() and len(fraction) <= 9 else None


def seconds(time):
    """A timestamp of the JSON output as exact seconds."""
    return Decimal(time["seconds"]) + Decimal(time["attos"]).scaleb(-18)


def ours(capture):
    found = capture["found"]
    time = lambda key: None if found[key] is None else seconds(found[key])
    return {
        "packets": found["records"],
        "file bytes": capture["size"],
        "wire bytes": found["length"],
        "first": time("earliest"),
        "last": time("latest"),
        "in order": capture["in_order"],
        # By the interfaces, whether they have packets or not.
        "several link types": len({held["link_type"] for held in capture["survey"]["interfaces"]}) > 1,
    }


def theirs(info):
    return {
        "packets": int(info["Number of packets"]),
        "file bytes": int(info["File size (bytes)"]),
        "wire bytes": int(info["Data size (bytes)"]),
        "first": decimal(info["Start time"]),
        "last": decimal(info["End time"]),
        "in order": {"True": True, "False": False}.get(info["Strict time order"]),
        "several link types": info["File encapsulation"] == "per-packet",
    }


def differences(capture, info):
    a, b = ours(capture), theirs(info)
    # Packets without a time, and fractions of a second or more, which capinfos does not carry.
    untold = b["first"] is None or b["last"] is None or b["in order"] is None
    if untold or "fraction_carried" in capture["found"]["odd"]:
        for key in ("first", "last", "in order"):
            a.pop(key)
    # It writes as many digits as it takes the file to be precise to.
    cut = lambda x, y: x.quantize(y, ROUND_FLOOR) if isinstance(x, Decimal) and isinstance(y, Decimal) else x
    same = lambda x, y: cut(x, y) == y
    return [f"{key}: inspect {a[key]}, capinfos {b[key]}" for key in a if not same(a[key], b[key])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--parcap", default="target/release/parcap")
    parser.add_argument("--show", type=int, default=0, help="print both accounts of the first N captures")
    args = parser.parse_args()
    run = subprocess.run([args.parcap, "inspect", *args.folders, "--format", "json"], capture_output=True, text=True)
    if run.returncode not in (0, 3):
        sys.exit(f"parcap inspect: exit {run.returncode}: {run.stderr}")
    agree, differ, alone = 0, [], []
    for capture in json.loads(run.stdout)["captures"]:
        path = capture["path"]
        info = capinfos(path)
        if info is None or "damage" in capture["found"]:
            alone.append(path)
            continue
        wrong = differences(capture, info)
        agree += not wrong
        differ += [f"{path}: {line}" for line in wrong]
        if args.show > 0:
            args.show -= 1
            print(os.path.basename(path))
            a, b = ours(capture), theirs(info)
            for key in a:
                show = lambda x: datetime.fromtimestamp(float(x), timezone.utc).isoformat() if isinstance(x, Decimal) else x
                print(f"  {key:<20}{show(a[key])!s:<36}{show(b[key])}")
    for line in differ:
        print(line)
    print(f"inspect: {agree} captures agree with capinfos, {len(differ)} differences, {len(alone)} read whole by one of the two or none")
    sys.exit(1 if differ or not agree else 0)


if __name__ == "__main__":
    main()
