//! Uploads that stores may end soon.

use std::path::Path;
use std::sync::Arc;

use crate::clock::set_ahead_ms;
use crate::config::Settings;
use crate::error::{Error, LostUploads, Result};
use crate::lake::bucket::publish;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Action, Manifest};
use crate::lake::record::CommittedPart;
use crate::storage::local;
use crate::storage::objects::HeldUpload;

use super::model::{Change, captures_beside_the_table, lake, world_after};
use super::world::Process;

const HOUR: i64 = 3600 * 1000;

/// Commits a part that another process uploaded some hours ago. Returns what the lake holds then, and how many uploads are open.
fn commit_after(hours: i64, change: impl FnOnce(HeldUpload) -> HeldUpload) -> (Result<()>, Vec<String>, usize) {
    let world = world_after(&[Change::Convert("a", 1)])();
    let lake = lake(&Arc::new(Process::new(&world)));
    let bucket = lake.bucket().unwrap();
    let staged = Layout::staging().join("x.parquet");
    local::write(&lake.make_room(&staged).unwrap(), b"x\n").unwrap();
    set_ahead_ms(0);
    let path = Path::new("packets/date=2024-03-11/part-x-00000.parquet");
    bucket.upload(&staged, path).unwrap();
    let held = change(bucket.uploaded(&staged).unwrap().unwrap());
    drop(bucket.take_open());
    set_ahead_ms(hours * HOUR);
    let mut manifest = Manifest::new(2, Action::Convert, Settings::default());
    manifest.parts.push(CommittedPart {
        path: path.to_path_buf(),
        unit: "x".to_owned(),
        rows: 1,
        bytes: held.bytes,
        checksum: held.checksum.clone(),
        ranges: Vec::new(),
        delta: None,
    });
    let result = publish(bucket, (Vec::new(), vec![held]), Vec::new(), manifest, None, None);
    set_ahead_ms(0);
    let open = world.lock().unwrap().open_uploads();
    // The table is not of the part, which is no matter here.
    (result, captures_beside_the_table(&world).into_iter().collect(), open)
}

#[test]
fn a_commit_whose_first_upload_is_over_half_a_day_old_is_not_decided() {
    let (result, found, open) = commit_after(13, |held| held);
    let Err(error @ Error::Undone(LostUploads::Old { hours: 13, .. })) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("begun 13 hours ago"), "{error}");
    assert_eq!((found, open), (vec!["a1".to_owned()], 0), "the lake is as it was, and nothing is left open");
    let (result, found, open) = commit_after(11, |held| held);
    assert!(result.is_ok() && found.len() == 2 && open == 0, "{result:?} {found:?}");
}

#[test]
fn a_row_of_an_upload_has_its_time_and_one_without_it_is_read_all_the_same() {
    let again = |held: HeldUpload| {
        let text = serde_json::to_string(&held).unwrap();
        assert!(text.contains(",\"since\":1"), "{text}");
        assert_eq!(serde_json::from_str::<HeldUpload>(&text).unwrap(), held);
        let end = text.find(",\"since\"").unwrap();
        serde_json::from_str(&format!("{}}}", &text[..end])).unwrap()
    };
    let (result, found, _) = commit_after(100, again);
    assert!(result.is_ok() && found.len() == 2, "{result:?} {found:?}");
}
