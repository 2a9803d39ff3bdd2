//! Lakes in a bucket: of object_store's store in memory, asked through the client that asks real ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;
use parcap::storage::objects::{ObjectAddress, ObjectClient, Store};
use tempfile::TempDir;

use super::folder;

/// A new bucket of this process, as the URL of a lake in it.
pub(crate) fn lake_in_a_bucket() -> PathBuf {
    static BUCKETS: AtomicUsize = AtomicUsize::new(0);
    let url = PathBuf::from(format!("s3://in-memory-{}/lake", BUCKETS.fetch_add(1, Ordering::Relaxed)));
    let store = Arc::new(InMemory::new());
    let client = ObjectClient::of_bucket(Arc::clone(&store), store);
    Store::stand_in(&ObjectAddress::of(&url).unwrap().root, Store::of(Arc::new(client)));
    url
}

/// What is in a bucket's lake, as a folder.
pub(crate) fn downloaded(lake: &Path) -> TempDir {
    let address = ObjectAddress::of(lake).unwrap();
    let store = Store::connect(&address.root).unwrap();
    let to = folder();
    let mut found = Vec::new();
    store
        .list(&address.folder(), &mut |facts| {
            found.push(facts);
            Ok(())
        })
        .unwrap();
    for facts in found {
        let path = to.path().join(facts.key.strip_prefix(&address.folder()).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut bytes = Vec::new();
        let body = store.body(&facts.key, &facts.version, 0..facts.size);
        for piece in body {
            bytes.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(bytes.len() as u64, facts.size, "{path:?}");
        fs::write(path, bytes).unwrap();
    }
    to
}
