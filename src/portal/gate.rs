//! Who gets in, and the headers by which pages keep to themselves.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{Portal, Role, error::PageError, page, session::Session};

/// Nothing from elsewhere, nothing written into a page, nobody's frame. Style sheets hold their icons as `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer carries.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Who asks: a page that takes it is for those who are signed in.
pub(super) struct Visitor(pub(super) Arc<Session>);

impl Visitor {
    /// Holds whoever sends a form to a role, and the form to having come from here.
    pub(super) fn may(&self, role: Role, csrf: &str) -> Result<(), PageError> {
        if !self.0.proves(csrf) {
            return Err(PageError::Csrf);
        }
        if self.0.role < role { Err(PageError::Role(role.word())) } else { Ok(()) }
    }
}

impl FromRequestParts<Arc<Portal>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Response> {
        let cookie = portal.cookie(&parts.headers);
        let session = cookie.and_then(|cookie| portal.sessions.find(cookie));
        let back = parts.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
        let sign_in = || Html(page::sign_in(portal, back));
        session.map(Self).ok_or_else(|| (axum::http::StatusCode::UNAUTHORIZED, sign_in()).into_response())
    }
}

/// `GET /enter/{word}`: a link that works once.
pub(super) async fn enter(State(portal): State<Arc<Portal>>, Path(word): Path<String>) -> Result<Response, PageError> {
    let Some((cookie, role)) = portal.sessions.enter(&word)? else {
        return Ok((axum::http::StatusCode::GONE, Html(page::sign_in(&portal, "/"))).into_response());
    };
    if let Some(session) = portal.sessions.find(&cookie) {
        portal.audit.write(&session, "sign-in", serde_json::json!({ "by": "link", "role": role.word() }))?;
    }
    portal.used.notify_one();
    Ok(([(header::SET_COOKIE, portal.set_cookie(&cookie, ""))], Redirect::to("/")).into_response())
}

/// `POST /sign-out`.
pub(super) async fn leave(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    headers: HeaderMap,
    axum::Form(form): axum::Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    visitor.may(Role::Viewer, super::asked::field(&form, "csrf"))?;
    if let Some(cookie) = portal.cookie(&headers) {
        portal.sessions.end(cookie);
    }
    portal.audit.write(&visitor.0, "sign-out", serde_json::Value::Null)?;
    Ok(([(header::SET_COOKIE, portal.set_cookie("", "; Max-Age=0"))], Html(page::sign_in(&portal, "/")))
        .into_response())
}

/// Adds what every answer carries. Pages are nobody else's to keep.
pub(super) async fn headers(State(portal): State<Arc<Portal>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if portal.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    response
}

impl Portal {
    const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-twinops" } else { "twinops" }
    }

    const fn ticket_name(&self) -> &'static str {
        if self.secure { "__Host-twinops-sign-in" } else { "twinops-sign-in" }
    }

    fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        named(headers, self.cookie_name())
    }

    /// What a browser has on its way to the issuer and back.
    pub(super) fn ticket<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        named(headers, self.ticket_name())
    }

    pub(super) fn set_cookie(&self, value: &str, more: &str) -> String {
        self.set(self.cookie_name(), value, more)
    }

    pub(super) fn set_ticket(&self, value: &str, more: &str) -> String {
        self.set(self.ticket_name(), value, more)
    }

    fn set(&self, name: &str, value: &str, more: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")
    }
}

fn named<'h>(headers: &'h HeaderMap, cookie: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == cookie).map(|(_, value)| value)
}
