//! What a DNS message says of itself, and its answers.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;
use crate::decode::dns::{response_code_name, type_name};

const NO_DNS: &str = "no DNS";

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("dns_id", Further::Small32(|_, packet| Some(packet.dns.as_ref()?.id().into())), NO_DNS, "identifier of the message of `dns_query`, as all columns of this set"),
    further("dns_is_response", Further::Flag(|_, packet| Some(packet.dns.as_ref()?.is_response())), NO_DNS, "whether it is a response and no query"),
    further("dns_qtype", Further::Text(|_, packet, text| {
        text.extend_from_slice(type_name(packet.dns.as_ref()?.question_type()?).as_bytes());
        Some(())
    }), "no question, or cut before its type", "type of the first question: its name, else e.g. `TYPE65400`"),
    further("dns_rcode", Further::Text(|_, packet, text| {
        let message = packet.dns.as_ref().filter(|message| message.is_response())?;
        text.extend_from_slice(response_code_name(u16::from(message.response_code())).as_bytes());
        Some(())
    }), "no response", "response code, the four bits of the header without those of EDNS: its name, else e.g. `RCODE12`"),
    further("dns_answers", Further::Text(|_, packet, text| packet.dns.as_ref()?.write_answers(text)), "no answer that is whole", "data of the answers in presentation format, in order, with one space between"),
    further("dns_min_ttl", Further::Wide(|_, packet| packet.dns.as_ref()?.min_ttl()), "no answers, or the message ends before the last one does", "smallest TTL of the answers in seconds, as it was sent"),
];
