//! A store that is connected to, as the rest of the code has it.

use std::collections::HashMap;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::address::StoreRoot;
use super::requests::ObjectRequests;

/// A bucket, container or server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<dyn ObjectRequests>);

/// Stores of this process, by their roots: connections and credentials are used again.
static CONNECTED: Mutex<Option<HashMap<(u32, StoreRoot), Store>>> = Mutex::new(None);

impl Store {
    /// The store of a root. Nothing is asked of it yet.
    ///
    /// # Errors
    /// If the environment has settings for it that are no settings, or if parcap was built without the feature `remote`.
    pub fn connect(root: &StoreRoot) -> io::Result<Self> {
        let mut connected = CONNECTED.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = connected.get_or_insert_default();
        let name = (std::process::id(), root.clone());
        if let Some(store) = connected.get(&name) {
            return Ok(store.clone());
        }
        let store = connect(root)?;
        connected.insert(name, store.clone());
        Ok(store)
    }

    /// A store whose requests are answered by something of one's own.
    #[cfg(any(feature = "remote", test, feature = "internal-api"))]
    #[must_use]
    pub fn of(requests: Arc<dyn ObjectRequests>) -> Self {
        Self(requests)
    }

    /// Makes a store answer for a root in this process, in place of what is there. For tests.
    #[cfg(any(test, feature = "internal-api"))]
    pub fn stand_in(root: &StoreRoot, store: Self) {
        let mut connected = CONNECTED.lock().unwrap_or_else(PoisonError::into_inner);
        connected.get_or_insert_default().insert((std::process::id(), root.clone()), store);
    }
}

impl Deref for Store {
    type Target = dyn ObjectRequests;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[cfg(feature = "remote")]
fn connect(root: &StoreRoot) -> io::Result<Store> {
    super::connect::connect(root)
}

#[cfg(not(feature = "remote"))]
fn connect(root: &StoreRoot) -> io::Result<Store> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{root}: this parcap was built without object stores (the feature `remote`)"),
    ))
}
