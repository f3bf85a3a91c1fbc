//! What is said of rollouts.

use std::str::FromStr;

use clap::Args;

use super::StandingArgs;

/// Of `plan` and `reconcile`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rollouts")]
pub struct ApproveArgs {
    /// Approve a wave that waits for it, for the commit that is planned; may be given several times. Approving the first
    /// wave lets a commit be tried again that was rejected.
    #[arg(long = "approve", value_name = "ROLLOUT/WAVE")]
    pub approve: Vec<WaveName>,
}

/// A wave of a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveName {
    /// The rollout.
    pub rollout: String,
    /// Its wave.
    pub wave: String,
}

impl FromStr for WaveName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((rollout, wave)) if !rollout.is_empty() && !wave.is_empty() => {
                Ok(Self { rollout: rollout.to_owned(), wave: wave.to_owned() })
            }
            _ => Err("a wave is named by its rollout and its own name: `kiosks/canary`".to_owned()),
        }
    }
}

/// Of `status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops status\n  twinops status --where \"tags.site = 'oslo'\" --format json\n  \
                        twinops status --rollout\n  twinops status --rollout kiosks --detailed-exitcode"
)]
pub struct StatusArgs {
    /// What it shares with `drift`.
    #[command(flatten)]
    pub standing: StandingArgs,
    /// Only how rollouts stand: all, or this one. With `--detailed-exitcode`, 2 when one is not done.
    #[arg(
        long, value_name = "NAME", num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["condition", "devices"],
        help_heading = "Rollouts"
    )]
    pub rollout: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_named_with_its_rollout() {
        let named = WaveName { rollout: "kiosks".to_owned(), wave: "canary".to_owned() };
        assert_eq!("kiosks/canary".parse(), Ok(named));
        for wrong in ["", "kiosks", "/canary", "kiosks/"] {
            assert!(wrong.parse::<WaveName>().is_err(), "{wrong}");
        }
    }
}
