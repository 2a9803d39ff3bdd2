"""The functions of the teaching notebook that parcap replaces, by their names: ``from parcap.notebook import *``.

Shapes, order and names are those of the notebook. Types are what they should be: addresses and lengths are whole numbers
(``Int64``) and not floating-point ones, DNS names are text and not bytes, times are UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parcap._packets import Packets, Path, _needed, read
from parcap.errors import UsageError

if TYPE_CHECKING:
    import numpy
    import pandas

__all__ = ["pcap_to_pandas", "send_rates", "volume_stats_by_ip", "volume_stats_by_name"]


def pcap_to_pandas(path: Path) -> pandas.DataFrame:
    """One row a packet, 18 columns in alphabetical order.

    Args:
        path: A capture: pcap or pcapng, compressed or not.

    Returns:
        ``packets x 18``. ``length`` is in bytes on the wire; ``time`` and ``time_normed`` in seconds.
    """
    return read(path).to_pandas()


def _table(packets: pandas.DataFrame | Packets, *columns: str) -> pandas.DataFrame:
    return packets.select(*columns).to_pandas() if isinstance(packets, Packets) else packets[list(columns)]


def _volumes(packets: pandas.DataFrame | Packets, key: str) -> pandas.DataFrame:
    sums = _table(packets, key, "length").groupby(key)[["length"]].sum()
    # Of equal volumes, those that come first by name: the same each time.
    volumes: pandas.DataFrame = sums.sort_values("length", ascending=False, kind="stable")
    return volumes


def volume_stats_by_ip(packets: pandas.DataFrame | Packets) -> pandas.DataFrame:
    """Bytes by destination address, the largest first. Packets without an address are left out, as pandas leaves them out.

    Args:
        packets: What :func:`pcap_to_pandas` returned; or ``parcap.read(…)``, of which only two columns are made.

    Returns:
        A column ``length`` in bytes; the index is ``ip_dst``.
    """
    return _volumes(packets, "ip_dst")


def volume_stats_by_name(packets: pandas.DataFrame) -> pandas.DataFrame:
    """Bytes by name of the destination, the largest first.

    Args:
        packets: A table with columns ``name_dst`` and ``length``. Names such as ``"N/A"`` count as any other.

    Returns:
        A column ``length`` in bytes; the index is ``name_dst``.
    """
    if "name_dst" not in packets:
        raise UsageError("there is no column name_dst: add the names of the destinations first")
    return _volumes(packets, "name_dst")


def send_rates(
    packets: pandas.DataFrame | Packets, window_s: float, *, notebook: bool = False
) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """Bytes a second in windows of a length, from the first packet on. Windows without packets are 0.

    Args:
        packets: A table with columns ``time`` and ``length``; or ``parcap.read(…)``. Packets without a time are left out.
        window_s: The length of a window in seconds.
        notebook: Whether a last packet that falls exactly on the beginning of a window is lost, as in the notebook.

    Returns:
        The rate of each window in bytes a second, and the time at which it begins, in seconds since the Unix epoch.
    """
    numpy = _needed("numpy", "pandas")
    if not window_s >= 1e-6:
        raise UsageError(f"window_s is a number of seconds, not less than a microsecond: {window_s!r}")
    table = _table(packets, "time", "length").dropna(subset=["time"])
    if len(table) == 0:
        return numpy.zeros(0), numpy.zeros(0)
    # Whole microseconds, or a packet on the beginning of a window would fall to either side of it.
    micros = numpy.rint(table["time"].to_numpy(float) * 1e6).astype(numpy.int64)
    window = round(window_s * 1e6)
    first = micros.min()
    place = (micros - first) // window
    count = int(place.max()) + 1
    rates = numpy.bincount(place, weights=table["length"].to_numpy(float), minlength=count) / window_s
    times = (first + numpy.arange(count) * window) / 1e6
    if notebook and (micros.max() - first) % window == 0:
        return rates[:-1], times[:-1]
    return rates, times
