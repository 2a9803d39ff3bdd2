//! Counts by name. There are few for each capture, but every capture of a lake has them. So they are a list: a tree takes
//! ten times the memory.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Counts by name, in the order of the names. In JSON an object.
///
/// ```
/// # use parcap::plan::NamedCounts;
/// let mut counts = NamedCounts::default();
/// counts.add("zero_length", 2);
/// counts.add("ipv4_cut", 1);
/// counts.add("zero_length", 1);
/// assert_eq!(counts.iter().collect::<Vec<_>>(), [("ipv4_cut", 1), ("zero_length", 3)]);
/// assert_eq!(serde_json::to_string(&counts).unwrap(), r#"{"ipv4_cut":1,"zero_length":3}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedCounts(Vec<(Box<str>, u64)>);

impl NamedCounts {
    /// Adds to the count of a name, up to the greatest number.
    pub fn add(&mut self, name: &str, count: u64) {
        match self.0.iter_mut().find(|(held, _)| **held == *name) {
            // A result or a manifest that somebody else wrote may have any count.
            Some((_, held)) => *held = held.saturating_add(count),
            None => {
                let place = self.0.partition_point(|(held, _)| **held < *name);
                self.0.reserve_exact(1);
                self.0.insert(place, (name.into(), count));
            }
        }
    }

    /// Adds all counts of another one.
    pub fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|(name, count)| self.add(name, count));
    }

    /// The count of a name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.iter().find(|(held, _)| *held == name).map(|(_, count)| count)
    }

    /// Whether there are no counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (&**name, *count))
    }
}

impl Serialize for NamedCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for NamedCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedCountsVisitor;

        impl<'de> Visitor<'de> for NamedCountsVisitor {
            type Value = NamedCounts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedCounts, A::Error> {
                let mut counts = NamedCounts::default();
                while let Some((name, count)) = map.next_entry::<String, u64>()? {
                    counts.add(&name, count);
                }
                Ok(counts)
            }
        }

        deserializer.deserialize_map(NamedCountsVisitor)
    }
}
