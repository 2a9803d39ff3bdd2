#!/usr/bin/env python3
"""The notebook that parcap replaces, cell by cell, beside what parcap gives for the same capture.

    python3 scripts/oracle/notebook.py CAPTURE --scapy GOLDEN.scapy.parquet --parcap BIN [--rates summarize|packets]
    python3 scripts/oracle/notebook.py CAPTURE --scapy GOLDEN.scapy.parquet --module

The notebook's side is pandas on the table of GOLDEN, which is what the notebook made of the capture with scapy; addresses
are named by DNS answers as scapy reads them here (the notebook asked the network). parcap's side is a lake that BIN makes
and `BIN summarize`, with --rates packets the packets of the lake; with --module the functions of `parcap.notebook`.

A cell is `equal`, or it becomes so when what the two are known to differ in is undone in parcap's rows, row by row and only
where the capture shows that it applies; what was undone is named:

    D1 rows of what scapy does not call Ethernet II    D2 IPv6 addresses    D4 addresses of packets with several IP headers
    D5 wire length of packets that were cut            D7 names in DNS messages that scapy does not decode
    clock: packets without a time, to which scapy gives the time of reading
    doubles: packets that the notebook's rounded windows put next door
    boundary: the last packet, lost by the notebook where it falls exactly on the start of a window

Needs pandas, pyarrow and scapy. Exit status: 0 all is explained, 1 something is UNEXPLAINED, 2 wrong usage.
"""

import argparse
import io
import logging
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import DNS, IP, UDP, DNSRR, Ether, IPv6, PcapReader  # noqa: E402

import dns_of  # noqa: E402

COLUMNS = 18
WINDOWS = [0.1, 1, 10]
SHOWN = 4


# ------------------------------------------------------------------------------------------------
# The capture, as scapy reads it
# ------------------------------------------------------------------------------------------------


def answers_of(packet):
    """(address, name that was asked for) of the A and AAAA answers of a packet's DNS message."""
    records = [record for record in packet[DNS].an or [] if isinstance(record, DNSRR)]
    text = lambda name: name.decode("latin-1").lower()
    aliases = {text(record.rdata): text(record.rrname) for record in reversed(records) if record.type == 5}
    for record in records:
        if record.type in (1, 28):
            name = text(record.rrname)
            for _ in range(16):
                name = aliases.get(name, name)
            yield str(record.rdata), name


