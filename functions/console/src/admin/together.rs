//! The same act on several commissions or withdrawals (R6.8): what a list selects, and the page that asks once more.
//!
//! A list is a form without script: a checkbox for each row, and a button for each act, which leads to the page that asks.

use std::collections::BTreeMap;

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::affiliate::in_bulk::TOGETHER;
use shared::affiliate::model::commission::Commission;
use shared::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use shared::edge::forms::Flash;
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::id::{CommissionId, WithdrawalId};
use shared::kernel::money::LedgerMoney;

use super::acts::{reason, reason_told, text_field};
use super::menu;
use super::pages::Staff;
use super::parts::{Confirm, below, confirm, short};
use crate::list::{Column, Part, empty, sheet};
use crate::parts::{field, money};
use crate::text::Texts;
use crate::visit::{Visit, failed, not_found};

/// The cell that selects a row; empty where nothing can be done with it.
pub fn pick(visit: &Visit, id: &str, is_open: bool) -> Markup {
    let field = format!("select-{id}");
    html! {
        @if is_open {
            label.hidden for=(field) { (visit.text.codes_select_one(short(id))) }
            input.pick id=(field) type="checkbox" name="id" value=(id);
        }
    }
}

/// A list whose rows can be selected, with a button for each act: value, text, whether it is a risk.
pub fn list(
    visit: &Visit,
    part: &Part,
    (label, columns): (&str, &[Column]),
    (rows, next): (&[Vec<Markup>], Option<&shared::table::store::Cursor>),
    (nothing, todo): (&str, &str),
    (page, acts): (&str, &[(&str, Message, bool)]),
) -> Markup {
    html! {
        @if rows.is_empty() { (empty(visit, next.is_some(), nothing, todo)) } @else {
            form method="get" action=(page) {
                (sheet(&visit.text, label, columns, rows))
                div.in.row {
                    @for (act, name, is_risk) in acts {
                        button.btn.risk[*is_risk] name="act" value=(act) { (name) }
                    }
                    button.btn.slim type="button" data-all="id" hidden { (visit.text.codes_select_all()) }
                }
            }
        }
        (part.pager(visit, label, next))
    }
}

/// Most ids that a page looks at: one more than it takes.
pub const MOST: usize = TOGETHER.saturating_add(1);

/// Ids that the query selects, each once, in their order.
pub fn selected<I: Copy + Ord>(visit: &Visit, parse: impl Fn(&str) -> Option<I>) -> Vec<I> {
    let mut ids: Vec<I> = Vec::new();
    let asked = visit.query.iter().filter(|(name, _)| name == "id").filter_map(|(_, id)| parse(id));
    asked.for_each(|id| {
        if !ids.contains(&id) {
            ids.push(id)
        }
    });
    ids
}

/// Page that asks: what is selected, its sum by currency, and the form.
pub struct Asked<'a> {
    pub list: (&'static str, Message),
    pub title: Message,
    pub effect: Message,
    pub route: &'a str,
    pub fields: Markup,
    /// Ids, with the amount of each that has one.
    pub things: Vec<(String, Option<LedgerMoney>)>,
}

/// Asks about what is selected.
pub fn ask(staff: &Staff, of: Asked<'_>) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (page, name) = of.list;
    let head = below(of.title.to_string(), vec![(page.to_owned(), html! { (name) })]);
    if of.things.is_empty() || of.things.len() > TOGETHER {
        let main = html! {
            section.card { div.in.stack-s { p { (text.together_none(TOGETHER.to_string())) } p { a.btn href=(page) { (text.back()) } } } }
        };
        return menu::page(staff, &head, &main);
    }
    let mut sums: BTreeMap<&str, LedgerMoney> = BTreeMap::new();
    for amount in of.things.iter().filter_map(|(_, amount)| *amount) {
        let sum = sums.entry(amount.currency().code()).or_insert(LedgerMoney::zero(amount.currency()));
        *sum = sum.plus(amount).unwrap_or(*sum);
    }
    let confirmed = Confirm {
        method: "POST",
        route: of.route,
        done: (page, "acted_on_several"),
        back: page,
        act: of.title.to_string(),
        effects: html! {
            div.in.stack-s {
                p { (of.effect) }
                dl.sum {
                    @for (id, amount) in &of.things { dt.mono { (short(id)) } dd { @if let Some(amount) = amount { (money(&Amount::from(*amount))) } } }
                    @for sum in sums.values() { dt.total { (text.together_sum()) } dd.total { (money(&Amount::from(*sum))) } }
                }
            }
        },
        fields: html! {
            @for (id, _) in &of.things { input type="hidden" name="ids[]" value=(id); }
            (of.fields)
        },
    };
    menu::page(staff, &head, &confirm(visit, &confirmed))
}

