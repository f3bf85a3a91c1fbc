//! The workflows that `init` writes, run: every shell step of a pull request, of a push and of a schedule, as the forge
//! would run it, against a hub and a forge in this process.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use twinops::forge::Service;

use crate::{
    commands::variables,
    server::{Fake, MERGED_AT, TOKEN},
    stage::Stage,
};

/// Why a workflow runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Proposed,
    Pushed,
    Scheduled,
}

/// A repository with workflows, and a machine that runs them.
struct Runner {
    stage: Stage,
    fake: Fake,
    event: Event,
    /// What steps hand to those that follow.
    environment: BTreeMap<String, String>,
    run: u64,
}

impl Runner {
    fn new(service: Service) -> Self {
        let stage = Stage::new();
        let host = stage.host();
        let init = ["init", "--ci", service.word(), "--hostname", &host, "--name", "kiosks"];
        stage.run(&init).exits(0);
        let example = stage.path("fleet/devices/example.yaml");
        let text = fs::read_to_string(&example).unwrap().replace("# identity", "identity");
        fs::write(example, text).unwrap();
        stage.commit("Begin");
        Self { stage, fake: Fake::start(service), event: Event::Proposed, environment: BTreeMap::new(), run: 0 }
    }

    fn folder(&self) -> PathBuf {
        self.stage.path("fleet")
    }

    fn home(&self) -> PathBuf {
        self.stage.path("home")
    }

    fn yaml(&self, path: &str) -> Value {
        serde_yaml::from_str(&fs::read_to_string(self.folder().join(path)).unwrap()).unwrap()
    }

    /// A job begins: on a clean machine, but for what its cache has.
    fn begin(&mut self, event: Event) {
        self.event = event;
        self.run += 1;
        self.environment.clear();
        let bin = Path::new(env!("CARGO_BIN_EXE_twinops"));
        for cache in
            [self.home().join(".twinops/bin"), self.folder().join(".twinops-bin/bin"), self.home().join("twinops/bin")]
        {
            fs::create_dir_all(&cache).unwrap();
            // It is there from the job before.
            let _ = std::os::unix::fs::symlink(bin, cache.join("twinops"));
        }
        fs::write(self.folder().join(".git/info/exclude"), ".twinops-bin\n*.md\n*.xml\n").unwrap();
    }

