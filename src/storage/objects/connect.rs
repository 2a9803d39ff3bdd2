//! Clients of object stores, as the environment says: the variables that the stores' own programs use.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::address::StoreRoot;
use super::client::ObjectClient;
use super::failure::failure;

/// A request is small (4 or 8 MiB), so one that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Nothing has come for this long.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often and how long a request is tried that changes nothing if it is done twice.
const PATIENT: RetryConfig = retry(10, 180);
/// The same of a request whose lost answer the caller finds out by looking.
const BRISK: RetryConfig = retry(4, 30);

const fn retry(max_retries: usize, seconds: u64) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.,
        },
        max_retries,
        retry_timeout: Duration::from_secs(seconds),
    }
}

/// The client of a store. It asks nothing yet.
pub(super) fn connect(root: &StoreRoot) -> io::Result<ObjectClient> {
    let url = root.to_string();
    let options = ClientOptions::new()
        .with_timeout(TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT);
    let made = match root.scheme() {
        "s3" | "s3a" => {
            let build = |retry| {
                let mut builder = AmazonS3Builder::from_env().with_url(&url).with_client_options(options.clone());
                let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
                if endpoint.iter().any(|key| builder.get_config_value(key).is_some_and(|at| at.starts_with("http://")))
                {
                    // A user who names such an endpoint has said that it is not encrypted.
                    builder = builder.with_allow_http(true);
                }
                builder.with_retry(retry).build().map(Arc::new)
            };
            build(PATIENT).and_then(|patient| Ok(ObjectClient::of_bucket(patient, build(BRISK)?)))
        }
        "gs" => {
            let build = |retry| {
                let builder = GoogleCloudStorageBuilder::from_env().with_url(&url).with_client_options(options.clone());
                builder.with_retry(retry).build().map(Arc::new)
            };
            build(PATIENT).and_then(|patient| Ok(ObjectClient::of_bucket(patient, build(BRISK)?)))
        }
        "http" | "https" => {
            let options = options.with_allow_http(true);
            let builder = HttpBuilder::new().with_url(&url).with_client_options(options).with_retry(PATIENT);
            builder.build().map(|server| ObjectClient::of_server(Arc::new(server)))
        }
        _ => {
            let build = |retry| {
                let builder = MicrosoftAzureBuilder::from_env().with_url(&url).with_client_options(options.clone());
                builder.with_retry(retry).build().map(Arc::new)
            };
            build(PATIENT).and_then(|patient| Ok(ObjectClient::of_bucket(patient, build(BRISK)?)))
        }
    };
    made.map_err(|error| failure(&error))
}
