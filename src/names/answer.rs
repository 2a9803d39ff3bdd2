//! What a resolver's answer says.
//!
//! In: a message that answers the question, and the name that was asked for. Out: the name, that there is none, or what
//! went wrong; and for how many seconds that holds. Always: the work is bounded by the records that are looked at, times
//! the 255 pointers that domain follows in a name. The order of those records does not matter.

use domain::base::iana::{Class, Rcode};
use domain::base::name::{ParsedName, ToLabelIter as _};
use domain::base::{Message, ToName, Ttl};
use domain::rdata::{Cname, Ns, Ptr, Soa};

use crate::names::text;

/// A name holds for its TTL, but at least this long: a summary is made once a day, and names change seldom.
pub(super) const SHORTEST: i64 = HOUR;
/// And at most this long (RFC 8767 4 has the same limit).
pub(super) const LONGEST: i64 = 7 * DAY;
/// An answer that there is no name holds for the SOA's negative TTL, but at most this long (RFC 2308 5).
const LONGEST_WITHOUT_NAME: i64 = DAY;
/// How long it holds without an SOA.
const WITHOUT_SOA: i64 = HOUR;
/// How long a failure holds: long enough that a second run soon after asks nothing, short enough that the next nightly
/// run asks again.
pub(super) const FAILURE: i64 = 15 * 60;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Records of a section that are looked at. No machine has more names, and the costliest message takes only a millisecond
/// or two.
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
    /// The answer says nothing about the question, or contradicts itself.
    Malformed,
    /// The resolver does not answer such questions, or does not ask others.
    Refused,
    /// The resolver did not find out (SERVFAIL).
    ServerFailure,
    /// There is no name.
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

/// One record of interest: its owner, how long it holds, what it leads to.
type Link<'a> = (ParsedName<&'a [u8]>, i64, ParsedName<&'a [u8]>);

/// `None` if the message is malformed.
fn records(message: &Message<[u8]>, asked: &impl ToName) -> Option<Answer> {
    let (mut names, mut aliases, mut others) = (Vec::<Link>::new(), Vec::<Link>::new(), false);
    for record in message.answer().ok()?.take(MAX_RECORDS) {
        let record = record.ok()?;
        if record.class() != Class::IN {
            continue;
        }
        // Only PTR and CNAME records are read. Of other records, only their presence is noted.
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
            // Some answer with the root to say that there is no name.
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
            // There are records, but none that was asked for.
            None => return None,
        }
    }
    // The aliases form a circle.
    None
}

/// The answer that there is no name. It holds as long as the SOA says (RFC 2308 5) and the aliases hold.
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
        // A referral (RFC 2308 2.2.1): this server is no resolver, because it does not ask others.
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
