//! What will change, and why.

mod json;
mod markdown;
mod remarks;
mod text;

use std::io;

pub(crate) use json::View;

use super::{
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
        }
    }

    /// `12 to change, 3 to prune, 2 to adopt, 5 to register; 380 unchanged`.
    fn words(self, unchanged: u64) -> String {
        let said = words::parts([
            (self.change, "to change"),
            (self.prune, "to prune"),
            (self.adopt, "to adopt"),
            (self.register, "to register"),
        ]);
        let said = if said.is_empty() { "nothing to change".to_owned() } else { said };
        format!("{said}; {unchanged} unchanged")
    }
}

impl PlanReport<'_> {
    fn summary(&self) -> String {
        Summary::of(self.plan).words(self.plan.counts.unchanged)
    }

    fn origin(&self, delta: &Delta) -> Option<String> {
        delta.origin.as_ref().map(|place| places::origin(self.places, place))
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

/// Why this is no plain setting of a value, if it is none.
fn reason(delta: &Delta) -> Option<String> {
    match &delta.why {
        Why::Pending => None,
        Why::Edited { base } => {
            Some(format!("was changed outside git: base {}", Shown::new(base.as_ref(), delta.secret).line()))
        }
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

/// Where a change comes from, in words for the end of its line: that of a prune is where the value stood.
fn provenance(report: &PlanReport<'_>, delta: &Delta) -> String {
    let origin = report.origin(delta).map(|origin| match delta.why {
        Why::Prune => format!("was {origin}"),
        _ => origin,
    });
    let said: Vec<_> = [reason(delta), origin].into_iter().flatten().collect();
    if said.is_empty() { String::new() } else { format!("  ({})", said.join(", ")) }
}

/// `kiosk-0001, kiosk-0002, +7`, or with each name in other clothes.
fn devices(group: &Group, most: usize, show: impl Fn(&str) -> String) -> String {
    words::named(group.devices.iter().map(|planned| &planned.device), group.devices.len(), most, show)
}

/// What a group is, when its values do not say it.
fn remark(group: &Group) -> Option<String> {
    let register = words::wide(group.devices.iter().filter(|planned| planned.register.is_some()).count());
    match (group.kind, register) {
        (GroupKind::Adopt, _) => Some("adopt: only the marker is written".to_owned()),
        (GroupKind::Change, 0) => None,
        (GroupKind::Change, n) if n == words::wide(group.devices.len()) => Some("registered first".to_owned()),
        (GroupKind::Change, n) => Some(format!("{n} of them registered first")),
    }
}

impl Report for PlanReport<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn markdown(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        markdown::write(self, paper, out)
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
