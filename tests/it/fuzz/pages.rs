//! Fuzzed pages and forms.
//! An input has caller and path on the first line. With `press 2` on the second, the third button of the page that opens is
//! pressed, with what the next lines enter into its form (`amount=100`).
//! Each page is read as the standard's parser reads it, and must hold what every page holds: see `page::markup`.

use http::header::LOCATION;

use super::lasting::Things;
use super::worlds;
use crate::page::client::{Browser, Shown, encoded, submitted};
use crate::world::World;

/// Pages of users and strangers; those of staff and agents have tables of their own.
const USERS: &[&str] = &[
    "/",
    "/sign-in",
    "/register",
    "/verify",
    "/confirm-password",
    "/sign-in?step=totp",
    "/account/second-factor",
    "/home",
    "/records",
    "/reset",
    "/account",
    "/account/records.csv",
    "/redeem",
    "/affiliate",
    "/affiliate/off",
    "/affiliate/withdraw",
    "/affiliate/withdraw/confirm",
    "/affiliate/withdrawals",
    "/top-up",
    "/top-up/price",
    "/orders",
    "/orders/{id}",
    "/orders/{id}/cancel",
    "/orders/{id}/state",
    "/payment/result",
    "/invite",
    "/invite/rewards",
    "/invite/qr.svg",
    "/sorry",
];

/// Queries that some pages take.
const QUERIES: &[&str] = &[
    "",
    "?cursor=next&user=usr_0&status=paid&from=2026-11-20&to=2026-11-20",
    "?amount=-100&remark=x&currency=CNY&provider=zpay",
    "?email=ann@example.com&code=redeem_0&next=/orders&kind=all&q=ord_0",
    "?lang=zh-CN&theme=dark&ref=code_0&status=503&flash=saved",
];

/// Entries that some forms take; those that a form has not are sent all the same.
const ENTRIES: &str = "amount=12.5\nremark=for a test\nemail=bob@example.com\nstatus=disabled\nreason=other";

/// A name of the world for each hole of a path.
fn filled(path: &str) -> String {
    let kind = path.split('/').find_map(|segment| {
        Some(match segment {
            "users" => "usr_0",
            "orders" | "reviews" => "ord_0",
            "plans" => "pln_0",
            "batches" => "bat_0",
            "codes" => "redeem_0",
            "redemptions" => "rdm_0",
            "withdrawals" => "wdr_0",
            "payout-batches" => "pbt_0",
            "commissions" => "cms_0",
            "keys" => "svk_0",
            "webhooks" => "whe_0",
            "shops" => "shp_0",
            "series" => "ser_0",
            "grants" => "grt_0",
            "assets" => "ast_0",
            "sales" => "ago_0",
            _ => return None,
        })
    });
    let filled = path.replace("{package_id}", "pkg_0").replace("{refund_id}", "rfd_0").replace("{area}", "payment");
    let filled = filled.replace("{date}", "2026-11-20").replace("{code}", "redeem_0");
    filled.replace("{id}", kind.unwrap_or("usr_0"))
}

/// Each page with and without a query, and with each of its first buttons pressed.
fn seeds() -> Vec<Vec<u8>> {
    let staff = console::admin::pages::PAGES.iter().map(|(path, _)| ("admin", *path));
    let agents = console::shop::pages::PAGES.iter().map(|path| ("ivy", *path));
    let pages = USERS.iter().map(|path| ("ann", *path)).chain(staff).chain(agents);
    let mut seeds = Vec::new();
    for (nth, (who, path)) in pages.enumerate() {
        let path = filled(path);
        seeds.push(format!("{who} {path}{}", QUERIES[nth % QUERIES.len()]).into_bytes());
        seeds.extend((0..3).map(|button| format!("{who} {path}\npress {button}\n{ENTRIES}").into_bytes()));
    }
    seeds
}

/// Opens a path as a browser does, which goes only where the console leads.
async fn opened(browser: &Browser<'_>, path: &str) -> Shown {
    let mut path = path.to_owned();
    for _ in 0..8 {
        let shown = browser.ask("GET", &path, None, &[]).await;
        let Some(to) = shown.headers.get(LOCATION) else {
            assert!(shown.status < 500 || path.starts_with("/sorry"), "{path} answers {} {}", shown.status, shown.text);
            return shown;
        };
        path = led(to.to_str().unwrap(), &path).to_owned();
    }
    panic!("{path} leads in circles");
}

/// C5.8: no page leads to an address of another origin.
fn led<'t>(to: &'t str, from: &str) -> &'t str {
    let provider = "http://127.0.0.1:";
    assert!((to.starts_with('/') && !to.starts_with("//")) || to.starts_with(provider), "{from} leads to {to}");
    to
}

async fn played(world: &World, things: &Things, input: &[u8]) {
    let text = things.put(&String::from_utf8_lossy(input));
    let mut lines = text.lines();
    let Some((who, path)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    // The description of the API is another program's page, with a policy of its own.
    let is_path = path.starts_with('/') && !path.starts_with("/docs") && path.parse::<http::Uri>().is_ok();
    if !is_path || world.stack.template.route("GET", path.split('?').next().unwrap_or_default()).is_none() {
        return;
    }
    let browser = things.browser(world, who).await;
    let page = opened(&browser, path).await;
    let button = lines.next().and_then(|line| line.strip_prefix("press ")).and_then(|nth| nth.parse::<usize>().ok());
    let buttons = page.buttons();
    let (Some(nth), false) = (button, buttons.is_empty()) else { return };
    let (form, pressed) = buttons[nth % buttons.len()];
    let entries: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
    let (action, fields) = submitted(form, pressed, &entries);
    if pressed.of("formmethod").or(form.of("method")) == Some("get") {
        opened(&browser, &format!("{action}?{}", encoded(&fields))).await;
        return;
    }
    let sent = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin"), ("accept", "text/html")]).await;
    assert_eq!(sent.status, 303, "{action} {fields:?}: {}", sent.text);
    let to = led(sent.headers[LOCATION].to_str().unwrap(), &action);
    if to.starts_with('/') {
        opened(&browser, to).await;
    }
}

/// C6.1–C6.6, C9.1: a page answers any question with a page, and any form leads to one; the books are right afterwards.
#[test]
fn any_page_and_any_form_lead_to_a_page_and_the_books_are_right() {
    worlds!("pages", seeds(), played);
}
