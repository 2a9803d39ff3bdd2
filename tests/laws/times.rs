//! Law 6: times against exact arithmetic, for every value of `if_tsresol`: `datetime` is cut off towards the past, `time`
//! is the nearest double (for every unit, where the contract asks it of microseconds only), `time_normed` the nearest one
//! to the exact difference, and a time is null exactly outside the years 1 to 9999.

use num_bigint::BigInt;
use parcap::capture::{Resolution, Timestamp};
use parcap::config::{Settings, TimestampUnit};
use proptest::prelude::*;

use crate::support::build::{other, udp};
use crate::support::{folder, save};

use super::rows_with;
use super::tally::tried;
use super::wire::{Built, Kind, Order};

/// `date -u -d 0001-01-01 +%s` and `date -u -d '9999-12-31 23:59:59' +%s`.
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

/// An exact number of seconds: a fraction whose denominator is above 0.
#[derive(Clone, Debug)]
struct Exact {
    over: BigInt,
    under: BigInt,
}

impl Exact {
    /// What draft-ietf-opsawg-pcapng section 4.2 says: the highest bit chooses 2 or 10, the others are the exponent.
    fn pcapng(ticks: u64, resolution: u8, offset_s: i64) -> Self {
        let base = if resolution & 0x80 == 0 { 10 } else { 2 };
        let under = BigInt::from(base).pow(u32::from(resolution & 0x7f));
        Self { over: BigInt::from(ticks) + BigInt::from(offset_s) * &under, under }
    }

    fn minus(&self, other: &Self) -> Self {
        Self { over: &self.over * &other.under - &other.over * &self.under, under: &self.under * &other.under }
    }

    /// Rounded down to a multiple of `1 / units`, in those.
    fn floor(&self, units: i64) -> BigInt {
        let scaled = &self.over * units;
        let quotient = &scaled / &self.under;
        if scaled < &quotient * &self.under { quotient - 1 } else { quotient }
    }

    fn is_time(&self) -> bool {
        (BigInt::from(FIRST_SECOND)..=BigInt::from(LAST_SECOND)).contains(&self.floor(1))
    }

    /// How far a double lies above it, in units that are the same for every double: each finite one is a multiple of
    /// 2^-1074.
    fn below(&self, double: f64) -> BigInt {
        let bits = double.to_bits();
        let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        // IEEE 754 section 3.4: at the least exponent there is no hidden bit.
        let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        let magnitude = BigInt::from(mantissa) << (exponent.max(1) - 1);
        let value = if double.is_sign_negative() { -magnitude } else { magnitude };
        value * &self.under - (&self.over << 1074_u32)
    }

    fn is_nearest(&self, double: f64) -> bool {
        let distance = |double| self.below(double).magnitude().clone();
        distance(double) <= distance(double.next_down()) && distance(double) <= distance(double.next_up())
    }
}

/// Holds a time against the exact one, and its difference from another.
fn check(exact: &Exact, found: Option<Timestamp>, case: &str) {
    assert_eq!(found.is_some(), exact.is_time(), "{case}: {found:?}");
    let Some(found) = found else { return };
    assert_eq!(BigInt::from(found.seconds()), exact.floor(1), "{case}: seconds");
    assert_eq!(BigInt::from(found.micros()), exact.floor(1_000_000), "{case}: micros");
    let nanos = exact.floor(1_000_000_000);
    assert_eq!(found.nanos(), i64::try_from(&nanos).ok(), "{case}: nanos, exactly {nanos}");
    let time = found.as_f64();
    assert!(exact.is_nearest(time), "{case}: time {time:e}, exactly {exact:?}");
}

fn check_difference((a, exact_a): (Timestamp, &Exact), (b, exact_b): (Timestamp, &Exact), case: &str) {
    let (found, exact) = (a.since(b), exact_a.minus(exact_b));
    assert!(exact.is_nearest(found), "{case}: difference {found:e}, exactly {exact:?}");
    assert!((found == 0.0) == (exact.over == BigInt::ZERO), "{case}: difference {found:e}");
    assert_eq!(a.cmp(&b), exact.over.cmp(&BigInt::ZERO), "{case}: {a:?} and {b:?}");
    assert_eq!(a == b, exact.over == BigInt::ZERO, "{case}: {a:?} and {b:?}");
}

