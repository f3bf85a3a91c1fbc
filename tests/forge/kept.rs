//! One comment, one issue, one pull request, on each forge.

use std::collections::BTreeSet;

use twinops::forge::{Body as _, Header, IssueState, Kept, Kind, Service, Subject, characters};

use crate::server::{Fake, Fault, Item, ME, PULL, State};

pub(crate) fn header(run: u64, plan: &str) -> Header {
    let subject = Subject { kind: Kind::Plan, fleet: "kiosks".into(), environment: "production".into() };
    let since = Some(format!("2026-01-0{run}T00:00:00Z").parse().unwrap());
    Header { subject, revision: "cafe".into(), plan: Some(plan.to_owned()), changes: BTreeSet::new(), since, run }
}

pub(crate) async fn keep(fake: &Fake, run: u64, text: &str) -> Kept {
    fake.forge().keep_comment(PULL, &header(run, "sha256:1"), &text).await.unwrap()
}

fn bodies(fake: &Fake) -> Vec<String> {
    fake.state().comments.iter().map(|comment| comment.body.clone()).collect()
}

#[tokio::test]
async fn a_comment_is_made_once_and_changed_in_place() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        let Kept::Made(url) = keep(&fake, 1, "the first").await else { panic!("{service}: it is new") };
        assert_eq!(keep(&fake, 2, "the second").await, Kept::Changed(url), "{service}");
        let found = bodies(&fake);
        assert!(found.len() == 1 && found[0].ends_with("\nthe second"), "{service}: {found:?}");
        let (first, rest) = found[0].split_once('\n').unwrap();
        assert!(first.starts_with("<!-- twinops {") && first.ends_with(" -->"), "{service}: {first}");
        for word in ["\"fleet\":\"kiosks\"", "\"environment\":\"production\"", "\"plan\":\"sha256:1\"", "\"run\":2"] {
            assert!(first.contains(word), "{service}: `{word}` is missing from {first}");
        }
        assert!(first.contains("2026-01-01"), "{service}: a plan that is the same has been told since then: {first}");
        assert_eq!(rest, "the second");
    }
}

#[tokio::test]
async fn another_environment_another_kind_and_another_author_have_comments_of_their_own() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        keep(&fake, 1, "mine").await;
        let forged = bodies(&fake)[0].replace("mine", "forged");
        fake.state().comments.clear();
        fake.state().comment("mallory", &forged);
        fake.state().comment("carol", "What is this?");
        keep(&fake, 1, "mine").await;
        let mut staging = header(1, "sha256:2");
        staging.subject.environment = "staging".into();
        fake.forge().keep_comment(PULL, &staging, &"staging").await.unwrap();
        let mut drift = header(1, "sha256:3");
        drift.subject.kind = Kind::Drift;
        fake.forge().keep_comment(PULL, &drift, &"drift").await.unwrap();
        keep(&fake, 2, "mine again").await;
        let found = bodies(&fake);
        let ends = ["forged", "What is this?", "mine again", "staging", "drift"];
        assert!(
            found.len() == 5 && found.iter().zip(ends).all(|(body, end)| body.ends_with(end)),
            "{service}: {found:#?}"
        );
    }
}

#[tokio::test]
async fn a_comment_is_found_on_a_later_page() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        for number in 0..250 {
            fake.state().comment("carol", &format!("Comment {number}"));
        }
        keep(&fake, 1, "first").await;
        assert!(matches!(keep(&fake, 2, "second").await, Kept::Changed(_)), "{service}");
        assert_eq!(bodies(&fake).len(), 251, "{service}");
    }
}

/// Another job writes its comment at the moment in which ours is written.
fn another_job(run: &'static str) -> Fault {
    fn write(state: &mut State, run: &str) {
        let line = header(1, "sha256:1");
        let json = serde_json::to_string(&line).unwrap().replace("\"run\":1", &format!("\"run\":{run}"));
        state.comment(ME, &format!("<!-- twinops {json} -->\nthe other's"));
    }
    let then: fn(&mut State) = match run {
        "9" => |state| write(state, "9"),
        _ => |state| write(state, "1"),
    };
    Fault { then: Some(then), ..Fault::new("POST", "7/", 200, "") }
}

#[tokio::test]
async fn two_jobs_at_once_end_with_one_comment_and_the_later_run_wins() {
    for service in Service::ALL {
        for (run, ends) in [("9", "the other's"), ("1", "ours")] {
            let fake = Fake::start(service);
            fake.state().faults.push_back(another_job(run));
            let kept = keep(&fake, 5, "ours").await;
            let found = bodies(&fake);
            assert!(found.len() == 1 && found[0].ends_with(ends), "{service}: {found:#?}");
            assert_eq!(matches!(kept, Kept::Later(_)), run == "9", "{service}: {kept:?}");
        }
        // An earlier run that ends later leaves what is there.
        let fake = Fake::start(service);
        keep(&fake, 5, "the later").await;
        assert!(matches!(keep(&fake, 4, "the earlier").await, Kept::Later(_)), "{service}");
        assert!(bodies(&fake)[0].ends_with("the later"), "{service}");
        // Two that are there become one.
        let twice = bodies(&fake)[0].clone();
        fake.state().comment(ME, &twice);
        keep(&fake, 6, "the latest").await;
        let found = bodies(&fake);
        assert!(found.len() == 1 && found[0].ends_with("the latest"), "{service}: {found:#?}");
    }
}

