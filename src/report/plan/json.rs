//! A plan for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{PlanReport, Summary, from, quota, to};
use crate::{
    plan::{Delta, Group, GroupKind, Move, Notice, PlannedDevice, Why, guard::Ruling, rollout::RolloutState},
    report::{
        Places,
        json::{self, Each, LocationView, VERSION},
        notices::NoticeView,
        rollouts::RolloutView,
        rulings::{self, MarginView, RulingView},
        value::Shown,
    },
    twin::DeviceId,
};

/// What one revision will change on which devices. To be read; carrying it out takes a saved plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Plan")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The commit that the twins will be brought to.
    revision: &'a str,
    /// By what people approve it: the same for the same changes, whatever their order and whenever they were planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
    /// In numbers of devices.
    summary: SummaryView,
    /// The changes; devices with the same changes are one group.
    groups: Each<'a, Group, GroupView<'a>>,
    /// The changes that rollouts hold back: not part of this run.
    held: Each<'a, Group, GroupView<'a>>,
    /// Profiles that begin or cease to apply to devices that change.
    selectors: Each<'a, Move, MoveView<'a>>,
    /// How the rollouts stand.
    rollouts: Each<'a, RolloutState, RolloutView<'a>>,
    /// What to know besides.
    notices: Each<'a, Notice, NoticeView<'a>>,
    /// What the guards say: what they refuse, and what somebody let pass.
    guards: Each<'a, Ruling, RulingView<'a>>,
    /// How near the plan comes to the limits that it keeps.
    margins: Vec<MarginView>,
    /// What carrying it out costs of the hub's throttles; absent where the fleet does not say which hub it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<quota::View>,
}

/// A plan in numbers of devices.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Summary")]
struct SummaryView {
    /// Devices whose values change.
    change: u64,
    /// Those among them that lose a value that is no longer declared.
    prune: u64,
    /// Devices on which only the marker is written.
    adopt: u64,
    /// Devices that are registered first.
    register: u64,
    /// Devices that a rollout holds back; not part of the numbers above.
    held: u64,
    /// Devices that need nothing.
    unchanged: u64,
    /// Twins looked at.
    examined: u64,
    /// Twins that carried this fleet's marker before.
    managed: u64,
    /// Twins that no document applies to and that carry no marker: left alone.
    unselected: u64,
}

/// Devices that change and enter or leave a profile's selector.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Move")]
struct MoveView<'a> {
    /// The profile.
    profile: &'a str,
    /// Whether it begins to apply, rather than ceases.
    enters: bool,
    /// How many devices.
    devices: u64,
    /// A few of them.
    samples: Vec<&'a str>,
    /// Its `where`; absent when the profile is no longer declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<LocationView>,
}

impl<'a> MoveView<'a> {
    fn of(moved: &'a Move, places: &dyn Places) -> Self {
        let Move { profile, enters, devices, samples, place } = moved;
        let samples = samples.iter().map(DeviceId::as_str).collect();
        let origin = place.as_ref().map(|place| LocationView::of(places, place));
        Self { profile, enters: *enters, devices: *devices, samples, origin }
    }
}

/// The same change on one or many devices.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Group")]
struct GroupView<'a> {
    /// What the write does.
    kind: Kind,
    /// What changes, in order of path; empty for an adopt.
    changes: Each<'a, Delta, Change<'a>>,
    /// The devices, in order of id.
    devices: Each<'a, PlannedDevice, &'a str>,
    /// Those among them that are registered first.
    register: Vec<&'a str>,
    /// Whether a rollout takes a commit back from them: they get what the one before wants.
    goes_back: bool,
}

/// What a write does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    /// Values are set or removed.
    Change,
    /// Only the marker is written.
    Adopt,
}

/// One value that changes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    /// Where in the twin.
    path: String,
    /// Why it changes.
    why: WhyWord,
    /// What the hub holds now; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Shown<'a>>,
    /// What it will hold; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Shown<'a>>,
    /// For `edited`: what the revision last applied declared; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Shown<'a>>,
    /// Whether the values hold a secret; each is then the text `(secret)`.
    secret: bool,
    /// The line that wants it, or for `prune` the line that wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<LocationView>,
    /// The revision in which that line stands, where it is an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_revision: Option<&'a str>,
    /// The other fleets that manage the device, when the value replaces one that this fleet never declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_by: Option<&'a str>,
}

/// Why a value changes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum WhyWord {
    /// Declared, and not in the twin yet.
    Pending,
    /// Declared as before, and the twin holds something that git never said.
    Edited,
    /// No longer declared.
    Prune,
    /// Declared as `null`, and there.
    Forbidden,
}

pub(super) fn write(report: &PlanReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let plan = report.plan;
    let places = report.places;
    json::write(
        &View {
            version: VERSION,
            kind: "plan",
            fleet: &plan.fleet,
            revision: &plan.revision,
            hash: plan.hash.as_deref(),
            summary: summary(report),
            groups: Each::new(&plan.groups, move |group| group_view(group, places)),
            held: Each::new(&plan.held, move |group| group_view(group, places)),
            selectors: Each::new(&plan.moves, move |moved| MoveView::of(moved, places)),
            rollouts: Each::new(plan.rollouts.states(), RolloutView::from),
            notices: Each::new(&plan.notices, NoticeView::from),
            guards: rulings::views(&plan.rulings),
            margins: plan.margins.iter().map(MarginView::from).collect(),
            quota: plan.quota.as_ref().map(quota::View::from),
        },
        out,
    )
}

fn summary(report: &PlanReport<'_>) -> SummaryView {
    let Summary { change, prune, adopt, register, held } = Summary::of(report.plan);
    let counts = report.plan.counts;
    let (unchanged, examined) = (counts.unchanged, counts.examined);
    let (managed, unselected) = (counts.managed, counts.unselected);
    SummaryView { change, prune, adopt, register, held, unchanged, examined, managed, unselected }
}

fn group_view<'a>(group: &'a Group, places: &'a dyn Places) -> GroupView<'a> {
    GroupView {
        kind: match group.kind {
            GroupKind::Change => Kind::Change,
            GroupKind::Adopt => Kind::Adopt,
        },
        changes: Each::new(&group.deltas, move |delta| change(delta, places)),
        devices: Each::new(&group.devices, |planned| planned.device.as_str()),
        register: group.devices.iter().filter(|d| d.register.is_some()).map(|d| d.device.as_str()).collect(),
        goes_back: group.goes_back,
    }
}

fn change<'a>(delta: &'a Delta, places: &dyn Places) -> Change<'a> {
    let (why, base) = match &delta.why {
        Why::Pending => (WhyWord::Pending, None),
        Why::Edited { base } => (WhyWord::Edited, Shown::new(base.as_ref(), delta.secret).some()),
        Why::Prune => (WhyWord::Prune, None),
        Why::Forbidden => (WhyWord::Forbidden, None),
    };
    Change {
        path: delta.path.to_string(),
        why,
        from: from(delta).some(),
        to: to(delta).some(),
        base,
        secret: delta.secret,
        origin: delta.origin.as_ref().map(|place| match &delta.at {
            Some(revision) => LocationView::at(places, place, revision),
            None => LocationView::of(places, place),
        }),
        origin_revision: delta.at.as_deref(),
        claimed_by: delta.claimed.as_deref(),
    }
}
