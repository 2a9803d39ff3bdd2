#!/usr/bin/env python3
"""Runs the Python examples of the README on a lake, and holds what they print against what the README shows.

    python3 scripts/check_readme.py LAKE [--require duckdb,pandas,polars]

LAKE is the one of the README's first command. An example whose engine is not installed is named and stepped over,
unless --require names the engine. Exit status: 0 all print what is shown, 1 some do not.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLE = re.compile(r"```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def run(code, lake):
    """The output of an example, in a folder in which the lake is called `lake`."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(lake, Path(folder, "lake"))
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300)
        return done.stdout + (done.stderr if done.returncode else "")


def lines(text):
    """What is compared: lines without trailing blanks, empty ones and Spark's note that it shows a part."""
    kept = (line.rstrip() for line in text.splitlines())
    # polars heads a table with its shape.
    return [line for line in kept if line and not line.startswith(("only showing", "shape:"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--require", default="", metavar="ENGINES")
    arguments = parser.parse_args()
    required = set(filter(None, arguments.require.split(",")))
    examples = EXAMPLE.findall(Path(__file__).parents[1].joinpath("README.md").read_text())
    wrong = 0 if examples else 1
    for code, shown in examples:
        engine = re.search(r"(?:import|from) (\w+)", code)[1]
        if importlib.util.find_spec(engine) is None and engine not in required:
            print(f"{engine}: not installed, not run")
            continue
        printed = run(code, arguments.lake.resolve())
        if lines(printed) == lines(shown):
            print(f"{engine}: as shown")
        else:
            wrong += 1
            print(f"{engine}: prints\n{printed}\nbut the README shows\n{shown}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
