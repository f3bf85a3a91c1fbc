//! Who gets in, and what every answer carries.

use reqwest::StatusCode;

use super::stage::{Stage, id};

const PAGES: [&str; 7] = ["/", "/devices", "/drift", "/rollouts", "/live", "/history.json", "/devices/d"];

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_nothing_and_a_link_works_once() {
    let stage = Stage::new().await;
    let mut portal = stage.stranger(&[]).await;
    for path in PAGES {
        let page = portal.get(path).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!page.text.contains("kiosk") && page.text.contains("Sign in"), "{}", page.text);
    }
    assert_eq!(portal.get("/enter/guessed").await.status, StatusCode::GONE);
    assert_eq!(portal.post("/sign-out", &[]).await.status, StatusCode::UNAUTHORIZED);

    let first = portal.link.clone();
    let entered = portal.sign_in().await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = entered.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(portal.get("/").await.status, StatusCode::OK);
    assert_eq!(portal.sign_in().await.status, StatusCode::GONE, "the link was used");

    portal.link = portal.next_link().await;
    assert_ne!(portal.link, first, "whoever comes next gets a link of his own");
    portal.sign_in().await;
    let page = portal.get("/").await;
    assert_eq!(portal.post("/sign-out", &[("csrf", "guessed")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(portal.post("/sign-out", &[("csrf", &page.csrf())]).await.status, StatusCode::OK);
    assert_eq!(portal.get("/").await.status, StatusCode::UNAUTHORIZED, "the cookie is worth nothing now");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_to_itself() {
    let stage = Stage::new().await;
    let portal = stage.portal(&[]).await;
    let device = format!("/devices/{}", id(0));
    for path in ["/", "/devices", &device, "/drift", "/rollouts", "/none", "/enter/x", "/assets/none.js"] {
        let page = portal.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cache-control", "private, no-store"),
        ] {
            assert_eq!(page.header(name), value, "{path}: {name}");
        }
        assert!(!page.text.contains(" style=") && !page.text.contains("<style"), "{path}");
        let inline = page.text.split("<script").skip(1).filter(|script| !script.starts_with(" src=\"/assets/"));
        assert_eq!(inline.collect::<Vec<_>>(), Vec::<&str>::new(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_and_pages_travel_small() {
    let stage = Stage::new().await;
    let portal = stage.portal(&[]).await;
    let page = portal.get("/").await;
    let asset = page.text.split('"').find(|part| part.starts_with("/assets/portal.") && part.contains(".css")).unwrap();
    let sheet = portal.get(asset).await;
    assert_eq!((sheet.status, sheet.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    let again = portal.with(asset, &[("if-none-match", sheet.header("etag"))]).await;
    assert_eq!((again.status, again.text.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(portal.with(asset, &[("accept-encoding", "gzip")]).await.header("content-encoding"), "gzip");
    assert_eq!(portal.with("/devices", &[("accept-encoding", "gzip")]).await.header("content-encoding"), "gzip");
    assert_eq!(portal.get("/assets/pico.LICENSE").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_cookie_is_for_tls_alone_and_without_it_only_this_machine_is_served() {
    let stage = Stage::new().await;
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let [chain, key] = ["cert.pem", "key.pem"].map(|name| stage.file(name));
    std::fs::write(&chain, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let [chain, key] = [chain, key].map(|path| path.to_string_lossy().into_owned());
    let mut portal = stage.stranger(&["--listen-cert", &chain, "--listen-key", &key]).await;
    assert!(portal.link.starts_with("https://127.0.0.1:"), "{}", portal.link);
    let entered = portal.sign_in().await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-twinops=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(entered.header("strict-transport-security").starts_with("max-age="));
    assert_eq!(portal.get("/").await.status, StatusCode::OK);
    let refused = stage.refused(&["portal", "--listen", "0.0.0.0:0"]).await;
    assert!(refused.contains("there is no certificate"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_serves_a_portal_to_itself() {
    let stage = Stage::new().await;
    let mut portal = stage.hub_with_portal().await;
    portal.sign_in().await;
    let page = portal.until("/", |page| page.text.contains("Numbers read")).await;
    page.has(&["<strong>pages</strong>", "Nothing does."]);
    assert_eq!(portal.get("/devices").await.status, StatusCode::OK);
}
