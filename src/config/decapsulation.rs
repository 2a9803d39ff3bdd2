//! Which tunnels are looked into, and by which ports they are known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of tunnel: what its headers are, and how it is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// RFC 7348, and its Generic Protocol Extension.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// RFC 2784, RFC 2890, RFC 1701, RFC 2637 (PPTP), RFC 7637 (NVGRE).
    Gre,
    /// Cisco's mirrored frames in GRE, types I, II and III.
    Erspan,
    /// User data of mobile networks, 3GPP TS 29.281.
    Gtpu,
    /// IPv4 or IPv6 directly in IPv4 or IPv6: RFC 2003, RFC 4213, RFC 2473.
    Ipip,
    /// RFC 2661 and RFC 3931, over UDP and over IP.
    L2tp,
    /// Mirrored frames of wireless sensors and of MikroTik's routers.
    Tzsp,
    /// RFC 7510.
    MplsUdp,
    /// RFC 4380.
    Teredo,
}

impl TunnelKind {
    /// All kinds, in the order of their documentation.
    pub const ALL: [Self; 10] = [
        Self::Vxlan,
        Self::Geneve,
        Self::Gre,
        Self::Erspan,
        Self::Gtpu,
        Self::Ipip,
        Self::L2tp,
        Self::Tzsp,
        Self::MplsUdp,
        Self::Teredo,
    ];

    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Gtpu => "gtpu",
            Self::Ipip => "ipip",
            Self::L2tp => "l2tp",
            Self::Tzsp => "tzsp",
            Self::MplsUdp => "mplsudp",
            Self::Teredo => "teredo",
        }
    }

    /// Its name in capitals, as the `tunnel` column has it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Vxlan => "VXLAN",
            Self::Geneve => "GENEVE",
            Self::Gre => "GRE",
            Self::Erspan => "ERSPAN",
            Self::Gtpu => "GTPU",
            Self::Ipip => "IPIP",
            Self::L2tp => "L2TP",
            Self::Tzsp => "TZSP",
            Self::MplsUdp => "MPLSUDP",
            Self::Teredo => "TEREDO",
        }
    }

    /// Whether it is recognised by a UDP port.
    #[must_use]
    pub fn is_over_udp(self) -> bool {
        !matches!(self, Self::Gre | Self::Erspan | Self::Ipip)
    }

    /// The kinds with these names, with commas between.
    fn list(kinds: impl Iterator<Item = Self>) -> String {
        kinds.map(Self::name).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for TunnelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of tunnel; there are {}", Self::list(Self::ALL.into_iter())))
    }
}

/// The kinds of tunnels that are looked into, and further UDP ports by which they are known. By default none is.
///
/// ```
/// # use parcap::config::{Decapsulation, TunnelKind};
/// let tunnels: Decapsulation = "geneve,vxlan".parse().unwrap();
/// assert!(tunnels.has(TunnelKind::Vxlan) && !tunnels.has(TunnelKind::Gre));
/// let tunnels = tunnels.with_port(TunnelKind::Vxlan, 14789).unwrap();
/// assert_eq!(tunnels.to_string(), "vxlan,geneve,vxlan=14789");
/// assert_eq!("all".parse(), Ok(Decapsulation::all()));
/// assert!(Decapsulation::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Decapsulation {
    /// A bit for each kind, by its place in [`TunnelKind::ALL`].
    kinds: u16,
    /// Sorted, each port once.
    ports: Vec<(TunnelKind, u16)>,
}

impl Decapsulation {
    /// All kinds, at their own ports.
    #[must_use]
    pub fn all() -> Self {
        TunnelKind::ALL.into_iter().fold(Self::default(), Self::with)
    }

    /// This kind too.
    #[must_use]
    pub fn with(self, kind: TunnelKind) -> Self {
        Self { kinds: self.kinds | bit(kind), ..self }
    }

