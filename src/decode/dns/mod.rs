//! DNS messages: the two names of the packets table, and the addresses an answer gives.
//!
//! In come the bytes of one message (the payload of a datagram, or of a segment behind its length), out the first
//! question's name, the first resource record's owner name, and on request the A and AAAA answers. Whatever the message
//! holds, the work is bounded by a budget of labels and pointers, nothing allocates, and names borrow from the message.
//! Deliberately not here: record data other than addresses and aliases, DNSSEC, messages over more than one segment.
//!
//! Source: RFC 1035 4.1, RFC 6891 (OPT), RFC 6762 (mDNS), RFC 4795 (LLMNR), RFC 4343 (case).

mod addresses;
mod message;
mod name;
mod record;
mod registry;
#[cfg(test)]
mod tests;

pub use addresses::Addresses;
pub use message::Message;
pub use name::Name;
pub use registry::{response_code_name, type_name};
