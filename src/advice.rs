//! What can be done about a capture that was refused.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::plural_of;

/// What can be done about a capture that was refused. A command line says it with the names of its options.
///
/// Manifests and plans have it as the text that [`Display`](fmt::Display) gives. Any other text is kept as it is.
///
/// ```
/// # use parcap::advice::Advice;
/// let text = Advice::Unpack { command: "gzip -dc FILE".to_owned(), is_archive: false }.to_string();
/// assert_eq!(text, "`gzip -dc FILE` writes it unpacked");
/// assert_eq!(Advice::from(text.clone()).to_string(), text);
/// assert_eq!(Advice::from("ask for it".to_owned()), Advice::Text("ask for it".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Advice {
    /// More memory, or unpacking it.
    MoreMemory,
    /// A command writes what is in it to a pipe, from which it can be converted.
    Unpack {
        /// The command; `FILE` stands for the file.
        command: String,
        /// Whether there may be several captures in it.
        is_archive: bool,
    },
    /// It is a file of a lake, perhaps named by mistake.
    PerhapsALake,
    /// The lake keeps what it has of it, unless that is forgotten.
    Keeps {
        /// Packets that the lake has of it.
        packets: u64,
    },
    /// The lake keeps what it has of it, unless it is converted by force or forgotten.
    KeepsMore,
    /// Damaged captures are refused only because that was asked for.
    NotStrict,
    /// Converting it by force takes it up again.
    ByForce,
    /// Something else, in words.
    Text(String),
}

impl Advice {
    /// Advice without a number or a command.
    const PLAIN: [Self; 5] = [Self::MoreMemory, Self::PerhapsALake, Self::KeepsMore, Self::NotStrict, Self::ByForce];
}

const WRITES: [&str; 2] = ["` writes it unpacked", "` writes the captures in it"];
const KEEPS: [&str; 2] = ["the lake keeps the ", " that it has of it"];

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [unpacked, captures] = WRITES;
        let [keeps, of_it] = KEEPS;
        match self {
            Self::MoreMemory => f.write_str("give as much more memory, or unpack it and convert the unpacked file"),
            Self::Unpack { command, is_archive } => {
                write!(f, "`{command}{}", if *is_archive { captures } else { unpacked })
            }
            Self::PerhapsALake => f.write_str("it may be of a lake, which is no capture"),
            Self::Keeps { packets } => write!(f, "{keeps}{}{of_it}", plural_of(*packets, "packet", "packets")),
            Self::KeepsMore => f.write_str("forget it, or convert it by force"),
            Self::NotStrict => {
                f.write_str("damaged captures were to be refused; otherwise the packets before the fault are converted")
            }
            Self::ByForce => f.write_str("it is converted again by force only"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<Advice> for String {
    fn from(advice: Advice) -> Self {
        advice.to_string()
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        let command = |end: &str| Some(text.strip_prefix('`')?.strip_suffix(end)?.to_owned());
        let [unpacked, captures] = WRITES.map(command);
        let unpack = |command: Option<String>, is_archive| command.map(|command| Self::Unpack { command, is_archive });
        let [keeps, of_it] = KEEPS;
        let count = text
            .strip_prefix(keeps)
            .and_then(|rest| rest.strip_suffix(of_it))
            .map(|count| count.chars().filter(char::is_ascii_digit).collect::<String>());
        let kept = count.and_then(|count| count.parse().ok()).map(|packets| Self::Keeps { packets });
        let known = Self::PLAIN.into_iter().chain(unpack(unpacked, false)).chain(unpack(captures, true)).chain(kept);
        known.into_iter().find(|advice| advice.to_string() == text).unwrap_or(Self::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law: what a manifest has is read as what was written, and written again as it was.
    #[test]
    fn advice_survives_its_text() {
        let command = "unzip -p FILE".to_owned();
        let others = [
            Advice::Unpack { command: command.clone(), is_archive: true },
            Advice::Unpack { command, is_archive: false },
            Advice::Keeps { packets: 1 },
            Advice::Keeps { packets: 1_234_567 },
            Advice::Text("`parcap forget` takes them out".to_owned()),
        ];
        for advice in Advice::PLAIN.into_iter().chain(others) {
            let json = serde_json::to_string(&advice).unwrap();
            assert_eq!(serde_json::from_str::<Advice>(&json).unwrap(), advice, "{json}");
        }
        for text in
            ["", "`", "the lake keeps the packets that it has of it", "the lake keeps the 01 packets that it has of it"]
        {
            assert_eq!(Advice::from(text.to_owned()), Advice::Text(text.to_owned()));
        }
    }
}
