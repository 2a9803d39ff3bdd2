//! Errors of object stores, as errors whose kinds callers can act on and whose text fits a line.

use std::io;

use object_store::Error;

use super::causes::RefusedRequest;

/// Bytes of a store's own words that are shown.
const SHOWN: usize = 400;
/// Where machines of Amazon, Google and Microsoft are told their credentials.
const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// The error of a request, as [`ObjectRequests`](super::ObjectRequests) promises it.
pub(super) fn failure(error: &Error) -> io::Error {
    let kind = match error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
        Error::Precondition { .. } => io::ErrorKind::StaleNetworkFileHandle,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => io::ErrorKind::Unsupported,
        Error::InvalidPath { .. } => io::ErrorKind::InvalidFilename,
        _ => io::ErrorKind::Other,
    };
    let text = error.to_string();
    if ["InvalidObjectState", "BlobArchived"].iter().any(|code| text.contains(code)) {
        return RefusedRequest::Archived.into_error();
    }
    let words = said(&text);
    // Where nothing else says who asks, the machine is asked at this address of its provider.
    if METADATA.iter().any(|address| text.contains(address)) {
        return RefusedRequest::NoCredentials(words).into_error();
    }
    io::Error::new(kind, words)
}

/// What a store said, in a line and without what nobody may see: the query of a URL may be a signature.
pub(super) fn said(text: &str) -> String {
    let code = between(text, "<Code>", "</Code>");
    let message = between(text, "<Message>", "</Message>");
    let mut line = match (text.find("<?xml").or_else(|| text.find("<Error")), code) {
        (Some(document), Some(code)) => {
            let before = text.get(..document).unwrap_or_default().trim().trim_end_matches(':');
            format!("{before}: {code}{}", message.map(|said| format!(", {said}")).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    line = line.split_whitespace().map(without_query).collect::<Vec<_>>().join(" ");
    if line.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

/// A word without the query of the URL that it has.
fn without_query(word: &str) -> &str {
    let is_url = word.contains("://");
    word.split_once('?').filter(|_| is_url).map_or(word, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_said_is_a_line_without_secrets() {
        let text = "Error performing GET https://h/b/k?sv=1&sig=SECRET in 1ms - Server returned non-2xx status code: 403 \
            Forbidden: <?xml version=\"1.0\"?>\n<Error>\n <Code>AccessDenied</Code><Message>No way</Message></Error>";
        assert_eq!(
            said(text),
            "Error performing GET https://h/b/k in 1ms - Server returned non-2xx status code: 403 Forbidden: AccessDenied, No way"
        );
        assert!(said(&"ü".repeat(1000)).len() <= SHOWN + '…'.len_utf8());
    }
}
