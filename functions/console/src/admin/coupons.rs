//! Coupons for staff: what each does, and how often it was used (R12.2).

use axum::response::Response;
use maud::{Markup, html};
use shared::payment::keep_coupon::{CountedCoupon, coupons};
use shared::payment::model::bonus::AmountOrPercent;
use shared::payment::model::coupon::{Coupon, CouponStanding};
use shared::payment::model::settings::PaymentSettings;

use super::filters;
use super::menu::{self, Head};
use super::pages::{Staff, rule_of};
use super::parts::time_line;
use crate::frame;
use crate::list::{Column, alone, table};
use crate::parts::badge;
use crate::show;
use crate::visit::{Visit, link};

/// Form in which they are changed.
const SETTINGS: &str = "/admin/settings/payment";

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let settings = match visit.app.settings::<PaymentSettings>().await {
        Ok(found) => found.settings,
        Err(fault) => return frame::error(visit, fault.into()),
    };
    let may_change = staff.admin().is_ok_and(|admin| rule_of(SETTINGS).is_some_and(|rule| rule.admits(&admin.user)));
    let head = Head {
        title: text.coupons().to_string(),
        lead: Some(html! { (text.coupons_lead()) }),
        aside: may_change.then(|| html! { a.btn href=(format!("{SETTINGS}#coupons")) { (text.coupons_change()) } }),
        ..Head::default()
    };
    let listed = coupons(&visit.app).await.map(|all| {
        let rows: Vec<Vec<Markup>> = all.iter().map(|one| row(visit, &settings, one)).collect();
        let columns = [
            Column::Text(text.coupon()),
            Column::Text(text.coupon_effect()),
            Column::Text(text.coupon_terms()),
            Column::Text(text.coupon_time()),
            Column::Number(text.coupon_uses()),
            Column::Text(text.state_of_it()),
        ];
        html! {
            @if rows.is_empty() { div.in { p.muted { (text.coupons_none()) } } }
            @else { (table(&columns, &rows)) }
        }
    });
    let main = html! { section.card aria-label=(&*text.coupons()) { (alone(visit, listed.map_err(Into::into))) } };
    menu::page(&staff, &head, &main)
}

fn row(visit: &Visit, settings: &PaymentSettings, of: &CountedCoupon) -> Vec<Markup> {
    let (text, coupon) = (&visit.text, &of.coupon);
    let orders = link(
        "/admin/orders",
        [("coupon", coupon.code.as_str()), ("status", filters::ANY), ("from", filters::ANY), ("to", filters::ANY)],
    );
    let uses = match of.used {
        Some(used) => text.coupon_used_of(used.to_string(), coupon.total.to_string()).to_string(),
        None => "—".to_owned(),
    };
    vec![
        html! { a.mono href=(orders) { (coupon.code) } },
        effect(visit, settings, coupon),
        terms(visit, settings, coupon),
        html! {
            @if let Some(from) = coupon.starts_at { (text.coupon_begins()) " " (time_line(visit.language, from)) " " }
            @if let Some(to) = coupon.ends_at { (text.coupon_ends()) " " (time_line(visit.language, to)) }
            @if coupon.starts_at.is_none() && coupon.ends_at.is_none() { span.muted { "—" } }
        },
        html! { (uses) },
        state(visit, coupon),
    ]
}

fn effect(visit: &Visit, settings: &PaymentSettings, coupon: &Coupon) -> Markup {
    html! {
        @if coupon.discount != AmountOrPercent::None {
            div { (visit.text.coupon_takes(show::amount_or_percent(coupon.discount, settings.pay_currency))) }
        }
        @if coupon.bonus != AmountOrPercent::None {
            div { (visit.text.coupon_gives(show::amount_or_percent(coupon.bonus, settings.ledger_currency))) }
        }
    }
}

fn terms(visit: &Visit, settings: &PaymentSettings, coupon: &Coupon) -> Markup {
    let text = &visit.text;
    html! {
        @if !coupon.min_amount.is_zero() { div { (text.coupon_from(show::bound(coupon.min_amount, settings.pay_currency))) } }
        @if coupon.offer_ids().next().is_some() { div { (text.coupon_offers(coupon.offers.clone())) } }
        @if coupon.first_order { div { (text.coupon_first()) } }
        @if coupon.per_user > 0 { div { (text.coupon_each(coupon.per_user)) } }
    }
}

fn state(visit: &Visit, coupon: &Coupon) -> Markup {
    let text = &visit.text;
    badge(&match coupon.standing(visit.app.clock.now()) {
        CouponStanding::Valid => ("ok", text.coupon_on()),
        CouponStanding::Paused => ("wait", text.coupon_paused()),
        CouponStanding::Later => ("info", text.coupon_later()),
        CouponStanding::Over => ("odd", text.coupon_over()),
    })
}
