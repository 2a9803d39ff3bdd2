//! From an [`Input`](crate::discover::Input) to packet records: framing, time, damage.
//!
//! In: the bytes of a capture, whole or from a [`Position`] on. Out: [`PacketRecord`]s in the order of the file, then the
//! end or a [`Damage`]. Where captures follow one another in a file, the records of all of them. Always: a record is
//! handed out only when it is whole; nothing after a fault is guessed, unless salvage is asked for; no length field is
//! believed before the bytes are there. The only door for pcap-file. Not here: what the packet's bytes mean; that is
//! [`crate::decode`]'s.
//!
//! Records whose offsets are known are found again (`revisit.rs`), and written as they were (`writer.rs`).

mod appended;
mod content_hashes;
mod damage;
mod decompress;
mod dictionary_size;
mod fraction;
mod frame;
mod halt;
mod interface;
mod link_type;
mod members;
mod opening;
mod packet_block;
mod pcap;
mod pcapng;
mod position;
mod probe;
mod read_buffer;
mod reader;
mod record;
mod reopen;
mod resolution;
pub(crate) mod resync;
mod revisit;
mod salvage;
mod source;
mod stream_origin;
mod survey;
mod time;
mod writer;

pub use content_hashes::ContentHashes;
pub use damage::{Damage, DamageKind, Gap, Gaps};
pub use link_type::LinkType;
pub use position::{FileHeader, Framing, Interface, LengthOrder, Position, Section};
pub use reader::CaptureReader;
pub use record::{PacketRecord, RecordAnomaly};
pub(crate) use reopen::{begin_range, is_read_forward, want_soon};
pub use resolution::Resolution;
#[cfg(any(test, feature = "internal-api"))]
pub use resync::guess;
pub(crate) use revisit::{Missed, Revisit};
pub use source::{Source, SourceError};
pub use survey::{AppendedSurvey, InterfaceSurvey, SectionSurvey, Survey};
pub use time::Timestamp;
pub(crate) use time::{TimeParts, seconds_of_micros};
pub(crate) use writer::{CaptureWriter, PacketKind, PcapForm, WrittenPacket};
