#!/usr/bin/env python3
"""Makes lakes in buckets with the real binary, and compares them with the same lakes on disk: also where the store fails, runs are
killed, and two of them meet.

Needs `moto[server]`, pyarrow, deltalake, polars, and duckdb with its extensions. Everything is on the loopback device. Between parcap and the store stands a proxy that counts requests
and breaks them. Exit status: 0 if every lake is right, 1 with what is wrong otherwise.
"""

import argparse
import filecmp
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent))
from servers import Bucket, Proxy, environment, moto  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "data" / "captures"
# Statuses: done; damaged or refused captures; another run holds the lake, or was first.
DONE, SOME, BUSY = 0, 3, 75


class Check:
    def __init__(self, parcap: str, port: int, scratch: Path):
        self.parcap, self.port, self.scratch = parcap, port, scratch
        self.proxy = Proxy(port)
        self.at = 0
        self.number = 0
        self.wrong: list[str] = []

    def expect(self, is_right: bool, what: str) -> None:
        if not is_right:
            self.wrong.append(what)
            print(f"WRONG: {what}", flush=True)

    def bucket(self) -> Bucket:
        self.number += 1
        return Bucket(self.port, f"lake-{self.number}")

    def start(self, *args: str) -> subprocess.Popen:
        return subprocess.Popen([self.parcap, *map(str, args)], env=environment(self.at), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *args: str, status: tuple[int, ...] = (DONE,)) -> str:
        process = self.start(*args)
        out, err = process.communicate(timeout=600)
        self.expect(process.returncode in status, f"{' '.join(map(str, args))}: status {process.returncode}: {err.strip()}")
        return out

    def keys(self, bucket: Bucket, prefix: str = "") -> list[str]:
        pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def uploads(self, bucket: Bucket) -> list[str]:
        return [found["Key"] for found in bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])]

    def download(self, bucket: Bucket, prefix: str) -> Path:
        """The lake as a folder."""
        self.number += 1
        folder = self.scratch / f"copy-{self.number}"
        for key in self.keys(bucket, prefix):
            path = folder / key.removeprefix(prefix).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            bucket.client.download_file(bucket.name, key, str(path))
        return folder

    def sound(self, bucket: Bucket, what: str, rows: int) -> None:
        """A lake is as its manifests say, has this many rows, and nothing is left to do."""
        said = self.run("verify", bucket.url("lake"), "--deep")
        self.expect("all as written" in said, f"{what}: verify says {said.strip()}")
        copy = self.download(bucket, "lake")
        found = sum(pq.read_metadata(part).num_rows for part in copy.glob("packets/**/*.parquet"))
        self.expect(found == rows, f"{what}: {found} rows instead of {rows}")
        numbers = sorted(int(path.stem) for path in copy.glob("_parcap/manifest/*.json"))
        self.expect(numbers == list(range(numbers[0], numbers[-1] + 1)), f"{what}: manifests {numbers}")
        for path in copy.glob("_parcap/manifest/*.json"):
            self.expect('"pending"' not in path.read_text(), f"{what}: {path.name} is not carried out")
        shutil.rmtree(copy)


def same_files(check: Check, what: str, ours: Path, theirs: Path) -> None:
    for folder in ("packets", "summaries"):
        files = [{path.relative_to(lake) for path in (lake / folder).rglob("*") if path.is_file()} for lake in (ours, theirs)]
        check.expect(files[0] == files[1], f"{what}: {folder} has other files: {sorted(files[0] ^ files[1])[:3]}")
        for path in files[0] & files[1]:
            check.expect(filecmp.cmp(ours / path, theirs / path, shallow=False), f"{what}: {path} differs")


def rows_of(lake: Path) -> list:
    """All packets, sorted, without the names of parts."""
    tables = [pq.read_table(part) for part in sorted(lake.glob("packets/**/*.parquet"))]
    return sorted(tuple(row.items()) for table in tables for row in map(lambda row: {k: str(v) for k, v in row.items()}, table.to_pylist()))


