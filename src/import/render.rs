//! Documents as text.

use std::{fmt::Write as _, sync::Arc};

use serde_json::Value;

use crate::{
    fleet::{API_VERSION, Kind, written as yaml},
    twin::{Map, set_path},
};

/// A profile to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProfileText {
    pub(super) name: String,
    /// `None` selects every device.
    pub(super) condition: Option<String>,
    pub(super) priority: usize,
    /// How many devices it selects.
    pub(super) devices: u64,
    pub(super) desired: Map,
}

/// Line one of every file: where an editor finds the schema.
pub(super) fn modeline(up: &str) -> String {
    format!("# yaml-language-server: $schema={up}schemas/fleet.schema.json\n")
}

fn head(kind: Kind, name: &str, out: &mut String) {
    out.push_str("apiVersion: ");
    out.push_str(API_VERSION);
    out.push_str("\nkind: ");
    out.push_str(kind.name());
    out.push_str("\nmetadata:\n  name: ");
    yaml::scalar(name, out);
    out.push('\n');
}

fn section(name: &str, members: &Map, out: &mut String) {
    if !members.is_empty() {
        out.push_str("  ");
        out.push_str(name);
        out.push_str(":\n");
        yaml::members(members, 4, out);
    }
}

/// The document of one device.
pub(super) fn device(id: &str, tags: &Map, desired: &Map) -> String {
    let mut out = String::new();
    head(Kind::Device, id, &mut out);
    if !tags.is_empty() || !desired.is_empty() {
        out.push_str("spec:\n");
    }
    section("tags", tags, &mut out);
    section("desired", desired, &mut out);
    out
}

/// A device that wants one component and nothing else.
pub(super) fn alone(id: &str, keys: &[Arc<str>], value: Value) -> String {
    let mut desired = Map::new();
    set_path(&mut desired, keys, value);
    device(id, &Map::new(), &desired)
}

/// A fleet of which only the name matters.
pub(super) fn bare_fleet() -> String {
    let mut out = String::new();
    head(Kind::Fleet, "import", &mut out);
    out
}

/// The fleet's own document.
pub(super) fn fleet(name: &str, hostname: Option<&str>) -> String {
    let mut out = modeline("./");
    out.push_str("#\n# Made from live twins. What stands in profiles is what devices have in common; what is left stands in their own\n# documents. Names, files and conditions are yours to change: a plan shows what a change would do.\n");
    head(Kind::Fleet, name, &mut out);
    out.push_str("spec:\n");
    if let Some(hostname) = hostname {
        out.push_str("  hub:\n    hostname: ");
        yaml::scalar(hostname, &mut out);
        out.push('\n');
    }
    out.push_str("  guard:\n    maxChanged: 20% # of the devices that this fleet manages already\n    maxPruned: 5%\n");
    out
}

/// A profile and the line that tells an editor its schema.
pub(super) fn profile(profile: &ProfileText) -> String {
    let noun = if profile.devices == 1 { "device" } else { "devices" };
    profile_with(profile, &format!("{} {noun} when it was imported.", profile.devices))
}

/// The same with another remark.
pub(super) fn profile_with(profile: &ProfileText, remark: &str) -> String {
    let mut out = modeline("../");
    // Writing to a String does not fail.
    let _infallible = writeln!(out, "# {remark}");
    head(Kind::Profile, &profile.name, &mut out);
    out.push_str("spec:\n");
    if let Some(condition) = &profile.condition {
        out.push_str("  where: ");
        yaml::sentence(condition, &mut out);
        out.push('\n');
    }
    let _infallible = writeln!(out, "  priority: {}", profile.priority);
    section("desired", &profile.desired, &mut out);
    out
}
