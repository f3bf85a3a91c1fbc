//! The portal: pages that show a fleet to its operators, over the REST API of any hub.
//!
//! ```text
//!   hub ──all twins──► survey ──► model ──► pages ──► browser
//!   repository ──────────┘          │ moved: server-sent events ─┘
//! ```
//!
//! * [`Portal`] holds what pages are made of; [`Portal::keep_fresh`] reads all twins again and again, and
//!   [`Portal::routes`] answers browsers. It reaches the hub through its client alone, and the fleet's repository through
//!   [`Repository`], which whoever starts it gives it.
//! * `model` is all devices in memory; `refresh` fills it. The page of one device always reads its twin.
//! * [`Accounts`] are people of an issuer of `OpenID` Connect; `session` knows who is signed in, `gate` lets them in and sets the headers that keep pages to themselves; `audit`
//!   writes down what they do.
//! * `page` is what all pages share; `pages` has them, one a file, each with its template. `asked` is the query of an
//!   address, `bar` a picture of counts. `live` tells browsers that numbers have moved; `assets` are style sheets and
//!   scripts.
//!
//! * `change` is what somebody proposes that the documents say: it ends in a branch or a patch.
//!
//! Every page is a plain address and works without scripts; scripts only spare a reload.

mod accounts;
mod asked;
mod assets;
mod audit;
mod bar;
mod change;
mod error;
mod gate;
mod live;
mod model;
mod page;
mod pages;
mod refresh;
mod repository;
mod session;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use audit::Audit;
use model::{History, Model};
use session::Sessions;
use tokio::sync::{Notify, watch};

pub use accounts::Accounts;
pub use change::{Files, Judged, Proposal, Proposals, Proposed};
pub use error::PortalError;
pub use repository::{Declared, Repository};
pub use session::{RandomError, Role, UnknownRole};

use crate::{client::HubClient, twin::PropertyPath};

/// How a portal is set up.
#[derive(Debug)]
pub struct Settings {
    /// The hub's name, for people.
    pub hub: String,
    /// Tags by whose values devices are told apart; when there are none, those that the fleet's conditions look at.
    pub facets: Vec<PropertyPath>,
    /// How often all twins are read.
    pub every: Duration,
    /// Where actions are written down, besides the log.
    pub audit: Option<PathBuf>,
    /// Where the history of numbers is kept across restarts.
    pub history: Option<PathBuf>,
    /// Browsers reach it over HTTPS: cookies are for that alone.
    pub secure: bool,
    /// Whose accounts open it, besides links.
    pub accounts: Option<Accounts>,
}

/// What pages are made of.
pub struct Portal {
    hub: HubClient,
    repository: Box<dyn Repository>,
    name: String,
    facets: Vec<PropertyPath>,
    every: Duration,
    secure: bool,
    /// The model moves with every reading.
    model: watch::Sender<Option<Arc<Model>>>,
    /// Why the numbers are older than they should be.
    trouble: Mutex<Option<String>>,
    history: History,
    audit: Audit,
    sessions: Sessions,
    accounts: Option<Accounts>,
    /// Somebody wants fresh numbers.
    nudge: Notify,
    /// A link was used, and another may be wanted.
    used: Notify,
}

impl Portal {
    /// A portal to a hub's fleet. Nothing is read yet.
    ///
    /// # Errors
    /// When a file of the settings cannot be opened.
    pub fn new(hub: HubClient, repository: Box<dyn Repository>, settings: Settings) -> Result<Arc<Self>, PortalError> {
        let Settings { hub: name, facets, every, audit, history, secure, accounts } = settings;
        let failed = |path: &Option<PathBuf>| {
            let path = path.clone().unwrap_or_default();
            move |cause| PortalError::File { path, cause }
        };
        Ok(Arc::new(Self {
            hub,
            repository,
            name,
            facets,
            every,
            secure,
            model: watch::Sender::new(None),
            trouble: Mutex::default(),
            history: History::open(history.as_deref()).map_err(failed(&history))?,
            audit: Audit::open(audit.as_deref()).map_err(failed(&audit))?,
            sessions: Sessions::default(),
            accounts,
            nudge: Notify::new(),
            used: Notify::new(),
        }))
    }

    /// The path of a link that signs one browser in, once, with this role. A new one takes the place of the last.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn link(&self, role: Role) -> Result<String, RandomError> {
        Ok(format!("/enter/{}", self.sessions.link(role)?))
    }

    /// Returns when the link was used.
    pub async fn link_used(&self) {
        self.used.notified().await;
    }

    /// Returns when all twins have been read for the first time.
    pub async fn ready(&self) {
        // The sender lives as long as this.
        let _ = self.model.subscribe().wait_for(Option::is_some).await;
    }

    fn model(&self) -> Option<Arc<Model>> {
        self.model.borrow().clone()
    }

    fn put(&self, model: Arc<Model>) {
        *self.troubled() = None;
        self.model.send_replace(Some(model));
    }

    /// The numbers stay as they are, and pages say why.
    fn trouble(&self, why: String) {
        if self.troubled().as_ref() == Some(&why) {
            return;
        }
        tracing::warn!(why, "the numbers are not fresh");
        *self.troubled() = Some(why);
        self.model.send_modify(|_| {});
    }

    fn troubled(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
