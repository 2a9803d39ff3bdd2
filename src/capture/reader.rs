//! Reads a capture, or a chunk of one, record by record.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::capture::{pcap, pcapng};
use crate::discover::{Compression, Format, Input, Refusal};
use crate::storage::objects::ReadSoon;

use super::content_hashes::ContentHashes;
use super::damage::{Damage, Gaps};
use super::frame::{Frame, Halt};
use super::position::{Framing, Position};
use super::read_buffer::ReadBuffer;
use super::record::PacketRecord;
use super::source::Source;
use super::survey::Survey;
use super::time::Timestamp;

/// Reads the records whose first byte lies between where it starts and its limit.
///
/// ```
/// # use parcap::discover::Candidate;
/// # use parcap::capture::CaptureReader;
/// let input = Candidate::of("data/captures/vlan.pcap".as_ref(), true)?.probe()?;
/// let mut reader = CaptureReader::open(&input)?;
/// let mut records = 0;
/// while let Some(record) = reader.next()? {
///     assert!(record.data.len() <= record.orig_len as usize);
///     records += 1;
/// }
/// assert_eq!(reader.frames(), records);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct CaptureReader {
    pub(super) window: ReadBuffer,
    pub(super) position: Position,
    limit: u64,
    /// The record that was found and is handed out next.
    found: Option<Frame>,
    pub(super) frames: u64,
    /// Records of the capture before the place where the reader began.
    pub(super) frames_before: u64,
    /// The interface of the record that was handed out last.
    pub(super) interface: Option<u32>,
    /// The path of the capture, unless it is a stream.
    pub(super) name: Option<Box<str>>,
    /// Bytes of the record that was handed out last. The next call takes them off the buffer.
    pub(super) handed_out: usize,
    format: Format,
    compression: Compression,
    /// Time of the last record that has one, kept only where salvage may need it.
    pub(super) last_time: Option<Timestamp>,
    /// Notes on what is not a packet, if they are asked for.
    pub(super) survey: Option<Box<Survey>>,
    /// What was stepped over, if that is asked for.
    pub(super) salvaged: Option<Gaps>,
    /// Captures that began after the records of others.
    pub(super) appended: u64,
    /// Whether trailing zeros need no counting.
    pub(super) glancing: bool,
    /// Offset at which the hashed bytes begin, if a hash is asked for.
    pub(super) hashed_from: Option<u64>,
    /// Hashes of what was read before zeros that were counted.
    pub(super) settled: Option<ContentHashes>,
    /// Whether a signal ended the stream within a record.
    pub(super) cut_short: bool,
}

impl CaptureReader {
    pub(super) fn at(
        window: ReadBuffer,
        position: Position,
        limit: u64,
        (format, compression): (Format, Compression),
    ) -> Self {
        Self {
            window,
            position,
            limit,
            found: None,
            frames: 0,
            frames_before: 0,
            interface: None,
            name: None,
            handed_out: 0,
            format,
            compression,
            last_time: None,
            survey: None,
            salvaged: None,
            hashed_from: None,
            settled: None,
            appended: 0,
            glancing: false,
            cut_short: false,
        }
    }

