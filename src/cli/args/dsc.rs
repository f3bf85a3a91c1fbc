//! Of `agent`: DSC resources.

use std::path::PathBuf;

use clap::Args;

use crate::agent::DscFolders;

/// Of `agent` and `agent dsc`.
#[derive(Debug, Clone, Args)]
pub struct DscPathArgs {
    /// A folder with manifests of DSC resources (`*.dsc.resource.json`), each of which is a component; may be given several
    /// times.
    #[arg(long, env = "TWINOPS_DSC_PATH", value_delimiter = ':', value_name = "DIR", help_heading = "Device")]
    pub dsc_path: Vec<PathBuf>,
    /// What the component of a DSC resource is called, if not by the last part of its type; may be given several times.
    #[arg(long = "dsc-name", value_name = "NAME=TYPE", value_parser = named, help_heading = "Device")]
    pub dsc_names: Vec<(String, String)>,
}

impl DscPathArgs {
    /// For the agent.
    pub fn folders(&self) -> DscFolders {
        DscFolders { folders: self.dsc_path.clone(), names: self.dsc_names.clone() }
    }
}

/// Of `agent dsc`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops agent dsc --dsc-path /etc/twinops/dsc\n  \
                        twinops agent dsc apt test '{\"packageName\": \"vim\"}' --dsc-path /etc/twinops/dsc\n  \
                        twinops agent dsc apt what-if - --dsc-path /etc/twinops/dsc < instance.json")]
pub struct DscArgs {
    /// Its component.
    #[arg(requires = "operation")]
    pub component: Option<String>,
    /// What to ask: get, test, what-if, set, or schema.
    pub operation: Option<String>,
    /// The instance, JSON; `-` reads it.
    #[arg(default_value = "{}")]
    pub instance: String,
    /// Where they are.
    #[command(flatten)]
    pub path: DscPathArgs,
}

fn named(text: &str) -> Result<(String, String), String> {
    DscFolders::named(text).ok_or_else(|| "write NAME=OWNER/TYPE, e.g. `apt=DSC.PackageManagement/Apt`".to_owned())
}
