//! The keys of summaries, as bytes whose order is the order that a reader expects.
//!
//! IPv4 addresses sort before IPv6, both numerically; times by time; a missing value sorts last. [`Key`] writes a key and
//! [`KeyReader`] reads it, field by field in the same order.

use crate::address::IpAddress;

const V4: u8 = 4;
const V6: u8 = 6;
const NONE: u8 = 0xff;
/// Ends a name within a key. No name in presentation format contains it.
const END: u8 = 0;
/// The port of a packet without one. It sorts after all ports.
const NO_PORT: u32 = 0x1_0000;

/// A key that is being written. Its memory is reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Empties the key.
    pub(crate) fn clear(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn address(&mut self, address: Option<IpAddress>) -> &mut Self {
        match address {
            Some(IpAddress::V4(bits)) => {
                self.0.push(V4);
                self.0.extend_from_slice(&bits.to_be_bytes());
            }
            Some(IpAddress::V6(bits)) => {
                self.0.push(V6);
                self.0.extend_from_slice(&bits.to_be_bytes());
            }
            None => self.0.push(NONE),
        }
        self
    }

    pub(super) fn protocol(&mut self, protocol: u16) -> &mut Self {
        self.0.extend_from_slice(&protocol.to_be_bytes());
        self
    }

    pub(super) fn port(&mut self, port: Option<u16>) -> &mut Self {
        let [_, port @ ..] = port.map_or(NO_PORT, u32::from).to_be_bytes();
        self.0.extend_from_slice(&port);
        self
    }

    /// A time since the Unix epoch, in the unit of the table.
    pub(super) fn time(&mut self, micros: Option<i64>) -> &mut Self {
        // The largest number stands for no time; it is outside the years 1 to 9999.
        self.0.extend_from_slice(&in_order(micros.unwrap_or(i64::MAX)).to_be_bytes());
        self
    }

    /// Nanoseconds after a second.
    pub(super) fn nanos(&mut self, nanos: u32) -> &mut Self {
        self.0.extend_from_slice(&nanos.to_be_bytes());
        self
    }

    /// A number that is not negative, in as few bytes as it takes (LEB128). Not in order: for what only has to be there.
    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        let mut left = number.cast_unsigned();
        while let (low @ 0x80.., rest) = (left, left >> 7) {
            self.0.push(low.to_le_bytes()[0] | 0x80);
            left = rest;
        }
        self.0.push(left.to_le_bytes()[0]);
        self
    }

    /// A name, in lower case: resolvers vary the case of what they ask, and the names are the same (RFC 4343).
    pub(super) fn name(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let start = self.0.len();
        write(&mut self.0);
        self.0.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
        self.0.push(END);
        self
    }

    /// An address that has been encoded already, its name, and the label of the source of the name.
    pub(super) fn named(&mut self, address: &[u8], (name, source): (&str, &str)) -> &mut Self {
        self.raw(address).name(|text| text.extend_from_slice(name.as_bytes())).as_it_is(source)
    }

    /// A text in place of a name, unchanged.
    pub(super) fn as_it_is(&mut self, text: &str) -> &mut Self {
        self.text(|bytes| bytes.extend_from_slice(text.as_bytes()))
    }

    /// As [`Key::as_it_is`], of a text that is written here.
    pub(super) fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        write(&mut self.0);
        self.0.push(END);
        self
    }

    /// In place of a name where there is none. It sorts after all names.
    pub(super) fn no_name(&mut self) -> &mut Self {
        self.0.extend_from_slice(&[NONE, END]);
        self
    }

    /// A number that a DNS message may lack.
    pub(super) fn code(&mut self, code: Option<u16>) -> &mut Self {
        match code {
            Some(code) => {
                self.0.push(0);
                self.0.extend_from_slice(&code.to_be_bytes());
            }
            None => self.0.push(NONE),
        }
        self
    }

    /// The number of a tunnel, which not every tunnel has.
    pub(super) fn tunnel_id(&mut self, id: Option<u32>) -> &mut Self {
        match id {
            Some(id) => {
                self.0.push(0);
                self.0.extend_from_slice(&id.to_be_bytes());
            }
            None => self.0.push(NONE),
        }
        self
    }

    /// Bytes of a key that has been encoded already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The owner, if there is one. It comes last.
    pub(super) fn owner(&mut self, owner: Option<u32>) -> &mut Self {
        self.0.extend(owner.into_iter().flat_map(u32::to_be_bytes));
        self
    }

    /// The sums, in descending order. Keys that follow it sort by these sums, the largest first.
    pub(crate) fn descending(&mut self, (bytes, packets): (i64, i64)) -> &mut Self {
        self.0.extend_from_slice(&(!in_order(bytes)).to_be_bytes());
        self.0.extend_from_slice(&(!in_order(packets)).to_be_bytes());
        self
    }
}

/// The key of a conversation whose packets have neither address.
pub(crate) const NOBODY: &[u8] = &[NONE, NONE];

/// Bytes that [`Key::descending`] puts before a key.
pub(crate) const DESCENDING: usize = 16;

