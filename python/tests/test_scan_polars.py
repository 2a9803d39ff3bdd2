"""A query of ``scan_polars`` has the rows that the same query has of a whole frame."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import timedelta
from functools import cache, reduce
from typing import Any, Literal

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import parcap
from conftest import DATA

# Small ones that differ: nulls in most columns, names, several link types, damage, compression.
CAPTURES = [
    ("captures/office-hour.pcap",),
    ("captures/undecoded.pcap", "captures/dns.pcapng", "captures/no-time.pcapng"),
    ("damaged/cut-in-packet.pcap", "captures/any.pcap", "damaged/cut-in-block.pcapng", "captures/nanosecond.pcap"),
    ("captures/rotated", "captures/fragments.pcap"),
    ("captures/rotated/office-20240311-120300.pcap",),
]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
Paths = tuple[str, ...]
Query = Callable[[Any], Any]


@cache
def whole(paths: Paths) -> polars.DataFrame:
    return read(paths).to_polars()


def read(paths: Paths, **as_read: Any) -> parcap.Packets:
    return parcap.read([DATA / path for path in paths], on_damage="ignore", **as_read)


@cache
def values(name: str) -> list[Any]:
    """Those of a column in all captures, so that most comparisons are true of some rows and false of others."""
    return polars.concat([whole(paths) for paths in CAPTURES])[name].unique().drop_nulls().sort().to_list()


def a_value(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(values(name))


def conditions(name: str, kind: polars.DataType) -> st.SearchStrategy[polars.Expr]:
    column = polars.col(name)
    if kind == polars.Boolean:
        return st.sampled_from([column, column.is_null(), column.fill_null(True), column.eq_missing(polars.lit(False))])
    some = st.lists(a_value(name), min_size=1, max_size=4)
    of_any = [
        st.sampled_from([column.is_null(), column.is_not_null()]),
        st.builds(lambda compare, value: compare(column, value), st.sampled_from(COMPARISONS), a_value(name)),
        st.builds(lambda value, other: column.is_between(polars.lit(value), polars.lit(other)), a_value(name), a_value(name)),
        some.map(lambda found: column.is_in(found)),
        some.map(lambda found: column.is_in([*found, None], nulls_equal=True)),
        a_value(name).map(lambda value: column.ne_missing(value)),
    ]
    if kind == polars.String:
        parts = st.builds(lambda text, end: text[:end], a_value(name), st.integers(0, 12))
        of_kind = [
            parts.map(lambda part: column.str.starts_with(part)),
            parts.map(lambda part: column.str.ends_with(part[-3:])),
            parts.map(lambda part: column.str.contains(part, literal=True)),
            st.integers(0, 40).map(lambda length: column.str.len_bytes() < length),
        ]
    elif kind == polars.Datetime:
        moved = st.builds(
            lambda time, by: time + timedelta(microseconds=by), a_value(name), st.integers(-(10**6), 10**6)
        )
        of_kind = [
            st.builds(lambda compare, time: compare(column, time), st.sampled_from(COMPARISONS), moved),
            st.integers(0, 59).map(lambda second: column.dt.second() == second),
            st.just(column.dt.date() == values(name)[0].date()),
        ]
    elif kind.is_float():
        of_kind = [st.floats(0, 3, allow_nan=False).map(lambda value: column - column.min() < value)]
    else:
        of_kind = [st.builds(lambda by, rest: column % by == rest, st.integers(2, 9), st.integers(0, 3))]
    return st.one_of(*of_any, *of_kind)


def filters() -> st.SearchStrategy[polars.Expr]:
    schema = whole(CAPTURES[0]).schema
    alone = st.sampled_from(parcap.COLUMNS).flatmap(lambda name: conditions(name, schema[name]))
    pairs = [("ip_src", "ip_dst"), ("port_src", "port_dst"), ("mac_src_int", "ip_src_int"), ("length", "port_dst")]
    two = st.builds(
        lambda compare, pair: compare(*map(polars.col, pair)), st.sampled_from(COMPARISONS), st.sampled_from(pairs)
    )
    return st.recursive(
        st.one_of(alone, two),
        lambda inner: st.one_of(
            inner.map(operator.invert),
            st.builds(operator.and_, inner, inner),
            st.builds(operator.or_, inner, inner),
            st.builds(operator.xor, inner, inner),
        ),
        max_leaves=6,
    )


def projections() -> st.SearchStrategy[Query]:
    names = st.lists(st.sampled_from(parcap.COLUMNS), min_size=1, unique=True)
    return names.map(lambda chosen: lambda frame: frame.select(chosen))


def steps() -> st.SearchStrategy[Query]:
    """What a query does before its projection."""
    number = st.integers(0, 120)
    return st.one_of(
        st.deferred(filters).map(lambda asked: lambda frame: frame.filter(asked)),
        number.map(lambda rows: lambda frame: frame.head(rows)),
        st.builds(lambda offset, rows: lambda frame: frame.slice(offset, rows), number, number),
        number.map(lambda rows: lambda frame: frame.tail(rows)),
    )


def run(query: Query, paths: Paths, engine: Literal["in-memory", "streaming"], **as_read: Any) -> None:
    scanned = parcap.scan_polars([DATA / path for path in paths], on_damage="ignore", **as_read)
    found, wanted = query(scanned).collect(engine=engine), query(whole(paths))
    assert found.schema == wanted.schema
    assert found.equals(wanted), f"{found}\n{wanted}"


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    paths=st.sampled_from(CAPTURES),
    asked=st.deferred(filters),
    projected=projections(),
    first=st.none() | st.integers(0, 200),
    head=st.none() | st.integers(0, 60),
    batch_rows=st.sampled_from([None, 7]),
)
def test_filters_and_projections(
    engine: Literal["in-memory", "streaming"],
    paths: Paths,
    asked: polars.Expr,
    projected: Query,
    first: int | None,
    head: int | None,
    batch_rows: int | None,
) -> None:
    def query(frame: Any) -> Any:
        # Of the first packets those that match is not the same as the first that match.
        rows = projected((frame if first is None else frame.head(first)).filter(asked))
        return rows if head is None else rows.head(head)

    run(query, paths, engine, batch_rows=batch_rows)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CAPTURES), st.lists(steps(), max_size=3), projections())
def test_steps_in_any_order(
    engine: Literal["in-memory", "streaming"], paths: Paths, before: list[Query], projected: Query
) -> None:
    def query(frame: Any) -> Any:
        return projected(reduce(lambda rows, step: step(rows), before, frame))

    run(query, paths, engine, batch_rows=16, jobs=1)
