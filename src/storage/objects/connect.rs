//! Clients of object stores, as the environment says: the variables that the stores' own programs use.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, resolve_bucket_region};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::address::StoreRoot;
use super::causes::RefusedRequest;
use super::client::ObjectClient;
use super::failure::failure;
use super::reactor::wait;
use super::store::Store;
use super::web::WebServer;

/// A request is small (4 or 8 MiB), so one that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Nothing has come for this long.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often and how long a request is tried that changes nothing if it is done twice.
const PATIENT: RetryConfig = retry(10, 180);
/// The same of a request whose lost answer the caller finds out by looking.
const BRISK: RetryConfig = retry(4, 30);

/// A request that failed by chance is tried again soon. object_store waits at random between the first pause and `base` times the last
/// one, so with a base of 2 pauses would hardly grow; with 3 they grow by half each time, and a store in trouble is left alone.
const fn retry(max_retries: usize, seconds: u64) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(10),
            base: 3.,
        },
        max_retries,
        retry_timeout: Duration::from_secs(seconds),
    }
}

/// Where machines of Amazon are told their credentials, unless the environment says otherwise.
const METADATA: &str = "http://169.254.169.254";
/// How long to wait for that: it answers at once, or is not there.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

fn options() -> ClientOptions {
    ClientOptions::new().with_timeout(TIMEOUT).with_read_timeout(READ_TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT)
}

fn web_client() -> io::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .read_timeout(READ_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("parcap/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(io::Error::other)
}

/// The client of a store. It asks the store nothing yet, but Amazon where a bucket is if the environment does not say.
pub(super) fn connect(root: &StoreRoot) -> io::Result<Store> {
    let client = match root.scheme() {
        "http" | "https" => return Ok(Store::of(Arc::new(WebServer::new(root, web_client()?)))),
        "s3" | "s3a" => amazon(root)?,
        "gs" => google(root)?,
        _ => azure(root)?,
    };
    Ok(Store::of(Arc::new(client)))
}

fn amazon(root: &StoreRoot) -> io::Result<ObjectClient> {
    let mut builder = AmazonS3Builder::from_env().with_url(root.to_string()).with_client_options(options());
    let given = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).filter(|value| !value.is_empty());
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = endpoint.into_iter().find_map(|key| given(&builder, key));
    if endpoint.as_ref().is_some_and(|at| at.starts_with("http://")) {
        // A user who names such an endpoint has said that it is not encrypted.
        builder = builder.with_allow_http(true);
    }
    let credentials = [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ];
    let is_unsigned = given(&builder, AmazonS3ConfigKey::SkipSignature).is_some_and(|value| value == "true");
    if !is_unsigned && credentials.into_iter().all(|key| given(&builder, key).is_none()) {
        let metadata = given(&builder, AmazonS3ConfigKey::MetadataEndpoint).unwrap_or_else(|| METADATA.to_owned());
        offers_credentials(&metadata)?;
    }
    if endpoint.is_none() && given(&builder, AmazonS3ConfigKey::Region).is_none() {
        let bucket = root.host().to_owned();
        let region = wait(async move { resolve_bucket_region(&bucket, &options()).await })?;
        builder = builder.with_region(region.map_err(|error| failure(&error))?);
    }
    let build = |retry| builder.clone().with_retry(retry).build().map(Arc::new).map_err(|error| failure(&error));
    let patient = build(PATIENT)?;
    Ok(ObjectClient::of_bucket(patient.clone(), build(BRISK)?).listing_odd_keys(patient, web_client()?))
}

/// Asks whether something is there that could tell credentials. object_store would wait for it for minutes.
fn offers_credentials(metadata: &str) -> io::Result<()> {
    let host = metadata.split_once("://").map_or(metadata, |(_, host)| host).trim_end_matches('/');
    let place = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let answers = place.to_socket_addrs().and_then(|mut places| {
        let place = places.next().ok_or(io::ErrorKind::NotFound)?;
        TcpStream::connect_timeout(&place, METADATA_TIMEOUT)
    });
    answers.map(drop).map_err(|error| RefusedRequest::NoCredentials(format!("{host}: {error}")).into_error())
}

fn google(root: &StoreRoot) -> io::Result<ObjectClient> {
    let builder = GoogleCloudStorageBuilder::from_env().with_url(root.to_string()).with_client_options(options());
    let build = |retry| builder.clone().with_retry(retry).build().map(Arc::new).map_err(|error| failure(&error));
    let patient = build(PATIENT)?;
    Ok(ObjectClient::of_bucket(patient.clone(), build(BRISK)?).listing_odd_keys(patient, web_client()?))
}

fn azure(root: &StoreRoot) -> io::Result<ObjectClient> {
    let builder = MicrosoftAzureBuilder::from_env().with_url(root.to_string()).with_client_options(options());
    let build = |retry| builder.clone().with_retry(retry).build().map(Arc::new).map_err(|error| failure(&error));
    Ok(ObjectClient::of_bucket(build(PATIENT)?, build(BRISK)?))
}
