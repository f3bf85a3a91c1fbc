//! `plan`, `drift`, `status` and `reconcile` with `--post`, as the built command in a job of a CI.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};
use twinops::forge::Service;

use crate::{
    server::{Fake, TOKEN},
    stage::{Ran, Stage},
};

/// Variables of every CI: one that runs this test is none of the jobs here.
const FOREIGN: &[&str] = &[
    "GITHUB_ACTIONS",
    "GITHUB_EVENT_PATH",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_CI",
    "GITLAB_TOKEN",
    "TF_BUILD",
    "TWINOPS_FORGE_TOKEN",
    "TWINOPS_ENVIRONMENT",
];

/// What a job has in its environment.
pub(crate) fn variables(fake: &Fake, run: u64) -> Vec<(&'static str, String)> {
    FOREIGN.iter().map(|name| (*name, String::new())).chain(fake.variables(run)).collect()
}

/// A repository whose twelve kiosks say hello, and a hub.
pub(crate) struct Repository {
    pub(crate) stage: Stage,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { stage: Stage::new() };
        repository.declare("hello");
        repository.run(&["reconcile"], &[]).exits(0);
        repository
    }

    /// Commits another welcome.
    pub(crate) fn declare(&self, welcome: &str) {
        let mut text = format!(
            "apiVersion: twinops/v1\nkind: Fleet\nmetadata: {{ name: kiosks }}\nspec:\n  \
             guard: {{ maxChanged: 100%, maxAdopted: 1000 }}\n---\n\
             apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: base }}\nspec:\n  \
             where: tags.role = 'kiosk'\n  desired:\n    notes: {{ welcome: {welcome} }}\n"
        );
        for number in 0..12 {
            let _ = write!(
                text,
                "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: d{number:02} }}\n\
                 spec: {{ identity: {{ type: sas }}, tags: {{ role: kiosk }} }}\n"
            );
        }
        self.stage.write("fleet.yaml", text);
        self.stage.commit(welcome);
    }

    pub(crate) fn run(&self, args: &[&str], variables: &[(&'static str, String)]) -> Ran {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.stage.run_with(args, &variables)
    }
}

fn only_comment(fake: &Fake) -> String {
    let state = fake.state();
    assert_eq!(state.comments.len(), 1, "{:#?}", state.comments);
    state.comments[0].body.clone()
}

#[test]
fn a_plan_is_told_in_one_comment_a_status_and_remarks_on_the_lines() {
    let (repository, fake) = (Repository::new(), Fake::start(Service::GitHub));
    repository.declare("welcome");
    repository.run(&["plan", "--post"], &variables(&fake, 1)).exits(0);
    repository.declare("ahoy");
    let summary = repository.stage.path("summary.md");
    let mut job = variables(&fake, 2);
    job.push(("GITHUB_STEP_SUMMARY", summary.to_str().unwrap().to_owned()));
    let ran = repository.run(&["plan", "--post", "--environment", "", "--detailed-exitcode"], &job).exits(2);

    let comment = only_comment(&fake);
    let hash = ran.out.split("plan sha256:").nth(1).unwrap().split_whitespace().next().unwrap();
    for word in ["### twinops plan kiosks\n", "12 to change", "ahoy", hash, &format!("\"plan\":\"sha256:{hash}\"")] {
        assert!(comment.contains(word), "`{word}` is missing from:\n{comment}");
    }
    assert!(!comment.contains("Not all of it has room"), "{comment}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("### twinops plan kiosks\n") && comment.contains(summary.trim_end()), "{summary}");
    let state = fake.state();
    let status = &state.statuses[1];
    assert_eq!((&status["commit"], &status["told"]["state"]), (&json!("cafe"), &json!("success")));
    assert_eq!(status["told"]["context"], json!("twinops/plan kiosks"));
    assert!(status["told"]["target_url"].as_str().unwrap().ends_with("/iot/kiosks/actions/runs/2"), "{status}");
    let check = &state.checks[1];
    assert_eq!((&check["name"], &check["head_sha"]), (&json!("twinops plan kiosks"), &json!("cafe")));
    let annotation = &check["output"]["annotations"][0];
    assert_eq!((&annotation["path"], &annotation["start_line"]), (&json!("fleet.yaml"), &json!(13)), "{annotation}");
    assert!(!ran.err.contains(TOKEN) && !ran.out.contains(TOKEN));
}

/// A fleet below the top of its repository, whose twins come from a file: so many devices, each with a value of its own.
fn many(devices: usize) -> Repository {
    let repository = Repository { stage: Stage::new() };
    let mut text = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: kiosks }\n\
                    spec: { guard: { maxChanged: 100%, maxAdopted: 1000 } }\n"
        .to_owned();
    let mut twins = String::new();
    for number in 0..devices {
        let value = format!("{number} ``` @all <b> {}", "Ü".repeat(300));
        let device = json!({
            "apiVersion": "twinops/v1", "kind": "Device", "metadata": { "name": format!("d{number}") },
            "spec": { "desired": { format!("notes{number}"): value } },
        });
        let _ = write!(text, "---\n{device}\n");
        let _ = writeln!(twins, "{}", json!({ "deviceId": format!("d{number}"), "etag": "AA==", "properties": {} }));
    }
    repository.stage.make_folder("fleet/fleets/kiosks");
    repository.stage.write("fleets/kiosks/fleet.yaml", text);
    repository.stage.write("twins.ndjson", twins);
    repository.stage.commit("Many");
    repository
}

/// Every fence and every folded block that is opened is closed.
fn is_whole(text: &str) -> bool {
    let mut open: Option<&str> = None;
    for line in text.lines() {
        let ticks = &line[..line.bytes().take_while(|byte| *byte == b'`').count()];
        match open {
            Some(fence) if line == fence => open = None,
            None if ticks.len() >= 3 => open = Some(ticks),
            _ => {}
        }
    }
    open.is_none() && text.matches("<details>").count() == text.matches("</details>").count()
}

#[test]
fn a_long_plan_is_told_in_what_room_there_is_and_attached_as_a_whole() {
    let repository = many(400);
    for (service, limit) in [(Service::GitHub, 65_536), (Service::GitLab, 1_000_000), (Service::Azure, 150_000)] {
        let fake = Fake::start(service);
        let [summary, attached] = ["summary.md", "plan.md"].map(|name| repository.stage.path(name));
        fs::write(&summary, "x".repeat(1_000_000)).unwrap();
        let mut job = variables(&fake, 1);
        job.push(("GITHUB_STEP_SUMMARY", summary.to_str().unwrap().to_owned()));
        let attach = attached.to_str().unwrap();
        let args = ["plan", "--fleet", "fleets/kiosks", "--snapshot", "twins.ndjson", "--post", "--attach", attach];
        repository.run(&args, &job).exits(0);
        let comment = only_comment(&fake);
        assert!(twinops::forge::characters(&comment) <= limit, "{service}");
        assert!(is_whole(&comment), "{service}:\n{comment}");
        assert!(!comment.contains("@all\u{200b}") && comment.contains("400 to change"), "{service}");
        let whole = fs::read_to_string(&attached).unwrap();
        assert!(
            (0..400)
                .all(|number| whole.contains(&format!("notes{number} ")) || whole.contains(&format!("notes{number}<")))
        );
        assert_eq!(
            comment.contains("The whole report is in the file `plan.md` of [this run]("),
            service != Service::GitLab && limit < twinops::forge::characters(&whole),
            "{service}"
        );
        assert!(fs::metadata(&summary).unwrap().len() <= 1 << 20, "{service}");
        if service == Service::GitHub {
            let state = fake.state();
            let annotations = state.checks[0]["output"]["annotations"].as_array().unwrap();
            assert_eq!((annotations.len(), &annotations[0]["path"]), (400, &json!("fleets/kiosks/fleet.yaml")));
            let calls = state.requests.iter().filter(|request| request.contains("/check-runs")).count();
            assert_eq!(calls, 8, "50 a call");
        }
    }
}

#[test]
fn findings_take_the_place_of_a_plan_that_no_longer_holds() {
    let (repository, fake) = (Repository::new(), Fake::start(Service::GitHub));
    repository.declare("welcome");
    repository.run(&["plan", "--post"], &variables(&fake, 1)).exits(0);
    repository.stage.write("odd.yaml", "apiVersion: twinops/v1\nkind: Profil\nmetadata: { name: odd }\n".to_owned());
    repository.stage.commit("Odd");
    repository.run(&["plan", "--post"], &variables(&fake, 2)).exits(3);
    let comment = only_comment(&fake);
    assert!(comment.contains("`odd.yaml:2`") && !comment.contains("sha256:"), "{comment}");
    let state = fake.state();
    assert_eq!(state.statuses[1]["told"]["state"], json!("failure"));
    let annotations = state.checks[1]["output"]["annotations"].as_array().unwrap();
    let is_it = |a: &Value| a["path"] == json!("odd.yaml") && a["annotation_level"] == json!("failure");
    assert!(annotations.iter().any(is_it), "{annotations:#?}");
}

#[test]
fn findings_that_only_twins_show_take_the_place_of_a_plan_too() {
    let (repository, fake) = (Repository::new(), Fake::start(Service::GitHub));
    repository.declare("welcome");
    repository.run(&["plan", "--post"], &variables(&fake, 1)).exits(0);
    let clash = "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: clash }\nspec:\n  \
                 where: tags.site = 'berlin'\n  desired:\n    notes: { welcome: servus }\n";
    repository.stage.write("clash.yaml", clash.to_owned());
    repository.stage.commit("Berlin");
    repository.stage.patch("d03", &json!({ "tags": { "site": "berlin" } }));
    for (run, command) in [(2, "plan"), (3, "reconcile")] {
        let ran = repository.run(&[command, "--post", "--pull-request", "7"], &variables(&fake, run)).exits(3);
        assert!(ran.out.contains("equal-priority-conflict"), "{}", ran.out);
    }
    let state = fake.state();
    assert_eq!(state.comments.len(), 2, "{:#?}", state.comments);
    for comment in &state.comments {
        assert!(comment.body.contains("equal-priority-conflict") && !comment.body.contains("sha256:"), "{comment:#?}");
    }
    assert_eq!(state.statuses.iter().filter(|status| status["told"]["state"] == json!("failure")).count(), 2);
}

#[test]
fn a_fork_and_a_token_that_may_only_read_leave_the_report_and_the_exit_code() {
    let repository = Repository::new();
    repository.declare("welcome");
    for service in Service::ALL {
        let fake = Fake::start(service);
        fake.state().read_only = true;
        let ran = repository.run(&["plan", "--post", "--detailed-exitcode"], &variables(&fake, 1)).exits(2);
        assert!(ran.out.contains("12 to change"), "{service}: {}", ran.out);
        assert!(ran.err.contains("does not let the token write the comment"), "{service}: {}", ran.err);

        let fork: Vec<_> = variables(&fake, 1)
            .into_iter()
            .filter(|(_, value)| value != TOKEN)
            .chain([
                ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "6".to_owned()),
                ("SYSTEM_PULLREQUEST_ISFORK", "True".to_owned()),
            ])
            .collect();
        let before = fake.state().requests.len();
        let ran = repository.run(&["plan", "--post"], &fork).exits(0);
        assert!(ran.out.contains("12 to change") && ran.err.contains("from a fork"), "{service}: {}", ran.err);
        assert_eq!(fake.state().requests.len(), before, "{service}");
    }
}

