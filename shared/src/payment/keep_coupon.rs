//! Uses of coupons: reserved with the order, and given back when it ends unpaid (R12.2).

use jiff::Timestamp;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::item::Versioned;
use table::tx::Tx;

use crate::app::App;
use crate::payment::model::coupon::{Coupon, CouponCode, CouponState, CouponUses, OrderCoupon, refused};
use crate::payment::model::order::{Order, OrderWindow};
use crate::payment::model::price::{Quote, TopUp, price};
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::PaymentSettings;

/// Counters of a new order as read: the user's orders of a minute and coupons, and the uses of the coupon.
pub struct Counters {
    pub(crate) window: Option<Versioned<OrderWindow>>,
    uses: Option<Versioned<CouponUses>>,
}

/// Keys of [`Counters`].
pub type CounterKeys = (table::key::Key<OrderWindow>, Option<table::key::Key<CouponUses>>);

impl Counters {
    /// Keys to read for a user's order, with a coupon or without.
    pub fn keys(user: UserId, coupon: Option<&CouponCode>) -> CounterKeys {
        (OrderWindow::key(user), coupon.map(CouponUses::key))
    }

    /// Reads them for an order with a coupon.
    ///
    /// # Errors
    /// A fault if they can't be read.
    pub async fn read(app: &App, user: UserId, coupon: &CouponCode) -> Result<Self, Fault> {
        Ok(Self::of(app.store.read(Self::keys(user, Some(coupon))).await?))
    }

    /// The counters that were read.
    pub fn of((window, uses): (Option<Versioned<OrderWindow>>, Option<Versioned<CouponUses>>)) -> Self {
        Self { window, uses }
    }

    /// Requires that the user and the coupon have a use left.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon`.
    fn must_allow(&self, coupon: &Coupon, all: &[Coupon]) -> Result<(), Refusal> {
        if let (Some(window), Some(code)) = (&self.window, coupon.code()) {
            window.must_allow(coupon, &code, all)?;
        }
        match &self.uses {
            Some(uses) if coupon.total > 0 && uses.used >= u64::from(coupon.total) => {
                Err(refused("used_up", "It has been used as often as it can be."))
            }
            _ => Ok(()),
        }
    }

    /// Adds a use of the order's coupon: to the window that is to be written, and to the coupon's own count.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon` when the user or the coupon has none left by now.
    pub fn take(
        &self,
        order: &Order,
        settings: &PaymentSettings,
        window: OrderWindow,
        tx: &mut Tx,
    ) -> Result<OrderWindow, Error> {
        let reserved = |coupon: &&OrderCoupon| coupon.state == CouponState::Reserved;
        let Some(held) = order.coupon.as_ref().filter(reserved) else { return Ok(window) };
        let coupon = settings.coupon(&held.code)?;
        self.must_allow(coupon, &settings.coupons)?;
        if held.is_counted {
            let fresh = CouponUses::none(held.code.clone(), coupon.total);
            match &self.uses {
                // The total was changed since the last use.
                Some(uses) if uses.own_uses != fresh.own_uses => {
                    let used = uses.used.checked_add(1).ok_or_else(|| Fault::bug("uses without end"))?;
                    tx.replace(uses, &CouponUses { used, ..fresh }).or_retry();
                }
                _ => tx.take_use_or_begin(&fresh).or_retry(),
            }
        }
        Ok(window.with_use(&held.code))
    }
}

/// Prices an order that would be made now, with the coupon that it names and the counters of that.
///
/// `promotion` is the user's; `has_paid` is whether they have a paid order.
///
/// # Rejects
/// As [`price`], and [`Refusal::Invalid`] at `/coupon` for a coupon that the user can't use, or that has no use left.
pub fn price_with(
    settings: &PaymentSettings,
    wanted: &TopUp,
    named: Option<(&CouponCode, &Counters)>,
    (promotion, has_paid): (Option<&Promotion>, bool),
    now: Timestamp,
) -> Result<Quote, Refusal> {
    let quote = price(settings, wanted, named.map(|(code, _)| code), promotion, now)?;
    if let Some((code, counters)) = named {
        let coupon = settings.coupon(code)?;
        if coupon.first_order && has_paid {
            return Err(refused("first_order_only", "It is for the first order."));
        }
        counters.must_allow(coupon, &settings.coupons)?;
    }
    Ok(quote)
}

/// A coupon of the settings with its uses.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedCoupon {
    pub coupon: Coupon,
    /// Orders that are open or paid with it; `None` without a total.
    pub used: Option<u64>,
}

/// Lists the coupons of the settings with their uses.
///
/// # Errors
/// A fault if the uses can't be read.
pub async fn coupons(app: &App) -> Result<Vec<CountedCoupon>, Fault> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let counted = settings.coupons.iter().filter(|coupon| coupon.total > 0).filter_map(Coupon::code);
    let keys = counted.map(|code| (code.clone(), CouponUses::key(&code))).collect();
    let uses = app.store.named(keys).await?;
    let of = |coupon: &Coupon| {
        let uses = coupon.code().and_then(|code| uses.get(&code)).map_or(0, |uses| uses.used);
        CountedCoupon { coupon: coupon.clone(), used: (coupon.total > 0).then_some(uses) }
    };
    Ok(settings.coupons.iter().map(of).collect())
}

/// Replaces an order; a coupon that no payment can use any more is given back with it, and is `released` on the order returned.
///
/// # Errors
/// A fault if the counters of the coupon can't be read.
pub(crate) async fn replace_order(
    app: &App,
    tx: &mut Tx,
    before: &Versioned<Order>,
    after: Order,
) -> Result<Order, Error> {
    let Some(coupon) = after.leaves_coupon().cloned() else {
        tx.replace(before, &after);
        return Ok(after);
    };
    let keys = Counters::keys(after.user, Some(&coupon.code).filter(|_| coupon.is_counted));
    let Counters { window, uses } = Counters::of(app.store.read(keys).await?);
    let window = window.ok_or_else(|| Fault::bug("a coupon that its user's window does not count"))?;
    let left = OrderWindow::clone(&window).without_use(&coupon.code);
    let after = after.with_coupon_state(CouponState::Released);
    tx.replace(before, &after);
    tx.replace(&window, &left);
    if coupon.is_counted {
        let uses = uses.ok_or_else(|| Fault::bug("a coupon whose uses are not counted"))?;
        let used = uses.used.checked_sub(1).ok_or_else(|| Fault::bug("a coupon with fewer uses than orders"))?;
        tx.replace(&uses, &CouponUses { used, ..CouponUses::clone(&uses) });
    }
    Ok(after)
}
