#!/usr/bin/env python3
"""Makes every call of a run fail, one at a time, and proves that the lake comes out of it whole.

Seven scenarios: the first conversion into a new lake; the same with a commit for each unit, which must give the lake of one commit; the
same as units that were converted before, in a commit for each; a second night, with captures added and one that changed; one capture
forgotten; parts compacted; a lake of an earlier version rewritten. Of each undisturbed run, every call that writes, syncs,
renames, links, opens, makes or removes fails once with EIO and once with ENOSPC; every read with EIO, once, twice and three
times on end, with EINTR, and with half of what was asked; links, exchanges and syncs also as on file systems that do not have
them; and the run is killed in place of each write, sync, rename, link and removal. After each fault:

- whatever lies under packets/ and summaries/ is a whole Parquet file, read to its end;
- the exit status is 0, 1 (and says why) or 3, or that of the SIGKILL; nothing panics;
- a plain run of the same command gives the parts (names, bytes), rows and summary tables (rows, order) of the undisturbed
  run, leaves nothing in _parcap/staging and no pending.json; and `parcap verify --deep` finds no fault.

Where a fault met the reading of a capture, its rows may come in another part, later: then rows are compared, and counted
separately. Calls are counted over all threads by a small library (scripts/faults/faults.c, compiled with cc). That it sees every
call is held against strace. A trace of strace also proves the order of a commit. --random-kills kills larger runs whenever.

Exit status: 0 no wrong state, 1 a wrong state, each named.
"""

import argparse
import errno
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import lakes
from lakes import Figures, Parcap, Undisturbed, at, pcap, records_of

# What fails, and how: every call of these, each way.
WRITES, SYNCS, RENAMES = "write pwrite64 writev", "fsync fdatasync", "rename renameat renameat2"
LINKS = "linkat"
REMOVALS = "unlink unlinkat rmdir"
POINTS = [
    *((calls, how) for calls in (WRITES, SYNCS, RENAMES, LINKS, "openat", "mkdir mkdirat", REMOVALS) for how in ("EIO", "ENOSPC")),
    *((calls, how) for calls in ("read", "pread64") for how in ("EIO", "EIO*2", "EIO*3", "EINTR", "short")),
    (WRITES, "short"),
    *((calls, "kill") for calls in (WRITES, SYNCS, RENAMES, LINKS, REMOVALS)),
    # As file systems say it that have no such thing.
    (LINKS, "EPERM"), ("renameat2", "EINVAL"), (SYNCS, "EINVAL"),
]  # fmt: skip
ALL = sorted({call for calls, _ in POINTS for call in calls.split()})


class Scenario:
    """A command, and the lake that it finds."""

    def __init__(self, name, base, command, archive, given=None):
        self.name, self.base, self.command, self.archive, self.given = name, base, command, archive, given
        self.expected, self.status = None, 0

    def lake(self, work):
        """The lake as the command finds it."""
        lake = work / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        if self.base:
            shutil.copytree(self.base, lake)
        return lake

    def run(self, parcap, lake, **more):
        """The command."""
        return parcap.run(*(lake if word == "LAKE" else word for word in self.command), given=self.given, **more)


