#!/usr/bin/env python3
"""Checks the table of flows of a lake against its packets, by gaps and islands in DuckDB: rows, and every cell.

    python3 scripts/oracle/check_flows.py LAKE [--timeout SECONDS]

The lake needs the columns `tcp_flags` and `community_id` (`parcap convert … --flows --columns transport,flow`). Needs duckdb.

Exit status: 0 all agree, 1 some differ, 2 wrong usage.
"""

import argparse
import ipaddress
import sys

import duckdb

# A TCP flow's state, as docs/tables.md says it.
STATE = """
CASE WHEN protocol <> 'TCP' OR NOT has_flags THEN NULL
     WHEN NOT opens THEN 'OTH'
     WHEN tcp_flags_in & 4 > 0 THEN CASE WHEN tcp_flags_in & 2 > 0 THEN 'RSTR' ELSE 'REJ' END
     WHEN tcp_flags_out & 4 > 0 THEN CASE WHEN tcp_flags_in & 2 > 0 THEN 'RSTO' ELSE 'RSTOS0' END
     WHEN tcp_flags_out & 1 > 0 AND tcp_flags_in & 1 > 0 THEN 'SF'
     WHEN tcp_flags_out & 1 > 0 THEN CASE WHEN tcp_flags_in & 2 > 0 THEN 'S2' ELSE 'SH' END
     WHEN tcp_flags_in & 1 > 0 THEN 'S3'
     WHEN tcp_flags_in & 2 > 0 THEN 'S1'
     WHEN NOT has_flags_in THEN 'S0'
     ELSE 'OTH' END
"""

ISLANDS = """
CREATE TABLE timed AS
    SELECT epoch_us(datetime) AS t, date, length, protocol, tcp_flags, community_id, ip_src, ip_dst, port_src, port_dst,
           (s.place, coalesce(port_src, 65536)) <= (d.place, coalesce(port_dst, 65536)) AS from_lower
    FROM packets JOIN places s ON s.ip = ip_src JOIN places d ON d.ip = ip_dst
    WHERE datetime IS NOT NULL;
CREATE TABLE keyed AS
    SELECT *, CASE WHEN from_lower THEN (ip_src, port_src, ip_dst, port_dst, protocol)
              ELSE (ip_dst, port_dst, ip_src, port_src, protocol) END AS pair
    FROM timed;
CREATE TABLE numbered AS
    -- Packets of the same time have the same number, whichever the window before took first.
    SELECT *, sum(is_new) OVER (PARTITION BY pair ORDER BY t RANGE UNBOUNDED PRECEDING) AS number
    FROM (SELECT *, CASE WHEN t - lag(t) OVER w <= {timeout} AND date = lag(date) OVER w THEN 0 ELSE 1 END AS is_new,
                    t - lag(t) OVER w <= {timeout} AND date <> lag(date) OVER w AS began_before
          FROM keyed WINDOW w AS (PARTITION BY pair ORDER BY t));
CREATE TABLE islands AS
    SELECT pair, number, min(t) AS first, max(t) AS last, any_value(date) AS date, coalesce(bool_or(began_before), false) AS began_before,
           arg_min(from_lower, (t, CASE WHEN tcp_flags & 18 = 2 THEN 0 ELSE 1 END, CASE WHEN from_lower THEN 0 ELSE 1 END))
               AS out_is_lower
    FROM numbered GROUP BY pair, number;
CREATE TABLE expected AS
    SELECT *, {state} AS state
    FROM (SELECT date, first AS first_time, last AS last_time,
                 first(CASE WHEN out_is_lower THEN pair[1] ELSE pair[3] END) AS ip_src,
                 first(CASE WHEN out_is_lower THEN pair[2] ELSE pair[4] END) AS port_src,
                 first(CASE WHEN out_is_lower THEN pair[3] ELSE pair[1] END) AS ip_dst,
                 first(CASE WHEN out_is_lower THEN pair[4] ELSE pair[2] END) AS port_dst,
                 first(pair[5]) AS protocol,
                 count(*) FILTER (is_out) AS packets_out, coalesce(sum(length) FILTER (is_out), 0) AS bytes_out,
                 count(*) FILTER (NOT is_out) AS packets_in, coalesce(sum(length) FILTER (NOT is_out), 0) AS bytes_in,
                 CASE WHEN first(pair[5]) = 'TCP' THEN coalesce(bit_or(tcp_flags) FILTER (is_out), 0) END AS tcp_flags_out,
                 CASE WHEN first(pair[5]) = 'TCP' THEN coalesce(bit_or(tcp_flags) FILTER (NOT is_out), 0) END AS tcp_flags_in,
                 first(began_before) OR first(goes_on) AS is_cut,
                 CASE WHEN first(pair[5]) NOT IN ('ICMP', 'ICMPv6') THEN min(community_id) END AS community_id,
                 coalesce(bool_or(tcp_flags & 18 = 2) FILTER (is_out), false) AS opens,
                 bool_or(tcp_flags IS NOT NULL) AS has_flags,
                 coalesce(bool_or(tcp_flags IS NOT NULL) FILTER (NOT is_out), false) AS has_flags_in
          FROM (SELECT n.*, i.first, i.last, i.out_is_lower, i.began_before, i.goes_on,
                       n.from_lower = i.out_is_lower AS is_out
                FROM (SELECT * EXCLUDE (began_before) FROM numbered) n JOIN
                     (SELECT *, coalesce(lead(began_before) OVER (PARTITION BY pair ORDER BY number), false) AS goes_on
                      FROM islands) i ON n.pair IS NOT DISTINCT FROM i.pair AND n.number = i.number)
          GROUP BY pair, number, date, first, last);
"""

