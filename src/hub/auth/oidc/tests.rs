//! Tokens of an issuer that is there: over TLS, with keys of its own.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, routing::get};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{issuer::IssuerError, *};
use crate::{
    hub::{
        api::Server,
        auth::{Action, Authority, Denial, Policies},
        ports::PeerCertificates,
        tls::sample::Signer,
    },
    iothub::HostName,
    jwt::{self, Token},
    task::Stop,
};

const NOW: u64 = 1_700_000_000;

/// An issuer.
struct Idp {
    issuer: String,
    published: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

/// A key of it.
struct Pair(EcdsaKeyPair, &'static str);

impl Pair {
    fn new(id: &'static str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap(), id)
    }

    fn published(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({"kty": "EC", "crv": "P-256", "kid": self.1, "use": "sig", "alg": "ES256", "x": x, "y": y})
    }

    fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": self.1, "typ": "at+jwt"})), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Idp {
    /// Serves what it publishes; it calls itself by its address.
    async fn start(keys: &[&Pair]) -> Self {
        let root = Signer::root("issuers");
        let server = root.server(&["localhost"]);
        let folder = tempfile::tempdir().unwrap();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(root.der()));
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![server.der()], server.key())
            .unwrap();
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let idp = Self {
            issuer: format!("https://localhost:{}/tenant/", socket.local_addr().unwrap().port()),
            published: Arc::new(Mutex::new(keys.iter().map(|key| key.published()).collect())),
            asked: Arc::default(),
            folder,
        };
        tokio::spawn(accept(socket, TlsAcceptor::from(Arc::new(config)), Server::new(idp.router())));
        idp
    }

    fn router(&self) -> Router {
        let about = json!({"issuer": self.issuer, "jwks_uri": self.issuer.replace("tenant/", "keys")});
        let (published, asked) = (Arc::clone(&self.published), Arc::clone(&self.asked));
        let keys = move || {
            asked.fetch_add(1, Ordering::Relaxed);
            let keys = published.lock().unwrap().clone();
            async move { Json(json!({"keys": keys})) }
        };
        Router::new()
            .route("/tenant/.well-known/openid-configuration", get(async move || Json(about)))
            .route("/keys", get(keys))
    }

    fn config(&self) -> OidcConfig {
        OidcConfig {
            issuer: self.issuer.clone(),
            audiences: vec!["https://iothubs.azure.net".to_owned()],
            role_claim: "roles".to_owned(),
            roles: vec![("fleet-admins".to_owned(), DataRole::Contributor)],
            ca: Some(self.folder.path().join("ca.pem")),
        }
    }

    fn claims(&self, role: &str) -> Value {
        json!({"iss": self.issuer, "aud": "https://iothubs.azure.net", "exp": NOW + 60, "roles": [role]})
    }

    /// A hub's idea of an issuer, at work.
    async fn known(config: OidcConfig) -> Arc<Issuer> {
        let issuer = Arc::new(Issuer::new(config).unwrap());
        tokio::spawn(Arc::clone(&issuer).keep_fresh(Stop::new()));
        tokio::task::yield_now().await;
        issuer
    }
}

