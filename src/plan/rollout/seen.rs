//! One twin of a rollout: how far it is, and whether it counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Member, Place, Terms, window};
use crate::{
    fleet::{GateOf, Rollout, resolve::Content},
    plan::{
        Look, PlanError, PropertyVerdict, Verdict,
        planner::{AGENT, Planner, Subject},
    },
    twin::{Properties, Twin, TwinRow, leaves},
};

/// A device that is not connected counts as reachable for so long after it was last heard of, in milliseconds: the
/// hub's word on connections lags by minutes (protocol reference 2.1).
const LATELY: i64 = 15 * 60 * 1000;

/// How far a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its twin is to be changed; `now`: its window is open.
    Outdated { now: bool },
    /// Its twin is as git says; the device is at work, or silent.
    Asked,
    /// All of it is compliant, since then.
    Compliant { at: i64 },
    /// It said that it cannot, or that it tried and failed.
    Failed,
}

/// What a rollout has to know of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) place: Place,
    pub(super) way: Way,
    /// Whether it has been heard of lately.
    pub(super) reachable: bool,
    /// Whether it counts for a gate.
    pub(super) counts: bool,
    /// What the commit declares that its marker names; `None` without a marker.
    pub(super) content: Option<Content>,
    /// When its twin was last written, in milliseconds since 1970.
    pub(super) written: Option<i64>,
    /// What was rejected on it and is wanted again.
    pub(super) refuses: Option<Content>,
    /// Its marker names a commit to go back to.
    pub(super) can_go_back: bool,
}

impl Planner {
    /// How far a device of a rollout is; `None` for one of none, and for one that nothing is asked of.
    pub(super) fn seen(&self, row: &TwinRow<'_>, look: &Look, terms: &Terms) -> Result<Option<Seen>, PlanError> {
        let Some(member) = look.member.as_deref().filter(|_| look.selected || look.managed) else { return Ok(None) };
        let Some(rollout) = self.fleet().rollouts.get(member.governed.rollout) else { return Ok(None) };
        let twin = row.to_twin()?;
        let subject = self.subject(row)?;
        let written = written(&subject, &twin.properties.desired);
        let way = if look.change.is_some() {
            Way::Outdated { now: is_open(rollout, member, terms.now) }
        } else {
            let changes = self.changes(&subject, row)?;
            way(&self.on_device(&subject, &twin, &changes), written)
        };
        let reachable = is_reachable(&twin, rollout, way, written, terms.now.as_millisecond());
        let asked = way != Way::Outdated { now: false };
        let mark = member.mark.as_ref();
        Ok(Some(Seen {
            place: member.place(rollout, &row.device_id),
            way,
            reachable,
            counts: asked && (reachable || rollout.gate.of == GateOf::All),
            content: member.content(),
            written,
            refuses: member.refuses(),
            can_go_back: mark.is_some_and(|mark| mark.previous.is_some() && mark.content != Content::UNKNOWN),
        }))
    }
}

/// Whether a device may be changed now, as far as its window goes.
pub(super) fn is_open(rollout: &Rollout, member: &Member, now: Timestamp) -> bool {
    rollout.window.as_ref().is_none_or(|window| window::is_open(window, member.governed.zone.as_deref(), now))
}

/// How far a device is whose twin is as git says, by its answers. Compliance is as old as the youngest of them, and not
/// older than the question.
fn way(answers: &[PropertyVerdict], written: Option<i64>) -> Way {
    if answers.iter().any(|answer| matches!(answer.verdict, Verdict::Rejected | Verdict::Failed)) {
        return Way::Failed;
    }
    if answers.iter().any(|answer| answer.verdict != Verdict::Compliant) {
        return Way::Asked;
    }
    let said = answers.iter().filter_map(|answer| millisecond(answer.since.as_deref()?));
    Way::Compliant { at: said.chain(written).max().unwrap_or(0) }
}

/// When the twin was last written: `twinops.revision` travels with every write to a device with our agent; for others it
/// is the youngest of the paths that are ours.
fn written(subject: &Subject, desired: &Properties) -> Option<i64> {
    if let Some(told) = stamp(desired, &[AGENT.into(), "revision".into()]) {
        return Some(told);
    }
    let owned = leaves(&subject.class.wanted.desired);
    let nearest = |keys: &[Arc<str>]| (0..=keys.len()).rev().find_map(|n| stamp(desired, &keys[..n]));
    owned.iter().filter_map(|leaf| nearest(&leaf.keys)).max()
}

/// When a node was last written.
fn stamp(section: &Properties, keys: &[Arc<str>]) -> Option<i64> {
    millisecond(section.metadata_at(keys)?.get("$lastUpdated")?.as_str()?)
}

fn millisecond(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Connected, heard of lately, or heard of since it was asked: a device that a change has killed does not
/// leave the count by falling silent. That holds as long as its wave is watched.
fn is_reachable(twin: &Twin, rollout: &Rollout, way: Way, written: Option<i64>, now: i64) -> bool {
    if twin.is_connected() {
        return true;
    }
    // A twin is born with a time on its empty reported properties.
    let has_spoken = !twin.properties.reported.values.is_empty();
    let reported = stamp(&twin.properties.reported, &[]).filter(|_| has_spoken);
    let active = twin.last_activity_time.as_deref().and_then(millisecond);
    let Some(heard) = reported.max(active) else { return false };
    let watched = i64::try_from(rollout.patience().as_millis()).unwrap_or(i64::MAX);
    let is_asked = !matches!(way, Way::Outdated { .. });
    let since_asked = written.is_some_and(|written| is_asked && heard >= written && now - written <= watched);
    now - heard <= LATELY || since_asked
}