/// Ticks at corners, and those next to both ends of the years with an offset.
fn corner_ticks(resolution: u8, offset_s: i64) -> Vec<u64> {
    let mut ticks = vec![0, 1, 2, 999_999, 1_000_000, (1 << 32) - 1, 1 << 32, (1 << 32) + 1];
    ticks.extend([(1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX]);
    for second in [FIRST_SECOND, 0, 1_709_164_800, LAST_SECOND + 1] {
        let unit = Exact::pcapng(0, resolution, 1).over;
        let there = (BigInt::from(second) - offset_s) * unit;
        ticks.extend((-1..=1).filter_map(|step| u64::try_from(&there + step).ok()));
    }
    ticks
}

const OFFSETS: [i64; 15] = [
    0,
    1,
    -1,
    3600,
    1_709_164_800,
    FIRST_SECOND,
    FIRST_SECOND - 1,
    LAST_SECOND,
    LAST_SECOND + 1,
    1_000_000_000_000_000_000,
    -1_000_000_000_000_000_000,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
    -9_223_372_037,
];

#[test]
fn every_resolution_at_every_corner_is_exact() {
    let (mut times, mut differences) = (0, 0);
    for resolution in 0..=u8::MAX {
        for offset_s in OFFSETS {
            let mut before: Option<(Timestamp, Exact)> = None;
            for ticks in corner_ticks(resolution, offset_s) {
                let case = format!("{ticks} ticks of resolution {resolution:#04x} at {offset_s} s");
                let exact = Exact::pcapng(ticks, resolution, offset_s);
                let found = Timestamp::from_pcapng(ticks, Resolution(resolution), offset_s);
                check(&exact, found, &case);
                times += 1;
                let Some(found) = found else { continue };
                if let Some((other, exact_other)) = &before {
                    check_difference((found, &exact), (*other, exact_other), &case);
                    check_difference((*other, exact_other), (found, &exact), &case);
                    differences += 2;
                }
                before = Some((found, exact));
            }
        }
    }
    tried("times", times);
    tried("differences of times", differences);
}

#[test]
fn times_of_a_pcap_are_exact_and_carry_their_fractions() {
    let corners = [0, 1, 2, 499_999, 999_999, 1_000_000, 999_999_999, 1_000_000_000, 1 << 31, u32::MAX];
    let first = Timestamp::from_pcap(1_709_164_800, 999_999, false);
    let exact_first = Exact::pcapng(1_709_164_800_999_999, 6, 0);
    for seconds in corners {
        for fraction in corners {
            for (nanoseconds, units, resolution) in [(false, 1_000_000, 6), (true, 1_000_000_000, 9)] {
                let case = format!("{seconds} s and {fraction} of {units}");
                let exact = Exact::pcapng(u64::from(seconds) * units + u64::from(fraction), resolution, 0);
                let found = Timestamp::from_pcap(seconds, fraction, nanoseconds);
                check(&exact, Some(found), &case);
                check_difference((found, &exact), (first, &exact_first), &case);
            }
        }
    }
    tried("times", corners.len() * corners.len() * 2);
}

/// A number of ticks of any size, as likely small as large.
fn any_ticks() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(ticks, shift)| ticks >> shift)
}

fn any_offset() -> impl Strategy<Value = i64> {
    prop_oneof![-3_i64..3, FIRST_SECOND - 3..LAST_SECOND + 3, any::<i64>(), proptest::sample::select(OFFSETS.to_vec())]
}

