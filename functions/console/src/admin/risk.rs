//! Cases of risk for staff (R10.2): what signals found, why something is held, and the decision about it.

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::operations::search::users_of;
use shared::risk::cases::{CaseFilter, cases};
use shared::risk::model::case::{CaseState, Evidence, RiskCase};
use shared::risk::model::signal::Signal;

use super::acts::reason;
use super::filters::{self, Days, Filter, INVITER, given, read};
use super::menu;
use super::pages::Staff;
use super::parts::{Confirm, below, confirm, time};
use super::together::{self, Asked};
use super::users::{People, person};
use crate::frame;
use crate::list::Column;
use crate::parts::badge;
use crate::text::Texts;
use crate::visit::{Visit, failed, not_found};

const PAGE: &str = "/admin/risk";

impl Texts {
    /// State of a case, with its tone.
    fn case_state(&self, state: CaseState) -> (&'static str, Message) {
        match state {
            CaseState::Flagged => ("info", self.case_flagged()),
            CaseState::Held => ("wait", self.case_held()),
            CaseState::Released => ("ok", self.case_released()),
            CaseState::Rejected => ("bad", self.case_rejected()),
        }
    }

    fn case_evidence(&self, rule: Signal) -> Message {
        match rule {
            Signal::EmailAlias => self.evidence_same_mailbox(),
            Signal::Network => self.evidence_same_network(),
            Signal::Device => self.evidence_same_device(),
            Signal::PayoutAccount => self.evidence_same_payout(),
            Signal::PaymentInstrument => self.evidence_same_instrument(),
            Signal::DisposableEmail => self.evidence_disposable_mailbox(),
        }
    }
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let asked = Days::of(visit, None).and_then(|days| {
        let mut errors = Vec::new();
        let inviter = read(visit, "inviter", UserId::parse, &mut errors);
        shared::kernel::refusal::Refusal::unless_empty(errors)?;
        Ok((days, inviter))
    });
    let (days, inviter) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_risk, &[INVITER]),
    };
    let filter = CaseFilter { state: given(visit, "state").as_deref().and_then(CaseState::parse), inviter };
    let part = match staff.part(&filter, days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let states = CaseState::ALL.map(|state| (state.as_str().to_owned(), text.case_state(state).1.to_string()));
    let [from, to] = days.filters(visit, false);
    let fields = [Filter::choice(visit, "state", text.state_of_it(), states.to_vec()), INVITER.filter(visit), from, to];
    let read = async {
        let page = cases(&visit.app, &filter, &part.window).await?;
        let others = page.items.iter().flat_map(|case| case.evidence.iter().filter_map(|one| one.other));
        let ids = page.items.iter().flat_map(|case| [case.invitee, case.inviter]).chain(others);
        let people = users_of(&visit.app, ids.collect::<std::collections::BTreeSet<_>>()).await?;
        Ok::<_, Error>((page, people))
    };
    let listed = read.await.map(|(page, people)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|case| row(visit, &people, case)).collect();
        let columns = [
            Column::Text(text.bond_invitee()),
            Column::Text(text.bond_inviter()),
            Column::Text(text.case_found()),
            Column::Text(text.state_of_it()),
            Column::Text(text.time()),
            Column::Action(text.row_action()),
            Column::Action(text.codes_select()),
        ];
        let nothing = (&*text.cases_none(), &*text.cases_none_todo());
        let acts = [("release", text.case_release(), false), ("reject", text.case_reject(), true)];
        let (label, act) = (text.staff_risk(), ("/admin/risk/together", &acts[..]));
        together::list(visit, &part, (&label, &columns), (&rows, page.next.as_ref()), nothing, act)
    });
    filters::page(&staff, (text.staff_risk(), text.cases_lead()), &html! {}, &fields, listed)
}

