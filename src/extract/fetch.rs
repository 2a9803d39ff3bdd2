//! Finds the records of wanted rows in their captures, and how they are to be written.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::io;

use crate::aggregate::{Aggregator, Space, Sums};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::capture::{CaptureWriter, DamageKind, Missed, PacketRecord, Revisit, Timestamp};
use crate::discover::{Compression, Format, Refusal};
use crate::error::{Error, Result};
use crate::lake::{InputEntry, Snapshot};
use crate::plan::APPENDED;
use crate::storage::{CaptureFacts, CaptureFile, FileIdentity, Spool, capture_facts, fingerprint};

use super::bytes::KeyWriter;
use super::found_packet::{FoundPacket, by_time, micros_key};
use super::interfaces::SourceInterfaces;
use super::known_row::Terms;
use super::lookup::{RowsToFind, WantedRow};
use super::outcome::{MissingCounts, MissingWhy};
use super::pcap_form::PcapNeeds;
use super::{KEYS, PacketOrder};

/// The most memory for a decompressor: the lake has captures that took more than is usual. What is needed is taken.
const WINDOW: u64 = 4 << 30;
/// Records between two checks for a signal.
const STRIDE: u64 = 4096;

/// The packets that were found.
pub(crate) struct FoundPackets {
    /// In the order in which they are written.
    pub(super) keys: Aggregator,
    pub(super) order: PacketOrder,
    pub(super) interfaces: SourceInterfaces,
    /// Captured bytes of compressed captures.
    pub(super) kept: Option<Spool>,
    /// Captures that turned out to have changed, although some packets were found.
    pub(super) failed: HashSet<usize>,
    pub(super) missing: MissingCounts,
    /// By capture, what a pcap must have.
    pub(super) pcap: BTreeMap<usize, PcapNeeds>,
    /// The files in which records were found.
    pub(super) files: BTreeMap<usize, FileIdentity>,
}

/// The capture whose records are being found.
struct CurrentCapture<'a> {
    entry: &'a InputEntry,
    name: String,
    /// `None` if it cannot be read as it was: nothing of it is looked for.
    revisit: Result<Revisit, MissingWhy>,
    /// Rows that were wanted of it.
    wanted: u64,
    last_offset: Option<u64>,
    /// That of the last packet that has a time.
    time: [u8; 16],
}

/// What a record says, for the time after its reader has gone on.
#[derive(Clone, Copy)]
struct RecordSays {
    time: Option<Timestamp>,
    cap_len: u32,
    orig_len: u32,
    interface: Option<u32>,
    len: u32,
    offset: u64,
}

/// Finds the records.
///
/// # Errors
/// If keys or bytes cannot be kept, or the work is cancelled. What is wrong with captures is in the result.
pub(crate) fn fetch(
    mut wanted: RowsToFind,
    snapshot: &Snapshot,
    terms: &Terms,
    order: PacketOrder,
    space: &Space,
    cancel: &Cancel,
) -> Result<FoundPackets> {
    let mut found = FoundPackets {
        keys: Aggregator::new(space),
        order,
        interfaces: SourceInterfaces::default(),
        kept: None,
        failed: HashSet::new(),
        missing: std::mem::take(&mut wanted.missing),
        pcap: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    let first_times: BTreeMap<usize, [u8; 16]> =
        wanted.first_times().map(|(input, micros)| (input, micros_key(micros))).collect();
    let mut current: Option<CurrentCapture<'_>> = None;
    let mut count = 0_u64;
    wanted.each(&mut |row| {
        count += 1;
        if count.is_multiple_of(STRIDE) {
            cancel.check()?;
        }
        if current.as_ref().is_none_or(|current| current.entry.id != row.input) {
            if let Some(done) = current.take() {
                found.end(done);
            }
            let entry = snapshot.inputs.get(&row.input).ok_or_else(|| bug!())?;
            let time = first_times.get(&row.input).copied().unwrap_or_default();
            let (name, opened) = (entry.input.name(), as_it_was(entry, terms));
            let revisit = opened.map(|(revisit, identity)| {
                found.files.insert(row.input, identity);
                revisit
            });
            current = Some(CurrentCapture { entry, name, revisit, wanted: 0, last_offset: None, time });
        }
        let current = current.as_mut().ok_or_else(|| bug!())?;
        // The same packet may be named by several rows.
        if current.last_offset.replace(row.offset) != Some(row.offset) {
            current.wanted += 1;
            found.find(current, row, terms, space, cancel)?;
        }
        Ok(())
    })?;
    if let Some(done) = current {
        found.end(done);
    }
    Ok(found)
}

impl FoundPackets {
    /// Finds one record.
    fn find(
        &mut self,
        current: &mut CurrentCapture<'_>,
        row: &WantedRow,
        terms: &Terms,
        space: &Space,
        cancel: &Cancel,
    ) -> Result<()> {
        let Ok(revisit) = &mut current.revisit else { return Ok(()) };
        let says = Cell::new(None);
        let agrees = |record: &PacketRecord<'_>| {
            let len = u32::try_from(record.data.len()).unwrap_or(u32::MAX);
            let &PacketRecord { time, cap_len, orig_len, offset, .. } = record;
            let interface = record.interface();
            says.set(Some(RecordSays { time, cap_len, orig_len, interface, len, offset }));
            row.facts.agrees(record, terms)
        };
        match revisit.find(row.offset, &agrees, &|| cancel.check()) {
            Ok(()) => {}
            Err(Missed::Stopped(stopped)) => return Err(stopped.into()),
            Err(missed) => {
                current.revisit = Err(why(missed));
                return Ok(());
            }
        }
        let reader = revisit.reader().ok_or_else(|| bug!())?;
        let says = says.get().ok_or_else(|| bug!())?;
        let frame = reader.frame_of_last().ok_or_else(|| bug!())?;
        if says.len > CaptureWriter::<io::Sink>::LONGEST {
            self.missing.add(&current.name, MissingWhy::TooLong, 1);
            current.wanted -= 1;
            return Ok(());
        }
        let is_kept = current.entry.input.compression != Compression::None;
        let at = if is_kept {
            let bytes = reader.raw().get(frame.data_at..frame.data_at + says.len as usize).ok_or_else(|| bug!())?;
            let kept = match &mut self.kept {
                Some(kept) => kept,
                none => none.insert(Spool::new(space.folder()).map_err(Error::io("write to", space.folder()))?),
            };
            kept.append(bytes).map_err(Error::io("write to", space.folder()))?
        } else {
            says.offset + frame.data_at as u64
        };
        let input = current.entry.id;
        let interface = reader.interface(says.interface);
        let needs = self.pcap.entry(input).or_default();
        needs.note(says.time, interface.as_deref(), says.cap_len > says.len);
        let interface = interface.map(|found| self.interfaces.place(input, &current.name, says.interface, found));
        if let Some(time) = says.time {
            current.time = time.sort_key();
        }
        let mut key = KeyWriter::default();
        match self.order {
            PacketOrder::Time => by_time(current.time, input, says.offset, &mut key)?,
            PacketOrder::Rows => drop(key.u64(row.sequence)),
        }
        let packet = FoundPacket {
            input,
            kind: frame.kind,
            interface,
            number: says.interface.unwrap_or(0),
            ticks: frame.ticks,
            cap_len: says.cap_len,
            orig_len: says.orig_len,
            at,
            len: says.len,
            is_kept,
        };
        packet.write(&mut key)?;
        self.keys.add(KEYS, &key.0, Sums::of(0, 1))
    }

    /// Ends a capture. If it is not what it was, none of its packets is believed.
    fn end(&mut self, current: CurrentCapture<'_>) {
        if let Err(why) = current.revisit {
            self.missing.add(&current.name, why, current.wanted);
            self.failed.insert(current.entry.id);
            self.pcap.remove(&current.entry.id);
        }
    }
}

