//! Acts on an account: block, adjust, role, policy, code, erase; the dangerous ones on pages of their own that say what will change.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::adjust_balance::{accounts_after, amount_for};
use shared::account::model::identity::{Role, Status};
use shared::account::model::scope::AdminScope;
use shared::account::model::user::User;
use shared::affiliate::model::commission::CommissionAccount;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::kernel::ledger::Accounts;
use shared::kernel::money::LedgerMoney;

use super::super::acts::{
    Act, adjustment, adjustment_fields, asked_adjustment, choice, form, line, reason, reason_told, tick,
};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, confirm};
use super::one::{id, user_of};
use super::{name_of, page_of};
use crate::parts::{change, money};
use crate::show::{credit_text, note};
use crate::visit::{Visit, failed, not_found};

fn route(user: &User, act: &str) -> String {
    format!("/v1/admin/users/{}/{act}", user.id)
}

/// The acts on an account, in their card.
pub fn acts(visit: &Visit, user: &User, is_own: bool) -> Markup {
    let text = &visit.text;
    let page = page_of(&user.id);
    if user.status == Status::Erased {
        return html! { div.in { p { (text.person_erased()) } } };
    }
    html! {
        div.in.stack {
            div.row {
                a.btn href=(format!("{page}/adjust")) { (text.person_adjust()) }
                @if !is_own {
                    a.btn href=(format!("{page}/role")) { (text.person_set_role()) }
                    @if user.second_factor_since.is_some() {
                        a.btn href=(format!("{page}/second-factor")) { (text.person_factor_reset()) }
                    }
                    a.btn.risk href=(format!("{page}/erase")) { (text.person_erase()) }
                }
            }
            @if is_own { p.muted { (text.person_own()) } } @else { (status(visit, user)) }
        }
    }
}

/// Blocks, or unblocks.
fn status(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let is_blocked = user.status == Status::Blocked;
    let (next, said, button, what) = if is_blocked {
        ("active", "person_unblocked", text.person_unblock(), text.person_unblock_note())
    } else {
        ("blocked", "person_blocked", text.person_block(), text.person_block_note())
    };
    let act = Act { method: "PUT", route: route(user, "status"), done: page_of(&user.id), said };
    let fields = html! {
        p.small.muted { (what) }
        input type="hidden" name="status" value=(next);
        (reason(visit))
    };
    form(visit, &act, &fields, &button)
}

/// The form of the affiliate policy.
pub fn policy(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let of = &user.affiliate;
    let done = format!("{}/programmes", page_of(&user.id));
    let act = Act { method: "PUT", route: route(user, "affiliate-policy"), done, said: "person_policy_saved" };
    let (rate, limit) = (of.rate.normalize().to_string(), of.trigger_limit.to_string());
    let fields = html! {
        p.small.muted { (text.person_policy_note()) }
        (line(visit, ("rate", "rate"), &text.person_rate(), Some(text.person_rate_hint().to_string()), Some(&rate)))
        (line(visit, ("trigger_limit", "trigger_limit:int"), &text.person_limit(), Some(text.person_limit_hint().to_string()), Some(&limit)))
        (tick(visit, ("can_invite", "can_invite:bool"), &html! { (text.person_may_invite()) }, of.can_invite))
    };
    form(visit, &act, &fields, &text.person_policy_save())
}

/// The form of the primary code.
pub fn vanity(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let done = format!("{}/programmes", page_of(&user.id));
    let act = Act { method: "PUT", route: route(user, "invite-code"), done, said: "person_vanity_saved" };
    let fields =
        line(visit, ("code", "code"), &text.person_vanity(), Some(text.person_vanity_hint().to_string()), None);
    html! { div.narrow { (form(visit, &act, &fields, &text.person_vanity_save())) } }
}

/// The form of another inviter (R3.12).
pub fn inviter(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let done = format!("{}/programmes", page_of(&user.id));
    let act = Act { method: "PUT", route: route(user, "inviter"), done, said: "person_inviter_saved" };
    let now = user.attribution.as_ref().map(|bond| bond.inviter.to_string());
    let fields = html! {
        p.small.muted { (text.person_inviter_note()) }
        (line(visit, ("inviter_id", "inviter_id"), &text.person_inviter_id(), None, now.as_deref()))
        (reason(visit))
    };
    html! { div.narrow { (form(visit, &act, &fields, &text.person_inviter_save())) } }
}

/// Head of an act's page.
fn act_head(visit: &Visit, user: &User, title: String) -> Head {
    below(
        title,
        vec![
            ("/admin/users".to_owned(), html! { (visit.text.staff_users()) }),
            (page_of(&user.id), html! { (name_of(user)) }),
        ],
    )
}

/// The account of an act's page, or the page that answers instead.
async fn subject(visit: &Visit, id: Option<UserId>) -> Result<User, Response> {
    let Some(id) = id else { return Err(not_found(visit)) };
    match user_of(visit, id).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(not_found(visit)),
        Err(fault) => Err(failed(visit, &fault)),
    }
}

