//! Orders for staff: the list with its filters and its sums, and the list as a file (R4.12).

pub mod act;
pub mod file;
mod why;

use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::identity::Email;
use shared::edge::export::CsvRow;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::order_summary::{OrderSums, order_sums};
use shared::operations::search::{self, OrderFilter};
use shared::payment::model::coupon::{CouponCode, CouponState};
use shared::payment::model::order::OrderStatus;
use shared::payment::model::settings::PaymentSettings;
use shared::payment::payments_of::payments_of;
use shared::payment::staff::view::AdminOrder;
use shared::table::list::Window;
use shared::table::store::Page;

use super::filters::{self, Days, EMAIL, Filter, USER, given, read};
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::{Tile, id_link, tiles, time};
use crate::export;
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::{change, money};
use crate::show::{order_badge, price};
use crate::text::Texts;
use crate::visit::{Visit, link};

/// Days that the list shows by itself.
const DAYS: i64 = 7;
/// Orders per read.
const TOGETHER: i32 = 100;
/// Ways to pay that can be chosen in the filter.
const METHODS: [&str; 5] = ["alipay", "wxpay", "card", "qqpay", "bank"];

/// Wishes of the query.
pub struct Wanted {
    filter: OrderFilter,
    pub days: Days,
    fields: Vec<Filter>,
}

impl Wanted {
    /// Reads the query; paid orders of the last week without one.
    fn of(visit: &Visit) -> Result<Self, Refusal> {
        let text = &visit.text;
        let days = Days::of(visit, Some(DAYS))?;
        let states =
            OrderStatus::ALL.iter().map(|status| (status.as_str().to_owned(), text.order_status(*status).to_string()));
        let status = Filter::choice(visit, "status", text.status(), states.collect());
        let status = status.or(visit, Some(OrderStatus::Paid.as_str().to_owned()));
        let providers = [
            (Provider::Stripe.as_str().to_owned(), text.provider_stripe().to_string()),
            (Provider::Zpay.as_str().to_owned(), text.provider_zpay().to_string()),
        ];
        let methods = METHODS.map(|method| (method.to_owned(), text.way(method).to_string()));
        let mut errors = Vec::new();
        let user = read(visit, "user", UserId::parse, &mut errors);
        let email = read(visit, "email", Email::parse, &mut errors);
        let filter = OrderFilter {
            status: status.value.as_deref().and_then(OrderStatus::parse),
            provider: given(visit, "provider").as_deref().and_then(Provider::parse),
            method: given(visit, "method"),
            user,
            email,
            processing: given(visit, "processing").map(|value| value == "true"),
            coupon: read(visit, "coupon", CouponCode::parse, &mut errors),
            payment_id: given(visit, "payment_id"),
        };
        Refusal::unless_empty(errors)?;
        let [from, to] = days.filters(visit, true);
        let fields = vec![
            status,
            Filter::choice(visit, "provider", text.provider(), providers.to_vec()),
            Filter::choice(visit, "method", text.paid_by(), methods.to_vec()),
            USER.filter(visit),
            EMAIL.filter(visit),
            Filter::text(visit, "coupon", "text", text.coupon()),
            Filter::text(visit, "payment_id", "text", text.provider_payment_id()),
            Filter::choice(
                visit,
                "processing",
                text.status_processing(),
                vec![("true".to_owned(), text.yes().to_string())],
            ),
            from,
            to,
        ];
        Ok(Self { filter, days, fields })
    }
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let (staff, wanted) = match Wanted::of(&staff.0) {
        Ok(wanted) => (staff, wanted),
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_orders, &[USER, EMAIL]),
    };
    let visit = &staff.0;
    let part = match staff.part(&wanted.filter, wanted.days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let (rows, sums) = tokio::join!(page(visit, &wanted.filter, &part.window), sums(visit, &wanted));
    let text = &visit.text;
    let csv = link("/admin/orders.csv", visit.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let head = Head {
        title: text.staff_orders().to_string(),
        lead: Some(html! { (text.staff_orders_lead()) }),
        aside: Some(html! { a.btn href=(csv) download { (text.as_csv()) } }),
        ..Head::default()
    };
    let listed = rows.map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|order| row(visit, order)).collect();
        let nothing = (&*text.no_orders_fit(), &*text.no_orders_fit_todo());
        part.list(visit, &text.staff_orders(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let main = html! {
        (summary(visit, sums))
        section.card aria-label=(&*text.staff_orders()) {
            (filters::filters(visit, &wanted.fields))
            (alone(visit, listed))
        }
    };
    menu::page(&staff, &head, &main)
}

async fn page(visit: &Visit, filter: &OrderFilter, window: &Window) -> Result<Page<AdminOrder>, Error> {
    let app = &visit.app;
    let page = search::orders(app, filter, window).await?;
    let (users, payments) =
        tokio::join!(search::users_of(app, page.items.iter().map(|order| order.user)), payments_of(app, &page.items));
    let (users, payments) = (users?, payments?);
    let shown = |order| AdminOrder::new(order, users.get(&order.user), payments.get(&order.id));
    let items = page.items.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next: page.next })
}