def equal(check: Check) -> None:
    """One conversion: the very same files. Then nights, and all that changes a lake: the same rows."""
    bucket = check.bucket()
    local = check.scratch / "equal"
    for lake in (local, bucket.url("lake")):
        check.run("convert", CAPTURES, "--out", lake)
    same_files(check, "convert", local, check.download(bucket, "lake"))
    check.sound(bucket, "convert", 1331)
    some = sorted(CAPTURES.glob("*.pcap"))
    local = check.scratch / "nights"
    bucket = check.bucket()
    for lake in (local, bucket.url("lake")):
        check.run("convert", *some[:6], "--out", lake)
        check.run("convert", CAPTURES, "--out", lake)
        check.run("convert", CAPTURES, "--out", lake)
        check.run("forget", lake, some[0], some[5])
        check.run("convert", CAPTURES, "--out", lake, "--force")
        check.run("forget", lake, some[1])
        check.run("compact", lake)
        check.run("convert", CAPTURES, "--out", lake)
        check.run("verify", lake, "--deep", "--repair")
        plan = check.run("plan", CAPTURES, "--out", lake, "--force")
        check.expect(plan.count("\n") > 1, "plan has units")
    copy = check.download(bucket, "lake")
    check.expect(rows_of(local) == rows_of(copy), "nights: the rows differ")
    check.sound(bucket, "nights", 1331)
    tables = [check.run("summarize", lake, "--table", "volume_by_ip", "--format", "csv") for lake in (local, bucket.url("lake"))]
    check.expect(tables[0] == tables[1], "nights: summaries differ")
    check.expect(check.uploads(bucket) == [], "nights: uploads are open")


def elsewhere(check: Check) -> None:
    """Units that are converted by other processes, one of them twice."""
    bucket = check.bucket()
    lake = bucket.url("lake")
    plan = check.run("plan", CAPTURES, "--out", lake, "--chunk-size", "16KiB").splitlines()
    rows = []
    for unit in plan[1:] + plan[1:2]:
        process = subprocess.run([check.parcap, "convert-unit", "--out", lake], input=unit, env=environment(check.at), text=True,
                                 capture_output=True, timeout=600, check=True)
        rows.append(process.stdout)
    check.expect(not check.keys(bucket, "lake/packets"), "elsewhere: a part is visible before the commit")
    process = subprocess.run([check.parcap, "commit", lake], input="".join([plan[0] + "\n", *rows]), env=environment(check.at),
                             text=True, capture_output=True, timeout=600, check=False)
    check.expect(process.returncode == DONE, f"elsewhere: commit: {process.stderr}")
    check.sound(bucket, "elsewhere", 1331)
    check.expect(check.uploads(bucket) == [], f"elsewhere: uploads are open: {check.uploads(bucket)}")
    check.expect(not check.keys(bucket, "lake/_parcap/units"), "elsewhere: staged files are left")


def faults(check: Check) -> None:
    """Each kind of request fails three times and is reset twice; then one in ten of all requests fails somehow."""
    for kind in ("PUT", "GET", "HEAD", "POST", "DELETE"):
        for what in ("503", "reset_after"):
            bucket = check.bucket()
            check.run("convert", *sorted(CAPTURES.glob("*.pcap"))[:4], "--out", bucket.url("lake"))
            check.proxy.reset()
            check.proxy.break_(f"^{kind} ", what, times=3 if what[0] == "5" else 2)
            check.run("convert", CAPTURES, "--out", bucket.url("lake"))
            check.proxy.reset()
            check.sound(bucket, f"{kind}, {what}", 1331)
    times = []
    for chance in (0.0, 0.1):
        bucket = check.bucket()
        check.proxy.reset()
        check.proxy.chance = random.Random(7)
        if chance:
            check.proxy.break_(".", "any", chance=chance)
        began = time.monotonic()
        check.run("convert", CAPTURES, "--out", bucket.url("lake"))
        times.append(time.monotonic() - began)
        broken = sum(check.proxy.broken.values())
        check.proxy.reset()
        check.sound(bucket, f"faults, {chance}", 1331)
    print(f"one request in ten fails ({broken} did): {times[1]:.1f} s instead of {times[0]:.1f} s")


