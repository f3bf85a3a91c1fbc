//! Stores that earlier programs made.

use sha2::{Digest as _, Sha256};

use super::{super::schema::MIGRATIONS, *};
use crate::hub::hex::hex;

/// What each step was when it was released. A new one is added at the end; no other line ever changes.
const RELEASED: [&str; 3] = [
    "3900764081faec3e0612cfb0dad85390b885b2017983375cd7bdbf41d4d5da7e",
    "ce9095430e6eaad3a0a97814d429909e24a2a397614be4288a03bf0e973ab5ad",
    "6dd054e8d85767e8e4c0b2625bbbbb5bc3fa747e555f420587ee95aae1d00c01",
];

#[test]
fn steps_that_were_released_stay_as_they_are() {
    let steps: Vec<String> = MIGRATIONS.iter().map(|step| hex(&Sha256::digest(step))).collect();
    assert_eq!(steps, RELEASED);
}

/// A twin, its session and a message, as the first format has them.
const FIRST: &str = r#"
    INSERT INTO record VALUES('d1', '', 7, true, '{"deviceId":"d1"}', 'dtmi:a:b;1', 3, 9, '{"site":"oslo"}',
        '{"site":"oslo"}', '{"a":1.0}', '{}', 4, '{"b":"\u0000"}', '{}', 5, NULL);
    INSERT INTO session VALUES('d1', '', 6, 'seen', 'changed', NULL, 0);
    INSERT INTO setting VALUES('old', 'kept');
    INSERT INTO document VALUES('job', 'j', 2, '{"x":1}');
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_first_format_is_brought_up_to_date_and_nothing_of_it_is_lost() {
    let Some(server) = postgres() else { return };
    let format = "CREATE TABLE format(sole boolean PRIMARY KEY DEFAULT true CHECK(sole), format bigint NOT NULL);
        INSERT INTO format(format) VALUES(1);";
    client(&server).await.batch_execute(&format!("{}; {format} {FIRST}", MIGRATIONS[0])).await.unwrap();
    let store = shared(&server).await;
    let mut record = store.get(&link("d1")).await.unwrap().unwrap();
    assert_eq!((record.revision, record.version, &*record.desired.values), (7, 9, r#"{"a":1.0}"#));
    assert_eq!((&*record.reported.values, record.session.subscriptions), (r#"{"b":"\u0000"}"#, 6));
    assert_eq!(store.setting("old").await.unwrap().as_deref(), Some("kept"));
    assert_eq!(store.document(Kind::Job, "j").await.unwrap().unwrap().revision, 2);
    record.version += 1;
    assert_eq!(store.write(vec![Change::Update(Arc::new(record))]).await.unwrap(), Outcome::Written);
}