    /// Runs a script; its exit code and what it printed.
    fn bash(&mut self, script: &str, more: &[(String, String)]) -> (i32, String) {
        let [env, path, summary] = ["env", "path", "summary.md"].map(|name| self.stage.path(name));
        fs::write(&env, "").unwrap();
        fs::write(&path, "").unwrap();
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(self.folder()).env("HOME", self.home());
        command.env("NO_COLOR", "1").env("TWINOPS_CA", self.stage.ca()).env_remove("IOTHUB_CONNECTION_STRING");
        for (name, value) in variables(&self.fake, self.run) {
            let is_of_pull = matches!(name, "GITHUB_REF" | "CI_MERGE_REQUEST_IID" | "SYSTEM_PULLREQUEST_PULLREQUESTID");
            // GitHub and Azure Pipelines hand the token to steps that ask for it alone.
            let is_asked_for = name == "GITHUB_TOKEN" || name == "SYSTEM_ACCESSTOKEN";
            let is_there = !is_asked_for && (self.event == Event::Proposed || !is_of_pull);
            command.env(name, if is_there { value } else { String::new() });
        }
        for name in ["GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION"] {
            command.env(name, self.stage.head());
        }
        command.env("GITHUB_ENV", &env).env("GITHUB_PATH", &path).env("GITHUB_STEP_SUMMARY", &summary);
        command.envs(&self.environment).envs(more.iter().cloned());
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let secret = self.connection();
        let shown = told.replace(&format!("issecret=true]{secret}"), "");
        assert!(!shown.contains(TOKEN) && !shown.contains(&secret), "{told}");
        for line in fs::read_to_string(&env).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.environment.insert(name.to_owned(), value.to_owned());
        }
        let added = fs::read_to_string(&path).unwrap();
        let prepended = told.lines().filter_map(|line| line.strip_prefix("##vso[task.prependpath]"));
        for folder in added.lines().chain(prepended) {
            let before = self.environment.get("PATH").cloned().unwrap_or_else(|| std::env::var("PATH").unwrap());
            self.environment.insert("PATH".to_owned(), format!("{folder}:{before}"));
        }
        (output.status.code().unwrap(), told)
    }

    fn connection(&self) -> String {
        self.stage.connection()
    }

    /// The value of an expression, in either service's notation; one that is not known fails the test.
    fn value(&self, expression: &str) -> String {
        match expression {
            "github.token" | "System.AccessToken" => TOKEN.to_owned(),
            "secrets.IOTHUB_CONNECTION_STRING" | "inputs.connection-string" | "IOTHUB_CONNECTION_STRING" => {
                self.connection()
            }
            "Pipeline.Workspace" | "Agent.TempDirectory" => self.home().to_str().unwrap().to_owned(),
            other => panic!("`{other}` is not known here"),
        }
    }

    fn filled(&self, text: &str, open: &str, close: &str) -> String {
        let mut parts = text.split(open);
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |all, part| match part.split_once(close) {
            // What a shell runs looks like a macro, and has a space in it.
            Some((word, rest)) if !word.trim().contains(' ') => all + &self.value(word.trim()) + rest,
            _ => all + open + part,
        })
    }

    fn variables(&self, step: &Value, open: &str, close: &str) -> Vec<(String, String)> {
        let all = step["env"].as_object().into_iter().flatten();
        all.map(|(name, value)| (name.clone(), self.filled(value.as_str().unwrap(), open, close))).collect()
    }

    /// Runs the job of GitHub whose condition holds.
    fn github(&mut self) -> Vec<(i32, String)> {
        let workflow = self.yaml(".github/workflows/twinops.yaml");
        let name = match self.event {
            Event::Proposed => "plan",
            Event::Pushed => "reconcile",
            Event::Scheduled => "drift",
        };
        let job = &workflow["jobs"][name];
        let event = match self.event {
            Event::Proposed => "pull_request",
            Event::Pushed => "push",
            Event::Scheduled => "schedule",
        };
        assert_eq!(job["if"], json!(format!("github.event_name == '{event}'")));
        assert!(job["permissions"]["contents"] == json!("read") && job["permissions"]["statuses"] == json!("write"));
        let mut done = Vec::new();
        for step in job["steps"].as_array().unwrap() {
            match step["uses"].as_str() {
                Some("./.github/actions/twinops") => {
                    let action = self.yaml(".github/actions/twinops/action.yaml");
                    for step in action["runs"]["steps"].as_array().unwrap() {
                        done.extend(self.github_step(step));
                    }
                }
                Some(uses) => assert!(uses.starts_with("actions/"), "{uses}"),
                None => done.extend(self.github_step(step)),
            }
        }
        done
    }

    fn github_step(&mut self, step: &Value) -> Option<(i32, String)> {
        let script = self.filled(step["run"].as_str()?, "${{", "}}");
        match step["if"].as_str() {
            None | Some("inputs.login == 'true'") => {}
            Some("env.IOTHUB_CONNECTION_STRING != ''") => {
                assert!(!self.environment["IOTHUB_CONNECTION_STRING"].is_empty());
            }
            Some(other) => panic!("`{other}` is not known here"),
        }
        let variables = self.variables(step, "${{", "}}");
        Some(self.bash(&script, &variables))
    }

    /// Runs the jobs of GitLab whose rules hold, in order of their stages.
    fn gitlab(&mut self) -> Vec<(i32, String)> {
        let jobs = self.yaml(".gitlab/twinops.yml");
        let rule = match self.event {
            Event::Proposed => "merge_request_event",
            Event::Pushed => "\"push\"",
            Event::Scheduled => "\"schedule\"",
        };
        let mut done = Vec::new();
        for name in ["twinops:install", "twinops:plan", "twinops:reconcile", "twinops:drift"] {
            let job = &jobs[name];
            let holds = |entry: &Value| entry["if"].as_str().unwrap().contains(rule);
            if !job["rules"].as_array().unwrap().iter().any(holds) {
                continue;
            }
            let before = job["extends"].as_str().map_or(&Value::Null, |base| &jobs[base]["before_script"]);
            let lines = [before, &job["script"]].into_iter().filter_map(Value::as_array).flatten();
            let script: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
            // Masked variables of the project.
            let secrets = [("IOTHUB_CONNECTION_STRING".to_owned(), self.connection())];
            done.push(self.bash(&script.join("\n"), &secrets));
        }
        done
    }

    /// Runs the steps of Azure Pipelines whose conditions hold.
    fn azure(&mut self) -> Vec<(i32, String)> {
        let pipeline = self.yaml(".azure-pipelines/twinops.yml");
        let steps = pipeline["stages"][0]["jobs"][0]["steps"].as_array().unwrap().clone();
        let mut done = Vec::new();
        for step in steps.iter().filter(|step| step["bash"].is_string()) {
            let holds = match step["condition"].as_str() {
                None => true,
                Some(condition) if condition.contains("notIn(") => self.event == Event::Pushed,
                Some(condition) if condition.contains("'PullRequest'") => self.event == Event::Proposed,
                Some(condition) if condition.contains("'Schedule'") => self.event == Event::Scheduled,
                Some(other) => panic!("`{other}` is not known here"),
            };
            if holds {
                let script = self.filled(step["bash"].as_str().unwrap(), "$(", ")");
                let variables = self.variables(step, "$(", ")");
                done.push(self.bash(&script, &variables));
            }
        }
        done
    }

    /// Runs what an event starts; all but the last step end well, and that with `code`.
    fn runs(&mut self, event: Event, code: i32) -> String {
        self.begin(event);
        let done = match self.fake.service {
            Service::GitHub => self.github(),
            Service::GitLab => self.gitlab(),
            Service::Azure => self.azure(),
        };
        let (last, before) = done.split_last().unwrap();
        assert!(before.iter().all(|(code, _)| *code == 0), "{before:#?}");
        assert_eq!(last.0, code, "{}", last.1);
        last.1.clone()
    }
}