def killed(check: Check, rounds: int) -> None:
    """Runs are killed anywhere; the next one finishes, or begins again."""
    chance = random.Random(11)
    some = sorted(CAPTURES.glob("*.pcap"))
    bucket = check.bucket()
    lake = bucket.url("lake")
    check.run("convert", *some[:5], "--out", lake)
    began = time.monotonic()
    check.run("convert", CAPTURES, "--out", lake, "--force")
    whole = time.monotonic() - began
    ended = 0
    for number in range(rounds):
        process = check.start("convert", CAPTURES, "--out", lake, "--force", "--quiet")
        time.sleep(chance.uniform(0, whole * 1.1))
        ended += process.poll() is not None
        process.kill()
        process.communicate()
        # A lease outlives its run.
        bucket.remove("lake/_parcap/lease.json")
        if number % 5 == 4:
            check.run("convert", CAPTURES, "--out", lake)
            check.sound(bucket, f"killed, round {number}", 1331)
    check.run("convert", CAPTURES, "--out", lake)
    check.sound(bucket, "killed", 1331)
    print(f"{rounds} runs killed, {ended} of them had ended; {len(check.uploads(bucket))} uploads are left to a rule of the bucket")


def two(check: Check, rounds: int) -> None:
    """Two runs at the same time: one commits, and the other one says that it has not; the lease is taken away from both."""
    some = sorted(CAPTURES.glob("*.pcap"))
    local = check.scratch / "two"
    check.run("convert", *some[:3], "--out", local)
    expected = sum(pq.read_metadata(part).num_rows for part in local.glob("packets/**/*.parquet"))
    both = overtaken = 0
    for number in range(rounds):
        bucket = check.bucket()
        lake = bucket.url("lake")
        check.run("convert", some[0], "--out", lake)
        # Without a lease both go on to the end, where one of them wins the number.
        runs = [check.start("convert", some[1], "--out", lake), check.start("convert", some[2], "--out", lake)]
        while any(run.poll() is None for run in runs):
            bucket.remove("lake/_parcap/lease.json")
            time.sleep(0.02)
        said = [(run.returncode, run.communicate()[1]) for run in runs]
        statuses = sorted(status for status, _ in said)
        check.expect(statuses in ([DONE, DONE], [DONE, BUSY]), f"two, round {number}: {said}")
        both += statuses == [DONE, DONE]
        overtaken += any("another run has committed" in err for _, err in said)
        check.run("convert", *some[:3], "--out", lake)
        rows = sum(pq.read_metadata(part).num_rows for part in check.download(bucket, "lake").glob("packets/**/*.parquet"))
        check.sound(bucket, f"two, round {number}", rows)
        check.expect(rows == expected, f"two, round {number}: {rows} rows instead of {expected}")
    print(f"two runs at once, {rounds} rounds: {both} one after the other, {overtaken} overtaken at the decision")


def delta(check: Check) -> None:
    """Readers of the Delta log count while runs commit: never a total that the lake did not have. And they see each version again."""
    import deltalake
    import duckdb
    import duckdb_ext
    import polars

    store = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{check.port}", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "no-secret",
             "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
    bucket = check.bucket()
    lake = bucket.url("lake")
    captures = sorted(CAPTURES.glob("*.pcap"))
    database = duckdb.connect(config={"extension_directory": str(Path(next(iter(duckdb_ext.__path__))) / "extensions")})
    database.sql("LOAD httpfs; LOAD delta")
    database.sql(f"CREATE SECRET (TYPE s3, KEY_ID 'key', SECRET 'no-secret', REGION 'us-east-1', ENDPOINT '127.0.0.1:{check.port}', "
                 "URL_STYLE 'path', USE_SSL false)")
    totals, counted, failed = [0], [], 0
    ended = threading.Event()

    def read() -> None:
        nonlocal failed
        while not ended.is_set():
            for count in (lambda: deltalake.DeltaTable(lake, storage_options=store).to_pyarrow_dataset().count_rows(),
                          lambda: polars.scan_delta(lake, storage_options=store).select(polars.len()).collect().item(),
                          lambda: database.sql(f"SELECT count(*) FROM delta_scan('{lake}')").fetchone()[0]):
                try:
                    counted.append(count())
                except Exception:  # noqa: BLE001
                    # No table yet, or a file that a commit has removed: an error is no wrong answer.
                    failed += 1

    def rows() -> int:
        return deltalake.DeltaTable(lake, storage_options=store).to_pyarrow_dataset().count_rows()

    reader = threading.Thread(target=read)
    reader.start()
    changes = [("convert", capture, "--out", lake, "--delta") for capture in captures[:6]]
    changes += [("forget", lake, captures[1]), ("convert", captures[2], "--out", lake, "--force"), ("compact", lake),
                ("convert", *captures[:8], "--out", lake), ("forget", lake, captures[0], captures[3]), ("convert", CAPTURES, "--out", lake)]
    for change in changes:
        check.run(*change)
        totals.append(rows())
    ended.set()
    reader.join()
    strange = sorted(set(counted) - set(totals))
    check.expect(not strange, f"delta: readers counted {strange}, and the lake had {totals}")
    check.expect(totals[-1] == 1331 and len(counted) > 10, f"delta: {totals}, {len(counted)} counts")
    check.sound(bucket, "delta", 1331)
    files = sum(pq.read_metadata(part).num_rows for part in check.download(bucket, "lake").glob("packets/**/*.parquet"))
    check.expect(files == rows(), "delta: the log and the files differ")
    by_glob = database.sql(f"SELECT count(*) FROM read_parquet('{lake}/packets/**/*.parquet')").fetchone()[0]
    check.expect(by_glob == 1331, f"delta: DuckDB counts {by_glob} rows by pattern")
    table = deltalake.DeltaTable(lake, storage_options=store)
    # A checkpoint is written with every tenth version, and serves without the versions up to it.
    versions = [key for key in check.keys(bucket, "lake/_delta_log/") if key.endswith(".json")]
    has_checkpoint = any(key.endswith(".checkpoint.parquet") for key in check.keys(bucket, "lake/_delta_log/"))
    check.expect(has_checkpoint and table.version() == len(versions) - 1, f"delta: {table.version()}, {versions}")
    for key in versions[:10]:
        bucket.remove(key)
    check.expect(rows() == 1331, "delta: the checkpoint does not stand for the versions before it")
    print(f"readers of the Delta log counted {len(counted)} times while {len(changes)} commits were made; {failed} reads failed")


