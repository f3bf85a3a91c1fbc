//! The promise: import, then a plan against the same twins is empty; and what is shared stands once.

mod laws;
mod snapshot;
mod v1;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Imported, Importer, Options, SecretsFound};
use crate::{
    component::Registry,
    fleet::{
        self, Finding, Severity, Source, SourceFile,
        resolve::{self, Resolver, Secrets},
    },
    plan::{DeviceChange, NoBases, Planner},
    twin::TwinRow,
};

/// A twin as a hub sends it.
fn twin(id: &str, tags: Value, desired: Value) -> String {
    json!({ "deviceId": id, "etag": "e", "tags": tags, "properties": { "desired": desired, "reported": {} } })
        .to_string()
}

fn options() -> Options {
    Options { name: "fleet".to_owned(), ..Options::default() }
}

fn import(twins: &[String], options: Options) -> Result<Imported, SecretsFound> {
    let mut importer = Importer::new(options, Arc::new(Registry::builtin()));
    for text in twins {
        importer.take(&TwinRow::parse(text).unwrap()).unwrap();
    }
    importer.finish()
}

fn resolver(imported: &Imported, secrets: Secrets) -> (Resolver, Vec<Finding>) {
    let file =
        |(path, text): (&String, &String)| SourceFile { path: path.as_str().into(), text: text.as_bytes().into() };
    let loaded = fleet::load(&Source::from_files(imported.files.iter().map(file)));
    (Resolver::new(loaded.fleet.unwrap(), loaded.registry, secrets), loaded.findings)
}

fn errors(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// Everything that a plan against these twins would change, and every error of `validate`.
fn planned(imported: &Imported, twins: &[String], secrets: Secrets) -> Vec<String> {
    let (resolver, findings) = resolver(imported, secrets);
    let resolver = Arc::new(resolver);
    let mut found: Vec<String> = errors(findings)
        .into_iter()
        .chain(errors(resolve::check(&resolver)))
        .map(|finding| format!("{finding:?}"))
        .collect();
    let planner = Planner::new(
        resolver,
        "1111111111111111111111111111111111111111",
        Box::new(NoBases),
        jiff::civil::date(2026, 1, 1),
    );
    for text in twins {
        match planner.look(&TwinRow::parse(text).unwrap()) {
            Ok(look) => found.extend(look.change.filter(DeviceChange::has_changes).map(|c| c.patch().to_owned())),
            Err(error) => {
                found.push(format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string)));
            }
        }
    }
    found
}

/// Imports, and finds the plan empty.
fn imported(twins: &[String], options: Options) -> Imported {
    let imported = import(twins, options).unwrap();
    assert_eq!(
        planned(&imported, twins, Secrets::none()),
        Vec::<String>::new(),
        "{:#?}",
        imported.files.iter().filter(|(p, _)| !p.starts_with("schemas")).collect::<Vec<_>>()
    );
    imported
}

fn profiles(imported: &Imported) -> BTreeMap<&str, &str> {
    imported
        .files
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("profiles/")?.strip_suffix(".yaml")?, text.as_str())))
        .collect()
}

fn signage(brightness: i64) -> Value {
    json!({ "signage": { "channel": "stable", "brightness": brightness, "playlist": "https://content.example/list.json" } })
}

#[test]
fn what_all_have_stands_in_a_profile_for_all() {
    let twins: Vec<String> = (0..5).map(|n| twin(&format!("d{n}"), json!({}), signage(70))).collect();
    let imported = imported(&twins, options());
    assert_eq!((imported.profiles, imported.overrides), (1, 0));
    assert_eq!(
        profiles(&imported)["base"],
        "# yaml-language-server: $schema=../schemas/fleet.schema.json\n# 5 devices when it was imported.\n\
         apiVersion: twinops/v1\nkind: Profile\nmetadata:\n  name: base\nspec:\n  priority: 0\n  desired:\n    signage:\n      \
         brightness: 70\n      channel: stable\n      playlist: \"https://content.example/list.json\"\n"
    );
}

#[test]
fn a_value_follows_the_shortest_condition_that_fits() {
    let twins: Vec<String> = (0..60)
        .map(|n| {
            let (role, site) = (["signage", "till"][n % 2], ["oslo", "berlin", "rome"][n % 3]);
            let desired = match (role, site) {
                ("signage", "rome") => signage(40),
                ("signage", _) => signage(70),
                _ => json!({ "till": { "currency": "EUR", "lines": 40 } }),
            };
            twin(&format!("d{n:02}"), json!({ "role": role, "site": site, "serial": n }), desired)
        })
        .collect();
    let imported = imported(&twins, options());
    let profiles = profiles(&imported);
    assert_eq!(profiles.keys().copied().collect::<Vec<_>>(), ["role-signage", "role-signage-site-rome", "role-till"]);
    assert!(profiles["role-signage-site-rome"].contains("where: tags.role = 'signage' AND tags.site = 'rome'\n"));
    assert!(profiles["role-signage-site-rome"].ends_with("desired:\n    signage:\n      brightness: 40\n"));
    assert_eq!(imported.overrides, 0);
}

#[test]
fn values_of_one_tag_make_a_list() {
    let twins: Vec<String> = (0..40)
        .map(|n| {
            let site = ["oslo", "berlin", "rome", "bern"][n % 4];
            let zone = if matches!(site, "oslo" | "rome") { "north" } else { "south" };
            twin(
                &format!("d{n:02}"),
                json!({ "at": { "site-name": site } }),
                json!({ "net": { "zone": zone, "uplink": "10.0.0.1:9000" } }),
            )
        })
        .collect();
    let imported = imported(&twins, options());
    let all: String = profiles(&imported).into_values().collect();
    assert!(all.contains("where: tags.at.[[site-name]] IN ['berlin', 'bern']"), "{all}");
    assert_eq!((imported.profiles, imported.overrides), (2, 0));
}