async fn accept(socket: TcpListener, acceptor: TlsAcceptor, server: Server) {
    loop {
        let (stream, peer): (_, SocketAddr) = socket.accept().await.unwrap();
        let (acceptor, server) = (acceptor.clone(), server.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            server.serve(stream, PeerCertificates::default(), peer, Stop::new()).await;
        });
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_opens_what_its_roles_permit() {
    let key = Pair::new("1");
    let idp = Idp::start(&[&key]).await;
    let issuer = Idp::known(idp.config()).await;
    let ask = async |claims: &Value, action| issuer.admit(&key.token(claims), action, NOW).await;
    assert_eq!(ask(&idp.claims("fleet-admins"), Action::Invoke).await, Ok(()));
    assert_eq!(ask(&idp.claims("IoT Hub Data Reader"), Action::ReadTwins).await, Ok(()));
    let refused = ask(&idp.claims("IoT Hub Data Reader"), Action::WriteTwins).await;
    assert_eq!(refused, Err(Denial::Role("Microsoft.Devices/IotHubs/twins/write")));
    let mut foreign = idp.claims("fleet-admins");
    foreign["iss"] = json!("https://sts.windows.net/other/");
    assert_eq!(ask(&foreign, Action::Invoke).await, Err(BearerError::Issuer.into()));
    let forged = Pair::new("1").token(&idp.claims("fleet-admins"));
    assert_eq!(issuer.admit(&forged, Action::Invoke, NOW).await, Err(BearerError::Signature.into()));
    assert_eq!(idp.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_but_not_at_every_token() {
    let (old, new) = (Pair::new("old"), Pair::new("new"));
    let idp = Idp::start(&[&old]).await;
    let issuer = Idp::known(idp.config()).await;
    let ask = async |key: &Pair| issuer.admit(&key.token(&idp.claims("fleet-admins")), Action::Invoke, NOW).await;
    assert_eq!(ask(&old).await, Ok(()));
    *idp.published.lock().unwrap() = vec![new.published()];
    for _ in 0..10 {
        assert_eq!(ask(&new).await, Err(BearerError::UnknownKey.into()), "they were fetched only just now");
    }
    assert_eq!(idp.asked.load(Ordering::Relaxed), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert_eq!(ask(&new).await, Ok(()));
    assert_eq!(ask(&old).await, Err(BearerError::UnknownKey.into()), "a key that is not published counts no more");
    assert_eq!(idp.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_trusted_opens_nothing() {
    let key = Pair::new("1");
    let idp = Idp::start(&[&key]).await;
    let token = key.token(&idp.claims("fleet-admins"));
    let other = Idp::start(&[]).await;
    let untrusted = Idp::known(OidcConfig { ca: other.config().ca, ..idp.config() }).await;
    let empty = Idp::known(other.config()).await;
    let issuer = idp.issuer.trim_end_matches('/').to_owned();
    let renamed = Idp::known(OidcConfig { issuer, ..idp.config() }).await;
    for issuer in [untrusted, empty, renamed] {
        let denied = issuer.admit(&token, Action::ReadTwins, NOW).await;
        assert_eq!(denied, Err(BearerError::NoKeys.into()));
    }
    let plain = OidcConfig { issuer: "http://localhost".to_owned(), ..idp.config() };
    assert!(matches!(Issuer::new(plain), Err(IssuerError::Address)));
    let nobody = OidcConfig { audiences: vec![], ..idp.config() };
    assert!(matches!(Issuer::new(nobody), Err(IssuerError::NoAudience)));
}

#[tokio::test]
async fn bearer_tokens_and_signatures_work_side_by_side() {
    let key = Pair::new("1");
    let idp = Idp::start(&[&key]).await;
    let names = vec![HostName::parse("localhost").unwrap()];
    let authority = Authority::new(names, Policies::generate().unwrap());
    let bearer = format!("bearer {}", key.token(&idp.claims("fleet-admins")));
    let without = authority.admit(Some(&bearer), Action::ReadTwins, NOW).await;
    assert!(matches!(without, Err(Denial::Token(_))), "a hub without an issuer");
    let sas = crate::iothub::sign(
        "localhost",
        &authority.policies().get("service").unwrap().primary,
        NOW + 9,
        Some("service"),
    );
    let authority = authority.with_issuer(Some(Idp::known(idp.config()).await));
    assert_eq!(authority.admit(Some(&bearer), Action::ReadTwins, NOW).await, Ok(()));
    assert_eq!(authority.admit(Some(&sas), Action::ReadTwins, NOW).await, Ok(()));
    assert_eq!(authority.admit(None, Action::ReadTwins, NOW).await, Err(Denial::NoCredentials));
    let broken = authority.admit(Some("Bearer x.y.z"), Action::ReadTwins, NOW).await;
    assert_eq!(broken, Err(BearerError::Unreadable.into()));
}

/// Made with OpenSSL 3; the key was thrown away.
const RSA: &str = "3z3ebQ8sy_UIYmAcxZN32Fj_8PCf6LcZEosVVrO1ZTxHrRK_4yJKxzWcsFJVwFoLhalUEjbElHlq1FcHzuF83Y-WfKw-\
    treRTtWzrANtzRSgMDgYUmGus0FvO0MdixL4G96_XMrP6roCxWI9cgNPp7y2Lz4DqXzLId73mUk-KsIKCbnk_dnVBlJ8BjeP9gMHUrhkCvgen7JugP\
    _sKN-x0I_cVhulrbxUId7o1-tCoi0J5_5xELxfvjBzToBeDTvDTWpqMUrBE2QBzhgsKhFR7opq5SDIQDbOychiY55GEBAyKzxmgPU_VgV4IYAJ5E5P\
    ZwTeX0_66euwAL7IMnCJ9w";
const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.\
    eyJpc3MiOiJodHRwczovL2lzc3VlciIsImF1ZCI6Imh1YiIsImV4cCI6NDAwMDAwMDAwMH0.\
    g3WsioO0EEhqu2Fs04117TzfRpXHNk3FT6t-JJLHJJgO0KHw_5SaFvp3MBwCoyiEWSKscaNIjnLzAYxdmE7dTvRrnlAsrdMmqvUaL4eQOeeJm_fvPU\
    L5iirB3lpiKZJ6i-CAL3dFyfo2IvRc67_o2_Ld69jrm1EnpeHPJ8q5DqDTVQslTneoX_ygYyrrZcP_UFH25ZW_tuUQbKknInWWemx4R4Wejx0uCEgH\
    jRtyllgRCsAEeOMdBghQyoueK0SChayvmre33x92cfeBVUhbU6tEJjaNsrhIAzZ21DoYfzTKIrb7e8rfH66S2RarC1JI3NlCY1O9PlEem0AYMPejUw";
const PS256: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSJ9.\
    eyJpc3MiOiJodHRwczovL2lzc3VlciIsImF1ZCI6Imh1YiIsImV4cCI6NDAwMDAwMDAwMH0.\
    3u-ODasjR-AHd7DC1ikWvxe1MOeNW0ZZoVY-06AuCE2JDe3cUlM2weuS8-gbgxufZV6GSwuL9GIJSX1-3Bp9yy6W8YE7aJv-nKI3x9JxjuSsVVssxC\
    5C7XYH5MgmcsUDQ43FLzUR-F7H3GvMC15rSJJzR8LolascJXe6toofgHSiy7D0fJKwUEaYGQpIhzuEEVBJqRWTmehrDmSkaXILrpkn1K9UAsi7-duI\
    tIXBSuK0gFX3WQlmQQGdir1FTHyh52jwRlHRrRmacJEtifYp_nbTo43_RYhzx0B2PKmSsVmcdx3tZIgNfc5WohGH37rY7vXt1sF1ZVTi9othQvGuYg";

#[test]
fn signatures_of_rsa_keys_that_others_made_are_understood() {
    let check = |token: &str, change: fn(&mut Value)| {
        let mut key = json!({"kty": "RSA", "kid": "rsa", "use": "sig", "n": RSA, "e": "AQAB"});
        change(&mut key);
        let keys = jwt::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
        Token::parse(token).unwrap().check_signature(&keys)
    };
    for token in [RS256, PS256] {
        assert_eq!(check(token, |_| {}), Ok(()));
        assert_eq!(check(token, |key| key["kid"] = Value::Null), Err(BearerError::UnknownKey));
        assert_eq!(check(token, |key| key["e"] = json!("Aw")), Err(BearerError::Signature));
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(check(&format!("{signed}.c2ln"), |_| {}), Err(BearerError::Signature));
    }
    assert_eq!(check(RS256, |key| key["alg"] = json!("PS256")), Err(BearerError::UnknownKey));
}