def orphans(check: Check) -> None:
    """Uploads that dead runs have left: those of a week ago are given up, in one request; younger ones and those of others are not."""
    bucket = check.bucket()
    lake = bucket.url("lake")
    some = sorted(CAPTURES.glob("*.pcap"))

    def begin(key: str) -> str:
        return bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]

    old = [begin("lake/packets/date=2024-03-11/part-old.parquet"), begin("lake/summaries/ports/date=2024-03-11/ports.parquet")]
    begin("lake/packets/date=2024-03-11/part-young.parquet")
    others = [begin("lake/elsewhere/old.parquet"), begin("lakes/packets/old.parquet")]

    def age(line: str, body: bytes) -> bytes:
        # moto says of all uploads that they were begun at this moment.
        if "uploads=" not in line:
            return body
        pieces = re.split(rb"(?=<Upload>)", body)
        of_old = [any(upload.encode() in piece for upload in old + others) for piece in pieces]
        return b"".join(piece.replace(b"2010-11-10T20", b"2010-11-03T19") if is_old else piece
                        for piece, is_old in zip(pieces, of_old))

    check.proxy.reset()
    check.proxy.break_("GET .*uploads=", "403")
    check.run("convert", some[0], "--out", lake)
    check.expect(len(check.uploads(bucket)) == 5, f"orphans: a refused list gives up {check.uploads(bucket)}")
    check.proxy.reset()
    check.run("convert", some[1], "--out", lake)
    check.expect(len(check.uploads(bucket)) == 5, f"orphans: a clock that stands still gives up {check.uploads(bucket)}")
    check.proxy.reset()
    check.proxy.rewrite = age
    check.run("convert", some[2], "--out", lake)
    asked = [line for line in check.proxy.seen if "uploads=" in line and line.startswith("GET")]
    left = ["lake/elsewhere/old.parquet", "lake/packets/date=2024-03-11/part-young.parquet", "lakes/packets/old.parquet"]
    check.expect(sorted(check.uploads(bucket)) == left, f"orphans: left are {check.uploads(bucket)}")
    check.expect(len(asked) == 1, f"orphans: asked {asked}")
    old.append(begin("lake/_parcap/names/ptr.parquet"))
    process = check.start("verify", lake, "--repair")
    said = process.communicate(timeout=600)[1]
    check.expect(process.returncode == DONE and "note: 1 upload that" in said, f"orphans: verify --repair says {said}")
    check.expect(sorted(check.uploads(bucket)) == left, f"orphans: left after a repair are {check.uploads(bucket)}")
    check.proxy.reset()
    check.proxy.rewrite = age
    check.run("convert", some[2], "--out", lake)
    asked = [line for line in check.proxy.seen if "uploads=" in line]
    check.expect(not asked, f"orphans: a night without anything new asks {asked}")
    check.proxy.reset()