COLUMNS = (
    "last_time port_src port_dst protocol packets_out bytes_out packets_in bytes_in tcp_flags_out tcp_flags_in "
    "state is_cut community_id name_dst duration_s"
).split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("--timeout", type=float, default=60.0)
    options = parser.parse_args()
    lake, db = options.lake, duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    read = "read_parquet('{}/{}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    db.execute(f"CREATE VIEW packets AS SELECT * FROM {read.format(lake, 'packets')}")
    found = db.execute("SELECT DISTINCT ip_src FROM packets UNION SELECT DISTINCT ip_dst FROM packets").fetchall()
    order = sorted((ipaddress.ip_address(ip) for (ip,) in found if ip is not None), key=lambda ip: (ip.version, int(ip)))
    # Text of an address that embeds IPv4 differs between libraries, so that of the lake is kept.
    by_value = {ipaddress.ip_address(ip): ip for (ip,) in found if ip is not None}
    db.execute("CREATE TABLE places (ip VARCHAR, place BIGINT)")
    if order:
        db.executemany("INSERT INTO places VALUES (?, ?)", [(by_value[ip], place) for place, ip in enumerate(order)])
    db.execute(ISLANDS.format(timeout=int(options.timeout * 1e6), state=STATE))
    db.execute(f"""
        CREATE TABLE got AS SELECT * REPLACE (epoch_us(first_time) AS first_time, epoch_us(last_time) AS last_time)
        FROM {read.format(lake, 'summaries/flows')};
        CREATE TABLE names AS SELECT * FROM {read.format(lake, 'summaries/names')};
        CREATE TABLE wanted AS SELECT e.*, n.name AS name_dst, (last_time - first_time) / 1e6 AS duration_s
        FROM expected e LEFT JOIN names n ON n.date = e.date AND n.address = e.ip_dst;
    """)
    differ = ", ".join(f"count(*) FILTER (g.{c} IS DISTINCT FROM w.{c}) AS {c}" for c in COLUMNS)
    keys = "date first_time ip_src port_src ip_dst port_dst protocol".split()
    on = " AND ".join(f"g.{key} IS NOT DISTINCT FROM w.{key}" for key in keys)
    joined = f"got g FULL JOIN wanted w ON {on}"
    rows = db.execute("SELECT (SELECT count(*) FROM got), (SELECT count(*) FROM wanted)").fetchall()[0]
    alone = db.execute(f"SELECT count(*) FILTER (w.date IS NULL), count(*) FILTER (g.date IS NULL) FROM {joined}").fetchall()[0]
    cells = db.execute(f"SELECT {differ} FROM got g JOIN wanted w ON {on}").fetchall()[0]
    differing = dict((c, n) for c, n in zip(COLUMNS, cells) if n)
    sums = db.execute("SELECT sum(packets_out + packets_in), sum(bytes_out + bytes_in) FROM got").fetchall()[0]
    flows = db.execute("""SELECT count(*) FILTER (has), sum(length) FILTER (has), count(*), sum(length) FROM
        (SELECT length, datetime IS NOT NULL AND ip_src IS NOT NULL AND ip_dst IS NOT NULL AS has FROM packets)""").fetchall()[0]
    states = db.execute("SELECT state, count(*) FROM got GROUP BY 1 ORDER BY 2 DESC").fetchall()
    print(f"{rows[0]:,} rows, {rows[1]:,} expected; {alone[0]} and {alone[1]} alone; differing cells {sum(differing.values())} {differing}")
    print(f"packets {sums[0]} of {flows[0]}, bytes {sums[1]} of {flows[1]}, of {flows[2]} and {flows[3]} in all; states {states}")
    for sample in db.execute(f"SELECT w.*, g.* FROM {joined} WHERE w.date IS NULL OR g.date IS NULL LIMIT 3").fetchall():
        print("alone:", sample)
    wrong = " OR ".join(f"g.{c} IS DISTINCT FROM w.{c}" for c in COLUMNS)
    for sample in db.execute(f"SELECT w.*, g.* FROM got g JOIN wanted w ON {on} WHERE {wrong} LIMIT 2").fetchall():
        print("differs:", sample)
    balance = tuple(number or 0 for number in sums) == tuple(number or 0 for number in flows[:2])
    return 0 if rows[0] == rows[1] and not any(alone) and not differing and balance else 1


if __name__ == "__main__":
    sys.exit(main())
