//! Uploads beside the work.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::Error;
use crate::lake::bucket::Bucket;
use crate::lake::bucket::objects::Objects;
use crate::storage::local;
use crate::storage::objects::{ObjectAddress, Store};

use super::world::{Process, World};

const URL: &str = "s3://bucket/lake";

fn bucket(process: &Arc<Process>) -> Bucket {
    let mut objects = Objects::new(Store::of(process.clone()), ObjectAddress::of(Path::new(URL)).unwrap());
    objects.patience = Duration::ZERO;
    Bucket::of(objects, Path::new(URL)).unwrap()
}

/// Stages a file, and begins to upload it.
fn give(bucket: &Bucket, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let staged = PathBuf::from(name);
    let place = bucket.scratch().unwrap().join(&staged);
    local::write(&place, bytes).unwrap();
    bucket.upload(&staged, &Path::new("packets").join(name)).map(|()| staged)
}

#[test]
fn files_of_any_size_come_out_as_they_went_in() {
    const PIECE: usize = 8 << 20;
    let world = Arc::new(Mutex::new(World::default()));
    let bucket = bucket(&Arc::new(Process::new(&world)));
    let sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5, 100, 2 * PIECE];
    let bytes = |size: usize| (0..size).map(|at| u8::try_from(at / 4093 % 251).unwrap()).collect::<Vec<u8>>();
    let staged: Vec<_> = sizes.iter().map(|size| give(&bucket, &size.to_string(), &bytes(*size)).unwrap()).collect();
    for (staged, size) in staged.iter().zip(sizes) {
        let held = bucket.uploaded(staged).unwrap().unwrap();
        assert_eq!((held.pieces.len(), held.bytes), (size.div_ceil(PIECE).max(1), size as u64));
        assert!(!bucket.scratch().unwrap().join(staged).exists(), "{size}: it takes room");
        // It is given out once.
        assert_eq!(bucket.uploaded(staged).unwrap(), None);
        assert!(bucket.objects().unwrap().complete(&held).unwrap());
        let is_same = *world.lock().unwrap().bytes(&format!("lake/packets/{size}")).unwrap() == bytes(size);
        assert!(is_same, "{size}: other bytes");
    }
    assert_eq!(world.lock().unwrap().open_uploads(), 0);
}

#[test]
fn an_upload_that_fails_stops_the_next_file_and_is_given_up() {
    let world = Arc::new(Mutex::new(World::default()));
    // Five attempts of the second piece fail: the store stays away.
    let process = Arc::new(Process::refusing(&world, "piece"));
    let bucket = bucket(&process);
    let first = give(&bucket, "a", &vec![7; 20 << 20]).unwrap();
    while !process.made_of().contains_key("abandon") {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Who made the first file may long have gone on: the error comes with the next one.
    let mut second = give(&bucket, "b", b"b");
    while second.is_ok() {
        second = give(&bucket, "b", b"b");
    }
    let error = second.unwrap_err().to_string();
    assert!(error.contains("s3://bucket/lake/packets/"), "{error}");
    drop(bucket.uploaded(&first));
    bucket.abandon_open();
    assert_eq!(world.lock().unwrap().open_uploads(), 0);
    assert!(world.lock().unwrap().keys_below("lake/").is_empty());
}

#[test]
fn what_is_under_way_when_a_run_ends_is_given_up() {
    for tenths in 0..6 {
        let world = Arc::new(Mutex::new(World::default()));
        let bucket = bucket(&Arc::new(Process::new(&world)));
        for name in ["a", "b", "c"] {
            give(&bucket, name, &vec![1; 9 << 20]).unwrap();
        }
        std::thread::sleep(Duration::from_micros(tenths * 100));
        bucket.abandon_open();
        assert_eq!(world.lock().unwrap().open_uploads(), 0, "{tenths}");
    }
}

/// Gives the kinds of requests that it takes to write a file as an object, and what is there then.
fn written(bytes: &[u8], process: &Arc<Process>, world: &Arc<Mutex<World>>) -> Result<bool, Error> {
    let bucket = bucket(process);
    let file = bucket.scratch().unwrap().join("file");
    local::write(&file, bytes).unwrap();
    let to = Path::new("_parcap/partials/x.arrow");
    let result = bucket.write_files([(file.as_path(), to)].into_iter());
    bucket.abandon_open();
    let world = world.lock().unwrap();
    assert_eq!(world.open_uploads(), 0);
    result.map(|()| {
        !local::exists(&file) && world.bytes("lake/_parcap/partials/x.arrow").is_some_and(|held| held == bytes)
    })
}

#[test]
fn a_large_object_is_written_in_pieces_and_need_not_be_in_memory() {
    const MIB: usize = 1 << 20;
    for (bytes, requests) in [
        (vec![1; 16 * MIB], vec![("put", 1)]),
        (vec![2; 16 * MIB + 1], vec![("begin", 1), ("complete", 1), ("piece", 3)]),
    ] {
        let world = Arc::new(Mutex::new(World::default()));
        let process = Arc::new(Process::new(&world));
        assert!(written(&bytes, &process, &world).unwrap());
        assert_eq!(process.made_of().into_iter().collect::<Vec<_>>(), requests);
    }
    // It is not there, or the run ends.
    for kind in ["begin", "piece", "complete"] {
        let world = Arc::new(Mutex::new(World::default()));
        written(&vec![3; 20 * MIB], &Arc::new(Process::refusing(&world, kind)), &world).unwrap_err();
        assert!(world.lock().unwrap().keys_below("lake/").is_empty(), "{kind}");
    }
}
