//! A key vault that listens on this machine, and the authority that vouches for who asks it.

use std::path::Path;

use super::web::{Asked, Web};

/// What a token looks like.
pub(crate) const TOKEN: &str = "entra-token-of-the-test";

/// How a machine asks for the token of its identity.
const MACHINE: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net";

/// A vault with one secret.
pub(crate) fn vault(folder: &Path, name: &str, value: &str) -> Web {
    let path = format!("/secrets/{name}/?api-version=7.4");
    let secret = serde_json::json!({ "value": value, "id": "x" }).to_string();
    let granted = format!(r#"{{"access_token":"{TOKEN}"}}"#);
    Web::start(folder, |_| {
        move |asked: &Asked<'_>| match asked.target {
            "/tenant-1/oauth2/v2.0/token" => ("200 OK", granted.clone()),
            MACHINE if asked.metadata => ("200 OK", granted.clone()),
            _ if asked.bearer != TOKEN => ("401 Unauthorized", "{}".to_owned()),
            target if target == path => ("200 OK", secret.clone()),
            _ => ("404 Not Found", "{}".to_owned()),
        }
    })
}
