//! `reconcile --require-approved-plan`: against a hub, and a pull request on each forge.

use serde_json::{Value, json};
use twinops::forge::Service;

use crate::{
    commands::{Repository, variables},
    server::{Fake, ME, MERGED_AT, TOKEN},
};

/// A plan on the pull request, which is merged into the commit.
fn merged(service: Service) -> (Repository, Fake) {
    let (repository, fake) = (Repository::new(), Fake::start(service));
    repository.declare("welcome");
    let told = repository.run(&["plan", "--post"], &variables(&fake, 1)).exits(0);
    assert!(told.err.contains("told on "), "{}", told.err);
    let head = repository.stage.head();
    fake.state().merge(&head, MERGED_AT);
    (repository, fake)
}

fn welcome(repository: &Repository) -> Value {
    repository.stage.twin("d00").unwrap()["properties"]["desired"]["notes"]["welcome"].clone()
}

#[test]
fn the_plan_that_was_approved_is_carried_out_on_every_forge() {
    for service in Service::ALL {
        let (repository, fake) = merged(service);
        repository.run(&["reconcile", "--require-approved-plan", "--post"], &variables(&fake, 2)).exits(0);
        assert_eq!(welcome(&repository), json!("welcome"), "{service}");
        let told = fake.state().comments.iter().map(|comment| comment.body.clone()).collect::<Vec<_>>();
        assert!(told.len() == 2 && told[1].contains("\"kind\":\"reconcile\""), "{service}: {told:#?}");
        // Nothing is left to do: nobody has to approve that.
        fake.state().comments.clear();
        repository.run(&["reconcile", "--require-approved-plan"], &variables(&fake, 3)).exits(0);
    }
}

#[test]
fn a_plan_that_nobody_approved_writes_nothing() {
    for service in Service::ALL {
        let (repository, fake) = merged(service);
        let refused = |why: &str| {
            let ran = repository.run(&["reconcile", "--require-approved-plan"], &variables(&fake, 2)).exits(5);
            assert!(ran.err.contains(why), "{service}: `{why}` is missing from:\n{}", ran.err);
            assert!(ran.out.contains("**Plan:**") || ran.out.contains("sha256:"), "the plan is told: {}", ran.out);
            assert!(!ran.err.contains(TOKEN) && !ran.out.contains(TOKEN));
        };
        let good = fake.state().comments[0].clone();

        // Whoever else writes the same has approved nothing.
        fake.state().comments[0].author = "mallory".into();
        refused("has no comment of this account");
        fake.state().comments[0] = good.clone();

        // The comment is what this program wrote, or nothing.
        if service != Service::Azure {
            fake.state().comments[0].editor = Some("mallory".into());
            refused("was edited by mallory");
            fake.state().comments[0] = good.clone();
        }

        // It stood there when it was merged.
        let at = fake.state().pulls[0].merged.clone().unwrap().0;
        fake.state().pulls[0].merged = Some((at.clone(), "2025-01-01T00:00:00Z".to_owned()));
        refused("after it was merged");
        fake.state().pulls[0].merged = Some((at, MERGED_AT.to_owned()));

        // Another environment's plan is another plan.
        let staging = ["reconcile", "--require-approved-plan", "--environment", "staging"];
        repository.run(&staging, &variables(&fake, 2)).exits(5);

        // Somebody has edited a twin since: that is another plan.
        repository.stage.patch("d03", &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
        refused("was merged with sha256:");
        assert_eq!(welcome(&repository), json!("hello"), "{service}");

        let merged = std::mem::take(&mut fake.state().pulls);
        refused("no merged pull request brought this commit");
        fake.state().pulls = merged;
        assert_eq!(fake.state().comments[0].author, ME);
    }
}

#[test]
fn the_plan_is_told_to_programs_too_when_it_is_refused() {
    let (repository, fake) = merged(Service::GitHub);
    fake.state().pulls.clear();
    let args = ["reconcile", "--require-approved-plan", "--format", "json"];
    let ran = repository.run(&args, &variables(&fake, 2)).exits(5);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(told["hash"].as_str().unwrap().starts_with("sha256:"), "{told}");
}
