//! What `init` writes is understood by those who read it: YAML, the fleet's own loader, and this very command line.

use std::{path::PathBuf, sync::Arc};

use clap::Parser as _;
use serde_json::Value;

use super::{
    content::{below, files},
    next,
    site::Site,
};
use crate::{
    cli::{
        args::{Ci, Cli, Command, InitArgs},
        new_files::NewFile,
    },
    fleet::{
        FileKind, Source, SourceFile, load,
        resolve::{self, Resolver, Secrets},
    },
};

/// Every kind of place: each CI, with workload identity and with a key, at the top and below it.
fn sites() -> Vec<Site> {
    let mut sites = Vec::new();
    for ci in [Ci::Github, Ci::Gitlab, Ci::Azure, Ci::None] {
        for hostname in [None, Some("contoso.azure-devices.net"), Some("hub.contoso.example:8443")] {
            for fleet in ["", "fleets/our kiosks"] {
                sites.push(Site {
                    top: PathBuf::from("/nowhere"),
                    fleet: fleet.to_owned(),
                    name: "kiosks".to_owned(),
                    hostname: hostname.map(str::to_owned),
                    ci,
                    branch: "trunk".to_owned(),
                    in_git: !fleet.is_empty(),
                });
            }
        }
    }
    sites
}

fn is_yaml(file: &NewFile) -> bool {
    file.path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// Every text of a YAML file below a key of scripts.
fn scripts(value: &Value, in_script: bool, out: &mut Vec<String>) {
    match value {
        Value::String(text) if in_script => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| scripts(item, in_script, out)),
        Value::Object(members) => {
            for (key, below) in members {
                let runs = matches!(key.as_str(), "run" | "script" | "before_script" | "bash" | "inlineScript");
                scripts(below, runs, out);
            }
        }
        _ => {}
    }
}

/// The words of every call of `twinops` in a script, without what a shell does with its output.
fn calls(script: &str) -> Vec<Vec<String>> {
    let call = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("exec ").unwrap_or(line);
        let command = line.split(['>', '|', '#']).next().unwrap_or_default().trim();
        let words = command.replace("'fleets/our kiosks'", "fleets/our_kiosks");
        command.starts_with("twinops ").then(|| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    script.lines().filter_map(call).collect()
}

fn accepted(words: &[String]) -> Command {
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{words:?}: {error}")).command
}

#[test]
fn a_new_fleet_has_no_findings() {
    for site in sites() {
        let prefix = below(&site, "");
        let all: Vec<SourceFile> = files(&site)
            .into_iter()
            .filter_map(|file| {
                let path = file.path.to_str().unwrap().strip_prefix(&prefix)?.to_owned();
                (FileKind::of(&path) == Some(FileKind::Documents))
                    .then(|| SourceFile { path: path.into(), text: file.text.into_bytes().into() })
            })
            .collect();
        assert_eq!(all.len(), 3, "{site:?}");
        let loaded = load(&Source::from_files(all));
        assert_eq!(loaded.findings, [], "{site:?}");
        let resolver = Resolver::new(loaded.fleet.unwrap(), Arc::clone(&loaded.registry), Secrets::none());
        assert_eq!(resolve::check(&resolver), [], "{site:?}");
    }
}

#[test]
fn every_word_of_every_template_is_filled_in_and_every_file_parses() {
    for site in sites() {
        for file in files(&site) {
            let shown = file.path.display();
            let left = file.text.split('%').skip(1).step_by(2);
            let is_word = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            assert_eq!(left.clone().find(is_word), None, "{shown}: {site:?}");
            if is_yaml(&file) {
                serde_yaml::from_str::<Value>(&file.text)
                    .unwrap_or_else(|error| panic!("{shown}: {error}\n{}", file.text));
            } else if file.path.extension().is_some_and(|ending| ending == "json") {
                serde_json::from_str::<Value>(&file.text).unwrap();
            }
        }
    }
}

#[test]
fn workflows_and_hooks_call_commands_that_there_are() {
    for site in sites() {
        let mut found = Vec::new();
        for file in files(&site) {
            let mut texts = vec![];
            if is_yaml(&file) {
                scripts(&serde_yaml::from_str(&file.text).unwrap(), false, &mut texts);
            } else {
                texts.push(file.text);
            }
            found.extend(texts.iter().flat_map(|text| calls(text)));
        }
        let called: Vec<Command> = found.iter().map(|words| accepted(words)).collect();
        let validates = called.iter().filter(|command| matches!(command, Command::Validate(_))).count();
        let is = |what: fn(&Command) -> bool| called.iter().any(what);
        let plans = is(|command| matches!(command, Command::Plan(_)));
        let reconciles = is(|command| matches!(command, Command::Reconcile(_)));
        let drifts = is(|command| matches!(command, Command::Drift(args) if args.standing.detailed_exitcode));
        let has_workflows = site.ci != Ci::None;
        assert!(validates > usize::from(has_workflows), "{site:?}");
        assert_eq!([plans, reconciles, drifts], [has_workflows; 3], "{site:?}");
    }
}

#[test]
fn with_workload_identity_no_secret_is_asked_for() {
    for site in sites().into_iter().filter(|site| site.ci != Ci::None) {
        let all: String = files(&site).iter().filter(|file| is_yaml(file)).map(|file| file.text.as_str()).collect();
        let identity = ["id-token: write", "id_tokens:", "azureSubscription:"];
        assert_eq!(identity.iter().any(|word| all.contains(word)), site.is_azure(), "{site:?}");
        assert_eq!(
            all.contains("secrets.IOTHUB_CONNECTION_STRING"),
            !site.is_azure() && site.ci == Ci::Github,
            "{site:?}"
        );
    }
}

#[test]
fn the_next_commands_are_commands() {
    for site in sites() {
        let args = InitArgs {
            dir: if site.fleet.is_empty() { "kiosks".into() } else { "fleets/our_kiosks".into() },
            name: None,
            hostname: None,
            ci: None,
            keep: false,
        };
        let said = next::commands(&site, &args);
        let found = calls(&said);
        assert_eq!(found.len(), 2, "{said}");
        for words in found {
            accepted(&words);
        }
    }
}
