//! `override`: what someone at the device sets for a while.

use std::{ffi::OsString, fmt::Write as _, path::PathBuf};

use super::OptionsError;
use crate::agent::{
    lease::{self, Lease, LeaseError},
    wake,
};

/// What is asked of the leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The state folder of the agent.
    pub state: PathBuf,
    /// What is to be done.
    pub action: LeaseAction,
}

/// What is to be done with leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAction {
    /// List them.
    List,
    /// Put one into force.
    Grant {
        /// `component.property`, or deeper.
        path: String,
        /// JSON, or a plain word.
        value: String,
        /// How long, such as `4h`.
        lasting: String,
        /// Why.
        reason: String,
        /// Who.
        by: String,
    },
    /// End one before its time.
    End {
        /// Its path.
        path: String,
    },
}

impl LeaseRequest {
    /// Does what is asked, and wakes the agent; what there is to say.
    ///
    /// # Errors
    /// When the lease makes no sense, or the state folder is out of reach.
    pub fn carry_out(self) -> Result<String, LeaseError> {
        let said = match self.action {
            LeaseAction::List => return Ok(list(&lease::active(&self.state))),
            LeaseAction::Grant { path, value, lasting, reason, by } => {
                let lease = Lease::new(&path, &value, &lasting, &reason, &by)?;
                let said = format!("{path} is overridden until {}\n", lease.ends());
                lease::grant(&self.state, lease)?;
                said
            }
            LeaseAction::End { path } => {
                lease::end(&self.state, &path)?;
                format!("{path} is as declared again\n")
            }
        };
        let later = "the agent does not run; it will see to that when it starts\n";
        Ok(if wake::ring(&self.state) { said } else { said + later })
    }
}

fn list(leases: &[Lease]) -> String {
    if leases.is_empty() {
        return "nothing is overridden\n".to_owned();
    }
    leases.iter().fold(String::new(), |mut text, lease| {
        let Lease { path, value, reason, by, .. } = lease;
        let _ = writeln!(text, "{path} = {value} until {} by {by}: {reason}", lease.ends());
        text
    })
}

/// Who is at the device, as far as the environment says.
pub fn who(variable: impl Fn(&str) -> Option<String>) -> String {
    ["SUDO_USER", "LOGNAME", "USER"].into_iter().find_map(variable).unwrap_or_else(|| "somebody".to_owned())
}

/// Reads what follows `override`.
pub(super) fn parse(
    arguments: impl Iterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<LeaseRequest, OptionsError> {
    let (mut words, mut state, mut lasting, mut reason, mut end) = (Vec::new(), None, None, None, false);
    let mut rest = arguments;
    while let Some(word) = rest.next() {
        let mut value = |name: &'static str| {
            let value = rest.next().ok_or(OptionsError::NoValue(name))?;
            Ok::<_, OptionsError>(value.to_string_lossy().into_owned())
        };
        match word.to_str() {
            Some("--for") => lasting = Some(value("--for")?),
            Some("--reason") => reason = Some(value("--reason")?),
            Some("--state") => state = Some(value("--state")?),
            Some("--end") => end = true,
            Some(option) if option.starts_with("--") => return Err(super::unknown(&word)),
            _ => words.push(word.to_string_lossy().into_owned()),
        }
    }
    let mut words = words.into_iter();
    let action = match (words.next(), words.next(), end) {
        (None, _, false) => LeaseAction::List,
        (Some(path), None, true) => LeaseAction::End { path },
        (Some(path), Some(value), false) => LeaseAction::Grant {
            path,
            value,
            lasting: lasting.ok_or(OptionsError::NoValue("--for"))?,
            reason: reason.ok_or(OptionsError::NoValue("--reason"))?,
            by: who(variable),
        },
        _ => return Err(OptionsError::Override),
    };
    let state = state.map_or_else(|| super::STATE.into(), PathBuf::from);
    if words.next().is_some() { Err(OptionsError::Override) } else { Ok(LeaseRequest { state, action }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<LeaseRequest, OptionsError> {
        parse(line.iter().map(OsString::from), |name| (name == "SUDO_USER").then(|| "kim".to_owned()))
    }

    #[test]
    fn a_lease_is_asked_for_ended_and_listed() {
        let asked = ["time.timeZone", "UTC", "--for", "4h", "--reason", "a visit", "--state", "/s"];
        let LeaseAction::Grant { path, by, lasting, .. } = read(&asked).unwrap().action else { panic!("a lease") };
        assert_eq!((path.as_str(), by.as_str(), lasting.as_str()), ("time.timeZone", "kim", "4h"));
        assert_eq!(read(&[]).unwrap(), LeaseRequest { state: super::super::STATE.into(), action: LeaseAction::List });
        assert_eq!(read(&["a.b", "--end"]).unwrap().action, LeaseAction::End { path: "a.b".to_owned() });
        assert!(matches!(read(&["a.b", "1", "--for", "4h"]), Err(OptionsError::NoValue("--reason"))));
        assert!(matches!(read(&["a.b"]), Err(OptionsError::Override)));
        assert!(matches!(read(&["--frob"]), Err(OptionsError::Unknown(_))));
    }

    #[test]
    fn what_is_asked_is_done_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |line: &[&str]| {
            let state = folder.path().to_str().unwrap();
            read(&[line, &["--state", state]].concat()).unwrap().carry_out()
        };
        assert_eq!(ask(&[]).unwrap(), "nothing is overridden\n");
        let said = ask(&["time.timeZone", "UTC", "--for", "4h", "--reason", "a visit"]).unwrap();
        assert!(said.starts_with("time.timeZone is overridden until ") && said.contains("does not run"), "{said}");
        let listed = ask(&[]).unwrap();
        assert!(listed.starts_with("time.timeZone = \"UTC\" until ") && listed.ends_with(" by kim: a visit\n"));
        assert!(ask(&["time.timeZone", "--end"]).is_ok());
        assert!(matches!(ask(&["time.timeZone", "--end"]), Err(LeaseError::Unknown(_))));
    }
}
