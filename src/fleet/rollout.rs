//! A rollout, ready to decide with.

use std::{sync::Arc, time::Duration};

use jiff::civil::{Date, Time};

use super::{
    model::DocumentRef,
    model_rollout::{ApprovalSpec, Day, GateOf, GateSpec, OnFailure, RolloutSpec, WaveApproval, WaveSpec, WindowSpec},
};
use crate::query::Condition;

/// The name of the wave that takes what no other does, where the rollout has none of its own.
const REST: &str = "(rest)";

const DAY: Duration = Duration::from_hours(24);

/// How a change reaches devices.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Unique among rollouts.
    pub name: Arc<str>,
    /// Where it stands.
    pub document: DocumentRef,
    /// `None` governs every device.
    pub condition: Option<Condition>,
    /// In order. The last takes whatever is left.
    pub waves: Vec<Wave>,
    /// The condition for the next wave.
    pub gate: Gate,
    /// What happens when a gate is not passed.
    pub on_failure: OnFailure,
    /// When devices may be changed; `None`: always.
    pub window: Option<Window>,
}

/// One slice of a rollout's devices.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    /// Unique in the rollout.
    pub name: Arc<str>,
    /// `None` takes every device.
    pub condition: Option<Condition>,
    /// Of a hundred slots of the stable hash, those below this.
    pub percent: Option<u8>,
    /// Whether somebody has to approve.
    pub approval: bool,
}

/// When a wave has gone well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Fewest devices compliant, in percent.
    pub compliant: u8,
    /// Most devices failed, in percent.
    pub failed: u8,
    /// How long it has to stay so.
    pub soak: Duration,
    /// When to give up; `None`: never.
    pub timeout: Option<Duration>,
    /// Which devices count.
    pub of: GateOf,
}

/// Hours in which devices may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Days on which it begins.
    pub days: Vec<Day>,
    /// When it begins.
    pub from: Time,
    /// When it is over: on the next day, unless it is later than `from`.
    pub to: Time,
    /// By whose clock.
    pub zone: Zone,
}

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// The same for all devices, by its IANA name.
    Named(Arc<str>),
    /// Each device's own: the keys below `tags` where its IANA name stands.
    Tag(Vec<Arc<str>>),
}

/// That a wave may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Where it stands.
    pub document: DocumentRef,
    /// What it says.
    pub spec: ApprovalSpec,
}

impl Rollout {
    /// A rollout as its document says; `None` when a condition cannot be read, which is a finding of its own.
    pub(super) fn new(name: &str, document: DocumentRef, spec: &RolloutSpec) -> Option<Self> {
        let mut waves: Vec<Wave> = spec.waves.iter().map(Wave::new).collect::<Option<_>>()?;
        if !waves.iter().any(Wave::takes_all) {
            waves.push(Wave { name: REST.into(), condition: None, percent: None, approval: false });
        }
        Some(Self {
            name: name.into(),
            document,
            condition: condition(spec.selector.as_deref())?,
            waves,
            gate: Gate::new(&spec.gate.clone().unwrap_or_default()),
            on_failure: spec.on_failure,
            window: match &spec.window {
                Some(window) => Some(Window::new(window)?),
                None => None,
            },
        })
    }
}

impl Rollout {
    /// The conditions of the rollout and of its waves.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.condition.iter().chain(self.waves.iter().filter_map(|wave| wave.condition.as_ref()))
    }

    /// How long a wave is watched: its gate's timeout, or a day.
    pub fn patience(&self) -> Duration {
        self.gate.timeout.unwrap_or(DAY)
    }
}

impl Wave {
    fn new(spec: &WaveSpec) -> Option<Self> {
        Some(Self {
            name: spec.name.as_str().into(),
            condition: condition(spec.selector.as_deref())?,
            percent: spec.percent,
            approval: spec.approval == WaveApproval::Required,
        })
    }

    fn takes_all(&self) -> bool {
        self.condition.is_none() && self.percent.is_none_or(|percent| percent >= 100)
    }
}

