#!/usr/bin/env python3
"""Compares the columns of DNS messages and of TLS with tshark and dnspython, packet by packet and cell by cell.

Needs tshark, dnspython, and the module parcap with pyarrow. tshark says all columns. Its dns_answers are made of its fields of
single types, so answers of other types are not compared with it; nor are names with bytes that need an escape. dnspython says
dns_answers and dns_min_ttl: it gets the message of each segment or datagram, and each record of it apart. A capture is made of an answer of each type. What it cannot read is
expected in the generic form of RFC 3597. Its texts are put into the same form: hexadecimal digits and base64 without spaces, no
needless escapes, values of services quoted as BIND does.

parcap takes the outermost IP header and the ports of DNS. So cells are compared where the layers of the packet, as tshark names
them, are those. tshark says nothing of a message that it does not dissect, because another protocol is heard on that port, say.
Such cells are counted apart, and so are cells of which it has no field. Messages are compared as far as they lie in one packet:
nothing is put together.

Usage: check_dns_columns.py FOLDER…. Prints what differs. Exit status 0 if nothing does.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

import beside_tshark
from dns_of import BETWEEN, CODES, NOT_DECODED, PORTS, name_at, number

COLUMNS = ["is_dns", "protocol", "dns_id", "dns_is_response", "dns_qtype", "dns_rcode", "dns_answers", "dns_min_ttl", "tls_sni"]
# What answers are made of, by the number of their type. Each field has a value for each record of the type, in order.
OF_TYPE = {
    1: ["dns.a"],
    2: ["dns.ns"],
    5: ["dns.cname"],
    6: [
        "dns.soa.mname", "dns.soa.rname", "dns.soa.serial_number", "dns.soa.refresh_interval", "dns.soa.retry_interval",
        "dns.soa.expire_limit", "dns.soa.minimum_ttl",
    ],
    12: ["dns.ptr.domain_name"],
    15: ["dns.mx.preference", "dns.mx.mail_exchange"],
    28: ["dns.aaaa"],
    33: ["dns.srv.priority", "dns.srv.weight", "dns.srv.port", "dns.srv.target"],
}  # fmt: skip
ONCE = [
    "dns.id", "dns.flags.response", "dns.count.queries", "dns.qry.type", "dns.flags.rcode", "dns.count.answers",
    "dns.count.prerequisites",
]  # fmt: skip
ALL = ["frame.protocols", "dns.resp.type", "dns.resp.ttl", "tls.handshake.extensions_server_name"]
FIELDS = ONCE + ALL + [field for fields in OF_TYPE.values() for field in fields]
OPTIONS = [
    "ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tcp.analyze_sequence_numbers", "dns.desegment_dns_messages",
    "tls.desegment_ssl_records", "tls.desegment_ssl_application_data",
]  # fmt: skip
BETWEEN_FIELDS, BETWEEN_VALUES = "\x1e", "\x1f"
HEADER, OPT, GPOS = 12, 41, 27
# An answer of each type, and of some in several forms. The last ones are of types that are shown in the generic form.
MADE = """
A 192.0.2.1|NS ns.example.|CNAME .|SOA ns.example. root.example. 4294967295 1 2 3 4|PTR a\\.b\\\\\\032\\255.example.|HINFO "a b" ""
MX 65535 mx.example.|TXT "a" "\\"\\\\\\000\\255" ""|RP mbox.example. txt.example.|AFSDB 1 afs.example.|X25 "311061700956"
ISDN "150862028003217" "004"|RT 10 relay.example.|NSAP-PTR foo.example.|PX 50 net2.it. prmd.it.|GPOS -32.6882 116.8652 10.0
KEY 512 255 1 AQMF|AAAA 2001:db8::ffff:0|SRV 1 2 65535 .|NAPTR 100 50 "s" "http+I2L" "!^.*$!\\\\1!" _http._tcp.foo.com.|KX 10 kdc.example.
DNAME target.example.|DS 12345 253 1 123456789abcdef67890123456789abcdef67890|SSHFP 1 1 aa549bfe898489c02d1715d97d79c57ba2fa76ab
RRSIG NSEC 1 3 3600 20200101000000 20030101000000 2143 foo. MxFcby9k/yvedMfQgKzhH5er0Mu/vILz45IkskceFGgiWCn/GxHhai6VAuHAoNUz4YoU1tVfSCSqQYn6//11U6Nld80jEeC8aTrO+KKmCaY=
RRSIG TYPE65400 8 0 4294967295 21060207062815 19700101000000 1 . AA==|NSEC a.secure. A NS MX TXT RRSIG NSEC DNSKEY TYPE1234 TYPE65535
DNSKEY 512 255 1 AQMFD5raczCJHViKtLYhWGz8hMY9UGRuniJDBzC7w0aRyzWZriO6i2odGWWQVucZqKVsENW91IOW4vqudngPZsY3GvQ/xVA8/7pyFj6b7Esga60zyGW6LFe9r8n6paHrlG5ojqf0BaqHT+8=
DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=|NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX|NSEC3 1 0 0 - 04
NSEC3PARAM 1 0 0 -|TLSA 3 1 1 a9cdf989b504fe5dca90c0d2167b6550570734f7c763e09fdf88904e06157065|SMIMEA 3 1 0 a9cd|CDS 0 0 0 00|CDNSKEY 0 3 0 AA==
OPENPGPKEY mDMEXEcE6RYJKwYBBAHaRw8BAQ==|CSYNC 0 3 A NS AAAA|ZONEMD 2018031900 1 1 62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306
SVCB 0 foo.example.com.|SVCB 1 .|SVCB 16 foo.example.com. port=53|SVCB 1 foo.example.com. key667="hello\\210qoo"|HTTPS 1 . alpn="h2,h3" ech=AAT+DQAA
HTTPS 1 . ipv6hint="2001:db8::1,2001:db8::53:1"|HTTPS 16 foo. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1,192.0.2.2
SVCB 16 foo. alpn="f\\\\\\\\oo\\\\,bar,h2"|HTTPS 1 . alpn=h2 no-default-alpn|SVCB 1 . key7="/dns-query{?dns}"|NINFO "foo"|SPF "v=spf1 -all"
NID 10 0014:4fff:ff20:ee64|L32 10 10.1.2.0|L64 10 2001:0db8:1140:1000|LP 10 l64.example.com.|EUI48 00-00-5e-00-53-2a|EUI64 00-00-5e-ef-10-00-00-2a
URI 10 1 "ftp://ftp1.example.com/public"|CAA 0 issue "ca.example.net; policy=ev"|CAA 128 tbs "Unknown"|CAA 0 iodef ""|AVC "app-name:WOLFGANG"
RESINFO "qnamemin" "exterr=15-17"|WALLET "BTC" "wxyz"|DLV 1 2 200 00|TYPE65400 \\# 4 0a000001|TYPE65400 \\# 0
"""
UNQUOTED = re.compile(r'\b(mandatory|port|ipv4hint|ipv6hint|ech)="([^"]*)"')
QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')


class NoFieldError(Exception):
    """Nobody says what a cell must be."""


def lines_of(capture: Path, fields: list[str], disabled: list[str]) -> list[list[str]]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", f"separator={BETWEEN_FIELDS}", "-E", "occurrence=a"]
    command += ["-E", f"aggregator={BETWEEN_VALUES}"]
    for option in OPTIONS:
        command += ["-o", f"{option}:FALSE"]
    for protocol in disabled:
        command += ["--disable-protocol", protocol]
    for field in fields:
        command += ["-e", field]
    ran = subprocess.run(command, capture_output=True)
    lines = ran.stdout.decode(errors="backslashreplace").split("\n")[:-1]
    return [line.split(BETWEEN_FIELDS) for line in lines]


def transport(protocols: str) -> tuple[str | None, list[str]]:
    """The transport of the outermost IP header, and the layers after it."""
    layers = protocols.split(BETWEEN_VALUES)[0].split(":")
    at = next((place for place, name in enumerate(layers) if name in ("ip", "ipv6")), len(layers))
    rest = [name for name in layers[at + 1 :] if name not in BETWEEN]
    return (rest[0] if rest else None), rest[1:]


class Told:
    """What tshark says of a packet."""

    def __init__(self, values: list[str]) -> None:
        self.values = dict(zip(FIELDS, values, strict=True))
        self.carrier, self.layers = transport(self.values["frame.protocols"])

    def all(self, field: str) -> list[str]:
        return self.values[field].split(BETWEEN_VALUES) if self.values[field] else []

    def first(self, field: str) -> int | None:
        values = self.all(field)
        if values and values[0] in ("True", "False"):
            return int(values[0] == "True")
        return int(values[0], 0) if values else None

    def is_dns(self) -> bool:
        return self.carrier in ("udp", "tcp") and self.layers[:1] in (["dns"], ["mdns"], ["llmnr"])

    def answers(self) -> tuple[list[int], int]:
        """The types of the records of the answer section that it has dissected, and how many the header announces."""
        # What an update (RFC 2136) has in this place are prerequisites.
        count = self.first("dns.count.answers") or self.first("dns.count.prerequisites") or 0
        return [int(kind) for kind in self.all("dns.resp.type")[:count]], count

    def expected(self, column: str) -> Any:
        match column:
            case "dns_id":
                return self.first("dns.id")
            case "dns_is_response":
                return self.first("dns.flags.response") == 1
            case "dns_qtype":
                kind = self.first("dns.qry.type")
                return None if kind is None else type_text(kind)
            case "dns_rcode":
                code = self.first("dns.flags.rcode")
                return None if code is None else CODES[code] if code < len(CODES) else "DSOTYPENI" if code == 11 else f"RCODE{code}"
            case "dns_min_ttl":
                kinds, count = self.answers()
                ttls = [int(ttl) for ttl in self.all("dns.resp.ttl")[:count]]
                if OPT in kinds or len(ttls) < count:
                    raise NoFieldError
                return min(ttls, default=None)
            case "dns_answers":
                return self.text()
        raise NoFieldError

    def text(self) -> str | None:
        kinds, count = self.answers()
        used: Counter[int] = Counter()
        texts = []
        for kind in kinds:
            values = [self.all(field) for field in OF_TYPE.get(kind, [])]
            # What is missing stands in a record that is broken.
            if not values or len(kinds) < count or any(len(held) <= used[kind] for held in values):
                raise NoFieldError
            texts.append(" ".join(held[used[kind]] for held in values))
            used[kind] += 1
        return " ".join(texts) or None


def type_text(kind: int) -> str:
    return "NXNAME" if kind == 128 else dns.rdatatype.to_text(dns.rdatatype.RdataType.make(kind))


def without_dots(text: str) -> str:
    """A text of names as tshark has them."""
    return " ".join("<Root>" if word == "." else word.removesuffix(".") for word in text.split(" "))


def generic(data: bytes) -> str:
    return f"\\# {len(data)} {data.hex()}".strip()


def shown(kind: int, message: bytes, at: int, length: int) -> str:
    """The data of a record as dnspython shows it."""
    try:
        rdata = dns.rdata.from_wire(dns.rdataclass.IN, kind, message, at, length)
        if isinstance(rdata, dns.rdata.GenericRdata):
            return generic(message[at : at + length])
        text = rdata.to_text(chunksize=0)
    except (dns.exception.DNSException, ValueError, IndexError):
        return generic(message[at : at + length])
    if kind == GPOS:
        return " ".join(f'"{word}"' for word in text.split())
    parts = QUOTED.split(UNQUOTED.sub(r"\1=\2", text))
    return "".join(part if part.startswith('"') else re.sub(r"\\([\"();@$])", r"\1", part) for part in parts).strip()


def read(message: bytes) -> tuple[str | None, int | None, set[int]]:
    """The answers of a message and their smallest TTL, as the columns have them, and the types among them."""
    if len(message) < HEADER:
        return None, None, set()
    at: int | None = HEADER
    for _ in range(number(message, 4)):
        at = name_at(message, at)[1] if at < len(message) else None
        if at is None:
            return None, None, set()
        at += 4
    texts, ttls, kinds = [], [], set()
    count = number(message, 6)
    for _ in range(count):
        end = name_at(message, at)[1] if at < len(message) else None
        length = number(message, end + 8) if end is not None else None
        if length is None or end + 10 + length > len(message):
            ttls = []
            break
        kind, at = number(message, end), end + 10 + length
        if kind != OPT:
            kinds.add(kind)
            texts.append(shown(kind, message, end + 10, length))
            ttls.append(int.from_bytes(message[end + 4 : end + 8], "big"))
    return " ".join(texts) or None, min(ttls, default=None), kinds


def made(folder: Path) -> Path:
    """A capture with a response for each answer of [`MADE`], and one with all of them over TCP."""
    question = b"\x03www\x07example\0\0\xff\0\x01"
    answers = []
    for line in MADE.strip().replace("\n", "|").split("|"):
        kind, text = line.split(" ", 1)
        data = dns.rdata.from_text(dns.rdataclass.IN, kind, text).to_wire()
        fixed = [dns.rdatatype.from_text(kind).to_bytes(2, "big"), b"\0\x01", len(answers).to_bytes(4, "big"), len(data).to_bytes(2, "big")]
        answers.append(b"\xc0\x0c" + b"".join(fixed) + data)
    messages = [b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0" + question + answer for answer in answers]
    every = b"\0\x07\x81\x80\0\x01" + len(answers).to_bytes(2, "big") + bytes(4) + question + b"".join(answers)
    ports = b"\0\x35\xc0\0"
    packets = [(17, ports + (8 + len(message)).to_bytes(2, "big") + bytes(2) + message) for message in messages]
    packets.append((6, ports + bytes(8) + b"\x50\x18\xff\xff" + bytes(4) + len(every).to_bytes(2, "big") + every))
    path = folder / "made.pcap"
    with path.open("wb") as file:
        # Little endian, microseconds; link type 101, which begins with IP.
        file.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000"))
        for protocol, payload in packets:
            header = b"\x45\0" + (20 + len(payload)).to_bytes(2, "big") + b"\0\x01\0\0\x40" + bytes([protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
            file.write(bytes(8) + (20 + len(payload)).to_bytes(4, "little") * 2 + header + payload)
    return path


def message_of(values: list[str]) -> bytes | None:
    """The bytes of the DNS message in a packet, if it has a port of DNS."""
    protocols, *values = values
    source, target, payload = (value.split(BETWEEN_VALUES)[0] for value in (values[:3] if transport(protocols)[0] == "udp" else values[3:]))
    if transport(protocols)[0] not in ("udp", "tcp") or not {source, target} & PORTS:
        return None
    message = bytes.fromhex(payload.replace(":", ""))
    return message[2 : 2 + int.from_bytes(message[:2], "big")] if transport(protocols)[0] == "tcp" else message


class Comparison:
    """Counts of one column and one tool."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells, self.values, self.differ, self.silent, self.no_field = 0, 0, 0, 0, 0

    def add(self, ours: Any, theirs: Any, where: str, is_silent: bool = False) -> None:
        self.cells += 1
        self.values += ours is not None
        if ours == theirs:
            return
        self.silent += is_silent
        self.differ += not is_silent
        if self.differ + self.silent <= 8:
            print(f"{where}: {self.name}: {ours!r}, expected {theirs!r}{' (silent)' if is_silent else ''}")

    def line(self) -> str:
        apart = f"{self.silent} of which it says nothing, {self.no_field} without a field"
        return f"{self.name}: {self.cells:,} cells compared, {self.values:,} with a value, {self.differ} differ, {apart}"


