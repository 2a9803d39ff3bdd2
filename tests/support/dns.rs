//! Questions of DNS clients, and what the table of clients says of them. What is expected is added up where the messages are made.
//!
//! Source of the messages: RFC 1035 4.1.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::build::{DAYS, Frame, udp, udp6};
use super::{Row, files, run, summary};

/// Messages and different names by date, client and response code.
pub(crate) type Asked = BTreeMap<(String, String, Option<String>), (i64, BTreeSet<String>)>;
/// As the tables show it: messages and the number of names.
pub(crate) type Counted = BTreeMap<(String, String, Option<String>), (i64, i64)>;

/// A message: who asks, on which day, for which name and type, and how it is answered, if it is.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) client: IpAddr,
    pub(crate) day: usize,
    /// None has no question, only an answer of an address.
    pub(crate) name: Option<String>,
    pub(crate) kind: u8,
    pub(crate) code: Option<u8>,
    /// Whether it is cut after the name.
    pub(crate) cut: bool,
}

pub(crate) const CODES: [(u8, &str); 5] =
    [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (15, "RCODE15")];

impl Question {
    fn message(&self) -> Vec<u8> {
        let wire = |name: &str| -> Vec<u8> {
            let labels = name.split('.').filter(|label| !label.is_empty());
            let labels = labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat());
            labels.chain([0]).collect()
        };
        let flags = self.code.map_or([1, 0], |code| [0x81, 0x80 | code]);
        let [asks, answers] = if self.name.is_some() { [1, 0] } else { [0, 1] };
        let mut bytes = [&[0, 7][..], &flags, &[0, asks, 0, answers, 0, 0, 0, 0]].concat();
        match &self.name {
            Some(name) => {
                bytes.extend(wire(name));
                if !self.cut {
                    bytes.extend([0, self.kind, 0, 1]);
                }
            }
            None => bytes.extend([wire("owner."), vec![0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 203, 0, 113, 1]].concat()),
        }
        bytes
    }

    /// From or to port 53 of a server, as a query or its response.
    pub(crate) fn frame(&self) -> Frame {
        let mut frame = if self.client.is_ipv4() { udp(0, &self.message()) } else { udp6(&self.message()) };
        // Where the source, the destination and their ports are.
        let (octets, places, ports) = match self.client {
            IpAddr::V4(client) => (client.octets().to_vec(), [26, 30], [34, 36]),
            IpAddr::V6(client) => (client.octets().to_vec(), [22, 38], [54, 56]),
        };
        let from = usize::from(self.code.is_some());
        let server = vec![9; octets.len()];
        for (at, address) in [(places[from], octets), (places[1 - from], server)] {
            frame.data[at..at + address.len()].copy_from_slice(&address);
        }
        frame.data[ports[from]..ports[from] + 2].copy_from_slice(&[0xc0, 1]);
        frame.data[ports[1 - from]..ports[1 - from] + 2].copy_from_slice(&[0, 53]);
        frame
    }

    pub(crate) fn add_to(&self, asked: &mut Asked) {
        let code = self.code.map(|code| CODES.iter().find(|(number, _)| *number == code).unwrap().1.to_owned());
        let key = (format!("date={}", DAYS[self.day].1), self.client.to_string(), code);
        let held = asked.entry(key).or_default();
        held.0 += 1;
        held.1.extend(self.name.as_ref().map(|name| name.to_lowercase()));
    }
}

pub(crate) fn all<'a>(captures: impl IntoIterator<Item = &'a Asked>) -> Asked {
    let mut asked = Asked::new();
    for (key, (messages, names)) in captures.into_iter().flatten() {
        let held = asked.entry(key.clone()).or_default();
        held.0 += messages;
        held.1.extend(names.iter().cloned());
    }
    asked
}

pub(crate) fn counted(asked: &Asked) -> Counted {
    let count = |names: &BTreeSet<String>| i64::try_from(names.len()).unwrap();
    asked.iter().map(|(key, (messages, names))| (key.clone(), (*messages, count(names)))).collect()
}

/// The same of all dates together, as if they were one.
pub(crate) fn of_all_dates(asked: &Asked) -> Counted {
    let mut one = Asked::new();
    for ((_, client, code), (messages, names)) in asked {
        let held = one.entry((String::new(), client.clone(), code.clone())).or_default();
        held.0 += messages;
        held.1.extend(names.iter().cloned());
    }
    counted(&one)
}

/// What a lake's table says. The clients with most messages come first, then by address and code, queries last.
pub(crate) fn said(lake: &Path) -> Counted {
    let rows = summary(lake, "dns_clients");
    let code = |row: &Row| row.get("rcode").map(str::to_owned);
    let order = |row: &Row| {
        let client: IpAddr = row.get("client").unwrap().parse().unwrap();
        let number = CODES.iter().find(|(_, name)| Some(*name) == row.get("rcode")).map_or(99, |(number, _)| *number);
        (row.partition.clone(), -row.int("queries").unwrap(), client, number)
    };
    assert!(rows.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])), "{rows:?}");
    let key = |row: &Row| (row.partition.clone(), row.get("client").unwrap().to_owned(), code(row));
    let counts = |row: &Row| (row.int("queries").unwrap(), row.int("names").unwrap());
    rows.iter().map(|row| (key(row), counts(row))).collect()
}

/// Messages by date and response code of a table.
fn by_code(lake: &Path, table: &str, code: &str, count: &str) -> BTreeMap<(String, Option<String>), i64> {
    let mut sums = BTreeMap::new();
    for row in summary(lake, table) {
        *sums.entry((row.partition.clone(), row.get(code).map(str::to_owned))).or_insert(0) += row.int(count).unwrap();
    }
    sums
}

pub(crate) fn assert_balances(lake: &Path) {
    let questions = by_code(lake, "dns_queries", "response_code", "count");
    assert_eq!(by_code(lake, "dns_clients", "rcode", "queries"), questions);
    let dates = |table: &str| files(&lake.join("summaries").join(table)).len();
    assert_eq!(dates("dns_clients"), dates("dns_queries"));
}

pub(crate) fn succeeds(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

/// What `summarize` says of all dates of a lake, or of captures: as JSON and as CSV.
pub(crate) fn summarized(input: &str) -> [Counted; 2] {
    let shown = succeeds(&["summarize", input, "--table", "dns_clients", "--format", "json", "--top", "100000"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let rows = shown["tables"][0]["first"].as_array().unwrap().iter().map(|row| {
        let word = |name: &str| row[name].as_str().map(str::to_owned);
        let key = (String::new(), word("client").unwrap(), word("rcode"));
        (key, (row["queries"].as_i64().unwrap(), row["names"].as_i64().unwrap()))
    });
    let json = rows.collect();
    let csv = succeeds(&["summarize", input, "--table", "dns_clients", "--format", "csv", "--top", "all"]);
    let rows = csv.lines().skip(1).map(|line| {
        let [client, code, queries, names] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        ((String::new(), client.to_owned(), code), (queries.parse().unwrap(), names.parse().unwrap()))
    });
    [json, rows.collect()]
}
