//! `possible-secret`: what looks like a secret is none.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "possible-secret",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "what looks like a secret is none",
    why: "A member that is called like a secret (`password`, `psk`, `clientSecret`), or a long text without any \
          order in it, is probably one. Certificates, public keys, hashes, thumbprints, UUIDs and text in base64 \
          are known and let pass.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { password: hunter2 }
",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { password: "${secret.WIFI}" }
"#,
    )],
    remedy: "Write `${secret.NAME}` and renew the secret; if it is none, waive the rule there with the reason.",
};
