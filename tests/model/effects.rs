//! What is seen of an operation, by the model and by the clients of the hub.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::value::Short;

/// Of a device, or of a module as `device/module`.
pub(crate) type Name = &'static str;

/// What an operation comes to, to be seen from outside.
#[derive(Default, PartialEq)]
pub(crate) struct Effects {
    /// `iothub-errorcode`, or what a connect is refused with.
    pub(crate) error: Option<String>,
    /// Links that the hub ends.
    pub(crate) closed: BTreeSet<Name>,
    /// Topic and body of what devices receive.
    pub(crate) told: BTreeMap<Name, Vec<(String, Value)>>,
    /// What a query finds.
    pub(crate) rows: Vec<Value>,
    /// Whether the hub remembers the session of whoever connects.
    pub(crate) is_resumed: bool,
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error.as_deref().unwrap_or("none");
        let closed = self.closed.iter().copied().collect::<Vec<_>>().join(", ");
        write!(f, "error {error}, links closed [{closed}], session resumed {}", self.is_resumed)?;
        for (name, messages) in &self.told {
            messages.iter().try_for_each(|(topic, body)| write!(f, "\n    {name} is told {topic}: {}", Short(body)))?;
        }
        self.rows.iter().try_for_each(|row| write!(f, "\n    row {}", Short(row)))
    }
}
