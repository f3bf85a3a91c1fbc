//! `dsc`: the DSC resources of this device, asked without a hub.

use std::{
    ffi::OsString,
    io::{self, Read as _},
};

use serde_json::{Value, json};

use super::OptionsError;
use crate::agent::{
    port::{Port, System},
    resource::{
        Resource as _,
        dsc::{Dsc, DscFolders, find},
        linux::COMPONENTS,
    },
};

/// What is asked of the DSC resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DscRequest {
    /// Where they are.
    pub folders: DscFolders,
    /// The component, the operation and the instance; nothing lists the resources.
    pub ask: Option<(String, String, String)>,
}

/// Why a DSC resource gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum DscError {
    /// There is none.
    #[error("no DSC resource is called `{0}`; `dsc` lists those in the folders of --dsc-path")]
    Unknown(String),
    /// The operation is none.
    #[error("`{0}` cannot be asked; get, test, what-if, set and schema can")]
    Operation(String),
    /// The instance cannot be read.
    #[error("the instance is no JSON object")]
    Instance,
    /// Standard input cannot be read.
    #[error("cannot read the instance")]
    Input(#[source] io::Error),
    /// The resource is of no use, does not take the instance, or failed.
    #[error("{0}")]
    Resource(String),
}

impl DscRequest {
    /// Asks; what there is to print, JSON.
    ///
    /// # Errors
    /// When there is no such resource, or it fails.
    pub async fn carry_out(self) -> Result<String, DscError> {
        let answer = match self.ask {
            None => list(&self.folders),
            Some((component, operation, instance)) => ask(&self.folders, component, &operation, &instance).await?,
        };
        Ok(format!("{answer:#}\n"))
    }
}

fn list(folders: &DscFolders) -> Value {
    let found = find(folders, &COMPONENTS);
    let each = found.into_iter().map(|(component, found)| {
        let manifest = &found.manifest;
        json!({
            "component": component, "type": manifest.type_name, "version": manifest.version, "manifest": found.path,
            "unsupported": found.lack
        })
    });
    each.collect()
}

async fn ask(folders: &DscFolders, component: String, operation: &str, instance: &str) -> Result<Value, DscError> {
    let found = find(folders, &COMPONENTS).remove(&component).ok_or(DscError::Unknown(component))?;
    let resource = Dsc::new(Port::new("/".as_ref(), System), found);
    let failed = |fault: &dyn std::error::Error| DscError::Resource(fault.to_string());
    // Some schemas are learnt by asking.
    resource.facts().await;
    if let Some(lack) = resource.lack() {
        return Err(DscError::Resource(lack));
    }
    if operation == "schema" {
        return Ok(resource.schema());
    }
    let mut text = instance.to_owned();
    if instance == "-" {
        text.clear();
        io::stdin().read_to_string(&mut text).map_err(DscError::Input)?;
    }
    let wanted: Value = serde_json::from_str(&text).map_err(|_| DscError::Instance)?;
    let Value::Object(map) = &wanted else { return Err(DscError::Instance) };
    if operation != "get" {
        resource.check("instance", &wanted).map_err(|refusal| failed(&refusal))?;
    }
    let answer = match operation {
        "get" => resource.told(map).await,
        "test" => resource.tested(map).await,
        "what-if" => resource.what_if(map).await,
        "set" => match resource.ensure("instance", Some(&wanted)).await {
            Ok(()) => resource.tested(map).await,
            Err(fault) => Err(fault),
        },
        other => return Err(DscError::Operation(other.to_owned())),
    };
    answer.map_err(|fault| failed(&fault))
}

/// Reads what follows `dsc`.
pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<DscRequest, OptionsError> {
    let mut folders = DscFolders::default();
    let mut plain = Vec::new();
    let mut rest = arguments;
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--dsc-path") => {
                folders.folders.push(rest.next().ok_or(OptionsError::NoValue("--dsc-path"))?.into());
            }
            Some("--dsc-name") => {
                let value = rest.next().ok_or(OptionsError::NoValue("--dsc-name"))?;
                folders.names.push(name(&value)?);
            }
            Some(word) if !word.starts_with("--") => plain.push(word.to_owned()),
            _ => return Err(OptionsError::Dsc),
        }
    }
    let mut plain = plain.into_iter();
    let ask = match (plain.next(), plain.next(), plain.next(), plain.next()) {
        (None, ..) => None,
        (Some(component), Some(operation), instance, None) => {
            Some((component, operation, instance.unwrap_or_else(|| "{}".to_owned())))
        }
        _ => return Err(OptionsError::Dsc),
    };
    Ok(DscRequest { folders, ask })
}

/// Reads the value of `--dsc-name`.
pub(super) fn name(text: &OsString) -> Result<(String, String), OptionsError> {
    text.to_str().and_then(DscFolders::named).ok_or(OptionsError::DscName)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<DscRequest, OptionsError> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn a_question_is_read() {
        let request = read(&["panel", "test", "{}", "--dsc-path", "/d", "--dsc-name", "panel=Acme/Panel"]).unwrap();
        assert_eq!(request.ask, Some(("panel".to_owned(), "test".to_owned(), "{}".to_owned())));
        assert_eq!(request.folders.folders, ["/d"].map(std::path::PathBuf::from));
        assert_eq!(read(&[]).unwrap().ask, None);
        for wrong in [&["panel"][..], &["a", "b", "c", "d"], &["--other"], &["--dsc-name", "panel"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_told() {
        let request = read(&["panel", "get", "{}"]).unwrap();
        assert!(request.carry_out().await.unwrap_err().to_string().contains("no DSC resource is called `panel`"));
        assert_eq!(read(&[]).unwrap().carry_out().await.unwrap(), "[]\n");
    }
}