def scenarios(parcap, work, options):
    """The captures, the lakes before, and the commands."""
    parcap.needs(["compact", "forget", "verify"], options.no_replace, "--no-replace")
    archive, more = work / "archive", not options.no_replace
    office, vlan = records_of("office-hour.pcap"), records_of("vlan.pcap")
    start = office[-1][0] + 1
    # Of two chunks; and small ones of another date.
    lakes.write(archive / "big.pcap", pcap(office + at(office, start)))
    lakes.write(archive / "vlan.pcap", pcap(vlan[:60]))
    lakes.write(archive / "office.pcap", pcap(at(office[:40], vlan[0][0])))
    convert = ["convert", archive, "--out", "LAKE", "--chunk-size", "64KiB", "--jobs", "1", "--quiet"]
    convert += ["--format", "json", "--top", "0"]
    made, log = [], ["--delta"] if options.delta else []

    def add(name, base, command, expected=None, given=None):
        scenario = Scenario(name, base, command, archive, given)
        lake = scenario.lake(work)
        ran = scenario.run(parcap, lake)
        wrong = [*ran.unsound(), *lakes.unsound(lake), *lakes.left_over(lake)]
        if ran.status not in (0, 3) or wrong:
            raise SystemExit(f"{name}: the undisturbed run fails: {ran.status} {ran.err} {wrong}")
        scenario.status, scenario.expected = ran.status, expected or Undisturbed.of(lake)
        wrong = scenario.expected.differs(lake)
        if wrong:
            raise SystemExit(f"{name}: the undisturbed run gives another lake: {wrong}")
        shutil.copytree(lake, work / f"after-{name}")
        made.append(scenario)
        return work / f"after-{name}"

    # Each scenario is swept while the archive is as it was: the first is done before the second changes a capture.
    yield from (add("first", None, convert + log), made[-1])[1:]
    # A run that fails keeps its commits, and the next one goes on: it gives the lake of one commit.
    # Each of its commits but the first makes a checkpoint.
    portions = [*convert, "--commit-every", "1", "--checkpoint-after", "0", *log]
    yield from (add("portions", None, portions, made[-1].expected), made[-1])[1:]
    base, plan, given = work / "converted", work / "plan.jsonl", work / "rows.jsonl"
    plan.write_text(parcap.run("plan", archive, "--out", base, "--chunk-size", "64KiB", *log).out)
    given.write_text(parcap.run("convert-unit", "--out", base, given=plan).out)
    pieces = ["commit", "LAKE", "--commit-every", "1", "--jobs", "1", "--quiet", "--format", "json", "--top", "0"]
    yield from (add("pieces", base, pieces, made[-1].expected, given), made[-1])[1:]
    if more:
        lakes.write(archive / "vlan.pcap", pcap(vlan))
    lakes.write(archive / "new.pcap.gz", pcap(at(office[:80], vlan[0][0] + 60)))
    yield from (add("second", work / "after-first", convert), made[-1])[1:]
    if more:
        yield from (add("forget", work / "after-second", ["forget", "LAKE", archive / "office.pcap"]), made[-1])[1:]
        yield from (add("compact", work / "after-second", ["compact", "LAKE"]), made[-1])[1:]
        earlier = work / "earlier"
        shutil.copytree(lakes.ROOT / "data/earlier/lake", earlier)
        if options.delta:
            parcap.run("delta", earlier)
        rewrite = ["compact", "LAKE", "--rewrite", "--target-file-size", "1"]
        yield from (add("rewrite", earlier, [*rewrite, "--jobs", "1"]), made[-1])[1:]


def library(work):
    """scripts/faults/faults.c, compiled."""
    made = work / "faults.so"
    command = ["cc", "-O1", "-fPIC", "-shared", "-o", made, Path(__file__).with_name("faults.c"), "-ldl"]
    subprocess.run(command, check=True)
    return made


def faulty(made, work, calls, which, how):
    """The environment in which a call fails, and the file that says so."""
    log = work / "fault.log"
    log.unlink(missing_ok=True)
    how, _, times = how.partition("*")
    number = how if how in ("kill", "short") else str(getattr(errno, how, 0))
    return log, {
        "LD_PRELOAD": str(made), "FAULT_CALLS": f",{','.join(calls.split())},", "FAULT_AT": str(which), "FAULT_DO": number,
        "FAULT_LOG": str(log), "FAULT_TIMES": times or "1",
    }  # fmt: skip


def sees_all(scenario, parcap, work, made, figures):
    """Whether the library counts the calls that strace counts, of files in the folder in which we work."""
    lake = scenario.lake(work)
    log, env = faulty(made, work, " ".join(ALL), 0, "EIO")
    scenario.run(parcap, lake, env=env)
    counted = Counter(tuple(line.split(" ", 1)) for line in log.read_text().splitlines())
    counted = Counter(call for call, path in counted.elements() if path.startswith(f"{work}/"))
    trace = Counter(call for call, path, *_ in traced(scenario, parcap, work, ALL) if path.startswith(f"{work}/"))
    missing = {call: (counted[call], trace[call]) for call in ALL if counted[call] < trace[call]}
    figures.check(f"{scenario.name}: calls counted as strace does", [f"missed: {missing}"] if missing else [])


LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")


def traced(scenario, parcap, work, calls):
    """The calls of an undisturbed run: name, path, second path of a rename, result."""
    lake, log = scenario.lake(work), work / "trace"
    strace = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", log, "-e", f"trace={','.join(calls)}"]
    scenario.run(parcap, lake, before=strace)
    for line in log.read_text().splitlines():
        # A call that another thread interrupted in the log begins and ends on two lines; with one worker there is none of note.
        if found := LINE.match(line):
            call, arguments, result = found.groups()
            quoted, handle = re.findall(r'"([^"]*)"', arguments), re.match(r"(\d+|AT_FDCWD)<([^>]*)>", arguments)
            if call in ("unlinkat", "openat", "mkdirat", "renameat", "renameat2", "linkat") or not handle:
                folder = handle.group(2) if handle else "."
                paths = [str(Path(folder, path)) for path in quoted[:2]]
            else:
                paths = [handle.group(2)]
            yield call, (paths or [""])[0], (paths[1:] or [""])[0], int(result)


def order(scenario, parcap, work, figures):
    """Whether a commit does things in the order that makes it safe."""
    calls = "write pwrite64 writev fsync fdatasync rename renameat renameat2 linkat unlink unlinkat rmdir".split()
    trace = [step for step in traced(scenario, parcap, work, calls) if step[3] >= 0]
    lake, wrong = work / "lake", []
    own, staging = lake / "_parcap", str(lake / "_parcap/staging")

    def when(test):
        return [place for place, step in enumerate(trace) if test(*step[:3])]

    def writes(path):
        return when(lambda call, a, b: call in WRITES.split() and a == path)

    def synced(path):
        return when(lambda call, a, b: call in SYNCS.split() and a == str(path))

    def need(condition, problem):
        if not condition:
            wrong.append(problem)

    decided = when(lambda call, a, b: call in RENAMES.split() and b == str(own / "pending.json"))
    done = when(lambda call, a, b: call in REMOVALS.split() and a == str(own / "pending.json"))
    need(len(decided) == len(done) == 1, f"pending.json comes {len(decided)} times and goes {len(done)} times")
    if wrong:
        return figures.check(f"{scenario.name}: order of the commit", wrong)
    moves = [(place, trace[place][1], trace[place][2]) for place in when(lambda call, a, b: call in RENAMES.split())]
    manifest = [place for place, _, to in moves if to.startswith(f"{own}/manifest/")]
    need(len(manifest) == 1, f"{len(manifest)} manifests are renamed into place")
    exchanged, aside = [], []
    for place, source, target in moves:
        if trace[place][0] == "renameat2" and source.startswith(f"{staging}/exchange/"):
            exchanged.append((place, source, target))
            continue
        if target.startswith(f"{staging}/gone/"):
            aside.append(place)
            continue
        last = max(writes(source), default=-1)
        need(last >= 0, f"{source} was renamed, and never written")
        need(any(last < sync < decided[0] for sync in synced(source)), f"{source} is not synced after its last write")
        if target == str(own / "pending.json"):
            need(any(place < sync for sync in synced(own)), "the decision is not made durable")
            continue
        need(place > decided[0], f"{target} is renamed before the decision")
        until = done[0] if place in manifest else manifest[0]
        folder = Path(target).parent
        need(any(place < sync < until for sync in synced(folder)), f"{folder} is not synced between renames and manifest")
        parent = str(Path(source).parent)
        need(any(last < sync < decided[0] for sync in synced(parent)), f"{parent} is not synced before the decision")
    for place, source, target in exchanged:
        need(place > decided[0], f"{target} is exchanged before the decision")
        need(place < manifest[0], f"{target} is exchanged after the manifest")
        above = Path(target).parent
        need(any(place < sync < manifest[0] for sync in synced(above)), f"{above} is not synced between exchange and manifest")
        for link in when(lambda call, a, b, built=source: call == LINKS and b.startswith(f"{built}/")):
            name, made = trace[link][1:3]
            need(link < decided[0], f"{made} is made after the decision")
            folder = Path(made).parent
            need(any(link < sync < decided[0] for sync in synced(folder)), f"{folder} is not synced before the decision")
            last = max(writes(name), default=-1)
            need(last < 0 or any(last < sync < decided[0] for sync in synced(name)), f"{name} is not synced after its last write")
    logged = when(lambda call, a, b: call == LINKS and b.startswith(f"{lake}/_delta_log/"))
    if (lake / "_delta_log").exists():
        need(len(logged) == 1, f"{len(logged)} versions are linked into the Delta log")
        for link in logged:
            text, last = trace[link][1], max(writes(trace[link][1]), default=-1)
            need(decided[0] < link < manifest[0], "the Delta log has the commit before the decision, or after the manifest")
            need(any(last < sync < decided[0] for sync in synced(text)), f"{text} is not synced after its last write")
            need(any(link < sync < manifest[0] for sync in synced(lake / "_delta_log")), "the version is not made durable")
            changed = [*(place for place, *_ in exchanged), *aside]
            need(all(place < link for place in changed), "the Delta log has the commit before its files have changed places")
            syncs = when(lambda call, a, b: call in SYNCS.split())
            between = [sync for sync in syncs if min(changed, default=link) < sync < link]
            need(not between, "readers of the Delta log wait for a sync while files are gone")
    need(all(decided[0] < place < manifest[0] for place in aside), "a file goes before the decision, or after the manifest")
    need(any(sync < decided[0] for sync in synced(staging)), "the folder of staged files is not synced before the decision")
    visible = (f"{lake}/packets/", f"{lake}/summaries/", f"{own}/partials/", f"{own}/manifest/")
    gone = when(lambda call, a, b: call in REMOVALS.split() and a.startswith(visible))
    need(all(place > decided[0] for place in gone), "a file is removed before the decision")
    need(all(place < done[0] for place in (*gone, *(place for place, *_ in moves))), "pending.json goes before all is done")
    figures.notes[f"{scenario.name}: partitions exchanged as a whole"] = len(exchanged)
    ours = [place for place in gone if trace[place][1].startswith((f"{lake}/packets/", f"{own}/partials/"))]
    wrong = list(dict.fromkeys(wrong))
    figures.notes[f"{scenario.name}: files renamed into place"] = len(moves) - 1 - len(exchanged) - len(aside)
    figures.notes[f"{scenario.name}: files and folders removed"] = len(ours) + len(aside)
    figures.check(f"{scenario.name}: order of the commit", wrong)


