//! From live twins to a fleet repository: what devices share becomes profiles with conditions over their tags, the rest
//! overrides in documents of their own. What comes out is such that a plan against the same twins is empty.
//!
//! Twins stream in, one at a time. `census` keeps of each what it does not share: every component's `forms` are held
//! once, and `judge` asks the code that validates and plans whether a form may be declared. Then each component is taken
//! apart into `units`, `rules` finds conditions over `tags` for the values that many devices have, and `assemble` makes
//! profiles of them. What a device has then and what it should have is compared, and the difference is its override:
//! however well or badly the rules fit, the result is right. `v1` turns twins of the Windows IoT Azure DM client into
//! the neutral components first. `configurations` needs no twins: those of the hub are profiles already, in other words.

mod assemble;
mod census;
mod configurations;
mod forms;
mod judge;
mod names;
mod overrides;
mod render;
mod rules;
mod scope;
mod secret;
mod selector;
mod tags;
#[cfg(test)]
mod tests;
mod units;
mod v1;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use census::LeftOut;
pub use configurations::{Profiles, profiles};

use assemble::{Assembly, assemble};
use census::Census;
use tags::Cohorts;

use crate::{
    component::Registry,
    fleet::{self, Severity, Source, SourceFile, Target},
    twin::{PropertyPath, RowError, TwinRow},
};

/// Documents of devices in one file.
const FILE: usize = 500;
/// The schema that editors check documents by.
const SCHEMA: &str = "fleet.schema.json";

/// What is imported, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The fleet's name.
    pub name: String,
    /// The hub's host name, for the fleet's document.
    pub hostname: Option<String>,
    /// The condition that the twins were selected by: no other device may be.
    pub condition: Option<String>,
    /// Only what lies at or below these paths; empty: everything.
    pub only: Vec<PropertyPath>,
    /// Nothing that lies at or below these.
    pub skip: Vec<PropertyPath>,
    /// Write `${secret.NAME}` where secrets are, instead of refusing them.
    pub placeholders: bool,
    /// Declare the tags of every device, each in a document of its own.
    pub tags: bool,
    /// Convert the sections of the Windows IoT Azure DM client into neutral components.
    pub convert: bool,
    /// The day that a paused update is paused from, where the client only knew that it is.
    pub today: jiff::civil::Date,
}

/// Takes twins, and makes a fleet of them.
#[derive(Debug)]
pub struct Importer {
    census: Census,
    registry: Arc<Registry>,
    name: String,
    hostname: Option<String>,
}

/// A fleet repository that is not written yet.
#[derive(Debug)]
pub struct Imported {
    /// The text of every file, by its path below the fleet's root.
    pub files: BTreeMap<String, String>,
    /// Devices looked at.
    pub devices: usize,
    /// Profiles made.
    pub profiles: usize,
    /// Devices that have a document of their own.
    pub overrides: usize,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
    /// Names of secrets, and a path that each stands at.
    pub secrets: BTreeMap<String, String>,
}

/// Secrets stand in the twins, and are not written.
#[derive(Debug, thiserror::Error)]
#[error("secrets stand in clear text in the twins, and would stand in git: {}", told(.0))]
pub struct SecretsFound(pub BTreeMap<String, u64>);

fn told(paths: &BTreeMap<String, u64>) -> String {
    const MOST: usize = 10;
    let one = |(path, devices): (&String, &u64)| {
        format!("`{path}` of {devices} {}", if *devices == 1 { "device" } else { "devices" })
    };
    let more = paths.len().saturating_sub(MOST);
    let first = paths.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

impl Importer {
    /// An importer that holds components against these schemas.
    pub fn new(options: Options, registry: Arc<Registry>) -> Self {
        let (name, hostname) = (options.name.clone(), options.hostname.clone());
        Self { census: Census::new(options, &registry), registry, name, hostname }
    }

    /// Takes one twin.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn take(&mut self, row: &TwinRow<'_>) -> Result<(), RowError> {
        self.census.take(row)
    }

    /// The fleet of all twins taken.
    ///
    /// # Errors
    /// When it would hold secrets that nobody asked to replace.
    pub fn finish(mut self) -> Result<Imported, SecretsFound> {
        self.census.judge();
        let secrets = self.census.secrets();
        if !secrets.is_empty() {
            return Err(SecretsFound(secrets));
        }
        let facts = self.census.devices.iter().map(|device| &*device.facts);
        let cohorts = Cohorts::new(&self.census.tags, facts);
        let (assembly, mut files) = self.sound(&cohorts);
        let schema = fleet::schema_files(&self.registry).remove(SCHEMA);
        files.extend(schema.map(|text| (format!("schemas/{SCHEMA}"), text)));
        let placeholders = self.census.judge.placeholders.as_ref();
        Ok(Imported {
            files,
            devices: self.census.devices.len(),
            profiles: assembly.profiles.len(),
            overrides: assembly.devices.len(),
            left_out: self.census.left_out(),
            secrets: placeholders.map(|placeholders| placeholders.names().clone()).unwrap_or_default(),
        })
    }

    /// Documents without errors. A component whose parts are refused is tried as a whole, and left out if that does not
    /// help.
    fn sound(&mut self, cohorts: &Cohorts) -> (Assembly, BTreeMap<String, String>) {
        let mut whole: BTreeSet<u32> = BTreeSet::new();
        loop {
            let assembly = assemble(&mut self.census, cohorts, &whole);
            let files = self.files(&assembly);
            let faults = self.faults(&files);
            if faults.is_empty() {
                return (assembly, files);
            }
            for (component, message) in faults {
                if !whole.insert(component) {
                    self.census.leave(component, &message);
                }
            }
        }
    }

    fn files(&self, assembly: &Assembly) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        files.insert("fleet.yaml".to_owned(), render::fleet(&self.name, self.hostname.as_deref()));
        for profile in &assembly.profiles {
            files.insert(format!("profiles/{}.yaml", profile.name), render::profile(profile));
        }
        let width = assembly.devices.len().div_ceil(FILE).to_string().len();
        for (at, texts) in assembly.devices.chunks(FILE).enumerate() {
            let name = format!("devices/{:0width$}.yaml", at + 1);
            files.insert(name, render::modeline("../") + &texts.join("---\n"));
        }
        files
    }

    /// Components with errors in these documents, and what they are.
    fn faults(&self, files: &BTreeMap<String, String>) -> BTreeMap<u32, String> {
        let file =
            |(path, text): (&String, &String)| SourceFile { path: path.as_str().into(), text: text.as_bytes().into() };
        let loaded = fleet::load(&Source::from_files(files.iter().map(file)));
        let errors = loaded.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        let component = |finding: &fleet::Finding| {
            let Some(Target::Value(way) | Target::Key(way) | Target::Part { pointer: way, .. }) =
                finding.place.as_ref().map(|place| &place.target)
            else {
                return None;
            };
            let keys: Vec<&str> = way.strip_prefix("/spec/desired/")?.split('/').collect();
            let components = self.census.forms.components.iter();
            components.enumerate().find(|(_, component)| {
                keys.len() >= component.keys.len() && component.keys.iter().zip(&keys).all(|(a, b)| **a == **b)
            })
        };
        errors.filter_map(|error| Some((names::number(component(&error)?.0), error.message.clone()))).collect()
    }
}
