//! Letters that have come.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};
use tracing::{debug, info, warn};

use super::{
    super::{
        ports::{LinkId, Links as _},
        store::{Letter, StoreError},
    },
    Cluster,
};
use crate::task::Stop;

/// How long a letter lies there at most when its ring was lost.
const LOOK: Duration = Duration::from_secs(1);

impl Cluster {
    /// Takes letters until `stop`: when the bell rings, and every second.
    pub(super) async fn post(self: Arc<Self>, stop: &Stop) {
        let mut calls = JoinSet::new();
        let mut well = true;
        loop {
            match stop.unless(self.take(&mut calls)).await {
                None => return,
                Some(Ok(more)) => {
                    if !well {
                        info!("mail comes again");
                    }
                    well = true;
                    if more {
                        continue;
                    }
                }
                Some(Err(error)) => {
                    if well {
                        warn!(error = &error as &dyn std::error::Error, "mail of other hubs cannot be read");
                    }
                    well = false;
                }
            }
            while calls.try_join_next().is_some() {}
            // Rung or not, it looks.
            let Some(_rung) = stop.unless(timeout(LOOK, self.store.bell().notified())).await else { return };
        }
    }

    /// Hands out some letters. Whether there may be more.
    async fn take(self: &Arc<Self>, calls: &mut JoinSet<()>) -> Result<bool, StoreError> {
        let mut handful = self.store.take_mail().await?;
        let more = handful.more;
        for letter in std::mem::take(&mut handful.letters) {
            self.deliver(letter, calls);
        }
        self.store.mail_done(handful).await?;
        Ok(more)
    }

    fn deliver(self: &Arc<Self>, letter: Letter, calls: &mut JoinSet<()>) {
        match letter {
            Letter::Desired { link, version, patch } => self.local.desired(&link, version, patch),
            Letter::Mail { link } => self.local.mail(&link),
            Letter::Cut { link, ticket } => self.cut_here(&link, ticket),
            Letter::Call { link, call, from, request } => {
                let cluster = Arc::clone(self);
                calls.spawn(async move { cluster.serve_call(&link, call, from, request).await });
            }
            Letter::Answer { call, answer } => self.calls.answer(call, &answer),
        }
    }

    /// Cuts the link that has this ticket, or an older one: whoever came here since then stays.
    fn cut_here(&self, link: &LinkId, ticket: u64) {
        if self.store.ticket(link).is_none_or(|current| current <= ticket) {
            self.local.cut(link);
        } else {
            debug!(%link, "the link that was to be cut is gone already");
        }
    }
}
