//! Keeps the model fresh: all twins are read again when the repository has moved, and every so often.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use tracing::{debug, warn};

use super::{
    Portal,
    model::{Model, survey},
};
use crate::{
    plan::Planner,
    query::FieldPath,
    reconcile::ports::TwinRead as _,
    task::Stop,
    twin::{PropertyPath, Section},
};

/// All twins.
const ALL: &str = "SELECT * FROM devices";
/// Reading all twins may take one part in so many of the time: a hub has others to serve.
const SHARE: u32 = 4;
/// How often the repository is asked at most.
const LOOK: Duration = Duration::from_secs(2);

impl Portal {
    /// Keeps the numbers fresh until `stop`.
    pub async fn keep_fresh(self: Arc<Self>, stop: Stop) {
        let mut last: Option<(String, Instant)> = None;
        while !stop.is_requested() {
            let Some(tip) = stop.unless(self.tip()).await else { return };
            if let Some(tip) = tip
                && last.as_ref().is_none_or(|(known, when)| *known != tip || when.elapsed() >= self.pause())
            {
                let Some(()) = stop.unless(Box::pin(self.read(&tip))).await else { return };
                last = Some((tip, Instant::now()));
            }
            let wait = self.every.min(LOOK.max(self.every / 10));
            tokio::select! {
                () = sleep(wait) => {}
                // Somebody has done something, and wants to see it.
                () = self.nudge.notified() => last = None,
                () = stop.requested() => {}
            }
        }
    }

    /// How long the numbers may be old: longer where reading takes long.
    fn pause(&self) -> Duration {
        let took = self.model().map_or(Duration::ZERO, |model| model.took);
        self.every.max(took * SHARE)
    }

    async fn tip(self: &Arc<Self>) -> Option<String> {
        let portal = Arc::clone(self);
        let tip = spawn_blocking(move || portal.repository.tip()).await;
        match tip.unwrap_or_else(|_| Err("the repository cannot be read".to_owned())) {
            Ok(tip) => Some(tip),
            Err(why) => {
                self.trouble(why);
                None
            }
        }
    }

    async fn read(&self, tip: &str) {
        match self.model_at(tip).await {
            Ok(model) => {
                debug!(devices = model.rows.len(), took = ?model.took, "all twins were read");
                self.history.add(&model);
                self.put(Arc::new(model));
            }
            Err(why) => self.trouble(why),
        }
    }

    async fn model_at(&self, tip: &str) -> Result<Model, String> {
        let known = self.model().filter(|model| model.revision() == tip).map(|model| model.declared.clone());
        let declared = match known {
            Some(declared) => declared,
            None => self.repository.declared(tip).await?,
        };
        let facets = if self.facets.is_empty() { facets(&declared.planner) } else { self.facets.clone() };
        let reading = survey(self.hub.twins(ALL), declared, &facets);
        let read = timeout(Duration::from_hours(1), reading).await;
        read.map_err(|_| "the hub did not give all its twins within an hour".to_owned())?.map_err(|error| {
            warn!(error = &error as &dyn std::error::Error, "the twins cannot be read");
            because(&error)
        })
    }
}

/// An error with what caused it, in a sentence.
pub(super) fn because(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}

/// The tags that the fleet's own conditions look at most: by these its people tell devices apart.
fn facets(planner: &Planner) -> Vec<PropertyPath> {
    let fleet = planner.fleet();
    let profiles = fleet.profiles.iter().filter_map(|profile| profile.condition.as_ref());
    let rollouts = fleet.rollouts.iter().filter_map(|rollout| rollout.condition.as_ref());
    let waves = fleet.rollouts.iter().flat_map(|rollout| &rollout.waves).filter_map(|wave| wave.condition.as_ref());
    let mut found: Vec<(PropertyPath, usize)> = Vec::new();
    for path in profiles.chain(rollouts).chain(waves).flat_map(|condition| condition.paths().filter_map(tag)) {
        match found.iter_mut().find(|(known, _)| *known == path) {
            Some((_, times)) => *times += 1,
            None => found.push((path, 1)),
        }
    }
    found.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    found.into_iter().map(|(path, _)| path).collect()
}

fn tag(path: &FieldPath) -> Option<PropertyPath> {
    (path.root() == "tags").then_some(())?;
    let keys: Vec<Arc<str>> = path.segments().skip(1).map(Into::into).collect();
    (!keys.is_empty()).then(|| Section::Tags.path(keys))
}
