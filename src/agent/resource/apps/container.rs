//! Apps that are containers: units that Podman makes of a file (Quadlet, Podman 4.4 and later).

use serde_json::{Value, json};

use crate::{
    agent::{
        port::{Port, Run},
        resource::{Fault, Refusal, units},
    },
    component::{
        apps::{App, AppStartup},
        artifact::Presence,
    },
};

const QUADLET: [&str; 2] = ["usr/libexec/podman/quadlet", "usr/lib/podman/quadlet"];

fn path(id: &str) -> String {
    format!("etc/containers/systemd/twinops-{id}.container")
}

pub(super) fn unit(id: &str) -> String {
    format!("twinops-{id}.service")
}

pub(super) fn check<R: Run>(port: &Port<R>, app: &App) -> Result<(), Refusal> {
    if !QUADLET.iter().any(|path| port.tree.exists(path)) {
        return Err(Refusal::Unsupported("this device has no Podman 4.4 or later, which containers need".to_owned()));
    }
    let formed = |c: char| c.is_ascii_alphanumeric() || "./_:-".contains(c);
    if app.name.starts_with('-') || !app.name.contains('/') || !app.name.chars().all(formed) {
        let why = format!("`{}` is not the whole name of an image, such as registry.example/line", app.name);
        return Err(Refusal::Invalid(why));
    }
    if app.source.is_some() {
        return Err(Refusal::Invalid("a container's image comes from its registry; write `digest`".to_owned()));
    }
    let digest = app.digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:")).unwrap_or_default();
    let good = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if app.state.unwrap_or_default() == Presence::Present && !good {
        return Err(Refusal::Invalid("`digest` must say which image is meant: sha256: and 64 digits".to_owned()));
    }
    Ok(())
}

/// What Podman makes a unit of.
fn text(id: &str, app: &App) -> String {
    // A tag beside a digest means nothing, and Podman does not take both.
    let name = app
        .name
        .rsplit_once('/')
        .map_or(app.name.clone(), |(path, last)| format!("{path}/{}", last.split(':').next().unwrap_or_default()));
    let (digest, version) = (app.digest.as_deref().unwrap_or_default(), app.version.as_deref().unwrap_or_default());
    let install = match app.startup {
        Some(AppStartup::Background) => "\n[Install]\nWantedBy=multi-user.target\n",
        _ => "",
    };
    format!(
        "# Written by twinops; changes are undone.\n# version {version}\n[Unit]\nDescription={id}\n\n[Container]\n\
         Image={name}@{digest}\nContainerName=twinops-{id}\n\n[Service]\nRestart=on-failure\nTimeoutStartSec=900\n{install}"
    )
}

/// An app whose file is not what is wanted has no version that could be told.
pub(super) fn read<R: Run>(port: &Port<R>, id: &str, app: &App) -> Result<Option<Value>, Fault> {
    let Some(held) = port.tree.text(&path(id))? else { return Ok(None) };
    let mut found = json!({"type": "container", "name": app.name, "state": "present"});
    if held == text(id, app) {
        found["version"] = json!(app.version);
    }
    Ok(Some(found))
}

pub(super) async fn install<R: Run>(port: &Port<R>, id: &str, app: &App) -> Result<(), Fault> {
    port.tree.write_text(&path(id), &text(id, app))?;
    units::reload(port).await
}

pub(super) async fn remove<R: Run>(port: &Port<R>, id: &str) -> Result<(), Fault> {
    if port.tree.exists(&path(id)) {
        units::order(port, "stop", &unit(id)).await?;
    }
    port.tree.remove(&path(id))?;
    units::reload(port).await
}
