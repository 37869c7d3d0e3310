//! Queue messages about committed transactions.
//!
//! A message carries ids; a consumer reads the current state and trusts no amounts in it. A transaction stores its messages in
//! one outbox item. They are sent right after the commit or, if that fails, by the sweeper. Each is sent at least once, and only
//! if its transaction committed.

mod event_kinds;
mod mail_kind;
mod parts;

use kernel::fault::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use table::outbox::{Outbox, Promise, Publish};
use table::queue::Queue;

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::redemption::model::code_text::{CodeHash, CodeRef};
use crate::risk::model::signal::{Signal, SignupSignals};
use crate::webhooks::model::outbound_event::{CommissionStep, EventKind, EventSubject};
pub(crate) use event_kinds::of_withdrawal;
use event_kinds::{of_alarm, of_commission, of_reward};
use kernel::id::{
    AgencyOrderId, BatchId, GrantId, OrderId, ReviewId, RewardId, SeriesId, ShopId, UserId, WithdrawalId,
};
pub use mail_kind::MailKind;

/// Declares the messages: their fields, FIFO group, consumers and outbound events.
///
/// ```text
/// subscriptions! {
///     /// An order's payment was captured and credited.
///     OrderPaid { order: OrderId, user: UserId, inviter: Option<UserId> } => {
///         group inviter.unwrap_or(*user);
///         to Reward if inviter.is_some(), Statistics;
///         event Some(EventKind::OrderPaid) => EventSubject::Order(*order);
///     }
/// }
/// ```
///
/// expands to the variant `Message::OrderPaid`, stored and sent as `{"kind": "order_paid", …}`, and to one arm each of
///
/// ```text
/// // Message::group
/// Self::OrderPaid { order, user, inviter } => inviter.unwrap_or(*user).to_string(),
/// // Message::is_consumed_by
/// Self::OrderPaid { order, user, inviter } => {
///     (queue == Queue::Reward && inviter.is_some()) || (queue == Queue::Statistics)
/// }
/// // Message::events
/// Self::OrderPaid { order, user, inviter } => {
///     Some(EventKind::OrderPaid).into_iter().map(|kind| (kind, EventSubject::Order(*order))).collect()
/// }
/// ```
///
/// `event` takes an iterator of kinds, such as an `Option`. A message with events also goes to the notifier.
macro_rules! subscriptions {
    ($(
        $(#[$about:meta])*
        $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty),* $(,)? } => {
            group $group:expr;
            to $($queue:ident $(if $condition:expr)?),+;
            $(event $kind:expr => $subject:expr;)?
        }
    )+) => {
        /// Message about a committed change.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Message {
            $($(#[$about])* $name { $($(#[$field_about])* $field: $type),* },)+
        }

        #[allow(unused_variables, reason = "a row names the fields that it needs")]
        impl Message {
            /// Names of the variants.
            pub const VARIANTS: &[&str] = &[$(stringify!($name)),+];

            /// FIFO group: the account that the consumer writes.
            ///
            /// So the rewards of a popular inviter follow each other without conflicts.
            pub fn group(&self) -> String {
                match self {
                    $(Self::$name { $($field),* } => $group.to_string(),)+
                }
            }

            /// Outbound events this message triggers, in order.
            pub fn events(&self) -> Vec<(EventKind, EventSubject)> {
                match self {
                    $(Self::$name { $($field),* } => {
                        #[allow(unused_mut, reason = "most messages trigger no event")]
                        let mut events = Vec::new();
                        $(events.extend($kind.into_iter().map(|kind| (kind, $subject)));)?
                        events
                    })+
                }
            }

            fn is_consumed_by(&self, queue: Queue) -> bool {
                match self {
                    $(Self::$name { $($field),* } => false $(|| (queue == Queue::$queue $(&& $condition)?))+,)+
                }
            }
        }
    };
}

