//! The overview (C3.2): balance, promotion, orders that wait, subscriptions, latest records, invitation; first steps for a newcomer.

use axum::response::Response;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::account::records::{StatementFilter, records as statement};
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::kernel::ledger::{AccountOwner, StatementLine};
use shared::payment::model::order::OrderStatus;
use shared::payment::model::promotion::{PromotionStatus, PromotionView};
use shared::payment::model::settings::PaymentSettings;
use shared::payment::offers::promotion_now;
use shared::payment::orders_of::{orders_of, views};
use shared::payment::view::OrderView;
use shared::redemption::codes::subscriptions;
use shared::redemption::model::plan::{Plan, Subscription, SubscriptionState};
use shared::redemption::model::settings::RedemptionSettings;
use shared::referral::model::counts::ReferralCounts;
use shared::referral::overview::{Programme, programme_with};
use shared::table::item::Versioned;
use shared::table::list::Window;
use shared::table::store::Page;

use crate::frame;
use crate::invite::{copier, link};
use crate::list::{ROWS, alone};
use crate::parts::{HERE, around, count, money, time};
use crate::records;
use crate::redeem::traffic;
use crate::show;
use crate::visit::{Arrival, Instead, Visit};

/// Latest records.
const LATEST: i32 = 5;

/// Lists of the page; each may fail alone.
struct Lists {
    records: Result<Page<StatementLine>, Fault>,
    waiting: Result<Vec<OrderView>, Error>,
    subscriptions: Result<Vec<(Subscription, Plan)>, Fault>,
}

impl Lists {
    async fn read(app: &App, user: UserId) -> Self {
        let first = |limit| Window { from: None, to: None, limit, after: None };
        let (latest, all) = (StatementFilter::of_balance(None, &first(LATEST)), first(ROWS));
        let (records, waiting, subscriptions) = tokio::join!(
            statement(app, AccountOwner::User(user), &latest),
            waiting(app, user),
            subscriptions(app, user, &all)
        );
        let is_live = |(of, _): &(Subscription, Plan)| of.state(app.clock.now()) == SubscriptionState::Active;
        let live = |page: Page<(Subscription, Plan)>| page.items.into_iter().filter(is_live).collect();
        Self { records, waiting, subscriptions: subscriptions.map(live) }
    }

    /// True if the visitor has nothing yet, as far as that could be read.
    fn is_empty(&self) -> bool {
        self.records.as_ref().is_ok_and(|page| page.items.is_empty())
            && self.waiting.as_ref().is_ok_and(Vec::is_empty)
            && self.subscriptions.as_ref().is_ok_and(Vec::is_empty)
    }
}

/// The newest orders that can be paid now.
async fn waiting(app: &App, user: UserId) -> Result<Vec<OrderView>, Error> {
    let now = app.clock.now();
    let mut page = orders_of(app, user, ROWS, None).await?;
    page.items.retain(|order| order.status == OrderStatus::Pending && order.expires_at > now);
    views(app, &page.items).await
}

/// Programmes as they are for the visitor.
struct Programmes {
    has_top_up: bool,
    has_redemption: bool,
    promotion: PromotionView,
    referral: Programme,
}

impl Programmes {
    async fn of(app: &App, visitor: &Visitor, counts: Option<ReferralCounts>) -> Result<Self, Error> {
        Ok(Self {
            has_top_up: app.settings::<PaymentSettings>().await?.settings.enabled,
            has_redemption: app.settings::<RedemptionSettings>().await?.settings.enabled,
            promotion: promotion_now(app, &visitor.user).await?.1,
            referral: programme_with(app, &visitor.user, counts, None).await?,
        })
    }

    /// True if there is a first step to make.
    fn has_step(&self, visitor: &Visitor) -> bool {
        self.has_top_up || self.has_redemption || self.may_invite(visitor)
    }

    fn may_invite(&self, visitor: &Visitor) -> bool {
        self.referral.enabled && visitor.user.affiliate.can_invite
    }
}

/// The overview.
pub async fn home(arrival: Arrival) -> Result<Response, Instead> {
    let (app, user) = (arrival.app(), arrival.user());
    let (entered, lists) = tokio::join!(arrival.member_with(ReferralCounts::key(user)), Lists::read(&app, user));
    let (visit, counts) = entered?;
    let visitor = visit.signed_in()?;
    let programmes = Programmes::of(&app, visitor, counts.map(Versioned::into_inner)).await;
    let programmes = programmes.map_err(|error| frame::error(&visit, error))?;
    let text = &visit.text;
    let has_bonus = programmes.has_top_up && programmes.promotion.status == PromotionStatus::Active;
    let is_new = lists.is_empty() && programmes.has_step(visitor);
    let main = html! {
        (tiles(&visit, visitor, &show::granted(&visit, &visitor.user).await))
        @if has_bonus { (show::promotion(&visit, &programmes.promotion)) }
        @if is_new {
            (first_steps(&visit, visitor, &programmes))
        } @else {
            @if programmes.has_top_up { div.row { a.btn.go href="/top-up" { (text.top_up()) } } }
            (to_pay(&visit, lists.waiting))
            (latest(&visit, lists.records))
            div.two {
                (held(&visit, lists.subscriptions, programmes.has_redemption))
                @if programmes.may_invite(visitor) { (invitation(&visit, &programmes.referral)) }
            }
        }
    };
    Ok(frame::page(&visit, visitor, &text.home(), &text.home_lead(), &main))
}

