//! A call, from its name to its answer: is it known, allowed, possible, new, confirmed; then noted, done, answered.

use std::{pin::pin, sync::Arc, time::Duration};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tracing::{info, warn};

use super::{
    Allow, Book, Job, Refused, Reply,
    book::Call,
    old,
    tokens::{LIFE, Tokens},
    told,
};
use crate::{
    agent::{
        ledger::Ledger,
        link::LinkHandle,
        moment::{boot, now},
        port::hex,
        reconciler::Wake,
        resource::Platform,
    },
    component::command::{
        Command, Order, Work,
        answer::{Confirm, Done, DryRun, Looked, State},
    },
};

/// Look at the device now, and say what came of it.
const RECHECK: &str = "twinops*recheck";
/// How long a command waits for the end of a pass.
const TURN: Duration = Duration::from_secs(20);
/// How long the caller waits at most; a hub gives up after 30 seconds by default (protocol reference 7).
const WAIT: Duration = Duration::from_secs(25);

/// Takes calls.
pub(crate) struct Desk<P> {
    platform: Arc<P>,
    ledger: Arc<Ledger>,
    link: LinkHandle,
    book: Arc<Book>,
    allow: Allow,
    jobs_tx: mpsc::Sender<Job>,
    wake_tx: mpsc::Sender<Wake>,
    tokens: Tokens,
}

/// A call that may be made.
struct Called {
    order: Order,
    /// How the Windows IoT client answers it, when it was called by its name.
    manner: Option<old::Manner>,
    digest: String,
    began: Instant,
}

/// The caller, who is answered once.
struct Caller {
    link: LinkHandle,
    rid: Option<String>,
}

impl Caller {
    fn tell(&mut self, reply: Reply) {
        if let Some(rid) = self.rid.take() {
            self.link.respond(rid, reply.status, reply.body);
        }
    }
}

impl<P: Platform> Desk<P> {
    pub(crate) fn new(
        platform: Arc<P>,
        (ledger, link, book): (Arc<Ledger>, LinkHandle, Arc<Book>),
        allow: Allow,
        (jobs_tx, wake_tx): (mpsc::Sender<Job>, mpsc::Sender<Wake>),
    ) -> Self {
        Self { platform, ledger, link, book, allow, jobs_tx, wake_tx, tokens: Tokens::default() }
    }

    /// Takes one call to its end.
    pub(crate) async fn take(&self, name: &str, rid: String, payload: &[u8]) {
        let mut asker = Caller { link: self.link.clone(), rid: Some(rid) };
        let reply = match self.answer(name, payload, &mut asker).await {
            Ok(reply) => reply,
            Err(refused) => {
                info!(name, status = refused.status(), "a command is not carried out");
                refused.into()
            }
        };
        asker.tell(reply);
    }

    async fn answer(&self, name: &str, payload: &[u8], asker: &mut Caller) -> Result<Reply, Refused> {
        if name == RECHECK {
            return self.look(Instant::now()).await;
        }
        if let Some(answer) = self.of_the_platform(name, payload)? {
            return Ok(answer);
        }
        let called = self.read(name, payload)?;
        let Order { command, dry_run, .. } = called.order;
        if let Some(lack) = self.platform.lacks(command) {
            return Err(Refused::Unsupported(lack));
        }
        self.fits(&called.order)?;
        if dry_run {
            return Ok(Reply::of(200, &DryRun { dry_run, does: command.about().to_owned() }));
        }
        if let Some(id) = &called.order.id
            && let Some(reply) = self.book.find(command, id, &called.digest)?
        {
            return Ok(reply);
        }
        if let Some(first) = self.first_step(&called)? {
            return Ok(first);
        }
        let manner = called.manner;
        let reply = self.carry_out(called, asker).await?;
        Ok(match manner {
            Some(manner) if !matches!(manner, old::Manner::Later(_)) => old::files(manner, &reply),
            _ => reply,
        })
    }

