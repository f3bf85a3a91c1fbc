//! `twinops hub authority`: whose certificates let devices in.

use std::path::PathBuf;

use crate::{
    cli::{
        Exit, Failure,
        args::{AuthorityAddArgs, AuthorityCommand, AuthorityRemoveArgs},
        prepare::Desk,
    },
    client::HubClient,
    reconcile::ports::HubError,
    report::plain,
};

#[derive(Debug, thiserror::Error)]
#[error("cannot read the certificate in `{}`", path.display())]
struct FileError {
    path: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// Asks the hub, which has to be running.
pub(super) async fn run(command: &AuthorityCommand, hub: &HubClient, desk: &Desk<'_>) -> Result<Exit, Failure> {
    match command {
        AuthorityCommand::Add(args) => add(args, hub, desk).await,
        AuthorityCommand::List => list(hub, desk).await,
        AuthorityCommand::Remove(args) => remove(args, hub, desk).await,
    }
}

async fn add(args: &AuthorityAddArgs, hub: &HubClient, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let AuthorityAddArgs { name, file } = args;
    let pem = std::fs::read_to_string(file).map_err(|cause| FileError { path: file.clone(), cause })?;
    let added = hub.add_certificate(name, &pem).await.map_err(|error| match error {
        HubError::Exists => Failure::new(Exit::Failed, format!("the hub has an authority `{name}` already"))
            .help(format!("`twinops hub authority remove {name}` removes it")),
        other => other.into(),
    })?;
    let subject = plain(&added.properties.subject);
    desk.printer.say(format_args!("the hub trusts {subject} as `{name}` until {}", added.properties.expiry));
    Ok(Exit::Done)
}

async fn list(hub: &HubClient, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let all = hub.certificates().await?;
    let width = all.iter().map(|one| one.name.len()).max().unwrap_or_default();
    desk.printer.result(|out| {
        for one in &all {
            let (properties, name) = (&one.properties, &one.name);
            let verified = if properties.is_verified { "verified" } else { "unverified" };
            let subject = plain(&properties.subject);
            writeln!(out, "{name:width$}  {}  {verified}  {subject}  {}", properties.expiry, properties.thumbprint)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

async fn remove(args: &AuthorityRemoveArgs, hub: &HubClient, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let AuthorityRemoveArgs { name } = args;
    hub.remove_certificate(name).await.map_err(|error| match error {
        HubError::NoDevice => Failure::new(Exit::Failed, format!("the hub has no authority `{name}`"))
            .help("`twinops hub authority list` shows those that it has"),
        other => other.into(),
    })?;
    desk.printer.say(format_args!("the hub trusts `{name}` no longer"));
    Ok(Exit::Done)
}
