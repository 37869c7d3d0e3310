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
        if page.form_with(button).of("method") == Some("get") {
            return self.open(&format!("{action}?{}", encoded(&fields))).await;
        }
        let sent = self.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        self.open(sent.headers[LOCATION].to_str().unwrap()).await
    }

    /// Fills in the form with this button, which leads to a page, and presses it.
    pub async fn show(&self, page: &Shown, button: &str, entries: &[(&str, &str)]) -> Shown {
        let (action, fields) = page.form(button, entries);
        self.open(&format!("{action}?{}", encoded(&fields))).await
    }

    /// Asks for what the script asks for.
    pub async fn fetch(&self, path: &str) -> serde_json::Value {
        let told = self.ask("GET", path, None, &[("accept", "application/json")]).await;
        serde_json::from_str(&told.text).unwrap_or_else(|_| panic!("{path}: {} {}", told.status, told.text))
    }

    /// Posts a form's fields.
    pub async fn send(&self, action: &str, fields: &[(String, String)], headers: &[(&str, &str)]) -> Shown {
        self.ask("POST", action, Some(encoded(fields)), headers).await
    }

    /// Sends a request, with the cookies and the language of this browser.
    pub async fn ask(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Shown {
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
    /// The first form with this button.
    fn form_with(&self, button: &str) -> &Element {
        let has = |form: &&Element| form.all("button").iter().any(|one| one.text().trim() == button);
        self.root.all("form").into_iter().find(has).unwrap_or_else(|| panic!("no {button} in {}", self.text))
    }

    /// Action and fields of the form with this button, with these entries, of which one may choose among radio buttons.
    pub fn form(&self, button: &str, entries: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let form = self.form_with(button);
        let buttons = form.all("button");
        let pressed = buttons.iter().find(|one| one.text().trim() == button).unwrap();
        for (name, _) in entries {
            let has = |one: &&Element| one.of("name") == Some(name);
            assert!(form.all("*").iter().any(has), "no field {name} in {}", self.text);
        }
        submitted(form, pressed, entries)
    }

    /// Every button of every form, in the order of the page.
    pub fn buttons(&self) -> Vec<(&Element, &Element)> {
        let forms = self.root.all("form").into_iter();
        forms.flat_map(|form| form.all("button").into_iter().map(move |button| (form, button))).collect()
    }

    /// Target of the link with this text.
    pub fn link(&self, text: &str) -> String {
        let links = self.root.all("a");
        let link = links.iter().find(|link| link.text().trim() == text).unwrap_or_else(|| panic!("no link {text}"));
        link.of("href").unwrap().to_owned()
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

/// Action and fields of a form whose button is pressed; an entry takes the place of the field with its name.
pub fn submitted(form: &Element, pressed: &Element, entries: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in form.all("input").into_iter().filter(|input| input.of("name").is_some()) {
        let is_choice = input.of("type") == Some("radio") || input.of("type") == Some("checkbox");
        if !is_choice || input.of("checked").is_some() {
            let value = input.of("value").unwrap_or_default();
            fields.push((input.of("name").unwrap().to_owned(), value.to_owned()));
        }
    }
    for select in form.all("select") {
        let options = select.all("option");
        let chosen = options.iter().find(|option| option.of("selected").is_some()).or(options.first()).unwrap();
        fields.push((select.of("name").unwrap().to_owned(), chosen.of("value").unwrap_or_default().to_owned()));
    }
    for area in form.all("textarea") {
        fields.push((area.of("name").unwrap().to_owned(), area.text()));
    }
    for (name, value) in entries {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields.extend(pressed.of("name").map(|name| (name.to_owned(), pressed.of("value").unwrap().to_owned())));
    (pressed.of("formaction").or(form.of("action")).unwrap().to_owned(), fields)
}

pub fn encoded(fields: &[(String, String)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
