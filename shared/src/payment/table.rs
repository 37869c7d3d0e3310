//! Storage of orders, payments, provider events, reviews and reports.

use jiff::ToSpan;
use jiff::civil::Date;
use kernel::id::{OrderId, ReviewId, UserId};
use kernel::key_part::KeyPart;
use kernel::provider::Provider;
use kernel::year::Year;
use table::key::{at_time, owned};
use table::records;
use table::spread::{DueList, FEW, MonthlyList, SOME};
use table::tx::Metered;

use crate::payment::model::coupon::{CouponCode, CouponUses};
use crate::payment::model::event::{ProviderEventRecord, RAW_KEPT_HOURS, RawEvent};
use crate::payment::model::order::{Order, OrderStatus, OrderWindow};
use crate::payment::model::payment::Payment;
use crate::payment::model::receipt::{Receipt, ReceiptCounter};
use crate::payment::model::reconciliation::{Differences, Reconciliation};
use crate::payment::model::review::Review;

/// Orders, of the whole platform.
pub const ORDERS: MonthlyList = MonthlyList::spread("ORDERS", FEW);
/// Reviews, of the whole platform.
pub const REVIEWS: MonthlyList = MonthlyList::new("REVIEWS");
/// Daily reports about providers, of the whole platform.
pub const RECONCILIATIONS: MonthlyList = MonthlyList::new("RECONCILIATIONS");
/// Pending orders, by their next poll or expiry.
pub const OPEN: DueList = DueList::spread("order", SOME);
/// Orders that ended unpaid and are still asked for.
pub const ENDED: DueList = DueList::spread("ended", FEW);
/// Orders completed by hand whose payment the provider has to confirm.
pub const CONFIRM: DueList = DueList::new("confirm");
/// Reviews that wait for a person.
pub const WAITING: DueList = DueList::new("review");
/// Reports that are made again.
pub const REOPENED: DueList = DueList::new("reopened");

records! {
    /// An order. Indexed by user, by month, and by its next poll or expiry (R4.12).
    Order = "order" {
        fn key(id: OrderId) = "ORDER#{id}", "ORDER";
        at |it| Order::key(it.id);
        owner |it| Some(owned("ORDERS", it.user, at_time(it.created_at, it.id)));
        platform |it| Some(ORDERS.entry(it.created_at, at_time(it.created_at, it.id)));
        due |it| {
            let list = if it.status == OrderStatus::Pending { OPEN } else { ENDED };
            let look = it.next_look().map(|at| (list, at));
            let confirm = it.completed.and(it.paid_at).map(|paid_at| (CONFIRM, paid_at));
            look.or(confirm).map(|(list, at)| list.entry(it.id, at))
        };
    }

    /// The numbered receipt of a paid order: one per order (R4.12).
    Receipt = "receipt" {
        fn key(order: OrderId) = "ORDER#{order}", "RECEIPT";
        at |it| Receipt::key(it.order);
    }

    /// Number of a year's last receipt (R4.12).
    ReceiptCounter = "receipt_counter" {
        fn key(year: Year) = "RECEIPTS#{year}", "COUNTER";
        at |it| ReceiptCounter::key(it.year);
    }

    /// Counting window for a user's new orders (R4.2).
    OrderWindow = "order_window" {
        fn key(user: UserId) = "USER#{user}", "WINDOW";
        at |it| OrderWindow::key(it.user);
    }

    /// Uses of a coupon with a total (R12.2).
    CouponUses = "coupon_uses" {
        fn key(code: &CouponCode) = "COUPON#{code}", "USES";
        at |it| CouponUses::key(&it.code);
    }

    /// Net state of a provider payment (R4.5).
    Payment = "payment" {
        fn key(provider: Provider, id: &str) = "PAYMENT#{provider}#{id}", "PAYMENT";
        at |it| Payment::key(it.provider, &it.id);
    }

    /// Guard and outcome of a provider event that no payment keeps (R4.9).
    ProviderEventRecord = "event" {
        fn key(provider: Provider, id: &str) = "EVENT#{provider}#{id}", "EVENT";
        at |it| ProviderEventRecord::key(it.provider, &it.id);
        owner |it| it.order.map(|order| owned("EVENTS", order, at_time(it.received_at, &it.id)));
    }

    /// Raw body of a provider event, kept as evidence until it expires.
    RawEvent = "raw_event" {
        fn key(provider: Provider, id: &str) = "EVENT#{provider}#{id}", "RAW";
        at |it| RawEvent::key(it.provider, &it.id);
        expires |it| it.received_at.checked_add(RAW_KEPT_HOURS.hours()).ok();
    }

    /// An item of the review queue (R4.5).
    Review = "review" {
        fn key(id: ReviewId) = "REVIEW#{id}", "REVIEW";
        at |it| Review::key(it.id);
        platform |it| Some(REVIEWS.entry(it.created_at, it.id));
        due |it| it.waits().then(|| WAITING.entry(it.id, it.created_at));
    }

    /// Daily report about a provider (R4.10).
    Reconciliation = "reconciliation" {
        fn key(date: Date, provider: Provider) = "RECONCILIATION#{date}", "{provider}";
        at |it| Reconciliation::key(it.date, it.provider);
        platform |it| Some(RECONCILIATIONS.entry(it.day(), format!("{}#{}", it.date, it.provider.as_str())));
        due |it| it.reopened_at.filter(|_| it.is_reopened()).map(|at| REOPENED.entry(it.date, at));
    }

    /// A page of a report's differences.
    Differences = "differences" {
        fn key(date: Date, provider: Provider, page: u32) = "RECONCILIATION#{date}", "DIFFERENCES#{provider}#{page:06}";
        at |it| Differences::key(it.date, it.provider, it.page);
    }
}

impl KeyPart for &CouponCode {
    type Part = String;

    fn part(self) -> String {
        self.to_string()
    }
}

impl Metered for CouponUses {
    fn edition(&self) -> u64 {
        self.edition
    }
}

/// Sort-key prefix of a report's pages of differences.
pub const DIFFERENCES: &str = "DIFFERENCES#";

/// Day and provider of a report, from its key.
pub fn report_of(pk: &str, sk: &str) -> Option<(Date, Provider)> {
    Some((pk.strip_prefix("RECONCILIATION#")?.parse().ok()?, Provider::parse(sk)?))
}

/// Partition key of a day's reports.
pub fn reconciliations_of(date: Date) -> String {
    format!("RECONCILIATION#{}", date.strftime("%Y-%m-%d"))
}
