//! The groups of the Azure Device Agent.

use super::*;

fn updates(day: u8) -> Fleet {
    let desired = json!({ "windowsUpdate": { "allowAutoUpdate": 3, "scheduledInstallDay": day } });
    fleet(vec![profile("base", None, 0, desired)])
}

fn group(twin: &Twin) -> &Value {
    &twin.properties.desired.values["windowsUpdate"]
}

#[test]
fn a_group_says_of_itself_what_the_agent_asks_for() {
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", updates(1))]), &mut d1);
    let meta = &group(&d1)["__meta"];
    assert_eq!((&meta["serviceInterfaceVersion"], &meta["reportingMode"]), (&json!("1.0.0"), &json!("detailed")));
    let first = meta["deploymentId"].clone();
    let next = planner("r2", vec![("r1", updates(1)), ("r2", updates(2))]);
    let patch = apply(&next, &mut d1).unwrap();
    assert_eq!(patch["properties"]["desired"]["windowsUpdate"], *group(&d1), "the agent gets the whole group");
    assert_ne!(group(&d1)["__meta"]["deploymentId"], first);
    let same = planner("r3", vec![("r2", updates(2)), ("r3", updates(2))]);
    assert_eq!(apply(&same, &mut d1), None, "a commit that does not touch the group costs no write");
}

#[test]
fn a_device_is_compliant_when_it_answers_for_this_deployment() {
    let planner = planner("r1", vec![("r1", updates(1))]);
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner, &mut d1);
    let ours = group(&d1)["__meta"]["deploymentId"].clone();
    let mut stands = |deployment: Value| {
        let meta = json!({ "deploymentId": deployment, "deploymentStatus": "succeeded" });
        d1.properties.reported.values = map(json!({ "windowsUpdate": { "scheduledInstallDay": 1, "__meta": meta } }));
        let text = serde_json::to_string(&d1).unwrap();
        planner.verdict(&TwinRow::parse(&text).unwrap()).unwrap().unwrap().verdict
    };
    assert_eq!(stands(json!("another")), Verdict::Unreachable);
    assert_eq!(stands(ours), Verdict::Compliant);
}

#[test]
fn two_models_of_one_name_live_in_one_fleet() {
    let source = json!({ "url": "https://example.org/a.cer", "sha256": "0".repeat(64) });
    let neutral = json!({ "root": { "store": "root", "sha256": "0".repeat(64), "source": source } });
    let stores = json!({ "certificateStore_CA_System": {} });
    let both = || {
        fleet(vec![
            profile("linux", Some("tags.os = 'linux'"), 0, json!({ "certificates": neutral })),
            profile("windows", Some("tags.os = 'windows'"), 0, json!({ "certificates": stores })),
        ])
    };
    for (os, ours, theirs) in [("linux", "__t", "__meta"), ("windows", "__meta", "__t")] {
        let mut d1 = twin(json!({ "os": os }), json!({}));
        apply(&planner("r1", vec![("r1", both())]), &mut d1);
        let certificates = &d1.properties.desired.values["certificates"];
        assert!(certificates.get(ours).is_some() && certificates.get(theirs).is_none(), "{certificates}");
    }
}
