#!/usr/bin/env python3
"""Makes the captures of data/recipes, which docs/recipes.md asks: two days of an office, seen by three sensors.

    python3 scripts/samples/make_recipes.py [--out DIR]      writes DIR (data/recipes)
    python3 scripts/samples/make_recipes.py --check          compares data/recipes with what would be written, and with tshark

Needs Python 3.9, nothing else (--check: tshark). The same bytes come out on every run. Addresses and names are those for
documentation, as in make_captures.py, which has the packets. Exit status: 0 written, or as it should be; 1 it is not.
"""

import argparse
import socket
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from make_captures import (
    ASKED, DATA, FILES, LAPTOP, NAMES, PHONE, SECOND, WWW,
    Host, Packet, Pcap, address_of, checksum, dns_message, dns_name, dns_record, download, ethernet, lookup, tab_separated, table,
    tcp, udp, utc,
)  # fmt: skip

MILLISECOND = 1_000_000
ROUTER_MAC = "00:00:5e:00:53:01"
UPLINK_MACS = ("00:00:5e:00:53:02", "00:00:5e:00:53:03")  # of the router, of its provider
# Enough of a packet for a ClientHello; `payload_length` does not depend on it.
SNAP = 256

# Hosts of the office are in 192.0.2.0/24; what is elsewhere is reached by the router.
PRINTER = Host("00:00:5e:00:53:20", "192.0.2.20", "2001:db8::20")
CAMERA = Host("00:00:5e:00:53:30", "192.0.2.30", "2001:db8::30")
INFECTED = Host("00:00:5e:00:53:31", "192.0.2.31", "2001:db8::31")
VISITOR = Host("00:00:5e:00:53:66", "192.0.2.66", "2001:db8::66")
RESOLVER = replace(NAMES, mac="00:00:5e:00:53:53")
SCANNER = Host(ROUTER_MAC, "198.51.100.99", "2001:db8:100::99")
CONTROL = Host(ROUTER_MAC, "203.0.113.77", "2001:db8:200::77")
ROGUE = Host(ROUTER_MAC, "203.0.113.53", "2001:db8:200::53")
IMPOSTOR = Host(ROUTER_MAC, "203.0.113.66", "2001:db8:200::66")
# Two networks of a cloud that use the same addresses.
TENANTS = (Host("00:00:5e:00:53:a1", "203.0.113.10", "2001:db8:300::10"), Host("00:00:5e:00:53:a2", "203.0.113.20", "2001:db8:300::20"))
MIRROR = (Host("00:00:5e:00:53:b1", "198.51.100.200", "2001:db8:100::200"), Host("00:00:5e:00:53:b2", "198.51.100.201", "2001:db8:100::201"))

# What of a packet is missing where: it was lost before the sensor.
LOST_BEFORE_OFFICE = "lost before the office"


# ------------------------------------------------------------------------------------------------
# Conversations: lists of packets, or of a packet and what became of it
# ------------------------------------------------------------------------------------------------


