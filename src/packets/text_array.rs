//! Text of rows as Arrow arrays, by the rows' codes: copied without being formatted again.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, StringViewArray, builder::make_view};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use crate::config::TextKind;
use crate::decode::protocol_text;

use super::code_table::NO_CODE;
use super::text_table::Texts;

/// The names of all protocols, by number.
pub(super) fn protocol_texts() -> Texts<'static> {
    static NAMES: LazyLock<(Vec<u8>, Vec<usize>)> = LazyLock::new(|| {
        let mut names = (Vec::new(), Vec::new());
        for number in 0..=u8::MAX {
            names.0.extend_from_slice(protocol_text(number).as_bytes());
            names.1.push(names.0.len());
        }
        names
    });
    Texts { bytes: &NAMES.0, ends: &NAMES.1 }
}

/// The texts of some rows; null for [`NO_CODE`].
pub(super) fn text_array(kind: TextKind, codes: &[u32], texts: Texts<'_>) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        TextKind::Utf8 => Arc::new(strings(codes, texts)?),
        TextKind::View => Arc::new(views(codes, texts)?),
        TextKind::Dictionary => Arc::new(dictionary(codes, texts)?),
    })
}

/// Which rows have a code; `None` if all have.
pub(super) fn nulls(codes: &[u32]) -> Option<NullBuffer> {
    // Few columns have nulls, and this is the faster question.
    codes.contains(&NO_CODE).then(|| bits(codes, |code| code != NO_CODE).into())
}

/// A bit for each value.
pub(super) fn bits<T: Copy>(values: &[T], is_set: impl Fn(T) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool(values.len(), |row| values.get(row).is_some_and(|value| is_set(*value)))
}

fn strings(codes: &[u32], texts: Texts<'_>) -> Result<StringArray, ArrowError> {
    let lengths: Vec<usize> = texts.iter().map(<[u8]>::len).collect();
    let length_of = |code: &u32| lengths.get(*code as usize).copied().unwrap_or(0);
    let total: usize = codes.iter().map(length_of).sum();
    // No offset is more than the last one.
    i32::try_from(total).map_err(|_| ArrowError::OffsetOverflowError(total))?;
    // Padded texts are worth being made if each is copied a few times.
    let are_repeated = texts.ends.len() < codes.len() / 2;
    let (offsets, bytes) = match lengths.iter().max() {
        Some(0..=16) if are_repeated => joined_short::<16>(codes, texts, total),
        Some(17..=32) if are_repeated => joined_short::<32>(codes, texts, total),
        // Any IPv6 address.
        Some(33..=48) if are_repeated => joined_short::<48>(codes, texts, total),
        _ => joined(codes, texts, total),
    };
    StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from(bytes), nulls(codes))
}

/// The texts of rows, one after another, and the offsets between them. `total` is the sum of their lengths.
fn joined(codes: &[u32], texts: Texts<'_>, total: usize) -> (Vec<i32>, Vec<u8>) {
    let mut bytes = Vec::with_capacity(total);
    let mut offsets = Vec::with_capacity(codes.len() + 1);
    offsets.push(0);
    offsets.extend(codes.iter().map(|code| {
        bytes.extend_from_slice(texts.get(*code).unwrap_or_default());
        i32::try_from(bytes.len()).unwrap_or(i32::MAX)
    }));
    (offsets, bytes)
}

/// As [`joined`], for texts of up to `N` bytes: a copy of fixed length takes a third of the time. What it copies beyond a
/// text, the next text is copied over.
fn joined_short<const N: usize>(codes: &[u32], texts: Texts<'_>, total: usize) -> (Vec<i32>, Vec<u8>) {
    let padded = texts.iter().map(|text| {
        let mut padded = [0; N];
        padded.iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
        (padded, u8::try_from(text.len()).unwrap_or(0))
    });
    let padded: Vec<_> = padded.collect();
    let mut bytes = vec![0; total + N];
    let mut offsets = Vec::with_capacity(codes.len() + 1);
    let (mut at, mut end) = (0, 0);
    offsets.push(0);
    offsets.extend(codes.iter().map(|code| {
        if let Some((text, length)) = padded.get(*code as usize)
            && let Some(to) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut)
        {
            *to = *text;
            at += usize::from(*length);
            end += i32::from(*length);
        }
        end
    }));
    bytes.truncate(total);
    (offsets, bytes)
}

fn views(codes: &[u32], texts: Texts<'_>) -> Result<StringViewArray, ArrowError> {
    let mut start = 0;
    let views = texts.iter().map(|text| {
        let offset = u32::try_from(start).map_err(|_| ArrowError::OffsetOverflowError(start))?;
        start += text.len();
        Ok(make_view(text, 0, offset))
    });
    let views = views.collect::<Result<Vec<_>, ArrowError>>()?;
    let of_rows: Vec<_> = codes.iter().map(|code| views.get(*code as usize).copied().unwrap_or(0)).collect();
    StringViewArray::try_new(of_rows.into(), [Buffer::from(texts.bytes.to_vec())], nulls(codes))
}

/// Texts that no row has, because those of another column are among them, are left out.
fn dictionary(codes: &[u32], texts: Texts<'_>) -> Result<DictionaryArray<Int32Type>, ArrowError> {
    let mut keys = vec![None; texts.ends.len()];
    let mut used = Vec::new();
    let of_rows = codes.iter().map(|code| {
        let Some(key) = keys.get_mut(*code as usize) else { return Ok(0) };
        if let Some(key) = key {
            return Ok(*key);
        }
        let new = i32::try_from(used.len()).map_err(|_| ArrowError::DictionaryKeyOverflowError)?;
        used.push(*code);
        *key = Some(new);
        Ok(new)
    });
    let of_rows = of_rows.collect::<Result<Vec<_>, ArrowError>>()?;
    DictionaryArray::try_new(Int32Array::new(of_rows.into(), nulls(codes)), Arc::new(strings(&used, texts)?))
}
