//! What operators and devices do, drawn at random and printed so that a failure can be read.

use std::fmt;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    condition::{Condition, condition},
    model::device_of,
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

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Any => "*",
            Self::Right => "right",
            Self::Wrong => "wrong",
        })
    }
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
    /// Whom it can make a difference to: a device and its modules, or everybody.
    pub(crate) fn concerns(&self, other: &str) -> bool {
        match self {
            Self::Query { .. } | Self::Restart => true,
            Self::Put { name, .. }
            | Self::Delete { name, .. }
            | Self::Write { name, .. }
            | Self::Connect { name, .. }
            | Self::Subscribe { name, .. }
            | Self::Unsubscribe { name, .. }
            | Self::Disconnect { name, .. }
            | Self::Report { name, .. }
            | Self::Get { name } => device_of(name) == device_of(other),
        }
    }

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
                write!(f, "put identity {name}, If-Match {if_match}")?;
                f.write_str(if *disabled { ", disabled" } else { "" })?;
                f.write_str(if *new_keys { ", new keys" } else { "" })
            }
            Self::Delete { name, if_match } => write!(f, "delete identity {name}, If-Match {if_match}"),
            Self::Write { name, replaces, tags, desired, if_match } => {
                let body = Self::body(tags.as_ref(), desired.as_ref());
                let verb = if *replaces { "PUT" } else { "PATCH" };
                write!(f, "{verb} twin {name}, If-Match {if_match}: {}", Short(&body))
            }
            Self::Connect { name, clean, wrong_key, filters } => {
                let (clean, key) = (u8::from(*clean), if *wrong_key { " with a wrong key" } else { "" });
                write!(f, "{name} connects{key}, clean session {clean}, subscribes to [{}]", filters.join(", "))
            }
            Self::Subscribe { name, filter } => write!(f, "{name} subscribes to {filter}"),
            Self::Unsubscribe { name, filter } => write!(f, "{name} unsubscribes from {filter}"),
            Self::Disconnect { name, politely } => {
                write!(f, "{name} {}", if *politely { "disconnects" } else { "loses its connection" })
            }
            Self::Report { name, patch, version } => {
                write!(f, "{name} reports, $version {version}: {}", Short(patch))
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

/// Scripts of up to `most` operations, most of them on a stage that is set. Smaller alternatives come first, because
/// shrinking goes there.
pub(crate) fn script(most: usize) -> impl Strategy<Value = Script> {
    let [device, module, other, _] = NAMES;
    let put = |name| Operation::Put { name, if_match: Match::Absent, disabled: false, new_keys: false };
    let connect = |name| Operation::Connect { name, clean: false, wrong_key: false, filters: vec![RESPONSES, DESIRED] };
    let first = [put(device), put(module), put(other), connect(device), connect(module)];
    let first = first.map(|one| prop::bool::weighted(0.9).prop_map(move |is_done| is_done.then(|| one.clone())));
    (first, vec(operation(), 1..most))
        .prop_map(|(first, then)| Script(first.into_iter().flatten().chain(then).collect()))
}

fn operation() -> impl Strategy<Value = Operation> {
    let filter = || select(vec![RESPONSES, DESIRED]);
    let often = |odds| prop::bool::weighted(odds);
    let sections = || option::weighted(0.7, section());
    prop_oneof![
        6 => name().prop_map(|name| Operation::Put { name, if_match: Match::Absent, disabled: false, new_keys: false }),
        3 => name().prop_map(|name| Operation::Put { name, if_match: Match::Any, disabled: false, new_keys: false }),
        4 => (name(), any_match(), often(0.4), often(0.4)).prop_map(|(name, if_match, disabled, new_keys)| {
            Operation::Put { name, if_match, disabled, new_keys }
        }),
        2 => (name(), any_match()).prop_map(|(name, if_match)| Operation::Delete { name, if_match }),
        20 => (name(), often(0.25), sections(), sections(), any_match()).prop_map(
            |(name, replaces, tags, desired, if_match)| Operation::Write { name, replaces, tags, desired, if_match }
        ),
        12 => (name(), often(0.2)).prop_map(|(name, clean)| {
            Operation::Connect { name, clean, wrong_key: false, filters: vec![RESPONSES, DESIRED] }
        }),
        3 => (name(), often(0.2), often(0.2)).prop_map(|(name, clean, wrong_key)| {
            Operation::Connect { name, clean, wrong_key, filters: Vec::new() }
        }),
        2 => (name(), filter()).prop_map(|(name, filter)| Operation::Subscribe { name, filter }),
        1 => (name(), filter()).prop_map(|(name, filter)| Operation::Unsubscribe { name, filter }),
        2 => (name(), any::<bool>()).prop_map(|(name, politely)| Operation::Disconnect { name, politely }),
        10 => (name(), section(), any_match()).prop_map(|(name, patch, version)| {
            Operation::Report { name, patch, version }
        }),
        2 => name().prop_map(|name| Operation::Get { name }),
        5 => (often(0.3), condition()).prop_map(|(modules, condition)| Operation::Query { modules, condition }),
        1 => Just(Operation::Restart),
    ]
}

/// One more often than the others, so that much happens to it.
fn name() -> impl Strategy<Value = &'static str> {
    let [device, module, other, others] = NAMES;
    prop_oneof![4 => Just(device), 3 => Just(module), 1 => Just(other), 1 => Just(others)]
}

fn any_match() -> impl Strategy<Value = Match> {
    prop_oneof![4 => Just(Match::Absent), 3 => Just(Match::Any), 3 => Just(Match::Right), 1 => Just(Match::Wrong)]
}
