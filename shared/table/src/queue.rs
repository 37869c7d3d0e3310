//! All access to SQS: sending outbox messages and handling dead letters.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry};
use jiff::Timestamp;

use crate::outbox::{Envelope, Promise, Publish};
use kernel::id::OutboxId;

use kernel::fault::Fault;

/// Maximum of entries in one batch, set by SQS.
const BATCH: usize = 10;

/// Visibility time-out of a received dead letter, in seconds.
const HIDDEN: i32 = 120;

/// Environment variable with the URL of the reward queue's dead letters.
pub const REWARD_DEAD: &str = "REWARD_DEAD_QUEUE_URL";

/// Queues of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// FIFO, one group per beneficiary.
    Reward,
    /// Notifications: e-mails and outbound events for the operator's product.
    Mail,
    /// Input of the statistics projection.
    Statistics,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Reward, Self::Mail, Self::Statistics];

    /// Stable name of the queue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Mail => "mail",
            Self::Statistics => "statistics",
        }
    }

    /// The environment variable with the queue's address.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Reward => "REWARD_QUEUE_URL",
            Self::Mail => "MAIL_QUEUE_URL",
            Self::Statistics => "STATISTICS_QUEUE_URL",
        }
    }
}

/// URLs of the queues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Urls {
    /// FIFO queue of rewards.
    pub reward: String,
    /// Dead-letter queue of the reward queue.
    pub reward_dead: String,
    /// Queue of notifications.
    pub mail: String,
    pub statistics: String,
}

/// Dead letter: a message whose consumer failed until the queue's receive limit.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The queue's message id.
    pub id: String,
    /// Time of the first sending.
    pub sent_at: Option<Timestamp>,
    /// Number of receives, including those from the dead-letter queue.
    pub received: u64,
    pub group: Option<String>,
    /// Body as it was sent.
    pub body: String,
    receipt: String,
}

/// Client of the deployment's queues.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    urls: Urls,
}

impl Queues {
    /// The queues at `urls`, reached through `client`.
    pub fn new(client: Client, urls: Urls) -> Self {
        Self { client, urls }
    }

    /// Sends the messages of a transaction and waits until the queues acknowledge all of them.
    ///
    /// # Errors
    /// The queue did not acknowledge an entry. The next attempt sends all of them again.
    pub async fn deliver(&self, outbox: OutboxId, messages: &[Promise]) -> Result<(), Fault> {
        let ids = (0..messages.len()).map(|index| format!("{outbox}.{index}"));
        let all: Vec<_> = ids.zip(messages).collect();
        let to = |queue| self.deliver_to(queue, &all);
        tokio::try_join!(to(Queue::Reward), to(Queue::Mail), to(Queue::Statistics)).map(drop)
    }

    async fn deliver_to(&self, queue: Queue, all: &[(String, &Promise)]) -> Result<(), Fault> {
        let ours: Vec<_> = all.iter().filter(|(_, promise)| promise.queues.contains(&queue)).collect();
        for batch in ours.chunks(BATCH) {
            self.send(queue, batch.iter().map(|(id, promise)| (id.as_str(), *promise))).await?;
        }
        Ok(())
    }

    /// Sends a follow-up of the message `cause` before its consumer acknowledges `cause`.
    ///
    /// If sending fails, `cause` must be received again. So the follow-up is sent at least once, as from an outbox, without an
    /// item.
    ///
    /// # Errors
    /// The queue did not acknowledge the message.
    pub async fn follow(&self, cause: &str, message: &impl Publish) -> Result<(), Fault> {
        let (id, promise) = (format!("{cause}.next"), message.promise()?);
        for queue in Queue::ALL.into_iter().filter(|queue| promise.queues.contains(queue)) {
            self.send(queue, std::iter::once((id.as_str(), &promise))).await?;
        }
        Ok(())
    }

    async fn send(&self, queue: Queue, batch: impl Iterator<Item = (&str, &Promise)>) -> Result<(), Fault> {
        let mut send = self.client.send_message_batch().queue_url(self.url(queue)?);
        let mut first = None;
        for (index, (id, promise)) in batch.enumerate() {
            first.get_or_insert(id);
            let envelope = Envelope { id: id.to_owned(), message: &promise.message };
            let body = serde_json::to_string(&envelope).map_err(Fault::bug)?;
            let fifo = queue == Queue::Reward;
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .set_message_group_id(fifo.then(|| promise.group.clone()))
                .set_message_deduplication_id(fifo.then(|| id.to_owned()))
                .build()
                .map_err(Fault::bug)?;
            send = send.entries(entry);
        }
        let call = "SendMessageBatch";
        let answer = send.send().await.map_err(|error| Fault::unavailable(call, error))?;
        match answer.failed.first() {
            Some(failed) => {
                let of = first.unwrap_or_default();
                Err(Fault::unavailable(call, format!("{} of {of}: {}", failed.code, failed.message().unwrap_or(""))))
            }
            None => Ok(()),
        }
    }

