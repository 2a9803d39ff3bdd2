"""``python -m parcap.spark INPUT… --out LAKE``, or the same for ``spark-submit``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from parcap.errors import LakeBusy, ParcapError, UsageError
from parcap.spark import convert


def main() -> None:
    """Runs a conversion as a job of Spark. The exit status is that of ``parcap convert``."""
    parser = argparse.ArgumentParser(
        prog="python -m parcap.spark",
        description="Converts captures on a Spark cluster.",
        epilog="All other options are those of `parcap convert`, as --NAME=VALUE or --NAME.",
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="captures: files, folders (walked), quoted patterns")
    parser.add_argument("-o", "--out", required=True, metavar="LAKE", help="the lake")
    parser.add_argument("--master", help="the cluster, if spark-submit does not say it")
    parser.add_argument("--tasks", type=int, metavar="N", help="tasks of the job [default: four a core, or one for each GiB if that is more]")
    given, others = parser.parse_known_args()
    options: dict[str, Any] = {}
    for other in others:
        if not other.startswith("--"):
            parser.error(f"{other}: write options of `parcap convert` as --NAME=VALUE")
        name, has_value, value = other.removeprefix("--").partition("=")
        options[name.replace("-", "_")] = value if has_value else True
    from pyspark.sql import SparkSession

    # Executors on this machine: the Python that runs this. Elsewhere the cluster says which.
    if not os.environ.get("PYSPARK_PYTHON") and (given.master or "").startswith("local"):
        os.environ["PYSPARK_PYTHON"] = sys.executable
    builder: Any = SparkSession.builder
    spark = (builder.master(given.master) if given.master else builder).appName("parcap").getOrCreate()
    try:
        report = convert(
            spark, given.inputs, given.out, tasks=given.tasks, progress=sys.stderr.isatty(), on_damage="ignore", **options
        )
    except ParcapError as error:
        print(f"error: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 75 if isinstance(error, LakeBusy) else 1)
    finally:
        spark.stop()
    print(report.messages, end="", file=sys.stderr)
    sys.exit(0 if report.complete else 3)
