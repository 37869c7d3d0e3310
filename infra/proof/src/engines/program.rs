//! An engine's program: its files, fetched by Maven and verified by digest, and its process.
//!
//! `engines/{name}.xml` names a version; `engines/{name}.lock` lists its files and their dependencies with `sha256sum` digests.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::Trouble;
use crate::harness::at;

/// Maximum time until an engine responds.
const PATIENCE: Duration = Duration::from_secs(90);

/// A file and its digest.
struct Locked<'a> {
    digest: &'a str,
    path: &'a str,
}

fn locked(lock: &str) -> impl Iterator<Item = Locked<'_>> {
    lock.lines().filter_map(|line| line.split_once(' ')).map(|(digest, path)| Locked { digest, path })
}

/// Reports if the file exists with the locked digest.
fn good(folder: &Path, file: &Locked<'_>) -> bool {
    fs::read(folder.join(file.path)).is_ok_and(|bytes| HEXLOWER.encode(&Sha256::digest(&bytes)) == file.digest)
}

/// Downloads the files of a Maven project into a folder, unless they are there.
///
/// # Errors
/// Fails when a file can't be downloaded, or its digest differs from the lock file's.
pub fn fetch(project: &Path, lock: &str, folder: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    if locked(lock).all(|file| good(folder, &file)) {
        return Ok(());
    }
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DincludeScope=runtime", "--file"]);
    maven.arg(project).arg("-Dmdep.useRepositoryLayout=true").arg(format!("-DoutputDirectory={}", folder.display()));
    let done = maven.output().map_err(at("mvn (Debian: maven)"))?;
    match locked(lock).find(|file| !good(folder, file)) {
        Some(file) => {
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            Err(Trouble::Wrong(format!("{} is not what its lock says: {}", file.path, said.trim())))
        }
        None => Ok(()),
    }
}

/// A running engine; dropping this ends its process.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    /// The engine's base URL.
    pub url: String,
}

impl Engine {
    /// Starts the program whose files are in `folder`; `options` returns its arguments for a free port.
    ///
    /// # Errors
    /// Fails when Java is missing, or the engine does not respond in time.
    pub fn start(lock: &str, folder: &Path, options: impl Fn(u16) -> Vec<String>) -> Result<Self, Trouble> {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(at(folder))?.port();
        let jars: Vec<PathBuf> = locked(lock).map(|file| folder.join(file.path)).collect();
        let jars: Vec<String> = jars
            .iter()
            .filter(|path| path.extension().is_some_and(|kind| kind == "jar"))
            .map(|path| path.display().to_string())
            .collect();
        let log = fs::File::create(folder.join("log")).map_err(at(folder))?;
        let errors = log.try_clone().map_err(at(folder))?;
        let child = Command::new("java")
            .args(["-cp", &jars.join(":"), "-Xmx2g"])
            .args(options(port))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(at("java (17 or later; Debian: default-jre-headless)"))?;
        let mut engine = Self { child, url: format!("http://127.0.0.1:{port}") };
        engine.wait(port, folder)?;
        Ok(engine)
    }

    fn wait(&mut self, port: u16, folder: &Path) -> Result<(), Trouble> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let ended = self.child.try_wait().map_err(at(folder))?;
            if ended.is_none() && answers(port) {
                return Ok(());
            }
            if ended.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Err(Trouble::Wrong(format!("it does not start: see {}", folder.join("log").display())))
    }
}

/// Reports if an HTTP server responds at the port.
fn answers(port: u16) -> bool {
    let asked = || -> io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(start == *b"HTTP/")
    };
    asked().unwrap_or(false)
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The engine has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