async fn sums(visit: &Visit, wanted: &Wanted) -> Result<OrderSums, Error> {
    let ledger = visit.app.settings::<PaymentSettings>().await?.settings.ledger_currency;
    let (from, to) = wanted.days.times();
    let window = Window { from, to, limit: TOGETHER, after: None };
    order_sums(&visit.app, ledger, &wanted.filter, &window).await
}

/// Tiles of the filter's sums; a filter that holds too much has none.
fn summary(visit: &Visit, sums: Result<OrderSums, Error>) -> Markup {
    let text = &visit.text;
    let sums = match sums {
        Ok(sums) => sums,
        Err(Error::Refused(Refusal::RangeTooLarge)) => return html! { p.note { span { (text.too_many_to_sum()) } } },
        Err(error) => return html! { section.card { (alone(visit, Err(error))) } },
    };
    let charges = sums.charges.iter().map(|sum| price(&Amount::from(*sum)));
    let nets = sums.nets.iter().map(|sum| html! { (text.net_of_it()) " " (price(&Amount::from(*sum))) });
    // Never a sum of different currencies: each has a figure of its own.
    let charge = charges.reduce(|all, one| html! { (all) " + " (one) });
    tiles(&[
        Tile { name: text.paid_orders().to_string(), figure: html! { (sums.orders) }, notes: Vec::new() },
        Tile {
            name: text.order_charge().to_string(),
            figure: charge.unwrap_or_else(|| html! { "—" }),
            notes: nets.collect(),
        },
        Tile { name: text.order_credit().to_string(), figure: money(&Amount::from(sums.credit)), notes: Vec::new() },
        Tile { name: text.order_bonus().to_string(), figure: money(&Amount::from(sums.bonus)), notes: Vec::new() },
    ])
}

fn columns(visit: &Visit) -> [Column; 7] {
    let text = &visit.text;
    [
        Column::Text(text.order()),
        Column::Text(text.user()),
        Column::Text(text.paid_by()),
        Column::Number(text.order_charge()),
        Column::Number(text.credited()),
        Column::Text(text.status()),
        Column::Text(text.created()),
    ]
}

/// A person as a link to the orders of theirs.
pub fn person(id: &str, email: Option<&str>) -> Markup {
    let page =
        link("/admin/orders", [("user", id), ("status", filters::ANY), ("from", filters::ANY), ("to", filters::ANY)]);
    html! { a href=(page) { @match email { Some(email) => (email), None => { span.mono title=(id) { (super::parts::short(id)) } } } } @if email.is_some() { small.mono { (super::parts::short(id)) } } }
}

fn row(visit: &Visit, of: &AdminOrder) -> Vec<Markup> {
    let text = &visit.text;
    let order = &of.order;
    let id = order.id.to_string();
    let of_coupon =
        order.coupon.as_ref().filter(|coupon| coupon.state == CouponState::Used).map(|coupon| &coupon.bonus);
    let bonuses = [Some(&order.bonus), Some(&order.amount_bonus), of_coupon];
    let bonuses = bonuses.map(|bonus| bonus.filter(|bonus| bonus.amount != "0"));
    vec![
        id_link(&format!("/admin/orders/{id}"), &id),
        person(&of.user.id, of.user.email.as_deref()),
        html! { (text.way(&order.method)) small { (text.provider_of(order.provider)) } },
        price(&order.charge),
        html! {
            @if order.paid_at.is_some() {
                (money(&order.total))
                @if bonuses.iter().any(Option::is_some) {
                    small { (money(&order.credit)) @for bonus in bonuses.iter().flatten() { " " (change(bonus)) } }
                }
            } @else { span.muted { "—" } }
        },
        html! {
            (order_badge(visit, order))
            @if order.late { small { (text.paid_after_end()) } }
            @if order.status == OrderStatus::PartiallyRefunded { small { (text.net_of_it()) " " (price(&order.net)) } }
        },
        time(visit.language, order.created_at),
    ]
}

/// The list as a file of all rows of the filter; a page of its two halves when they are too many (C3.1).
pub async fn sheet(staff: Staff) -> Response {
    let visit = &staff.0;
    let wanted = match Wanted::of(visit) {
        Ok(wanted) => wanted,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let read = |window: Window| {
        let filter = &wanted.filter;
        async move { page(visit, filter, &window).await }
    };
    export::list(visit, ("orders", "/admin/orders"), AdminOrder::COLUMNS, wanted.days, read).await
}
