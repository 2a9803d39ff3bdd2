#!/usr/bin/env python3
"""Servers for the scripts beside it, on the loopback device: an object store (moto_server), a plain web server of files that
counts its requests, and a proxy before either that breaks what it is told to break.
"""

from __future__ import annotations

import http.client
import http.server
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "no-secret", "AWS_REGION": "us-east-1"}


# Nobody checks it, but its fields are read.
SIGNED = "AWS4-HMAC-SHA256 Credential=key/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def environment(port: int) -> dict[str, str]:
    """The variables by which a program finds the store at this port."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], url: str, missing: str) -> Iterator[None]:
    """A server that runs until the end, from when it answers at a URL, whatever it says. `missing` says what to do if it does not."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(missing) from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def moto() -> Iterator[int]:
    """An object store in memory. Gives its port."""
    port = free_port()
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    missing = "moto_server does not start: pip install 'moto[server]'"
    with running(command, f"http://127.0.0.1:{port}/moto-api/", missing):
        yield port


class Bucket:
    """A bucket of a store, written and read with plain requests."""

    def __init__(self, port: int, name: str):
        import boto3

        self.name = name
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="no-secret",
        )
        self.client.create_bucket(Bucket=name)

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def put_raw(self, key: str, body: bytes) -> None:
        """Writes a key that boto3 would change: its path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.client.meta.endpoint_url.rsplit(":", 1)[1]))
        connection.request("PUT", f"/{self.name}/{key}", body, {"Authorization": SIGNED})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (key, answer.status)

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def put_folder(self, folder: Path, prefix: str = "") -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(prefix + str(path.relative_to(folder)), path.read_bytes())

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"


class Server(http.server.ThreadingHTTPServer):
    # With the usual 5, a connection may be taken for made and then wait for a long time.
    request_queue_size = 256


class Proxy:
    """Stands before a server. `rules` say what is broken: a pattern of `METHOD /path?query`, what, how many times at most, and with
    which chance. `counts` are the requests by kind, `seen` their lines."""

    KINDS = ("500", "503", "404", "403", "archived", "reset_before", "reset_after", "truncate", "hang")

    def __init__(self, upstream: int, latency: float = 0.0, seed: int = 19):
        self.upstream, self.latency = upstream, latency
        self.rules: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.seen: list[str] = []
        self.broken: Counter[str] = Counter()
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.before: Callable[[str], object] | None = None
        # Changes what the server answers: a line and a body give a body.
        self.rewrite: Callable[[str, bytes], bytes] | None = None

    def break_(self, pattern: str, what: str, times: int = 1_000_000, chance: float = 1.0, skip: int = 0) -> None:
        self.rules.append({"pattern": re.compile(pattern), "what": what, "times": times, "chance": chance, "skip": skip})

    def reset(self) -> None:
        with self.lock:
            self.rules.clear()
            self.counts.clear()
            self.seen.clear()
            self.broken.clear()
            self.before = None
            self.rewrite = None

    def rule(self, line: str) -> str | None:
        with self.lock:
            for rule in self.rules:
                if not rule["pattern"].search(line) or rule["times"] < 1:
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                if self.chance.random() < rule["chance"]:
                    rule["times"] -= 1
                    what: str = rule["what"]
                    if what == "any":
                        what = self.chance.choice(("500", "503", "reset_before", "reset_after", "truncate"))
                    self.broken[what] += 1
                    return what
        return None

    @contextmanager
    def run(self) -> Iterator[int]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # The end of an answer must not wait for a delayed acknowledgement of its head.
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def reset(self) -> None:
                """Ends the connection with a reset."""
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            def refuse(self, status: int, code: str) -> None:
                body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>as told</Message></Error>'.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b""
                line = f"{self.command} {self.path}"
                kind = "LIST" if "list-type=2" in self.path else self.command
                with proxy.lock:
                    proxy.counts[kind] += 1
                    proxy.seen.append(f"{line} {self.headers.get('Range') or ''}".strip())
                if proxy.before:
                    proxy.before(line)
                if proxy.latency:
                    time.sleep(proxy.latency)
                what = proxy.rule(line)
                answers = {"500": (500, "InternalError"), "503": (503, "SlowDown"), "404": (404, "NoSuchKey"),
                           "403": (403, "AccessDenied"), "archived": (403, "InvalidObjectState")}
                if what in answers:
                    return self.refuse(*answers[what])
                if what == "reset_before":
                    return self.reset()
                if what == "hang":
                    time.sleep(60)
                    return self.reset()
                upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body or None)
                answer = upstream.getresponse()
                data = answer.read()
                upstream.close()
                is_rewritten = proxy.rewrite is not None and self.command != "HEAD"
                if proxy.rewrite and is_rewritten:
                    data = proxy.rewrite(line, data)
                if what == "reset_after":
                    return self.reset()
                self.send_response(answer.status)
                has_length = False
                for name, value in answer.getheaders():
                    if name.lower() in ("connection", "transfer-encoding", "date", "server"):
                        continue
                    if name.lower() == "content-length" and is_rewritten:
                        continue
                    has_length |= name.lower() == "content-length"
                    self.send_header(name, value)
                if not has_length:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if what == "truncate" and len(data) > 1:
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    return self.reset()
                self.wfile.write(data)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, ValueError, OSError):
                    self.close_connection = True

        server = Server(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()


class Files:
    """A plain web server of files in memory. It may ignore ranges, and leave ETags out."""

    def __init__(self, files: dict[str, bytes], ranges: bool = True, etags: bool = True):
        self.files, self.ranges, self.etags = files, ranges, etags
        self.seen: list[str] = []

    @contextmanager
    def run(self) -> Iterator[int]:
        files = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # The end of an answer must not wait for a delayed acknowledgement of its head.
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def serve(self) -> None:
                files.seen.append(f"{self.command} {self.path} {self.headers.get('Range') or ''}".strip())
                body = files.files.get(self.path)
                if body is None:
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                etag = f'"{hash(body):x}"'
                if files.etags and self.headers.get("If-Match") not in (None, etag):
                    self.send_response(412)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
                sent, status = body, 200
                if asked and files.ranges:
                    start = int(asked[1])
                    end = min(int(asked[2] or len(body) - 1), len(body) - 1)
                    sent, status = body[start : end + 1], 206
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {start}-{end}/{len(body)}")
                if files.etags:
                    self.send_header("ETag", etag)
                self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                if self.command == "GET":
                    try:
                        self.wfile.write(sent)
                    except ConnectionError:
                        self.close_connection = True

            do_GET = do_HEAD = serve

        server = Server(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    print(json.dumps({"usage": __doc__}))
