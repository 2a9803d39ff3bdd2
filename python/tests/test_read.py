"""Captures as rows: the same as in a lake, in any library, each time that they are read."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pytest

import parcap
from conftest import DATA

CAPTURES = sorted(path for path in (DATA / "captures").iterdir() if path.suffix not in {".md", ".tsv"})
DAMAGED = sorted(path for path in (DATA / "damaged").iterdir() if path.suffix not in {".md", ".tsv"})
TEXT = ["dns_query", "dns_resp", "ip_dst", "ip_src", "mac_dst", "mac_src", "protocol"]


def rows_of(table: pyarrow.Table) -> list[tuple[object, ...]]:
    # NaN would differ from itself.
    return [tuple(repr(value) for value in row.values()) for row in table.to_pylist()]


def of_lake(lake: Path) -> list[tuple[object, ...]]:
    if not (lake / "packets").exists():
        return []
    packets = pyarrow.dataset.dataset(lake / "packets", format="parquet").to_table(columns=list(parcap.COLUMNS))
    schema = parcap.read(DATA / "captures" / "office-hour.pcap").to_arrow().schema
    return rows_of(packets.cast(schema))


@pytest.mark.parametrize("capture", CAPTURES + DAMAGED, ids=lambda path: path.name)
def test_rows_are_those_of_a_lake(capture: Path, tmp_path: Path) -> None:
    try:
        read = rows_of(parcap.read(capture, on_damage="ignore").to_arrow())
    except parcap.ParcapError:
        read = []
    parcap.convert(capture, tmp_path / "lake", on_damage="ignore")
    assert Counter(read) == Counter(of_lake(tmp_path / "lake"))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_threads_and_batches_change_no_row_and_no_order(capture: Path) -> None:
    one = rows_of(parcap.read(capture, jobs=1, on_damage="ignore").to_arrow())
    assert rows_of(parcap.read(capture, jobs=3, batch_rows=7, on_damage="ignore").to_arrow()) == one


@pytest.mark.parametrize("capture", CAPTURES + DAMAGED, ids=lambda path: path.name)
@pytest.mark.parametrize("kind", ["view", "dictionary"])
def test_text_is_the_same_in_any_kind(capture: Path, kind: Any) -> None:
    try:
        usual = parcap.read(capture, on_damage="ignore").to_arrow()
    except parcap.ParcapError:
        return
    # Small batches: each has a dictionary of its own.
    packets = parcap.read(capture, text=kind, batch_rows=50, on_damage="ignore")
    assert rows_of(packets.to_arrow()) == rows_of(usual)
    # What others make of it, without the types.
    assert packets.to_pandas().astype({name: "str" for name in TEXT}).equals(
        parcap.read(capture, on_damage="ignore").to_pandas()
    )
    assert packets.to_polars().with_columns(polars.col(TEXT).cast(polars.String)).equals(polars.DataFrame(usual))
    columns = ", ".join(f"{name}::varchar" for name in TEXT)
    assert duckdb.sql(f"select {columns} from packets").fetchall() == duckdb.sql(f"select {columns} from usual").fetchall()


@pytest.mark.parametrize(
    "kind, in_arrow, in_polars, in_pandas",
    [
        ("string", pyarrow.string(), polars.String, "str"),
        ("view", pyarrow.string_view(), polars.String, "str"),
        ("dictionary", pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), polars.Categorical, "category"),
    ],
)
def test_each_kind_of_text_has_its_type(
    office: str, kind: Any, in_arrow: pyarrow.DataType, in_polars: type[polars.DataType], in_pandas: str
) -> None:
    packets = parcap.read(office, text=kind)
    schema, types = packets.to_arrow().schema, packets.to_pandas().dtypes.astype(str)
    relation = packets.to_duckdb()
    assert pyarrow.schema(packets) == schema
    for name in parcap.COLUMNS:
        is_text = name in TEXT
        assert (schema.field(name).type == in_arrow) == is_text
        assert (packets.to_polars().schema[name] == in_polars) == is_text
        assert (types[name] == in_pandas) == is_text
        assert (str(relation.types[relation.columns.index(name)]) == "VARCHAR") == is_text
    addresses = parcap.read(office).to_arrow().column("ip_dst").drop_null().to_pylist()
    backend: Any
    for backend in ["numpy_nullable", "numpy", "pyarrow"]:
        texts = packets.to_pandas(dtype_backend=backend)["ip_dst"].astype("str").tolist()
        assert [text for text in texts if isinstance(text, str)] == addresses


def test_damage_is_told_of_with_any_kind_of_text(cut: str) -> None:
    kind: Any
    for kind in ["string", "view", "dictionary"]:
        packets = parcap.read(cut, text=kind, on_damage="ignore")
        frame = packets.to_pandas()
        assert [one.records for one in packets.damage] == [len(frame)]


def test_there_is_no_other_kind_of_text(office: str) -> None:
    with pytest.raises(parcap.UsageError, match='not "varchar"'):
        parcap.read(office, text="varchar")  # type: ignore[arg-type]


def test_captures_are_read_as_often_as_somebody_asks(office: str) -> None:
    packets = parcap.read(office)
    assert packets.count() == packets.count() == pyarrow.table(packets).num_rows == 468
    assert polars.DataFrame(packets).height == packets.to_polars().height == packets.to_pandas().shape[0] == 468
    # Each side of a join is a pass of its own.
    joined = duckdb.sql("select count(*) from packets a join packets b using (time, length, ip_src, ip_dst)").fetchall()[0]
    assert joined[0] > 0
    assert packets.to_duckdb().aggregate("sum(length)").fetchall() == [(134133,)]


def test_further_columns_are_those_of_a_lake(office: str, tmp_path: Path) -> None:
    wanted = ["tcp_flags", "ip_dst", "ip_more_fragments", "payload_length"]
    parcap.convert(office, tmp_path / "lake", columns="ip,transport")
    parts = pyarrow.dataset.dataset(tmp_path / "lake" / "packets", format="parquet", partitioning="hive")
    kept = parts.to_table(columns=wanted)
    read = parcap.read(office, wanted).to_arrow()
    assert read.schema.types == [pyarrow.int32(), pyarrow.string(), pyarrow.bool_(), pyarrow.int64()]
    assert read.to_pylist() == kept.to_pylist()
    # SYN without ACK: as many as conversations begin.
    assert 0 < sum(flags == 2 for flags in read["tcp_flags"].to_pylist()) < read.num_rows / 10
    with pytest.raises(parcap.UsageError, match="`--columns"):
        parcap.convert(office, tmp_path / "lake", force=True)


def test_tunnels_are_looked_into_as_in_a_lake(tmp_path: Path) -> None:
    tunnels = str(DATA / "captures" / "tunnels.pcap")
    wanted = ["ip_dst", "port_dst", "dns_query", "tunnel", "tunnel_id", "outer_ip_dst"]
    parcap.convert(tunnels, tmp_path / "lake", columns="tunnel", decapsulate="all")
    parts = pyarrow.dataset.dataset(tmp_path / "lake" / "packets", format="parquet").to_table(columns=wanted)
    inside = parcap.read(tunnels, wanted, decapsulate="all").to_arrow()
    assert inside.equals(parts.cast(inside.schema))
    assert inside["tunnel"].to_pylist() == ["GRE", "IPIP", "IPIP", "IPIP", "IPIP", "VXLAN", None, None, None, None]
    some = parcap.read(tunnels, wanted, decapsulate=["vxlan", "gre"]).to_arrow()
    assert some["tunnel"].to_pylist() == ["GRE", None, None, None, None, "VXLAN", None, None, None, None]
    assert parcap.read(tunnels, wanted, decapsulate="vxlan, gre").to_arrow().equals(some)
    assert set(parcap.read(tunnels, ["tunnel"]).to_arrow()["tunnel"].to_pylist()) == {None}


def test_a_port_of_a_tunnel_can_be_given(tmp_path: Path) -> None:
    moved = tmp_path / "moved.pcap"
    # 4789 becomes 14789.
    moved.write_bytes((DATA / "captures" / "tunnels.pcap").read_bytes().replace(b"\xc3\x50\x12\xb5", b"\xc3\x50\x39\xc5"))

    def taken_off(**options: Any) -> object:
        return parcap.read(moved, ["tunnel"], **options).to_arrow()["tunnel"].to_pylist()[5]

    assert taken_off(decapsulate="all") is None
    assert taken_off(decapsulate="all", tunnel_ports={"vxlan": 14789}) == "VXLAN"
    assert taken_off(decapsulate=["vxlan"], tunnel_ports={"vxlan": [1, 14789]}) == "VXLAN"
    for wrong in ({"decapsulate": "smoke"}, {"tunnel_ports": {"vxlan": 1}}, {"decapsulate": "all", "tunnel_ports": {"gre": 1}}):
        with pytest.raises(parcap.UsageError):
            taken_off(**wrong)


def test_columns_come_in_the_order_that_is_wanted(office: str) -> None:
    packets = parcap.read(office, columns=["length", "ip_dst"])
    assert packets.columns == packets.to_arrow().column_names == ["length", "ip_dst"]
    whole = parcap.read(office).to_arrow()
    assert packets.to_arrow().column("length") == whole.column("length")
    assert packets.select("time").to_arrow().column("time") == whole.column("time")
    assert parcap.read(office, columns=[]).count() == 468
    with pytest.raises(parcap.UsageError, match="lenght"):
        parcap.read(office, columns=["lenght"])
    with pytest.raises(parcap.UsageError, match=r"columns=\['length'\]"):
        parcap.read(office, columns="length")


def test_filters_take_what_a_query_takes(office: str) -> None:
    whole = parcap.read(office).to_polars()
    port = polars.col("ip_src") == "192.0.2.10", polars.col("ip_dst") == "192.0.2.10"
    middle = whole["datetime"][200]
    for given, wanted in [
        (parcap.Filter(protocol="UDP"), whole.filter(polars.col("protocol") == "UDP")),
        (parcap.Filter(protocol=["TCP", 17]), whole.filter(polars.col("protocol").is_in(["TCP", "UDP"]))),
        (parcap.Filter(net="192.0.2.10"), whole.filter(port[0] | port[1])),
        (parcap.Filter(dns=True), whole.filter(polars.col("is_dns"))),
        (parcap.Filter(start=middle), whole.filter(polars.col("datetime") >= middle)),
        (parcap.Filter(end=middle.isoformat()), whole.filter(polars.col("datetime") < middle)),
    ]:
        assert 0 < wanted.height < whole.height
        assert parcap.read(office, filter=given).to_polars().equals(wanted), given
    with pytest.raises(parcap.UsageError, match="UPD"):
        parcap.read(office, filter=parcap.Filter(protocol="UPD"))
    with pytest.raises(parcap.UsageError, match="192.0.2.0/99"):
        parcap.read(office, filter=parcap.Filter(net="192.0.2.0/99"))


def test_the_first_packets_are_the_first_ones(office: str) -> None:
    whole = parcap.read(office).to_arrow()
    for n in [0, 1, 100, 468, 10_000]:
        assert parcap.read(office).head(n).to_arrow() == whole.slice(0, n)
    assert parcap.read(office, limit=5).head(50).count() == 5
    assert "<table>" in parcap.read(office)._repr_html_()


def test_types_are_those_of_a_notebook(office: str) -> None:
    frame = parcap.read(office).to_pandas()
    types = frame.dtypes.astype(str)
    assert types["datetime"] == "datetime64[us, UTC]" and types["ip_dst_int"] == types["length"] == "Int64"
    assert parcap.read(office, timestamp_unit="ns").to_pandas()["datetime"].dtype == "datetime64[ns, UTC]"
    assert parcap.read(office).to_pandas(dtype_backend="numpy")["port_dst"].dtype == "float64"


def rows_by(reading: str, packets: parcap.Packets) -> int:
    if reading == "__iter__":
        return sum(batch.num_rows for batch in packets)
    result = getattr(packets, reading)()
    return result if isinstance(result, int) else len(result)


def test_damage_is_said_and_what_came_before_it_is_there(cut: str, office: str) -> None:
    packets = parcap.read([office, cut])
    with pytest.warns(parcap.DamageWarning, match="cut-in-packet.pcap: packet .* is cut off at byte") as told:
        rows = packets.to_arrow().num_rows
    # The line of the user, and not one of the package.
    assert told[0].filename == __file__
    assert [damage.path for damage in packets.damage] == [cut]
    assert rows == 468 + packets.damage[0].records
    # Every way to read it says so.
    for reading in ["to_arrow", "to_pandas", "to_polars", "count", "__iter__"]:
        again = parcap.read([office, cut])
        with pytest.warns(parcap.DamageWarning, match="is cut off at byte"):
            assert rows_by(reading, again) == rows
        assert [damage.path for damage in again.damage] == [cut], reading
        with pytest.raises(parcap.DamagedError, match="is cut off"):
            rows_by(reading, parcap.read(cut, on_damage="raise"))
    with pytest.warns(parcap.DamageWarning, match="is cut off at byte"):
        assert parcap.scan_polars([office, cut]).collect().height == rows
    with pytest.warns(parcap.DamageWarning, match="is cut off at byte"):
        assert pyarrow.table(packets).num_rows == rows
    for reading in [pyarrow.table, polars.DataFrame, lambda raising: duckdb.sql("from raising").fetchall()]:
        with pytest.raises(Exception, match="is cut off at byte"):
            reading(parcap.read(cut, on_damage="raise"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parcap.read([office, cut], on_damage="ignore").count() == rows


@pytest.mark.parametrize("reading", ["sql", "to_duckdb", "thread"])
def test_damage_that_others_meet_on_their_threads_is_said_too(reading: str, cut: str, office: str) -> None:
    packets = parcap.read([office, cut])
    here = sys._getframe().f_lineno
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if reading == "sql":
            rows = duckdb.sql("select count(*) from packets").fetchall()
        elif reading == "to_duckdb":
            rows = packets.to_duckdb().aggregate("count(*)").fetchall()
        else:
            thread = threading.Thread(target=lambda: pyarrow.table(packets))
            thread.start()
            thread.join()
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [str(one.message).split(": packet")[0] for one in told] == [cut]
    assert told[0].category is parcap.DamageWarning
    if reading == "thread":
        # DuckDB may ask for the rows on a thread without a line of the user.
        assert told[0].filename == __file__ and here < told[0].lineno < here + 15
    else:
        assert rows == [(468 + packets.damage[0].records,)]


def test_what_is_no_capture_is_named(office: str, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no capture")
    with pytest.raises(parcap.ParcapError, match="nothing to read: .*notes.txt"), pytest.warns(parcap.DamageWarning):
        parcap.read(text).to_arrow()
    packets = parcap.read([office, tmp_path / "missing.pcap"])
    assert [capture.path for capture in packets.captures] == [office]
    assert [refused.reason for refused in packets.refused] == ["does not exist"]
    with pytest.warns(parcap.DamageWarning, match="missing.pcap: does not exist"):
        assert packets.count() == 468


def test_polars_reads_no_more_than_a_query_needs(office: str) -> None:
    whole, scanned = parcap.read(office).to_polars(), parcap.scan_polars(office)
    asked = polars.col("port_dst") == 53
    assert scanned.collect().equals(whole)
    assert scanned.filter(asked).select("ip_dst").collect().equals(whole.filter(asked).select("ip_dst"))
    assert scanned.head(7).collect().equals(whole.head(7))
    assert scanned.filter(asked).head(3).collect().equals(whole.filter(asked).head(3))
    assert scanned.select(polars.len()).collect().item() == 468


def test_importing_brings_no_other_package_and_no_thread() -> None:
    code = """
import sys
before = set(sys.modules)
import parcap
brought = {name.split(".")[0] for name in set(sys.modules) - before}
assert not brought & {"pandas", "polars", "pyarrow", "numpy", "duckdb", "tqdm"}, brought
import os
assert not os.path.exists("/proc/self/task") or len(os.listdir("/proc/self/task")) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_progress_of_a_pass_is_told(office: str) -> None:
    told: list[tuple[int, int, int]] = []
    packets = parcap.read(CAPTURES, progress=lambda *now: told.append(now))
    size = sum(capture.size for capture in packets.captures)
    for reading in [parcap.Packets.to_arrow, parcap.Packets.count, pyarrow.table, polars.DataFrame]:
        told.clear()
        reading(packets)
        assert told[-1] == (size, size, 1331), reading

    def fails(*_: int) -> None:
        raise ZeroDivisionError

    for reading in [parcap.Packets.to_arrow, parcap.Packets.count]:
        with pytest.raises(ZeroDivisionError):
            reading(parcap.read(office, progress=fails))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        pyarrow.table(parcap.read(office, progress=fails))
