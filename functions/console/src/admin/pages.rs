//! The table of the pages of staff, and the gate that it is for.
//!
//! A page that is not in the table has no route, so no page is without its rule. The authorization matrix walks the same table.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use maud::html;
use shared::account::browser::Visitor;
use shared::account::model::identity::Role;
use shared::account::model::scope::AdminScope;
use shared::account::model::second_factor::FactorAsked;
use shared::account::model::user::User;
use shared::account::staff::{self, Presence};
use shared::account::view::must_have_given;
use shared::app::App;
use shared::edge::cookies::{Cookies, FRESH, SEEN, SameSite, set};
use shared::kernel::fault::{Error, Fault};
use shared::kernel::refusal::Refusal;

use super::agency::{assets, grants, packages, sales, sell, series, shops, wallets};
use super::filters::Days;
use super::orders::{self, act, file};
use super::users::acts;
use super::vouchers::{batches, codes, plans, redemptions};
use super::{audit, coupons, growth, keys, risk, settings, users, webhooks};
use super::{
    find, ledger, liabilities, overview, payouts, reconciliations, reviews, stats, together, withdrawals, years,
};
use crate::factor;
use crate::frame;
use crate::list::Part;
use crate::visit::{Visit, failed, link, redirect, to_sign_in};

/// Seconds for which a browser keeps the time of its last page.
const SEEN_SECONDS: i64 = 12 * 3_600;

/// Codes of a form that was refused for want of a password or a second factor, and what it becomes once that is entered.
const NEEDS_FRESH: [&str; 2] = ["fresh_password_required", "second_factor_required"];
const CONFIRMED: &str = "password_confirmed";

/// Visitors of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenTo {
    /// Admins with any scope, or without.
    Staff,
    /// Admins without scopes, and those with this one.
    With(AdminScope),
    /// Admins without scopes.
    Admins,
}

/// Rule of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub open_to: OpenTo,
    /// True for a page with a dangerous form: it leads through the page that asks for the password once more (C5.6).
    pub fresh: bool,
}

impl Rule {
    pub const STAFF: Self = Self { open_to: OpenTo::Staff, fresh: false };
    pub const ADMINS: Self = Self { open_to: OpenTo::Admins, fresh: false };

    /// Open to admins with this scope.
    pub const fn with(scope: AdminScope) -> Self {
        Self { open_to: OpenTo::With(scope), fresh: false }
    }

    /// The same rule for a page with a dangerous form.
    #[must_use]
    pub const fn fresh(self) -> Self {
        Self { fresh: true, ..self }
    }

    /// True if the user may see the page.
    pub fn admits(self, user: &User) -> bool {
        match self.open_to {
            OpenTo::Staff => user.role == Role::Admin,
            OpenTo::With(scope) => user.must_be_admin(Some(scope)).is_ok(),
            OpenTo::Admins => user.must_be_admin(None).is_ok(),
        }
    }
}

/// Rule of the pages of redemption codes.
const CODES: Rule = Rule::with(AdminScope::CodesIssue);
/// Rule of the pages of the agency.
const GRANTS: Rule = Rule::with(AdminScope::GrantsWrite);
/// Rules of several pages.
const ORDERS: Rule = Rule::with(AdminScope::OrdersRead);
const WITHDRAWALS: Rule = Rule::with(AdminScope::WithdrawalsApprove);

macro_rules! pages {
    ($($path:literal, $rule:expr => $page:path;)*) => {
        /// Every page of staff with its rule.
        pub const PAGES: &[(&str, Rule)] = &[$(($path, $rule)),*];

        /// The pages.
        pub fn router() -> Router<Arc<App>> {
            Router::new()$(.route($path, get($page)))*
        }
    };
}

