//! All of Guerdon in one process: real handlers behind gateway, queues and schedules, over embedded services.
//! The template declares all resources. This module contains no business rules.

pub mod functions;
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use data_encoding::BASE64;
use http::{Request, Response};
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::account::create_admin::publish_key;
use shared::app::App;
use shared::boot::assemble;
use shared::operations::auditor::{Finding, audit};
use shared::table::aws::secrets::{NAMES as SECRETS, Secrets};
use shared::table::aws::{Aws, Environment};
use shared::table::item::Item;
use shared::table::json::item;
use shared::table::system::{Clock as AppClock, Entropy};
use shared::webhooks::webhook_sender::WebhookSender;

use self::functions::Functions;
use crate::clock::{Clock, MovableClock};
use crate::connector::{Backend, BoxFuture, ConnectFault, client};
use crate::dynamo::Dynamo;
use crate::faults::{Faulty, Plan, process};
use crate::gateway;
use crate::iam::call::Service;
use crate::iam::{Guard, Guarded, OPERATOR};
use crate::private;
use crate::ses::Mailbox;
use crate::sim::{AtTime, Book, SimConfig, Simulators, connector, https, names, road};
use crate::sqs::{self, FunctionReply, Queues, Retry, SqsBackend};
use crate::ssm::Parameters;
pub use crate::template::TABLE;
use crate::template::{Template, intrinsics::Names};

const TEMPLATE: &str = include_str!("../../../template.yaml");
static PARSED: LazyLock<Result<Arc<Template>, String>> =
    LazyLock::new(|| Template::parse(TEMPLATE).map(Arc::new).map_err(|error| error.to_string()));

/// Base URL of a test stack.
pub const BASE: &str = "http://127.0.0.1:3000";

/// An error of the stack.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Configuration of a stack.
pub struct Setup {
    /// Base URL, without a trailing slash.
    pub base_url: String,
    /// Folder for persistent data; nothing is stored without it.
    pub data: Option<PathBuf>,
    pub clock: MovableClock,
    pub entropy: Entropy,
    /// Secret that fingerprints, cursors and mailed codes derive from.
    pub secret: String,
    pub code_secret: String,
    pub origin_secret: String,
    /// Keys that sign access tokens and the heads of the ledger, 32 bytes in base64 each.
    pub signing_key: String,
    pub ledger_key: String,
    /// Argon2's cost: memory in KiB, and passes.
    pub password_cost: (u32, u32),
    /// Secrets and base URL of the simulated providers.
    pub providers: SimConfig,
    /// Allows webhook deliveries to plain HTTP and private addresses; for a stack that a person runs.
    pub private_endpoints: bool,
    /// Names the deployment as one that moves no real money, on every page.
    pub test_mode: bool,
    /// The template to deploy; the product's own if absent.
    pub template: Option<Arc<Template>>,
}

/// A running stack.
pub struct Stack {
    pub template: Arc<Template>,
    /// Permissions of the functions, and a record of their calls.
    pub guard: Guard,
    /// The operator's SSM parameters for the functions.
    pub parameters: Parameters,
    pub dynamo: Dynamo,
    pub queues: Queues,
    pub clock: MovableClock,
    pub simulators: Arc<Simulators>,
    pub mailbox: Arc<Mailbox>,
    /// Faults between the functions and their services.
    pub faults: Plan,
    /// The operator's application, with all variables and permissions.
    pub app: Arc<App>,
    functions: Functions,
    requests: AtomicU64,
}

