//! `twinops hub enroll` and `derive-key`: who may become a device of the hub.

use std::path::{Path, PathBuf};

use crate::{
    cli::{
        Exit, Failure,
        args::{DeriveKeyArgs, EnrollArgs},
    },
    client::{Enrolled, EnrollmentOf, HubClient},
    iothub::Key,
    reconcile::ports::HubError,
};

#[derive(Debug, thiserror::Error)]
#[error("cannot read the certificate from `{}`", path.display())]
struct CertificateFile {
    path: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// Enrols a device or a group; what it proves itself by.
pub(super) async fn enroll(hub: &HubClient, args: &EnrollArgs) -> Result<String, Failure> {
    let who = match (&args.registration, &args.group) {
        (Some(registration), None) => EnrollmentOf::Device(registration),
        (_, Some(group)) => EnrollmentOf::Group(group),
        (None, None) => return Err(Failure::new(Exit::Usage, "name a registration or a --group")),
    };
    let certificate = args.certificate.as_deref().map(certificate).transpose()?;
    let enrolled = hub.enroll(who, args.device.as_ref(), certificate.as_deref()).await;
    match enrolled {
        Ok(Enrolled::Certificate(print)) => Ok(print),
        Ok(enrolled @ Enrolled::Keys(_)) => primary(&enrolled).map(|key| key.reveal().to_owned()),
        Err(HubError::Exists) => Err(exists(who)),
        Err(other) => Err(other.into()),
    }
}

/// The key of one device of a group.
pub(super) async fn derive(hub: &HubClient, args: &DeriveKeyArgs) -> Result<String, Failure> {
    let group = hub.attestation(EnrollmentOf::Group(&args.group)).await?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("there is no enrolment group `{}`", args.group))
            .help("`twinops hub enroll --group NAME` makes one")
    })?;
    Ok(primary(&group)?.derive(args.registration.as_str()).reveal().to_owned())
}

fn primary(enrolled: &Enrolled) -> Result<Key, Failure> {
    let keys = match enrolled {
        Enrolled::Keys(keys) => keys.keys()?,
        Enrolled::Certificate(_) => None,
    };
    let keys =
        keys.ok_or_else(|| Failure::new(Exit::Failed, "its devices prove themselves by certificate, not by key"));
    keys.map(|(primary, _)| primary)
}

fn certificate(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path);
    Ok(text.map_err(|cause| CertificateFile { path: path.to_owned(), cause })?)
}

fn exists(who: EnrollmentOf<'_>) -> Failure {
    match who {
        EnrollmentOf::Device(id) => Failure::new(Exit::Failed, format!("`{id}` is enrolled already")),
        EnrollmentOf::Group(id) => Failure::new(Exit::Failed, format!("the group `{id}` is enrolled already"))
            .help("`twinops hub derive-key GROUP REGISTRATION` prints keys of its devices"),
    }
}
