#!/usr/bin/env python3
"""Compares the packets inside tunnels with tshark, packet by packet and cell by cell.

Needs tshark, and the module parcap with pyarrow. tshark lists each field once for each layer, the innermost last; layers after an
ICMP message are packets that it quotes, and are left out. Of the layers of IP the last one that has both addresses counts, and
of Ethernet the last one. Heuristics are off, and nothing is reassembled. Where tshark goes by something other than the bytes, a
difference has a reason in ``REASONS`` and is counted by it.

Usage: check_tunnels.py FOLDER…. Prints what differs. Exit status 0 if every difference has a reason.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import parcap

COLUMNS = ["mac_src", "mac_dst", "ip_src", "ip_dst", "protocol", "port_src", "port_dst", "tunnel", "tunnel_id"]
COMPARED = COLUMNS[:7]
FIELDS = [
    "frame.protocols", "eth.src", "eth.dst", "ip.src", "ip.dst", "ip.proto", "ip.frag_offset", "ipv6.src", "ipv6.dst",
    "ipv6.nxt", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
]  # fmt: skip
OPTIONS = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "ip.tso_support:TRUE"]
NAMES = {
    "TCP": 6, "UDP": 17, "ICMP": 1, "IGMP": 2, "IPv4": 4, "IPv6": 41, "GRE": 47, "ESP": 50, "ICMPv6": 58, "EIGRP": 88,
    "OSPFIGP": 89, "PIM": 103, "VRRP": 112, "L2TP": 115, "SCTP": 132,
}  # fmt: skip
