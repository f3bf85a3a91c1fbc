//! `unused-approval`: an approval approves something.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unused-approval",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "an approval approves something",
    why: "An approval of a rollout or a wave that there is not, or one that has ended, opens nothing: the wave waits on.",
    breaks: &[(
        "rollout.yaml",
        r"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: canary, percent: 5 }, { name: rest, approval: required }]
---
apiVersion: twinops/v1
kind: Approval
metadata: { name: kiosks-rest }
spec:
  rollout: kiosks
  wave: all
  revision: 6b960e5d2a0f7c1e8b3d94f60a17c2e5d8b3f914
  by: release-team
  until: 9999-12-31
",
    )],
    holds: &[(
        "rollout.yaml",
        r"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: canary, percent: 5 }, { name: rest, approval: required }]
---
apiVersion: twinops/v1
kind: Approval
metadata: { name: kiosks-rest }
spec:
  rollout: kiosks
  wave: rest
  revision: 6b960e5d2a0f7c1e8b3d94f60a17c2e5d8b3f914
  by: release-team
  until: 9999-12-31
",
    )],
    remedy: "Name a rollout and one of its waves, and remove the document once it has ended.",
};
