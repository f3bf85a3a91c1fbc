//! Apps that are packages of Debian, from the system's sources or from a file.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    agent::{
        port::{Artifacts, Port, Run},
        resource::{Fault, Refusal, packages},
    },
    component::apps::App,
};

pub(super) fn check<R: Run>(port: &Port<R>, app: &App) -> Result<(), Refusal> {
    packages::check_name(&app.name)?;
    app.version.as_deref().map_or(Ok(()), packages::check_version)?;
    if let Some(lack) = packages::lack(port) {
        return Err(Refusal::Unsupported(lack));
    }
    Ok(())
}

pub(super) async fn read<R: Run>(port: &Port<R>, app: &App) -> Result<Option<Value>, Fault> {
    let version = packages::installed(port, &app.name).await?;
    Ok(version.map(|version| json!({"type": "deb", "name": app.name, "version": version, "state": "present"})))
}

/// Installs the package together with those that it comes with.
pub(super) async fn install<R: Run>(
    port: &Port<R>,
    artifacts: &Artifacts,
    app: &App,
    limit: Duration,
) -> Result<(), Fault> {
    let version = app.version.as_deref().unwrap_or_default();
    let mut fetched = Vec::new();
    for artifact in app.dependencies.iter().chain(&app.source) {
        fetched.push(artifacts.get(artifact, ".deb").await?);
    }
    let files: Vec<String> = fetched.iter().map(|path| path.display().to_string()).collect();
    let named = format!("{}={version}", app.name);
    let mut what: Vec<&str> = files.iter().map(String::as_str).collect();
    match (&app.source, files.last()) {
        (Some(_), Some(file)) => is_the_one(port, file, app).await?,
        _ => what.push(&named),
    }
    packages::apt(port, "install", &what, limit).await?;
    for path in &fetched {
        Artifacts::forget(path);
    }
    Ok(())
}

/// A file with the right digest may still be another package than was declared.
async fn is_the_one<R: Run>(port: &Port<R>, file: &str, app: &App) -> Result<(), Fault> {
    let said = port.run("dpkg-deb", &["-f", file, "Package", "Version"]).await?;
    let field = |name: &str| said.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()));
    let (name, version) = (field("Package").unwrap_or_default(), field("Version").unwrap_or_default());
    if name == app.name.split(':').next().unwrap_or_default() && Some(version) == app.version.as_deref() {
        return Ok(());
    }
    Err(Fault::new(format!("the file is `{name}` {version}, and not what was declared; it is not installed")))
}
