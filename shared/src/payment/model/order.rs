//! A payment order: a user's request to top up, priced once (R4.1–R4.4).
//!
//! The order snapshots everything its price depends on, so crediting it reads no settings. Before payment the order has a state
//! of its own; after payment the state follows the provider's net (R4.4). Stored as one item of about 1 KB.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::payment::model::bonus::{OfferedBonus, combined};
use crate::payment::model::coupon::{CouponCount, OrderCoupon};
use crate::payment::model::promotion::OrderTier;
use kernel::id::{AgencyOrderId, JournalId, OrderId, ShopId, UserId};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::text_enum;

/// Counting window for a user's new orders (R4.2), with the counts of the user's coupons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWindow {
    pub user: UserId,
    /// Creation time of the first order in the window.
    pub started_at: Timestamp,
    /// Orders created since `started_at`.
    pub orders: u32,
    /// Uses of coupons by the user (R12.2); they do not end with the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coupons: Vec<CouponCount>,
}

text_enum! {
    /// State of an order (R4.4).
    pub enum OrderStatus {
        /// Waiting for the money.
        Pending = "pending",
        /// The net is the charge.
        Paid = "paid",
        /// The provider refused it, or the payment failed.
        Failed = "failed",
        /// Nobody paid in time.
        Expired = "expired",
        /// The user gave up.
        Cancelled = "cancelled",
        /// A dispute is open.
        Disputed = "disputed",
        /// A part of the charge went back.
        PartiallyRefunded = "partially_refunded",
        /// All of the charge went back.
        Refunded = "refunded",
    }
}

impl OrderStatus {
    /// True if the money was captured: the state follows the net.
    pub fn is_captured(self) -> bool {
        matches!(self, Self::Paid | Self::Disputed | Self::PartiallyRefunded | Self::Refunded)
    }

    /// True if an order in this state may change to `next` (R4.4); staying in a state is no change.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => self != next,
            Self::Failed | Self::Expired | Self::Cancelled => next.is_captured(),
            Self::Paid | Self::Disputed | Self::PartiallyRefunded | Self::Refunded => {
                self != next && next.is_captured()
            }
        }
    }

    /// State of a captured order, derived from its net (R4.4).
    ///
    /// # Rejects
    /// Amounts in different currencies.
    pub fn by_net(net: PayMoney, charge: PayMoney, open_dispute: bool) -> Result<Self, MoneyError> {
        Ok(if open_dispute {
            Self::Disputed
        } else if !net.is_positive() {
            Self::Refunded
        } else if net.compare(charge)?.is_lt() {
            Self::PartiallyRefunded
        } else {
            Self::Paid
        })
    }
}

text_enum! {
    /// Why the provider made no payment of an order (R4.3).
    pub enum FailureCode {
        /// It said no.
        ProviderRefused = "provider_refused",
        /// It could not be reached or understood.
        ProviderUnavailable = "provider_unavailable",
    }
}

/// Failure of an order: code and detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub code: FailureCode,
    /// The provider's message, for people to read.
    pub detail: String,
}

text_enum! {
    /// How a payment that can still come stands at the provider (R4.10).
    pub enum UnderWay {
        /// Nobody has paid, and the payment page is still open.
        Open = "open",
        /// The payer has paid by a delayed method; the provider does not have the money yet.
        Processing = "processing",
    }
}

/// Inviter's commission terms, snapshotted at order creation (R6.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AffiliateTerms {
    /// Commission as a fraction of the base.
    #[serde(with = "kernel::decimal")]
    pub rate: Decimal,
    /// Amount that the rate applies to; `None` is the credit (R6.10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<LedgerMoney>,
    /// Number of one invitee's orders that earn commission; 0 means no limit.
    pub trigger_limit: u32,
    /// Hours from accrual until the commission can be withdrawn.
    pub hold_hours: u32,
    /// Most commission that this invitee earns its inviter; `None` means no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<LedgerMoney>,
    /// Last instant at which an order earns; `None` means no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Share of the inviter's inviter (R6.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondTerms>,
}

/// Terms of the second level: of the inviter's inviter (R6.11).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SecondTerms {
    pub inviter: UserId,
    /// Commission as a fraction of the base; with the inviter's at most 1.
    #[serde(with = "kernel::decimal")]
    pub rate: Decimal,
}

/// Link to the agency order that a payment order pays for (R8.12).
///
/// Such an order credits no balance; its payment settles the agency sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForAgency {
    pub order: AgencyOrderId,
    /// Level-1 shop of the order's tree.
    pub tree: ShopId,
}

