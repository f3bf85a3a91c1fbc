//! Reads by name, as many at a time as have come: whoever asks while others are served is served together with whoever
//! else asks meanwhile. A statement costs the database far more than a row.

use deadpool_postgres::{ClientWrapper, Pool};
use futures_util::future::join;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};
use tokio_postgres::Row;
use tracing::debug;

use super::{
    super::{Document, Kind, StoreError},
    connect::Lent,
    fault::{Fault, FaultKind, failed},
    row::{self, COLUMNS, SESSIONS},
};
use crate::hub::{ports::LinkId, record::Record};

/// Most names in one statement.
const GROUP: usize = 256;

type Answer<T> = oneshot::Sender<Result<Option<T>, StoreError>>;

/// Somebody who waits for what has a name.
enum Wanted {
    Record(LinkId, Answer<Record>),
    Document(Kind, Box<str>, Answer<Document>),
}

/// The way to whoever reads, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Fetcher(UnboundedSender<Wanted>);

impl Fetcher {
    pub(super) fn start(pool: Pool) -> Self {
        let (sender, inbox) = unbounded_channel();
        tokio::spawn(serve(pool, inbox));
        Self(sender)
    }

    pub(super) async fn record(&self, link: &LinkId) -> Result<Option<Record>, StoreError> {
        self.ask(|answer| Wanted::Record(link.clone(), answer)).await
    }

    pub(super) async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        self.ask(|answer| Wanted::Document(kind, id.into(), answer)).await
    }

    async fn ask<T>(&self, wanted: impl FnOnce(Answer<T>) -> Wanted) -> Result<Option<T>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(wanted(answer)).map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }
}

async fn serve(pool: Pool, mut inbox: UnboundedReceiver<Wanted>) {
    let mut arrived = Vec::with_capacity(GROUP);
    while inbox.recv_many(&mut arrived, GROUP).await > 0 {
        answer(&pool, arrived.drain(..)).await;
    }
}

/// Reads and answers. One name that the database does not take hurts no other.
async fn answer(pool: &Pool, wanted: impl Iterator<Item = Wanted>) {
    let (mut records, mut documents) = (Vec::new(), Vec::new());
    for one in wanted {
        match one {
            Wanted::Record(link, answer) => records.push((link, answer)),
            Wanted::Document(kind, id, answer) => documents.push((kind, id, answer)),
        }
    }
    match read(pool, &records, &documents).await {
        Ok(mut found) => {
            for ((_, answer), record) in records.into_iter().zip(found.records.drain(..)) {
                give(answer, Ok(record));
            }
            for ((.., answer), document) in documents.into_iter().zip(found.documents.drain(..)) {
                give(answer, Ok(document));
            }
        }
        Err(fault) if fault.kind == FaultKind::Statement && records.len() + documents.len() > 1 => {
            let records = records.into_iter().map(|(link, answer)| Wanted::Record(link, answer));
            let documents = documents.into_iter().map(|(kind, id, answer)| Wanted::Document(kind, id, answer));
            for one in records.chain(documents) {
                Box::pin(self::answer(pool, std::iter::once(one))).await;
            }
        }
        Err(fault) => {
            for (_, answer) in records {
                give(answer, Err(failed("reading a twin")(fault.again())));
            }
            for (.., answer) in documents {
                give(answer, Err(failed("reading a document")(fault.again())));
            }
        }
    }
}

fn give<T>(answer: Answer<T>, found: Result<Option<T>, StoreError>) {
    if answer.send(found).is_err() {
        debug!("whoever wanted to read did not wait for the answer");
    }
}

/// In the order in which they were asked for.
struct Found {
    records: Vec<Option<Record>>,
    documents: Vec<Option<Document>>,
}

async fn read(
    pool: &Pool,
    records: &[(LinkId, Answer<Record>)],
    documents: &[(Kind, Box<str>, Answer<Document>)],
) -> Result<Found, Fault> {
    let lent = Lent::from(pool).await?;
    let client = lent.client();
    let (records, documents) = join(read_records(client, records), read_documents(client, documents)).await;
    let found = Found { records: records?, documents: documents? };
    lent.give_back();
    Ok(found)
}

async fn read_records(
    client: &ClientWrapper,
    wanted: &[(LinkId, Answer<Record>)],
) -> Result<Vec<Option<Record>>, Fault> {
    let mut found: Vec<_> = wanted.iter().map(|_| None).collect();
    if wanted.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT {COLUMNS}, u.place FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u(device_id, module_id, place) \
         JOIN record r ON r.device_id = u.device_id AND r.module_id = u.module_id {SESSIONS}"
    );
    let (devices, modules): (Vec<&str>, Vec<&str>) =
        wanted.iter().map(|(link, _)| (link.device.as_str(), row::module(link))).unzip();
    let statement = client.prepare_cached(&sql).await?;
    for row in client.query(&statement, &[&devices, &modules]).await? {
        put(&mut found, &row, row::read(&row)?)?;
    }
    Ok(found)
}

async fn read_documents(
    client: &ClientWrapper,
    wanted: &[(Kind, Box<str>, Answer<Document>)],
) -> Result<Vec<Option<Document>>, Fault> {
    let mut found: Vec<_> = wanted.iter().map(|_| None).collect();
    if wanted.is_empty() {
        return Ok(found);
    }
    let sql = "SELECT d.id, d.revision, d.body, u.place FROM unnest($1::text[], $2::text[]) \
        WITH ORDINALITY AS u(kind, id, place) JOIN document d ON d.kind = u.kind AND d.id = u.id";
    let (kinds, ids): (Vec<&str>, Vec<&str>) = wanted.iter().map(|(kind, id, _)| (kind.name(), &**id)).unzip();
    let statement = client.prepare_cached(sql).await?;
    for row in client.query(&statement, &[&kinds, &ids]).await? {
        if let Some((kind, ..)) = wanted.get(place(&row)?) {
            put(&mut found, &row, row::document(*kind, &row)?)?;
        }
    }
    Ok(found)
}

fn put<T>(found: &mut [Option<T>], row: &Row, value: T) -> Result<(), Fault> {
    if let Some(slot) = found.get_mut(place(row)?) {
        *slot = Some(value);
    }
    Ok(())
}

/// Where the name stood, counted from one there.
fn place(row: &Row) -> Result<usize, Fault> {
    Ok(usize::try_from(row.try_get::<_, i64>("place")? - 1).unwrap_or(usize::MAX))
}
