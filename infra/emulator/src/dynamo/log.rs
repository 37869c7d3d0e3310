//! Durability of a database file: commits that wait at the same time share one sync of the disk.
//!
//! The engine syncs its write-ahead log at checkpoints only, so its lock is never held while a disk is waited for. A write is
//! answered after a sync that began after its commit: what was answered survives a power loss too.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use tokio::sync::Mutex;

/// The write-ahead log of an open database file.
pub(super) struct Log {
    file: Arc<File>,
    /// Number of commits so far.
    commits: AtomicU64,
    /// Number of commits that the disk is known to have. Who holds it syncs for all who wait for it.
    synced: Mutex<u64>,
}

impl Log {
    /// Takes the syncs of the database at `path` over from its engine.
    ///
    /// # Errors
    /// The engine's, or those of opening the log.
    pub(super) fn of(db: &Database, path: &str) -> Result<Self, DynoxideError> {
        // The engine's only way to sync at checkpoints alone; the other values that this sets are its defaults.
        db.disable_bulk_loading()?;
        // Some systems sync only what is open for writing.
        let file = File::options().write(true).open(format!("{path}-wal")).map_err(|error| failed(&error))?;
        Ok(Self { file: Arc::new(file), commits: AtomicU64::new(0), synced: Mutex::new(0) })
    }

    /// Returns once everything that was committed before this call is on the disk.
    ///
    /// # Errors
    /// Those of the disk. Nobody then knows what it has.
    pub(super) async fn sync(&self) -> Result<(), DynoxideError> {
        let own = self.commits.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let mut synced = self.synced.lock().await;
        if *synced >= own {
            return Ok(());
        }
        let all = self.commits.load(Ordering::SeqCst);
        let file = Arc::clone(&self.file);
        let done = tokio::task::spawn_blocking(move || file.sync_data()).await;
        done.map_err(io::Error::other).flatten().map_err(|error| failed(&error))?;
        *synced = all;
        Ok(())
    }
}

fn failed(error: &io::Error) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::fd::OwnedFd;

    use super::*;

    fn log(file: File) -> Log {
        Log { file: Arc::new(file), commits: AtomicU64::new(0), synced: Mutex::new(0) }
    }

    #[tokio::test]
    async fn commits_that_wait_together_share_one_sync() {
        let log = log(File::open(std::env::current_exe().unwrap()).unwrap());
        let busy = log.synced.lock().await;
        let first = async {
            log.sync().await.unwrap();
            *log.synced.lock().await
        };
        let (all, second, third, ()) = tokio::join!(first, log.sync(), log.sync(), async { drop(busy) });
        assert_eq!((all, second.is_ok(), third.is_ok()), (3, true, true));
    }

    #[tokio::test]
    async fn a_disk_that_fails_keeps_nothing_and_says_so() {
        let (pipe, _writer) = io::pipe().unwrap();
        let log = log(File::from(OwnedFd::from(pipe)));
        assert!(log.sync().await.unwrap_err().to_string().contains("Invalid argument"));
        assert_eq!(*log.synced.lock().await, 0);
    }
}
