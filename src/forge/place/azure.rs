//! Jobs of Azure Pipelines.

use super::{Place, Scheme, Service, Variables};

const PUBLIC: &str = "https://dev.azure.com/";

pub(super) fn find(variables: &Variables<'_>) -> Place {
    let project = variables.get("SYSTEM_TEAMPROJECT").zip(variables.get("BUILD_REPOSITORY_NAME"));
    Place {
        service: Service::Azure,
        api: variables.get("SYSTEM_COLLECTIONURI").unwrap_or_else(|| PUBLIC.to_owned()),
        graphql: String::new(),
        project: project.map(|(project, repository)| format!("{project}/{repository}")),
        pull: variables.number("SYSTEM_PULLREQUEST_PULLREQUESTID"),
        commit: variables.get("SYSTEM_PULLREQUEST_SOURCECOMMITID").or_else(|| variables.get("BUILD_SOURCEVERSION")),
        run: variables.number("BUILD_BUILDID").unwrap_or(0),
        run_url: run_url(variables),
        is_fork: is_fork(variables),
        token: variables
            .token(&[("SYSTEM_ACCESSTOKEN", Scheme::Bearer), ("AZURE_DEVOPS_EXT_PAT", Scheme::Basic)], Scheme::Basic),
        ca: None,
    }
}

pub(super) fn is_fork(variables: &Variables<'_>) -> bool {
    variables.get("SYSTEM_PULLREQUEST_ISFORK").is_some_and(|is| is.eq_ignore_ascii_case("true"))
}

pub(super) fn run_url(variables: &Variables<'_>) -> Option<String> {
    let (organization, project) = (variables.get("SYSTEM_COLLECTIONURI")?, variables.get("SYSTEM_TEAMPROJECT")?);
    let project = percent_encoding::utf8_percent_encode(&project, percent_encoding::NON_ALPHANUMERIC);
    Some(format!("{organization}{project}/_build/results?buildId={}", variables.get("BUILD_BUILDID")?))
}
