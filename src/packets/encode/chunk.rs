//! One column of a row group while its pages are put together: their headers, the statistics and the page index.

use std::io;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::compress::Body;
use super::value::{Bounds, Value};

/// An encoded column of a row group.
pub(crate) struct EncodedColumn {
    pub(crate) pages: Bytes,
    pub(crate) close: ColumnCloseResult,
}

/// What is known of a page besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageFacts<V> {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// Bounds of the values; `None` if all rows are null.
    pub(super) bounds: Option<Bounds<V>>,
    /// Bytes of the values, if they vary in length.
    pub(super) variable_bytes: Option<usize>,
}

/// Takes the pages of a column in their order: the dictionary page first, if there is one.
pub(super) struct Chunk<V> {
    description: ColumnDescPtr,
    compression: Compression,
    sink: TrackedWrite<Vec<u8>>,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
    dictionary: bool,
    /// Data pages of each encoding.
    data_pages: Vec<PageEncodingStats>,
    size: u64,
    rows: usize,
    nulls: usize,
    bounds: Option<Bounds<V>>,
    variable_bytes: Option<usize>,
    /// The bounds of the last page that has any, and whether those of all so far rise or fall.
    last: Option<Bounds<V>>,
    rising: bool,
    falling: bool,
    levels: Option<LevelHistogram>,
}

impl<V: Value> Chunk<V> {
    pub(super) fn new(description: ColumnDescPtr, compression: Compression) -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            column_index: ColumnIndexBuilder::new(description.physical_type()),
            offset_index: OffsetIndexBuilder::new(),
            levels: LevelHistogram::try_new(description.max_def_level()),
            description,
            compression,
            dictionary: false,
            data_pages: Vec::new(),
            size: 0,
            rows: 0,
            nulls: 0,
            bounds: None,
            variable_bytes: None,
            last: None,
            rising: true,
            falling: true,
        }
    }

    /// Whether the column has nulls, so that its pages begin with levels.
    pub(super) fn is_optional(&self) -> bool {
        self.description.max_def_level() > 0
    }

    /// Takes the dictionary. Its entries are encoded plainly.
    pub(super) fn dictionary(&mut self, body: Body, entries: usize) -> Result<(), ParquetError> {
        self.dictionary = true;
        let page = Page::DictionaryPage {
            buf: body.packed,
            num_values: small(entries)?,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.write(page, body.size).map(drop)
    }

    /// Takes a data page.
    pub(super) fn page(&mut self, body: Body, facts: PageFacts<V>) -> Result<(), ParquetError> {
        match self.data_pages.iter_mut().find(|pages| pages.encoding == body.encoding) {
            Some(pages) => pages.count += 1,
            None => {
                let page_type = PageType::DATA_PAGE;
                self.data_pages.push(PageEncodingStats { page_type, encoding: body.encoding, count: 1 });
            }
        }
        self.rows += facts.rows;
        self.nulls += facts.nulls;
        self.index(&facts);
        let page = Page::DataPage {
            buf: body.packed,
            num_values: small(facts.rows)?,
            encoding: body.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (offset, bytes) = self.write(page, body.size)?;
        self.offset_index.append_offset_and_size(offset, small(bytes)?);
        Ok(())
    }

    /// Enters a page in the indexes.
    fn index(&mut self, facts: &PageFacts<V>) {
        let nulls = facts.nulls as u64;
        let (min, max) = facts.bounds.map_or_else(Default::default, |bounds| (bounds.min.lower(), bounds.max.upper()));
        self.column_index.append(facts.bounds.is_none(), min, max, nulls.cast_signed());
        if let Some(bounds) = facts.bounds {
            self.bounds = Some(self.bounds.map_or(bounds, |held| held.and(bounds)));
            if let Some(last) = self.last.replace(bounds) {
                self.rising &= !(bounds.min.is_less(last.min) || bounds.max.is_less(last.max));
                self.falling &= !(last.min.is_less(bounds.min) || last.max.is_less(bounds.max));
            }
        }
        if let Some(levels) = &mut self.levels {
            let mut page = levels.clone();
            page.reset();
            page.increment_by(0, nulls.cast_signed());
            page.increment_by(1, (facts.rows as u64 - nulls).cast_signed());
            levels.add(&page);
            self.column_index.append_histograms(&None, &Some(page));
        }
        self.offset_index.append_row_count((facts.rows as u64).cast_signed());
        let bytes = facts.variable_bytes.map(|bytes| (bytes as u64).cast_signed());
        self.offset_index.append_unencoded_byte_array_data_bytes(bytes);
        if let Some(bytes) = facts.variable_bytes {
            *self.variable_bytes.get_or_insert_default() += bytes;
        }
    }

    /// Writes a page after its header. Returns its offset, and its bytes with the header.
    fn write(&mut self, page: Page, size: usize) -> Result<(i64, usize), ParquetError> {
        let before = self.sink.bytes_written();
        let packed = page.buffer().len();
        SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, size))?;
        let bytes = self.sink.bytes_written() - before;
        self.size += (size + bytes - packed) as u64;
        Ok(((before as u64).cast_signed(), bytes))
    }

    /// The finished column, with its metadata for the file.
    pub(super) fn close(mut self) -> Result<EncodedColumn, ParquetError> {
        let order = match (self.rising, self.falling) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        };
        self.column_index.set_boundary_order(order);
        let offset_index = self.offset_index.build();
        let first = offset_index.page_locations().first().map_or(0, |page| page.offset);
        let pages = Bytes::from(self.sink.into_inner()?);
        let bytes = pages.len() as u64;

        let mut encoding_stats = self.data_pages;
        if self.dictionary {
            let page_type = PageType::DICTIONARY_PAGE;
            encoding_stats.insert(0, PageEncodingStats { page_type, encoding: Encoding::PLAIN, count: 1 });
        }
        let of_pages = encoding_stats.iter().map(|pages| pages.encoding);
        // Levels are RLE.
        let encodings: Vec<Encoding> = of_pages.chain([Encoding::RLE]).collect();
        let metadata = ColumnChunkMetaData::builder(self.description)
            .set_compression(self.compression)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(encoding_stats)
            .set_total_compressed_size(bytes.cast_signed())
            .set_total_uncompressed_size(self.size.cast_signed())
            .set_num_values((self.rows as u64).cast_signed())
            .set_data_page_offset(first)
            .set_dictionary_page_offset(self.dictionary.then_some(0))
            .set_statistics(V::statistics(self.bounds, self.nulls as u64))
            .set_unencoded_byte_array_data_bytes(self.variable_bytes.map(|bytes| (bytes as u64).cast_signed()))
            .set_definition_level_histogram(self.levels)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: Some(self.column_index.build()?),
            offset_index: Some(offset_index),
        };
        Ok(EncodedColumn { pages, close })
    }
}

/// A count in the 31 bits that the format has for it.
pub(super) fn small<N: TryFrom<usize>>(count: usize) -> Result<N, ParquetError> {
    N::try_from(count).map_err(|_| ParquetError::External(Box::new(io::Error::other("a page that is too large"))))
}
