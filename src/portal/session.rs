//! Who is signed in: a link that works once is exchanged for a cookie, and what the cookie stands for is kept here.

use std::{
    collections::HashMap,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How long a session lasts at most, and without being used.
const LASTS: (Duration, Duration) = (Duration::from_hours(24), Duration::from_hours(8));
/// Sessions at a time; the one that was not used for longest goes.
const MOST: usize = 1000;

/// What somebody may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look.
    Viewer,
    /// Call methods of devices, and propose changes.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// The one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; there are viewer, operator and admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let all = [Self::Viewer, Self::Operator, Self::Admin];
        all.into_iter().find(|role| role.word() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Who is signed in.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) role: Role,
    /// Who that is, for the audit log.
    pub(super) actor: String,
    /// What every form has to hand back.
    pub(super) csrf: String,
    begun: Instant,
}

/// Sessions by the hash of their cookie: what is read out of memory signs nobody in.
type Known = HashMap<[u8; 32], (Arc<Session>, Instant)>;

/// All sessions, and the links that are not used yet.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: Mutex<Known>,
    links: Mutex<HashMap<[u8; 32], Role>>,
}

/// There is no random text that nobody guesses.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct RandomError;

impl Sessions {
    /// The word of a new link, which works once.
    pub(super) fn link(&self, role: Role) -> Result<String, RandomError> {
        let word = random()?;
        let mut links = lock(&self.links);
        links.clear();
        links.insert(hash(&word), role);
        Ok(word)
    }

    /// Exchanges the word of a link for a cookie; nothing for one that is used or was never given.
    pub(super) fn enter(&self, word: &str) -> Result<Option<(String, Role)>, RandomError> {
        let Some(role) = lock(&self.links).remove(&hash(word)) else { return Ok(None) };
        let cookie = self.begin(role, "link")?;
        Ok(Some((cookie, role)))
    }

    /// A new session's cookie.
    pub(super) fn begin(&self, role: Role, actor: &str) -> Result<String, RandomError> {
        let (cookie, csrf, now) = (random()?, random()?, Instant::now());
        let actor = format!("{actor}:{}", csrf.get(..6).unwrap_or_default());
        let session = Arc::new(Session { role, actor, csrf, begun: now });
        let mut known = lock(&self.known);
        known.retain(|_, (session, used)| !is_over(session, *used));
        if known.len() >= MOST
            && let Some(oldest) = known.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        known.insert(hash(&cookie), (session, now));
        Ok(cookie)
    }

    /// Whose cookie this is.
    pub(super) fn find(&self, cookie: &str) -> Option<Arc<Session>> {
        let mut known = lock(&self.known);
        let key = hash(cookie);
        let (session, used) = known.get_mut(&key)?;
        if is_over(session, *used) {
            known.remove(&key);
            return None;
        }
        *used = Instant::now();
        Some(Arc::clone(session))
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &str) {
        lock(&self.known).remove(&hash(cookie));
    }
}

impl Session {
    /// Whether a form comes from one of our pages.
    pub(super) fn proves(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

fn is_over(session: &Session, used: Instant) -> bool {
    session.begun.elapsed() > LASTS.0 || used.elapsed() > LASTS.1
}

pub(super) fn random() -> Result<String, RandomError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_a_new_one_takes_the_place_of_the_old() {
        let sessions = Sessions::default();
        let old = sessions.link(Role::Viewer).unwrap();
        let word = sessions.link(Role::Admin).unwrap();
        assert!(sessions.enter(&old).unwrap().is_none() && sessions.enter("").unwrap().is_none());
        let (cookie, role) = sessions.enter(&word).unwrap().unwrap();
        assert!(role == Role::Admin && sessions.enter(&word).unwrap().is_none());
        let session = sessions.find(&cookie).unwrap();
        assert!(session.proves(&session.csrf) && !session.proves("") && !session.proves(&cookie));
        sessions.end(&cookie);
        assert!(sessions.find(&cookie).is_none());
    }

    #[test]
    fn sessions_do_not_fill_the_memory() {
        let sessions = Sessions::default();
        let first = sessions.begin(Role::Viewer, "a").unwrap();
        for _ in 0..MOST {
            sessions.begin(Role::Viewer, "b").unwrap();
        }
        assert!(sessions.find(&first).is_none());
        assert_eq!(lock(&sessions.known).len(), MOST);
    }
}
