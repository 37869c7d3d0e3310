//! Totals of the paid orders that a filter names (R4.12).
//!
//! Without a filter the statistics' counters answer. A filter reads the orders themselves, so that the totals are those of the
//! list with the same filter.

use crate::app::App;
use crate::operations::search::{OrderFilter, orders};
use crate::payment::model::order::Order;
use crate::payment::model::payment::target;
use kernel::fault::Error;
use kernel::money::{LedgerMoney, MoneyError, PayMoney};
use kernel::refusal::Refusal;
use table::list::Window;

/// Most orders that one summary reads.
pub const MOST: usize = 5_000;
/// Orders per read.
const PAGE: i32 = 100;

/// Totals of paid orders, before and after refunds.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderSums {
    /// Number of paid orders.
    pub orders: u64,
    /// Sums charged, one per currency.
    pub charges: Vec<PayMoney>,
    /// Rest of them after refunds and disputes, one per currency.
    pub nets: Vec<PayMoney>,
    pub credit: LedgerMoney,
    pub bonus: LedgerMoney,
    /// Credit and bonus that the net leaves.
    pub net_total: LedgerMoney,
}

impl OrderSums {
    /// No orders.
    pub fn none(ledger: kernel::money::Currency) -> Self {
        let zero = LedgerMoney::zero(ledger);
        let (charges, nets) = (Vec::new(), Vec::new());
        Self { orders: 0, charges, nets, credit: zero, bonus: zero, net_total: zero }
    }

    /// Adds an order, if its payment was captured.
    ///
    /// # Rejects
    /// Overflow.
    pub fn add(&mut self, order: &Order) -> Result<(), MoneyError> {
        if !order.status.is_captured() {
            return Ok(());
        }
        let net = order.net();
        let [credit, bonuses @ ..] = order.parts();
        self.orders = self.orders.saturating_add(1);
        sum(&mut self.charges, order.charge)?;
        sum(&mut self.nets, net)?;
        self.credit = self.credit.plus(credit)?;
        for bonus in bonuses {
            self.bonus = self.bonus.plus(bonus)?;
        }
        for part in order.parts() {
            self.net_total = self.net_total.plus(target(part, net, order.charge)?)?;
        }
        Ok(())
    }
}

fn sum(sums: &mut Vec<PayMoney>, amount: PayMoney) -> Result<(), MoneyError> {
    match sums.iter_mut().find(|sum| sum.currency() == amount.currency()) {
        Some(sum) => *sum = sum.plus(amount)?,
        None => sums.push(amount),
    }
    Ok(())
}

/// Sums the paid orders of a filter within the window's times.
///
/// # Rejects
/// [`Refusal::RangeTooLarge`] above [`MOST`] orders.
pub async fn order_sums(
    app: &App,
    ledger: kernel::money::Currency,
    filter: &OrderFilter,
    window: &Window,
) -> Result<OrderSums, Error> {
    let mut sums = OrderSums::none(ledger);
    let (mut window, mut read) = (Window { limit: PAGE, after: None, ..window.clone() }, 0_usize);
    loop {
        let page = orders(app, filter, &window).await?;
        read = read.saturating_add(page.items.len());
        if read > MOST {
            return Err(Refusal::RangeTooLarge.into());
        }
        for order in &page.items {
            sums.add(order)?;
        }
        match page.next {
            Some(next) => window.after = Some(next),
            None => return Ok(sums),
        }
    }
}
