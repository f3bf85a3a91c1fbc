//! Whole repositories, and what they are told.

use proptest::prelude::*;

use super::*;
use crate::fleet::{locate::Locator, rule};

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: contoso }\n";
const PROFILE: &str = "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: kiosk }\nspec:\n";
const DEVICE: &str = "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: d-1 }\nspec:\n";

fn source(files: &[(&str, &str)]) -> Source {
    let file = |(path, text): &(&str, &str)| SourceFile { path: (*path).into(), text: text.as_bytes().into() };
    Source::from_files(files.iter().map(file))
}

/// Every finding as `file:line:column rule: message`, advice after an arrow.
fn told(source: &Source) -> Vec<String> {
    let locator = Locator::new(source);
    let loaded = load(source);
    let place = |place: &Place| {
        let found = locator.locate(place).unwrap();
        format!("{}:{}:{}", found.file, found.line, found.column)
    };
    let line = |finding: &Finding| {
        assert!(rule::rule(finding.rule).is_some(), "{} is not listed", finding.rule);
        let at = finding.place.as_ref().map_or_else(|| "-".to_owned(), place);
        let related =
            finding.related.iter().map(|(at, words)| format!(" [{words} {}]", place(at))).collect::<Vec<_>>().concat();
        let help = finding.help.as_ref().map(|help| format!(" -> {help}")).unwrap_or_default();
        format!("{at} {}: {}{related}{help}", finding.rule, finding.message)
    };
    loaded.findings.iter().map(line).collect()
}

/// What is told of a file beside a fleet that is right.
fn told_of(text: &str) -> Vec<String> {
    told(&source(&[("fleet.yaml", FLEET), ("x.yaml", text)]))
}

fn of_profile(spec: &str) -> Vec<String> {
    told_of(&format!("{PROFILE}{spec}"))
}

fn of_fleet(spec: &str) -> Vec<String> {
    told(&source(&[("fleet.yaml", &format!("{FLEET}spec:\n{spec}"))]))
}

#[test]
fn the_fleet_of_the_manual_is_loaded() {
    let text = r#"# yaml-language-server: $schema=./schemas/fleet.schema.json
apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso-kiosks }
spec:
  hub: { hostname: contoso.azure-devices.net, sku: S1, units: 2 }
  vars: { ntp: time.contoso.example }
  guard: { maxChanged: 20%, maxPruned: 1%, protect: [properties.desired.windows.wifi] }
  ignore:
    - { path: properties.desired.deviceBridge, owner: bridge-team, reason: set by the gateway, until: 9999-03-01 }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk' AND tags.site IN ['berlin', 'oslo']
  priority: 10
  desired:
    time: { ntp: null }
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-0007 }
spec: { tags: { role: kiosk, site: oslo }, desired: {} }
---
apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  where: tags.role = 'kiosk'
  waves:
    - { name: canary, where: "tags.ring = 'canary'" }
    - { name: tenth, percent: 10 }
    - { name: rest }
  gate: { compliant: 95%, failed: 1%, soak: 30m, timeout: 24h, of: reachable }
  onFailure: pause
  window: { days: [mon, tue], from: "01:00", to: "05:00", timeZone: tags.timeZone }
"#;
    let source = source(&[("fleet.yaml", text)]);
    let loaded = load(&source);
    let rules: Vec<_> = loaded.findings.iter().map(|f| f.rule).filter(|rule| *rule != "unknown-property").collect();
    assert_eq!(rules, [""; 0], "{:#?}", told(&source));
    let fleet = loaded.fleet.unwrap();
    assert_eq!((fleet.name.as_str(), fleet.profiles.len(), fleet.devices.len()), ("contoso-kiosks", 1, 1));
    assert_eq!(fleet.profiles[0].document, DocumentRef { file: "fleet.yaml".into(), document: 1 });
    assert_eq!(fleet.devices["kiosk-0007"].tags()["site"], "oslo");
    assert_eq!(loaded.documents, 4);
    let waves: Vec<&str> = fleet.rollouts[0].waves.iter().map(|wave| &*wave.name).collect();
    assert_eq!(waves, ["canary", "tenth", "rest"]);
}

