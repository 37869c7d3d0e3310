//! A browser without script: cookies, forms found by their buttons, redirects. Every page it meets is checked as HTML.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Request;
use http::header::{CONTENT_ENCODING, LOCATION, SET_COOKIE};

use super::markup::{self, Element};
use crate::world::World;

const HOST: &str = "127.0.0.1:3000";

/// A browser in a language.
pub struct Browser<'a> {
    world: &'a World,
    language: &'static str,
    pub cookies: Mutex<BTreeMap<String, String>>,
}

/// A page, or another answer.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    pub path: String,
    pub headers: http::HeaderMap,
    pub text: String,
    pub root: Element,
}

impl<'a> Browser<'a> {
    pub fn new(world: &'a World, language: &'static str) -> Self {
        Self { world, language, cookies: Mutex::default() }
    }

    /// Opens a page, following redirects.
    pub async fn open(&self, path: &str) -> Shown {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let shown = self.ask("GET", &path, None, &[]).await;
            match shown.headers.get(LOCATION) {
                Some(to) => path = to.to_str().unwrap().to_owned(),
                None => return shown,
            }
        }
        panic!("{path} leads in circles");
    }

    /// Fills in the form with this button and presses it, following the redirect.
    pub async fn press(&self, page: &Shown, button: &str, entries: &[(&str, &str)]) -> Shown {
        let (action, fields) = page.form(button, entries);
        let sent = self.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        self.open(sent.headers[LOCATION].to_str().unwrap()).await
    }

    /// Posts a form's fields.
    pub async fn send(&self, action: &str, fields: &[(String, String)], headers: &[(&str, &str)]) -> Shown {
        let body: String = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect::<Vec<_>>()
            .join("&");
        self.ask("POST", action, Some(body), headers).await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Shown {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        request = request.header("accept-language", self.language).header("accept-encoding", "gzip");
        let jar = self.cookies.lock().unwrap().clone();
        for (name, value) in jar {
            request = request.header("cookie", format!("{name}={value}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.unwrap_or_default())).unwrap();
        let (parts, body) = self.world.stack.http(request, "203.0.113.9").await.into_parts();
        for line in parts.headers.get_all(SET_COOKIE) {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut jar = self.cookies.lock().unwrap();
            match value {
                "" => drop(jar.remove(name)),
                value => drop(jar.insert(name.to_owned(), value.to_owned())),
            }
        }
        let mut text = String::new();
        if parts.headers.get(CONTENT_ENCODING).is_some() {
            GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(body.to_vec()).unwrap();
        }
        let is_page = parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let root = if is_page { markup::checked(&text, path) } else { Element::default() };
        Shown { status: parts.status.as_u16(), path: path.to_owned(), headers: parts.headers, text, root }
    }
}

impl Shown {
    /// Action and fields of the form with this button, with these entries.
    pub fn form(&self, button: &str, entries: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let forms = self.root.all("form");
        let has = |form: &&Element| form.all("button").iter().any(|one| one.text().trim() == button);
        let form = *forms.iter().find(|form| has(form)).unwrap_or_else(|| panic!("no {button} in {}", self.text));
        let mut fields: Vec<(String, String)> = Vec::new();
        for input in form.all("input") {
            let value = input.of("value").unwrap_or_default();
            fields.push((input.of("name").unwrap().to_owned(), value.to_owned()));
        }
        for (name, value) in entries {
            let at = fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| panic!("no field {name}"));
            fields[at].1 = (*value).to_owned();
        }
        (form.of("action").unwrap().to_owned(), fields)
    }

    /// Text of the page.
    pub fn says(&self) -> String {
        self.root.text()
    }

    /// Its heading.
    pub fn heading(&self) -> String {
        self.root.all("h1")[0].text()
    }
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
