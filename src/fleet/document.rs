//! One document: from a JSON value to its type, with everything that can be said about it alone.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    check,
    finding::Finding,
    kind::{API_VERSION, Kind},
    model::{Device, DeviceSpec, FleetSpec, Profile, ProfileSpec},
    model_rollout::{ApprovalSpec, RolloutSpec},
    rollout::{Approval, Rollout},
    schema::{self, Components},
    site::Site,
};
use crate::{
    component::nearest,
    twin::{DeviceId, Map},
};

/// A document that has its type.
#[derive(Debug)]
pub(super) enum Document {
    Fleet { name: String, spec: FleetSpec },
    Profile(Profile),
    Device(DeviceId, Device),
    Rollout(Rollout),
    Approval { name: String, approval: Approval },
}

/// Reads a document: its kind, its shape, its type, and the rules that look at nothing else. `None` when it cannot
/// have its type; the findings say why.
pub(super) fn read(
    site: Site<'_>,
    value: Value,
    components: &Components,
    findings: &mut Vec<Finding>,
) -> Option<Document> {
    let kind = kind(site, &value, findings)?;
    let faults = schema::check_document(kind, &value);
    if !faults.is_empty() {
        findings.extend(faults.into_iter().map(|fault| fault.finding(site.file, site.number, "")));
        return None;
    }
    let (name, spec) = take(value);
    match kind {
        Kind::Fleet => {
            let spec: FleetSpec = typed(site, spec, findings)?;
            check::fleet(site, &name, &spec, findings);
            Some(Document::Fleet { name, spec })
        }
        Kind::Profile => profile(site, &name, spec, components, findings),
        Kind::Device => device(site, &name, spec, components, findings),
        Kind::Rollout => {
            let spec: RolloutSpec = typed(site, spec, findings)?;
            check::rollout(site, &spec, findings);
            Some(Document::Rollout(Rollout::new(&name, site.document(), &spec)?))
        }
        Kind::Approval => {
            let spec: ApprovalSpec = typed(site, spec, findings)?;
            check::approval(site, &spec, findings);
            Some(Document::Approval { name, approval: Approval { document: site.document(), spec } })
        }
    }
}

fn profile(
    site: Site<'_>,
    name: &str,
    mut spec: Value,
    components: &Components,
    findings: &mut Vec<Finding>,
) -> Option<Document> {
    let desired = take_map(&mut spec, "desired");
    let ProfileSpec { selector, priority, .. } = typed(site, spec, findings)?;
    check::desired(site, &desired, components, findings);
    let condition = match &selector {
        Some(text) => Some(check::condition(site, "/spec/where", text, findings)?),
        None => None,
    };
    Some(Document::Profile(Profile { name: name.into(), document: site.document(), condition, priority, desired }))
}

fn device(
    site: Site<'_>,
    name: &str,
    mut spec: Value,
    components: &Components,
    findings: &mut Vec<Finding>,
) -> Option<Document> {
    let (tags, desired) = (take_map(&mut spec, "tags"), take_map(&mut spec, "desired"));
    let DeviceSpec { identity, .. } = typed(site, spec, findings)?;
    check::desired(site, &desired, components, findings);
    check::tags(site, &tags, findings);
    let id = match DeviceId::new(name) {
        Ok(id) => id,
        Err(error) => {
            let finding = Finding::error("bad-device-id", error.to_string()).at(site.value("/metadata/name"));
            findings.push(finding.help("a device's document is named by its device id"));
            return None;
        }
    };
    Some(Document::Device(id, Device::new(site.document(), identity, &tags, &desired)))
}

/// What the document says it is, when it is of ours.
fn kind(site: Site<'_>, value: &Value, findings: &mut Vec<Finding>) -> Option<Kind> {
    let mut refuse = |finding: Finding| {
        findings.push(finding);
        None
    };
    let Value::Object(members) = value else {
        let message = "a document is a mapping with `apiVersion`, `kind`, `metadata` and `spec`";
        return refuse(Finding::error("not-a-document", message).at(site.value("")));
    };
    match members.get("apiVersion") {
        Some(Value::String(version)) if version == API_VERSION => {}
        Some(_) => {
            let finding = Finding::error("api-version", format!("`apiVersion` has to be `{API_VERSION}`"));
            return refuse(finding.at(site.value("/apiVersion")));
        }
        None => {
            let finding = Finding::error("api-version", "this is no document of twinops: `apiVersion` is missing");
            let help = format!(
                "begin with `apiVersion: {API_VERSION}`, or keep other YAML outside the fleet's root or in a folder whose name begins with a dot"
            );
            return refuse(finding.at(site.value("")).help(help));
        }
    }
    let names = || Kind::ALL.map(Kind::name);
    let known = names().join(", ");
    match members.get("kind") {
        Some(Value::String(name)) => Kind::of(name).or_else(|| {
            let help = nearest(name, names())
                .map_or_else(|| format!("known kinds: {known}"), |near| format!("did you mean `{near}`?"));
            refuse(
                Finding::error("unknown-kind", format!("there is no kind `{name}`")).at(site.value("/kind")).help(help),
            )
        }),
        Some(_) => refuse(Finding::error("unknown-kind", format!("`kind` is one of {known}")).at(site.value("/kind"))),
        None => refuse(
            Finding::error("unknown-kind", "`kind` is missing")
                .at(site.value(""))
                .help(format!("known kinds: {known}")),
        ),
    }
}

/// Name and spec of a document whose shape is right.
fn take(mut value: Value) -> (String, Value) {
    let name = match value.pointer_mut("/metadata/name") {
        Some(Value::String(name)) => std::mem::take(name),
        _ => String::new(),
    };
    let spec = value.get_mut("spec").map_or_else(|| Value::Object(serde_json::Map::new()), Value::take);
    (name, spec)
}

/// A member that is free in form, moved out: giving it a type would rebuild it value by value.
fn take_map(spec: &mut Value, name: &str) -> Map {
    match spec.as_object_mut().and_then(|members| members.remove(name)) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn typed<T: DeserializeOwned>(site: Site<'_>, spec: Value, findings: &mut Vec<Finding>) -> Option<T> {
    match serde_json::from_value(spec) {
        Ok(spec) => Some(spec),
        Err(error) => {
            findings.push(Finding::error("schema", error.to_string()).at(site.value("/spec")));
            None
        }
    }
}
