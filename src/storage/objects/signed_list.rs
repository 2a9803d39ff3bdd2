//! Lists a bucket by a signed URL, where object_store cannot: one key that is no path of its makes it fail for a whole prefix, and it
//! does not list open uploads.
//!
//! Source: ListObjectsV2 and ListMultipartUploads of the Amazon S3 API; Google's XML API answers the same.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use reqwest::{Client, StatusCode};
use serde::Deserialize;

use super::facts::{ObjectFacts, ObjectVersion, OpenUpload};
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
        let text = wait(async move { page(&*signer, &client, query, ATTEMPTS).await })??;
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadsPage {
    #[serde(default)]
    upload: Vec<ListedUpload>,
    #[serde(default)]
    is_truncated: Option<String>,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedUpload {
    key: String,
    upload_id: String,
    initiated: Option<String>,
}

/// Where the next page of uploads begins: after this key, and this upload of it.
type UploadMarker = (String, Option<String>);

impl UploadsPage {
    fn read(text: &str) -> io::Result<(Vec<OpenUpload>, Option<UploadMarker>)> {
        let page: Self = quick_xml::de::from_str(text)
            .map_err(|error| io::Error::other(format!("what the store lists of uploads cannot be read: {error}")))?;
        let nanos = |time: &str| i64::try_from(time.parse::<Timestamp>().ok()?.as_nanosecond()).ok();
        let uploads = page.upload.into_iter().map(|ListedUpload { key, upload_id, initiated }| OpenUpload {
            key,
            upload: upload_id,
            since: initiated.as_deref().and_then(nanos),
        });
        let next = page.next_key_marker.filter(|_| page.is_truncated.as_deref() == Some("true"));
        let id = page.next_upload_id_marker.filter(|id| !id.is_empty());
        Ok((uploads.collect(), next.filter(|key| !key.is_empty()).map(|key| (key, id))))
    }
}

/// Lists the open uploads whose keys begin with a prefix. Some stores give others too.
pub(super) fn uploads_signed(signer: &Arc<dyn Signer>, client: &Client, prefix: &str) -> io::Result<Vec<OpenUpload>> {
    let mut found = Vec::new();
    let mut marker: Option<UploadMarker> = None;
    loop {
        let mut query = vec![("uploads".to_owned(), String::new()), ("prefix".to_owned(), prefix.to_owned())];
        if let Some((key, id)) = &marker {
            query.push(("key-marker".to_owned(), key.clone()));
            query.extend(id.clone().map(|id| ("upload-id-marker".to_owned(), id)));
        }
        let (signer, client) = (Arc::clone(signer), client.clone());
        let text = wait(async move { page(&*signer, &client, query, 1).await })??;
        let (uploads, next) = UploadsPage::read(&text)?;
        found.extend(uploads.into_iter().filter(|upload| upload.key.starts_with(prefix)));
        // One that says the same again and again would never end.
        if next.is_none() || next == marker {
            return Ok(found);
        }
        marker = next;
    }
}

async fn page(signer: &dyn Signer, client: &Client, query: Vec<(String, String)>, attempts: u32) -> io::Result<String> {
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
        if failed >= attempts {
            return Err(io::Error::other(problem));
        }
        tokio::time::sleep(PAUSE * (1 << failed)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as the documentation of ListMultipartUploads has it, with its line breaks; the second time is another one.
    const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>bucket</Bucket>
  <KeyMarker></KeyMarker>
  <UploadIdMarker></UploadIdMarker>
  <NextKeyMarker>my-movie.m2ts</NextKeyMarker>
  <NextUploadIdMarker>YW55IGlkZWEgd2h5IGVsdmluZydzIHVwbG9hZCBmYWlsZWQ</NextUploadIdMarker>
  <MaxUploads>3</MaxUploads>
  <IsTruncated>true</IsTruncated>
  <Upload>
    <Key>my-divisor</Key>
    <UploadId>XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw</UploadId>
    <Initiator><ID>arn:aws:iam::111122223333:user/user1</ID><DisplayName>user1</DisplayName></Initiator>
    <Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID><DisplayName>OwnerDisplayName</DisplayName></Owner>
    <StorageClass>STANDARD</StorageClass>
    <Initiated>2010-11-10T20:48:33.000Z</Initiated>
  </Upload>
  <Upload>
    <Key>my &amp; movie.m2ts</Key>
    <UploadId>VXBsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA</UploadId>
    <StorageClass>STANDARD</StorageClass>
    <Initiated>yesterday</Initiated>
  </Upload>
</ListMultipartUploadsResult>"#;

    #[test]
    fn a_page_of_uploads_is_read_as_the_documentation_has_it() {
        let (uploads, next) = UploadsPage::read(ANSWER).unwrap();
        // `date -u -d 2010-11-10T20:48:33Z +%s`.
        let first = OpenUpload {
            key: "my-divisor".to_owned(),
            upload: "XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw".to_owned(),
            since: Some(1_289_422_113_000_000_000),
        };
        assert_eq!(uploads[0], first);
        assert_eq!((uploads.len(), uploads[1].key.as_str(), uploads[1].since), (2, "my & movie.m2ts", None));
        let id = "YW55IGlkZWEgd2h5IGVsdmluZydzIHVwbG9hZCBmYWlsZWQ".to_owned();
        assert_eq!(next, Some(("my-movie.m2ts".to_owned(), Some(id))));
    }

    #[test]
    fn the_last_page_and_an_empty_one_end_the_list() {
        let last = ANSWER.replace("<IsTruncated>true", "<IsTruncated>false");
        assert_eq!(UploadsPage::read(&last).unwrap().1, None);
        let empty = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
        assert_eq!(UploadsPage::read(empty).unwrap(), (Vec::new(), None));
        assert!(UploadsPage::read("<html>no</html").is_err());
    }
}