/// Resolutions that are in use, and any.
fn any_resolution() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), proptest::sample::select(vec![3, 6, 9, 12, 18, 19, 0x80 | 10, 0x80 | 20, 0x80 | 32, 0xc0])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn times_of_any_two_interfaces_are_exact(
        (ticks_a, ticks_b) in (any_ticks(), any_ticks()),
        (resolution_a, resolution_b) in (any_resolution(), any_resolution()),
        (offset_a, offset_b) in (any_offset(), any_offset()),
        is_near in any::<bool>(),
    ) {
        let (ticks_b, resolution_b, offset_b) = if is_near {
            (ticks_a ^ (ticks_b & 0xff), resolution_a, offset_a)
        } else {
            (ticks_b, resolution_b, offset_b)
        };
        let of = |ticks, resolution, offset_s| {
            let exact = Exact::pcapng(ticks, resolution, offset_s);
            let found = Timestamp::from_pcapng(ticks, Resolution(resolution), offset_s);
            check(&exact, found, &format!("{ticks} ticks of resolution {resolution:#04x} at {offset_s} s"));
            found.map(|found| (found, exact))
        };
        if let (Some((a, exact_a)), Some((b, exact_b))) =
            (of(ticks_a, resolution_a, offset_a), of(ticks_b, resolution_b, offset_b))
        {
            check_difference((a, &exact_a), (b, &exact_b), "two interfaces");
            check_difference((b, &exact_b), (a, &exact_a), "two interfaces");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_time_of_a_pcap_is_exact(
        (seconds, fraction) in (any::<(u32, u32)>(), any::<(u32, u32)>()),
        nanoseconds in any::<bool>(),
    ) {
        let of = |seconds: u32, fraction: u32| {
            let (units, resolution) = if nanoseconds { (1_000_000_000, 9) } else { (1_000_000, 6) };
            let exact = Exact::pcapng(u64::from(seconds) * units + u64::from(fraction), resolution, 0);
            let found = Timestamp::from_pcap(seconds, fraction, nanoseconds);
            check(&exact, Some(found), &format!("{seconds} s and {fraction} of {units}"));
            (found, exact)
        };
        let ((a, exact_a), (b, exact_b)) = (of(seconds.0, fraction.0), of(seconds.1, fraction.1));
        check_difference((a, &exact_a), (b, &exact_b), "two records");
    }
}

/// Rows of a capture against the exact times of its packets, which are told apart by their wire lengths.
fn check_rows(built: &Built, times: &[Exact]) {
    let folder = folder();
    let path = save(&folder, "times", &built.bytes);
    let first = times.iter().find(|time| time.is_time()).unwrap();
    for (timestamp_unit, units) in [(TimestampUnit::Us, 1_000_000), (TimestampUnit::Ns, 1_000_000_000)] {
        let settings = Settings { timestamp_unit, summaries: false, ..Settings::default() };
        let rows = rows_with(&path, &settings, 2);
        assert_eq!(rows.len(), times.len());
        for row in &rows {
            let exact = &times[usize::try_from(row.int("length").unwrap()).unwrap() - 1];
            let datetime = Some(exact).filter(|exact| exact.is_time()).map(|exact| exact.floor(units));
            // Nanoseconds end in the year 2262.
            let expected = datetime.and_then(|datetime| i64::try_from(datetime).ok());
            assert_eq!(row.int("datetime"), expected, "{row:?}, exactly {exact:?}");
            let doubles = row.float("time").zip(row.float("time_normed"));
            assert_eq!(doubles.is_some(), exact.is_time(), "{row:?}");
            let Some((time, normed)) = doubles else { continue };
            assert!(exact.is_nearest(time), "{row:?}, exactly {exact:?}");
            assert!(exact.minus(first).is_nearest(normed), "{row:?}, exactly {exact:?}");
        }
    }
    tried("rows with exact times", times.len() * 2);
}

#[test]
fn the_rows_of_every_resolution_have_exact_times() {
    for order in Order::BOTH {
        let mut built = Built::new(order);
        built.section(order, b"");
        let mut times = Vec::new();
        let offsets = [0, -1, FIRST_SECOND, LAST_SECOND];
        for (place, (resolution, offset_s)) in
            (0..=u8::MAX).flat_map(|resolution| offsets.map(|offset_s| (resolution, offset_s))).enumerate()
        {
            built.interface(1, Some(resolution), Some(offset_s));
            for ticks in [0, 1, (1 << 32) + 1] {
                times.push(Exact::pcapng(ticks, resolution, offset_s));
                let mut frame = other(b"");
                frame.orig_len = u32::try_from(times.len()).unwrap();
                built.enhanced(u32::try_from(place).unwrap(), ticks, &frame);
            }
        }
        check_rows(&built, &times);
    }
}

#[test]
fn the_rows_of_both_kinds_of_pcap_have_exact_times() {
    for (kind, units, resolution) in [(Kind::Micros, 1_000_000, 6), (Kind::Nanos, 1_000_000_000, 9)] {
        let mut built = Built::pcap(kind, Order::Big);
        let mut times = Vec::new();
        for seconds in [1_709_164_800, 1_709_164_799, 0, u32::MAX] {
            for fraction in [0, 1, 999_999, 1_000_000, 123_456_789, 999_999_999, u32::MAX] {
                times.push(Exact::pcapng(u64::from(seconds) * units + u64::from(fraction), resolution, 0));
                let mut frame = udp(1, b"");
                frame.orig_len = u32::try_from(times.len()).unwrap();
                built.record(kind, seconds, fraction, &frame);
            }
        }
        check_rows(&built, &times);
    }
}
