//! Cookies of browsers.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Browser session (C5.1).
pub const SESSION: &str = "__Host-session";
/// Token of a password entered a moment ago (C5.6).
pub const FRESH: &str = "__Host-fresh";
/// Time of the last page of staff (C5.3).
pub const SEEN: &str = "__Host-seen";
/// Message of the form adapter to the next page (C6.8).
pub const FLASH: &str = "__Host-flash";
/// Device token (R2.9).
pub const DEVICE: &str = "__Host-device";
/// Password that was right a moment ago, while the code of the second factor is asked for (R2.12).
pub const FACTOR: &str = "__Host-factor";
/// Pending sign-up.
pub const SIGNUP: &str = "__Host-signup";

/// Cookies of a request.
#[derive(Debug, Clone, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Reads the cookies of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a cookie.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sites that may bring a cookie along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Also another site's link to a page.
    Lax,
    /// This site only.
    Strict,
}

/// The `Set-Cookie` of a cookie that scripts can't read, for so many seconds; 0 seconds remove it.
pub fn set(name: &str, value: &str, same_site: SameSite, seconds: i64) -> Option<HeaderValue> {
    let site = if same_site == SameSite::Lax { "Lax" } else { "Strict" };
    let line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={site}; Max-Age={seconds}");
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cookies_are_read_from_every_line() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; __Host-session=x=y"));
        headers.append(COOKIE, HeaderValue::from_static("b="));
        let cookies = Cookies::of(&headers);
        assert_eq!((cookies.get("a"), cookies.get(SESSION), cookies.get("b")), (Some("1"), Some("x=y"), Some("")));
        assert_eq!(cookies.get("c"), None);
        let set = set(SESSION, "v", SameSite::Lax, 60).unwrap();
        assert_eq!(set, "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
    }
}
