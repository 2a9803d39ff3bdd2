//! Reads a capture, or a chunk of one, record by record.

use crate::discover::{Compression, Excess, Format, Input, MAGIC_LEN, Refusal, Source, SourceError, describe, format};

use super::damage::{Damage, DamageKind, Gap, Gaps};
use super::frame::{Fault, Frame};
use super::pcap;
use super::pcapng;
use super::position::{Framing, Position, Section};
use super::record::PacketRecord;
use super::salvage;
use super::survey::Survey;
use super::time::Timestamp;
use super::window::Window;

/// Reads the records whose first byte lies between where it starts and its limit.
///
/// ```
/// # use parcap::discover::Candidate;
/// # use parcap::read::CaptureReader;
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
    window: Window,
    position: Position,
    limit: u64,
    frames: u64,
    /// Bytes of the record that was handed out last, which the next call takes off the window.
    handed_out: usize,
    format: Format,
    compression: Compression,
    /// Time of the last record that has one, kept where salvage may need it.
    last_time: Option<Timestamp>,
    /// What is said besides packets, if that is asked for.
    survey: Option<Box<Survey>>,
    /// What was stepped over, if that is asked for.
    salvaged: Option<Gaps>,
    /// Whether a signal ended its stream within a record.
    cut_short: bool,
}

impl CaptureReader {
    /// Opens a capture at its beginning.
    ///
    /// # Errors
    /// If it cannot be opened, or its first bytes are not those of a capture.
    pub fn open(input: &Input) -> Result<Self, Refusal> {
        let (source, compression) = Source::open(input)?;
        Self::from_source(source, compression)
    }

    /// The same, with a decompressor that takes up to `window` bytes of memory, if there has to be one.
    ///
    /// # Errors
    /// As [`CaptureReader::open`], and if the first bytes need more memory than that.
    pub fn open_within(input: &Input, window: u64) -> Result<Self, Refusal> {
        let (source, compression) = Source::open_within(input, window)?;
        Self::from_source(source, compression)
    }

    /// Reads a capture from bytes that somebody else provides.
    ///
    /// # Errors
    /// If its first bytes are not those of a capture.
    pub fn from_source(source: Source, compression: Compression) -> Result<Self, Refusal> {
        let mut window = Window::new(source, 0);
        let head = window.fill(MAGIC_LEN).to_vec();
        if head.is_empty() {
            match window.take_failure() {
                Some(SourceError::Io(error)) => return Err(Refusal::Unreadable(error)),
                // Nothing has come yet when a signal ended it.
                Some(SourceError::CompressedCut) if window.source().is_ended() => {}
                Some(SourceError::CompressedCut) => {
                    return Err(Refusal::Packing { compression, problem: "it ends before its first byte".to_owned() });
                }
                Some(SourceError::CompressedCorrupt(problem)) => {
                    return Err(Refusal::Packing { compression, problem });
                }
                Some(SourceError::CompressedExcess(excess)) => {
                    return Err(Refusal::Packing { compression, problem: excess.to_string() });
                }
                None => {}
            }
        }
        let head = head.get(..MAGIC_LEN.min(head.len())).unwrap_or_default();
        let format = format(head).ok_or_else(|| Refusal::NotACapture { found: describe(head) })?;
        let framing = match format {
            Format::Empty => Framing::Empty,
            Format::Pcapng => Framing::Pcapng(first_section(&mut window)?),
            _ => Framing::Pcap(pcap::file_header(&mut window, format)?),
        };
        let position = Position { offset: window.offset(), framing, first_time: None, ended: false };
        Ok(Self::at(window, position, u64::MAX, (format, compression)))
    }

    fn at(window: Window, position: Position, limit: u64, (format, compression): (Format, Compression)) -> Self {
        Self {
            window,
            position,
            limit,
            frames: 0,
            handed_out: 0,
            format,
            compression,
            last_time: None,
            survey: None,
            salvaged: None,
            cut_short: false,
        }
    }

