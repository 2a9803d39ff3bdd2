//! Law 18: what is older than a date goes capture by capture, the rest is what a conversion from scratch gives of it, and
//! no later night brings back what went, as long as it is as it was.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{ConvertRequest, RewriteRequest, VerifyRequest, compact_lake, forget_before, verify};
use parcap::config::{CHECKPOINT_AFTER, FLOW_TIMEOUT, Settings};
use parcap::day::Day;
use proptest::prelude::*;

use crate::support::build::{Capture, pcap_record, udp};
use crate::support::{Row, convert, folder, hashes, packets, request, save, summary, summary_names};

const DAY: u32 = 86_400;

/// A packet at each of these hours, counted from 1970; perhaps not in their order.
fn content(hours: &[u32], seed: u8) -> Vec<u8> {
    let record = |hour: &u32| pcap_record(hour * 3600, 0, &udp(u16::from(seed), &[seed; 20]));
    [Capture::pcap().bytes, hours.iter().map(record).collect::<Vec<_>>().concat()].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn captures_go_when_all_of_them_is_older_and_stay_out(
        captures in prop::collection::vec(prop::collection::vec(24..240_u32, 1..6), 1..9),
        dates in prop::collection::vec(1..12_i32, 1..4),
        compacted: bool,
        // Large enough for several captures in a part, or too small for one.
        chunk_size in prop::sample::select(vec![64 << 20, 60_u64]),
    ) {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        for (seed, hours) in (0..).zip(&captures) {
            fs::write(archive.join(format!("{seed}.pcap")), content(hours, seed)).unwrap();
        }
        let settings = Settings { chunk_size, flow_timeout: Some(FLOW_TIMEOUT), ..Settings::default() };
        let night = ConvertRequest { settings: settings.clone(), ..request(&[&archive], &folder.path().join("lake")) };
        convert(&night);
        let lake = &night.lake;
        let rewrite = RewriteRequest {
            lake: lake.clone(),
            target_file_size: None,
            jobs: 2,
            wait: Duration::ZERO,
            earlier_forms: false,
            retain: None,
            checkpoint_after: CHECKPOINT_AFTER,
            dry_run: false,
            cancel: Cancel::default(),
        };
        if compacted {
            compact_lake(&rewrite).unwrap();
        }
        let mut held: BTreeSet<usize> = (0..captures.len()).collect();
        for date in dates {
            let newest = |capture: &usize| captures[*capture].iter().max().unwrap() * 3600 / DAY;
            let stays = |capture: &usize| newest(capture) >= u32::try_from(date).unwrap();
            let gone = held.iter().filter(|capture| !stays(capture)).count();
            held.retain(stays);
            let report = forget_before(&rewrite, &[], Day(date)).unwrap();
            prop_assert_eq!(report.captures.len(), gone);
            let before = hashes(lake);
            let report = convert(&night);
            prop_assert_eq!((report.inputs, report.retired), (0, (captures.len() - held.len()) as u64));
            prop_assert_eq!(&hashes(lake), &before, "a night changes what was taken out");

            let scratch = super::folder();
            let rest: Vec<_> = held
                .iter()
                .map(|capture| save(&scratch, &format!("{capture}.pcap"), &content(&captures[*capture], u8::try_from(*capture).unwrap())))
                .collect();
            let fresh = ConvertRequest { settings: settings.clone(), ..request(&rest, &scratch.path().join("lake")) };
            if rest.is_empty() {
                prop_assert!(packets(lake).is_empty());
            } else {
                convert(&fresh);
                let sorted = |mut rows: Vec<Row>| {
                    rows.sort();
                    rows
                };
                prop_assert!(sorted(packets(lake)) == sorted(packets(&fresh.lake)), "the rows differ");
                for table in summary_names().filter(|table| *table != "captures") {
                    prop_assert_eq!(summary(lake, table), summary(&fresh.lake, table), "{}", table);
                }
            }
            let request =
                VerifyRequest { lake: lake.clone(), deep: true, repair: false, jobs: 2, wait: Duration::ZERO, cancel: Cancel::default() };
            prop_assert_eq!(verify(&request).unwrap().faults, []);
        }
    }
}
