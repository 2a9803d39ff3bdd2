#!/usr/bin/env python3
"""Measures how fast captures of a store are converted, beside the same captures on disk.

The store is a stub on the loopback device that lists one bucket and gives ranges of files, with a latency and a rate a connection as asked
for. Prints a line for each way. Exit status: 0, or 1 if a lake from the store has other parts than the one from disk.
"""

import argparse
import http.server
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_inputs import ROOT, pcap  # noqa: E402
from servers import environment  # noqa: E402


def stub(folder: Path, latency: float, rate: float):
    """Serves the files of a folder as a bucket. `rate` is in bytes a second and connection, 0 for as fast as it goes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16
        # The end of an answer must not wait for a delayed acknowledgement of its head: that would be 40 ms more a request.
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def do_GET(self):
            if latency:
                time.sleep(latency)
            if "list-type=2" in self.path:
                objects = "".join(
                    f"<Contents><Key>{path.name}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
                    f'<ETag>"{path.name}"</ETag><Size>{path.stat().st_size}</Size></Contents>'
                    for path in sorted(folder.iterdir())
                )
                body = f'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>'.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            path = folder / self.path.rsplit("/", 1)[1]
            size = path.stat().st_size
            start, end = (int(held) for held in re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
            end = min(end, size - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
            self.send_header("Content-Length", str(end - start + 1))
            self.send_header("ETag", f'"{path.name}"')
            self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()
            self.wfile.flush()
            began, sent = time.monotonic(), 0
            with path.open("rb") as file:
                while start <= end:
                    count = os.sendfile(self.connection.fileno(), file.fileno(), start, min(end - start + 1, 256 << 10 if rate else 4 << 20))
                    start += count
                    sent += count
                    if rate:
                        time.sleep(max(0.0, sent / rate - (time.monotonic() - began)))

        def handle(self):
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    class Server(http.server.ThreadingHTTPServer):
        # With the usual 5, a connection may be taken for made and then wait for a long time.
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, seconds of processors, and MiB at most in memory of a command."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, (command, status)
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parcap", default=str(ROOT / "target" / "release" / "parcap"))
    parser.add_argument("--bytes", type=int, default=512 << 20, help="bytes of the capture")
    parser.add_argument("--small", type=int, default=0, help="captures of 10 kB instead, this number")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        folder = Path(scratch) / "captures"
        folder.mkdir()
        if asked.small:
            for number in range(asked.small):
                (folder / f"{number:05}.pcap").write_bytes(pcap(27, seed=number))
        else:
            once = pcap(60_000, size=200)
            with (folder / "large.pcap").open("wb") as file:
                file.write(once[:24])
                while file.tell() < asked.bytes:
                    file.write(once[24:])
        size = sum(path.stat().st_size for path in folder.iterdir())
        lake = Path(scratch) / "lake"
        parts = {}
        for name, latency, rate in (("disk", 0, 0), ("store", 0, 0), ("store, 40 ms, 80 MB/s", 0.04, 80e6)):
            server = None if name == "disk" else stub(folder, latency, rate)
            for _ in range(asked.rounds):
                source = str(folder) if server is None else "s3://bucket/"
                env = environment(server.server_address[1] if server else 1)
                command = [asked.parcap, "convert", source, "--out", str(lake), "--jobs", "2", "--top", "0", "--quiet"]
                seconds, cpu, peak = timed(command, env)
                parts[name] = sorted(str(path.relative_to(lake)) for path in lake.glob("packets/**/*.parquet"))
                shutil.rmtree(lake)
                print(f"{name}: {seconds:.2f} s, {size / seconds / 1e6:.0f} MB/s, {cpu / size * 1e9:.2f} CPU-s a GB, {peak:.0f} MiB", flush=True)
            if server:
                server.shutdown()
    return int(any(held != parts["disk"] for held in parts.values()))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    sys.exit(main())
