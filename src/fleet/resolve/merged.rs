//! Layers filled in, laid over each other and marked: the making of a [`Wanted`].

use std::sync::Arc;

use serde_json::Value;

use super::{
    layer::{Layer, Own},
    overlay::{Conflict, Origin, Overlay, lay},
    pointer,
    render::{Rendered, Way, render},
    template::{Fault, Scope},
};
use crate::{
    component::{Convention, Piece, Registry, device_agent, pnp},
    fleet::{DocumentRef, Finding, Place, Target, Wanted},
    twin::{Map, Section, get, same},
};

/// The desired properties of these layers, weakest first.
pub(super) fn merge(layers: &[Layer<'_>], scope: &Scope<'_>, findings: &mut Vec<Finding>) -> Wanted {
    let rendered: Vec<Rendered<'_>> = layers.iter().map(|layer| render(layer.desired, scope)).collect();
    for (layer, rendered) in layers.iter().zip(&rendered) {
        unfilled(layer.document, Section::Desired, &rendered.faults, findings);
    }
    let desired = overlaid(layers, &rendered, findings);
    let kept = |rendered: &Rendered<'_>, way: &Way| match (get(&rendered.values, way), get(&desired, way)) {
        (Some(own), Some(merged)) => same(own, merged),
        _ => false,
    };
    let secrets = rendered.iter().flat_map(|r| r.secrets.iter().filter(|way| kept(r, way)));
    let secrets = secrets.map(|way| Section::Desired.path(way.iter().cloned())).collect();
    Wanted { desired, secrets, ..Wanted::default() }
}

/// The layers laid over each other; those of one rank may contradict each other.
fn overlaid(layers: &[Layer<'_>], rendered: &[Rendered<'_>], findings: &mut Vec<Finding>) -> Map {
    if layers.is_sorted_by(|weaker, stronger| weaker.rank < stronger.rank) {
        let mut rendered = rendered.iter().map(|rendered| &rendered.values);
        let mut desired = rendered.next().map(|values| values.clone().into_owned()).unwrap_or_default();
        rendered.for_each(|values| lay(&mut desired, values));
        return desired;
    }
    let mut overlay = Overlay::default();
    for (at, (layer, rendered)) in layers.iter().zip(rendered).enumerate() {
        overlay.add(&rendered.values, Origin { layer: at, rank: layer.rank });
    }
    findings.extend(overlay.conflicts().iter().map(|conflict| contradiction(conflict, layers)));
    overlay.into_values()
}

/// The tags of a device's own document.
pub(super) fn tags(own: &Own<'_>, scope: &Scope<'_>, wanted: &mut Wanted, findings: &mut Vec<Finding>) {
    let rendered = render(&own.tags, scope);
    unfilled(own.document, Section::Tags, &rendered.faults, findings);
    wanted.secrets.extend(rendered.secrets.iter().map(|way| Section::Tags.path(way.iter().cloned())));
    wanted.tags = rendered.values.into_owned();
}

fn unfilled(document: &DocumentRef, section: Section, faults: &[(String, Fault)], findings: &mut Vec<Finding>) {
    for (below, fault) in faults {
        let place = pointer::place(document, pointer::section(section).to_owned() + below);
        let finding = Finding::error(fault.rule, fault.message.clone()).at(place);
        findings.push(Finding { help: fault.help.clone(), ..finding });
    }
}

fn contradiction(conflict: &Conflict, layers: &[Layer<'_>]) -> Finding {
    let at = |layer: usize| {
        let layer = layers.get(layer)?;
        Some((pointer::place(layer.document, pointer::value(Section::Desired, &conflict.keys)), layer.profile?))
    };
    let path = conflict.keys.join(".");
    let mut finding =
        Finding::error("equal-priority-conflict", format!("profiles of one priority set `{path}` differently"))
            .label("set here")
            .help("give one of them a higher `priority`, or let only one of them set it");
    if let Some((place, _)) = at(conflict.layer) {
        finding = finding.at(place);
    }
    for (place, name) in conflict.rivals.iter().filter_map(|rival| at(*rival)) {
        finding = finding.with(place, format!("the profile `{name}` sets it otherwise"));
    }
    finding
}

/// Makes what was merged ready to be compared: notes where the schemas mark a secret, and marks the components.
pub(super) fn complete(registry: &Registry, wanted: &mut Wanted) {
    let sensitive = registry.sensitive(&wanted.desired).into_iter().map(|way| Section::Desired.path(way));
    let new: Vec<_> = sensitive.filter(|path| !wanted.secrets.contains(path)).collect();
    wanted.secrets.extend(new);
    if !mark(registry, &mut wanted.desired) {
        return;
    }
    // A digest of a secret that is easily guessed gives it away.
    let groups = registry.pieces(&wanted.desired).into_iter().filter(|piece| piece.convention() == Convention::Dm2);
    let told: Vec<_> = groups
        .map(|piece| Section::Desired.path(piece.keys))
        .filter(|group| wanted.is_secret(group))
        .map(|group| Section::Desired.path(group.keys.into_iter().chain([device_agent::META.into()])))
        .collect();
    wanted.secrets.extend(told);
}

/// Hides the lines of findings in components that hold a secret by their schemas.
pub(super) fn hide(registry: &Registry, wanted: &Wanted, findings: &mut [Finding]) {
    let pieces = registry.pieces(&wanted.desired).into_iter();
    let secret = pieces.filter(|piece| registry.is_sensitive(&piece.keys, piece.value));
    let pointers: Vec<_> = secret.map(|piece| pointer::value(Section::Desired, &piece.keys)).collect();
    let within = |place: &Place| match &place.target {
        Target::Value(at) | Target::Key(at) | Target::Part { pointer: at, .. } => {
            pointers.iter().any(|pointer| at.starts_with(pointer.as_str()) || pointer.starts_with(at.as_str()))
        }
        Target::Bytes { .. } => false,
    };
    for finding in findings {
        let mut places = finding.place.iter().chain(finding.related.iter().map(|(place, _)| place));
        finding.hide_source |= places.any(within);
    }
}

/// Writes into the components what twinops itself says to devices: the marker of IoT Plug and Play (protocol reference
/// 15.2), and the `__meta` of the Device Agent's groups. One of which parts are only forbidden needs neither. Whether
/// there are groups of the Device Agent.
pub(super) fn mark(registry: &Registry, desired: &mut Map) -> bool {
    let marked = |piece: &Piece<'_>| piece.schema.is_some() && holds_something(piece.value);
    let pieces: Vec<_> =
        registry.pieces(desired).into_iter().filter(marked).map(|p| (p.convention(), p.keys)).collect();
    for (convention, keys) in &pieces {
        let Some(Value::Object(members)) = get_mut(desired, keys) else { continue };
        match convention {
            Convention::Pnp => _ = members.insert(pnp::MARKER.to_owned(), pnp::COMPONENT.into()),
            Convention::Dm2 => device_agent::fill_in(&keys.join("."), members),
            Convention::Dm1 | Convention::Echo => {}
        }
    }
    pieces.iter().any(|(convention, _)| *convention == Convention::Dm2)
}

fn get_mut<'a>(section: &'a mut Map, keys: &[Arc<str>]) -> Option<&'a mut Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(section.get_mut(&**first)?, |value, key| value.as_object_mut()?.get_mut(&**key))
}

/// Whether anything is wanted to be there; an object of nothing but nulls only forbids.
pub(super) fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(below) => below.is_empty() || below.values().any(holds_something),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
    }
}
