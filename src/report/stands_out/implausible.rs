//! A packet that announces more bytes than any packet has, and is much of all bytes.

use crate::config::LengthKind;
use crate::report::scale::{bytes, count, share};
use crate::text::thousands;

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// One such packet is a finding if it is this part of all bytes: one in ten. Below the traffic it is named from one in a hundred on.
const ONE_IN: i64 = 10;

/// The longest one.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let longest = content.implausible.first().filter(|_| content.length == LengthKind::Wire);
    let longest = longest.filter(|longest| i64::from(longest.orig_len) >= content.bytes / ONE_IN);
    let finding = longest.map(|longest| {
        let length = i64::from(longest.orig_len);
        let number = i64::try_from(longest.frame).unwrap_or(i64::MAX);
        let sentence = vec![Words::own(format!(
            "One packet claims to be {} of all bytes; most likely its length is damaged.",
            share(length, content.bytes)
        ))];
        let claims = format!("Packet {} of ", thousands(number));
        let captured = count(longest.cap_len.into(), "byte", "bytes");
        let of = format!(": {} announced, {captured} captured.", bytes(length));
        let query = Statement::of(content).of_table("captures", |statement| {
            let (packets, dates) = (statement.files("packets"), statement.dates());
            format!(
                "SELECT datetime, ip_src, ip_dst, length FROM {packets} WHERE {dates} ORDER BY length DESC LIMIT 5;"
            )
        });
        let evidence = vec![Words::own(claims), Words::data(&longest.capture), Words::own(of)];
        Finding { sentence, evidence, link: Some(("traffic".to_owned(), "Traffic")), query }
    });
    finding.into_iter().collect()
}

/// Bytes that are announced by lengths that no packet has, as far as the page knows. They make no peak and no conversation.
pub(super) fn announced(content: &PageContent) -> i64 {
    let lengths = content.implausible.iter().map(|implausible| i64::from(implausible.orig_len));
    if content.length == LengthKind::Wire { lengths.fold(0, i64::saturating_add) } else { 0 }
}