def record(kind: int, body: bytes) -> bytes:
    """A TLS record, RFC 8446, 5.1."""
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def hello(kind: int, middle: bytes, extensions: bytes) -> bytes:
    """A ClientHello (1) or ServerHello (2) in a record, RFC 8446, 4.1.2 and 4.1.3: no session, and nothing random."""
    body = struct.pack(">H", 0x0303) + bytes(range(32)) + b"\0" + middle + struct.pack(">H", len(extensions)) + extensions
    return record(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def client_hello(name: str) -> bytes:
    """With a server name, RFC 6066, 3."""
    host = name.encode()
    entry = struct.pack(">BH", 0, len(host)) + host
    names = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    return hello(1, bytes.fromhex("0002 1301 0100"), names + bytes.fromhex("002b 0003 02 0304"))


def visit(version: int, client: Host, site: Host, name: str, port: int, size: int, answer_lost=None, question_again=False):
    """A page of `size` bytes over TLS, in segments of 1,000 bytes. The segment `answer_lost` of it gets as far as the
    gateway, and is sent again; the segment with the client's question is sent twice if it is lost further on."""
    server_port = 443
    ours, theirs = 100_000 + port, 500_000 + port

    def to_site(flags, payload=b""):
        nonlocal ours
        packet = tcp(version, client, site, (port, server_port), ours, theirs if "A" in flags else 0, flags, payload)
        ours += len(payload) + ("S" in flags) + ("F" in flags)
        return packet

    def to_client(flags, payload=b""):
        nonlocal theirs
        packet = tcp(version, site, client, (server_port, port), theirs, ours, flags, payload)
        theirs += len(payload) + ("S" in flags) + ("F" in flags)
        return packet

    packets = [to_site("S"), to_client("SA"), to_site("A"), to_site("PA", client_hello(name))]
    packets.append(to_client("PA", hello(2, bytes.fromhex("1301 00"), bytes.fromhex("002b 0002 0304"))))
    question = to_site("PA", record(23, bytes(80)))
    packets += [question] * (2 if question_again else 1)
    for number, start in enumerate(range(0, size, 1000)):
        segment = to_client("PA", record(23, bytes(min(1000, size - start) - 5)))
        packets += [(segment, LOST_BEFORE_OFFICE)] * (number == answer_lost) + [segment, to_site("A")]
    return packets + [to_client("FA"), to_site("FA"), to_client("A")]


def report_home(beat: int) -> list:
    """A connection of the camera to who controls it: 40 bytes, and 8 for an answer."""
    port, sent, got = 50_000 + beat, 7_000, 9_000
    question = record(23, bytes(35))
    return [
        tcp(4, CAMERA, CONTROL, (port, 8443), sent, 0, "S"),
        tcp(4, CONTROL, CAMERA, (8443, port), got, sent + 1, "SA"),
        tcp(4, CAMERA, CONTROL, (port, 8443), sent + 1, got + 1, "PA", question),
        tcp(4, CONTROL, CAMERA, (8443, port), got + 1, sent + 41, "PFA", bytes(8)),
        tcp(4, CAMERA, CONTROL, (port, 8443), sent + 41, got + 10, "FA"),
        tcp(4, CONTROL, CAMERA, (8443, port), got + 10, sent + 42, "A"),
    ]


def probe(number: int) -> list:
    """A SYN of the scan. Of the ports 1 to 40, 22 and 25 are open, each fourth is silent, the others refuse."""
    port, from_port = number, 61_000
    syn = tcp(4, SCANNER, PRINTER, (from_port, port), 1, 0, "S")
    if port in (22, 25):
        return [
            syn,
            tcp(4, PRINTER, SCANNER, (port, from_port), 77, 2, "SA"),
            tcp(4, SCANNER, PRINTER, (from_port, port), 2, 0, "R"),
        ]
    return [syn] if port % 4 == 0 else [syn, tcp(4, PRINTER, SCANNER, (port, from_port), 0, 2, "RA")]


def resolved(version: int, server: Host, client: Host, kind: str, site: Host, port: int) -> list:
    """A lookup of www.example.com, which is another name of web.example.net."""
    alias = dns_record(ASKED, "CNAME", dns_name("web.example.net"))
    address = dns_record(dns_name("web.example.net"), kind, address_of(site, kind))
    question = dns_message(port, 0x0100, "www.example.com", kind)
    answer = dns_message(port, 0x8180, "www.example.com", kind, [alias, address])
    return [udp(version, client, server, (port, 53), question), udp(version, server, client, (53, port), answer)]


def at_resolver(packets: list) -> list:
    """The same, with the resolver of the office as a host of its own on the link."""
    here = lambda host: RESOLVER if host == NAMES else host  # noqa: E731
    return [Packet(here(packet.source), here(packet.target), packet.ip) for packet in packets]


def arp(reply: bool) -> bytes:
    """A frame by which the second tenant asks for the first one, or its answer: RFC 826."""
    answers, asks = TENANTS
    ours, theirs = (answers, asks) if reply else (asks, answers)
    octets = [bytes.fromhex(host.mac.replace(":", "")) for host in (ours, theirs)]
    addresses = [socket.inet_aton(host.ip4) for host in (ours, theirs)]
    head = (octets[1] if reply else b"\xff" * 6) + octets[0] + bytes.fromhex("0806 0001 0800 06 04")
    return head + struct.pack(">H", 2 if reply else 1) + octets[0] + addresses[0] + (octets[1] if reply else bytes(6)) + addresses[1]


# ------------------------------------------------------------------------------------------------
# What happened when
# ------------------------------------------------------------------------------------------------

# Milliseconds by which the camera is late; its tenth beat is missing.
LATE = (0, 310, -220, 140, -90, 405, -330, 60, 250, None, -180, 20, 370, -260, 110, -40)
# Seconds after nine at which the laptop fetches files.
FETCHES = (7, 31, 38, 102, 171, 180, 263, 411, 420, 562, 703, 881)


def day_before() -> list:
    """Each host of the office but the visitor: a lookup and its answer."""
    start, clients = utc("2024-03-10 17:00:00"), (LAPTOP, PHONE, PRINTER, CAMERA, INFECTED)
    events = [
        (start + number * 7 * SECOND, at_resolver(lookup(4, client, "files.example.com", "A", FILES, 40_000 + number)))
        for number, client in enumerate(clients)
    ]
    return [*events, (start + 40 * SECOND, visit(4, LAPTOP, FILES, "files.example.com", 40_100, 3000))]


def day() -> list:
    """Pairs of the time at which a conversation begins, and its packets."""
    nine = utc("2024-03-11 09:00:00")
    events = [
        (nine, resolved(4, RESOLVER, LAPTOP, "A", WWW, 41_000)),
        (nine + 1 * SECOND, visit(4, LAPTOP, WWW, "www.example.com", 41_001, 12_000, answer_lost=4)),
        (nine + 20 * SECOND, resolved(6, RESOLVER, PHONE, "AAAA", WWW, 41_100)),
        (nine + 21 * SECOND, visit(6, PHONE, WWW, "www.example.com", 41_101, 5_000, question_again=True)),
        (nine + 130 * SECOND, resolved(4, RESOLVER, PHONE, "A", WWW, 41_102)),
        (nine + 300 * SECOND, resolved(4, ROGUE, PHONE, "A", IMPOSTOR, 41_103)),
        (nine + 301 * SECOND, visit(4, PHONE, IMPOSTOR, "www.example.com", 41_104, 2_000)),
        (nine + 500 * SECOND, at_resolver(lookup(4, VISITOR, "files.example.com", "A", FILES, 41_200))),
        (nine + 501 * SECOND, visit(4, VISITOR, FILES, "files.example.com", 41_201, 1_000)),
        (nine + 510 * SECOND, at_resolver(lookup(4, LAPTOP, "wwww.example.com", "A", None, 41_002))),
    ]
    for number, second in enumerate(FETCHES):
        events.append((nine + second * SECOND, visit(4, LAPTOP, FILES, "files.example.com", 41_300 + number, 2_000)))
    for number in range(12):
        name = "".join(chr(97 + (number * 7 + place * place * 5 + 3) % 26) for place in range(9)) + ".example"
        events.append((nine + (610 + number) * SECOND, at_resolver(lookup(4, INFECTED, name, "A", None, 41_400 + number))))
    for number in range(1, 41):
        events.append((nine + 400 * SECOND + number * 50 * MILLISECOND, probe(number)))
    for beat, late in enumerate(LATE):
        if late is not None:
            start = nine + (5 + 60 * beat) * SECOND + late * MILLISECOND
            packets = report_home(beat)
            # The twelfth is asked for twice, a second apart.
            events += [(start - SECOND, packets[:1])] * (beat == 12) + [(start, packets)]
    return events


def played(events: list):
    """Packets in the order of time, each with what became of it: 8 ms lie between those of a conversation."""
    packets = [
        (start + number * 8 * MILLISECOND, *(packet if isinstance(packet, tuple) else (packet, None)))
        for start, conversation in events
        for number, packet in enumerate(conversation)
    ]
    return sorted(packets, key=lambda packet: packet[0])


# ------------------------------------------------------------------------------------------------
# The sensors
# ------------------------------------------------------------------------------------------------


def is_here(host: Host) -> bool:
    return host.ip4.startswith("192.0.2.")


def forwarded(packet: Packet) -> Packet:
    """After a router: a hop less."""
    ip = bytearray(packet.ip)
    if ip[0] >> 4 == 6:
        ip[7] -= 1
    else:
        ip[8] -= 1
        ip[10:12] = bytes(2)
        ip[10:12] = struct.pack(">H", checksum(bytes(ip[:20])))
    return Packet(packet.source, packet.target, bytes(ip))


def office(events: list) -> Pcap:
    """A switch of the office: all of it, as it passes there."""
    capture = Pcap(snap=SNAP)
    for time, packet, fate in played(events):
        if fate != LOST_BEFORE_OFFICE:
            capture.add(time, ethernet(packet if is_here(packet.source) else forwarded(packet)))
    return capture


def gateway(events: list) -> Pcap:
    """Outside the router, for two minutes: 400 microseconds after the office, or before it."""
    capture, start = Pcap(snap=SNAP), utc("2024-03-11 09:00:00")
    ours, theirs = UPLINK_MACS
    for time, packet, _ in played(events):
        if is_here(packet.source) == is_here(packet.target) or not start <= time < start + 120 * SECOND:
            continue
        leaves = is_here(packet.source)
        packet = forwarded(packet) if leaves else packet
        source, target = (ours, theirs) if leaves else (theirs, ours)
        on_link = Packet(replace(packet.source, mac=source), replace(packet.target, mac=target), packet.ip)
        capture.add(time + (400_000 if leaves else -400_000), ethernet(on_link))
    return capture


def cloud() -> Pcap:
    """A mirror that wraps in VXLAN (RFC 7348): the same two addresses in two networks."""
    client, server = TENANTS
    first = download(4, client, server, "files.example.com", 42_000, 6000)
    second = download(4, client, server, "files.example.com", 42_000, 1500)
    capture, start = Pcap(snap=SNAP), utc("2024-03-11 09:30:00")
    frames = [(start - (3 - number) * MILLISECOND, 77, arp(number == 2)) for number in (1, 2)]
    frames += [(start + number * 5 * MILLISECOND, 77, ethernet(packet)) for number, packet in enumerate(first)]
    frames += [(start + (number * 5 + 1) * MILLISECOND, 78, ethernet(packet)) for number, packet in enumerate(second)]
    for time, vni, frame in sorted(frames, key=lambda frame: frame[0]):
        header = struct.pack(">II", 8 << 24, vni << 8)
        capture.add(time, ethernet(udp(4, *MIRROR, (50_000 + vni, 4789), header + frame)))
    return capture


# ------------------------------------------------------------------------------------------------
# The folder
# ------------------------------------------------------------------------------------------------

README = """\
# Captures for recipes

What [docs/recipes.md](../../docs/recipes.md) asks. Each folder is a sensor, each file a day of it.

| file | what it shows | packets |
|---|---|--:|
{table}

Made by `scripts/samples/make_recipes.py`, the same bytes each time; its comments say what happens when. `EXPECTED.tsv` says for each
file how many packets (`rows`) and bytes on the wire (`wire_bytes`) it holds. Packets are cut to 256 bytes. All addresses and names are
those set aside for documentation.
"""


def folder() -> dict:
    """Everything in data/recipes, from path to content."""
    made = [
        ("office/2024-03-10.pcap", office(day_before()), "a switch of an office: five hosts, each with a lookup"),
        (
            "office/2024-03-11.pcap", office(day()),
            "the day after, from nine on: pages over TLS, a visitor, a scan, a beacon, a name server that lies, names that do not exist",
        ),
        ("gateway/2024-03-11.pcap", gateway(day()), "two minutes outside the office's router; one packet is lost between the two"),
        ("cloud/2024-03-11.pcap", cloud(), "a mirror that wraps in VXLAN: two networks with the same addresses"),
    ]  # fmt: skip
    files = {file: capture.data for file, capture, _ in made}
    rows = [("file", "rows", "format", "compression", "wire_bytes")]
    rows += [(file, len(capture.starts), capture.format, "none", capture.wire) for file, capture, _ in made]
    files["EXPECTED.tsv"] = tab_separated(rows)
    files["README.md"] = README.format(table=table([(f"`{file}`", shows, len(capture.starts)) for file, capture, shows in made])).encode()
    return files


def check(there: Path) -> int:
    """How many files are not what is made, or have other packets by tshark."""
    made, differ = folder(), 0
    for name in sorted({*made, *(str(path.relative_to(there)) for path in there.rglob("*") if path.is_file())}):
        path = there / name
        same = path.is_file() and path.read_bytes() == made.get(name)
        differ += not same
        print(f"{'as made' if same else 'NOT AS MADE'}\t{name}")
    for line in made["EXPECTED.tsv"].decode().splitlines()[1:]:
        name, rows, _, _, wire = line.split("\t")
        # With all checksums of what is not cut; a bad one is shown as 0.
        fields = ["frame.len", "frame.cap_len", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status"]
        checks = [part for kind in ("ip", "tcp", "udp") for part in ("-o", f"{kind}.check_checksum:TRUE")]
        shown = subprocess.run(
            ["tshark", "-r", there / name, *checks, "-T", "fields", *(part for field in fields for part in ("-e", field))],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        frames = [line.split("\t") for line in shown]
        found = (str(len(frames)), str(sum(int(frame[0]) for frame in frames)))
        bad = sum("0" in ",".join(frame[2:]).split(",") for frame in frames)
        agrees = found == (rows, wire) and not bad
        differ += not agrees
        print(f"{'agrees' if agrees else 'DIFFERS'}\t{name}\ttshark: {found[0]} packets, {found[1]} bytes, {bad} wrong checksums")
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the captures that docs/recipes.md asks.")
    parser.add_argument("--out", type=Path, default=DATA / "recipes", metavar="DIR", help="the folder to write to (default: data/recipes)")
    parser.add_argument("--check", action="store_true", help="write nothing; compare the folder with what would be written, and with tshark")
    options = parser.parse_args()
    if options.check:
        return 1 if check(options.out) else 0
    for name, data in folder().items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
