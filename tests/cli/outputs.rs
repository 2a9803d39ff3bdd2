//! Files that are written beside the lake: what is there is replaced as a whole, or written into if it is no file.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::support::{Ran, folder, run, sample, text};

/// Writes a page, or figures.
type Writer = fn(&Path, &Path) -> Ran;

const WRITERS: [(Writer, &str); 2] = [
    (|_, out| run(["report", &sample("vlan.pcap"), "--out", &text(out)]), "<!DOCTYPE html>"),
    (
        |root, out| {
            let lake = text(&root.join("lake"));
            run(["convert", &sample("vlan.pcap"), "--out", &lake, "--top", "0", "--metrics-file", &text(out)])
        },
        "# HELP parcap_",
    ),
];

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_file_is_replaced_with_its_permissions_and_through_a_link_and_a_new_one_is_as_any_other() {
    for (write, begins) in WRITERS {
        let folder = folder();
        let root = folder.path();
        fs::create_dir(root.join("there")).unwrap();
        let file = |name: &str, mode: u32| {
            fs::write(root.join(name), "old").unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        };
        file("private", 0o600);
        file("shared", 0o664);
        file("there/target", 0o640);
        file("any", 0o644);
        fs::remove_file(root.join("any")).unwrap();
        symlink("there/target", root.join("link")).unwrap();
        symlink("there/new", root.join("dangling")).unwrap();
        fs::write(root.join("usual"), "").unwrap();
        for (name, expected) in [
            ("private", 0o600),
            ("shared", 0o664),
            ("link", 0o640),
            ("dangling", mode(&root.join("usual"))),
            ("any", mode(&root.join("usual"))),
        ] {
            let ran = write(root, &root.join(name));
            assert_eq!(ran.status, Some(0), "{ran:?}");
            assert!(fs::read_to_string(root.join(name)).unwrap().starts_with(begins), "{name}");
            assert_eq!(mode(&root.join(name)), expected, "{name}");
        }
        for link in ["link", "dangling"] {
            assert!(root.join(link).is_symlink(), "{link}");
        }
        // No draft is left.
        let names = |path: &Path| fs::read_dir(path).unwrap().count();
        let lake = usize::from(root.join("lake").exists());
        assert_eq!((names(root), names(&root.join("there"))), (7 + lake, 2));
    }
}

#[test]
fn a_device_and_a_fifo_are_written_into_and_stay() {
    for (write, begins) in WRITERS {
        let folder = folder();
        let root = folder.path();
        for (name, device) in [("null", "/dev/null"), ("full", "/dev/full")] {
            symlink(device, root.join(name)).unwrap();
        }
        assert_eq!(write(root, &root.join("null")).status, Some(0));
        let ran = write(root, &root.join("full"));
        assert_eq!(ran.status, Some(1), "{ran:?}");
        let complaint = format!("error: {}: cannot write: No space left on device", text(&root.join("full")));
        assert!(ran.stderr.contains(&complaint), "{ran:?}");
        for name in ["null", "full"] {
            assert!(root.join(name).is_symlink(), "{name}");
            assert!(root.join(name).metadata().unwrap().file_type().is_char_device(), "{name}");
        }
        let fifo = root.join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = thread::spawn({
            let fifo = fifo.clone();
            move || {
                let mut text = String::new();
                File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        });
        assert_eq!(write(root, &fifo).status, Some(0));
        assert!(reader.join().unwrap().starts_with(begins));
        assert!(fifo.metadata().unwrap().file_type().is_fifo());
    }
}

#[test]
fn a_page_goes_to_standard_output_by_its_name_and_never_into_a_folder() {
    let ran = run(["report", &sample("vlan.pcap"), "--out", "/dev/stdout"]);
    assert!(ran.status == Some(0) && ran.stdout.starts_with("<!DOCTYPE html>"), "{ran:?}");
    let folder = folder();
    let ran = run(["report", &sample("vlan.pcap"), "--out", &text(folder.path())]);
    let complaint = format!("error: {}: cannot write: ", folder.path().display());
    assert!(ran.status == Some(1) && ran.complaint().starts_with(&complaint), "{ran:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
