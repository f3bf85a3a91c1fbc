//! Commands without a connection string: as an identity of Azure, or with a token of the hub's own issuer.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::{
    stage::{Stage, fleet},
    web::{Asked, Web},
};

const AUDIENCE: &str = "https://iothubs.azure.net";

/// A key that signs tokens.
struct Pair(EcdsaKeyPair);

impl Pair {
    fn new() -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap())
    }

    fn published(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({ "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256", "x": x, "y": y })
    }

    fn token(&self, issuer: &str, role: &str) -> String {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
        let claims = json!({ "iss": issuer, "aud": AUDIENCE, "exp": end, "roles": [role] });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "k", "typ": "at+jwt" })), part(&claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// An issuer that vouches for whoever asks; and a token for one who may only read.
fn issuer(stage: &Stage) -> (Web, String) {
    let pair = Pair::new();
    let mut reader = String::new();
    let web = Web::start(&stage.path(""), |address| {
        let issuer = format!("{address}/tenant-1/");
        reader = pair.token(&issuer, "IoT Hub Data Reader");
        let token = pair.token(&issuer, "IoT Hub Data Contributor");
        let granted = json!({ "access_token": token, "expires_in": 599, "token_type": "Bearer" }).to_string();
        let about = json!({ "issuer": issuer, "jwks_uri": format!("{address}/keys") }).to_string();
        let keys = json!({ "keys": [pair.published()] }).to_string();
        move |asked: &Asked<'_>| match asked.target {
            "/tenant-1/.well-known/openid-configuration" => ("200 OK", about.clone()),
            "/keys" => ("200 OK", keys.clone()),
            "/tenant-1/oauth2/v2.0/token" => ("200 OK", granted.clone()),
            _ => ("404 Not Found", "{}".to_owned()),
        }
    });
    (web, reader)
}

#[test]
fn whoever_the_hubs_issuer_vouches_for_needs_no_connection_string() {
    let mut stage = Stage::new();
    let (issuer, reader) = issuer(&stage);
    let name = format!("{}/tenant-1/", issuer.address);
    let ca = issuer.ca.to_str().unwrap().to_owned();
    stage.start_hub_with(&["--oidc-issuer", &name, "--oidc-audience", AUDIENCE, "--oidc-ca", &ca]);
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome"));
    stage.commit("The first kiosk");
    let host = stage.host();

    let nothing = stage.run_without_key(&["plan"], &[]).exits(1);
    assert!(nothing.err.contains("IOTHUB_CONNECTION_STRING is not set"), "{}", nothing.err);
    let proof = stage.path("federated.jwt");
    std::fs::write(&proof, "proof-of-the-workload").unwrap();
    let workload = [
        ("SSL_CERT_FILE", ca.as_str()),
        ("NO_PROXY", "*"),
        ("TWINOPS_LOG", "trace"),
        ("AZURE_AUTHORITY_HOST", &issuer.address),
        ("AZURE_TENANT_ID", "tenant-1"),
        ("AZURE_CLIENT_ID", "client-1"),
        ("AZURE_FEDERATED_TOKEN_FILE", proof.to_str().unwrap()),
    ];
    let hub = ("IOTHUB_HOSTNAME", host.as_str());
    let ran = stage.run_without_key(&["reconcile"], &[&workload[..], &[hub]].concat()).exits(0);
    assert!(!(ran.out + &ran.err).contains("eyJ"), "no token is shown");
    assert!(stage.twin("kiosk-1").is_some());
    let heard = issuer.heard();
    let asked = heard.iter().filter(|line| line.contains("scope=https%3A%2F%2Fiothubs.azure.net%2F.default"));
    assert_eq!(asked.count(), 1, "one token serves the whole run: {heard:#?}");

    // A token of somebody who may read: what is to be written is refused, in the hub's own words.
    let file = stage.path("token");
    std::fs::write(&file, &reader).unwrap();
    let file = ["--token-file", file.to_str().unwrap(), "--hub", &host];
    stage.run_without_key(&[&["query", "SELECT * FROM devices"], &file[..]].concat(), &[]).exits(0);
    stage.write("fleet.yaml", fleet("Europe/Berlin", "welcome"));
    stage.commit("The kiosk moves");
    stage.run_without_key(&[&["plan"], &file[..]].concat(), &[]).exits(0);
    let refused = stage.run_without_key(&[&["reconcile"], &file[..]].concat(), &[]).exits(1);
    assert!(!(refused.out + &refused.err).contains(&reader), "no token is shown");

    // One hub at a time.
    let other = stage.run_with(&["plan", "--hub", "other.example"], &[]).exits(1);
    assert!(other.err.contains("`--hub` names `other.example`"), "{}", other.err);
    let homeless = stage.run_without_key(&["plan", "--token-file", "token"], &[]).exits(64);
    assert!(homeless.err.contains("--hub HOST"), "{}", homeless.err);
}
