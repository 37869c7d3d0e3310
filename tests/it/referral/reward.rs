//! The reward worker: R3.6–R3.8, messages in any order and number, poison, budgets.

use shared::account::model::identity::Status;
use shared::account::model::user::User;
use shared::message::Message;
use shared::operations::dead_letters::{DeadLetterReport, drain_dead_letters};
use shared::referral::model::referral::{Reward, RewardState, Side, Trigger};
use shared::referral::model::settings::ReferralSettings;

use crate::harness::{Stand, paid, registered, usd};
use shared::referral::model::counts::ReferralCounts;
use shared::table::context::Ctx;

async fn state(stand: &Stand, invitee: &User, trigger: Trigger, side: Side) -> Option<RewardState> {
    let key = Reward::key(Reward::id_of(invitee.id, trigger, side));
    stand.app.store.get::<Reward>(&key).await.unwrap().map(|reward| reward.state)
}

async fn counts(stand: &Stand, inviter: &User) -> ReferralCounts {
    stand.app.store.get::<ReferralCounts>(&ReferralCounts::key(inviter.id)).await.unwrap().unwrap().into_inner()
}

fn retry(invitee: &User, trigger: Trigger, beneficiary: &User) -> Message {
    Message::RewardRetried { reward: Reward::id_of(invitee.id, trigger, Side::Inviter), beneficiary: beneficiary.id }
}

/// R3.6: ¥5 and ¥15 reach the threshold of ¥20.
#[tokio::test(start_paused = true)]
async fn five_and_fifteen_yuan_reach_the_threshold_of_twenty() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let bob = stand.invitee("bob", &ann, [2, 0], [5, 3]);
    stand.write(&[&ann, &bob], &[registered(&bob)]).await;
    stand.reward().await;
    assert_eq!(stand.balance(&ann).await, usd("2"));
    for (fen, inviters, invitees) in [(500, "2", "0"), (1500, "7", "3"), (5000, "7", "3")] {
        let message = stand.pay(&bob, fen, true).await;
        stand.write(&[], &[message]).await;
        stand.reward().await;
        assert_eq!((stand.balance(&ann).await, stand.balance(&bob).await), (usd(inviters), usd(invitees)), "{fen}");
    }
    let counts = counts(&stand, &ann).await;
    assert_eq!((counts.invitees, counts.qualified, counts.rewarded), (1, 1, 1));
    assert_eq!((counts.earned, counts.pending), (usd("7"), usd("0")));
}

/// R3.8: a threshold reached while the programme is off is checked again at the next payment.
#[tokio::test(start_paused = true)]
async fn what_is_reached_while_the_programme_is_off_qualifies_at_the_next_payment() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let bob = stand.invitee("bob", &ann, [0, 0], [5, 0]);
    stand.write(&[&ann, &bob], &[registered(&bob)]).await;
    for (programme_on, balance) in [(false, "0"), (true, "5")] {
        let message = stand.pay(&bob, 3000, programme_on).await;
        stand.write(&[], &[message]).await;
        stand.reward().await;
        assert_eq!(stand.balance(&ann).await, usd(balance));
    }
}

/// Budget: ten rewards of one inviter are one read and one transaction, at most 8.5 write units each.
#[tokio::test(start_paused = true)]
async fn ten_rewards_of_one_inviter_are_one_read_and_one_transaction() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..10).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [5, 0])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    stand.write(&all, &invitees.iter().map(registered).collect::<Vec<_>>()).await;
    // A function reads its settings while it starts.
    stand.app.settings::<ReferralSettings>().await.unwrap();
    stand.dynamo.reset();
    assert_eq!(stand.reward().await, 1);
    let (calls, units) = stand.used();
    let expected = [("BatchGetItem", 1), ("DeleteItem", 1), ("TransactWriteItems", 1)];
    assert_eq!(calls, expected.map(|(name, calls)| (name.to_owned(), calls)).into());
    assert!(units <= 85, "{units}");
    assert_eq!(units, TEN_REWARDS);
    assert_eq!(stand.balance(&ann).await, usd("20"));
}