#[test]
fn a_pull_request_is_planned_carried_out_as_it_was_approved_and_watched_on_every_forge() {
    for service in Service::ALL {
        let mut runner = Runner::new(service);
        let told = runner.runs(Event::Proposed, 0);
        assert!(told.contains("1 to register") && told.contains("told on "), "{service}: {told}");
        assert!(runner.fake.state().comments[0].body.contains("### twinops plan kiosks"), "{service}");
        if service == Service::Azure {
            assert!(told.contains("##vso[task.uploadsummary]"), "{told}");
        }

        // Pushed without a pull request: nobody has approved it.
        let told = runner.runs(Event::Pushed, 5);
        assert!(told.contains("no merged pull request brought this commit"), "{service}: {told}");

        let head = runner.stage.head();
        runner.fake.state().merge(&head, MERGED_AT);
        let told = runner.runs(Event::Pushed, 0);
        assert!(told.contains("1 applied") || told.contains("1 registered"), "{service}: {told}");
        assert!(runner.stage.twin("example-001").is_some(), "{service}");

        runner.runs(Event::Scheduled, 0);
        let twin = runner.stage.twin("example-001").unwrap();
        let (section, values) =
            twin["properties"]["desired"].as_object().unwrap().iter().find(|(key, _)| !key.starts_with('$')).unwrap();
        assert!(values.is_object());
        runner.stage.patch("example-001", &json!({ "properties": { "desired": { section: null } } }));
        let told = runner.runs(Event::Scheduled, 2);
        assert!(told.contains("1 of 1 device left what git says"), "{service}: {told}");
        let state = runner.fake.state();
        let issues = state.issues.iter().filter(|issue| issue.open).count();
        assert_eq!(issues, usize::from(service != Service::Azure), "{service}");
    }
}
