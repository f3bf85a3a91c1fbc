//! Files that SOPS has sealed, opened by the user's own `sops`: it knows every kind of key there is.

use std::{collections::BTreeMap, io, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    cli::Failure,
    fleet::{Source, SourceFile},
};

/// Why a sealed file gives no secrets. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
enum SopsError {
    #[error("{file} is not in the fleet repository")]
    Missing { file: String },
    #[error("{file} is sealed, and `sops`, which opens it, cannot be run")]
    Program {
        file: String,
        #[source]
        cause: io::Error,
    },
    #[error("`sops` does not open {file}: {said}")]
    Refused { file: String, said: String },
    #[error("what `sops` made of {file} is no object")]
    NoObject { file: String },
}

impl SopsError {
    fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "`spec.secrets` of the fleet names it; make it with `sops edit`, and commit it",
            Self::Program { .. } => {
                "install sops (https://getsops.io), or set the secrets in the environment: TWINOPS_SECRET_NAME"
            }
            Self::Refused { .. } => {
                "give it a key that the file is sealed for: SOPS_AGE_KEY_FILE or SOPS_AGE_KEY for age, a login for a \
                 key vault"
            }
            Self::NoObject { .. } => "a file of secrets has names with values",
        }
    }
}

/// All secrets of a file of the fleet by name; those that lie deeper have dots in theirs.
pub(super) async fn open(path: &str, source: &Source) -> Result<BTreeMap<String, String>, Failure> {
    let sealed = source.sealed.iter().find(|file| *file.path == *path);
    let opened = match sealed {
        Some(sealed) => read(sealed).await,
        None => Err(SopsError::Missing { file: path.to_owned() }),
    };
    opened.map_err(|error| {
        let help = error.help();
        Failure::from(error).help(help)
    })
}

async fn read(sealed: &SourceFile) -> Result<BTreeMap<String, String>, SopsError> {
    let file = || sealed.path.to_string();
    let kind = if sealed.path.ends_with(".json") { "json" } else { "yaml" };
    // The revision's own bytes, which need not be what lies in the working tree.
    let mut process = Command::new("sops")
        .args(["--decrypt", "--input-type", kind, "--output-type", "json", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|cause| SopsError::Program { file: file(), cause })?;
    if let Some(mut stdin) = process.stdin.take() {
        // A program that ends before it has read all says why.
        let _broken_pipe = stdin.write_all(&sealed.text).await;
    }
    let said = process.wait_with_output().await.map_err(|cause| SopsError::Program { file: file(), cause })?;
    if !said.status.success() {
        let words = String::from_utf8_lossy(&said.stderr);
        let first = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
        return Err(SopsError::Refused { file: file(), said: first.to_owned() });
    }
    let opened = serde_json::from_slice(&said.stdout).ok();
    let Some(Value::Object(members)) = opened else { return Err(SopsError::NoObject { file: file() }) };
    let mut secrets = BTreeMap::new();
    for (name, value) in members {
        gather(name, value, &mut secrets);
    }
    Ok(secrets)
}

fn gather(name: String, value: Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                gather(format!("{name}.{key}"), value, into);
            }
        }
        Value::String(text) => {
            into.insert(name, text);
        }
        Value::Null => {}
        other => {
            into.insert(name, other.to_string());
        }
    }
}
