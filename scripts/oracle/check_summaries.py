#!/usr/bin/env python3
"""Makes the summary tables again from the packets table, with DuckDB, and compares them cell by cell.

    python3 scripts/oracle/check_summaries.py LAKE [--conversations N] [--window SECONDS] [--captures CAPTURE...]
    python3 scripts/oracle/check_summaries.py LAKE --same-as OTHER_LAKE

A row is missing if LAKE/packets gives it and the table has it not (or not as often), extra the other way round; a row of
which one cell differs is one missing and one extra; both together are the differing rows. Numbers must be equal, doubles
too. Rows out of order are counted in the tables that are sorted by volume or time.

The table of tunnels is held against the columns of tunnels, where the packets table has all four. Where it has not, or no packet
was in a tunnel, there may be no such table.

What DNS said does not stand in every packets table. From it comes how many messages there were, and under which names; and who
asked, where it has the columns of DNS (--columns dns). With --captures, the ones that the lake was made of, tshark and dnspython
read the messages again (scripts/oracle/dns_of.py).

--same-as compares each table with that of another lake, rows and order; captures by their file names.

Exit status: 0 all as expected, 1 something differs or a table is missing, 2 wrong usage.
"""

import argparse
import heapq
import socket
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

TEXT, INT, DOUBLE, TIME = pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", tz="UTC")
VOLUME = {"bytes": INT, "packets": INT}
RATE = {**VOLUME, "bytes_per_s": DOUBLE}
# The columns of each table.
TABLES = {
    "volume_by_ip": {"ip_dst": TEXT, **VOLUME},
    "volume_by_src": {"ip_src": TEXT, **VOLUME},
    "volume_by_name": {"name_dst": TEXT, **VOLUME},
    "conversations": {"ip_src": TEXT, "ip_dst": TEXT, **VOLUME, "rest": INT},
    "protocols": {"protocol": TEXT, **VOLUME},
    "ports": {"protocol": TEXT, "port": INT, **VOLUME, "bytes_from": INT, "packets_from": INT},
    "send_rates": {"window_start": TIME, "window_s": DOUBLE, **RATE},
    "send_rates_by_protocol": {"window_start": TIME, "window_s": DOUBLE, "protocol": TEXT, **RATE},
    "dns_queries": {"name": TEXT, "type": TEXT, "response_code": TEXT, "count": INT},
    "dns_clients": {"client": TEXT, "rcode": TEXT, "queries": INT, "names": INT},
    "tunnels": {"tunnel": TEXT, "tunnel_id": INT, "outer_ip_src": TEXT, "outer_ip_dst": TEXT, **VOLUME},
    "names": dict.fromkeys(("address", "name", "source"), TEXT),
    "dns_names": {"address": TEXT, "name": TEXT, "answers": INT, "first_seen": TIME, "last_seen": TIME},
    "captures": {
        **dict.fromkeys(("capture", "format", "compression", "link_types"), TEXT),
        **dict.fromkeys(("file_bytes", "packets", "bytes"), INT),
        **dict.fromkeys(("first_time", "last_time"), TIME),
        **dict.fromkeys(("status", "damage"), TEXT),
        **dict.fromkeys(("damage_offset", "gap_bytes"), INT),
    },
}
# What must not fall (volumes) or rise from row to row.
BY_VOLUME = ["volume_by_ip", "volume_by_src", "volume_by_name", "tunnels"]
BY_TIME = ["send_rates", "send_rates_by_protocol"]

SUMS = "sum(length)::BIGINT AS bytes, count(*) AS packets"
# By window and protocol; windows begin at multiples of their length since the epoch, and before it too. {w}: microseconds.
WINDOWS = """
    CREATE TEMP TABLE windows AS
    WITH starts AS (SELECT date, epoch_us(datetime) AS t, t - (t % {w} + {w}) % {w} AS start, protocol, length FROM packets)
    SELECT coalesce(make_timestamp(start)::DATE, date) AS date, start, protocol, sum(length)::BIGINT AS length, count(*) AS n
    FROM starts GROUP BY ALL"""
