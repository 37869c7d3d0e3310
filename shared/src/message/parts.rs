//! Parts that several kinds of messages have.

use super::Message;
use crate::risk::model::signal::SignupSignals;
use kernel::id::UserId;

impl Message {
    /// Returns the inviter whom it is for.
    pub fn inviter(&self) -> Option<UserId> {
        match *self {
            Self::UserRegistered { inviter, .. }
            | Self::OrderPaid { inviter, .. }
            | Self::OrderNetChanged { inviter, .. } => inviter,
            Self::InviterNamed { inviter, .. }
            | Self::ReferralImported { inviter, .. }
            | Self::InviterChanged { inviter, .. }
            | Self::ChargeCounted { inviter, .. }
            | Self::PurchaseNetChanged { inviter, .. }
            | Self::SecondLevelDue { inviter, .. } => Some(inviter),
            _ => None,
        }
    }

    /// Signals of the sign-up that it tells of.
    pub fn signals(&self) -> Option<&SignupSignals> {
        match self {
            Self::UserRegistered { signals, .. } | Self::InviterNamed { signals, .. } => signals.as_ref(),
            _ => None,
        }
    }
}
