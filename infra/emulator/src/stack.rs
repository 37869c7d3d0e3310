//! All of Guerdon in one process: the functions' real handlers behind gateway, queues and schedules, over the embedded services.
//! The template says what is where. Nothing here knows a business rule.

pub mod functions;

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
use crate::ses::Mailbox;
use crate::sim::{AtTime, Book, SimConfig, Simulators, connector, https, names, road};
use crate::sqs::{self, FunctionReply, Queues, Retry, SqsBackend};
use crate::ssm::Parameters;
pub use crate::template::TABLE;
use crate::template::Template;
use crate::template::intrinsics::Names;

const TEMPLATE: &str = include_str!("../../../template.yaml");
static PARSED: LazyLock<Result<Arc<Template>, String>> =
    LazyLock::new(|| Template::parse(TEMPLATE).map(Arc::new).map_err(|error| error.to_string()));

/// Where a stack for tests says that it stands.
pub const BASE: &str = "http://127.0.0.1:3000";

/// Why a stack does not start.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// How a stack is set up.
pub struct Setup {
    /// Where it can be reached, without a trailing slash.
    pub base_url: String,
    /// Where everything that must survive is kept; nothing does without it.
    pub data: Option<PathBuf>,
    /// The time of everything.
    pub clock: MovableClock,
    /// The randomness of everything.
    pub entropy: Entropy,
    /// From which fingerprints, cursors and codes are made.
    pub secret: String,
    /// From which access tokens are signed, base64 of 32 bytes.
    pub signing_key: String,
    /// Argon2's cost: memory in KiB and passes.
    pub password_cost: (u32, u32),
    /// Secrets of the simulated providers.
    pub providers: SimConfig,
    /// Whether events may go to plain HTTP and private addresses, over the network. Only a person who runs it wants that.
    pub private_endpoints: bool,
    /// What is deployed; the product's own template if it is not another.
    pub template: Option<Arc<Template>>,
}

/// The running stack.
pub struct Stack {
    /// What the template declares.
    pub template: Arc<Template>,
    /// Who may do what, and who did.
    pub guard: Guard,
    /// What the operator keeps for the functions.
    pub parameters: Parameters,
    /// The database.
    pub dynamo: Dynamo,
    /// The queues.
    pub queues: Queues,
    /// The time of everything.
    pub clock: MovableClock,
    /// The providers.
    pub simulators: Arc<Simulators>,
    /// The mailbox of everybody.
    pub mailbox: Arc<Mailbox>,
    /// What goes wrong between the functions and their services.
    pub faults: Plan,
    /// The operator's application, which has everything and may do everything.
    pub app: Arc<App>,
    functions: Functions,
    requests: AtomicU64,
}

impl Stack {
    /// Starts a stack: creates what the template declares and is not there yet.
    ///
    /// # Errors
    /// When the template, the data or the database can't be used, or a function lacks a variable that it needs.
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
            Some(path) => Dynamo::file(&path.display().to_string())?,
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
        let requests = AtomicU64::new(0);
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
            requests,
        })
    }

    /// Answers one HTTP request as the gateway and the functions would.
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

    /// The variables that a function has, with the secrets that it may read.
    pub fn variables(&self, binary: &str) -> BTreeMap<String, String> {
        self.functions.variables(binary)
    }

    /// Runs a schedule now and tells what it did.
    ///
    /// # Errors
    /// When there is no such schedule, or the function failed.
    pub async fn tick(&self, schedule: &str) -> Result<Value, Trouble> {
        let all = self.template.functions.iter().flat_map(|function| &function.schedules);
        let found = all.into_iter().find(|found| found.name == schedule).ok_or("there is no such schedule")?;
        invoked(self.functions.tick(found.input.clone())).await
    }

    /// Takes one batch of every queue that has a consumer; whether there was any.
    ///
    /// # Errors
    /// When a queue can't be used.
    pub async fn pump_queues(&self, retry: Retry) -> Result<bool, Trouble> {
        let mut moved = false;
        for function in &self.template.functions {
            for source in &function.queues {
                moved |= self.pump(&function.binary, &source.queue, source.batch_size, retry).await?;
            }
        }
        Ok(moved)
    }

    /// Takes one batch of a queue to its consumer, as Lambda's event source mapping does; whether there was one.
    ///
    /// # Errors
    /// When the queue can't be used.
    pub async fn pump(&self, binary: &str, queue: &str, size: usize, retry: Retry) -> Result<bool, Trouble> {
        if self.faults.late() {
            return self
                .queues
                .depth(queue)
                .map(|depth| depth.visible > 0)
                .map_err(|refused| refused.to_string().into());
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

    /// Delivers the providers' notifications that are due; whether there were any.
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

    /// Lets everything that is under way come to rest: notifications that are due, queues, until nothing moves.
    ///
    /// # Errors
    /// When a queue can't be used, or nothing comes to rest.
    pub async fn settle(&self) -> Result<(), Trouble> {
        for _ in 0..10_000 {
            let webhooks = self.pump_webhooks().await;
            if !(self.pump_queues(Retry::AtOnce).await? || webhooks) {
                return Ok(());
            }
        }
        Err("nothing comes to rest".into())
    }

    /// Answers a request for the simulated providers. A payer who was never at the gateway's page goes there first: a Zpay
    /// gateway learns of an order only from the payer's browser.
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

    /// Answers a request to an AWS service as an SDK makes it, without faults: for the operator's tools. `dynamodb` or `sqs`.
    pub async fn aws(&self, service: &str, request: Request<Bytes>) -> Response<Bytes> {
        let answered = match service {
            "dynamodb" => self.dynamo.call(request).await,
            "sqs" => SqsBackend(self.queues.clone()).call(request).await,
            _ => return status(404),
        };
        answered.unwrap_or_else(|_| status(503))
    }

    /// Reads the whole table and names what does not add up.
    ///
    /// # Errors
    /// When the table can't be read.
    pub fn audit(&self) -> Result<Vec<Finding>, Trouble> {
        Ok(audit(&self.items()?))
    }

    /// The whole table.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn items(&self) -> Result<Vec<Item>, Trouble> {
        let items: Option<Vec<_>> = self.dynamo.scan(TABLE)?.iter().map(item).collect();
        Ok(items.ok_or("an item of another shape")?)
    }

    /// Keeps the providers' book, so that it survives.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save_book(&self, data: &Path) -> std::io::Result<()> {
        self.simulators.book().save(&data.join("providers.json"))
    }
}