#[test]
fn what_keeps_a_plan_from_being_told_fails_a_command_that_has_nothing_worse_to_say() {
    let repository = Repository::new();
    repository.declare("welcome");
    let fake = Fake::start(Service::GitHub);
    fake.state().revoked = true;
    let told = |job: Vec<(&'static str, String)>, args: &[&str], code, why: &str| {
        let ran = repository.run(args, &job).exits(code);
        assert!(ran.out.contains("12 to change"), "the plan is on stdout: {}", ran.out);
        assert!(ran.err.contains(why) && ran.err.contains("help:"), "`{why}` is missing from:\n{}", ran.err);
        assert!(!ran.err.contains(TOKEN));
    };
    let job = || variables(&fake, 1);
    let with = |name, value: &str| job().into_iter().chain([(name, value.to_owned())]).collect::<Vec<_>>();
    let post = &["plan", "--post", "--detailed-exitcode"];
    told(job(), post, 1, "does not take the token");
    told(with("GITHUB_TOKEN", ""), post, 1, "there is no token for GitHub");
    told(with("GITHUB_API_URL", "http://github.example"), post, 1, "begins with https://");
    told(with("GITHUB_ACTIONS", ""), post, 64, "has said which forge");
    // Nobody listens on a port that was just given back.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away: Vec<_> = with("GITHUB_GRAPHQL_URL", &format!("http://127.0.0.1:{nobody}/graphql"));
    told(away, post, 1, "cannot be reached");
}

