//! `rollout-waves`, `bad-time-zone`: waves that take nothing, hours by a clock that nobody has.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{condition, percent};
use crate::fleet::{
    finding::Finding,
    model_rollout::{RolloutSpec, WaveSpec},
    rollout::Zone,
    site::Site,
};

/// A rollout as a whole.
pub(super) fn check(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    if let Some(text) = &spec.selector {
        condition(site, "/spec/where", text, findings);
    }
    waves(site, spec, findings);
    order(site, spec, findings);
    let gate = spec.gate.as_ref();
    percent::check(site, "/spec/gate/compliant".into(), gate.and_then(|gate| gate.compliant.as_deref()), findings);
    percent::check(site, "/spec/gate/failed".into(), gate.and_then(|gate| gate.failed.as_deref()), findings);
    time_zone(site, spec, findings);
}

fn waves(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    let mut names = BTreeSet::new();
    for (at, wave) in spec.waves.iter().enumerate() {
        if let Some(text) = &wave.selector {
            condition(site, &format!("/spec/waves/{at}/where"), text, findings);
        }
        if !names.insert(&wave.name) {
            let finding = Finding::error("duplicate-name", format!("two waves are called `{}`", wave.name));
            findings.push(finding.at(site.value(format!("/spec/waves/{at}/name"))));
        }
    }
}

/// A wave without `where` takes its slice from all that is left: slices that do not grow are empty.
fn order(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    let slice = |wave: &WaveSpec| wave.percent.unwrap_or(100);
    let mut taken: Option<(&str, u8)> = None;
    for (at, wave) in spec.waves.iter().enumerate() {
        if let Some((before, _)) = taken.filter(|(_, percent)| slice(wave) <= *percent) {
            let message = format!("the wave `{}` is empty: `{before}` takes these devices already", wave.name);
            let help = "`percent` is cumulative: each has to be greater than the one before";
            let place = site.value(format!("/spec/waves/{at}"));
            findings.push(Finding::warning("rollout-waves", message).at(place).help(help));
        } else if wave.selector.is_none() {
            taken = Some((&wave.name, slice(wave)));
        }
    }
}

fn time_zone(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    let Some(name) = spec.window.as_ref().and_then(|window| window.time_zone.as_deref()) else { return };
    if matches!(Zone::new(name), Zone::Named(_)) && TimeZone::get(name).is_err() {
        let message = format!("there is no time zone `{name}`");
        let help = "take an IANA name, `Europe/Oslo`, or the tag that holds one, `tags.timeZone`";
        findings.push(Finding::error("bad-time-zone", message).at(site.value("/spec/window/timeZone")).help(help));
    }
}
