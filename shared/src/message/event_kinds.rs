//! Event kinds of messages that tell of several.

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::webhooks::model::outbound_event::{CommissionStep, EventKind};

/// Event kind of a step of a commission.
pub(super) fn of_commission(step: CommissionStep) -> EventKind {
    match step {
        CommissionStep::Accrued => EventKind::CommissionAccrued,
        CommissionStep::Available => EventKind::CommissionAvailable,
        CommissionStep::Reversed => EventKind::CommissionReversed,
    }
}

/// Event kind of a withdrawal's new state.
pub(crate) fn of_withdrawal(state: WithdrawalState) -> EventKind {
    match state {
        WithdrawalState::Requested => EventKind::WithdrawalRequested,
        WithdrawalState::Done => EventKind::WithdrawalCompleted,
        WithdrawalState::Paid => EventKind::WithdrawalPaid,
        WithdrawalState::Rejected => EventKind::WithdrawalRejected,
        WithdrawalState::Cancelled => EventKind::WithdrawalCancelled,
    }
}

/// Event kind of a reward's change: it was granted, or came to need a person.
pub(super) fn of_reward(granted: bool, failed: bool) -> Option<EventKind> {
    granted.then_some(EventKind::RewardGranted).or(failed.then_some(EventKind::RewardFailed))
}

/// Event kind of an alarm's change.
pub(super) fn of_alarm(raised: bool) -> EventKind {
    if raised { EventKind::AlarmRaised } else { EventKind::AlarmCleared }
}