/// A payment order: a top-up, or the payment of an agency order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    /// The user to credit.
    pub user: UserId,
    pub status: OrderStatus,
    pub provider: Provider,
    /// Provider's payment method: `card`, `alipay`, …
    pub method: String,
    /// Requested amount, before discount.
    pub amount: PayMoney,
    /// Amount to pay, after discount.
    pub charge: PayMoney,
    /// Credit bought, without bonus.
    pub credit: LedgerMoney,
    /// Units of pay currency per unit of ledger currency.
    #[serde(with = "kernel::decimal")]
    pub exchange_rate: Decimal,
    /// Charged fraction of the amount.
    #[serde(with = "kernel::decimal")]
    pub discount_rate: Decimal,
    /// Promotion tier at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<OrderTier>,
    /// Bonus of the offer or amount at creation (R12.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_bonus: Option<OfferedBonus>,
    /// Coupon, with what it does (R12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<OrderCoupon>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<UserId>,
    /// Inviter's terms at creation; `None` means that the order earns no commission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<AffiliateTerms>,
    /// Payment page; `None` while `payment::pay_page` can derive it from the order and the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_url: Option<String>,
    /// Gateway's signature of a payment page that can be derived, so that a page without the key can link to it.
    #[serde(default, rename = "sign", skip_serializing_if = "Option::is_none")]
    pub pay_signature: Option<String>,
    /// Page the payer returns to, if the settings name one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// QR code content, if it is not the pay URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_content: Option<String>,
    /// Present on failed orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    pub created_at: Timestamp,
    /// Expiry of an unpaid order.
    pub expires_at: Timestamp,
    /// Number of polls of the provider so far, while no payment is known (R4.10).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// The provider's last word about a payment that can still come, once the order has ended or one is being processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UnderWay>,
    /// Capture time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// True if the capture came after the order had expired or left `pending`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The provider's own reference: Stripe's session id, or the gateway's trade number from `mapi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_ref: Option<String>,
    /// The provider's payment id; for an order completed by hand, `None` until the provider confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// Bonus earned by the payment, before refunds; `None` until paid or if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus: Option<LedgerMoney>,
    /// Bonus of the offer or amount that the payment got, before refunds; `None` until paid or if there is none (R12.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_bonus: Option<LedgerMoney>,
    /// True while the bonus is not credited, because it exceeds the budget of the programme, until an admin releases it (R10.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bonus_held: bool,
    /// Month from whose budget the bonus was taken (R10.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus_budget_month: Option<Date>,
    /// Net of the charge, stored only once it differs from the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<PayMoney>,
    /// True if the payment has refunds, made or requested; lists read the payment only then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_refunds: bool,
    /// Journal of a completion by hand, while no payment id is known (R4.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<JournalId>,
    /// Payment id that a person entered with the completion; only the provider's own event makes it `payment_id` (F7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// The agency order it pays for, if it is no top-up (R8.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<ForAgency>,
    /// IP address the order was created from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// `User-Agent` of the request that created the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request that made it, for its repetitions; `None` if that had no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<OrderRequest>>,
}

/// Request that made an order, and the part of its answer that the order does not keep (R1.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRequest {
    pub fingerprint: String,
    /// Failure at creation, which a late payment takes off the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Poll schedule (R4.10): seconds after creation at which the provider is polled, until expiry.
