//! The statements of a transaction; each takes any number of rows as arrays. One that leaves mail for other nodes rings
//! their doorbells, which the database does once for each and transaction, when it commits.

/// Locks records in the order of their names, whatever else is being done to them, and says what they are now. The
/// lock also keeps a link's claim and a twin's write apart: both take it first, and only then look who owns the link,
/// so that a write either finds the new owner or is in the twin before the device reads it.
pub(super) const LOCK_RECORDS: &str = "
    SELECT r.device_id, r.module_id, r.revision, coalesce(r.identity = u.identity, false)
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u(device_id, module_id, identity)
    JOIN record r ON r.device_id = u.device_id AND r.module_id = u.module_id
    ORDER BY r.device_id, r.module_id FOR NO KEY UPDATE OF r";

pub(super) const LOCK_DOCUMENTS: &str = "
    SELECT d.kind, d.id, d.revision FROM unnest($1::text[], $2::text[]) AS u(kind, id)
    JOIN document d ON d.kind = u.kind AND d.id = u.id ORDER BY d.kind, d.id FOR UPDATE OF d";

pub(super) const INSERT: &str = "
    INSERT INTO record(device_id, module_id, revision, enabled, identity, model_id, etag, version, tags, tags_index,
        desired, desired_metadata, desired_version, reported, reported_metadata, reported_version,
        configurations)
    SELECT device_id, module_id, revision, enabled, identity, model_id, etag, version, tags,
        coalesce(tags_index, tags)::jsonb, desired, desired_metadata, desired_version, reported, reported_metadata,
        reported_version, configurations
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bool[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::bigint[], $17::text[])
        AS u(device_id, module_id, revision, enabled, identity, model_id, etag, version, tags, tags_index, desired,
        desired_metadata, desired_version, reported, reported_metadata, reported_version, configurations)
    ON CONFLICT DO NOTHING";

/// The index over tags is left alone, and with it the row's other pages, when the tags stay as they are.
pub(super) const UPDATE: &str = "
    UPDATE record r SET revision = u.revision + 1, enabled = u.enabled, identity = u.identity, model_id = u.model_id,
        etag = u.etag, version = u.version, tags = u.tags,
        tags_index = CASE WHEN r.tags IS NOT DISTINCT FROM u.tags THEN r.tags_index
            ELSE coalesce(u.tags_index, u.tags)::jsonb END,
        desired = u.desired, desired_metadata = u.desired_metadata, desired_version = u.desired_version,
        reported = u.reported, reported_metadata = u.reported_metadata, reported_version = u.reported_version,
        configurations = u.configurations
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bool[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::bigint[], $17::text[])
        AS u(device_id, module_id, revision, enabled, identity, model_id, etag, version, tags, tags_index, desired,
        desired_metadata, desired_version, reported, reported_metadata, reported_version, configurations)
    WHERE r.device_id = u.device_id AND r.module_id = u.module_id AND r.revision = u.revision";

pub(super) const DELETE: &str = "
    DELETE FROM record r USING unnest($1::text[], $2::text[]) AS u(device_id, module_id)
    WHERE r.device_id = u.device_id AND r.module_id = u.module_id";

pub(super) const DELETE_SESSIONS: &str = "
    DELETE FROM session s USING unnest($1::text[], $2::text[]) AS u(device_id, module_id)
    WHERE s.device_id = u.device_id AND s.module_id = u.module_id";

/// Whoever comes last has the link; who had it before, on another node, is told to let go.
pub(super) const CLAIM: &str = "
    WITH u AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS u(device_id, module_id, ticket, at)
    ), old AS (
        SELECT s.node, s.device_id, s.module_id, s.ticket FROM u
        JOIN session s ON s.device_id = u.device_id AND s.module_id = u.module_id
        WHERE s.node IS NOT NULL AND s.node <> $5
    ), mailed AS (
        INSERT INTO mail(node, kind, device_id, module_id, number, name, body)
        SELECT node, 2, device_id, module_id, ticket, '', '' FROM old RETURNING node
    ), claimed AS (
        INSERT INTO session(device_id, module_id, last_activity, state_changed, node, ticket)
        SELECT device_id, module_id, at, at, $5, ticket FROM u ORDER BY device_id COLLATE \"C\", module_id COLLATE \"C\"
        ON CONFLICT (device_id, module_id) DO UPDATE SET last_activity = excluded.last_activity,
            state_changed = excluded.state_changed, node = excluded.node, ticket = excluded.ticket
    )
    SELECT node, CASE WHEN node <> $5 THEN pg_notify('twinops_hub_' || node, '') END
    FROM (SELECT DISTINCT node FROM mailed) AS rung";

/// Only what the node says that has the link: an older link may still have something to say on its way out.
pub(super) const SUBSCRIPTIONS: &str = "
    INSERT INTO session(device_id, module_id, subscriptions)
    SELECT s.device_id, s.module_id, u.subscriptions
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u(device_id, module_id, subscriptions)
    JOIN session s ON s.device_id = u.device_id AND s.module_id = u.module_id
    WHERE s.node = $4 ORDER BY s.device_id, s.module_id
    ON CONFLICT (device_id, module_id) DO UPDATE SET subscriptions = excluded.subscriptions
    WHERE session.node = $4";

