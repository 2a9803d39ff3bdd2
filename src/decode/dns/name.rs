//! Domain names on the wire: reading, skipping and showing them.
//!
//! In: a message and the offset of a name. Out: the name, if it decodes, and where it ends in place. A name decodes if
//! its labels reach the root within 255 octets and `MAX_POINTERS` pointers; a loop never does. Pointers are followed
//! wherever they lead, also forward and into the 12 bytes of the header, as tshark and scapy do. RFC 1035 allows only
//! pointers to a prior occurrence.
//!
//! Always: a [`Name`] was read once with success, so showing it cannot fail.
//!
//! Source: RFC 1035 2.3.4, 3.1, 4.1.4 and 5.1; RFC 4343 for case.

use std::fmt;

use crate::text::octet_escape;

/// The longest name, in octets on the wire: length bytes and root included (RFC 1035 2.3.4).
const MAX_OCTETS: usize = 255;

/// The most pointers that are followed in one name. A name has at most 127 labels, and no writer needs more than one
/// pointer a label; only crafted chains do.
const MAX_POINTERS: usize = 127;

/// Labels and pointers that may still be read in one pass over a message.
///
/// Real messages take tens. The limit keeps the costliest crafted message under 50 microseconds for its two names and its
/// addresses together. Such a message is 65,530 bytes of pointer chains, or as many one-byte labels. A message that
/// exhausts the limit is read no further.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(u32);

impl Budget {
    /// Steps of one pass. One budget is made for the two names, one for the addresses.
    pub(super) const STEPS: u32 = 2048;

    pub(super) fn new() -> Self {
        Self(Self::STEPS)
    }

    /// A budget of some steps.
    pub(super) fn of(steps: usize) -> Self {
        Self(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Takes one step, or `None` when none is left.
    #[inline]
    pub(super) fn spend(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }

    /// Takes the steps that hashing `len` bytes costs.
    #[inline]
    fn spend_hash(&mut self, len: usize) -> Option<()> {
        const BYTES_PER_STEP: usize = 8;
        self.0 = self.0.checked_sub(u32::try_from(len / BYTES_PER_STEP).ok()?)?;
        Some(())
    }
}

/// A domain name inside a DNS message. It borrows the message, because a name's labels may lie anywhere before it.
///
/// Two names are equal when their labels are, ASCII case aside (RFC 4343), wherever they stand.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

impl<'a> Name<'a> {
    /// Reads the name at `start`. Returns the name, if it decodes, and the offset after its last byte in place, if that
    /// is known.
    ///
    /// The end of a name that does not decode is known if its own labels end at the root or at a pointer.
    pub(super) fn read(message: &'a [u8], start: usize, budget: &mut Budget) -> (Option<Self>, Option<usize>) {
        let mut labels = Labels::new(message, start);
        let mut octets = 1;
        loop {
            if budget.spend().is_none() {
                return (None, None);
            }
            match labels.step() {
                NameStep::Label(label) => octets += 1 + label.len(),
                NameStep::Pointer => {}
                NameStep::Root => return (Some(Self { message, start }), labels.end),
                NameStep::Fault => octets = MAX_OCTETS + 1,
            }
            if octets > MAX_OCTETS {
                let end = labels.end;
                return (None, end.or_else(|| Self::skip(message, start, budget)));
            }
        }
    }

    /// The offset after the name at `start`, without following pointers. `None` if the name has no end.
    pub(super) fn skip(message: &[u8], start: usize, budget: &mut Budget) -> Option<usize> {
        let mut at = start;
        loop {
            budget.spend()?;
            #[cfg(test)]
            super::tests::count_step();
            let length = usize::from(*message.get(at)?);
            match length {
                0 => return Some(at + 1),
                0xc0.. => return message.get(at + 1).map(|_| at + 2),
                1..=0x3f => at += 1 + length,
                _ => return None,
            }
        }
    }

    /// Whether `other` is read from the same place of the same message. Then it is the same name. Names from different
    /// places may be the same as well.
    #[must_use]
    pub fn is_same_place(self, other: Self) -> bool {
        std::ptr::eq(self.message, other.message) && self.start == other.start
    }

    /// The labels, first to last, without the root; case and bytes as they are.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> {
        let mut labels = Labels::new(self.message, self.start);
        std::iter::from_fn(move || {
            loop {
                match labels.step() {
                    NameStep::Label(label) => return Some(label),
                    NameStep::Pointer => {}
                    NameStep::Root | NameStep::Fault => return None,
                }
            }
        })
    }

    /// Whether it is the root, `.`.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.labels().next().is_none()
    }

