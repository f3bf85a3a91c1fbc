//! What the compiler cannot see: who opens whose door, which file names which foreign crate, what every file owes
//! its reader.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Room, and the rooms that it may open. Downward only; siblings are closed.
const MAY_OPEN: &[(&str, &[&str])] = &[
    ("twin", &[]),
    ("task", &[]),
    ("websocket", &[]),
    ("query", &["twin"]),
    ("iothub", &["twin"]),
    ("component", &["twin"]),
    ("fleet", &["component", "iothub", "query", "twin"]),
    ("import", &["component", "fleet", "plan", "query", "twin"]),
    ("plan", &["component", "fleet", "query", "twin"]),
    ("reconcile", &["component", "fleet", "plan", "query", "task", "twin"]),
    ("report", &["component", "fleet", "plan", "query", "reconcile", "twin"]),
    ("client", &["fleet", "iothub", "query", "reconcile", "task", "twin"]),
    ("repo", &["fleet", "twin"]),
    ("forge", &["task"]),
    ("hub", &["iothub", "query", "task", "twin", "websocket"]),
    ("agent", &["component", "iothub", "task", "twin", "websocket"]),
    (
        "cli",
        &[
            "agent",
            "client",
            "component",
            "fleet",
            "forge",
            "hub",
            "import",
            "iothub",
            "plan",
            "query",
            "reconcile",
            "repo",
            "report",
            "task",
            "twin",
        ],
    ),
];

/// Foreign crate, and the only places that may name it.
const NAMED_IN: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["src/report/"]),
    ("axum", &["src/hub/api", "src/hub/web.rs", "src/cli/follow/"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("deadpool_postgres", &["src/hub/store/postgres/"]),
    ("git2", &["src/repo/"]),
    ("indicatif", &["src/cli/"]),
    ("jsonschema", &["src/fleet/schema"]),
    ("mimalloc", &["src/main.rs"]),
    ("notify", &["src/cli/"]),
    ("prometheus_client", &["src/hub/meter/", "src/cli/follow/metrics.rs"]),
    ("rcgen", &["src/hub/tls"]),
    ("reqwest", &["src/client/", "src/forge/"]),
    ("rumqttc", &["src/agent/link"]),
    ("rusqlite", &["src/hub/store/"]),
    ("saphyr_parser", &["src/fleet/yaml"]),
    ("similar", &["src/report/"]),
    ("tokio_postgres", &["src/hub/store/postgres/"]),
    ("x509_parser", &["src/hub/tls"]),
];

/// Most lines of code in one file, tests left out.
const LONGEST: usize = 400;

#[test]
fn rooms_open_downward_only() {
    let mut open = Vec::new();
    for (path, text) in sources() {
        let home = room(&path);
        let Some((_, allowed)) = MAY_OPEN.iter().find(|(room, _)| *room == home) else { continue };
        for door in doors(&code(&text)) {
            let known = MAY_OPEN.iter().any(|(room, _)| *room == door);
            if known && door != home && !allowed.contains(&door.as_str()) {
                open.push(format!("{} opens `{door}`", path.display()));
            }
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

#[test]
fn every_room_is_in_the_list() {
    for (path, _) in sources() {
        let home = room(&path);
        let known = MAY_OPEN.iter().any(|(room, _)| *room == home);
        assert!(
            known || matches!(home.as_str(), "lib" | "main" | "bin"),
            "{}: add `{home}` to MAY_OPEN",
            path.display()
        );
    }
}

#[test]
fn a_foreign_crate_is_named_where_it_belongs() {
    let mut strays = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let (shown, code) = (path.display().to_string(), code(&text));
        for (name, homes) in NAMED_IN {
            let names = code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"));
            if names && !homes.iter().any(|home| shown.starts_with(home)) {
                strays.push(format!("{shown} names `{name}`; it belongs to {}", homes.join(", ")));
            }
        }
    }
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} has no `//!`", path.display());
    }
}

#[test]
fn only_the_printer_prints() {
    for (path, text) in sources() {
        let code = code(&text);
        let prints = ["println!(", "eprintln!(", "print!(", "eprint!("].iter().any(|word| code.contains(word));
        let may = ["src/cli/printer.rs", "src/bin/twinops-agent.rs"].iter().any(|may| path.ends_with(may));
        assert!(!prints || may, "{} prints; hand the text to cli/printer.rs", path.display());
    }
}

#[test]
fn no_file_outgrows_its_reader() {
    let mut big = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let lines =
            code(&text).lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count();
        if lines > LONGEST {
            big.push(format!("{} has {lines} lines of code: a room to divide", path.display()));
        }
    }
    assert!(big.is_empty(), "{}", big.join("\n"));
}

#[test]
fn features_are_chosen_in_few_places() {
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let shown = path.display().to_string();
        let may = shown == "src/lib.rs" || shown.starts_with("src/component/");
        let chooses = |line: &str| line.contains("feature = ") && !line.contains("cfg_attr(feature = \"schema\"");
        assert!(may || !code(&text).lines().any(chooses), "{shown} chooses by feature; src/lib.rs does");
    }
}

/// All sources with their paths from the repository's root.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were found");
    found.sort();
    found
}

/// Files that only tests see.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let named = ["tests.rs", "laws.rs", "sample.rs", "golden.rs"].iter().any(|ending| name.ends_with(ending));
    named || path.components().any(|part| part.as_os_str() == "tests")
}

/// The room of a file: `src/plan/diff.rs` is in `plan`.
fn room(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The text up to its unit tests, unless the file is all tests.
fn code(text: &str) -> String {
    let before = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    before
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The rooms that a file names after `crate::`, in plain paths and in grouped imports.
fn doors(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(group) => found.extend(members(group)),
        }
    }
    found
}

/// The first words of the members of a braced import, nesting left aside.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut start) = (0_i32, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && c.is_alphabetic() => {
                found.push(word(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn doors_are_found_in_every_spelling() {
    let code = "use crate::{a::{b, c}, d};\nlet x = crate::e::f();";
    assert_eq!(doors(code), ["a", "d", "e"]);
}
