//! Object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage, and files at HTTP URLs.
//!
//! In: names of objects, and bytes. Out: bytes, and what a store says of an object. Always: an object is read as the one
//! that was found (`If-Match`), or not at all; whether something exists is answered by "not found" alone. The only door
//! for object_store; its reactor is a thread of its own, which workers ask through channels. Without the feature `remote`
//! no store can be connected to, and that is all that differs.
//!
//! Not here: which objects are a lake's, and in which order they are written.

mod address;
mod ahead;
mod causes;
#[cfg(feature = "remote")]
mod client;
#[cfg(feature = "remote")]
mod connect;
mod facts;
#[cfg(feature = "remote")]
mod failure;
mod fetch;
mod fetches;
mod held;
mod object_file;
mod object_reader;
#[cfg(feature = "remote")]
mod reactor;
mod requests;
#[cfg(feature = "remote")]
mod signed_list;
mod soon;
mod store;
#[cfg(feature = "remote")]
mod web;

pub use address::{ObjectAddress, StoreRoot, is_object};
pub(crate) use causes::{is_archived, is_without_credentials};
#[cfg(all(feature = "remote", any(test, feature = "internal-api")))]
pub use client::ObjectClient;
pub use facts::{ObjectFacts, ObjectVersion, OpenUpload};
pub use fetches::{limit_fetches, want_fetches};
pub(crate) use fetches::{small_fetches, wanted_fetches};
pub use held::HeldUpload;
pub(crate) use object_file::{ObjectFile, object_facts};
pub use object_reader::ObjectReader;
pub use requests::{ObjectBody, ObjectRequests, PutIf};
pub(crate) use soon::{RangeInHand, ReadSoon};
pub use store::Store;
