//! Built function binaries beside a stack.
//! Each process reaches the stack's services over its own HTTP sockets, so that a test can put a proxy between.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::MovableClock;
use crate::connector::Backend;
use crate::gateway;
use crate::http::serve;
use crate::iam::Guarded;
use crate::iam::call::Service;
use crate::runtime_api::{FunctionProcess, cargo};
use crate::sim::AtTime;
use crate::sqs::SqsBackend;
use crate::stack::{Setup, Stack, Trouble};
use crate::template::intrinsics::Names;

/// The Cargo profile of the running program, derived from its path.
///
/// # Errors
/// Fails when the program is not in a Cargo target folder.
pub fn own_profile() -> Result<String, Trouble> {
    let program = std::env::current_exe()?;
    let directory = program.ancestors().nth(2).and_then(Path::file_name).and_then(|name| name.to_str());
    let directory = directory.ok_or("this program stands nowhere")?;
    Ok(if directory == "debug" { "dev" } else { directory }.to_owned())
}

/// Builds binaries with a profile and these `cargo build` arguments; returns their folder.
///
/// # Errors
/// Fails when the build fails.
pub fn build(profile: &str, words: &[&str]) -> Result<PathBuf, Trouble> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).ok_or("the workspace has no root")?;
    if !cargo().args(["build", "--profile", profile]).args(words).current_dir(root).status()?.success() {
        return Err("the binaries can't be built".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(if profile == "dev" { "debug" } else { profile }))
}

/// Listens on a free port and serves `backend` until `servers` is dropped; returns the address.
///
/// # Errors
/// Fails when no port is available.
pub async fn listen(servers: &mut JoinSet<()>, backend: Arc<dyn Backend>) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    servers.spawn(serve(listener, backend));
    Ok(format!("http://{address}"))
}

/// A stack that runs its functions as processes.
pub struct Deployment {
    /// The stack with the shared services.
    pub stack: Arc<Stack>,
    folder: PathBuf,
    names: Names,
}

/// A function's process with the servers of its services; dropping this stops both.
pub struct Deployed {
    pub process: FunctionProcess,
    _servers: JoinSet<()>,
}

impl Deployment {
    /// Starts a stack that takes its function binaries from `folder`.
    ///
    /// # Errors
    /// Fails when the stack does not start.
    pub async fn new(folder: &Path, setup: Setup) -> Result<Self, Trouble> {
        let base_url = setup.base_url.clone();
        let providers = setup.providers.clone();
        let stack = Arc::new(Stack::start(setup).await?);
        let names = Setup { base_url, providers, ..Setup::in_memory() }.names(&stack.template);
        Ok(Self { stack, folder: folder.to_owned(), names })
    }

    /// Starts a function's binary.
    ///
    /// # Errors
    /// Fails when it can't be started.
    pub async fn start(&self, binary: &str) -> io::Result<Deployed> {
        self.start_behind(binary, |service| service).await
    }

    /// Starts a function's binary with `between` in front of each of its services.
    /// These are database, queues, mail and providers.
    ///
    /// # Errors
    /// Fails when it can't be started.
    pub async fn start_behind(
        &self,
        binary: &str,
        between: impl Fn(Arc<dyn Backend>) -> Arc<dyn Backend>,
    ) -> io::Result<Deployed> {
        let stack = &self.stack;
        // The process uses the machine's clock, whatever the stack's clock shows.
        let providers = AtTime { simulators: Arc::clone(&stack.simulators), clock: MovableClock::real() };
        let mailbox: Arc<dyn Backend> = stack.mailbox.clone();
        let services: [(&[(&str, &str)], Arc<dyn Backend>); 4] = [
            (&[("AWS_ENDPOINT_URL_DYNAMODB", "")], self.guarded(Service::Dynamo, stack.dynamo.clone())),
            (&[("AWS_ENDPOINT_URL_SQS", "")], self.guarded(Service::Sqs, SqsBackend(stack.queues.clone()))),
            (&[("AWS_ENDPOINT_URL_SESV2", "")], self.guarded(Service::Ses, mailbox)),
            (&[("STRIPE_API_URL", "/_sim/stripe"), ("ZPAY_API_URL", "/_sim/zpay")], Arc::new(providers)),
        ];
        let (mut environment, access_key) = self.environment(binary)?;
        let mut servers = JoinSet::new();
        for (variables, service) in services {
            let address = listen(&mut servers, between(service)).await?;
            for (name, path) in variables {
                // The SDK reads AWS endpoints. A provider's URL is set only if the template declares the variable.
                if name.starts_with("AWS_") || environment.contains_key(*name) {
                    environment.insert((*name).to_owned(), format!("{address}{path}"));
                }
            }
        }
        let parameters = self.guarded(Service::Ssm, stack.parameters.clone());
        environment.insert("AWS_ENDPOINT_URL_SSM".to_owned(), listen(&mut servers, parameters).await?);
        environment.insert("AWS_ACCESS_KEY_ID".to_owned(), access_key);
        let process = FunctionProcess::spawn(self.folder.join(binary), binary, &environment).await?;
        Ok(Deployed { process, _servers: servers })
    }

    fn guarded(&self, service: Service, backend: impl Backend + 'static) -> Arc<dyn Backend> {
        Arc::new(Guarded { backend, service, guard: self.stack.guard.clone() })
    }

    /// A function's variables from its entry in the template, and its access key.
    fn environment(&self, binary: &str) -> io::Result<(BTreeMap<String, String>, String)> {
        let template = &self.stack.template;
        let function = template.functions.iter().find(|function| function.binary == binary);
        let function = function.ok_or_else(|| io::Error::other(format!("no function is called {binary}")))?;
        let environment = template.environment(function, &self.names).map_err(io::Error::other)?;
        Ok((environment, function.logical_id.clone()))
    }

    /// The binary and gateway event of a request; `None` if no route matches.
    pub fn event(&self, request: &Request<Bytes>) -> Option<(String, Value)> {
        let matched = self.stack.template.route(request.method().as_str(), request.uri().path())?;
        let arrival = gateway::Arrival { client_ip: "203.0.113.7", request_id: "r1", at: self.stack.clock.now() };
        Some((matched.function.binary.clone(), gateway::event(request, &matched, &arrival)))
    }
}
