//! What `reconcile` takes to stay, and to tell others what it does.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use super::duration;
use crate::plan::Shard;

/// How to go on after the first run, and who is told.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Watching")]
pub struct FollowArgs {
    /// Stay, and reconcile every commit that the remote of the repository gets, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// How often the remote is asked, about.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1m")]
    pub poll: Duration,
    /// How often the twins are brought back to a commit that has not changed.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m")]
    pub resync: Duration,
    /// Reconcile the files on disk at every save, committed or not.
    #[arg(long, requires = "watch", conflicts_with_all = ["revision", "require_signed"])]
    pub worktree: bool,
    /// Listen here for the webhooks of GitHub, GitLab and Azure DevOps: a push is reconciled at once. The secret stands
    /// in the variable `TWINOPS_WEBHOOK_SECRET`. Over TLS with `--listen-cert`; otherwise behind a proxy that has it.
    #[arg(long, value_name = "ADDR", requires = "watch")]
    pub webhook: Option<SocketAddr>,
    /// Serve metrics for Prometheus here, at `/metrics`.
    #[arg(long, value_name = "ADDR", requires = "watch")]
    pub metrics: Option<SocketAddr>,
    /// A certificate (PEM, the chain in order) with which webhooks and metrics are listened for over TLS.
    #[arg(long, value_name = "FILE", requires_all = ["listen_key", "watch"])]
    pub listen_cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    pub listen_key: Option<PathBuf>,
    /// Append what happens to this file, one JSON document a line; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Tell a webhook, as Slack takes it, when the state changes. The address is a secret: better in the variable.
    #[arg(long, value_name = "URL", env = "TWINOPS_NOTIFY_URL", hide_env_values = true)]
    pub notify: Option<String>,
    /// Send what each run took to an OpenTelemetry collector, over HTTP as JSON: its address without a path.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp: Option<String>,
    /// Refuse a commit that no key in this file of allowed signers has signed: SSH keys as `ssh-keygen` takes them, PGP
    /// keys of the keyring as `# gpg FINGERPRINT`.
    #[arg(long, value_name = "FILE")]
    pub require_signed: Option<PathBuf>,
    /// Write to the K-th of N parts of the devices alone.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
}
