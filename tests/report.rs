//! The JSON reports keep to their schemas, and the schemas that are checked in are those of this build.
#![cfg(feature = "cli")]

use std::{fs, path::Path};

use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema(kind: &str) -> Value {
    let name = format!("report-{kind}.schema.json");
    twinops::report::schemas().into_iter().find(|(file, _)| *file == name).expect("a schema for every kind").1
}

#[test]
fn every_golden_report_satisfies_its_schema() {
    let mut checked = 0;
    for folder in fs::read_dir(root().join("tests/cases/report")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                let validator = jsonschema::validator_for(&schema(report["kind"].as_str().unwrap())).unwrap();
                let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked >= 8, "only {checked} golden reports");
}

#[test]
fn a_report_of_another_version_or_kind_fails_its_schema() {
    let validator = jsonschema::validator_for(&schema("findings")).unwrap();
    let summary = json!({"documents": 0, "errors": 0, "warnings": 0, "waived": 0});
    let report =
        |version, kind| json!({"version": version, "kind": kind, "summary": summary, "findings": [], "waived": []});
    assert!(validator.is_valid(&report(1, "findings")));
    assert!(!validator.is_valid(&report(2, "findings")));
    assert!(!validator.is_valid(&report(1, "plan")));
}

#[test]
fn the_schemas_checked_in_are_current() {
    for (file, schema) in twinops::report::schemas() {
        let path = root().join("schemas").join(file);
        let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("TWINOPS_BLESS").is_some() {
            fs::create_dir_all(root().join("schemas")).unwrap();
            fs::write(&path, &current).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == current, "schemas/{file} is stale; mend it: TWINOPS_BLESS=1 cargo test --test report");
    }
}