impl Stack {
    /// Starts a stack: creates the declared resources that do not exist yet.
    ///
    /// # Errors
    /// Fails when the template, the data or the database can't be used, or a function lacks a required variable.
    pub async fn start(setup: Setup) -> Result<Self, Trouble> {
        let template = match &setup.template {
            Some(template) => Arc::clone(template),
            None => Arc::clone(PARSED.as_ref().map_err(String::as_str)?),
        };
        let guard = Guard::new(&template);
        let clock = setup.clock.clone();
        let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let file = |name: &str| setup.data.as_deref().map(|data| data.join(name));
        let dynamo = match file("guerdon.db") {
            // The engine gives its other files the permissions of this one.
            Some(path) => Dynamo::file(&private::make(&path).map(|_| path)?.display().to_string())?,
            None => Dynamo::memory()?,
        };
        dynamo.create(TABLE, &template.table)?;
        let queues = match file("queues") {
            Some(path) => Queues::kept_in(&path, Arc::clone(&shared_clock))?,
            None => Queues::in_memory(Arc::clone(&shared_clock)),
        };
        for queue in &template.queues {
            queues.create(queue.spec.clone()).map_err(|refused| refused.to_string())?;
        }
        let book = match file("providers.json") {
            Some(path) if path.exists() => Book::load(&path)?,
            _ => Book::default(),
        };
        let simulators = Arc::new(Simulators::new(setup.providers.clone(), book));
        let mailbox = Arc::new(Mailbox::new(shared_clock, file("mail.jsonl").as_deref()));
        let faults = Plan::default();
        let services = Services {
            dynamo: Faulty { backend: guarded(Service::Dynamo, dynamo.clone(), &guard), plan: faults.clone() },
            sqs: Faulty { backend: guarded(Service::Sqs, SqsBackend(queues.clone()), &guard), plan: faults.clone() },
            mail: guarded(Service::Ses, Arc::clone(&mailbox), &guard),
        };
        let backend = AtTime { simulators: Arc::clone(&simulators), clock: clock.clone() };
        let outside =
            Outside { aws: client(Arc::new(services)), providers: Arc::new(Faulty { backend, plan: faults.clone() }) };
        let mut app = outside.application(&Variables(setup.environment()), OPERATOR)?;
        let far = setup.private_endpoints.then(WebhookSender::anywhere);
        let road = road(&setup.base_url, connector(Arc::clone(&outside.providers)), far);
        app.courier = WebhookSender::through(road, names(), setup.private_endpoints);
        let time = setup.clock.clone();
        app.executor.clock = AppClock::new(move || time.now());
        app.executor.entropy = setup.entropy.clone();
        app.config.password_cost = setup.password_cost;
        let app = Arc::new(app);
        let parameters = setup.parameters(&template)?;
        let functions = Functions::new(&template, &setup, &guard, &parameters, &app, outside)?;
        if let Some(registration) = functions.application("registration")? {
            publish_key(&registration).await?;
        }
        let (template, simulators) = (Arc::clone(&template), Arc::clone(&simulators));
        Ok(Self {
            template,
            guard,
            parameters,
            dynamo,
            queues,
            clock,
            simulators,
            mailbox,
            faults,
            app,
            functions,
            requests: AtomicU64::new(0),
        })
    }

    /// Handles one HTTP request through gateway and function.
    pub async fn http(&self, request: Request<Bytes>, client_ip: &str) -> Response<Bytes> {
        let headers = request.headers().clone();
        let mut answer = match self.template.cors.as_ref().and_then(|cors| cors.preflight(&request)) {
            Some(answer) => return answer,
            None => self.answered(request, client_ip).await,
        };
        if let Some(cors) = &self.template.cors {
            cors.show(&headers, &mut answer);
        }
        answer
    }

