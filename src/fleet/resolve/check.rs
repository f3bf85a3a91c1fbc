//! What can be told of a fleet's devices without a hub.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::Value;

use super::{
    Facts, Resolver,
    facts::{Root, Tags},
    layer::{CompiledProfile, Documents},
    pointer,
    render::Uses,
    room::Rooms,
    shadow, template,
};
use crate::{
    component::nearest,
    fleet::{Device, Finding, Place, Severity},
    query::Condition,
    twin::{DeviceId, Map},
};

/// Most findings worth telling: whoever has more mends these first.
const MOST: usize = 1000;

/// Resolves every declared device, and every profile that selects none of them by itself. Each finding comes once,
/// however many devices it touches.
pub fn check(resolver: &Resolver) -> Vec<Finding> {
    check_rest(resolver, Already::default(), &mut |_| ())
}

/// What was found out before about declared devices that the resolver does not have, all of it without a finding.
#[derive(Debug, Default)]
pub(in crate::fleet) struct Already {
    /// Whether there is one.
    pub(in crate::fleet) any: bool,
    /// Profiles that select one of them.
    pub(in crate::fleet) profiles: BTreeSet<usize>,
    /// Variables that one of them refers to.
    pub(in crate::fleet) variables: BTreeSet<Box<str>>,
}

/// What came of one device.
pub(in crate::fleet) struct Looked<'a> {
    pub(in crate::fleet) id: &'a DeviceId,
    /// The profiles that select it.
    pub(in crate::fleet) profiles: &'a [usize],
    /// Nothing was found.
    pub(in crate::fleet) is_clean: bool,
}

/// Checks a fleet some of whose devices have been checked already; `each` is told of the others.
pub(in crate::fleet) fn check_rest(
    resolver: &Resolver,
    already: Already,
    each: &mut dyn FnMut(Looked<'_>),
) -> Vec<Finding> {
    let Already { any, profiles: mut selected, variables: used } = already;
    let mut report = Report::default();
    variables(resolver, used, &mut report);
    conditions(resolver, &mut report);
    report.extend(shadow::unused(resolver));
    devices(resolver, &mut selected, each, &mut report);
    let any = any || !resolver.fleet().devices.is_empty();
    unselected(resolver, &selected, any, &mut report);
    report.findings
}

/// The variables that a device refers to.
pub(in crate::fleet) fn variables_of(device: &Device) -> BTreeSet<Box<str>> {
    if !device.may_refer() {
        return BTreeSet::new();
    }
    [device.tags(), device.desired()].iter().flat_map(|section| Uses::of(section).vars).collect()
}

#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
    seen: BTreeSet<(Option<Place>, &'static str, String)>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MOST
            && self.seen.insert((finding.place.clone(), finding.rule, finding.message.clone()))
        {
            self.findings.push(finding);
        }
    }
}

impl Extend<Finding> for Report {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        for finding in findings {
            self.add(finding);
        }
    }
}

/// Variables that nothing refers to, and variables that refer to something themselves.
fn variables(resolver: &Resolver, mut used: BTreeSet<Box<str>>, report: &mut Report) {
    let fleet = resolver.fleet();
    used.extend(resolver.profiles.iter().flat_map(|profile| profile.uses.vars.iter().cloned()));
    used.extend(fleet.devices.values().flat_map(|device| variables_of(device)));
    let place = |name: &str| {
        let document = fleet.document.as_ref()?;
        Some(pointer::place(document, pointer::variable(name)))
    };
    for (name, value) in &fleet.spec.vars {
        if !used.iter().any(|path| path.split('.').next() == Some(name)) {
            let near = nearest(
                name,
                used.iter().map(|path| &**path).filter(|p| template::variable(&fleet.spec.vars, p).is_none()),
            );
            let finding = Finding::warning("unused-variable", format!("nothing refers to the variable `{name}`"));
            let help = near.map_or_else(|| "remove it".to_owned(), |near| format!("`${{vars.{near}}}` refers to none"));
            report.add(Finding { place: place(name), ..finding.help(help) });
        }
        if refers(value) {
            let message = format!("the variable `{name}` refers to something else; variables hold plain values");
            let help = "put the reference where the variable is used, or write `$${` for a literal `${`";
            report.add(Finding { place: place(name), ..Finding::error("invalid-reference", message).help(help) });
        }
    }
}

