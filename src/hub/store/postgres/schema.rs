//! The tables of the shared store, and how they come about.

use tokio_postgres::Client;

use super::{
    super::StoreError,
    fault::{Fault, failed},
};

/// The format that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are few")]
const FORMAT: i64 = MIGRATIONS.len() as i64;

/// Whoever makes or changes tables holds this lock, so that hubs which start together do it one after the other.
const LOCK: i64 = 0x7477_696e_6f70_7301;

/// What leads from each format to the next. One that was released never changes.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, WAITING, WHOLE];

/// * Sections of twins are text, because they come back as they went in: `jsonb` would turn `1e16` into an integer,
///   reorder keys, and refuse `\u0000`; it also takes twice the time to write. Only the tags have a `jsonb` twin, for
///   the index; conditions on other sections read the text as `jsonb` while they look, which costs those queries and
///   not every write.
/// * Names compare by bytes (`COLLATE "C"`), as the hub's own order does.
/// * A third of each page stays free, so that updates find room next to the old row and touch no index.
/// * `mail` and `node` churn: they are swept by the number of dead rows, not by a share of the table.
const FIRST: &str = r#"
    CREATE TABLE record(
        device_id text COLLATE "C" NOT NULL,
        module_id text COLLATE "C" NOT NULL,
        revision bigint NOT NULL,
        enabled boolean NOT NULL,
        identity text NOT NULL,
        model_id text NOT NULL,
        etag bigint NOT NULL,
        version bigint NOT NULL,
        tags text,
        tags_index jsonb,
        desired text NOT NULL,
        desired_metadata text NOT NULL,
        desired_version bigint NOT NULL,
        reported text NOT NULL,
        reported_metadata text NOT NULL,
        reported_version bigint NOT NULL,
        configurations text,
        PRIMARY KEY(device_id, module_id)
    ) PARTITION BY HASH(device_id);
    CREATE INDEX record_tags ON record USING gin(tags_index jsonb_path_ops);
    CREATE INDEX record_enabled ON record(enabled) WHERE module_id = '';
    CREATE INDEX record_module ON record(device_id, module_id) WHERE module_id > '';
    CREATE TABLE session(
        device_id text COLLATE "C" NOT NULL,
        module_id text COLLATE "C" NOT NULL,
        subscriptions bigint NOT NULL DEFAULT 0,
        last_activity text,
        state_changed text,
        node bigint,
        ticket bigint NOT NULL DEFAULT 0,
        PRIMARY KEY(device_id, module_id)
    ) PARTITION BY HASH(device_id);
    DO $$
    BEGIN
        FOR i IN 0..31 LOOP
            EXECUTE format('CREATE TABLE record_%s PARTITION OF record FOR VALUES WITH (MODULUS 32, REMAINDER %s)
                WITH (fillfactor = 70)', i, i);
            EXECUTE format('CREATE TABLE session_%s PARTITION OF session FOR VALUES WITH (MODULUS 32, REMAINDER %s)
                WITH (fillfactor = 70)', i, i);
        END LOOP;
    END $$;
    CREATE TABLE setting(name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
    CREATE TABLE document(
        kind text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        revision bigint NOT NULL,
        body text NOT NULL,
        PRIMARY KEY(kind, id)
    ) WITH (fillfactor = 80);
    CREATE TABLE node(
        id bigint PRIMARY KEY,
        name text NOT NULL,
        links bigint NOT NULL DEFAULT 0,
        heartbeat timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE lease(name text COLLATE "C" PRIMARY KEY, holder bigint NOT NULL, ends timestamptz NOT NULL);
    CREATE TABLE mail(
        node bigint NOT NULL,
        seq bigint GENERATED ALWAYS AS IDENTITY,
        kind smallint NOT NULL,
        device_id text COLLATE "C" NOT NULL,
        module_id text COLLATE "C" NOT NULL,
        number bigint NOT NULL,
        name text NOT NULL,
        body bytea NOT NULL,
        reply_to bigint NOT NULL DEFAULT 0,
        expires timestamptz,
        PRIMARY KEY(node, seq)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
"#;

/// The messages that wait for a device, by their ends; of those that wait already, from their queues. No text in a
/// queue looks like an end, because its quotes are escaped; `json` would refuse a text with `\u0000`.
const WAITING: &str = r#"
    ALTER TABLE session ADD COLUMN waiting text;
    INSERT INTO session(device_id, module_id, waiting)
    SELECT left(id, -1), '', (
        SELECT '[' || string_agg(found[1], ',') || ']'
        FROM regexp_matches(body, '"expires":(-?[0-9]+)', 'g') AS found
    )
    FROM document WHERE kind = 'queue' AND id <> '/'
    ON CONFLICT (device_id, module_id) DO UPDATE SET waiting = excluded.waiting;
"#;

/// Records and sessions in a table each instead of 32 parts: whatever the statement, the database sets up and locks
/// every part of a table before it looks at a row, which took most of its time. What autovacuum does for a share of a
/// small part it does for a smaller share of the whole.
const WHOLE: &str = "
    CREATE TABLE whole_record(LIKE record INCLUDING DEFAULTS)
        WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
    INSERT INTO whole_record SELECT * FROM record;
    DROP TABLE record;
    ALTER TABLE whole_record RENAME TO record;
    ALTER TABLE record ADD CONSTRAINT record_pkey PRIMARY KEY(device_id, module_id);
    CREATE INDEX record_tags ON record USING gin(tags_index jsonb_path_ops);
    CREATE INDEX record_enabled ON record(enabled) WHERE module_id = '';
    CREATE INDEX record_module ON record(device_id, module_id) WHERE module_id > '';
    CREATE TABLE whole_session(LIKE session INCLUDING DEFAULTS)
        WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
    INSERT INTO whole_session SELECT * FROM session;
    DROP TABLE session;
    ALTER TABLE whole_session RENAME TO session;
    ALTER TABLE session ADD CONSTRAINT session_pkey PRIMARY KEY(device_id, module_id);
";

/// Brings the tables to this program's format, each step whole or not at all.
pub(super) async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let fail = failed("making the tables of the store");
    let found = read_format(client).await.map_err(failed("reading the store's format"))?;
    check(found)?;
    if found == FORMAT {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(Fault::from).map_err(&fail)?;
    let begin = format!(
        "SELECT pg_advisory_xact_lock({LOCK});
         CREATE TABLE IF NOT EXISTS format(sole boolean PRIMARY KEY DEFAULT true CHECK(sole), format bigint NOT NULL);
         INSERT INTO format(format) VALUES(0) ON CONFLICT DO NOTHING;"
    );
    transaction.batch_execute(&begin).await.map_err(Fault::from).map_err(&fail)?;
    // Another hub may have done it while this one waited for the lock.
    let row = transaction.query_one("SELECT format FROM format", &[]).await.map_err(Fault::from).map_err(&fail)?;
    let found = row.get(0);
    check(found)?;
    for (tables, format) in MIGRATIONS.iter().zip(1_i64..).filter(|(_, format)| *format > found) {
        let step = format!("{tables}; UPDATE format SET format = {format};");
        transaction.batch_execute(&step).await.map_err(Fault::from).map_err(&fail)?;
    }
    transaction.commit().await.map_err(Fault::from).map_err(&fail)
}

/// Refuses what a newer program made.
pub(super) fn check(found: i64) -> Result<(), StoreError> {
    if found > FORMAT { Err(StoreError::TooNew { found, known: FORMAT }) } else { Ok(()) }
}

/// The store's format; 0 when there is none. Needs no right to make tables.
pub(super) async fn read_format(client: &Client) -> Result<i64, Fault> {
    if client.query_one("SELECT to_regclass('format') IS NULL", &[]).await?.get(0) {
        return Ok(0);
    }
    Ok(client.query_opt("SELECT format FROM format", &[]).await?.map_or(0, |row| row.get(0)))
}
