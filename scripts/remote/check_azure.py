#!/usr/bin/env python3
"""Captures and lakes in a container of Azurite, Microsoft's emulator of Azure Blob Storage, with the real binary: the same files as on
disk, after a first night, a night with nothing new, --force, forget, compact; every file as written; no blocks left.

Needs azure-storage-blob, and azurite-blob (`npm install azurite`). All is on the loopback device. Exit status: 0 if all is right, 1 with what is
wrong otherwise.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.storage.blob import BlobServiceClient, ContainerClient

sys.path.insert(0, str(Path(__file__).resolve().parent))
from servers import free_port, running  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "data" / "captures"
# Of the emulator, and the same for everybody: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "archive"


@contextmanager
def azurite(program: str) -> Iterator[str]:
    """An account in memory. Gives its URL."""
    port = free_port()
    command = [program, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--blobHost", "127.0.0.1"]
    url = f"http://127.0.0.1:{port}"
    with running([*command, "--blobPort", str(port)], url, "azurite-blob does not start: npm install azurite"):
        yield url


class Check:
    def __init__(self, parcap: str, url: str):
        account = BlobServiceClient(account_url=f"{url}/{ACCOUNT}", credential=KEY)
        self.container: ContainerClient = account.create_container(CONTAINER)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PARCAP_"))}
        names = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
        self.environment = {**kept, **names, "AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": url}
        self.parcap = parcap
        self.wrong = 0

    def run(self, *arguments: object, status: int = 0) -> str:
        command = [self.parcap, *map(str, arguments)]
        ran = subprocess.run(command, env=self.environment, text=True, capture_output=True, timeout=300)
        self.expect(ran.returncode == status, f"{arguments}: status {ran.returncode}: {ran.stderr.strip()[-800:]}")
        return ran.stdout

    def expect(self, is_right: bool, what: str) -> None:
        if not is_right:
            self.wrong += 1
            print(f"WRONG: {what}", flush=True)

    def blobs(self, prefix: str) -> dict[str, bytes]:
        """What anybody sees below a prefix."""
        names = [blob.name for blob in self.container.list_blobs(name_starts_with=prefix)]
        names = [name for name in names if "/_parcap/" not in name]
        return {name.removeprefix(prefix): self.container.download_blob(name).readall() for name in names}

    def same(self, what: str, remote: str, local: Path) -> None:
        found = self.blobs(f"{remote}/")
        files = [path for path in local.rglob("*.parquet") if "_parcap" not in path.parts]
        expected = {str(path.relative_to(local)): path.read_bytes() for path in files}
        self.expect(found == expected, f"{what}: {sorted(found)} differ from {sorted(expected)}")
        seen, all_names = ({blob.name for blob in self.container.list_blobs(include=also)} for also in (None, ["uncommittedblobs"]))
        self.expect(seen == all_names, f"{what}: blocks are left of {sorted(all_names - seen)}")
        self.run("verify", f"az://{CONTAINER}/{remote}", "--deep")
        print(f"{what}: {len(found)} files", flush=True)


def nights(check: Check, scratch: Path) -> None:
    """The same nights in a container and in a folder, of the same captures in either place."""
    captures = sorted(path for path in CAPTURES.rglob("*") if path.is_file())
    for path in captures:
        check.container.upload_blob(f"in/{path.relative_to(CAPTURES)}", path.read_bytes())
    local, remote = scratch / "lake", f"az://{CONTAINER}/lake"
    quiet = ["--top", "0", "--quiet", "--chunk-size", "64KiB", "--commit-every", "100KiB"]
    inputs = f"az://{CONTAINER}/in/"
    check.run("convert", CAPTURES, "--out", local, *quiet)
    check.run("convert", inputs, "--out", remote, *quiet)
    # The table of captures names them by where they are.
    away = {name: data for name, data in check.blobs("lake/").items() if not name.startswith("summaries/captures/")}
    here = {str(path.relative_to(local)): path.read_bytes() for path in local.rglob("*.parquet") if "_parcap" not in path.parts}
    here = {name: data for name, data in here.items() if not name.startswith("summaries/captures/")}
    rows = check.run("summarize", remote, "--table", "protocols", "--format", "csv")
    check.expect(rows == check.run("summarize", local, "--table", "protocols", "--format", "csv"), "the sums differ")
    check.expect({*away} == {*here}, f"{sorted({*away} ^ {*here})} are in one of the lakes only")
    check.run("verify", remote, "--deep")
    # Captures on disk, so that all is the same.
    local, remote = scratch / "second", f"az://{CONTAINER}/second"
    for lake in (local, remote):
        check.run("convert", CAPTURES, "--out", lake, *quiet)
    check.same("a first night", "second", local)
    for lake in (local, remote):
        check.run("convert", CAPTURES, "--out", lake, *quiet)
    check.same("a night with nothing new", "second", local)
    for lake in (local, remote):
        check.run("forget", lake, CAPTURES / "office-hour.pcap")
    check.same("a capture is forgotten", "second", local)
    for lake in (local, remote):
        check.run("compact", lake)
    check.same("parts are compacted", "second", local)
    check.run("convert", CAPTURES, "--out", remote, "--force", *quiet)
    check.run("verify", remote, "--deep")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parcap", default=str(ROOT / "target" / "release" / "parcap"), help="the binary")
    parser.add_argument("--azurite", default="azurite-blob", help="the emulator")
    asked = parser.parse_args()
    with azurite(asked.azurite) as url, tempfile.TemporaryDirectory() as scratch:
        check = Check(str(Path(asked.parcap).resolve()), url)
        nights(check, Path(scratch))
    print("all right" if not check.wrong else f"{check.wrong} wrong")
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
