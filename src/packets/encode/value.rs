//! Values of columns: how they are ordered, and what the statistics say of them.

use std::convert::identity;

use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Bytes of a text in statistics. Longer texts are cut, and the statistics say so.
const STATISTIC_BYTES: usize = 64;

/// A value of a column, as Parquet orders it.
pub(super) trait Value: Copy {
    /// Bytes of the length before each plain value, where lengths vary. The format wants the sum of those lengths.
    const LENGTH_PREFIX: Option<usize> = None;

    /// Bytes of one value when written plainly.
    fn plain_len(self) -> usize;
    /// Appends the value, plainly (Parquet format, `Encodings.md`, "Plain").
    fn plain(self, out: &mut Vec<u8>);
    /// Whether the value comes before `other`.
    fn is_less(self, other: Self) -> bool;
    /// A lower bound of a page with this least value, in the bytes of an index: not greater than the value.
    fn lower(self) -> Vec<u8>;
    /// An upper bound of a page with this greatest value, in the bytes of an index.
    fn upper(self) -> Vec<u8>;
    /// Statistics of a column chunk.
    fn statistics(bounds: Option<Bounds<Self>>, nulls: u64) -> Statistics;
}

/// The least and the greatest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds<V> {
    pub(super) min: V,
    pub(super) max: V,
}

impl<V: Value> Bounds<V> {
    /// The bounds of values that come one by one; `None` if there are none.
    #[inline]
    pub(super) fn of(mut values: impl Iterator<Item = V>) -> Option<Self> {
        let first = values.next()?;
        let (mut min, mut max) = (first, first);
        for value in values {
            if value.is_less(min) {
                min = value;
            }
            if max.is_less(value) {
                max = value;
            }
        }
        Some(Self { min, max })
    }

    /// The bounds of values that lie side by side. Of some at a time, so that none waits for the one before.
    pub(super) fn of_all(values: &[V]) -> Option<Self> {
        let (first, (pieces, rest)) = (*values.first()?, values.as_chunks::<8>());
        let (mut min, mut max) = ([first; 8], [first; 8]);
        for piece in pieces {
            for ((min, max), value) in min.iter_mut().zip(&mut max).zip(piece) {
                *min = if value.is_less(*min) { *value } else { *min };
                *max = if max.is_less(*value) { *value } else { *max };
            }
        }
        Self::of(min.into_iter().chain(max).chain(rest.iter().copied()))
    }

    /// The bounds of these and others.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            min: if other.min.is_less(self.min) { other.min } else { self.min },
            max: if self.max.is_less(other.max) { other.max } else { self.max },
        }
    }
}

