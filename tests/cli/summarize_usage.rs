//! What `parcap summarize` and `parcap report` refuse: exit status 2, what is wrong, what to type instead.

use super::common::{files, folder, run};
use super::summarize::{both, counted};
use super::{save, text};

#[test]
fn what_does_not_go_together_is_refused_with_a_hint() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let bare = text(&folder.path().join("bare"));
    assert_eq!(run(["convert", &path, "--out", &bare, "--no-summary", "--quiet"]).status, Some(0));
    let page = text(&folder.path().join("page.html"));
    let one_table = "CSV holds one table\nhint: add `--table volume_by_ip`, or the name of another one";
    let all = "`--top all` is for one table as CSV\nhint: add `--format csv` and `--table NAME`";
    let dates = "`--from` is later than `--to`\nhint: dates are inclusive: for one day, give it twice";
    let of = |path: &str, rest: &str| format!("{path}: {rest}");
    let alone = of(&lake, "is a lake, and not the only input\nhint: sum up one lake at a time, or captures");
    let no_sums = of(&bare, "holds no sums\nhint: it was converted with `--no-summary`; sum up its captures instead");
    let aligned =
        of(&lake, "has windows that begin at multiples of their length\nhint: `--align first` is for captures");
    let window = of(&lake, "was made with another `--window`\nhint: leave the option out, or sum up the captures");
    let no_lake = of(&path, "is no lake\nhint: make one of captures with `parcap convert`");
    for (args, complaint) in [
        (vec!["summarize", &lake, "--format", "csv"], one_table),
        (vec!["summarize", &path, "--format", "csv", "--table", "ports", "--table", "protocols"], one_table),
        (vec!["summarize", &path, "--format", "csv", "--table", "ports,protocols"], one_table),
        (vec!["summarize", &lake, "--top", "all"], all),
        (vec!["summarize", &lake, "--top", "all", "--format", "json", "--table", "ports"], all),
        (vec!["summarize", &lake, "--align", "first"], &aligned),
        (vec!["summarize", &lake, "--window", "2s"], &window),
        (vec!["summarize", &lake, &lake], &alone),
        (vec!["summarize", &lake, &path], &alone),
        (vec!["summarize", &path, &lake], &alone),
        (vec!["summarize", &bare], &no_sums),
        (vec!["report", &bare, "--out", &page], &no_sums),
        (vec!["report", &path, "--out", &page], &no_lake),
        (vec!["summarize", &lake, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
        (vec!["summarize", &path, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
        (vec!["report", &lake, "--out", &page, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
    ] {
        let ran = run(&args);
        let expected = format!("error: {complaint}\n");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (Some(2), "", expected), "{args:?}");
    }
    // What the lake was made with may be said.
    assert_eq!(run(["summarize", &lake, "--window", "1s"]).status, Some(0));
    assert!(!folder.path().join("page.html").exists());
}

#[test]
fn values_that_are_none_are_refused_with_those_that_are() {
    let folder = folder();
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    for (option, value, complaint) in [
        ("--table", "volumes", "'volumes' for '--table <NAME>'"),
        ("--top", "most", "'most' for '--top <N>': give a number of rows, or all"),
        ("--from", "2020-2-29", "'2020-2-29' for '--from <DATE>': give a date such as 2024-03-11"),
        ("--to", "2021-02-29", "'2021-02-29' for '--to <DATE>': give a date such as 2024-03-11"),
        ("--protocol", "256", "'256' for '--protocol <PROTOCOL>': give a name such as TCP, or a number from 0 to 255"),
        (
            "--net",
            "192.0.2.0/33",
            "'192.0.2.0/33' for '--net <PREFIX>': give an address, or a prefix such as 192.0.2.0/24",
        ),
        ("--window", "999us", "'999us' for '--window <TIME>': give a time from 1ms to 1d, such as 100ms, 1s, 5m or 1h"),
        ("--names", "dns,dns", "'dns,dns' for '--names <SOURCES>': name each source once"),
        (
            "--resolver",
            "localhost",
            "'localhost' for '--resolver <ADDR>': give an address such as 192.0.2.53 or 192.0.2.53:5353",
        ),
    ] {
        let ran = run(["summarize", &path, option, value]);
        let expected = format!("error: invalid value {complaint}");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.complaint()), (Some(2), "", expected.as_str()));
    }
    assert_eq!(files(folder.path()).len(), 1);
}
