//! The operator's own name, mark, colour and links (C8.1).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::app::App;
use shared::operations::model::console::{ConsoleSettings, Tones};

use crate::frame::{self, packed};
use crate::parts::logo;
use crate::visit::Visit;

/// Settings of the console, and how often they were written.
#[derive(Debug, Clone, Default)]
pub struct Brand {
    pub settings: Arc<ConsoleSettings>,
    version: u64,
}

impl Brand {
    /// Reads the settings; a page is not refused because its look can't be read.
    pub async fn of(app: &App) -> Self {
        match app.settings::<ConsoleSettings>().await {
            Ok(read) => Self { settings: read.settings, version: read.version },
            Err(fault) => {
                frame::log(&fault);
                Self::default()
            }
        }
    }

    /// Path of the style sheet with the operator's colour; none while it is the one of the main style sheet.
    pub fn sheet(&self) -> Option<String> {
        let is_own = self.settings.accent != ConsoleSettings::default().accent;
        is_own.then(|| format!("/static/brand-{}.css", self.version))
    }

    /// Source of the image in place of the mark, as the content security policy names it.
    pub fn image_source(&self) -> Option<&str> {
        let url = self.settings.logo_url.as_deref()?;
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let host = rest.get(..end)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let length = scheme.len().saturating_add(3).saturating_add(end);
        url.get(..length).filter(|_| !host.is_empty() && host.bytes().all(plain))
    }
}

/// The mark with the name, as a link to where the visitor begins.
pub fn mark(visit: &Visit) -> Markup {
    let settings = &visit.brand.settings;
    html! {
        a.brand href="/" {
            @match settings.logo_url.as_deref().filter(|_| visit.brand.image_source().is_some()) {
                Some(url) => { img src=(url) alt="" width="25" height="25" referrerpolicy="no-referrer"; }
                None => { (logo()) }
            }
            (settings.name)
        }
    }
}

/// Links to the operator's own pages.
pub fn links(visit: &Visit) -> Markup {
    let (text, settings) = (&visit.text, &visit.brand.settings);
    let all = [
        (&settings.home_url, text.foot_home(settings.name.as_str())),
        (&settings.terms_url, text.foot_terms()),
        (&settings.privacy_url, text.foot_privacy()),
        (&settings.support_url, text.foot_help()),
    ];
    html! {
        @for (url, name) in &all {
            @if let Some(url) = url { a href=(url) rel="noreferrer" { (name) } }
        }
    }
}

/// The style sheet with the operator's colour; under the name of another version it is kept by nobody.
pub async fn sheet(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let asked = name.strip_prefix("brand-").and_then(|rest| rest.strip_suffix(".css")?.parse::<u64>().ok());
    let Some(asked) = asked else { return StatusCode::NOT_FOUND.into_response() };
    let brand = Brand::of(&app).await;
    let Some((light, dark)) = brand.settings.tones() else { return StatusCode::NOT_FOUND.into_response() };
    let content = css(&light, &dark);
    let kept = match asked == brand.version {
        true => "public, max-age=31536000, immutable",
        false => "no-store",
    };
    let head = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, kept)];
    packed(&headers, (head, content.clone()).into_response(), &content)
}

fn css(light: &Tones, dark: &Tones) -> String {
    let (light, dark) = (tokens(light), tokens(dark));
    format!(
        ":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root:not([data-theme=\"light\"]) {{ {dark} }} }}\n\
         :root[data-theme=\"dark\"] {{ {dark} }}\n"
    )
}

fn tokens(of: &Tones) -> String {
    format!(
        "--accent: {}; --accent-hover: {}; --on-accent: {}; --accent-soft: {}; --accent-line: {}; --c1: {};",
        of.accent, of.hover, of.on_accent, of.soft, of.line, of.accent
    )
}