def after(scenario, parcap, lake, figures, reading=False):
    """What is wrong when the same command has run again."""
    again = scenario.run(parcap, lake)
    # A capture that was forgotten, or a commit that was finished, leaves nothing to do; the lake does not hold it then.
    right = {0, scenario.status} | ({2} if scenario.name == "forget" else set())
    wrong = again.unsound(also=right)
    if again.status not in right:
        wrong.append(f"the run after it ends with {again.status}: {again.err.strip()[-300:]}")
    only_rows = reading and not scenario.expected.same_parts(lake)
    figures.notes["a capture came later, in parts of its own; rows compared"] += only_rows
    wrong += scenario.expected.differs(lake, only_rows) + lakes.unsound(lake) + lakes.left_over(lake)
    if "verify" in parcap.commands and not wrong:
        verified = parcap.run("verify", lake, "--deep")
        wrong += [f"verify: {verified.out.strip()[-300:]} {verified.err}"] if verified.status != 0 else []
    return wrong


def sweep(scenario, parcap, work, made, figures, options):
    """Every call of the run fails once, each way."""
    for calls, how in POINTS:
        which, step = 1, options.every
        began = random.randrange(step)
        while True:
            lake = scenario.lake(work)
            log, env = faulty(made, work, calls, which + began, how)
            ran = scenario.run(parcap, lake, env=env)
            if not log.exists():
                break
            path = log.read_text().splitlines()[0].split(" ", 1)[1]
            where = path.replace(f"{work}/", "")
            wrong = ran.unsound(killed=how == "kill") + lakes.unsound(lake)
            # Failures on end may begin in another file, and end in a capture.
            reading = calls in ("read", "pread64", "openat") and (
                path.startswith(f"{scenario.archive}/") or ran.status == 3 != scenario.status
            )
            figures.notes[f"{how} in {calls.split()[0]} that the run got over (exit 0)"] += ran.status == 0
            figures.notes[f"{how} in {calls.split()[0]} that cost a capture (exit 3)"] += ran.status == 3 != scenario.status
            wrong += after(scenario, parcap, lake, figures, reading)
            what = f"{scenario.name}: {calls.split()[0]:9} {how}"
            figures.check(what, [f"{problem}  [call {which + began}, {where}, exit {ran.status}]" for problem in wrong], lake)
            which += step
    figures.notes = Counter({note: count for note, count in figures.notes.items() if count})


