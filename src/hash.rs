//! XXH3 of 128 bits, in hexadecimal: fingerprints of inputs, identities of units, checksums of parts.
//!
//! It tells different contents apart. It is no defence against somebody who makes two contents collide on purpose.

use std::fmt;

use twox_hash::XxHash3_128;

/// A hash that is fed piece by piece.
#[derive(Clone, Default)]
pub struct ContentHash(XxHash3_128);

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHash")
    }
}

impl ContentHash {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Adds a field: its length first, so that `ab`, `c` and `a`, `bc` differ.
    pub fn field(&mut self, bytes: &[u8]) {
        self.update(&(bytes.len() as u64).to_le_bytes());
        self.update(bytes);
    }

    /// Half of it, as a number to look for it by.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "half of it is meant")]
    pub fn key(&self) -> i64 {
        (self.0.finish_128() as u64).cast_signed()
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.0.finish_128())
    }
}

/// A checksum as a manifest has it: `xxh3:` and 32 hexadecimal digits.
#[must_use]
pub fn checksum(hash: &ContentHash) -> String {
    format!("xxh3:{}", hash.hex())
}