#[test]
fn a_repository_needs_one_fleet() {
    assert_eq!(told(&source(&[])).len(), 1);
    assert!(!load(&source(&[])).is_sound());
    assert_eq!(
        told_of(FLEET),
        ["x.yaml:3:19 second-fleet: there is a second `Fleet` document [first here fleet.yaml:3:19]"]
    );
    let broken = told(&source(&[("fleet.yaml", &format!("{FLEET}spec: {{ hubb: {{}} }}\n"))]));
    assert_eq!(broken, ["fleet.yaml:4:9 unknown-property: `hubb` is not known in `spec` -> did you mean `hub`?"]);
}

#[test]
fn names_stand_once() {
    let found = told_of(&format!("{DEVICE}  tags: {{}}\n---\n{DEVICE}  tags: {{}}\n"));
    assert_eq!(found, ["x.yaml:9:19 duplicate-device: the device `d-1` is declared twice [first here x.yaml:3:19]"]);
    let found = told_of(&format!("{PROFILE}  priority: 1\n---\n{PROFILE}  priority: 2\n"));
    assert_eq!(found, ["x.yaml:9:19 duplicate-name: two profiles are called `kiosk` [first here x.yaml:3:19]"]);
}

#[test]
fn what_is_no_document_is_told_what_one_is() {
    let found = told_of("services: [a]\n");
    assert!(found.len() == 1 && found[0].starts_with("x.yaml:1:1 api-version: "), "{found:?}");
    assert!(told_of("- a\n")[0].starts_with("x.yaml:1:1 not-a-document: "));
    assert_eq!(
        told_of("apiVersion: v1\nkind: Pod\n"),
        ["x.yaml:1:13 api-version: `apiVersion` has to be `twinops/v1`"]
    );
    let found = told_of("apiVersion: twinops/v1\nkind: profile\n");
    assert_eq!(found, ["x.yaml:2:7 unknown-kind: there is no kind `profile` -> did you mean `Profile`?"]);
    assert!(told_of("apiVersion: twinops/v1\n")[0].contains("`kind` is missing"));
}

#[test]
fn an_unknown_member_and_a_missing_one_are_named() {
    let found = of_profile("  prioritty: 1\n  desired: {}\n");
    assert_eq!(found, ["x.yaml:5:3 unknown-property: `prioritty` is not known in `spec` -> did you mean `priority`?"]);
    let found = of_fleet("  ignore:\n    - { path: tags.a, owner: me, until: 9999-01-01 }\n");
    assert_eq!(
        found,
        ["fleet.yaml:6:7 missing-property: `reason` is missing in `0` -> `reason`: Why it is left alone"]
    );
}

#[test]
fn a_wrong_type_is_told_with_the_way_out_of_the_trap() {
    let found = of_profile("  priority: \"010\"\n");
    assert_eq!(
        found,
        [
            "x.yaml:5:13 wrong-type: `priority` is a text, not an integer -> write the number without quotes and without a leading zero"
        ]
    );
    assert_eq!(
        of_profile("  where:\n  desired: {}\n"),
        ["x.yaml:5:3 wrong-type: `where` is null, not a text -> write a value, or remove the key"]
    );
    assert_eq!(
        of_fleet("  guard: { protect: properties.desired.a }\n"),
        ["fleet.yaml:5:21 wrong-type: `protect` is a text, not a list -> write a list: `[…]`"]
    );
}

#[test]
fn quotes_are_advised_only_where_they_help() {
    assert_eq!(
        of_fleet("  guard: { maxChanged: 10, maxPruned: true }\n"),
        [
            "fleet.yaml:5:24 wrong-type: `maxChanged` is an integer, not a text -> write `10%`",
            "fleet.yaml:5:39 wrong-type: `maxPruned` is a boolean, not a text -> write a percentage such as `20%`",
        ]
    );
    let found = of_fleet("  ignore: [{ path: tags.a, owner: 7, reason: x, until: 2027 }]\n");
    let starts = [
        "fleet.yaml:5:35 wrong-type: `owner` is an integer, not a text -> put it in quotes",
        "fleet.yaml:5:56 wrong-type: `until` is an integer, not a text -> write a date such as `2027-03-01`",
    ];
    assert_eq!(found, starts);
}

