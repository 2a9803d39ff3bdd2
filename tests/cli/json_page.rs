//! `docs/json.md` as a schema: documents are held against it, and what it says against all that was seen.

use std::collections::{BTreeMap, BTreeSet};

use parcap::summary::SUMMARIES;
use serde_json::{Map, Value};

/// What the page says of a field.
struct Field {
    kind: String,
    may_be_absent: bool,
}

/// The page, and what was seen of it.
pub(super) struct Page {
    /// Fields by object and name.
    objects: BTreeMap<String, BTreeMap<String, Field>>,
    /// What was seen of a field: `report.names there`, `report.names absent`, `gap.resumed_at null`.
    seen: BTreeSet<String>,
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let mut objects = BTreeMap::<_, BTreeMap<_, _>>::new();
        let (mut object, mut open) = (String::new(), false);
        for line in text.lines() {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            if line.starts_with('#') {
                object = line.trim_start_matches('#').trim().trim_matches('`').to_owned();
                open = false;
            } else if cells.get(1) == Some(&"field") {
                assert_eq!(cells[2..6], ["type", "unit", "meaning", "absent or null"], "{object}");
                open = true;
            } else if open && line.starts_with("| `") {
                let [_, name, kind, unit, meaning, absent, _] = cells[..] else { panic!("{object}: {line}") };
                let (name, may_be_absent) = (name.trim_matches('`'), absent.starts_with("absent: "));
                assert_eq!(kind.ends_with(" or null"), absent.starts_with("null: "), "{object}.{name}: {absent}");
                assert!(may_be_absent || absent.is_empty() || kind.ends_with(" or null"), "{object}.{name}: {absent}");
                assert!(!meaning.is_empty(), "{object}.{name} means nothing");
                assert!(!unit.contains("  "), "{object}.{name}");
                let field = Field { kind: kind.to_owned(), may_be_absent };
                let twice = objects.entry(object.clone()).or_default().insert(name.to_owned(), field);
                assert!(twice.is_none(), "{object}.{name} is there twice");
            }
        }
        assert!(objects.len() > 20, "{:?}", objects.keys());
        Self { objects, seen: BTreeSet::new() }
    }

    /// Holds a document against the page; its first field is the version.
    pub(super) fn document(&mut self, object: &str, text: &str) {
        assert!(text.starts_with("{\"version\":1,") && text.ends_with("}\n"), "{object}: {text}");
        assert_eq!(text.lines().count(), 1, "{object}: {text}");
        self.object(object, &serde_json::from_str(text).unwrap());
    }

    /// Holds lines of the log against it.
    pub(super) fn log(&mut self, lines: &str) {
        for line in lines.lines() {
            let event = serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
            self.document(&format!("log-{event}"), &format!("{line}\n"));
        }
    }

    fn object(&mut self, object: &str, value: &Value) {
        let fields = value.as_object().unwrap_or_else(|| panic!("{object} is no object: {value}"));
        let Some(known) = self.objects.get(object) else { panic!("the page has no {object}") };
        let unknown: Vec<_> = fields.keys().filter(|name| !known.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "the page does not say that {object} has {unknown:?}");
        let known: Vec<_> =
            known.iter().map(|(name, field)| (name.clone(), field.kind.clone(), field.may_be_absent)).collect();
        for (name, kind, may_be_absent) in known {
            let place = format!("{object}.{name}");
            let Some(value) = fields.get(&name) else {
                assert!(may_be_absent, "{place} is absent");
                self.seen.insert(format!("{place} absent"));
                continue;
            };
            self.seen.insert(format!("{place} {}", if value.is_null() { "null" } else { "there" }));
            let fits = kind.split(" or ").any(|kind| fits(kind, value));
            assert!(fits, "{place} is no {kind}: {value}");
            for linked in kind.split(['[', ']']).skip(1).step_by(2) {
                let below = if kind.starts_with("list of ") { value.as_array().unwrap().iter() } else { [].iter() };
                let itself = (!kind.starts_with("list of ") && !value.is_null()).then_some(value);
                below.chain(itself).for_each(|value| self.object(linked, value));
            }
        }
        if object == "table" {
            row_names(fields);
        }
    }

    /// Whether everything that the page says was seen: each field, and where it says so without it, or null.
    pub(super) fn not_seen(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (object, fields) in &self.objects {
            for (name, field) in fields {
                let mut states = vec!["there"];
                states.extend(field.may_be_absent.then_some("absent"));
                states.extend(field.kind.ends_with(" or null").then_some("null"));
                let states = states.into_iter().map(|state| format!("{object}.{name} {state}"));
                missing.extend(states.filter(|state| !self.seen.contains(state)));
            }
        }
        missing
    }
}

fn fits(kind: &str, value: &Value) -> bool {
    if let Some(kind) = kind.strip_prefix("list of ") {
        return value.as_array().is_some_and(|values| values.iter().all(|value| fits(kind, value)));
    }
    if let Some(kind) = kind.strip_prefix("map of ") {
        return value.as_object().is_some_and(|values| values.values().all(|value| fits(kind, value)));
    }
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_f64(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "row" | "object" => value.is_object(),
        "path" => match value.as_object() {
            None => value.is_string(),
            Some(fields) => fields.len() == 1 && fields.get("hex").is_some_and(Value::is_string),
        },
        link => link.starts_with('[') && value.is_object(),
    }
}

/// Rows have the columns of their table, and perhaps the date.
fn row_names(table: &Map<String, Value>) {
    let name = table["name"].as_str().unwrap();
    let summary = SUMMARIES.iter().find(|summary| summary.name == name).unwrap();
    let columns: BTreeSet<_> = summary.columns.iter().map(|column| column.name).collect();
    for row in table["first"].as_array().unwrap() {
        let found: BTreeSet<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(found == columns, "{name}: {found:?}");
    }
}
