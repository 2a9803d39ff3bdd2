//! What a picture of the traffic shows: bytes or packets, by protocol or by name.

use crate::report::{ABSENT_ADDRESS, ABSENT_IP, ABSENT_NAME, grid, scale};
use crate::summary::{NO_NAME, Track};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrafficUnit {
    Bytes,
    Packets,
}

/// What layers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrafficLayers {
    Protocols,
    /// Of either end.
    Names,
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrafficKind(pub(super) TrafficUnit, pub(super) TrafficLayers);

impl TrafficKind {
    /// `Bytes by protocol`.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self(TrafficUnit::Bytes, TrafficLayers::Protocols) => "Bytes by protocol",
            Self(TrafficUnit::Packets, TrafficLayers::Protocols) => "Packets by protocol",
            Self(TrafficUnit::Bytes, TrafficLayers::Names) => "Bytes by name and date",
            Self(TrafficUnit::Packets, TrafficLayers::Names) => "Packets by name and date",
        }
    }

    /// What layers are, as the subject of a sentence.
    pub(super) fn layers(self) -> &'static str {
        match self.1 {
            TrafficLayers::Protocols => "Layers are protocols",
            TrafficLayers::Names => "Layers are names",
        }
    }

    /// The noun of what is measured, at the beginning of a sentence, and in the script.
    pub(super) fn noun(self) -> &'static str {
        match self.0 {
            TrafficUnit::Bytes => "Bytes",
            TrafficUnit::Packets => "Packets",
        }
    }

    /// What a track has of it.
    pub(super) fn amounts(self, track: &Track) -> &Vec<i64> {
        match self.0 {
            TrafficUnit::Bytes => &track.bytes,
            TrafficUnit::Packets => &track.packets,
        }
    }

    /// The name of a layer, and whether it is a word of parcap.
    pub(super) fn layer(self, name: Option<&str>) -> (&str, bool) {
        match (self.1, name) {
            (TrafficLayers::Protocols, None) => (ABSENT_IP, true),
            (TrafficLayers::Names, None) => (ABSENT_ADDRESS, true),
            // Names end with a dot, so this is not a name.
            (TrafficLayers::Names, Some(NO_NAME)) => (ABSENT_NAME, true),
            (_, Some(name)) => (name, false),
        }
    }

    /// The most characters of the name of a layer in the picture.
    pub(super) fn characters(self) -> usize {
        match self.1 {
            TrafficLayers::Protocols => 12,
            TrafficLayers::Names => 24,
        }
    }

    /// The width of the key of a layer in the picture by itself.
    pub(super) fn key_width(self) -> usize {
        match self.1 {
            TrafficLayers::Protocols => 130,
            TrafficLayers::Names => 230,
        }
    }

    /// An amount, short.
    pub(super) fn amount(self, number: i64) -> String {
        match self.0 {
            TrafficUnit::Bytes => scale::bytes(number),
            TrafficUnit::Packets => self.exact(number),
        }
    }

    /// An amount with all its digits.
    pub(super) fn exact(self, number: i64) -> String {
        match self.0 {
            TrafficUnit::Bytes => grid::exact(number),
            TrafficUnit::Packets => scale::count(number, "packet", "packets"),
        }
    }

    /// A rate.
    pub(super) fn rate(self, a_second: f64) -> String {
        match self.0 {
            TrafficUnit::Bytes => scale::rate(a_second),
            TrafficUnit::Packets => scale::rate_of_packets(a_second),
        }
    }

    /// A round mark of an axis of rates.
    pub(super) fn mark(self, a_second: f64) -> String {
        match self.0 {
            TrafficUnit::Bytes => scale::mark(a_second),
            TrafficUnit::Packets => scale::mark_of_packets(a_second),
        }
    }
}