# {by}: what else rows are by, besides the window.
RATES = """
    SELECT date, start AS window_start, if(start IS NULL, NULL, {w} / 1e6::DOUBLE) AS window_s, {by} bytes, packets,
        if(start IS NULL, NULL, bytes::DOUBLE / ({w} / 1e6::DOUBLE)) AS bytes_per_s
    FROM (SELECT date, start, {by} sum(length)::BIGINT AS bytes, sum(n)::BIGINT AS packets FROM windows GROUP BY ALL)"""
# The name that DNS gave an address most often, the first in order of several: what lakes made with `--names dns` go by.
BEST = "FROM seen_dns_names SELECT date, address, arg_min(name, (-answers, name)) AS name GROUP BY ALL"
QUERIES = {
    "volume_by_ip": f"SELECT date, ip_dst, {SUMS} FROM packets GROUP BY ALL",
    "volume_by_src": f"SELECT date, ip_src, {SUMS} FROM packets GROUP BY ALL",
    "names": f"""
        WITH best AS ({BEST}), ends AS (SELECT date, ip_dst AS address FROM packets UNION SELECT date, ip_src FROM packets)
        SELECT e.date, e.address, name, 'dns' AS source FROM ends e JOIN best b ON e.date = b.date AND e.address = b.address""",
    "volume_by_name": f"""
        WITH best AS ({BEST}), volumes AS (SELECT date, ip_dst, sum(length) AS bytes, count(*) AS packets FROM packets GROUP BY ALL)
        SELECT v.date, if(ip_dst IS NULL, NULL, coalesce(name, 'N/A')) AS name_dst,
            sum(bytes)::BIGINT AS bytes, sum(packets)::BIGINT AS packets
        FROM volumes v LEFT JOIN best b ON v.date = b.date AND ip_dst = address GROUP BY ALL""",
    "conversations": "FROM conversations",
    "protocols": f"SELECT date, protocol, {SUMS} FROM packets GROUP BY ALL",
    "ports": """
        WITH both_ways AS (
            SELECT date, protocol, port_dst AS port, sum(length) AS a, count(*) AS b, 0 AS c, 0 AS d FROM packets GROUP BY ALL
            UNION ALL
            SELECT date, protocol, port_src, 0, 0, sum(length), count(*) FROM packets GROUP BY ALL
        )
        SELECT date, protocol, port::BIGINT AS port, sum(a)::BIGINT AS bytes, sum(b)::BIGINT AS packets,
            sum(c)::BIGINT AS bytes_from, sum(d)::BIGINT AS packets_from
        FROM both_ways GROUP BY ALL""",
    "dns_clients": """
        SELECT date, if(dns_is_response, ip_dst, ip_src) AS client, dns_rcode AS rcode, count(*) AS queries,
            count(DISTINCT lower(dns_query)) AS names
        FROM packets WHERE is_dns GROUP BY ALL""",
    "tunnels": f"""
        SELECT date, tunnel, tunnel_id, outer_ip_src, outer_ip_dst, {SUMS} FROM packets WHERE tunnel IS NOT NULL GROUP BY ALL""",
    "send_rates": RATES.replace("{by}", ""),
    "send_rates_by_protocol": RATES.replace("{by}", "protocol,"),
}
# Parts of tables: what is expected, and what the table says of it.
PARTS = {
    # One map gives the notebook's column, whatever the names come from.
    "names: one map gives volume_by_name": (
        """
        SELECT p.date, if(ip_dst IS NULL, NULL, coalesce(name, 'N/A')) AS name_dst, sum(length)::BIGINT, count(*)::BIGINT
        FROM packets p LEFT JOIN seen_names n ON p.date = n.date AND ip_dst = address GROUP BY ALL""",
        "SELECT date, name_dst, bytes, packets FROM seen_volume_by_name",
    ),
    "names: an address once a date": (
        "SELECT NULL, NULL WHERE false",
        "SELECT date, address FROM seen_names GROUP BY ALL HAVING count(*) > 1",
    ),
    "dns_queries: messages": (
        "SELECT date, count(*)::BIGINT FROM packets WHERE is_dns GROUP BY ALL",
        "SELECT date, sum(count)::BIGINT FROM seen_dns_queries GROUP BY ALL",
    ),
    "dns_queries: names": (
        "SELECT date, lower(dns_query), count(*)::BIGINT FROM packets WHERE dns_query IS NOT NULL GROUP BY ALL",
        "SELECT date, name, sum(count)::BIGINT FROM seen_dns_queries WHERE name IS NOT NULL GROUP BY ALL",
    ),
    "dns_clients: messages by response code": (
        "SELECT date, response_code, sum(count)::BIGINT FROM seen_dns_queries GROUP BY ALL",
        "SELECT date, rcode, sum(queries)::BIGINT FROM seen_dns_clients GROUP BY ALL",
    ),
    # Names in lower case, once an address, seen while there was DNS.
    "dns_names: sound": (
        "SELECT NULL, NULL, NULL WHERE false",
        """
        SELECT s.date, s.address, s.name FROM seen_dns_names s LEFT JOIN (
            SELECT date, min(epoch_us(datetime)) AS a, max(epoch_us(datetime)) AS b FROM packets WHERE is_dns GROUP BY ALL
        ) p ON s.date = p.date
        WHERE address IS NULL OR name IS NULL OR answers IS NULL OR answers < 1 OR name <> lower(name) OR p.date IS NULL
            OR (first_seen IS NULL) <> (last_seen IS NULL) OR first_seen > last_seen OR first_seen < a OR last_seen > b
        UNION ALL SELECT date, address, name FROM seen_dns_names GROUP BY ALL HAVING count(*) > 1""",
    ),
    "captures: dates": (
        "SELECT capture, coalesce(date, make_timestamp(first_time)::DATE, DATE '1970-01-01') FROM seen_captures",
        "SELECT capture, coalesce(make_timestamp(first_time)::DATE, DATE '1970-01-01') FROM seen_captures",
    ),
    "captures: sums and times": (
        """SELECT count(*)::BIGINT, coalesce(sum(length), 0)::BIGINT, min(epoch_us(datetime)), max(epoch_us(datetime))
        FROM packets""",
        """SELECT sum(packets)::BIGINT, sum(bytes)::BIGINT, min(first_time), max(last_time) FROM seen_captures""",
    ),
}


