#!/usr/bin/env python3
"""A DNS server for trying reverse lookups by hand: names, missing names, silence, slowness and lies.

    python3 scripts/faults/ptr_server.py [--port 5300] [--missing 20] [--silent 5] [--lying 5] [--cut 5] [--delay 0]

Answers on 127.0.0.1, UDP and TCP. What it says of an address is chosen by a hash of the question, so that it says the
same each time: `--missing`, `--failing`, `--silent`, `--lying` and `--cut` are percentages, the rest has a name,
`host-D.C.B.A.example.`. A lie is a wrong number, another question, another owner, a circle of CNAMEs, garbage, a changed
byte, 64 kB after pointers (over TCP), or a name of odd bytes. `--delay` is in milliseconds, for every answer. Counts the
questions and shows them at the end (Ctrl-C), and on SIGUSR1.
"""

import argparse
import collections
import hashlib
import random
import signal
import socketserver
import struct
import sys
import threading
import time

CNAME, SOA, PTR, TXT = 5, 6, 12, 16
TTL = 86400
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


def wire(name):
    """A name on the wire."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(owner, kind, data, ttl=TTL):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def message(question, rcode=NOERROR, answers=(), authorities=(), cut=False):
    """An answer to a question."""
    number, section = question[:2], question[12:question_end(question)]
    flags = 0x8180 | rcode | (0x200 if cut else 0)
    head = number + struct.pack("!HHHHH", flags, 1, len(answers), len(authorities), 0)
    return head + section + b"".join(answers) + b"".join(authorities)


def question_end(question):
    at = 12
    while question[at]:
        at += 1 + question[at]
    return at + 5


def labels(question):
    found, at = [], 12
    while question[at]:
        found.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    return found


OWN = b"\xc0\x0c"  # a pointer to the name of the question


def own_name(question):
    held = labels(question)
    address = held[: 4 if held[-2:-1] == ["in-addr"] else 32]
    return record(OWN, PTR, wire("host-" + "-".join(address)[:50] + ".example"))


def costly(question):
    """64 kB of names that are 250 pointers long each."""
    section = question_end(question)
    chain = section + 11
    data = struct.pack("!H", 0xC00C) + b"".join(struct.pack("!H", 0xC000 | chain + 2 * link) for link in range(250))
    end = struct.pack("!H", 0xC000 | chain + 500)
    first, other = record(b"\0", TXT, data), record(end, PTR, end)
    return message(question, answers=[first] + [other] * ((65500 - section - len(first)) // len(other)))


def changed_byte(question, chance):
    answer = bytearray(message(question, answers=[own_name(question)]))
    answer[chance.randrange(2, len(answer))] = chance.randrange(256)
    return bytes(answer)


def lie(question, chance, tcp):
    truth = message(question, answers=[own_name(question)])
    return chance.choice(
        [
            lambda: bytes([truth[0] ^ 0x55]) + truth[1:],
            lambda: truth[:13] + bytes([truth[13] ^ 1]) + truth[14:],
            lambda: message(question, answers=[record(wire("other.example"), PTR, wire("lie.example"))]),
            lambda: message(question, answers=[record(OWN, CNAME, wire("a")), record(wire("a"), CNAME, wire("a"))]),
            lambda: chance.randbytes(chance.randrange(1, 600)),
            lambda: changed_byte(question, chance),
            lambda: costly(question) if tcp else message(question, cut=True),
            lambda: message(question, answers=[record(OWN, PTR, b"\x07A.\\ \x00\x1b\xff\x00")]),
        ]
    )()


class Nameserver:
    def __init__(self, shares, delay):
        self.shares, self.delay = shares, delay
        self.counts, self.lock = collections.Counter(), threading.Lock()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def answer(self, question, tcp):
        """The answer to a question, or None for silence."""
        try:
            name = question[12 : question_end(question)].lower()
        except IndexError:
            self.count("malformed questions")
            return None
        self.count("over TCP" if tcp else "over UDP")
        chance = random.Random(hashlib.sha256(name).digest())
        point, kind = chance.random() * 100, "named"
        for kind, share in self.shares:
            if point < share:
                break
            point -= share
        else:
            kind = "named"
        self.count(kind)
        time.sleep(self.delay / 1000)
        if kind == "missing":
            soa = record(wire("in-addr.arpa"), SOA, wire("ns") + wire("root") + struct.pack("!IIIII", 1, 1, 1, 1, 7200))
            return message(question, NXDOMAIN, authorities=[soa])
        if kind == "failing":
            return message(question, SERVFAIL)
        if kind == "silent":
            return None
        if kind == "lying":
            return lie(question, chance, tcp)
        if kind == "cut" and not tcp:
            return message(question, cut=True)
        return message(question, answers=[own_name(question)])

    def show(self, *_):
        with self.lock:
            counts = sorted(self.counts.items())
        print(", ".join(f"{what} {count:,}" for what, count in counts) or "no questions", flush=True)


def handlers(nameserver):
    class Udp(socketserver.BaseRequestHandler):
        def handle(self):
            question, socket = self.request
            answer = nameserver.answer(question, False)
            if answer is not None:
                socket.sendto(answer[:1232], self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self):
            while len(length := self.rfile.read(2)) == 2:
                answer = nameserver.answer(self.rfile.read(struct.unpack("!H", length)[0]), True)
                if answer is not None:
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)

    return Udp, Tcp


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=5300)
    kinds = {"missing": 20, "failing": 0, "silent": 5, "lying": 5, "cut": 5}
    for kind, share in kinds.items():
        parser.add_argument(f"--{kind}", type=float, default=share, metavar="PERCENT")
    parser.add_argument("--delay", type=float, default=0, metavar="MS")
    args = parser.parse_args()
    nameserver = Nameserver([(kind, getattr(args, kind)) for kind in kinds], args.delay)
    socketserver.TCPServer.allow_reuse_address = True
    # With a delay each question needs a thread of its own; without one, threads only cost.
    datagrams = socketserver.ThreadingUDPServer if args.delay else socketserver.UDPServer
    udp, tcp = handlers(nameserver)
    with datagrams(("127.0.0.1", args.port), udp) as over_udp, socketserver.ThreadingTCPServer(
        ("127.0.0.1", args.port), tcp
    ) as over_tcp:
        over_tcp.daemon_threads = over_udp.daemon_threads = True
        signal.signal(signal.SIGUSR1, nameserver.show)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        threading.Thread(target=over_tcp.serve_forever, daemon=True).start()
        print(f"listening on 127.0.0.1:{args.port}", flush=True)
        try:
            over_udp.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            nameserver.show()


if __name__ == "__main__":
    main()