def dissected(capture: Path) -> list[Told]:
    return [Told(line) for line in lines_of(capture, FIELDS, [])]


def main() -> int:
    of_tshark = {column: Comparison(f"{column}, tshark") for column in COLUMNS[2:]}
    of_dnspython = {column: Comparison(f"{column}, dnspython") for column in ("dns_answers", "dns_min_ttl")}
    types: Counter[str] = Counter()
    captures = 0
    with tempfile.TemporaryDirectory() as temporary:
        made(Path(temporary))
        folders = [Path(temporary), *map(Path, sys.argv[1:])]
        for capture, packets in beside_tshark.captures(folders, COLUMNS, dissected):
            payloads = ["frame.protocols", *(f"{of}.{field}" for of in ("udp", "tcp") for field in ("srcport", "dstport", "payload"))]
            messages = lines_of(capture, payloads, NOT_DECODED)
            captures += 1
            for frame, ((row, said), payload) in enumerate(zip(packets, messages), 1):
                where = f"{capture.name}: packet {frame}"
                for column, comparison in of_tshark.items():
                    compare(row, said, column, comparison, where)
                message = message_of(payload)
                answers, ttl, kinds = read(message) if message and row["is_dns"] else (None, None, set())
                types.update(type_text(kind) for kind in kinds)
                of_dnspython["dns_answers"].add(row["dns_answers"], answers, where)
                of_dnspython["dns_min_ttl"].add(row["dns_min_ttl"], ttl, where)
    everything = [*of_tshark.values(), *of_dnspython.values()]
    for comparison in everything:
        print(comparison.line())
    print("types of answers:", ", ".join(f"{kind} {count:,}" for kind, count in types.most_common()))
    differ = sum(comparison.differ for comparison in everything)
    print(f"{captures} captures, {sum(comparison.cells for comparison in everything):,} cells, {differ} differ")
    return 1 if differ or not captures else 0


def compare(row: dict[str, Any], said: Told, column: str, comparison: Comparison, where: str) -> None:
    """Compares a cell with what tshark says."""
    ours = row[column]
    if column == "tls_sni":
        names = said.all("tls.handshake.extensions_server_name") if said.carrier == "tcp" else []
        theirs = names[0] if names else None
        comparison.add(ours, theirs, where, is_silent=theirs is None)
        return
    if not row["is_dns"]:
        # That nothing is missed is held by other oracles; here it must be null.
        comparison.add(ours, None, where)
        return
    if not said.is_dns():
        comparison.add(ours, None, where, is_silent=True)
        return
    try:
        theirs = said.expected(column)
    except NoFieldError:
        comparison.no_field += 1
        return
    if column == "dns_answers" and ours is not None:
        if "\\" in ours:
            comparison.no_field += 1
            return
        ours = without_dots(ours)
    comparison.add(ours, theirs, where)


if __name__ == "__main__":
    sys.exit(main())