def random_kills(parcap, work, count, figures, log):
    """Kills runs over larger captures at any moment, several times in a row before one is let through."""
    office, archive = records_of("office-hour.pcap"), work / "large"
    for number in range(4):
        many = [record for again in range(60) for record in at(office, office[0][0] + again * 20 + number * 86400)]
        lakes.write(archive / f"{number}.pcap", pcap(many))
    command = ["convert", archive, "--out", "LAKE", "--chunk-size", "1MiB", "--target-file-size", "1MiB", "--quiet"]
    scenario = Scenario("random kills", None, [*command, "--format", "json", "--top", "0", *log], archive)
    lengths = []
    for _ in range(3):
        lake, began = scenario.lake(work), time.monotonic()
        scenario.run(parcap, lake)
        lengths.append(time.monotonic() - began)
    length, scenario.expected = min(lengths), Undisturbed.of(lake)
    fresh, kills, late = True, 0, 0
    while kills < count and late < 10 * count:
        if fresh:
            lake = scenario.lake(work)
        process = parcap.start(*(lake if word == "LAKE" else word for word in scenario.command))
        time.sleep(random.uniform(0, length))
        process.kill()
        ran = lakes.ended(process)
        kills += ran.status == -9
        late += ran.status != -9
        wrong, fresh = ran.unsound(killed=True) + lakes.unsound(lake), random.random() < 0.7
        if fresh or kills == count:
            wrong += after(scenario, parcap, lake, figures)
        figures.check("random kills" if ran.status == -9 else "random kills that came when the run had ended", wrong, lake)
    figures.notes["milliseconds that an undisturbed large run takes"] = round(length * 1000)


def main():
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lakes.arguments(parser)
    parser.add_argument("--quick", action="store_true", help="every 37th call only, from a random one; 5 random kills")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every K-th call [default: 1]")
    parser.add_argument("--random-kills", type=int, default=200, metavar="N", help="[default: %(default)s]")
    parser.add_argument("--scenario", action="append", help="only this one: first, portions, pieces, second, forget, compact, rewrite")
    without = "no changed capture, no forget, compact, verify: for a parcap that cannot"
    parser.add_argument("--no-replace", action="store_true", help=without)
    parser.add_argument("--delta", action="store_true", help="lakes with a Delta log, which must have each commit once")
    parser.add_argument("--seed", type=int, default=1, help="of what is random [default: %(default)s]")
    options = parser.parse_args()
    if options.quick:
        options.every, options.random_kills = 37, min(options.random_kills, 5)
    random.seed(options.seed)
    if not shutil.which("strace"):
        raise SystemExit("strace is needed: it proves the order of a commit")
    parcap, figures = Parcap(options.parcap), Figures(options.keep)
    with lakes.work_folder(options) as folder:
        work = Path(folder).resolve()
        made = library(work)
        for scenario in scenarios(parcap, work, options):
            if options.scenario and scenario.name not in options.scenario:
                continue
            sees_all(scenario, parcap, work, made, figures)
            # Of one commit. Those of a run are all alike.
            if scenario.name not in ("portions", "pieces"):
                order(scenario, parcap, work, figures)
            sweep(scenario, parcap, work, made, figures, options)
        if options.random_kills and not options.scenario:
            random_kills(parcap, work, options.random_kills, figures, ["--delta"] if options.delta else [])
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
