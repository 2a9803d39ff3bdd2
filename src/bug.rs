//! What a run says of a state that cannot be: it ends with an error, and commits nothing. A default in its place would
//! go on with rows or sums that nobody has proved.
//!
//! Only for what no input, no lake and no clock can bring about. A broken file has an error of its own.

/// The [`Error::Bug`](crate::error::Error::Bug) of the line where it stands.
macro_rules! bug {
    () => {
        $crate::error::Error::Bug { place: concat!(file!(), ":", line!()).to_owned() }
    };
}

pub(crate) use bug;

#[cfg(test)]
mod tests {
    #[test]
    fn a_bug_names_its_place() {
        let (bug, line) = (bug!(), line!());
        let said = format!("an impossible state was met at {}:{line}; nothing was committed (this is a bug)", file!());
        assert_eq!(bug.to_string(), said);
    }
}
