//! How devices stand: the verdicts of one twin, and the count of many.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Aspects, DeviceVerdict, Notice, PlanError, Planner, PropertyVerdict, Standing, Verdict, Why,
    breakdown::Breakdown,
    compliance::{self, Answer, Halves},
    diff::Change,
    marker::Marker,
    planner::Subject,
    rival::{self, Rival},
};
use crate::twin::{DeviceId, Map, PropertyPath, Section, Twin, TwinRow};

impl Planner {
    /// The verdicts of one twin; `None` when no document applies to it and it never was ours.
    ///
    /// # Errors
    /// When the twin cannot be read, or the fleet does not say what this device should be.
    pub fn verdict(&self, row: &TwinRow<'_>) -> Result<Option<DeviceVerdict>, PlanError> {
        Ok(self.judge(row, None)?.map(|(device, _)| device))
    }

    /// The same, with what is counted of the twin besides: its components, and the value of a tag.
    ///
    /// # Errors
    /// When the twin cannot be read, or the fleet does not say what this device should be.
    pub fn judge(
        &self,
        row: &TwinRow<'_>,
        tag: Option<&PropertyPath>,
    ) -> Result<Option<(DeviceVerdict, Aspects)>, PlanError> {
        let subject = self.subject(row)?;
        if !subject.selected && !subject.managed {
            return Ok(None);
        }
        let twin = row.to_twin()?;
        let changes = self.changes(&subject, row)?;
        let mut all = self.in_hub(&subject, &twin, &rival::applied(row)?, &changes);
        let awaits = subject.member.is_some() && !all.is_empty();
        all.extend(self.on_device(&subject, &twin, &changes));
        let revision = Marker::find(&self.fleet().name, &twin.tags).map(|m| m.revision.into_owned());
        let verdict = all.iter().map(|p| p.verdict).max().unwrap_or(Verdict::Compliant);
        let compliant = all.iter().filter(|p| p.verdict == Verdict::Compliant).count();
        let aspects = Aspects::of(&all, &twin.tags, tag);
        all.retain(|p| p.verdict != Verdict::Compliant);
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let device = DeviceVerdict {
            verdict,
            connected: twin.is_connected(),
            last_activity: twin.last_activity_time,
            revision,
            compliant: u32::try_from(compliant).unwrap_or(u32::MAX),
            properties: all,
            ignored: self.left_alone(&changes),
            awaits_rollout: awaits,
            device: twin.device_id,
        };
        Ok(Some((device, aspects)))
    }

    fn left_alone(&self, changes: &[(Section, Change)]) -> BTreeSet<PropertyPath> {
        let paths = changes.iter().map(|(section, change)| section.path(change.keys.iter().cloned()));
        paths.filter_map(|path| self.ignored_by(&path).cloned()).collect()
    }

    /// Where the twin itself is not as git wants it.
    fn in_hub(
        &self,
        subject: &Subject,
        twin: &Twin,
        applied: &Map,
        changes: &[(Section, Change)],
    ) -> Vec<PropertyVerdict> {
        let mut found = Vec::new();
        for (section, change) in changes {
            let path = section.path(change.keys.iter().cloned());
            if self.is_ignored(&path) {
                continue;
            }
            let metadata = &twin.properties.desired.metadata;
            let rival = rival::of(*section, change, metadata, applied, &subject.returned);
            let (by, message) = match &rival {
                Some(Rival::Configuration(id)) => (Some(id.clone()), None),
                Some(Rival::Unknown(times)) => {
                    (None, Some(format!("was written {times} times, and is something else again")))
                }
                None => (None, None),
            };
            let verdict = match (&rival, &change.why) {
                (Some(_), _) => Verdict::Contested,
                (None, Why::Edited { .. }) => Verdict::Edited,
                (None, Why::Pending | Why::Prune | Why::Forbidden) => Verdict::Pending,
            };
            let since = (*section == Section::Desired).then(|| stamp(metadata, &change.keys)).flatten();
            found.push(PropertyVerdict {
                verdict,
                wanted: change.to.clone(),
                live: change.from.clone(),
                reported: None,
                since,
                message,
                by,
                origin: self.resolver().origin(&subject.class.wanted, &path),
                secret: subject.class.is_secret(&path) || self.marks(&path, [&change.from, &change.to]),
                path,
            });
        }
        found
    }

