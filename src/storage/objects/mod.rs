//! Object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage, and files at HTTP URLs.
//!
//! In: names of objects, and bytes. Out: bytes, and what a store says of an object. Always: an object is read as the one
//! that was found (`If-Match`), or not at all; whether something exists is answered by "not found" alone. The only door
//! for object_store; its reactor is a thread of its own, which workers ask through channels. Without the feature `remote`
//! no store can be connected to, and that is all that differs.
//!
//! Not here: which objects are a lake's, and in which order they are written.

mod address;
#[cfg(feature = "remote")]
mod client;
#[cfg(feature = "remote")]
mod connect;
mod facts;
#[cfg(feature = "remote")]
mod failure;
mod held;
#[cfg(feature = "remote")]
mod reactor;
mod requests;
mod store;

pub use address::{ObjectAddress, StoreRoot};
#[cfg(all(feature = "remote", any(test, feature = "internal-api")))]
pub use client::ObjectClient;
pub use facts::{ObjectFacts, ObjectVersion};
pub use held::HeldUpload;
pub use requests::{ObjectBody, ObjectRequests, PutIf};
pub use store::Store;
