//! Compatibility of queued messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::affiliate::model::withdrawal::WithdrawalState;
use shared::kernel::id::{
    AgencyOrderId, BatchId, GrantId, OrderId, OutboxId, ReviewId, RewardId, SeriesId, ShopId, UserId, WithdrawalId,
};
use shared::message::MessageEnvelope;
use shared::message::{MailKind, Message};
use shared::redemption::model::code_text::{CodeHash, CodeRef};
use shared::risk::model::signal::{Signal, SignupSignals};
use shared::webhooks::model::outbound_event::CommissionStep;
use ulid::Ulid;

use super::{golden, write};

/// One sample of each kind, and one with each optional part.
fn samples() -> Vec<(&'static str, Message)> {
    let ulid = |low| Ulid::from_parts(1_795_168_800_000, low);
    let (user, inviter) = (UserId::new(ulid(1)), UserId::new(ulid(2)));
    let (order, reward) = (OrderId::new(ulid(3)), RewardId::new(ulid(4)));
    let withdrawal = WithdrawalId::new(ulid(6));
    let steps = vec![CommissionStep::Accrued, CommissionStep::Available, CommissionStep::Reversed];
    let (beneficiary, batch) = (inviter, BatchId::new(ulid(5)));
    let hash = CodeHash::parse("00112233445566778899aabbccddeeff").unwrap();
    let hashed = |text: &str| Some(text.repeat(32));
    let signals = Some(SignupSignals {
        email_alias: hashed("0"),
        network: hashed("1"),
        disposable_email: true,
        ..SignupSignals::default()
    });
    let of_device = Some(SignupSignals { device: hashed("2"), device_of: Some(inviter), ..SignupSignals::default() });
    let mail = |mail: MailKind, subject: Option<&str>| Message::Mail {
        mail,
        email: "0123456789abcdef".to_owned(),
        nonce: "fedcba9876543210".to_owned(),
        subject: subject.map(str::to_owned),
    };
    vec![
        ("user_registered", Message::UserRegistered { user, inviter: None, signals: None }),
        ("user_registered.invited", Message::UserRegistered { user, inviter: Some(inviter), signals: None }),
        ("user_registered.signals", Message::UserRegistered { user, inviter: Some(inviter), signals }),
        ("user_registered.device", Message::UserRegistered { user, inviter: Some(inviter), signals: of_device }),
        ("user_imported", Message::UserImported { user }),
        ("referral_imported", Message::ReferralImported { user, inviter }),
        ("inviter_named", Message::InviterNamed { user, inviter, signals: None }),
        ("inviter_changed", Message::InviterChanged { user, inviter }),
        ("charge_counted", Message::ChargeCounted { user, inviter }),
        ("order_paid", Message::OrderPaid { order, user, inviter: None }),
        ("order_paid.invited", Message::OrderPaid { order, user, inviter: Some(inviter) }),
        (
            "order_net_changed",
            Message::OrderNetChanged { order, user, inviter: None, refunded: false, reinstated: false },
        ),
        (
            "order_net_changed.invited",
            Message::OrderNetChanged { order, user, inviter: Some(inviter), refunded: false, reinstated: false },
        ),
        (
            "order_net_changed.refunded",
            Message::OrderNetChanged { order, user, inviter: None, refunded: true, reinstated: false },
        ),
        (
            "order_net_changed.reinstated",
            Message::OrderNetChanged { order, user, inviter: None, refunded: false, reinstated: true },
        ),
        ("purchase_net_changed", Message::PurchaseNetChanged { purchase: order, user, inviter }),
        ("second_level_due", Message::SecondLevelDue { order, user, inviter, purchase: false }),
        ("second_level_due.purchase", Message::SecondLevelDue { order, user, inviter, purchase: true }),
        ("order_closed", Message::OrderClosed { order }),
        ("promotion_expired", Message::PromotionExpired { user }),
        ("promotion_ending", Message::PromotionEnding { user }),
        ("promotion_enrolled", Message::PromotionEnrolled { user }),
        ("balance_changed", Message::BalanceChanged { user }),
        ("reward_settled", Message::RewardSettled { reward, beneficiary, granted: false, failed: false }),
        ("reward_settled.granted", Message::RewardSettled { reward, beneficiary, granted: true, failed: false }),
        ("reward_settled.failed", Message::RewardSettled { reward, beneficiary, granted: false, failed: true }),
        ("review_opened", Message::ReviewOpened { review: ReviewId::new(ulid(11)) }),
        ("risk_case_opened", Message::RiskCaseOpened { invitee: user }),
        ("alarm_changed", Message::AlarmChanged { alarm: "ReviewsOpened".to_owned(), raised: true }),
        ("reward_retried", Message::RewardRetried { reward, beneficiary }),
        ("signal_left", Message::SignalLeft { user, rule: Signal::PaymentInstrument, others: vec![inviter] }),
        ("risk_case_decided", Message::RiskCaseDecided { invitee: user, inviter }),
        ("commission_settled", Message::CommissionSettled { order, beneficiary, steps: Vec::new() }),
        ("commission_settled.steps", Message::CommissionSettled { order, beneficiary, steps }),
        ("withdrawal_state_changed", Message::WithdrawalStateChanged { withdrawal, user, shop: None, state: None }),
        (
            "withdrawal_state_changed.paid",
            Message::WithdrawalStateChanged { withdrawal, user, shop: None, state: Some(WithdrawalState::Paid) },
        ),
        (
            "withdrawal_state_changed.shop",
            Message::WithdrawalStateChanged {
                withdrawal,
                user,
                shop: Some(ShopId::new(ulid(8))),
                state: Some(WithdrawalState::Requested),
            },
        ),
        (
            "agency_order_net_changed",
            Message::AgencyOrderNetChanged { order: AgencyOrderId::new(ulid(7)), tree: ShopId::new(ulid(8)) },
        ),
        (
            "agency_order_settled",
            Message::AgencyOrderSettled { order: AgencyOrderId::new(ulid(7)), shops: vec![ShopId::new(ulid(8))] },
        ),
        ("wallet_changed", Message::WalletChanged { shop: ShopId::new(ulid(8)) }),
        (
            "grant_terms_tightened",
            Message::GrantTermsTightened { series: SeriesId::new(ulid(9)), grant: Some(GrantId::new(ulid(10))) },
        ),
        ("batch_started", Message::BatchStarted { batch }),
        ("batch_ready", Message::BatchReady { batch }),
        ("redemption_completed", Message::RedemptionCompleted { user, code: CodeRef { batch, ordinal: 7 }, number: 2 }),
        ("user_erased", Message::UserErased { user }),
        ("code_changed", Message::CodeChanged { code: CodeRef { batch, ordinal: 7 }, hash }),
        ("redemption_undone", Message::RedemptionUndone { user, code: CodeRef { batch, ordinal: 7 }, number: 2 }),
        ("mail", mail(MailKind::Verification, Some("sgn_01m7w6c3800000000000000011"))),
        ("mail.reset", mail(MailKind::PasswordReset, None)),
        ("mail.challenge", mail(MailKind::Challenge, None)),
        ("mail.email_change", mail(MailKind::EmailChange, Some("usr_01m7w6c3800000000000000011"))),
        ("mail.second_factor_set", mail(MailKind::SecondFactorSet, Some("usr_01m7w6c3800000000000000011"))),
        ("mail.second_factor_removed", mail(MailKind::SecondFactorRemoved, Some("usr_01m7w6c3800000000000000011"))),
        ("mail.recovery_code_used", mail(MailKind::RecoveryCodeUsed, Some("usr_01m7w6c3800000000000000011"))),
        ("mail.email_change_notice", mail(MailKind::EmailChangeNotice, Some("usr_01m7w6c3800000000000000011"))),
    ]
}

