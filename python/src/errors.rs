//! Errors of parcap as exceptions. Their classes are in `parcap/errors.py`.

use parcap::Error;
use parcap::cli::{CallFailure, FailureKind};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// An exception of a class of `parcap.errors`, with a note that says what to do.
fn exception(py: Python<'_>, class: &str, message: &str, hint: Option<&str>) -> PyErr {
    let made = || -> PyResult<Bound<'_, PyAny>> {
        let exception = py.import("parcap.errors")?.getattr(class)?.call1((message,))?;
        if let Some(hint) = hint {
            exception.call_method1("add_note", (format!("hint: {hint}"),))?;
        }
        Ok(exception)
    };
    made().map_or_else(|error| error, PyErr::from_value)
}

/// Arguments that are wrong.
pub(crate) fn usage(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "UsageError", message, None)
}

/// An error of the library.
pub(crate) fn of_error(py: Python<'_>, error: Error) -> PyErr {
    of_failure(py, &error.into())
}

/// What ended a command.
pub(crate) fn of_failure(py: Python<'_>, failure: &CallFailure) -> PyErr {
    let class = match failure.kind {
        FailureKind::Interrupted => return PyKeyboardInterrupt::new_err(()),
        FailureKind::Usage => "UsageError",
        FailureKind::SettingsDiffer => "SettingsDiffer",
        FailureKind::Busy => "LakeBusy",
        FailureKind::Damaged => "DamagedError",
        FailureKind::Io => "LakeError",
        _ => "ParcapError",
    };
    exception(py, class, &failure.message, failure.hint.as_deref())
}
