//! The time of a record, exact.
//!
//! Captures count in microseconds, nanoseconds, or in any power of 10 or of 2 (draft-ietf-opsawg-pcapng section 4.2,
//! `if_tsresol`), and pcapng may add an offset in seconds (`if_tsoffset`). Everything here is integers until the last
//! division, so that no digit is lost and `time_normed` is an exact difference.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::fraction::{Digits, Fraction};

/// Attoseconds in a second.
const ATTOS: u64 = 1_000_000_000_000_000_000;
/// Attoseconds in a microsecond.
const ATTOS_PER_MICRO: u64 = 1_000_000_000_000;
/// Attoseconds in a nanosecond.
const ATTOS_PER_NANO: u64 = 1_000_000_000;
/// 0001-01-01T00:00:00Z in seconds since the Unix epoch.
const MIN_SECONDS: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z in seconds since the Unix epoch.
const MAX_SECONDS: i64 = 253_402_300_799;
/// Integers up to here are exact in a double.
const EXACT: i64 = 1 << 53;

/// An instant, in seconds since the Unix epoch (UTC) and attoseconds (10^-18 s) after that second; always within the
/// years 1 to 9999, and exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timestamp {
    seconds: i64,
    /// Rounded down where the fraction is finer.
    attos: u64,
    /// The whole fraction, if attoseconds are too coarse for it.
    #[serde(default, skip_serializing_if = "Fraction::is_none")]
    fraction: Fraction,
}

impl Ord for Timestamp {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.attos).cmp(&(other.seconds, other.attos)).then_with(|| {
            if self.fraction == other.fraction { Ordering::Equal } else { self.digits().cmp(&other.digits()) }
        })
    }
}

impl PartialOrd for Timestamp {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Timestamp {
    /// The time of a classic pcap record: seconds (unsigned, so up to the year 2106), and microseconds or nanoseconds
    /// (draft-ietf-opsawg-pcap section 5). A fraction of a second or more is carried into the seconds.
    #[must_use]
    #[inline]
    pub fn from_pcap(seconds: u32, fraction: u32, nanoseconds: bool) -> Self {
        let unit = if nanoseconds { ATTOS_PER_NANO } else { ATTOS_PER_MICRO };
        let per_second = if nanoseconds { 1_000_000_000 } else { 1_000_000 };
        let (carry, fraction) =
            if fraction < per_second { (0, fraction) } else { (fraction / per_second, fraction % per_second) };
        let seconds = i64::from(seconds) + i64::from(carry);
        Self { seconds, attos: u64::from(fraction) * unit, fraction: Fraction::default() }
    }

    /// The time of a pcapng packet: `ticks` of the interface's resolution, plus its offset.
    ///
    /// `None` if it lies outside the years 1 to 9999.
    #[must_use]
    #[inline]
    pub fn from_pcapng(ticks: u64, resolution: Resolution, offset_s: i64) -> Option<Self> {
        let (seconds, attos) = resolution.split(ticks);
        let seconds = i64::try_from(i128::from(seconds) + i128::from(offset_s)).ok()?;
        let fraction = resolution.finer(ticks);
        (MIN_SECONDS..=MAX_SECONDS).contains(&seconds).then_some(Self { seconds, attos, fraction })
    }

    /// An instant in microseconds since the Unix epoch.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let attos = micros.rem_euclid(1_000_000).unsigned_abs() * ATTOS_PER_MICRO;
        Self { seconds: micros.div_euclid(1_000_000), attos, fraction: Fraction::default() }
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the whole second; finer digits are cut off.
    #[must_use]
    pub fn subsec_nanos(self) -> u32 {
        u32::try_from(self.attos / ATTOS_PER_NANO).unwrap_or(0)
    }

    /// Microseconds since the Unix epoch; finer digits are cut off (towards the past).
    #[must_use]
    #[inline]
    pub fn micros(self) -> i64 {
        self.seconds * 1_000_000 + i64::try_from(self.attos / ATTOS_PER_MICRO).unwrap_or(0)
    }