    async fn answered(&self, request: Request<Bytes>, client_ip: &str) -> Response<Bytes> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("local-{}-{number}", self.clock.now().as_millisecond());
        let Some(matched) = self.template.route(request.method().as_str(), request.uri().path()) else {
            return gateway::not_found();
        };
        if request.body().len() > gateway::MAX_REQUEST {
            return gateway::too_large();
        }
        let arrival = gateway::Arrival { client_ip, request_id: &request_id, at: self.clock.now() };
        let event = gateway::event(&request, &matched, &arrival);
        if !gateway::fits(&event, request.body().len()) {
            return gateway::too_large();
        }
        match invoked(self.functions.request(&matched.function.binary, event)).await {
            Ok(returned) => gateway::response(&returned),
            Err(trouble) => {
                tracing::error!(%trouble, "a function failed");
                gateway::no_answer()
            }
        }
    }

    /// A function's variables, including the secrets that it may read.
    pub fn variables(&self, binary: &str) -> BTreeMap<String, String> {
        self.functions.variables(binary)
    }

    /// Runs a schedule now and returns the function's result.
    ///
    /// # Errors
    /// Fails when there is no such schedule, or the function failed.
    pub async fn tick(&self, schedule: &str) -> Result<Value, Trouble> {
        let all = self.template.functions.iter().flat_map(|function| &function.schedules);
        let found = all.into_iter().find(|found| found.name == schedule).ok_or("there is no such schedule")?;
        invoked(self.functions.tick(found.input.clone())).await
    }

    /// Delivers one batch of every queue that has a consumer; returns true if there was any.
    ///
    /// # Errors
    /// Fails when a queue can't be used.
    pub async fn pump_queues(&self, retry: Retry) -> Result<bool, Trouble> {
        let mut moved = false;
        for function in &self.template.functions {
            for source in &function.queues {
                moved |= self.pump(&function.binary, &source.queue, source.batch_size, retry).await?;
            }
        }
        Ok(moved)
    }

    /// Delivers one batch of a queue to its consumer, as Lambda does; returns true if there was one.
    ///
    /// # Errors
    /// Fails when the queue can't be used.
    pub async fn pump(&self, binary: &str, queue: &str, size: usize, retry: Retry) -> Result<bool, Trouble> {
        if self.faults.late() {
            let depth = self.queues.depth(queue).map_err(|refused| refused.to_string())?;
            return Ok(depth.visible > 0);
        }
        let batch = self.queues.poll_once(queue, size).await.map_err(|refused| refused.to_string())?;
        if batch.is_empty() {
            return Ok(false);
        }
        let mut reply = FunctionReply::AllFailed;
        for _ in 0..self.faults.arrivals(false) {
            reply = match invoked(self.functions.batch(binary, sqs::event(queue, &batch))).await {
                Ok(returned) => FunctionReply::read(&batch, &returned),
                Err(trouble) => {
                    tracing::error!(%trouble, binary, "a consumer failed");
                    FunctionReply::AllFailed
                }
            };
        }
        self.queues.settle(queue, &batch, &reply, retry).await.map_err(|refused| refused.to_string())?;
        Ok(true)
    }

    /// Delivers the due provider notifications; returns true if there were any.
    pub async fn pump_webhooks(&self) -> bool {
        let due = self.simulators.due(self.clock.now());
        let any = !due.is_empty();
        for delivery in due {
            let mut answer = gateway::no_answer();
            for _ in 0..self.faults.arrivals(true) {
                answer = self.http(delivery.request.clone(), "127.0.0.1").await;
            }
            self.simulators.delivered(delivery.id, answer.status().as_u16(), answer.body());
        }
        any
    }

    /// Delivers due notifications and queue messages until the stack is idle.
    ///
    /// # Errors
    /// Fails when a queue can't be used, or the stack does not become idle.
    pub async fn settle(&self) -> Result<(), Trouble> {
        for _ in 0..10_000 {
            let webhooks = self.pump_webhooks().await;
            if !(self.pump_queues(Retry::AtOnce).await? || webhooks) {
                return Ok(());
            }
        }
        Err("nothing comes to rest".into())
    }

    /// Handles a request to the simulated providers.
    /// A payment without a trade opens the gateway's page first: Zpay learns of an order only from the payer's browser.
    pub async fn sim(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.uri().path() == "/_sim/pay" {
            let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let order = asked.get("order_id").and_then(Value::as_str).unwrap_or_default();
            if self.simulators.book().trade_of(order).is_none()
                && let Some(page) = self.pay_page(order).await
            {
                self.simulators.handle(page, self.clock.now()).await;
            }
        }
        self.simulators.handle(request, self.clock.now()).await
    }

    async fn pay_page(&self, order: &str) -> Option<Request<Bytes>> {
        let order = shared::kernel::id::OrderId::parse(order)?;
        let key = shared::payment::model::order::Order::key(order);
        let order = self.app.store.get::<shared::payment::model::order::Order>(&key).await.ok()??;
        let zpay = order.provider == shared::kernel::provider::Provider::Zpay;
        let order = shared::payment::pay_page::with_pay_url(&self.app, &order);
        Request::get(order.pay_url.as_deref().filter(|_| zpay)?).body(Bytes::new()).ok()
    }

    /// Handles an SDK request to `dynamodb` or `sqs` without faults and permission checks.
    pub async fn aws(&self, service: &str, request: Request<Bytes>) -> Response<Bytes> {
        let answered = match service {
            "dynamodb" => self.dynamo.call(request).await,
            "sqs" => SqsBackend(self.queues.clone()).call(request).await,
            _ => return status(404),
        };
        answered.unwrap_or_else(|_| status(503))
    }

    /// Audits the whole table and returns the findings.
    ///
    /// # Errors
    /// Fails when the table can't be read.
    pub fn audit(&self) -> Result<Vec<Finding>, Trouble> {
        Ok(audit(&self.items()?))
    }

    /// Reads the whole table.
    ///
    /// # Errors
    /// Fails when it can't be read.
    pub fn items(&self) -> Result<Vec<Item>, Trouble> {
        let items: Option<Vec<_>> = self.dynamo.scan(TABLE)?.iter().map(item).collect();
        Ok(items.ok_or("an item of another shape")?)
    }

    /// Saves the providers' state to the data folder.
    ///
    /// # Errors
    /// Fails when it can't be written.
    pub fn save_book(&self, data: &Path) -> std::io::Result<()> {
        self.simulators.book().save(&data.join("providers.json"))
    }
}

