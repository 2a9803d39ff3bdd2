//! What a resolver's answer says.
//!
//! In: a message that answers the question, and the name that was asked for. Out: the name, that there is none, or what went
//! wrong, and how many seconds that holds. Always: the work is bounded by the records that are looked at, times the 255
//! pointers that domain follows in a name; the order of those records does not matter.

use domain::base::iana::{Class, Rcode};
use domain::base::name::{ParsedName, ToLabelIter as _};
use domain::base::{Message, ToName, Ttl};
use domain::rdata::{Cname, Ns, Ptr, Soa};

use crate::names::text;

/// A name holds for its TTL, but no shorter: a summary is made once a day, and names change seldom.
pub(super) const SHORTEST: i64 = HOUR;
/// Nor longer (RFC 8767 4 has the same).
pub(super) const LONGEST: i64 = 7 * DAY;
/// That there is no name holds for the SOA's negative TTL, but no longer (RFC 2308 5).
const LONGEST_WITHOUT_NAME: i64 = DAY;
/// Without an SOA.
const WITHOUT_SOA: i64 = HOUR;
/// A failure: long enough that a second run soon after asks nothing, short enough that the next night's asks.
pub(super) const FAILURE: i64 = 15 * 60;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Records of a section that are looked at: more than any machine has names, and few enough that the costliest message
/// takes a millisecond or two.
const MAX_RECORDS: usize = 1024;

/// CNAME records that are followed; resolvers give up after 8 to 16 as well.
const MAX_ALIASES: usize = 16;

/// What is known of an address after a question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Nobody answered in time.
    Timeout,
    /// The resolver could not be reached: the network or the port refused.
    Unreachable,
    /// An answer that says nothing of the question, or that does not hold together.
    Malformed,
    /// The resolver does not answer such questions, or does not ask others.
    Refused,
    /// The resolver did not find out (SERVFAIL).
    ServerFailure,
    /// There is none.
    NoName,
    /// The name, in presentation format and lower case.
    Name(String),
}

/// An outcome, and how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// In seconds.
    pub(super) ttl: i64,
}

impl From<Outcome> for Answer {
    /// A failure.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, ttl: FAILURE }
    }
}

/// Reads the answer to the question for the PTR records of `asked`.
pub(super) fn read(message: &Message<[u8]>, asked: &impl ToName) -> Answer {
    match message.header().rcode() {
        Rcode::NOERROR | Rcode::NXDOMAIN => records(message, asked).unwrap_or_else(|| Outcome::Malformed.into()),
        Rcode::SERVFAIL => Outcome::ServerFailure.into(),
        _ => Outcome::Refused.into(),
    }
}

/// One record of interest: to whom it belongs, how long it holds, what it leads to.
type Link<'a> = (ParsedName<&'a [u8]>, i64, ParsedName<&'a [u8]>);

/// `None` if the message is malformed.
fn records(message: &Message<[u8]>, asked: &impl ToName) -> Option<Answer> {
    let (mut names, mut aliases, mut others) = (Vec::<Link>::new(), Vec::<Link>::new(), false);
    for record in message.answer().ok()?.take(MAX_RECORDS) {
        let record = record.ok()?;
        if record.class() != Class::IN {
            continue;
        }
        // The record at its owner decides; what else it holds is not looked at.
        if let Ok(Some(name)) = record.to_record::<Ptr<_>>() {
            names.push((record.owner(), seconds(record.ttl()), name.into_data().into_ptrdname()));
        } else if let Ok(Some(alias)) = record.to_record::<Cname<_>>() {
            aliases.push((record.owner(), seconds(record.ttl()), alias.into_data().into_cname()));
        } else {
            others = true;
        }
        if aliases.len() > MAX_ALIASES {
            return None;
        }
    }
    let empty = names.is_empty() && aliases.is_empty() && !others;
    let mut holds = LONGEST;
    let mut last = None;
    for _ in 0..=MAX_ALIASES {
        let owned = |link: &&Link| last.map_or_else(|| link.0.name_eq(asked), |last| link.0 == last);
        let found = names.iter().filter(owned);
        if found.clone().next().is_some() {
            holds = found.clone().fold(holds, |holds, link| holds.min(link.1));
            // The root is how some say that there is none.
            let name = found.filter(|link| !link.2.is_root()).map(|link| presentation(link.2)).min();
            return Some(name.map_or_else(
                || Answer { outcome: Outcome::NoName, ttl: holds.clamp(SHORTEST, LONGEST_WITHOUT_NAME) },
                |name| Answer { outcome: Outcome::Name(name), ttl: holds.clamp(SHORTEST, LONGEST) },
            ));
        }
        // Of several aliases of one name, which is an error, the alphabetically first counts.
        let alias = aliases.iter().filter(owned).min_by_key(|link| presentation(link.2));
        match alias {
            Some((_, ttl, target)) => (holds, last) = (holds.min(*ttl), Some(*target)),
            None if last.is_some() || empty => return without_name(message, holds),
            // Records, but none of what was asked for.
            None => return None,
        }
    }
    // In a circle.
    None
}

/// That there is no name, for as long as the SOA says (RFC 2308 5) and the aliases hold.
fn without_name(message: &Message<[u8]>, aliases: i64) -> Option<Answer> {
    let (mut soa, mut referred) = (None, false);
    for record in message.authority().ok()?.take(MAX_RECORDS) {
        let record = record.ok()?;
        if let Ok(Some(record)) = record.to_record::<Soa<ParsedName<_>>>() {
            let negative = seconds(record.ttl()).min(seconds(record.data().minimum()));
            soa = Some(soa.map_or(negative, |soa: i64| soa.min(negative)));
        }
        referred |= matches!(record.to_record::<Ns<ParsedName<_>>>(), Ok(Some(_)));
    }
    if soa.is_none() && referred && !message.header().aa() && message.header().rcode() == Rcode::NOERROR {
        // A referral (RFC 2308 2.2.1): it is no resolver, for it does not ask others.
        return Some(Outcome::Refused.into());
    }
    let ttl = soa.unwrap_or(WITHOUT_SOA).min(aliases).clamp(SHORTEST, LONGEST_WITHOUT_NAME);
    Some(Answer { outcome: Outcome::NoName, ttl })
}

/// A TTL; one with the highest bit set is 0 (RFC 2181 8).
fn seconds(ttl: Ttl) -> i64 {
    i32::try_from(ttl.as_secs()).unwrap_or(0).into()
}

fn presentation(name: ParsedName<&[u8]>) -> String {
    text::presentation(name.iter_labels().filter(|label| !label.is_root()).map(|label| label.as_slice()))
}