    /// Nanoseconds since the Unix epoch; `None` outside the years 1677 to 2262, which is what 64 bits hold.
    #[must_use]
    pub fn nanos(self) -> Option<i64> {
        let nanos = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.attos / ATTOS_PER_NANO);
        i64::try_from(nanos).ok()
    }

    /// Seconds since the Unix epoch as a double: the nearest one.
    #[must_use]
    #[inline]
    pub fn as_f64(self) -> f64 {
        if self.fraction.is_none() { to_f64(self.seconds, self.attos) } else { self.fine_since(None) }
    }

    /// Seconds from `first` to this, subtracted exactly and then converted as [`Timestamp::as_f64`] does; negative if
    /// this is earlier.
    #[must_use]
    #[inline]
    pub fn since(self, first: Self) -> f64 {
        if !self.fraction.is_none() || !first.fraction.is_none() {
            return self.fine_since(Some(first));
        }
        let (mut seconds, borrow) = (self.seconds - first.seconds, self.attos < first.attos);
        let attos = if borrow { self.attos + ATTOS - first.attos } else { self.attos - first.attos };
        seconds -= i64::from(borrow);
        to_f64(seconds, attos)
    }

    fn digits(&self) -> Digits {
        self.fraction.digits(self.attos)
    }

    /// As [`Timestamp::since`], or since the epoch, where attoseconds are too coarse.
    #[cold]
    fn fine_since(self, first: Option<Self>) -> f64 {
        let binary = |time: Self| time.fraction.in_binary(time.seconds);
        match (binary(self), first.map(binary)) {
            (Some((ticks, exponent)), None) => scaled(ticks, exponent),
            (Some((ticks, exponent)), Some(Some((first, coarser)))) => {
                let finest = exponent.max(coarser);
                scaled((ticks << (finest - exponent)) - (first << (finest - coarser)), finest)
            }
            _ => {
                let (first_seconds, first) = first.map_or((0, Digits::ZERO), |first| (first.seconds, first.digits()));
                let (digits, borrow) = self.digits().minus(&first);
                digits.to_f64(self.seconds - first_seconds - i64::from(borrow))
            }
        }
    }
}

/// `ticks / 2^exponent`, rounded once: the scale is a power of two, and no quotient is subnormal.
#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
fn scaled(ticks: i128, exponent: u8) -> f64 {
    ticks as f64 * half_to_the(exponent.into())
}

/// `2^-exponent`, for exponents below 1023: the bits of its exponent (IEEE 754 section 3.4).
#[inline]
fn half_to_the(exponent: u32) -> f64 {
    f64::from_bits(u64::from(1023 - exponent) << 52)
}

/// The double nearest to `seconds + attos / 10^18`.
#[expect(clippy::cast_precision_loss, reason = "the one place where exact integers become doubles; bounds are checked")]
#[inline]
fn to_f64(seconds: i64, attos: u64) -> f64 {
    let micros = attos / ATTOS_PER_MICRO;
    if micros * ATTOS_PER_MICRO == attos {
        // Both operands exact: one rounding, so the quotient is the nearest double.
        let total = seconds * 1_000_000 + i64::try_from(micros).unwrap_or(0);
        if (-EXACT..=EXACT).contains(&total) {
            return total as f64 / 1e6;
        }
    }
    let nanos = attos / ATTOS_PER_NANO;
    if nanos * ATTOS_PER_NANO == attos {
        if (-9_000_000..9_000_000).contains(&seconds) {
            // 9 * 10^15 < 2^53: exact operands here too.
            return (seconds * 1_000_000_000 + i64::try_from(nanos).unwrap_or(0)) as f64 / 1e9;
        }
        if seconds > 0 {
            // The 53 bits of the double: seconds, and as many bits of the fraction as there is room for, rounded half to
            // even. With 24 bits of seconds or more those are 29 at most, and 30 + 29 bits of fraction are below 64.
            let room = seconds.leading_zeros() - 11;
            let (bits, rest) = ((nanos << room) / 1_000_000_000, (nanos << room) % 1_000_000_000);
            let mantissa = (seconds.unsigned_abs() << room) + bits;
            let up = rest > 500_000_000 || rest == 500_000_000 && mantissa % 2 == 1;
            return (mantissa + u64::from(up)) as f64 * half_to_the(room);
        }
    }
    let total = i128::from(seconds) * i128::from(ATTOS) + i128::from(attos);
    // As far to the left as it goes, so that the quotient has at least 67 bits. The last bit then says whether anything
    // is left over, and rounds as all that is left over would.
    let shift = total.unsigned_abs().leading_zeros();
    let (shifted, unit) = (total.unsigned_abs() << shift, u128::from(ATTOS));
    let (quotient, rest) = (shifted / unit, shifted % unit);
    let nearest = (quotient | u128::from(rest != 0)) as f64 * half_to_the(shift);
    if total < 0 { -nearest } else { nearest }
}

