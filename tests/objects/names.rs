//! What URLs name.

use std::path::PathBuf;

use parcap::discover::{Refusal, find, is_capture_name};

use super::watched::Bucket;

/// What is found, by key, and what is refused.
fn found(bucket: &Bucket, named: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut candidates = Vec::new();
    let urls: Vec<_> = named.iter().map(|name| bucket.url(name)).collect();
    let found = find(&urls, &mut |candidate| candidates.push(candidate));
    let root = bucket.url("").to_str().unwrap().to_owned();
    let key = |path: &PathBuf| path.to_str().unwrap().strip_prefix(&root).unwrap_or_default().to_owned();
    let candidates = candidates.iter().map(|candidate| {
        let mark = if candidate.claimed { "" } else { "?" };
        format!("{}{mark}", key(&candidate.absolute))
    });
    (candidates.collect(), found.refused.iter().map(|(path, refusal)| format!("{}: {refusal}", key(path))).collect())
}

#[test]
fn a_prefix_is_walked_like_a_folder_and_a_pattern_is_one() {
    let bucket = Bucket::new("names");
    for key in [
        "a-b.pcap",
        "a/1.pcap",
        "a/2/3.pcap.gz",
        "a/2/.Trash/x.pcap",
        "a/lost+found/y.pcap",
        "a/.z.pcap.Ab3xYz",
        "a/notes.txt",
        "a.pcap",
        "ab/4.pcap",
        "lost+found/5.pcap",
        "x[1].pcap",
        "ü/100%.pcap",
    ] {
        bucket.place(key, b"x");
    }
    let all =
        ["a/1.pcap", "a/2/3.pcap.gz", "a/notes.txt?", "a-b.pcap", "a.pcap", "ab/4.pcap", "x[1].pcap", "ü/100%.pcap"];
    for (named, keys, refused) in [
        (vec![""], all.to_vec(), vec![]),
        (vec!["a"], all[..3].to_vec(), vec![]),
        (vec!["a/", "a/1.pcap"], all[..3].to_vec(), vec![]),
        (vec!["a/1.pcap"], vec!["a/1.pcap"], vec![]),
        (vec!["a/notes.txt"], vec!["a/notes.txt"], vec![]),
        (vec!["lost+found"], vec!["lost+found/5.pcap"], vec![]),
        (vec!["b"], vec![], vec!["b: does not exist"]),
        (vec!["a/1"], vec![], vec!["a/1: does not exist"]),
        (vec!["a*"], vec!["a/1.pcap", "a/2/3.pcap.gz", "a/notes.txt?", "a-b.pcap", "a.pcap", "ab/4.pcap"], vec![]),
        (vec!["a/*"], vec!["a/1.pcap", "a/2/3.pcap.gz", "a/notes.txt"], vec![]),
        (vec!["*.pcap"], vec!["a-b.pcap", "a.pcap", "x[1].pcap"], vec![]),
        (vec!["*/*.pcap"], vec!["a/1.pcap", "ab/4.pcap", "lost+found/5.pcap", "ü/100%.pcap"], vec![]),
        (vec!["a?/[0-9].pcap"], vec!["ab/4.pcap"], vec![]),
        (vec!["x[1].pcap"], vec!["x[1].pcap"], vec![]),
        (vec!["[zy]*"], vec![], vec!["[zy]*: is a pattern that matches no file"]),
        (vec!["ü/100%.pcap"], vec!["ü/100%.pcap"], vec![]),
    ] {
        let (mut found, told) = found(&bucket, &named);
        // A folder that a pattern names is walked, whatever it is called; what it names itself is claimed.
        found.retain(|key| !key.starts_with("a/lost+found") && !key.starts_with("a/.z"));
        assert_eq!(
            (found, told),
            (keys.into_iter().map(str::to_owned).collect(), refused.into_iter().map(str::to_owned).collect()),
            "{named:?}"
        );
    }
}

#[test]
fn keys_that_cannot_be_read_are_named_and_the_others_are_found() {
    let bucket = Bucket::new("odd");
    bucket.place("in/a.pcap", b"x");
    bucket.place("in/z.pcap", b"x");
    for (key, size) in [("in//b.pcap", 5), ("in/../c.pcap", 5), ("in/./d", 5), ("in/folder/", 0), ("in/e.pcap/", 7)] {
        bucket.odd.lock().unwrap().insert(key.to_owned(), size);
    }
    let (found, mut refused) = found(&bucket, &["in/"]);
    refused.sort();
    assert_eq!(found, ["in/a.pcap", "in/z.pcap"]);
    let named: Vec<_> = refused.iter().map(|told| told.split_once(": ").unwrap().0).collect();
    assert_eq!(named, ["in/../c.pcap", "in//b.pcap", "in/e.pcap/"]);
    assert!(is_capture_name("s3://b/in//b.pcap".as_ref()) && refused[0].ends_with(&Refusal::OddKey.to_string()));
}

#[test]
fn a_url_with_a_query_is_refused_and_what_may_be_a_signature_is_not_repeated() {
    for url in ["https://127.0.0.1:1/a.pcap?X-Amz-Signature=SECRET", "http://127.0.0.1:1/x/a.pcap#SECRET"] {
        let found = find(&[PathBuf::from(url)], &mut |_| {});
        assert!(matches!(found.refused.as_slice(), [(_, Refusal::SignedUrl)]), "{found:?}");
        assert!(!format!("{found:?}").contains("SECRET"), "{found:?}");
    }
}