    /// The same capture from `position` up to the first record that begins at `limit` or later. `None` if it is not a
    /// plain file: anything other than that can only be read from its beginning.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn resume(input: &Input, position: Position, limit: u64) -> Result<Option<Self>, Refusal> {
        let (source, compression) = Source::open(input)?;
        let (Some(source), Some(format)) = (source.at_offset(position.offset), input.format) else {
            return Ok(None);
        };
        let mut window = ReadBuffer::new(source, position.offset);
        window.source_mut().read_until(limit);
        Ok(Some(Self::at(window, position, limit, (format, compression)).named(input)))
    }

    /// The same capture, from a position on at which a buffer stands.
    pub(super) fn at_other(&self, window: ReadBuffer, position: Position, limit: u64, input: &Input) -> Self {
        Self::at(window, position, limit, (self.format, self.compression)).named(input)
    }

    /// Numbers its records from those before the place where it begins.
    #[must_use]
    pub fn after_frames(mut self, frames: u64) -> Self {
        self.frames_before = frames;
        self
    }

    /// Resumes after a fault, at the next credible run of records, if there is one; `capture/salvage` has the rule.
    /// `last` is the time of the last timed record before the reader's start.
    #[must_use]
    pub fn salvaging(mut self, salvage: bool, last: Option<Timestamp>) -> Self {
        self.salvaged = salvage.then(Gaps::default);
        self.last_time = last;
        self
    }

    /// For the first records only. The zeros after them are not counted, because they could be all of a large file.
    #[must_use]
    pub fn glancing(mut self) -> Self {
        self.glancing = true;
        self
    }

    /// Notes what the capture says besides its packets.
    #[must_use]
    pub fn surveying(mut self) -> Self {
        self.survey = Some(Box::default());
        self
    }

    /// What was noted, taken out of the reader; nothing unless it surveys.
    pub fn take_survey(&mut self) -> Survey {
        self.survey.as_mut().map(std::mem::take).map(|survey| *survey).unwrap_or_default()
    }

    /// Ends reading at the first record that begins at `limit` or later. A later call may move the limit on.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
        self.window.source_mut().read_until(limit);
    }

    /// Says where another reader of the capture will begin, after this one: bytes of an object are asked for in time.
    #[must_use]
    pub(crate) fn then(mut self, range: Range<u64>, soon: &Arc<Mutex<ReadSoon>>) -> Self {
        self.window.source_mut().then(range, soon);
        self
    }

    /// The next record, or `None` at the end of the file or at the limit.
    ///
    /// # Errors
    /// The damage at which reading stopped. From then on the answer is `None`.
    #[allow(clippy::should_implement_trait, reason = "the record borrows from the reader, which an iterator cannot")]
    #[inline(always)]
    pub fn next(&mut self) -> Result<Option<PacketRecord<'_>>, Damage> {
        let frame = match self.usual() {
            Some(frame) => frame,
            // By way of the reader: a result that may be either would be written down and read back for each record.
            None if self.find()? => match self.found.take() {
                Some(frame) => frame,
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        Ok(Some(self.hand_out(frame)))
    }

    /// The next record, if it is a usual one of a pcap and lies in the buffer.
    #[inline(always)]
    fn usual(&mut self) -> Option<Frame> {
        let Framing::Pcap(header) = self.position.framing else { return None };
        if self.position.ended {
            return None;
        }
        self.step();
        if self.position.offset < self.limit { pcap::usual(self.window.bytes(), header) } else { None }
    }

    /// Goes to the end of the record that was handed out last.
    #[inline(always)]
    fn step(&mut self) {
        self.window.consume(self.handed_out);
        self.handed_out = 0;
        self.position.offset = self.window.offset();
    }

    /// Finds the next record, of whatever kind. Returns whether there is one.
    #[inline(never)]
    fn find(&mut self) -> Result<bool, Damage> {
        loop {
            if self.position.ended {
                return Ok(false);
            }
            self.step();
            if self.position.offset >= self.limit {
                return Ok(false);
            }
            let result = match &mut self.position.framing {
                Framing::Empty => Ok(None),
                Framing::Pcap(header) => pcap::next(&mut self.window, *header),
                Framing::Pcapng(section) => {
                    let (limit, salvaging) = (self.limit, self.salvaged.is_some());
                    let survey = self.survey.as_deref_mut();
                    pcapng::next(&mut self.window, section, &mut pcapng::Reading { limit, salvaging, survey })
                }
            };
            self.position.offset = self.window.offset();
            match result {
                Ok(Some(frame)) => {
                    self.found = Some(frame);
                    return Ok(true);
                }
                Ok(None) => {
                    return match self.window.take_failure() {
                        None => Ok(false),
                        Some(failure) => self.bad_end(failure).map(|()| false),
                    };
                }
                Err(Halt::Fault(fault)) => self.fault(fault)?,
                Err(Halt::Begins(begun)) => self.begin(begun),
            }
        }
    }

    #[inline(always)]
    fn hand_out(&mut self, frame: Frame) -> PacketRecord<'_> {
        self.frames += 1;
        self.interface = frame.interface;
        self.handed_out = frame.total;
        if self.salvaged.is_some() {
            self.last_time = frame.time.or(self.last_time);
        }
        if let Some(survey) = &mut self.survey {
            survey.packet(frame.interface);
        }
        if self.position.first_time.is_none() {
            self.position.first_time = frame.time;
        }
        let data = self.window.bytes().get(frame.data);
        debug_assert!(data.is_some(), "a packet is framed when its bytes are there");
        PacketRecord {
            time: frame.time,
            orig_len: frame.orig_len,
            cap_len: frame.cap_len,
            link_type: frame.link_type,
            data: data.unwrap_or_default(),
            offset: self.position.offset,
            odd: frame.odd,
            reader: Some(self),
        }
    }

    /// Whether any bytes were stepped over.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.salvaged.as_ref().is_some_and(|gaps| !gaps.is_empty())
    }

    /// What was stepped over, taken out of the reader; empty unless it salvages.
    pub fn take_gaps(&mut self) -> Gaps {
        self.salvaged.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Where the reader stands: after the last record, once the next one has been asked for.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Offset of the first byte after the record that was handed out last.
    #[must_use]
    pub fn end_of_record(&self) -> u64 {
        self.position.offset + self.handed_out as u64
    }

    /// Records handed out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Captures that have begun after the records of others, so far.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// Bytes of the file that have been read, as they are in the file: compressed ones of a compressed capture. Up to a
    /// buffer more than the records need.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.window.source().bytes_read()
    }

    /// Fingerprint of a stream, of the bytes read so far. `None` for anything but a stream.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        self.window.source().fingerprint()
    }

    /// The format of the decompressed bytes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How the bytes are compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }
}
