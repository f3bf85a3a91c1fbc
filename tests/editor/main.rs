//! The schemas in an editor: `yaml-language-server`, as editors run it, on the fleet that readers learn from and on
//! copies with mistakes. `.ci/sdks` installs it.
//!
//! Where it or Node is missing a test says so loudly and passes; with `CI=true` it fails.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod server;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use server::Server;

/// A copy of the example with the schemas beside it, where its files look for them.
struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["schemas", "examples/fleet"] {
            copy(&root.join(part), &folder.path().join(part));
        }
        let server = Server::start(folder.path())?;
        Some(Self { folder, server })
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("examples/fleet").join(file)
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// Opens a file of the fleet with this text. Line (from 0) and message of what the editor underlines.
    fn open(&mut self, file: &str, text: &str) -> Vec<(u64, String)> {
        let path = self.path(file);
        let told = |one: &Value| {
            let line = one["range"]["start"]["line"].as_u64().unwrap();
            (line, one["message"].as_str().unwrap().to_owned())
        };
        self.server.open(&path, text).iter().map(told).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Line, from 0, and column of the first byte of `needle`.
fn position(text: &str, needle: &str) -> (u64, u64) {
    let at = text.find(needle).unwrap();
    let before = &text[..at];
    let column = before.len() - before.rfind('\n').map_or(0, |line| line + 1);
    (before.matches('\n').count() as u64, column as u64)
}

#[test]
fn the_example_has_nothing_to_underline() {
    let Some(mut desk) = Desk::new() else { return };
    let mut seen = 0;
    for folder in ["", "profiles", "devices"] {
        for entry in fs::read_dir(desk.path(folder)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|extension| extension == "yaml") {
                let file = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let text = desk.text(&file);
                assert!(text.starts_with("# yaml-language-server: $schema="), "{file} names its schema");
                assert_eq!(desk.open(&file, &text), [], "{file}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "only {seen} files");
}

#[test]
fn mistakes_are_underlined_where_they_stand() {
    let Some(mut desk) = Desk::new() else { return };
    let right = desk.text("profiles/base.yaml");
    let mistakes = [
        ("kind: Profile", "kind: Profil", "kind: Profil", "Value is not accepted"),
        ("  priority: 0", "  prioritty: 0", "prioritty", "Property prioritty is not allowed"),
        ("  priority: 0", "  priority: high", "priority: high", "Incorrect type"),
        ("mode: scheduled", "mode: sometimes", "mode: sometimes", "scheduled"),
        ("start: 6", "start: 66", "start: 66", "maximum"),
    ];
    for (n, (from, to, line, message)) in mistakes.into_iter().enumerate() {
        let wrong = right.replacen(from, to, 1);
        let found = desk.open(&format!("profiles/wrong-{n}.yaml"), &wrong);
        let (line, _) = position(&wrong, line);
        assert!(found.iter().any(|(at, said)| *at == line && said.contains(message)), "{to}: {found:?}");
    }
}

#[test]
fn names_are_completed_with_what_they_mean() {
    let Some(mut desk) = Desk::new() else { return };
    let text = "# yaml-language-server: $schema=../../../schemas/fleet.schema.json\napiVersion: twinops/v1\n\
                kind: Profile\nmetadata: { name: new }\nspec:\n  priority: 1\n  desired:\n    time:\n      ntp:\n        \
                enabled: true\n        \n    \n";
    desk.open("profiles/new.yaml", text);
    let path = desk.path("profiles/new.yaml");
    let servers = desk.server.completion(&path, (10, 8));
    let said = |items: &[(String, String)], name: &str| {
        let found = items.iter().find(|(label, _)| label == name);
        found.unwrap_or_else(|| panic!("no `{name}` among {items:?}")).1.clone()
    };
    assert!(said(&servers, "servers").contains("Host names or addresses"), "{servers:?}");
    assert!(!servers.iter().any(|(label, _)| label == "enabled"), "what is there is not offered again: {servers:?}");
    let components = desk.server.completion(&path, (11, 4));
    for component in ["windows", "updates", "files"] {
        said(&components, component);
    }
    let kinds = desk.server.completion(&path, (2, 6));
    for kind in ["Fleet", "Profile", "Device", "Rollout"] {
        said(&kinds, kind);
    }
}

#[test]
fn what_the_types_say_of_themselves_is_shown_when_asked() {
    let Some(mut desk) = Desk::new() else { return };
    let text = desk.text("profiles/base.yaml");
    desk.open("profiles/base.yaml", &text);
    let path = desk.path("profiles/base.yaml");
    for (word, said) in
        [("priority: 0", "Higher wins"), ("timeZone:", "IANA name"), ("fallbackServers:", "none of the first")]
    {
        let shown = desk.server.hover(&path, position(&text, word));
        assert!(shown.contains(said), "{word}: {shown}");
    }
}