subscriptions! {
    /// A user registered, invited by `inviter` if set.
    UserRegistered {
        user: UserId,
        inviter: Option<UserId>,
        /// Signals of an invitee's sign-up (R10.1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signals: Option<SignupSignals>,
    } => {
        group inviter.unwrap_or(*user);
        to Reward if inviter.is_some(), Statistics;
        event Some(EventKind::UserRegistered) => EventSubject::User(*user);
    }

    /// An account moved in from another system; the operator's product knows it already (R13.1).
    UserImported { user: UserId } => {
        group user;
        to Statistics;
    }

    /// An invitee's inviter moved in from another system (R13.1).
    ReferralImported { user: UserId, inviter: UserId } => {
        group inviter;
        to Reward, Statistics;
    }

    /// A user named an inviter after the sign-up (R3.12).
    InviterNamed {
        user: UserId,
        inviter: UserId,
        /// Signals of the user (R10.1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signals: Option<SignupSignals>,
    } => {
        group inviter;
        to Reward, Statistics;
        event Some(EventKind::UserReferred) => EventSubject::User(*user);
    }

    /// An admin gave a user another inviter, or one at all (R3.12).
    InviterChanged { user: UserId, inviter: UserId } => {
        group user;
        to Statistics;
        event Some(EventKind::UserReferred) => EventSubject::User(*user);
    }

    /// A charge of a user changed what another inviter than the order's has for it (R3.12).
    ///
    /// It goes beside the message about the order or purchase.
    ChargeCounted { user: UserId, inviter: UserId } => {
        group inviter;
        to Reward;
    }

    /// An order's payment was captured and credited.
    OrderPaid {
        order: OrderId,
        /// User of the order.
        user: UserId,
        /// Inviter under whom the order was made.
        inviter: Option<UserId>,
    } => {
        group inviter.unwrap_or(*user);
        to Reward if inviter.is_some(), Statistics;
        event Some(EventKind::OrderPaid) => EventSubject::Order(*order);
    }

    /// The net of a credited order changed, or a dispute of it opened or closed (R4.11).
    OrderNetChanged {
        order: OrderId,
        /// User of the order.
        user: UserId,
        /// Inviter under whom the order was made.
        inviter: Option<UserId>,
        /// True if the net decreased.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refunded: bool,
        /// True if the net increased.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reinstated: bool,
    } => {
        group inviter.unwrap_or(*user);
        to Reward if inviter.is_some(), Statistics;
        event refunded
            .then_some(EventKind::OrderRefunded)
            .or(reinstated.then_some(EventKind::OrderReinstated)) => EventSubject::Order(*order);
    }

    /// An order or a purchase earned its inviter a commission, or its net changed since: the second level follows (R6.11).
    SecondLevelDue {
        order: OrderId,
        /// User who paid.
        user: UserId,
        /// Inviter of the order's inviter.
        inviter: UserId,
        /// True for a reported purchase.
        purchase: bool,
    } => {
        group inviter;
        to Reward;
    }

    /// The operator's backend reported an invitee's purchase, or the net of one changed (R2.6).
    PurchaseNetChanged {
        purchase: OrderId,
        /// Buyer.
        user: UserId,
        /// Inviter of the buyer.
        inviter: UserId,
    } => {
        group inviter;
        to Reward, Statistics;
    }

    /// An order became failed, expired or cancelled.
    OrderClosed { order: OrderId } => {
        group order;
        to Statistics;
    }

    /// A promotion window ended.
    PromotionExpired { user: UserId } => {
        group user;
        to Statistics;
    }

    /// An unused promotion is about to end; its user is reminded.
    PromotionEnding { user: UserId } => {
        group user;
        to Mail;
    }

    /// An account that had signed up before was enrolled in the promotion.
    PromotionEnrolled { user: UserId } => {
        group user;
        to Statistics;
    }

    /// A user's balance changed for a reason other than an order or a reward.
    BalanceChanged { user: UserId } => {
        group user;
        to Statistics;
    }

    /// A reward was created or changed its state.
    RewardSettled {
        reward: RewardId,
        beneficiary: UserId,
        /// True if this change granted it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        granted: bool,
        /// True if this change made it need a person.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    } => {
        group beneficiary;
        to Statistics;
        event of_reward(*granted, *failed) => EventSubject::Reward(*reward);
    }

    /// A failed or held reward is to be retried.
    RewardRetried { reward: RewardId, beneficiary: UserId } => {
        group beneficiary;
        to Reward;
    }

    /// A user left something that others had left before: it is compared within their trees (R10.1).
    SignalLeft {
        user: UserId,
        rule: Signal,
        /// Users who had left the same, at most twenty.
        others: Vec<UserId>,
    } => {
        group user;
        to Reward;
    }

    /// A review item opened: provider money needs a person (R4.5).
    ReviewOpened { review: ReviewId } => {
        group review;
        to Mail;
        event Some(EventKind::ReviewOpened) => EventSubject::Review(*review);
    }

    /// A case of risk was opened (R10.2).
    RiskCaseOpened { invitee: UserId } => {
        group invitee;
        to Mail;
        event Some(EventKind::CaseOpened) => EventSubject::RiskCase(*invitee);
    }

    /// An alarm of the deployment was raised or cleared.
    AlarmChanged {
        /// Name in the template.
        alarm: String,
        raised: bool,
    } => {
        group alarm;
        to Mail;
        event [of_alarm(*raised)] => EventSubject::Alarm(alarm.clone());
    }

    /// A case of risk was decided: what is held for it follows (R10.2).
    RiskCaseDecided {
        invitee: UserId,
        /// Inviter in whose tree the signals were compared.
        inviter: UserId,
    } => {
        group inviter;
        to Reward;
    }

    /// A commission was created or changed, and so did its beneficiary's account.
    CommissionSettled {
        /// Order of the commission.
        order: OrderId,
        beneficiary: UserId,
        /// Steps of the commission in this change.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<CommissionStep>,
    } => {
        group beneficiary;
        to Statistics;
        event steps.iter().copied().map(of_commission) => EventSubject::Commission(*order);
    }

    /// A withdrawal was created or changed its state, and so did its user's or shop's accounts.
    WithdrawalStateChanged {
        withdrawal: WithdrawalId,
        user: UserId,
        /// Shop whose commission it is; absent for the user's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shop: Option<ShopId>,
        /// New state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<WithdrawalState>,
    } => {
        group shop.map_or_else(|| user.to_string(), |shop| shop.to_string());
        to Statistics;
        event state.map(of_withdrawal) => EventSubject::Withdrawal(*withdrawal);
    }

    /// A batch of redemption codes was started; its codes are to be created (R7.1).
    BatchStarted { batch: BatchId } => {
        group batch;
        to Reward;
    }

    /// All codes of a batch exist.
    BatchReady { batch: BatchId } => {
        group batch;
        to Statistics;
    }

    /// A code was redeemed.
    RedemptionCompleted {
        /// User who redeemed it.
        user: UserId,
        code: CodeRef,
        /// Ordinal of the use among the user's uses of the code.
        number: u32,
    } => {
        group user;
        to Statistics;
        event Some(EventKind::RedemptionCompleted)
            => EventSubject::Redemption { user: *user, code: *code, number: *number };
    }

    /// A user was erased; their remaining personal data is to be removed.
    UserErased { user: UserId } => {
        group user;
        to Reward;
    }

    /// The use limit of a code changed, or the code was deleted.
    CodeChanged {
        code: CodeRef,
        /// Hash of its text, the key of its item.
        hash: CodeHash,
    } => {
        group code.batch;
        to Statistics;
    }

    /// A redemption was undone.
    RedemptionUndone {
        /// User who redeemed the code.
        user: UserId,
        code: CodeRef,
        /// Ordinal of the use among the user's uses of the code.
        number: u32,
    } => {
        group user;
        to Statistics;
    }

    /// An agency order was paid or its net changed; levels, asset and statistics follow (R8.8–R8.10).
    AgencyOrderNetChanged {
        order: AgencyOrderId,
        /// Level-1 shop of the order's tree, whose sales are settled one after another.
        tree: ShopId,
    } => {
        group tree;
        to Reward;
    }

    /// A sale was settled or adjusted to its net, and so were its levels' wallets (R9.2).
    ///
    /// The consumer of [`Self::AgencyOrderNetChanged`] sends it before it acknowledges that message.
    AgencyOrderSettled {
        order: AgencyOrderId,
        /// Shops of the order's levels.
        shops: Vec<ShopId>,
    } => {
        group order;
        to Statistics;
    }

    /// A shop's wallet changed for a reason other than a sale.
    WalletChanged { shop: ShopId } => {
        group shop;
        to Statistics;
    }

    /// Grants are to be lowered under stricter terms, in several steps (R8.5).
    GrantTermsTightened {
        series: SeriesId,
        /// Parent of the grants; `None` for the series itself.
        grant: Option<GrantId>,
    } => {
        group series;
        to Reward;
    }

    /// An e-mail is to be sent. It contains neither address nor code; the notifier looks them up.
    Mail {
        mail: MailKind,
        /// Secret hash of the address.
        email: String,
        /// Nonce of the code; it carries the time at which the mail was asked for.
        nonce: String,
        /// Id of the sign-up or user that the mail is about; else the address alone says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    } => {
        group email;
        to Mail;
    }
}

