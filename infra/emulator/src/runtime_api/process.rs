//! A built function binary with its Runtime API server.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::{InvokeError, RuntimeApi};

/// A running function binary; it is killed at its deadline and when this is dropped.
#[derive(Debug)]
pub struct FunctionProcess {
    api: RuntimeApi,
    child: Child,
    spawned_at: Instant,
    output: Arc<Mutex<Vec<u8>>>,
    readers: JoinSet<()>,
    ended: Option<String>,
}

impl FunctionProcess {
    /// Starts the binary at `path` as the function `name`.
    /// Its variables are Lambda's and those in `env`, which take precedence.
    /// It inherits no other variables.
    pub async fn spawn(path: impl AsRef<OsStr>, name: &str, env: &BTreeMap<String, String>) -> io::Result<Self> {
        let api = RuntimeApi::start(name).await?;
        let spawned_at = Instant::now();
        let mut child = Command::new(path)
            .env_clear()
            .envs(environment(name))
            .envs(env)
            .env("AWS_LAMBDA_RUNTIME_API", api.addr().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = Arc::<Mutex<Vec<u8>>>::default();
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(collect(stdout, Arc::clone(&output)));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(collect(stderr, Arc::clone(&output)));
        }
        Ok(Self { api, child, spawned_at, output, readers, ended: None })
    }

    /// Time from the start of the process to its first request for an event; `None` if it never makes one.
    pub async fn started_in(&mut self) -> Option<Duration> {
        tokio::select! {
            asked = self.api.asked() => asked.map(|asked| asked.duration_since(self.spawned_at)),
            _ = self.child.wait() => None,
        }
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends one event to the function.
    /// After `time_left` the process is killed, and later calls fail with an error.
    ///
    /// # Rejects
    /// See [`InvokeError`].
    pub async fn invoke(&mut self, event: &Value, time_left: Duration) -> Result<Value, InvokeError> {
        if let Some(ended) = &self.ended {
            return Err(InvokeError::Exited(ended.clone()));
        }
        let answer = tokio::select! {
            // Prefer the report of a process that reports an error and exits.
            biased;
            answer = self.api.invoke(event, time_left) => answer,
            status = self.child.wait() => Err(InvokeError::Exited(described(status))),
        };
        match &answer {
            Err(InvokeError::TimedOut) => self.kill("killed at the deadline").await,
            Err(InvokeError::Exited(status)) => self.ended = Some(status.clone()),
            _ => {}
        }
        answer
    }

    /// Kills the process at once, like a machine failure.
    pub async fn kill(&mut self, why: &str) {
        if let Err(error) = self.child.kill().await {
            tracing::debug!(%error, "the process had ended");
        }
        self.ended.get_or_insert_with(|| why.to_owned());
    }

    /// Waits until the process has ended and returns all its output.
    pub async fn output_at_end(&mut self) -> String {
        while self.readers.join_next().await.is_some() {}
        self.output()
    }

    /// The function's output so far, stdout and stderr together.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// A cargo command as run from a shell, for use under another cargo.
/// It removes the variables that the outer cargo sets for its package, since they would rerun build scripts such as ring's and
/// rebuild all their dependents.
pub fn cargo() -> std::process::Command {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_a_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
        if of_a_package.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes())) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn described(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

async fn collect(mut stream: impl AsyncRead + Unpin, output: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 8192];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let read = buffer.get(..length).unwrap_or_default();
        output.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
    }
}

/// The variables that Lambda sets for a custom runtime.
fn environment(name: &str) -> [(&'static str, String); 17] {
    let region = crate::sqs::REGION.to_owned();
    [
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local/[$LATEST]0".to_owned()),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_inner_cargo_is_not_told_of_the_outer_ones_package() {
        let outer = |name: &str| std::env::var_os(name).is_some();
        assert!(outer("CARGO_PKG_NAME") && outer("CARGO_MANIFEST_DIR"), "this test runs under cargo");
        let inner = cargo();
        let gone: Vec<_> = inner.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert!(gone.contains(&OsStr::new("CARGO_PKG_NAME")) && gone.contains(&OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!gone.contains(&OsStr::new("CARGO_HOME")) && !gone.contains(&OsStr::new("CARGO_TARGET_DIR")));
    }

    #[tokio::test]
    async fn a_process_that_never_asks_for_an_event_did_not_start() {
        let mut process = FunctionProcess::spawn("/bin/true", "true", &BTreeMap::new()).await.unwrap();
        assert_eq!(process.started_in().await, None);
    }

    #[tokio::test]
    async fn a_process_that_ends_without_an_answer_is_noticed() {
        let mut process = FunctionProcess::spawn("/bin/false", "false", &BTreeMap::new()).await.unwrap();
        assert!(matches!(process.invoke(&json!({}), LONG).await, Err(InvokeError::Exited(_))));
        assert!(matches!(process.invoke(&json!({}), LONG).await, Err(InvokeError::Exited(_))));
    }

    /// `yes` prints until it is killed and never requests an event.
    #[tokio::test]
    async fn a_process_is_killed_at_its_deadline() {
        let mut process = FunctionProcess::spawn("/usr/bin/yes", "yes", &BTreeMap::new()).await.unwrap();
        assert_eq!(process.invoke(&json!({}), Duration::from_millis(5)).await, Err(InvokeError::TimedOut));
        assert_eq!(process.child.id(), None, "the process is gone");
        let ended = InvokeError::Exited("killed at the deadline".to_owned());
        assert_eq!(process.invoke(&json!({}), LONG).await, Err(ended));
    }

    #[tokio::test]
    async fn a_process_sees_lambdas_variables_and_its_own_and_nothing_else() {
        let own = BTreeMap::from([("TABLE".to_owned(), "guerdon".to_owned())]);
        let mut process = FunctionProcess::spawn("/usr/bin/env", "rewards", &own).await.unwrap();
        let output = process.output_at_end().await;
        assert!(output.contains("AWS_LAMBDA_RUNTIME_API=127.0.0.1:"), "{output}");
        assert!(output.contains("AWS_LAMBDA_FUNCTION_NAME=rewards\n"), "{output}");
        assert!(output.contains("TABLE=guerdon\n"), "{output}");
        assert!(!output.contains("CARGO"), "{output}");
    }
}
