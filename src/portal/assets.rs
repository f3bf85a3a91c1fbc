//! Style sheets and scripts, from our own origin: their addresses hold a hash of what they are, so that a browser never
//! asks for one twice.

use std::{collections::HashMap, sync::OnceLock};

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};

/// A year, and never asked for again before.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

#[derive(Embed)]
#[folder = "src/portal/assets"]
struct Files;

/// One file, by the name in its address.
struct Asset {
    file: EmbeddedFile,
    etag: HeaderValue,
    kind: &'static str,
}

struct Assets {
    /// By name with hash.
    files: HashMap<String, Asset>,
    /// Names with hash, by name.
    names: HashMap<String, String>,
}

/// The address of a file, with its hash.
pub(super) fn address(name: &str) -> String {
    assets().names.get(name).map_or_else(|| format!("/assets/{name}"), |hashed| format!("/assets/{hashed}"))
}

/// `GET /assets/{name}`.
pub(super) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets().files.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let kept = [(header::CACHE_CONTROL, FOR_EVER), (header::ETAG, asset.etag.clone())];
    if headers.get(header::IF_NONE_MATCH) == Some(&asset.etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [(header::CONTENT_TYPE, asset.kind)];
    (kept, kind, asset.file.data.clone()).into_response()
}

fn assets() -> &'static Assets {
    static ASSETS: OnceLock<Assets> = OnceLock::new();
    ASSETS.get_or_init(load)
}

fn load() -> Assets {
    let (mut files, mut names) = (HashMap::new(), HashMap::new());
    for name in Files::iter() {
        let Some((file, kind)) = Files::get(&name).zip(kind(&name)) else { continue };
        let digest = file.metadata.sha256_hash();
        let hash = digest.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let Some((stem, ending)) = name.rsplit_once('.') else { continue };
        let hashed = format!("{stem}.{hash}.{ending}");
        let Ok(etag) = HeaderValue::from_str(&format!("\"{hash}\"")) else { continue };
        names.insert(name.into_owned(), hashed.clone());
        files.insert(hashed, Asset { file, etag, kind });
    }
    Assets { files, names }
}

/// Licences lie beside the files and are not served.
fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
