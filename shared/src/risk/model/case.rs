//! Cases: what signals say of a referral, and what was decided about it (R10.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::risk::model::settings::SignalAction;
use crate::risk::model::signal::Signal;
use kernel::id::{OrderId, UserId};
use kernel::text_enum;

text_enum! {
    /// State of a case.
    pub enum CaseState as RiskCaseState {
        /// Shown to admins; it holds nothing.
        Flagged = "flagged",
        /// Rewards and commissions of the referral are held.
        Held = "held",
        /// They were released, and later ones are not held.
        Released = "released",
        /// They were rejected for good, and so are later ones.
        Rejected = "rejected",
    }
}

/// Evidence of a case, from one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub rule: Signal,
    /// Effect of the signal when it was found.
    pub action: SignalAction,
    /// Account of the tree that left the same hash; `None` where nothing is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<UserId>,
}

/// Decision about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDecision {
    /// The admin; `None` if time decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<UserId>,
    pub reason: String,
    pub at: Timestamp,
}

/// Case of a referral that signals were found for: one per invitee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskCase {
    pub invitee: UserId,
    /// Inviter in whose tree the signals were compared.
    pub inviter: UserId,
    pub state: CaseState,
    /// In the order of the rules.
    pub evidence: Vec<Evidence>,
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<CaseDecision>,
}

impl RiskCase {
    /// Opens a case; `None` without evidence.
    pub fn open(invitee: UserId, inviter: UserId, evidence: Vec<Evidence>, at: Timestamp) -> Option<Self> {
        let holds = evidence.iter().any(|one| one.action == SignalAction::Hold);
        let state = if holds { CaseState::Held } else { CaseState::Flagged };
        (!evidence.is_empty()).then_some(Self { invitee, inviter, state, evidence, opened_at: at, decision: None })
    }

    /// Returns the case with more evidence, which may make it held; `None` if it has evidence of that rule, or a decision.
    pub fn with(&self, evidence: Evidence) -> Option<Self> {
        let is_known = self.evidence.iter().any(|known| known.rule == evidence.rule);
        if is_known || self.decision.is_some() {
            return None;
        }
        let state = if evidence.action == SignalAction::Hold { CaseState::Held } else { self.state };
        let mut after = Self { state, ..self.clone() };
        after.evidence.push(evidence);
        after.evidence.sort_by_key(|one| one.rule);
        Some(after)
    }

    /// Returns the case with a decision; `None` if it does not wait for one.
    pub fn decided(&self, state: CaseState, decision: CaseDecision) -> Option<Self> {
        (self.state == CaseState::Held).then(|| Self { state, decision: Some(decision), ..self.clone() })
    }
}

/// Commission that is held for its invitee's case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCommission {
    pub invitee: UserId,
    /// Order of the commission.
    pub order: OrderId,
}
