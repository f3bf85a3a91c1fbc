//! Handshakes in memory.

mod stream;

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedProtocolVersion};
use rustls_pki_types::ServerName;

use super::*;

/// A self-signed certificate of a device, with its key, as DER.
fn device() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["d1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    (made.cert.der().clone(), key)
}

struct Hub {
    folder: tempfile::TempDir,
    server: Arc<ServerConfig>,
}

impl Hub {
    fn new(side: Side) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::of(folder.path()).unwrap();
        let names = ["localhost", "127.0.0.1", "::1", "hub.example"].map(str::to_owned).to_vec();
        let server = server(side, Arc::new(Issued::new(authority, names).unwrap())).unwrap();
        Self { folder, server }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder.path().join(CA_FILE)).unwrap()).unwrap();
        roots
    }

    /// The certificate that the server saw, if the handshake came about.
    fn shake(
        &self,
        roots: RootCertStore,
        version: &'static SupportedProtocolVersion,
        name: &'static str,
        certificate: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Result<Option<CertificateDer<'static>>, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version])?;
        let builder = builder.with_root_certificates(roots);
        let config = match certificate {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key)?,
            None => builder.with_no_client_auth(),
        };
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap())?;
        let mut server = ServerConnection::new(Arc::clone(&self.server))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(server.peer_certificates().and_then(|chain| chain.first().cloned()))
    }
}

/// Both sides, each with clients that speak one version alone.
fn everything() -> impl Iterator<Item = (Side, &'static SupportedProtocolVersion)> {
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    [Side::Rest, Side::Mqtt].into_iter().flat_map(move |side| versions.map(|version| (side, version)))
}

#[test]
fn both_versions_work_for_every_name_of_the_hub() {
    for (side, version) in everything() {
        let hub = Hub::new(side);
        for name in ["localhost", "127.0.0.1", "::1", "hub.example"] {
            assert_eq!(hub.shake(hub.roots(), version, name, None), Ok(None), "{name}");
        }
        assert!(hub.shake(hub.roots(), version, "other.example", None).is_err());
    }
}

#[test]
fn a_client_that_trusts_another_authority_turns_away() {
    for (side, version) in everything() {
        let (hub, other) = (Hub::new(side), Hub::new(side));
        assert!(hub.shake(other.roots(), version, "localhost", None).is_err());
    }
}

#[test]
fn a_device_may_show_its_own_certificate_or_none() {
    for (side, version) in everything() {
        let hub = Hub::new(side);
        let (certificate, key) = device();
        let seen = hub.shake(hub.roots(), version, "localhost", Some((certificate.clone(), key)));
        assert_eq!(seen, Ok(Some(certificate)));
        assert_eq!(hub.shake(hub.roots(), version, "localhost", None), Ok(None));
    }
}

#[test]
fn the_authority_outlives_restarts() {
    let folder = tempfile::tempdir().unwrap();
    CertificateAuthority::of(folder.path()).unwrap();
    let first = std::fs::read(folder.path().join(CA_FILE)).unwrap();
    let again = CertificateAuthority::of(folder.path()).unwrap();
    assert_eq!(std::fs::read(folder.path().join(CA_FILE)).unwrap(), first);
    let names = vec!["localhost".to_owned()];
    let hub = Hub { server: server(Side::Rest, Arc::new(Issued::new(again, names).unwrap())).unwrap(), folder };
    assert_eq!(hub.shake(hub.roots(), &rustls::version::TLS13, "localhost", None), Ok(None));
}

#[test]
fn given_files_are_used_and_bad_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join(CA_FILE), folder.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let hub = Hub { server: server(Side::Rest, given(&chain, &key).unwrap()).unwrap(), folder };
    assert_eq!(hub.shake(hub.roots(), &rustls::version::TLS13, "localhost", None), Ok(None));
    std::fs::write(&key, "no key").unwrap();
    assert!(given(&chain, &key).unwrap_err().to_string().contains("key.pem"));
}

#[cfg(unix)]
#[test]
fn the_authoritys_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    CertificateAuthority::of(folder.path()).unwrap();
    let mode = std::fs::metadata(folder.path().join("ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_certificate_never_outlives_its_key() {
    let hub = Hub::new(Side::Rest);
    let folder = hub.folder.path();
    std::fs::remove_file(folder.join("ca.key")).unwrap();
    // Left behind by a start that broke off, and open to others.
    std::fs::write(folder.join("ca.key.new"), "old").unwrap();
    let authority = CertificateAuthority::of(folder).unwrap();
    let issued = Issued::new(authority, vec!["localhost".to_owned()]).unwrap();
    let again = Hub { server: server(Side::Rest, Arc::new(issued)).unwrap(), ..hub };
    assert_eq!(again.shake(again.roots(), &rustls::version::TLS13, "localhost", None), Ok(None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(again.folder.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
