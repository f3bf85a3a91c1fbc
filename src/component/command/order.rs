//! A command with what it was handed.

use serde::de::{DeserializeOwned, Error as _};

use super::{
    Command,
    payload::{Collect, Destroying, OfApp, OfFile, Plain, Upload},
};

/// A command with what it was handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub command: Command,
    /// Names the call.
    pub id: Option<String>,
    /// Only to say what would happen.
    pub dry_run: bool,
    /// What the first of two steps answered.
    pub token: Option<String>,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done, apart from the command's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// The name says it all.
    Plain,
    /// With the app of this id.
    App(String),
    /// Collect this.
    Collect(Collect),
    /// With the archive of this name.
    File(String),
    /// Write an archive to an address.
    Upload {
        /// Its name.
        name: String,
        /// The address: a secret.
        url: String,
    },
}

impl Order {
    /// An order without an id, to be done at once.
    pub const fn new(command: Command, work: Work) -> Self {
        Self { command, id: None, dry_run: false, token: None, work }
    }

    /// Reads what a command was handed; nothing and `null` are `{}`.
    ///
    /// # Errors
    /// When that cannot be meant; the message says where.
    pub fn read(command: Command, payload: &[u8]) -> Result<Self, serde_json::Error> {
        let bytes = if matches!(payload.trim_ascii(), b"" | b"null") { b"{}" } else { payload };
        let order = match command {
            Command::FactoryReset | Command::Wipe => {
                let Destroying { id, token, dry_run } = read(bytes)?;
                Self { command, id: Some(id), dry_run, token, work: Work::Plain }
            }
            Command::AppsStart | Command::AppsStop => {
                let OfApp { id, dry_run, app } = read(bytes)?;
                Self { command, id, dry_run, token: None, work: Work::App(app) }
            }
            Command::DiagnosticsCollect => {
                let collect: Collect = read(bytes)?;
                let (id, dry_run) = (collect.id.clone(), collect.dry_run);
                Self { command, id, dry_run, token: None, work: Work::Collect(collect) }
            }
            Command::DiagnosticsUpload => {
                let Upload { id, dry_run, name, url } = read(bytes)?;
                Self { command, id, dry_run, token: None, work: Work::Upload { name, url } }
            }
            Command::DiagnosticsDelete => {
                let OfFile { id, dry_run, name } = read(bytes)?;
                Self { command, id, dry_run, token: None, work: Work::File(name) }
            }
            Command::Reboot
            | Command::Report
            | Command::ClearReported
            | Command::UpdatesScan
            | Command::DiagnosticsList => {
                let Plain { id, dry_run } = read(bytes)?;
                Self { command, id, dry_run, token: None, work: Work::Plain }
            }
        };
        let formed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        match &order.id {
            Some(id) if id.is_empty() || id.len() > 64 || !id.chars().all(formed) => {
                Err(serde_json::Error::custom("`id` has 1 to 64 letters, digits, `.`, `_`, `:` and `-`"))
            }
            _ => Ok(order),
        }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_an_empty_object_where_nothing_is_needed() {
        for payload in ["", "null", "{}", " null "] {
            assert_eq!(
                Order::read(Command::Reboot, payload.as_bytes()).unwrap(),
                Order::new(Command::Reboot, Work::Plain)
            );
            assert!(Order::read(Command::Wipe, payload.as_bytes()).is_err());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        let fault = |command, payload: &str| Order::read(command, payload.as_bytes()).unwrap_err().to_string();
        assert!(fault(Command::Reboot, r#"{"when": 1}"#).contains("`when`"));
        assert!(fault(Command::AppsStart, r#"{"app": 7}"#).contains("line 1 column 9"));
        assert!(fault(Command::Wipe, r#"{"id": "a b"}"#).contains("`id`"));
        assert!(fault(Command::Wipe, "{").contains("EOF"));
    }

    #[test]
    fn an_address_that_is_wrong_is_not_repeated() {
        let fault = Order::read(Command::DiagnosticsUpload, br#"{"name": "a", "url": "https://x?sig=s", "b": 1}"#);
        assert!(!fault.unwrap_err().to_string().contains("sig=s"));
    }
}