#[test]
fn drift_keeps_an_issue_as_long_as_there_is_some() {
    let repository = Repository::new();
    let fake = Fake::start(Service::GitHub);
    let look = |run, code| {
        let args = ["drift", "--open-issue", "--detailed-exitcode"];
        repository.run(&args, &variables(&fake, run)).exits(code)
    };
    look(1, 0);
    assert_eq!(fake.state().issues.len(), 0);
    let edit = |device: &str| {
        repository.stage.patch(device, &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
    };
    edit("d03");
    assert!(look(2, 2).err.contains("opened https://github.example/issue/"));
    edit("d04");
    look(3, 2);
    {
        let state = fake.state();
        let [issue] = &state.issues[..] else { panic!("one issue: {:#?}", state.issues) };
        assert_eq!((issue.title.as_str(), issue.open), ("twinops drift kiosks", true));
        assert!(
            issue.body.contains("2 of 12 devices left what git says") && issue.body.contains("by hand"),
            "{}",
            issue.body
        );
    }
    repository.run(&["reconcile"], &[]).exits(0);
    look(4, 0);
    let state = fake.state();
    assert!(!state.issues[0].open && state.issues[0].body.contains("none in 12 devices"), "{:#?}", state.issues);
}

#[test]
fn what_was_edited_in_the_hub_is_proposed_in_one_pull_request_until_nothing_is_left_of_it() {
    let repository = Repository::new();
    let fake = Fake::start(Service::GitHub);
    let (folder, remote) = (repository.stage.path("fleet"), repository.stage.path("remote.git"));
    let git = |args: &[&str]| {
        assert!(std::process::Command::new("git").current_dir(&folder).args(args).status().unwrap().success());
    };
    git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let look = |run, args: &[&str], code| repository.run(args, &variables(&fake, run)).exits(code);
    let propose = ["drift", "--open-pr", "--detailed-exitcode"];
    look(1, &propose, 0);
    assert_eq!(fake.state().pulls.len(), 0);
    for (run, device) in [(2, "d03"), (3, "d04")] {
        repository.stage.patch(device, &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
        look(run, &propose, 2);
    }
    git(&["ls-remote", "--exit-code", "origin", "twinops/adopt-kiosks"]);
    {
        let state = fake.state();
        let [pull] = &state.pulls[..] else { panic!("one pull request: {:#?}", state.pulls) };
        assert_eq!((pull.title.as_str(), pull.open), ("Adopt 2 values of 2 devices from the hub", true));
        assert_eq!(pull.branch, "twinops/adopt-kiosks");
        assert!(pull.body.contains("by hand"), "{}", pull.body);
    }
    look(4, &["drift", "--adopt=worktree", "--open-pr"], 64);
    repository.run(&["reconcile"], &[]).exits(0);
    look(5, &propose, 0);
    assert!(!fake.state().pulls[0].open);
}

#[test]
fn drift_and_status_are_told_where_a_pull_request_is_and_as_a_status_where_none_is() {
    let repository = Repository::new();
    let fake = Fake::start(Service::GitHub);
    repository.run(&["status", "--post"], &variables(&fake, 1)).exits(0);
    assert!(only_comment(&fake).contains("\"kind\":\"status\""));
    let mut scheduled = variables(&fake, 2);
    scheduled.push(("GITHUB_REF", "refs/heads/main".to_owned()));
    repository.stage.patch("d03", &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
    let ran = repository.run(&["drift", "--post"], &scheduled).exits(0);
    assert!(ran.err.contains("the commit's status alone is set"), "{}", ran.err);
    let state = fake.state();
    assert_eq!(state.comments.len(), 1);
    let told: &Value = &state.statuses.last().unwrap()["told"];
    assert_eq!((&told["context"], &told["state"]), (&json!("twinops/drift kiosks"), &json!("failure")));
}
