#!/usr/bin/env python3
"""Tries the installed package as a user would, in an environment that has nothing else.

    VENV/bin/python scripts/try_wheel.py [CAPTURES]       CAPTURES defaults to data/captures

Imports it, counts the packets of each capture that CAPTURES/EXPECTED.tsv names, whatever its compression, and runs the command:
version, conversion, verification. Needs the standard library alone. Exit status 0, or 1 with what is wrong.
"""

from __future__ import annotations

import bz2
import csv
import importlib.metadata
import json
import lzma
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

MODULES = set(sys.modules)
import parcap  # noqa: E402  what it brings is looked at

BROUGHT = {name.partition(".")[0] for name in set(sys.modules) - MODULES}


def check(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}")


def run(*arguments: object) -> str:
    command = [Path(sysconfig.get_path("scripts")) / "parcap", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    check(done.returncode, 0, f"exit status of {command}: {done.stderr}")
    return done.stdout


def main() -> None:
    captures = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data" / "captures"
    version = importlib.metadata.version("parcap")
    check(BROUGHT - sys.stdlib_module_names, {"parcap"}, "packages that were imported")
    check(Path(parcap.__file__).is_relative_to(sys.prefix), True, f"{parcap.__file__} is the installed one")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        check(sys._is_gil_enabled(), False, "the lock of the interpreter is back")

    with open(captures / "EXPECTED.tsv", newline="") as table:
        expected = {row["file"]: int(row["rows"]) for row in csv.DictReader(table, delimiter="\t")}
    compressions = set()
    for name, rows in expected.items():
        packets = parcap.read(captures / name)
        check(packets.count(), rows, name)
        compressions |= {capture.compression for capture in packets.captures}
    total = sum(expected.values())

    with tempfile.TemporaryDirectory() as folder:
        name, rows = next(iter(expected.items()))
        for suffix, compress in [("xz", lzma.compress), ("bz2", bz2.compress)]:
            again = Path(folder) / f"{name}.{suffix}"
            again.write_bytes(compress((captures / name).read_bytes()))
            packets = parcap.read(again)
            check(packets.count(), rows, again.name)
            compressions |= {capture.compression for capture in packets.captures}
        check(compressions, {"none", "gzip", "zstd", "xz", "bzip2"}, "compressions that were read")

        check(run("--version"), f"parcap {version}\n", "version of the command")
        lake = Path(folder) / "lake"
        report = json.loads(run("convert", captures, "--out", lake, "--quiet", "--format", "json"))
        check(report["rows"], total, "rows of a lake")
        verified = json.loads(run("verify", lake, "--deep", "--format", "json"))
        check((verified["rows"], verified["faults"]), (total, []), "rows and faults of a lake")

    print(f"Python {sys.version.split()[0]}: parcap {version} works; {len(expected)} captures have {total} packets")


if __name__ == "__main__":
    main()