def files_of(lake, name):
    """The files of a table by their date; of the captures of lakes of earlier versions, which had none, by ''."""
    folder = lake / "summaries" / name
    return {path.parent.name.removeprefix(name): path for path in sorted(folder.rglob("*.parquet"))}


def open_lake(lake, folder):
    """A database with the views `packets` and, for each table that there is, `seen_…`, times as microseconds."""
    db = duckdb.connect(config={"temp_directory": folder})
    read = "read_parquet('{}/**/*.parquet', hive_partitioning = false, filename = true)"
    # The date is the folder's: where packets are partitioned by protocol too, DuckDB would take that from there as well.
    date = "CAST(nullif(regexp_extract(filename, 'date=([0-9-]+)', 1), '') AS DATE) AS date"
    db.execute(f"CREATE VIEW packets AS SELECT * REPLACE (datetime::TIMESTAMPTZ AS datetime), {date} FROM {read.format(lake / 'packets')}")
    tables = [name for name in TABLES if files_of(lake, name)]
    for name in tables:
        schema = pq.read_schema(next(iter(files_of(lake, name).values())))
        columns = [f"epoch_us({field.name}) AS {field.name}" if field.type == TIME else field.name for field in schema]
        columns = ", ".join([date, *columns])
        db.execute(f"CREATE VIEW seen_{name} AS SELECT {columns} FROM {read.format(lake / 'summaries' / name)}")
    return db, tables


def address_order(address):
    """IPv4 before IPv6, by number; none last."""
    if address is None:
        return (2, b"")
    six = ":" in address
    return (six, socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address))


def rows_of(db, query):
    held = db.execute(query)
    while rows := held.fetchmany(100_000):
        yield from rows


