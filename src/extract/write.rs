//! Writes the packets that were found, in their order.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use crate::bug::bug;
use crate::cancel::Cancel;
use crate::capture::{CaptureWriter, Interface, PacketKind, Timestamp, WrittenPacket};
use crate::error::{Error, NotExtracted, Result};
use crate::lake::Snapshot;
use crate::storage::LocalFile;

use super::bytes::KeyBytes;
use super::fetch::FoundPackets;
use super::found_packet::{BY_TIME, FoundPacket};
use super::open_captures::OpenCaptures;
use super::outcome::Extracted;
use super::pcap_form::PcapNeeds;
use super::{ExtractFormat, KEYS, PacketOrder};

/// Packets between two checks for a signal.
const STRIDE: u64 = 4096;

/// Writes the packets. `name` is what messages call the file.
///
/// # Errors
/// If they do not fit into the format, a capture or the file fails, or the work is cancelled.
pub(crate) fn write<W: Write>(
    found: FoundPackets,
    snapshot: &Snapshot,
    format: ExtractFormat,
    (to, name): (W, &Path),
    cancel: &Cancel,
) -> Result<(Extracted, W)> {
    let FoundPackets { mut keys, order, interfaces, kept, failed, missing, pcap, files } = found;
    let mut writer = match format {
        ExtractFormat::Pcapng => CaptureWriter::pcapng(to),
        ExtractFormat::Pcap => {
            let mut needs = PcapNeeds::default();
            pcap.values().for_each(|of_capture| needs.add(of_capture));
            let form = needs.form().map_err(|problem| Error::NotExtracted(NotExtracted::NoPcap { problem }))?;
            CaptureWriter::pcap(to, form).map_err(Error::io("write", name))?
        }
    };
    let kept = kept.map(|kept| kept.into_file()).transpose().map_err(Error::io("read", name))?;
    let mut extracted = Extracted { missing: missing.into_list(), ..Extracted::default() };
    let mut captures: HashSet<usize> = HashSet::new();
    let mut open = OpenCaptures::new(snapshot, files);
    let mut from_kept = Vec::new();
    let described = |place: usize| interfaces.get(place).map(|held| (&held.interface, held.comment.as_str()));
    let mut sorted = keys.read(KEYS)?;
    while let Some((key, _)) = sorted.next()? {
        let mut key = KeyBytes(key);
        key.skip(if order == PacketOrder::Time { BY_TIME } else { size_of::<u64>() })?;
        let packet = FoundPacket::read(&mut key)?;
        if failed.contains(&packet.input) {
            continue;
        }
        if extracted.packets.is_multiple_of(STRIDE) {
            cancel.check()?;
        }
        let len = packet.len as usize;
        let data = if packet.is_kept {
            read_kept(kept.as_ref(), packet.at, len, &mut from_kept).map_err(Error::io("read", name))?;
            &from_kept
        } else {
            open.read(packet.input, packet.at, len)?
        };
        let FoundPacket { kind, number, ticks, cap_len, orig_len, interface, .. } = packet;
        let written = WrittenPacket { kind, number, ticks, cap_len, orig_len, data };
        let time = interface.and_then(described).and_then(|(interface, _)| time_of(kind, ticks, interface));
        writer.packet(&written, time, interface, described).map_err(Error::io("write", name))?;
        extracted.packets += 1;
        extracted.bytes += u64::from(packet.len);
        captures.insert(packet.input);
    }
    drop(sorted);
    extracted.captures = captures.len() as u64;
    let to = writer.finish().map_err(Error::io("write", name))?;
    Ok((extracted, to))
}

fn time_of(kind: PacketKind, ticks: u64, interface: &Interface) -> Option<Timestamp> {
    match kind {
        PacketKind::Simple => None,
        PacketKind::Timed => Timestamp::from_pcapng(ticks, interface.resolution, interface.offset_s),
    }
}

fn read_kept(kept: Option<&LocalFile>, at: u64, len: usize, into: &mut Vec<u8>) -> std::io::Result<()> {
    let kept = kept.ok_or_else(|| std::io::Error::other(bug!()))?;
    into.resize(len, 0);
    kept.read_exact_at(into, at)
}