    /// The same capture from `position` up to the first record that begins at `limit` or later. `None` if it is not a
    /// plain file, which can only be read from its beginning.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn resume(input: &Input, position: Position, limit: u64) -> Result<Option<Self>, Refusal> {
        let (source, compression) = Source::open(input)?;
        let (Some(source), Some(format)) = (source.at_offset(position.offset), input.format) else {
            return Ok(None);
        };
        let window = Window::new(source, position.offset);
        Ok(Some(Self::at(window, position, limit, (format, compression))))
    }

    /// Goes on behind a fault, at the next credible run of records, where there is one; `read/salvage` has the rule.
    /// `last` is the time of the last timed record before where the reader begins.
    #[must_use]
    pub fn salvaging(mut self, salvage: bool, last: Option<Timestamp>) -> Self {
        self.salvaged = salvage.then(Gaps::default);
        self.last_time = last;
        self
    }

    /// Notes what the capture says besides its packets.
    #[must_use]
    pub fn surveying(mut self) -> Self {
        self.survey = Some(Box::default());
        self
    }

    /// What was noted, taken out of the reader.
    pub fn take_survey(&mut self) -> Survey {
        self.survey.as_mut().map(std::mem::take).map(|survey| *survey).unwrap_or_default()
    }

    /// Ends reading at the first record that begins at `limit` or later; a later call may move it on.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The next record, or `None` at the end of the file or at the limit.
    ///
    /// # Errors
    /// The damage at which reading stopped. From then on the answer is `None`.
    #[expect(clippy::should_implement_trait, reason = "the record borrows from the reader, which an iterator cannot")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<PacketRecord<'_>>, Damage> {
        loop {
            if self.position.ended {
                return Ok(None);
            }
            self.window.consume(self.handed_out);
            self.handed_out = 0;
            self.position.offset = self.window.offset();
            if self.position.offset >= self.limit {
                return Ok(None);
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
                Ok(Some(frame)) => return Ok(Some(self.hand_out(frame))),
                Ok(None) => {
                    return match self.window.take_failure() {
                        None => Ok(None),
                        Some(failure) => self.bad_end(failure).map(|()| None),
                    };
                }
                Err(fault) => self.fault(fault)?,
            }
        }
    }

    #[inline]
    fn hand_out(&mut self, frame: Frame) -> PacketRecord<'_> {
        self.frames += 1;
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
        PacketRecord {
            time: frame.time,
            orig_len: frame.orig_len,
            cap_len: frame.cap_len,
            link_type: frame.link_type,
            data: self.window.bytes().get(frame.data).unwrap_or_default(),
            offset: self.position.offset,
            odd: frame.odd,
        }
    }

    /// Ends reading with the damage, unless there is something to salvage behind it.
    #[cold]
    fn fault(&mut self, fault: Fault) -> Result<(), Damage> {
        if let Some(failure) = self.window.take_failure() {
            return self.bad_end(failure);
        }
        let damage = self.damage(fault);
        if self.ends_by_signal(damage.is_at_the_end()) {
            return Ok(());
        }
        if self.salvaged.is_none() || !damage.kind.leaves_bytes() {
            return Err(self.end_with(damage));
        }
        if let (DamageKind::SectionHeader, Framing::Pcapng(section)) = (damage.kind, &mut self.position.framing) {
            // What follows belongs to a section of which nothing is known.
            section.interfaces = std::sync::Arc::default();
        }
        if damage.offset < self.window.offset() {
            // A stream has lost what was stepped over; it is part of the gap.
            self.window.go_back(damage.offset);
        }
        let known = salvage::Times::new(self.position.first_time, self.last_time);
        let resumed = salvage::find(&mut self.window, &mut self.position.framing, known);
        self.position.offset = self.window.offset();
        self.note_gap(&damage, resumed);
        if resumed {
            return Ok(());
        }
        self.position.ended = true;
        if let Some(failure) = self.window.take_failure() {
            // Nothing was found because the bytes came to a bad end, which is to be told too.
            return Err(self.damage_of_source(failure));
        }
        Err(damage)
    }

    /// Whether bytes are missing because a signal has ended the stream: that is its end then, and no damage.
    fn ends_by_signal(&mut self, is_at_the_end: bool) -> bool {
        let ends = is_at_the_end && self.is_ended();
        self.cut_short |= ends;
        self.position.ended |= ends;
        ends
    }

    /// The bytes have come to a bad end.
    #[cold]
    fn bad_end(&mut self, failure: SourceError) -> Result<(), Damage> {
        if self.ends_by_signal(matches!(failure, SourceError::CompressedCut)) {
            return Ok(());
        }
        Err(self.damage_of_source(failure))
    }

    /// Ends reading; of a reader that salvages, the end is one of the gaps.
    fn end_with(&mut self, damage: Damage) -> Damage {
        self.position.ended = true;
        self.position.offset = damage.offset;
        if self.salvaged.is_some() {
            self.window.consume(usize::MAX);
            self.position.offset = self.window.offset().max(damage.offset);
        }
        self.note_gap(&damage, false);
        damage
    }

    fn note_gap(&mut self, damage: &Damage, resumed: bool) {
        let bytes = self.position.offset.saturating_sub(damage.offset);
        if let Some(gaps) = &mut self.salvaged {
            gaps.add(Gap { damage: damage.clone(), resumed_at: resumed.then_some(self.position.offset), bytes });
        }
    }

    fn damage(&self, fault: Fault) -> Damage {
        Damage {
            kind: fault.kind,
            frame: self.frames + 1,
            offset: fault.offset.unwrap_or(self.position.offset),
            announced: fault.announced,
            found: fault.found,
            detail: fault.detail,
        }
    }

    fn damage_of_source(&mut self, failure: SourceError) -> Damage {
        let held = self.window.bytes().len() as u64;
        let (fault, detail) = match failure {
            SourceError::Io(error) => (Fault::new(DamageKind::Unreadable, 0, held), Some(error.to_string())),
            SourceError::CompressedCut => (Fault::new(DamageKind::CompressedCut, 0, held), None),
            SourceError::CompressedCorrupt(problem) => {
                (Fault::new(DamageKind::CompressedCorrupt, 0, held), Some(problem))
            }
            SourceError::CompressedExcess(Excess::Ratio { packed, unpacked }) => {
                (Fault::new(DamageKind::CompressedRatio, packed, unpacked), None)
            }
            SourceError::CompressedExcess(Excess::Window { allowed }) => {
                (Fault::new(DamageKind::CompressedWindow, 0, allowed), None)
            }
        };
        let damage = self.damage(Fault { detail, ..fault });
        self.end_with(damage)
    }

    /// Whether anything was stepped over.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.salvaged.as_ref().is_some_and(|gaps| !gaps.is_empty())
    }

    /// What was stepped over, taken out of the reader; empty unless it salvages.
    pub fn take_gaps(&mut self) -> Gaps {
        self.salvaged.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Where the reader stands: behind the last record once it has been asked for the next.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Records handed out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of the file that have been read, packed if it is packed; up to a buffer more than the records need.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.window.source().bytes_read()
    }

    /// Whether this is a stream that a signal has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.window.source().is_ended()
    }

    /// Whether its last record had not come whole by then.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// What a stream is known by, as far as it has been read; `None` for anything else.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        self.window.source().fingerprint()
    }

    /// The format of the unpacked bytes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How the bytes are packed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }
}

/// The first section header is checked before the capture is accepted, and read again by the framing.
fn first_section(window: &mut Window) -> Result<Section, Refusal> {
    const NEEDED: usize = 28;
    let held = window.fill(NEEDED);
    let Some((head, _)) = held.split_first_chunk::<NEEDED>() else {
        return Err(Refusal::HeaderCut { needed: NEEDED as u64, found: held.len() as u64 });
    };
    let [_, _, _, _, _, _, _, _, m0, m1, m2, m3, v0, v1, v2, v3, ..] = *head;
    let unreadable = |fault: Fault| Refusal::NotACapture {
        found: format!("a pcapng section header that cannot be read: {}", fault.detail.unwrap_or_default()),
    };
    let big_endian = pcapng::section_order([m0, m1, m2, m3]).map_err(unreadable)?;
    let order = pcapng::Order { big_endian };
    let (major, minor) = (order.u16([v0, v1]), order.u16([v2, v3]));
    if !pcapng::is_version(major, minor) {
        return Err(Refusal::Version { major, minor });
    }
    Ok(Section { big_endian, interfaces: std::sync::Arc::default(), gapped: false })
}
