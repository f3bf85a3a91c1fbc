//! The body of the one PATCH that a device gets.

use serde_json::{Map as Members, Value, json};

pub(super) use super::marker::Signature;
use super::{
    diff::Change,
    marker,
    planner::{AGENT, PlanError, Planner, Subject, has_agent},
    rival, whole,
};
use crate::twin::{Map, Section, TwinRow, set_path};

/// Changes and marker in one body, so that they come true together; and the body that is to be written before it, if
/// there has to be one. `all` are the changes before rivals were left alone.
pub(super) fn bodies(
    planner: &Planner,
    subject: &Subject,
    row: &TwinRow<'_>,
    all: &[(Section, Change)],
    changes: &[(Section, Change)],
    signature: &Signature<'_>,
) -> Result<(Option<String>, String), PlanError> {
    let (mut tags, mut desired) = (Map::new(), Map::new());
    for (section, change) in changes {
        let target = if *section == Section::Tags { &mut tags } else { &mut desired };
        set_path(target, &change.keys, change.to.clone().unwrap_or(Value::Null));
    }
    let before = whole::complete(planner.resolver().registry(), subject, row, changes, &mut desired)?;
    // While the base is not to be had, the old marker stays: it alone still names what may be pruned one day.
    if subject.base_lost.is_none() {
        let returned = rival::counted(&subject.returned, all, changes, subject.is_at(signature.revision));
        sign(planner, subject, row, signature, returned, &mut tags, &mut desired)?;
    }
    let mut body = Members::new();
    if !tags.is_empty() {
        body.insert("tags".to_owned(), Value::Object(tags));
    }
    if !desired.is_empty() {
        body.insert("properties".to_owned(), json!({ "desired": desired }));
    }
    Ok((before.as_ref().map(whole::body), Value::Object(body).to_string()))
}

fn sign(
    planner: &Planner,
    subject: &Subject,
    row: &TwinRow<'_>,
    signature: &Signature<'_>,
    returned: Option<Value>,
    tags: &mut Map,
    desired: &mut Map,
) -> Result<(), PlanError> {
    let (fleet, live) = (&planner.fleet().name, row.tags()?);
    if subject.selected {
        marker::write(fleet, signature, &subject.class.wanted, returned, &live, tags);
        if has_agent(row) {
            set_path(desired, &[AGENT.into(), "__t".into()], json!("c"));
            set_path(desired, &[AGENT.into(), "revision".into()], json!(signature.revision));
        }
    } else {
        marker::remove(fleet, &live, tags);
        if row.properties.desired.member(AGENT).is_some() && !marker::is_shared(fleet, &live) {
            desired.insert(AGENT.to_owned(), Value::Null);
        }
    }
    Ok(())
}
