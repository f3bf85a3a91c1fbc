//! `certificates` on Debian and Ubuntu: authorities that the system trusts, and certificates for apps and networks.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Fault, Refusal, Resource, check_id, kept, typed, unkept, wanted};
use crate::{
    agent::port::{Artifacts, Kept, Port, Run, hex},
    component::{
        artifact::Presence,
        certificates::{Certificate, CertificateStore},
    },
};

/// One certificate a file, whose name must end so (`update-ca-certificates`).
const ANCHORS: &str = "usr/local/share/ca-certificates/twinops";
/// What apps and networks refer to by id.
const PERSONAL: &str = "etc/twinops/certificates";
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

/// The certificates of the device.
#[derive(Debug)]
pub(crate) struct Certificates<R> {
    port: Port<R>,
    artifacts: Artifacts,
}

/// Both places that an id may name.
#[derive(Serialize, Deserialize)]
struct Before {
    anchor: Kept,
    personal: Kept,
}

fn anchor(id: &str) -> String {
    format!("{ANCHORS}/{id}.crt")
}

/// Where the certificate of an id lies that apps and networks use.
pub(crate) fn personal(id: &str) -> String {
    format!("{PERSONAL}/{id}.crt")
}

fn file(id: &str, store: CertificateStore) -> String {
    if store == CertificateStore::Root { anchor(id) } else { personal(id) }
}

fn sha256(der: &[u8]) -> String {
    hex(&Sha256::digest(der))
}

/// A certificate in PEM: one certificate, in lines of 64 letters (RFC 7468).
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let body = lines.fold(String::new(), |body, line| body + &line + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}

fn der(pem: &[u8]) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem).ok()
}

impl<R: Run> Certificates<R> {
    pub(crate) fn new(port: Port<R>, artifacts: Artifacts) -> Self {
        Self { port, artifacts }
    }

    /// The digest of the certificate that lies there.
    fn held(&self, path: &str) -> Result<Option<String>, Fault> {
        let bytes = self.port.tree.bytes(path)?;
        Ok(bytes.and_then(|pem| der(&pem)).map(|der| sha256(&der)))
    }

    /// Whether the system trusts a certificate of that digest, wherever it comes from.
    fn is_trusted(&self, digest: &str) -> Result<bool, Fault> {
        let bundle = self.port.tree.bytes(BUNDLE)?.unwrap_or_default();
        Ok(CertificateDer::pem_slice_iter(&bundle).flatten().any(|der| sha256(&der) == digest))
    }

    /// Has the system gather its authorities anew.
    async fn gather(&self) -> Result<(), Fault> {
        let root = |path: &str| self.port.tree.at(path).display().to_string();
        let (conf, certs) = (root("etc/ca-certificates.conf"), root("usr/share/ca-certificates"));
        let (local, bundle) = (root("usr/local/share/ca-certificates"), root("etc/ssl/certs"));
        let hooks = root("etc/ca-certificates/update.d");
        // Without `--fresh` the names of what was removed would stay.
        let mut asked = vec!["--fresh"];
        if !self.port.tree.is_system() {
            asked.extend(["--certsconf", &conf, "--certsdir", &certs, "--localcertsdir", &local]);
            asked.extend(["--etccertsdir", &bundle, "--hooksdir", &hooks]);
        }
        self.port.run("update-ca-certificates", &asked).await.map(drop)
    }

    /// The certificate in PEM, from where it is said to come, if it is the one that is meant.
    async fn origin(&self, certificate: &Certificate) -> Result<String, Fault> {
        let pem = match (&certificate.pem, &certificate.source) {
            (Some(pem), _) => pem.clone(),
            (None, Some(source)) => {
                let path = self.artifacts.get(source, ".crt").await?;
                let bytes = std::fs::read(&path).map_err(|cause| Fault::because("reading the certificate", &cause))?;
                Artifacts::forget(&path);
                if bytes.starts_with(b"-----BEGIN") {
                    String::from_utf8_lossy(&bytes).into_owned()
                } else {
                    pem(&bytes)
                }
            }
            (None, None) => return Err(Fault::new("no certificate is given")),
        };
        let found = der(pem.as_bytes()).map(|der| sha256(&der));
        if found.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(&certificate.sha256)) {
            return Ok(pem);
        }
        Err(Fault::new(format!("the certificate there has the digest {}", found.as_deref().unwrap_or("of none"))))
    }

    fn is_as_wanted(&self, id: &str, certificate: &Certificate) -> Result<bool, Fault> {
        let digest = certificate.sha256.to_ascii_lowercase();
        let held = self.held(&file(id, certificate.store))?;
        let root = certificate.store == CertificateStore::Root;
        Ok(match certificate.state.unwrap_or_default() {
            Presence::Present => held.as_ref() == Some(&digest) && (!root || self.is_trusted(&digest)?),
            Presence::Absent => held.is_none() && (!root || !self.is_trusted(&digest)?),
        })
    }
}

