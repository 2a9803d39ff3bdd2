//! `docs/tables.md` is made of the tables' own descriptions: `PARCAP_BLESS=1 cargo test docs::` writes it again.

use std::path::Path;

use parcap::packets::COLUMNS;
use parcap::summary::SUMMARIES;

use crate::support::tables_page::tables;

#[test]
fn the_page_of_tables_is_what_the_tables_say_of_themselves() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    if std::env::var_os("PARCAP_BLESS").is_some() {
        std::fs::write(&path, tables()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), tables(), "PARCAP_BLESS=1 cargo test docs::");
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
