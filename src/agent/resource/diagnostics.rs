//! `diagnostics` on Linux: collectors of the journal. Starting one notes where the journal ends; stopping it packs what
//! came since.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, Refusal, Resource, check_id, typed, wanted};
use crate::{
    agent::{
        diagnostics::{Contents, Diagnostics, Since, bytes, cursor},
        ledger::{private_folder, replace},
        port::{Port, Run},
    },
    component::diagnostics::{Collector, CollectorState, FileMode},
};

/// What an archive takes when nothing is said, in MiB.
const USUAL_MIB: u32 = 4;

/// The collectors.
#[derive(Debug)]
pub(crate) struct Collectors<R> {
    port: Port<R>,
    diagnostics: Diagnostics<R>,
    folder: PathBuf,
}

/// A collector as it is.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    /// As it was last made.
    value: Value,
    /// Where it began, while it runs.
    from: Option<From>,
}

/// A place in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum From {
    Cursor(String),
    Time(String),
}

impl<R: Run> Collectors<R> {
    /// Collectors that are remembered in a folder.
    pub(crate) fn new(port: Port<R>, diagnostics: Diagnostics<R>, folder: &Path) -> Self {
        Self { port, diagnostics, folder: folder.to_owned() }
    }

    fn held(&self, id: &str) -> Result<Option<Held>, Fault> {
        let path = self.folder.join(name(id));
        let doing = |cause: &dyn std::error::Error| Fault::because(&format!("reading the collector `{id}`"), cause);
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|cause| doing(&cause)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(doing(&cause)),
        }
    }

    fn keep(&self, id: &str, held: &Held) -> Result<(), Fault> {
        let doing = |cause: std::io::Error| Fault::because(&format!("keeping the collector `{id}`"), &cause);
        private_folder(&self.folder).map_err(doing)?;
        let bytes = serde_json::to_vec(held).map_err(|cause| doing(cause.into()))?;
        replace(&self.folder, &name(id), &bytes).map_err(doing)
    }

    fn forget(&self, id: &str) -> Result<(), Fault> {
        match std::fs::remove_file(self.folder.join(name(id))) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::because(&format!("removing the collector `{id}`"), &cause))
            }
            _ => Ok(()),
        }
    }

    /// Where the journal ends now. An empty one has no place, and time has to do.
    async fn here(&self) -> Result<From, Fault> {
        let time = || From::Time(jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        Ok(cursor(&self.port).await?.map_or_else(time, From::Cursor))
    }

    /// Packs what came since a collector began.
    async fn finish(&self, id: &str, collector: &Collector, from: &From) -> Result<(), Fault> {
        let since = match from.clone() {
            From::Cursor(cursor) => Since::Cursor(cursor),
            From::Time(time) => Since::Time(time),
        };
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let sources = collector.linux.clone().unwrap_or_default();
        let contents = Contents {
            name: &format!("{id}-{stamp}"),
            journal: Some((&sources, since)),
            newest: collector.mode != Some(FileMode::Sequential),
            files: &[],
            most: bytes(collector.max_size_mib.unwrap_or(USUAL_MIB)),
        };
        self.diagnostics.pack(&contents).await.map(drop)
    }
}

fn name(id: &str) -> String {
    format!("{id}.json")
}

impl<R: Run> Resource for Collectors<R> {
    fn lack(&self) -> Option<String> {
        self.diagnostics.lack()
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let collector: Collector = typed(property, wanted)?;
        if collector.linux.is_none() && collector.state != CollectorState::Absent {
            return Err(Refusal::Invalid("`linux` says what is collected on this device; it may be `{}`".to_owned()));
        }
        Ok(())
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let absent = wanted.get("state").and_then(Value::as_str) == Some("absent");
        Ok(match self.held(property)? {
            None if absent => Some(wanted.clone()),
            held => held.map(|held| held.value),
        })
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let Some(value) = value else { return self.forget(property) };
        let collector: Collector = wanted(property, Some(value))?;
        let running = self.held(property)?.and_then(|held| held.from);
        let from = match (collector.state, running) {
            (CollectorState::Absent, _) => return self.forget(property),
            (CollectorState::Running, Some(from)) => Some(from),
            (CollectorState::Running, None) => Some(self.here().await?),
            (CollectorState::Stopped, Some(from)) => {
                self.finish(property, &collector, &from).await?;
                None
            }
            (CollectorState::Stopped, None) => None,
        };
        self.keep(property, &Held { value: value.clone(), from })
    }

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        Ok(self.held(property)?.map(|held| held.value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::port::{Way, recorded::Recorded};

    fn device() -> (tempfile::TempDir, Collectors<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        port.programs().real("tar");
        port.programs().answer("journalctl --lines=0", "-- cursor: s=1;i=2\n");
        port.programs().answer("journalctl --output=json", "{}\n");
        let diagnostics = Diagnostics::new(port.clone(), &root.path().join("archives"), &[], Way::default());
        let collectors = Collectors::new(port, diagnostics, &root.path().join("collectors"));
        (root, collectors)
    }

    fn collector(state: &str) -> Value {
        json!({"state": state, "mode": "sequential", "linux": {"units": ["acme"]}})
    }

    #[tokio::test]
    async fn a_collector_notes_where_it_begins_and_packs_what_came_since_when_it_stops() {
        let (root, collectors) = device();
        let (running, stopped) = (collector("running"), collector("stopped"));
        assert_eq!(collectors.read("boots", &running).await, Ok(None));
        collectors.ensure("boots", Some(&running)).await.unwrap();
        assert_eq!(collectors.read("boots", &running).await, Ok(Some(running.clone())));
        collectors.ensure("boots", Some(&stopped)).await.unwrap();
        assert_eq!(collectors.read("boots", &stopped).await, Ok(Some(stopped.clone())));
        let asked = collectors.port.programs().ran();
        let asked = asked.iter().find(|line| line.contains("--output=json")).unwrap();
        assert!(asked.contains("--after-cursor=s=1;i=2 _SYSTEMD_UNIT=acme.service"), "{asked}");
        let archives = || std::fs::read_dir(root.path().join("archives")).unwrap().count();
        assert_eq!(archives(), 1);
        collectors.ensure("boots", Some(&stopped)).await.unwrap();
        assert_eq!(archives(), 1, "what is stopped has nothing more to pack");
        let absent = json!({"state": "absent"});
        collectors.ensure("boots", Some(&absent)).await.unwrap();
        assert_eq!(collectors.read("boots", &absent).await, Ok(Some(absent)));
    }

    #[test]
    fn a_collector_for_another_system_is_refused() {
        let (_root, collectors) = device();
        let wanted = json!({"state": "running", "windows": {"providers": {}}});
        assert!(matches!(collectors.check("boots", &wanted), Err(Refusal::Invalid(_))));
        assert!(matches!(collectors.check("../x", &collector("running")), Err(Refusal::Invalid(_))));
        assert_eq!(collectors.check("boots", &collector("running")), Ok(()));
    }
}