impl<R: Run> Resource for Certificates<R> {
    fn lack(&self) -> Option<String> {
        let there = self.port.has("update-ca-certificates");
        (!there).then(|| "this device has no `update-ca-certificates`; Debian and Ubuntu have it".to_owned())
    }

    /// One that comes harms no connection; one that goes may be the hub's.
    fn may_cut_off(&self, property: &str, wanted: Option<&Value>) -> bool {
        let anchored = self.held(&anchor(property)).unwrap_or(None);
        let Some(wanted) = wanted else { return anchored.is_some() };
        let digest = wanted.get("sha256").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let goes = wanted.get("state").is_some_and(|state| state == "absent");
        anchored.is_some_and(|held| goes || held != digest)
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let certificate: Certificate = typed(property, wanted)?;
        if !matches!(certificate.store, CertificateStore::Root | CertificateStore::Personal) {
            return Err(Refusal::Unsupported("Linux has no such store; there are `root` and `personal`".to_owned()));
        }
        if certificate.state == Some(Presence::Absent) {
            return Ok(());
        }
        let Some(pem) = &certificate.pem else {
            let missing = || Refusal::Invalid("`pem` or `source` is missing".to_owned());
            return certificate.source.as_ref().map(drop).ok_or_else(missing);
        };
        let der = der(pem.as_bytes()).ok_or_else(|| Refusal::Invalid("`pem` holds no certificate".to_owned()))?;
        let fits = sha256(&der).eq_ignore_ascii_case(&certificate.sha256);
        fits.then_some(()).ok_or_else(|| Refusal::Invalid(format!("`pem` has the digest {}", sha256(&der))))
    }

