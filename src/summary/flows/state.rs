//! How far a TCP connection came, told from the flags that were seen.
//!
//! The words are Zeek's (`conn_state` of its `conn.log`), for those of its rules that flags decide: where Zeek looks at sequence numbers
//! or sizes, or at which of two resets came first, another word may be right.

use super::seen::SeenFlags;

const FIN: u16 = 1;
const SYN: u16 = 2;
const RST: u16 = 4;

/// The words for how far a TCP connection came, each with what was seen, in the order of their codes. The source is who sent the first packet.
pub const FLOW_STATES: [(&str, &str); 11] = [
    ("S0", "a SYN from the source, and no answer"),
    ("S1", "a SYN, and one back: established, and not ended"),
    ("S2", "established, and a FIN from the source alone"),
    ("S3", "a FIN from the other end alone"),
    ("SF", "a FIN from both ends"),
    ("REJ", "a SYN, and a RST in place of one back: rejected"),
    ("RSTO", "established, and a RST from the source"),
    ("RSTOS0", "a SYN and a RST from the source, and no SYN back"),
    ("RSTR", "established, and a RST from the other end"),
    ("SH", "a SYN and a FIN from the source, and no SYN back"),
    (OTHER, "no SYN from the source was seen, or none of these"),
];

/// The state of a flow whose opening was not captured, or not all of it.
pub(super) const OTHER: &str = "OTH";

/// The states of connections that were tried, and that nobody accepted.
pub(super) const UNANSWERED: [&str; 4] = ["S0", "REJ", "RSTOS0", "SH"];

/// The state of a flow, from what its source and the other end were seen to send.
pub(super) fn state(out: SeenFlags, back: SeenFlags) -> &'static str {
    let sent = |seen: SeenFlags, flag: u16| seen.flags() & flag != 0;
    // The other end opened it as well, or answered.
    let is_answered = sent(back, SYN);
    match () {
        // Its beginning was not seen.
        () if !out.opens() => OTHER,
        () if sent(back, RST) => {
            if is_answered {
                "RSTR"
            } else {
                "REJ"
            }
        }
        () if sent(out, RST) => {
            if is_answered {
                "RSTO"
            } else {
                "RSTOS0"
            }
        }
        () if sent(out, FIN) && sent(back, FIN) => "SF",
        () if sent(out, FIN) => {
            if is_answered {
                "S2"
            } else {
                "SH"
            }
        }
        () if sent(back, FIN) => "S3",
        () if is_answered => "S1",
        () if !back.has_flags() => "S0",
        // Answered, but the answer to the SYN was not seen.
        () => OTHER,
    }
}