def read_capture(path):
    """One row a record, and how often each date's answers gave an address a name."""
    rows, named = [], Counter()
    day, waiting = None, []
    with PcapReader(str(path)) as reader:
        while True:
            row = {"time": None, "ether": False, "captured": None, "wire": None, "headers": 0, "dns": False, "datagram": None}
            try:
                packet = reader.read_packet()
                # A time from the capture is a decimal; a double is the clock's, where the capture has none.
                row["time"] = None if type(packet.time) is float else float(packet.time)
                row.update(ether=Ether in packet, captured=len(packet.original), wire=packet.wirelen, dns=DNS in packet)
                row["headers"] = sum(layer in (IP, IPv6) for layer in packet.layers())
                if UDP in packet:
                    row["datagram"] = bytes(packet[UDP].payload)
            except EOFError:
                break
            except Exception:  # Whatever scapy raises, the record is one that it has no row for.
                packet = None
            # A packet without a time belongs to the date of the one before, at the beginning to the first that there is.
            if row["time"] is not None and abs(row["time"]) < 2.5e11:
                day = str(date(1970, 1, 1) + timedelta(days=row["time"] // 86_400))
            rows.append({**row, "date": day})
            if packet is not None and row["dns"] and row["headers"] == 1:
                for address, name in answers_of(packet):
                    waiting.append((day, address, name))
    records = pd.DataFrame(rows)
    records["date"] = records["date"].bfill().fillna("1970-01-01")
    first = records["date"].iloc[0] if len(records) else None
    named.update((day or first, address, name) for day, address, name in waiting)
    return records, named


def best_names(named):
    """The name of each (date, address): the most frequent, then the alphabetically first."""
    best = {}
    for (day, address, name), count in named.items():
        best[day, address] = min(best.get((day, address), (0, "")), (-count, name))
    return {key: name for key, (_, name) in best.items()}


# ------------------------------------------------------------------------------------------------
# The cells. A table of packets has the columns rec, date, time, length, ip_dst and name_dst.
# ------------------------------------------------------------------------------------------------


def nulls(values):
    """Text with None for null, of which pandas has several."""
    return pd.Series([None if pd.isna(value) else value for value in values], index=values.index, dtype=object)


def with_names(packets, names):
    named = [None if ip is None else names.get((day, ip), "N/A") for day, ip in zip(packets["date"], packets["ip_dst"])]
    return packets.assign(name_dst=pd.Series(named, index=packets.index, dtype=object))


def volume(packets, key):
    """`volume_stats_by_ip` and `…_by_name`: bytes by key, largest first. Without an address: no row, or the name None."""
    sums = packets.groupby(key, dropna=key == "ip_dst", sort=True)["length"].sum()
    rows = [(None if pd.isna(name) else name, int(length)) for name, length in sums.items()]
    return sorted(rows, key=lambda row: (-row[1], str(row[0])))


def unique(packets, key):
    return list(packets[key].unique())


def send_rates(packets, window):
    """The notebook's: (window, bytes a second) from the first packet on, as long as one starts before the last packet."""
    packets = packets.sort_values("time", kind="stable")
    times = packets["time"].to_numpy()
    if not len(times):
        return []
    first, last = times[0], times[-1]
    # Of each packet the window, so that years without packets take no memory; as its bounds say, in doubles like them.
    number = (times - first) // window
    number = number - (first + number * window > times)
    number = number + (first + (number + 1) * window <= times)
    sums = packets["length"].groupby(number).sum()
    return [(int(at), float(length) / window) for at, length in sums.items() if first + at * window < last]


def exact_rates(packets, window):
    """parcap's: exact windows of whole microseconds, those in which there is a packet."""
    micros = packets["micros"].dropna().astype("int64")
    number = (micros - micros.min()) // round(window * 1e6)
    return [(int(at), float(length) / window) for at, length in packets.loc[micros.index, "length"].groupby(number).sum().items()]


# ------------------------------------------------------------------------------------------------
# parcap's side, and what is undone in it
# ------------------------------------------------------------------------------------------------


class Parcap:
    """A lake of the capture alone."""

    def __init__(self, binary, capture, lake):
        self.binary, self.capture, self.lake = binary, capture, Path(lake)
        done = subprocess.run([binary, "convert", capture, "--out", lake, "--quiet", "--top", "0"], capture_output=True, text=True)
        if "windows between" in done.stderr:
            # Years of windows without packets: parcap refuses to list them all, so its packets are looked at.
            return None
        if done.returncode not in (0, 3):
            sys.exit(f"parcap convert: exit {done.returncode}: {done.stderr}")

    def table(self, below):
        files = sorted((self.lake / below).rglob("*.parquet"))
        frames = [pd.read_parquet(file, partitioning=None).assign(date=file.parent.name.removeprefix("date=")) for file in files]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def packets(self, records):
        """The rows in the order of the capture, each with the number of its record."""
        rows = self.table("packets")
        if len(rows) != len(records):
            return None
        # A partition has its rows in the order of the capture.
        rows["rec"] = np.argsort(records["date"].to_numpy(), kind="stable")
        rows["ip_dst"] = nulls(rows["ip_dst"])
        rows["micros"] = rows["datetime"].dt.as_unit("us").dt.tz_localize(None).astype("int64").where(rows["datetime"].notna())
        return rows.sort_values("rec").set_index("rec", drop=False)

    def answers(self):
        """How often each date's answers gave an address a name."""
        return self.table("summaries/dns_names")

    def volume(self, name, key, _):
        rows = self.table(f"summaries/{name}")
        rows = rows[rows[key].notna()] if key == "ip_dst" else rows
        return volume(rows.rename(columns={"bytes": "length"}), key)

    def rates(self, window):
        command = [self.binary, "summarize", self.capture, "--align", "first", "--window", f"{round(window * 1000)}ms"]
        done = subprocess.run([*command, "--format", "csv", "--table", "send_rates"], capture_output=True, text=True)
        if "windows between" in done.stderr:
            # Years of windows without packets: parcap refuses to list them all, so its packets are looked at.
            return None
        if done.returncode not in (0, 3):
            sys.exit(f"parcap summarize: exit {done.returncode}: {done.stderr}")
        rows = pd.read_csv(io.StringIO(done.stdout)).dropna(subset="window_start")
        micros = pd.to_datetime(rows["window_start"], utc=True, format="ISO8601").dt.as_unit("us").astype("int64")
        number = (micros - micros.min()) // round(window * 1e6)
        # Windows without packets may stand there or not.
        return sorted((int(at), float(rate)) for at, rate, packets in zip(number, rows["bytes_per_s"], rows["packets"]) if packets)


class ParcapModule:
    """The functions of the module for Python."""

    def __init__(self, capture):
        import parcap
        import parcap.notebook

        self.module, self.capture = parcap, capture
        warnings.simplefilter("ignore", parcap.DamageWarning)
        self.frame = parcap.notebook.pcap_to_pandas(capture)

    def packets(self, records):
        if self.frame.shape != (len(records), COLUMNS):
            return None
        self.days = records["date"]
        frame = self.frame.assign(rec=range(len(records)), date=records["date"].to_numpy())
        micros = frame["datetime"].dt.as_unit("us").dt.tz_localize(None).astype("int64").where(frame["datetime"].notna())
        plain = frame.assign(ip_dst=nulls(frame["ip_dst"]), length=frame["length"].astype("int64"), micros=micros)
        return plain.set_index("rec", drop=False)

    def answers(self):
        days = []
        for day in sorted(set(self.days)):
            given = self.module.summarize(self.capture, "dns_names", **{"from": day, "to": day})
            days.append(given["dns_names"].to_pandas().assign(date=day))
        return pd.concat(days, ignore_index=True)

    def volume(self, name, key, rows):
        if key == "ip_dst":
            sums = self.module.notebook.volume_stats_by_ip(self.frame)
        else:
            sums = self.module.notebook.volume_stats_by_name(rows.assign(name_dst=rows["name_dst"].fillna("None")))
        found = [(name, int(length)) for name, length in sums["length"].items()]
        if any(before[1] < after[1] for before, after in zip(found, found[1:])):
            return found
        # Of equal volumes the notebook has no order.
        return sorted(((None if name == "None" else name, length) for name, length in found), key=lambda row: (-row[1], str(row[0])))

    def rates(self, window):
        try:
            rates, times = self.module.notebook.send_rates(self.frame, window)
        except self.module.UsageError as error:
            if "windows between" not in str(error):
                raise
            # Years of windows without packets: its packets are looked at.
            return None
        if any(abs(time - times[0] - at * window) > 1e-6 * (1 + at) for at, time in enumerate(times)):
            return []
        return [(at, float(rate)) for at, rate in enumerate(rates) if rate]


def undone(rows, records, notebook):
    """parcap's rows after one difference after the other is undone, with its name."""
    at = lambda column: records[column].reindex(rows.index)
    rows = rows[rows.index.isin(notebook.index) | at("ether").astype(bool)]
    yield "D1", rows
    rows = rows.assign(ip_dst=nulls(rows["ip_dst"].map(lambda ip: None if ip and ":" in ip else ip)))
    yield "D2", rows
    several = (at("headers") > 1) & rows.index.isin(notebook.index)
    rows = rows.assign(ip_dst=nulls(rows["ip_dst"].mask(several, notebook["ip_dst"].reindex(rows.index))))
    yield "D4", rows
    cut = (rows["length"] == at("wire")) & (at("captured") < at("wire"))
    rows = rows.assign(length=rows["length"].mask(cut, at("captured")).astype("int64"))
    yield "D5", rows


def explain(cell, want, rows, steps):
    """The names of the differences that make a cell of parcap's rows the notebook's; None if they do not."""
    value, used = cell(rows), []
    for name, rows in steps:
        if value == want:
            break
        if (after := cell(rows)) != value:
            used.append(name)
        value = after
    return used if value == want else None


def explain_rates(want, rows, steps, notebook, window):
    """The same for send rates, where the notebook's doubles and its last window come into it."""
    # The same in whole microseconds: the capture's, where the notebook's double is within one of them.
    micros, length, doubles = rows["micros"].reindex(notebook.index), round(window * 1e6), notebook["time"] * 1e6
    micros = micros.where((micros - doubles).abs() <= 1, doubles.round()).astype("int64")
    exact = [(at, round(rate * length) / window) for at, rate in send_rates(notebook.assign(time=micros), length)]
    used = []
    for name, rows in [(None, rows), *steps]:
        got = exact_rates(rows, window)
        used += [name] if name and got != before else []
        before = got
        span = rows["micros"].max() - rows["micros"].min()
        for doubles, wanted in ((False, want), (True, exact)):
            if got == wanted:
                return used + ["doubles"] * doubles
            if got and span % length == 0 and got[-1][0] == span // length and got[:-1] == wanted:
                return used + ["doubles"] * doubles + ["boundary"]
    return None


def show(title, want, got, verdict):
    print(f"{title}\n    {'notebook':<58}  parcap")
    if isinstance(want, list):
        print(f"    {f'{len(want):,} rows':<58}  {len(got):,} rows")
        line = lambda row: "  ".join(map(str, row)) if isinstance(row, tuple) else str(row)
        for place in range(min(SHOWN, max(len(want), len(got)))):
            left, right = (line(rows[place]) if place < len(rows) else "" for rows in (want, got))
            print(f"    {left:<58}  {right}")
    else:
        print(f"    {want!s:<58}  {got}")
    print("    =>", "UNEXPLAINED" if verdict is None else f"equal but for {', '.join(verdict)}" if verdict else "equal", flush=True)
    return verdict is None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", metavar="CAPTURE")
    parser.add_argument("--scapy", required=True, metavar="GOLDEN.scapy.parquet", help="what the notebook makes of CAPTURE")
    parser.add_argument("--parcap", default="target/release/parcap", metavar="BIN")
    parser.add_argument("--module", action="store_true", help="compare the functions of the module for Python")
    parser.add_argument("--rates", choices=["summarize", "packets"], default="summarize", help="parcap's rates; default: %(default)s")
    args = parser.parse_args()
    records, named = read_capture(args.capture)
    notebook = pd.read_parquet(args.scapy).set_index("rec", drop=False)
    notebook["ip_dst"] = nulls(notebook["ip_dst"])
    notebook = with_names(notebook.assign(date=records["date"].reindex(notebook.index)), best_names(named))
    untimed = records["time"].isna().reindex(notebook.index)
    with tempfile.TemporaryDirectory() as lake:
        parcap = ParcapModule(args.capture) if args.module else Parcap(args.parcap, args.capture, lake)
        rows = parcap.packets(records)
        if rows is None:
            print(f"UNEXPLAINED: scapy reads {len(records)} records, parcap another number")
            return 1
        given = parcap.answers()
        ours = {(row.date, row.address, row.name): row.answers for row in given.itertuples(index=False)}
        names = best_names(ours)
        steps = list(undone(rows, records, notebook))
        wrong = 0

        def cell(title, compute, got=None):
            want, own = compute(notebook), compute(rows)
            verdict = explain(compute, want, rows, steps)
            # What parcap sums up must be what its own rows give.
            return show(title, want, own if got is None else got, verdict if got in (None, own) else None)

        wrong += cell("1 shape", lambda packets: (len(packets), COLUMNS))
        wrong += cell("3 unique destinations", lambda packets: unique(packets, "ip_dst"))
        wrong += cell("4, 7 volume by address", lambda packets: volume(packets, "ip_dst"), parcap.volume("volume_by_ip", "ip_dst", rows))
        rows, steps = with_names(rows, names), [(name, with_names(after, names)) for name, after in steps]
        # What is said by messages in which parcap sees DNS and scapy does not.
        unread = records[rows["is_dns"] & ~records["dns"].astype(bool) & records["datagram"].notna()]
        for record in unread.itertuples():
            for address, name in dns_of.read(record.datagram)[1]:
                ours[record.date, address, name] -= 1
        steps.append(("D7", with_names(steps[-1][1], best_names({key: count for key, count in ours.items() if count > 0}))))
        wrong += cell("5, 6 unique names", lambda packets: unique(packets, "name_dst"))
        wrong += cell("7 volume by name", lambda packets: volume(packets, "name_dst"), parcap.volume("volume_by_name", "name_dst", rows))
        timed = notebook[~untimed]
        for window in WINDOWS:
            want, own = send_rates(timed, window), exact_rates(rows, window)
            got = parcap.rates(window) if args.rates == "summarize" else None
            got = own if got is None else got
            verdict = explain_rates(want, rows, steps, timed, window) if got == own else None
            if verdict is not None and untimed.any():
                verdict = ["clock", *verdict]
            wrong += show(f"8 send_rates, {window} s", want, got, verdict)
    print("something is unexplained" if wrong else "all is explained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
