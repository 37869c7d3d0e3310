//! Messages: what a committed transaction has promised to tell others.
//!
//! They carry ids, never amounts to be trusted: a consumer reads the facts. A transaction lists its messages on one
//! outbox item; they are sent right after the commit and, if that fails, by the sweeper, so each is sent at least once and only
//! for what was committed.

use kernel::fault::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use table::outbox::{Outbox, Promise, Publish};
use table::queue::Queue;

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::redemption::model::code::CodeRef;
use crate::webhooks::model::outbound_event::{CommissionStep, EventKind, EventSubject};
use kernel::id::{AgencyOrderId, BatchId, GrantId, OrderId, RewardId, SeriesId, ShopId, UserId, WithdrawalId};

/// What kind of e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The code that verifies a sign-up (R2.4).
    Verification,
    /// The code that resets a password (R2.8).
    PasswordReset,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// A user registered, invited by `inviter` if there is one.
    UserRegistered {
        /// The new user.
        user: UserId,
        /// Who invited them.
        inviter: Option<UserId>,
    },
    /// An order's payment was captured and credited.
    OrderPaid {
        /// The order.
        order: OrderId,
        /// Who paid.
        user: UserId,
        /// Who invited them.
        inviter: Option<UserId>,
    },
    /// What is left of a credited order's charge moved, or a dispute of it began or ended (R4.11).
    OrderNetChanged {
        /// The order.
        order: OrderId,
        /// Who paid.
        user: UserId,
        /// Who invited them.
        inviter: Option<UserId>,
        /// Whether less is left of the charge than before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refunded: bool,
    },
    /// The operator's backend reported a purchase of an invitee's, or what is left of one moved (R2.6).
    PurchaseNetChanged {
        /// The purchase.
        purchase: OrderId,
        /// Who bought.
        user: UserId,
        /// Who invited them.
        inviter: UserId,
    },
    /// An order reached another state than paid.
    OrderClosed {
        /// The order.
        order: OrderId,
    },
    /// A promotion window is over.
    PromotionExpired {
        /// Whose.
        user: UserId,
    },
    /// A user's balance changed for another reason than an order or a reward.
    BalanceChanged {
        /// Whose.
        user: UserId,
    },
    /// A reward came to be or changed its state.
    RewardSettled {
        /// The reward.
        reward: RewardId,
        /// Who gets it.
        beneficiary: UserId,
        /// Whether it was granted now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        granted: bool,
    },
    /// A failed or held reward is to be tried again.
    RewardRetried {
        /// The reward.
        reward: RewardId,
        /// Who gets it.
        beneficiary: UserId,
    },
    /// A commission came to be or moved, and with it its beneficiary's account.
    CommissionSettled {
        /// Of which order.
        order: OrderId,
        /// Who gets it.
        beneficiary: UserId,
        /// What it went through now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<CommissionStep>,
    },
    /// A withdrawal came to be or moved, and with it its user's accounts.
    WithdrawalStateChanged {
        /// Which.
        withdrawal: WithdrawalId,
        /// Whose.
        user: UserId,
        /// Where it stands since then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<WithdrawalState>,
    },
    /// A batch of redemption codes was begun: its codes are to be made (R7.1).
    BatchStarted {
        /// Which.
        batch: BatchId,
    },
    /// All codes of a batch are there.
    BatchReady {
        /// Which.
        batch: BatchId,
    },
    /// A code was redeemed.
    RedemptionCompleted {
        /// By whom.
        user: UserId,
        /// Which code.
        code: CodeRef,
        /// Which of their uses of it.
        number: u32,
    },
    /// A person was erased: what else tells of them is to be removed.
    UserErased {
        /// Whose account.
        user: UserId,
    },
    /// How often a code may be redeemed changed, or it is gone.
    CodeChanged {
        /// Which.
        code: CodeRef,
    },
    /// A redemption was taken back.
    RedemptionUndone {
        /// Whose.
        user: UserId,
        /// Of which code.
        code: CodeRef,
        /// Which of their uses of it.
        number: u32,
    },
    /// An agency order was paid, or what is left of its payment moved: levels, asset and statistics are to follow (R8.8–R8.10).
    AgencyOrderNetChanged {
        /// Which.
        order: AgencyOrderId,
        /// The level-1 shop of its tree.
        tree: ShopId,
    },
    /// A sale was settled, or brought to where its payment stands now: its levels' wallets moved with it (R9.2). Sent by whoever
    /// consumed [`Self::AgencyOrderNetChanged`], which stands in its queue until this one is acknowledged.
    AgencyOrderSettled {
        /// Which.
        order: AgencyOrderId,
        /// The shops of its levels.
        shops: Vec<ShopId>,
    },
    /// A shop's wallet moved for another reason than a sale.
    WalletChanged {
        /// Whose.
        shop: ShopId,
    },
    /// Grants are to be moved under a stricter offer (R8.5), a part at a time.
    GrantTermsTightened {
        /// Of which series.
        series: SeriesId,
        /// Below which grant; none is the series itself.
        grant: Option<GrantId>,
    },
    /// An e-mail is to be sent. The address and any code are read or derived by the notifier; they are not in the message.
    Mail {
        /// What kind.
        mail: MailKind,
        /// The secret hash of the address, which is the key of what the mail is about.
        email: String,
        /// Which of the codes sent to it.
        nonce: String,
    },
}

