#!/usr/bin/env python3
"""Compares the further columns with tshark, packet by packet and cell by cell.

Needs tshark, and the module parcap with pyarrow. tshark dissects what it can reach; parcap takes the outermost IP header. So a
column of TCP or ICMP is compared where the outermost IP packet carries that protocol. tshark says nothing of a message that it
finds broken or does not dissect. Such cells are counted apart, and so are cells of which it has no field.

Usage: check_columns.py FOLDER…. Prints what differs. Exit status 0 if nothing does.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import parcap

COLUMNS = [
    "protocol", "ip_version", "ip_ttl", "ip_dscp", "ip_ecn", "ip_id", "ip_fragment_offset", "ip_more_fragments", "ip_total_length",
    "ip_flow_label", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "payload_length", "icmp_type", "icmp_code",
]  # fmt: skip
# The field of tshark for a column, by the version of IP.
OF_IP = {
    "ip_version": {4: "ip.version", 6: "ipv6.version"},
    "ip_ttl": {4: "ip.ttl", 6: "ipv6.hlim"},
    "ip_dscp": {4: "ip.dsfield.dscp", 6: "ipv6.tclass.dscp"},
    "ip_ecn": {4: "ip.dsfield.ecn", 6: "ipv6.tclass.ecn"},
    "ip_id": {4: "ip.id"},
    "ip_fragment_offset": {4: "ip.frag_offset", 6: "ipv6.fraghdr.offset"},
    "ip_more_fragments": {4: "ip.flags.mf", 6: "ipv6.fraghdr.more"},
    "ip_total_length": {4: "ip.len", 6: "ipv6.plen"},
    "ip_flow_label": {6: "ipv6.flow"},
}
OF_PROTOCOL = {
    "tcp_flags": {"TCP": "tcp.flags"},
    "tcp_seq": {"TCP": "tcp.seq_raw"},
    "tcp_ack": {"TCP": "tcp.ack_raw"},
    "tcp_window": {"TCP": "tcp.window_size_value"},
    "payload_length": {"TCP": "tcp.len", "UDP": "udp.length"},
    "icmp_type": {"ICMP": "icmp.type", "ICMPv6": "icmpv6.type"},
    "icmp_code": {"ICMP": "icmp.code", "ICMPv6": "icmpv6.code"},
}
FIELDS = sorted({field for table in (OF_IP, OF_PROTOCOL) for by in table.values() for field in by.values()})
OPTIONS = [
    "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "tcp.relative_sequence_numbers:FALSE",
    "tcp.analyze_sequence_numbers:FALSE", "ip.check_checksum:FALSE", "ip.tso_support:TRUE",
]  # fmt: skip


def number(text: str) -> int | None:
    if text in ("True", "False"):
        return int(text == "True")
    return int(text, 0) if text else None


def dissected(capture: Path) -> list[dict[str, int | None]]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"]
    for option in OPTIONS:
        command += ["-o", option]
    for field in FIELDS:
        command += ["-e", field]
    ran = subprocess.run(command, capture_output=True, text=True)
    lines = [line.split("|") for line in ran.stdout.splitlines()]
    return [dict(zip(FIELDS, map(number, line), strict=True)) for line in lines]


class NoFieldError(Exception):
    """tshark has no field for a cell."""


def expected(column: str, row: dict[str, Any], told: dict[str, int | None]) -> int | None:
    """What tshark says of a cell."""
    if column == "ip_version" and row[column] is None:
        # Nothing may be missed.
        return told["ip.version"] or told["ipv6.version"]
    by = OF_IP.get(column)
    field = by.get(row["ip_version"]) if by is not None else OF_PROTOCOL[column].get(str(row["protocol"]))
    if field is None and row[column] is not None:
        # The payload of SCTP, DCCP and UDP-Lite.
        raise NoFieldError
    value = told[field] if field else None
    if value is None:
        return None
    match field:
        case "ipv6.plen":
            return value + 40
        case "tcp.flags":
            # Without the three bits that are reserved.
            return value & 0x1FF
        case "udp.length":
            # A fragment has not all of the datagram. And UDP cannot say what is longer than 65,535 bytes.
            is_fragment = told["ip.flags.mf"] or told["ipv6.fraghdr.more"]
            if is_fragment or (told["ip.len"] or 0) > 65535:
                raise NoFieldError
            return value - 8
    return value


def main() -> int:
    cells, differ, silent, no_field, shown = Counter(), Counter(), Counter(), Counter(), Counter()
    captures = 0
    for folder in map(Path, sys.argv[1:]):
        for capture in sorted(path for path in folder.rglob("*") if path.is_file()):
            packets = parcap.read(capture, COLUMNS, on_damage="ignore")
            if not packets.captures:
                continue
            rows, told = packets.to_arrow().to_pylist(), dissected(capture)
            # Of a pcapng packet without an interface tshark makes no packet, and it may go on after damage.
            if len(rows) != len(told) and not packets.damage:
                print(f"{capture.name}: not compared: {len(rows)} packets, {len(told)} of tshark")
                continue
            captures += 1
            for frame, (row, said) in enumerate(zip(rows, told), 1):
                for column in COLUMNS[1:]:
                    ours = None if row[column] is None else int(row[column])
                    try:
                        theirs = expected(column, row, said)
                    except NoFieldError:
                        no_field[column] += 1
                        continue
                    cells[column] += 1
                    if ours == theirs:
                        continue
                    if theirs is None:
                        silent[column] += 1
                    else:
                        differ[column] += 1
                    shown[column] += 1
                    if shown[column] <= 5:
                        print(f"{capture.name}: packet {frame}: {column} is {ours}, and tshark says {theirs} ({row['protocol']})")
    for column in COLUMNS[1:]:
        apart = f"{silent[column]} of which tshark says nothing, {no_field[column]} without a field"
        print(f"{column}: {cells[column]:,} cells compared, {differ[column]} differ, {apart}")
    print(f"{captures} captures, {sum(cells.values()):,} cells, {sum(differ.values())} differ")
    return 1 if differ or not captures else 0


if __name__ == "__main__":
    sys.exit(main())
