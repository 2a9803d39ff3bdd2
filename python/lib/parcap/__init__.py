"""Packet captures as DataFrames, and into a Parquet lake.

>>> import parcap
>>> parcap.read("capture.pcap").to_pandas()            # one row a packet, 18 columns
>>> parcap.convert("captures/", "lake")                # what the command ``parcap convert`` does

``import parcap`` imports no other package, and starts no thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcap._commands import (
    Report,
    Summaries,
    Table,
    commit,
    compact,
    convert,
    convert_unit,
    delta,
    extract,
    flows,
    forget,
    inspect,
    plan,
    report,
    summarize,
    verify,
    version,
)
from parcap._packets import COLUMNS, Batch, Batches, Capture, Damage, Filter, Packets, Refused, read
from parcap.errors import (
    DamagedError,
    DamageWarning,
    LakeBusy,
    LakeError,
    ParcapError,
    SettingsDiffer,
    UsageError,
)

if TYPE_CHECKING:
    from parcap._polars import scan_polars

__all__ = [
    "COLUMNS",
    "Batch",
    "Batches",
    "Capture",
    "Damage",
    "DamageWarning",
    "DamagedError",
    "Filter",
    "LakeBusy",
    "LakeError",
    "Packets",
    "ParcapError",
    "Refused",
    "Report",
    "SettingsDiffer",
    "Summaries",
    "Table",
    "UsageError",
    "commit",
    "compact",
    "convert",
    "convert_unit",
    "delta",
    "extract",
    "flows",
    "forget",
    "inspect",
    "plan",
    "read",
    "report",
    "scan_polars",
    "summarize",
    "verify",
    "version",
]


def __getattr__(name: str) -> object:
    # Polars is imported only for those who use it.
    if name == "scan_polars":
        from parcap._polars import scan_polars

        return scan_polars
    raise AttributeError(f"module 'parcap' has no attribute {name!r}")