#[tokio::test]
async fn a_comment_that_was_deleted_is_made_again() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        keep(&fake, 1, "first").await;
        let method = if service == Service::GitLab { "PUT" } else { "PATCH" };
        let gone = Fault { then: Some(|state| state.comments.clear()), ..Fault::new(method, "comments", 200, "") };
        let gone = if service == Service::GitLab { Fault { path: "notes", ..gone } } else { gone };
        fake.state().faults.push_back(gone);
        assert!(matches!(keep(&fake, 2, "again").await, Kept::Made(_)), "{service}");
        let found = bodies(&fake);
        assert!(found.len() == 1 && found[0].ends_with("again"), "{service}: {found:#?}");
    }
}

/// Lines in a fence, as many as there is room for.
struct Lines;

impl twinops::forge::Body for Lines {
    fn within(&self, room: usize) -> std::io::Result<twinops::forge::Told> {
        let text = format!("```\n{}```", "+ 😀\n".repeat((room - 7) / 5));
        assert!(characters(&text) <= room);
        Ok(twinops::forge::Told { text, whole: false })
    }
}

#[tokio::test]
async fn a_body_keeps_to_the_limit_and_is_told_shorter_where_the_forge_counts_otherwise() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        let forge = fake.forge();
        forge.keep_comment(PULL, &header(1, "sha256:1"), &Lines).await.unwrap();
        let long = characters(&bodies(&fake)[0]);
        let limit = forge.comment_limit();
        assert!(long <= limit && long > limit - 10, "{service}: {long} of {limit}");
        let method = if service == Service::GitLab { "PUT" } else { "PATCH" };
        let said = "{\"message\": \"body is too long\"}";
        fake.state().faults.push_back(Fault::new(method, "7", 422, said));
        if service == Service::GitHub {
            // GitHub's comments are not below their pull request.
            fake.state().faults[0].path = "comments";
        }
        forge.keep_comment(PULL, &header(2, "sha256:1"), &Lines).await.unwrap();
        let short = bodies(&fake)[0].clone();
        assert!(characters(&short) <= limit / 2, "{service}");
        assert!(short.ends_with("```"), "{service}: no fence is cut");
    }
    assert!("too long".within(3).is_err(), "a text that cannot be shortened is not cut");
}

#[tokio::test]
async fn an_issue_is_opened_kept_up_to_date_and_closed() {
    for service in [Service::GitHub, Service::GitLab] {
        let fake = Fake::start(service);
        let forge = fake.forge();
        let mut about = header(1, "sha256:1");
        (about.subject.kind, about.plan) = (Kind::Drift, None);
        let nothing = forge.keep_issue(&about, "drift", &"none", false).await.unwrap();
        assert_eq!(nothing, IssueState::None, "{service}");
        let IssueState::Opened(url) = forge.keep_issue(&about, "drift", &"three", true).await.unwrap() else {
            panic!("{service}: it is new")
        };
        let forged = Item { author: "mallory".into(), number: 1, ..fake.state().issues[0].clone() };
        fake.state().issues.insert(0, forged);
        about.run = 2;
        let changed = forge.keep_issue(&about, "drift", &"four", true).await.unwrap();
        assert_eq!(changed, IssueState::Changed(url.clone()), "{service}");
        let (early, late) = (Header { run: 1, ..about.clone() }, Header { run: 3, ..about.clone() });
        let later = forge.keep_issue(&early, "drift", &"old", true).await.unwrap();
        assert_eq!(later, IssueState::Later(url.clone()), "{service}");
        let closed = forge.keep_issue(&late, "drift", &"none", false).await.unwrap();
        assert_eq!(closed, IssueState::Closed(url), "{service}");
        let again = forge.keep_issue(&late, "drift", &"back", true).await.unwrap();
        assert!(matches!(again, IssueState::Opened(_)), "{service}");
        let state = fake.state();
        let seen: Vec<_> = state.issues.iter().map(|issue| (issue.open, issue.body.lines().last().unwrap())).collect();
        assert_eq!(seen, [(true, "three"), (false, "none"), (true, "back")], "{service}");
    }
    let error = Fake::start(Service::Azure).forge().keep_issue(&header(1, ""), "x", &"x", true).await.unwrap_err();
    assert!(error.to_string().contains("--open-issue is for GitHub and GitLab"), "{error}");
}

#[tokio::test]
async fn a_pull_request_is_opened_once_gets_new_words_and_is_closed() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        let forge = fake.forge();
        let first = forge.open_or_update_pull_request("twinops/adopt", None, "Adopt", &"one").await.unwrap();
        let again = forge.open_or_update_pull_request("twinops/adopt", None, "Adopt more", &"two").await.unwrap();
        assert_eq!(first, again, "{service}");
        let elsewhere = forge.open_or_update_pull_request("other", Some("release"), "Other", &"three").await.unwrap();
        assert_ne!(first, elsewhere, "{service}");
        assert_eq!(forge.close_pull_request("twinops/adopt").await.unwrap(), Some(first), "{service}");
        assert_eq!(forge.close_pull_request("twinops/adopt").await.unwrap(), None, "{service}");
        let state = fake.state();
        let seen: Vec<_> = state
            .pulls
            .iter()
            .map(|p| (p.branch.as_str(), p.into.as_str(), p.title.as_str(), p.body.as_str(), p.open))
            .collect();
        let wanted =
            [("twinops/adopt", "trunk", "Adopt more", "two", false), ("other", "release", "Other", "three", true)];
        assert_eq!(seen, wanted, "{service}");
    }
}