    fn place<'a>(&self, property: &'a str, _wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(property)
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let certificate: Certificate = super::wanted(property, Some(wanted))?;
        if self.is_as_wanted(property, &certificate)? {
            return Ok(Some(wanted.clone()));
        }
        let Some(digest) = self.held(&file(property, certificate.store))? else { return Ok(None) };
        Ok(Some(serde_json::json!({"store": certificate.store, "sha256": digest, "state": "present"})))
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let certificate: Certificate = wanted(property, value)?;
        let path = file(property, certificate.store);
        if certificate.state == Some(Presence::Absent) {
            self.port.tree.remove(&path)?;
        } else {
            let mode = if certificate.store == CertificateStore::Root { 0o644 } else { 0o600 };
            let text = format!("{}\n", self.origin(&certificate).await?.trim_end());
            self.port.tree.write(&path, text.as_bytes(), mode)?;
        }
        if certificate.store != CertificateStore::Root {
            return Ok(());
        }
        self.gather().await?;
        let digest = certificate.sha256.to_ascii_lowercase();
        if certificate.state == Some(Presence::Absent) && self.is_trusted(&digest)? {
            return Err(Fault::new("the system itself brings this authority, or another id does; it stays trusted"));
        }
        Ok(())
    }

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        let (anchor, personal) = (anchor(property), personal(property));
        kept(&Before { anchor: self.port.tree.keep(&anchor)?, personal: self.port.tree.keep(&personal)? })
    }

    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let before: Before = unkept(before)?;
        self.port.tree.put_back(&personal(property), &before.personal)?;
        self.port.tree.put_back(&anchor(property), &before.anchor)?;
        self.gather().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use serde_json::json;

    use super::*;
    use crate::agent::port::System;

    fn made(name: &str) -> String {
        rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.pem()
    }

    fn one() -> &'static str {
        static ONE: OnceLock<String> = OnceLock::new();
        ONE.get_or_init(|| made("one"))
    }

    fn two() -> &'static str {
        static TWO: OnceLock<String> = OnceLock::new();
        TWO.get_or_init(|| made("two"))
    }

    /// The real `update-ca-certificates` of this machine, on a root of its own.
    fn device() -> Option<(tempfile::TempDir, Certificates<System>)> {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), System);
        if !Port::new("/".as_ref(), System).has("update-ca-certificates") {
            assert!(std::env::var_os("CI").is_none(), "update-ca-certificates is needed");
            eprintln!("NOT RUN: update-ca-certificates is not installed");
            return None;
        }
        for (path, text) in [
            ("etc/ca-certificates.conf", "maker/two.crt\n"),
            ("usr/share/ca-certificates/maker/two.crt", two()),
            ("etc/ssl/certs/.keep", ""),
            ("etc/ca-certificates/update.d/.keep", ""),
            ("usr/sbin/update-ca-certificates", ""),
        ] {
            port.tree.write_text(path, text).unwrap();
        }
        let artifacts = Artifacts::new(&root.path().join("files"), None);
        Some((root, Certificates::new(port, artifacts)))
    }

    fn digest(pem: &str) -> String {
        sha256(&der(pem.as_bytes()).unwrap())
    }

    fn wanted(pem: &str, store: &str) -> Value {
        json!({"store": store, "sha256": digest(pem).to_uppercase(), "pem": pem})
    }

    #[tokio::test]
    async fn an_authority_is_trusted_for_real_and_no_longer_once_it_is_put_back() {
        let Some((root, certificates)) = device() else { return };
        let wanted = wanted(one(), "root");
        assert_eq!(certificates.check("plant", &wanted), Ok(()));
        let before = certificates.snapshot("plant", &wanted).await.unwrap();
        assert_eq!(certificates.read("plant", &wanted).await, Ok(None));
        assert!(!certificates.may_cut_off("plant", Some(&wanted)));
        certificates.ensure("plant", Some(&wanted)).await.unwrap();
        assert_eq!(certificates.read("plant", &wanted).await, Ok(Some(wanted.clone())));
        assert!(certificates.is_trusted(&digest(one())).unwrap() && certificates.is_trusted(&digest(two())).unwrap());
        assert!(certificates.may_cut_off("plant", None));
        certificates.restore("plant", "plant", before.as_ref()).await.unwrap();
        assert!(!certificates.is_trusted(&digest(one())).unwrap());
        let left: Vec<String> = certificates.port.tree.names("etc/ssl/certs").unwrap();
        assert!(!left.iter().any(|name| name.starts_with("plant")), "{left:?} in {}", root.path().display());
    }

    #[tokio::test]
    async fn what_the_system_brings_itself_is_said_to_stay() {
        let Some((_root, certificates)) = device() else { return };
        certificates.ensure("plant", Some(&wanted(one(), "root"))).await.unwrap();
        let absent = json!({"store": "root", "sha256": digest(two()), "state": "absent"});
        let fault = certificates.ensure("two", Some(&absent)).await.unwrap_err();
        assert!(fault.to_string().contains("stays trusted"), "{fault}");
        let absent = json!({"store": "root", "sha256": digest(one()), "state": "absent"});
        assert!(certificates.may_cut_off("plant", Some(&absent)));
        certificates.ensure("plant", Some(&absent)).await.unwrap();
        assert_eq!(certificates.read("plant", &absent).await, Ok(Some(absent)));
    }

    #[tokio::test]
    async fn a_certificate_that_is_fetched_may_be_der_and_has_to_be_the_one_that_is_meant() {
        let Some((root, certificates)) = device() else { return };
        let bytes = der(one().as_bytes()).unwrap();
        let file = sha256(&bytes);
        let source = json!({"url": "https://localhost/x", "sha256": file});
        let fetched = || {
            std::fs::create_dir_all(root.path().join("files")).unwrap();
            std::fs::write(root.path().join(format!("files/{file}.crt")), &bytes).unwrap();
        };
        fetched();
        let wanted = json!({"store": "personal", "sha256": digest(one()), "source": source});
        certificates.ensure("line", Some(&wanted)).await.unwrap();
        assert_eq!(certificates.read("line", &wanted).await, Ok(Some(wanted)));
        fetched();
        let other = json!({"store": "personal", "sha256": digest(two()), "source": source});
        assert!(certificates.ensure("line", Some(&other)).await.is_err());
    }

    #[tokio::test]
    async fn a_certificate_for_apps_is_a_file_that_only_its_owner_reads() {
        use std::os::unix::fs::PermissionsExt as _;
        let Some((root, certificates)) = device() else { return };
        let wanted = wanted(one(), "personal");
        certificates.ensure("line", Some(&wanted)).await.unwrap();
        assert_eq!(certificates.read("line", &wanted).await, Ok(Some(wanted)));
        let about = std::fs::metadata(root.path().join(personal("line"))).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_such_certificate_is_refused() {
        let Some((_root, certificates)) = device() else { return };
        let check = |wanted: Value| certificates.check("plant", &wanted);
        let mut other = wanted(one(), "root");
        other["sha256"] = digest(two()).into();
        assert!(matches!(check(other), Err(Refusal::Invalid(_))));
        let torn = json!({"store": "root", "sha256": digest(one()), "pem": "-----BEGIN CERTIFICATE-----\nx"});
        assert!(matches!(check(torn), Err(Refusal::Invalid(_))));
        assert!(matches!(check(wanted(one(), "trustedPeople")), Err(Refusal::Unsupported(_))));
        assert!(certificates.check("../x", &wanted(one(), "root")).is_err());
    }
}
