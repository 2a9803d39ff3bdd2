//! Which flows each page of a row group has, and how many rows of each: what is asked of a page's values is asked of its flows.

use parquet::errors::ParquetError;

use crate::packets::encode::PAGE_ROWS;

use super::super::code_table::NO_CODE;
use super::column_codes;

/// A flow in a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowRows {
    /// Its code.
    pub(super) flow: u32,
    /// How many rows of the page are of it.
    pub(super) rows: u32,
}

/// The flows of pages, of each in the order of their first rows there.
#[derive(Debug, Default)]
pub(super) struct FlowPages {
    flows: Vec<FlowRows>,
    /// Where those of each page end.
    ends: Vec<usize>,
    /// Of each flow, the last page that has it, from 1 on, and its place among the flows of all pages.
    last: Vec<[u32; 2]>,
}

/// The rows that have a value in a column of flows. Columns that have one in the same flows share them.
#[derive(Debug, Default)]
pub(super) struct PresentRows {
    /// Of each flow, whether it has one.
    flows: Vec<bool>,
    pages: Vec<PresentPage>,
}

/// Of one page.
#[derive(Debug, Default)]
pub(super) struct PresentPage {
    /// How many rows have none.
    pub(super) nulls: usize,
    /// The flows of the rows that have one, where not all rows do.
    some: Vec<u32>,
    /// The definition levels, as in the page.
    pub(super) levels: Vec<u8>,
}

impl FlowPages {
    /// Counts the rows of pages. `rows` are the codes of the rows' flows, all below `distinct`: returns whether that is so.
    pub(super) fn count(&mut self, rows: &[u32], distinct: usize) -> bool {
        self.flows.clear();
        self.ends.clear();
        self.last.clear();
        self.last.resize(distinct, [0; 2]);
        let mut are_flows = true;
        for (page, rows) in (1..).zip(rows.chunks(PAGE_ROWS)) {
            for flow in rows {
                let Some([last, place]) = self.last.get_mut(*flow as usize) else {
                    are_flows = false;
                    continue;
                };
                if *last == page {
                    self.flows.get_mut(*place as usize).into_iter().for_each(|flow| flow.rows += 1);
                } else {
                    // A row group has far fewer than 2^32 rows.
                    [*last, *place] = [page, u32::try_from(self.flows.len()).unwrap_or(u32::MAX)];
                    self.flows.push(FlowRows { flow: *flow, rows: 1 });
                }
            }
            self.ends.push(self.flows.len());
        }
        are_flows
    }

    /// The flows of each page.
    pub(super) fn pages(&self) -> impl Iterator<Item = &[FlowRows]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.flows.get(start..*end).unwrap_or_default())
    }
}

impl PresentRows {
    /// Whether these keys of flows have a value in the same flows.
    pub(super) fn is_of(&self, keys: &[u32]) -> bool {
        self.flows.len() == keys.len() && self.flows.iter().zip(keys).all(|(has, key)| *has == (*key != NO_CODE))
    }

    /// The rows that have one of these keys of flows; [`NO_CODE`] for null.
    pub(super) fn find(
        keys: &[u32],
        rows: &[u32],
        pages: &FlowPages,
        bits: &mut Vec<u8>,
    ) -> Result<Self, ParquetError> {
        let flows: Vec<bool> = keys.iter().map(|key| *key != NO_CODE).collect();
        let has = |flow: u32| flows.get(flow as usize).copied().unwrap_or_default();
        let page = |(rows, of_page): (&[u32], &[FlowRows])| {
            let without = of_page.iter().filter(|flow| !has(flow.flow)).map(|flow| flow.rows as usize);
            let nulls = without.sum();
            let mut page = PresentPage { nulls, ..PresentPage::default() };
            let fill = |bits: &mut Vec<u8>| column_codes::bits_of(rows, has, bits);
            column_codes::levels(rows.len(), nulls, bits, &mut page.levels, fill)?;
            if nulls > 0 {
                page.some = only(rows, has);
            }
            Ok(page)
        };
        let pages = rows.chunks(PAGE_ROWS).zip(pages.pages()).map(page).collect::<Result<_, ParquetError>>()?;
        Ok(Self { flows, pages })
    }

    /// The pages, in order.
    pub(super) fn pages(&self) -> &[PresentPage] {
        &self.pages
    }
}

/// The flows that have a value, in their order. Without a branch for each: which ones have is no pattern.
fn only(rows: &[u32], has: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut some = vec![0; rows.len()];
    let mut kept = 0;
    for flow in rows {
        some.get_mut(kept).into_iter().for_each(|place| *place = *flow);
        kept += usize::from(has(*flow));
    }
    some.truncate(kept);
    some
}

impl PresentPage {
    /// The flows of the rows that have a value, of all `rows` of the page.
    pub(super) fn rows<'r>(&'r self, rows: &'r [u32]) -> &'r [u32] {
        if self.nulls == 0 { rows } else { &self.some }
    }
}
