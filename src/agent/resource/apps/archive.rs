//! Apps that are archives: unpacked beside the version before, switched to by a link, and run as a service.

use std::{fs, io, path::Path};

use serde_json::{Value, json};

use crate::{
    agent::{
        port::{Artifacts, Call, Port, Run},
        resource::{Fault, Refusal, units},
    },
    component::{
        apps::{App, AppStartup},
        artifact::Presence,
    },
};

const APPS: &str = "opt/twinops/apps";

fn folder(id: &str) -> String {
    format!("{APPS}/{id}")
}

fn current(id: &str) -> String {
    format!("{APPS}/{id}/current")
}

/// Which archive a version was unpacked from.
fn mark(id: &str, version: &str) -> String {
    format!("{APPS}/{id}/{version}/.twinops-sha256")
}

pub(super) fn unit(id: &str) -> String {
    format!("twinops-app-{id}.service")
}

fn unit_path(id: &str) -> String {
    format!("etc/systemd/system/{}", unit(id))
}

/// Its own user, made for as long as it runs, may write its own state folder and nothing else.
fn unit_text(id: &str, app: &App) -> String {
    format!(
        "# Written by twinops; changes are undone.\n[Unit]\nDescription={id}\nAfter=network.target\n\n[Service]\n\
         ExecStart=/{}/{}\nWorkingDirectory=/{}\nRestart=on-failure\nDynamicUser=yes\nStateDirectory=twinops-app-{id}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        current(id),
        app.name,
        current(id)
    )
}

pub(super) fn check(app: &App) -> Result<(), Refusal> {
    if app.state == Some(Presence::Absent) {
        return Ok(());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let good = |word: &str| !word.is_empty() && !word.starts_with('.') && word.chars().all(plain);
    if !app.version.as_deref().is_some_and(|version| good(version) && version != "current") {
        return Err(Refusal::Invalid(
            "the `version` of an archive names its folder; use letters, digits, `.+-_`".to_owned(),
        ));
    }
    if !app.name.split('/').all(good) {
        return Err(Refusal::Invalid("the `name` of an archive is the path of its program inside it".to_owned()));
    }
    let missing = || Refusal::Invalid("`source` must say where the archive is".to_owned());
    app.source.as_ref().map(drop).ok_or_else(missing)
}

/// What `current` points to. With another archive or another unit than is wanted it has no version that could be told.
pub(super) fn read<R: Run>(port: &Port<R>, id: &str, app: &App) -> Result<Option<Value>, Fault> {
    let Some(version) = port.tree.link(&current(id)) else { return Ok(None) };
    let digest = port.tree.text(&mark(id, &version))?;
    let unit = port.tree.text(&unit_path(id))?;
    let mut found = json!({"type": "archive", "name": app.name, "state": "present"});
    let meant = app.source.as_ref().map(|source| source.sha256.to_ascii_lowercase());
    if meant.is_none() || (digest == meant && unit == Some(unit_text(id, app))) {
        found["version"] = version.into();
    }
    Ok(Some(found))
}

pub(super) async fn install<R: Run>(port: &Port<R>, artifacts: &Artifacts, id: &str, app: &App) -> Result<(), Fault> {
    let (Some(source), Some(version)) = (&app.source, app.version.as_deref()) else {
        return Err(Fault::new("an archive needs `source` and `version`"));
    };
    let before = port.tree.link(&current(id));
    let file = artifacts.get(source, ".tar.gz").await?;
    unpack(port, &file, id, version, app).await?;
    port.tree.write_text(&mark(id, version), &source.sha256.to_ascii_lowercase())?;
    port.tree.write_text(&unit_path(id), &unit_text(id, app))?;
    port.tree.link_to(&current(id), version)?;
    units::reload(port).await?;
    Artifacts::forget(&file);
    clear(port, id, &[Some(version), before.as_deref()])
}

/// Unpacks beside the place of the version, which gets it whole.
async fn unpack<R: Run>(port: &Port<R>, file: &Path, id: &str, version: &str, app: &App) -> Result<(), Fault> {
    let place = port.tree.at(&format!("{}/{version}", folder(id)));
    let next = port.tree.at(&format!("{}/.next", folder(id)));
    let doing = |cause: io::Error| Fault::because("unpacking the archive", &cause);
    away(&next).and_then(|()| fs::create_dir_all(&next)).map_err(doing)?;
    let (file, into) = (file.display().to_string(), next.display().to_string());
    let asked = ["-xzf", &file, "-C", &into, "--no-same-owner", "--no-same-permissions"];
    port.call(Call::new("tar", &asked).within(super::LIMIT)).await?.good("tar")?;
    if !next.join(&app.name).is_file() {
        return Err(Fault::new(format!("the archive has no program `{}`", app.name)));
    }
    away(&place).and_then(|()| fs::rename(&next, &place)).map_err(doing)
}

/// Whether the service starts with the system.
pub(super) async fn enable<R: Run>(port: &Port<R>, id: &str, app: &App) -> Result<(), Fault> {
    let verb = if app.startup == Some(AppStartup::Background) { "enable" } else { "disable" };
    port.systemctl(&[verb, &unit(id)]).await.map(drop)
}

pub(super) async fn remove<R: Run>(port: &Port<R>, id: &str) -> Result<(), Fault> {
    if port.tree.exists(&unit_path(id)) {
        units::order(port, "stop", &unit(id)).await?;
        port.systemctl(&["disable", &unit(id)]).await?;
    }
    port.tree.remove(&unit_path(id))?;
    units::reload(port).await?;
    away(&port.tree.at(&folder(id))).map_err(|cause| Fault::because("removing the app", &cause))
}

/// Takes away the versions that nobody goes back to.
fn clear<R: Run>(port: &Port<R>, id: &str, stay: &[Option<&str>]) -> Result<(), Fault> {
    let versions = port.tree.names(&folder(id))?;
    for version in versions.iter().filter(|name| *name != "current" && !stay.contains(&Some(name.as_str()))) {
        let gone = away(&port.tree.at(&format!("{}/{version}", folder(id))));
        gone.map_err(|cause| Fault::because("removing an old version", &cause))?;
    }
    Ok(())
}

fn away(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}
