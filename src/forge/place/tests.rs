//! What CIs tell their jobs, and what is made of it.

use std::{collections::HashMap, io::Write as _};

use super::*;

fn found(variables: &[(&str, &str)], wishes: Wishes) -> Result<Place, ForgeError> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Place::find(&|name| variables.get(name).map(|&value| value.to_owned()), wishes)
}

fn event(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_API_URL", "https://git.contoso.example/api/v3"),
    ("GITHUB_SERVER_URL", "https://git.contoso.example"),
    ("GITHUB_REPOSITORY", "iot/kiosks"),
    ("GITHUB_SHA", "cafe"),
    ("GITHUB_RUN_ID", "12"),
    ("GITHUB_TOKEN", "t"),
];

#[test]
fn a_workflow_of_github_tells_its_pull_request_by_the_event() {
    let file = event(r#"{"pull_request":{"number":7,"head":{"sha":"beef","repo":{"full_name":"iot/kiosks"}}}}"#);
    let path = file.path().to_str().unwrap();
    let place = found(&[GITHUB, &[("GITHUB_EVENT_PATH", path)]].concat(), Wishes::default()).unwrap();
    assert_eq!((place.service, place.pull, place.run), (Service::GitHub, Some(7), 12));
    assert_eq!((place.project().unwrap(), place.commit().unwrap()), ("iot/kiosks", "beef"));
    assert_eq!(place.graphql, "https://git.contoso.example/api/graphql");
    assert_eq!(place.run_url.as_deref(), Some("https://git.contoso.example/iot/kiosks/actions/runs/12"));
    assert!(!place.is_fork && place.has_token());
}

#[test]
fn a_head_in_another_repository_or_in_none_is_a_fork() {
    for repository in [r#"{"full_name":"mallory/kiosks"}"#, "null"] {
        let file = event(&format!(r#"{{"pull_request":{{"number":7,"head":{{"sha":"beef","repo":{repository}}}}}}}"#));
        let path = file.path().to_str().unwrap();
        assert!(found(&[GITHUB, &[("GITHUB_EVENT_PATH", path)]].concat(), Wishes::default()).unwrap().is_fork);
    }
    let pushed = found(&[GITHUB, &[("GITHUB_REF", "refs/heads/main")]].concat(), Wishes::default()).unwrap();
    assert!(!pushed.is_fork);
    assert_eq!((pushed.pull, pushed.commit().unwrap()), (None, "cafe"));
}

#[test]
fn a_broken_event_is_named() {
    let told = found(&[GITHUB, &[("GITHUB_EVENT_PATH", "/nowhere/event.json")]].concat(), Wishes::default());
    assert_eq!(told.unwrap_err().to_string(), "cannot read `/nowhere/event.json`");
}

#[test]
fn a_pipeline_of_gitlab_tells_its_merge_request_and_whether_it_comes_from_a_fork() {
    let job = [
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", "https://gitlab.contoso.example/api/v4"),
        ("CI_PROJECT_ID", "5"),
        ("CI_COMMIT_SHA", "cafe"),
        ("CI_PIPELINE_ID", "99"),
        ("CI_JOB_TOKEN", "may not write"),
    ];
    let merge = [
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "5"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "6"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "beef"),
    ];
    let place = found(&[&job[..], &merge].concat(), Wishes::default()).unwrap();
    assert_eq!((place.pull, place.commit().unwrap(), place.is_fork), (Some(3), "beef", true));
    assert_eq!(place.graphql, "https://gitlab.contoso.example/api/graphql");
    let error = place.token().unwrap_err();
    assert!(error.help().unwrap().contains("GITLAB_TOKEN"), "{error}");

    let branch = [("CI_OPEN_MERGE_REQUESTS", "iot/kiosks!8,iot/kiosks!9"), ("GITLAB_TOKEN", "t")];
    let place = found(&[&job[..], &branch].concat(), Wishes::default()).unwrap();
    assert_eq!((place.pull, place.commit().unwrap(), place.is_fork), (Some(8), "cafe", false));
}

#[test]
fn a_pipeline_of_azure_tells_its_repository_which_may_be_on_github() {
    let job = [
        ("TF_BUILD", "True"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/contoso/"),
        ("SYSTEM_TEAMPROJECT", "our fleet"),
        ("BUILD_REPOSITORY_NAME", "iot/kiosks"),
        ("BUILD_BUILDID", "4"),
        ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "beef"),
        ("SYSTEM_PULLREQUEST_ISFORK", "False"),
    ];
    let azure = [("BUILD_REPOSITORY_PROVIDER", "TfsGit"), ("SYSTEM_PULLREQUEST_PULLREQUESTID", "21")];
    let place = found(&[&job[..], &azure].concat(), Wishes::default()).unwrap();
    assert_eq!((place.service, place.pull, place.is_fork), (Service::Azure, Some(21), false));
    assert_eq!(place.project().unwrap(), "our fleet/iot/kiosks");
    assert_eq!(place.run_url.as_deref(), Some("https://dev.azure.com/contoso/our%20fleet/_build/results?buildId=4"));
    let hub = [("BUILD_REPOSITORY_PROVIDER", "GitHub"), ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "22")];
    let place = found(&[&job[..], &hub].concat(), Wishes::default()).unwrap();
    assert_eq!((place.service, place.pull, place.project().unwrap()), (Service::GitHub, Some(22), "iot/kiosks"));
    assert_eq!((place.api.as_str(), place.commit().unwrap()), ("https://api.github.com", "beef"));
}

#[test]
fn arguments_outweigh_what_is_found_and_another_project_has_another_pull_request() {
    let job = [GITHUB, &[("GITHUB_REF", "refs/pull/7/merge")]].concat();
    assert_eq!(found(&job, Wishes::default()).unwrap().pull, Some(7));
    let elsewhere = Wishes { project: Some("iot/signs".into()), ..Wishes::default() };
    let place = found(&job, elsewhere).unwrap();
    assert_eq!((place.pull, place.commit.clone()), (None, None));
    assert!(place.commit().unwrap_err().help().unwrap().contains("--commit"));
    let url = Wishes { url: Some("https://other.example/api/v3/".into()), pull: Some(9), ..Wishes::default() };
    let place = found(&job, url).unwrap();
    assert_eq!((place.pull, place.graphql.as_str()), (Some(9), "https://other.example/api/graphql"));
}

#[test]
fn outside_of_a_job_the_forge_has_to_be_named() {
    let error = found(&[], Wishes::default()).unwrap_err();
    assert!(error.help().unwrap().contains("--forge"), "{error}");
    let named = Wishes { service: Some(Service::GitLab), ..Wishes::default() };
    assert_eq!(found(&[], named).unwrap().api, "https://gitlab.com/api/v4");
}
