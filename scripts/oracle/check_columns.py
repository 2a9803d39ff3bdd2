#!/usr/bin/env python3
"""Compares the further columns with tshark, packet by packet and cell by cell.

Needs tshark, and the module parcap with pyarrow. tshark dissects what it can reach; parcap takes the outermost IP header. So a
column of TCP or ICMP is compared where the outermost IP packet carries that protocol. The offset of a record is compared with the
bytes at it, in captures that are neither compressed nor pcapng. tshark says nothing of a message that it finds broken or does not
dissect. Such cells are counted apart, and so are cells of which it has no field.

Usage: check_columns.py FOLDER…. Prints what differs. Exit status 0 if nothing does.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import beside_tshark

COLUMNS = [
    "protocol", "time", "frame", "offset", "cap_len", "interface", "ether_type", "vlan_id", "vlan_inner_id", "mpls_label",
    "community_id", "ip_version", "ip_ttl", "ip_dscp", "ip_ecn", "ip_id", "ip_fragment_offset", "ip_more_fragments", "ip_total_length",
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
# Where there may be several, the first counts.
OF_FRAME = {
    "frame": ["frame.number"],
    "cap_len": ["frame.cap_len"],
    "interface": ["frame.interface_name"],
    "ether_type": ["eth.type", "sll.etype", "llc.type"],
    "vlan_id": ["vlan.id", "ieee8021ad.svid", "ieee8021ad.cvid", "ieee8021ad.id"],
    "vlan_inner_id": ["vlan.id", "ieee8021ad.svid", "ieee8021ad.cvid", "ieee8021ad.id"],
    "mpls_label": ["mpls.label"],
    "community_id": ["communityid"],
}
FIELDS = sorted({field for table in (OF_IP, OF_PROTOCOL) for by in table.values() for field in by.values()} | {field for fields in OF_FRAME.values() for field in fields})
OPTIONS = [
    "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "tcp.relative_sequence_numbers:FALSE",
    "tcp.analyze_sequence_numbers:FALSE", "ip.check_checksum:FALSE", "ip.tso_support:TRUE",
]  # fmt: skip


Cell = int | str | None


def value(text: str) -> Cell:
    if text in ("True", "False"):
        return int(text == "True")
    try:
        return int(text, 0) if text else None
    except ValueError:
        return text


def dissected(capture: Path) -> list[dict[str, list[Cell]]]:
    arguments = ["--enable-protocol", "communityid", *(word for option in OPTIONS for word in ("-o", option))]
    said = beside_tshark.said_of(capture, FIELDS, arguments)
    return [{field: [value(one) for one in held] or [None] for field, held in packet.items()} for packet in said]


WITH_PORTS = ["TCP", "UDP", "SCTP", "ICMP", "ICMPv6"]
COMPARED = [column for column in COLUMNS if column not in ("protocol", "time", "offset")]


class NoFieldError(Exception):
    """tshark has no field for a cell."""


def is_tunnel(row: dict[str, Any], told: dict[str, list[Cell]]) -> bool:
    headers = [one for version in ("ip.version", "ipv6.version") for one in told[version] if one is not None]
    return row["protocol"] == "GRE" or len(headers) > 1 and "ICMP" not in str(row["protocol"])


def of_frame(column: str, row: dict[str, Any], told: dict[str, list[Cell]]) -> Cell:
    """What tshark says of the frame and its link."""
    fields = OF_FRAME[column]
    # Of two kinds of tags, the EtherType tells which is the first.
    if column.startswith("vlan") and told["eth.type"][0] == 0x88A8:
        fields = [*fields[1:], fields[0]]
    found = [one for field in fields for one in told[field] if one is not None]
    match column:
        case "community_id" if row[column] is None and row["protocol"] in WITH_PORTS:
            # tshark hashes the addresses alone where it has no ports, in later fragments for example. Nobody else does.
            raise NoFieldError
        case "community_id" if row["protocol"] == "ICMP" and told["icmp.type"] == [None] or told["udp.length"][0] == 0:
            # It finds the message or the header broken, and takes the flow for one without ports. Segmentation offload leaves 0.
            raise NoFieldError
        case "community_id" | "vlan_id" if is_tunnel(row, told):
            # It goes on to what is within.
            raise NoFieldError
        case "interface":
            # A pcap has none, and some have no name.
            name = str(found[0]) if found else ""
            if not name or name.startswith("unknown") or row[column] is None:
                raise NoFieldError
            return value(name)
        case "vlan_inner_id":
            return found[1] if len(found) > 1 else None
    return found[0] if found else None


def expected(column: str, row: dict[str, Any], all_told: dict[str, list[Cell]]) -> Cell:
    """What tshark says of a cell."""
    if column in OF_FRAME:
        return of_frame(column, row, all_told)
    told: dict[str, Any] = {field: found[0] for field, found in all_told.items()}
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


def check_offsets(capture: Path, rows: list[dict[str, Any]]) -> int:
    """How many records of a pcap have their header at their offset."""
    bytes_of = capture.read_bytes()
    orders = {b"\xd4\xc3\xb2\xa1": "little", b"\xa1\xb2\xc3\xd4": "big"}
    order = orders.get(bytes_of[:4])
    if order is None:
        return 0
    for row in rows:
        lengths = [int.from_bytes(bytes_of[row["offset"] + at :][:4], order) for at in (8, 12)]  # type: ignore[arg-type]
        assert row["cap_len"] in lengths, f"{capture}: {row}"
    return len(rows)


def main() -> int:
    cells, differ, silent, no_field, shown = Counter(), Counter(), Counter(), Counter(), Counter()
    captures = offsets = 0
    for capture, packets in beside_tshark.captures([*map(Path, sys.argv[1:])], COLUMNS, dissected):
        captures += 1
        offsets += check_offsets(capture, [row for row, _ in packets])
        for frame, (row, said) in enumerate(packets, 1):
            for column in COMPARED:
                ours = value(str(row[column])) if row[column] is not None else None
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
    for column in COMPARED:
        apart = f"{silent[column]} of which tshark says nothing, {no_field[column]} without a field"
        print(f"{column}: {cells[column]:,} cells compared, {differ[column]} differ, {apart}")
    print(f"offset: {offsets:,} records are where it says")
    print(f"{captures} captures, {sum(cells.values()):,} cells, {sum(differ.values())} differ")
    return 1 if differ or not captures else 0


if __name__ == "__main__":
    sys.exit(main())