/// The unit of a pcapng interface's timestamps (`if_tsresol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution(pub u8);

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = if self.0 & 0x80 == 0 { 10 } else { 2 };
        write!(f, "{base}^-{} s", self.0 & 0x7f)
    }
}

impl Default for Resolution {
    /// Microseconds, as the draft says for an interface without the option.
    fn default() -> Self {
        Self(6)
    }
}

impl Resolution {
    /// Whole seconds and attoseconds of `ticks` ticks. Exact, except for what is finer than an attosecond.
    #[inline]
    fn split(self, ticks: u64) -> (u64, u64) {
        match self.0 {
            6 => (ticks / 1_000_000, ticks % 1_000_000 * ATTOS_PER_MICRO),
            9 => (ticks / 1_000_000_000, ticks % 1_000_000_000 * ATTOS_PER_NANO),
            exponent if exponent & 0x80 == 0 => split_decimal(ticks, u32::from(exponent)),
            exponent => split_binary(ticks, u32::from(exponent & 0x7f)),
        }
    }

    /// What [`Resolution::split`] cuts off, as the whole fraction, where the unit is finer than attoseconds.
    #[inline]
    fn finer(self, ticks: u64) -> Fraction {
        let exponent = self.0 & 0x7f;
        if exponent <= 18 { Fraction::default() } else { self.finer_than_attos(ticks, exponent) }
    }

    #[cold]
    fn finer_than_attos(self, ticks: u64, exponent: u8) -> Fraction {
        // From 10^-20 and 2^-64 s on, no number of ticks is a second.
        if self.0 & 0x80 == 0 {
            Fraction::decimal(if exponent == 19 { ticks % 10_000_000_000_000_000_000 } else { ticks }, exponent)
        } else {
            let fraction = if exponent >= 64 { ticks } else { ticks & ((1 << exponent) - 1) };
            Fraction::binary(fraction, exponent)
        }
    }
}

fn split_decimal(ticks: u64, exponent: u32) -> (u64, u64) {
    match 10u128.checked_pow(exponent) {
        None => (0, 0), // Finer than 10^-38 s: 2^64 of them are no attosecond.
        Some(unit) => {
            let ticks = u128::from(ticks);
            let (seconds, rest) = (ticks / unit, ticks % unit);
            let attos = if unit <= u128::from(ATTOS) {
                rest * (u128::from(ATTOS) / unit)
            } else {
                rest / (unit / u128::from(ATTOS))
            };
            (u64::try_from(seconds).unwrap_or(u64::MAX), u64::try_from(attos).unwrap_or(0))
        }
    }
}

