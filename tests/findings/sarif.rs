//! The schema of SARIF 2.1.0, as `.ci/sdks` brings it. Without it a test says so loudly and passes; with `CI=true` it
//! fails.

use std::{fs, io::Write as _, path::Path};

use serde_json::Value;

/// Fails when a log is none by the schema.
#[track_caller]
pub(crate) fn satisfies(log: &Value, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/sarif/sarif-2.1.0.json");
    let Ok(schema) = fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "{} is not there; `.ci/sdks` brings it", path.display());
        let mut err = std::io::stderr();
        writeln!(err, "\n*** NOT RUN: {} is not there; `.ci/sdks` brings it\n", path.display()).unwrap();
        return;
    };
    // As published, the pattern of languages has a bracket too many, which ECMA 262 does not take.
    let schema: Value = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
    // A schema that takes anything would prove nothing.
    let mut broken = log.clone();
    broken["runs"][0]["tool"]["driver"]["name"] = 7.into();
    assert!(!validator.is_valid(&broken), "the schema refuses what is no SARIF");
}

#[test]
fn every_report_in_sarif_satisfies_the_schema() {
    let mut checked = 0;
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/report");
    for folder in fs::read_dir(cases).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "sarif") {
                let text = fs::read_to_string(&path).unwrap().replace("@@VERSION@@", "1.0.0");
                satisfies(&serde_json::from_str(&text).unwrap(), &path.display().to_string());
                checked += 1;
            }
        }
    }
    assert!(checked >= 8, "only {checked} logs");
}