def temporary(check: Check) -> None:
    """What is staged and fetched lies where `--scratch` says, and goes when the command ends."""
    bucket = check.bucket()
    lake = bucket.url("lake")
    folder = check.scratch / "scratch"
    folder.mkdir()
    captures = sorted(CAPTURES.glob("*.pcap"))
    env = {**environment(check.at), "TMPDIR": str(check.scratch / "nowhere")}

    def run(*args: object) -> subprocess.CompletedProcess:
        return subprocess.run([check.parcap, *map(str, args)], env=env, text=True, capture_output=True, timeout=600, check=False)

    ran = run("convert", captures[0], "--out", lake)
    check.expect(ran.returncode == 1 and "nowhere" in ran.stderr, f"scratch: {ran.returncode}, {ran.stderr}")
    for command in (["convert", CAPTURES, "--out", lake, "--columns", "capture"], ["compact", lake], ["forget", lake, captures[0]],
                    ["verify", lake, "--deep"], ["summarize", lake], ["report", lake, "--out", check.scratch / "page.html"],
                    ["extract", lake, "--protocol", "UDP", "--out", check.scratch / "udp.pcapng"], ["delta", lake]):
        ran = run(*command, "--scratch", folder)
        check.expect(ran.returncode == DONE, f"scratch: {command[0]}: {ran.returncode}, {ran.stderr}")
        check.expect(not list(folder.iterdir()), f"scratch: {command[0]} leaves {list(folder.iterdir())}")
    plan = run("plan", captures[0], "--out", lake, "--columns", "capture", "--scratch", folder).stdout
    rows = subprocess.run([check.parcap, "convert-unit", "--out", lake, "--scratch", folder], input=plan, env=env, text=True,
                          capture_output=True, timeout=600, check=False)
    ran = subprocess.run([check.parcap, "commit", lake, "--scratch", folder], input=rows.stdout, env=env, text=True,
                         capture_output=True, timeout=600, check=False)
    check.expect(ran.returncode == DONE and not list(folder.iterdir()), f"scratch: commit: {rows.stderr} {ran.stderr}")
    check.sound(bucket, "scratch", 1331)


def requests(check: Check) -> None:
    """How many requests things cost."""
    bucket = check.bucket()
    lake = bucket.url("lake")
    check.proxy.reset()
    check.run("convert", CAPTURES, "--out", lake)
    first = check.proxy.counts.copy()
    check.run("compact", lake)
    check.proxy.reset()
    check.run("convert", CAPTURES, "--out", lake)
    nothing = check.proxy.counts.copy()
    print(f"a first conversion of 21 captures, 5 parts and 56 tables: {dict(first)}")
    print(f"a night with nothing new: {dict(nothing)}")
    # The probe of a new lake, and the lists of a run and of its commit.
    check.expect(first["LIST"] <= 7 and first["GET"] + first["HEAD"] <= 2, f"a first conversion costs {dict(first)}: {check.proxy.seen}")
    check.expect(nothing["LIST"] <= 5 and sum(nothing.values()) <= 10, f"a night with nothing new costs {dict(nothing)}: {check.proxy.seen}")


