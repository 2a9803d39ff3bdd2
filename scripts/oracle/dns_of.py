#!/usr/bin/env python3
"""Reads the DNS messages of captures without parcap, and gives the tables dns_queries, dns_names and dns_clients.

    python3 scripts/oracle/dns_of.py CAPTURE...        folders are walked; prints the tables

tshark opens the captures and finds the datagrams and segments, dnspython decodes names; what counts as a message, and how
much of a cut one counts, is the definition of the packets table's `is_dns` and `dns_query`. Needs tshark and dnspython, and
for captures in zstd, xz, bzip2 or lz4 their commands. What tshark cannot read to the end is named and counts up to there.

Known to differ from parcap, and left so: pointers that lead forward do not decode here; a message without a time is put to
the date of the DNS message before it.
"""

import contextlib
import functools
import mmap
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import dns.exception
import dns.name
import dns.rdatatype

PORTS = {"53", "5353", "5355"}
FIELDS = "frame.time_epoch frame.protocols ip.src ip.dst ipv6.src ipv6.dst udp.srcport udp.dstport udp.payload tcp.srcport tcp.dstport tcp.payload".split()
# Packet by packet, as parcap reads; DNS itself is not left to tshark.
OFF = ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tcp.analyze_sequence_numbers"]
NOT_DECODED = ["dns", "mdns", "llmnr", "tls", "quic", "http", "dtls"]
BETWEEN = {"ipv6.hopopts", "ipv6.routing", "ipv6.fraghdr", "ipv6.dstopts", "ah"}
UNPACK = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz", b"BZh": "bzip2", b"\x04\x22\x4d\x18": "lz4"}
# Microseconds and nanoseconds, either order of bytes.
PCAP = {b"\xd4\xc3\xb2\xa1": "little", b"\x4d\x3c\xb2\xa1": "little", b"\xa1\xb2\xc3\xd4": "big", b"\xa1\xb2\x3c\x4d": "big"}
A, CNAME, AAAA, OPT = 1, 5, 28, 41
CODES = "NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE".split()
DAY = 86_400_000_000


def fed(feed, how, path, pipe):
    """Feeds tshark, which may stop before the end."""
    with contextlib.suppress(BrokenPipeError), pipe:
        feed(path, how, pipe)


def unpacked(path, command, pipe):
    subprocess.run([command, "-dcq", path], stdout=pipe)


def thinned(path, order, pipe):
    """Writes the records of a pcap in which the number of a port of DNS stands anywhere: tshark is slow, and need not see more."""
    one, two, three = (int(port).to_bytes(2, "big") for port in PORTS)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        pipe.write(held[:24])
        at = 24
        while at < len(held):
            end = at + 16 + int.from_bytes(held[at + 8 : at + 12], order)
            record = held[at:end]
            # What is cut is for tshark to complain of.
            if end > len(held) or one in record or two in record or three in record:
                pipe.write(record)
            at = end


def packets_of(path):
    """Time in microseconds (None without one), addresses and message bytes of what goes to or from a port of DNS."""
    with open(path, "rb") as file:
        magic = file.read(6)
    feed = next(((unpacked, command) for start, command in UNPACK.items() if magic.startswith(start)), None)
    feed = feed or ((thinned, PCAP[magic[:4]]) if magic[:4] in PCAP else None)
    ports = ", ".join(sorted(PORTS))
    command = ["tshark", "-n", "-r", "-" if feed else path, "-Y", f"udp.port in {{{ports}}} || tcp.port in {{{ports}}}"]
    command += ["-T", "fields", "-E", "occurrence=f", "-E", "separator=/t"]
    command += [word for field in FIELDS for word in ("-e", field)] + [word for name in OFF for word in ("-o", f"{name}:FALSE")]
    command += [word for name in NOT_DECODED for word in ("--disable-protocol", name)]
    held = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feeding = threading.Thread(target=fed, args=(*feed, path, held.stdin)) if feed else None
    feeding.start() if feeding else held.stdin.close()
    for line in map(bytes.decode, held.stdout):
        time, layers, *values = line.rstrip("\n").split("\t")
        addresses, values = values[:4], values[4:]
        # The outermost IP header, and what follows it: of the first occurrences that is the one meant.
        layers = layers.split(":")
        at = min((layers.index(name) for name in ("ip", "ipv6") if name in layers), default=len(layers))
        above = next((name for name in layers[at + 1 :] if name not in BETWEEN), None)
        if above not in ("udp", "tcp"):
            continue
        source_port, target_port, payload = values[:3] if above == "udp" else values[3:]
        if payload and {source_port, target_port} & PORTS:
            message = bytes.fromhex(payload.replace(":", ""))
            if above == "tcp":
                message = message[2 : 2 + int.from_bytes(message[:2], "big")]
            seconds, _, fraction = time.partition(".")
            ends = addresses[:2] if layers[at] == "ip" else [shown_address(socket.inet_pton(socket.AF_INET6, end)) for end in addresses[2:]]
            yield int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0")) if seconds else None, ends, message
    if feeding:
        feeding.join()
    complaint = held.stderr.read().decode().strip().splitlines()
    if held.wait() != 0:
        print(f"dns_of: {path}: {complaint[-1] if complaint else 'tshark failed'}", file=sys.stderr)


