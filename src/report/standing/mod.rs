//! How devices stand against git: `drift` and `status`.

mod charts;
mod earlier;
mod fold;
mod json;
mod parts;
mod remarks;
mod text;

use std::{borrow::Cow, io};

use jiff::Timestamp;

pub use earlier::{Earlier, EarlierError, Moment};
pub(crate) use json::View;
pub(super) use text::style;

use super::{
    page::Part,
    paper::{Paper, Report},
    places::Places,
    remark::Remark,
    value::{SECRET, Shown},
    words,
};
use crate::plan::{DeviceVerdict, PropertyVerdict, Standing, Verdict};

/// A standing, to be told.
#[derive(Clone, Copy)]
pub struct StandingReport<'a> {
    /// The standing.
    pub standing: &'a Standing,
    /// The files that the values come from.
    pub places: &'a dyn Places,
    /// What is of interest.
    pub lens: Lens,
    /// When the twins were looked at, and what was told of them before.
    pub past: Past<'a>,
}

/// A standing's place in time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past<'a> {
    /// When the twins were looked at; `None` of a standing that is always the same.
    pub time: Option<Timestamp>,
    /// The report that what is new is told against.
    pub since: Option<&'a Earlier>,
    /// How the fleet stood before.
    pub history: &'a [Moment],
}

/// Which verdicts a report goes into; all of them are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lens {
    /// All that is not compliant.
    #[default]
    Status,
    /// What has left what git says, and not what is on its way to it.
    Drift,
}

impl Lens {
    const fn shows(self, verdict: Verdict) -> bool {
        match self {
            Self::Status => !matches!(verdict, Verdict::Compliant),
            Self::Drift => verdict.is_drift(),
        }
    }

    /// Whether people are shown each such property, and not only how many there are.
    const fn lists(self, verdict: Verdict, detail: bool) -> bool {
        self.shows(verdict) && (detail || !is_on_its_way(verdict))
    }
}

/// Nobody has to do anything: the device will answer, or come back.
const fn is_on_its_way(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pending | Verdict::InProgress | Verdict::Unreachable)
}

impl StandingReport<'_> {
    /// `Drift: 3 of 395 devices left what git says; 12 pending, 3 drifted`, in two parts.
    fn summary(&self) -> (&'static str, String) {
        let devices = &self.standing.devices;
        let total: u64 = devices.values().sum();
        let compliant = devices.get(&Verdict::Compliant).copied().unwrap_or(0);
        let drifted: u64 = devices.iter().filter(|(verdict, _)| verdict.is_drift()).map(|(_, n)| n).sum();
        let others = devices.iter().filter(|(verdict, _)| **verdict != Verdict::Compliant);
        let counts = words::parts(others.map(|(verdict, n)| (*n, verdict.word())));
        let counts = if counts.is_empty() { counts } else { format!("; {counts}") };
        let of = words::count(total, "device");
        match self.lens {
            Lens::Status => ("Status:", format!("{compliant} of {of} compliant{counts}")),
            Lens::Drift if drifted == 0 => ("Drift:", format!("none in {of}{counts}")),
            Lens::Drift => ("Drift:", format!("{drifted} of {of} left what git says{counts}")),
        }
    }

    /// When the twins were looked at, to the second.
    fn time(&self) -> Option<String> {
        Some(words::moment(&self.past.time?.to_string())?.into_owned())
    }

    /// `3 properties are new since 2026-09-01T08:00:00Z, 1 is as git says again`.
    fn news(&self, earlier: &Earlier) -> String {
        let new = words::wide(earlier.new_ones(self.standing, self.lens).count());
        let gone = earlier.gone(self.standing, self.lens);
        let revision = words::short(&earlier.revision);
        let since = earlier.time.and_then(|time| Some(words::moment(&time.to_string())?.into_owned()));
        let since = since.unwrap_or_else(|| format!("the report at {revision}"));
        format!("{} new since {since}, {gone} gone", words::count(new, "verdict"))
    }

    /// Devices that are waited for, those first that have been away longest.
    fn away(&self) -> Vec<&DeviceVerdict> {
        let outstanding = self.standing.outstanding.iter();
        let mut away: Vec<_> = outstanding.filter(|device| device.verdict == Verdict::Unreachable).collect();
        away.sort_by(|a, b| (&a.last_activity, &a.device).cmp(&(&b.last_activity, &b.device)));
        away
    }

    /// `12 properties are on their way`, when they are not listed.
    fn on_their_way(&self, detail: bool) -> Option<String> {
        let all = self.standing.properties.iter();
        let unlisted = all.filter(|(verdict, _)| self.lens.shows(**verdict) && !self.lens.lists(**verdict, detail));
        match unlisted.map(|(_, n)| n).sum() {
            0 => None,
            1 => Some("1 property is on its way".to_owned()),
            n => Some(format!("{} are on their way", words::count(n, "property"))),
        }
    }

    /// Verdicts that occur, worst first, with devices and properties.
    fn counts(&self) -> impl Iterator<Item = (Verdict, u64, u64)> {
        let standing = self.standing;
        let of = |map: &std::collections::BTreeMap<Verdict, u64>, verdict| map.get(verdict).copied().unwrap_or(0);
        Verdict::ALL.iter().rev().filter_map(move |verdict| {
            let (devices, properties) = (of(&standing.devices, verdict), of(&standing.properties, verdict));
            (devices + properties > 0).then_some((*verdict, devices, properties))
        })
    }
}