/// An unsigned number in the order of the signed one.
fn in_order(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

/// Reads the fields of a key from front to back.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyReader<'a>(pub(super) &'a [u8]);

impl<'a> KeyReader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn address(&mut self) -> Option<IpAddress> {
        match self.take()? {
            [V4] => self.take::<4>().map(IpAddress::from),
            [V6] => self.take::<16>().map(IpAddress::from),
            _ => None,
        }
    }

    pub(super) fn protocol(&mut self) -> u16 {
        self.take().map_or(0, u16::from_be_bytes)
    }

    pub(super) fn port(&mut self) -> Option<u16> {
        let [high, rest @ ..] = self.take::<3>()?;
        (high == 0).then(|| u16::from_be_bytes(rest))
    }

    pub(super) fn time(&mut self) -> Option<i64> {
        let number = (u64::from_be_bytes(self.take()?) ^ (1 << 63)).cast_signed();
        (number != i64::MAX).then_some(number)
    }

    pub(super) fn number(&mut self) -> i64 {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let Some([byte]) = self.take() else { break };
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number.cast_signed()
    }

    /// Bytes as they are.
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take()
    }

    pub(super) fn nanos(&mut self) -> u32 {
        self.take().map_or(0, u32::from_be_bytes)
    }

    /// A name; empty where there is none.
    pub(super) fn name(&mut self) -> &'a str {
        let end = self.0.iter().position(|byte| *byte == END).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest.get(1..).unwrap_or_default();
        // Presentation format is ASCII; the mark for no name is not.
        std::str::from_utf8(name).unwrap_or_default()
    }

    pub(super) fn code(&mut self) -> Option<u16> {
        match self.take()? {
            [0] => self.take().map(u16::from_be_bytes),
            _ => None,
        }
    }

    pub(super) fn tunnel_id(&mut self) -> Option<u32> {
        match self.take()? {
            [0] => self.take().map(u32::from_be_bytes),
            _ => None,
        }
    }

    /// The encoded bytes of an address, without reading it.
    pub(super) fn address_bytes(&mut self) -> &'a [u8] {
        let length = match self.0.first() {
            Some(&V4) => 5,
            Some(&V6) => 17,
            _ => 1,
        };
        let (bytes, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_address() -> impl Strategy<Value = Option<IpAddress>> {
        let any = prop_oneof![any::<u32>().prop_map(IpAddress::V4), any::<u128>().prop_map(IpAddress::V6)];
        prop::option::of(any)
    }

    /// `None` sorts last.
    fn last<T: Ord>(value: Option<T>) -> (bool, Option<T>) {
        (value.is_none(), value)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_read_as_they_were_written(
            address in any_address(), protocol: u16, port: Option<u16>, time in prop::option::of(i64::MIN..i64::MAX),
            name in "[!-@\\[-~]{0,20}", code: Option<u16>, id: Option<u32>,
        ) {
            let mut key = Key::default();
            key.address(address).protocol(protocol).port(port).time(time);
            key.name(|text| text.extend_from_slice(name.as_bytes())).code(code).tunnel_id(id).address(None);
            let mut reader = KeyReader(key.bytes());
            prop_assert_eq!(
                (reader.address(), reader.protocol(), reader.port(), reader.time()),
                (address, protocol, port, time)
            );
            prop_assert_eq!((reader.name(), reader.code()), (name.as_str(), code));
            prop_assert_eq!((reader.tunnel_id(), reader.address()), (id, None));
            prop_assert_eq!(reader.0, &[] as &[u8]);
        }

        #[test]
        fn bytes_sort_as_what_they_stand_for(
            a in (any_address(), any::<u16>(), any::<Option<u16>>(), prop::option::of(i64::MIN..i64::MAX), "[a-c]{0,3}"),
            b in (any_address(), any::<u16>(), any::<Option<u16>>(), prop::option::of(i64::MIN..i64::MAX), "[a-c]{0,3}"),
            ids: [Option<u32>; 2],
        ) {
            let id = |id| Key::default().tunnel_id(id).bytes().to_vec();
            prop_assert_eq!(id(ids[0]).cmp(&id(ids[1])), last(ids[0]).cmp(&last(ids[1])));
            let key = |(address, protocol, port, time, name): &(_, u16, _, _, String)| {
                let mut key = Key::default();
                key.name(|text| text.extend_from_slice(name.as_bytes()));
                key.address(*address).protocol(*protocol).port(*port).time(*time);
                key.bytes().to_vec()
            };
            let value = |(address, protocol, port, time, name): &(_, _, _, _, String)| {
                (name.clone(), last(*address), *protocol, last(*port), last(*time))
            };
            prop_assert_eq!(key(&a).cmp(&key(&b)), value(&a).cmp(&value(&b)));
        }

        #[test]
        fn descending_is_the_order_of_the_largest_first(a: (i64, i64), b: (i64, i64)) {
            let key = |size| Key::default().descending(size).bytes().to_vec();
            prop_assert_eq!(key(a).cmp(&key(b)), b.cmp(&a));
        }
    }
}
