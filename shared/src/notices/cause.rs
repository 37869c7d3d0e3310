//! Causes of notices: the messages of committed effects.

use kernel::id::{OrderId, RewardId, UserId, WithdrawalId};

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::message::Message;
use crate::notices::model::notice::Notice;

/// Subject of a notice, read when the mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeSubject {
    Order(OrderId),
    Reward(RewardId),
    Withdrawal(WithdrawalId),
    /// The user's own promotion.
    Promotion,
}

/// Notice that a message causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueNotice {
    /// User to tell.
    pub user: UserId,
    pub about: NoticeSubject,
}

impl DueNotice {
    /// Returns the notice that a message causes, if any.
    pub fn of(message: &Message) -> Option<Self> {
        let (user, about) = match *message {
            Message::OrderPaid { order, user, .. } => (user, NoticeSubject::Order(order)),
            Message::RewardSettled { reward, beneficiary, granted: true, .. } => {
                (beneficiary, NoticeSubject::Reward(reward))
            }
            Message::WithdrawalStateChanged {
                withdrawal,
                user,
                state: Some(WithdrawalState::Paid | WithdrawalState::Rejected),
                ..
            } => (user, NoticeSubject::Withdrawal(withdrawal)),
            Message::PromotionEnding { user } => (user, NoticeSubject::Promotion),
            _ => return None,
        };
        Some(Self { user, about })
    }

    /// Returns its kind.
    pub fn kind(&self) -> Notice {
        match self.about {
            NoticeSubject::Order(_) => Notice::PaymentCredited,
            NoticeSubject::Reward(_) => Notice::RewardGranted,
            NoticeSubject::Withdrawal(_) => Notice::WithdrawalSettled,
            NoticeSubject::Promotion => Notice::PromotionEnding,
        }
    }
}
