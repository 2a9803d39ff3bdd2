//! Which name an address bears: of several sources, the first that knows one.

use crate::decode::IpAddress;

/// Where names come from, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Naming {
    sources: Vec<Source>,
}

/// One source of names.
#[derive(Debug)]
pub enum Source {
    /// The A and AAAA answers in the captures of the same date.
    Dns,
}

impl Naming {
    /// Asks these sources, first one first.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Self {
        Self { sources }
    }

    /// The name of an address; `given` is the one that DNS answers in the captures gave it.
    #[must_use]
    pub fn name<'a>(&'a self, _address: IpAddress, given: Option<&'a str>) -> Option<&'a str> {
        self.sources.iter().find_map(|source| match source {
            Source::Dns => given,
        })
    }
}