pub(super) const WAITING: &str = "
    INSERT INTO session(device_id, module_id, waiting)
    SELECT r.device_id, r.module_id, u.waiting
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u(device_id, module_id, waiting)
    JOIN record r ON r.device_id = u.device_id AND r.module_id = u.module_id ORDER BY r.device_id, r.module_id
    ON CONFLICT (device_id, module_id) DO UPDATE SET waiting = excluded.waiting";

/// A device was heard of without a link, whether or not it has one.
pub(super) const HEARD: &str = "
    INSERT INTO session(device_id, module_id, last_activity)
    SELECT r.device_id, r.module_id, u.at
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u(device_id, module_id, at)
    JOIN record r ON r.device_id = u.device_id AND r.module_id = u.module_id ORDER BY r.device_id, r.module_id
    ON CONFLICT (device_id, module_id) DO UPDATE SET last_activity = excluded.last_activity";

/// What is seen of a link, and its end, count only for the node that has the link: another one may have it by now, or
/// nobody, because its claim did not hold. What is seen of a live link does not count once it has ended.
pub(super) const SEEN: &str = "
    INSERT INTO session(device_id, module_id, last_activity, state_changed, node)
    SELECT r.device_id, r.module_id, u.last_activity, u.state_changed, CASE WHEN u.live THEN $6::bigint END
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[])
        AS u(device_id, module_id, last_activity, state_changed, live)
    JOIN record r ON r.device_id = u.device_id AND r.module_id = u.module_id
    LEFT JOIN session s ON s.device_id = r.device_id AND s.module_id = r.module_id
    WHERE NOT u.live OR s.node = $6 ORDER BY r.device_id, r.module_id
    ON CONFLICT (device_id, module_id) DO UPDATE SET last_activity = excluded.last_activity,
        state_changed = excluded.state_changed, node = excluded.node
    WHERE session.node = $6 OR (session.node IS NULL AND excluded.node IS NULL)";

pub(super) const SETTINGS: &str = "
    INSERT INTO setting(name, value) SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(super) const DELETE_PREFIX: &str = "
    DELETE FROM document WHERE kind = $1 AND id >= $2 AND ($3::text IS NULL OR id < $3)";

pub(super) const INSERT_DOCUMENTS: &str = "
    INSERT INTO document(kind, id, revision, body)
    SELECT kind, id, 1, body FROM unnest($1::text[], $2::text[], $3::text[]) AS u(kind, id, body)
    ON CONFLICT DO NOTHING";

pub(super) const UPDATE_DOCUMENTS: &str = "
    UPDATE document d SET revision = d.revision + 1, body = u.body
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u(kind, id, body) WHERE d.kind = u.kind AND d.id = u.id";

pub(super) const DELETE_DOCUMENTS: &str = "
    DELETE FROM document d USING unnest($1::text[], $2::text[]) AS u(kind, id)
    WHERE d.kind = u.kind AND d.id = u.id";

/// What devices are told, by whichever node has the link. This node's own devices are no exception: only so does what
/// several nodes say to one device come in the order in which it was committed.
pub(super) const TELL: &str = "
    WITH mailed AS (
        INSERT INTO mail(node, kind, device_id, module_id, number, name, body)
        SELECT s.node, 1, s.device_id, s.module_id, u.version, '', u.patch
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) WITH ORDINALITY
            AS u(device_id, module_id, version, patch, place)
        JOIN session s ON s.device_id = u.device_id AND s.module_id = u.module_id
        WHERE s.node IS NOT NULL ORDER BY u.place RETURNING node
    )
    SELECT node, CASE WHEN node <> $5 THEN pg_notify('twinops_hub_' || node, '') END
    FROM (SELECT DISTINCT node FROM mailed) AS rung";

/// Links on other nodes that are to end, unless they end by themselves and another one comes: hence the ticket.
pub(super) const CUT: &str = "
    WITH mailed AS (
        INSERT INTO mail(node, kind, device_id, module_id, number, name, body)
        SELECT s.node, 2, s.device_id, s.module_id, s.ticket, '', ''
        FROM unnest($1::text[], $2::text[]) AS u(device_id, module_id)
        JOIN session s ON s.device_id = u.device_id AND s.module_id = u.module_id
        WHERE s.node IS NOT NULL AND s.node <> $3 RETURNING node
    )
    SELECT node, CASE WHEN node <> $3 THEN pg_notify('twinops_hub_' || node, '') END
    FROM (SELECT DISTINCT node FROM mailed) AS rung";

/// Devices that are linked to other nodes have messages.
pub(super) const MAIL: &str = "
    WITH mailed AS (
        INSERT INTO mail(node, kind, device_id, module_id, number, name, body)
        SELECT s.node, 5, s.device_id, s.module_id, 0, '', ''
        FROM unnest($1::text[], $2::text[]) AS u(device_id, module_id)
        JOIN session s ON s.device_id = u.device_id AND s.module_id = u.module_id
        WHERE s.node IS NOT NULL AND s.node <> $3 RETURNING node
    )
    SELECT node, CASE WHEN node <> $3 THEN pg_notify('twinops_hub_' || node, '') END
    FROM (SELECT DISTINCT node FROM mailed) AS rung";