fn row(visit: &Visit, people: &People, case: &RiskCase) -> Vec<Markup> {
    let text = &visit.text;
    let is_held = case.state == CaseState::Held;
    vec![
        person(people, case.invitee),
        person(people, case.inviter),
        html! { @for one in &case.evidence { div { (evidence(visit, people, one)) } } },
        html! {
            (badge(&text.case_state(case.state)))
            @if let Some(decision) = &case.decision { small.break { (decision.reason) } }
        },
        time(visit.language, case.opened_at),
        html! {
            @if is_held {
                a.btn.slim href=(format!("/admin/risk/{}/release", case.invitee)) { (text.case_release()) } " "
                a.btn.slim href=(format!("/admin/risk/{}/reject", case.invitee)) { (text.case_reject()) }
            }
        },
        together::pick(visit, &case.invitee.to_string(), is_held),
    ]
}

fn evidence(visit: &Visit, people: &People, of: &Evidence) -> Markup {
    html! {
        (visit.text.case_evidence(of.rule))
        @if let Some(other) = of.other { small { (person(people, other)) } }
    }
}

/// Asks whether to release what a case holds.
pub async fn release(path: Option<Path<String>>, staff: Staff) -> Response {
    decide(path, staff, true).await
}

/// Asks whether to reject what a case holds.
pub async fn reject(path: Option<Path<String>>, staff: Staff) -> Response {
    decide(path, staff, false).await
}

async fn decide(path: Option<Path<String>>, staff: Staff, is_release: bool) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| UserId::parse(&id)) else { return not_found(visit) };
    let (case, people) = match read_case(visit, id).await {
        Ok(Some(read)) => read,
        Ok(None) => return not_found(visit),
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let (title, effect, act, said) = match is_release {
        true => (text.case_release_title(), text.case_release_effect(), text.case_release(), "case_was_released"),
        false => (text.case_reject_title(), text.case_reject_effect(), text.case_reject(), "case_was_rejected"),
    };
    let head = below(title.to_string(), vec![(PAGE.to_owned(), html! { (text.staff_risk()) })]);
    if case.state != CaseState::Held {
        return menu::page(&staff, &head, &html! { section.card { div.in { p { (text.case_not_held()) } } } });
    }
    let effects = html! {
        div.in.stack-s {
            dl.sum {
                dt { (text.bond_invitee()) } dd { (person(&people, case.invitee)) }
                dt { (text.bond_inviter()) } dd { (person(&people, case.inviter)) }
                @for one in &case.evidence {
                    dt { (text.case_found()) } dd { (evidence(visit, &people, one)) }
                }
            }
            p { (effect) }
        }
    };
    let verb = match is_release {
        true => "release",
        false => "reject",
    };
    let confirmed = Confirm {
        method: "POST",
        route: &format!("/v1/admin/risk/cases/{id}/{verb}"),
        done: (PAGE, said),
        back: PAGE,
        act: act.to_string(),
        effects,
        fields: reason(visit),
    };
    menu::page(&staff, &head, &confirm(visit, &confirmed))
}

async fn read_case(visit: &Visit, id: UserId) -> Result<Option<(RiskCase, People)>, Fault> {
    let Some(case) = visit.app.store.get::<RiskCase>(&RiskCase::key(id)).await? else { return Ok(None) };
    let others = case.evidence.iter().filter_map(|one| one.other);
    let people = users_of(&visit.app, others.chain([case.invitee, case.inviter])).await?;
    Ok(Some((case.into_inner(), people)))
}

/// Asks whether to release or to reject what several cases hold; those that hold nothing are left out.
pub async fn several(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let is_release = match visit.asked("act") {
        Some("release") => true,
        Some("reject") => false,
        _ => return not_found(visit),
    };
    let ids = together::selected(visit, UserId::parse);
    let keys: Vec<_> = ids.into_iter().take(together::MOST).map(RiskCase::key).collect();
    let found = match visit.app.store.read(keys).await {
        Ok(found) => found,
        Err(fault) => return failed(visit, &fault),
    };
    let held = found.into_iter().flatten().filter(|case| case.state == CaseState::Held);
    let things: Vec<_> = held.map(|case| (case.invitee.to_string(), None)).collect();
    let number = things.len();
    let (title, effect, route) = match is_release {
        true => (text.cases_release(number), text.case_release_effect(), "/v1/admin/risk/cases/release"),
        false => (text.cases_reject(number), text.case_reject_effect(), "/v1/admin/risk/cases/reject"),
    };
    let list = (PAGE, text.staff_risk());
    together::ask(&staff, Asked { list, title, effect, route, fields: reason(visit), things })
}
