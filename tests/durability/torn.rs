//! A log whose end is not what was written: what came before it is there.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    hub::{DISORDER, Hub, SOUND},
    load::by_service,
    log::{FRAME, FRAME_HEAD, PAGE, Reach},
};

/// What it is called, where it begins, and how it is done.
type Damage = (&'static str, usize, fn(&File, u64));

/// What a killed hub left, with how far its log reached after each write; the first one is before all.
struct Left {
    folder: tempfile::TempDir,
    reaches: Vec<Reach>,
    last: Reach,
}

impl Left {
    async fn behind() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let hub = Hub::start(&state);
        hub.service.make("d").await;
        let mut reaches = vec![Reach::of(&state)];
        for n in 1..=12 {
            let body = json!({"tags": {"n": n}, "properties": {"desired": {"n": n}}});
            assert_eq!(by_service(&hub.service.patch("d", &body).await.unwrap().body), n);
            reaches.push(Reach::of(&state));
        }
        hub.kill();
        let last = Reach::of(&state);
        Self { folder, reaches, last }
    }

    fn log(state: &Path) -> File {
        File::options().write(true).read(true).open(state.join("hub.db-wal")).unwrap()
    }

    /// A copy of it, to be damaged.
    fn copy(&self, name: &str) -> PathBuf {
        let state = self.folder.path().join(name);
        fs::create_dir(&state).unwrap();
        for entry in fs::read_dir(self.folder.path().join("state")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), state.join(entry.file_name())).unwrap();
        }
        state
    }

    /// The hub starts on a log that is damaged from `at` on, says so, has what was written before, and writes.
    async fn is_taken_up(&self, state: &Path, at: usize) {
        let whole = Reach::up_to(&self.folder.path().join("state"), at);
        let hub = Hub::start(state);
        let log = hub.log();
        assert!(log.contains(DISORDER) && log.contains(SOUND), "{log}");
        assert!(log.contains(&format!("taken={}\n", whole.pages())), "not {} pages: {log}", whole.pages());
        let n = by_service(&hub.service.twin("d").await);
        let least = self.reaches.iter().rposition(|reach| self.last.keeps(reach, at)).unwrap();
        assert!(n >= least as u64 && n <= 12, "{} has write {n}, not {least}", state.display());
        let body = json!({"tags": {"n": n + 1}, "properties": {"desired": {"n": n + 1}}});
        assert_eq!(by_service(&hub.service.patch("d", &body).await.unwrap().body), n + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_end_of_the_log_loses_nothing_before_it() {
    let left = Left::behind().await;
    let (end, frame) = (left.last.end, left.last.end - FRAME);
    let damages: [Damage; 6] = [
        ("cut-in-page", frame + FRAME_HEAD + PAGE / 2, |log, at| log.set_len(at).unwrap()),
        ("cut-in-head", frame + FRAME_HEAD / 2, |log, at| log.set_len(at).unwrap()),
        ("zeroed", frame, |log, at| log.write_all_at(&[0; FRAME], at).unwrap()),
        ("flipped-page", frame + FRAME_HEAD + 100, flip),
        ("flipped-sum", frame + 17, flip),
        ("followed", end, |log, at| log.write_all_at(&[0xAA; FRAME + 7], at).unwrap()),
    ];
    let all = damages.map(async |(name, at, damage)| {
        let state = left.copy(name);
        damage(&Left::log(&state), at as u64);
        left.is_taken_up(&state, at).await;
    });
    futures_util::future::join_all(all).await;
}

/// Another bit in one byte.
fn flip(log: &File, at: u64) {
    let mut byte = [0];
    log.read_exact_at(&mut byte, at).unwrap();
    log.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_only_mark_something_are_made_anew() {
    let left = Left::behind().await;
    let marred = left.copy("marred");
    fs::write(marred.join("lock"), "no process of that name").unwrap();
    fs::write(marred.join("hub.db-shm"), vec![0xAA; 32768]).unwrap();
    let bare = left.copy("bare");
    fs::remove_file(bare.join("lock")).unwrap();
    fs::remove_file(bare.join("hub.db-shm")).unwrap();
    let all = [marred, bare].map(async |state| left.is_taken_up(&state, usize::MAX).await);
    futures_util::future::join_all(all).await;
}
