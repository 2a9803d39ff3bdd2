//! What a capture says besides its packets, noted while it is read if it is asked for.

use std::collections::BTreeMap;

use pcap_file::pcapng::blocks::block_common::{
    CUSTOM_BLOCK_COPIABLE, CUSTOM_BLOCK_NON_COPIABLE, INTERFACE_STATISTIC_BLOCK, NAME_RESOLUTION_BLOCK,
};
use serde::Serialize;

use crate::discover::Format;

use super::appended::Begun;
use super::interface::options;
use super::pcapng::ByteOrder;
use super::position::{FileHeader, Framing, Interface};

/// Option codes (draft-ietf-opsawg-pcapng sections 3.5, 4.1 and 4.2).
const COMMENT: u16 = 1;
const HARDWARE: u16 = 2;
const NAME: u16 = 2;
const SYSTEM: u16 = 3;
const APPLICATION: u16 = 4;
const DESCRIPTION: u16 = 3;

/// Characters of a text that are kept.
const TEXT: usize = 256;

/// Sections and interfaces, the blocks of a pcapng that are no packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// The sections of a pcapng, the first ones up to [`Survey::KEPT`].
    pub sections: Vec<SectionSurvey>,
    /// How many sections there are.
    pub section_count: u64,
    /// The interfaces of a pcapng, the first ones up to [`Survey::KEPT`].
    pub interfaces: Vec<InterfaceSurvey>,
    /// How many interfaces there are.
    pub interface_count: u64,
    /// Captures that begin after the records of others, the first ones up to [`Survey::KEPT`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub appended: Vec<AppendedSurvey>,
    /// Blocks that are neither packets, interfaces nor sections, by kind.
    pub blocks: BTreeMap<&'static str, u64>,
    /// Interfaces that the current section has described so far.
    #[serde(skip)]
    described: u32,
}

/// Where a capture begins after the records of another, and what its file header says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppendedSurvey {
    /// Offset of its file header in the decompressed capture.
    pub offset: u64,
    /// Its format.
    pub format: Format,
    /// What the file header of a classic pcap says; the sections of a pcapng say it themselves.
    #[serde(flatten)]
    pub header: Option<FileHeader>,
}

/// What a Section Header Block says about its writer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SectionSurvey {
    /// The machine (`shb_hardware`).
    pub hardware: Option<String>,
    /// Its operating system (`shb_os`).
    pub system: Option<String>,
    /// The program (`shb_userappl`).
    pub application: Option<String>,
    /// The first comment.
    pub comment: Option<String>,
}

/// What an Interface Description Block says, and how much the interface was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceSurvey {
    /// Its section, from 0 on.
    pub section: u64,
    /// Its number in the section. `None` if bytes of the section before it were given up.
    pub number: Option<u32>,
    /// Its name (`if_name`).
    pub name: Option<String>,
    /// Its description (`if_description`).
    pub description: Option<String>,
    /// Link type, snapshot length, unit and offset of its times.
    #[serde(flatten)]
    pub interface: Interface,
    /// Its packets.
    pub packets: u64,
}

impl Survey {
    /// Sections and interfaces that are kept one by one; the others are counted.
    pub const KEPT: usize = 100;

    pub(super) fn appended(&mut self, offset: u64, begun: &Begun) {
        if self.appended.len() < Self::KEPT {
            let header = if let Framing::Pcap(header) = begun.framing { Some(header) } else { None };
            self.appended.push(AppendedSurvey { offset, format: begun.format, header });
        }
    }

    pub(super) fn section(&mut self, body: &[u8], order: ByteOrder) {
        self.section_count += 1;
        self.described = 0;
        if self.sections.len() < Self::KEPT {
            let text = |code| text(body.get(16..).unwrap_or_default(), order, code);
            self.sections.push(SectionSurvey {
                hardware: text(HARDWARE),
                system: text(SYSTEM),
                application: text(APPLICATION),
                comment: text(COMMENT),
            });
        }
    }

    pub(super) fn interface(&mut self, body: &[u8], order: ByteOrder, interface: &Interface, numbered: bool) {
        self.interface_count += 1;
        if self.interfaces.len() < Self::KEPT {
            let text = |code| text(body.get(8..).unwrap_or_default(), order, code);
            self.interfaces.push(InterfaceSurvey {
                section: self.section_count.saturating_sub(1),
                number: numbered.then_some(self.described),
                name: text(NAME),
                description: text(DESCRIPTION),
                interface: interface.clone(),
                packets: 0,
            });
        }
        self.described += 1;
    }

    pub(super) fn block(&mut self, kind: u32) {
        let name = match kind {
            NAME_RESOLUTION_BLOCK => "name_resolution",
            INTERFACE_STATISTIC_BLOCK => "interface_statistics",
            9 => "systemd_journal",
            10 => "decryption_secrets",
            CUSTOM_BLOCK_COPIABLE | CUSTOM_BLOCK_NON_COPIABLE => "custom",
            _ => "unknown",
        };
        *self.blocks.entry(name).or_default() += 1;
    }

    /// Counts a packet of an interface of the current section.
    pub(super) fn packet(&mut self, interface: Option<u32>) {
        let section = self.section_count.saturating_sub(1);
        // Interfaces of a section stand together, the current section's at the end.
        let of_section = self.interfaces.iter_mut().rev().take_while(|held| held.section == section);
        if let Some(held) = of_section.into_iter().find(|held| held.number.is_some() && held.number == interface) {
            held.packets += 1;
        }
    }
}

/// The text of the first option with this code. Bytes that are not UTF-8 show as U+FFFD.
fn text(bytes: &[u8], order: ByteOrder, code: u16) -> Option<String> {
    let value = options(bytes, order).find_map(|(held, value)| (held == code).then_some(value))?;
    Some(String::from_utf8_lossy(value).trim_end_matches('\0').chars().take(TEXT).collect())
}
