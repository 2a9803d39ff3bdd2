//! Whether files are on another machine. Opening one then takes as long as the answer, and hardly anything of this machine.

use std::path::Path;

use crate::threads::{WAITING, workers};

/// The types of file systems whose files are on other machines, or may be, as `statfs` tells them. From linux/magic.h, and those that
/// are not of the kernel's tree from stat.c of GNU coreutils.
#[cfg(target_os = "linux")]
const ON_NETWORK: [(u32, &str); 18] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x564c, "NCP"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS of the kernel"),
    (0x7375_7245, "Coda"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    // sshfs, s3fs, GlusterFS and others. A local one loses nothing by it.
    (0x6573_5546, "FUSE"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0xaad7_aaea, "PanFS"),
    (0xbacb_acbc, "VMware's shared folders"),
    (0x786f_4256, "VirtualBox's shared folders"),
];

/// Whether a file system of a type, by its name for messages and tests, has its files on other machines.
#[cfg(target_os = "linux")]
fn network_of(kind: u32) -> Option<&'static str> {
    ON_NETWORK.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// Whether a file is on another machine, as far as its file system tells; links are followed. Nothing is opened.
#[cfg(target_os = "linux")]
fn is_on_network(path: &Path) -> bool {
    // The type has 32 bits. Which integer it is in differs between machines, and may have a sign.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the rest is the sign")]
    let kind = rustix::fs::statfs(path).map(|found| found.f_type as u32);
    kind.is_ok_and(|kind| network_of(kind).is_some())
}

/// Elsewhere that is not asked.
#[cfg(not(target_os = "linux"))]
fn is_on_network(_path: &Path) -> bool {
    false
}

/// How many of some files are opened at a time to see what they are: `jobs`; by default (0) as many as [`WAITING`] on a network file
/// system, and elsewhere up to four a core. Never more than [`WAITING`]: each may take the memory of a small decompressor. Files come
/// in the order of their paths, so the first and the last one stand for all.
pub(crate) fn openings<'a>(jobs: usize, mut files: impl DoubleEndedIterator<Item = &'a Path>) -> usize {
    match jobs {
        0 if [files.next(), files.next_back()].into_iter().flatten().any(is_on_network) => WAITING,
        0 => workers(WAITING),
        jobs => jobs.min(WAITING),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    use std::fs;

    /// What the header of the kernel says of types that are of other machines, and of types that are not.
    #[test]
    fn types_of_file_systems_are_those_of_the_kernel() {
        let away = [
            ("NFS", "NFS_SUPER_MAGIC"),
            ("SMB", "SMB_SUPER_MAGIC"),
            ("CIFS", "CIFS_SUPER_MAGIC"),
            ("SMB 2", "SMB2_SUPER_MAGIC"),
            ("NCP", "NCP_SUPER_MAGIC"),
            ("AFS", "AFS_SUPER_MAGIC"),
            ("AFS of the kernel", "AFS_FS_MAGIC"),
            ("Coda", "CODA_SUPER_MAGIC"),
            ("9P", "V9FS_MAGIC"),
            ("Ceph", "CEPH_SUPER_MAGIC"),
            ("FUSE", "FUSE_SUPER_MAGIC"),
            ("OCFS2", "OCFS2_SUPER_MAGIC"),
        ];
        let Ok(header) = fs::read_to_string("/usr/include/linux/magic.h") else {
            eprintln!("not tried: this machine has no linux/magic.h");
            return;
        };
        let mut seen = 0;
        for line in header.lines().filter_map(|line| line.strip_prefix("#define")) {
            let mut words = line.split_whitespace();
            let (Some(name), Some(value)) = (words.next(), words.next().and_then(|text| text.strip_prefix("0x")))
            else {
                continue;
            };
            let expected = away.iter().find(|(_, of_kernel)| *of_kernel == name).map(|(ours, _)| *ours);
            assert_eq!(network_of(u32::from_str_radix(value, 16).unwrap()), expected, "{name}");
            seen += usize::from(expected.is_some());
        }
        assert_eq!(seen, away.len());
    }

    #[test]
    fn as_many_files_are_opened_as_are_asked_for_and_no_more_than_memory_allows() {
        // The kernel's own file systems are on this machine.
        let here = || ["/proc", "/sys"].map(Path::new).into_iter();
        assert_eq!([1, 7, 1000].map(|jobs| openings(jobs, here())), [1, 7, WAITING]);
        assert_eq!(openings(0, here()), workers(WAITING));
        assert_eq!(openings(0, std::iter::empty()), workers(WAITING));
    }
}