pages![
    "/admin", Rule::with(AdminScope::StatsRead) => overview::overview;
    "/admin/settings", Rule::with(AdminScope::SettingsWrite) => settings::areas;
    "/admin/settings/{area}", Rule::with(AdminScope::SettingsWrite) => settings::area;
    "/admin/simulations/{area}", Rule::with(AdminScope::SettingsWrite) => settings::simulation::simulation;
    "/admin/users", Rule::ADMINS => users::list;
    "/admin/users/{id}", Rule::ADMINS => users::show;
    "/admin/users/{id}/programmes", Rule::ADMINS => users::programmes;
    "/admin/users/{id}/adjust", Rule::ADMINS.fresh() => acts::adjust;
    "/admin/users/{id}/commission", Rule::ADMINS.fresh() => acts::post_commission;
    "/admin/users/{id}/role", Rule::ADMINS.fresh() => acts::role;
    "/admin/users/{id}/second-factor", Rule::ADMINS.fresh() => acts::second_factor;
    "/admin/users/{id}/erase", Rule::ADMINS.fresh() => acts::erase;
    "/admin/plans", CODES => plans::list;
    "/admin/plans/new", Rule::ADMINS => plans::new;
    "/admin/plans/{id}", Rule::ADMINS => plans::show;
    "/admin/batches", CODES => batches::list;
    "/admin/batches/new", CODES => batches::new;
    "/admin/batches/{id}", CODES => batches::show;
    "/admin/batches/{id}/state", CODES => batches::progress_of;
    "/admin/batches/{id}/export.csv", CODES => batches::sheet;
    "/admin/batches/{id}/status", CODES.fresh() => batches::status;
    "/admin/codes", CODES => codes::list;
    "/admin/codes/delete", Rule::ADMINS => codes::delete;
    "/admin/codes/{code}", CODES => codes::show;
    "/admin/redemptions", Rule::ADMINS => redemptions::list;
    "/admin/redemptions/{id}/undo", Rule::ADMINS.fresh() => redemptions::undo;
    "/admin/keys", Rule::ADMINS.fresh() => keys::list;
    "/admin/keys/{id}/revoke", Rule::ADMINS.fresh() => keys::revoke;
    "/admin/webhooks", Rule::ADMINS => webhooks::list;
    "/admin/webhooks/{id}", Rule::ADMINS => webhooks::show;
    "/admin/webhooks/{id}/delete", Rule::ADMINS => webhooks::delete;
    "/admin/referrals", Rule::ADMINS => growth::referrals;
    "/admin/rewards", Rule::ADMINS => growth::rewards;
    "/admin/commissions", Rule::ADMINS => growth::commissions;
    "/admin/commissions/together", Rule::ADMINS.fresh() => together::commissions;
    "/admin/commissions/{id}/release", Rule::ADMINS.fresh() => growth::release;
    "/admin/commissions/{id}/reverse", Rule::ADMINS.fresh() => growth::reverse;
    "/admin/audit", Rule::ADMINS => audit::list;
    "/admin/shops", GRANTS => shops::list;
    "/admin/shops/new", GRANTS => shops::new;
    "/admin/shops/{id}", GRANTS => shops::show;
    "/admin/shops/{id}/wallet", GRANTS => wallets::show;
    "/admin/shops/{id}/adjust", Rule::ADMINS.fresh() => wallets::adjust;
    "/admin/series", GRANTS => series::list;
    "/admin/series/new", GRANTS => series::new;
    "/admin/series/{id}", GRANTS => series::show;
    "/admin/series/{id}/packages/new", GRANTS => packages::new;
    "/admin/series/{id}/packages/{package_id}", GRANTS => packages::show;
    "/admin/grants", GRANTS => grants::list;
    "/admin/grants/new", GRANTS => grants::new;
    "/admin/grants/{id}", GRANTS => grants::show;
    "/admin/grants/{id}/packages", GRANTS => grants::packages_form;
    "/admin/grants/{id}/packages/{package_id}", GRANTS => grants::retail;
    "/admin/grants/{id}/delete", GRANTS => grants::delete;
    "/admin/assets", GRANTS => assets::list;
    "/admin/assets/new", GRANTS => assets::new;
    "/admin/assets/{id}", GRANTS => assets::show;
    "/admin/assets/{id}/sell", Rule::ADMINS => sell::sell;
    "/admin/sales", GRANTS => sales::list;
    "/admin/sales.csv", GRANTS => sales::sales_file;
    "/admin/sales/commissions", GRANTS => sales::commissions;
    "/admin/sales/commissions.csv", GRANTS => sales::commissions_file;
    "/admin/sales/{id}", GRANTS => sales::show;
    "/admin/coupons", ORDERS => coupons::list;
    "/admin/risk", Rule::ADMINS => risk::list;
    "/admin/risk/together", Rule::ADMINS.fresh() => risk::several;
    "/admin/risk/{id}/release", Rule::ADMINS.fresh() => risk::release;
    "/admin/risk/{id}/reject", Rule::ADMINS.fresh() => risk::reject;
    "/admin/find", Rule::STAFF => find::find;
    "/admin/orders", ORDERS => orders::list;
    "/admin/orders.csv", ORDERS => orders::sheet;
    "/admin/orders/{id}", ORDERS => file::show;
    "/admin/orders/{id}/refund", Rule::with(AdminScope::OrdersRefund).fresh() => act::refund;
    "/admin/orders/{id}/refunds/{refund_id}", Rule::with(AdminScope::OrdersRefund).fresh() => act::confirm_made;
    "/admin/orders/{id}/complete", Rule::ADMINS.fresh() => act::complete;
    "/admin/orders/{id}/bonus", Rule::ADMINS.fresh() => act::bonus;
    "/admin/orders/{id}/undo", Rule::ADMINS.fresh() => act::undo;
    "/admin/reviews", ORDERS => reviews::list;
    "/admin/reviews/{id}", ORDERS => reviews::show;
    "/admin/reviews/{id}/resolve", Rule::ADMINS.fresh() => reviews::resolve;
    "/admin/reviews/{id}/confirm", Rule::ADMINS.fresh() => reviews::confirm_back;
    "/admin/reconciliations", ORDERS => reconciliations::list;
    "/admin/reconciliations/{date}", ORDERS => reconciliations::show;
    "/admin/withdrawals", WITHDRAWALS => withdrawals::list;
    "/admin/withdrawals/together", WITHDRAWALS.fresh() => together::withdrawals;
    "/admin/withdrawals/{id}", WITHDRAWALS => withdrawals::show;
    "/admin/withdrawals/{id}/pay", WITHDRAWALS.fresh() => withdrawals::pay;
    "/admin/withdrawals/{id}/reject", WITHDRAWALS => withdrawals::reject;
    "/admin/payout-batches", WITHDRAWALS => payouts::list;
    "/admin/payout-batches/new", WITHDRAWALS.fresh() => payouts::new;
    "/admin/payout-batches/{id}", WITHDRAWALS => payouts::show;
    "/admin/payout-batches/{id}/act", WITHDRAWALS.fresh() => payouts::act;
    "/admin/payout-batches/{id}/file.csv", WITHDRAWALS => payouts::csv;
    "/admin/payout-batches/{id}/file.xml", WITHDRAWALS => payouts::xml;
    "/admin/affiliate-years", Rule::ADMINS => years::list;
    "/admin/affiliate-years.csv", Rule::ADMINS => years::sheet;
    "/admin/ledger", Rule::ADMINS => ledger::list;
    "/admin/stats", Rule::with(AdminScope::StatsRead) => stats::stats;
    "/admin/stats.csv", Rule::with(AdminScope::StatsRead) => stats::sheet;
    "/admin/liabilities", Rule::with(AdminScope::StatsRead) => liabilities::liabilities;
    "/admin/liabilities.csv", Rule::with(AdminScope::StatsRead) => liabilities::sheet;
];

