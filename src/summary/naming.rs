//! The name of an address: from the first of several sources that knows one.

use crate::address::IpAddress;
use crate::names::{Hosts, PtrCache};

/// The sources of names, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Naming(Vec<NamingSource>);

/// The names that the captures of a date give to an address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GivenNames<'a> {
    /// From DNS answers.
    pub(super) dns: Option<&'a str>,
    /// From ClientHellos.
    pub(super) sni: Option<&'a str>,
}

/// One source of names.
#[derive(Debug)]
pub enum NamingSource {
    /// The A and AAAA answers in the captures of the same date.
    Dns,
    /// The server names in ClientHellos to the address in the captures of the same date.
    Sni,
    /// A hosts file.
    Hosts(Hosts),
    /// The answers of reverse lookups.
    Ptr(PtrCache),
}

impl Naming {
    /// Asks these sources, in this order.
    #[must_use]
    pub fn new(sources: Vec<NamingSource>) -> Self {
        Self(sources)
    }

    /// The answers of reverse lookups, if they are a source, so that more can be asked for.
    pub fn ptr(&mut self) -> Option<&mut PtrCache> {
        self.0.iter_mut().find_map(|source| match source {
            NamingSource::Ptr(cache) => Some(cache),
            _ => None,
        })
    }

    /// What to tell the user about the sources.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let notes = self.0.iter().filter_map(|source| match source {
            NamingSource::Dns | NamingSource::Sni => None,
            NamingSource::Hosts(hosts) => hosts.note(),
            NamingSource::Ptr(cache) => cache.note(),
        });
        notes.map(str::to_owned)
    }

    /// The name of an address, and the source of the name. `given` is what the captures say.
    #[must_use]
    pub(super) fn name<'a>(&'a self, address: IpAddress, given: GivenNames<'a>) -> Option<(&'a str, &'static str)> {
        self.0.iter().find_map(|source| Some((source.name(address, given)?, source.label())))
    }

    /// The labels of the sources, in their order.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(NamingSource::label)
    }

    /// Whether a reverse lookup of an address could help: no source before it knows a name.
    pub(super) fn would_ask(&self, address: IpAddress, given: GivenNames<'_>) -> bool {
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
    /// The name of the source in the tables.
    fn label(&self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Sni => "sni",
            Self::Hosts(_) => "hosts",
            Self::Ptr(_) => "ptr",
        }
    }

    fn name<'a>(&'a self, address: IpAddress, given: GivenNames<'a>) -> Option<&'a str> {
        match self {
            Self::Dns => given.dns,
            Self::Sni => given.sni,
            Self::Hosts(hosts) => hosts.name(address),
            Self::Ptr(cache) => cache.name(address),
        }
    }
}
