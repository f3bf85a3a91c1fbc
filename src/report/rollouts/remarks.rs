//! Rollouts as remarks: of those that wait for something.

use std::io;

use super::hold;
use crate::{
    plan::rollout::{Phase, RolloutState},
    report::remark::{Level, Remark},
};

pub(in crate::report) fn tell(
    states: &[RolloutState],
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for state in states {
        let Some(hold) = hold(state) else { continue };
        let level = match state.phase {
            Phase::Done | Phase::Rolling => Level::Notice,
            Phase::Paused | Phase::Rejected => Level::Error,
        };
        let title = format!("rollout {}: {}", state.name, state.phase.word());
        take(&Remark { level, rule: "rollout", title, message: hold, location: None, ..Remark::default() })?;
    }
    Ok(())
}
