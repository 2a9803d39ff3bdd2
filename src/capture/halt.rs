//! What a reader does where there is no next record: it goes on in another capture, resumes after a fault, or ends.

use crate::capture::salvage;

use super::appended::Begun;
use super::damage::{Damage, DamageKind, Gap};
use super::decompress::Excess;
use super::frame::Fault;
use super::position::Framing;
use super::reader::CaptureReader;
use super::salvage::Resumed;
use super::source::SourceError;

impl CaptureReader {
    /// Whether this is a stream that a signal has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.window.source().is_ended()
    }

    /// Whether the last record of that stream was incomplete.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// Goes on in another capture, whose file header is at the front of the buffer.
    #[cold]
    pub(super) fn begin(&mut self, begun: Begun) {
        self.appended += 1;
        if let Some(survey) = &mut self.survey {
            survey.appended(self.window.offset(), &begun);
        }
        self.position.framing = begun.framing;
        self.window.consume(begun.header);
        self.position.offset = self.window.offset();
    }

    /// Ends reading with the damage, unless something can be salvaged after it.
    #[cold]
    pub(super) fn fault(&mut self, mut fault: Fault) -> Result<(), Damage> {
        if fault.kind == DamageKind::ZeroGap && !self.glancing {
            self.measure_zeros(&mut fault);
        }
        if let Some(offset) = fault.offset {
            self.position.offset = offset;
        }
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
        if damage.offset < self.window.offset() && damage.kind != DamageKind::ZeroGap {
            // A stream cannot be read again: what was stepped over is lost and is part of the gap.
            self.window.go_back(damage.offset);
        }
        let known = salvage::RecordTimes::new(self.position.first_time, self.last_time);
        let resumed = salvage::find(&mut self.window, &mut self.position.framing, known, damage.kind);
        self.position.offset = self.window.offset();
        self.note_gap(&damage, resumed.is_some());
        match resumed {
            Some(Resumed::Records) => return Ok(()),
            Some(Resumed::Capture(begun)) => {
                self.begin(begun);
                return Ok(());
            }
            None => {}
        }
        self.position.ended = true;
        if let Some(failure) = self.window.take_failure() {
            // The search found nothing because the bytes ended in an error, which is reported too.
            return Err(self.damage_of_source(failure));
        }
        Err(damage)
    }

    /// Whether bytes are missing because a signal ended the stream. That is the end of the stream, not damage.
    fn ends_by_signal(&mut self, is_at_the_end: bool) -> bool {
        let ends = is_at_the_end && self.is_ended();
        self.cut_short |= ends;
        self.position.ended |= ends;
        ends
    }

    /// Handles bytes that ended in an error.
    #[cold]
    pub(super) fn bad_end(&mut self, failure: SourceError) -> Result<(), Damage> {
        if self.ends_by_signal(matches!(failure, SourceError::CompressedCut)) {
            return Ok(());
        }
        Err(self.damage_of_source(failure))
    }

    /// Counts the zeros, and finds out whether anything follows them. Leaves the last `KEPT` zeros in front of the first
    /// other byte: a record header may begin with them.
    fn measure_zeros(&mut self, fault: &mut Fault) {
        const KEPT: usize = 23;
        fault.offset = Some(self.window.offset());
        self.settle_content();
        self.window.skip(fault.found);
        let (zeros, at_end) = self.window.take_zeros(KEPT);
        fault.found = zeros;
        if at_end {
            fault.kind = DamageKind::ZeroTail;
        }
    }

    /// Ends reading. For a reader that salvages, the end is one of the gaps.
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

    pub(super) fn damage_of_source(&mut self, failure: SourceError) -> Damage {
        let held = self.window.bytes().len() as u64;
        let (fault, detail) = match failure {
            SourceError::Io(error) => (Fault::new(DamageKind::Unreadable, 0, held), Some(error.to_string())),
            SourceError::CompressedCut => (Fault::new(DamageKind::CompressedCut, 0, held), None),
            SourceError::CompressedCorrupt(problem) => {
                (Fault::new(DamageKind::CompressedCorrupt, 0, held), Some(problem))
            }
            SourceError::CompressedTrailing(trailing) => {
                (Fault::new(DamageKind::CompressedTrailing, 0, held), Some(trailing.to_string()))
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
}
