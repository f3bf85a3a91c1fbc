//! What will change, and why.

mod blocks;
mod hazard;
mod json;
mod parts;
mod quota;
mod remarks;
mod text;

use std::io;

use blocks::{Block, Entry};
pub(crate) use json::View;

use super::{
    escape::plain,
    page::Part,
    paper::{Paper, Report},
    places::{self, Places},
    remark::Remark,
    value::Shown,
    words,
};
use crate::plan::{Delta, Group, GroupKind, Plan, Why};

/// A plan, to be told.
#[derive(Clone, Copy)]
pub struct PlanReport<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The files that the values come from.
    pub places: &'a dyn Places,
}

/// A plan in numbers of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary {
    change: u64,
    prune: u64,
    adopt: u64,
    register: u64,
    held: u64,
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        let prunes = |group: &&Group| group.deltas.iter().any(|delta| delta.why == Why::Prune);
        let devices = |group: &Group| words::wide(group.devices.len());
        Self {
            change: plan.devices(GroupKind::Change),
            prune: plan.groups.iter().filter(prunes).map(devices).sum(),
            adopt: plan.devices(GroupKind::Adopt),
            register: plan.groups.iter().flat_map(|g| &g.devices).map(|d| u64::from(d.register.is_some())).sum(),
            held: plan.held(),
        }
    }

    /// `12 to change, 3 to prune, 2 to adopt, 5 to register; 380 unchanged`.
    fn words(self, unchanged: u64) -> String {
        let said = words::parts([
            (self.change, "to change"),
            (self.prune, "to prune"),
            (self.adopt, "to adopt"),
            (self.register, "to register"),
            (self.held, "held by rollouts"),
        ]);
        let said = if said.is_empty() { "nothing to change".to_owned() } else { said };
        format!("{said}; {unchanged} unchanged")
    }
}

impl PlanReport<'_> {
    fn summary(&self) -> String {
        Summary::of(self.plan).words(self.plan.counts.unchanged)
    }

    /// The hash, once it is known.
    fn hash(&self) -> String {
        self.plan.hash.as_ref().map(|hash| format!(", plan {hash}")).unwrap_or_default()
    }

    fn origin(&self, delta: &Delta) -> Option<String> {
        let place = delta.origin.as_ref()?;
        let Some(revision) = &delta.at else { return Some(places::origin(self.places, place)) };
        let found = self.places.locate_at(place, revision).map(|found| found.to_string());
        Some(format!("{} at {}", found.unwrap_or_else(|| place.file.to_string()), words::short(revision)))
    }
}

/// What happens to a value: a sign for the first column.
fn sign(delta: &Delta) -> char {
    match (&delta.from, &delta.to) {
        (_, None) => '-',
        (None, Some(_)) => '+',
        (Some(_), Some(_)) => '~',
    }
}

fn from(delta: &Delta) -> Shown<'_> {
    Shown::new(delta.from.as_ref(), delta.secret)
}

fn to(delta: &Delta) -> Shown<'_> {
    Shown::new(delta.to.as_ref(), delta.secret)
}

/// A value that git did not put there.
const EDITED: &str = "was changed outside git";

/// Why this is no plain setting of a value, if it is none.
fn reason(delta: &Delta) -> Option<String> {
    match &delta.why {
        Why::Pending => None,
        Why::Edited { base } => Some(format!("{EDITED}: base {}", Shown::new(base.as_ref(), delta.secret).line())),
        Why::Prune => Some("no longer declared".to_owned()),
        Why::Forbidden => Some("declared as null: must not be there".to_owned()),
    }
}

/// The values of a change on one line: `"a" -> "b"`.
fn values(delta: &Delta) -> String {
    match (from(delta), to(delta)) {
        (Shown::Nothing, value) | (value, Shown::Nothing) => value.line(),
        (from, to) => {
            let (from, to) = super::value::pair(from, to);
            format!("{from} -> {to}")
        }
    }
}

/// What a line of a block says of values.
fn said(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Shared { delta, .. } => values(delta),
        Entry::Varied { example, of, values: n, .. } => {
            let what = if sign(example) == '~' { "changes" } else { "values" };
            format!("{n} different {what}, e.g. {}: {}", plain(of.as_str()), values(example))
        }
    }
}

/// Where a change comes from, in words for the end of its line: that of a prune is where the value stood.
fn provenance(report: &PlanReport<'_>, entry: &Entry<'_>) -> String {
    let delta = entry.delta();
    let reason = match entry {
        Entry::Varied { example: Delta { why: Why::Edited { .. }, .. }, .. } => Some(EDITED.to_owned()),
        _ => reason(delta),
    };
    let origin = report.origin(delta).map(|origin| {
        let was = if delta.why == Why::Prune { "was " } else { "" };
        let others = if entry.elsewhere() { " and elsewhere" } else { "" };
        format!("{was}{origin}{others}")
    });
    let said: Vec<_> = [reason, origin].into_iter().flatten().collect();
    if said.is_empty() { String::new() } else { format!("  ({})", said.join(", ")) }
}

/// `… and 2 more groups with 6 properties`, for the blocks that are left out.
fn rest(blocks: &[Block<'_>]) -> Option<String> {
    let properties = blocks.iter().map(|block| words::wide(block.entries.len())).sum();
    let (groups, properties) =
        (words::count(words::wide(blocks.len()), "more group"), words::count(properties, "property"));
    (!blocks.is_empty()).then(|| format!("… and {groups} with {properties}, not shown here"))
}

/// `kiosk-0001, kiosk-0002, +7`.
fn devices(group: &Group, most: usize) -> String {
    words::named(group.devices.iter().map(|planned| &planned.device), group.devices.len(), most, str::to_owned)
}

impl Report for PlanReport<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn parts(&self, paper: &Paper) -> Vec<Part> {
        parts::of(self, paper)
    }

    fn remarks(&self, paper: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()> {
        remarks::tell(self, paper, take)
    }

    fn sum(&self) -> (&'static str, String) {
        ("Plan", self.summary())
    }
}

#[cfg(test)]
mod tests;
