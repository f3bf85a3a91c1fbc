//! The hub's own certificate authority.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use jiff::{ToSpan as _, Zoned, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{super::hex::hex, TlsError};
use crate::iothub::Secret;

/// The authority's certificate in the state folder, for clients to trust.
pub(crate) const CA_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";
/// How long the authority lasts.
const YEARS: i64 = 30;
/// How long a server certificate of it lasts.
pub(super) const DAYS: i64 = 90;

/// See the module.
#[derive(Debug)]
pub(crate) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
}

/// An authority on its way from one state folder to others, as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Material {
    certificate: String,
    key: Secret,
}

impl CertificateAuthority {
    /// The authority of a state folder, made if there is none. Its key is for the folder's owner alone.
    pub(crate) fn of(folder: &Path) -> Result<Self, TlsError> {
        let (key_file, certificate_file) = (folder.join(KEY_FILE), folder.join(CA_FILE));
        let (key, is_new) = match fs::read_to_string(&key_file) {
            Ok(text) => (KeyPair::from_pem(&text)?, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                write(&key_file, &key.serialize_pem(), 0o600)?;
                (key, true)
            }
            Err(cause) => return Err(failed(&key_file)(cause)),
        };
        let params = params(&key)?;
        // With another key an old certificate is none of this authority.
        if is_new || !certificate_file.exists() {
            write(&certificate_file, &params.self_signed(&key)?.pem(), 0o644)?;
        }
        Ok(Self { issuer: Issuer::new(params, key) })
    }

    /// Certificate and key of the authority of a state folder, made if there is none.
    pub(crate) fn material(folder: &Path) -> Result<Material, TlsError> {
        Self::of(folder)?;
        let read = |name| {
            let file = folder.join(name);
            fs::read_to_string(&file).map_err(failed(&file))
        };
        Ok(Material { certificate: read(CA_FILE)?, key: Secret::new(read(KEY_FILE)?) })
    }

    /// Makes an authority that is shared the one of a state folder.
    pub(crate) fn adopt(folder: &Path, shared: &Material) -> Result<(), TlsError> {
        if Self::material(folder)? != *shared {
            KeyPair::from_pem(shared.key.reveal())?;
            write(&folder.join(KEY_FILE), shared.key.reveal(), 0o600)?;
            write(&folder.join(CA_FILE), &shared.certificate, 0o644)?;
        }
        Ok(())
    }

    /// A server certificate for these names and addresses, with its key, as DER.
    pub(super) fn issue(&self, names: &[String]) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
        let mut params = CertificateParams::new(names)?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, names.first().map_or("localhost", String::as_str));
        params.distinguished_name = name;
        valid_for(&mut params, DAYS.days())?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.der().to_vec(), key.serialize_der()))
    }
}

/// All but the key and the dates follows from the key, so that the certificate need not be read to issue others.
fn params(key: &KeyPair) -> Result<CertificateParams, TlsError> {
    let print = hex(&Sha256::digest(key.der_bytes())[..4]);
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, format!("twinops hub CA {print}"));
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, YEARS.years())?;
    Ok(params)
}

/// From yesterday, because clocks differ, to so far from now.
fn valid_for(params: &mut CertificateParams, span: jiff::Span) -> Result<(), TlsError> {
    let now = Zoned::now().with_time_zone(TimeZone::UTC);
    let day = |span: jiff::Span| {
        let date = now.checked_add(span).map_err(|_| rcgen::Error::Time)?.date();
        let part = |number: i8| u8::try_from(number).map_err(|_| rcgen::Error::Time);
        Ok::<_, TlsError>(date_time_ymd(date.year().into(), part(date.month())?, part(date.day())?))
    };
    params.not_before = day(-1.days())?;
    params.not_after = day(span)?;
    Ok(())
}

fn failed(path: &Path) -> impl Fn(io::Error) -> TlsError {
    let path: PathBuf = path.to_owned();
    move |cause| TlsError::File { path: path.clone(), cause: cause.into() }
}

/// Writes a whole file or none.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let write = || {
        // One that was left behind may be open to others.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options.open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        #[cfg(unix)]
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(failed(path))
}