def text(labels):
    """Presentation format in lower case."""
    shown = lambda byte: "\\" + chr(byte) if byte in b".\\" else chr(byte) if 0x21 <= byte <= 0x7E else f"\\{byte:03}"
    return ".".join("".join(map(shown, label.lower())) for label in labels) + "."


def name_at(message, at):
    """The labels of a name, None if it does not decode, and where it ends, None if that is not known."""
    end = at
    while end < len(message) and 0 < message[end] < 0x40:
        end += 1 + message[end]
    whole = end < len(message) and (message[end] == 0 or message[end] >= 0xC0 and end + 1 < len(message))
    try:
        labels = dns.name.from_wire(message, at)[0].labels[:-1]
    except (dns.exception.DNSException, IndexError):
        labels = None
    return labels, end + (1 if message[end] == 0 else 2) if whole else None


def number(message, at):
    return int.from_bytes(message[at : at + 2], "big") if at + 2 <= len(message) else None


@functools.lru_cache(1 << 16)
def read(message):
    """(name, type, response code) of a message, and its (address, name asked for); None if it is not recognised."""
    if len(message) < 12:
        return None
    flags, (questions, answers, *others) = number(message, 2), (number(message, at) for at in (4, 6, 8, 10))
    at, asked, kind_asked, recognised = 12, None, None, False
    for count in range(questions):
        labels, end = name_at(message, at)
        recognised |= labels is not None
        asked = labels if count == 0 else asked
        if end is None:
            at = None
            break
        kind_asked = number(message, end) if count == 0 else kind_asked
        at = end + 4
    addresses, aliases = [], {}
    for count in range(answers + sum(others)) if at is not None else ():
        labels, end = name_at(message, at) if at < len(message) else (None, None)
        if end is None:
            # A name that is cut does not decode.
            break
        kind, length = number(message, end), number(message, end + 8)
        # An OPT record has no name; after a cut nothing but the root may be one's.
        recognised |= labels is not None and (kind != OPT if kind is not None else bool(labels))
        if length is None:
            break
        at, data = end + 10 + length, message[end + 10 : end + 10 + length]
        if count < answers and labels is not None:
            if kind == CNAME and (target := name_at(message, end + 10)[0]) is not None:
                aliases.setdefault(text(target), text(labels))
            elif (kind, length) in ((A, 4), (AAAA, 16)) and len(data) == length:
                addresses.append((data, text(labels)))
    if not recognised:
        return None
    named = []
    # What a query lists is what the asker knows already (RFC 6762, 7.1).
    for address, name in addresses if flags & 0x8000 else ():
        for _ in range(16):
            name = aliases.get(name, name)
        named.append((shown_address(address), name))
    code = flags & 15
    response = None if not flags & 0x8000 else CODES[code] if code < len(CODES) else f"RCODE{code}"
    kind = None if kind_asked is None else dns.rdatatype.to_text(kind_asked)
    return (None if asked is None else text(asked), kind, response), named


def shown_address(octets):
    return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


def tables(captures):
    """Rows of dns_queries, dns_names and dns_clients, the date first; times are microseconds since the Unix epoch."""
    files = []
    for path in map(Path, captures):
        files += sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    queries, names, seen, clients, asked = Counter(), Counter(), {}, Counter(), {}
    for path in files:
        date = 0
        for time, (source, target), message in packets_of(str(path)):
            date = date if time is None else time // DAY
            if (held := read(message)) is None:
                continue
            queries[date, *held[0]] += 1
            name, _, code = held[0]
            client = (date, source if code is None else target, code)
            clients[client] += 1
            asked.setdefault(client, set()).update([] if name is None else [name])
            for key in held[1]:
                names[date, *key] += 1
                if time is not None:
                    first, last = seen.get((date, *key), (time, time))
                    seen[date, *key] = min(first, time), max(last, time)
    names_rows = [(*key, count, *seen.get(key, (None, None))) for key, count in names.items()]
    clients_rows = [(*key, count, len(asked[key])) for key, count in clients.items()]
    return [(*key, count) for key, count in queries.items()], names_rows, clients_rows


if __name__ == "__main__":
    for title, rows in zip(("dns_queries", "dns_names", "dns_clients"), tables(sys.argv[1:])):
        print(f"{title}: {len(rows):,} rows")
        for row in sorted(rows, key=lambda row: tuple(map(str, row))):
            print("   ", *row)
