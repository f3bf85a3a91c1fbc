//! A standing for programs.

use std::{borrow::Cow, collections::BTreeMap, io};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Earlier, Lens, StandingReport, message};
use crate::{
    fleet::IgnoreSpec,
    plan::{DeviceVerdict, Notice, PropertyVerdict, Standing, Verdict, rollout::RolloutState},
    report::{
        Places,
        json::{self, Each, LocationView, VERSION},
        notices::NoticeView,
        rollouts::RolloutView,
        value::Shown,
    },
};

/// What a standing says it is.
pub(super) const KIND: &str = "standing";

/// How the devices of a fleet stand against git.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Standing")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The revision that it was held against.
    revision: &'a str,
    /// When the twins were looked at: ISO 8601, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Devices by their verdict; those that do not occur are left out.
    devices: BTreeMap<&'static str, u64>,
    /// Properties by their verdict.
    properties: BTreeMap<&'static str, u64>,
    /// The devices that are of interest: for `status` those that are not compliant, for `drift` those that have left
    /// what git says. Worst first.
    outstanding: Each<'a, DeviceVerdict, DeviceView<'a>>,
    /// Paths that were left out by `ignore`, with the number of devices where they differ.
    ignored: &'a BTreeMap<String, u64>,
    /// The entries of `ignore` that these are.
    ignores: Vec<IgnoreView<'a>>,
    /// Devices by component, and there by the worst verdict of its properties.
    components: BTreeMap<&'a str, BTreeMap<&'static str, u64>>,
    /// Devices by the value of a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_tag: Option<TagView<'a>>,
    /// What is new since an earlier report; absent when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<SinceView<'a>>,
    /// How the rollouts stand; empty when not all twins were looked at.
    rollouts: Each<'a, RolloutState, RolloutView<'a>>,
    /// What to know besides.
    notices: Each<'a, Notice, NoticeView<'a>>,
}

/// A path that is left alone.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Ignore")]
struct IgnoreView<'a> {
    /// The path.
    path: &'a str,
    /// Who answers for it.
    owner: &'a str,
    /// Why it is left alone.
    reason: &'a str,
    /// Last day on which it is.
    until: &'a str,
    /// Devices on which something else stands there than git says.
    devices: u64,
}

/// Devices by the value of a tag.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ByTag")]
struct TagView<'a> {
    /// The tag.
    path: String,
    /// Devices by verdict, by value; `(none)` for devices without the tag.
    values: BTreeMap<&'a str, BTreeMap<&'static str, u64>>,
}

/// What is new since an earlier report.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Since")]
struct SinceView<'a> {
    /// When that was made, as far as it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The revision that it held devices against.
    revision: &'a str,
    /// What that report does not tell of.
    new: Vec<NewView<'a>>,
    /// How many verdicts of that report do not stand any more.
    gone: u64,
}

/// A verdict that an earlier report does not tell of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "New")]
struct NewView<'a> {
    /// The device.
    id: &'a str,
    /// Where in its twin.
    path: String,
    /// How it stands now.
    verdict: Verdict,
}

/// One device.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Device")]
struct DeviceView<'a> {
    /// The device.
    id: &'a str,
    /// The worst verdict of its properties.
    verdict: Verdict,
    /// Whether the hub believes it to be connected.
    connected: bool,
    /// When the hub last heard of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activity: Option<&'a str>,
    /// The commit that last changed its twin.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    /// How many properties are compliant.
    compliant: u32,
    /// Those that are of interest, in order of path.
    properties: Vec<PropertyView<'a>>,
}

/// One property of a device.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Property")]
struct PropertyView<'a> {
    /// Where in the twin.
    path: String,
    /// How it stands.
    verdict: Verdict,
    /// What git declares; absent: that it be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Shown<'a>>,
    /// What the twin holds; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Shown<'a>>,
    /// What the device reports; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<Shown<'a>>,
    /// Since when it stands like this, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a str>,
    /// What the device said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    /// The IoT Hub configuration that wrote it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// Whether the values hold a secret; each is then the text `(secret)`.
    secret: bool,
    /// The line that wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<LocationView>,
}

pub(super) fn write(report: &StandingReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let StandingReport { standing, places, lens, past } = *report;
    let words = |counts: &BTreeMap<Verdict, u64>| counts.iter().map(|(verdict, n)| (verdict.word(), *n)).collect();
    json::write(
        &View {
            version: VERSION,
            kind: KIND,
            time: past.time.map(|time| time.to_string()),
            fleet: &standing.fleet,
            revision: &standing.revision,
            devices: words(&standing.devices),
            properties: words(&standing.properties),
            outstanding: Each::matching(
                &standing.outstanding,
                move |device: &DeviceVerdict| lens.shows(device.verdict),
                move |device| device_view(device, places, lens),
            ),
            ignored: &standing.ignored,
            ignores: standing.ignores.values().map(|entry| ignore_view(entry, standing)).collect(),
            components: by_word(&standing.components),
            by_tag: standing
                .by_tag
                .as_ref()
                .map(|by| TagView { path: by.path.to_string(), values: by_word(&by.values) }),
            since: past.since.map(|earlier| since_view(earlier, report)),
            rollouts: Each::new(&standing.rollouts, RolloutView::from),
            notices: Each::new(&standing.notices, NoticeView::from),
        },
        out,
    )
}

fn by_word(counts: &BTreeMap<String, BTreeMap<Verdict, u64>>) -> BTreeMap<&str, BTreeMap<&'static str, u64>> {
    let words = |of: &BTreeMap<Verdict, u64>| of.iter().map(|(verdict, n)| (verdict.word(), *n)).collect();
    counts.iter().map(|(name, of)| (&**name, words(of))).collect()
}

fn ignore_view<'a>(entry: &'a IgnoreSpec, standing: &Standing) -> IgnoreView<'a> {
    let IgnoreSpec { path, owner, reason, until } = entry;
    IgnoreView { path, owner, reason, until, devices: standing.ignored.get(path).copied().unwrap_or(0) }
}

fn since_view<'a>(earlier: &'a Earlier, report: &StandingReport<'a>) -> SinceView<'a> {
    let new = earlier.new_ones(report.standing, report.lens).map(|(device, property)| NewView {
        id: device.device.as_str(),
        path: property.path.to_string(),
        verdict: property.verdict,
    });
    SinceView {
        time: earlier.time.map(|time| time.to_string()),
        revision: &earlier.revision,
        new: new.collect(),
        gone: earlier.gone(report.standing, report.lens),
    }
}

fn device_view<'a>(device: &'a DeviceVerdict, places: &dyn Places, lens: Lens) -> DeviceView<'a> {
    DeviceView {
        id: device.device.as_str(),
        verdict: device.verdict,
        connected: device.connected,
        last_activity: device.last_activity.as_deref(),
        revision: device.revision.as_deref(),
        compliant: device.compliant,
        properties: device
            .properties
            .iter()
            .filter(|property| lens.shows(property.verdict))
            .map(|property| property_view(property, places))
            .collect(),
    }
}

fn property_view<'a>(property: &'a PropertyVerdict, places: &dyn Places) -> PropertyView<'a> {
    let show = |value: &'a Option<serde_json::Value>| Shown::new(value.as_ref(), property.secret).some();
    PropertyView {
        path: property.path.to_string(),
        verdict: property.verdict,
        wanted: show(&property.wanted),
        live: show(&property.live),
        reported: show(&property.reported),
        since: property.since.as_deref(),
        message: message(property),
        by: property.by.as_deref(),
        secret: property.secret,
        origin: property.origin.as_ref().map(|place| LocationView::of(places, place)),
    }
}
