//! Selects from a whole archive at once, as a plan has to: what it decides of one capture may depend on any other.
//!
//! In memory are only captures that may have to do with others: the lake has something under their path, or they begin as another one
//! does, here or in the lake. Each of the rest is new and like no other one, whatever becomes of those: it waits on disk.

use std::collections::HashSet;
use std::collections::vec_deque::VecDeque;

use crate::cancel::Cancel;
use crate::discover::Input;
use crate::error::Result;
use crate::lake::{Snapshot, content_key};
use crate::outcome::Report;
use crate::storage::{SpoolWriter, Spooled};

use super::backlog::{not_read, not_written};
use super::selection::{SelectOptions, Selection};
use super::survey::{ArchiveSurvey, FoundCapture};

/// Captures of which all are held in memory.
pub(crate) const HELD: usize = 16 << 10;

/// All captures of an archive that are to be converted, in their order.
pub(crate) struct ToConvert {
    /// Those that were opened, if some of them wait on disk.
    opened: Option<OpenedOnDisk>,
}

struct OpenedOnDisk {
    captures: Spooled<FoundCapture>,
    keys: ContentKeys,
}

/// By what the captures that were opened may be related to others.
#[derive(Default)]
struct ContentKeys {
    /// Of each capture, in their order, the keys of its beginning and of its fingerprint; 0 where it has none.
    of_captures: Vec<[i64; 2]>,
    /// Captures that the lake has something under the path of, by their places.
    own: HashSet<usize>,
    /// Beginnings of more than one, and what the lake has too.
    shared: HashSet<i64>,
}

impl ArchiveSurvey {
    /// Opens all files, and selects from all captures together. Of those to be converted, the selection has only some:
    /// [`ToConvert`] has all. `held` captures at most are not told apart.
    ///
    /// # Memory
    /// 16 bytes for each capture, and those that may have to do with others.
    /// # Errors
    /// As [`ArchiveSurvey::select`].
    pub(crate) fn select_all(
        &mut self,
        snapshot: &mut Snapshot,
        rules: &SelectOptions,
        (cancel, held): (&Cancel, usize),
        report: &mut Report,
    ) -> Result<(Selection, ToConvert)> {
        let begins = self.begin(snapshot)?;
        let mut kin = self.open_next(held, rules, Some(cancel), report)?;
        let mut opened = None;
        if self.backlog.files > 0 && !snapshot.may_have_bare_captures() {
            let on_disk = self.open_to_disk(std::mem::take(&mut kin), (rules, cancel), snapshot, report)?;
            kin = on_disk.kin()?;
            opened = Some(on_disk);
        } else {
            kin.append(&mut self.open_next(usize::MAX, rules, Some(cancel), report)?);
        }
        let selection = self.select_from(kin, begins, snapshot, (rules, Some(cancel)), report)?;
        Ok((selection, ToConvert { opened }))
    }

    fn open_to_disk(
        &mut self,
        mut some: Vec<FoundCapture>,
        (rules, cancel): (&SelectOptions, &Cancel),
        snapshot: &Snapshot,
        report: &mut Report,
    ) -> Result<OpenedOnDisk> {
        let (mut writer, mut keys) = (SpoolWriter::new().map_err(not_written())?, ContentKeys::default());
        loop {
            for opened in some {
                keys.add(&opened);
                writer.push(&opened).map_err(not_written())?;
            }
            some = self.open_next(HELD, rules, Some(cancel), report)?;
            if some.is_empty() {
                break;
            }
        }
        keys.compare(snapshot)?;
        Ok(OpenedOnDisk { captures: writer.finish().map_err(not_written())?, keys })
    }
}

impl OpenedOnDisk {
    /// Those that may have to do with others.
    fn kin(&self) -> Result<Vec<FoundCapture>> {
        let all = self.captures.items().enumerate();
        all.filter(|(place, _)| self.keys.is_kin(*place)).map(|(_, opened)| opened.map_err(not_read())).collect()
    }
}

impl ToConvert {
    /// Does something with each capture, in their order. `convert` are those of the selection, as far as they are still to be converted.
    ///
    /// # Errors
    /// If they cannot be read, or `take` fails.
    pub(crate) fn each(self, convert: Vec<Input>, mut take: impl FnMut(Input) -> Result<()>) -> Result<()> {
        let mut kin = VecDeque::from(convert);
        if let Some(OpenedOnDisk { captures, keys }) = &self.opened {
            for (place, opened) in captures.items().enumerate() {
                let (input, _) = opened.map_err(not_read())?;
                if !keys.is_kin(place) {
                    take(input)?;
                } else if kin.front().is_some_and(|next| next.absolute == input.absolute) {
                    kin.pop_front().map_or(Ok(()), &mut take)?;
                }
            }
        }
        // What was looked at again comes after all that was opened.
        kin.into_iter().try_for_each(take)
    }
}

impl ContentKeys {
    fn add(&mut self, (input, own): &FoundCapture) {
        if own.is_some() {
            self.own.insert(self.of_captures.len());
        }
        let keys = [&input.head, &input.fingerprint].map(|text| text.as_deref().map_or(0, content_key));
        // A capture without records is compared with none.
        self.of_captures.push(if input.head.is_some() { keys } else { [0, 0] });
    }

    /// Finds the keys that captures share with others.
    fn compare(&mut self, snapshot: &Snapshot) -> Result<()> {
        let mut heads: Vec<i64> = self.of_captures.iter().map(|[head, _]| *head).filter(|head| *head != 0).collect();
        heads.sort_unstable();
        let pairs = heads.windows(2).filter_map(|pair| pair.first().filter(|first| pair.last() == Some(first)));
        self.shared.extend(pairs);
        drop(heads);
        let mut all: Vec<i64> = self.of_captures.iter().flatten().copied().filter(|key| *key != 0).collect();
        all.sort_unstable();
        snapshot.each_content(|keys| {
            self.shared.extend(keys.into_iter().flatten().filter(|key| all.binary_search(key).is_ok()));
        })
    }

    /// Whether the capture at a place may have to do with others.
    fn is_kin(&self, place: usize) -> bool {
        let shares = |keys: &[i64; 2]| keys.iter().any(|key| self.shared.contains(key));
        self.own.contains(&place) || self.of_captures.get(place).is_some_and(shares)
    }
}