macro_rules! number {
    ($type:ty, $variant:ident, $lower:expr, $upper:expr) => {
        impl Value for $type {
            fn plain_len(self) -> usize {
                size_of::<Self>()
            }

            #[inline]
            fn plain(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn is_less(self, other: Self) -> bool {
                self < other
            }

            fn lower(self) -> Vec<u8> {
                $lower(self).to_le_bytes().to_vec()
            }

            fn upper(self) -> Vec<u8> {
                $upper(self).to_le_bytes().to_vec()
            }

            fn statistics(bounds: Option<Bounds<Self>>, nulls: u64) -> Statistics {
                let (min, max) = bounds.map(|bounds| ($lower(bounds.min), $upper(bounds.max))).unzip();
                let statistics = ValueStatistics::new(min, max, None, Some(nulls), false);
                Statistics::$variant(statistics.with_backwards_compatible_min_max(true))
            }
        }
    };
}

number!(i32, Int32, identity, identity);
number!(i64, Int64, identity, identity);
// In the order that the type defines, -0 and 0 are equal. So a bound that is zero takes the sign that holds for both
// (Parquet format, `parquet.thrift`, "ColumnOrder"). NaN is null in these columns.
number!(f64, Double, |min| if min == 0.0 { -0.0 } else { min }, |max| if max == 0.0 { 0.0 } else { max });

/// Appends doubles, plainly.
pub(super) fn plain_doubles(values: &[f64], out: &mut Vec<u8>) -> Encoding {
    plain_numbers(values, f64::to_le_bytes, out)
}

/// Appends integers of 64 bits, plainly.
pub(super) fn plain_integers(values: &[i64], out: &mut Vec<u8>) -> Encoding {
    plain_numbers(values, i64::to_le_bytes, out)
}

/// All at once: these are most of the bytes that a row group has before compression.
fn plain_numbers<N: Copy>(values: &[N], bytes: impl Fn(N) -> [u8; 8], out: &mut Vec<u8>) -> Encoding {
    let start = out.len();
    out.resize(start + size_of_val(values), 0);
    let (places, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut();
    places.iter_mut().zip(values).for_each(|(place, value)| *place = bytes(*value));
    Encoding::PLAIN
}

impl Value for bool {
    fn plain_len(self) -> usize {
        1
    }

    fn plain(self, out: &mut Vec<u8>) {
        out.push(u8::from(self));
    }

    fn is_less(self, other: Self) -> bool {
        !self & other
    }

    fn lower(self) -> Vec<u8> {
        vec![u8::from(self)]
    }

    fn upper(self) -> Vec<u8> {
        vec![u8::from(self)]
    }

    fn statistics(bounds: Option<Bounds<Self>>, nulls: u64) -> Statistics {
        let (min, max) = bounds.map(|bounds| (bounds.min, bounds.max)).unzip();
        Statistics::Boolean(ValueStatistics::new(min, max, None, Some(nulls), false))
    }
}

/// Text, in UTF-8.
impl Value for &[u8] {
    const LENGTH_PREFIX: Option<usize> = Some(size_of::<u32>());

    fn plain_len(self) -> usize {
        size_of::<u32>() + self.len()
    }

    #[inline]
    fn plain(self, out: &mut Vec<u8>) {
        // No text of a row is near 4 GiB.
        let len = u32::try_from(self.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(self);
    }

    #[inline]
    fn is_less(self, other: Self) -> bool {
        self < other
    }

    fn lower(self) -> Vec<u8> {
        lower_bound(self).unwrap_or(self).to_vec()
    }

    fn upper(self) -> Vec<u8> {
        upper_bound(self).unwrap_or_else(|| self.to_vec())
    }

    fn statistics(bounds: Option<Bounds<Self>>, nulls: u64) -> Statistics {
        let upper = |text: &[u8]| (text.upper(), upper_bound(text).is_none());
        text_statistics(bounds.map(|bounds| lower_of(bounds.min)), bounds.map(|bounds| upper(bounds.max)), nulls)
    }
}

/// The bound of a least text in statistics, and whether it is that text.
pub(super) fn lower_of(text: &[u8]) -> (Vec<u8>, bool) {
    (text.lower(), lower_bound(text).is_none())
}

/// Statistics of texts: a lower bound, and an upper one, each with whether it is a value.
pub(super) fn text_statistics(min: Option<(Vec<u8>, bool)>, max: Option<(Vec<u8>, bool)>, nulls: u64) -> Statistics {
    let (min, min_is_exact) = min.unzip();
    let (max, max_is_exact) = max.unzip();
    let (min, max) = (min.map(ByteArray::from), max.map(ByteArray::from));
    let statistics = ValueStatistics::new(min, max, None, Some(nulls), false);
    Statistics::ByteArray(
        statistics.with_min_is_exact(min_is_exact.unwrap_or(false)).with_max_is_exact(max_is_exact.unwrap_or(false)),
    )
}

/// A lower bound of a long text: its prefix. `None` if the text is short, or cannot be cut.
fn lower_bound(text: &[u8]) -> Option<&[u8]> {
    if text.len() <= STATISTIC_BYTES {
        return None;
    }
    let text = str::from_utf8(text).ok()?;
    text.get(..text.floor_char_boundary(STATISTIC_BYTES)).map(str::as_bytes)
}

/// An upper bound of a long text: its prefix, with the last character incremented that has a successor of the same length
/// in bytes.
pub(super) fn upper_bound(text: &[u8]) -> Option<Vec<u8>> {
    let beginning = str::from_utf8(lower_bound(text)?).ok()?;
    beginning.char_indices().rev().find_map(|(at, last)| {
        let next = char::from_u32(u32::from(last) + 1).filter(|next| next.len_utf8() == last.len_utf8())?;
        let mut bound = beginning.get(..at)?.to_owned();
        bound.push(next);
        Some(bound.into_bytes())
    })
}
