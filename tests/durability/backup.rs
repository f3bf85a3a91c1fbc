//! Backups of a hub under load, and what to do about a damaged database.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

use super::{
    hub::{DISORDER, Hub, run},
    load::Load,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_elsewhere_as_it_was_at_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let hub = Hub::start(&folder.path().join("state"));
    let load = Load::of(&hub, 4, 2).await;
    let running = load.start(&hub).await;
    load.progress(10).await;
    let before = load.acknowledged();
    let state = hub.state.clone();
    let target = backup.to_str().unwrap().to_owned();
    tokio::task::spawn_blocking(move || run(&["backup", &target], &state)).await.unwrap();
    // They went on meanwhile, and do so.
    load.progress(10).await;
    running.stop().await;
    load.is_there(&hub.service, &load.acknowledged()).await;
    let elsewhere = folder.path().join("elsewhere");
    run(&["restore", backup.to_str().unwrap()], &elsewhere);
    let restored = Hub::start(&elsewhere);
    assert!(!restored.log().contains(DISORDER), "{}", restored.log());
    load.is_there(&restored.service, &before).await;
    // It is a hub like any other.
    let running = load.start(&restored).await;
    load.progress(5).await;
    running.stop().await;
    load.is_there(&restored.service, &load.acknowledged()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_found_after_a_crash_and_a_backup_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    let hub = Hub::start(&state);
    let load = Load::of(&hub, 30, 0).await;
    run(&["backup", backup.to_str().unwrap()], &state);
    hub.stop();
    // In good order, so that everything is in the database and nothing of it in a log.
    Hub::start(&state).kill();
    let database = File::options().write(true).open(state.join("hub.db")).unwrap();
    let pages = 2 * 8192;
    database.write_all_at(&vec![0xAA; pages], database.metadata().unwrap().len() - pages as u64).unwrap();
    let said = Hub::try_start(&state).err().expect("it does not serve what is damaged");
    let told = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = format!("twinops hub restore BACKUP --force --state {}", state.display());
    assert!(told.contains("hub.db is damaged") && told.contains(&command), "{said}");
    run(&["restore", backup.to_str().unwrap(), "--force"], &state);
    let hub = Hub::start(&state);
    load.is_there(&hub.service, &[0; 30]).await;
    assert!(
        fs::read_dir(&state)
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_str().unwrap().starts_with("before-restore.") })
    );
}