#[test]
fn values_outside_what_is_allowed_are_told_what_is() {
    assert_eq!(
        of_fleet("  hub: { sku: s1, units: 0 }\n"),
        [
            "fleet.yaml:5:15 not-allowed: `sku` has to be one of `F1`, `S1`, `S2`, `S3` -> did you mean `S1`?",
            "fleet.yaml:5:26 out-of-range: `units` has to be at least 1 -> Units of that edition",
        ]
    );
    let found = of_fleet("  guard: { maxChanged: 20 percent, maxPruned: 120% }\n");
    assert!(found[0].starts_with("fleet.yaml:5:24 wrong-format: `maxChanged` is not a percentage such as `20%`"));
    assert_eq!(of_fleet("  guard: { maxPruned: 120% }\n"), ["fleet.yaml:5:23 bad-share: a share is at most 100%"]);
}

#[test]
fn a_condition_is_faulted_at_the_very_word() {
    let found = of_profile("  where: tags.role == 'kiosk'\n");
    assert!(found.len() == 1 && found[0].starts_with("x.yaml:5:2") && found[0].contains("bad-condition"), "{found:?}");
    let column: usize = found[0].split(':').nth(2).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((20..=21).contains(&column), "{found:?}");
}

#[test]
fn paths_dates_and_ends_of_ignores_are_checked() {
    let found = of_fleet(
        "  guard: { protect: [windows.wifi] }\n  ignore:\n    - { path: properties.reported.a, owner: me, reason: x, until: 9999-02-30 }\n    - { path: tags.b, owner: me, reason: x, until: 2020-01-01 }\n",
    );
    let starts = [
        "fleet.yaml:5:22 bad-path: `windows.wifi` is not a path",
        "fleet.yaml:7:15 bad-path: reported properties",
        "fleet.yaml:7:67 bad-date: no such day",
        "fleet.yaml:8:52 expired-ignore: the ignore of `tags.b` ended on 2020-01-01",
    ];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    found.iter().zip(starts).for_each(|(found, start)| assert!(found.starts_with(start), "{found}"));
}

#[test]
fn references_and_secrets_are_checked_wherever_they_stand() {
    let found = told_of(&format!(
        "{DEVICE}  tags: {{ a: \"${{var.x}}\", b: \"$${{any}}\", c: \"${{device.id}} ${{secret.A}}\" }}\n  desired:\n    files: {{}}\n    x:\n      - HostName=h;SharedAccessKey=abcdef\n      - {{ password: hunter2 }}\n"
    ));
    let find = |rule: &str| found.iter().filter(|line| line.contains(rule)).collect::<Vec<_>>();
    assert!(
        find("invalid-reference")[0].starts_with("x.yaml:5:14 ") && find("invalid-reference").len() == 1,
        "{found:?}"
    );
    assert_eq!((find("clear-text-secret").len(), find("possible-secret").len()), (1, 1), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("abcdef") || line.contains("hunter2")), "{found:?}");
}

#[test]
fn what_is_written_by_others_is_not_declared() {
    let found = of_profile("  desired: { twinops: { revision: x }, $version: 1 }\n");
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|line| line.contains("reserved-name")), "{found:?}");
}

#[test]
fn a_device_has_the_name_of_a_device() {
    let found = told_of(&DEVICE.replace("d-1", "d/1").replace("spec:\n", ""));
    assert!(found.len() == 1 && found[0].starts_with("x.yaml:3:19 bad-device-id: `/`"), "{found:?}");
    let found = told(&source(&[("fleet.yaml", &FLEET.replace("contoso", "a.b"))]));
    assert!(found[0].starts_with("fleet.yaml:3:19 bad-fleet-name: `.`"), "{found:?}");
}

#[test]
fn an_unknown_component_is_told_once_with_how_often() {
    let profile = |name: &str| format!("{}  desired: {{ tiem: {{}} }}\n", PROFILE.replace("kiosk", name));
    let found = told(&source(&[("fleet.yaml", FLEET), ("a.yaml", &profile("a")), ("b.yaml", &profile("b"))]));
    assert_eq!(
        found,
        [
            "a.yaml:5:14 unknown-component: no component is called `tiem`; 1 more document uses it -> did you mean `time`?"
        ]
    );
}

