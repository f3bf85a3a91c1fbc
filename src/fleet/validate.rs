//! Everything that can be told of a repository: its documents, its devices as they are declared, and live twins.

use std::sync::Arc;

use super::{
    finding::Finding,
    load::Loaded,
    order::in_order,
    resolve::{self, Census, Resolver, Secrets},
    rule::Stage,
    source::Source,
    waiver::Waivers,
};

/// A repository in the course of being checked, as far as it can be.
#[derive(Debug)]
pub struct Validation<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
    waivers: Waivers,
    reached: Stage,
    resolver: Option<Arc<Resolver>>,
}

impl<'s> Validation<'s> {
    /// Resolves what was loaded from `source`, unless something is wrong with it: merging what is broken would only
    /// repeat what was found.
    pub fn new(source: &'s Source, loaded: Loaded) -> Self {
        let fleet = loaded.fleet.clone().filter(|_| loaded.is_sound());
        let Loaded { registry, findings, waivers, .. } = loaded;
        let mut validation = Self { source, findings, waivers, reached: Stage::Files, resolver: None };
        if let Some(fleet) = fleet {
            let resolver = Resolver::new(fleet, registry, Secrets::placeholders());
            validation.findings.extend(validation.waivers.sift(resolve::check(&resolver), source));
            validation.reached = Stage::Merged;
            validation.resolver = Some(Arc::new(resolver));
        }
        validation
    }

    /// What live twins are held against; `None` when the documents are at fault.
    pub fn resolver(&self) -> Option<&Arc<Resolver>> {
        self.resolver.as_ref()
    }

    /// Adds what live twins told. What was only guessed without them falls away.
    pub fn add_twins(&mut self, census: Census) {
        self.findings.retain(|finding| finding.rule != "selects-nothing");
        self.findings.extend(self.waivers.sift(census.finish(), self.source));
        self.reached = Stage::Twins;
    }

    /// What was found, in the order in which it is to be read, and what was waived.
    pub fn finish(mut self) -> (Vec<Finding>, Waivers) {
        self.findings.extend(self.waivers.unused(self.reached));
        (in_order(self.findings, self.source), self.waivers)
    }
}
