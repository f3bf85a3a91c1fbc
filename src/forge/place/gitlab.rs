//! Jobs of GitLab CI.

use std::path::PathBuf;

use super::{Place, Scheme, Service, Variables};

const PUBLIC: &str = "https://gitlab.com/api/v4";

pub(super) fn find(variables: &Variables<'_>) -> Place {
    let api = variables.get("CI_API_V4_URL").unwrap_or_else(|| PUBLIC.to_owned());
    let (source, target) =
        (variables.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), variables.get("CI_MERGE_REQUEST_PROJECT_ID"));
    Place {
        service: Service::GitLab,
        graphql: variables.get("CI_API_GRAPHQL_URL").unwrap_or_else(|| graphql(&api)),
        api,
        is_fork: source.is_some() && source != target,
        project: target.or_else(|| variables.get("CI_PROJECT_ID")),
        pull: variables.number("CI_MERGE_REQUEST_IID").or_else(|| open(variables)),
        // That of a pipeline for merged results is a merge that nobody will see again.
        commit: variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| variables.get("CI_COMMIT_SHA")),
        run: variables.number("CI_PIPELINE_ID").unwrap_or(0),
        run_url: variables.get("CI_JOB_URL"),
        // A job's own token may not write comments.
        token: variables.token(&[("GITLAB_TOKEN", Scheme::Private)], Scheme::Private),
        ca: variables.get("CI_SERVER_TLS_CA_FILE").map(PathBuf::from),
    }
}

pub(super) fn graphql(api: &str) -> String {
    let api = api.trim_end_matches('/');
    format!("{}/graphql", api.strip_suffix("/v4").unwrap_or(api))
}

/// Of a branch's pipeline: the first of `group/project!7,group/project!9`.
fn open(variables: &Variables<'_>) -> Option<u64> {
    let all = variables.get("CI_OPEN_MERGE_REQUESTS")?;
    all.split(',').next()?.rsplit('!').next()?.parse().ok()
}