impl Gate {
    fn new(spec: &GateSpec) -> Self {
        let compliant = percent(spec.compliant.as_deref()).unwrap_or(100);
        Self {
            compliant,
            failed: percent(spec.failed.as_deref()).unwrap_or(100 - compliant),
            soak: spec.soak.as_deref().and_then(length).unwrap_or_default(),
            timeout: spec.timeout.as_deref().and_then(length),
            of: spec.of,
        }
    }
}

impl Window {
    /// A window; `None` when an hour is none.
    pub fn new(spec: &WindowSpec) -> Option<Self> {
        const WEEK: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        Some(Self {
            days: spec.days.clone().unwrap_or_else(|| WEEK.to_vec()),
            from: spec.from.parse().ok()?,
            to: spec.to.parse().ok()?,
            zone: Zone::new(spec.time_zone.as_deref().unwrap_or("UTC")),
        })
    }
}

impl Zone {
    /// `tags.site.zone` is the place of a name; everything else is one.
    pub fn new(text: &str) -> Self {
        match text.strip_prefix("tags.") {
            Some(path) => Self::Tag(path.split('.').map(Into::into).collect()),
            None => Self::Named(text.into()),
        }
    }
}

impl Approval {
    /// Whether it has not ended.
    pub fn holds_on(&self, day: Date) -> bool {
        self.spec.until.parse::<Date>().is_ok_and(|until| until >= day)
    }
}

/// The condition, if there is one; `None` when it cannot be read.
#[expect(clippy::option_option, reason = "nothing to read and not to be read are two things")]
fn condition(text: Option<&str>) -> Option<Option<Condition>> {
    text.map(Condition::parse).transpose().ok()
}

fn percent(text: Option<&str>) -> Option<u8> {
    Some(text?.strip_suffix('%')?.parse::<u8>().ok()?.min(100))
}

/// A length of time as a document writes it, `30m`; `None` when it is none, or longer than anybody waits.
pub(super) fn length(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let scale = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u32>().ok().map(u64::from)? * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(compliant: Option<&str>, failed: Option<&str>) -> (u8, u8) {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let spec = GateSpec { compliant: own(compliant), failed: own(failed), ..GateSpec::default() };
        let gate = Gate::new(&spec);
        (gate.compliant, gate.failed)
    }

    #[test]
    fn what_a_gate_does_not_say_is_strict() {
        assert_eq!(gate(None, None), (100, 0));
        assert_eq!(gate(Some("95%"), None), (95, 5));
        assert_eq!(gate(Some("95%"), Some("1%")), (95, 1));
    }

    #[test]
    fn lengths_have_one_unit() {
        assert_eq!(["30s", "30m", "2h", "1d"].map(|text| length(text).unwrap().as_secs()), [30, 1800, 7200, 86_400]);
        assert_eq!(["", "m", "5", "5w", "99999999999d"].map(length), [None; 5]);
    }

    #[test]
    fn what_no_wave_takes_comes_last() {
        let waves = |specs: &[(Option<&str>, Option<u8>)]| {
            let wave = |(at, (selector, percent)): (usize, &(Option<&str>, Option<u8>))| WaveSpec {
                name: format!("w{at}"),
                selector: selector.map(str::to_owned),
                percent: *percent,
                approval: WaveApproval::None,
            };
            let waves = specs.iter().enumerate().map(wave).collect();
            let spec = RolloutSpec { selector: None, waves, gate: None, on_failure: OnFailure::Pause, window: None };
            let document = DocumentRef { file: "r.yaml".into(), document: 0 };
            Rollout::new("r", document, &spec).unwrap().waves.into_iter().map(|wave| wave.name).collect::<Vec<_>>()
        };
        assert_eq!(waves(&[(Some("tags.a = 1"), None), (None, Some(10))]), ["w0".into(), "w1".into(), REST.into()]);
        assert_eq!(waves(&[(None, Some(10)), (None, Some(100))]).len(), 2);
        assert_eq!(waves(&[(None, None)]).len(), 1);
    }
}