    /// A further port of a kind that is looked into. It takes the port from a kind that has it by itself.
    ///
    /// # Errors
    /// If the kind is not looked into, or has no ports, or if the port was given to another kind.
    pub fn with_port(mut self, kind: TunnelKind, port: u16) -> Result<Self, String> {
        let name = kind.name();
        if !kind.is_over_udp() {
            let with_ports = TunnelKind::list(TunnelKind::ALL.into_iter().filter(|kind| kind.is_over_udp()));
            return Err(format!("`{name}` has no ports; {with_ports} have"));
        }
        if !self.has(kind) {
            return Err(format!("`{name}` is not looked into, so it needs no port"));
        }
        if self.ports.iter().any(|&(other, held)| held == port && other != kind) {
            return Err(format!("port {port} is given to two kinds of tunnels"));
        }
        self.ports.push((kind, port));
        self.ports.sort_unstable();
        self.ports.dedup();
        Ok(self)
    }

    /// Whether no tunnel is looked into.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds == 0
    }

    /// Whether this kind is looked into.
    #[must_use]
    #[inline]
    pub fn has(&self, kind: TunnelKind) -> bool {
        self.kinds & bit(kind) != 0
    }

    /// The kinds, in their order.
    pub fn kinds(&self) -> impl Iterator<Item = TunnelKind> {
        TunnelKind::ALL.into_iter().filter(|kind| self.has(*kind))
    }

    /// The further ports, with their kinds.
    #[must_use]
    pub fn ports(&self) -> &[(TunnelKind, u16)] {
        &self.ports
    }
}

fn bit(kind: TunnelKind) -> u16 {
    1 << kind as u16
}

impl FromStr for Decapsulation {
    type Err = String;

    /// `all`, or kinds with commas between.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::all());
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse).try_fold(Self::default(), |tunnels, kind| Ok(tunnels.with(kind?)))
    }
}

/// As it is kept: the names of the kinds, then `kind=port`. `all` stands for all names.
impl TryFrom<Vec<String>> for Decapsulation {
    type Error = String;

    fn try_from(kept: Vec<String>) -> Result<Self, String> {
        kept.iter().try_fold(Self::default(), |tunnels, text| match text.split_once('=') {
            None if text == "all" => Ok(TunnelKind::ALL.into_iter().fold(tunnels, Self::with)),
            None => Ok(tunnels.with(text.parse()?)),
            Some((kind, port)) => {
                let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
                tunnels.with_port(kind.parse()?, port)
            }
        })
    }
}

impl From<Decapsulation> for Vec<String> {
    fn from(tunnels: Decapsulation) -> Self {
        let kinds = tunnels.kinds().map(|kind| kind.name().to_owned());
        let ports = tunnels.ports.iter().map(|(kind, port)| format!("{}={port}", kind.name()));
        kinds.chain(ports).collect()
    }
}

impl fmt::Display for Decapsulation {
    /// What is kept, with commas between; empty if no tunnel is looked into.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Vec::from(self.clone()).join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back() {
        let all = Decapsulation::all();
        let ports =
            all.clone().with_port(TunnelKind::Gtpu, 12152).unwrap().with_port(TunnelKind::Vxlan, 14789).unwrap();
        for tunnels in [Decapsulation::default(), "gre,erspan".parse().unwrap(), all, ports] {
            let kept = Vec::from(tunnels.clone());
            assert_eq!(Decapsulation::try_from(kept), Ok(tunnels));
        }
    }

    #[test]
    fn ports_are_for_kinds_over_udp_that_are_looked_into() {
        let some: Decapsulation = "vxlan,gre,geneve".parse().unwrap();
        assert!(some.clone().with_port(TunnelKind::Gre, 47).is_err());
        assert!(some.clone().with_port(TunnelKind::Tzsp, 37008).is_err());
        let some = some.with_port(TunnelKind::Vxlan, 1).unwrap().with_port(TunnelKind::Vxlan, 1).unwrap();
        assert_eq!(some.ports(), [(TunnelKind::Vxlan, 1)]);
        assert!(some.with_port(TunnelKind::Geneve, 1).is_err());
        assert!("vxlan,smoke".parse::<Decapsulation>().is_err());
    }

    #[test]
    fn names_are_labels_in_small_letters_and_each_kind_has_its_place() {
        for (place, kind) in TunnelKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.label().to_ascii_lowercase(), kind.name());
            assert_eq!(kind as usize, place);
        }
    }
}
