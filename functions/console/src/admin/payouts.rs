//! Payout batches for staff: their list, one with its files, and what became of its lines (R6.9).

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::affiliate::model::payout_batch::{PayoutBatch, PayoutBatchState, PayoutEnd, PayoutFormat, PayoutLine};
use shared::affiliate::model::settings::AffiliateSettings;
use shared::affiliate::model::withdrawal::Withdrawal;
use shared::affiliate::payout_batches::{self, ReadBatch};
use shared::affiliate::payout_file::Debtor;
use shared::affiliate::view::payout_csv;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{PayoutBatchId, WithdrawalId};
use shared::kernel::month::Month;
use shared::kernel::refusal::Refusal;

use super::acts::{choice, facts, line, reason, reason_told, text_field};
use super::filters::{self, Days};
use super::menu::{self, Head};
use super::orders::person;
use super::pages::Staff;
use super::parts::{Confirm, below, card, confirm, id_link, short, time, time_line};
use super::together::{pick, selected};
use crate::export;
use crate::frame;
use crate::list::{Column, sheet};
use crate::parts::{badge, field, money};
use crate::show::credit_text;
use crate::text::Texts;
use crate::visit::{Visit, failed, not_found};

const LIST: &str = "/admin/payout-batches";
const ROUTE: &str = "/v1/admin/payout-batches";

fn page_of(id: PayoutBatchId) -> String {
    format!("{LIST}/{id}")
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let days = match Days::of(&staff.0, None) {
        Ok(days) => days,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::payouts, &[]),
    };
    let visit = &staff.0;
    let part = match staff.part(&(), days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let read = payout_batches::batches(&visit.app, &part.window).await.map_err(Error::from);
    let listed = read.and_then(|page| {
        let columns = [
            Column::Text(text.payout()),
            Column::Text(text.payout_method()),
            Column::Number(text.payout_count()),
            Column::Number(text.together_sum()),
            Column::Text(text.state_of_it()),
            Column::Text(text.created()),
        ];
        let rows = page.items.iter().map(|batch| row(visit, batch)).collect::<Result<Vec<_>, Fault>>()?;
        let nothing = (&*text.payouts_none(), &*text.payouts_none_todo());
        Ok(part.list(visit, &text.payouts(), &columns, (&rows, page.next.as_ref()), nothing))
    });
    let new = html! { div.row { a.btn.go href=(format!("{LIST}/new")) { (text.payout_new()) } } };
    filters::page(&staff, (text.payouts(), text.payouts_lead()), &new, &days.filters(visit, false), listed)
}

fn row(visit: &Visit, of: &PayoutBatch) -> Result<Vec<Markup>, Fault> {
    let total = of.total().map_err(Fault::bug)?;
    Ok(vec![
        id_link(&page_of(of.id), &of.id.to_string()),
        html! { (visit.text.payout_way(of.method.as_str())) },
        html! { (of.kept().count()) },
        money(&Amount::from(total)),
        state(visit, of),
        time(visit.language, of.created_at),
    ])
}

fn state(visit: &Visit, of: &PayoutBatch) -> Markup {
    let text = &visit.text;
    let ended = of.lines.len().saturating_sub(of.count(None));
    match of.state() {
        PayoutBatchState::Open if ended > 0 => html! {
            (badge(&("wait", text.payout_open()))) small { (text.payout_progress(ended.to_string(), of.lines.len().to_string())) }
        },
        PayoutBatchState::Open => badge(&("wait", text.payout_open())),
        PayoutBatchState::Closed => badge(&("ok", text.payout_closed())),
        PayoutBatchState::Dropped => badge(&("", text.payout_dropped())),
    }
}

fn trail(visit: &Visit, batch: Option<PayoutBatchId>) -> Vec<(String, Markup)> {
    let mut trail = vec![
        ("/admin/withdrawals".to_owned(), html! { (visit.text.staff_withdrawals()) }),
        (LIST.to_owned(), html! { (visit.text.payouts()) }),
    ];
    trail.extend(batch.map(|id| (page_of(id), html! { span.mono { (short(&id.to_string())) } })));
    trail
}

