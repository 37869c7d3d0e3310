//! Messages: what a committed transaction has promised to tell others.
//!
//! They carry ids, never amounts to be trusted: a consumer reads the facts. A transaction lists its messages on one
//! outbox item; they are sent right after the commit and, if that fails, by the sweeper, so each is sent at least once and only
//! for what was committed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::code::CodeRef;
use crate::domain::id::{
    AgencyOrderId, BatchId, GrantId, OrderId, OutboxId, RewardId, SeriesId, ShopId, UserId, WithdrawalId,
};
use crate::domain::told::{About, CommissionStep, EventKind};
use crate::domain::withdrawal::WithdrawalState;

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// FIFO, one group per beneficiary.
    Reward,
    /// What the notifier sends: e-mails, and events to the operator's product.
    Mail,
    /// What statistics count.
    Statistics,
}

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
    OrderChanged {
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
    PurchaseMoved {
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
    WithdrawalMoved {
        /// Which.
        withdrawal: WithdrawalId,
        /// Whose.
        user: UserId,
        /// Where it stands since then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<WithdrawalState>,
    },
    /// A batch of redemption codes was begun: its codes are to be made (R7.1).
    BatchBegun {
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
    AgencyOrderMoved {
        /// Which.
        order: AgencyOrderId,
        /// The level-1 shop of its tree.
        tree: ShopId,
    },
    /// A sale was settled, or brought to where its payment stands now: its levels' wallets moved with it (R9.2). Sent by whoever
    /// consumed [`Self::AgencyOrderMoved`], which stands in its queue until this one is acknowledged.
    AgencyOrderSettled {
        /// Which.
        order: AgencyOrderId,
        /// The shops of its levels.
        shops: Vec<ShopId>,
    },
    /// A shop's wallet moved for another reason than a sale.
    WalletMoved {
        /// Whose.
        shop: ShopId,
    },
    /// Grants are to be moved under a stricter offer (R8.5), a part at a time.
    GrantsLowered {
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

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Reward, Self::Mail, Self::Statistics];

    /// The queue as the operator names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Mail => "mail",
            Self::Statistics => "statistics",
        }
    }

    /// The environment variable with the queue's address.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Reward => "REWARD_QUEUE_URL",
            Self::Mail => "MAIL_QUEUE_URL",
            Self::Statistics => "STATISTICS_QUEUE_URL",
        }
    }
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
                    | Self::OrderChanged { inviter: Some(_), .. }
                    | Self::PurchaseMoved { .. }
                    | Self::RewardRetried { .. }
                    | Self::BatchBegun { .. }
                    | Self::AgencyOrderMoved { .. }
                    | Self::GrantsLowered { .. }
                    | Self::UserErased { .. }
            ),
            Queue::Mail => matches!(self, Self::Mail { .. }) || !self.events().is_empty(),
            Queue::Statistics => match self {
                Self::RewardRetried { .. }
                | Self::BatchBegun { .. }
                | Self::AgencyOrderMoved { .. }
                | Self::GrantsLowered { .. }
                | Self::UserErased { .. }
                | Self::Mail { .. } => false,
                Self::UserRegistered { .. }
                | Self::OrderPaid { .. }
                | Self::OrderChanged { .. }
                | Self::PurchaseMoved { .. }
                | Self::OrderClosed { .. }
                | Self::PromotionExpired { .. }
                | Self::BalanceChanged { .. }
                | Self::RewardSettled { .. }
                | Self::CommissionSettled { .. }
                | Self::WithdrawalMoved { .. }
                | Self::BatchReady { .. }
                | Self::AgencyOrderSettled { .. }
                | Self::WalletMoved { .. }
                | Self::RedemptionCompleted { .. }
                | Self::CodeChanged { .. }
                | Self::RedemptionUndone { .. } => true,
            },
        }
    }

    /// What the operator's product is told of by it, in this order: the transaction that promised the message had these effects.
    pub fn events(&self) -> Vec<(EventKind, About)> {
        match self {
            Self::UserRegistered { user, .. } => vec![(EventKind::UserRegistered, About::User(*user))],
            Self::OrderPaid { order, .. } => vec![(EventKind::OrderPaid, About::Order(*order))],
            Self::OrderChanged { order, refunded: true, .. } => vec![(EventKind::OrderRefunded, About::Order(*order))],
            Self::RewardSettled { reward, granted: true, .. } => {
                vec![(EventKind::RewardGranted, About::Reward(*reward))]
            }
            Self::CommissionSettled { order, steps, .. } => {
                steps.iter().map(|step| (of_commission(*step), About::Commission(*order))).collect()
            }
            Self::WithdrawalMoved { withdrawal, state: Some(state), .. } => {
                vec![(of_withdrawal(*state), About::Withdrawal(*withdrawal))]
            }
            Self::RedemptionCompleted { user, code, number } => {
                let about = About::Redemption { user: *user, code: *code, number: *number };
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
            | Self::OrderChanged { user, inviter, .. } => inviter.unwrap_or(*user).to_string(),
            Self::PurchaseMoved { inviter, .. } => inviter.to_string(),
            Self::RewardSettled { beneficiary, .. }
            | Self::RewardRetried { beneficiary, .. }
            | Self::CommissionSettled { beneficiary, .. } => beneficiary.to_string(),
            Self::OrderClosed { order } => order.to_string(),
            Self::PromotionExpired { user } | Self::BalanceChanged { user } | Self::UserErased { user } => {
                user.to_string()
            }
            Self::BatchBegun { batch } | Self::BatchReady { batch } => batch.to_string(),
            Self::CodeChanged { code } => code.batch.to_string(),
            Self::RedemptionCompleted { user, .. }
            | Self::RedemptionUndone { user, .. }
            | Self::WithdrawalMoved { user, .. } => user.to_string(),
            Self::AgencyOrderMoved { tree, .. } => tree.to_string(),
            Self::AgencyOrderSettled { order, .. } => order.to_string(),
            Self::WalletMoved { shop } => shop.to_string(),
            Self::GrantsLowered { series, .. } => series.to_string(),
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

/// The messages of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Its id, from which the queue's deduplication ids are made.
    pub id: OutboxId,
    /// When it was committed.
    pub at: Timestamp,
    /// What was promised.
    pub messages: Vec<Message>,
}

/// A message as it stands in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Outbox id and index.
    pub id: String,
    /// What happened.
    pub message: Message,
}

impl Outbox {
    /// What goes to `queue`.
    pub fn envelopes(&self, queue: Queue) -> Vec<Envelope> {
        let all = self.messages.iter().enumerate();
        all.filter(|(_, message)| message.goes_to(queue))
            .map(|(index, message)| Envelope { id: format!("{}.{index}", self.id), message: message.clone() })
            .collect()
    }
}
