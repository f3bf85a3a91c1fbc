//! People who sign in at an issuer of OpenID Connect, and come back.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, Url};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    stage::{HOSTILE, Page, Portal, Stage},
    web::{Asked, Web},
};

/// An issuer that gives whoever comes the claims that a test has set.
struct Issuer {
    web: Web,
    name: String,
    claims: Arc<Mutex<Value>>,
}

impl Issuer {
    fn start(stage: &Stage) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y }] }).to_string();
        let claims = Arc::new(Mutex::new(Value::Null));
        let said = Arc::clone(&claims);
        let mut name = String::new();
        let web = Web::start(&stage.file(""), |address| {
            name = format!("{address}/realms/ops");
            let about = json!({
                "issuer": name,
                "authorization_endpoint": format!("{name}/auth?tenant=1"),
                "token_endpoint": format!("{name}/token"),
                "jwks_uri": format!("{name}/keys"),
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            });
            move |asked: &Asked<'_>| match asked.target {
                "/realms/ops/.well-known/openid-configuration" => ("200 OK", about.to_string()),
                "/realms/ops/keys" => ("200 OK", keys.clone()),
                "/realms/ops/token" => match &*said.lock().unwrap() {
                    Value::Null => ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned()),
                    claims => ("200 OK", json!({ "id_token": signed(&key, claims) }).to_string()),
                },
                _ => ("404 Not Found", String::new()),
            }
        });
        Self { web, name, claims }
    }

    /// What its next token says, besides whose it is.
    fn says(&self, nonce: &str, more: &Value) {
        let mut claims = json!({
            "iss": self.name, "aud": "portal", "exp": 4_000_000_000_u64, "sub": "u1", "nonce": nonce,
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        *self.claims.lock().unwrap() = claims;
    }
}

fn signed(key: &EcdsaKeyPair, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "k" })), part(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Somebody's way to the issuer.
struct Way {
    ticket: String,
    query: Vec<(String, String)>,
}

impl Way {
    async fn begin(portal: &mut Portal, back: &str) -> Self {
        portal.cookie.clear();
        let left = portal.get(&format!("/sign-in?back={back}")).await;
        assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.text);
        let query = Url::parse(left.header("location")).unwrap().query_pairs().into_owned().collect();
        Self { ticket: left.header("set-cookie").split(';').next().unwrap().to_owned(), query }
    }

    fn get(&self, name: &str) -> &str {
        &self.query.iter().find(|(known, _)| known == name).unwrap().1
    }

    async fn back(&self, portal: &mut Portal, query: &str) -> Page {
        portal.cookie.clone_from(&self.ticket);
        portal.get(&format!("/callback?{query}")).await
    }
}