/// What a verdict means, for those who meet it for the first time.
const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Compliant => "as git says",
        Verdict::Pending => "not yet in the twin, or not yet answered",
        Verdict::InProgress => "the device is at work",
        Verdict::Unknown => "the device does not report on it",
        Verdict::Unreachable => "waiting for a device that is not connected",
        Verdict::Rejected => "the device answers that it cannot",
        Verdict::Failed => "the device tried and failed",
        Verdict::Drifted => "changed on the device",
        Verdict::Edited => "changed in the hub, outside git",
        Verdict::Contested => "another writer sets it as well",
    }
}

/// The values of a verdict that are worth a line: what git wants; the twin where it holds something else; the report
/// where it says something else than the twin.
fn values<'a>(fold: &fold::Fold<'a>) -> Vec<(&'static str, Shown<'a>)> {
    let wanted = ("wanted", Shown::new(fold.of.wanted.as_ref(), fold.of.secret));
    std::iter::once(wanted).chain(others(fold.of)).collect()
}

/// What the other sides hold where it is something else than what git wants.
pub(super) fn others(of: &PropertyVerdict) -> Vec<(&'static str, Shown<'_>)> {
    let show = |value| Shown::new(value, of.secret);
    let same = |a: &Option<serde_json::Value>, b: &Option<serde_json::Value>| match (a, b) {
        (Some(a), Some(b)) => crate::twin::same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let mut values = Vec::new();
    if !same(&of.wanted, &of.live) {
        values.push(("live", show(of.live.as_ref())));
    }
    if of.reported.is_some() && !same(&of.reported, &of.wanted) {
        values.push(("reported", show(of.reported.as_ref())));
    }
    values
}

/// What the device said. Devices like to quote the value that they refuse: a secret in it is not passed on.
pub(super) fn message(property: &PropertyVerdict) -> Option<Cow<'_, str>> {
    let message = property.message.as_deref()?;
    let values = [&property.wanted, &property.live, &property.reported];
    let secrets = values.into_iter().flatten().filter(|_| property.secret).filter_map(serde_json::Value::as_str);
    let conceal = |said: Cow<'_, str>, secret: &str| match secret {
        "" => said.into_owned(),
        secret => said.replace(secret, SECRET),
    };
    Some(secrets.fold(Cow::Borrowed(message), |said, secret| Cow::Owned(conceal(said, secret))))
}

impl Report for StandingReport<'_> {
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
        let (word, summary) = self.summary();
        (word.trim_end_matches(':'), summary)
    }
}

#[cfg(test)]
mod tests;
