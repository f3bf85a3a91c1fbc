//! Exit codes: part of what scripts rely on, and therefore never changed.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing left to do.
    Done = 0,
    /// It failed; the message says why.
    Failed = 1,
    /// There are changes or drift, and `--detailed-exitcode` asked to be told.
    Changes = 2,
    /// The fleet repository has findings that stop a plan.
    Findings = 3,
    /// A guard of the fleet refused the plan.
    Guard = 4,
    /// The plan is stale: the twins that it was made against have moved on.
    Stale = 5,
    /// Applied in part: some devices failed or were not reached.
    Partial = 6,
    /// A gate holds a rollout.
    Gate = 7,
    /// Wrong usage.
    Usage = 64,
    /// Interrupted (Ctrl-C).
    Interrupted = 130,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Changes,
        Self::Findings,
        Self::Guard,
        Self::Stale,
        Self::Partial,
        Self::Gate,
        Self::Usage,
        Self::Interrupted,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, nothing left",
            Self::Failed => "failed",
            Self::Changes => "changes or drift, with --detailed-exitcode",
            Self::Findings => "findings in the repository",
            Self::Guard => "a guard refused",
            Self::Stale => "the plan is stale",
            Self::Partial => "applied in part",
            Self::Gate => "a gate holds a rollout",
            Self::Usage => "wrong usage",
            Self::Interrupted => "interrupted",
        }
    }

    /// The table for the end of `--help`.
    pub fn table() -> String {
        let row = |exit: &Self| format!("  {:>3}  {}\n", exit.code(), exit.meaning());
        format!("Exit codes:\n{}", Self::ALL.iter().map(row).collect::<String>())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_that_scripts_rely_on() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 7, 64, 130]);
    }
}
