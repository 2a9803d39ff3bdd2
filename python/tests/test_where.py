"""Packets that have some values: what is asked of a capture is what a query makes of all of its rows."""

from __future__ import annotations

import polars
import pytest

import parcap
from conftest import DATA


def of_rows(frame: polars.DataFrame, column: str, values: list[object]) -> polars.DataFrame:
    known = [value for value in values if value is not None]
    asked = polars.col(column).is_in(known) if known else polars.lit(False)
    return frame.filter(asked | polars.col(column).is_null() if None in values else asked)


@pytest.mark.parametrize(
    ("column", "given", "values"),
    [
        ("protocol", "UDP", ["UDP"]),
        ("protocol", 17, ["UDP"]),
        ("protocol", ["TCP", 17, "253"], ["TCP", "UDP", "253"]),
        ("protocol", None, [None]),
        ("port_dst", 53, [53]),
        ("port_src", {80, None}, [80, None]),
        ("ip_src", "192.0.2.10", ["192.0.2.10"]),
        ("ip_dst", ("2001:DB8:0::10", "192.0.2.10"), ["2001:db8::10", "192.0.2.10"]),
        ("ip_dst", None, [None]),
        ("mac_src", "00:00:5E:00:53:10", ["00:00:5e:00:53:10"]),
        ("mac_dst", None, [None]),
        ("is_dns", True, [True]),
        ("is_dns", False, [False]),
    ],
    ids=str,
)
def test_packets_with_a_value_are_those_of_a_query(column: str, given: object, values: list[object]) -> None:
    packets = parcap.read(DATA / "captures")
    whole = packets.to_polars()
    wanted = of_rows(whole, column, values)
    assert 0 < wanted.height < whole.height
    assert packets.where(**{column: given}).to_polars().equals(wanted)
    # Conditions are all held, and hold for other columns too.
    both = packets.where(**{column: given}).where(port_dst=[53, 80]).select("time")
    assert both.to_polars().equals(of_rows(wanted, "port_dst", [53, 80]).select("time"))


def test_a_port_is_either_port() -> None:
    packets = parcap.read(DATA / "captures")
    whole = packets.to_polars()
    wanted = whole.filter((polars.col("port_src") == 53) | (polars.col("port_dst") == 53))
    assert 0 < wanted.height < whole.height
    assert packets.where(port=53).to_polars().equals(wanted)
    assert parcap.read(DATA / "captures", filter=parcap.Filter(port=[53])).to_polars().equals(wanted)


def test_none_of_no_values_has_any(office: str) -> None:
    assert parcap.read(office).where(port_dst=[]).count() == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"port_dst": "http"}, "`port_dst` is never \"http\": it is a number up to 65535"),
        ({"port_dst": 65536}, "65536"),
        ({"ip_src": "192.0.2.0/24"}, "an address such as"),
        ({"mac_src": "00-00-5e-00-53-10"}, "an address such as"),
        ({"protocol": "UPD"}, "a name as the column has it"),
        ({"is_dns": "yes"}, "true or false"),
        ({"time": 0}, "`time` is no column by which packets can be asked for"),
        ({"prot": "UDP"}, "`prot` is no column"),
    ],
    ids=str,
)
def test_what_no_packet_can_have_is_refused(asked: dict[str, object], said: str, office: str) -> None:
    with pytest.raises(parcap.UsageError) as told:
        parcap.read(office).where(**asked)
    assert said in str(told.value)
