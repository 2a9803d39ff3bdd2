//! Which name an address bears: of several sources, the first that knows one.

use crate::address::IpAddress;
use crate::names::{Hosts, PtrCache};

/// Where names come from, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Naming(Vec<NamingSource>);

/// One source of names.
#[derive(Debug)]
pub enum NamingSource {
    /// The A and AAAA answers in the captures of the same date.
    Dns,
    /// A hosts file.
    Hosts(Hosts),
    /// What reverse lookups have answered.
    Ptr(PtrCache),
}

impl Naming {
    /// Asks these sources, first one first.
    #[must_use]
    pub fn new(sources: Vec<NamingSource>) -> Self {
        Self(sources)
    }

    /// What reverse lookups have answered, if they are a source: for whoever asks for more.
    pub fn ptr(&mut self) -> Option<&mut PtrCache> {
        self.0.iter_mut().find_map(|source| match source {
            NamingSource::Ptr(cache) => Some(cache),
            _ => None,
        })
    }

    /// The name of an address, and which source says so; `given` is the one that DNS answers in the captures gave it.
    #[must_use]
    pub(super) fn name<'a>(&'a self, address: IpAddress, given: Option<&'a str>) -> Option<(&'a str, &'static str)> {
        self.0.iter().find_map(|source| Some((source.name(address, given)?, source.label())))
    }

    /// The labels of the sources, in their order.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(NamingSource::label)
    }

    /// Whether a reverse lookup of an address would be of use: no source before it knows a name.
    pub(super) fn would_ask(&self, address: IpAddress, given: Option<&str>) -> bool {
        for source in &self.0 {
            match source {
                NamingSource::Ptr(_) => return true,
                known if known.name(address, given).is_some() => return false,
                _ => {}
            }
        }
        false
    }
}

impl NamingSource {
    /// What the tables call it.
    fn label(&self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Hosts(_) => "hosts",
            Self::Ptr(_) => "ptr",
        }
    }

    fn name<'a>(&'a self, address: IpAddress, given: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Dns => given,
            Self::Hosts(hosts) => hosts.name(address),
            Self::Ptr(cache) => cache.name(address),
        }
    }
}