#[test]
fn the_few_that_differ_are_overridden() {
    let mut twins: Vec<String> =
        (0..30).map(|n| twin(&format!("d{n:02}"), json!({ "role": "signage" }), signage(70))).collect();
    twins[7] = twin("d07", json!({ "role": "signage" }), signage(15));
    twins[8] = twin("d08", json!({ "role": "signage" }), json!({}));
    twins[9] =
        twin("d09", json!({ "role": "signage" }), json!({ "signage": { "channel": "stable", "brightness": 70 } }));
    let imported = imported(&twins, options());
    assert_eq!((imported.profiles, imported.overrides), (1, 3));
    let devices = &imported.files["devices/1.yaml"];
    assert!(devices.contains("name: d07\nspec:\n  desired:\n    signage:\n      brightness: 15\n---\n"), "{devices}");
    assert!(devices.contains("name: d08\nspec:\n  desired:\n    signage: null\n---\n"), "{devices}");
    assert!(devices.ends_with("name: d09\nspec:\n  desired:\n    signage:\n      playlist: null\n"), "{devices}");
}

#[test]
fn what_a_plan_would_change_is_left_out_and_named() {
    let good = json!({ "__t": "c", "timeZone": "Europe/Oslo" });
    let mut twins: Vec<String> = (0..6).map(|n| twin(&format!("d{n}"), json!({}), json!({ "time": good }))).collect();
    twins.push(twin("bare", json!({}), json!({ "time": { "timeZone": "Europe/Oslo" } })));
    twins.push(twin("wrong", json!({}), json!({ "time": { "__t": "c", "zone": 5 } })));
    let imported = imported(&twins, options());
    let told: Vec<(&str, u64)> = imported.left_out.iter().map(|left| (left.path.as_str(), left.devices)).collect();
    assert_eq!(told, [("properties.desired.time", 1), ("properties.desired.time", 1)]);
    assert!(imported.left_out.iter().any(|left| left.reason.contains("`__t`")), "{:?}", imported.left_out);
    // No tag tells them apart, so nothing may reach all of them.
    assert_eq!((imported.profiles, imported.overrides), (0, 6));
}

#[test]
fn secrets_are_refused_by_path_and_replaced_when_asked() {
    let connection = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0";
    let desired = json!({ "upload": { "to": connection, "also": [{ "password": "hunter2-${x}" }] } });
    let twins: Vec<String> = (0..4).map(|n| twin(&format!("d{n}"), json!({}), desired.clone())).collect();
    let error = import(&twins, options()).unwrap_err().to_string();
    assert!(error.contains("`properties.desired.upload.to` of 4 devices"), "{error}");
    assert!(error.contains("`properties.desired.upload.also.0.password`"), "{error}");
    let imported = import(&twins, Options { placeholders: true, ..options() }).unwrap();
    let all: String = imported.files.values().cloned().collect();
    for text in [&error, &all] {
        assert!(!text.contains("c2VjcmV0") && !text.contains("hunter2"), "{text}");
    }
    assert_eq!(imported.secrets.keys().collect::<Vec<_>>(), ["0_PASSWORD", "UPLOAD_TO"]);
    let secrets = [("UPLOAD_TO", connection), ("0_PASSWORD", "hunter2-${x}")];
    let secrets: BTreeMap<String, String> = secrets.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(planned(&imported, &twins, Secrets::from(secrets)), Vec::<String>::new());
}

#[test]
fn an_import_of_some_devices_selects_no_others() {
    let of = |site: &str, n: usize| twin(&format!("{site}{n}"), json!({ "site": site }), signage(70));
    let oslo: Vec<String> = (0..4).map(|n| of("oslo", n)).collect();
    let condition = Some("tags.site = 'oslo'".to_owned());
    let imported = imported(&oslo, Options { condition, ..options() });
    assert!(profiles(&imported)["base"].contains("where: tags.site = 'oslo'\n"));
    let rome = twin("rome", json!({ "site": "rome" }), json!({}));
    assert_eq!(planned(&imported, &[rome], Secrets::none()), Vec::<String>::new());
}

#[test]
fn all_tags_are_declared_when_asked() {
    let twins: Vec<String> = (0..3)
        .map(|n| {
            twin(&format!("d{n}"), json!({ "n": n, "note": "costs ${5}", "deep": { "list": [1, "x"] } }), signage(70))
        })
        .collect();
    let imported = imported(&twins, Options { tags: true, ..options() });
    assert_eq!(imported.overrides, 3);
    assert!(imported.files["devices/1.yaml"].contains("note: \"costs $${5}\"\n"));
}

#[test]
fn what_a_schema_marks_as_secret_is_one() {
    let desired =
        json!({ "windows": { "externalStorage": { "connectionString": "AccountName=a;AccountKey=c2VjcmV0" } } });
    let twins = [twin("d", json!({}), desired)];
    let error = import(&twins, options()).unwrap_err().to_string();
    assert!(error.contains("`properties.desired.windows.externalStorage.connectionString` of 1 device"), "{error}");
    let imported = import(&twins, Options { placeholders: true, ..options() }).unwrap();
    let secrets = BTreeMap::from([(
        "EXTERNALSTORAGE_CONNECTIONSTRING".to_owned(),
        "AccountName=a;AccountKey=c2VjcmV0".to_owned(),
    )]);
    assert_eq!(planned(&imported, &twins, Secrets::from(secrets)), Vec::<String>::new());
    assert_eq!(imported.left_out, []);
}
