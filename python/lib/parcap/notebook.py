"""The functions of the teaching notebook that parcap replaces, by their names: ``from parcap.notebook import *``.

Shapes, order and names are those of the notebook. Types are what they should be: addresses and lengths are whole numbers
(``Int64``) and not floating-point ones, DNS names are text and not bytes, times are UTC.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, overload

from parcap import _parcap
from parcap._commands import _options
from parcap._packets import Packets, Path, _needed, _outside, read
from parcap.errors import UsageError

if TYPE_CHECKING:
    import numpy
    import pandas

__all__ = ["pcap_to_pandas", "reverse_lookup", "send_rates", "volume_stats_by_ip", "volume_stats_by_name"]

#: The most windows of :func:`send_rates`, as of ``parcap summarize --align first``.
_MOST_WINDOWS = 50_000_000

#: Seconds for which :func:`reverse_lookup` keeps what it was told.
_KEPT_S = 300.0
# By options and address: when it was told, and the name.
_known: dict[tuple[object, str], tuple[float, str]] = {}


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


@overload
def reverse_lookup(ip: str | None, **options: Any) -> str: ...


@overload
def reverse_lookup(ip: pandas.Series, **options: Any) -> pandas.Series: ...


def reverse_lookup(ip: str | None | pandas.Series, **options: Any) -> str | pandas.Series:
    """The name of an address by a reverse lookup (PTR): ``df["name_dst"] = reverse_lookup(df["ip_dst"])``.

    Args:
        ip: An address; or a column of addresses, which are asked for at the same time, each once.
        **options: Those of the command: ``resolver="192.0.2.53"``, ``ptr_private=True`` to ask for private addresses too,
            ``ptr_timeout="2s"`` for one question, ``ptr_budget="30s"`` for all of them. The environment counts as well.

    Returns:
        The name with its final dot, ``"N/A"`` if there is none or nobody answered, ``"None"`` for null. Of a column, a
        column with the same index. Answers are kept for five minutes, so ``.apply(reverse_lookup)`` does not ask
        for an address again.

    Warns:
        UserWarning: Nobody answered for some of the addresses.
    """
    if ip is None or isinstance(ip, str):
        return _names([ip], options)[0]
    names: pandas.Series = _needed("pandas", "pandas").Series(_names(ip, options), index=ip.index, name="name_dst")
    return names


def _names(given: Iterable[str | None], options: dict[str, Any]) -> list[str]:
    # What pandas has for null is no text.
    texts = [one if isinstance(one, str) else None for one in given]
    command, now = _options(options), time.monotonic()
    how, addresses = tuple(command), {}
    found: dict[str | None, str] = {None: "None"}
    for text in {text for text in texts if text is not None}:
        told, name = _known.get((how, text), (-_KEPT_S, "N/A"))
        try:
            if now - told < _KEPT_S:
                found[text] = name
            else:
                addresses[text] = ip_address(text)
        except ValueError:
            found[text] = "N/A"
    if addresses:
        for key in [key for key, (told, _) in list(_known.items()) if now - told >= _KEPT_S]:
            _known.pop(key, None)
        names, problem = _parcap.names_of(command, list(addresses.values()))
        for text, answer in zip(addresses, names, strict=True):
            found[text] = answer or "N/A"
            # Where somebody did not answer, the next call asks again, and says so again.
            if answer is not None or problem is None:
                _known[how, text] = (now, found[text])
        if problem is not None:
            warnings.warn(problem, UserWarning, _outside())
    return [found[text] for text in texts]


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
    if count > _MOST_WINDOWS:
        error = UsageError(f"there would be {count:,} windows between the first packet and the last one")
        error.add_note("hint: give longer windows, or look for packets with a wrong time")
        raise error
    rates = numpy.bincount(place, weights=table["length"].to_numpy(float), minlength=count) / window_s
    times = (first + numpy.arange(count) * window) / 1e6
    if notebook and (micros.max() - first) % window == 0:
        return rates[:-1], times[:-1]
    return rates, times
