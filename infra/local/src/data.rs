//! The data folder: everything that survives the process. Only its owner can read it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::{BASE32_NOPAD, BASE64};
use emulator::clock::MovableClock;
use emulator::private;
use emulator::stack::Trouble;
use shared::table::system::Entropy;

/// An open data folder, locked against other processes.
#[derive(Debug)]
pub struct Data {
    folder: PathBuf,
    _lock: File,
}

impl Data {
    /// Opens a folder, creating it if necessary; `fresh` deletes its contents first.
    ///
    /// # Errors
    /// Fails when another stack uses it, or it can't be written.
    pub fn open(folder: &Path, fresh: bool) -> Result<Self, Trouble> {
        let trouble = |error: std::io::Error| format!("{} can't be written: {error}", folder.display());
        private::folder(folder).map_err(trouble)?;
        let lock = private::make(&folder.join("lock")).map_err(trouble)?;
        lock.try_lock().map_err(|_| format!("another stack uses {}: stop it, or use --data", folder.display()))?;
        if fresh {
            for entry in fs::read_dir(folder).map_err(trouble)? {
                let path = entry.map_err(trouble)?.path();
                if path.is_dir() {
                    fs::remove_dir_all(&path).map_err(trouble)?;
                } else if !path.ends_with("lock") {
                    fs::remove_file(&path).map_err(trouble)?;
                }
            }
        }
        Ok(Self { folder: folder.to_path_buf(), _lock: lock })
    }

    /// The folder's path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A base64 secret of 32 bytes, generated on first use.
    ///
    /// # Errors
    /// Fails when it can't be read or written.
    pub fn secret(&self, name: &str) -> Result<String, Trouble> {
        self.kept(name, || BASE64.encode(&Entropy::system().bytes::<32>()))
    }

    /// The first admin's password, generated on first use.
    ///
    /// # Errors
    /// Fails when it can't be read or written.
    pub fn admin_password(&self) -> Result<String, Trouble> {
        self.kept("admin-password", || BASE32_NOPAD.encode(&Entropy::system().bytes::<15>()).to_lowercase())
    }

    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, Trouble> {
        let path = self.folder.join(name);
        if let Ok(kept) = fs::read_to_string(&path)
            && !kept.trim().is_empty()
        {
            return Ok(kept.trim().to_owned());
        }
        let made = make();
        let mut file = private::options().create(true).write(true).truncate(true).open(&path)?;
        file.write_all(made.as_bytes())?;
        file.sync_all()?;
        Ok(made)
    }

    /// Restores the clock's offset from the machine's clock.
    ///
    /// # Errors
    /// Fails when the stored offset is not a number.
    pub fn restore_clock(&self, clock: &MovableClock) -> Result<(), Trouble> {
        let Ok(kept) = fs::read_to_string(self.folder.join("clock-offset")) else { return Ok(()) };
        let millis: i64 = kept.trim().parse().map_err(|_| "clock-offset is no number")?;
        match u64::try_from(millis) {
            Ok(ahead) => clock.advance(Duration::from_millis(ahead)),
            Err(_) => {
                let back = jiff::SignedDuration::from_millis(millis);
                clock.set(clock.now().checked_add(back)?);
            }
        }
        Ok(())
    }

    /// Stores the clock's offset from the machine's clock.
    ///
    /// # Errors
    /// Fails when it can't be written.
    pub fn keep_clock(&self, clock: &MovableClock) -> std::io::Result<()> {
        private::write(&self.folder.join("clock-offset"), clock.offset().as_millis().to_string())
    }
}
