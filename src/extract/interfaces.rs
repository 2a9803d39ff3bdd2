//! The interfaces of an extraction: one for each interface that packets of a capture came from.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::capture::Interface;

/// An interface, and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct SourceInterface {
    /// The number of its capture.
    pub(super) input: usize,
    pub(super) interface: Interface,
    /// What is written beside it.
    pub(super) comment: String,
}

/// The interfaces that were met.
#[derive(Debug, Default)]
pub(super) struct SourceInterfaces {
    held: Vec<SourceInterface>,
    /// Their places by capture, number and a text of all that they are.
    places: HashMap<(usize, Option<u32>, String), usize>,
    /// The last one that was asked for, with its number.
    last: Option<(Option<u32>, usize)>,
}

impl SourceInterfaces {
    /// The place of an interface of a capture. `number` is its number in its section, in a pcapng.
    pub(super) fn place(&mut self, input: usize, name: &str, number: Option<u32>, found: Cow<'_, Interface>) -> usize {
        if let Some((_, place)) = self.last.filter(|(held, _)| *held == number)
            && self.get(place).is_some_and(|held| held.input == input && held.interface == *found)
        {
            return place;
        }
        let next = self.held.len();
        let place = *self.places.entry((input, number, format!("{found:?}"))).or_insert(next);
        if place == next {
            let comment = match (number, &found.name) {
                (Some(number), None) => format!("from {name}, interface {number}"),
                _ => format!("from {name}"),
            };
            self.held.push(SourceInterface { input, interface: found.into_owned(), comment });
        }
        self.last = Some((number, place));
        place
    }

    /// An interface by its place.
    pub(super) fn get(&self, place: usize) -> Option<&SourceInterface> {
        self.held.get(place)
    }
}
