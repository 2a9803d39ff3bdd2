#!/usr/bin/env python3
"""Makes of an archive and its lake larger ones, to measure nights over more captures than anybody wants to convert for it.

Usage: grow_lake.py PARCAP ARCHIVE LAKE TIMES FOLDER

FOLDER gets `archive`, in which each capture is there TIMES times under other names (hard links), and `lake`, whose checkpoint says
that all of them are in it. LAKE is compacted first. Its parts are linked, too, so rows of the larger lake are not those of its
captures: it is good for nights with nothing new, and for nothing else. A first run must find nothing to convert.

Needs duckdb, pyarrow and xxhash for Python.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import xxhash
from pyarrow import parquet

OWN = Path("_parcap")


def link_all(source: Path, target: Path) -> None:
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.link(os.path.join(folder, name), place / name)


def renamed(text: str, number: int) -> str:
    """SQL for the name of a file that has the identity of a unit in it, in another copy."""
    return f"regexp_replace({text}, '([0-9a-f]{{15}})[0-9a-f]', '\\1{number:x}', 'g')"


def main() -> int:
    parcap, archive, lake = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    times, root = int(sys.argv[4]), Path(sys.argv[5]).resolve()
    subprocess.run([parcap, "compact", str(lake)], check=True, stdout=subprocess.DEVNULL)
    manifest = sorted((lake / OWN / "manifest").glob("*.json"))[-1]
    document = json.loads(manifest.read_text())
    [segment] = document["checkpoint"]["segments"]
    count = document["checkpoint"]["last_input"]
    new, old = root / "archive", str(archive)
    for number in range(times):
        link_all(archive, new / str(number))
        print(f"archive {number + 1} of {times}", file=sys.stderr, flush=True)
    shutil.copytree(lake / OWN, root / "lake" / OWN, ignore=shutil.ignore_patterns("partials", "checkpoint"))
    shutil.copytree(lake / "summaries", root / "lake" / "summaries", copy_function=os.link)
    made = duckdb.connect()
    made.execute("SET preserve_insertion_order = true; SET memory_limit = '6GB'")
    files = []
    for file in segment["files"]:
        path, kind = lake / file["path"], Path(file["path"]).stem
        into = root / "lake" / file["path"]
        into.parent.mkdir(parents=True, exist_ok=True)
        copies = []
        for number in range(times):
            shift = number * count
            place = f"'{new}/{number}/'"
            if kind == "captures":
                absolute = f"replace({{}}, '{old}/', {place})"
                columns = (
                    f"{absolute.format('path')} AS path, capture + {shift} AS capture, same_as + {shift} AS same_as, "
                    f"regexp_replace({absolute.format('entry')}, '\"id\":[0-9]+', '\"id\":' || (capture + {shift})) AS entry"
                )
                copies.append(f"SELECT * REPLACE ({columns}) FROM '{path}'")
            elif kind in ("parts", "partials", "units"):
                columns = [f"{renamed('path', number)} AS path", f"{renamed('entry', number)} AS entry"]
                copies.append(f"SELECT * REPLACE ({', '.join(columns)}) FROM '{path}'")
            elif number == 0:
                copies.append(f"SELECT * FROM '{path}'")
        # Captures are sorted by copy, as their paths are; the others are sorted once more.
        ordered = " UNION ALL ".join(copies) if kind == "captures" else f"SELECT * FROM ({' UNION ALL '.join(copies)}) ORDER BY path"
        made.execute(f"COPY ({ordered}) TO '{into}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 32768)")
        if kind != "captures":
            # A row of a unit has all its captures: a row group of DuckDB would be larger than what a night holds otherwise.
            parquet.write_table(parquet.read_table(into), into, row_group_size=64, compression="zstd")
        rows = made.execute(f"SELECT count(*) FROM '{into}'").fetchone()[0]
        if kind in ("parts", "partials"):
            for (name,) in made.execute(f"SELECT path FROM '{path}'").fetchall():
                for number in range(times):
                    copy = made.execute(f"SELECT {renamed('$1', number)}", [name]).fetchone()[0]
                    (root / "lake" / copy).parent.mkdir(parents=True, exist_ok=True)
                    os.link(lake / name, root / "lake" / copy)
        files.append({**file, "rows": rows, "bytes": into.stat().st_size, "checksum": checksum(into)})
        print(f"{kind}: {rows:,} rows, {into.stat().st_size / 1e6:.0f} MB", file=sys.stderr, flush=True)
    document["checkpoint"]["segments"] = [{"files": files}]
    document["checkpoint"]["last_input"] = count * times
    document.pop("checksum", None)
    head = ["sequence", "checkpoint_at"]
    ordered = {name: document[name] for name in head} | {name: value for name, value in document.items() if name not in head}
    text = "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in ordered.items()) + "\n}\n"
    (root / "lake" / OWN / "manifest" / manifest.name).write_text(text)
    return 0


def checksum(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"xxh3:{digest.hexdigest()}"


if __name__ == "__main__":
    sys.exit(main())