/// An adjustment, and the accounts after it.
struct Adjusted {
    amount: LedgerMoney,
    after: Accounts,
}

/// Adjusts the balance: amount and remark, then what that does.
pub async fn adjust(path: Option<Path<String>>, mut staff: Staff) -> Response {
    let user = match subject(&staff.0, id(path)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let adjusted = match adjusted(&staff.0, &user).await {
        Ok(adjusted) => adjusted,
        Err(Error::Refused(refusal)) => {
            staff = staff.wrong(&refusal);
            None
        }
        Err(Error::Fault(fault)) => return failed(&staff.0, &fault),
    };
    let visit = &staff.0;
    let main = match &adjusted {
        Some(adjusted) => adjust_confirm(visit, &user, adjusted),
        None => adjust_form(visit, &user),
    };
    let head = act_head(visit, &user, visit.text.person_adjust_of(name_of(&user)).to_string());
    menu::page(&staff, &head, &main)
}

/// The adjustment of the entries; nothing while there are none.
async fn adjusted(visit: &Visit, user: &User) -> Result<Option<Adjusted>, Error> {
    let Some(amount) = asked_adjustment(visit)? else { return Ok(None) };
    let amount = amount_for(&visit.app, user, amount).await?;
    Ok(Some(Adjusted { amount, after: accounts_after(user, amount)? }))
}

fn adjust_form(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let currency = user.accounts.balance().currency().code().to_owned();
    let now = html! { p { (text.person_balance_now()) ": " (money(&Amount::from(user.accounts.balance()))) } };
    let (amount, hint) = (text.person_adjust_amount(currency), text.person_adjust_remark_hint());
    adjustment(visit, &now, &amount, &hint, &page_of(&user.id))
}

fn adjust_confirm(visit: &Visit, user: &User, of: &Adjusted) -> Markup {
    let text = &visit.text;
    let (debt, debt_after) = (user.accounts.owed(), of.after.owed());
    let owes_more = debt_after.amount() > debt.amount();
    let remark = visit.asked("remark").unwrap_or_default();
    let shown = |amount: LedgerMoney| money(&Amount::from(amount));
    let effects = html! {
        div.in.stack-s {
            p.break { strong { (change(&Amount::from(of.amount))) } " " (remark) }
            dl.sum {
                dt { (text.person_balance_now()) } dd { (shown(user.accounts.balance())) }
                dt.total { (text.person_balance_after()) } dd.total { (shown(of.after.balance())) }
                @if !debt.is_zero() || !debt_after.is_zero() {
                    dt { (text.person_debt_now()) } dd { (shown(debt)) }
                    dt.total { (text.person_debt_after()) } dd.total { (shown(debt_after)) }
                }
            }
            @if owes_more { (note("bad", &text.person_debt_note())) }
            @if debt_after.amount() < debt.amount() { (note("info", &text.person_pays_debt())) }
        }
    };
    let confirmed = Confirm {
        method: "POST",
        route: &route(user, "adjustments"),
        done: (&page_of(&user.id), "person_adjusted"),
        back: &visit.path,
        act: text.person_adjust_do(credit_text(of.amount)).to_string(),
        effects,
        fields: html! {
            (adjustment_fields(visit))
            input type="hidden" name="allow_debt:bool" value=(owes_more);
        },
    };
    confirm(visit, &confirmed)
}

/// Posts a commission: the account as it is, and the form (R6.8).
pub async fn post_commission(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let user = match subject(visit, id(path)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let account = match visit.app.store.get::<CommissionAccount>(&CommissionAccount::key(user.id)).await {
        Ok(account) => account.map(|account| *account),
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let currency = user.accounts.balance().currency();
    let account = account.unwrap_or_else(|| CommissionAccount::none(user.id, currency));
    let shown = |amount: LedgerMoney| money(&Amount::from(amount));
    let (hint, order) = (text.share_post_amount_hint().to_string(), text.share_post_order_hint().to_string());
    let amount = text.share_post_amount(currency.code().to_owned());
    let back = format!("{}/programmes", page_of(&user.id));
    let confirmed = Confirm {
        method: "POST",
        route: "/v1/admin/commissions",
        done: (&back, "share_was_posted"),
        back: &back,
        act: text.share_post().to_string(),
        effects: html! {
            div.in.stack-s {
                dl.sum {
                    dt { (text.share_available_now()) } dd { (shown(account.available)) }
                    dt { (text.share_pending_now()) } dd { (shown(account.pending)) }
                    dt { (text.commission_debt()) } dd { (shown(account.owed())) }
                }
                p { (text.share_post_effect()) }
            }
        },
        fields: html! {
            input type="hidden" name="user_id" value=(user.id);
            (line(visit, ("amount", "amount"), &amount, Some(hint), None))
            (reason_told(visit))
            (line(visit, ("order_id", "order_id:?"), &text.share_post_order(), Some(order), None))
        },
    };
    menu::page(
        &staff,
        &act_head(visit, &user, text.share_post_of(name_of(&user)).to_string()),
        &confirm(visit, &confirmed),
    )
}

/// Role and scopes.
pub async fn role(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let user = match subject(visit, id(path)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let text = &visit.text;
    if staff.admin().is_ok_and(|admin| admin.user.id == user.id) {
        return own(&staff, &user);
    }
    let roles =
        [Role::User, Role::Agent, Role::Admin].map(|role| (role.as_str().to_owned(), text.user_role(role).to_string()));
    let fields = html! {
        (choice(visit, ("role", "role"), &text.person_role(), &roles, user.role.as_str()))
        fieldset #scopes {
            legend.label { (text.person_scopes()) }
            p.hint { (text.person_scopes_hint()) }
            @for (place, scope) in AdminScope::ALL.into_iter().enumerate() {
                div.check {
                    input id=(format!("scope-{place}")) type="checkbox" name="scopes[]" value=(scope.as_str())
                        checked[user.scopes.contains(&scope)];
                    label for=(format!("scope-{place}")) { (text.scope(scope)) small.muted.mono { " " (scope.as_str()) } }
                }
            }
        }
    };
    let effects = html! {
        div.in.stack-s {
            p { (text.person_role_now()) ": " @for (place, right) in text.rights(&user).iter().enumerate() { @if place > 0 { ", " } (right) } }
            p.muted { (text.person_role_note()) }
        }
    };
    let of = Confirm {
        method: "PUT",
        route: &route(&user, "role"),
        done: (&page_of(&user.id), "person_role_set"),
        back: &page_of(&user.id),
        act: text.person_role_do().to_string(),
        effects,
        fields,
    };
    let main = confirm(visit, &of);
    menu::page(&staff, &act_head(visit, &user, text.person_set_role_of(name_of(&user)).to_string()), &main)
}

/// The page of an act that nobody may do to their own account.
fn own(staff: &Staff, user: &User) -> Response {
    let visit = &staff.0;
    let main = html! { section.card { div.in.stack-s { p { (visit.text.person_own()) } p { a.btn href=(page_of(&user.id)) { (visit.text.back()) } } } } };
    menu::page(staff, &act_head(visit, user, name_of(user)), &main)
}

/// Resets a person's second factor (R2.12).
pub async fn second_factor(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let user = match subject(visit, id(path)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    if staff.admin().is_ok_and(|admin| admin.user.id == user.id) {
        return own(&staff, &user);
    }
    let text = &visit.text;
    let of = Confirm {
        method: "POST",
        route: &route(&user, "second-factor/reset"),
        done: (&page_of(&user.id), "person_factor_was_reset"),
        back: &visit.path,
        act: text.person_factor_reset_do().to_string(),
        effects: html! { div.in.stack-s { p { (text.person_factor_reset_effect()) } } },
        fields: reason(visit),
    };
    let main = confirm(visit, &of);
    menu::page(&staff, &act_head(visit, &user, text.person_factor_reset_of(name_of(&user)).to_string()), &main)
}

/// Erases a person, after their e-mail was typed.
pub async fn erase(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let user = match subject(visit, id(path)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let text = &visit.text;
    if staff.admin().is_ok_and(|admin| admin.user.id == user.id) {
        return own(&staff, &user);
    }
    let (label, hint) = match &user.email {
        Some(email) => (text.person_erase_email(), text.person_erase_email_hint(email.as_str()).to_string()),
        None => (text.person_erase_id(), user.id.to_string()),
    };
    let is_even = user.accounts.balance().is_zero() && user.accounts.owed().is_zero();
    let effects = html! {
        div.in.stack-s {
            p { (text.person_erase_goes()) }
            p { (text.person_erase_stays()) }
            dl.sum {
                dt { (text.person_balance_now()) } dd { (money(&Amount::from(user.accounts.balance()))) }
                dt { (text.person_debt_now()) } dd { (money(&Amount::from(user.accounts.owed()))) }
            }
            p { strong { (text.person_erase_never()) } }
        }
    };
    let fields = html! {
        (line(visit, ("confirm", "confirm"), &label, Some(hint), None))
        (reason(visit))
        (tick(visit, ("acknowledge_balance", "acknowledge_balance:bool"), &html! { (text.person_erase_balance()) }, false))
        @if !is_even { p.small.muted { (text.refused_balance_left()) } }
    };
    let of = Confirm {
        method: "POST",
        route: &route(&user, "erase"),
        done: (&page_of(&user.id), "person_was_erased"),
        back: &page_of(&user.id),
        act: text.person_erase_do().to_string(),
        effects,
        fields,
    };
    let main = confirm(visit, &of);
    menu::page(&staff, &act_head(visit, &user, text.person_erase_of(name_of(&user)).to_string()), &main)
}
