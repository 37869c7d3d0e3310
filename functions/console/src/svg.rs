//! Drawings of the pages for paying and inviting: QR codes and marks.

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around a code, which readers need.
const QUIET: i32 = 4;

/// A QR code, always dark on white; `None` for a text that fits no code.
pub fn qr(text: &str, label: Option<&str>) -> Option<Markup> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let side = QUIET.saturating_mul(2).saturating_add(code.size());
    let ground = format!("M0 0h{side}v{side}h-{side}z");
    let view = format!("0 0 {side} {side}");
    Some(html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) role=[label.map(|_| "img")] aria-label=[label] shape-rendering="crispEdges" {
            path fill="#fff" d=(ground) {}
            path stroke="#111" d=(modules(&code)) {}
        }
    })
}

/// The dark modules as one path: a line for each run.
fn modules(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let run = i32::try_from(run).unwrap_or(0);
            if run > 0 {
                let (left, top) = (x.saturating_add(QUIET), y.saturating_add(QUIET));
                path.push_str(&format!("M{left} {top}.5h{run}"));
            }
            x = x.saturating_add(run.max(1));
        }
    }
    path
}

/// The mark of a way to pay.
pub fn way(method: &str) -> Markup {
    let lines: &[&str] = match method {
        "alipay" => &[
            "M7.5 8.5h9M12 6.5v4M8 11.5h8c-.8 3-3.2 5.5-6.3 5.5-1.5 0-2.4-.8-2.4-1.9 0-1.3 1.1-2 2.5-2 2.5 0 5 1.5 7.7 2.6",
        ],
        "wxpay" => &[
            "M9.5 4C5.4 4 2.5 6.6 2.5 9.7c0 1.8 1 3.3 2.5 4.4l-.6 2 2.4-1.1c.9.2 1.7.3 2.7.3",
            "M21.5 14.8c0-2.7-2.6-4.8-5.8-4.8s-5.8 2.1-5.8 4.8 2.6 4.8 5.8 4.8c.7 0 1.3-.1 1.9-.2l2 .9-.5-1.7c1.5-.9 2.4-2.3 2.4-3.8z",
        ],
        _ => &[
            "M3 8a2.5 2.5 0 0 1 2.5-2.5h13A2.5 2.5 0 0 1 21 8v8a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 3 16zM3 10h18M7 15h3.5",
        ],
    };
    html! {
        svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true" {
            @if method == "alipay" { rect x="3.5" y="3.5" width="17" height="17" rx="4" {} }
            @for line in lines { path d=(line) {} }
        }
    }
}

/// The mark of a note.
pub fn info() -> Markup {
    html! {
        svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.7" aria-hidden="true" {
            circle cx="10" cy="10" r="7.5" {}
            path d="M10 9v4.5M10 6.3v.2" stroke-linecap="round" {}
        }
    }
}

/// The mark of copying.
pub fn copy() -> Markup {
    html! {
        svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true" {
            rect x="5.5" y="5.5" width="8" height="8" rx="1.5" {}
            path d="M10.5 3.5v-.2A.8.8 0 0 0 9.7 2.5H3.3a.8.8 0 0 0-.8.8v6.4c0 .4.4.8.8.8h.2" {}
        }
    }
}

/// The mark of a file to save.
pub fn save() -> Markup {
    html! {
        svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true" {
            path d="M8 2.5v7.5M4.8 7.2 8 10.4l3.2-3.2M3 13.5h10" {}
        }
    }
}
