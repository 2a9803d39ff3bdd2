//! What an Interface Description Block says (draft-ietf-opsawg-pcapng sections 3.5 and 4.2).
//!
//! The library's reading of the block refuses all of it for one bad option. Here the options before the bad one count.

use super::link_type::LinkType;
use super::pcapng::ByteOrder;
use super::position::Interface;
use super::resolution::Resolution;

const OPTION_END: u16 = 0;
pub(super) const OPTION_NAME: u16 = 2;
pub(super) const OPTION_TSRESOL: u16 = 9;
pub(super) const OPTION_TSOFFSET: u16 = 14;
/// Bytes of a name that are kept. Systems allow 16, and Windows writes 50. There may be many interfaces.
const NAME: usize = 256;

/// Reads the body of an Interface Description Block; `None` if it is shorter than its fixed fields.
pub(super) fn describe(body: &[u8], order: ByteOrder) -> Option<Interface> {
    let ([t0, t1, _, _, s0, s1, s2, s3], rest) = body.split_first_chunk()?;
    // None of these options may occur twice. Where one does, the first counts, as in tshark.
    let (mut resolution, mut offset_s, mut name) = (None, None, None);
    for option in options(rest, order) {
        match option {
            (OPTION_NAME, value) => {
                name.get_or_insert(value);
            }
            (OPTION_TSRESOL, [value]) => {
                resolution.get_or_insert(Resolution(*value));
            }
            (OPTION_TSOFFSET, &[a, b, c, d, e, f, g, h]) => {
                let bytes = [a, b, c, d, e, f, g, h];
                let number = if order.big_endian { i64::from_be_bytes } else { i64::from_le_bytes };
                offset_s.get_or_insert(number(bytes));
            }
            _ => {}
        }
    }
    Some(Interface {
        link_type: LinkType(order.u16([*t0, *t1])),
        snap_len: order.u32([*s0, *s1, *s2, *s3]),
        resolution: resolution.unwrap_or_default(),
        offset_s: offset_s.unwrap_or(0),
        name: name.and_then(text),
    })
}

/// A name as text, if there is one. Some writers end it with a NUL.
fn text(name: &[u8]) -> Option<Box<str>> {
    let name = name.get(..NAME).unwrap_or(name);
    let name = name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(name).into())
}

/// Codes and values of the options, up to their end, or up to an option that is longer than the rest of its block.
pub(super) fn options(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = (u16, &[u8])> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        let ([c0, c1, l0, l1], rest) = left.split_first_chunk()?;
        let (code, length) = (order.u16([*c0, *c1]), usize::from(order.u16([*l0, *l1])));
        let value = rest.get(..length).filter(|_| code != OPTION_END)?;
        // The padding of the last option may be missing.
        left = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

#[cfg(test)]
mod tests {
    use super::super::pcapng::ByteOrder;
    use super::super::resolution::Resolution;
    use super::describe;

    #[test]
    fn of_an_option_that_is_there_twice_the_first_counts() {
        // Ethernet, no snapshot length; if_tsresol 9 and 6; if_tsoffset 1 and 2.
        let body = [
            &[0, 1, 0, 0, 0, 0, 0, 0][..],
            &[0, 9, 0, 1, 9, 0, 0, 0, 0, 9, 0, 1, 6, 0, 0, 0],
            &[0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2],
        ];
        let interface = describe(&body.concat(), ByteOrder { big_endian: true }).unwrap();
        assert_eq!((interface.resolution, interface.offset_s), (Resolution(9), 1));
    }
}