    /// Where the twin is as git wants it: what the device says.
    pub(super) fn on_device(
        &self,
        subject: &Subject,
        twin: &Twin,
        changes: &[(Section, Change)],
    ) -> Vec<PropertyVerdict> {
        let twin_halves = Halves {
            desired: &twin.properties.desired,
            reported: &twin.properties.reported,
            connected: twin.is_connected(),
        };
        let mut found = Vec::new();
        for component in &subject.class.components {
            let Some(wanted) = component.wanted.as_ref() else { continue };
            let pieces = self.resolver().registry().pieces_of(&component.name, wanted);
            for piece in pieces.into_iter().filter(|piece| !piece.value.is_null()) {
                for answer in compliance::check(&piece, twin_halves) {
                    if !is_being_changed(&answer, changes) {
                        found.extend(self.answered(subject, twin, answer));
                    }
                }
            }
        }
        found
    }

    fn answered(&self, subject: &Subject, twin: &Twin, answer: Answer) -> Option<PropertyVerdict> {
        let path = Section::Desired.path(answer.keys);
        if self.is_ignored(&path) {
            return None;
        }
        let live = crate::twin::get(&twin.properties.desired.values, &path.keys);
        let wanted =
            crate::twin::get(&subject.class.wanted.desired, &path.keys).or_else(|| unwrapped(subject, &path.keys));
        let secret = subject.class.is_secret(&path) || self.marks(&path, [&answer.reported, &live.cloned()]);
        let said =
            |message: String| if secret { conceal(message, [wanted, live, answer.reported.as_ref()]) } else { message };
        Some(PropertyVerdict {
            verdict: answer.verdict,
            wanted: wanted.cloned(),
            live: live.or(wanted).cloned(),
            message: answer.message.map(said),
            reported: answer.reported,
            since: answer.since,
            by: None,
            origin: self.resolver().origin(&subject.class.wanted, &path),
            secret,
            path,
        })
    }
}

/// A field that the client reports flat although it is asked for below `applyProperties`.
fn unwrapped<'a>(subject: &'a Subject, keys: &[Arc<str>]) -> Option<&'a Value> {
    let (field, section) = keys.split_last()?;
    crate::twin::get(&subject.class.wanted.desired, section)?.get("applyProperties")?.get(&**field)
}

/// The hub's value of this property is about to change: the device has not been asked yet.
fn is_being_changed(answer: &Answer, changes: &[(Section, Change)]) -> bool {
    changes.iter().any(|(section, change)| {
        *section == Section::Desired && (change.keys.starts_with(&answer.keys) || answer.keys.starts_with(&change.keys))
    })
}

/// Devices like to quote the value that they refuse: a secret in their words goes no further than here.
fn conceal(message: String, values: [Option<&Value>; 3]) -> String {
    let mut texts = Vec::new();
    values.into_iter().flatten().for_each(|value| gather(value, &mut texts));
    // A secret may be the beginning of another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.into_iter().filter(|text| !text.is_empty()).fold(message, |said, text| said.replace(text, "(secret)"))
}

