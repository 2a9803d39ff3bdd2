//! A manifest that says what is left to do is carried out by any process, so it must name nothing elsewhere.

use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::error::Error;
use crate::lake::bucket::state::{CommitStage, Pending, Retired};
use crate::lake::manifest::{Action, Manifest};
use crate::storage::objects::HeldUpload;

fn held(path: &str) -> HeldUpload {
    HeldUpload {
        path: path.into(),
        upload: "u".into(),
        pieces: vec!["p".into()],
        bytes: 1,
        checksum: "c".into(),
        since: None,
    }
}

fn read(change: impl FnOnce(&mut Manifest, &mut Pending)) -> Result<Manifest, Error> {
    let mut manifest = Manifest::new(1, Action::Convert, Settings::default());
    let mut pending = Pending {
        stage: CommitStage::Decided,
        parts: vec![held("packets/date=2024-03-11/a.parquet")],
        tables: vec![held("summaries/ports/date=2024-03-11/ports.parquet"), held("_parcap/names/ptr.parquet")],
        delta: None,
        removes: vec!["packets/date=2024-03-11/b.parquet".into(), "_parcap/partials/c.arrow".into()],
        checkpoint_at: None,
    };
    change(&mut manifest, &mut pending);
    manifest.pending = Some(pending);
    Manifest::of_bytes(&manifest.to_bytes().unwrap(), Path::new("s3://bucket/lake/_parcap/manifest/0000000001.json"))
}

#[test]
fn what_is_left_to_do_names_nothing_elsewhere() {
    assert_eq!(read(|_, _| {}).unwrap().pending.unwrap().parts.len(), 1);
    for strange in ["../x.parquet", "packets/../../x.parquet", "/etc/x.parquet", "packets", "_parcap/lease.json", "x"] {
        let refused = [
            read(|_, pending| pending.parts.push(held(strange))),
            read(|_, pending| pending.tables.push(held(strange))),
            read(|manifest, _| manifest.retired.push(Retired { path: strange.into(), since: 0 })),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(Error::Outside { .. })), "{strange}: {refused:?}");
        }
    }
    for strange in ["../x.parquet", "packets/../../x.parquet", "/etc/x.parquet", "x"] {
        let refused = read(|_, pending| pending.removes.push(PathBuf::from(strange)));
        assert!(matches!(refused, Err(Error::Outside { .. })), "{strange}: {refused:?}");
    }
    // A part is no table, and a table no part.
    assert!(read(|_, pending| pending.parts.push(held("summaries/x.parquet"))).is_err());
    assert!(read(|_, pending| pending.tables.push(held("packets/x.parquet"))).is_err());
}
