//! Files that only their owner can read: data folders hold keys, e-mails and addresses.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes a folder, and takes it and its files from everybody else if it was there.
///
/// # Errors
/// Fails when it can't be made or changed.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(FOLDER))?;
    for entry in fs::read_dir(path)? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        match entry? {
            kind if kind.is_dir() => folder(&path)?,
            kind if kind.is_file() => fs::set_permissions(&path, Permissions::from_mode(FILE))?,
            // A link's target is not ours.
            _ => {}
        }
    }
    Ok(())
}

/// Options that make a file for its owner only.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE);
    options
}

/// Makes a file if there is none, so that others who open it find it private.
///
/// # Errors
/// Fails when it can't be made.
pub fn make(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).write(true).open(path)
}

/// Writes a whole file.
///
/// # Errors
/// Fails when it can't be written.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    options().create(true).write(true).truncate(true).open(path)?.write_all(contents.as_ref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use crate::stack::{Setup, Stack};

    use super::*;

    fn modes(of: &Path, all: &mut Vec<(PathBuf, u32)>) {
        all.push((of.to_path_buf(), fs::metadata(of).unwrap().permissions().mode() & 0o777));
        if of.is_dir() {
            fs::read_dir(of).unwrap().for_each(|entry| modes(&entry.unwrap().path(), all));
        }
    }

    /// A folder of an earlier release, open to everybody, is closed; whatever the stack writes into it is private.
    #[tokio::test]
    async fn only_its_owner_reads_the_data_of_a_stack() {
        let data = std::env::temp_dir().join(format!("private-{}", ulid::Ulid::generate()));
        fs::create_dir_all(data.join("queues")).unwrap();
        fs::write(data.join("admin-password"), "hunter2hunter2").unwrap();
        folder(&data).unwrap();
        let stack = Stack::start(Setup { data: Some(data.clone()), ..Setup::in_memory() }).await.unwrap();
        stack.save_book(&data).unwrap();
        let mail = http::Request::post("/v2/email/outbound-emails").body(bytes::Bytes::from("{}")).unwrap();
        let sent = crate::connector::Backend::call(&*stack.mailbox, mail).await.unwrap();
        assert_eq!(sent.status(), 200);
        write(&data.join("clock-offset"), "0").unwrap();
        let mut all = Vec::new();
        modes(&data, &mut all);
        for name in ["guerdon.db", "queues.log", "mail.jsonl", "providers.json", "admin-password"] {
            assert!(all.iter().any(|(path, _)| path.ends_with(name)), "{name}: {all:?}");
        }
        let open = all.iter().filter(|(path, mode)| *mode != if path.is_dir() { FOLDER } else { FILE });
        assert_eq!(open.collect::<Vec<_>>(), Vec::<&(PathBuf, u32)>::new());
        drop(stack);
        fs::remove_dir_all(&data).unwrap();
    }
}
