//! Whether a fleet may declare what a device has, and whether the plan would then find nothing to do: asked of the very
//! code that validates and plans, once for each form of a component.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;
use serde_json::Value;

use super::{render, secret::Placeholders};
use crate::{
    component::{Convention, Registry, pnp},
    fleet::{
        self, Finding, Severity, Source, SourceFile, Target,
        resolve::{Facts, Resolver, Secrets},
    },
    twin::{DeviceId, Map, get, same, set_path},
};

/// Forms in one file: as many as one thread reads at a time.
const FILE: usize = 32;

/// A form to be judged.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) component: u32,
    pub(super) form: u32,
    /// The keys that lead to the component.
    pub(super) keys: Vec<Arc<str>>,
    /// As the twin holds it, or as it was converted.
    pub(super) live: Value,
    /// Whether the twin holds it.
    pub(super) is_live: bool,
}

/// What became of a candidate.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Declare this; its texts are as a document writes them.
    Declare(Value),
    /// It holds secrets at these dotted paths, and placeholders were not asked for.
    Secret(Vec<String>),
    /// Leave it out, for this reason.
    Leave(String),
}

/// Judges candidates.
#[derive(Debug)]
pub(super) struct Judge {
    registry: Arc<Registry>,
    /// `None`: secrets are refused.
    pub(super) placeholders: Option<Placeholders>,
}

impl Judge {
    pub(super) fn new(registry: Arc<Registry>, placeholders: bool) -> Self {
        Self { registry, placeholders: placeholders.then(Placeholders::default) }
    }

    /// The verdict on each, in their order.
    pub(super) fn judge(&mut self, candidates: &[Candidate]) -> Vec<Verdict> {
        let mut values: Vec<Value> = candidates.iter().map(|candidate| self.as_written(candidate)).collect();
        // What looks like a reference hides a secret from the rule that looks for them.
        let hides = values.iter().any(|value| value.to_string().contains("${"));
        let mut court = if hides {
            Court::new(candidates, &values.iter().map(|value| replaced(value, "${", "$(")).collect::<Vec<_>>())
        } else {
            Court::new(candidates, &values)
        };
        let mut secrets = court.secrets();
        for (at, ways) in self.marked(candidates, &values) {
            secrets.entry(at).or_default().extend(ways);
        }
        let refilled = self.placeholders.is_some() && !secrets.is_empty();
        if let Some(placeholders) = &mut self.placeholders {
            for (at, pointers) in std::mem::take(&mut secrets) {
                let candidate = &candidates[at];
                for way in pointers {
                    placeholders.replace(&candidate.keys, &candidate.live, &mut values[at], &way);
                }
            }
        }
        if hides || refilled {
            court = Court::new(candidates, &values);
        }
        let still = if refilled { self.marked(candidates, &values) } else { BTreeMap::new() };
        let known = self.placeholders.as_ref().map(Placeholders::values).unwrap_or_default();
        let resolver = court.resolver(Secrets::from(known));
        let faults = court.faults();
        let verdict = |(at, value): (usize, Value)| {
            if let Some(pointers) = secrets.get(&at) {
                let prefix = candidates[at].keys.join(".");
                let ways: BTreeSet<&String> = pointers.iter().collect();
                return Verdict::Secret(ways.into_iter().map(|way| dotted(&prefix, way)).collect());
            }
            if still.contains_key(&at) {
                return Verdict::Leave("its schema marks a value as secret that is no text".to_owned());
            }
            let why = match (faults.get(&at), &resolver) {
                (Some(why), _) => Some(why.clone()),
                (None, Some(resolver)) => differs(resolver, at, &candidates[at]),
                (None, None) => Some("it cannot be read back".to_owned()),
            };
            why.map_or(Verdict::Declare(value), Verdict::Leave)
        };
        values.into_par_iter().enumerate().with_min_len(FILE).map(verdict).collect()
    }

    /// Ways to values that the schemas mark as secret and that are no placeholders, as JSON pointers, by candidate.
    fn marked(&self, candidates: &[Candidate], values: &[Value]) -> BTreeMap<usize, Vec<String>> {
        let of = |(at, (candidate, value)): (usize, (&Candidate, &Value))| {
            let mut section = Map::new();
            set_path(&mut section, &candidate.keys, value.clone());
            let is_clear = |way: &Vec<Arc<str>>| {
                let value = get(&section, way);
                !value.and_then(Value::as_str).is_some_and(|text| text.starts_with("${secret."))
            };
            let ways = self.registry.sensitive(&section).into_iter().filter(is_clear);
            let pointer = |way: Vec<Arc<str>>| {
                way.iter().fold(String::new(), |all, key| all + "/" + &key.replace('~', "~0").replace('/', "~1"))
            };
            let ways: Vec<String> = ways.map(pointer).collect();
            (!ways.is_empty()).then_some((at, ways))
        };
        candidates.par_iter().zip(values).enumerate().with_min_len(FILE).filter_map(of).collect()
    }

