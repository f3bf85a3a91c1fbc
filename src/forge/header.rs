//! How what is kept on a forge is known again: the first line of its text, hidden from readers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const BEGIN: &str = "<!-- twinops ";
const END: &str = " -->";

/// What a comment or an issue tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What would change.
    Plan,
    /// What a run has changed.
    Reconcile,
    /// What has left what git says.
    Drift,
    /// How devices stand.
    Status,
}

impl Kind {
    /// Its name, as the command's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Reconcile => "reconcile",
            Self::Drift => "drift",
            Self::Status => "status",
        }
    }
}

/// What there is one comment about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// What is told.
    pub kind: Kind,
    /// The fleet.
    pub fleet: String,
    /// The environment, where a fleet has several; may be empty.
    pub environment: String,
}

impl Subject {
    /// `plan kiosks`, `plan kiosks/production`: for a status, a check run and a heading.
    pub fn name(&self) -> String {
        let slash = if self.environment.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{}", self.kind.word(), self.fleet, self.environment)
    }
}

/// What a comment says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The commit that it was made for.
    pub revision: String,
    /// The plan's hash (`docs/plans.md`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What else the plan would bring once its rollouts go on: each change by its hash, whichever devices it is for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<String>,
    /// When a plan with this hash was first told here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The number of the CI's run, which grows: an earlier run that ends later does not overwrite.
    pub run: u64,
}

impl Header {
    /// The line: JSON in which nothing can end the HTML comment around it.
    pub(super) fn line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        let json = json.replace("--", r"\u002d\u002d").replace('>', r"\u003e").replace('<', r"\u003c");
        format!("{BEGIN}{json}{END}")
    }

    /// The header of a text; `None` when it does not begin with one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let line = text.lines().next()?.trim_end();
        serde_json::from_str(line.strip_prefix(BEGIN)?.strip_suffix(END)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(environment: &str) -> Header {
        let subject = Subject { kind: Kind::Plan, fleet: "kiosks".into(), environment: environment.into() };
        let since = Some("2026-09-02T08:00:00Z".parse().unwrap());
        Header {
            subject,
            revision: "abc".into(),
            plan: Some("sha256:00".into()),
            changes: BTreeSet::new(),
            since,
            run: 7,
        }
    }

    #[test]
    fn what_a_header_says_is_read_back_and_ends_no_comment() {
        for environment in ["", "production", "--> <b>@all</b> <!--", "-->", "---", "\"\\\n"] {
            let line = header(environment).line();
            assert_eq!(line.matches("-->").count(), 1, "{line}");
            assert!(!line.contains('\n') && !line[4..line.len() - 3].contains("--"), "{line}");
            let text = format!("{line}\r\nthe report");
            assert_eq!(Header::of(&text), Some(header(environment)));
        }
    }

    #[test]
    fn only_the_first_line_is_a_header() {
        let line = header("").line();
        assert_eq!(Header::of(&format!("> {line}")), None);
        assert_eq!(Header::of(&format!("see\n{line}")), None);
        assert_eq!(Header::of("<!-- twinops {\"kind\":\"pizza\"} -->"), None);
    }
}
