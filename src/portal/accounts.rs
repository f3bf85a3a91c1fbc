//! Signing in at an issuer of `OpenID` Connect: to it and back, and what role the person has here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::{
    Portal, RandomError, Role,
    asked::field,
    error::PageError,
    session::{hash, random},
};
use crate::{
    client::{Flow, SignIn},
    jwt,
};

/// How long somebody may take at the issuer.
const LASTS: Duration = Duration::from_mins(10);
/// People on their way at a time; the one who left first goes.
const MOST: usize = 1000;
/// Where the issuer sends browsers back to.
const CALLBACK: &str = "/callback";
/// By what people are known, the first of these that a token has.
const NAMES: [&str; 3] = ["preferred_username", "email", "sub"];

/// Whose accounts open the portal, and what they may do.
#[derive(Debug)]
pub struct Accounts {
    issuer: SignIn,
    redirect: String,
    claim: String,
    roles: Vec<(String, Role)>,
    begun: Mutex<HashMap<[u8; 32], Begun>>,
}

/// Somebody on the way to the issuer and back.
#[derive(Debug)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    /// The page that they came for.
    back: String,
    since: Instant,
}

impl Accounts {
    /// Accounts of an issuer. `address` is the portal's own, as browsers reach it; `claim` names the roles, whose values
    /// mean what `roles` say, or themselves.
    pub fn new(issuer: SignIn, address: &str, claim: &str, roles: Vec<(String, Role)>) -> Self {
        let redirect = format!("{}{CALLBACK}", address.trim_end_matches('/'));
        Self { issuer, redirect, claim: claim.to_owned(), roles, begun: Mutex::default() }
    }

    /// The issuer's name.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.issuer()
    }

    fn keep(&self, ticket: &str, begun: Begun) {
        let mut all = self.all();
        all.retain(|_, begun| begun.since.elapsed() < LASTS);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, begun)| begun.since).map(|(key, _)| *key)
        {
            all.remove(&oldest);
        }
        all.insert(hash(ticket), begun);
    }

    /// Whoever comes back with this ticket and state, once.
    fn back(&self, ticket: &str, state: &str) -> Option<Begun> {
        let begun = self.all().remove(&hash(ticket)).filter(|begun| begun.since.elapsed() < LASTS)?;
        bool::from(begun.state.as_bytes().ct_eq(state.as_bytes())).then_some(begun)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<[u8; 32], Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flow<'f>(&'f self, begun: &'f Begun) -> Flow<'f> {
        Flow { redirect: &self.redirect, state: &begun.state, nonce: &begun.nonce, verifier: &begun.verifier }
    }

    /// The highest role among a token's claims.
    fn role(&self, claims: &Value) -> Option<Role> {
        let meant = |value: &str| {
            let mapped = self.roles.iter().filter(|(name, _)| name == value).map(|(_, role)| *role);
            mapped.chain(value.parse()).max()
        };
        jwt::texts(claims, &self.claim).filter_map(meant).max()
    }
}

impl Begun {
    /// On the way now; with the ticket to come back by.
    fn new(back: &str) -> Result<(String, Self), RandomError> {
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let begun = Self { state, nonce, verifier, back: ours(back).to_owned(), since: Instant::now() };
        Ok((random()?, begun))
    }
}

/// A page of ours: nobody is sent elsewhere by an address that looks like this portal's.
fn ours(back: &str) -> &str {
    let is_ours = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    if is_ours { back } else { "/" }
}

fn name(claims: &Value) -> &str {
    NAMES.iter().find_map(|name| claims.get(name)?.as_str()).unwrap_or("somebody")
}

/// `GET /sign-in`: to the issuer.
pub(super) async fn leave(
    State(portal): State<Arc<Portal>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let accounts = portal.accounts.as_ref().ok_or(PageError::NoPage)?;
    let (ticket, begun) = Begun::new(field(&query, "back"))?;
    let address = accounts.issuer.address(accounts.flow(&begun)).await.map_err(told)?;
    accounts.keep(&ticket, begun);
    let cookie = portal.set_ticket(&ticket, "; Max-Age=600");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response())
}