/// The form of a new batch.
pub async fn new(staff: Staff) -> Response {
    let visit = &staff.0;
    let settings = match visit.app.settings::<AffiliateSettings>().await {
        Ok(settings) => settings.settings,
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let methods: Vec<(String, String)> = settings
        .withdrawal_methods
        .iter()
        .map(|way| (way.clone(), text.payout_way(way.as_str()).to_string()))
        .collect();
    let first = methods.first().map(|(way, _)| way.clone()).unwrap_or_default();
    let may_transfer = Debtor::of(&settings).is_some();
    let mut formats = vec![(PayoutFormat::Csv.as_str().to_owned(), text.payout_csv().to_string())];
    if may_transfer {
        formats.push((PayoutFormat::Pain001.as_str().to_owned(), text.payout_transfer().to_string()));
    }
    let this_month = Month::of(visit.app.clock.now()).to_string();
    let hint = text.payout_month_hint(this_month.as_str()).to_string();
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: ROUTE,
            done: ("/admin/payout-batches/{id}", "payout_made"),
            back: LIST,
            act: text.payout_make().to_string(),
            effects: html! {
                div.in.stack-s {
                    p { (text.payout_make_effect()) }
                    p { (text.payout_left_out_note()) }
                    @if !may_transfer { p.muted { (text.payout_no_debtor()) } }
                }
            },
            fields: html! {
                (choice(visit, ("method", "method"), &text.payout_method(), &methods, &first))
                (choice(visit, ("format", "format"), &text.payout_format(), &formats, PayoutFormat::Csv.as_str()))
                (line(visit, ("month", "month:?"), &text.payout_month(), Some(hint), None))
            },
        },
    );
    menu::page(&staff, &below(text.payout_new().to_string(), trail(visit, None)), &main)
}

async fn found(visit: &Visit, id: &str) -> Result<ReadBatch, Error> {
    let id = PayoutBatchId::parse(id).ok_or(Refusal::NotFound)?;
    payout_batches::batch(&visit.app, id).await
}

/// One batch: facts, files, lines.
pub async fn show(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let (read, total) = match found(visit, &id).await.and_then(|read| {
        let total = read.batch.total().map_err(Fault::bug)?;
        Ok((read, total))
    }) {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let (text, batch) = (&visit.text, &read.batch);
    let page = page_of(batch.id);
    let head = Head {
        title: text.payout_of(credit_text(total)).to_string(),
        lead: Some(html! { span.mono.small.break { (batch.id) } }),
        aside: Some(state(visit, batch)),
        trail: trail(visit, None),
    };
    let about = [
        (text.payout_method(), html! { (text.payout_way(batch.method.as_str())) }),
        (text.payout_count(), html! { (batch.kept().count()) }),
        (text.together_sum(), money(&Amount::from(total))),
        (text.payout_made_by(), person(&batch.made_by.to_string(), None)),
        (text.created(), time_line(visit.language, batch.created_at)),
    ];
    let is_open = batch.state() == PayoutBatchState::Open;
    let main = html! {
        (card("batch", &text.payout(), &html! {
            div.in.stack {
                (facts(&about))
                div.row {
                    a.btn href=(format!("{page}/file.csv")) download { (text.payout_csv()) }
                    @if batch.format == PayoutFormat::Pain001 { a.btn href=(format!("{page}/file.xml")) download { (text.payout_transfer()) } }
                    @if is_open {
                        a.btn.go href=(format!("{page}/act?act=close")) { (text.payout_close()) }
                        a.btn.risk href=(format!("{page}/act?act=drop")) { (text.payout_drop()) }
                    }
                }
            }
        }))
        (card("lines", &text.payout_lines(), &lines(visit, &read)))
    };
    menu::page(&staff, &head, &main)
}

/// The lines, of which open ones can be selected.
fn lines(visit: &Visit, read: &ReadBatch) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.withdrawal()),
        Column::Text(text.user()),
        Column::Text(text.payout_account()),
        Column::Number(text.amount()),
        Column::Text(text.state_of_it()),
        Column::Text(text.withdrawal_note()),
        Column::Action(text.codes_select()),
    ];
    let rows: Vec<Vec<Markup>> = read.lines().map(|(line, of)| line_row(visit, read.batch.id, line, of)).collect();
    html! {
        form method="get" action=(format!("{}/act", page_of(read.batch.id))) {
            (sheet(text, &text.payout_lines(), &columns, &rows))
            @if read.batch.state() == PayoutBatchState::Open {
                div.in.row {
                    button.btn name="act" value="pay" { (text.payout_pay_some()) }
                    button.btn.risk name="act" value="fail" { (text.payout_fail_some()) }
                    button.btn.slim type="button" data-all="id" hidden { (text.codes_select_all()) }
                }
            }
        }
    }
}