fn split_binary(ticks: u64, exponent: u32) -> (u64, u64) {
    // The fraction is below 2^64 and 10^18 below 2^60, so their product fits 128 bits.
    let seconds = ticks.checked_shr(exponent).unwrap_or(0);
    let fraction = if exponent >= 64 { ticks } else { ticks & ((1u64 << exponent) - 1) };
    let attos = (u128::from(fraction) * u128::from(ATTOS)).checked_shr(exponent).unwrap_or(0);
    (seconds, u64::try_from(attos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_second_or_more_is_carried() {
        assert_eq!(Timestamp::from_pcap(10, 1_500_000, false), Timestamp::from_pcap(11, 500_000, false));
        assert_eq!(Timestamp::from_pcap(10, u32::MAX, true).seconds(), 14);
    }

    #[test]
    fn doubles_are_the_nearest_ones_to_the_decimal() {
        // `parse` rounds correctly, and is not what `as_f64` uses below 2^53 microseconds.
        for (seconds, micros) in [(1_590_233_456, 789_012), (0, 1), (4_294_967_295, 999_999), (1, 100_000)] {
            let decimal: f64 = format!("{seconds}.{micros:06}").parse().unwrap();
            assert_eq!(Timestamp::from_pcap(seconds, micros, false).as_f64(), decimal);
        }
        let before_epoch = Timestamp::from_pcapng(0, Resolution(6), -1).unwrap();
        assert_eq!(before_epoch.as_f64(), -1.0);
        assert_eq!(before_epoch.micros(), -1_000_000);
    }

    #[test]
    fn differences_are_exact() {
        let first = Timestamp::from_pcap(1_700_000_000, 999_999_999, true);
        let later = Timestamp::from_pcap(1_700_000_001, 0, true);
        assert_eq!(later.since(first), 1e-9);
        assert_eq!(first.since(later), -1e-9);
        assert_eq!(first.since(first), 0.0);
    }

    #[test]
    fn out_of_the_years_1_to_9999_is_no_time() {
        assert_eq!(Timestamp::from_pcapng(u64::MAX, Resolution(6), 0), None);
        assert_eq!(Timestamp::from_pcapng(0, Resolution(6), -1_000_000_000_000_000_000), None);
        assert_eq!(Timestamp::from_pcapng(0, Resolution(0), i64::MIN), None);
        assert!(Timestamp::from_pcapng(253_402_300_799, Resolution(0), 0).is_some());
        assert!(Timestamp::from_pcapng(253_402_300_800, Resolution(0), 0).is_none());
    }

    #[test]
    fn every_resolution_agrees_with_a_long_division() {
        for code in 0..=255u8 {
            for ticks in [0, 1, 1_590_233_456_789_012_345, u64::MAX, 1 << 63, 999_999_999] {
                let (seconds, attos) = Resolution(code).split(ticks);
                let exponent = code & 0x7f;
                // One digit (or bit) at a time: a remainder below the unit, kept as an exact fraction over 2^k or 10^k.
                let base: u8 = if code & 0x80 == 0 { 10 } else { 2 };
                let (want_seconds, want_attos) = long_division(ticks, base, exponent);
                assert_eq!((seconds, attos), (want_seconds, want_attos), "code {code}, ticks {ticks}");
            }
        }
    }

    /// `ticks / base^exponent` by schoolbook arithmetic on decimal digits.
    fn long_division(ticks: u64, base: u8, exponent: u8) -> (u64, u64) {
        // value = ticks * 10^18 (as digits), divided `exponent` times by `base`, dropping remainders only at the end:
        // floor(floor(x / a) / b) == floor(x / (a * b)).
        let mut digits: Vec<u8> = format!("{ticks}{}", "0".repeat(18)).bytes().map(|b| b - b'0').collect();
        for _ in 0..exponent {
            let mut rest = 0u8;
            for digit in &mut digits {
                let value = rest * 10 + *digit;
                *digit = value / base;
                rest = value % base;
            }
        }
        let text: String = digits.iter().map(|d| char::from(d + b'0')).collect();
        let total: u128 = text.parse().unwrap();
        (u64::try_from(total / 10u128.pow(18)).unwrap(), u64::try_from(total % 10u128.pow(18)).unwrap())
    }
}
