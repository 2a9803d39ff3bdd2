#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets from captures.

    python3 fuzz/seed.py [CAPTURE or DIRECTORY ...]     (default: data/captures and data/damaged)

Writes to fuzz/corpus/<target>/, which git ignores. A capture is a seed of `pcap` or `pcapng`, whole if it is small and
its first 16 kB in any case; its frames are seeds of `frame`, two bytes of link type before each; UDP payloads on a DNS
port are seeds of `dns`. Frames of Ethernet are seeds of `tunnels`, as they are and with tunnels around their packets. Seeds are named by what they hold, so that running it twice adds nothing.
"""

import gzip
import hashlib
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LARGEST = 64 << 10  # Bytes of a seed: mutating more is slow and finds no more.
FRAMES = 64  # Frames of one capture.
DNS_PORTS = {53, 5353, 5355}


def save(target, seed):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def frames_of_pcap(data):
    order = "<" if data[:1] in (b"\xd4", b"\x4d", b"\x34") else ">"
    header = 24 if data[:4] in (b"\xa1\xb2\xcd\x34", b"\x34\xcd\xb2\xa1") else 16
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + header <= len(data):
        cap_len = struct.unpack_from(order + "I", data, at + 8)[0]
        yield link_type, data[at + header : at + header + cap_len]
        at += header + cap_len


def frames_of_pcapng(data):
    order, link_types, at = "<", [], 0
    while at + 12 <= len(data):
        kind = data[at : at + 4]
        if kind == b"\x0a\x0d\x0d\x0a":
            order, link_types = ("<" if data[at + 8 : at + 9] == b"\x4d" else ">"), []
        kind, length = struct.unpack_from(order + "II", data, at)
        body = data[at + 8 : at + length - 4]
        if kind == 1 and len(body) >= 8:
            link_types.append(struct.unpack_from(order + "H", body)[0])
        elif kind == 6 and len(body) >= 20:
            interface, _, _, cap_len = struct.unpack_from(order + "IIII", body)
            if interface < len(link_types):
                yield link_types[interface], body[20 : 20 + cap_len]
        elif kind == 3 and link_types:
            yield link_types[0], body[4:]
        if length < 12:
            return
        at += (length + 3) // 4 * 4


def dns_of_frame(link_type, frame):
    """The UDP payload on a DNS port, for the plain stack of Ethernet and IPv4 or IPv6."""
    if link_type != 1 or len(frame) < 42:
        return None
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 17:
        at = 14 + (frame[14] & 15) * 4
    elif kind == b"\x86\xdd" and frame[20] == 17:
        at = 54
    else:
        return None
    if len(frame) < at + 8 or not DNS_PORTS & set(struct.unpack_from(">HH", frame, at)):
        return None
    return frame[at + 8 :]


def seed(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            return
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        target, frames = "pcapng", frames_of_pcapng(data)
    elif data[:4] in MAGICS:
        target, frames = "pcap", frames_of_pcap(data)
    else:
        return
    save(target, data[:16384])
    if len(data) <= LARGEST:
        save(target, data)
    try:
        for number, (link_type, frame) in enumerate(frames):
            if number >= FRAMES:
                break
            save("frame", struct.pack(">H", link_type) + frame)
            if link_type == 1:
                # No tunnel around it; one around its packet, another kind for each; and nine.
                save("tunnels", b"\0" + frame)
                save("tunnels", bytes([1, number % 32]) + frame[14:])
                save("tunnels", bytes([9, *(number + level & 0xFF for level in range(9))]) + frame[14:])
            message = dns_of_frame(link_type, frame)
            if message:
                save("dns", message)
    except struct.error:
        pass  # A damaged capture ends here.


MAGICS = {
    b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4",  # microseconds
    b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d",  # nanoseconds
    b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34",  # modified
}  # fmt: skip


def main():
    named = [Path(name) for name in sys.argv[1:]] or [HERE.parent / "data/captures", HERE.parent / "data/damaged"]
    for path in named:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                seed(file)
    for target in ("pcap", "pcapng", "frame", "dns", "tunnels"):
        folder = HERE / "corpus" / target
        print(f"{target}: {len(list(folder.glob('*'))) if folder.is_dir() else 0} seeds")


if __name__ == "__main__":
    main()