/// Rule of the page with this path of the router.
pub fn rule_of(path: &str) -> Option<Rule> {
    PAGES.iter().find(|(known, _)| *known == path).map(|(_, rule)| *rule)
}

/// Visit of a page of staff by somebody whom its rule admits; anybody else meets the sign-in page or who may.
pub struct Staff(pub Visit);

impl Staff {
    /// The admin.
    ///
    /// # Errors
    /// A bug: the gate lets nobody in without an account.
    pub fn admin(&self) -> Result<&Visitor, Fault> {
        self.0.member()
    }

    /// True if the admin may see this page of the table.
    pub fn may(&self, page: &str) -> bool {
        self.admin().is_ok_and(|admin| rule_of(page).is_some_and(|rule| rule.admits(&admin.user)))
    }

    /// The part of a list, filtered like this, that the query names; the first without it.
    ///
    /// # Rejects
    /// `forged_cursor` for a cursor of another list, another filter, another admin, or nobody.
    pub fn part(&self, filter: &impl std::fmt::Debug, days: Days) -> Result<Part, Refusal> {
        let admin = self.0.visitor.as_ref().ok_or(Refusal::Unauthenticated)?.user.id;
        Ok(Part::of(&self.0, admin, "cursor", &format!("{filter:?}:{days:?}"))?.within(days.times()))
    }

