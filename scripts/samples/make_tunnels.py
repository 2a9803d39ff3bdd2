#!/usr/bin/env python3
"""Writes captures of tunnels: every kind that parcap looks into, over IPv4 and IPv6, with several packets inside.

    python3 scripts/samples/make_tunnels.py FOLDER

Then the same captures again, cut at 64, 96 and 128 bytes. Addresses, checksums and lengths are scapy's; headers of tunnels are
written here by their specifications. Needs scapy. Exit status: 0 written, 2 wrong usage.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from scapy.all import ARP, DNS, DNSQR, GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Packet, Raw, fragment

OUTER_MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
INNER_MACS = {"src": "06:00:00:00:00:03", "dst": "06:00:00:00:00:04"}
OUTER = [(IP, {"src": "10.0.0.1", "dst": "10.0.0.2", "id": 1}), (IPv6, {"src": "2001:db8::1", "dst": "2001:db8::2"})]
CUTS = [None, 64, 96, 128]
VXLAN = "0800000000002a00"
PORTS = {"vxlan": 4789, "geneve": 6081, "gtpu": 2152, "l2tp": 1701, "tzsp": 37008, "mplsudp": 6635, "teredo": 3544}


def inner4() -> IP:
    return IP(src="172.16.0.1", dst="172.16.0.2", id=2)


def inner6() -> IPv6:
    return IPv6(src="fd00::1", dst="fd00::2")


def ether() -> Ether:
    return Ether(**INNER_MACS)


def tcp() -> Packet:
    return TCP(sport=40000, dport=443, flags="SA") / b"hello"


def udp() -> Packet:
    return UDP(sport=40001, dport=9999) / b"hello"


def query() -> Packet:
    return UDP(sport=40002, dport=53) / DNS(id=7, qd=DNSQR(qname="www.example.com"))


def over_udp(port: int, header: str | bytes, inner: Packet, source: int = 33333) -> tuple[int, Packet]:
    header = bytes.fromhex(header) if isinstance(header, str) else header
    # Without a checksum, as tunnels are sent.
    return 17, UDP(sport=source, dport=port, chksum=0) / Raw(header + bytes(inner))


def over_ip(protocol: int, header: str | bytes, inner: Packet) -> tuple[int, Packet]:
    header = bytes.fromhex(header) if isinstance(header, str) else header
    return protocol, Raw(header + bytes(inner))


def over_gre(protocol: int, inner: Packet, header: str = "", **flags: int) -> tuple[int, Packet]:
    return 47, GRE(proto=protocol, **flags) / Raw(bytes.fromhex(header) + bytes(inner))


def of_frames() -> Iterator[tuple[int, Packet]]:
    """Tunnels that carry frames."""
    arp = ARP(psrc="172.16.0.1", pdst="172.16.0.2")
    frames = [inner4() / tcp(), inner6() / query(), Dot1Q(vlan=5) / inner4() / udp(), arp, inner4() / ICMP()]
    for frame in (ether() / inner for inner in frames):
        yield over_udp(4789, VXLAN, frame)
        yield over_udp(8472, VXLAN, frame)
        yield over_udp(4789, "8800006400002a00", frame)
        yield over_udp(50000, VXLAN, frame, source=4789)
        yield over_udp(4790, "0c00000300002a00", frame)
        yield over_udp(6081, "0000655800002a00", frame)
        yield over_udp(6081, "0340655800002a00" + "010280020000000000000000", frame)
        yield over_gre(0x6558, frame)
        yield over_gre(0x6558, frame, key_present=1, key=0x2A01)
        yield over_gre(0x88BE, frame)
        sequence = {"seqnum_present": 1, "sequence_number": 5}
        yield over_gre(0x88BE, frame, "1064012300000007", **sequence)
        yield over_gre(0x22EB, frame, "2064012300000001" + "00008000", **sequence)
        yield over_gre(0x22EB, frame, "2064012300000001" + "00008001" + "0c00000100000002", **sequence)
        yield over_udp(37008, "01000001" + "0a0133" + "01", frame)
        for cookie in ("", "01020304", "0102030405060708"):
            for sublayer in ("", "40000001"):
                yield over_udp(1701, "00030000" + "00000011" + cookie + sublayer, frame, source=1701)
                yield over_ip(115, "00000011" + cookie + sublayer, frame)


def of_packets() -> Iterator[tuple[int, Packet]]:
    """Tunnels that carry packets."""
    packets = [inner4() / tcp(), inner4() / query(), inner6() / udp(), inner6() / query()]
    for packet in packets:
        is_v4, size = packet.name == "IP", len(bytes(packet))
        ether_type = 0x0800 if is_v4 else 0x86DD
        yield over_ip(4 if is_v4 else 41, "", packet)
        yield over_udp(4790, f"0c00000{1 if is_v4 else 2}00002a00", packet)
        yield over_udp(6081, f"0000{ether_type:04x}00002a00", packet)
        yield over_gre(ether_type, packet)
        yield over_gre(ether_type, packet, chksum_present=1, key_present=1, key=77, seqnum_present=1, sequence_number=9)
        if is_v4:
            yield over_gre(0x883E, packet)
            yield over_gre(0x883E, packet, "00000000")
        yield over_gre(0x8847, packet, "00010109")
        routes = struct.pack("!HHHHI", 0x6000, ether_type, 0, 0, 8) + bytes.fromhex("080000040a00000900000000")
        yield over_ip(47, routes, packet)
        yield over_udp(6635, "0001000900011109", packet)
        yield over_udp(2152, struct.pack("!BBHI", 0x30, 255, size, 0xDEADBEEF), packet)
        yield over_udp(2152, struct.pack("!BBHIHBB", 0x32, 255, size + 4, 0xDEADBEEF, 5, 0, 0), packet)
        extensions = bytes.fromhex("010009c0" + "0200000000000000")
        yield over_udp(2152, struct.pack("!BBHIHBB", 0x34, 255, size + 16, 0xDEADBEEF, 0, 0, 0x85) + extensions, packet)
        ppp = bytes.fromhex("ff030021" if is_v4 else "ff030057")
        yield over_udp(1701, struct.pack("!HHH", 0x0002, 3, 4) + ppp, packet, source=1701)
        yield over_udp(1701, struct.pack("!HHHH", 0x4002, size + 12, 3, 4) + ppp, packet, source=1701)
        offset = struct.pack("!HHHHHHH", 0x4A02, size + 22, 3, 4, 1, 2, 4) + bytes(4)
        yield over_udp(1701, offset + ppp, packet, source=1701)
        for cookie in ("", "01020304", "0102030405060708"):
            yield over_udp(1701, bytes.fromhex("0003000000000011" + cookie) + ppp, packet, source=1701)
        yield over_gre(0x880B, packet, ppp.hex())
        yield over_ip(47, struct.pack("!HHHHII", 0x3081, 0x880B, size + 4, 0x0102, 5, 6) + ppp, packet)
        if not is_v4:
            origin = "00007ffff5ffffff"
            yield over_udp(3544, "", packet)
            yield over_udp(3544, origin, packet)
            yield over_udp(3544, "00010000" + "0102030405060708" + "00" + origin, packet)
            yield over_udp(3544, "00010304" + "aabbcc" + "01020304" + "0102030405060708" + "00", packet)
    for port in PORTS.values():
        yield 17, UDP(sport=port, dport=53) / DNS(id=0x0800, qd=DNSQR(qname="www.example.com"))


def frames() -> Iterator[bytes]:
    """All frames, each in IPv4 and in IPv6, then some that need both or are cut in fragments."""
    for kind, addresses in OUTER:
        field = "proto" if kind is IP else "nh"
        for protocol, payload in [*of_frames(), *of_packets()]:
            yield bytes(Ether(**OUTER_MACS) / kind(**addresses, **{field: protocol}) / payload)
    innermost = Ether(src="0a:00:00:00:00:05", dst="0a:00:00:00:00:06") / inner4() / tcp()
    second = OUTER[1][0](**OUTER[1][1]) / over_udp(4789, VXLAN, innermost)[1]
    first = ether() / Dot1Q(vlan=3) / second
    yield bytes(Ether(**OUTER_MACS) / IP(**OUTER[0][1]) / over_udp(4789, VXLAN, first)[1])
    deep = inner4() / udp()
    for level in range(8):
        deep = IP(src=f"10.1.{level}.1", dst=f"10.1.{level}.2") / deep
        yield bytes(Ether(**OUTER_MACS) / deep)
    long = inner4() / UDP(sport=1111, dport=2222) / (b"x" * 300)
    for protocol, payload in [over_udp(4789, VXLAN, ether() / long), over_gre(0x0800, long)]:
        whole = IP(src="10.0.0.1", dst="10.0.0.2", id=77, proto=protocol) / payload
        for piece in fragment(whole, fragsize=200):
            yield bytes(Ether(**OUTER_MACS) / piece)


def write(folder: Path) -> None:
    """Writes the captures."""
    whole = list(frames())
    for cut in CUTS:
        name = "tunnels.pcap" if cut is None else f"tunnels-cut-{cut}.pcap"
        with open(folder / name, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, cut or 262144, 1))
            for number, frame in enumerate(whole):
                data = frame[:cut]
                file.write(struct.pack("<IIII", 1_710_000_000 + number, 0, len(data), len(frame)) + data)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(print(__doc__) or 2)
    write(Path(sys.argv[1]))
