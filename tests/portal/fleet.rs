//! What the pages show, of a fleet whose devices are not to be trusted.

use reqwest::StatusCode;
use rumqttc::Incoming;
use serde_json::json;

use super::stage::{DEVICES, HOSTILE, SECRET, Stage, id};

/// Nothing that came from a device is more than text.
fn is_harmless(text: &str) {
    for wrong in ["<script>", "<img src=x", "onerror=alert(1)>\"'"] {
        assert!(!text.contains(wrong), "`{wrong}` came through:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_move_when_twins_do() {
    let stage = Stage::new().await;
    let portal = stage.portal(&[]).await;
    let first = portal.get("/").await;
    first.has(&["data-count=\"pending\">60<", "<strong>pages</strong>", "Devices by verdict", "kiosks / canary"]);

    stage.run(&["reconcile"]).await;
    let canary = id(0);
    stage.patch(&canary, json!({ "properties": { "desired": { "time": { "timeZone": "Europe/Paris" } } } })).await;
    let page = portal.until("/", |page| page.text.contains("data-count=\"edited\">1<")).await;
    page.has(&["data-count=\"pending\">59<", "in git now", "kiosks / rest"]);
    let moved = portal.get("/history.json").await;
    let columns: serde_json::Value = serde_json::from_str(&moved.text).unwrap();
    assert_eq!(columns["drift"].as_array().unwrap().last(), Some(&json!(1)), "{columns}");

    let drift = portal.get("/drift").await;
    drift.has(&["Europe/Paris", "Europe/Oslo", "properties.desired.time.timeZone"]);
    let none = portal.get("/drift?verdict=failed").await;
    assert!(!none.text.contains("Europe/Paris") && none.text.contains("Nothing has drifted"), "{}", none.text);
    assert!(portal.get("/drift?component=time").await.text.contains("Europe/Paris"));
    assert!(!portal.get("/drift?component=nothing").await.text.contains("Europe/Paris"));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_found_by_what_they_have_in_common_and_page_by_page() {
    let stage = Stage::new().await;
    let portal = stage.portal(&[]).await;
    let page = portal.get("/devices").await;
    page.has(&["data-count=\"found\">60<", "Profile kiosk", "tags.ring", "kiosks / canary"]);
    assert_eq!(page.text.matches("<th scope=\"row\">").count(), 50);
    let next = page.text.split("href=\"").find(|part| part.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let rest = portal.get(&next).await;
    assert_eq!(rest.text.matches("<th scope=\"row\">").count(), DEVICES - 50);
    assert!(!rest.text.contains("rel=\"next\"") && rest.text.contains("rel=\"first\""), "{}", rest.text);

    let canary = portal.get("/devices?wave=kiosks%20%2F%20canary").await;
    canary.has(&["data-count=\"found\">1<", "kiosk-00"]);
    assert!(portal.get("/devices?tags.ring=canary&connected=yes").await.text.contains("No device is like that"));
    assert!(portal.get("/devices?verdict=nonsense&wave=none").await.text.contains("No device is like that"));
    portal.get("/devices?id=kiosk-0").await.has(&["data-count=\"found\">10<"]);

    // The hub answers conditions, and what is wrong with one is marked in its place.
    let asked = portal.get("/devices?where=tags.site%20%3D%20%27oslo%27").await;
    assert_eq!(asked.text.matches("<th scope=\"row\">").count(), DEVICES / 3);
    let long = portal.get("/devices?where=tags.role%20%3D%20%27kiosk%27").await;
    let next = long.text.split("href=\"").find(|part| part.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    assert_eq!(portal.get(&next).await.text.matches("<th scope=\"row\">").count(), DEVICES - 50);
    let wrong = portal.get("/devices?where=tags.site%20%3D%3D%20%3Cscript%3E").await;
    wrong.has(&["Line 1, column", "<mark>", "aria-invalid=\"true\""]);
    is_harmless(&wrong.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_shown_side_by_side_with_where_its_values_come_from() {
    let stage = Stage::new().await;
    stage.run(&["reconcile"]).await;
    let portal = stage.portal(&[]).await;
    let device = format!("/devices/{}", id(0));
    let page = portal.get(&device).await;
    page.has(&["Europe/Oslo", "fleet.yaml:11", "Profile/kiosk", "Ada", "Kiosks", "kiosks / canary"]);
    page.has(&["https://github.com/contoso/pages/blob/", "fleet.yaml#L11"]);
    assert!(!page.text.contains("token@"), "{}", page.text);
    assert!(page.text.contains("(secret)") && !page.text.contains(SECRET), "{}", page.text);
    assert!(stage.twin(&id(0)).await.to_string().contains(SECRET), "it is in the twin");
    assert_eq!(portal.get("/devices/nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(portal.get("/devices/%3Cscript%3E").await.status, StatusCode::NOT_FOUND);

    let rollouts = portal.get("/rollouts").await;
    rollouts.has(&["kiosks", "canary", "rest", "rolling", "compliant at least", "95%", "30 min", "waits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_device_says_is_more_than_text() {
    let stage = Stage::new().await;
    stage.run(&["reconcile"]).await;
    let (canary, audit) = (id(0), stage.file("audit.ndjson"));
    let portal = stage.portal(&["--audit", audit.to_str().unwrap(), "--facet", "tags.site"]).await;
    let mut device = stage.connect(&canary).await;
    stage.patch(&canary, json!({ "tags": { "note": HOSTILE } })).await;
    let version = stage.twin(&canary).await["properties"]["desired"]["$version"].clone();
    let reported = json!({
        "time": { "__t": "c", "timeZone": { "value": HOSTILE, "ac": 400, "av": version, "ad": HOSTILE } },
        "<script>key</script>": HOSTILE,
        "twinops": { "__t": "c", "agentVersion": HOSTILE, "capabilities": { "<script>": {} } },
    });
    device.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", &reported.to_string()).await;
    device.next(|packet| matches!(packet, Incoming::Publish(_)).then_some(())).await;
    let path = format!("/devices/{canary}");
    portal.until("/drift", |page| page.text.contains("rejected")).await;
    for page in ["/", "/devices", &path, "/drift", "/rollouts", "/devices?verdict=rejected"] {
        let page = portal.get(page).await;
        assert_eq!(page.status, StatusCode::OK);
        is_harmless(&page.text);
    }
    let page = portal.get(&path).await;
    page.has(&["&#60;script&#62;alert", "rejected", "key&#60;/script&#62;"]);

    let call = [("csrf", &*page.csrf()), ("method", "getLog"), ("payload", "{}")];
    let methods = format!("{path}/methods");
    let (answer, asked) = tokio::join!(portal.post(&methods, &call), async {
        let asked = device.next(|packet| if let Incoming::Publish(asked) = packet { Some(asked) } else { None }).await;
        let rid = asked.topic.strip_prefix("$iothub/methods/POST/getLog/?$rid=").unwrap().to_owned();
        device.publish(&format!("$iothub/methods/res/200/?$rid={rid}"), &json!({ "log": HOSTILE }).to_string()).await;
        // What is published goes out with the next look.
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
        rid
    });
    assert!(!asked.is_empty());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.has(&["answered <strong class=\"well\">200", "&#60;script&#62;alert"]);
    is_harmless(&answer.text);

    // Without the form, or without the word that it asks for, nothing is called.
    for (form, status) in [
        (vec![("method", "getLog")], StatusCode::FORBIDDEN),
        (vec![("csrf", call[0].1), ("method", "factoryReset")], StatusCode::UNPROCESSABLE_ENTITY),
        (vec![("csrf", call[0].1), ("method", "getLog"), ("payload", "{<script>")], StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = portal.post(&methods, &form).await;
        assert_eq!(refused.status, status, "{form:?}");
        is_harmless(&refused.text);
    }
    let written = std::fs::read_to_string(audit).unwrap();
    let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["sign-in", "invoke", "invoked"], "{written}");
    assert!(
        lines.iter().all(|line| line["actor"] == lines[0]["actor"]) && lines[1]["about"]["device"] == json!(canary)
    );
}
