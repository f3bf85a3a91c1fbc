//! A hub that is killed while many write.

use super::{
    hub::{DISORDER, Hub, SOUND},
    load::Load,
};

const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_every_kill_and_nothing_is_half() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut hub = Hub::start(&state);
    assert!(!hub.log().contains(DISORDER), "{}", hub.log());
    let load = Load::of(&hub, 8, 4).await;
    for _ in 0..ROUNDS {
        let running = load.start(&hub).await;
        load.progress(20).await;
        hub.kill();
        running.ended().await;
        let acknowledged = load.acknowledged();
        hub = Hub::start(&state);
        let log = hub.log();
        assert!(log.contains(DISORDER) && log.contains(SOUND), "{log}");
        load.is_there(&hub.service, &acknowledged).await;
    }
    hub.stop();
    let hub = Hub::start(&state);
    assert!(!hub.log().contains(DISORDER), "{}", hub.log());
    load.is_there(&hub.service, &load.acknowledged()).await;
}
