//! Reverse lookups alone, with the options that commands have for them.

use std::ffi::OsString;
use std::iter;
use std::net::IpAddr;

use clap::Parser;

use crate::address::IpAddress;
use crate::cancel::Cancel;
use crate::commands::reverse_lookup;

use super::call::CallFailure;
use super::ptr::PtrArgs;

#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct ReverseArgs {
    #[command(flatten)]
    ptr: PtrArgs,
}

/// The names of addresses by reverse lookups (PTR), with the options of `--names ptr`, such as `["--resolver=192.0.2.53"]`.
/// Each address is asked for once, however often it is given. Returns a name for each address that has one, in lower case and
/// with the final dot; and what to tell the user, if there was no answer for some addresses.
///
/// ```
/// # use parcap::{Cancel, cli};
/// // An address of documentation is not asked for.
/// let (names, message) = cli::names_of([], &["192.0.2.1".parse()?], &Cancel::default()).unwrap();
/// assert_eq!((names, message), (vec![None], None));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If an option is wrong, or the asking was cancelled. Never because of an answer.
pub fn names_of(
    options: impl IntoIterator<Item = OsString>,
    addresses: &[IpAddr],
    cancel: &Cancel,
) -> Result<(Vec<Option<String>>, Option<String>), CallFailure> {
    let arguments = iter::once("parcap".into()).chain(options);
    let ReverseArgs { ptr } = ReverseArgs::try_parse_from(arguments).map_err(|error| CallFailure::from(&error))?;
    let addresses: Vec<_> = addresses.iter().copied().map(IpAddress::from).collect();
    let (names, asked) = reverse_lookup(&addresses, &ptr.options(), cancel).map_err(CallFailure::from)?;
    let is_lacking = asked.problem.is_some() || asked.failed > 0 || asked.left_over > 0;
    Ok((names, is_lacking.then(|| asked.to_string())))
}
