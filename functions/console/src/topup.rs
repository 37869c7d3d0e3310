//! The top-up page: what to buy, how to pay, and what it comes to (R4.1, R5.4).

pub mod choice;
mod price;

use std::sync::Arc;

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::app::App;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::payment::keep_coupon::Counters;
use shared::payment::model::coupon::CouponCode;
use shared::payment::model::price::Quote;
use shared::payment::model::promotion::{Promotion, PromotionView};
use shared::payment::model::settings::{BonusTier, Offer, PaymentSettings};
use shared::payment::offers::{Offering, offering, promotion_now};
use shared::payment::orders_of::{orders_of, views};
use shared::payment::view::OrderView;

pub use self::choice::entry;
use self::choice::{AMOUNT, COUPON, Choice, OFFER, WAY, Way, ways};
pub use self::price::price;
use self::price::{Sum, sum};
use crate::frame;
use crate::list::alone;
use crate::parts::money;
use crate::show;
use crate::svg;
use crate::visit::{Arrival, Instead, Visit};

/// Orders below the form.
const RECENT: i32 = 5;

/// All that the page is made of.
struct Page {
    settings: Arc<PaymentSettings>,
    offering: Offering,
    own: Option<Promotion>,
    promotion: PromotionView,
    /// True if the user has a paid order.
    has_paid: bool,
    /// Uses of the coupon that is entered.
    counters: Option<Counters>,
}

impl Page {
    async fn read(visit: &Visit, visitor: &Visitor) -> Result<Self, Error> {
        let settings = visit.app.settings::<PaymentSettings>().await?.settings;
        let has = |provider| visit.app.providers.may_take(provider, settings.pay_currency);
        let offering = offering(&settings, visit.app.clock.now(), has)?;
        let (own, promotion) = promotion_now(&visit.app, &visitor.user).await?;
        let counters = match choice::coupon(visit).and_then(|text| CouponCode::parse(&text)) {
            Some(code) => Some(Counters::read(&visit.app, visitor.user.id, &code).await?),
            None => None,
        };
        Ok(Self { settings, offering, own, promotion, has_paid: visitor.user.has_paid, counters })
    }
}

/// The top-up page.
pub async fn page(arrival: Arrival) -> Result<Response, Instead> {
    let (app, user) = (arrival.app(), arrival.user());
    let (visit, orders) = tokio::join!(arrival.member(), last_orders(&app, user));
    let mut visit = visit?;
    let visitor = visit.signed_in()?.clone();
    let page = Page::read(&visit, &visitor).await.map_err(|error| frame::error(&visit, error))?;
    let (pay, spend) = (page.settings.pay_currency, visitor.user.accounts.balance().currency());
    let lead = visit.text.top_up_lead(pay.code().to_owned(), spend.code().to_owned()).to_string();
    let main = if !page.settings.enabled {
        let text = &visit.text;
        html! { section.card { div.in.stack-s { h2 { (text.top_up_off()) } p.muted { (text.top_up_off_todo()) } } } }
    } else if page.offering.providers.is_empty() {
        html! { section.card { div.in { p { (visit.text.top_up_no_way()) } } } }
    } else {
        let choice = Choice::of(&visit, &page.offering);
        let sum = sum(&visit, &page, &choice);
        // What a link or *Show the price* asks for may be wrong; a form that was refused says so by itself.
        if visit.refused().is_none() && visit.has_choice() {
            visit.wrong = sum.as_ref().err().map(|flash| (**flash).clone());
        }
        form(&visit, &page, &choice, sum.ok().as_ref())
    };
    let main = html! { (main) (recent(&visit, orders)) };
    Ok(frame::page(&visit, &visitor, &visit.text.top_up(), &lead, &main))
}

fn form(visit: &Visit, page: &Page, choice: &Choice, sum: Option<&Sum>) -> Markup {
    let text = &visit.text;
    let route = "/v1/payment/orders";
    let sealed = visit.sealed_button(route, "/orders/{id}", "/top-up");
    html! {
        form.cols method="post" action=(format!("/forms/payment{route}")) data-price="/top-up/price" {
            div.stack {
                (show::promotion(visit, &page.promotion))
                section.card { div.in.stack { (offers(visit, page, choice)) (custom(visit, page, choice)) (coupon(visit, page, choice)) } }
                section.card { div.in { (methods(visit, &page.offering, choice)) } }
            }
            aside.card.stick aria-labelledby="sum" {
                header { h2 #sum { (text.your_order()) } }
                div.in.stack-s {
                    (price::summary(visit, sum))
                    button.btn.go.big name="form" value=[sealed] data-part="pay" { (price::pay(visit, sum)) }
                    p.small.muted { (text.pay_hint(page.settings.order_expire_minutes)) }
                }
            }
        }
    }
}

fn offers(visit: &Visit, page: &Page, choice: &Choice) -> Markup {
    let error = visit.error_at("/offer_id").map(|code| visit.text.field_error("/offer_id", code));
    html! {
        fieldset #offer_id {
            legend { (visit.text.how_much()) }
            @if let Some(error) = &error { p.err { span.hidden { (visit.text.error_mark()) " " } (error) } }
            div.offers { @for (offer, quote) in &page.offering.offers { (tile(visit, page, choice, offer, quote)) } }
        }
    }
}

