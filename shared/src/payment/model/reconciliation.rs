//! The daily three-way report: what a provider's book, our orders and our ledger say of a day's payments (R4.10).
//!
//! One [`Reconciliation`] per day and provider. It is made page by page, so it may stop anywhere and goes on where it stopped;
//! payments that differ are kept as [`Differences`], a bounded item per page, and each becomes a review item. When nothing
//! differs, its sums say so: the zero-difference line. It credits nothing by itself: money that the provider holds and we were
//! never told of is settled first, as a webhook would have been.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use kernel::id::OrderId;
use kernel::money::{Currency, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::text_enum;

/// What the three sides say: each what is left of the money that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// The provider's book.
    pub provider: PayMoney,
    /// Our orders, and money in review.
    pub orders: PayMoney,
    /// Our journals' lines of the provider's account.
    pub ledger: PayMoney,
}

impl Sides {
    /// Nothing on any side.
    pub fn none(currency: Currency) -> Self {
        let zero = PayMoney::zero(currency);
        Self { provider: zero, orders: zero, ledger: zero }
    }

    /// Whether all say the same.
    pub fn agree(&self) -> bool {
        self.provider == self.orders && self.orders == self.ledger
    }

    /// Both together.
    ///
    /// # Refuses
    /// Another currency; overflow.
    pub fn plus(&self, other: &Self) -> Result<Self, MoneyError> {
        Ok(Self {
            provider: self.provider.plus(other.provider)?,
            orders: self.orders.plus(other.orders)?,
            ledger: self.ledger.plus(other.ledger)?,
        })
    }

    /// What is wrong, if they don't agree.
    pub fn verdict(&self) -> Option<DifferenceKind> {
        if self.agree() {
            None
        } else if self.orders.is_zero() && self.ledger.is_zero() {
            Some(DifferenceKind::MissingHere)
        } else if self.provider.is_zero() {
            Some(DifferenceKind::MissingThere)
        } else {
            Some(DifferenceKind::AmountDiffers)
        }
    }
}

text_enum! {
    /// How a payment differs.
    pub enum DifferenceKind {
        /// The provider holds money that we know nothing of.
        MissingHere = "missing_here",
        /// We credited money that the provider does not hold.
        MissingThere = "missing_there",
        /// All know it, and not as the same.
        AmountDiffers = "amount_differs",
        /// A person completed the order, and the provider has not confirmed it yet (R4.12).
        Unconfirmed = "unconfirmed",
    }
}

/// A payment that the sides don't agree on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentDifference {
    /// The provider's payment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Our order, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// How it differs.
    pub verdict: DifferenceKind,
    /// What each side says.
    pub sides: Sides,
}

/// The differences of one page of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    /// The report's day.
    pub date: Date,
    /// Its provider.
    pub provider: Provider,
    /// Which page.
    pub page: u32,
    /// Which payments.
    pub lines: Vec<PaymentDifference>,
}

/// What a report looks at next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The provider's own list of the day.
    Book,
    /// Our orders of the day.
    Orders,
    /// Orders that a person completed and nobody confirmed, of whichever day.
    Unconfirmed,
    /// Nothing any more.
    Done,
}

/// The report about one provider's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The day, in UTC.
    pub date: Date,
    /// The provider.
    pub provider: Provider,
    /// What is looked at next.
    pub stage: Stage,
    /// Where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many pages were looked at.
    pub pages: u32,
    /// How many payments and orders were compared.
    pub checked: u64,
    /// How many of them differ.
    pub differences: u64,
    /// How many orders wait to be confirmed.
    pub unconfirmed: u64,
    /// The sums of what was compared, by currency.
    pub sums: Vec<Sides>,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// One page of a report, looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// What each compared payment says, by payment and order.
    pub compared: Vec<(Option<String>, Option<OrderId>, Sides)>,
    /// Orders that wait to be confirmed.
    pub unconfirmed: Vec<(OrderId, Sides)>,
    /// Where the next page of the same stage begins.
    pub next: Option<String>,
}

impl Reconciliation {
    /// When its day begins.
    pub fn day(&self) -> Timestamp {
        self.date.to_zoned(TimeZone::UTC).map_or(self.started_at, |day| day.timestamp())
    }

    /// A report that is begun now. Only Stripe lists a day's payments; a gateway is asked order by order.
    pub fn begin(date: Date, provider: Provider, now: Timestamp) -> Self {
        let stage = if provider == Provider::Stripe { Stage::Book } else { Stage::Orders };
        Self {
            date,
            provider,
            stage,
            cursor: None,
            pages: 0,
            checked: 0,
            differences: 0,
            unconfirmed: 0,
            sums: Vec::new(),
            started_at: now,
            finished_at: None,
        }
    }

