//! The texts of a column, one after another in one buffer: a text costs no block of memory of its own.

use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

/// Texts that may be null, in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextValues {
    /// All texts.
    text: String,
    /// The end of each text, in bytes.
    ends: Vec<usize>,
    /// Whether each is a text and not null.
    present: Vec<bool>,
}

impl TextValues {
    /// No texts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values there are, nulls included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends a text, or null.
    #[inline]
    pub fn push(&mut self, value: Option<&str>) {
        self.text.push_str(value.unwrap_or_default());
        self.ends.push(self.text.len());
        self.present.push(value.is_some());
    }

    /// The text of a row. `None` if it is null, or if there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let start = match row.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.present.get(row).filter(|is_present| **is_present)?;
        self.text.get(start..*self.ends.get(row)?)
    }

    /// All values in the order of the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Forgets all values after the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.present.truncate(rows);
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// As an array of Arrow.
    ///
    /// # Errors
    /// If the texts together have 2 GiB or more: offsets in the array are 32-bit integers.
    pub(super) fn to_array(&self) -> Result<StringArray, ArrowError> {
        let ends = self.ends.iter().map(|end| {
            let unfit = |_| ArrowError::InvalidArgumentError(format!("{end} bytes of text do not fit in one batch"));
            i32::try_from(*end).map_err(unfit)
        });
        let offsets = std::iter::once(Ok(0)).chain(ends).collect::<Result<Vec<_>, _>>()?;
        let nulls = self.present.contains(&false).then(|| NullBuffer::from(self.present.as_slice()));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        StringArray::try_new(offsets, Buffer::from(self.text.as_bytes()), nulls)
    }
}

impl<T: AsRef<str>> FromIterator<Option<T>> for TextValues {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let mut all = Self::new();
        values.into_iter().for_each(|value| all.push(value.as_ref().map(AsRef::as_ref)));
        all
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Law: values come back as they were given, null and empty text apart, also from Arrow's array.
        #[test]
        fn values_come_back(values in prop::collection::vec(prop::option::of("[a-zé]{0,3}"), 0..30), rows in 0_usize..40) {
            let mut texts: TextValues = values.iter().map(Option::as_deref).collect();
            let expected: Vec<_> = values.iter().map(Option::as_deref).collect();
            prop_assert_eq!(texts.iter().collect::<Vec<_>>(), expected.clone());
            let array = texts.to_array().unwrap();
            prop_assert_eq!(array.iter().collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(array.null_count(), expected.iter().filter(|value| value.is_none()).count());
            prop_assert_eq!(texts.get(values.len()), None);
            texts.truncate(rows);
            texts.push(Some("x"));
            let first = expected.iter().copied().take(rows).chain([Some("x")]);
            prop_assert_eq!(texts.iter().collect::<Vec<_>>(), first.collect::<Vec<_>>());
        }
    }
}
