#!/usr/bin/env python3
"""Makes the sample captures of data/ that need no network, and the tables of all samples.

    python3 scripts/samples/make_captures.py [--out DIR]      writes DIR/captures and DIR/damaged (DIR: data)
    python3 scripts/samples/make_captures.py --check          compares the tables with capinfos and tshark

Needs Python 3.9 and the zstd command, nothing else (--check: capinfos and tshark of Wireshark).
The same bytes come out on every run: no clock, no randomness, fixed compression settings (another
release of zlib or zstd may pack differently; what unpacks is the same). The captures recorded by
scripts/samples/record_captures.sh are read, to count them, and copied when DIR is another folder; they are
never changed.

Sources of the formats, named here once and by section below:
    pcap      draft-ietf-opsawg-pcap            pcapng    draft-ietf-opsawg-pcapng
    link      www.tcpdump.org/linktypes.html    gzip      RFC 1952
    Addresses RFC 5737 (IPv4), RFC 3849 (IPv6), RFC 7042 2.1.2 (MAC), names RFC 2606: for documentation.
"""

import argparse
import datetime
import itertools
import shutil
import socket
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"

ETHERNET, RAW, USB_LINUX_MMAPPED = 1, 101, 220
SECOND = 1_000_000_000  # times are integers of nanoseconds since 1970


def utc(text: str) -> int:
    """'2024-02-29 00:00:00' as nanoseconds since 1970."""
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * SECOND


# ------------------------------------------------------------------------------------------------
# Packets, from the inside out
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Host:
    mac: str
    ip4: str
    ip6: str


ROUTER = Host("00:00:5e:00:53:01", "192.0.2.1", "2001:db8::1")
NAMES = Host("00:00:5e:00:53:01", "192.0.2.53", "2001:db8::53")
WWW = Host("00:00:5e:00:53:01", "198.51.100.10", "2001:db8:100::10")
FILES = Host("00:00:5e:00:53:01", "198.51.100.20", "2001:db8:100::20")
API = Host("00:00:5e:00:53:01", "203.0.113.5", "2001:db8:200::5")
LAPTOP = Host("00:00:5e:00:53:10", "192.0.2.10", "2001:db8::10")
PHONE = Host("00:00:5e:00:53:11", "192.0.2.11", "2001:db8::11")
CLIENTS = (LAPTOP, PHONE)
SITES = (("www.example.com", WWW), ("files.example.com", FILES), ("api.example.net", API))

TCP, UDP, ICMP, IPV4_IN_IP, IPV6_IN_IP, GRE, ESP, OSPF, SCTP = 6, 17, 1, 4, 41, 47, 50, 89, 132


@dataclass(frozen=True)
class Packet:
    """An IP packet on its way between two hosts; the link layer comes later."""

    source: Host
    target: Host
    ip: bytes


def checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source: Host, target: Host, protocol: int, payload: bytes) -> Packet:
    """RFC 791, 3.1; no options."""
    addresses = socket.inet_aton(source.ip4) + socket.inet_aton(target.ip4)
    start = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol)
    return Packet(source, target, start + struct.pack(">H", checksum(start + addresses)) + addresses + payload)


def ipv6(source: Host, target: Host, protocol: int, payload: bytes) -> Packet:
    """RFC 8200, 3; no extension headers."""
    addresses = socket.inet_pton(socket.AF_INET6, source.ip6) + socket.inet_pton(socket.AF_INET6, target.ip6)
    return Packet(source, target, struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload)


def pseudo_header(version: int, source: Host, target: Host, protocol: int, length: int) -> bytes:
    """RFC 9293, 3.1 (IPv4) and RFC 8200, 8.1 (IPv6)."""
    if version == 4:
        return socket.inet_aton(source.ip4) + socket.inet_aton(target.ip4) + struct.pack(">HH", protocol, length)
    addresses = socket.inet_pton(socket.AF_INET6, source.ip6) + socket.inet_pton(socket.AF_INET6, target.ip6)
    return addresses + struct.pack(">II", length, protocol)


def over_ip(version: int, source: Host, target: Host, protocol: int, segment: bytes, at: int) -> Packet:
    """`segment` with its checksum filled in at offset `at`, in an IP packet."""
    total = checksum(pseudo_header(version, source, target, protocol, len(segment)) + segment)
    segment = segment[:at] + struct.pack(">H", total) + segment[at + 2 :]
    return (ipv4 if version == 4 else ipv6)(source, target, protocol, segment)


