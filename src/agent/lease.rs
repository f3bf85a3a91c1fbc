//! Break-glass leases: values that someone at the device sets for a while, over what the twin declares.
//!
//! They lie in one file of the state folder, which only the device's administrator may write. A lease ends by itself,
//! with or without a hub; the agent reports it as long as it lasts.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use super::ledger::{private_folder, write_whole};

const NAME: &str = "overrides.json";
/// The longest lease: what is needed for longer belongs into the fleet repository.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// As many leases at a time.
const MOST: usize = 32;

/// One value for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// `component.property`, or deeper.
    pub path: String,
    /// The value.
    pub value: Value,
    /// When it ends, in seconds since 1970.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The path is none.
    #[error("`{0}` is no path of a property; write COMPONENT.PROPERTY, such as `time.timeZone`")]
    Path(String),
    /// The agent's own component.
    #[error("what the agent is told of itself cannot be overridden")]
    Own,
    /// The duration is none.
    #[error("`{0}` is no duration; write a number and `m`, `h` or `d`, such as `4h`")]
    Duration(String),
    /// The duration is too long or nothing.
    #[error("a lease lasts from a minute to {} hours; what is needed for longer belongs into the fleet repository", LONGEST.as_secs() / 3600)]
    Length,
    /// No reason.
    #[error("say why with --reason; the operators of the fleet will read it")]
    NoReason,
    /// Too many.
    #[error("there are {MOST} leases already; end one with --end")]
    TooMany,
    /// None of that path.
    #[error("there is no lease of `{0}`")]
    Unknown(String),
    /// The file cannot be read or written.
    #[error("cannot keep leases in the state folder; only who runs the agent can, and --state names its folder")]
    File(#[source] io::Error),
}

impl Lease {
    /// A lease from now on.
    ///
    /// # Errors
    /// When the path, the duration or the reason makes no sense.
    pub fn new(path: &str, value: &str, lasting: &str, reason: &str, by: &str) -> Result<Self, LeaseError> {
        let keys: Vec<&str> = path.split('.').collect();
        let formed = |key: &&str| !key.is_empty() && !key.contains(['$', ' ', '\u{0}']);
        if keys.len() < 2 || !keys.iter().all(formed) {
            return Err(LeaseError::Path(path.to_owned()));
        }
        if keys[0] == crate::component::pnp::TWINOPS {
            return Err(LeaseError::Own);
        }
        if reason.trim().is_empty() {
            return Err(LeaseError::NoReason);
        }
        let lasting = duration(lasting)?;
        if lasting < Duration::from_mins(1) || lasting > LONGEST {
            return Err(LeaseError::Length);
        }
        let until = Timestamp::now().as_second().saturating_add_unsigned(lasting.as_secs());
        // What is no JSON is meant as a string: nobody wants to quote in a shell.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        Ok(Self { path: path.to_owned(), value, until, reason: reason.trim().to_owned(), by: by.to_owned() })
    }

    /// The keys that lead to the value.
    pub(crate) fn keys(&self) -> Vec<Arc<str>> {
        self.path.split('.').map(Arc::from).collect()
    }

    /// Whether it is about this property or a part of it.
    pub(crate) fn speaks_of(&self, component: &str, property: &str) -> bool {
        let mut keys = self.path.split('.');
        keys.next() == Some(component) && keys.next() == Some(property)
    }

