//! The unit of a pcapng interface's times, and what a number of them is in seconds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fraction::Fraction;
use super::time::{ATTOS, ATTOS_PER_MICRO, ATTOS_PER_NANO};

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
    pub(super) fn split(self, ticks: u64) -> (u64, u64) {
        match self.0 {
            6 => (ticks / 1_000_000, ticks % 1_000_000 * ATTOS_PER_MICRO),
            9 => (ticks / 1_000_000_000, ticks % 1_000_000_000 * ATTOS_PER_NANO),
            exponent if exponent & 0x80 == 0 => split_decimal(ticks, u32::from(exponent)),
            exponent => split_binary(ticks, u32::from(exponent & 0x7f)),
        }
    }

    /// What [`Resolution::split`] cuts off, as the whole fraction, where the unit is finer than attoseconds.
    #[inline]
    pub(super) fn finer(self, ticks: u64) -> Fraction {
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

/// Digits of an attosecond after the decimal point.
const ATTO_DIGITS: u32 = 18;

fn split_decimal(ticks: u64, exponent: u32) -> (u64, u64) {
    // From 10^-20 s on, no number of ticks is a second.
    let (seconds, rest) = 10u64.checked_pow(exponent).map_or((0, ticks), |unit| (ticks / unit, ticks % unit));
    let attos = match ATTO_DIGITS.checked_sub(exponent) {
        Some(coarser) => rest * 10u64.pow(coarser),
        // Finer than 10^-37 s: 2^64 of them are no attosecond.
        None => 10u64.checked_pow(exponent - ATTO_DIGITS).map_or(0, |unit| rest / unit),
    };
    (seconds, attos)
}

fn split_binary(ticks: u64, exponent: u32) -> (u64, u64) {
    // The fraction is below 2^64 and 10^18 below 2^60, so their product fits 128 bits. The fraction is below a second, so
    // the attoseconds fit 64. A shift by 64 or more leaves no second.
    let seconds = ticks.checked_shr(exponent).unwrap_or(0);
    let fraction = if exponent >= 64 { ticks } else { ticks & ((1u64 << exponent) - 1) };
    let attos = (u128::from(fraction) * u128::from(ATTOS)).checked_shr(exponent).unwrap_or(0);
    (seconds, u64::try_from(attos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

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
