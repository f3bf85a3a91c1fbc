//! What the guards say of a plan: the same below a plan and below its outcome, which records what was let pass.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Paper,
    escape::plain,
    json::Each,
    notices,
    page::{Inline, Part},
    paper::{RED, YELLOW},
    remark::{Level, Remark},
    words,
};
use crate::{
    fleet::GuardName,
    plan::guard::{Grant, Leave, Margin, Ruling},
    twin::DeviceId,
};

/// What one guard says of a plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Ruling")]
pub(crate) struct RulingView<'a> {
    /// Which guard.
    guard: GuardName,
    /// Whether it stops the plan.
    state: State,
    /// What the limit is and what the plan would do.
    message: &'a str,
    /// How many devices it is about.
    devices: u64,
    /// A few of them.
    samples: Vec<&'a str>,
    /// For `allowed`: who ran the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// For `exempt`: the exemptions of the repository.
    exemptions: Vec<GrantView<'a>>,
}

/// Whether a guard stops a plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RulingState")]
enum State {
    /// It does: nothing is written.
    Refused,
    /// Whoever ran the command let it pass with `--allow`.
    Allowed,
    /// The repository lets it pass.
    Exempt,
}

/// Who answers for an exemption.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Exemption")]
struct GrantView<'a> {
    /// Who answers for it.
    owner: &'a str,
    /// Why it may pass.
    reason: &'a str,
    /// Last day on which it may.
    until: &'a str,
}

impl<'a> From<&'a Ruling> for RulingView<'a> {
    fn from(ruling: &'a Ruling) -> Self {
        let (state, by, grants) = match &ruling.leave {
            None => (State::Refused, None, &[][..]),
            Some(Leave::Allowed { by }) => (State::Allowed, Some(by.as_str()), &[][..]),
            Some(Leave::Exempt(grants)) => (State::Exempt, None, grants.as_slice()),
        };
        let view = |Grant { owner, reason, until }: &'a Grant| GrantView { owner, reason, until };
        Self {
            guard: ruling.guard,
            state,
            message: &ruling.message,
            devices: ruling.devices,
            samples: ruling.samples.iter().map(DeviceId::as_str).collect(),
            by,
            exemptions: grants.iter().map(view).collect(),
        }
    }
}

/// What a plan uses of what a guard allows.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Margin")]
pub(crate) struct MarginView {
    /// Which guard.
    guard: GuardName,
    /// Devices that the plan would do this to.
    devices: u64,
    /// Devices that it may do this to.
    most: u64,
}

impl From<&Margin> for MarginView {
    fn from(&Margin { guard, devices, most }: &Margin) -> Self {
        Self { guard, devices, most }
    }
}

/// `maxChanged 12 of 25 devices, maxPruned 0 of 5 devices`: how near a plan comes to the guards that it passes.
pub(crate) fn margins(margins: &[Margin]) -> Option<String> {
    let told =
        |Margin { guard, devices, most }: &Margin| format!("{guard} {devices} of {}", words::count(*most, "device"));
    (!margins.is_empty()).then(|| margins.iter().map(told).collect::<Vec<_>>().join(", "))
}

/// The rulings as a list for programs.
pub(crate) fn views(rulings: &[Ruling]) -> Each<'_, Ruling, RulingView<'_>> {
    Each::new(rulings, RulingView::from)
}

const fn word(ruling: &Ruling) -> &'static str {
    match ruling.leave {
        None => "refused",
        Some(Leave::Allowed { .. }) => "allowed",
        Some(Leave::Exempt(_)) => "exempt",
    }
}

/// Who let it pass; empty for a refusal.
fn leave(ruling: &Ruling) -> String {
    match &ruling.leave {
        None => String::new(),
        Some(Leave::Allowed { by }) => format!(" (`--allow {}` of {by})", ruling.guard),
        Some(Leave::Exempt(grants)) => {
            let told = |Grant { owner, reason, until }: &Grant| format!("{owner}: {reason}, until {until}");
            format!(" ({})", grants.iter().map(told).collect::<Vec<_>>().join("; "))
        }
    }
}

fn named(ruling: &Ruling, most: usize, show: impl Fn(&str) -> String) -> Option<String> {
    let total = usize::try_from(ruling.devices).unwrap_or(usize::MAX);
    let names = words::named(&ruling.samples, total, most, show);
    (!ruling.samples.is_empty()).then(|| format!("{}: {names}", words::count(ruling.devices, "device")))
}

pub(crate) fn text(rulings: &[Ruling], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for ruling in rulings {
        let style = if ruling.leave.is_none() { RED } else { YELLOW };
        let label = paper.paint(style, format!("{}[{}]:", word(ruling), ruling.guard));
        writeln!(out, "{label} {}{}", plain(&ruling.message), plain(&leave(ruling)))?;
        if let Some(devices) = named(ruling, paper.limits.samples, plain) {
            writeln!(out, "  {devices}")?;
        }
    }
    if rulings.is_empty() { Ok(()) } else { writeln!(out) }
}

/// The rulings as a part of a page; `None` without any.
pub(crate) fn part(rulings: &[Ruling], paper: &Paper) -> Option<Part> {
    let item = |ruling: &Ruling| {
        let line = Inline::default().strong(word(ruling)).prose(" ").code(ruling.guard.word());
        let line = line.prose(format!(": {}{}", ruling.message, leave(ruling)));
        let total = usize::try_from(ruling.devices).unwrap_or(usize::MAX);
        if ruling.samples.is_empty() {
            line
        } else {
            line.and(notices::devices(&ruling.samples, total, paper.limits.samples))
        }
    };
    (!rulings.is_empty()).then(|| Part::first("guards").list(rulings.iter().map(item)))
}

pub(crate) fn remarks(
    rulings: &[Ruling],
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for ruling in rulings {
        let level = if ruling.leave.is_none() { Level::Error } else { Level::Warning };
        let devices = named(ruling, paper.limits.samples, str::to_owned).map(|devices| format!("\n{devices}"));
        let message = format!("{}{}{}", ruling.message, leave(ruling), devices.unwrap_or_default());
        let title = format!("{}: {}", word(ruling), ruling.guard);
        take(&Remark { level, rule: ruling.guard.word(), title, message, location: None, ..Remark::default() })?;
    }
    Ok(())
}
