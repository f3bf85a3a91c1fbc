//! What operators and devices do, drawn at random and printed so that a failure can be read.

use std::fmt;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    condition::{Condition, condition},
    value::{Short, section},
};

/// All devices and modules: few, so that operations meet.
pub(crate) const NAMES: [&str; 4] = ["d1", "d1/m1", "d2", "d2/m1"];

pub(crate) const RESPONSES: &str = "$iothub/twin/res/#";
pub(crate) const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";

/// The edition that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Absent,
    Any,
    Right,
    Wrong,
}

impl Match {
    /// Whether an edition that is there is meant, or whichever there is.
    pub(crate) const fn fits(self) -> bool {
        !matches!(self, Self::Wrong)
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// PUT of an identity.
    Put {
        name: &'static str,
        if_match: Match,
        disabled: bool,
        new_keys: bool,
    },
    /// DELETE of an identity.
    Delete {
        name: &'static str,
        if_match: Match,
    },
    /// PATCH or PUT of a twin.
    Write {
        name: &'static str,
        replaces: bool,
        tags: Option<Value>,
        desired: Option<Value>,
        if_match: Match,
    },
    Connect {
        name: &'static str,
        clean: bool,
        wrong_key: bool,
        filters: Vec<&'static str>,
    },
    Subscribe {
        name: &'static str,
        filter: &'static str,
    },
    Unsubscribe {
        name: &'static str,
        filter: &'static str,
    },
    Disconnect {
        name: &'static str,
        politely: bool,
    },
    /// A patch of reported properties.
    Report {
        name: &'static str,
        patch: Value,
        version: Match,
    },
    /// The device reads its twin.
    Get {
        name: &'static str,
    },
    Query {
        modules: bool,
        condition: Condition,
    },
    /// The hub ends and starts again in its state folder.
    Restart,
}

impl Operation {
    /// The body of a twin write.
    pub(crate) fn body(tags: Option<&Value>, desired: Option<&Value>) -> Value {
        let mut body = json!({});
        if let Some(tags) = tags {
            body["tags"] = tags.clone();
        }
        if let Some(desired) = desired {
            body["properties"] = json!({ "desired": desired });
        }
        body
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { name, if_match, disabled, new_keys } => {
                write!(f, "put identity {name}, If-Match {if_match:?}")?;
                f.write_str(if *disabled { ", disabled" } else { "" })?;
                f.write_str(if *new_keys { ", new keys" } else { "" })
            }
            Self::Delete { name, if_match } => write!(f, "delete identity {name}, If-Match {if_match:?}"),
            Self::Write { name, replaces, tags, desired, if_match } => {
                let body = Self::body(tags.as_ref(), desired.as_ref());
                let verb = if *replaces { "PUT" } else { "PATCH" };
                write!(f, "{verb} twin {name}, If-Match {if_match:?}: {}", Short(&body))
            }
            Self::Connect { name, clean, wrong_key, filters } => {
                let (clean, key) = (u8::from(*clean), if *wrong_key { " with a wrong key" } else { "" });
                write!(f, "{name} connects{key}, clean session {clean}, subscribes to {filters:?}")
            }
            Self::Subscribe { name, filter } => write!(f, "{name} subscribes to {filter}"),
            Self::Unsubscribe { name, filter } => write!(f, "{name} unsubscribes from {filter}"),
            Self::Disconnect { name, politely } => {
                write!(f, "{name} {}", if *politely { "disconnects" } else { "loses its connection" })
            }
            Self::Report { name, patch, version } => {
                write!(f, "{name} reports, $version {version:?}: {}", Short(patch))
            }
            Self::Get { name } => write!(f, "{name} reads its twin"),
            Self::Query { modules, condition } => {
                write!(f, "query {}: {condition}", if *modules { "modules" } else { "devices" })
            }
            Self::Restart => f.write_str("the hub restarts"),
        }
    }
}

/// Operations in a row, one a line.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) Vec<Operation>);

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, operation)| write!(f, "\n{:3}. {operation}", at + 1))
    }
}

/// Scripts of up to `most` operations. Smaller alternatives come first, because shrinking goes there.
pub(crate) fn script(most: usize) -> impl Strategy<Value = Script> {
    vec(operation(), 1..most).prop_map(Script)
}

fn operation() -> impl Strategy<Value = Operation> {
    let (name, filter) = (|| select(NAMES.to_vec()), || select(vec![RESPONSES, DESIRED]));
    let filters = || Just(vec![RESPONSES, DESIRED]);
    let often = |odds| prop::bool::weighted(odds);
    prop_oneof![
        10 => (name(), Just(Match::Absent)).prop_map(|(name, if_match)| {
            Operation::Put { name, if_match, disabled: false, new_keys: false }
        }),
        3 => (name(), any_match(), often(0.3), often(0.2)).prop_map(|(name, if_match, disabled, new_keys)| {
            Operation::Put { name, if_match, disabled, new_keys }
        }),
        3 => (name(), any_match()).prop_map(|(name, if_match)| Operation::Delete { name, if_match }),
        14 => (name(), often(0.2), option::of(section()), option::of(section()), any_match()).prop_map(
            |(name, replaces, tags, desired, if_match)| Operation::Write { name, replaces, tags, desired, if_match }
        ),
        8 => (name(), often(0.2), filters()).prop_map(|(name, clean, filters)| {
            Operation::Connect { name, clean, wrong_key: false, filters }
        }),
        2 => (name(), often(0.2), often(0.2)).prop_map(|(name, clean, wrong_key)| {
            Operation::Connect { name, clean, wrong_key, filters: Vec::new() }
        }),
        2 => (name(), filter()).prop_map(|(name, filter)| Operation::Subscribe { name, filter }),
        1 => (name(), filter()).prop_map(|(name, filter)| Operation::Unsubscribe { name, filter }),
        2 => (name(), any::<bool>()).prop_map(|(name, politely)| Operation::Disconnect { name, politely }),
        8 => (name(), section(), any_match()).prop_map(|(name, patch, version)| {
            Operation::Report { name, patch, version }
        }),
        3 => name().prop_map(|name| Operation::Get { name }),
        4 => (often(0.3), condition()).prop_map(|(modules, condition)| Operation::Query { modules, condition }),
        1 => Just(Operation::Restart),
    ]
}

fn any_match() -> impl Strategy<Value = Match> {
    prop_oneof![4 => Just(Match::Absent), 3 => Just(Match::Any), 3 => Just(Match::Right), 1 => Just(Match::Wrong)]
}
