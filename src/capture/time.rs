//! The time of a record, exact.
//!
//! Captures count in microseconds, nanoseconds, or in any power of 10 or of 2 (draft-ietf-opsawg-pcapng section 4.2,
//! `if_tsresol`), and pcapng may add an offset in seconds (`if_tsoffset`). Everything here is integers until the last
//! division, so that no digit is lost and `time_normed` is an exact difference.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::fraction::{Digits, Fraction};
use super::resolution::Resolution;

/// Attoseconds in a second.
pub(super) const ATTOS: u64 = 1_000_000_000_000_000_000;
/// Attoseconds in a microsecond.
pub(super) const ATTOS_PER_MICRO: u64 = 1_000_000_000_000;
/// Attoseconds in a nanosecond.
pub(super) const ATTOS_PER_NANO: u64 = 1_000_000_000;
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

/// A [`Timestamp`] as numbers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct TimeParts(i64, u64, (u64, u8, u8));

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

    /// An instant in microseconds since the Unix epoch, and nanoseconds after them, fewer than 1,000.
    #[must_use]
    pub(crate) fn from_micros_and_nanos(micros: i64, nanos: u16) -> Self {
        let whole = Self::from_micros(micros);
        Self { attos: whole.attos + u64::from(nanos) * ATTOS_PER_NANO, ..whole }
    }

    /// Microseconds since the Unix epoch, if there is nothing finer.
    #[must_use]
    #[inline]
    pub(crate) fn whole_micros(self) -> Option<i64> {
        let micros = self.attos / ATTOS_PER_MICRO;
        let is_whole = micros * ATTOS_PER_MICRO == self.attos && self.fraction.is_none();
        is_whole.then_some(self.seconds * 1_000_000 + micros.cast_signed())
    }

    /// Nanoseconds after the whole microsecond, rounded down, and whether there is nothing finer.
    #[must_use]
    pub(crate) fn nanos_of_micro(self) -> (u16, bool) {
        let attos = self.attos % ATTOS_PER_MICRO;
        let nanos = (attos / ATTOS_PER_NANO) as u16;
        (nanos, attos.is_multiple_of(ATTOS_PER_NANO) && self.fraction.is_none())
    }

    /// All of it as numbers, for formats in which no field may be missing.
    #[must_use]
    pub(crate) fn parts(self) -> TimeParts {
        TimeParts(self.seconds, self.attos, self.fraction.parts())
    }

    /// The same again.
    #[must_use]
    pub(crate) fn of_parts(TimeParts(seconds, attos, fraction): TimeParts) -> Self {
        Self { seconds, attos, fraction: Fraction::of_parts(fraction) }
    }

    /// Bytes whose order is that of the times, to the attosecond.
    #[must_use]
    pub fn sort_key(self) -> [u8; 16] {
        let seconds = self.seconds.cast_unsigned() ^ (1 << 63);
        (u128::from(seconds) << 64 | u128::from(self.attos)).to_be_bytes()
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the whole second; finer digits are cut off.
    #[must_use]
    pub fn subsec_nanos(self) -> u32 {
        (self.attos % ATTOS / ATTOS_PER_NANO) as u32
    }

    /// Microseconds since the Unix epoch; finer digits are cut off (towards the past).
    #[must_use]
    #[inline]
    pub fn micros(self) -> i64 {
        self.seconds * 1_000_000 + (self.attos / ATTOS_PER_MICRO).cast_signed()
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

/// The double nearest to a number of microseconds, in seconds. `None` if it is larger than those that doubles count exactly.
#[expect(clippy::cast_precision_loss, reason = "bounds are checked")]
#[inline]
pub(crate) fn seconds_of_micros(micros: i64) -> Option<f64> {
    // Both operands exact: one rounding, so the quotient is the nearest double.
    (-EXACT..=EXACT).contains(&micros).then(|| micros as f64 / 1e6)
}

/// The double nearest to `seconds + attos / 10^18`.
#[expect(clippy::cast_precision_loss, reason = "the one place where exact integers become doubles; bounds are checked")]
#[inline]
fn to_f64(seconds: i64, attos: u64) -> f64 {
    let micros = attos / ATTOS_PER_MICRO;
    if micros * ATTOS_PER_MICRO == attos
        && let Some(nearest) = seconds_of_micros(seconds * 1_000_000 + micros.cast_signed())
    {
        return nearest;
    }
    let nanos = attos / ATTOS_PER_NANO;
    if nanos * ATTOS_PER_NANO == attos {
        if (-9_000_000..9_000_000).contains(&seconds) {
            // 9 * 10^15 < 2^53: exact operands here too.
            return (seconds * 1_000_000_000 + nanos.cast_signed()) as f64 / 1e9;
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
}
