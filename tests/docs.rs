//! `docs/tables.md` and `docs/columns.md` are made of the tables' own descriptions, and the guide's list of link types of what is decoded:
//! `PARCAP_BLESS=1 cargo test docs::` writes them again.

use std::collections::BTreeMap;
use std::path::Path;

use parcap::capture::LinkType;
use parcap::decode::{Stop, decode};
use parcap::packets::COLUMNS;
use parcap::summary::SUMMARIES;

use crate::support::repository;
use crate::support::tables_page::{further_columns, tables};

#[test]
fn the_pages_of_tables_are_what_the_tables_say_of_themselves() {
    for (page, made) in [("docs/tables.md", tables()), ("docs/columns.md", further_columns())] {
        let path = repository(page);
        if std::env::var_os("PARCAP_BLESS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), made, "{page}: PARCAP_BLESS=1 cargo test docs::");
    }
}

#[test]
fn the_readme_names_every_column_and_the_guide_every_table() {
    let page = |name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (readme, guide) = (page("README.md"), page("docs/guide.md"));
    for column in COLUMNS {
        assert!(readme.contains(&format!("`{}`", column.name)), "{}", column.name);
    }
    for summary in SUMMARIES {
        assert!(guide.contains(&format!("| `{}` |", summary.name)), "{}", summary.name);
    }
}

#[test]
fn the_guide_lists_the_link_types_that_are_decoded() {
    const HEAD: &str = "| number | name | what a packet begins with |\n|---|---|---|\n";
    let path = repository("docs/guide.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = guide.split_once(HEAD).unwrap();
    let (_, after) = rest.split_once("\n## ").unwrap();
    let made = format!("{before}{HEAD}{}\n## {after}", link_types());
    if std::env::var_os("PARCAP_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), made, "PARCAP_BLESS=1 cargo test docs::");
}

/// A row for each link type that is decoded, with what the documentation of its constant says.
fn link_types() -> String {
    let code = std::fs::read_to_string(repository("src/capture/link_type.rs")).unwrap();
    let lines: Vec<_> = code.lines().map(str::trim).collect();
    // A constant without documentation of one line is not found.
    let documented = lines.windows(2).filter_map(|pair| {
        let (_, number) = pair[1].strip_prefix("pub const ")?.split_once(": Self = Self(")?;
        Some((number.strip_suffix(");")?.parse::<u16>().unwrap(), pair[0].strip_prefix("/// ")?))
    });
    let documented: BTreeMap<_, _> = documented.collect();
    let decoded: Vec<_> = (0..=u16::MAX).filter(|number| is_decoded(LinkType(*number))).collect();
    assert_eq!(documented.keys().copied().collect::<Vec<_>>(), decoded, "each that is decoded is a constant");
    let row = |(number, says): (&u16, &&str)| format!("| {number} | {} | {says} |\n", LinkType(*number));
    documented.iter().map(row).collect()
}

/// Whether any frame of a link type is decoded: one without bytes, or the header that a private type is known by.
fn is_decoded(link_type: LinkType) -> bool {
    let mut pktap = [0; 108];
    pktap[0] = 108;
    [&[][..], &pktap].iter().any(|frame| decode(link_type, frame).stop != Some(Stop::UnknownLinkType))
}
