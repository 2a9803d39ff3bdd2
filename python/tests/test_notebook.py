"""The functions of the notebook, beside the notebook's own way of computing them."""

from __future__ import annotations

import time
from typing import Any

import numpy
import pandas
import pytest

import parcap
from parcap.notebook import pcap_to_pandas, reverse_lookup, send_rates, volume_stats_by_ip, volume_stats_by_name


def slow_rates(frame: pandas.DataFrame, window: float) -> tuple[list[float], list[float]]:
    """Window by window, as a reader of the definition would do it."""
    times, lengths = frame["time"].tolist(), frame["length"].tolist()
    start, rates, starts = min(times), [], []
    while start <= max(times) + 1e-9:
        inside = [length for time, length in zip(times, lengths, strict=True) if -1e-9 <= time - start < window - 1e-9]
        rates.append(sum(inside) / window)
        starts.append(start)
        start += window
    return rates, starts


def test_a_capture_has_the_shape_and_the_order_of_the_notebook(office: str) -> None:
    frame = pcap_to_pandas(office)
    assert frame.shape == (468, 18) and list(frame.columns) == sorted(frame.columns)


def test_volumes_by_address(office: str) -> None:
    frame = pcap_to_pandas(office)
    volumes = volume_stats_by_ip(frame)
    assert volumes.index.name == "ip_dst" and list(volumes.columns) == ["length"]
    assert volumes["length"].is_monotonic_decreasing
    assert volumes["length"].sum() == frame.dropna(subset=["ip_dst"])["length"].sum()
    by_hand: dict[str, int] = {}
    for address, length in frame[["ip_dst", "length"]].dropna().itertuples(index=False):
        by_hand[address] = by_hand.get(address, 0) + length
    assert volumes["length"].to_dict() == by_hand
    pandas.testing.assert_frame_equal(volume_stats_by_ip(parcap.read(office)), volumes)


def test_volumes_by_name() -> None:
    frame = pandas.DataFrame({"name_dst": ["a.", "N/A", "None", "a.", "b."], "length": [1, 5, 2, 2, 3]})
    volumes = volume_stats_by_name(frame)
    assert volumes["length"].to_dict() == {"N/A": 5, "a.": 3, "b.": 3, "None": 2}
    assert list(volumes.index) == ["N/A", "a.", "b.", "None"]
    with pytest.raises(parcap.UsageError, match="name_dst"):
        volume_stats_by_name(frame.drop(columns="name_dst"))


@pytest.mark.parametrize("window", [0.1, 1.0, 60.0, 3600.0])
def test_send_rates(office: str, window: float) -> None:
    frame = pcap_to_pandas(office)
    rates, times = send_rates(frame, window)
    slow, starts = slow_rates(frame, window)
    numpy.testing.assert_allclose(rates, slow)
    numpy.testing.assert_allclose(times, starts)
    assert rates.sum() * window == pytest.approx(frame["length"].sum())
    for one, other in zip(send_rates(parcap.read(office), window), (rates, times), strict=True):
        numpy.testing.assert_array_equal(one, other)


def test_a_last_packet_on_the_beginning_of_a_window() -> None:
    frame = pandas.DataFrame({"time": [10.0, 10.5, 12.0], "length": [100, 50, 7]})
    rates, times = send_rates(frame, 1.0)
    assert rates.tolist() == [150.0, 0.0, 7.0] and times.tolist() == [10.0, 11.0, 12.0]
    rates, times = send_rates(frame, 1.0, notebook=True)
    assert rates.tolist() == [150.0, 0.0] and times.tolist() == [10.0, 11.0]
    assert [len(array) for array in send_rates(frame[:0], 1.0)] == [0, 0]
    with pytest.raises(parcap.UsageError, match="window_s"):
        send_rates(frame, 0)
    # A packet with a wrong time, as if it came in 1970.
    with pytest.raises(parcap.UsageError, match="17,000,000,001 windows"):
        send_rates(pandas.DataFrame({"time": [0.0, 1.7e9], "length": [1, 1]}), 0.1)


def name_of(address: str) -> str:
    """What the nameserver of the tests calls an address, if it has a name."""
    return "host-" + "-".join(reversed(address.split("."))) + ".example."


def test_a_column_is_asked_for_once_an_address(nameserver: Any) -> None:
    addresses = [f"11.1.2.{number}" for number in range(60)]
    column = pandas.Series([*addresses, None, *addresses, "127.0.0.1", float("nan")], index=range(100, 223), name="ip_dst")
    names = reverse_lookup(column, resolver=nameserver.address)
    assert names.name == "name_dst" and names.index.equals(column.index)
    asked = nameserver.counts["over UDP"]
    # None of them twice; loopback has no name in the public DNS.
    assert asked == len(addresses)
    assert nameserver.counts["named"] > 0 and nameserver.counts["missing"] > 0
    for address, name in zip(column, names, strict=True):
        assert name == ("None" if pandas.isna(address) else name if name == "N/A" else name_of(address))
    assert (names == "N/A").sum() == 2 * nameserver.counts["missing"] + 1
    # One after another they are those of the column, and nobody is asked again.
    assert [reverse_lookup(one, resolver=nameserver.address) for one in addresses] == names[:60].tolist()
    assert column[:60].apply(reverse_lookup, resolver=nameserver.address).tolist() == names[:60].tolist()
    assert nameserver.counts["over UDP"] == asked
    assert reverse_lookup(None) == "None" and reverse_lookup("no address") == "N/A"
    frame = pandas.DataFrame({"name_dst": names, "length": 1})
    assert volume_stats_by_name(frame)["length"].sum() == len(column)


def test_answers_are_kept_for_a_while(nameserver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reverse_lookup("11.1.2.3", resolver=nameserver.address)
    clock = time.monotonic() + 301
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    reverse_lookup("11.1.2.3", resolver=nameserver.address)
    reverse_lookup("11.1.2.3", resolver=nameserver.address)
    assert nameserver.counts["over UDP"] == 2


def test_silence_is_said(unanswered: str) -> None:
    for _ in range(2):
        with pytest.warns(UserWarning, match="no resolver answered: 127.0.0.1") as told:
            assert reverse_lookup("11.1.2.3", resolver=unanswered, ptr_timeout="100ms") == "N/A"
        assert told[0].filename == __file__
    with pytest.raises(parcap.UsageError, match="--nonsense"):
        reverse_lookup("11.1.2.4", nonsense=1)