    /// Receives up to ten dead letters of the reward queue and hides them for two minutes.
    ///
    /// They stay in the queue until they are deleted.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn dead_rewards(&self) -> Result<Vec<DeadLetter>, Fault> {
        self.look(known(&self.urls.reward_dead, REWARD_DEAD)?).await
    }

    /// Deletes a dead letter of the reward queue. If the deletion is lost, it is received again.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn forget_dead_reward(&self, letter: &DeadLetter) -> Result<(), Fault> {
        self.forget(known(&self.urls.reward_dead, REWARD_DEAD)?, letter).await
    }

    async fn forget(&self, url: &str, letter: &DeadLetter) -> Result<(), Fault> {
        let delete = self.client.delete_message().queue_url(url).receipt_handle(&letter.receipt);
        delete.send().await.map_err(|error| Fault::unavailable("DeleteMessage", error)).map(drop)
    }

    /// URL of a queue's dead-letter queue, from its redrive policy.
    ///
    /// `None` if the queue has none or its own URL is unknown.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn dead_letters_of(&self, queue: Queue) -> Result<Option<String>, Fault> {
        let Ok(url) = self.url(queue) else { return Ok(None) };
        let policy = self.attribute(url, QueueAttributeName::RedrivePolicy).await?;
        let policy: Option<serde_json::Value> = policy.and_then(|policy| serde_json::from_str(&policy).ok());
        let target = policy.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")?.as_str());
        let Some(name) = target.and_then(|arn| arn.rsplit(':').next()) else { return Ok(None) };
        let answer = self.client.get_queue_url().queue_name(name).send().await;
        Ok(answer.map_err(|error| Fault::unavailable("GetQueueUrl", error))?.queue_url)
    }

    /// Approximate number of messages in a queue, including those in flight.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn depth(&self, url: &str) -> Result<u64, Fault> {
        let waiting = self.attribute(url, QueueAttributeName::ApproximateNumberOfMessages).await?;
        let in_hand = self.attribute(url, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await?;
        let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        Ok(number(waiting).saturating_add(number(in_hand)))
    }

    async fn attribute(&self, url: &str, name: QueueAttributeName) -> Result<Option<String>, Fault> {
        let asked = self.client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
        let answer = asked.map_err(|error| Fault::unavailable("GetQueueAttributes", error))?;
        Ok(answer.attributes.and_then(|mut all| all.remove(&name)))
    }

    /// Receives up to ten messages of a dead-letter queue and hides them for two minutes.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn look(&self, url: &str) -> Result<Vec<DeadLetter>, Fault> {
        let receive = self.client.receive_message().queue_url(url).max_number_of_messages(10);
        let all = receive.visibility_timeout(HIDDEN).message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = all.send().await.map_err(|error| Fault::unavailable("ReceiveMessage", error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(DeadLetter::from).collect())
    }

    /// Makes a received message visible to others again.
    ///
    /// # Errors
    /// The queue can't be reached.
    pub async fn let_go(&self, url: &str, letter: &DeadLetter) -> Result<(), Fault> {
        let show = self.client.change_message_visibility().queue_url(url).receipt_handle(&letter.receipt);
        let shown = show.visibility_timeout(0).send().await;
        shown.map_err(|error| Fault::unavailable("ChangeMessageVisibility", error)).map(drop)
    }

    /// Sends a dead letter back to its queue, in its group, and then deletes it from the queue at `url`.
    ///
    /// Its deduplication id is its own message id, not that of the first sending, which the queue would drop within five minutes.
    /// So it goes back once, even if the deletion is lost and it is soon sent back again.
    ///
    /// # Errors
    /// A queue can't be reached. The letter is then still in the dead-letter queue.
    pub async fn send_back(&self, queue: Queue, url: &str, letter: &DeadLetter) -> Result<(), Fault> {
        let fifo = queue == Queue::Reward;
        let group = letter.group.clone().filter(|_| fifo);
        let send = self.client.send_message().queue_url(self.url(queue)?).message_body(&letter.body);
        let send = send.set_message_group_id(group).set_message_deduplication_id(fifo.then(|| letter.id.clone()));
        send.send().await.map_err(|error| Fault::unavailable("SendMessage", error))?;
        self.forget(url, letter).await
    }

    /// # Errors
    /// Fails when the queue's address is not configured.
    fn url(&self, queue: Queue) -> Result<&str, Fault> {
        let url = match queue {
            Queue::Reward => &self.urls.reward,
            Queue::Mail => &self.urls.mail,
            Queue::Statistics => &self.urls.statistics,
        };
        known(url, queue.variable())
    }
}

fn known<'a>(url: &'a str, variable: &'static str) -> Result<&'a str, Fault> {
    if url.is_empty() { Err(Fault::Unset { variable }) } else { Ok(url) }
}

impl From<aws_sdk_sqs::types::Message> for DeadLetter {
    fn from(message: aws_sdk_sqs::types::Message) -> Self {
        let attributes = message.attributes.unwrap_or_default();
        let of = |name: MessageSystemAttributeName| attributes.get(&name).cloned();
        let number = |name| of(name).and_then(|text| text.parse::<i64>().ok());
        let body = message.body.unwrap_or_default();
        Self {
            id: message.message_id.unwrap_or_default(),
            sent_at: number(MessageSystemAttributeName::SentTimestamp)
                .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
            received: number(MessageSystemAttributeName::ApproximateReceiveCount)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default(),
            group: of(MessageSystemAttributeName::MessageGroupId),
            body,
            receipt: message.receipt_handle.unwrap_or_default(),
        }
    }
}