async fn portal(stage: &Stage, issuer: &Issuer) -> Portal {
    let secret = stage.file("client-secret");
    std::fs::write(&secret, "of the client\n").unwrap();
    let (ca, secret) = (issuer.web.ca.to_string_lossy(), secret.to_string_lossy());
    let audit = stage.file("audit.ndjson");
    let words = [
        ["--sign-in", &issuer.name],
        ["--sign-in-client", "portal"],
        ["--sign-in-secret-file", &secret],
        ["--sign-in-ca", &ca],
        ["--sign-in-claim", "realm.groups"],
        ["--sign-in-role", "fleet-ops=operator"],
        ["--audit", &audit.to_string_lossy()],
    ];
    stage.with_accounts(words.as_flattened()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_goes_to_the_issuer_and_comes_back_with_the_role_that_it_names() {
    let stage = Stage::new().await;
    let issuer = Issuer::start(&stage);
    let mut portal = portal(&stage, &issuer).await;
    let page = portal.get("/drift").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.has(&["href=\"/sign-in?back=%2Fdrift\"", "Sign in at https://localhost:"]);
    assert_eq!(portal.get("/enter/x").await.status, StatusCode::GONE);

    let way = Way::begin(&mut portal, "/drift").await;
    for (name, value) in
        [("response_type", "code"), ("client_id", "portal"), ("code_challenge_method", "S256"), ("tenant", "1")]
    {
        assert_eq!(way.get(name), value);
    }
    assert!(way.get("scope").contains("openid") && way.get("redirect_uri").ends_with("/callback"));
    issuer.says(way.get("nonce"), &json!({ "preferred_username": HOSTILE, "realm": { "groups": ["x", "fleet-ops"] } }));
    let arrived = way.back(&mut portal, &format!("code=c0de&state={}", way.get("state"))).await;
    assert_eq!((arrived.status, arrived.header("location")), (StatusCode::SEE_OTHER, "/drift"), "{}", arrived.text);
    let asked = issuer.web.heard().into_iter().find(|line| line.starts_with("POST /realms/ops/token")).unwrap();
    let form: Vec<(String, String)> = Url::parse(&format!("https://x/?{}", asked.rsplit(' ').next().unwrap()))
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((field("code"), field("client_secret")), (Some("c0de"), Some("of the client")));
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").unwrap())), way.get("code_challenge"));

    let cookies: Vec<&str> =
        arrived.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("twinops-sign-in=;") && cookie.contains("Max-Age=0")));
    let session = cookies.iter().find(|cookie| cookie.starts_with("twinops=")).unwrap();
    session.split(';').next().unwrap().clone_into(&mut portal.cookie);
    let page = portal.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains(HOSTILE), "a name is text");
    page.has(&["operator"]);
    let audit = std::fs::read_to_string(stage.file("audit.ndjson")).unwrap();
    let entry: Value = serde_json::from_str(audit.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&entry["action"], &entry["role"], &entry["about"]["sub"]),
        (&json!("sign-in"), &json!("operator"), &json!("u1"))
    );
    assert!(!audit.contains("c0de") && !audit.contains("eyJ"));

    // The same way does not lead here twice.
    let again = way.back(&mut portal, &format!("code=c0de&state={}", way.get("state"))).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_by_another_way() {
    let stage = Stage::new().await;
    let issuer = Issuer::start(&stage);
    let mut portal = portal(&stage, &issuer).await;
    let role = json!({ "realm": { "groups": "admin" } });
    let arrive = async |portal: &mut Portal, change: Value| {
        let way = Way::begin(portal, "//elsewhere.example").await;
        issuer.says(way.get("nonce"), &role);
        issuer.claims.lock().unwrap().as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        way.back(portal, &format!("code=c&state={}", way.get("state"))).await
    };
    let well = arrive(&mut portal, json!({})).await;
    assert_eq!((well.status, well.header("location")), (StatusCode::SEE_OTHER, "/"), "nobody is sent elsewhere");
    for change in [
        json!({ "nonce": "another" }),
        json!({ "iss": "https://elsewhere.example" }),
        json!({ "aud": "another" }),
        json!({ "aud": ["portal", "another"], "azp": "another" }),
        json!({ "exp": 1 }),
    ] {
        let page = arrive(&mut portal, change.clone()).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{change}: {}", page.text);
        assert!(page.header("set-cookie").is_empty());
    }
    let without = arrive(&mut portal, json!({ "realm": { "groups": ["x"] }, "email": HOSTILE })).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    assert!(without.text.contains("realm.groups") && !without.text.contains(HOSTILE), "{}", without.text);

    // Another's state, no ticket, and an issuer that refuses.
    let (one, other) = (Way::begin(&mut portal, "/").await, Way::begin(&mut portal, "/").await);
    assert_eq!(
        one.back(&mut portal, &format!("code=c&state={}", other.get("state"))).await.status,
        StatusCode::BAD_REQUEST
    );
    portal.cookie.clear();
    let stolen = portal.get(&format!("/callback?code=c&state={}", other.get("state"))).await;
    assert_eq!(stolen.status, StatusCode::BAD_REQUEST, "a code that somebody slips us belongs to another browser");
    *issuer.claims.lock().unwrap() = Value::Null;
    let way = Way::begin(&mut portal, "/").await;
    let refused = way.back(&mut portal, &format!("code=c&state={}", way.get("state"))).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    refused.has(&["invalid_grant"]);
    let way = Way::begin(&mut portal, "/").await;
    let query = format!("error=access_denied&error_description=%3Cb%3Eno&state={}", way.get("state"));
    way.back(&mut portal, &query).await.has(&["did not sign you in: &#60;b&#62;no"]);
    assert_eq!(portal.get("/").await.status, StatusCode::UNAUTHORIZED);
}
