//! Fractions of a second that are not a whole number of attoseconds. They come from units finer than 10^-18 or 2^-18 s.
//!
//! In: ticks and their unit. Out: all their decimal digits. A tick of 10^-127 s has 127 digits, and so has one of 2^-127
//! s. Captures with such units are rare, so this is exact first and fast second.

use serde::{Deserialize, Serialize};

/// The most digits after the decimal point: the exponent of `if_tsresol` has 7 bits.
const DIGITS: usize = 127;
/// Factors of 2 and of 5 in an attosecond's denominator.
const ATTO: u8 = 18;

/// A fraction of a second in lowest terms: `ticks / (2^twos * 5^fives)`. All three are 0 where whole attoseconds are
/// exact, so that equal fractions are equal here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Fraction {
    ticks: u64,
    twos: u8,
    fives: u8,
}

impl Fraction {
    /// `ticks / 2^exponent`, which is below 1.
    pub(super) fn binary(ticks: u64, exponent: u8) -> Self {
        Self { ticks, twos: exponent, fives: 0 }.reduced()
    }

    /// `ticks / 10^exponent`, which is below 1.
    pub(super) fn decimal(ticks: u64, exponent: u8) -> Self {
        Self { ticks, twos: exponent, fives: exponent }.reduced()
    }

    /// All of it as numbers.
    pub(super) fn parts(self) -> (u64, u8, u8) {
        (self.ticks, self.twos, self.fives)
    }

    /// The same again.
    pub(super) fn of_parts((ticks, twos, fives): (u64, u8, u8)) -> Self {
        Self { ticks, twos, fives }
    }

    fn reduced(mut self) -> Self {
        while self.ticks != 0 && self.ticks.is_multiple_of(2) && self.twos > 0 {
            (self.ticks, self.twos) = (self.ticks / 2, self.twos - 1);
        }
        while self.ticks != 0 && self.ticks.is_multiple_of(5) && self.fives > 0 {
            (self.ticks, self.fives) = (self.ticks / 5, self.fives - 1);
        }
        if self.ticks == 0 || self.twos <= ATTO && self.fives <= ATTO { Self::default() } else { self }
    }

    /// Whether whole attoseconds are exact.
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.ticks == 0
    }

    /// The time in units of 2^-k s, and k. `None` if there is no such k, or if the number does not fit.
    pub(super) fn in_binary(self, seconds: i64) -> Option<(i128, u8)> {
        let is_binary = self.fives == 0 && (1..=64).contains(&self.twos);
        is_binary.then(|| ((i128::from(seconds) << self.twos) + i128::from(self.ticks), self.twos))
    }

    /// The digits of the fraction, or of `attos` attoseconds where those are exact.
    pub(super) fn digits(self, attos: u64) -> Digits {
        let Self { ticks, twos, fives } =
            if self.is_none() { Self { ticks: attos, twos: ATTO, fives: ATTO } } else { self };
        let places = twos.max(fives);
        let mut digits = [0; DIGITS];
        // No capture has more places, but the JSON of a unit may say so.
        let held = digits.get_mut(..usize::from(places)).unwrap_or_default();
        let mut rest = ticks;
        for digit in held.iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        // The denominator becomes 10^places instead of 2^twos * 5^fives.
        for (factor, times) in [(2, places - twos), (5, places - fives)] {
            for _ in 0..times {
                let mut carry = 0;
                for digit in held.iter_mut().rev() {
                    let product = *digit * factor + carry;
                    (*digit, carry) = (product % 10, product / 10);
                }
            }
        }
        Digits(digits)
    }
}

/// The digits after a decimal point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digits([u8; DIGITS]);

impl Digits {
    pub(super) const ZERO: Self = Self([0; DIGITS]);

    /// The digits of the difference, and whether it borrows 1 from before the point.
    pub(super) fn minus(&self, other: &Self) -> (Self, bool) {
        let (mut digits, mut borrow) = (self.0, 0);
        for (digit, other) in digits.iter_mut().zip(&other.0).rev() {
            let taken = other + borrow;
            borrow = u8::from(*digit < taken);
            *digit = *digit + 10 * borrow - taken;
        }
        (Self(digits), borrow == 1)
    }

    /// The double nearest to `whole` and these digits after it.
    pub(super) fn to_f64(self, whole: i64) -> f64 {
        let (sign, whole, digits) = match self.0.iter().any(|digit| *digit != 0) {
            // -2 and .75 after it are -1.25.
            true if whole < 0 => ("-", whole.unsigned_abs() - 1, Self::ZERO.minus(&self).0),
            _ if whole < 0 => ("-", whole.unsigned_abs(), self),
            _ => ("", whole.unsigned_abs(), self),
        };
        let digits: String = digits.0.iter().map(|digit| char::from(b'0' + digit)).collect();
        // The standard library reads decimals of any length, and rounds correctly. This is one, so it is never NaN.
        format!("{sign}{whole}.{digits}").parse().unwrap_or(f64::NAN)
    }
}
