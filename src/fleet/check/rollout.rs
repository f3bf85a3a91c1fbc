//! `rollout-not-in-effect`: rollouts are read, and devices are changed at once all the same. Also what is wrong inside.

use std::collections::BTreeSet;

use super::{condition, percent};
use crate::fleet::{finding::Finding, model_rollout::RolloutSpec, site::Site};

/// A rollout as a whole.
pub(super) fn check(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    let message = "rollouts are not carried out in waves yet: every device is changed at once";
    let help = "keep `guard.maxChanged` small, or merge a change profile by profile";
    findings.push(Finding::warning("rollout-not-in-effect", message).at(site.value("/kind")).help(help));
    if let Some(text) = &spec.selector {
        condition(site, "/spec/where", text, findings);
    }
    waves(site, spec, findings);
    let gate = spec.gate.as_ref();
    percent::check(site, "/spec/gate/compliant".into(), gate.and_then(|gate| gate.compliant.as_deref()), findings);
    percent::check(site, "/spec/gate/failed".into(), gate.and_then(|gate| gate.failed.as_deref()), findings);
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