def udp(version: int, source: Host, target: Host, ports: tuple, payload: bytes) -> Packet:
    """RFC 768."""
    datagram = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    return over_ip(version, source, target, UDP, datagram, 6)


def tcp(version: int, source: Host, target: Host, ports: tuple, seq: int, ack: int, flags: str, payload=b"") -> Packet:
    """RFC 9293, 3.1; no options."""
    bits = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[flag] for flag in flags)
    segment = struct.pack(">HHIIBBHHH", *ports, seq, ack, 5 << 4, bits, 64240, 0, 0) + payload
    return over_ip(version, source, target, TCP, segment, 16)


def echo(source: Host, target: Host, reply: bool, number: int) -> Packet:
    """ICMP echo, RFC 792."""
    body = struct.pack(">HH", 0x2A11, number) + bytes(range(0x10, 0x38))
    head = bytes([0 if reply else 8, 0])
    return ipv4(source, target, ICMP, head + struct.pack(">H", checksum(head + b"\0\0" + body)) + body)


# DNS, RFC 1035 section 4

DNS_TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}


def dns_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns_record(owner: bytes, kind: str, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", DNS_TYPES[kind], 1, 300, len(data)) + data


def dns_message(ident: int, flags: int, question: str, kind: str, records=()) -> bytes:
    head = struct.pack(">6H", ident, flags, 1, len(records), 0, 0)
    return head + dns_name(question) + struct.pack(">HH", DNS_TYPES[kind], 1) + b"".join(records)


def address_of(site: Host, kind: str) -> bytes:
    return socket.inet_aton(site.ip4) if kind == "A" else socket.inet_pton(socket.AF_INET6, site.ip6)


# Conversations: lists of packets

ASKED = b"\xc0\x0c"  # a pointer to the name of the question


def lookup(version: int, client: Host, name: str, kind: str, site, port: int) -> list:
    """A question to the name server and its answer; no `site`: there is no such name."""
    ident = port ^ 0x5A5A
    records = [dns_record(ASKED, kind, address_of(site, kind))] if site else []
    question = dns_message(ident, 0x0100, name, kind)
    answer = dns_message(ident, 0x8180 if site else 0x8183, name, kind, records)
    return [
        udp(version, client, NAMES, (port, 53), question),
        udp(version, NAMES, client, (53, port), answer),
    ]


def download(version: int, client: Host, site: Host, name: str, port: int, size: int) -> list:
    """A GET over HTTP/1.0 and an answer of `size` bytes, in segments of 512."""
    page = (b"line of a page that says nothing\r\n" * (size // 34 + 1))[:size]
    request = f"GET /page HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()
    answer = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n".encode() + page
    ours, theirs = 1000, 5000  # next sequence numbers

    def to_site(flags, payload=b""):
        return tcp(version, client, site, (port, 80), ours, theirs if "A" in flags else 0, flags, payload)

    def to_client(flags, payload=b""):
        return tcp(version, site, client, (80, port), theirs, ours, flags, payload)

    packets = [to_site("S")]
    ours += 1
    packets.append(to_client("SA"))
    theirs += 1
    packets += [to_site("A"), to_site("PA", request)]
    ours += len(request)
    for start in range(0, len(answer), 512):
        packets.append(to_client("PA", answer[start : start + 512]))
        theirs += len(answer[start : start + 512])
        packets.append(to_site("A"))
    packets.append(to_client("FA"))
    theirs += 1
    packets.append(to_site("FA"))
    ours += 1
    packets.append(to_client("A"))
    return packets


def visit(client: Host, name: str, site: Host, version: int, port: int, size: int) -> list:
    """What a browser does: looks the name up, then fetches a page from the address it got."""
    kind = "A" if version == 4 else "AAAA"
    return lookup(version, client, name, kind, site, port) + download(version, client, site, name, port, size)


def sctp_init(source: int, target: int) -> bytes:
    """A common header and an INIT chunk, RFC 9260, 3.1 and 3.3.2; the CRC32c is left zero."""
    return struct.pack(">HHII", source, target, 0, 0) + struct.pack(">BBHIIHHI", 1, 0, 20, 0x5EED, 65536, 10, 10, 1)


def ospf_hello() -> bytes:
    """RFC 2328, A.3.1 and A.3.2."""
    router, area, mask = (socket.inet_aton(text) for text in (ROUTER.ip4, "0.0.0.0", "255.255.255.0"))
    start = struct.pack(">BBH", 2, 1, 44) + router + area
    hello = mask + struct.pack(">HBBI", 10, 2, 1, 40) + bytes(8)
    return start + struct.pack(">HHQ", checksum(start + hello), 0, 0) + hello


# The link layer


def ethernet(packet: Packet, tags=()) -> bytes:
    """IEEE 802.3, 3.2; `tags` are pairs of type and control (priority, VLAN), outermost first (IEEE 802.1Q, 9)."""

    def octets(mac):
        return bytes.fromhex(mac.replace(":", ""))

    frame = octets(packet.target.mac) + octets(packet.source.mac)
    for kind, control in tags:
        frame += struct.pack(">HH", kind, control)
    return frame + struct.pack(">H", 0x0800 if packet.ip[0] >> 4 == 4 else 0x86DD) + packet.ip


# ------------------------------------------------------------------------------------------------
# Capture files
# ------------------------------------------------------------------------------------------------


class Pcap:
    """draft-ietf-opsawg-pcap: section 4 (file header), section 5 (packet record)."""

    def __init__(self, link=ETHERNET, order="<", nano=False, snap=262144):
        self.order, self.unit, self.snap = order, 1 if nano else 1000, snap
        self.format = "pcap-ns" if nano else "pcap-us"
        magic = 0xA1B23C4D if nano else 0xA1B2C3D4
        self.data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
        self.starts, self.wire = [], 0  # offset of each record header; bytes on the wire

    def add(self, time: int, frame: bytes):
        self.starts.append(len(self.data))
        self.wire += len(frame)
        kept = frame[: self.snap]
        seconds, rest = divmod(time, SECOND)
        self.data += struct.pack(self.order + "4I", seconds, rest // self.unit, len(kept), len(frame)) + kept


class Pcapng:
    """draft-ietf-opsawg-pcapng: section 3.1 (blocks), 3.5 (options), 4 (the kinds of block)."""

    format = "pcapng"

    def __init__(self):
        self.data, self.starts, self.wire = b"", [], 0

    def block(self, kind: int, body: bytes):
        body += b"\0" * (-len(body) % 4)
        length = struct.pack(self.order + "I", 12 + len(body))
        self.data += struct.pack(self.order + "I", kind) + length + body + length

    def options(self, *pairs) -> bytes:
        text = b""
        for code, value in pairs:
            text += struct.pack(self.order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)
        return text + b"\0\0\0\0" if pairs else b""

    def section(self, order="<"):
        """4.1 Section Header Block, of unstated length (-1)."""
        self.order, self.interfaces = order, []
        self.block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link: int, name: str, resolution=None, offset=None, snap=0):
        """4.2 Interface Description Block; `resolution` is the octet of if_tsresol, None for none."""
        pairs = [(2, name.encode())]
        if resolution is not None:
            pairs.append((9, bytes([resolution])))
        if offset is not None:
            pairs.append((14, struct.pack(self.order + "q", offset)))
        self.block(1, struct.pack(self.order + "HHI", link, 0, snap) + self.options(*pairs))
        exponent = (resolution or 6) & 0x7F
        ticks = 2**exponent if resolution and resolution & 0x80 else 10**exponent
        self.interfaces.append((ticks, offset or 0, snap))

    def add(self, interface: int, time: int, frame: bytes):
        """4.3 Enhanced Packet Block."""
        ticks, offset, snap = self.interfaces[interface]
        count = (time - offset * SECOND) * ticks // SECOND
        kept = frame[:snap] if snap else frame
        head = struct.pack(self.order + "5I", interface, count >> 32, count & 0xFFFFFFFF, len(kept), len(frame))
        self.starts.append(len(self.data))
        self.wire += len(frame)
        self.block(6, head + kept)

    def add_simple(self, frame: bytes):
        """4.4 Simple Packet Block: no time, and the interface is the first."""
        snap = self.interfaces[0][2]
        self.starts.append(len(self.data))
        self.wire += len(frame)
        self.block(3, struct.pack(self.order + "I", len(frame)) + (frame[:snap] if snap else frame))

    def names(self, address: str, name: str):
        """4.5 Name Resolution Block with one IPv4 record."""
        value = socket.inet_aton(address) + name.encode() + b"\0"
        record = struct.pack(self.order + "HH", 1, len(value)) + value + b"\0" * (-len(value) % 4)
        self.block(4, record + b"\0\0\0\0")

    def statistics(self, interface: int):
        """4.6 Interface Statistics Block: isb_ifrecv."""
        self.block(5, struct.pack(self.order + "3I", interface, 0, 0) + self.options((4, struct.pack(self.order + "Q", 6))))

    def custom(self, text: bytes):
        """4.8 Custom Block, of the enterprise number for documentation (RFC 5612)."""
        self.block(0x0BAD, struct.pack(self.order + "I", 32473) + text)


def gzip_member(data: bytes, flush_at=None) -> bytes:
    """RFC 1952, 2.3: one member without name or time. What precedes `flush_at` can be unpacked alone."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b""
    if flush_at is not None:
        packed = packer.compress(data[:flush_at]) + packer.flush(zlib.Z_FULL_FLUSH)
        data_left = data[flush_at:]
    else:
        data_left = data
    packed += packer.compress(data_left) + packer.flush()
    head = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    return head + packed + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstd_frame(data: bytes) -> bytes:
    command = ["zstd", "-q", "-19", "--single-thread", "-c"]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


# ------------------------------------------------------------------------------------------------
# The sound samples, one function each
# ------------------------------------------------------------------------------------------------

GAPS = (2_417, 311, 95_031, 183_006, 1_290, 40_555, 611_208, 77, 23_904)  # microseconds


def times(start: int, gaps=GAPS, unit=1000):
    """Times that begin at `start` and go on in uneven steps."""
    yield start
    for gap in itertools.cycle(gaps):
        start += gap * unit
        yield start


def fill(capture: Pcap, start: int, packets, tags=(), gaps=GAPS, unit=1000):
    for time, packet in zip(times(start, gaps, unit), packets):
        capture.add(time, ethernet(packet, tags))
    return capture


def vlan() -> Pcap:
    capture = Pcap()
    clock = times(utc("2024-03-11 09:00:00"))
    stacks = (
        (),
        ((0x8100, 10),),  # 802.1Q
        ((0x8100, 5 << 13 | 0),),  # a priority tag: no VLAN
        ((0x88A8, 300), (0x8100, 20)),  # 802.1ad: a provider's tag around the customer's
        ((0x88A8, 300), (0x88A8, 301), (0x8100, 30)),
    )
    for number, tags in enumerate(stacks):
        for version in (4, 6):
            for packet in visit(LAPTOP, "www.example.com", WWW, version, 41000 + 10 * number + version, 300):
                capture.add(next(clock), ethernet(packet, tags))
    return capture


def tunnels() -> Pcap:
    inner4 = tcp(4, LAPTOP, WWW, (43000, 80), 1000, 0, "S").ip
    inner6 = udp(6, LAPTOP, NAMES, (43001, 53), dns_message(7, 0x0100, "www.example.com", "AAAA")).ip
    inner_frame = ethernet(lookup(4, PHONE, "www.example.com", "A", WWW, 43002)[0])
    away = Host(ROUTER.mac, "198.51.100.1", "2001:db8:100::1")
    packets = [
        ipv4(ROUTER, away, GRE, struct.pack(">HH", 0, 0x0800) + inner4),  # RFC 2784
        ipv4(ROUTER, away, IPV4_IN_IP, inner4),  # RFC 2003
        ipv4(ROUTER, away, IPV6_IN_IP, inner6),  # RFC 4213
        ipv6(ROUTER, away, IPV6_IN_IP, inner6),  # RFC 2473
        ipv6(ROUTER, away, IPV4_IN_IP, inner4),
        udp(4, ROUTER, away, (50000, 4789), struct.pack(">II", 8 << 24, 77 << 8) + inner_frame),  # VXLAN, RFC 7348
        ipv4(ROUTER, away, ESP, struct.pack(">II", 0x1001, 1) + bytes(range(64))),  # RFC 4303
        ipv4(ROUTER, away, SCTP, sctp_init(43003, 3868)),
        ipv4(ROUTER, away, OSPF, ospf_hello()),
        ipv4(ROUTER, away, 253, b"for experiments"),  # RFC 3692
    ]
    return fill(Pcap(), utc("2024-03-11 09:05:00"), packets)


def nanosecond() -> Pcap:
    packets = visit(LAPTOP, "files.example.com", FILES, 4, 42000, 4000)
    return fill(Pcap(nano=True), utc("2024-03-11 09:10:00") + 123_456_789, packets, gaps=(1, 999, 1_001, 60_007), unit=1)


def big_endian() -> Pcap:
    packets = visit(PHONE, "www.example.com", WWW, 6, 42100, 2000) + lookup(4, PHONE, "wwww.example.com", "A", None, 42101)
    return fill(Pcap(order=">"), utc("2024-03-11 09:15:00"), packets)


def midnight() -> Pcap:
    """2024-02-28 to the leap day, with a packet in the last microsecond and one on the stroke."""
    day = utc("2024-02-29 00:00:00")
    before = visit(LAPTOP, "www.example.com", WWW, 4, 42200, 1500)
    after = visit(PHONE, "api.example.net", API, 4, 42201, 1500)
    capture = Pcap()
    for number, packet in enumerate(before):
        capture.add(day - 1000 - (len(before) - 1 - number) * 250_000_000, ethernet(packet))
    for number, packet in enumerate(after):
        capture.add(day + number * 250_000_000, ethernet(packet))
    return capture


def web() -> Pcap:
    packets = []
    for number, (name, site) in enumerate(SITES * 2):
        client = CLIENTS[number % 2]
        packets += visit(client, name, site, 4 if number < 3 else 6, 44000 + number, 1200 * (number + 1))
        packets += lookup(4, client, f"missing{number}.example.net", "A", None, 45000 + number)
    return fill(Pcap(), utc("2024-03-11 10:00:00"), packets)


def web_members(capture: Pcap) -> bytes:
    """Three gzip members, as `cat a.gz b.gz c.gz` makes; two packets lie across the seams."""
    seams = [0, capture.starts[40] + 9, capture.starts[80] + 30, len(capture.data)]
    return b"".join(gzip_member(capture.data[a:b]) for a, b in zip(seams, seams[1:]))


def undecoded() -> Pcap:
    """A device asked for its descriptor over USB (USB 2.0, 9.4.3 and 9.6.1), in the form of Linux usbmon:
    the kernel's Documentation/usb/usbmon.rst, struct usbmon_packet (64 bytes)."""
    descriptor = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, 0x1209, 0x0001, 0x0100, 1, 2, 0, 1)
    setup = struct.pack("<BBHHH", 0x80, 6, 0x0100, 0, len(descriptor))
    capture = Pcap(link=USB_LINUX_MMAPPED)
    clock = times(utc("2024-03-11 10:30:00"))
    for transfer in range(10):
        for event in "SC":  # submitted, completed
            data = descriptor if event == "C" else b""
            time = next(clock)
            head = struct.pack(
                "<QBBBBHBBqiiII8siiII",
                0xFFFF0000_00001000 + transfer, ord(event), 2, 0x80, 3, 1,
                0 if event == "S" else ord("-"), 0 if data else ord("<"),
                time // SECOND, time % SECOND // 1000, 0 if data else -115,
                len(descriptor), len(data), setup if event == "S" else bytes(8), 0, 0, 0, 0,
            )  # fmt: skip
            capture.add(time, head + data)
    return capture


def two_interfaces() -> Pcapng:
    """One conversation seen twice: on the wire (microseconds) and in a tunnel (nanoseconds, no link layer)."""
    capture = Pcapng()
    capture.section()
    capture.interface(ETHERNET, "eth0")  # no if_tsresol: 10^-6
    capture.interface(RAW, "tun0", resolution=9)
    for time, packet in zip(times(utc("2024-03-11 11:00:00") + 987_654_321), visit(LAPTOP, "api.example.net", API, 4, 46000, 3000)):
        capture.add(1, time, packet.ip)
        capture.add(0, time + 15_250, ethernet(packet))
    return capture


def sections() -> Pcapng:
    """Two sections: the byte order and the numbers of the interfaces begin again in the second."""
    capture = Pcapng()
    start = utc("2024-03-11 11:30:00")
    capture.section("<")
    capture.interface(ETHERNET, "eth0", resolution=0x80 | 20, offset=start // SECOND)  # 2^-20 s, counted from 11:30
    for time, packet in zip(times(start), visit(LAPTOP, "www.example.com", WWW, 4, 47000, 1000)):
        capture.add(0, time, ethernet(packet))
    capture.names(WWW.ip4, "www.example.com")
    capture.statistics(0)
    capture.section(">")
    capture.custom(b"a block that holds no packet")
    capture.interface(RAW, "tun0", resolution=3, offset=-3600)  # milliseconds of a clock an hour ahead
    capture.interface(ETHERNET, "eth0", resolution=9)
    for number, (time, packet) in enumerate(zip(times(start + 60 * SECOND), visit(PHONE, "files.example.com", FILES, 6, 47001, 1000))):
        if number % 2:
            capture.add(0, time, packet.ip)
        else:
            capture.add(1, time, ethernet(packet))
    return capture


def no_time() -> Pcapng:
    capture = Pcapng()
    capture.section()
    capture.interface(ETHERNET, "eth0", snap=96)
    for packet in visit(LAPTOP, "www.example.com", WWW, 4, 48000, 1000):
        capture.add_simple(ethernet(packet))
    return capture


def minute(number: int) -> Pcap:
    """One of the files that `tcpdump -G 60` leaves; nothing happened in minute 3."""
    packets = []
    if number != 3:
        for turn, (name, site) in enumerate(SITES):
            client = CLIENTS[(number + turn) % 2]
            port = 49000 + 10 * number + turn
            packets += visit(client, name, site, 4 if turn else 6, port, 700 * (turn + 1))
            packets += [echo(client, site, reply, turn + 1) for reply in (False, True)]
    return fill(Pcap(), utc(f"2024-03-11 12:{number:02d}:00") + 250_000_000, packets)


# ------------------------------------------------------------------------------------------------
# The damaged samples: each a sound one with one fault
# ------------------------------------------------------------------------------------------------


@dataclass
class Damaged:
    file: str
    data: bytes
    rows: int  # packets before the fault
    offset: object  # of the record header or block at which reading stops, unpacked; None: refused
    why: str

    @property
    def status(self):
        return "refused" if self.offset is None else "damaged"


def cut_short_gzip(capture: Pcap, number: int) -> bytes:
    """A gzip stream that ends early: everything up to 20 bytes into packet `number` can be unpacked.

    A full flush there (RFC 1951, 3.2.4: an empty stored block) and a cut six bytes after it, in the
    code tables of the next block, leave no doubt how far any unpacker gets.
    """
    kept = capture.starts[number] + 16 + 20
    whole = gzip_member(capture.data, flush_at=kept)
    flush = whole.index(b"\0\0\xff\xff", len(gzip_member(capture.data[:kept])) // 2) + 4
    cut = whole[: flush + 6]
    assert zlib.decompressobj(31).decompress(cut) == capture.data[:kept]
    return cut


def damaged() -> list:
    pcap, ng = web(), two_interfaces()
    starts, blocks = pcap.starts, ng.starts
    announced = struct.pack("<I", 0xFFFFFFFF)
    block_end = blocks[31]  # where the block of packet 30 ends
    wrong = struct.unpack("<I", ng.data[block_end - 4 : block_end])[0] + 4
    after = len(starts) - 61
    text = "Friday: the capture of the second floor is still to come.\nNo packets in here.\n"
    return [
        Damaged("cut-in-record-header.pcap", pcap.data[: starts[50] + 7], 50, starts[50], "7 of the 16 bytes of a record header"),
        Damaged("cut-in-packet.pcap", pcap.data[: starts[70] + 16 + 33], 70, starts[70], "33 bytes of a packet, more announced"),
        Damaged(
            "impossible-length.pcap",
            pcap.data[: starts[60] + 8] + announced + pcap.data[starts[60] + 12 :],
            60, starts[60], f"a record header announces 4294967295 bytes; {after} sound records follow it",
        ),
        Damaged(
            "bad-trailing-length.pcapng",
            ng.data[: block_end - 4] + struct.pack("<I", wrong) + ng.data[block_end:],
            30, blocks[30], "the length at a block's end is not the one at its start",
        ),
        Damaged("cut-in-block.pcapng", ng.data[: blocks[20] + 41], 20, blocks[20], "41 bytes of a block, more announced"),
        Damaged("cut-short.pcap.gz", cut_short_gzip(pcap, 65), 65, starts[65], "the gzip stream ends early, inside a packet"),
        Damaged("text.pcap", text.encode(), 0, None, "text under the name of a capture"),
        Damaged("twelve-bytes.pcap", pcap.data[:12], 0, None, "half a file header"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------
# The recorded samples: counted, not made
# ------------------------------------------------------------------------------------------------


def count_recorded(path: Path):
    """Format, packets and bytes on the wire of a recorded capture (little-endian, Enhanced Packet Blocks)."""
    data = path.read_bytes()
    magic = struct.unpack_from("<I", data)[0]
    rows = wire = 0
    if magic == 0x0A0D0D0A:
        at = 0
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            if kind == 6:
                rows, wire = rows + 1, wire + struct.unpack_from("<I", data, at + 24)[0]
            at += length
        kind_of_file = "pcapng"
    else:
        at = 24
        while at < len(data):
            captured, length = struct.unpack_from("<II", data, at + 8)
            rows, wire, at = rows + 1, wire + length, at + 16 + captured
        kind_of_file = {0xA1B2C3D4: "pcap-us", 0xA1B23C4D: "pcap-ns"}[magic]
    assert at == len(data), path
    return kind_of_file, rows, wire


# ------------------------------------------------------------------------------------------------
# The folders
# ------------------------------------------------------------------------------------------------


@dataclass
class Sample:
    file: str
    shows: str
    capture: object = None  # Pcap or Pcapng; None: recorded
    pack: object = None  # from bytes to bytes
    format: str = ""
    rows: int = 0
    wire: int = 0
    data: bytes = field(default=b"", repr=False)

    def __post_init__(self):
        if self.capture is None:
            path = DATA / "captures" / self.file
            if not path.exists():
                sys.exit(f"make_captures.py: {path} is missing: record it with record_captures.sh")
            self.data = path.read_bytes()
            self.format, self.rows, self.wire = count_recorded(path)
        else:
            self.data = self.pack(self.capture.data) if self.pack else self.capture.data
            self.format, self.rows, self.wire = self.capture.format, len(self.capture.starts), self.capture.wire

    @property
    def compression(self):
        return {".gz": "gzip", ".zst": "zstd"}.get(Path(self.file).suffix, "none")


def samples() -> list:
    office = web()
    return [
        Sample("office-hour.pcap", "three clients at work for thirteen seconds: names looked up (UDP, TCP, some that do not exist), then pages fetched from the addresses found, pings, ARP and NDP, over IPv4 and IPv6; cut to 256 bytes a packet"),
        Sample("dns.pcapng", "every kind of lookup (A, AAAA, CNAME, MX, TXT, SRV, PTR, no such name, mixed case) with and without EDNS, over UDP and TCP, in nanoseconds"),
        Sample("fragments.pcap", "a long DNS answer and long pings in IPv4 and IPv6 fragments"),
        Sample("any.pcap", "recorded on all interfaces at once: Linux cooked capture v2 (link type 276)"),
        Sample("loopback.pcap", "recorded on `lo`: MAC addresses of zeros"),
        Sample("multicast-dns.pcap", "mDNS (port 5353) and LLMNR (port 5355), IGMP and MLD around them"),
        Sample("vlan.pcap", "no tag, 802.1Q, a priority tag, 802.1ad (QinQ), three tags", vlan()),
        Sample("tunnels.pcap", "GRE, IP in IP, VXLAN, ESP, SCTP, OSPF, an unnamed protocol: the outermost IP header counts", tunnels()),
        Sample("nanosecond.pcap", "times in nanoseconds, some only one apart (magic a1b23c4d)", nanosecond()),
        Sample("big-endian.pcap", "written by a big-endian machine", big_endian()),
        Sample("midnight.pcap", "2024-02-28 into the leap day, half of the packets on each side of midnight UTC: two dates in the lake", midnight()),
        Sample("web.pcap.gz", "gzip of three members, their seams inside packets", office, lambda _: web_members(office)),
        Sample("undecoded.pcap", "USB (link type 220), which is not decoded: times and lengths only", undecoded()),
        Sample("two-interfaces.pcapng", "Ethernet in microseconds and raw IP in nanoseconds side by side", two_interfaces()),
        Sample("sections.pcapng", "two sections, little- and big-endian; resolutions 2^-20 and 10^-3, `if_tsoffset` of both signs; blocks without packets", sections()),
        Sample("no-time.pcapng", "Simple Packet Blocks: packets without a time, cut to 96 bytes", no_time()),
        Sample("rotated/office-20240311-120000.pcap.zst", "five files of a minute each, as rotation leaves them, some compressed since", minute(0), zstd_frame),
        Sample("rotated/office-20240311-120100.pcap.zst", "", minute(1), zstd_frame),
        Sample("rotated/office-20240311-120200.pcap.gz", "", minute(2), gzip_member),
        Sample("rotated/office-20240311-120300.pcap", "a minute without traffic: a file header alone", minute(3)),
        Sample("rotated/office-20240311-120400.pcap", "", minute(4)),
    ]  # fmt: skip


CAPTURES_README = """\
# Sample captures

All of them sound: every packet becomes a row, and nothing is reported as damaged. (`../damaged` holds the others.)

| file | what it shows | origin | packets |
|---|---|---|--:|
{table}

*Recorded* captures come from `scripts/samples/record_captures.sh`: programs as people use them (curl, dig, ping,
dnsmasq, Python's web server) in network namespaces of one machine, written by tcpdump (`dns.pcapng` turned into pcapng by
editcap). Recording again gives other times and somewhat other packets. *Made* captures come from `scripts/samples/make_captures.py`, the
same bytes each time, as do this table and `EXPECTED.tsv`; the sources of the formats stand in its comments.

All addresses and names are those set aside for documentation (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24,
2001:db8::/32, 00:00:5e:00:53:xx, example.com, example.net).

`EXPECTED.tsv` says for each file how many packets (`rows`) and bytes on the wire (`wire_bytes`) it holds: for a made capture
from its construction, for a recorded one from a count of its records. `scripts/samples/make_captures.py --check` compares it with what
capinfos and tshark say of the same files, and has been found to agree (Wireshark 4.0).
"""

DAMAGED_README = """\
# Damaged captures

Each is a sound capture with one fault, or is no capture at all. What precedes the fault is converted, and the fault is reported
with its offset; a file that is no capture is refused.

| file | fault | offset | packets before it |
|---|---|--:|--:|
{table}

The offset is that of the record header or block at which reading stops, in the capture as unpacked. `EXPECTED.tsv`
holds the same for programs. Made by `scripts/samples/make_captures.py` from the `web` and `two-interfaces` captures of
`../captures`; where the faults lie follows from the construction.
"""


def tab_separated(rows) -> bytes:
    return "".join("\t".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows).encode()


def table(rows) -> str:
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def captures_folder() -> dict:
    """Everything in data/captures, from path to content."""
    made = samples()
    files = {sample.file: sample.data for sample in made}
    rows = [("file", "rows", "format", "compression", "wire_bytes")]
    rows += [(s.file, s.rows, s.format, s.compression, s.wire) for s in made]
    files["EXPECTED.tsv"] = tab_separated(rows)
    lines = [(f"`{s.file}`", s.shows, "made" if s.capture else "recorded", s.rows) for s in made]
    files["README.md"] = CAPTURES_README.format(table=table(lines)).encode()
    return files


def damaged_folder() -> dict:
    made = damaged()
    files = {item.file: item.data for item in made}
    rows = [("file", "rows", "fault_offset", "status", "why")]
    rows += [(d.file, d.rows, d.offset, d.status, d.why) for d in made]
    files["EXPECTED.tsv"] = tab_separated(rows)
    lines = [(f"`{d.file}`", d.why, "refused" if d.offset is None else d.offset, d.rows) for d in made]
    files["README.md"] = DAMAGED_README.format(table=table(lines)).encode()
    return files


def write_folder(folder: Path, files: dict):
    for name, data in files.items():
        path = folder / name
        if path.exists() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def check(folder: Path) -> int:
    """Compares EXPECTED.tsv with Wireshark's tools; says how many files differ."""
    differ = 0
    for line in (folder / "EXPECTED.tsv").read_text().splitlines()[1:]:
        file, rows, _, _, wire = line.split("\t")
        frames = run("tshark", "-r", folder / file, "-T", "fields", "-e", "frame.len", "-e", "_ws.col.Info").splitlines()
        # tshark gives a pcapng Custom Block, which holds no packet, a line among the packets.
        lengths = [frame.split("\t")[0] for frame in frames if "\tCustom Block:" not in frame]
        counted = run("capinfos", "-c", "-M", "-T", "-r", folder / file).split()[-1]
        found = (str(len(lengths)), counted, str(sum(map(int, lengths))))
        agrees = found == (rows, rows, wire)
        differ += not agrees
        print(f"{'agrees' if agrees else 'DIFFERS'}\t{file}\t{rows} packets\t{wire} bytes" + ("" if agrees else f"\tfound {found}"))
    return differ


def run(*command) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the sample captures and their tables.")
    parser.add_argument("--out", type=Path, default=DATA, metavar="DIR", help="the folder to write to (default: data)")
    parser.add_argument("--check", action="store_true", help="write nothing; compare EXPECTED.tsv with capinfos and tshark")
    options = parser.parse_args()
    if options.check:
        return 1 if check(options.out / "captures") else 0
    if not shutil.which("zstd"):
        sys.exit("make_captures.py: the zstd command is needed")
    write_folder(options.out / "captures", captures_folder())
    write_folder(options.out / "damaged", damaged_folder())
    return 0


if __name__ == "__main__":
    sys.exit(main())
