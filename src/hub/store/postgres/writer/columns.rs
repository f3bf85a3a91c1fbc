//! Rows as columns, which is how a statement takes many of them.

use std::borrow::Cow;

use tokio_postgres::types::ToSql;

use super::super::{row::module, sift::indexable};
use crate::hub::{ports::LinkId, record::Record};

/// Values of a statement, in its order.
pub(super) type Values<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// Names as two columns.
pub(super) fn columns<'a>(links: impl IntoIterator<Item = &'a LinkId>) -> (Vec<&'a str>, Vec<&'a str>) {
    links.into_iter().map(|link| (link.device.as_str(), module(link))).unzip()
}

/// The same as the first values of a statement.
pub(super) fn names<'a>(links: impl IntoIterator<Item = &'a LinkId>) -> Values<'a> {
    let (devices, modules) = columns(links);
    vec![Box::new(devices), Box::new(modules)]
}

/// All of records but their sessions.
pub(super) struct Records<'a> {
    names: (Vec<&'a str>, Vec<&'a str>),
    counters: [Vec<i64>; 5],
    enabled: Vec<bool>,
    texts: [Vec<&'a str>; 6],
    tags: Vec<Option<&'a str>>,
    /// Tags that the index takes, where it does not take them as they are.
    index: Vec<Option<String>>,
    configurations: Vec<Option<&'a str>>,
}

impl<'a> Records<'a> {
    pub(super) fn new(records: &[&'a Record]) -> Self {
        let counters: [fn(&Record) -> u64; 5] = [
            |record| record.revision,
            |record| record.etag,
            |record| record.version,
            |record| record.desired.version,
            |record| record.reported.version,
        ];
        let texts: [fn(&'a Record) -> &'a str; 6] = [
            |record| &record.identity,
            |record| &record.model_id,
            |record| &record.desired.values,
            |record| &record.desired.metadata,
            |record| &record.reported.values,
            |record| &record.reported.metadata,
        ];
        let index = |record: &&Record| match indexable(record.tags.as_deref()?) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
        Self {
            names: columns(records.iter().map(|record| &record.link)),
            counters: counters.map(|get| records.iter().map(|record| get(record).cast_signed()).collect()),
            enabled: records.iter().map(|record| record.enabled).collect(),
            texts: texts.map(|get| records.iter().map(|record| get(record)).collect()),
            tags: records.iter().map(|record| record.tags.as_deref()).collect(),
            index: records.iter().map(index).collect(),
            configurations: records.iter().map(|record| record.configurations.as_deref()).collect(),
        }
    }

    /// In the order in which the statements have them.
    pub(super) fn values(self) -> Values<'a> {
        let [revision, etag, version, desired_version, reported_version] = self.counters;
        let [identity, model, desired, desired_metadata, reported, reported_metadata] = self.texts;
        vec![
            Box::new(self.names.0),
            Box::new(self.names.1),
            Box::new(revision),
            Box::new(self.enabled),
            Box::new(identity),
            Box::new(model),
            Box::new(etag),
            Box::new(version),
            Box::new(self.tags),
            Box::new(self.index),
            Box::new(desired),
            Box::new(desired_metadata),
            Box::new(desired_version),
            Box::new(reported),
            Box::new(reported_metadata),
            Box::new(reported_version),
            Box::new(self.configurations),
        ]
    }
}
