#!/usr/bin/env python3
"""Fills the disk under a run, at every size, and proves that the lake comes out of it whole.

The lake is on a tmpfs, mounted where nobody else sees it (unshare --mount; root is needed). Two scenarios, a first
conversion and a second night into the lake of the first; with room for some bytes, from 64 KiB up in steps until a run
has enough, then with room for some files. Each time:

- the exit status is 1, and the message says that there is no room;
- whatever lies under packets/ and summaries/ is a whole Parquet file, read to its end;
- when there is room (remount), the same command gives the parts (names, bytes), rows and summary tables of an undisturbed
  run, and leaves nothing in _parcap/staging and no pending.json.

Exit status: 0 no wrong state, 1 a wrong state, each named; 2 without root.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lakes
from lakes import Figures, Parcap, Undisturbed, at, pcap, records_of

INSIDE = "PARCAP_PROOF_IN_A_MOUNT_NAMESPACE"
FULL = re.compile(r"no space left|disk is full|quota", re.IGNORECASE)
ROOM = "size=256m,nr_inodes=100000"


def mount(folder, room, again=False):
    """Mounts a tmpfs with so much room, or gives it so much."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{'remount,' if again else ''}{room}", "tmpfs", folder], check=True)


def used(folder):
    """Bytes and files that are used where a tmpfs is mounted."""
    state = os.statvfs(folder)
    return (state.f_blocks - state.f_bfree) * state.f_frsize, state.f_files - state.f_ffree


class Disk:
    """A tmpfs with the lake on it."""

    def __init__(self, folder, base):
        self.folder, self.base, self.lake = folder, base, folder / "lake"

    def fresh(self, room=ROOM):
        """The lake as it was before, and so much room."""
        if os.path.ismount(self.folder):
            subprocess.run(["umount", self.folder], check=True)
        self.folder.mkdir(exist_ok=True)
        mount(self.folder, ROOM)
        if self.base:
            shutil.copytree(self.base, self.lake)
        if room != ROOM:
            mount(self.folder, room, again=True)

    def before(self):
        """What the lake takes before."""
        self.fresh()
        return used(self.folder)


def fill(what, disk, parcap, command, rooms, figures):
    """Runs with ever more room until a run has enough."""
    disk.fresh()
    ran = parcap.run(*command)
    if ran.status != 0:
        raise SystemExit(f"{what}: the undisturbed run fails: {ran.err}")
    expected = Undisturbed.of(disk.lake)
    for room in rooms:
        disk.fresh(room)
        ran = parcap.run(*command)
        if ran.status == 0:
            wrong = expected.differs(disk.lake) + lakes.left_over(disk.lake)
            figures.check(f"{what}: enough room", wrong)
            print(f"{what}: enough with {room}", flush=True)
            return
        wrong = ran.unsound() + lakes.unsound(disk.lake)
        if ran.status != 1:
            wrong.append(f"exit status {ran.status} without room")
        if not FULL.search(ran.err):
            wrong.append(f"it does not say that there is no room: {ran.err.strip()[-300:]!r}")
        decided = (disk.lake / "_parcap/pending.json").exists()
        figures.notes[f"{what}: the commit was decided before the room ended"] += decided
        mount(disk.folder, ROOM, again=True)
        again = parcap.run(*command)
        if again.status != 0:
            wrong.append(f"with room, it ends with {again.status}: {again.err.strip()[-300:]}")
        wrong += expected.differs(disk.lake) + lakes.left_over(disk.lake)
        figures.check(what, [f"{problem}  [{room}]" for problem in wrong], disk.lake)
    raise SystemExit(f"{what}: there never was room enough")


def main():
    """Runs both scenarios, by bytes and by files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lakes.arguments(parser)
    parser.add_argument("--step", type=int, default=8, metavar="KIB", help="KiB more each time [default: %(default)s]")
    parser.add_argument("--files", type=int, default=2, metavar="N", help="files more each time [default: %(default)s]")
    parser.add_argument("--quick", action="store_true", help="steps of 64 KiB and of 11 files")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("full_disk.py needs root: it mounts file systems. Nothing was tried.", file=sys.stderr)
        return 2
    if INSIDE not in os.environ:
        # As another process, whose mounts nobody else sees, and which go when it does.
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, INSIDE: "1"}).returncode
    if options.quick:
        options.step, options.files = 64, 11
    parcap, figures = Parcap(options.parcap), Figures(options.keep)
    office, vlan = records_of("office-hour.pcap"), records_of("vlan.pcap")
    with lakes.work_folder(options) as folder:
        work = Path(folder).resolve()
        archive, base = work / "archive", work / "base"
        disk = Disk(work / "disk", None)
        command = ["convert", archive, "--out", disk.lake, "--chunk-size", "64KiB", "--target-file-size", "64KiB"]
        command += ["--jobs", "1", "--quiet", "--format", "json", "--top", "0"]
        lakes.write(archive / "a.pcap", pcap([record for n in range(8) for record in at(office, office[0][0] + 14 * n)]))
        lakes.write(archive / "b.pcap", pcap(vlan))
        for night in ("first night", "second night"):
            bytes_before, files_before = disk.before()
            step = options.step << 10
            sizes = range(max(64 << 10, bytes_before + step), 64 << 20, step)
            fill(f"{night}, bytes", disk, parcap, command, (f"size={size}" for size in sizes), figures)
            counts = range(files_before + 1, 10_000, options.files)
            fill(f"{night}, files", disk, parcap, command, (f"nr_inodes={count}" for count in counts), figures)
            if not disk.base:
                shutil.copytree(disk.lake, base)
                disk.base = base
                lakes.write(archive / "c.pcap.gz", pcap(at(office, vlan[0][0] + 60)))
                lakes.write(archive / "d.pcap", pcap(at(vlan, office[0][0] + 86400)))
        subprocess.run(["umount", disk.folder], check=True)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