/// Write units of a transaction of ten registration rewards.
/// Two of them fix the ledger currency, which only a deployment's first journal does.
const TEN_REWARDS: u64 = 79 + 2;

/// Budget: with rewards on both sides, ten messages are still one read and one transaction.
#[tokio::test(start_paused = true)]
async fn ten_qualified_invitees_with_rewards_on_both_sides_are_one_transaction() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..10).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [5, 3])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    stand.write(&all, &[]).await;
    for bob in &invitees {
        stand.pay(bob, 2000, true).await;
    }
    stand.write(&[], &invitees.iter().map(paid).collect::<Vec<_>>()).await;
    // A function reads its settings while it starts.
    stand.app.settings::<ReferralSettings>().await.unwrap();
    stand.dynamo.reset();
    assert_eq!(stand.reward().await, 1);
    let expected = [("BatchGetItem", 1), ("DeleteItem", 1), ("TransactWriteItems", 1)];
    assert_eq!(stand.used().0, expected.map(|(name, calls)| (name.to_owned(), calls)).into());
    assert_eq!((stand.balance(&ann).await, stand.balance(&invitees[9]).await), (usd("50"), usd("3")));
}

/// faults.md, messages: each effect happens once under repeats in any order.
/// A repeated message writes nothing.
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_again_writes_nothing() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let bob = stand.invitee("bob", &ann, [2, 0], [5, 3]);
    stand.write(&[&ann, &bob], &[]).await;
    stand.pay(&bob, 2000, true).await;
    let messages = [paid(&bob), registered(&bob), paid(&bob), registered(&bob)];
    stand.write(&[], &messages).await;
    stand.reward().await;
    stand.dynamo.reset();
    stand.write(&[], &messages).await;
    let (_, sent) = stand.used();
    stand.reward().await;
    assert_eq!(stand.used().1, sent);
    assert_eq!((stand.balance(&ann).await, stand.balance(&bob).await), (usd("7"), usd("3")));
    assert_eq!((stand.items("posting"), stand.items("reward")), (3, 3));
}

/// R3.7: a blocked inviter's reward is held, and granted on a later retry.
#[tokio::test(start_paused = true)]
async fn a_blocked_inviters_reward_is_held_and_granted_later() {
    let stand = Stand::new();
    let ann = User { status: Status::Blocked, ..stand.user("ann") };
    let bob = stand.invitee("bob", &ann, [2, 0], [0, 0]);
    stand.write(&[&ann, &bob], &[registered(&bob)]).await;
    stand.reward().await;
    assert_eq!(state(&stand, &bob, Trigger::Registration, Side::Inviter).await, Some(RewardState::Held));
    assert_eq!((stand.balance(&ann).await, counts(&stand, &ann).await.pending), (usd("0"), usd("2")));

    stand.change(ann.id, |ann| ann.status = Status::Active).await;
    let again = retry(&bob, Trigger::Registration, &ann);
    stand.write(&[], &[again.clone(), again]).await;
    stand.reward().await;
    assert_eq!(state(&stand, &bob, Trigger::Registration, Side::Inviter).await, Some(RewardState::Granted));
    let counts = counts(&stand, &ann).await;
    assert_eq!((stand.balance(&ann).await, counts.earned, counts.pending), (usd("2"), usd("2"), usd("0")));
}

