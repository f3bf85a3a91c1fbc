//! What the files say, from the templates beside this file.

use super::site::Site;
use crate::cli::{args::Ci, cmd::schema::schema_files, new_files::NewFile};

/// The schema that editors check documents by.
const SCHEMA: &str = "fleet.schema.json";

/// Every file of a new fleet, by its path below the repository's top; `fleet.yaml`, without which a folder is no fleet,
/// comes last.
pub(super) fn files(site: &Site) -> Vec<NewFile> {
    let mut files = match site.ci {
        Ci::Github => github(site),
        Ci::Gitlab => gitlab(site),
        Ci::Azure => vec![azure(site)],
        Ci::None => Vec::new(),
    };
    let schema = schema_files().remove(SCHEMA).unwrap_or_default();
    files.extend([
        own(site, ".gitignore", include_str!("templates/fleet/gitignore")),
        own(site, ".editorconfig", include_str!("templates/fleet/editorconfig")),
        own(site, ".vscode/settings.json", include_str!("templates/fleet/settings.json")),
        own(site, ".vscode/extensions.json", include_str!("templates/fleet/extensions.json")),
        own(site, ".githooks/pre-commit", include_str!("templates/fleet/pre-commit")).executable(),
        NewFile::new(below(site, &format!("schemas/{SCHEMA}")), schema),
        own(site, "devices/example.yaml", include_str!("templates/fleet/example.yaml")),
        own(site, "profiles/base.yaml", include_str!("templates/fleet/base.yaml")),
        own(site, "fleet.yaml", include_str!("templates/fleet/fleet.yaml")),
    ]);
    files
}

/// A file of the fleet's own folder.
fn own(site: &Site, path: &str, template: &str) -> NewFile {
    NewFile::new(below(site, path), filled(site, template))
}

fn github(site: &Site) -> Vec<NewFile> {
    let action = if site.is_azure() {
        include_str!("templates/github/action-azure.yaml")
    } else {
        include_str!("templates/github/action-key.yaml")
    };
    let workflow = include_str!("templates/github/workflow.yaml");
    vec![
        NewFile::new(format!(".github/actions/{}/action.yaml", site.label()), filled(site, action)),
        NewFile::new(format!(".github/workflows/{}.yaml", site.label()), filled(site, workflow)),
    ]
}

/// The jobs in a file of their own, so that a repository with a `.gitlab-ci.yml` only has to include it.
fn gitlab(site: &Site) -> Vec<NewFile> {
    let jobs = format!(".gitlab/{}.yml", site.label());
    let root = include_str!("templates/gitlab/root.yml").replace("%JOBS%", &jobs);
    let mut files = vec![NewFile::new(jobs, filled(site, include_str!("templates/gitlab/jobs.yml")))];
    let entry = NewFile::new(".gitlab-ci.yml", root);
    if !site.top.join(&entry.path).exists() {
        files.push(entry);
    }
    files
}

/// Below a folder with a dot: elsewhere it would be taken for a document of the fleet.
fn azure(site: &Site) -> NewFile {
    let path = format!(".azure-pipelines/{}.yml", site.label());
    NewFile::new(path, filled(site, include_str!("templates/azure/pipeline.yml")))
}

/// Where the pipeline of Azure Pipelines or the jobs of GitLab CI lie, for whoever has to be told.
pub(super) fn below(site: &Site, path: &str) -> String {
    if site.fleet.is_empty() { path.to_owned() } else { format!("{}/{path}", site.fleet) }
}

/// A template with its `%WORDS%` replaced; those that bring others with them come first.
fn filled(site: &Site, template: &str) -> String {
    let azure = site.is_azure();
    let pick = |for_azure: &'static str, otherwise: &'static str| if azure { for_azure } else { otherwise };
    let hub_name = site.azure_hub();
    let words = [
        ("%INPUTS%", github_inputs(site)),
        ("%WITH%", format!("        with:\n{}", github_inputs(site))),
        ("%PERMISSION%", pick("  id-token: write # the job proves who it is; no secret is stored\n", "").to_owned()),
        ("%PERMISSION_JOB%", pick("      id-token: write\n", "").to_owned()),
        ("%LOGIN%", login(site)),
        (
            "%VARIABLES%",
            pick(
                include_str!("templates/azure/variables-azure.yml"),
                include_str!("templates/azure/variables-key.yml"),
            )
            .to_owned(),
        ),
        ("%PATHS%", paths(site, "    ")),
        ("%PATHS_PUSH%", paths(site, "    ")),
        ("%CHANGES%", changes(site)),
        ("%IMAGE%", pick("mcr.microsoft.com/azure-cli:latest", "rust:1-bookworm").to_owned()),
        ("%ACTION%", format!(".github/actions/{}", site.label())),
        ("%WORKFLOW%", site.label()),
        ("%HUB_NAME%", hub_name.unwrap_or("contoso # your hub's name").to_owned()),
        ("%HUB%", hub(site)),
        ("%HOOKS%", below(site, ".githooks")),
        ("%ROOT%", if site.fleet.is_empty() { "root = true\n\n" } else { "" }.to_owned()),
        ("%FLEET%", quoted(site.folder())),
        ("%BRANCH%", site.branch.clone()),
        ("%VERSION%", env!("CARGO_PKG_VERSION").to_owned()),
        ("%NAME%", site.name.clone()),
    ];
    words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
}

fn github_inputs(site: &Site) -> String {
    if !site.is_azure() {
        return "          connection-string: ${{ secrets.IOTHUB_CONNECTION_STRING }}\n".to_owned();
    }
    let hub = site.azure_hub().unwrap_or("${{ vars.IOTHUB_NAME }}");
    format!(
        "          client-id: ${{{{ vars.AZURE_CLIENT_ID }}}}\n          tenant-id: ${{{{ vars.AZURE_TENANT_ID }}}}\n          \
         subscription-id: ${{{{ vars.AZURE_SUBSCRIPTION_ID }}}}\n          hub: {hub}\n"
    )
}

fn login(site: &Site) -> String {
    match (site.ci, site.is_azure()) {
        (Ci::Gitlab, true) => include_str!("templates/gitlab/login-azure.yml").to_owned(),
        (Ci::Gitlab, false) => include_str!("templates/gitlab/login-key.yml").to_owned(),
        (Ci::Azure, true) => include_str!("templates/azure/login-azure.yml").to_owned(),
        _ => String::new(),
    }
}

/// In a larger repository only what touches the fleet starts a workflow.
fn paths(site: &Site, indent: &str) -> String {
    match (site.fleet.as_str(), site.ci) {
        ("", _) => String::new(),
        (fleet, Ci::Azure) => format!("\n  paths:\n{indent}include: [\"{fleet}/*\"]"),
        (fleet, _) => format!("\n{indent}paths: [\"{fleet}/**\"]"),
    }
}

fn changes(site: &Site) -> String {
    if site.fleet.is_empty() { String::new() } else { format!("\n      changes: [\"{}/**/*\"]", site.fleet) }
}

fn hub(site: &Site) -> String {
    match (&site.hostname, site.azure_hub()) {
        (None, _) => "{ sku: S1, units: 1 } # hostname: contoso.azure-devices.net".to_owned(),
        (Some(hostname), Some(_)) => format!("{{ hostname: {hostname}, sku: S1, units: 1 }}"),
        (Some(hostname), None) => format!("{{ hostname: \"{hostname}\" }}"),
    }
}

/// As a shell takes it for one word.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
