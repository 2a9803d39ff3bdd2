//! Which flows each page of a row group has, and how many rows of each: what is asked of a page's values is asked of its flows.

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

impl FlowPages {
    /// Counts the rows of pages of `size` rows each. `rows` are the codes of the rows' flows, all below `distinct`: returns whether
    /// that is so.
    pub(super) fn count(&mut self, rows: &[u32], distinct: usize, size: usize) -> bool {
        self.flows.clear();
        self.ends.clear();
        self.last.clear();
        self.last.resize(distinct, [0; 2]);
        let mut are_flows = true;
        for (page, rows) in (1..).zip(rows.chunks(size.max(1))) {
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
