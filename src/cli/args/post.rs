//! What is told on a forge, and where that is.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use crate::forge::{Service, Wishes};

/// Whether a result is told on a pull request as well.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Forge")]
pub struct PostArgs {
    /// Tell the result on the pull request as well: one comment that is kept up to date, the commit's status, remarks on
    /// the lines. Where, and a token, is found in the variables of GitHub Actions, GitLab CI and Azure Pipelines.
    #[arg(long)]
    pub post: bool,
    /// Write the whole report into this file as well, as markdown, for the workflow to keep: a comment has a limit.
    #[arg(long, value_name = "FILE", requires = "post")]
    pub attach: Option<PathBuf>,
    /// Where that is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Where something stands on a forge; what is not said is found in the variables of the job.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Forge")]
pub struct PlaceArgs {
    /// The environment, where a fleet is brought to several: there is a comment for each, and a plan is approved for one.
    #[arg(long, value_name = "NAME", env = "TWINOPS_ENVIRONMENT")]
    pub environment: Option<String>,
    /// The project.
    #[command(flatten)]
    pub forge: ForgeArgs,
    /// The number of the pull request.
    #[arg(long, value_name = "N")]
    pub pull_request: Option<u64>,
    /// The commit whose status is set.
    #[arg(long, value_name = "ID")]
    pub commit: Option<String>,
}

/// A project on a forge; what is not said is found in the variables of the job.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Forge")]
pub struct ForgeArgs {
    /// The forge.
    #[arg(long, value_name = "FORGE", value_parser = service())]
    pub forge: Option<Service>,
    /// The address of the forge's REST API.
    #[arg(long, value_name = "URL")]
    pub forge_url: Option<String>,
    /// Certificates (PEM) of the authorities to trust besides the public ones, for a forge of your own.
    #[arg(long, value_name = "FILE", env = "TWINOPS_FORGE_CA")]
    pub forge_ca: Option<PathBuf>,
    /// The project: `owner/name` on GitHub, path or number on GitLab, `project/repository` on Azure DevOps.
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
}

impl ForgeArgs {
    /// What they say of the place.
    pub fn wishes(&self) -> Wishes {
        Wishes {
            service: self.forge,
            url: self.forge_url.clone(),
            project: self.project.clone(),
            ca: self.forge_ca.clone(),
            pull: None,
            commit: None,
        }
    }
}

impl PlaceArgs {
    /// What they say of the place.
    pub fn wishes(&self) -> Wishes {
        Wishes { pull: self.pull_request, commit: self.commit.clone(), ..self.forge.wishes() }
    }
}

fn service() -> impl TypedValueParser<Value = Service> {
    let values = Service::ALL.map(|service| PossibleValue::new(service.word()).help(service.to_string()));
    PossibleValuesParser::new(values).try_map(|word| {
        let service = Service::ALL.into_iter().find(|service| service.word() == word);
        service.ok_or("no such forge")
    })
}