/// Messages of all samples.
pub fn all() -> Vec<Message> {
    samples().into_iter().map(|(_, message)| message).collect()
}

fn envelope(message: Message) -> Value {
    let id = OutboxId::new(Ulid::from_parts(1_795_168_800_000, 9));
    serde_json::to_value(MessageEnvelope { id: format!("{id}.0"), message }).unwrap()
}

/// faults.md, messages: today's code decodes messages of older code, and they mean the same.
#[test]
fn golden_messages_decode_and_encode_to_the_same() {
    let kept = golden("messages");
    for (name, message) in samples().into_iter().filter(|(name, _)| !kept.contains_key(*name)) {
        write("messages", name, &envelope(message));
    }
    let golden = golden("messages");
    for (name, message) in samples() {
        let decoded: MessageEnvelope = serde_json::from_value(golden[name].clone()).unwrap();
        assert_eq!(decoded.message, message, "{name}");
        assert_eq!(serde_json::to_value(decoded).unwrap(), golden[name], "{name}");
    }
    for (name, value) in golden {
        serde_json::from_value::<MessageEnvelope>(value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_kind_of_message_is_golden() {
    let declared: BTreeSet<&str> = Message::VARIANTS.iter().copied().collect();
    let debugged: Vec<String> = samples().iter().map(|(_, message)| format!("{message:?}")).collect();
    let known: BTreeSet<&str> = debugged.iter().filter_map(|text| text.split(' ').next()).collect();
    assert_eq!(declared, known, "samples in stored/messages.rs has every message");
}

/// Optional fields of messages.
const OPTIONAL: [&str; 11] =
    ["inviter", "grant", "refunded", "reinstated", "granted", "failed", "steps", "shop", "state", "subject", "signals"];

#[test]
fn a_message_that_says_less_or_something_unknown_is_refused() {
    for (name, message) in samples() {
        let whole = envelope(message);
        for field in whole["message"].as_object().unwrap().keys().filter(|field| !OPTIONAL.contains(&field.as_str())) {
            let mut less = whole.clone();
            less["message"].as_object_mut().unwrap().remove(field).unwrap();
            assert!(serde_json::from_value::<MessageEnvelope>(less).is_err(), "{name} without {field}");
        }
        let mut other = whole;
        other["message"]["kind"] = json!("mystery");
        assert!(serde_json::from_value::<MessageEnvelope>(other).is_err(), "{name}");
    }
}
