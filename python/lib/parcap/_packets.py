"""Packets of captures: a description that is read each time somebody asks."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from parcap import _parcap
from parcap._progress import Progress, shown
from parcap.errors import DamagedError, DamageWarning, ParcapError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import pandas
    import polars
    import pyarrow

Path: TypeAlias = str | os.PathLike[str]
OnDamage: TypeAlias = Literal["warn", "raise", "ignore"]
Batch = _parcap.Batch

#: The columns of the packets table, in their order.
COLUMNS: tuple[str, ...] = (
    "datetime", "dns_query", "dns_resp", "ip_dst", "ip_dst_int", "ip_src", "ip_src_int", "is_dns", "length",
    "mac_dst", "mac_dst_int", "mac_src", "mac_src_int", "port_dst", "port_src", "protocol", "time", "time_normed",
)  # fmt: skip

_LIBRARIES = frozenset({"parcap", "duckdb", "pandas", "polars", "pyarrow"})

# The file and the line of the user that began a pass.
_Place: TypeAlias = tuple[str, int]

# No bound, in microseconds since the Unix epoch.
_FIRST, _LAST = -(2**63), 2**63 - 1


class Capture(NamedTuple):
    """A capture that was found."""

    path: str
    #: ``pcap-us``, ``pcap-ns``, ``pcapng`` …; ``None`` for a stream that was not opened yet.
    format: str | None
    #: ``none``, ``gzip``, ``zstd`` …
    compression: str
    #: Bytes of the file.
    size: int


class Refused(NamedTuple):
    """What was given, and gives no packets."""

    path: str
    reason: str
    hint: str | None


class Damage(NamedTuple):
    """A damaged capture. The packets before the damage were read."""

    path: str
    #: What was announced, what was found, and where.
    message: str
    #: The packet that would have come next, from 1 on as in Wireshark.
    packet: int
    #: Offset in the decompressed capture, in bytes.
    offset: int
    #: Packets that were read.
    records: int


# A column, and values of which it has one, as texts; ``None`` is null.
_Condition: TypeAlias = tuple[str, list[str | None]]


def _condition(column: str, given: object) -> _Condition:
    values = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return column, [_text(value) for value in values]


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    # Python's truth, and that of numpy.
    return text.lower() if text in ("True", "False") else text


class Filter(NamedTuple):
    """Which packets count. A field that is not given is no condition.

    ``protocol``, ``port`` and ``net`` may be one or several: a name such as ``"UDP"`` or a number; a port, or an address or
    a prefix such as ``"192.0.2.0/24"``, of which a packet has one at its source or destination. Times are from ``start`` up
    to, not including, ``end``; without a time zone they are UTC. ``dns=True`` takes DNS messages alone.
    """

    protocol: str | int | Iterable[str | int] = ()
    net: str | Iterable[str] = ()
    start: datetime | str | None = None
    end: datetime | str | None = None
    dns: bool = False
    port: int | Iterable[int] = ()

    def _conditions(self) -> list[_Condition]:
        given = [_condition("protocol", self.protocol), _condition("port", self.port)]
        if self.dns:
            given.append(_condition("is_dns", True))
        # None of several is no condition.
        return [condition for condition in given if condition[1]]

    def _nets(self) -> list[str]:
        return [self.net] if isinstance(self.net, str) else list(self.net)

    def _times(self) -> tuple[int, int] | None:
        if self.start is None and self.end is None:
            return None
        return (_micros(self.start, _FIRST), _micros(self.end, _LAST))


def _micros(given: datetime | str | None, default: int) -> int:
    if given is None:
        return default
    from datetime import datetime, timezone

    time = datetime.fromisoformat(given) if isinstance(given, str) else given
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    since = time - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Batches:
    """One pass over packets, batch by batch. Leaving a ``with`` block, or ``close``, ends it early."""

    def __init__(self, pass_: _parcap.Pass, ended: Callable[[], None], closed: Callable[[], None]) -> None:
        self._pass = pass_
        self._ended = ended
        self._closed = closed

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        batch = self._pass.next()
        if batch is None:
            self._ended()
            raise StopIteration
        return batch

    def close(self) -> None:
        """Ends the reading, and its threads."""
        self._pass.close()
        self._closed()

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Packets:
    """Packets of captures, a row each. Nothing is read before somebody asks, and then it is read each time.

    Any library that knows Arrow takes one as it is: ``pyarrow.table(packets)``, ``polars.DataFrame(packets)``,
    ``duckdb.sql("from packets")``. Rows come in the order of the captures and of their packets. Memory is bounded: what a
    library keeps is its own.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        # For :func:`read` alone, which has the arguments and their defaults.
        self._given = given
        wanted: Filter = given["filter"]
        self._reader = _parcap.Reader(
            given["paths"],
            given["columns"],
            conditions=[*wanted._conditions(), *given["conditions"]],
            nets=wanted._nets(),
            times=wanted._times(),
            length=given["length"],
            decapsulate=given["decapsulate"],
            timestamp_unit=given["timestamp_unit"],
            text=given["text"],
            salvage=given["salvage"],
            batch_rows=given["batch_rows"],
            jobs=given["jobs"],
            chunk=given["chunk"],
        )
        self._found: tuple[list[Capture], list[Refused]] | None = None
        self._last: _parcap.Pass | None = None

    def _but(self, **changed: Any) -> Packets:
        return Packets({**self._given, **changed})

    def _chunk(self, start: int, end: int) -> Packets:
        """The packets that begin in these bytes of the one capture, which must be a plain one."""
        return self._but(chunk=(start, end))

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._given["columns"])

    @property
    def captures(self) -> list[Capture]:
        """The captures, in the order in which they are read."""
        return self._find()[0]

    @property
    def refused(self) -> list[Refused]:
        """Given paths that are no captures, each with the reason."""
        return self._find()[1]

    @property
    def damage(self) -> list[Damage]:
        """The captures that the last whole pass found damaged."""
        found = self._last.found() if self._last is not None else None
        return [Damage(*damaged) for damaged in found[0]] if found is not None else []

    def _find(self) -> tuple[list[Capture], list[Refused]]:
        if self._found is None:
            captures, refused = self._reader.find()
            self._found = ([Capture(*one) for one in captures], [Refused(*one) for one in refused])
        return self._found

    def _open(self) -> tuple[_parcap.Pass, Callable[[], None]]:
        captures, refused = self._find()
        for one in refused:
            self._note(f"{one.path}: {one.reason}", one.hint)
        if not captures and refused:
            reasons = "; ".join(f"{one.path}: {one.reason}" for one in refused)
            raise ParcapError(f"nothing to read: {reasons}")
        move, close = shown(self._given["progress"])
        pass_ = self._last = self._reader.open(self._given["limit"], move)
        return pass_, close

    def _note(self, message: str, hint: str | None, place: _Place | None = None) -> None:
        on_damage = self._given["on_damage"]
        if on_damage == "raise":
            error = DamagedError(message)
            if hint is not None:
                error.add_note(f"hint: {hint}")
            raise error
        if on_damage == "warn":
            text = message if hint is None else f"{message} (hint: {hint})"
            if place is None:
                warnings.warn(text, DamageWarning, _outside())
            else:
                warnings.warn_explicit(text, DamageWarning, *place)

    def _ended(self, pass_: _parcap.Pass, close: Callable[[], None], place: _Place | None = None) -> None:
        close()
        # Not the last one: another may have begun meanwhile.
        found = pass_.found()
        if found is None:
            return
        known = {one.path for one in self.refused}
        for path, message, *_ in found[0]:
            self._note(f"{path}: {message}", None, place)
        for path, reason, hint in found[1]:
            if path not in known:
                self._note(f"{path}: {reason}", hint, place)

    def __arrow_c_schema__(self) -> object:
        """The schema, for any library that knows Arrow."""
        return self._reader.schema()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """All rows, for any library that knows Arrow. The captures are read each time."""
        pass_, close = self._open()
        frame = sys._getframe(_outside() - 1)
        ended = partial(self._ended, pass_, close, (frame.f_code.co_filename, frame.f_lineno))
        return pass_.stream(ended, self._given["on_damage"] == "raise")

    def __iter__(self) -> Iterator[Batch]:
        """The rows in batches, each of which any library takes that knows Arrow."""
        return self.batches()

    def batches(self) -> Batches:
        """One pass, which can be ended early."""
        pass_, close = self._open()
        return Batches(pass_, partial(self._ended, pass_, close), close)

    def select(self, *columns: str) -> Packets:
        """The same packets with these columns, in this order. Others are not made, which saves a third of the time."""
        return self._but(columns=list(columns))

    def where(self, **columns: object) -> Packets:
        """Those of the packets that have these values: ``where(protocol="UDP", port_dst=[53, 5353])``.

        A value may be several, of which a packet has one; ``None`` is null. The columns are the addresses as text, the ports,
        ``protocol`` and ``is_dns``; and ``port``, which is either port. Rows of other packets are not made. What else can
        be asked is for the library that gets the rows.
        """
        asked = [_condition(column, values) for column, values in columns.items()]
        return self._but(conditions=[*self._given["conditions"], *asked])

    def head(self, n: int = 10) -> Packets:
        """The first packets."""
        limit = self._given["limit"]
        return self._but(limit=n if limit is None else min(n, limit))

    def count(self) -> int:
        """How many packets there are."""
        counted = self._but(columns=[])
        counted._found = self._find()
        pass_, close = counted._open()
        self._last = pass_
        with Batches(pass_, partial(self._ended, pass_, close), close) as batches:
            return sum(batch.num_rows for batch in batches)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a ``pyarrow.Table``."""
        pyarrow = _needed("pyarrow", "arrow")
        with self.batches() as batches:
            parts = [pyarrow.record_batch(batch) for batch in batches]
        return pyarrow.Table.from_batches(parts, pyarrow.schema(self))

    def to_pandas(
        self, *, dtype_backend: Literal["numpy_nullable", "numpy", "pyarrow"] = "numpy_nullable"
    ) -> pandas.DataFrame:
        """All rows as a ``pandas.DataFrame``.

        Whole numbers are ``Int64`` with ``<NA>`` for null, or with ``dtype_backend="numpy"`` floating-point numbers with
        NaN, as pandas makes them by itself. ``datetime`` is UTC.
        """
        pandas = _needed("pandas", "pandas")
        _needed("pyarrow", "pandas")
        # pandas holds no views, and can do little with those of pyarrow.
        asked = self._but(text="string") if self._given["text"] == "view" else self
        table = asked.to_arrow()
        self._last = asked._last
        if dtype_backend == "pyarrow":
            return table.to_pandas(types_mapper=pandas.ArrowDtype, split_blocks=True, self_destruct=True)
        if dtype_backend == "numpy":
            return table.to_pandas(split_blocks=True, self_destruct=True)
        if dtype_backend != "numpy_nullable":
            raise UsageError(f'dtype_backend is "numpy_nullable", "numpy" or "pyarrow", not {dtype_backend!r}')
        import pyarrow

        types = {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.int32(): pandas.Int32Dtype()}
        return table.to_pandas(types_mapper=types.get, split_blocks=True, self_destruct=True)

    def to_polars(self) -> polars.DataFrame:
        """All rows as a ``polars.DataFrame``. ``parcap.scan_polars`` reads no more than a query needs."""
        library = _needed("polars", "polars")
        with self.batches() as batches:
            parts = [library.DataFrame(batch) for batch in batches]
        frame: polars.DataFrame = library.concat(parts, rechunk=False) if parts else library.DataFrame(self)
        return frame

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """The rows as a relation of DuckDB, which reads the captures each time that it is asked for a result."""
        duckdb = _needed("duckdb", "duckdb")
        return (connection or duckdb).from_arrow(self)

    def __repr__(self) -> str:
        paths = ", ".join(self._given["paths"][:3]) + (" …" if len(self._given["paths"]) > 3 else "")
        return f"<parcap.Packets of {paths}: {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        """The first ten packets, for a notebook."""
        from html import escape

        try:
            _needed("pyarrow", "arrow")
        except ImportError:
            return f"<code>{escape(repr(self))}</code>"
        limit = 10 if self._given["limit"] is None else min(10, self._given["limit"])
        rows = self._but(limit=limit, on_damage="ignore", progress=None).to_arrow().to_pylist()
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in self.columns) + "</tr>" for row in rows
        )
        note = f"<p>{escape(repr(self))}, the first {len(rows)} packets</p>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def _cell(value: object) -> str:
    from html import escape

    return "" if value is None else escape(str(value))


def _outside() -> int:
    """The `stacklevel` of a warning that points to the line of the user: the first frame that is not of this package, or of a
    library that reads packets."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    return level