    /// The report after one more page, and the differences on it.
    ///
    /// # Refuses
    /// Sums out of range.
    pub fn after(&self, looked: Looked, now: Timestamp) -> Result<(Self, Differences), MoneyError> {
        let mut after = self.clone();
        let mut lines = Vec::new();
        for (payment_id, order_id, sides) in looked.compared {
            after.checked = after.checked.saturating_add(1);
            after.add(&sides)?;
            if let Some(verdict) = sides.verdict() {
                after.differences = after.differences.saturating_add(1);
                lines.push(PaymentDifference { payment_id, order_id, verdict, sides });
            }
        }
        for (order, sides) in looked.unconfirmed {
            after.unconfirmed = after.unconfirmed.saturating_add(1);
            lines.push(PaymentDifference {
                payment_id: None,
                order_id: Some(order),
                verdict: DifferenceKind::Unconfirmed,
                sides,
            });
        }
        after.cursor = looked.next;
        if after.cursor.is_none() {
            after.stage = match self.stage {
                Stage::Book => Stage::Orders,
                Stage::Orders => Stage::Unconfirmed,
                Stage::Unconfirmed | Stage::Done => Stage::Done,
            };
        }
        after.finished_at = (after.stage == Stage::Done).then_some(now);
        let page = self.pages;
        after.pages = page.saturating_add(1);
        Ok((after, Differences { date: self.date, provider: self.provider, page, lines }))
    }

    fn add(&mut self, sides: &Sides) -> Result<(), MoneyError> {
        let currency = sides.provider.currency();
        match self.sums.iter_mut().find(|sum| sum.provider.currency() == currency) {
            Some(sum) => *sum = sum.plus(sides)?,
            None => self.sums.push(*sides),
        }
        Ok(())
    }

    /// Whether everything was looked at and nothing differs.
    pub fn is_clean(&self) -> bool {
        self.stage == Stage::Done && self.differences == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::payment::model::order::tests::{cny, now};

    fn sides(provider: &str, orders: &str, ledger: &str) -> Sides {
        Sides { provider: cny(provider), orders: cny(orders), ledger: cny(ledger) }
    }

    /// R4.10
    #[test]
    fn three_sides_agree_or_say_how_they_differ() {
        let cases = [
            (sides("100", "100", "100"), None),
            (sides("0", "0", "0"), None),
            (sides("100", "0", "0"), Some(DifferenceKind::MissingHere)),
            (sides("0", "100", "100"), Some(DifferenceKind::MissingThere)),
            (sides("100", "70", "70"), Some(DifferenceKind::AmountDiffers)),
            (sides("100", "100", "70"), Some(DifferenceKind::AmountDiffers)),
        ];
        for (sides, verdict) in cases {
            assert_eq!(sides.verdict(), verdict, "{sides:?}");
        }
    }

    /// R4.10: a report goes from stage to stage and page to page, and its sums are those of everything it compared.
    #[test]
    fn a_report_is_made_page_by_page() {
        let report = Reconciliation::begin("2026-11-20".parse().unwrap(), Provider::Stripe, now());
        let row = |sides| (Some("pi_1".to_owned()), None, sides);
        let first = Looked {
            compared: vec![row(sides("100", "100", "100")), row(sides("50", "0", "0"))],
            next: Some("ch_2".into()),
            ..Looked::default()
        };
        let (report, found) = report.after(first, now()).unwrap();
        assert_eq!((report.stage, report.cursor.as_deref(), report.differences), (Stage::Book, Some("ch_2"), 1));
        assert_eq!((found.page, found.lines.len(), found.lines[0].verdict), (0, 1, DifferenceKind::MissingHere));
        let last = Looked { compared: vec![row(sides("1", "1", "1"))], ..Looked::default() };
        let (report, found) = report.after(last, now()).unwrap();
        assert_eq!((report.stage, found.lines.len(), report.sums[0]), (Stage::Orders, 0, sides("151", "101", "101")));
        let (report, _) = report.after(Looked::default(), now()).unwrap();
        let waiting = OrderId::new(ulid::Ulid::from_parts(1, 1));
        let waits = Looked { unconfirmed: vec![(waiting, sides("0", "9", "9"))], ..Looked::default() };
        let (report, found) = report.after(waits, now()).unwrap();
        assert_eq!((report.stage, report.unconfirmed, report.pages), (Stage::Done, 1, 4));
        assert_eq!(found.lines[0].verdict, DifferenceKind::Unconfirmed);
        assert!(report.finished_at.is_some() && !report.is_clean());
    }
}
