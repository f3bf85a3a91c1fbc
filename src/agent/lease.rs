//! Break-glass leases: values that someone at the device sets for a while, over what the twin declares.
//!
//! They lie in one file of the state folder, which only the device's administrator may write. A lease ends by itself,
//! with or without a hub; the agent reports it as long as it lasts.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use super::{
    ledger::{private_folder, replace},
    moment::Moment,
};

const NAME: &str = "overrides.json";
/// The longest lease: what is needed for longer belongs into the fleet repository.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// As far the wall clock may be from what it was when a lease was noted, in seconds.
const ADRIFT: u64 = 60;
/// After so many seconds, how long leases last still is noted anew: a device may lose its clock with its power.
const NOTED: u64 = 3600;
/// Held while the file is read and written again.
const LOCK: &str = "overrides.lock";
/// As many leases at a time.
const MOST: usize = 32;

/// One value for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// `component.property`, or deeper.
    pub path: String,
    /// The value.
    pub value: Value,
    /// When it ends by the wall clock, in seconds since 1970; a clock that jumps does not make it last longer.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Seconds that it lasted still at `at`.
    #[serde(default)]
    left: u64,
    /// When that was noted; `None` in files of older agents, whose leases end by the wall clock.
    #[serde(default)]
    at: Option<Moment>,
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
        let (at, left) = (Moment::now(), lasting.as_secs());
        let until = at.wall.saturating_add_unsigned(left);
        // What is no JSON is meant as a string: nobody wants to quote in a shell.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        let (path, reason, by) = (path.to_owned(), reason.trim().to_owned(), by.to_owned());
        Ok(Self { path, value, until, reason, by, left, at: Some(at) })
    }

    /// Seconds that it still lasts.
    pub(crate) fn left(&self, now: &Moment) -> u64 {
        match &self.at {
            Some(at) => self.left.saturating_sub(now.since(at)),
            None => u64::try_from(self.until.saturating_sub(now.wall)).unwrap_or_default(),
        }
    }

    /// The lease as of now. When it ends is told anew only where the clock was set meanwhile.
    fn at_moment(mut self, now: &Moment) -> Self {
        let left = self.left(now);
        let until = now.wall.saturating_add_unsigned(left);
        if until.abs_diff(self.until) > ADRIFT {
            self.until = until;
        }
        (self.left, self.at) = (left, Some(now.clone()));
        self
    }

    /// The same for so many seconds from now.
    #[cfg(test)]
    pub(crate) fn lasting(self, seconds: u64) -> Self {
        let at = Moment::now();
        Self { until: at.wall.saturating_add_unsigned(seconds), left: seconds, at: Some(at), ..self }
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

/// The leases that last, the first to end first. The agent alone asks this: how long they last still is noted anew when
/// the device was started since, or a while has passed.
pub(crate) fn active(state: &Path) -> Vec<Lease> {
    let now = Moment::now();
    let leases = match read(state) {
        Ok(leases) => leases,
        Err(fault) => {
            warn!(%fault, "the file of leases cannot be read; there are none");
            return Vec::new();
        }
    };
    let is_old = |at: &Moment| at.boot != now.boot || now.since(at) > NOTED;
    if leases.iter().any(|lease| lease.at.as_ref().is_none_or(is_old))
        && let Err(fault) = change(state, |_| Ok(()))
    {
        warn!(%fault, "how long leases last still cannot be noted");
    }
    leases.into_iter().map(|lease| lease.at_moment(&now)).collect()
}

/// Puts a lease into force, in the place of one of the same path.
///
/// # Errors
/// When the state folder cannot be written, or there are too many leases.
pub fn grant(state: &Path, lease: Lease) -> Result<(), LeaseError> {
    change(state, |leases| {
        leases.retain(|held| held.path != lease.path);
        if leases.len() >= MOST {
            return Err(LeaseError::TooMany);
        }
        leases.push(lease);
        Ok(())
    })
}

/// Ends a lease before its time.
///
/// # Errors
/// When there is none, or the state folder cannot be written.
pub fn end(state: &Path, path: &str) -> Result<(), LeaseError> {
    change(state, |leases| {
        let held = leases.len();
        leases.retain(|lease| lease.path != path);
        if leases.len() == held { Err(LeaseError::Unknown(path.to_owned())) } else { Ok(()) }
    })
}

/// Changes the file while nobody else does.
fn change(state: &Path, work: impl FnOnce(&mut Vec<Lease>) -> Result<(), LeaseError>) -> Result<(), LeaseError> {
    private_folder(state).map_err(LeaseError::File)?;
    let lock = fs::File::create(state.join(LOCK)).map_err(LeaseError::File)?;
    // Let go of when it is closed.
    lock.lock().map_err(LeaseError::File)?;
    let now = Moment::now();
    let mut leases: Vec<Lease> =
        read(state).map_err(LeaseError::File)?.into_iter().map(|lease| lease.at_moment(&now)).collect();
    work(&mut leases)?;
    write(state, &leases).map_err(LeaseError::File)
}

fn read(state: &Path) -> io::Result<Vec<Lease>> {
    let bytes = match fs::read(state.join(NAME)) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut leases: Vec<Lease> = serde_json::from_slice(&bytes)?;
    let now = Moment::now();
    leases.retain(|lease| lease.left(&now) > 0);
    leases.sort_by_key(|lease| lease.left(&now));
    Ok(leases)
}

fn write(state: &Path, leases: &[Lease]) -> io::Result<()> {
    replace(state, NAME, &serde_json::to_vec(leases)?)
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
        let over = lease("a.b", "1h").unwrap().lasting(0);
        grant(folder.path(), over).unwrap();
        let paths: Vec<String> = active(folder.path()).into_iter().map(|lease| lease.path).collect();
        assert_eq!(paths, ["time.ntp.servers", "time.timeZone"]);
        end(folder.path(), "time.timeZone").unwrap();
        assert!(matches!(end(folder.path(), "time.timeZone"), Err(LeaseError::Unknown(_))));
        assert_eq!(active(folder.path()).len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_makes_no_lease_longer_or_shorter() {
        let granted = lease("a.b", "1h").unwrap();
        let at = granted.at.clone().unwrap();
        for jump in [-1_000_000, 0, 1_000_000] {
            let now = Moment { wall: at.wall + 600 + jump, up: at.up + 600, ..at.clone() };
            assert_eq!(granted.left(&now), 3000);
            let told = granted.clone().at_moment(&now);
            assert_eq!(told.until, if jump == 0 { granted.until } else { now.wall + 3000 });
        }
        // Started anew, with a clock that begins in 1970: what has passed since then counts, again and again.
        let mut held = granted;
        for boot in 0..6 {
            let now = Moment { wall: 600, boot: Some(format!("boot {boot}")), up: 600 };
            held = held.at_moment(&now);
        }
        assert_eq!(held.left, 0);
    }

    #[test]
    fn what_an_older_agent_noted_still_ends() {
        let text = format!(
            r#"[{{"path": "a.b", "value": 1, "until": {}, "reason": "r", "by": "root"}}]"#,
            Timestamp::now().as_second() + 100
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), text).unwrap();
        let left = |leases: &[Lease]| leases[0].left(&Moment::now());
        assert!((90..=100).contains(&left(&active(folder.path()))));
        let noted: Vec<Lease> = serde_json::from_slice(&fs::read(folder.path().join(NAME)).unwrap()).unwrap();
        assert!(noted[0].at.is_some() && (90..=100).contains(&left(&noted)));
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
