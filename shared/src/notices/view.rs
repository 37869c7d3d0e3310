//! Wire types of notices.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::notices::model::mail_preferences::{StopReason, Stopped};
use crate::notices::model::notice::Notice;
use crate::notices::preferences::MailChoices;

/// Notices that the caller wants, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticesWanted {
    /// A payment was credited.
    pub payment_credited: bool,
    /// A reward was granted.
    pub reward_granted: bool,
    /// A cash withdrawal was paid out or rejected.
    pub withdrawal_settled: bool,
    /// The new-user promotion is about to end, unused.
    pub promotion_ending: bool,
}

impl NoticesWanted {
    /// The kinds that are not wanted.
    pub fn off(self) -> BTreeSet<Notice> {
        Notice::ALL.into_iter().filter(|notice| !self.wants(*notice)).collect()
    }

    fn wants(self, notice: Notice) -> bool {
        match notice {
            Notice::PaymentCredited => self.payment_credited,
            Notice::RewardGranted => self.reward_granted,
            Notice::WithdrawalSettled => self.withdrawal_settled,
            Notice::PromotionEnding => self.promotion_ending,
        }
    }
}

/// Stop of all notices to the caller's address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MailStop {
    /// Reason: `bounced` or `complained`.
    pub because: StopReason,
    /// Time of the report.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<Stopped> for MailStop {
    fn from(of: Stopped) -> Self {
        Self { because: of.because, at: of.at }
    }
}

/// Mails that tell the caller of their money.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnMails {
    /// Kinds that the caller wants.
    pub wanted: NoticesWanted,
    /// Kinds that nobody gets here, whatever is wanted.
    pub not_sent: Vec<Notice>,
    /// Set while nothing is sent to the caller's address; choosing again ends it.
    pub stopped: Option<MailStop>,
}

impl From<MailChoices> for OwnMails {
    fn from(of: MailChoices) -> Self {
        let wants = |notice| !of.off.contains(&notice);
        let wanted = NoticesWanted {
            payment_credited: wants(Notice::PaymentCredited),
            reward_granted: wants(Notice::RewardGranted),
            withdrawal_settled: wants(Notice::WithdrawalSettled),
            promotion_ending: wants(Notice::PromotionEnding),
        };
        Self { wanted, not_sent: of.not_sent.into_iter().collect(), stopped: of.stopped.map(MailStop::from) }
    }
}
