//! Jobs of GitHub Actions, and those of Azure Pipelines for a repository on GitHub.

use std::path::PathBuf;

use serde_json::Value;

use super::{Place, Scheme, Service, Variables};
use crate::forge::ForgeError;

const PUBLIC: &str = "https://api.github.com";

pub(super) fn find(variables: &Variables<'_>) -> Result<Place, ForgeError> {
    let event = event(variables)?;
    let api = variables.get("GITHUB_API_URL").unwrap_or_else(|| PUBLIC.to_owned());
    let project = variables.get("GITHUB_REPOSITORY").or_else(|| variables.get("BUILD_REPOSITORY_NAME"));
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    // A head whose repository was deleted came from a fork.
    let head = text("/pull_request/head/repo/full_name");
    let is_fork = event.get("pull_request").is_some() && head != project;
    Ok(Place {
        service: Service::GitHub,
        graphql: variables.get("GITHUB_GRAPHQL_URL").unwrap_or_else(|| graphql(&api)),
        api,
        pull: pull(variables, &event),
        // What is checked out is a merge that nobody will see again; people look at the head.
        commit: text("/pull_request/head/sha")
            .or_else(|| variables.get("SYSTEM_PULLREQUEST_SOURCECOMMITID"))
            .or_else(|| variables.get("GITHUB_SHA"))
            .or_else(|| variables.get("BUILD_SOURCEVERSION")),
        run: variables.number("GITHUB_RUN_ID").or_else(|| variables.number("BUILD_BUILDID")).unwrap_or(0),
        run_url: run_url(variables, project.as_deref()).or_else(|| super::azure::run_url(variables)),
        is_fork: is_fork || super::azure::is_fork(variables),
        token: variables.token(&[("GITHUB_TOKEN", Scheme::Bearer), ("GH_TOKEN", Scheme::Bearer)], Scheme::Bearer),
        ca: None::<PathBuf>,
        project,
    })
}

/// GitHub's own beside its REST API, and that of a server below `/api`.
pub(super) fn graphql(api: &str) -> String {
    let api = api.trim_end_matches('/');
    format!("{}/graphql", api.strip_suffix("/v3").unwrap_or(api))
}

fn event(variables: &Variables<'_>) -> Result<Value, ForgeError> {
    let Some(path) = variables.get("GITHUB_EVENT_PATH") else { return Ok(Value::Null) };
    let failed = |cause| ForgeError::File { path: path.clone(), cause };
    let text = std::fs::read(&path).map_err(|cause| failed(cause.into()))?;
    serde_json::from_slice(&text).map_err(|cause| failed(cause.into()))
}

/// By the event, or by the name of what was checked out: `refs/pull/7/merge`.
fn pull(variables: &Variables<'_>, event: &Value) -> Option<u64> {
    let told = ["/pull_request/number", "/issue/number"].iter().find_map(|way| event.pointer(way)?.as_u64());
    let named = || variables.get("GITHUB_REF")?.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok();
    told.or_else(named).or_else(|| variables.number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"))
}

fn run_url(variables: &Variables<'_>, project: Option<&str>) -> Option<String> {
    let (server, run) = (variables.get("GITHUB_SERVER_URL")?, variables.get("GITHUB_RUN_ID")?);
    Some(format!("{server}/{}/actions/runs/{run}", project?))
}
