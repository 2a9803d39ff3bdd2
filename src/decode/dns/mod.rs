//! DNS messages: the two names of the packets table, the addresses an answer gives, and the answers as text.
//!
//! In: the bytes of one message, which is the payload of a datagram, or of a segment after its length. Out: the first
//! question's name, the first resource record's owner name, and on request the A and AAAA answers, or the data of all
//! answers in presentation format. Always: a budget of labels and pointers bounds the work, whatever the message holds;
//! nothing allocates but the text that is asked for; names borrow from the message. Not here: sections after the answers,
//! messages over more than one segment.
//!
//! Source: RFC 1035 4.1, RFC 6891 (OPT), RFC 6762 (mDNS), RFC 4795 (LLMNR), RFC 4343 (case).

mod addresses;
mod answers;
mod layout;
mod message;
mod name;
mod rdata;
mod record;
mod registry;
mod service;
#[cfg(test)]
mod tests;

pub use addresses::Addresses;
pub use message::Message;
pub use name::Name;
pub use registry::{response_code_name, type_name};