async fn withdrawals_of(visit: &Visit) -> Result<Vec<(String, Option<LedgerMoney>)>, Fault> {
    let ids = selected(visit, WithdrawalId::parse);
    let keys: Vec<_> = ids.into_iter().take(MOST).map(Withdrawal::key).collect();
    let found = visit.app.store.read(keys).await?.into_iter().flatten();
    let open = found.filter(|one| one.state == WithdrawalState::Requested && !one.is_in_batch());
    Ok(open.map(|one| (one.id.to_string(), Some(one.amount))).collect())
}

/// Asks whether to pay or to reject the withdrawals that were selected; those that are not open any more are left out.
pub async fn withdrawals(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let things = match withdrawals_of(visit).await {
        Ok(things) => things,
        Err(fault) => return failed(visit, &fault),
    };
    let list = ("/admin/withdrawals", text.staff_withdrawals());
    let number = things.len();
    let asked = match visit.asked("act") {
        Some("pay") => Asked {
            list,
            title: text.together_pay(number),
            effect: text.together_pay_effect(),
            route: "/v1/admin/withdrawals/approve",
            fields: {
                let hint = Some(text.reference_hint().to_string());
                field(visit, &text_field("reference", "reference", &text.reference(), hint, true))
            },
            things,
        },
        Some("reject") => Asked {
            list,
            title: text.together_reject(number),
            effect: text.together_reject_effect(),
            route: "/v1/admin/withdrawals/reject",
            fields: reason_told(visit),
            things,
        },
        _ => return not_found(visit),
    };
    ask(&staff, asked)
}

async fn commissions_of(visit: &Visit, is_held: bool) -> Result<Vec<(String, Option<LedgerMoney>)>, Fault> {
    let ids = selected(visit, CommissionId::parse);
    let keys: Vec<_> = ids.into_iter().take(MOST).map(Commission::key).collect();
    let found = visit.app.store.read(keys).await?.into_iter().flatten();
    let open = found.filter(|one| may_reverse(one) && (!is_held || one.is_under_review()));
    Ok(open.map(|one| (one.id.to_string(), Some(one.left()))).collect())
}

/// True if something of a commission is left, or it took something.
pub fn may_reverse(of: &Commission) -> bool {
    of.denied.is_none() && !of.left().is_zero()
}

/// Asks whether to release or to reverse the commissions that were selected; those of which nothing is left are left out.
pub async fn commissions(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let is_release = match visit.asked("act") {
        Some("release") => true,
        Some("reverse") => false,
        _ => return not_found(visit),
    };
    let things = match commissions_of(visit, is_release).await {
        Ok(things) => things,
        Err(fault) => return failed(visit, &fault),
    };
    let list = ("/admin/commissions", text.staff_commissions());
    let number = things.len();
    let (title, effect, route) = match is_release {
        true => (text.together_release(number), text.share_release_effect(), "/v1/admin/commissions/release"),
        false => (text.together_reverse(number), text.share_reverse_effect(), "/v1/admin/commissions/reverse"),
    };
    ask(&staff, Asked { list, title, effect, route, fields: reason(visit), things })
}

impl Texts {
    /// Message about an act on several things.
    pub fn acted_on_several(&self, flash: &Flash) -> Message {
        let fact = |name: &str| flash.facts.get(name).cloned().unwrap_or_default();
        match fact("refused").as_str() {
            "" | "0" => self.together_done(fact("done")),
            refused => self.together_some(fact("done"), refused.to_owned(), fact("named")),
        }
    }
}
