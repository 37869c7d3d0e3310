//! The queues' journal file: one line per step, each a JSON list of changes.
//!
//! A step is one `write`, so it survives a kill of the process, but not a power loss. A line cut short by a kill was never
//! acknowledged. The next start drops it and rewrites the file.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::contents::{Change, Contents};
use crate::private;

const NAME: &str = "queues.log";

/// Minimum size in bytes for a rewrite. The file must also be twice as long as after the last one.
const TIDY_ABOVE: u64 = 16 * 1024 * 1024;

/// The open journal file.
#[derive(Debug)]
pub(super) struct Journal {
    directory: PathBuf,
    file: File,
    /// End of the last complete line.
    end: u64,
    tidy_at: u64,
}

impl Journal {
    /// Reads the journal of `directory` and rewrites it compactly.
    pub fn open(directory: &Path) -> io::Result<(Self, Contents)> {
        private::folder(directory)?;
        let contents = match File::open(directory.join(NAME)) {
            Ok(file) => read(BufReader::new(file))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Contents::default(),
            Err(error) => return Err(error),
        };
        let (file, end) = rewrite(directory, &contents)?;
        let journal = Self { directory: directory.to_owned(), file, end, tidy_at: tidy_at(end) };
        Ok((journal, contents))
    }

    /// Writes one step; after an error the file contains nothing of it.
    pub fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        let line = line(changes)?;
        if let Err(error) = self.file.write_all(&line) {
            self.file.set_len(self.end)?;
            return Err(error);
        }
        self.end = self.end.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Rewrites a journal that has grown long. If that fails, the long file stays in use.
    pub fn tidy(&mut self, contents: &Contents) {
        if self.end < self.tidy_at {
            return;
        }
        match rewrite(&self.directory, contents) {
            Ok((file, end)) => (self.file, self.end) = (file, end),
            Err(error) => tracing::warn!(%error, "the queues' file could not be rewritten"),
        }
        self.tidy_at = tidy_at(self.end);
    }
}

fn tidy_at(end: u64) -> u64 {
    end.saturating_mul(2).max(TIDY_ABOVE)
}

/// Writes a new file and renames it over the old one.
/// After a kill, the next start finds one of them complete.
fn rewrite(directory: &Path, contents: &Contents) -> io::Result<(File, u64)> {
    let fresh = directory.join(format!("{NAME}.new"));
    fs::remove_file(&fresh).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut file = BufWriter::new(private::options().append(true).create_new(true).open(&fresh)?);
    for change in contents.changes() {
        file.write_all(&line(&[change])?)?;
    }
    let file = file.into_inner().map_err(|error| error.into_error())?;
    fs::rename(&fresh, directory.join(NAME))?;
    let end = file.metadata()?.len();
    Ok((file, end))
}

fn line(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(changes)?;
    line.push(b'\n');
    Ok(line)
}

/// # Rejects
/// A line that is damaged and not merely cut short at the end: contents are never guessed.
fn read(mut file: impl BufRead) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        if line.last() != Some(&b'\n') {
            break;
        }
        let changes: Vec<Change> = serde_json::from_slice(&line)?;
        changes.into_iter().for_each(|change| contents.apply(change));
        line.clear();
    }
    Ok(contents)
}
