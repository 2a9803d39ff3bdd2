#!/usr/bin/env python3
"""Writes the capture of a scan: every packet is a TCP SYN from another source address.

    python3 scripts/samples/make_scan.py OUT.pcap [--sources 10000000] [--v6]

Sources are all different, spread over the whole range of addresses and in no order; destinations are a few; times rise over
one day, 2024-02-01 UTC. Ethernet II, checksums are right. The same bytes on every run. Needs numpy.

Exit status: 0 written, 2 wrong usage.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

START, DAY = 1_706_745_600, 86_400  # 2024-02-01 00:00:00 UTC
DESTINATIONS = 5
PIECE = 1 << 18
ETHERNET = bytes.fromhex("00005e005301 00005e005302")
# Flags, class, length of the payload, next header TCP, hop limit; without the addresses.
IPV6 = bytes.fromhex("86dd 60000000 0014 06 40")
# Length 40, don't fragment, TTL 64, TCP; the checksum follows, then the addresses.
IPV4 = bytes.fromhex("0800 4500 0028 0000 4000 4006")
# Port 80, sequence number 1, SYN, window 1024; without source port and checksum.
TCP = bytes.fromhex("0050 00000001 00000000 5002 0400")


def mixed(numbers, bits):
    """Spreads numbers over `bits` bits; different ones stay different, for each step can be undone."""
    kind, half = (np.uint64, 32) if bits == 64 else (np.uint32, 16)
    numbers = numbers.astype(kind)
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9):
        numbers *= kind(factor & (1 << bits) - 1)
        numbers ^= numbers >> kind(half - 3)
    return numbers


def words(*fields):
    """The sum of the 16-bit words of fields, each an array of rows of bytes, folded as checksums are (RFC 1071)."""
    total = sum(np.ascontiguousarray(field).view(">u2").astype(np.uint32).sum(axis=1) for field in fields)
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    return total


def octets(numbers, kind):
    """Numbers as rows of bytes, highest first."""
    return numbers.astype(kind).view(np.uint8).reshape(len(numbers), -1)


def records(first, count, total, v6):
    """The records from `first` on, as rows of bytes."""
    number = np.arange(first, first + count, dtype=np.int64)
    nth = number + 1  # so that no address is all zeros
    which = number * 7919 % DESTINATIONS + 1
    if v6:
        source = np.hstack([octets(mixed(nth, 64), ">u8"), octets(mixed(nth + total, 64), ">u8")])
        target = np.hstack([octets(np.full(count, 0x20010DB8 << 32), ">u8"), octets(which, ">u8")])
        ip, ports_at = IPV6, 16 + 54
    else:
        source, target = octets(mixed(nth, 32), ">u4"), octets(0xC0000200 + which, ">u4")
        ip, ports_at = IPV4 + b"\0\0", 16 + 34
    length = ports_at + 20
    micros = number * (DAY * 1_000_000) // total

    rows = np.zeros((count, length), np.uint8)
    header = [START + micros // 1_000_000, micros % 1_000_000, np.full(count, length - 16), np.full(count, length - 16)]
    rows[:, :16] = np.hstack([octets(field, "<u4") for field in header])
    rows[:, 16:28] = np.frombuffer(ETHERNET, np.uint8)
    rows[:, 28 : 28 + len(ip)] = np.frombuffer(ip, np.uint8)
    rows[:, ports_at - source.shape[1] * 2 : ports_at] = np.hstack([source, target])
    rows[:, ports_at : ports_at + 2] = octets(1024 + number % 60_000, ">u2")
    rows[:, ports_at + 2 : ports_at + 16] = np.frombuffer(TCP, np.uint8)
    # The pseudo-header: addresses, protocol 6, length 20.
    rows[:, ports_at + 16 : ports_at + 18] = octets(0xFFFF - words(source, target, rows[:, ports_at:], octets(np.full(count, 26), ">u2")), ">u2")
    if not v6:
        rows[:, 40:42] = octets(0xFFFF - words(rows[:, 30:50]), ">u2")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT.pcap")
    parser.add_argument("--sources", type=int, default=10_000_000, metavar="N", help="default: 10000000")
    parser.add_argument("--v6", action="store_true", help="IPv6; without, IPv4")
    args = parser.parse_args()
    if not 0 <= args.sources < 1 << 32:
        parser.error("as many sources as there are IPv4 addresses, at most")
    with open(args.out, "wb") as file:
        # Version 2.4, microseconds, snap length 65535, link type Ethernet.
        file.write(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000"))
        for first in range(0, args.sources, PIECE):
            records(first, min(PIECE, args.sources - first), args.sources, args.v6).tofile(file)
    print(f"{args.out}: {args.sources:,} packets, {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