fn refers(value: &Value) -> bool {
    match value {
        Value::String(text) => template::pieces(text)
            .is_ok_and(|pieces| pieces.iter().any(|piece| matches!(piece, template::Piece::Reference(_)))),
        Value::Array(items) => items.iter().any(refers),
        Value::Object(members) => members.values().any(refers),
        _ => false,
    }
}

/// Conditions that look at what follows from the documents, or comes and goes by itself.
fn conditions(resolver: &Resolver, report: &mut Report) {
    for CompiledProfile { profile, .. } in &resolver.profiles {
        let paths = profile.condition.iter().flat_map(Condition::paths);
        for path in paths.filter(|path| Root::of(path) == Root::Other) {
            let message = format!("a profile cannot select by `{path}`");
            let help = "select by `tags`, `properties.reported`, `deviceId` or `modelId`: the rest is not of the device \
                        itself, or changes with every commit";
            let place = pointer::place(&profile.document, "/spec/where");
            report.add(Finding::error("undecidable-selector", message).at(place).help(help));
        }
    }
}

/// Devices that one thread resolves at a time.
const BATCH: usize = 64;

/// Resolves the declared devices, and adds the profiles that select one of them.
fn devices(resolver: &Resolver, selected: &mut BTreeSet<usize>, each: &mut dyn FnMut(Looked<'_>), report: &mut Report) {
    let nothing = Map::new();
    let look = |id: &DeviceId| {
        let facts = Facts { id, tags: &nothing, reported: None, model_id: None };
        let (profiles, answer) = resolver.selected(&facts);
        let mut rooms = Rooms::default();
        if let Ok(Some(wanted)) = &answer {
            rooms.take(&resolver.fleet().name, id, wanted);
        }
        let findings = answer.err().map(|unresolved| (id.clone(), unresolved.findings));
        (profiles, findings, rooms)
    };
    let ids: Vec<&DeviceId> = resolver.fleet().devices.keys().collect();
    let mut rooms = Rooms::default();
    // By batches, so that what comes of a million devices is not all held at once.
    for batch in ids.chunks(BATCH * BATCH) {
        let results: Vec<_> = batch.par_iter().with_min_len(BATCH).map(|id| look(id)).collect();
        for (id, (profiles, findings, room)) in batch.iter().zip(results) {
            each(Looked { id, profiles: &profiles, is_clean: findings.is_none() && room.is_empty() });
            selected.extend(profiles);
            rooms.merge(room);
            if let Some((id, findings)) = findings {
                findings.iter().map(|finding| offline(finding, &id)).for_each(|finding| report.add(finding));
            }
        }
    }
    report.extend(rooms.findings(resolver));
}

/// A tag that no document sets may still be on the live twin.
fn offline(finding: &Finding, device: &DeviceId) -> Finding {
    let mut finding = finding.clone();
    if finding.rule == "missing-tag" {
        finding.severity = Severity::Warning;
        finding.label = Some(format!("not declared for `{device}`"));
    }
    finding
}

/// Resolves profiles that select no declared device each by itself: what it refers to has to be there all the same.
fn unselected(resolver: &Resolver, selected: &BTreeSet<usize>, any: bool, report: &mut Report) {
    let nothing = Map::new();
    let Ok(id) = DeviceId::new("device") else { return };
    let facts = Facts { id: &id, tags: &nothing, reported: None, model_id: None };
    for (at, CompiledProfile { profile, .. }) in resolver.profiles.iter().enumerate() {
        if selected.contains(&at) {
            continue;
        }
        let by_tags = profile
            .condition
            .iter()
            .flat_map(Condition::paths)
            .all(|path| matches!(Root::of(path), Root::Tags | Root::DeviceId));
        if by_tags && any {
            let message = format!("the profile `{}` selects none of the declared devices", profile.name);
            let place = pointer::place(&profile.document, "/spec/where");
            let help = "mend `where`, or leave it if it is meant for devices that enrol themselves";
            report.add(Finding::warning("selects-nothing", message).at(place).help(help));
        }
        let documents = Documents { profiles: vec![at], own: None };
        let tags = Tags { declared: None, live: &nothing };
        if let Err(findings) = resolver.resolve(&facts, &documents, tags, false) {
            findings.iter().filter(|finding| finding.rule != "missing-tag").cloned().for_each(|f| report.add(f));
        }
    }
}
