//! What a device's maker has a command do: a program that the device's own configuration names.

use std::{fs, path::Path, time::Duration};

use crate::agent::{
    port::{Call, Port, Run},
    resource::Fault,
};

/// How long it may run.
const LIMIT: Duration = Duration::from_mins(10);

/// Runs the program of a file that holds its argument vector, a JSON array of strings.
///
/// # Errors
/// When the file cannot be read or others may write it, or when the program fails.
pub(super) async fn run<R: Run>(port: &Port<R>, file: &Path) -> Result<(), Fault> {
    let line = vector(file)?;
    let (program, arguments) = line.split_first().ok_or_else(|| Fault::new("the hook names no program"))?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    port.call(Call::new(program, &arguments).within(LIMIT)).await?.good(program).map(drop)
}

fn vector(file: &Path) -> Result<Vec<String>, Fault> {
    let doing = format!("reading the hook `{}`", file.display());
    let fault = |cause: &dyn std::error::Error| Fault::because(&doing, cause);
    if is_open_to_others(file).map_err(|cause| fault(&cause))? {
        return Err(Fault::new(format!("{doing}: others than its owner may write it; take that from them")));
    }
    let text = fs::read(file).map_err(|cause| fault(&cause))?;
    serde_json::from_slice(&text).map_err(|cause| fault(&cause))
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(file)?.permissions().mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &Path) -> std::io::Result<bool> {
    Ok(false)
}