fn status(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).unwrap_or_default()
}

/// Runs a function in a simulated process of its own and returns its result.
async fn invoked(invocation: impl Future<Output = Result<Value, Trouble>>) -> Result<Value, Trouble> {
    process::run(invocation).await?
}

/// All AWS services behind one client, selected by the host of the request.
#[derive(Debug)]
struct Services {
    dynamo: Faulty<Guarded<Dynamo>>,
    sqs: Faulty<Guarded<SqsBackend>>,
    mail: Guarded<Arc<Mailbox>>,
}

fn guarded<B>(service: Service, backend: B, guard: &Guard) -> Guarded<B> {
    Guarded { backend, service, guard: guard.clone() }
}

impl Backend for Services {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        match request.uri().host().unwrap_or_default() {
            "dynamodb.local" => self.dynamo.call(request),
            "sqs.local" => self.sqs.call(request),
            _ => self.mail.call(request),
        }
    }
}

/// A process's environment variables.
struct Variables(BTreeMap<String, String>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().filter(|value| !value.trim().is_empty())
    }
}

impl Setup {
    /// An in-memory stack on the machine's clock, with well-known secrets and Argon2's minimum cost.
    pub fn in_memory() -> Self {
        Self {
            base_url: BASE.to_owned(),
            data: None,
            clock: MovableClock::real(),
            entropy: Entropy::system(),
            secret: "a secret of at least thirty-two bytes".to_owned(),
            code_secret: "1:a-code-secret-of-thirty-two-bytes-or-more".to_owned(),
            origin_secret: String::new(),
            signing_key: BASE64.encode(&[7; 32]),
            ledger_key: BASE64.encode(&[8; 32]),
            password_cost: (8, 1),
            providers: SimConfig::new(BASE),
            private_endpoints: false,
            test_mode: false,
            template: None,
        }
    }

