"""Captures as a data source of Spark 4: ``spark.read.format("pcap")``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from parcap._packets import COLUMNS, read
from parcap.errors import ParcapError, UsageError

if TYPE_CHECKING:
    from parcap._packets import Capture

    import pyarrow
    from pyspark.sql.types import StructType

# Types of Spark by those of Arrow. What is left are times.
_TYPES = {"string": "string", "int64": "bigint", "int32": "int", "bool": "boolean", "double": "double"}

# Columns of which packets can be asked before their rows are made.
_ASKED = frozenset({"ip_dst", "ip_src", "is_dns", "mac_dst", "mac_src", "port_dst", "port_src", "protocol"})


# The most chunks of a capture, if no size of chunks was asked for. The records before a chunk are walked, so 16 chunks read a
# capture eight times, and twice as many would read it twice as often.
_MOST_CHUNKS = 16
# Of 1 GB of small packets, 4 partitions take 0.76 of the time of one on two cores, and 16 take 1.1.
_CHUNK_SIZE = 256 << 20
_SIZES = {
    "TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10,
    "TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 1000, "KB": 1000, "B": 1,
}  # fmt: skip

# The bytes of a capture in which its packets begin; ``None`` for all of it.
_Chunk: TypeAlias = tuple[int, int] | None


def _bytes(text: str) -> int:
    """``64MiB``, ``1GB``, ``4096``."""
    unit = next((unit for unit in _SIZES if text.endswith(unit)), "")
    number = text.removesuffix(unit).strip()
    size = int(number) * _SIZES.get(unit, 1) if number.isascii() and number.isdigit() else 0
    if size == 0:
        raise UsageError(f"chunk_size is a size such as 64MiB, 1GB or 4096, not {text!r}")
    return size


def _ports(text: str) -> dict[str, list[int]]:
    """``vxlan=14789,gtpu=12152``."""
    ports: dict[str, list[int]] = {}
    for one in filter(None, (one.strip() for one in text.split(","))):
        kind, _, port = one.partition("=")
        if not (port.isascii() and port.isdigit()):
            raise UsageError(f"tunnel_ports names kinds and ports, such as vxlan=14789, not {one!r}")
        ports.setdefault(kind, []).append(int(port))
    return ports


def _chunks(capture: Capture, chunk_size: int | None) -> list[_Chunk]:
    """What is read at a stretch: a chunk, or a capture that has little more than one or can only be read whole."""
    size = chunk_size or max(_CHUNK_SIZE, -(-capture.size // _MOST_CHUNKS))
    # A stream has no format before it is opened.
    if capture.compression != "none" or capture.format is None or capture.size <= size + size // 2:
        return [None]
    return [(start, min(start + size, capture.size)) for start in range(0, capture.size, size)]


class PcapSource(DataSource):
    """Packets of captures. A partition is a capture, or a chunk of a large one that is not compressed.

    ``load`` takes a file, a folder or a pattern, which the driver and the executors see by the same path. Only the columns
    of ``.schema("ip_dst string, length bigint")`` are made. Options: ``columns`` (names with commas between, instead of a
    schema), ``length`` (``wire``, ``captured``), ``decapsulate`` (``all``, or kinds with commas between), ``tunnel_ports``
    (``vxlan=14789``, with commas between), ``salvage`` and ``on_damage`` as for :func:`parcap.read`; damage is a
    warning in the log of the executor that meets it, unless ``on_damage`` is ``raise``. ``chunk_size`` (``64MiB``, ``4096``)
    is how much of a capture a partition has: 256 MiB, or a sixteenth of what is larger than 4 GiB.
    """

    @classmethod
    def name(cls) -> str:
        return "pcap"

    @classmethod
    def with_pushdown(cls) -> type[PcapSource]:
        """The source, with filters on addresses, ports, ``protocol`` and ``is_dns`` at the captures. It needs
        ``spark.sql.python.filterPushdown.enabled``, without which Spark refuses a source that can do this."""
        return PushdownSource

    def schema(self) -> str:
        import pyarrow

        named = self.options.get("columns")
        columns = COLUMNS if named is None else [name.strip() for name in named.split(",")]
        fields = pyarrow.schema(read([], columns))
        return ", ".join(f"{field.name} {_TYPES.get(str(field.type), 'timestamp')}" for field in fields)

    def reader(self, schema: StructType) -> PcapReader:
        return PcapReader(schema.names, dict(self.options))


class PcapReader(DataSourceReader):
    """Reads captures, one or a chunk of one a partition."""

    def __init__(self, columns: list[str], options: dict[str, str]) -> None:
        self._columns = columns
        self._options = options
        self._conditions: dict[str, list[Any]] = {}
        size = options.get("chunk_size")
        self._chunk_size = None if size is None else _bytes(size)

    def _packets(self, paths: list[str]) -> Any:
        options = self._options
        salvage = options.get("salvage", "false").lower() == "true"
        length: Any = options.get("length", "wire")
        on_damage: Any = options.get("on_damage", "warn")
        packets = read(
            paths,
            self._columns,
            length=length,
            decapsulate=options.get("decapsulate", ""),
            tunnel_ports=_ports(options.get("tunnel_ports", "")),
            salvage=salvage,
            on_damage=on_damage,
            jobs=1,
        )
        return packets.where(**self._conditions) if self._conditions else packets

    def partitions(self) -> list[InputPartition]:
        given = self._options.get("paths")
        paths = json.loads(given) if given else [self._options["path"]] if "path" in self._options else []
        if not paths:
            raise ParcapError("give a capture, a folder or a pattern: load(PATH)")
        packets = self._packets(paths)
        if not packets.captures:
            reasons = "; ".join(f"{one.path}: {one.reason}" for one in packets.refused)
            raise ParcapError(f"nothing to read: {reasons or paths}")
        return [
            InputPartition((capture.path, chunk))
            for capture in packets.captures
            for chunk in _chunks(capture, self._chunk_size)
        ]

    def read(self, partition: InputPartition) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow

        path, chunk = partition.value
        packets = self._packets([path])
        for batch in packets if chunk is None else packets._chunk(*chunk):
            made = pyarrow.record_batch(batch)
            # Spark says of all of its columns that they may be null.
            schema = pyarrow.schema([field.with_nullable(True) for field in made.schema])
            yield pyarrow.RecordBatch.from_arrays(made.columns, schema=schema)


class PushdownReader(PcapReader):
    """Asks the captures for packets."""

    def pushFilters(self, filters: list[Any]) -> Iterable[Any]:
        from pyspark.sql.datasource import EqualTo, In

        for one in filters:
            # Another spelling of an address is equal here, and not to Spark: it filters again.
            yield one
            if isinstance(one, EqualTo | In) and len(one.attribute) == 1:
                values = [one.value] if isinstance(one, EqualTo) else list(one.value)
                self._ask(one.attribute[0], values)

    def _ask(self, column: str, values: list[Any]) -> None:
        if column not in _ASKED or column in self._conditions:
            return
        try:
            read([]).where(**{column: values})
        except UsageError:
            # No packet has such a value. That is no fault of a query, and Spark finds it out.
            return
        self._conditions[column] = values


class PushdownSource(PcapSource):
    """See :meth:`PcapSource.with_pushdown`."""

    def reader(self, schema: StructType) -> PushdownReader:
        return PushdownReader(schema.names, dict(self.options))
