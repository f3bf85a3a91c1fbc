//! `capability-mismatch`: a device understands what it is told.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "capability-mismatch",
    severity: Severity::Warning,
    stage: Stage::Twins,
    waivable: true,
    title: "a device understands what it is told",
    why: "A device that does not know a property answers with an error at best, and passes over it at worst. Known \
          from what twins report (`twinops.capabilities`, `twinops.agentVersion`, an answer of 501) and from the \
          model id that a device announces, held against the component's schema: `x-twinops-since` on a member is \
          the version of the component that first knew it, `x-twinops-models` on a schema lists the models that \
          have the component. Needs twins: `--snapshot FILE` or `--live`.",
    breaks: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "x-twinops-status": "pnp",
  "properties": { "mode": { "type": "string" }, "boost": { "type": "boolean", "x-twinops-since": "1.2.0" } } }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { mode: slow, boost: true } }
",
        ),
        (
            "twins.ndjson",
            r#"{ "deviceId": "kiosk-1", "properties": { "reported": { "twinops": { "agentVersion": "0.1.0", "capabilities": { "pump": { "version": "1.1.0" } } } } } }
"#,
        ),
    ],
    holds: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "x-twinops-status": "pnp",
  "properties": { "mode": { "type": "string" }, "boost": { "type": "boolean", "x-twinops-since": "1.2.0" } } }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { mode: slow, boost: true } }
",
        ),
        (
            "twins.ndjson",
            r#"{ "deviceId": "kiosk-1", "properties": { "reported": { "twinops": { "agentVersion": "0.2.0", "capabilities": { "pump": { "version": "1.2.0" } } } } } }
"#,
        ),
    ],
    remedy: "Update these devices first, or keep the property from them by a narrower `where`.",
};
