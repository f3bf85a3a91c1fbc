//! What to do once the files are there.

use super::{content::below, site::Site};
use crate::cli::args::{Ci, InitArgs};

/// What writes into merge requests, which a job's own token may not.
const GITLAB_TOKEN: &str = "GITLAB_TOKEN (a project access token: scope api, role Developer)";

/// The commands that come next, in their order, and what the workflows need.
pub(super) fn commands(site: &Site, args: &InitArgs) -> String {
    let mut lines = vec!["Next:".to_owned()];
    let dir = args.dir.display();
    let mut say = |line: String| lines.push(format!("  {line}"));
    if args.dir.as_os_str() != "." && site.fleet.is_empty() {
        say(format!("cd {dir}"));
    }
    if !site.in_git {
        say("git init".to_owned());
    }
    let folder = if site.fleet.is_empty() { String::new() } else { format!(" {dir}") };
    say(format!("twinops validate{folder}"));
    say(format!("twinops up{folder}            # the fleet on this machine: a hub, simulated devices"));
    say(format!("git config core.hooksPath {}   # validate before each commit", below(site, ".githooks")));
    lines.extend(workflows(site));
    lines.join("\n") + "\n"
}

/// What the workflows need to log in.
fn workflows(site: &Site) -> Vec<String> {
    let identity = "a federated credential for this repository, which may list the hub's keys";
    let told = match (site.ci, site.is_azure()) {
        (Ci::None, _) => return Vec::new(),
        (Ci::Github, true) => format!(
            "the variables AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_SUBSCRIPTION_ID and IOTHUB_NAME, and {identity}"
        ),
        (Ci::Gitlab, true) => {
            format!("the variables AZURE_CLIENT_ID, AZURE_TENANT_ID, IOTHUB_NAME and {GITLAB_TOKEN}, and {identity}")
        }
        (Ci::Azure, true) => {
            "a service connection with workload identity federation, which may list the hub's keys".to_owned()
        }
        (Ci::Gitlab, false) => format!("the secrets IOTHUB_CONNECTION_STRING and {GITLAB_TOKEN}"),
        (_, false) => "the secret IOTHUB_CONNECTION_STRING".to_owned(),
    };
    let mut lines = vec![String::new(), format!("The workflows need {told}.")];
    let jobs = format!("{}.yml", site.label());
    if site.ci == Ci::Azure {
        lines.push(format!("Make the pipeline: az pipelines create --yml-path .azure-pipelines/{jobs}"));
    } else if site.ci == Ci::Gitlab {
        lines.push(format!("A `.gitlab-ci.yml` of your own includes them: include: [{{local: .gitlab/{jobs}}}]"));
    }
    lines
}