def checkpoints(check: Check, rounds: int) -> None:
    """Each commit makes a checkpoint: the same rows as on disk, readers of its files, runs killed anywhere, and a file that is lost."""
    import duckdb
    import duckdb_ext

    each = ("--checkpoint-after", "0")
    bucket = check.bucket()
    lake = bucket.url("lake")
    local = check.scratch / "checkpoints"
    captures = sorted(CAPTURES.glob("*.pcap"))[:11]
    for place in (local, lake):
        for number in range(1, len(captures) + 1):
            check.run("convert", *captures[:number], "--out", place, *each)
        check.run("forget", place, captures[2])
        check.run("convert", *captures, "--out", place, *each)
    copy = check.download(bucket, "lake")
    check.expect(rows_of(local) == rows_of(copy), "checkpoints: the rows differ")
    rows = sum(pq.read_metadata(part).num_rows for part in copy.glob("packets/**/*.parquet"))
    check.sound(bucket, "checkpoints", rows)

    def named() -> list[str]:
        text = bucket.client.get_object(Bucket=bucket.name, Key=check.keys(bucket, "lake/_parcap/manifest/")[-1])["Body"].read().decode()
        line = next(line for line in text.splitlines() if line.startswith('"checkpoint"'))
        segments = json.loads("{" + line.rstrip(",") + "}")["checkpoint"]["segments"]
        return sorted(f"lake/{file['path']}" for segment in segments for file in segment["files"])

    files = named()
    check.expect(files == check.keys(bucket, "lake/_parcap/checkpoint/"), "checkpoints: other files are there than the manifest names")
    check.expect(len(files) < 7 * 8, f"checkpoints: eight segments did not become one: {files}")
    held = {path for file in files if file.endswith("captures.parquet") for path in pq.read_table(copy / file.removeprefix("lake/"))["path"].to_pylist()}
    check.expect(held == {str(capture) for capture in captures}, f"checkpoints: pyarrow finds {sorted(held)}")
    database = duckdb.connect(config={"extension_directory": str(Path(next(iter(duckdb_ext.__path__))) / "extensions")})
    database.sql("LOAD httpfs")
    database.sql(f"CREATE SECRET (TYPE s3, KEY_ID 'key', SECRET 'no-secret', REGION 'us-east-1', ENDPOINT '127.0.0.1:{check.port}', "
                 "URL_STYLE 'path', USE_SSL false)")
    found = database.sql(f"SELECT count(DISTINCT path) FROM read_parquet('{lake}/_parcap/checkpoint/*/captures.parquet')").fetchone()[0]
    check.expect(found == len(captures), f"checkpoints: DuckDB finds {found} captures")

    check.proxy.reset()
    check.run("convert", *captures, "--out", lake, *each)
    nothing = check.proxy.counts.copy()
    check.expect(nothing["LIST"] <= 5 and nothing["GET"] <= len(files) + 16, f"checkpoints: a night with nothing new costs {dict(nothing)}")
    print(f"a night with nothing new over a checkpoint of {len(files)} files: {dict(nothing)}")

    # What is lost is read of the manifests, and nothing is converted again.
    lost = next(file for file in files if file.endswith("captures.parquet"))
    bucket.remove(lost)
    process = check.start("convert", *captures, "--out", lake)
    err = process.communicate(timeout=600)[1]
    check.expect(process.returncode == DONE and "could not be read, and all manifests were read" in err, f"checkpoints: one is lost: {err}")
    check.run("convert", *captures, "--out", lake, "--force", *each)
    check.sound(bucket, "checkpoints, one was lost", rows)

    chance = random.Random(5)
    began = time.monotonic()
    check.run("convert", *captures, "--out", lake, "--force", *each)
    whole = time.monotonic() - began
    for number in range(rounds):
        process = check.start("convert", *captures, "--out", lake, "--force", "--quiet", "--commit-every", "1", *each)
        time.sleep(chance.uniform(0, whole * 1.5))
        process.kill()
        process.communicate()
        bucket.remove("lake/_parcap/lease.json")
        if number % 5 == 4:
            check.run("convert", *captures, "--out", lake, *each)
            check.sound(bucket, f"checkpoints, round {number}", rows)
    check.run("convert", *captures, "--out", lake, "--force", *each)
    check.sound(bucket, "checkpoints, killed", rows)
    left = set(check.keys(bucket, "lake/_parcap/checkpoint/")) - set(named())
    print(f"{rounds} runs with checkpoints killed, which leave {len(left)} files of checkpoints for a week")
    check.run("compact", lake)
    check.sound(bucket, "checkpoints, compacted", rows)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--parcap", default="target/release/parcap")
    arguments.add_argument("--rounds", type=int, default=25, help="of kills, and of two runs at once")
    arguments.add_argument("--only", help="one of equal, elsewhere, delta, orphans, temporary, requests, faults, checkpoints, killed, two")
    asked = arguments.parse_args()
    steps = {
        "equal": equal, "elsewhere": elsewhere, "delta": delta, "orphans": orphans, "temporary": temporary, "requests": requests, "faults": faults,
        "checkpoints": lambda check: checkpoints(check, asked.rounds),
        "killed": lambda check: killed(check, asked.rounds), "two": lambda check: two(check, asked.rounds),
    }
    with tempfile.TemporaryDirectory() as scratch, moto() as port:
        check = Check(os.path.abspath(asked.parcap), port, Path(scratch))
        with check.proxy.run() as check.at:
            for name, step in steps.items():
                if asked.only in (None, name):
                    began = time.monotonic()
                    step(check)
                    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    print("every lake is right" if not check.wrong else f"{len(check.wrong)} things are wrong")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