    /// The same visit with what is wrong with its query, told as a refused form tells it.
    #[must_use]
    pub fn wrong(mut self, refusal: &Refusal) -> Self {
        self.0.refuse(refusal);
        self
    }
}

impl FromRequestParts<Arc<App>> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let mut visit = Visit::of_member(parts, app).await?;
        let page = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let Some(rule) = rule_of(page) else {
            return Err(failed(&visit, &Fault::bug("a page of staff outside the table")));
        };
        let cookies = Cookies::of(&parts.headers);
        let visitor = visit.member().map_err(|fault| failed(&visit, &fault))?;
        if !rule.admits(&visitor.user) {
            return Err(not_for_you(&visit, rule));
        }
        let left = staff::fresh_seconds(app, visitor, cookies.get(FRESH));
        let factor = must_have_given(app, &visitor.user, &visitor.session.claims, FactorAsked::Once).await;
        if !is_there(&mut visit).map_err(|fault| failed(&visit, &fault))? {
            return Err(to_sign_in(parts));
        }
        match factor {
            Err(Error::Refused(Refusal::SecondFactorEnrolmentRequired)) => return Err(redirect(factor::PAGE)),
            Err(Error::Refused(_)) => return Err(redirect(&to_confirm(&visit))),
            Err(Error::Fault(fault)) => return Err(failed(&visit, &fault)),
            Ok(()) => {}
        }
        if rule.fresh && left < staff::FRESH_LEFT {
            return Err(redirect(&to_confirm(&visit)));
        }
        // The form was refused for want of a password, which has been entered since.
        if let Some(flash) = visit.flash.as_mut().filter(|flash| NEEDS_FRESH.contains(&&*flash.code) && left > 0) {
            flash.code = CONFIRMED.to_owned();
        }
        Ok(Self(visit))
    }
}

/// True if the visitor has been here a while ago at the latest; the browser is told of this page in time (C5.3).
///
/// # Errors
/// A bug, as `Visit::member`.
pub fn is_there(visit: &mut Visit) -> Result<bool, Fault> {
    let seen = Cookies::of(&visit.headers).get(SEEN).map(str::to_owned);
    let Presence::Here(told) = staff::presence(&visit.app, visit.member()?, seen.as_deref()) else { return Ok(false) };
    visit.set.extend(told.and_then(|told| set(SEEN, &told, SameSite::Lax, SEEN_SECONDS)));
    Ok(true)
}

/// The page that asks for the password once more, and leads back here.
pub fn to_confirm(visit: &Visit) -> String {
    link("/confirm-password", [("next", visit.with("", "").as_str())])
}

/// The page for somebody who is signed in but may not see it; it says who may (C3).
fn not_for_you(visit: &Visit, rule: Rule) -> Response {
    let text = &visit.text;
    let who = match rule.open_to {
        OpenTo::Staff => text.only_staff(),
        OpenTo::With(scope) => text.only_with_scope(scope.as_str()),
        OpenTo::Admins => text.only_admins(),
    };
    let main = html! {
        div.stack {
            p { (who) }
            p.row { a.btn href="/" { (text.to_my_pages()) } }
        }
    };
    frame::message(visit, StatusCode::FORBIDDEN, &text.not_for_you(), main)
}
