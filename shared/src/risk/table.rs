//! Storage of sightings and cases.

use kernel::id::{OrderId, UserId};
use table::key::at_time;
use table::records;
use table::spread::{DueList, FEW, MonthlyList};

use crate::risk::model::case::{CaseState, HeldCommission, RiskCase};
use crate::risk::model::instrument::PaymentInstrument;
use crate::risk::model::signal::{Sightings, Signal};

/// Cases, of the whole platform.
pub const CASES: MonthlyList = MonthlyList::spread("RISK_CASES", FEW);
/// Held cases, by the time when they were opened.
pub const HELD: DueList = DueList::spread("risk", FEW);

records! {
    /// Accounts of an inviter's tree that left the same keyed hash (R10.1).
    Sightings = "sightings" {
        fn key(inviter: UserId, rule: Signal, hash: &str) = "SEEN#{inviter}", "{rule}#{hash}";
        at |it| Sightings::key(it.inviter, it.rule, &it.signal_hash);
        expires |it| it.until();
    }

    /// Payers with one card or account, under a keyed hash of its fingerprint (R10.1).
    PaymentInstrument = "payment_instrument" {
        fn key(hash: &str) = "INSTRUMENT#{hash}", "PAYERS";
        at |it| PaymentInstrument::key(&it.instrument_hash);
        expires |it| it.until();
    }

    /// A case of risk: one per invitee (R10.2).
    RiskCase = "risk_case" {
        fn key(invitee: UserId) = "RISK#{invitee}", "CASE";
        at |it| RiskCase::key(it.invitee);
        platform |it| Some(CASES.entry(it.opened_at, at_time(it.opened_at, it.invitee)));
        due |it| (it.state == CaseState::Held).then(|| HELD.entry(it.invitee, it.opened_at));
    }

    /// A commission that is held for its invitee's case (R10.2).
    HeldCommission = "held_commission" {
        fn key(invitee: UserId, order: OrderId) = "HELD#{invitee}", "{order}";
        at |it| HeldCommission::key(it.invitee, it.order);
    }
}

/// Returns the partition of an invitee's held commissions.
pub fn held_of(invitee: UserId) -> String {
    format!("HELD#{invitee}")
}
