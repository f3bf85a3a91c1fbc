//! The examples of every rule, run as `twinops validate` would; and what the pages promise.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::{
    fleet::{Finding, Source, SourceFile, Validation, load, resolve::Census},
    twin::TwinRow,
};

/// What is found in an example that stands beside a plain `fleet.yaml`.
fn found(rule: &Rule, example: Example) -> Vec<Finding> {
    const FLEET: (&str, &str) = ("fleet.yaml", "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: contoso }\n");
    let has_own = rule.id == "no-fleet" || example.iter().any(|(path, _)| *path == FLEET.0);
    let files = example.iter().copied().chain((!has_own).then_some(FLEET));
    let file = |(path, text): (&str, &str)| SourceFile { path: path.into(), text: text.as_bytes().into() };
    let source = Source::from_files(files.map(file));
    let mut validation = Validation::new(&source, load(&source));
    if let Some((_, twins)) = example.iter().find(|(path, _)| *path == TWINS) {
        let mut census = Census::new(validation.resolver().expect("sound documents").clone());
        twins.lines().for_each(|line| census.take(&TwinRow::parse(line).unwrap()).unwrap());
        validation.add_twins(census);
    }
    validation.finish().0
}

#[test]
fn every_rule_finds_its_example() {
    for rule in RULES {
        let found = found(rule, rule.breaks);
        let hit = found.iter().find(|finding| finding.rule == rule.id);
        let hit = hit.unwrap_or_else(|| panic!("{} does not find its example, but {found:#?}", rule.id));
        assert!(hit.severity <= rule.severity, "{}: {hit:?}", rule.id);
        assert!(!hit.message.is_empty() && !hit.message.ends_with('.'), "{}", hit.message);
        assert!(found.iter().all(|finding| super::rule(finding.rule).is_some()), "{}: {found:#?}", rule.id);
    }
}

#[test]
fn nothing_is_found_in_an_example_that_holds() {
    for rule in RULES {
        assert_eq!(found(rule, rule.holds), [], "{}", rule.id);
    }
}

#[test]
fn every_rule_says_what_a_page_needs() {
    let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len(), "an id stands once");
    for rule in RULES {
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(rule.why.ends_with('.') && rule.remedy.contains(['.', '`']), "{}", rule.id);
        assert!(!rule.waivable || rule.severity == Severity::Warning || rule.id == "clear-text-secret", "{}", rule.id);
    }
}

/// Ids as they stand in the sources: a finding of an unknown rule could be neither explained nor waived.
#[test]
fn every_finding_is_of_a_rule() {
    let mut unknown = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fleet")];
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for part in code.split("Finding::").skip(1) {
                let call = part.strip_prefix("error(\"").or_else(|| part.strip_prefix("warning(\""));
                let Some(id) = call.and_then(|rest| rest.split('"').next()) else { continue };
                seen.insert(id.to_owned());
                if rule(id).is_none() && !path.ends_with("order.rs") {
                    unknown.push(format!("{}: {id}", path.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(seen.len() > 30, "the findings were found");
}

#[test]
fn a_wrong_id_finds_the_right_one() {
    let near = |id| nearest_rule(id).map(|rule| rule.id);
    assert_eq!(near("yaml-trp"), Some("yaml-trap"));
    assert_eq!(near("secret"), Some("clear-text-secret"));
    assert_eq!(near("zzzz"), None);
}

#[test]
fn the_pages_checked_in_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let pages = pages();
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let read = |name: &String| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let stale: Vec<_> = pages.iter().filter(|(name, text)| read(name) != **text).map(|(name, _)| name).collect();
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = there.filter(|name| !pages.contains_key(name)).collect();
    assert!(
        stale.is_empty() && left.is_empty(),
        "stale: {stale:?}, no longer made: {left:?}; run `cargo run -- docs --rules --write docs/rules`"
    );
}