const LOOKS: [i64; 8] = [20, 60, 150, 300, 600, 1_200, 2_400, 4_800];
/// Minutes after expiry of the poll that every ended order gets (R4.10).
const LAST_LOOK: i64 = 10;
/// Further polls while a payment can still come: minutes after expiry, then daily.
const LATE_LOOKS: [i64; 6] = [30, 60, 120, 240, 480, 960];
/// Days after expiry until which a payment that can still come is looked for.
const PATIENCE: i64 = 14;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Order {
    /// The order as it was created, whatever became of it since.
    pub fn as_created(&self) -> Self {
        let failure = self.request.as_ref().and_then(|request| request.failure.clone());
        Self {
            status: if failure.is_some() { OrderStatus::Failed } else { OrderStatus::Pending },
            failure,
            under_way: None,
            paid_at: None,
            late: false,
            bonus: None,
            amount_bonus: None,
            left: None,
            ..self.clone()
        }
        .coupon_as_made()
    }

    /// Time of the next poll of the provider (R4.10); `None` if the order is not polled any more.
    ///
    /// A pending order is polled until it expires. An ended one is polled once more after its end, and on until the provider
    /// says how its payment ended, since its user may have paid it already or still have the payment page open.
    pub fn next_look(&self) -> Option<Timestamp> {
        let next = self.look_times().nth(usize::try_from(self.looks).unwrap_or(usize::MAX));
        match self.status {
            OrderStatus::Pending => Some(next.unwrap_or(self.expires_at).min(self.expires_at)),
            OrderStatus::Cancelled | OrderStatus::Expired => next,
            OrderStatus::Failed if self.provider_ref.is_some() => next,
            _ => None,
        }
    }

    /// Times of all polls, in order: before expiry, at it, once after it, and on while a payment can still come.
    fn look_times(&self) -> impl Iterator<Item = Timestamp> {
        let after = |start: Timestamp, seconds: i64| start.checked_add(SignedDuration::from_secs(seconds)).ok();
        let (created_at, expires_at) = (self.created_at, self.expires_at);
        let earlier = LOOKS.into_iter().filter_map(move |seconds| after(created_at, seconds));
        let daily = (1..=PATIENCE).map(|day| day.saturating_mul(DAY));
        let late = self.under_way.is_some().then(|| LATE_LOOKS.into_iter().chain(daily)).into_iter().flatten();
        let ended = [0, LAST_LOOK].into_iter().chain(late);
        let ended = ended.filter_map(move |minutes| after(expires_at, minutes.saturating_mul(60)));
        earlier.filter(move |at| *at < expires_at).chain(ended)
    }

    /// The order after a poll at `now` that found `under_way`.
    ///
    /// Polls that were missed after expiry are not made up for. After the last one nothing counts as under way any more.
    pub fn looked(&self, under_way: Option<UnderWay>, now: Timestamp) -> Self {
        let seen = self.saw(under_way);
        let past = seen.look_times().take_while(|at| *at <= now).count();
        let past = if now > self.expires_at { u32::try_from(past).unwrap_or(u32::MAX) } else { 0 };
        let looked = Self { looks: self.looks.saturating_add(1).max(past), ..seen };
        match looked.next_look() {
            None => Self { under_way: None, ..looked },
            Some(_) => looked,
        }
    }

    /// The order after the provider's word about its payment; a pending order's open page is nothing to note.
    pub fn saw(&self, under_way: Option<UnderWay>) -> Self {
        let pending = self.status == OrderStatus::Pending;
        let noted = |at: &UnderWay| !self.status.is_captured() && (!pending || *at == UnderWay::Processing);
        Self { under_way: under_way.filter(noted), ..self.clone() }
    }

    /// The order once it expired unpaid; the poll at expiry found `under_way`.
    pub fn expired(&self, under_way: Option<UnderWay>) -> Self {
        let before = self.look_times().take_while(|at| *at <= self.expires_at).count();
        let ended = Self { status: OrderStatus::Expired, ..self.clone() };
        Self { looks: u32::try_from(before).unwrap_or(u32::MAX), ..ended.saw(under_way) }
    }

    /// True while the provider is processing a payment of the order.
    pub fn is_processing(&self) -> bool {
        self.under_way == Some(UnderWay::Processing)
    }

    /// Net: the money taken by the provider and not returned.
    pub fn net(&self) -> PayMoney {
        let whole = if self.status.is_captured() { self.charge } else { PayMoney::zero(self.charge.currency()) };
        self.left.unwrap_or(whole)
    }

    /// Content of the payment's QR code.
    pub fn qr_content(&self) -> Option<&str> {
        self.qr_content.as_deref().or(self.pay_url.as_deref())
    }

    /// Bonuses of the promotion and of the amount: the given ones once captured, before that those that a payment now would get.
    ///
    /// # Rejects
    /// Overflow.
    pub fn bonuses(&self) -> Result<(LedgerMoney, LedgerMoney), MoneyError> {
        let none = LedgerMoney::zero(self.credit.currency());
        if self.status.is_captured() {
            return Ok((self.bonus.unwrap_or(none), self.amount_bonus.unwrap_or(none)));
        }
        bonuses(self.credit, self.promotion, self.offered_bonus)
    }

    /// Bonus that follows the net: the earned one, unless it is held.
    pub fn credited_bonus(&self) -> LedgerMoney {
        self.bonus.filter(|_| !self.bonus_held).unwrap_or(LedgerMoney::zero(self.credit.currency()))
    }

    /// Credit, and the bonuses of the promotion, the amount and the coupon; each follows the net, rounded by itself (R4.11).
    pub fn parts(&self) -> [LedgerMoney; 4] {
        let amount_bonus = self.amount_bonus.unwrap_or(LedgerMoney::zero(self.credit.currency()));
        [self.credit, self.credited_bonus(), amount_bonus, self.coupon_bonus()]
    }

    /// Credit and bonuses together, without a bonus that is held.
    ///
    /// # Rejects
    /// Overflow.
    pub fn total(&self) -> Result<LedgerMoney, MoneyError> {
        let [credit, promotion, amount, coupon] = self.parts();
        let (promotion, amount) = if self.status.is_captured() { (promotion, amount) } else { self.bonuses()? };
        credit.plus(promotion)?.plus(amount)?.plus(coupon)
    }
}

/// Bonuses that an order with this tier and this offered bonus would get: the promotion's and the amount's.
pub(crate) fn bonuses(
    credit: LedgerMoney,
    tier: Option<OrderTier>,
    offered: Option<OfferedBonus>,
) -> Result<(LedgerMoney, LedgerMoney), MoneyError> {
    combined(tier.map_or(Ok(LedgerMoney::zero(credit.currency())), |tier| tier.bonus(credit))?, offered)
}

#[cfg(test)]
pub(crate) mod tests;
