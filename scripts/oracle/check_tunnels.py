#!/usr/bin/env python3
"""Compares packets inside tunnels with tshark, packet by packet and cell by cell.

Needs tshark, and the module parcap with pyarrow; for captures that are made here, scapy. tshark lists a field once for each layer.
The layers are walked as `frame.protocols` has them, up to an ICMP message, for what follows it is quoted. A layer of IP counts if
both of its addresses are there. Nothing is reassembled. Differences that have a reason are counted by it; the others are printed.

Usage: check_tunnels.py [--make] FOLDER…. `--make` adds captures of every kind of tunnel (`scripts/samples/make_tunnels.py`).
Exit status 0 if every difference has a reason.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import beside_tshark

COLUMNS = [
    "mac_src", "mac_dst", "ip_src", "ip_dst", "protocol", "port_src", "port_dst", "tunnel", "tunnel_id", "outer_ip_src",
    "outer_ip_dst",
]  # fmt: skip
FIELDS = [
    "frame.protocols", "eth.src", "eth.dst", "ip.src", "ip.dst", "ip.proto", "ipv6.src", "ipv6.dst", "ipv6.nxt", "tcp.srcport",
    "tcp.dstport", "udp.srcport", "udp.dstport", "udp.length", "sctp.srcport", "sctp.dstport", "vxlan.vni", "geneve.vni", "gre.key",
    "gre.key.call_id", "erspan.spanid", "gtp.teid", "l2tp.session",
]  # fmt: skip
OPTIONS = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "ip.tso_support:TRUE"]
# Linux took it for VXLAN before 4789 was assigned; tshark leaves it.
DECODE_AS = ["udp.port==8472,vxlan"]
NUMBERS = {
    "ICMP": 1, "IGMP": 2, "IPv4": 4, "TCP": 6, "UDP": 17, "RSVP": 46, "GRE": 47, "ESP": 50, "AH": 51, "ICMPv6": 58,
    "IPv6-NoNxt": 59, "EIGRP": 88, "OSPFIGP": 89, "PIM": 103, "VRRP": 112, "L2TP": 115, "SCTP": 132, "UDPLite": 136,
}  # fmt: skip
# What parcap goes past, to the protocol after it.
EXTENSIONS = {0, 43, 44, 51, 60}
# tshark's names of tunnels, with the field of their number.
TUNNELS = {
    "vxlan": ("VXLAN", "vxlan.vni"), "geneve": ("GENEVE", "geneve.vni"), "gre": ("GRE", "gre.key"),
    "erspan": ("ERSPAN", "erspan.spanid"), "gtp": ("GTPU", "gtp.teid"), "l2tp": ("L2TP", "l2tp.session"),
    "tzsp": ("TZSP", None), "teredo": ("TEREDO", None),
}  # fmt: skip
# Tunnels that parcap does not look into, by tshark's names.
OTHERS = {"capwap", "etherip", "lisp", "lisp-data", "wg", "udpencap", "nsh", "pwethheuristic", "pwethcw", "pwethnocw", "gtpprime"}
LEVELS = 8


def dissected(capture: Path) -> list[dict[str, list[str]]]:
    options = [word for option in OPTIONS for word in ("-o", option)]
    return beside_tshark.said_of(capture, FIELDS, [*options, *(word for rule in DECODE_AS for word in ("-d", rule))])


class Layers:
    """What tshark says of the layers of a packet, one after another."""

    def __init__(self, said: dict[str, list[str]]) -> None:
        self.said = {name: list(values) for name, values in said.items()}
        self.names = said["frame.protocols"][0].split(":") if said["frame.protocols"] else []
        self.found: dict[str, Any] = dict.fromkeys(COLUMNS)
        self.tunnels: list[str] = []
        self.number: int | None = None
        self.levels = 0
        self.other = False
        self.walk()

    def take(self, *fields: str) -> list[str | None]:
        """The next value of some fields."""
        return [self.said[field].pop(0) if self.said[field] else None for field in fields]

    def walk(self) -> None:
        last = ""
        for name in self.names:
            if name in ("icmp", "icmpv6"):
                break
            if last == "udp" and name in ("eth", "ip", "ipv6"):
                # VXLAN's extension has no name there.
                self.tunnel("vxlan")
            if name == "eth":
                source, target = self.take("eth.src", "eth.dst")
                if source and target:
                    self.found |= {"mac_src": source, "mac_dst": target}
                    self.taken_off()
            elif name in ("ip", "ipv6"):
                if last in ("ip", "ipv6"):
                    self.tunnels.append("IPIP")
                elif last == "mpls-in-udp":
                    self.tunnels.append("MPLSUDP")
                self.ip(name)
            elif name in ("tcp", "udp", "udplite", "sctp"):
                kind = "udp" if name == "udplite" else name
                source, target = self.take(f"{kind}.srcport", f"{kind}.dstport")
                self.found |= {"port_src": source and int(source), "port_dst": target and int(target)}
            elif name in TUNNELS:
                self.tunnel(name)
            self.other = self.other or name in OTHERS
            if name == "mpls" and last in ("udp", "mpls-in-udp"):
                last = "mpls-in-udp"
            elif "." not in name and name not in ("ah", "ethertype"):
                last = name

    def tunnel(self, name: str) -> None:
        kind, field = TUNNELS[name]
        self.tunnels.append(kind)
        number = self.take(field)[0] if field else None
        number = number or (self.take("gre.key.call_id")[0] if name == "gre" else None)
        self.number = self.number if number is None else int(number, 0)

    def ip(self, name: str) -> None:
        source, target = self.take(f"{name}.src", f"{name}.dst")
        number = self.take("ip.proto" if name == "ip" else "ipv6.nxt")[0]
        if source is None or target is None:
            return
        if self.found["outer_ip_src"] is None:
            self.found |= {"outer_ip_src": source, "outer_ip_dst": target}
        else:
            self.levels += 1
        ports = dict.fromkeys(("port_src", "port_dst"))
        self.found |= {"ip_src": source, "ip_dst": target, "protocol": number and int(number), **ports}
        self.taken_off()

    def taken_off(self) -> None:
        self.found["tunnel"] = "/".join(self.tunnels) or None
        self.found["tunnel_id"] = self.number

    def row(self) -> dict[str, Any]:
        """The cells that are expected."""
        row = dict(self.found)
        if row["tunnel"] is None:
            row |= dict.fromkeys(("tunnel_id", "outer_ip_src", "outer_ip_dst"))
        return row


def number_of(protocol: str | None) -> int | None:
    if protocol is None:
        return None
    return int(protocol) if protocol.isdigit() else NUMBERS.get(protocol)


def reason(row: dict[str, Any], layers: Layers, columns: list[str]) -> str | None:
    """Why a packet may differ in these columns."""
    names = layers.names
    if columns == ["port_src"] and row["port_dst"] is None:
        return "cut between the two ports, of which tshark then shows none"
    if "l2tp" in names and (row["tunnel"] or "").endswith("L2TP") and names[-1] == "data":
        return "L2TP version 3, of which tshark leaves what is inside without its control messages"
    if names[-1] == "udp" and layers.said["udp.length"][-1:] == ["0"]:
        return "segmentation offload that leaves UDP's length 0, at which tshark ends"
    if layers.levels > LEVELS:
        return "more than eight tunnels"
    if layers.other:
        return "a tunnel that is not looked into"
    return None


def main() -> int:
    folders = [Path(name) for name in sys.argv[1:] if name != "--make"]
    made = tempfile.TemporaryDirectory()
    if "--make" in sys.argv:
        sys.path.insert(0, str(Path(__file__).parent.parent / "samples"))
        import make_tunnels

        make_tunnels.write(Path(made.name))
        folders.append(Path(made.name))
    cells, differ, shown = Counter(), Counter(), Counter()
    reasons, kinds = Counter(), Counter()
    captures = 0
    for capture, packets in beside_tshark.captures(folders, COLUMNS, dissected, decapsulate="all"):
        captures += 1
        for frame, (row, said) in enumerate(packets, 1):
            layers = Layers(said)
            expected = layers.row()
            row["protocol"] = number_of(row["protocol"])
            kinds.update((row["tunnel"] or "").split("/") if row["tunnel"] else [])
            wrong = []
            for column in COLUMNS:
                ours, theirs = row[column], expected[column]
                is_mac, is_port = column.startswith("mac_"), column.startswith("port_")
                # Other link types have other fields, and tshark dissects no transport of some protocols.
                if theirs is None and (is_mac or is_port and row["protocol"] not in (6, 17)):
                    continue
                if column == "protocol" and (theirs in EXTENSIONS or ours is None and row["ip_src"]):
                    continue
                cells[column] += 1
                if ours != theirs:
                    wrong.append(column)
            why = reason(row, layers, wrong) if wrong else None
            if why is not None:
                reasons[why] += len(wrong)
                continue
            differ.update(wrong)
            if wrong and shown[capture] < 5:
                shown[capture] += 1
                told_apart = "; ".join(f"{name} is {row[name]}, and tshark says {expected[name]}" for name in wrong)
                print(f"{capture.name}: packet {frame}: {told_apart} ({':'.join(layers.names)})")
    for column in COLUMNS:
        print(f"{column}: {cells[column]:,} cells compared, {differ[column]} differ without a reason")
    for why, count in reasons.items():
        print(f"{count} cells: {why}")
    print("taken off:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "nothing")
    print(f"{captures} captures, {sum(cells.values()):,} cells, {sum(differ.values())} differ without a reason")
    return 1 if differ or not captures else 0


if __name__ == "__main__":
    sys.exit(main())
