//! The links of a hub that is alone, or of one among several.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    super::{
        mqtt::LinkTable,
        ports::{LinkId, Links, MethodAnswer, MethodFault},
    },
    Cluster,
};

/// See the module.
#[derive(Debug)]
pub(crate) enum AnyLinks {
    Alone(Arc<LinkTable>),
    Together(Arc<Cluster>),
}

impl AnyLinks {
    /// The other processes, if there may be any.
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        match self {
            Self::Alone(_) => None,
            Self::Together(cluster) => Some(cluster),
        }
    }
}

impl Links for AnyLinks {
    fn desired(&self, link: &LinkId, version: u64, patch: Bytes) {
        match self {
            Self::Alone(links) => links.desired(link, version, patch),
            Self::Together(links) => links.desired(link, version, patch),
        }
    }

    async fn call(
        &self,
        link: &LinkId,
        method: &str,
        payload: Bytes,
        connect: Duration,
        response: Duration,
    ) -> Result<MethodAnswer, MethodFault> {
        match self {
            Self::Alone(links) => links.call(link, method, payload, connect, response).await,
            Self::Together(links) => links.call(link, method, payload, connect, response).await,
        }
    }

    fn mail(&self, link: &LinkId) {
        match self {
            Self::Alone(links) => links.mail(link),
            Self::Together(links) => links.mail(link),
        }
    }

    fn cut(&self, link: &LinkId) {
        match self {
            Self::Alone(links) => links.cut(link),
            Self::Together(links) => links.cut(link),
        }
    }

    fn connected(&self) -> usize {
        match self {
            Self::Alone(links) => links.connected(),
            Self::Together(links) => links.connected(),
        }
    }
}
