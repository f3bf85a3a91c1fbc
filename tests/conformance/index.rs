//! `docs/conformance.md`: which tests hold which item, made from the citations in the tests.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

/// Items of the list.
const ITEMS: u32 = 27;
const CITATION: &str = "rotocol reference ";
const PAGE: &str = "docs/conformance.md";

/// A test, and the items that it says it holds.
#[derive(Debug, PartialEq, Eq)]
struct Test {
    file: String,
    name: String,
    items: Vec<u32>,
}

/// The name of the test that starts in a line of Rust, Python or JavaScript.
fn test_named(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(call) = line.strip_prefix("test(") {
        return call.split(call.chars().next()?).nth(1);
    }
    ["async fn ", "fn ", "def "].into_iter().find_map(|start| line.strip_prefix(start))?.split('(').next()
}

/// The items of section 17 that a comment cites.
fn cited(line: &str) -> Vec<u32> {
    let line = line.trim_start();
    let comment = ["///", "//", "#"].iter().any(|mark| line.starts_with(mark));
    let Some((_, cited)) = line.split_once(CITATION).filter(|_| comment) else { return Vec::new() };
    cited
        .split([' ', ','])
        .map_while(|word| match word {
            "and" | "" => Some(None),
            word => word.strip_prefix("17.").map(|item| item.trim_end_matches('.').parse().ok()),
        })
        .flatten()
        .collect()
}

/// The tests of a file that cite an item.
fn tests_of(file: &str, text: &str) -> Vec<Test> {
    let (mut found, mut items) = (Vec::new(), Vec::new());
    for line in text.lines() {
        items.extend(cited(line));
        if let Some(name) = test_named(line)
            && !items.is_empty()
        {
            found.push(Test { file: file.to_owned(), name: name.to_owned(), items: std::mem::take(&mut items) });
        }
    }
    assert!(items.is_empty(), "{file}: a citation of {items:?} stands before no test");
    found
}

/// The tests of all files of a folder, by name.
fn tests_in(folder: &str) -> Vec<Test> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files: BTreeSet<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut found = Vec::new();
    for file in files.iter().map(|file| file.to_str().unwrap()) {
        if [".rs", ".py", ".js"].iter().any(|ending| file.ends_with(ending)) && file != "index.rs" {
            found.extend(tests_of(file, &fs::read_to_string(root.join(file)).unwrap()));
        }
    }
    found
}

fn page() -> String {
    let own = tests_in("tests/conformance");
    let under: Vec<Test> = ["tests/sdk/node", "tests/sdk/python"].into_iter().flat_map(tests_in).collect();
    let mut page = "\
# Conformance

<!-- Made from the citations in the tests: TWINOPS_BLESS=1 cargo nextest run --test conformance index -->

What Azure IoT Hub's own SDKs hold a hub to, item by item of section 17 of the protocol reference. Each item has a test
of its own on real sockets with TLS in `tests/conformance`; where an SDK can show it, a test under the unmodified SDK in
`tests/sdk` holds it as well. The az CLI cannot be installed for a test: its extension comes from no package registry.
Its requests are sent byte for byte.

| item | what holds, and where | under the SDKs |
| --- | --- | --- |
"
    .to_owned();
    for item in 1..=ITEMS {
        let holds = |test: &&Test| test.items.contains(&item);
        let [test] = own.iter().filter(holds).collect::<Vec<_>>()[..] else {
            panic!("17.{item} has one test of its own")
        };
        let subject = test.file.trim_end_matches(".rs");
        let sdks: Vec<_> = under.iter().filter(holds).map(|test| format!("{}: {}", test.file, test.name)).collect();
        let sdks = sdks.join("<br>").replace("${transport.name}", "Mqtt and MqttWs");
        writeln!(page, "| 17.{item} | `{subject}::{}` | {sdks} |", test.name).unwrap();
    }
    page
}

#[test]
fn the_page_names_the_tests_that_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let mend = "TWINOPS_BLESS=1 cargo nextest run --test conformance index";
    assert!(kept == page(), "{PAGE} is stale; mend it: {mend}");
}

#[test]
fn citations_are_read_in_every_language() {
    let test = |name: &str, items: &[u32]| Test { file: "f".to_owned(), name: name.to_owned(), items: items.to_vec() };
    let rust = "/// Protocol reference 17.9. As SDKs do.\n#[tokio::test]\nasync fn a() {\nfn helper(";
    assert_eq!(tests_of("f", rust), [test("a", &[9])]);
    let python = "    # Protocol reference 17.1 and 17.12.\n    def test_a(self):\n        # protocol reference 5.5";
    assert_eq!(tests_of("f", python), [test("test_a", &[1, 12])]);
    let node = "// Protocol reference 17.1, 17.2 and 17.3.\ntest(`a, b over ${t}`, () => {\ntest('other', x";
    assert_eq!(tests_of("f", node), [test("a, b over ${t}", &[1, 2, 3])]);
}
