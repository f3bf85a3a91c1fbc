//! Authorities that vouch for devices.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Of `hub authority`.
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Let devices in whose certificates lead to this authority and name the device.
    #[command(after_help = "Examples:\n  twinops hub authority add plant-oslo root-ca.pem\n\n\
                            A device needs `identity: {type: certificateAuthority}` and a certificate whose common \
                            name is its id.")]
    Add(AuthorityAddArgs),
    /// List the authorities.
    #[command(after_help = "Examples:\n  twinops hub authority list")]
    List,
    /// Trust an authority no longer; devices that it let in are cut.
    #[command(after_help = "Examples:\n  twinops hub authority remove plant-oslo")]
    Remove(AuthorityRemoveArgs),
}

/// Of `hub authority add`.
#[derive(Debug, Args)]
pub struct AuthorityAddArgs {
    /// What to call it: letters, digits, hyphens, dots and underscores.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its certificate (PEM).
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Of `hub authority remove`.
#[derive(Debug, Args)]
pub struct AuthorityRemoveArgs {
    /// What it is called.
    #[arg(value_name = "NAME")]
    pub name: String,
}
