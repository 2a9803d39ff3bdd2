//! The JSON documents are what `docs/json.md` says of them, and the page says nothing that no document has.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::support::build::{Capture, block, dns_answer, interface, packet, section, simple, udp};
use crate::support::nameserver::Server;
use crate::support::{Ran, command, finish, folder, repository, run, run_with, sample, save, text};

use super::capture;
use super::inspect::snapped;
use super::json_page::Page;
use super::runs::signal;

fn page() -> Page {
    Page::read(&fs::read_to_string(repository("docs/json.md")).unwrap())
}

/// An option of a pcapng block, padded (draft-ietf-opsawg-pcapng section 3.5).
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [code.to_le_bytes(), u16::try_from(value.len()).unwrap().to_le_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A capture that says all that one can say: of itself, of an interface whose times are finer than attoseconds, of a
/// name, and a packet of more bytes on the wire than any has.
fn talkative() -> Vec<u8> {
    let head = [0x1a2b_3c4d_u32.to_le_bytes().to_vec(), vec![1, 0, 0, 0], vec![0xff; 8]].concat();
    let words = [option(1, b"why"), option(2, b"what"), option(3, b"system"), option(4, b"program"), vec![0; 4]];
    let described =
        [vec![1, 0, 0, 0, 0, 0, 0, 0], option(2, b"eth0"), option(3, b"uplink"), option(9, &[19]), vec![0; 4]];
    let mut huge = udp(2, &[1; 9]);
    huge.orig_len = u32::MAX;
    let blocks = [
        block(0x0a0d_0d0a, &[head, words.concat()].concat()),
        block(1, &described.concat()),
        block(4, &[0; 4]),
        packet(0, 7, &udp(1, &[1; 9])),
        packet(0, 8, &huge),
    ];
    blocks.concat()
}

/// A pcapng that is broken, with an interface after the fault.
fn gapped() -> Vec<u8> {
    let mut bytes = [section(), interface(1, 0, 6, 0)].concat();
    for number in 0..30_u16 {
        if number == 10 {
            let mut broken = packet(0, 10, &udp(10, &[0; 30]));
            let end = broken.len();
            broken[end - 4..].copy_from_slice(&7_u32.to_le_bytes());
            bytes.extend(broken);
        }
        if number == 25 {
            bytes.extend(interface(1, 0, 6, 0));
        }
        bytes.extend(packet(0, u64::from(number), &udp(number, &[0; 30])));
    }
    bytes
}

/// Captures of every fate, and files that are none.
fn archive(root: &Path) {
    let [archive, text] = [root.join("archive"), root.join("texts")];
    [&archive, &text].iter().for_each(|folder| fs::create_dir(folder).unwrap());
    fs::write(text.join("notes.txt"), "hello\n").unwrap();
    fs::write(archive.join("notes.txt"), "hello\n").unwrap();
    fs::write(archive.join("a.pcap"), capture().bytes).unwrap();
    fs::write(archive.join("b.pcap"), capture().bytes).unwrap();
    fs::write(archive.join("appended.pcap"), [capture().bytes, capture().bytes, gapped()].concat()).unwrap();
    fs::write(archive.join("empty.pcap"), "").unwrap();
    fs::write(archive.join("gapped.pcapng"), gapped()).unwrap();
    fs::write(archive.join("snapped.pcap"), snapped(&[142, 20])).unwrap();
    fs::write(archive.join("talkative.pcapng"), talkative()).unwrap();
    fs::write(archive.join("timeless.pcapng"), timeless()).unwrap();
    fs::write(archive.join(OsStr::from_bytes(b"\xff.pcap")), capture().bytes.get(..200).unwrap()).unwrap();
    for name in fs::read_dir(repository("data/damaged")).unwrap() {
        let path = name.unwrap().path();
        if path.extension().is_none_or(|suffix| suffix != "tsv" && suffix != "md") {
            fs::copy(&path, archive.join(path.file_name().unwrap())).unwrap();
        }
    }
    // Something that does not unpack.
    let mut packed = fs::read(sample("web.pcap.gz")).unwrap();
    let middle = packed.len() / 2;
    packed[middle..middle + 64].fill(0);
    fs::write(archive.join("corrupt.pcap.gz"), packed).unwrap();
}

/// A packet without a time, of more bytes on the wire than any has.
fn timeless() -> Vec<u8> {
    let mut huge = udp(2, &[1; 9]);
    huge.orig_len = u32::MAX;
    let snap_len = u32::try_from(huge.data.len()).unwrap();
    [section(), interface(1, snap_len, 6, 0), simple(&huge)].concat()
}

/// What happens to a capture while it is read.
type Transaction = fn(&Path, u32);

/// Changes, and what is said of them.
const CHANGES: [(Transaction, &str); 3] = [
    (|_, process| signal("INT", process), "ended"),
    (|path, _| File::options().write(true).open(path).unwrap().set_len(700).unwrap(), "shrank"),
    (|path, _| fs::write(path, [capture().bytes, vec![0; 9]].concat()).unwrap(), "grows"),
];

/// A conversion whose second capture is changed while standard input is being read, or whose process gets a signal.
fn disturbed(root: &Path, options: &[&str], meanwhile: Transaction) -> Ran {
    let (path, lake) = (root.join("disturbed.pcap"), root.join("disturbed"));
    let _ = fs::remove_dir_all(&lake);
    fs::write(&path, capture().bytes).unwrap();
    let mut command = command();
    command.args(["convert", "-", &text(&path), "--jobs", "1", "--out", &text(&lake)]).args(options);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&capture().bytes).unwrap();
    // Units have a folder each, once captures have been found.
    while !lake.join("_parcap/staging/units/000000").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    meanwhile(&path, child.id());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn reports(page: &mut Page, root: &Path) {
    let lake = text(&root.join("lake"));
    let archive = text(&root.join("archive"));
    let mut convert = |named: &[&str], lake: &str, options: &[&str]| {
        let ran = run([&["convert", "--out", lake, "--format", "json"], named, options].concat());
        page.document("report", &ran.stdout);
        ran.json()
    };
    let nobody = Server::start([]).address.to_string();
    let options = ["--salvage", "--names", "ptr", "--ptr-private", "--ptr-timeout", "50ms", "--resolver", &nobody];
    let first = convert(&[&archive], &lake, &options);
    assert!(first["damaged"].as_array().unwrap().len() > 3 && first["notes"].is_array(), "{first}");
    assert!(!first["duplicates"].as_array().unwrap().is_empty(), "{first}");
    fs::rename(root.join("archive/a.pcap"), root.join("archive/z.pcap")).unwrap();
    let options = ["--salvage", "--names", "ptr"];
    let second = convert(&[&archive], &lake, &options);
    assert!(!second["renamed"].as_array().unwrap().is_empty(), "{second}");
    // A cut copy of another one, and another capture in the place of one.
    let whole = fs::read(root.join("archive/z.pcap")).unwrap();
    fs::write(root.join("archive/cut.pcap"), &whole[..whole.len() - 3]).unwrap();
    fs::write(root.join("archive/taken.pcap"), plain_at(8).bytes).unwrap();
    convert(&[&archive], &lake, &options);
    fs::write(root.join("archive/taken.pcap"), plain_at(9).bytes).unwrap();
    let third = convert(&[&archive], &lake, &options);
    assert!(third["overwritten"].is_array(), "{third}");
    // Of no time at all, and away.
    convert(&[&text(&root.join("archive/timeless.pcapng"))], &text(&root.join("no-time")), &[]);
    let away = convert(&[&text(&root.join("nothing"))], &lake, &["--salvage", "--names", "ptr"]);
    assert!(!away["away"].as_array().unwrap().is_empty(), "{away}");
    would_convert(page, root);

    for (change, how) in CHANGES {
        let ran = disturbed(root, &["--format", "json"], change);
        page.document("report", &ran.stdout);
        assert_eq!(ran.json()["changing"][0]["how"], how, "{ran:?}");
    }
}

/// A packet at another time than any of those of the others.
fn plain_at(second: u32) -> Capture {
    let mut capture = Capture::pcap();
    capture.record_at(1, second, 0, udp(9, &[0; 9]));
    capture
}

/// A dry run over captures that changed, go on from another one, are new, or come through standard input.
fn would_convert(page: &mut Page, root: &Path) {
    let of = |name: &str| root.join("dry").join(name);
    fs::create_dir(root.join("dry")).unwrap();
    let lake = text(&root.join("dry-lake"));
    fs::write(of("changed.pcap"), plain_at(1).bytes).unwrap();
    fs::write(of("part"), &capture().bytes[..700]).unwrap();
    run(["convert", &text(&root.join("dry")), "--out", &lake]);
    fs::write(of("changed.pcap"), plain_at(2).bytes).unwrap();
    fs::write(of("new.pcap"), plain_at(3).bytes).unwrap();
    fs::write(of("whole.pcap.zst"), zstd::encode_all(&*capture().bytes, 1).unwrap()).unwrap();
    fs::remove_file(of("part")).unwrap();
    let dry = ["convert", &text(&root.join("dry")), "-", "--out", &lake, "--dry-run", "--format", "json"];
    let ran = run_with(dry, &capture().bytes);
    page.document("report", &ran.stdout);
    let why: Vec<_> = ran.json()["would_convert"].as_array().unwrap().iter().map(|of| of["why"].clone()).collect();
    assert_eq!(why, ["stdin", "changed", "new", "goes_on"], "{ran:?}");
}

fn units(page: &mut Page, root: &Path) {
    let lake = text(&root.join("planned"));
    let input = text(&root.join("link.pcap"));
    std::os::unix::fs::symlink(save_in(root, "planned.pcap", &capture().bytes), &input).unwrap();
    let without = run(["plan", &input, "--out", &text(&root.join("no-summaries")), "--no-summary"]).stdout;
    page.document("unit", &format!("{}\n", without.lines().nth(1).unwrap()));
    let mut plan = |options: &[&str]| {
        let plan = run([&["plan", &input, "--out", &lake], options].concat()).stdout;
        let (head, units) = plan.split_once('\n').unwrap();
        page.document("plan", &format!("{head}\n"));
        assert!(!units.is_empty());
        units.lines().for_each(|unit| page.document("unit", &format!("{unit}\n")));
        plan
    };
    plan(&["--chunk-size", "900"]);
    plan(&[&text(&save_in(root, "none.pcap", &capture().bytes[..24]))]);
    plan(&["--compression", "lz4"]);
    plan(&["--columns", "tcp_flags"]);
    plan(&["--flows"]);
    plan(&["--decapsulate", "vxlan", "--tunnel-port", "vxlan=14789"]);
    let rows = run_with(["convert-unit", "--out", &lake], plan(&[]).as_bytes()).stdout;
    assert!(rows.lines().all(|row| row.starts_with("{\"version\":1,")), "{rows}");
    let (_, row) = rows.split_once('\n').unwrap();
    let commit = ["commit", &lake, "--format", "json"];
    let ran = run_with(commit, row.as_bytes());
    // What stands in the place of what the lake has is not to be committed without its plan.
    let forced = run_with(["convert-unit", "--out", &lake], plan(&["--force"]).as_bytes()).stdout;
    for report in [ran, run_with(commit, forced.as_bytes())] {
        page.document("report", &report.stdout);
    }
}

fn save_in(root: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = root.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn logs(page: &mut Page, root: &Path) {
    let archive = text(&root.join("archive"));
    let lake = text(&root.join("logged"));
    let nobody = Server::start([]).address.to_string();
    let names = ["--names", "ptr", "--ptr-private", "--ptr-timeout", "50ms", "--resolver", &nobody];
    let log = ["--log-format", "json"];
    let mut convert = |named: &str, lake: &str, options: &[&str]| {
        let ran = run([&["convert", named, "--out", lake], options, &log].concat());
        page.log(&ran.stderr);
        ran.status
    };
    assert_eq!(convert(&archive, &lake, &[&names[..], &["--top", "0"]].concat()), Some(3));
    assert_eq!(convert(&text(&root.join("gone")), &lake, &names), Some(1));
    let strict = text(&root.join("few"));
    assert_eq!(convert(&archive, &strict, &["--max-damaged", "0"]), Some(1));
    // With a hint, and without one.
    assert_eq!(convert(&archive, &text(&root.join("archive/empty.pcap")), &[]), Some(2));
    fs::create_dir_all(root.join("no-lake/_parcap/manifest/00000001.json")).unwrap();
    assert_eq!(convert(&archive, &text(&root.join("no-lake")), &[]), Some(1));
    convert(&text(&root.join("archive/timeless.pcapng")), &text(&root.join("no-time-logged")), &[]);
    for (change, _) in CHANGES {
        page.log(&disturbed(root, &log, change).stderr);
    }
    extractions(page, root);
}

/// Packets that are there, of a capture that changed, and that no lake has.
fn extractions(page: &mut Page, root: &Path) {
    let [lake, out] = ["extracted", "extracted.pcapng"].map(|name| text(&root.join(name)));
    let path = save_in(root, "changing.pcap", &capture().bytes);
    run(["convert", &text(&path), "--out", &lake, "--columns", "capture", "--quiet"]);
    let rows = text(&save_in(root, "rows.csv", format!("capture,frame\n{},91\n", path.display()).as_bytes()));
    let mut extract = |options: &[&str]| {
        let ran = run([&["extract", &lake, "--out", &out, "--log-format", "json"], options].concat());
        page.log(&ran.stderr);
        ran.status
    };
    assert_eq!((extract(&[]), extract(&["--rows", &rows]), extract(&["--rows", &lake])), (Some(0), Some(3), Some(1)));
    fs::write(&path, "").unwrap();
    assert_eq!(extract(&[]), Some(3));
}

fn lakes(page: &mut Page, root: &Path) {
    let lake = root.join("lake");
    let lake_text = text(&lake);
    let json = |args: &[&str]| run([args, &["--format", "json"]].concat()).stdout;
    page.document("verified", &json(&["verify", &lake_text]));
    page.document("compacted", &json(&["compact", &lake_text]));
    let forgotten = ["forget", &lake_text, &text(&root.join("archive/z.pcap"))];
    page.document("forgotten", &json(&forgotten));
    page.document("forgotten", &json(&["forget", &lake_text, "--before", "1970-01-01"]));
    fs::write(lake.join("packets/stray.parquet"), "").unwrap();
    page.document("verified", &json(&["verify", &lake_text]));
    page.document("tables", &json(&["summarize", &lake_text]));
    page.document("tables", &json(&["summarize", &lake_text, "--protocol", "TCP", "--top", "2"]));
    page.document("tables", &json(&["summarize", &text(&root.join("archive"))]));
    let mut dns = Capture::pcap();
    dns.record(3, 1, dns_answer(1, &[b"www", b"example"], &[[192, 0, 2, 1]]));
    page.document("tables", &json(&["summarize", &text(&save_in(root, "dns.pcap", &dns.bytes))]));
}

/// A lake that has lost pieces, before and after it is repaired.
fn losses(page: &mut Page, root: &Path) {
    let (archive, lake) = (root.join("kept"), root.join("losing"));
    fs::create_dir(&archive).unwrap();
    let [one, two] = [archive.join("one.pcap"), archive.join("two.pcap")];
    fs::write(&one, capture().bytes).unwrap();
    fs::copy(sample("dns.pcapng"), &two).unwrap();
    let json = |args: &[&str]| run([args, &["--format", "json"]].concat()).stdout;
    let convert = ["convert", &text(&archive), "--out", &text(&lake), "--top", "0"];
    page.document("report", &json(&convert));
    let part = |place: usize| lake.join("packets").join(&crate::support::files(&lake.join("packets"))[place]);
    fs::write(part(0), "PAR1").unwrap();
    let more = capture().bytes;
    fs::write(&one, [&more[..], more.get(24..).unwrap()].concat()).unwrap();
    page.document("compacted", &json(&["compact", &text(&lake)]));
    page.document("forgotten", &json(&["forget", &text(&lake), &text(&one)]));
    page.document("report", &json(&convert));
    page.log(&run([&convert[..], &["--log-format", "json"]].concat()).stderr);
    page.document("verified", &json(&["verify", &text(&lake), "--repair"]));
    fs::remove_dir_all(lake.join("_parcap")).unwrap();
    fs::write(lake.join("packets/part-stray-0.parquet"), "").unwrap();
    page.document("verified", &json(&["verify", &text(&lake), "--repair"]));
    let sensor = root.join("sensor");
    for capture in [&one, &two] {
        json(&["convert", &text(capture), "--out", &text(&sensor), "--checkpoint-after", "0"]);
    }
    fs::remove_dir_all(sensor.join("_parcap/checkpoint")).unwrap();
    page.document("verified", &json(&["verify", &text(&sensor), "--repair"]));
    let mirrored = root.join("mirrored");
    json(&["convert", &sample("tunnels.pcap"), "--out", &text(&mirrored), "--decapsulate", "all", "--flows"]);
    fs::remove_dir_all(mirrored.join("_parcap/partials")).unwrap();
    page.document("verified", &json(&["verify", &text(&mirrored), "--repair"]));
}

/// A lake with a Delta log that another writer has changed, before and after it is mended.
fn deltas(page: &mut Page, root: &Path) {
    let (archive, lake) = (root.join("tables"), text(&root.join("table")));
    fs::create_dir(&archive).unwrap();
    let night =
        |number: u32, of: u32| fs::write(archive.join(format!("{number}.pcap")), super::minute(number, of)).unwrap();
    let json = |args: &[&str]| run([args, &["--format", "json"]].concat()).stdout;
    let convert = ["convert", &text(&archive), "--out", &lake, "--top", "0"];
    night(1, 20);
    let plan = run([&["plan", &text(&archive), "--out", &lake][..], &["--delta", "--retain", "1h"]].concat()).stdout;
    let (head, unit) = plan.split_once('\n').unwrap();
    page.document("plan", &format!("{head}\n"));
    page.document("unit", unit);
    page.document("report", &json(&[&convert[..], &["--delta", "--retain", "1h"]].concat()));
    page.document("delta", &json(&["delta", &lake]));
    let appended = r#"{"add":{"path":"x","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}"#;
    fs::write(root.join("table/_delta_log/00000000000000000001.json"), appended).unwrap();
    night(2, 20);
    page.document("report", &json(&convert));
    page.log(&run([&convert[..], &["--log-format", "json"]].concat()).stderr);
    page.document("compacted", &json(&["compact", &lake]));
    page.document("forgotten", &json(&["forget", &lake, &text(&archive.join("1.pcap"))]));
    page.document("verified", &json(&["verify", &lake]));
    page.document("verified", &json(&["verify", &lake, "--repair"]));
    fs::write(root.join("table/_delta_log/00000000000000000003.json"), appended).unwrap();
    page.document("delta", &json(&["delta", &lake]));
    page.document("compacted", &json(&["compact", &lake, "--retain", "0"]));
    let part = &crate::support::files(&root.join("table/packets"))[0];
    fs::remove_file(root.join("table/packets").join(part)).unwrap();
    page.document("delta", &json(&["delta", &lake]));
    page.document("delta", &json(&["delta", &lake, "--off"]));
}

fn inspections(page: &mut Page, root: &Path) {
    let archive = root.join("archive");
    let inspect = |named: &Path, options: &[&str]| {
        finish(command().arg("inspect").arg(named).args(["--format", "json"]).args(options)).stdout
    };
    page.document("inspection", &inspect(&archive, &[]));
    page.document("inspection", &inspect(&archive, &["--salvage"]));
    page.document("inspection", &inspect(&root.join("texts"), &[]));
    page.document("inspection", &inspect(&repository("data/captures"), &[]));
    page.document("inspection", &run_with(["inspect", "-", "--format", "json"], &capture().bytes).stdout);
}

/// Captures at a web server, one of which is none.
#[cfg(feature = "remote")]
fn objects(page: &mut Page, root: &Path) {
    let files = [("/a.pcap", capture().bytes), ("/text.pcap", b"hello".to_vec())];
    let server = crate::support::web::WebServer::start(files);
    let [lake, capture, none] = [text(&root.join("of-objects")), server.url("/a.pcap"), server.url("/text.pcap")];
    let json = |args: &[&str]| run([args, &["--format", "json"]].concat()).stdout;
    page.document("inspection", &json(&["inspect", &capture]));
    page.document("report", &json(&["convert", &capture, &none, "--out", &lake]));
    let plan = run(["plan", &capture, "--out", &text(&root.join("planned-objects"))]).stdout;
    let unit = plan.lines().nth(1).unwrap();
    page.document("unit", &format!("{unit}\n"));
}

#[test]
fn the_page_of_json_documents_says_what_they_have_and_nothing_else() {
    let folder = folder();
    let root = folder.path();
    archive(root);
    let mut page = page();
    logs(&mut page, root);
    inspections(&mut page, root);
    #[cfg(feature = "remote")]
    objects(&mut page, root);
    reports(&mut page, root);
    units(&mut page, root);
    lakes(&mut page, root);
    losses(&mut page, root);
    deltas(&mut page, root);
    assert_eq!(page.not_seen(), Vec::<String>::new(), "no document has this");
}

#[test]
fn what_the_page_does_not_say_is_found() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    run(["convert", &text(&save(&folder, "a.pcap", &capture().bytes)), "--out", &lake]);
    let document = run(["verify", &lake, "--format", "json"]).stdout;
    let fails = |document: &str| std::panic::catch_unwind(|| page().document("verified", document)).is_err();
    assert!(!fails(&document));
    assert!(
        fails(&document.replace("\"parts\"", "\"pieces\"")),
        "a field that is not on the page, and one that is missing"
    );
    assert!(fails(&document.replace("\"rows\":90", "\"rows\":\"90\"")), "another type");
    assert!(fails(&document.replace("\"version\":1,", "")), "no version");
    assert!(page().not_seen().contains(&"verified.parts there".to_owned()));
}

#[test]
fn a_unit_of_another_version_is_refused_and_one_of_before_versions_is_not() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let plan = run(["plan", &text(&save(&folder, "a.pcap", &capture().bytes)), "--out", &lake]).stdout;
    let (_, unit) = plan.split_once('\n').unwrap();
    let convert = |unit: &str| run_with(["convert-unit", "--out", &lake], unit.as_bytes());
    let other = convert(&unit.replacen("\"version\":1", "\"version\":2", 1));
    assert_eq!(
        (other.status, other.stderr.as_str()),
        (
            Some(1),
            "error: stdin, line 1: the unit is of version 2, and this parcap reads version 1\n\
             hint: use one parcap for `plan`, `convert-unit` and `commit`\n"
        )
    );
    assert_eq!(convert(&unit.replacen("\"version\":1,", "", 1)).status, Some(0));
}
