#!/usr/bin/env python3
"""Reads captures from an object store and from web servers with the real binary, and compares with the same captures on disk.

Needs `moto[server]` and pyarrow. Everything is on the loopback device. Between parcap and the store stands a proxy that counts requests
and breaks them. Exit status: 0 if all is as from disk, 1 with the first differences otherwise.
"""

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from servers import Bucket, Files, Proxy, environment, moto  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "data" / "captures"
DAMAGED = ROOT / "data" / "damaged"
# Half of the lines of a manifest that differ are about names, times of modification and what follows from them.
NAMES = {"path", "absolute", "reached", "modified", "etag", "version", "checksum", "bytes", "created", "time", "written", "began", "ended"}


def pcap(packets: int, seed: int = 1, size: int = 600) -> bytes:
    """A capture of UDP packets, whose bytes are told by the seed."""
    out = io.BytesIO()
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number in range(packets):
        data = 1 + (number * 7919 + seed * 31) % size
        payload = bytes((number + place) % 251 for place in range(data))
        udp = struct.pack(">HHHH", 1024 + seed % 1000, 9, 8 + data, 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number % 65536, 0, 64, 17, 0, b"\x0a\0\0\x01",
                         b"\x0a\0" + struct.pack(">H", number % 300))
        frame = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + udp
        out.write(struct.pack("<IIII", 1_700_000_000 + number // 100, number % 100 * 10_000, len(frame), len(frame)) + frame)
    return out.getvalue()


class Check:
    def __init__(self, parcap: str, port: int, scratch: Path):
        self.parcap, self.port, self.scratch = parcap, port, scratch
        self.number = 0
        self.proxy = Proxy(port)
        self.at = 0

    def bucket(self) -> Bucket:
        self.number += 1
        return Bucket(self.port, f"captures-{self.number}")

    def folder(self, name: str) -> Path:
        self.number += 1
        folder = self.scratch / f"{self.number}-{name}"
        folder.mkdir()
        return folder

    def run(self, *arguments, status: int | None = 0, stdin: str | None = None, env: dict | None = None, timeout: int = 300):
        command = [self.parcap, *map(str, arguments)]
        done = subprocess.run(
            command, env=env or environment(self.at), input=stdin, capture_output=True, text=True, timeout=timeout
        )
        assert status is None or done.returncode == status, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def convert(self, inputs, lake: Path, *options, status: int | None = 0) -> dict:
        inputs = [inputs] if isinstance(inputs, (str, Path)) else inputs
        done = self.run("convert", *inputs, "--out", lake, "--format", "json", *options, status=status)
        return json.loads(done.stdout)


def tables(lake: Path) -> dict[str, object]:
    """What a lake has: the rows of each part, the bytes of each table, but of the one with the names of captures."""
    import pyarrow.parquet

    held: dict[str, object] = {}
    for path in sorted(lake.glob("packets/**/*.parquet")):
        table = pyarrow.parquet.ParquetFile(path).read()
        kept = [column for column in table.column_names if column != "capture"]
        held[str(path.relative_to(lake))] = table.select(kept).replace_schema_metadata(None)
    for path in sorted(lake.glob("summaries/**/*.parquet")):
        name = str(path.relative_to(lake))
        if "captures" in name:
            table = pyarrow.parquet.ParquetFile(path).read().replace_schema_metadata(None)
            kept = [column for column in table.column_names if column not in ("path", "absolute", "modified", "capture")]
            held[name] = table.select(kept)
        else:
            held[name] = path.read_bytes()
    return held


def manifests(lake: Path) -> list:
    def without_names(value):
        if isinstance(value, dict):
            return {key: without_names(held) for key, held in value.items() if key not in NAMES}
        return [without_names(held) for held in value] if isinstance(value, list) else value

    texts = (path.read_text() for path in sorted(lake.glob("_parcap/manifest/*.json")))
    return [without_names(json.JSONDecoder().raw_decode(text)[0]) for text in texts]


def same(one: Path, other: Path, with_manifests: bool = True) -> None:
    a, b = tables(one), tables(other)
    assert a.keys() == b.keys(), sorted(a.keys() ^ b.keys())[:10]
    assert any("packets" in name for name in a)
    for name, held in a.items():
        equal = held == b[name] if isinstance(held, bytes) else held.equals(b[name])
        assert equal, f"{name} differs"
    if with_manifests:
        assert manifests(one) == manifests(other), "the manifests differ by more than names"


def check_every_capture(check: Check) -> None:
    """Rows, tables and manifests are those from disk, for every sample and every compression."""
    folder, bucket = check.folder("all"), check.bucket()
    for path in sorted([*CAPTURES.rglob("*"), *DAMAGED.rglob("*")]):
        if path.is_file():
            target = folder / path.relative_to(ROOT / "data")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    large = pcap(6000)
    (folder / "packed").mkdir()
    (folder / "packed" / "a.pcap.gz").write_bytes(gzip.compress(large, 1))
    (folder / "packed" / "b.pcap.xz").write_bytes(lzma.compress(large[: 1 << 20]))
    (folder / "packed" / "c.pcap.bz2").write_bytes(bz2.compress(large[: 1 << 20]))
    for tool, name in (("zstd", "d.pcap.zst"), ("lz4", "e.pcap.lz4")):
        try:
            packed = subprocess.run([tool, "-c"], input=large, capture_output=True, check=True).stdout
            (folder / "packed" / name).write_bytes(packed)
        except FileNotFoundError:
            print(f"  without {tool}")
    bucket.put_folder(folder, "night/")
    local, remote = check.folder("local"), check.folder("remote")
    at_home = check.convert(folder, local / "lake", status=3)
    away = check.convert(bucket.url("night/"), remote / "lake", status=3)
    for count in ("records", "rows", "inputs", "stepped_over", "bytes_in"):
        assert at_home[count] == away[count], (count, at_home[count], away[count])
    assert len(at_home["refused"]) == len(away["refused"]) > 0
    same(local / "lake", remote / "lake")
    check.run("verify", remote / "lake", "--deep")


def check_nothing_new(check: Check) -> None:
    """What is in the lake is not asked for again; what is new costs as much as it should."""
    bucket, lake = check.bucket(), check.folder("nothing-new") / "lake"
    for number in range(20):
        bucket.put(f"in/{number:02}.pcap", pcap(40 + number, seed=number))
    check.convert(bucket.url("in"), lake)
    check.proxy.reset()
    report = check.convert(bucket.url("in/"), lake)
    assert report["inputs"] == 0 and report["unchanged"] == 20, report
    assert dict(check.proxy.counts) == {"LIST": 1}, check.proxy.counts
    # A new one of 9 MiB: its head, 17 samples, and its bytes once. A chunk may cost two requests more.
    large = pcap(28_000, seed=900)
    assert 9 << 20 < len(large) < 12 << 20, len(large)
    bucket.put("in/large.pcap", large)
    check.proxy.reset()
    assert check.convert(bucket.url("in/"), lake, "--chunk-size", "4MiB", status=0)["inputs"] == 1
    chunks = -(-len(large) // (4 << 20))
    gets = check.proxy.counts["GET"]
    assert gets <= 18 + len(large) / (4 << 20) * 1.1 + 2 * chunks, (gets, check.proxy.seen)
    assert check.proxy.counts["LIST"] == 1 and not check.proxy.counts["HEAD"], check.proxy.counts


def check_chunks(check: Check) -> None:
    """Records that lie across the edges of chunks and of requests are read as from disk."""
    folder, bucket = check.folder("chunks"), check.bucket()
    (folder / "large.pcap").write_bytes(pcap(28_000, seed=5))
    bucket.put_folder(folder)
    for size in ("64KiB", "1000000", "4MiB", "6MiB"):
        local, remote = check.folder("local"), check.folder("remote")
        check.convert(folder, local / "lake", "--chunk-size", size, "--target-file-size", "2MiB")
        check.convert(bucket.url(), remote / "lake", "--chunk-size", size, "--target-file-size", "2MiB", "--fetches", "3")
        same(local / "lake", remote / "lake")


def check_many(check: Check) -> None:
    """A prefix of several pages, in the order of a folder; each is asked for once when it is new."""
    folder, bucket = check.folder("many"), check.bucket()
    for number in range(2300):
        name = f"day-{number % 7}/{number:04}.pcap" if number % 5 else f"day-{number % 7}-{number:04}.pcap"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(pcap(1, seed=number))
    bucket.put_folder(folder, "p/")
    local, remote = check.folder("local"), check.folder("remote")
    check.convert(folder, local / "lake")
    check.proxy.reset()
    check.proxy.latency = 0.02
    began = time.monotonic()
    check.convert(bucket.url("p"), remote / "lake")
    took, check.proxy.latency = time.monotonic() - began, 0.0
    assert check.proxy.counts["LIST"] == 3 and check.proxy.counts["GET"] <= 2 * 2300, check.proxy.counts
    print(f"  {took:.1f} s, {dict(check.proxy.counts)}")
    same(local / "lake", remote / "lake")
    check.proxy.reset()
    assert check.convert(bucket.url("p/day-*"), remote / "lake")["unchanged"] == 2300
    assert dict(check.proxy.counts) == {"LIST": 3}, check.proxy.counts
    assert check.convert(bucket.url("p/day-3/*1.pcap"), remote / "lake")["unchanged"] > 10


def check_odd_keys(check: Check) -> None:
    """Keys of every kind; those that cannot be read are named, and the others are."""
    bucket, lake = check.bucket(), check.folder("odd") / "lake"
    fine = ["a/100%.pcap", "a/%41.pcap", "a/x#y.pcap", "a/with space.pcap", "a/ü.pcap", "a/p+q&r=s.pcap", "a/q?.pcap", "a/[x].pcap",
            "a/*.pcap", "a/lost+found.pcap", "ä/é.pcap", "a/.hidden.pcap", "a/tilde~.pcap", "a/'quote\".pcap"]
    for number, key in enumerate(fine):
        bucket.put(key, pcap(10, seed=100 + number))
    for key in ("a/folder/", "empty.pcap/", "a/b.pcap/"):
        bucket.put(key, b"")
    bucket.put("a/b.pcap/c.pcap", pcap(10, seed=99))
    bucket.put("a/none.pcap", b"")
    for key in ("a/.Trash/t.pcap", "a/lost+found/l.pcap", "a/.x.pcap.Ab3xYz"):
        bucket.put(key, pcap(3, seed=50))
    report = check.convert(bucket.url(), lake)
    assert (report["inputs"], report["refused"]) == (len(fine) + 2, []), report
    report = check.convert(bucket.url(), lake)
    assert (report["inputs"], report["unchanged"]) == (0, len(fine) + 2), report
    bucket.put("a//double.pcap", pcap(3, seed=51))
    for key in ("a/./dot.pcap", "z/../dots.pcap"):
        bucket.put_raw(key, pcap(3, seed=52))
    bucket.put("zz/last.pcap", pcap(10, seed=98))
    report = check.convert(bucket.url(), lake, status=3)
    assert report["inputs"] == 1, report
    odd = {refused["path"].removeprefix(bucket.url()) for refused in report["refused"]}
    assert odd == {"a//double.pcap", "a/./dot.pcap", "z/../dots.pcap"}, odd
    for key in ("a/[x].pcap", "a/*.pcap", "a/q?.pcap", "a/%41.pcap"):
        assert check.convert(bucket.url(key), lake)["unchanged"] == 1, key
    empty = check.bucket()
    check.run("convert", empty.url(), "--out", lake, status=1)
    check.run("convert", bucket.url("nothing/here"), "--out", lake, status=1)
    # A capture that is gone is missing, like one that is gone from disk.
    bucket.remove("zz/last.pcap")
    assert check.convert(bucket.url(), lake, status=3)["captures_missing"] == 1
    for key in (*fine, "a/b.pcap/c.pcap", "a/none.pcap"):
        bucket.remove(key)
    done = check.run("convert", bucket.url("a/"), "--out", lake, status=1)
    assert "the lake holds" in done.stderr, done.stderr


def check_faults(check: Check) -> None:
    """Every kind of request survives being refused and reset; faults at random give the same lake."""
    folder, bucket = check.folder("faults"), check.bucket()
    for number in range(12):
        (folder / f"{number:02}.pcap").write_bytes(pcap(200, seed=number))
    (folder / "large.pcap").write_bytes(pcap(14_000, seed=77))
    (folder / "packed.pcap.gz").write_bytes(gzip.compress(pcap(6000, seed=78), 1))
    bucket.put_folder(folder, "in/")
    local = check.folder("local") / "lake"
    check.convert(folder, local, "--chunk-size", "1MiB")
    for pattern in ("list-type=2", "^HEAD", "^GET .*large", "^GET .*packed"):
        check.proxy.reset()
        check.proxy.break_(pattern, "503", 3)
        check.proxy.break_(pattern, "reset_before", 1)
        check.proxy.break_(pattern, "reset_after", 1)
        check.proxy.break_(pattern, "truncate", 1)
        lake = check.folder("kind") / "lake"
        check.convert(bucket.url("in"), lake, "--chunk-size", "1MiB")
        assert sum(check.proxy.broken.values()) >= 5, (pattern, check.proxy.broken)
        same(local, lake)
    for seed in range(3):
        check.proxy.reset()
        check.proxy.chance.seed(seed)
        check.proxy.break_("^(GET|HEAD)", "any", chance=0.1)
        lake = check.folder("random") / "lake"
        check.convert(bucket.url("in/"), lake, "--chunk-size", "1MiB")
        assert check.proxy.broken, "nothing was broken"
        same(local, lake)
    # A store that takes a request and says nothing, for longer than is waited for.
    check.proxy.reset()
    check.proxy.break_("^GET .*(large|packed)", "hang", 2)
    lake, began = check.folder("silent") / "lake", time.monotonic()
    check.convert(bucket.url("in"), lake, "--chunk-size", "1MiB")
    assert sum(check.proxy.broken.values()) == 2 and time.monotonic() - began < 59, check.proxy.broken
    same(local, lake)
    check.proxy.reset()


def check_changes(check: Check) -> None:
    """What is replaced, removed or refused while it is read is named, and read by the next run; the others are converted."""
    def place(bucket: Bucket) -> None:
        bucket.put("in/a.pcap", pcap(50, seed=1))
        bucket.put("in/b.pcap", pcap(14_000, seed=2))
        bucket.put("in/c.pcap.gz", gzip.compress(pcap(14_000, seed=3), 0))
        bucket.put("in/d.pcap", pcap(50, seed=4))

    changed = 0
    new = {"b.pcap": pcap(14_000, seed=12), "c.pcap.gz": gzip.compress(pcap(14_000, seed=13), 0)}
    for name, body in new.items():
        for after in (0, 12, 19, 21):
            for action in ("replace", "remove", "grow"):
                bucket, lake = check.bucket(), check.folder("changes") / "lake"
                place(bucket)
                check.proxy.reset()
                state = {"left": after}

                def change(line: str, name=name, body=body, bucket=bucket, action=action, state=state) -> None:
                    if line.startswith("GET") and f"/in/{name}" in line:
                        state["left"] -= 1
                        if state["left"] == -1:
                            if action == "remove":
                                bucket.remove(f"in/{name}")
                            else:
                                bucket.put(f"in/{name}", body if action == "replace" else place_of[name] + b"\0" * 16)

                place_of = {"b.pcap": pcap(14_000, seed=2), "c.pcap.gz": gzip.compress(pcap(14_000, seed=3), 0)}
                check.proxy.before = change
                report = check.convert(bucket.url("in/"), lake, "--chunk-size", "1MiB", status=None)
                if state["left"] >= 0:
                    assert report["damaged"] == report["refused"] == [], report
                    continue
                changed += 1
                told = report["refused"] + report["damaged"]
                assert [entry["path"] for entry in told] == [bucket.url(f"in/{name}")], (name, after, action, told)
                text = json.dumps(told)
                assert "cut" not in text and "corrupt" not in text, text
                check.proxy.reset()
                # Zeros after a gzip member are none of it (gzip(1)); after a pcap they are no record.
                status = 3 if action == "grow" and name == "b.pcap" else 0
                check.convert(bucket.url("in/"), lake, "--chunk-size", "1MiB", status=status)
                if action == "replace":
                    folder, local = check.folder("as-now"), check.folder("local") / "lake"
                    for key, held in {"a.pcap": pcap(50, seed=1), "d.pcap": pcap(50, seed=4), **place_of, name: body}.items():
                        (folder / key).write_bytes(held)
                    check.convert(folder, local, "--chunk-size", "1MiB")
                    rows = [sum(held.num_rows for key, held in tables(at).items() if "packets" in key) for at in (lake, local)]
                    assert rows[0] == rows[1], rows
    assert changed > 15, changed
    for what, word in (("403", "AccessDenied"), ("archived", "archived")):
        bucket, lake = check.bucket(), check.folder("refused") / "lake"
        place(bucket)
        check.proxy.reset()
        check.proxy.break_("^GET .*/in/[bd]", what)
        report = check.convert(bucket.url("in/"), lake, status=3)
        assert report["inputs"] == 2 and len(report["refused"]) == 2, report
        assert all(word in refused["reason"] for refused in report["refused"]), report["refused"]
        check.proxy.reset()
        assert check.convert(bucket.url("in/"), lake)["inputs"] == 2
    # Who may read and not list, and who may list and not ask.
    bucket, lake = check.bucket(), check.folder("forbidden") / "lake"
    place(bucket)
    check.proxy.break_("list-type=2", "403")
    assert check.convert(bucket.url("in/a.pcap"), lake)["inputs"] == 1
    done = check.run("convert", bucket.url("in/"), "--out", lake, status=1)
    assert "AccessDenied" in done.stderr, done.stderr
    check.proxy.reset()


def check_credentials(check: Check) -> None:
    """Without credentials the cause is named at once; credentials are in nothing that is kept or printed."""
    lake = check.folder("credentials") / "lake"
    env = {name: value for name, value in environment(check.at).items() if "KEY" not in name}
    env["AWS_METADATA_ENDPOINT"] = "http://127.0.0.1:1"
    began = time.monotonic()
    done = check.run("convert", "s3://bucket/x.pcap", "--out", lake, status=1, env=env)
    assert "no credentials" in done.stderr and "export-credentials" in done.stderr, done.stderr
    assert time.monotonic() - began < 30
    bucket = check.bucket()
    bucket.put("a.pcap", pcap(30))
    done = check.run("convert", bucket.url(), "--out", lake, "--log-format", "json")
    kept = [path for path in lake.rglob("*") if path.is_file()]
    for secret in (b"no-secret", b"Signature"):
        assert secret.decode() not in done.stdout + done.stderr
        assert all(secret not in path.read_bytes() for path in kept)


def check_commands(check: Check) -> None:
    """Every command that reads captures does so from a bucket as from disk."""
    folder, bucket = check.folder("commands"), check.bucket()
    for path in sorted(CAPTURES.glob("*.pcap*")):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "large.pcap").write_bytes(pcap(14_000, seed=2))
    (folder / "packed.pcap.gz").write_bytes(gzip.compress(pcap(3000, seed=3)))
    bucket.put_folder(folder, "in/")
    url, local = bucket.url("in/"), f"{folder}/"

    def plain(text: str) -> str:
        return text.replace(url, local)

    for command in (["inspect"], ["inspect", "--salvage"], ["summarize", "--top", "5"], ["summarize", "--format", "json"]):
        away = plain(check.run(*command, url).stdout)
        home = check.run(*command, local).stdout
        if "json" in command:
            away, home = (json.dumps(stripped(json.loads(text))) for text in (away, home))
        assert "".join(away.split()) == "".join(home.split()), command
    names = check.run("inspect", url, "--format", "json").stdout
    assert "etag" in names
    page = check.folder("page") / "page.html"
    check.run("report", url, "--out", page)
    assert b"large.pcap" in page.read_bytes()
    # A plan elsewhere.
    at_once, planned = check.folder("at-once") / "lake", check.folder("planned") / "lake"
    options = ["--chunk-size", "1MiB", "--target-file-size", "64KiB", "--columns", "capture,link"]
    check.convert(url, at_once, *options)
    plan = check.run("plan", url, "--out", planned, *options).stdout
    rows = check.run("convert-unit", "--out", planned, "--fetches", "2", stdin=plan).stdout
    assert len(rows.splitlines()) > 3
    check.run("commit", planned, stdin=rows)
    same(at_once, planned)
    # Packets out of the bucket again.
    home = check.folder("home") / "lake"
    check.convert(folder, home, *options)
    for wanted in (["--port", "9"], ["--net", "10.0.0.7"], ["--port", "53"]):
        out = check.folder("extracted")
        check.run("extract", at_once, "--out", out / "away.pcapng", *wanted)
        check.run("extract", home, "--out", out / "home.pcapng", *wanted)
        away, of_home = (out / "away.pcapng").read_bytes(), (out / "home.pcapng").read_bytes()
        assert packets_of(away) == packets_of(of_home) and len(away) > 1000, wanted
    bucket.put("in/large.pcap", pcap(14_000, seed=22))
    done = check.run("extract", at_once, "--out", out / "gone.pcapng", "--port", "9", status=3)
    assert "large.pcap" in done.stderr, done.stderr
    # The same captures on disk are not twice in the lake.
    again = check.convert(folder / "packed.pcap.gz", at_once, *options)
    assert again["inputs"] == 1 and again["duplicates"], again


def stripped(value):
    if isinstance(value, dict):
        return {key: stripped(held) for key, held in value.items() if key not in ("etag", "version", "modified")}
    return [stripped(held) for held in value] if isinstance(value, list) else value


def packets_of(capture: bytes) -> list[bytes]:
    """The packets of a pcapng, without the names of their interfaces."""
    found, at = [], 0
    while at + 12 <= len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        if kind == 6:
            captured = struct.unpack_from("<I", capture, at + 20)[0]
            found.append(capture[at + 12 : at + 28 + captured])
        at += length
    return found


def check_web(check: Check) -> None:
    """Single captures at web servers: with ranges and without, with ETags and without."""
    held = {"/x/a.pcap": pcap(14_000, seed=1), "/x/b.pcap.gz": gzip.compress(pcap(14_000, seed=2), 0),
            "/x/c%20d.pcap": pcap(5, seed=3), "/x/empty.pcap": b""}
    folder, local = check.folder("web"), check.folder("local") / "lake"
    for path, body in held.items():
        (folder / Path(path).name.replace("%20", " ")).write_bytes(body)
    check.convert([folder / "a.pcap", folder / "b.pcap.gz", folder / "c d.pcap", folder / "empty.pcap"], local, "--chunk-size", "64MiB")
    cut = check.folder("cut") / "lake"
    check.convert(folder / "a.pcap", cut, "--chunk-size", "1MiB", "--columns", "capture,link")
    for ranges in (True, False):
        for etags in (True, False):
            files = Files(held, ranges, etags)
            with files.run() as port:
                lake = check.folder("lake") / "lake"
                urls = [f"http://127.0.0.1:{port}{path}" for path in held]
                check.convert(urls, lake, "--chunk-size", "64MiB")
                same(local, lake)
                assert check.convert(urls, lake, "--chunk-size", "64MiB")["unchanged"] == 4
                lake = check.folder("chunks") / "lake"
                check.convert(urls[0], lake, "--chunk-size", "1MiB", "--columns", "capture,link")
                assert len(files.seen) < 400, len(files.seen)
                if ranges:
                    same(cut, lake)
                check.run("extract", lake, "--out", check.folder("extract") / "x.pcap", "--net", "10.0.0.7")
                signed = f"http://127.0.0.1:{port}/x/a.pcap?X-Amz-Signature=SECRET"
                done = check.run("convert", signed, urls[2], "--out", lake, "--chunk-size", "1MiB", "--columns", "capture,link", status=3)
                assert "signature" in done.stderr and "SECRET" not in done.stderr + done.stdout, done.stderr
                assert all(b"SECRET" not in path.read_bytes() for path in lake.rglob("*") if path.is_file())
                check.run("convert", f"http://127.0.0.1:{port}/x/", "--out", check.folder("none") / "lake", status=1)
    files = Files(held)
    with files.run() as port:
        proxy = Proxy(port)
        with proxy.run() as at:
            proxy.break_("^GET .*/x/[ab]", "any", chance=0.2)
            lake = check.folder("lake") / "lake"
            check.convert([f"http://127.0.0.1:{at}{path}" for path in held], lake, "--chunk-size", "64MiB")
            assert sum(proxy.broken.values()) > 2
            same(local, lake)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parcap", default=str(ROOT / "target" / "release" / "parcap"), help="the binary")
    parser.add_argument("only", nargs="*", help="names of checks, without `check_`")
    asked = parser.parse_args()
    checks = [held for name, held in globals().items() if name.startswith("check_")]
    failed = 0
    with moto() as port, tempfile.TemporaryDirectory() as scratch:
        check = Check(str(Path(asked.parcap).resolve()), port, Path(scratch))
        with check.proxy.run() as at:
            check.at = at
            for held in checks:
                name = held.__name__.removeprefix("check_")
                if asked.only and name not in asked.only:
                    continue
                check.proxy.reset()
                began = time.monotonic()
                try:
                    held(check)
                    print(f"ok {name}, {time.monotonic() - began:.1f} s", flush=True)
                except (AssertionError, subprocess.TimeoutExpired, KeyError, ValueError) as error:
                    failed += 1
                    place = error.__traceback__
                    while place.tb_next and "check_inputs" in place.tb_next.tb_frame.f_code.co_filename:
                        place = place.tb_next
                    lines = f"line {error.__traceback__.tb_next.tb_lineno}, {place.tb_lineno}"
                    print(f"FAILED {name}, {lines}: {str(error)[:3000]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.pop("PARCAP_CONFIG", None)
    sys.exit(main())