/// `GET /callback`: back from the issuer.
pub(super) async fn arrive(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let accounts = portal.accounts.as_ref().ok_or(PageError::NoPage)?;
    let begun = portal.ticket(&headers).and_then(|ticket| accounts.back(ticket, field(&query, "state")));
    let begun = begun.ok_or(PageError::Way)?;
    let code = field(&query, "code");
    if code.is_empty() {
        let why = [field(&query, "error_description"), field(&query, "error")];
        let why = why.into_iter().find(|text| !text.is_empty()).unwrap_or("it gave no reason");
        return Err(PageError::SignIn(format!("the issuer did not sign you in: {why}")));
    }
    let claims = accounts.issuer.claims(accounts.flow(&begun), code).await.map_err(told)?;
    let name = name(&claims);
    let Some(role) = accounts.role(&claims) else {
        tracing::warn!(name, claim = accounts.claim, "an account without a role was turned away");
        return Err(PageError::NoRole { name: name.to_owned(), claim: accounts.claim.clone() });
    };
    let cookie = portal.sessions.begin(role, name)?;
    if let Some(session) = portal.sessions.find(&cookie) {
        let about = json!({ "by": accounts.issuer(), "sub": claims.get("sub"), "role": role.word() });
        portal.audit.write(&session, "sign-in", about)?;
    }
    let mut answer = Redirect::to(&begun.back).into_response();
    for cookie in [portal.set_cookie(&cookie, ""), portal.set_ticket("", "; Max-Age=0")] {
        let value = HeaderValue::from_str(&cookie).map_err(|_| PageError::Way)?;
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(answer)
}

/// What went wrong, with its cause in the log: it names no secret, and the person at the browser cannot mend it.
fn told(error: crate::client::OidcError) -> PageError {
    tracing::warn!(error = &error as &dyn std::error::Error, "nobody could be signed in");
    PageError::SignIn(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::IssuerConfig;

    fn accounts(claim: &str, roles: &[(&str, Role)]) -> Accounts {
        let config = IssuerConfig {
            issuer: "https://issuer.example".to_owned(),
            client_id: "portal".to_owned(),
            client_secret: None,
            ca: None,
        };
        let roles = roles.iter().map(|(name, role)| ((*name).to_owned(), *role)).collect();
        Accounts::new(SignIn::new(config).unwrap(), "https://portal.example/", claim, roles)
    }

    #[test]
    fn the_highest_role_counts_and_no_role_is_none() {
        let accounts = accounts("groups", &[("ops", Role::Operator), ("ops", Role::Viewer), ("admin", Role::Viewer)]);
        let role = |groups: Value| accounts.role(&json!({ "groups": groups }));
        assert_eq!(role(json!("ops")), Some(Role::Operator));
        assert_eq!(role(json!(["x", "viewer", "ops"])), Some(Role::Operator));
        assert_eq!(role(json!(["admin"])), Some(Role::Admin), "the portal's own words mean themselves");
        assert_eq!((role(json!(["x"])), role(Value::Null), role(json!({ "ops": true }))), (None, None, None));
        assert_eq!(accounts.redirect, "https://portal.example/callback");
    }

    #[test]
    fn a_ticket_is_good_once_and_for_its_own_state_alone() {
        let accounts = accounts("roles", &[]);
        let mut all = Vec::new();
        for _ in 0..=MOST {
            let (ticket, begun) = Begun::new("/drift").unwrap();
            all.push((ticket.clone(), begun.state.clone()));
            accounts.keep(&ticket, begun);
        }
        assert_eq!(accounts.all().len(), MOST);
        assert!(accounts.back(&all[0].0, &all[0].1).is_none(), "the oldest has given way");
        assert!(accounts.back(&all[1].0, &all[2].1).is_none() && accounts.back(&all[1].0, &all[1].1).is_none());
        assert_eq!(accounts.back(&all[2].0, &all[2].1).unwrap().back, "/drift");
        assert!(accounts.back(&all[2].0, &all[2].1).is_none());
    }

    proptest! {
        #[test]
        fn nobody_is_sent_elsewhere(back in "[/\\\\:a-z.@?#\\r\\n]{0,12}") {
            let base = "https://portal.example/x".parse::<axum::http::Uri>().unwrap();
            let back = ours(&back);
            prop_assert!(back.starts_with('/') && !back.starts_with("//") && !back.contains('\\'), "{}", back);
            prop_assert_eq!(base.host(), Some("portal.example"));
        }
    }
}
