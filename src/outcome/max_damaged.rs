//! How many captures may be damaged before a run fails.

/// How many captures of a run may be damaged or refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxDamaged {
    /// This many.
    Captures(u64),
    /// This percentage of the captures that were looked at.
    Percent(f64),
}

impl MaxDamaged {
    /// Whether `damaged` of `all` captures are too many.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of captures")]
    pub fn is_exceeded(self, damaged: u64, all: u64) -> bool {
        match self {
            Self::Captures(most) => damaged > most,
            Self::Percent(most) => damaged as f64 * 100.0 > most * all as f64,
        }
    }
}
