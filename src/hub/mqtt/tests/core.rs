//! A core that remembers what it was asked, for tests.

use std::{
    collections::HashMap,
    num::NonZeroU16,
    sync::{Mutex, MutexGuard},
    time::SystemTime,
};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};

use crate::hub::ports::{
    Admission, ConnectRequest, Delivery, DeviceService, Fault, LinkId, Provisioning, Refusal, Registrant,
    RegistrationAnswer, Subscriptions,
};
use crate::iothub::Secret;

#[derive(Debug)]
pub(super) struct Core {
    state: Mutex<State>,
    changed: Notify,
    /// Requests wait while it is empty.
    pub(super) gate: Semaphore,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Everything asked, in order.
    pub(super) log: Vec<String>,
    pub(super) refusal: Option<Refusal>,
    pub(super) expires: Option<SystemTime>,
    pub(super) kept: HashMap<LinkId, Subscriptions>,
    pub(super) fault: Option<Fault>,
    /// Messages that wait.
    pub(super) mail: Vec<Delivery>,
    pub(super) sessions: u64,
    version: u64,
}

impl Default for Core {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), gate: Semaphore::new(Semaphore::MAX_PERMITS) }
    }
}

impl Core {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Makes every request after this wait until [`Self::release`].
    pub(super) fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn release(&self) {
        self.gate.add_permits(1000);
    }

    /// Waits until something like this was asked.
    pub(super) async fn asked(&self, what: &str) {
        loop {
            let changed = self.changed.notified();
            if self.state().log.iter().any(|line| line == what) {
                return;
            }
            changed.await;
        }
    }

    fn note(&self, line: String) {
        self.state().log.push(line);
        self.changed.notify_waiters();
    }

    async fn ask(&self, line: String) -> Result<(), Fault> {
        drop(self.gate.acquire().await.unwrap());
        self.note(line);
        self.state().fault.clone().map_or(Ok(()), Err)
    }
}

impl DeviceService for Core {
    async fn connect(&self, request: &ConnectRequest<'_>) -> Result<Admission, Refusal> {
        let ConnectRequest { link, password, certificates, clean_session, model_id } = request;
        let certificate = certificates.first().map(|certificate| certificate.len());
        self.note(format!("connect {link} {password:?} {certificate:?} {clean_session} {model_id:?}"));
        let mut state = self.state();
        if let Some(refusal) = state.refusal {
            return Err(refusal);
        }
        if *clean_session {
            state.kept.remove(link);
        }
        let subscriptions = state.kept.get(link).copied().unwrap_or_default();
        state.sessions += 1;
        Ok(Admission { expires: state.expires, subscriptions, session: state.sessions })
    }

    fn disconnected(&self, link: &LinkId) {
        self.note(format!("disconnected {link}"));
    }

    async fn keep_subscriptions(&self, link: &LinkId, session: u64, subscriptions: Subscriptions) -> Result<(), Fault> {
        self.ask(format!("keep {link}")).await?;
        assert_eq!(session, self.state().sessions, "no link keeps anything after another has taken over");
        self.state().kept.insert(link.clone(), subscriptions);
        Ok(())
    }

    async fn twin(&self, link: &LinkId) -> Result<Bytes, Fault> {
        self.ask(format!("twin {link}")).await?;
        Ok(Bytes::from_static(br#"{"desired":{"$version":1},"reported":{"$version":1}}"#))
    }

    async fn patch_reported(&self, link: &LinkId, patch: &[u8], expected: Option<u64>) -> Result<u64, Fault> {
        self.ask(format!("patch {link} {} {expected:?}", String::from_utf8_lossy(patch))).await?;
        let mut state = self.state();
        state.version += 1;
        Ok(state.version)
    }

    async fn telemetry(&self, link: &LinkId, properties: &str, payload: Bytes) -> Result<(), Fault> {
        let payload = match payload.len() {
            0..=100 => String::from_utf8_lossy(&payload).into_owned(),
            long => format!("{long} bytes"),
        };
        self.ask(format!("telemetry {link} {properties} {payload}")).await
    }

    async fn next_message(
        &self,
        link: &LinkId,
        after: u64,
        packet: Option<NonZeroU16>,
    ) -> Result<Option<Delivery>, Fault> {
        self.ask(format!("mail {link} after {after}")).await?;
        let mut state = self.state();
        let Some(next) = state.mail.iter_mut().find(|one| one.sequence > after) else { return Ok(None) };
        next.packet = next.packet.or(packet);
        let delivery = next.clone();
        next.again = true;
        Ok(Some(delivery))
    }

    async fn complete_message(&self, link: &LinkId, sequence: u64) -> Result<(), Fault> {
        self.state().mail.retain(|one| one.sequence != sequence);
        self.ask(format!("complete {link} {sequence}")).await
    }
}

impl Provisioning for Core {
    async fn recognise(&self, who: &Registrant) -> Result<(), Refusal> {
        let (token, certificates) = (who.token.as_ref().map(Secret::reveal), who.certificates.0.len());
        self.note(format!("recognise {} {} {token:?} {certificates}", who.id_scope, who.id));
        self.state().refusal.map_or(Ok(()), Err)
    }

    async fn register(&self, who: &Registrant, body: &[u8]) -> Result<RegistrationAnswer, Fault> {
        self.ask(format!("register {} {}", who.id, String::from_utf8_lossy(body))).await?;
        let operation = Some("4.1".to_owned());
        Ok(RegistrationAnswer { status: 202, operation, retry_after: Some(3), body: Bytes::from_static(b"{}") })
    }

    async fn registered(&self, who: &Registrant, operation: &str) -> Result<RegistrationAnswer, Fault> {
        self.ask(format!("registered {} {operation}", who.id)).await?;
        Ok(RegistrationAnswer { status: 200, operation: None, retry_after: None, body: Bytes::from_static(b"[]") })
    }
}