def make_conversations(db, most):
    """The table `conversations`: of each date the pairs with most bytes, then packets, then the first addresses."""
    db.execute(f"CREATE TEMP TABLE pairs AS SELECT date, ip_src, ip_dst, {SUMS} FROM packets GROUP BY ALL")
    db.execute("CREATE TEMP TABLE conversations AS SELECT *, NULL::BIGINT AS rest FROM pairs WHERE ip_src IS NULL AND ip_dst IS NULL")
    totals = "count(*), sum(bytes)::BIGINT, sum(packets)::BIGINT"
    for (date,) in db.execute("SELECT DISTINCT date FROM pairs").fetchall():
        pairs = f"FROM pairs WHERE date = '{date}' AND (ip_src IS NOT NULL OR ip_dst IS NOT NULL)"
        count, *all_sums = db.execute(f"SELECT {totals} {pairs}").fetchall()[0]
        if count <= most:
            db.execute(f"INSERT INTO conversations SELECT *, NULL {pairs}")
            continue
        last = db.execute(f"SELECT bytes, packets {pairs} ORDER BY ALL DESC LIMIT 1 OFFSET {most - 1}").fetchall()[0]
        larger = f"{pairs} AND (bytes > {last[0]} OR bytes = {last[0]} AND packets > {last[1]})"
        held, *sums = db.execute(f"SELECT {totals} {larger}").fetchall()[0]
        db.execute(f"INSERT INTO conversations SELECT *, NULL {larger}")
        # Of those that are as large as the last one, the first by address.
        ties = rows_of(db, f"SELECT ip_src, ip_dst {pairs} AND bytes = {last[0]} AND packets = {last[1]}")
        first = heapq.nsmallest(most - held, ties, key=lambda pair: tuple(map(address_order, pair)))
        rest = [total - (above or 0) - len(first) * each for total, above, each in zip(all_sums, sums, last)]
        rows = [[date, *pair, *last, None] for pair in first] + [[date, None, None, *rest, count - most]]
        db.executemany("INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?)", rows)


def compare(db, title, expected, seen):
    """Prints how two queries differ; gives the number of rows that do."""
    # How much more often a row is expected than it is there: EXCEPT ALL both ways in one pass.
    try:
        db.execute(f"""CREATE OR REPLACE TEMP TABLE off AS
            WITH a AS ({expected}), b AS ({seen}), both_of AS (SELECT *, 1 AS way FROM a UNION ALL SELECT *, -1 FROM b)
            SELECT * EXCLUDE way, sum(way)::BIGINT AS off FROM both_of GROUP BY ALL HAVING sum(way) <> 0""")
    except duckdb.BinderException as error:
        print(f"{title}: CANNOT BE COMPARED: {str(error).splitlines()[0]}")
        return 1
    missing, extra = db.execute(
        "SELECT coalesce(sum(off) FILTER (off > 0), 0)::BIGINT, coalesce(-sum(off) FILTER (off < 0), 0)::BIGINT FROM off"
    ).fetchall()[0]
    [(rows,)] = db.execute(f"SELECT count(*) FROM ({seen})").fetchall()
    print(f"{title}: rows {rows:,}, missing {missing:,}, extra {extra:,}, differing rows {missing + extra:,}")
    for *row, off in db.execute("FROM off ORDER BY ALL LIMIT 6").fetchall() if missing + extra else []:
        print(f"    {'missing' if off > 0 else 'extra'}: {', '.join(map(str, row))}")
    return missing + extra


def faults_of(name, table):
    """What is wrong with columns, types and the order of rows."""
    found = dict(zip(table.column_names, table.schema.types))
    if list(found.items()) != list(TABLES[name].items()):
        yield f"the columns are {', '.join(f'{column} {kind}' for column, kind in found.items())}"
    elif name in BY_VOLUME + BY_TIME:
        # Rising, null last; or falling.
        if name in BY_TIME:
            first = table["window_start"].cast(INT).fill_null(2**63 - 1).to_numpy()
            second = first * 0
        else:
            first, second = (-table[column].to_numpy() for column in ("bytes", "packets"))
        before, after = first[:-1], first[1:]
        if unsorted := int(((before > after) | (before == after) & (second[:-1] > second[1:])).sum()):
            yield f"{unsorted:,} rows are out of order"