    /// The value as a document writes it: a literal `${` is spelt `$${`, and the marker of a component is the tool's to
    /// write.
    fn as_written(&self, candidate: &Candidate) -> Value {
        let mut value = escaped(&candidate.live);
        let component = self.registry.describing(&candidate.keys.join("."), &value);
        if component.is_some_and(|component| component.convention == Convention::Pnp)
            && pnp::is_component(&value)
            && let Value::Object(members) = &mut value
        {
            members.remove(pnp::MARKER);
        }
        value
    }
}

/// What the plan would find to do, had the fleet declared this.
fn differs(resolver: &Resolver, at: usize, candidate: &Candidate) -> Option<String> {
    let id = DeviceId::new(&device(at)).ok()?;
    let nothing = Map::new();
    match resolver.wanted(&Facts { id: &id, tags: &nothing, reported: None, model_id: None }) {
        Err(unresolved) => Some(unresolved.findings.first().map_or_else(String::new, |first| first.message.clone())),
        Ok(_) if !candidate.is_live => None,
        Ok(Some(wanted)) if get(&wanted.desired, &candidate.keys).is_some_and(|w| same(w, &candidate.live)) => None,
        Ok(_) if !pnp::is_component(&candidate.live) => {
            Some(format!("it lacks the `{}` of a component, which a plan would add", pnp::MARKER))
        }
        Ok(_) => Some("a plan would change it".to_owned()),
    }
}

/// A fleet of the candidates, each on a device of its own.
struct Court {
    loaded: fleet::Loaded,
    findings: BTreeMap<usize, Vec<Finding>>,
}

impl Court {
    fn new(candidates: &[Candidate], values: &[Value]) -> Self {
        let documents: Vec<String> = candidates
            .par_iter()
            .zip(values)
            .enumerate()
            .with_min_len(FILE)
            .map(|(at, (candidate, value))| render::alone(&device(at), &candidate.keys, value.clone()))
            .collect();
        let file = |(at, texts): (usize, &[String])| SourceFile {
            path: format!("{at}.yaml").into(),
            text: texts.join("---\n").into_bytes().into(),
        };
        let fleet = SourceFile { path: "fleet.yaml".into(), text: render::bare_fleet().into_bytes().into() };
        let files = documents.chunks(FILE).enumerate().map(file).chain([fleet]);
        let mut loaded = fleet::load(&Source::from_files(files));
        let mut findings: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for finding in std::mem::take(&mut loaded.findings) {
            let place = finding.place.as_ref();
            let file = place.and_then(|place| place.file.strip_suffix(".yaml")?.parse::<usize>().ok());
            if let (Some(file), Some(place)) = (file, place) {
                findings.entry(file * FILE + place.document).or_default().push(finding);
            }
        }
        Self { loaded, findings }
    }

    /// Ways to secrets, as JSON pointers below the component, by candidate.
    fn secrets(&self) -> BTreeMap<usize, Vec<String>> {
        let pointer = |finding: &Finding| match finding.place.as_ref().map(|place| &place.target) {
            Some(Target::Value(way) | Target::Key(way) | Target::Part { pointer: way, .. }) => {
                Some(way.strip_prefix("/spec/desired").unwrap_or(way).to_owned())
            }
            _ => None,
        };
        let of = |findings: &Vec<Finding>| {
            let found = findings.iter().filter(|finding| finding.rule.contains("secret")).filter_map(pointer);
            found.collect::<HashSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let found = self.findings.iter().map(|(at, findings)| (*at, of(findings)));
        found
            .filter(|(_, ways)| !ways.is_empty())
            .map(|(at, mut ways)| {
                ways.sort();
                (at, ways)
            })
            .collect()
    }

    /// Why candidates are refused.
    fn faults(&self) -> HashMap<usize, String> {
        let first = |findings: &Vec<Finding>| {
            let error = findings.iter().find(|finding| finding.severity == Severity::Error);
            error.map(|finding| finding.message.clone())
        };
        self.findings.iter().filter_map(|(at, findings)| Some((*at, first(findings)?))).collect()
    }

    fn resolver(&self, secrets: Secrets) -> Option<Resolver> {
        Some(Resolver::new(self.loaded.fleet.clone()?, Arc::clone(&self.loaded.registry), secrets))
    }
}

fn device(at: usize) -> String {
    format!("form-{at}")
}

/// `/windows/wifi/0` as people read it. The keys are all there is to tell: never the value.
fn dotted(prefix: &str, pointer: &str) -> String {
    let way = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let way = way.collect::<Vec<_>>().join(".");
    debug_assert!(way.starts_with(prefix), "a pointer begins with its component");
    format!("properties.desired.{way}")
}

/// Texts as a document writes them.
pub(super) fn escaped(value: &Value) -> Value {
    replaced(value, "${", "$${")
}

/// The value with `from` replaced in every text.
fn replaced(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(from, to)),
        Value::Array(items) => items.iter().map(|item| replaced(item, from, to)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), replaced(value, from, to))).collect(),
        plain => plain.clone(),
    }
}
