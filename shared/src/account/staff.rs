//! Needs of staff beside a session: that they are there (C5.3), and for dangerous acts a password entered a moment ago (C5.6).
//!
//! Both are cookies that name the session, so neither is worth anything with another one.

use jiff::Timestamp;
use kernel::refusal::Refusal;
use subtle::ConstantTimeEq;

use crate::account::browser::{BrowserSession, STAFF_HOURS, Visitor};
use crate::account::model::second_factor::FactorState;
use crate::app::App;

/// Seconds without a page after which staff sign in again.
const IDLE: i64 = 30 * 60;
/// Seconds after which the time of the last page is told to the browser anew.
const RENEWED: i64 = 5 * 60;
/// Seconds that a page asks to be left of an entered password, so that its form can be filled in.
pub const FRESH_LEFT: i64 = 5 * 60;

/// Routes of staff and agents, which the form adapter opens only to who is there.
const STAFF: [&str; 6] =
    ["/v1/admin/", "/v1/agency/", "/v1/assets", "/v1/series", "/v1/shop-series-grants", "/v1/shops"];

/// Method and path of the routes that need a password entered a moment ago, in the form adapter; `{}` stands for any segment.
pub const DANGEROUS: &[(&str, &str)] = &[
    ("POST", "/v1/admin/payment/orders/{}/refunds"),
    ("POST", "/v1/admin/payment/orders/{}/refunds/{}/confirm"),
    ("POST", "/v1/admin/payment/orders/{}/complete"),
    ("POST", "/v1/admin/payment/orders/{}/complete/undo"),
    ("POST", "/v1/admin/payment/reviews/{}/resolve"),
    ("POST", "/v1/admin/payment/reviews/{}/confirm"),
    ("POST", "/v1/admin/withdrawals/{}/approve"),
    ("POST", "/v1/admin/withdrawals/approve"),
    ("POST", "/v1/admin/users/{}/adjustments"),
    ("PUT", "/v1/admin/users/{}/role"),
    ("POST", "/v1/admin/users/{}/erase"),
    ("POST", "/v1/admin/users/{}/second-factor/reset"),
    ("POST", "/v1/admin/commissions"),
    ("POST", "/v1/admin/commissions/{}/reverse"),
    ("POST", "/v1/admin/commissions/reverse"),
    ("PUT", "/v1/admin/redemption/batches/{}/status"),
    ("POST", "/v1/admin/redemption/records/{}/undo"),
    ("POST", "/v1/admin/shops/{}/adjustments"),
    ("POST", "/v1/admin/service-keys"),
    ("DELETE", "/v1/admin/service-keys/{}"),
];

/// True for a route of [`DANGEROUS`].
pub fn is_dangerous(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_as_long = |known: &str| known.split('/').count() == path.split('/').count();
    let fits =
        |known: &str| known.split('/').zip(path.split('/')).all(|(known, asked)| known == "{}" || known == asked);
    DANGEROUS.iter().any(|(with, known)| *with == method && is_as_long(known) && fits(known))
}

/// True for a route that the form adapter opens only to who is there.
pub fn is_of_staff(path: &str) -> bool {
    STAFF.iter().any(|routes| path.starts_with(routes))
}

/// Presence of staff at their browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// They are; with a new value of the cookie when the browser should be told.
    Here(Option<String>),
    /// They have been away for too long, or are signed in for too long.
    Away,
}

/// Presence of staff: seen within half an hour, in a session younger than half a day (C5.3); `seen` is the cookie of their last page.
pub fn presence(app: &App, visitor: &Visitor, seen: Option<&str>) -> Presence {
    let now = app.clock.now();
    let seconds = |since: Timestamp| now.duration_since(since).as_secs();
    let told = seen.and_then(|text| read_seen(app, &visitor.session, text));
    // A session that has just begun has seen no page yet.
    let seen = told.map_or(visitor.since, |told| told.max(visitor.since));
    if seconds(visitor.since) >= STAFF_HOURS.saturating_mul(3_600) || seconds(seen) > IDLE {
        return Presence::Away;
    }
    Presence::Here((seconds(seen) > RENEWED).then(|| write_seen(app, &visitor.session, now)))
}

fn write_seen(app: &App, session: &BrowserSession, at: Timestamp) -> String {
    let second = at.as_second();
    let proof = app.config.secret.hex("seen", &[session.claims.sid.to_string().as_bytes(), &second.to_be_bytes()]);
    format!("{second}.{proof}")
}

fn read_seen(app: &App, session: &BrowserSession, text: &str) -> Option<Timestamp> {
    let at = Timestamp::from_second(text.split_once('.')?.0.parse().ok()?).ok()?;
    let is_ours = bool::from(write_seen(app, session, at).as_bytes().ct_eq(text.as_bytes()));
    (at <= app.clock.now() && is_ours).then_some(at)
}

/// Seconds for which a visitor's password still counts as just entered, by the cookie `token`, and the second factor of who has one
/// as just given (R2.12); 0 if one of them was not.
pub fn fresh_seconds(app: &App, visitor: &Visitor, token: Option<&str>) -> i64 {
    let entered = entered_seconds(app, &visitor.session, token);
    match visitor.user.second_factor(visitor.session.claims.second_factor_given(), app.clock.now()) {
        FactorState::Off => entered,
        FactorState::Missing => 0,
        FactorState::Given(left) => entered.min(left),
    }
}

/// Seconds for which the session's password still counts as just entered, by the cookie `token`; 0 if it was not.
fn entered_seconds(app: &App, session: &BrowserSession, token: Option<&str>) -> i64 {
    let now = app.clock.now();
    let entered = token.and_then(|token| app.keys.verify(token, &app.config.public_base_url, now));
    let is_ours = |bearer| bearer == session.claims.bearer();
    entered.filter(|claims| is_ours(claims.bearer())).map_or(0, |claims| claims.exp.saturating_sub(now.as_second()))
}

/// Requires a password entered a moment ago, of a route that is dangerous; the second factor is asked for by the route itself.
///
/// # Rejects
/// [`Refusal::FreshPasswordRequired`].
pub fn must_be_fresh(
    app: &App,
    session: &BrowserSession,
    token: Option<&str>,
    method: &str,
    path: &str,
) -> Result<(), Refusal> {
    if is_dangerous(method, path) && entered_seconds(app, session, token) <= 0 {
        return Err(Refusal::FreshPasswordRequired);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C5.6: ids stand for themselves; another method, a longer and a shorter path are other routes.
    #[test]
    fn a_dangerous_route_is_known_by_method_and_path() {
        assert!(is_dangerous("POST", "/v1/admin/payment/orders/ord_1/refunds"));
        assert!(is_dangerous("POST", "/v1/admin/payment/orders/ord_1/refunds/rfd_1/confirm"));
        assert!(is_dangerous("DELETE", "/v1/admin/service-keys/key_1?x=y"));
        for (method, path) in [
            ("GET", "/v1/admin/payment/orders/ord_1/refunds"),
            ("POST", "/v1/admin/payment/orders/ord_1/verify"),
            ("POST", "/v1/admin/payment/orders/ord_1/refunds/rfd_1"),
            ("POST", "/v1/admin/payment/orders"),
            ("DELETE", "/v1/admin/service-keys"),
        ] {
            assert!(!is_dangerous(method, path), "{method} {path}");
        }
    }
}
