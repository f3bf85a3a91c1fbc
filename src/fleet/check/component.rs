//! `unknown-component`, and the schemas of those that are known.

use serde_json::Value;

use crate::{
    fleet::{finding::Finding, schema::Components, site::Site, yaml::escape},
    twin::Map,
};

/// The members of `desired`: each is a component, or leads to some (`windows`).
pub(super) fn check(site: Site<'_>, base: &str, desired: &Map, components: &Components, findings: &mut Vec<Finding>) {
    below(site, base, "", desired, components, findings);
}

fn below(
    site: Site<'_>,
    base: &str,
    prefix: &str,
    members: &Map,
    components: &Components,
    findings: &mut Vec<Finding>,
) {
    for (key, value) in members {
        let joined;
        let name = if prefix.is_empty() {
            key.as_str()
        } else {
            joined = format!("{prefix}.{key}");
            &joined
        };
        let pointer = || format!("{base}/{}", escape(key));
        if components.registry().at(name).is_some() {
            let faults = components.check_part(name, value);
            // A snippet may show the lines around a fault: none of them is shown where one holds a secret.
            let keys = || name.split('.').map(Into::into).collect::<Vec<_>>();
            let hides = !faults.is_empty() && components.registry().is_sensitive(&keys(), value);
            findings.extend(faults.into_iter().map(|fault| {
                let finding = fault.finding(site.file, site.number, &pointer());
                if hides { finding.hidden() } else { finding }
            }));
        } else if components.registry().leads_on(name) {
            if let Value::Object(inner) = value {
                below(site, &pointer(), name, inner, components, findings);
            }
        } else if !(is_ours(name) || name.starts_with('$')) {
            findings.push(unknown(name, components).at(site.key(pointer())));
        }
    }
}

/// Told by another rule.
fn is_ours(name: &str) -> bool {
    name == "twinops"
}

fn unknown(name: &str, components: &Components) -> Finding {
    let help = match components.registry().nearest(name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("its values are not checked; describe it in components/{name}.schema.json to have them checked")
        }
    };
    Finding::warning("unknown-component", format!("no component is called `{name}`")).help(help)
}
