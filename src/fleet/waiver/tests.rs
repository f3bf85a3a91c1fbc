//! What a waiver covers, and what becomes of it.

use super::*;
use crate::fleet::{SourceFile, load, validate::Validation};

const HEAD: &str = "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: d-1 }\n";

fn source(text: &str) -> Source {
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.as_bytes().into() };
    let fleet = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: contoso }\n";
    Source::from_files([file("fleet.yaml", fleet), file("x.yaml", text)])
}

/// What is found in a text and stays, as `rule`, and how many findings are waived.
fn told(text: &str) -> (Vec<&'static str>, usize) {
    let source = source(text);
    let (findings, waivers) = Validation::new(&source, load(&source)).finish();
    (findings.iter().map(|finding| finding.rule).collect(), waivers.waived().len())
}

fn of_spec(spec: &str) -> (Vec<&'static str>, usize) {
    told(&format!("{HEAD}spec:\n{spec}"))
}

#[test]
fn behind_a_value_a_comment_covers_its_line() {
    let (left, waived) = of_spec("  tags:\n    a: on # twinops: allow yaml-trap because of us\n    b: off\n");
    assert_eq!((left, waived), (vec!["yaml-trap"], 1));
}

#[test]
fn on_a_line_of_its_own_it_covers_the_next_member_with_all_that_is_in_it() {
    let spec = "  # twinops: allow yaml-trap because of us\n\n  # more words\n  tags:\n    a: on\n    b: { c: [off] }\n  \
                desired: { files: {}, x: no }\n";
    let (left, waived) = of_spec(spec);
    assert_eq!((left, waived), (vec!["unknown-component", "yaml-trap"], 2));
}

#[test]
fn above_an_item_it_covers_the_item_and_not_the_list() {
    let spec = "  tags:\n    list:\n      # twinops: allow yaml-trap because of us\n      - { a: on }\n      - a: off\n        b: no\n      # twinops: allow yaml-trap because of us\n      - a: off\n        b: no\n";
    assert_eq!(of_spec(spec), (vec!["yaml-trap", "yaml-trap"], 3));
}

#[test]
fn above_the_first_line_it_covers_the_document_and_no_other() {
    const WAIVER: &str = "# twinops: allow yaml-trap because of us\n";
    let document = |name: &str| format!("{}spec: {{ tags: {{ a: on }} }}\n", HEAD.replace("d-1", name));
    for (before, after) in [(WAIVER, "---\n"), ("", "---\n"), (WAIVER, "")] {
        let above = if before.is_empty() { WAIVER } else { "" };
        let text = format!("{before}{after}{above}{}---\n{}", document("a"), document("b"));
        assert_eq!(told(&text), (vec!["yaml-trap"], 1), "{text}");
    }
    let text = format!("{}{WAIVER}---\n{}", document("a"), document("b"));
    assert_eq!(told(&text), (vec!["yaml-trap"], 1), "{text}");
}

#[test]
fn what_stands_in_a_text_is_no_comment() {
    let spec = "  tags:\n    a: \"x # twinops: allow yaml-trap because of us\"\n    b: |\n      # twinops: allow nonsense\n    \
                c: on\n";
    assert_eq!(of_spec(spec), (vec!["yaml-trap"], 0));
}

#[test]
fn a_waiver_in_a_document_that_cannot_be_read_does_no_harm() {
    assert_eq!(told("a: [\n# twinops: allow yaml-trap because of us"), (vec!["waiver-unused", "yaml-syntax"], 0));
}

#[test]
fn an_error_that_is_waived_stops_nothing() {
    let spec = "  tags:\n    # twinops: allow clear-text-secret because it is the key of the emulator\n    \
                a: \"HostName=h;SharedAccessKey=abcdef\"\n";
    let source = source(&format!("{HEAD}spec:\n{spec}"));
    assert!(load(&source).is_sound());
    assert_eq!(of_spec(spec), (vec![], 1));
}

#[test]
fn a_waiver_of_what_was_not_looked_at_is_not_judged() {
    assert_eq!(of_spec("  # twinops: allow selects-nothing because they enrol later\n  tags: {}\n").0, [""; 0]);
    assert_eq!(of_spec("  # twinops: allow hub-limit-near because it shrinks\n  tags: {}\n").0, ["waiver-unused"]);
    let broken = "  # twinops: allow hub-limit-near because it shrinks\n  tag: {}\n";
    assert_eq!(of_spec(broken).0, ["unknown-property"]);
}
