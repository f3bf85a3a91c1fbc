//! `${…}`.

use super::*;

#[test]
fn every_kind_of_reference_is_filled_in() {
    let bench = Bench::new().vars(json!({"ntp": "time.example", "net": {"port": 8080}})).secret("TOKEN", "hunter2").profile(
        "p",
        0,
        "",
        json!({"a": "${device.id}.${tags.site.city}", "b": ["http://${vars.ntp}:${vars.net.port}/"], "c": "${secret.TOKEN}"}),
    );
    let desired = bench.desired("d1", json!({"site": {"city": "oslo"}}));
    assert_eq!(desired, json!({"a": "d1.oslo", "b": ["http://time.example:8080/"], "c": "hunter2"}));
}

#[test]
fn a_text_that_is_one_reference_takes_its_type() {
    let bench = Bench::new().vars(json!({"port": 8080, "on": true, "list": [1], "object": {"x": 1}})).profile(
        "p",
        0,
        "",
        json!({"a": "${vars.port}", "b": "${vars.on}", "c": "${vars.list}", "d": "${vars.object}"}),
    );
    assert_eq!(bench.desired("d", nothing()), json!({"a": 8080, "b": true, "c": [1], "d": {"x": 1}}));
}

#[test]
fn a_doubled_dollar_is_a_literal_one() {
    let bench = Bench::new().profile("p", 0, "", json!({"a": "$${vars.x} $5 $$ ${device.id}"}));
    assert_eq!(bench.desired("d", nothing())["a"], json!("${vars.x} $5 $$ d"));
}

#[test]
fn what_is_missing_is_a_finding_at_its_line() {
    let bench = Bench::new().vars(json!({"ntp": "x"})).profile(
        "p",
        0,
        "",
        json!({"a": {"b": ["${vars.npt}"]}, "c": "${tags.site}", "d": "${secret.X}"}),
    );
    assert_eq!(
        bench.faults("d", nothing()),
        [
            "missing-variable@p.yaml#/spec/desired/a/b/0",
            "missing-tag@p.yaml#/spec/desired/c",
            "missing-variable@p.yaml#/spec/desired/d"
        ]
    );
    let unresolved = bench.wanted("d", nothing()).unwrap_err();
    assert_eq!(unresolved.findings[0].help.as_deref(), Some("did you mean `${vars.ntp}`?"));
    assert_eq!(unresolved.to_string(), "`d` cannot be resolved: no variable is called `npt` (and 2 more)");
}

#[test]
fn what_cannot_be_a_reference_is_a_finding() {
    for text in ["${", "${vars}", "${vars.}", "${device.name}", "${env.X}", "x${vars.o}", "${vars.o.}"] {
        let bench = Bench::new().vars(json!({"o": {}})).profile("p", 0, "", json!({"a": text}));
        assert_eq!(bench.faults("d", nothing()), ["invalid-reference@p.yaml#/spec/desired/a"], "{text}");
    }
}

#[test]
fn secrets_are_named_by_path_and_never_shown() {
    let bench = Bench::new()
        .secret("KEY", "hunter2")
        .profile(
            "p",
            0,
            "",
            json!({"a": {"key": "k=${secret.KEY}"}, "list": [{"x": "${secret.KEY}"}], "b": "${secret.KEY}"}),
        )
        .profile("q", 1, "", json!({"b": "plain"}))
        .device("d", json!({"t": "${secret.KEY}"}), nothing());
    let resolver = bench.resolver();
    let wanted = wanted(&resolver, "d", nothing()).unwrap().unwrap();
    let paths: Vec<String> = wanted.secrets.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["properties.desired.a.key", "properties.desired.list", "tags.t"]);
    assert!(!format!("{wanted:?} {resolver:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_breaks_a_schema_is_not_shown() {
    let bench = Bench::new().secret("Z", "hunter 2").profile("p", 0, "", json!({"time": {"timeZone": "${secret.Z}"}}));
    let unresolved = bench.wanted("d", nothing()).unwrap_err();
    assert_eq!(
        unresolved.findings.iter().map(short).collect::<Vec<_>>(),
        ["invalid-merged-component@p.yaml#/spec/desired/time/timeZone"]
    );
    assert!(!format!("{unresolved:?}").contains("hunter"));
}

#[test]
fn tags_are_filled_in_from_the_id_and_variables() {
    let bench = Bench::new()
        .vars(json!({"region": "north"}))
        .profile("p", 0, "tags.name = 'n-d1'", json!({"region": "${tags.region}"}))
        .device("d1", json!({"name": "n-${device.id}", "region": "${vars.region}"}), nothing());
    let wanted = bench.wanted("d1", nothing()).unwrap().unwrap();
    assert_eq!(Value::Object(wanted.tags.clone()), json!({"name": "n-d1", "region": "north"}));
    assert_eq!(Value::Object(wanted.desired.clone()), json!({"region": "north"}));
}

mod parsing {
    use proptest::prelude::*;

    use super::super::super::template::pieces;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"[${}.a-z]{0,24}") {
            let _ = pieces(&text);
        }
    }
}
