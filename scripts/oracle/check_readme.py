#!/usr/bin/env python3
"""Runs the Python examples of the README, the guide, docs/readers.md and docs/delta.md on a lake, and the statements of
docs/recipes.md and docs/report.md, and compares what they print with what is shown.

    python3 scripts/oracle/check_readme.py LAKE [--require duckdb,pandas,polars] [--environments FOLDER] [--parcap PROGRAM]

LAKE is the one of the README's first command; the page of Delta has a copy with a log, which --parcap makes. The lakes of the last two
pages are made by the commands of each page, which run in its order with its statements; without --parcap they do not. With --environments, engines that do not go together with the others have
virtual environments of their own, FOLDER/ENGINE-VERSION, which are made where they are not there yet. An example whose
engine is not installed, and cannot be, is named as NOT RUN, which is an error if --require names the engine. Other code
on docs/readers.md must say that it is not run. Exit status: 0 all print what is shown, 1 some do not.
"""

import argparse
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/guide.md", "docs/readers.md", "docs/delta.md"]
DELTA = "docs/delta.md"
ENGINES = "chdb daft datafusion duckdb fastparquet pandas polars pyarrow pyspark".split()
EXAMPLE = re.compile(r"```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)
# Statements that nothing here can run.
OTHER = re.compile(r"```sql\n(.*?)```", re.DOTALL)
# Pages of statements, and the fewest that each has.
STATEMENTS = {"docs/recipes.md": 10, "docs/report.md": 7}
# A block of the page of recipes that is run, and what is shown: in the same block after a command, in the next one after SQL.
STEP = re.compile(r"```console\n\$ (.*?)\n(.*?)```|```sql\n(.*?)```\n```text\n(.*?)```", re.DOTALL)
# The packages of each engine that has an environment of its own; the first is what it is called by.
ENVIRONMENTS = {
    "chdb": ["chdb==4.4.0", "pandas<3", "pyarrow"],
    "daft": ["daft==0.7.26", "pyarrow"],
    "datafusion": ["datafusion==55.0.0", "pyarrow"],
    # For all examples of the page of Delta.
    "deltalake": ["deltalake==1.6.6", "polars==2.1.0", "pyarrow==26.0.1", "duckdb==1.4.4", "duckdb-ext-delta==1.4.4.20260205"],
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


def with_log(lake, parcap, folder):
    """A copy of a lake that is a Delta table, and a home in which DuckDB finds its extension."""
    copy = Path(folder, "copy")
    shutil.copytree(lake, copy)
    subprocess.run([parcap, "delta", copy], check=True, stdout=subprocess.DEVNULL)
    return copy


def home_with_extension(python, folder):
    """A home for DuckDB that has the extensions of its environment, as INSTALL would leave them."""
    home = Path(folder, "home")
    home.joinpath(".duckdb").mkdir(parents=True)
    found = next(Path(python).parents[1].glob("lib/*/site-packages/duckdb_ext/extensions"), None)
    if found:
        os.symlink(found, home / ".duckdb/extensions")
    return {**os.environ, "HOME": str(home)}


def run(python, code, lake, environment=None):
    """The output of an example, in a folder in which the lake is called `lake`."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(lake, Path(folder, "lake"))
        for attempt in range(3):
            done = subprocess.run([python, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
            # An engine's threads may outlive the interpreter, once in hundreds of runs: all was printed, and then it aborts.
            if done.returncode != -signal.SIGABRT or "terminate called without an active exception" not in done.stderr:
                break
            print(f"an engine aborted at its end, attempt {attempt + 1}: {code.splitlines()[0]}")
        return done.stdout + (done.stderr if done.returncode else "")


def lines(text):
    """What is compared: lines without trailing blanks, empty ones and Spark's note that it shows a part."""
    kept = (line.rstrip() for line in text.splitlines())
    # polars heads a table with its shape.
    return [line for line in kept if line and not line.startswith(("only showing", "shape:"))]


def check_statements(page, fewest, parcap):
    """Runs a page of commands and statements in a folder in which `data` is that of the repository; says how many examples are not as shown."""
    text = ROOT.joinpath(page).read_text()
    steps = STEP.findall(text)
    commands, statements = text.count("\n$ "), text.count("```sql")
    wrong = len(steps) != commands + statements or statements < fewest
    if wrong:
        print(f"{page}: {commands} commands and {statements} statements, but {len(steps)} that can be run")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT / "data", Path(folder, "data"))
        os.symlink(parcap, Path(folder, "parcap"))
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        for command, of_command, statement, of_statement in steps:
            name = command or statement.splitlines()[0]
            started = ["bash", "-c", command] if command else [sys.executable, "-c", f"import duckdb; print(duckdb.sql({statement!r}))"]
            done = subprocess.run(started, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
            printed, shown = lines(done.stdout + (done.stderr if command or done.returncode else "")), lines(of_command or of_statement)
            # How long a command took differs, so what it prints may be shown in part.
            as_shown = set(shown) <= set(printed) if command else shown == printed
            if done.returncode == 0 and as_shown:
                print(f"{page}: as shown: {name}")
            else:
                wrong += 1
                print(f"{page}: {name}: prints\n" + "\n".join(printed) + "\nbut the page shows\n" + "\n".join(shown))
    return wrong


def check_delta(examples, arguments, required):
    """Runs the examples of the page of Delta, in one environment; says how many are not as shown."""
    python, why = python_of("deltalake", arguments.environments)
    if python is None or arguments.parcap is None:
        print(f"NOT RUN: {DELTA}: deltalake: {why or '--parcap is not given'}")
        return int("deltalake" in required)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        lake = with_log(arguments.lake.resolve(), arguments.parcap.resolve(), folder)
        environment = home_with_extension(python, folder)
        for code, shown in examples:
            printed = run(python, code, lake, environment)
            name = code.splitlines()[0]
            if lines(printed) == lines(shown):
                print(f"{DELTA}: as shown: {name}")
            else:
                wrong += 1
                print(f"{DELTA}: {name}: prints\n{printed}\nbut the page shows\n{shown}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--require", default="", metavar="ENGINES")
    parser.add_argument("--environments", type=Path, metavar="FOLDER")
    parser.add_argument("--parcap", type=Path, metavar="PROGRAM")
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
        if page == DELTA:
            wrong += check_delta(examples, arguments, required)
            continue
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
    if arguments.parcap is None or importlib.util.find_spec("duckdb") is None:
        why = "--parcap is not given" if arguments.parcap is None else "duckdb is not installed"
        print(f"NOT RUN: {', '.join(STATEMENTS)}: {why}")
        wrong += "duckdb" in required
    else:
        wrong += sum(check_statements(page, fewest, arguments.parcap.resolve()) for page, fewest in STATEMENTS.items())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
