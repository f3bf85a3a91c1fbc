//! File changes as a nudge: they say when to look, never what has changed.

use std::{path::Path, time::Duration};

use notify::{Event, EventKind, RecursiveMode, Watcher as _};
use tokio::{sync::mpsc, time::timeout};

/// Saving a file takes several steps; changes closer together than this are one.
const SETTLE: Duration = Duration::from_millis(40);

/// Watches a folder and everything below it.
pub(crate) struct Watch {
    changes: mpsc::Receiver<()>,
    _watcher: notify::RecommendedWatcher,
}

/// The folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch `{folder}` for changes")]
pub(crate) struct WatchError {
    folder: String,
    #[source]
    cause: notify::Error,
}

impl Watch {
    /// Starts watching. Files below folders whose name starts with a dot (`.git`, `.twinops`) do not count.
    pub(crate) fn folder(folder: &Path) -> Result<Self, WatchError> {
        let error = |cause| WatchError { folder: folder.display().to_string(), cause };
        let (nudge, changes) = mpsc::channel(1);
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut watcher = notify::recommended_watcher({
            let root = root.clone();
            move |event: notify::Result<Event>| {
                if event.is_ok_and(|event| counts(&root, &event)) {
                    // A nudge that is still waiting stands for this one too.
                    let _ = nudge.try_send(());
                }
            }
        })
        .map_err(error)?;
        watcher.watch(&root, RecursiveMode::Recursive).map_err(error)?;
        Ok(Self { changes, _watcher: watcher })
    }

    /// Resolves once something changed and the folder has been quiet for a moment. Safe to drop and call again.
    pub(crate) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        while timeout(SETTLE, self.changes.recv()).await.is_ok_and(|more| more.is_some()) {}
    }
}

fn counts(root: &Path, event: &Event) -> bool {
    let touches = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_));
    let hidden = |path: &Path| {
        let below = path.strip_prefix(root).unwrap_or(path);
        below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
    };
    touches && event.paths.iter().any(|path| !hidden(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_file_is_noticed_and_a_hidden_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let mut watch = Watch::folder(folder.path()).unwrap();
        std::fs::write(folder.path().join(".git/index"), "x").unwrap();
        std::fs::write(folder.path().join("fleet.yaml"), "x").unwrap();
        timeout(Duration::from_secs(10), watch.changed()).await.unwrap();
        std::fs::write(folder.path().join(".git/index"), "y").unwrap();
        assert!(timeout(Duration::from_millis(200), watch.changed()).await.is_err());
    }
}