    /// Values of the template's references for this configuration.
    pub fn names(&self, template: &Template) -> Names {
        let providers = &self.providers;
        template.names.with([
            ("PublicBaseUrl", self.base_url.clone()),
            ("ZpayApiUrl", providers.zpay_api_url()),
            ("ZpayPid", providers.zpay_pid.clone()),
            ("StripeApiUrl", providers.stripe_api_url()),
            ("TestMode", (if self.test_mode { "on" } else { "off" }).to_owned()),
        ])
    }

    /// The secrets, by the parameter names that the functions read.
    ///
    /// # Errors
    /// Fails when a variable has an unknown reference.
    pub fn parameters(&self, template: &Template) -> Result<Parameters, Trouble> {
        let (names, own) = (self.names(template), self.environment());
        let mut parameters = BTreeMap::new();
        for function in &template.functions {
            for secret in SECRETS {
                let named = function.environment.get(&format!("{secret}_PARAMETER"));
                if let Some((named, value)) = named.zip(own.get(secret)) {
                    parameters.insert(names.text(named)?, value.clone());
                }
            }
        }
        Ok(Parameters(parameters))
    }

    /// The operator's environment: all variables of all functions, except AWS endpoints.
    fn environment(&self) -> BTreeMap<String, String> {
        let providers = &self.providers;
        let variables = [
            ("TABLE_NAME", TABLE.to_owned()),
            ("PUBLIC_BASE_URL", self.base_url.clone()),
            ("REWARD_QUEUE_URL", sqs::url("RewardQueue.fifo")),
            ("REWARD_DEAD_QUEUE_URL", sqs::url("RewardDeadLetterQueue.fifo")),
            ("MAIL_QUEUE_URL", sqs::url("MailQueue")),
            ("STATISTICS_QUEUE_URL", sqs::url("StatisticsQueue")),
            ("APP_SECRET", self.secret.clone()),
            ("CODE_SECRET", self.code_secret.clone()),
            ("ORIGIN_SECRET", self.origin_secret.clone()),
            ("SIGNING_KEY", self.signing_key.clone()),
            ("LEDGER_KEY", self.ledger_key.clone()),
            ("ZPAY_API_URL", providers.zpay_api_url()),
            ("ZPAY_PID", providers.zpay_pid.clone()),
            ("ZPAY_KEY", providers.zpay_key.clone()),
            ("STRIPE_API_URL", providers.stripe_api_url()),
            ("STRIPE_SECRET_KEY", providers.stripe_secret_key.clone()),
            ("STRIPE_WEBHOOK_SECRET", providers.stripe_webhook_secret.clone()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

struct Outside {
    aws: SharedHttpClient,
    providers: Arc<dyn Backend>,
}

impl Outside {
    fn aws(&self, access_key: &str) -> Aws {
        Aws {
            http: self.aws.clone(),
            region: sqs::REGION.to_owned(),
            credentials: Credentials::new(access_key, "local", None, None, "local"),
        }
    }

    /// The application of a process with these variables, identified by this access key.
    fn application(&self, variables: &Variables, access_key: &str) -> Result<App, Trouble> {
        let mut variables = Variables(variables.0.clone());
        for (service, url) in [("DYNAMODB", "http://dynamodb.local"), ("SQS", "http://sqs.local")] {
            variables.0.insert(format!("AWS_ENDPOINT_URL_{service}"), url.to_owned());
        }
        let secrets = Secrets::given(|name| variables.get(name));
        Ok(assemble(&variables, &self.aws(access_key), &secrets, &https(Arc::clone(&self.providers)))?)
    }
}

fn invocation<T>(payload: T) -> LambdaEvent<T> {
    LambdaEvent::new(payload, lambda_runtime::Context::default())
}