/// Opens a capture, if it is as it was when it was converted. It may have grown, and its time of modification may be
/// another one: its fingerprint decides.
fn as_it_was(entry: &InputEntry, terms: &Terms) -> Result<(Revisit, FileIdentity), MissingWhy> {
    let input = &entry.input;
    if input.is_stdin() {
        return Err(MissingWhy::Stream);
    }
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => MissingWhy::Gone,
        _ => MissingWhy::Unreadable(format!("cannot be read: {error}")),
    };
    let CaptureFacts { size, modified, is_file, identity } = capture_facts(&input.absolute).map_err(unreadable)?;
    if !is_file || size < input.size {
        return Err(MissingWhy::Changed);
    }
    let mut input = Cow::Borrowed(input);
    let is_another = match &identity {
        FileIdentity::Version(version) if version.etag.is_some() => *version != input.object_version(),
        _ => modified != input.modified,
    };
    if size != input.size || is_another {
        if let FileIdentity::Version(version) = &identity {
            let now = input.to_mut();
            (now.etag, now.version) = (version.etag.clone(), version.version.clone());
        }
        let file = CaptureFile::open(&input.absolute, &input.object_version(), size).map_err(unreadable)?;
        if Some(fingerprint(&file, input.size).map_err(unreadable)?) != input.fingerprint {
            return Err(MissingWhy::Changed);
        }
    }
    let is_pcap = input.format.is_some_and(|format| format != Format::Pcapng);
    let is_one = is_pcap && !entry.from_rows && entry.found.odd.iter().all(|(name, _)| name != APPENDED);
    // What a record means is believed only if the row says enough of it to tell that it is wrong.
    let may_jump = is_one || terms.has_link_type && terms.has_interface;
    let salvage = !entry.found.gaps.is_empty();
    let revisit = Revisit::open(&input, may_jump, salvage, WINDOW);
    let revisit = revisit.map_err(|refusal| why(Missed::<Error>::Unreadable(refusal)))?;
    Ok((revisit, identity))
}

/// Why a record is not there.
fn why<E>(missed: Missed<E>) -> MissingWhy {
    match missed {
        Missed::Unreadable(Refusal::Missing) => MissingWhy::Gone,
        Missed::Unreadable(refusal @ (Refusal::Unreadable(_) | Refusal::Window { .. })) => {
            MissingWhy::Unreadable(refusal.to_string())
        }
        Missed::Damaged(damage) if damage.kind == DamageKind::Unreadable => MissingWhy::Unreadable(damage.to_string()),
        Missed::Differs | Missed::Unreadable(_) | Missed::Damaged(_) | Missed::Stopped(_) => MissingWhy::Changed,
    }
}
