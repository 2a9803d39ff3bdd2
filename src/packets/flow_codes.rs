//! A text that follows from the flow of a packet, made once for each flow.

use arrow::array::{ArrayRef, AsArray as _};

use crate::capture::PacketRecord;
use crate::decode::{FlowKey, Packet, write_community_id};
use crate::error::Result;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::restore::unfit;
use super::text_table::{TextTable, Texts};

/// Flows as codes into a table of distinct ones, or texts that were read from a part.
#[derive(Debug)]
pub(super) struct FlowCodes {
    of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<FlowKey>,
    flows: CodeTable<FlowKey>,
    /// A text does not tell its flow. Rows are read either from captures, or from parts.
    restored: TextTable,
    /// One for each row; [`NO_CODE`] for null.
    pub(super) codes: Vec<u32>,
}

impl DictionaryValue for FlowKey {
    fn write_text(self, text: &mut Vec<u8>) {
        write_community_id(&self, text);
    }

    fn number(self) -> Option<i64> {
        None
    }

    fn place(self) -> usize {
        usize::from(self.ports[0] ^ self.ports[1])
    }
}

impl FlowCodes {
    pub(super) fn new(of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<FlowKey>) -> Self {
        Self { of, flows: CodeTable::default(), restored: TextTable::default(), codes: Vec::new() }
    }

    pub(super) fn append(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        self.codes.push(self.flows.code((self.of)(record, packet)));
    }

    pub(super) fn append_array(&mut self, name: &str, array: &ArrayRef) -> Result<()> {
        let texts = array.as_string_opt::<i32>().ok_or_else(|| unfit(name))?;
        let table = &mut self.restored;
        let mut code = |text: &str| table.code(|held| held.extend_from_slice(text.as_bytes()));
        self.codes.extend(texts.iter().map(|text| text.map_or(NO_CODE, &mut code)));
        Ok(())
    }

    /// The text of a row, if it has one.
    pub(super) fn of_row(&self, row: usize) -> Option<&[u8]> {
        self.texts().get(*self.codes.get(row)?)
    }

    /// Appends a row with a text, or without one.
    pub(super) fn append_text(&mut self, text: Option<&[u8]>) {
        let table = &mut self.restored;
        self.codes.push(text.map_or(NO_CODE, |text| table.code(|held| held.extend_from_slice(text))));
    }

    /// The texts of the codes.
    pub(super) fn texts(&self) -> Texts<'_> {
        if self.restored.distinct() > 0 { self.restored.texts() } else { self.flows.texts() }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.codes.as_slice()) + self.flows.bytes() + self.restored.bytes()
    }

    pub(super) fn kept(&self) -> usize {
        self.codes.capacity() * size_of::<u32>() + self.flows.kept() + self.restored.kept()
    }

    pub(super) fn clear(&mut self) {
        self.flows.clear();
        self.restored.clear();
        self.codes.clear();
    }
}
