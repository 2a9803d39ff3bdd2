//! What `parcap summarize` and `parcap report` refuse: exit status 2, what is wrong, what to type instead.

use crate::support::{files, folder, run, save, text};

use super::summarize::{both, counted};

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
    let times = "`--from` is not before `--to`\n\
                 hint: packets count from the one up to the other, and not at it; a date as `--to` is all of that date";
    let of = |path: &str, rest: &str| format!("{path}: {rest}");
    let alone = of(&lake, "is a lake, and not the only input\nhint: sum up one lake at a time, or captures");
    let no_sums = of(&bare, "holds no sums\nhint: it was converted with `--no-summary`; sum up its captures instead");
    let aligned =
        of(&lake, "has windows that begin at multiples of their length\nhint: `--align first` is for captures");
    let window = of(
        &lake,
        "was made with `--window 1s`, and this run asks for `--window 2s`\n\
         hint: give what the lake was made with; for another value, begin with the captures and a new lake",
    );
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
        (vec!["summarize", &lake, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
        (vec!["summarize", &path, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
        (vec!["report", &lake, "--out", &page, "--from", "2020-03-02", "--to", "2020-03-01"], dates),
        (vec!["summarize", &lake, "--from", "2020-03-01T09:15Z", "--to", "2020-03-01T09:15Z"], times),
        (vec!["summarize", &lake, "--from", "2020-03-02", "--to", "2020-03-01T09:15Z"], times),
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
    let bound = "give a date such as 2024-03-11, or a time such as 2024-03-11T09:15:00Z";
    for (option, value, complaint) in [
        ("--table", "volumes", "'volumes' for '--table <NAME>'"),
        ("--top", "most", "'most' for '--top <N>': give a number of rows, or all"),
        ("--from", "2020-2-29", &format!("'2020-2-29' for '--from <DATE|TIME>': {bound}")),
        ("--to", "2021-02-29", &format!("'2021-02-29' for '--to <DATE|TIME>': {bound}")),
        ("--from", "2020-02-29T09:15", &format!("'2020-02-29T09:15' for '--from <DATE|TIME>': {bound}")),
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

/// Half an answer with exit status 0 looks like a whole one.
#[test]
fn a_table_that_was_asked_for_and_cannot_be_made_is_refused_with_what_answers_it() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let address = "it was not counted by address";
    let date = "it was counted by date, not by time of day";
    let instead = "sum up the captures instead: `parcap summarize CAPTURE… ";
    let time = "2020-02-29T00:00:01.5Z";
    let within = "`--from` or `--to` lies within one of its windows";
    for (input, options, tables, whys, hint) in [
        (&lake, &["--net", "::/0"][..], "ports", &[address][..], format!("{instead}--net ::/0 --table ports`")),
        (
            &lake,
            &["--net", "192.0.2.1", "--protocol", "udp,17,253"],
            "protocols,send_rates,ports",
            &["", address, address],
            format!("{instead}--protocol UDP,UDP,253 --net 192.0.2.1/32 --table ports,send_rates`"),
        ),
        (&lake, &["--from", time], "volume_by_ip", &[date], format!("{instead}--from {time} --table volume_by_ip`")),
        (&lake, &["--to", time], "dns_names", &[date], format!("{instead}--to {time} --table dns_names`")),
        (&lake, &["--from", time], "send_rates", &[within], format!("{instead}--from {time} --table send_rates`")),
        (
            &lake,
            &["--net", "::/0"],
            "captures",
            &["its rows are of whole captures"],
            "leave out the table, or the filter (--net ::/0)".to_owned(),
        ),
        (
            &path,
            &["--protocol", "UDP"],
            "dns_names",
            &["it is not counted by protocol"],
            "leave out the table, or the filter (--protocol UDP)".to_owned(),
        ),
    ] {
        let of = if input == &lake { format!("{lake}: ") } else { String::new() };
        let mut errors: Vec<_> = tables.split(',').zip(whys).filter(|(_, why)| !why.is_empty()).collect();
        // In the order in which tables are shown.
        errors.sort();
        let errors: String =
            errors.iter().map(|(table, why)| format!("error: {of}{table} cannot be made as asked: {why}\n")).collect();
        let expected = format!("{errors}hint: {hint}\n");
        for format in ["table", "json", "csv"] {
            if format == "csv" && tables.contains(',') {
                continue;
            }
            let ran = run([&["summarize", input, "--table", tables, "--format", format], options].concat());
            assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(2), "", expected.as_str()));
        }
    }
    // What the hint says answers it.
    for options in [&["--net", "::/0", "--table", "ports"][..], &["--from", time, "--table", "send_rates,volume_by_ip"]]
    {
        let ran = run([&["summarize", &path], options].concat());
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{options:?}");
        assert!(ran.stdout.lines().count() > 3, "{ran:?}");
    }
    let page = text(&folder.path().join("page.html"));
    // A page takes times as well, and leaves out what cannot be made.
    let ran = run(["report", &lake, "--out", &page, "--from", "2020-02-29T09:15Z"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let ran = run(["report", &lake, "--out", &page, "--from", "now"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.complaint().ends_with("give a date such as 2024-03-11, or a time such as 2024-03-11T09:15:00Z"),
        "{ran:?}"
    );
}
