//! All of SQS: sending what an outbox item promises. Nobody else names `aws_sdk_sqs`.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use crate::fault::Fault;
use crate::message::{Envelope, Message, Outbox, Queue};

/// Most entries of one batch.
const BATCH: usize = 10;

/// For how many seconds a dead letter that was looked at is hidden.
const HIDDEN: i32 = 120;

/// Where the queues are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Urls {
    /// The FIFO queue of rewards.
    pub reward: String,
    /// Where its messages end that the worker failed on.
    pub reward_dead: String,
    /// The queue of e-mails.
    pub mail: String,
    /// The queue of statistics.
    pub statistics: String,
}

/// A message of the reward queue that its consumer failed on until the queue gave up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The queue's id of it.
    pub id: String,
    /// What happened; `None` when the body can't be read.
    pub envelope: Option<Envelope>,
    receipt: String,
}

/// The queues.
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

    /// Sends everything an outbox item promises. When it answers, every entry of every batch was acknowledged.
    ///
    /// # Errors
    /// When any entry was not; those already sent are sent again by the next attempt.
    pub async fn deliver(&self, outbox: &Outbox) -> Result<(), Fault> {
        for queue in [Queue::Reward, Queue::Mail, Queue::Statistics] {
            for batch in outbox.envelopes(queue).chunks(BATCH) {
                self.send(queue, batch).await?;
            }
        }
        Ok(())
    }

    /// Sends what follows from a message that its consumer has not acknowledged yet: if this fails, that one must come again.
    /// So it is sent at least once, as if an outbox item promised it, and no item is written.
    ///
    /// # Errors
    /// When it was not acknowledged.
    pub async fn follow(&self, cause: &Envelope, message: Message) -> Result<(), Fault> {
        for queue in message.queues() {
            self.send(*queue, &[Envelope { id: format!("{}.next", cause.id), message: message.clone() }]).await?;
        }
        Ok(())
    }

    async fn send(&self, queue: Queue, batch: &[Envelope]) -> Result<(), Fault> {
        let mut send = self.client.send_message_batch().queue_url(self.url(queue));
        for (index, envelope) in batch.iter().enumerate() {
            let body = serde_json::to_string(envelope).map_err(|error| Fault::bug(error.to_string()))?;
            let fifo = queue == Queue::Reward;
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .set_message_group_id(fifo.then(|| envelope.message.group()))
                .set_message_deduplication_id(fifo.then(|| envelope.id.clone()))
                .build()
                .map_err(|error| Fault::bug(error.to_string()))?;
            send = send.entries(entry);
        }
        let why = |why: String| Fault::Unavailable { call: "SendMessageBatch", why };
        let answer =
            send.send().await.map_err(|error| why(aws_sdk_sqs::error::DisplayErrorContext(&error).to_string()))?;
        match answer.failed.first() {
            Some(failed) => {
                let of = batch.first().map(|envelope| envelope.id.as_str()).unwrap_or_default();
                Err(why(format!("{} of {of}: {}", failed.code, failed.message().unwrap_or(""))))
            }
            None => Ok(()),
        }
    }

    /// Up to ten dead letters of the reward queue, hidden from others for two minutes. They stay there until they are
    /// forgotten.
    ///
    /// # Errors
    /// When the queue can't be reached.
    pub async fn dead_rewards(&self) -> Result<Vec<DeadLetter>, Fault> {
        let receive = self.client.receive_message().queue_url(&self.urls.reward_dead);
        let answer = receive.max_number_of_messages(10).visibility_timeout(HIDDEN).send().await;
        let answer = answer.map_err(|error| unavailable("ReceiveMessage", &error))?;
        let letter = |message: aws_sdk_sqs::types::Message| DeadLetter {
            id: message.message_id.unwrap_or_default(),
            envelope: message.body.and_then(|body| serde_json::from_str(&body).ok()),
            receipt: message.receipt_handle.unwrap_or_default(),
        };
        Ok(answer.messages.unwrap_or_default().into_iter().map(letter).collect())
    }

    /// Takes a letter off the dead-letter queue. Lost: it is seen again.
    ///
    /// # Errors
    /// When the queue can't be reached.
    pub async fn forget_dead_reward(&self, letter: &DeadLetter) -> Result<(), Fault> {
        let delete = self.client.delete_message().queue_url(&self.urls.reward_dead).receipt_handle(&letter.receipt);
        delete.send().await.map_err(|error| unavailable("DeleteMessage", &error)).map(drop)
    }

    fn url(&self, queue: Queue) -> &str {
        match queue {
            Queue::Reward => &self.urls.reward,
            Queue::Mail => &self.urls.mail,
            Queue::Statistics => &self.urls.statistics,
        }
    }
}

fn unavailable(call: &'static str, error: &(impl std::error::Error + 'static)) -> Fault {
    Fault::Unavailable { call, why: aws_sdk_sqs::error::DisplayErrorContext(error).to_string() }
}
