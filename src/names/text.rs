//! The presentation format of names: as `decode::dns::Name::write_to` writes it, but in lower case.

/// The longest label, in bytes (RFC 1035 2.3.4).
const MAX_LABEL: usize = 63;

/// The longest name, in octets on the wire: length bytes and root included (RFC 1035 2.3.4).
const MAX_OCTETS: usize = 255;

/// The text of a name, given by its labels without the root. The root alone is `.`.
pub(super) fn presentation<'a>(labels: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for label in labels {
        for &byte in label {
            match byte {
                b'.' | b'\\' => text.extend(['\\', char::from(byte)]),
                0x21..=0x7e => text.push(char::from(byte.to_ascii_lowercase())),
                _ => {
                    let digit = |value: u8| char::from(b'0' + value % 10);
                    text.extend(['\\', digit(byte / 100), digit(byte / 10), digit(byte)]);
                }
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The text of a host's name where dots separate labels and nothing is escaped, as in a hosts file and in TLS; `None` if DNS has no
/// such name.
pub(crate) fn of_host(name: &[u8]) -> Option<String> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let labels = || name.split(|byte| *byte == b'.');
    let control = name.iter().any(|byte| *byte < 0x20 || *byte == 0x7f);
    let fits = labels().all(|label| (1..=MAX_LABEL).contains(&label.len())) && name.len() + 2 <= MAX_OCTETS;
    (fits && !control).then(|| presentation(labels()))
}

/// Whether a text is the presentation format of a name other than the root.
pub(super) fn is_name(text: &str) -> bool {
    let (mut octets, mut label) = (1, 0);
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return label == 0 && (2..=MAX_OCTETS).contains(&octets),
            [b'.', rest @ ..] if (1..=MAX_LABEL).contains(&label) => {
                octets += 1 + label;
                label = 0;
                rest
            }
            [b'\\', b'.' | b'\\', rest @ ..] => {
                label += 1;
                rest
            }
            [b'\\', a @ b'0'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                let value = [a, b, c].iter().fold(0_u16, |value, digit| value * 10 + u16::from(**digit - b'0'));
                if matches!(value, 0x21..=0x7e | 0x100..) {
                    return false;
                }
                label += 1;
                rest
            }
            [b'.' | b'\\' | b'A'..=b'Z', ..] => return false,
            [0x21..=0x7e, rest @ ..] => {
                label += 1;
                rest
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(labels: &[&[u8]]) -> String {
        presentation(labels.iter().copied())
    }

    #[test]
    fn odd_bytes_are_escaped_and_letters_made_small() {
        assert_eq!(text(&[]), ".");
        assert_eq!(text(&[b"WWW", b"Example"]), "www.example.");
        assert_eq!(text(&[b"a.b\\", b"\0 \x7f\xff~!"]), "a\\.b\\\\.\\000\\032\\127\\255~!.");
    }

    #[test]
    fn texts_that_are_no_names_are_refused() {
        for good in
            ["a.", "a.b.", "\\..", "\\\\.", "\\000.", "\\255\\032.", "_x-1.local.", &format!("{}.", "a".repeat(63))]
        {
            assert!(is_name(good), "{good}");
        }
        let long = format!("{}aa.", "a.".repeat(126));
        for bad in
            ["", ".", "a", ".a.", "a..", "A.", "a b.", "\\", "\\.", "\\a.", "\\256.", "\\065.", "\\25.", "ä.", &long]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }

    proptest! {
        /// What is written is recognised, whatever the bytes.
        #[test]
        fn every_name_is_recognised(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..6)) {
            let text = presentation(labels.iter().map(Vec::as_slice));
            prop_assert!(is_name(&text), "{}", text);
        }
    }
}
