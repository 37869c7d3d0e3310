//! Statistics: R9.2, R3.10.

use rust_decimal::Decimal;
use shared::account::model::user::User;
use shared::operations::statistics::{daily, totals};

use crate::harness::{Stand, registered};

/// R9.2: totals match the entities, however often the messages are delivered.
#[tokio::test(start_paused = true)]
async fn totals_follow_registrations_and_rewards_once() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..12).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [0, 0])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    let mut messages: Vec<_> = invitees.iter().map(registered).collect();
    messages.push(registered(&ann));
    stand.write(&all, &messages).await;
    for _ in 0..2 {
        stand.reward().await;
        stand.count().await;
        let totals = totals(&stand.app).await.unwrap();
        let of = |name: &str| totals.get(name).copied().unwrap_or_default();
        assert_eq!((of("users"), of("referrals.relations")), (Decimal::from(13), Decimal::from(12)));
        assert_eq!((of("rewards.granted_to_inviters"), of("rewards.granted.count")), (24.into(), 12.into()));
        assert_eq!((of("liabilities.balance"), of("rewards.pending")), (24.into(), 0.into()));
        let today = "2026-11-20".parse().unwrap();
        let days = daily(&stand.app, today, today).await.unwrap();
        assert_eq!(days[&today]["users"], Decimal::from(13));
        assert_eq!(days[&today]["rewards.granted_to_inviters"], Decimal::from(24));
        stand.write(&[], &messages).await;
    }
}