fn tiles(visit: &Visit, visitor: &Visitor, granted: &[Markup]) -> Markup {
    let (text, accounts) = (&visit.text, &visitor.user.accounts);
    let owed = accounts.owed();
    html! {
        dl.tiles {
            div.tile {
                dt { (text.balance()) }
                dd { (money(&Amount::from(accounts.balance()))) }
                @for note in granted { dd { (note) } }
            }
            @if owed.is_positive() {
                div.tile { dt { (text.debt()) } dd { (money(&Amount::from(owed))) } dd { (text.debt_paid_by()) } }
            }
        }
    }
}

/// First steps of somebody who has nothing yet: those whose programmes are on.
fn first_steps(visit: &Visit, visitor: &Visitor, programmes: &Programmes) -> Markup {
    let text = &visit.text;
    let steps = [
        (programmes.has_top_up, "/top-up", text.first_top_up(), text.first_top_up_todo(), text.top_up()),
        (programmes.has_redemption, "/redeem", text.first_redeem(), text.first_redeem_todo(), text.redeem_title()),
        (programmes.may_invite(visitor), "/invite", text.first_invite(), text.first_invite_todo(), text.invite()),
    ];
    html! {
        section.card aria-labelledby="first" {
            header { h2 #first { (text.first_steps()) } }
            div.in {
                ul.steps.plain {
                    @for (_, to, name, todo, button) in steps.iter().filter(|(is_on, ..)| *is_on) {
                        li { h3 { (name) } p { (todo) } div { a.btn href=(to) { (button) } } }
                    }
                }
            }
        }
    }
}

/// Orders that wait for payment; nothing while there are none.
fn to_pay(visit: &Visit, orders: Result<Vec<OrderView>, Error>) -> Markup {
    let text = &visit.text;
    let content = match orders {
        Ok(orders) if orders.is_empty() => return html! {},
        Ok(orders) => Ok(show::orders(visit, &orders)),
        Err(error) => Err(error),
    };
    html! {
        section.card aria-labelledby="waiting" {
            header { h2 #waiting { (text.orders_waiting()) } a href="/orders" { (text.all_orders()) } }
            (alone(visit, content))
        }
    }
}

fn latest(visit: &Visit, records: Result<Page<StatementLine>, Fault>) -> Markup {
    let text = &visit.text;
    let shown = |page: Page<StatementLine>| match page.items.is_empty() {
        true => html! { div.in.stack-s { p { (text.no_records()) } p.muted { (text.no_records_todo()) } } },
        false => records::table(visit, &page.items),
    };
    html! {
        section.card aria-labelledby="latest" {
            header { h2 #latest { (text.last_records()) } a href="/records" { (text.all_records()) } }
            (alone(visit, records.map(shown).map_err(Error::from)))
        }
    }
}

/// Live subscriptions; without any, while codes can be redeemed, where they come from.
fn held(visit: &Visit, all: Result<Vec<(Subscription, Plan)>, Fault>, has_redemption: bool) -> Markup {
    let text = &visit.text;
    if all.as_ref().is_ok_and(Vec::is_empty) && !has_redemption {
        return html! {};
    }
    let shown = |all: Vec<(Subscription, Plan)>| match all.is_empty() {
        true => html! { div.in.stack-s { p { (text.no_subscriptions()) } p.muted { (text.no_subscriptions_todo()) } } },
        false => html! {
            ul.held { @for (of, plan) in &all { (held_one(visit, of, plan)) } }
        },
    };
    html! {
        section.card aria-labelledby="held" {
            header { h2 #held { (text.subscriptions()) } a href="/redeem" { (text.nav_redeem()) } }
            (alone(visit, all.map(shown).map_err(Error::from)))
        }
    }
}

fn held_one(visit: &Visit, of: &Subscription, plan: &Plan) -> Markup {
    html! {
        li {
            strong.break { (plan.name) }
            p.small.muted { (around(&visit.text.held_until(HERE), &time(visit.language, of.expires_at))) }
            div.small { (traffic(visit, of)) }
        }
    }
}

/// Code and link of somebody who has them; else where they are made.
fn invitation(visit: &Visit, programme: &Programme) -> Markup {
    let (text, counts) = (&visit.text, &programme.counts);
    html! {
        section.card aria-labelledby="invitation" {
            header { h2 #invitation { (text.invite()) } a href="/invite" { (text.invite_more()) } }
            div.in.stack-s {
                @match link(visit, programme) {
                    Some((_, link)) => {
                        div.field {
                            label for="link" { (text.invite_link()) }
                            div.copy { input #link readonly value=(link); (copier(visit, "link")) }
                            p.hint #copied aria-live="polite" { (text.link_for_good()) }
                        }
                        @if counts.invitees > 0 {
                            dl.sum {
                                dt { (text.friends()) } dd { (count(counts.invitees)) }
                                dt { (text.earned()) } dd { (money(&counts.earned.into())) }
                            }
                        }
                    }
                    None => {
                        p { (text.make_code_todo()) }
                        p { a.btn href="/invite" { (text.invite()) } }
                    }
                }
            }
        }
    }
}
