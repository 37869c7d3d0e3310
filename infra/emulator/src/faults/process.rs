//! A simulated process that can end at any moment; unfinished work is never completed.

use std::future::{Future, pending};
use std::sync::Arc;

use tokio::sync::Notify;

tokio::task_local! {
    static PROCESS: Arc<Notify>;
}

/// The process of an invocation ended before it responded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process was gone before it answered")]
pub struct Gone;

/// Runs an invocation in a simulated process of its own.
///
/// # Errors
/// [`Gone`] if a fault ends the process.
pub async fn run<T>(invocation: impl Future<Output = T>) -> Result<T, Gone> {
    let process = Arc::new(Notify::new());
    PROCESS
        .scope(Arc::clone(&process), async {
            tokio::select! {
                biased;
                () = process.notified() => Err(Gone),
                answer = invocation => Ok(answer),
            }
        })
        .await
}

/// Ends the process of the calling invocation and then never returns.
/// Returns only outside such a process.
pub(super) async fn end() {
    if PROCESS.try_with(|process| process.notify_one()).is_ok() {
        pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_invocation_whose_process_ends_does_not_go_on() {
        let mut went_on = false;
        let ended = run(async {
            end().await;
            went_on = true;
        });
        assert_eq!(ended.await, Err(Gone));
        assert!(!went_on);
        assert_eq!(run(async { 3 }).await, Ok(3));
    }
}
