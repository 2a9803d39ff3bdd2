//! Lists a bucket by a signed URL, where object_store cannot: one key that is no path of its makes it fail for a whole prefix.
//!
//! Source: ListObjectsV2 of the Amazon S3 API; Google's XML API answers the same.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use reqwest::{Client, StatusCode};
use serde::Deserialize;

use super::facts::{ObjectFacts, ObjectVersion};
use super::failure::{failure, said};
use super::reactor::wait;

/// How long a signature is valid.
const VALID: Duration = Duration::from_secs(300);
/// How often a page is asked for, and the pause before the second time.
const ATTEMPTS: u32 = 7;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedPage {
    #[serde(default)]
    contents: Vec<ListedObject>,
    #[serde(default)]
    next_continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedObject {
    key: String,
    size: u64,
    last_modified: String,
    #[serde(rename = "ETag")]
    e_tag: Option<String>,
}

/// Lists the objects whose keys begin with a prefix and come after another key, odd ones too.
pub(super) fn list_signed(
    signer: &Arc<dyn Signer>,
    client: &Client,
    (prefix, after): (&str, Option<&str>),
    each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>,
) -> io::Result<()> {
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("list-type".to_owned(), "2".to_owned()), ("prefix".to_owned(), prefix.to_owned())];
        match (&token, after) {
            (Some(token), _) => query.push(("continuation-token".to_owned(), token.clone())),
            (None, Some(after)) => query.push(("start-after".to_owned(), after.to_owned())),
            (None, None) => {}
        }
        let (signer, client) = (Arc::clone(signer), client.clone());
        let text = wait(async move { page(&*signer, &client, query).await })??;
        let page: ListedPage = quick_xml::de::from_str(&text)
            .map_err(|error| io::Error::other(format!("what the store lists cannot be read: {error}")))?;
        for ListedObject { key, size, last_modified, e_tag } in page.contents {
            let modified = last_modified.parse::<Timestamp>().map_or(0, |time| time.as_nanosecond());
            let modified = i64::try_from(modified).unwrap_or(0);
            each(ObjectFacts { key, size, modified, version: ObjectVersion { etag: e_tag, version: None } })?;
        }
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(());
        }
    }
}

async fn page(signer: &dyn Signer, client: &Client, query: Vec<(String, String)>) -> io::Result<String> {
    let options = SignedUrlOptions::new().with_query(query);
    let mut failed = 0;
    loop {
        let url = signer
            .signed_url_opts(Method::GET, &Path::default(), VALID, &options)
            .await
            .map_err(|error| failure(&error))?;
        let problem = match client.get(url).send().await {
            Ok(answer) => {
                let status = answer.status();
                match answer.text().await {
                    Ok(text) if status.is_success() => return Ok(text),
                    Ok(text) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                        let kind = match status {
                            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => io::ErrorKind::PermissionDenied,
                            StatusCode::NOT_FOUND => io::ErrorKind::NotFound,
                            _ => io::ErrorKind::Other,
                        };
                        return Err(io::Error::new(kind, said(&format!("LIST: {status}: {text}"))));
                    }
                    Ok(text) => said(&format!("LIST: {status}: {text}")),
                    Err(error) => said(&error.without_url().to_string()),
                }
            }
            Err(error) => said(&error.without_url().to_string()),
        };
        failed += 1;
        if failed >= ATTEMPTS {
            return Err(io::Error::other(problem));
        }
        tokio::time::sleep(PAUSE * (1 << failed)).await;
    }
}