fn line_row(visit: &Visit, batch: PayoutBatchId, line: &PayoutLine, of: &Withdrawal) -> Vec<Markup> {
    let text = &visit.text;
    let id = line.withdrawal.to_string();
    let end = match line.end {
        None => ("wait", text.payout_open()),
        Some(PayoutEnd::Paid) => ("ok", text.withdrawal_paid()),
        Some(PayoutEnd::Failed) => ("bad", text.payout_failed()),
        Some(PayoutEnd::Dropped) => ("", text.payout_dropped()),
    };
    let note = of.reference.as_deref().or(of.reason.as_deref()).filter(|_| of.batch == Some(batch)).unwrap_or("—");
    vec![
        id_link(&format!("/admin/withdrawals/{id}"), &id),
        person(&of.user.to_string(), None),
        html! { @match &of.payout { Some(payout) => { span.mono { (payout.masked()) } } None => { "—" } } },
        money(&Amount::from(line.amount)),
        badge(&end),
        html! { span.break { (note) } },
        pick(visit, &id, line.end.is_none()),
    ]
}

/// Asks whether to pay or fail some lines, to close the batch or to drop it.
pub async fn act(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let read = match found(visit, &id).await {
        Ok(read) => read,
        Err(error) => return frame::error(visit, error),
    };
    let (text, batch) = (&visit.text, &read.batch);
    let page = page_of(batch.id);
    let open: Vec<&PayoutLine> = batch.lines.iter().filter(|line| line.end.is_none()).collect();
    let chosen = selected(visit, WithdrawalId::parse);
    let some: Vec<&PayoutLine> = open.iter().copied().filter(|line| chosen.contains(&line.withdrawal)).collect();
    let named = html! { @for line in &some { input type="hidden" name="ids[]" value=(line.withdrawal); } };
    let reference = || {
        let hint = Some(text.reference_hint().to_string());
        field(visit, &text_field("reference", "reference", &text.reference(), hint, true))
    };
    let asked = match visit.asked("act") {
        Some("close") => {
            (text.payout_close(), text.payout_close_effect(), "close", "acted_on_several", reference(), open)
        }
        Some("drop") => {
            (text.payout_drop(), text.payout_drop_effect(), "drop", "payout_was_dropped", reason(visit), open)
        }
        Some("pay") => {
            let fields = html! { (named) (reference()) };
            (text.payout_pay_some(), text.together_pay_effect(), "close", "acted_on_several", fields, some)
        }
        Some("fail") => {
            let fields = html! { (named) (reason_told(visit)) };
            (text.payout_fail_some(), text.together_reject_effect(), "fail", "acted_on_several", fields, some)
        }
        _ => return not_found(visit),
    };
    ask(&staff, batch, &page, asked)
}

/// Title, effect, verb of the route, message afterwards, fields, and the lines that it is about.
type AskedAct<'a> = (Message, Message, &'a str, &'a str, Markup, Vec<&'a PayoutLine>);

fn ask(
    staff: &Staff,
    batch: &PayoutBatch,
    page: &str,
    (title, effect, verb, said, fields, lines): AskedAct<'_>,
) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let head = below(title.to_string(), trail(visit, Some(batch.id)));
    if lines.is_empty() {
        let main = html! { section.card { div.in.stack-s { p { (text.payout_none_selected()) } p { a.btn href=(page) { (text.back()) } } } } };
        return menu::page(staff, &head, &main);
    }
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &format!("{ROUTE}/{}/{verb}", batch.id),
            done: (page, said),
            back: page,
            act: title.to_string(),
            effects: html! {
                div.in.stack-s {
                    p { (effect) }
                    dl.sum { @for line in &lines { dt.mono { (short(&line.withdrawal.to_string())) } dd { (money(&Amount::from(line.amount))) } } }
                }
            },
            fields,
        },
    );
    menu::page(staff, &head, &main)
}

/// The CSV of a batch.
pub async fn csv(staff: Staff, Path(id): Path<String>) -> Response {
    match found(&staff.0, &id).await {
        Ok(read) => export::file(&format!("{}.csv", read.batch.id), payout_csv(&read.batch, &read.filed())),
        Err(error) => frame::error(&staff.0, error),
    }
}

/// The credit transfer of a batch.
pub async fn xml(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let made = async {
        let read = found(visit, &id).await?;
        let xml = payout_batches::credit_transfer(&visit.app, &read).await?;
        Ok::<_, Error>((read.batch.id, xml))
    };
    match made.await {
        Ok((id, xml)) => export::saved(&format!("{id}.xml"), "text/xml; charset=utf-8", xml),
        Err(error) => frame::error(visit, error),
    }
}