/// Every text of a value, however deep.
fn gather<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => members.values().for_each(|member| gather(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// When the node nearest to these keys was last written.
pub(super) fn stamp(metadata: &Value, keys: &[Arc<str>]) -> Option<String> {
    let mut node = metadata;
    for key in keys {
        match node.get(&**key) {
            Some(below) => node = below,
            None => break,
        }
    }
    Some(node.get("$lastUpdated")?.as_str()?.to_owned())
}

/// Most devices that a standing names; the rest is counted.
const OUTSTANDING: usize = 40_000;

/// Counts the verdicts of many devices.
#[derive(Default)]
pub struct Tally {
    devices: BTreeMap<Verdict, u64>,
    properties: BTreeMap<Verdict, u64>,
    outstanding: Vec<DeviceVerdict>,
    not_shown: u64,
    ignored: BTreeMap<String, u64>,
    notices: Vec<Notice>,
    seen: std::collections::HashSet<DeviceId>,
    breakdown: Breakdown,
}

impl Tally {
    /// A tally that tells devices apart by a tag, too.
    pub fn by(tag: Option<PropertyPath>) -> Self {
        Self { breakdown: Breakdown::by(tag), ..Self::default() }
    }

    /// Takes one device with what is counted of it besides.
    pub fn take_all(&mut self, (device, aspects): (DeviceVerdict, Aspects), declared: bool) {
        self.breakdown.take(aspects, device.verdict);
        self.take(device, declared);
    }

    /// Takes one device.
    pub fn take(&mut self, device: DeviceVerdict, declared: bool) {
        *self.devices.entry(device.verdict).or_default() += 1;
        *self.properties.entry(Verdict::Compliant).or_default() += u64::from(device.compliant);
        for property in &device.properties {
            *self.properties.entry(property.verdict).or_default() += 1;
        }
        for path in &device.ignored {
            *self.ignored.entry(path.to_string()).or_default() += 1;
        }
        if declared {
            self.seen.insert(device.device.clone());
        }
        if device.verdict == Verdict::Compliant {
            return;
        }
        self.outstanding.push(device);
        self.keep_worst(2 * OUTSTANDING);
    }

    /// Leaves out the mildest verdicts once there are more than `most`: that many devices are only waited for must not
    /// hide the few that have drifted.
    fn keep_worst(&mut self, most: usize) {
        if self.outstanding.len() <= most {
            return;
        }
        self.outstanding.sort_by(|a, b| (b.verdict, &a.device).cmp(&(a.verdict, &b.device)));
        self.not_shown += (self.outstanding.len() - OUTSTANDING) as u64;
        self.outstanding.truncate(OUTSTANDING);
    }

    /// Takes over what another tally counted of other devices.
    pub fn merge(&mut self, other: Self) {
        for (verdict, count) in other.devices {
            *self.devices.entry(verdict).or_default() += count;
        }
        for (verdict, count) in other.properties {
            *self.properties.entry(verdict).or_default() += count;
        }
        for (path, count) in other.ignored {
            *self.ignored.entry(path).or_default() += count;
        }
        self.not_shown += other.not_shown;
        self.outstanding.extend(other.outstanding);
        self.keep_worst(2 * OUTSTANDING);
        self.seen.extend(other.seen);
        self.notices.extend(other.notices);
        self.breakdown.merge(other.breakdown);
    }

    /// How the fleet stands. `all` says that every twin of the hub was taken, so that a declared device without a
    /// twin can be named.
    pub fn finish(mut self, planner: &Planner, all: bool) -> Standing {
        self.properties.retain(|_, count| *count > 0);
        self.keep_worst(OUTSTANDING);
        self.outstanding.sort_by(|a, b| (b.verdict, &a.device).cmp(&(a.verdict, &b.device)));
        if self.not_shown > 0 {
            self.notices.push(Notice {
                id: "not-shown",
                message: format!("only {OUTSTANDING} devices are named; narrow the report with `--where`"),
                devices: self.not_shown,
                samples: Vec::new(),
            });
        }
        if all {
            self.notices.extend(self.unregistered(planner));
        }
        let ignores = planner.fleet().spec.ignore.iter();
        let ignores = ignores.filter(|entry| self.ignored.contains_key(&entry.path));
        Standing {
            ignores: ignores.map(|entry| (entry.path.clone(), entry.clone())).collect(),
            components: self.breakdown.components,
            by_tag: self.breakdown.by_tag,
            fleet: planner.fleet().name.clone(),
            revision: planner.revision().to_owned(),
            devices: self.devices,
            properties: self.properties,
            outstanding: self.outstanding,
            ignored: self.ignored,
            rollouts: Vec::new(),
            notices: self.notices,
        }
    }

    fn unregistered(&self, planner: &Planner) -> Option<Notice> {
        let missing: Vec<&DeviceId> = planner.fleet().devices.keys().filter(|id| !self.seen.contains(*id)).collect();
        (!missing.is_empty()).then(|| Notice {
            id: "not-registered",
            message: "declared, but the hub does not know them: run `twinops reconcile`, or register them".to_owned(),
            devices: missing.len() as u64,
            samples: missing.into_iter().take(5).cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(at: usize, verdict: Verdict) -> DeviceVerdict {
        DeviceVerdict {
            device: format!("d{at}").parse().unwrap(),
            verdict,
            connected: false,
            last_activity: None,
            revision: None,
            compliant: 0,
            ignored: BTreeSet::new(),
            awaits_rollout: false,
            properties: Vec::new(),
        }
    }

    #[test]
    fn many_that_are_out_of_reach_do_not_hide_the_one_that_drifted() {
        let mut all = Tally::default();
        for part in 0..3 {
            let mut tally = Tally::default();
            (0..OUTSTANDING).for_each(|at| tally.take(device(part * OUTSTANDING + at, Verdict::Unreachable), false));
            all.merge(tally);
        }
        all.take(device(usize::MAX, Verdict::Drifted), false);
        all.keep_worst(OUTSTANDING);
        assert_eq!(all.outstanding.first().map(|device| device.verdict), Some(Verdict::Drifted));
        assert_eq!((all.outstanding.len(), all.not_shown), (OUTSTANDING, 2 * OUTSTANDING as u64 + 1));
    }
}