fn tile(visit: &Visit, page: &Page, choice: &Choice, offer: &Offer, quote: &Quote) -> Markup {
    let id = format!("offer-{}", offer.id);
    let is_chosen = choice.amount.is_none() && choice.offer.as_deref() == Some(&offer.id);
    let tier = page.own.as_ref().and_then(|own| own.tier_for(quote.amount, visit.app.clock.now()));
    // A sum that does not fit has no price either, and the form says so.
    let bonuses = Quote { promotion: tier, ..quote.clone() }.bonuses().ok();
    let bonus = bonuses.and_then(|(promotion, amount)| promotion.plus(amount).ok()).filter(|bonus| bonus.is_positive());
    let label = Some(offer.label.trim()).filter(|label| !label.is_empty()).map(str::to_owned);
    let label = label.unwrap_or_else(|| show::price_text(quote.amount));
    html! {
        label.offer for=(id) {
            input id=(id) type="radio" name=(OFFER) value=(offer.id) checked[is_chosen];
            span.face {}
            span.pay { (label) }
            span.gets.num { (money(&quote.credit.into())) }
            @if offer.popular { span.tag { (visit.text.popular()) } }
            @if let Some(bonus) = bonus { span.extra.num { span.money { (show::whole(&show::credit_pieces(bonus, true))) } } }
        }
    }
}

fn custom(visit: &Visit, page: &Page, choice: &Choice) -> Markup {
    let (text, settings) = (&visit.text, &page.settings);
    let bounds = (
        show::bound(settings.min_amount, settings.pay_currency),
        show::bound(settings.max_amount, settings.pay_currency),
    );
    let error = visit.error_at("/amount").map(|code| price::amount_error(visit, settings, code));
    let code = settings.pay_currency.code();
    html! {
        div.field.wrong[error.is_some()] {
            label for="amount" { (text.other_amount()) }
            p.hint #amount-hint {
                (text.other_amount_hint(bounds.0, bounds.1))
                @for tier in &settings.bonus_tiers { br; (tier_hint(visit, settings, tier)) }
            }
            p.err #amount-error hidden[error.is_none()] {
                span.hidden { (text.error_mark()) " " }
                span data-at="amount" { (error.as_deref().unwrap_or_default()) }
            }
            div.affix {
                @if let Some(sign) = show::sign(code) { span { (sign) } }
                input #amount name=(AMOUNT) inputmode="decimal" autocomplete="off" value=[choice.amount.as_deref()]
                    aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby="amount-hint amount-error";
                span { (code) }
            }
        }
    }
}

/// The field of a coupon, where there are any, and the button that prices the choice without the script.
fn coupon(visit: &Visit, page: &Page, choice: &Choice) -> Markup {
    let text = &visit.text;
    let error = visit.error_at("/coupon").map(|code| text.field_error("/coupon", code).to_string());
    html! {
        @if page.settings.coupons.iter().any(|coupon| !coupon.paused) {
            div.field.narrow.wrong[error.is_some()] {
                label for="coupon" { (text.coupon()) }
                p.hint #coupon-hint { (text.coupon_hint()) }
                p.err #coupon-error hidden[error.is_none()] {
                    span.hidden { (text.error_mark()) " " }
                    span data-at="coupon" { (error.as_deref().unwrap_or_default()) }
                }
                input.in-text #coupon name=(COUPON) autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="40"
                    value=[choice.coupon.as_deref()] aria-invalid=[error.as_ref().map(|_| "true")]
                    aria-describedby="coupon-hint coupon-error";
            }
        }
        div.row data-without { button.btn formmethod="get" formaction="/top-up" { (text.show_price()) } }
    }
}

/// The bonus from an amount on (R12.1).
fn tier_hint(visit: &Visit, settings: &PaymentSettings, tier: &BonusTier) -> Message {
    let bonus = show::amount_or_percent(tier.bonus, settings.ledger_currency);
    visit.text.bonus_from(show::bound(tier.from, settings.pay_currency), bonus)
}

fn methods(visit: &Visit, offering: &Offering, choice: &Choice) -> Markup {
    let text = &visit.text;
    let wrong = visit.error_at("/provider").or_else(|| visit.error_at("/method"));
    let error = wrong.map(|code| text.field_error("/provider", code));
    html! {
        fieldset #provider {
            legend { (text.how_to_pay()) }
            @if let Some(error) = &error { p.err { span.hidden { (text.error_mark()) " " } (error) } }
            div.ways #method { @for way in ways(offering) { (method(visit, &way, choice.way.as_ref() == Some(&way))) } }
        }
    }
}

fn method(visit: &Visit, way: &Way, is_chosen: bool) -> Markup {
    let id = format!("way-{}-{}", way.provider.as_str(), way.method);
    html! {
        label.way for=(id) {
            input id=(id) type="radio" name=(WAY) value=(way.value()) checked[is_chosen];
            span.face {}
            (svg::way(&way.method))
            span { (visit.text.way(&way.method)) small { (way.hint(visit)) } }
        }
    }
}

/// The last orders; a list that can't be read fails alone.
fn recent(visit: &Visit, orders: Result<Vec<OrderView>, Error>) -> Markup {
    let text = &visit.text;
    if orders.as_ref().is_ok_and(Vec::is_empty) {
        return html! {};
    }
    html! {
        section.card aria-labelledby="recent" {
            header { h2 #recent { (text.recent_orders()) } a href="/orders" { (text.all_orders()) } }
            (alone(visit, orders.map(|orders| show::orders(visit, &orders))))
        }
    }
}

async fn last_orders(app: &App, user: UserId) -> Result<Vec<OrderView>, Error> {
    let page = orders_of(app, user, RECENT, None).await?;
    views(app, &page.items).await
}