/// V2: one inviter's damaged account blocks nobody else in the same batch.
/// R3.7: its reward becomes visible as failed, and a retry grants it.
#[tokio::test(start_paused = true)]
async fn poison_holds_up_nobody_and_becomes_a_failed_reward() {
    let stand = Stand::new();
    let (ann, eve) = (stand.user("ann"), stand.user("eve"));
    let anns: Vec<User> = (0..5).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [0, 0])).collect();
    let eves = stand.invitee("mallory", &eve, [2, 0], [0, 0]);
    let all: Vec<&User> = anns.iter().chain([&ann, &eve, &eves]).collect();
    stand.write(&all, &[]).await;
    let before = stand.damage(eve.id);
    let mut messages: Vec<Message> = anns.iter().map(registered).collect();
    messages.insert(2, registered(&eves));
    stand.write(&[], &messages).await;
    stand.reward().await;
    assert_eq!(stand.balance(&ann).await, usd("10"));
    assert_eq!(stand.queues.depth("reward-dead.fifo").unwrap().visible, 1);

    assert_eq!(drain_dead_letters(&stand.app, &Ctx::system()).await.unwrap(), DeadLetterReport { marked: 1, kept: 0 });
    assert_eq!(state(&stand, &eves, Trigger::Registration, Side::Inviter).await, Some(RewardState::Failed));
    assert_eq!(counts(&stand, &eve).await.pending, usd("2"));
    assert_eq!(drain_dead_letters(&stand.app, &Ctx::system()).await.unwrap(), DeadLetterReport::default());

    stand.put_back(&before);
    stand.write(&[], &[retry(&eves, Trigger::Registration, &eve)]).await;
    stand.reward().await;
    assert_eq!(stand.balance(&eve).await, usd("2"));
    let counts = counts(&stand, &eve).await;
    assert_eq!((counts.invitees, counts.rewarded, counts.pending), (1, 1, usd("0")));
}

/// An unreadable body fails alone and stays a dead letter; the rest of its batch is done.
#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_fails_alone() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..9).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [0, 0])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    let poison = emulator::sqs::Outgoing::fifo("{\"id\": 1", "poison", "poison");
    stand.queues.send("reward.fifo", poison).unwrap();
    stand.write(&all, &invitees.iter().map(registered).collect::<Vec<_>>()).await;
    stand.reward().await;
    assert_eq!(stand.balance(&ann).await, usd("18"));
    assert_eq!(drain_dead_letters(&stand.app, &Ctx::system()).await.unwrap(), DeadLetterReport { marked: 0, kept: 1 });
    stand.later(121);
    assert_eq!(stand.queues.depth("reward-dead.fifo").unwrap().visible, 1);
}

/// R3.7: concurrent workers grant each reward once.
#[tokio::test(start_paused = true)]
async fn workers_that_run_at_once_grant_each_reward_once() {
    let stand = Stand::new();
    let ann = stand.user("ann");
    let invitees: Vec<User> = (0..4).map(|n| stand.invitee(&format!("bob{n}"), &ann, [2, 0], [0, 0])).collect();
    let all: Vec<&User> = invitees.iter().chain([&ann]).collect();
    stand.write(&all, &[]).await;
    let outbox = |index: usize, message: Message| shared::message::ReceivedMessage {
        id: index.to_string(),
        group: Some(index.to_string()),
        envelope: shared::table::outbox::Envelope { id: format!("obx.{index}"), message },
    };
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let app = std::sync::Arc::clone(&stand.app);
        let records = vec![outbox(worker, registered(&invitees[worker % 4]))];
        workers
            .spawn(async move { shared::referral::grant_rewards::grant_rewards(&app, &Ctx::system(), &records).await });
    }
    while let Some(failed) = workers.join_next().await {
        assert_eq!(failed.unwrap(), Vec::<String>::new());
    }
    assert_eq!((stand.balance(&ann).await, stand.items("reward")), (usd("8"), 4));
    assert_eq!(counts(&stand, &ann).await.invitees, 4);
}

/// faults.md, storage: a lost reply, once or through all SDK retries, leaves one effect.
#[tokio::test(start_paused = true)]
async fn a_lost_reply_leaves_each_reward_granted_once() {
    for lost in 1..=6 {
        let stand = Stand::new();
        let ann = stand.user("ann");
        let bob = stand.invitee("bob", &ann, [2, 0], [5, 3]);
        stand.write(&[&ann, &bob], &[registered(&bob)]).await;
        stand.lose(lost);
        stand.reward().await;
        stand.lose(0);
        assert_eq!((stand.balance(&ann).await, stand.items("posting")), (usd("2"), 1), "{lost}");
        assert_eq!(counts(&stand, &ann).await.invitees, 1);
    }
}