    /// When it ends, as it is reported.
    pub fn ends(&self) -> String {
        let until = Timestamp::from_second(self.until).unwrap_or(Timestamp::MAX);
        until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// In words for the operators of the fleet.
    pub(crate) fn told(&self) -> String {
        format!("leased deviation until {} by {}: {}", self.ends(), self.by, self.reason)
    }
}

/// The leases that last, the first to end first.
pub(crate) fn active(state: &Path) -> Vec<Lease> {
    match read(state) {
        Ok(leases) => leases,
        Err(fault) => {
            warn!(%fault, "the file of leases cannot be read; there are none");
            Vec::new()
        }
    }
}

/// Puts a lease into force, in the place of one of the same path.
///
/// # Errors
/// When the state folder cannot be written, or there are too many leases.
pub fn grant(state: &Path, lease: Lease) -> Result<(), LeaseError> {
    let mut leases = read(state).map_err(LeaseError::File)?;
    leases.retain(|held| held.path != lease.path);
    if leases.len() >= MOST {
        return Err(LeaseError::TooMany);
    }
    leases.push(lease);
    write(state, &leases).map_err(LeaseError::File)
}

/// Ends a lease before its time.
///
/// # Errors
/// When there is none, or the state folder cannot be written.
pub fn end(state: &Path, path: &str) -> Result<(), LeaseError> {
    let mut leases = read(state).map_err(LeaseError::File)?;
    let held = leases.len();
    leases.retain(|lease| lease.path != path);
    if leases.len() == held {
        return Err(LeaseError::Unknown(path.to_owned()));
    }
    write(state, &leases).map_err(LeaseError::File)
}

fn read(state: &Path) -> io::Result<Vec<Lease>> {
    let bytes = match fs::read(state.join(NAME)) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut leases: Vec<Lease> = serde_json::from_slice(&bytes)?;
    let now = Timestamp::now().as_second();
    leases.retain(|lease| lease.until > now);
    leases.sort_by_key(|lease| lease.until);
    Ok(leases)
}

fn write(state: &Path, leases: &[Lease]) -> io::Result<()> {
    private_folder(state)?;
    write_whole(state, NAME, &serde_json::to_vec(leases)?)
}

fn duration(text: &str) -> Result<Duration, LeaseError> {
    let wrong = || LeaseError::Duration(text.to_owned());
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lease(path: &str, lasting: &str) -> Result<Lease, LeaseError> {
        Lease::new(path, "UTC", lasting, "a visit", "root")
    }

    #[test]
    fn a_lease_lasts_until_its_end_or_until_it_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        grant(folder.path(), lease("time.timeZone", "4h").unwrap()).unwrap();
        grant(folder.path(), lease("time.ntp.servers", "2h").unwrap()).unwrap();
        let over = Lease { until: 1, ..lease("a.b", "1h").unwrap() };
        grant(folder.path(), over).unwrap();
        let paths: Vec<String> = active(folder.path()).into_iter().map(|lease| lease.path).collect();
        assert_eq!(paths, ["time.ntp.servers", "time.timeZone"]);
        end(folder.path(), "time.timeZone").unwrap();
        assert!(matches!(end(folder.path(), "time.timeZone"), Err(LeaseError::Unknown(_))));
        assert_eq!(active(folder.path()).len(), 1);
    }

    #[test]
    fn values_are_json_or_plain_words() {
        let value = |text: &str| Lease::new("a.b", text, "1h", "why", "root").unwrap().value;
        assert_eq!(
            (value("true"), value("Europe/Oslo"), value("[1]")),
            (json!(true), json!("Europe/Oslo"), json!([1]))
        );
    }

    #[test]
    fn what_makes_no_sense_is_no_lease() {
        for path in ["", "time", "time.", ".a", "a.$b", "twinops.revision"] {
            assert!(matches!(lease(path, "1h"), Err(LeaseError::Path(_) | LeaseError::Own)), "{path}");
        }
        for lasting in ["", "h", "4", "-1h", "4w", "ä"] {
            assert!(matches!(lease("a.b", lasting), Err(LeaseError::Duration(_))), "{lasting}");
        }
        assert!(matches!(lease("a.b", "8d"), Err(LeaseError::Length)));
        assert!(matches!(Lease::new("a.b", "1", "1h", " ", "root"), Err(LeaseError::NoReason)));
    }

    #[test]
    fn a_file_that_is_broken_means_no_lease() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "[{").unwrap();
        assert!(active(folder.path()).is_empty());
    }
}
