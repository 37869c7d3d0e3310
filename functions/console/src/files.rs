//! Static files, embedded and named by their hash (C2.8).

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::frame::packed;

/// Name, content type and content of each file.
pub const FILES: [(&str, &str, &str); 3] = [
    ("app.css", "text/css; charset=utf-8", include_str!("../static/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../static/app.js")),
    ("icon.svg", "image/svg+xml", include_str!("../static/icon.svg")),
];

/// The script as it is served: its lines of comment stay here.
fn script(source: &str) -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("//") && !line.is_empty());
        lines.fold(String::new(), |all, line| all + line + "\n")
    })
}

/// A file as it is served: its content type and its content.
pub fn served(name: &str) -> Option<(&'static str, &'static str)> {
    let (_, kind, content) = FILES.iter().find(|(known, _, _)| *known == name)?;
    Some((kind, if name == "app.js" { script(content) } else { content }))
}

/// Hash of all files.
fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let mut hash = Sha256::new();
        FILES.iter().for_each(|(_, _, content)| hash.update(content.as_bytes()));
        HEXLOWER.encode(&hash.finalize()).chars().take(12).collect()
    })
}

/// Path of a file.
pub fn path(name: &str) -> String {
    format!("/static/{}/{name}", hash())
}

/// Answers a file; 404 for another hash.
pub async fn file(Path((of, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some((kind, content)) = served(&name).filter(|_| of == hash()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cached = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    packed(&headers, (cached, content).into_response(), content)
}

/// Keeps robots out.
pub async fn robots() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], "User-agent: *\nDisallow: /\n").into_response()
}
