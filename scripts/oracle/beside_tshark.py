"""Packets of captures as parcap reads them, beside what tshark says of them; for the scripts that compare the two."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import parcap

Said = TypeVar("Said")


def said_of(capture: Path, fields: Sequence[str], arguments: Sequence[str] = ()) -> list[dict[str, list[str]]]:
    """Of each packet and field all values that there are, the outermost first."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "separator=|", "-E", "aggregator=;", *arguments]
    for field in fields:
        command += ["-e", field]
    ran = subprocess.run(command, capture_output=True, text=True)
    lines = [line.split("|") for line in ran.stdout.splitlines()]
    return [{name: held.split(";") if held else [] for name, held in zip(fields, line, strict=True)} for line in lines]


def captures(
    folders: Sequence[Path], columns: Sequence[str], dissect: Callable[[Path], list[Said]], **how: Any
) -> Iterator[tuple[Path, list[tuple[dict[str, Any], Said]]]]:
    """Each capture below the folders: its rows, and what tshark says of each. Those of which it counts other packets are named."""
    for capture in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        packets = parcap.read(capture, list(columns), on_damage="ignore", **how)
        if not packets.captures:
            continue
        rows, told = packets.to_arrow().to_pylist(), dissect(capture)
        # Of a pcapng packet without an interface tshark makes no packet, and it may go on after damage.
        if len(rows) != len(told) and not packets.damage:
            print(f"{capture.name}: not compared: {len(rows)} packets, {len(told)} of tshark")
            continue
        yield capture, list(zip(rows, told))
