#!/usr/bin/env python3
"""Runs the Python examples of the README, the guide and docs/readers.md on a lake, and compares what they print with what
is shown.

    python3 scripts/oracle/check_readme.py LAKE [--require duckdb,pandas,polars] [--environments FOLDER]

LAKE is the one of the README's first command. With --environments, engines that do not go together with the others have
virtual environments of their own, FOLDER/ENGINE-VERSION, which are made where they are not there yet. An example whose
engine is not installed, and cannot be, is named as NOT RUN, which is an error if --require names the engine. Other code
on docs/readers.md must say that it is not run. Exit status: 0 all print what is shown, 1 some do not.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/guide.md", "docs/readers.md"]
ENGINES = "chdb daft datafusion duckdb fastparquet pandas polars pyarrow pyspark".split()
EXAMPLE = re.compile(r"```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)
# Statements that nothing here can run.
OTHER = re.compile(r"```sql\n(.*?)```", re.DOTALL)
# The packages of each engine that has an environment of its own; the first is what it is called by.
ENVIRONMENTS = {
    "chdb": ["chdb==4.4.0", "pandas<3", "pyarrow"],
    "daft": ["daft==0.7.26", "pyarrow"],
    "datafusion": ["datafusion==55.0.0", "pyarrow"],
    "fastparquet": ["fastparquet==2026.9.0", "pandas<3"],
    "pyspark": ["pyspark==4.2.0", "pandas<3", "pyarrow<22"],
}


def python_of(engine, environments):
    """The Python that has an engine, and None; or None, and why there is none."""
    if importlib.util.find_spec(engine) is not None:
        return sys.executable, None
    if environments is None or engine not in ENVIRONMENTS:
        return None, "it is not installed"
    if engine == "pyspark" and shutil.which("java") is None:
        return None, "there is no java"
    packages = ENVIRONMENTS[engine]
    folder = environments / packages[0].replace("==", "-")
    python = folder / "bin/python"
    # Made last: an environment without it was not finished, and is made again.
    if not (folder / "ready").exists():
        for command in (
            [sys.executable, "-m", "venv", folder],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                return None, f"it cannot be installed: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
        (folder / "ready").touch()
    return python, None


def run(python, code, lake):
    """The output of an example, in a folder in which the lake is called `lake`."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(lake, Path(folder, "lake"))
        done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300)
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
    parser.add_argument("--environments", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    required = set(filter(None, arguments.require.split(",")))
    wrong, pythons = 0, {}
    for page in PAGES:
        text = ROOT.joinpath(page).read_text()
        examples = EXAMPLE.findall(text)
        if not examples or len(examples) != text.count("```python"):
            wrong += 1
            print(f"{page}: {text.count('```python')} examples, {len(examples)} with the output that they have")
        for code in OTHER.findall(text):
            if not code.startswith("-- not run"):
                wrong += 1
                print(f"{page}: a statement does not say that it is not run:\n{code}")
        for code, shown in examples:
            engine = re.search(r"(?:import|from) (" + "|".join(ENGINES) + ")", code)[1]
            if engine not in pythons:
                pythons[engine] = python_of(engine, arguments.environments)
            python, why = pythons[engine]
            if python is None:
                print(f"NOT RUN: {page}: {engine}: {why}")
                wrong += engine in required
                continue
            printed = run(python, code, arguments.lake.resolve())
            if lines(printed) == lines(shown):
                print(f"{page}: {engine}: as shown")
            else:
                wrong += 1
                print(f"{page}: {engine}: prints\n{printed}\nbut the page shows\n{shown}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