def check_form(lake, name):
    """Columns, types and the order of rows of a table's files; gives whether there are faults."""
    faults = {}
    for date, path in files_of(lake, name).items():
        for fault in faults_of(name, pq.ParquetFile(path).read()):
            faults.setdefault(fault, []).append(date)
    for fault, dates in faults.items():
        print(f"{name}: FAULT in {len(dates)} files, first in {dates[0]}: {fault}")
    return bool(faults)


def check(lake, conversations, window, captures):
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        db, tables = open_lake(lake, folder)
        columns = {name for name, *_ in db.execute("DESCRIBE packets").fetchall()}
        tells_clients = columns.issuperset(("dns_is_response", "dns_rcode"))
        tells_tunnels = columns.issuperset(("tunnel", "tunnel_id", "outer_ip_src", "outer_ip_dst"))
        in_tunnels = tells_tunnels and db.execute("SELECT count(tunnel) FROM packets").fetchall()[0][0]
        for name in [name for name in TABLES if name not in tables and (name != "tunnels" or in_tunnels)]:
            print(f"{name}: MISSING, there is no {lake}/summaries/{name}/**/*.parquet")
            wrong += 1
        wrong += sum([check_form(lake, name) for name in tables])
        db.execute(WINDOWS.format(w=window))
        if "conversations" in tables:
            make_conversations(db, conversations)
        for name, query in QUERIES.items():
            is_told = {"tunnels": tells_tunnels, "dns_clients": tells_clients}.get(name, True)
            if name in tables and ("best" not in query or "dns_names" in tables) and is_told:
                wrong += compare(db, name, query.format(w=window), f"FROM seen_{name}")
        for title, queries in PARTS.items():
            if title.partition(":")[0] in tables:
                wrong += compare(db, title, *queries)
        if captures:
            import dns_of

            for name, rows in zip(("dns_queries", "dns_names", "dns_clients"), dns_of.tables(captures)):
                if name in tables:
                    columns = {"date": pa.date32(), **{key: INT if kind == TIME else kind for key, kind in TABLES[name].items()}}
                    db.register("read_again", pa.Table.from_pylist([dict(zip(columns, row)) for row in rows], pa.schema(columns)))
                    wrong += compare(db, f"{name}: captures read again", "FROM read_again", f"FROM seen_{name}")
    return wrong


def same(lake, other):
    """Compares the tables of two lakes, rows and order; gives the number of those that differ."""
    differ = 0
    for name in sorted({path.name for root in (lake, other) for path in (root / "summaries").iterdir()}):
        tables = []
        for root in (lake, other):
            files = {date: pq.ParquetFile(path).read() for date, path in files_of(root, name).items()}
            if name == "captures":
                for date, table in files.items():
                    names = pa.array([Path(path).name for path in table["capture"].to_pylist()], TEXT)
                    files[date] = table.set_column(0, "capture", names).sort_by([("capture", "ascending"), ("file_bytes", "ascending")])
            tables.append(files)
        a, b = tables
        dates = [date for date in sorted(a.keys() | b.keys()) if date not in a or date not in b or not a[date].equals(b[date])]
        print(f"{name}: {'different: ' + ', '.join(dates[:5]) if dates else 'identical'}")
        differ += bool(dates)
    return differ


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path, metavar="LAKE")
    parser.add_argument("--conversations", type=int, default=1000, metavar="N", help="pairs a date that the lake was made with")
    parser.add_argument("--window", type=float, default=1, metavar="SECONDS", help="of the send rates; default: 1")
    parser.add_argument("--captures", nargs="+", default=[], metavar="CAPTURE", help="files or folders")
    parser.add_argument("--same-as", type=Path, metavar="OTHER_LAKE")
    args = parser.parse_args()
    for lake in filter(None, (args.lake, args.same_as)):
        if not (lake / "summaries").is_dir():
            parser.error(f"{lake} has no summaries")
    if args.same_as:
        wrong = same(args.lake, args.same_as)
    else:
        wrong = check(args.lake, args.conversations, round(args.window * 1e6), args.captures)
    print("something differs" if wrong else "all as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