def _needed(module: str, extra: str) -> Any:
    """A library that parcap does without, unless it is asked for."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"this needs {module}: pip install 'parcap[{extra}]'", name=module) from error


def _decapsulation(kinds: str | Sequence[str], ports: Mapping[str, int | Sequence[int]]) -> list[str]:
    """The kinds of tunnels, then ``kind=port``."""
    named = kinds.split(",") if isinstance(kinds, str) else list(kinds)
    named = [name for one in named if (name := one.strip())]
    given = [(kind, [port] if isinstance(port, int) else list(port)) for kind, port in ports.items()]
    # Which ones all are is known in Rust.
    return [*named, *(f"{kind}={port}" for kind, some in given for port in some)]


def read(
    paths: Path | Iterable[Path],
    columns: Sequence[str] | None = None,
    *,
    filter: Filter | None = None,
    limit: int | None = None,
    length: Literal["wire", "captured"] = "wire",
    decapsulate: str | Sequence[str] = (),
    tunnel_ports: Mapping[str, int | Sequence[int]] | None = None,
    timestamp_unit: Literal["us", "ns"] = "us",
    text: Literal["string", "view", "dictionary"] = "string",
    salvage: bool = False,
    batch_rows: int | None = None,
    jobs: int = 0,
    on_damage: OnDamage = "warn",
    progress: Progress = None,
) -> Packets:
    """Describes the packets of captures: files, folders (walked), patterns.

    Args:
        paths: One path, or several.
        columns: Names of columns, in the order that is wanted; all 18 if none are given.
        filter: Which packets count.
        limit: The most packets.
        length: What ``length`` counts: bytes on the wire, or captured bytes.
        decapsulate: Tunnels that are looked into: ``"all"``, or some of ``vxlan``, ``geneve``, ``gre``, ``erspan``, ``gtpu``,
            ``ipip``, ``l2tp``, ``tzsp``, ``mplsudp``, ``teredo``, as a list or with commas between. The columns are then those of
            the innermost packet that decodes.
        tunnel_ports: UDP ports by which kinds are known too: ``{"vxlan": 14789}``, or a list of ports.
        timestamp_unit: The unit of ``datetime``.
        text: How Arrow holds text: ``"string"``, in each row; ``"dictionary"``, each distinct text of a batch once, which
            takes the least time and memory, and is categorical in pandas and polars; ``"view"``, as polars holds text.
        salvage: Whether reading goes on after damage.
        batch_rows: The most rows of a batch.
        jobs: Threads that decode; 0 for one a core.
        on_damage: ``"warn"`` warns of damaged captures and of what is none (:class:`DamageWarning`), ``"raise"`` raises
            :class:`DamagedError`.
        progress: ``True`` for a bar (tqdm, if it is there) at each pass, or a function of bytes read, bytes in all and
            packets.

    Returns:
        A description that reads nothing by itself, and may be read any number of times.
    """
    if on_damage not in ("warn", "raise", "ignore"):
        raise UsageError(f'on_damage is "warn", "raise" or "ignore", not {on_damage!r}')
    if limit is not None and limit < 0:
        raise UsageError(f"limit is a number of packets, not {limit}")
    if isinstance(columns, str):
        raise UsageError(f"columns is a list of names: columns=[{columns!r}]")
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return Packets(
        {
            "paths": [os.fspath(path) for path in named],
            "columns": list(COLUMNS if columns is None else columns),
            "filter": filter or Filter(),
            "limit": limit,
            "length": length,
            "decapsulate": _decapsulation(decapsulate, tunnel_ports or {}),
            "timestamp_unit": timestamp_unit,
            "text": text,
            "salvage": salvage,
            "batch_rows": batch_rows,
            "jobs": jobs,
            "on_damage": on_damage,
            "progress": progress,
            "conditions": [],
            "chunk": None,
        }
    )