impl Message {
    /// What kind it is, as it is written in a queue.
    pub fn kind(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        written.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    /// Whether it goes to `queue`.
    pub fn goes_to(&self, queue: Queue) -> bool {
        match queue {
            Queue::Reward => matches!(
                self,
                Self::UserRegistered { inviter: Some(_), .. }
                    | Self::OrderPaid { inviter: Some(_), .. }
                    | Self::OrderNetChanged { inviter: Some(_), .. }
                    | Self::PurchaseNetChanged { .. }
                    | Self::RewardRetried { .. }
                    | Self::BatchStarted { .. }
                    | Self::AgencyOrderNetChanged { .. }
                    | Self::GrantTermsTightened { .. }
                    | Self::UserErased { .. }
            ),
            Queue::Mail => matches!(self, Self::Mail { .. }) || !self.events().is_empty(),
            Queue::Statistics => match self {
                Self::RewardRetried { .. }
                | Self::BatchStarted { .. }
                | Self::AgencyOrderNetChanged { .. }
                | Self::GrantTermsTightened { .. }
                | Self::UserErased { .. }
                | Self::Mail { .. } => false,
                Self::UserRegistered { .. }
                | Self::OrderPaid { .. }
                | Self::OrderNetChanged { .. }
                | Self::PurchaseNetChanged { .. }
                | Self::OrderClosed { .. }
                | Self::PromotionExpired { .. }
                | Self::BalanceChanged { .. }
                | Self::RewardSettled { .. }
                | Self::CommissionSettled { .. }
                | Self::WithdrawalStateChanged { .. }
                | Self::BatchReady { .. }
                | Self::AgencyOrderSettled { .. }
                | Self::WalletChanged { .. }
                | Self::RedemptionCompleted { .. }
                | Self::CodeChanged { .. }
                | Self::RedemptionUndone { .. } => true,
            },
        }
    }

    /// What the operator's product is told of by it, in this order: the transaction that promised the message had these effects.
    pub fn events(&self) -> Vec<(EventKind, EventSubject)> {
        match self {
            Self::UserRegistered { user, .. } => vec![(EventKind::UserRegistered, EventSubject::User(*user))],
            Self::OrderPaid { order, .. } => vec![(EventKind::OrderPaid, EventSubject::Order(*order))],
            Self::OrderNetChanged { order, refunded: true, .. } => {
                vec![(EventKind::OrderRefunded, EventSubject::Order(*order))]
            }
            Self::RewardSettled { reward, granted: true, .. } => {
                vec![(EventKind::RewardGranted, EventSubject::Reward(*reward))]
            }
            Self::CommissionSettled { order, steps, .. } => {
                steps.iter().map(|step| (of_commission(*step), EventSubject::Commission(*order))).collect()
            }
            Self::WithdrawalStateChanged { withdrawal, state: Some(state), .. } => {
                vec![(of_withdrawal(*state), EventSubject::Withdrawal(*withdrawal))]
            }
            Self::RedemptionCompleted { user, code, number } => {
                let about = EventSubject::Redemption { user: *user, code: *code, number: *number };
                vec![(EventKind::RedemptionCompleted, about)]
            }
            _ => Vec::new(),
        }
    }

    /// The FIFO group: whoever's account the consumer will write, so that a popular inviter's rewards follow each other.
    pub fn group(&self) -> String {
        match self {
            Self::UserRegistered { user, inviter }
            | Self::OrderPaid { user, inviter, .. }
            | Self::OrderNetChanged { user, inviter, .. } => inviter.unwrap_or(*user).to_string(),
            Self::PurchaseNetChanged { inviter, .. } => inviter.to_string(),
            Self::RewardSettled { beneficiary, .. }
            | Self::RewardRetried { beneficiary, .. }
            | Self::CommissionSettled { beneficiary, .. } => beneficiary.to_string(),
            Self::OrderClosed { order } => order.to_string(),
            Self::PromotionExpired { user } | Self::BalanceChanged { user } | Self::UserErased { user } => {
                user.to_string()
            }
            Self::BatchStarted { batch } | Self::BatchReady { batch } => batch.to_string(),
            Self::CodeChanged { code } => code.batch.to_string(),
            Self::RedemptionCompleted { user, .. }
            | Self::RedemptionUndone { user, .. }
            | Self::WithdrawalStateChanged { user, .. } => user.to_string(),
            Self::AgencyOrderNetChanged { tree, .. } => tree.to_string(),
            Self::AgencyOrderSettled { order, .. } => order.to_string(),
            Self::WalletChanged { shop } => shop.to_string(),
            Self::GrantTermsTightened { series, .. } => series.to_string(),
            Self::Mail { email, .. } => email.clone(),
        }
    }
}

fn of_commission(step: CommissionStep) -> EventKind {
    match step {
        CommissionStep::Accrued => EventKind::CommissionAccrued,
        CommissionStep::Available => EventKind::CommissionAvailable,
        CommissionStep::Reversed => EventKind::CommissionReversed,
    }
}

fn of_withdrawal(state: WithdrawalState) -> EventKind {
    match state {
        WithdrawalState::Requested => EventKind::WithdrawalRequested,
        WithdrawalState::Done => EventKind::WithdrawalDone,
        WithdrawalState::Paid => EventKind::WithdrawalPaid,
        WithdrawalState::Rejected => EventKind::WithdrawalRejected,
        WithdrawalState::Cancelled => EventKind::WithdrawalCancelled,
    }
}

/// A message as it stands in a queue.
pub type MessageEnvelope = table::outbox::Envelope<Message>;

/// A message as a consumer receives it.
pub type ReceivedMessage = table::outbox::Received<Message>;

impl Publish for Message {
    fn promise(&self) -> Result<Promise, Fault> {
        let message = serde_json::to_value(self).map_err(|error| Fault::bug(error.to_string()))?;
        let queues = Queue::ALL.into_iter().filter(|queue| self.goes_to(*queue)).collect();
        Ok(Promise { message, group: self.group(), queues })
    }
}

/// The messages of an outbox item with their destinations.
///
/// # Errors
/// [`Fault::Item`] when one of them does not decode.
pub fn promises(outbox: &Outbox) -> Result<Vec<Promise>, Fault> {
    let decode = |message: &Value| -> Result<Promise, Fault> {
        let bad = |error: serde_json::Error| Fault::Item { key: outbox.id.to_string(), why: error.to_string() };
        serde_json::from_value::<Message>(message.clone()).map_err(bad)?.promise()
    };
    outbox.messages.iter().map(decode).collect()
}