fn status(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).unwrap_or_default()
}

/// What a function answers, in a process of its own.
async fn invoked(invocation: impl Future<Output = Result<Value, Trouble>>) -> Result<Value, Trouble> {
    process::run(invocation).await?
}

/// All AWS services behind one client, told apart by the host that the SDK calls.
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

/// Variables, as a process has them.
struct Variables(BTreeMap<String, String>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().filter(|value| !value.trim().is_empty())
    }
}

impl Setup {
    /// A stack in memory by the machine's clock, with secrets that everybody knows and the least that Argon2 takes: for tests and
    /// measurements.
    pub fn in_memory() -> Self {
        Self {
            base_url: BASE.to_owned(),
            data: None,
            clock: MovableClock::real(),
            entropy: Entropy::system(),
            secret: "a secret".to_owned(),
            signing_key: BASE64.encode(&[7; 32]),
            password_cost: (8, 1),
            providers: SimConfig::new(BASE),
            private_endpoints: false,
            template: None,
        }
    }

    /// What references in the template mean where this is set up.
    pub fn names(&self, template: &Template) -> Names {
        let providers = &self.providers;
        template.names.with([
            ("PublicBaseUrl", self.base_url.clone()),
            ("ZpayApiUrl", providers.zpay_api_url()),
            ("ZpayPid", providers.zpay_pid.clone()),
            ("StripeApiUrl", providers.stripe_api_url()),
        ])
    }

    /// The secrets, under the names of the parameters that functions are told to read.
    ///
    /// # Errors
    /// When a variable names what is not known here.
    pub fn parameters(&self, template: &Template) -> Result<Parameters, Trouble> {
        let (names, own) = (self.names(template), self.environment());
        let mut parameters = BTreeMap::new();
        for function in &template.functions {
            for secret in SECRETS {
                let Some(named) = function.environment.get(&format!("{secret}_PARAMETER")) else { continue };
                if let Some(value) = own.get(secret) {
                    parameters.insert(names.text(named)?, value.clone());
                }
            }
        }
        Ok(Parameters(parameters))
    }

    /// The operator's environment, which has everything that a function may have but for the endpoints of AWS services.
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
            ("SIGNING_KEY", self.signing_key.clone()),
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

/// What is outside of a process.
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

    /// The application that a process with these variables is, known by this access key.
    fn application(&self, variables: &Variables, access_key: &str) -> Result<App, Trouble> {
        let mut variables = Variables(variables.0.clone());
        for (service, url) in [("DYNAMODB", "http://dynamodb.local"), ("SQS", "http://sqs.local")] {
            variables.0.insert(format!("AWS_ENDPOINT_URL_{service}"), url.to_owned());
        }
        let secrets = Secrets::given(|name| variables.get(name));
        Ok(assemble(&variables, &self.aws(access_key), &secrets, &https(Arc::clone(&self.providers)))?)
    }
}

/// The context of an invocation.
fn invocation<T>(payload: T) -> LambdaEvent<T> {
    LambdaEvent::new(payload, lambda_runtime::Context::default())
}