    /// Appends the presentation format with the final dot; ASCII, at most 1,004 bytes. Allocates only if `out` must grow.
    ///
    /// The root is `.`; a dot or backslash inside a label is `\.` or `\\`, other bytes outside 0x21-0x7e are `\DDD`
    /// (RFC 1035 5.1).
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let before = out.len();
        for label in self.labels() {
            for &byte in label {
                match byte {
                    b'.' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                    0x21..=0x7e => out.push(byte),
                    _ => out.extend_from_slice(&octet_escape(byte)),
                }
            }
            out.push(b'.');
        }
        if out.len() == before {
            out.push(b'.');
        }
    }

    /// A hash of the labels in lower case, so that equal names have equal hashes. FNV-1a, 64 bits.
    pub(super) fn hash(self, budget: &mut Budget) -> Option<u64> {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mut labels = Labels::new(self.message, self.start);
        loop {
            budget.spend()?;
            let label = match labels.step() {
                NameStep::Label(label) => label,
                NameStep::Pointer => continue,
                NameStep::Root | NameStep::Fault => return Some(hash),
            };
            budget.spend_hash(label.len())?;
            for byte in label {
                mix(byte.to_ascii_lowercase());
            }
            // No label holds more than 63 bytes, so a length never looks like one more byte of the label before.
            mix(u8::try_from(label.len()).unwrap_or(0) | 0x80);
        }
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        let mut others = other.labels();
        self.labels().all(|label| others.next().is_some_and(|o| o.eq_ignore_ascii_case(label)))
            && others.next().is_none()
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_to(&mut text);
        f.pad(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// A walk over a name's labels and pointers.
struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    pointers: usize,
    /// Offset after the name in place. It is known from the name's first pointer or its root on.
    end: Option<usize>,
}

enum NameStep<'a> {
    Label(&'a [u8]),
    Pointer,
    Root,
    Fault,
}

impl<'a> Labels<'a> {
    fn new(message: &'a [u8], start: usize) -> Self {
        Self { message, at: start, pointers: 0, end: None }
    }

    #[inline]
    fn step(&mut self) -> NameStep<'a> {
        #[cfg(test)]
        super::tests::count_step();
        let Some([length, rest @ ..]) = self.message.get(self.at..) else {
            return NameStep::Fault;
        };
        match *length {
            0 => {
                self.end.get_or_insert(self.at + 1);
                NameStep::Root
            }
            1..=0x3f => match rest.get(..usize::from(*length)) {
                Some(label) => {
                    self.at += 1 + label.len();
                    NameStep::Label(label)
                }
                None => NameStep::Fault,
            },
            0xc0.. => {
                let Some(&low) = rest.first() else {
                    return NameStep::Fault;
                };
                self.end.get_or_insert(self.at + 2);
                let target = usize::from(u16::from_be_bytes([*length & 0x3f, low]));
                if self.pointers == MAX_POINTERS {
                    return NameStep::Fault;
                }
                self.pointers += 1;
                self.at = target;
                NameStep::Pointer
            }
            // 0x40 and 0x80: extended label types, withdrawn by RFC 6891.
            _ => NameStep::Fault,
        }
    }
}
