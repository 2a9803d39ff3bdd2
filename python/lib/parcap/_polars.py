"""Captures as a ``polars.LazyFrame`` that reads no more than a query needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars
from polars.io.plugins import register_io_source

from parcap._packets import Packets, Path, read


def scan_polars(paths: Path | Iterable[Path], **as_read: Any) -> polars.LazyFrame:
    """The packets of captures, for a query of polars. Only the columns are made that it needs, its filters work on each
    batch, and ``head`` ends the reading early.

    Args:
        paths: As for :func:`parcap.read`.
        **as_read: As for :func:`parcap.read`, without ``columns``.
    """
    packets = read(paths, **as_read)
    schema = polars.DataFrame(packets.head(0)).schema

    def source(
        with_columns: list[str] | None, predicate: polars.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[polars.DataFrame]:
        wanted = list(schema) if with_columns is None else with_columns
        roots = [] if predicate is None else predicate.meta.root_names()
        needed = [*wanted, *(name for name in roots if name not in wanted)]
        yield from _frames(packets.select(*needed), wanted, predicate, n_rows)

    return register_io_source(source, schema=schema, is_pure=True)


def _frames(
    packets: Packets, wanted: list[str], predicate: polars.Expr | None, n_rows: int | None
) -> Iterator[polars.DataFrame]:
    # Rows count before the filter.
    packets = packets if n_rows is None else packets.head(n_rows)
    with packets.batches() as batches:
        for batch in batches:
            frame = polars.DataFrame(batch)
            yield (frame if predicate is None else frame.filter(predicate)).select(wanted)
