//! `clear-text-secret`: no secret stands in git.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "clear-text-secret",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: true,
    title: "no secret stands in git",
    why: "What is in git is read by everyone with a clone, forever: taking it out of the newest commit does not \
          take it out of history. Known by their marks are shared access keys and signatures, keys of storage \
          accounts, private keys, tokens of well-known services and passwords inside addresses. Reports never show \
          the line.",
    breaks: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { uplink: "HostName=h.example;SharedAccessKeyName=k;SharedAccessKey=bm90IGEgcmVhbCBrZXk=" }
"#,
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { uplink: "HostName=h.example;SharedAccessKeyName=k;SharedAccessKey=${secret.UPLINK}" }
"#,
    )],
    remedy: "Renew the secret, for it is known now; take it out of git's history; write `${secret.NAME}` here.",
};
