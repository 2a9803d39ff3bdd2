//! What a part's footer says of its rows, for readers that have nothing but the part.

use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use serde::Deserialize;

use crate::config::{Settings, TimestampUnit};
use crate::discover::Compression;
use crate::error::{Error, Result};
use crate::storage::LocalFile;

use super::part::{CAPTURES, INPUTS, Origin, RowRange, SETTINGS};
use super::part_reader::{part_facts, unreadable};
use super::schema::TableColumns;

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSays {
    /// Its rows.
    pub rows: u64,
    /// Where the rows came from, in order. Inputs are given by their place in `origins`.
    pub ranges: Vec<RowRange>,
    /// The captures that have rows in it.
    pub origins: Vec<Origin>,
    /// The settings that shaped its rows. Parts of earlier versions do not say them.
    pub settings: Option<Settings>,
    /// The unit of its times.
    pub timestamp_unit: TimestampUnit,
}

/// An input as a part names it.
#[derive(Deserialize)]
struct Named {
    path: Option<String>,
    /// Its place among the captures. Parts of earlier versions do not say it.
    #[serde(default)]
    capture: Option<usize>,
    #[serde(flatten)]
    range: Place,
}

#[derive(Deserialize)]
struct Place {
    first_row: u64,
    rows: u64,
    first_offset: u64,
    last_offset: u64,
}

/// Reads what a part says of itself. `None` if the file is no part of a packets table.
///
/// # Errors
/// If the file cannot be read, or is no Parquet file.
pub fn part_says(path: &Path) -> Result<Option<PartSays>> {
    let file = LocalFile::open(path).map_err(Error::io("open", path))?.into_std();
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(unreadable(path))?;
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let text = |key: &str| pairs?.iter().find(|pair| pair.key == key)?.value.as_deref();
    let settings: Option<Settings> = text(SETTINGS).and_then(|text| serde_json::from_str(text).ok());
    let further = settings.as_ref().map(|settings| settings.columns.clone()).unwrap_or_default();
    let Ok(table) = TableColumns::with(&further) else { return Ok(None) };
    let fits = |unit| part_facts(path, Some((&table, unit))).map(|facts| facts.fits.then_some((unit, facts.rows)));
    let found = match fits(TimestampUnit::Us)? {
        None => fits(TimestampUnit::Ns)?,
        found => found,
    };
    let Some((timestamp_unit, rows)) = found else { return Ok(None) };
    let Some(named) = text(INPUTS).and_then(|text| serde_json::from_str::<Vec<Named>>(text).ok()) else {
        return Ok(None);
    };
    let origins = text(CAPTURES).and_then(|text| serde_json::from_str::<Vec<Origin>>(text).ok());
    let mut says =
        PartSays { rows, ranges: Vec::new(), settings, timestamp_unit, origins: origins.unwrap_or_default() };
    for Named { path, capture, range: Place { first_row, rows, first_offset, last_offset } } in named {
        let input = match (capture, path) {
            (Some(place), _) if place < says.origins.len() => place,
            (_, Some(name)) => says.place_of(&name),
            _ => return Ok(None),
        };
        says.ranges.push(RowRange { input, first_row, rows, first_offset, last_offset });
    }
    Ok(says.adds_up().then_some(says))
}

impl PartSays {
    /// The place of a capture of which only the name is known.
    fn place_of(&mut self, name: &str) -> usize {
        // Standard input has another name than a file.
        let path = PathBuf::from(if name == "stdin" { "-" } else { name });
        self.origins.iter().position(|origin| origin.path == path).unwrap_or_else(|| {
            self.origins.push(Origin {
                path,
                size: 0,
                fingerprint: None,
                compression: Compression::None,
                format: None,
                chunks: None,
                place: None,
                rows: None,
            });
            self.origins.len() - 1
        })
    }

    /// Whether each row is in one range.
    fn adds_up(&self) -> bool {
        let mut next = 0;
        for range in &self.ranges {
            if range.first_row != next {
                return false;
            }
            // A footer may say any numbers.
            let Some(end) = range.first_row.checked_add(range.rows) else { return false };
            next = end;
        }
        next == self.rows
    }
}