    /// Methods that only this kind of device has.
    fn of_the_platform(&self, name: &str, payload: &[u8]) -> Result<Option<Reply>, Refused> {
        // An empty body counts as null.
        let payload = if payload.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(payload) };
        let payload: Value = payload.map_err(|fault| Refused::Payload(format!("the payload is not JSON: {fault}")))?;
        Ok(self.platform.method(name, &payload).map(|done| match done {
            Ok(body) => Reply { status: 200, body },
            Err(refusal) => Reply { status: refusal.code().into(), body: json!({"error": refusal.to_string()}) },
        }))
    }

    fn read(&self, name: &str, payload: &[u8]) -> Result<Called, Refused> {
        let (order, manner) = if let Some(command) = Command::find(name) {
            allowed(name, self.allow.command(command))?;
            let order = Order::read(command, payload);
            (order.map_err(|fault| Refused::Payload(format!("the payload of `{name}`: {fault}")))?, None)
        } else {
            let unknown = || Refused::Unknown(format!("this agent has no method `{name}`"));
            let old::Called { order, manner } = old::read(name, payload).ok_or_else(unknown)??;
            allowed(name, self.allow.old(name, order.command))?;
            (order, Some(manner))
        };
        Ok(Called { digest: digest(payload), order, manner, began: Instant::now() })
    }

    /// What the twin declares otherwise would not last.
    fn fits(&self, order: &Order) -> Result<(), Refused> {
        let Work::App(app) = &order.work else { return Ok(()) };
        let accepted = Arc::clone(&self.ledger.accepted().borrow());
        let declared = accepted.desired.get("apps").and_then(|apps| apps.get(app)?.get("desiredRunState")?.as_str());
        let asked = if order.command == Command::AppsStop { "stopped" } else { "running" };
        match declared {
            Some(state) if state != asked => Err(Refused::Busy(format!(
                "the twin declares that `{app}` is {state}; change `apps.{app}.desiredRunState` there"
            ))),
            _ => Ok(()),
        }
    }

    /// The answer to the first of two steps; `None` when this is the second, or the only one.
    fn first_step(&self, called: &Called) -> Result<Option<Reply>, Refused> {
        let Order { command, id, token, .. } = &called.order;
        let (true, None, Some(id)) = (command.destroys(), called.manner, id) else { return Ok(None) };
        match token {
            Some(token) if self.tokens.take(*command, id, token) => Ok(None),
            Some(_) => Err(Refused::NotAllowed(
                "the token is not good for this call any more; call without one to get another".to_owned(),
            )),
            None => {
                let token = self.tokens.give(*command, id);
                let token = token.ok_or_else(|| Refused::Failed("the system has no randomness".to_owned()))?;
                let does = command.about().to_owned();
                Ok(Some(Reply::of(202, &Confirm { token, expires_in_seconds: LIFE.as_secs(), does })))
            }
        }
    }

    async fn carry_out(&self, called: Called, asker: &mut Caller) -> Result<Reply, Refused> {
        let command = called.order.command;
        let noted = called.order.id.is_some() || !command.only_reads();
        let call = call_of(&called);
        if noted {
            self.book.begin(call.clone())?;
        }
        info!(command = command.name(), "a command");
        let done = if command == Command::Report {
            self.link.refresh();
            self.look(called.began).await
        } else if command.only_reads() {
            let work = async { self.platform.carry_out(&called.order).await.into() };
            Ok(ended(work, called.began, asker).await)
        } else {
            self.between_passes(called, asker).await
        };
        match &done {
            // It did not begin, and may be asked for again.
            Err(_) if noted => self.book.forget(&call),
            Ok(reply) if noted => self.book.end(&call, reply),
            _ => {}
        }
        done
    }

    /// Hands the work to the reconciler.
    async fn between_passes(&self, called: Called, asker: &mut Caller) -> Result<Reply, Refused> {
        let (started_tx, started) = oneshot::channel();
        let (done_tx, done) = oneshot::channel();
        let section = called.manner.map(|_| "windows");
        let destroys = called.order.command.destroys();
        let job = Job { order: called.order, started: started_tx, done: done_tx, section };
        let busy = |_| Refused::Busy("other commands wait already; try again".to_owned());
        self.jobs_tx.try_send(job).map_err(busy)?;
        let Ok(Ok(go)) = timeout_at(called.began + TURN, started).await else {
            return Err(Refused::Busy("the device is being made what its twin declares; try again later".to_owned()));
        };
        if called.manner.is_some() {
            asker.tell(old::pending(&now()));
        } else if destroys {
            // Nobody may be left to answer afterwards.
            asker.tell(Reply::of(202, &Done { state: State::Scheduled }));
        }
        drop(go);
        let gone = |_| Err(Refused::Failed("the agent ended".to_owned()));
        let work = async { done.await.unwrap_or_else(gone).into() };
        Ok(ended(work, called.began, asker).await)
    }

    /// Has the device looked at; what came of it.
    async fn look(&self, began: Instant) -> Result<Reply, Refused> {
        let (wake, outcome) = oneshot::channel();
        if self.wake_tx.try_send(wake).is_err() {
            warn!("too many methods at a time");
            return Err(Refused::Busy("the agent is busy; try again".to_owned()));
        }
        Ok(match timeout_at(began + WAIT, outcome).await {
            Ok(Ok(outcome)) => Reply::of(200, &Looked { failed: outcome.failed }),
            _ => Reply { status: 202, body: json!({"error": "still at work; see the reported properties"}) },
        })
    }
}

fn allowed(name: &str, is: bool) -> Result<(), Refused> {
    let why = || {
        Refused::NotAllowed(format!(
            "this device's own configuration does not allow `{name}`; its agent would need `--allow-method {name}`"
        ))
    };
    is.then_some(()).ok_or_else(why)
}

/// Waits for the end of work. A caller who would have to wait for too long hears that it is on its way.
async fn ended(work: impl Future<Output = Reply>, began: Instant, asker: &mut Caller) -> Reply {
    let mut work = pin!(work);
    if let Ok(reply) = timeout_at(began + WAIT, &mut work).await {
        return reply;
    }
    asker.tell(Reply::of(202, &Done { state: State::Scheduled }));
    work.await
}

fn call_of(called: &Called) -> Call {
    let section = match called.manner {
        Some(old::Manner::Later(section)) => section.map(str::to_owned),
        _ => None,
    };
    Call {
        id: called.order.id.clone(),
        command: called.order.command.name().to_owned(),
        digest: called.digest.clone(),
        section,
        at: now(),
        boot: boot(),
        status: 202,
        answer: Value::Null,
    }
}

/// What a call was handed, whatever step it is, in whatever order.
fn digest(payload: &[u8]) -> String {
    let mut payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    if let Value::Object(members) = &mut payload {
        members.remove("token");
    }
    hex(&Sha256::digest(told(&payload).to_string()))
}