#[test]
fn a_component_of_the_fleets_own_is_checked_part_by_part() {
    let schema = r#"{"type": "object", "required": ["mode"], "additionalProperties": false, "properties": {
        "mode": {"enum": ["slow", "fast"]}, "on": {"type": "boolean"}, "level": {"type": "integer"}}}"#;
    let check = |desired: &str| {
        let profile = format!("{PROFILE}  desired:\n    pump: {desired}\n");
        told(&source(&[("fleet.yaml", FLEET), ("components/pump.schema.json", schema), ("x.yaml", &profile)]))
    };
    assert_eq!(check("{ level: null, mode: \"${vars.mode}\" }"), Vec::<String>::new());
    assert_eq!(check("{ levle: 1 }"), ["x.yaml:6:13 unknown-property: `levle` is not known -> did you mean `level`?"]);
    assert_eq!(
        check("{ mode: fats }"),
        ["x.yaml:6:19 not-allowed: `mode` has to be one of `slow`, `fast` -> did you mean `fast`?"]
    );
    assert_eq!(
        check("{ \"on\": \"yes\" }"),
        ["x.yaml:6:19 wrong-type: `on` is a text, not a boolean (`true` or `false`) -> write `true`, without quotes"]
    );
}

#[test]
fn a_schema_that_cannot_be_used_is_told() {
    for schema in ["{", "{\"type\": \"objekt\"}", "[]"] {
        let found = told(&source(&[("fleet.yaml", FLEET), ("components/pump.schema.json", schema)]));
        assert!(
            found.len() == 1 && found[0].starts_with("components/pump.schema.json:1:1 component-schema"),
            "{found:?}"
        );
    }
}

#[test]
fn one_broken_document_leaves_the_others() {
    let text = format!("a: [\n---\n{DEVICE}  tags: {{}}\n");
    let loaded = load(&source(&[("fleet.yaml", FLEET), ("x.yaml", &text)]));
    assert_eq!((loaded.findings.len(), loaded.documents, loaded.is_sound()), (1, 3, false));
    assert_eq!(loaded.fleet.unwrap().devices.len(), 1);
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    let found = of_profile("  zz: 1\n  priority: x\n  aa: yes\n");
    let lines: Vec<_> = found.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["x.yaml:5:3", "x.yaml:6:13", "x.yaml:7:3", "x.yaml:7:7"]);
}

/// Texts that say something about every stage.
fn texts() -> Vec<String> {
    vec![
        FLEET.to_owned(),
        format!("{FLEET}spec: {{ hubb: 1 }}\n"),
        format!("{PROFILE}  where: nonsense\n"),
        format!("{PROFILE}  desired: {{ foo: {{ a: yes }} }}\n---\n{DEVICE}  tags: {{ x: \"${{a}}\" }}\n"),
        format!("{DEVICE}  tags: {{}}\n"),
        "a: [\n---\nkind: x\n".to_owned(),
        String::new(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_order_of_files_does_not_matter(order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle()) {
        let texts = texts();
        let names: Vec<String> = (0..7).map(|n| format!("f{n}.yaml")).collect();
        let straight: Vec<_> = names.iter().zip(&texts).map(|(n, t)| (n.as_str(), t.as_str())).collect();
        let shuffled: Vec<_> = order.iter().map(|&at| straight[at]).collect();
        let (a, b) = (load(&source(&straight)), load(&source(&shuffled)));
        prop_assert_eq!(&a.findings, &b.findings);
        prop_assert!(a.findings.len() > 5);
        prop_assert_eq!(a.fleet.map(|f| format!("{f:?}")), b.fleet.map(|f| format!("{f:?}")));
    }

    #[test]
    fn any_bytes_are_loaded_or_refused_and_every_place_is_found(bytes in prop::collection::vec(any::<u8>(), 0..100), cut in 0..120usize) {
        let mut text = format!("{PROFILE}  desired: {{ a: [1, {{ b: yes }}] }}\n").into_bytes();
        text.truncate(cut);
        text.extend(bytes);
        let source = Source::from_files([SourceFile { path: "a.yaml".into(), text: text.into() }]);
        told(&source);
    }
}