impl Message {
    /// Name of the message kind in its JSON form.
    pub fn kind(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        written.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    /// True if the message goes to `queue`: its consumer subscribes to it, or the notifier sends its events.
    pub fn goes_to(&self, queue: Queue) -> bool {
        self.is_consumed_by(queue) || (queue == Queue::Mail && !self.events().is_empty())
    }
}

/// A message in a queue.
pub type MessageEnvelope = table::outbox::Envelope<Message>;

/// A message as a consumer receives it.
pub type ReceivedMessage = table::outbox::Received<Message>;

impl Publish for Message {
    fn promise(&self) -> Result<Promise, Fault> {
        let message = serde_json::to_value(self).map_err(Fault::bug)?;
        let queues = Queue::ALL.into_iter().filter(|queue| self.goes_to(*queue)).collect();
        Ok(Promise { message, group: self.group(), queues })
    }
}

/// Messages of an outbox item with their destinations.
///
/// # Errors
/// [`Fault::Item`] when a message does not decode.
pub fn promises(outbox: &Outbox) -> Result<Vec<Promise>, Fault> {
    let decode = |message: &Value| -> Result<Promise, Fault> {
        let bad = |error: serde_json::Error| Fault::item(outbox.id.to_string(), error);
        serde_json::from_value::<Message>(message.clone()).map_err(bad)?.promise()
    };
    outbox.messages.iter().map(decode).collect()
}
