//! Parser of `template.yaml`, the deployment's source of truth.
//! It declares tables, queues, functions, routes and schedules.
//!
//! Intrinsic functions are kept in CloudFormation's JSON form (`{"Ref": …}`); this module itself interprets only references to
//! other resources.

pub mod intrinsics;
pub mod pattern;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use self::intrinsics::Names;
use self::pattern::Pattern;
use crate::dynamo::{IndexSpec, TableSpec};
use crate::gateway::Cors;
use crate::iam::policy::{Statement, statements};
use crate::sqs::QueueSpec;

/// Name of the table.
pub const TABLE: &str = "guerdon";
/// Local values of template parameters that have no default and no setting.
const GIVEN: [(&str, &str); 2] =
    [("MailFrom", "no-reply@guerdon.test"), ("AllowedOrigins", "http://localhost:*,http://127.0.0.1:*")];

/// The declared resources.
#[derive(Debug, Clone)]
pub struct Template {
    pub table: TableSpec,
    /// Queues, dead-letter queues first.
    pub queues: Vec<Queue>,
    pub functions: Vec<Function>,
    /// The gateway's CORS settings, if any.
    pub cors: Option<Cors>,
    /// Values of references.
    pub names: Names,
    /// The whole template as JSON.
    pub raw: Value,
}

/// A declared queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub logical_id: String,
    /// Settings; the queue's name is its logical id, with `.fifo` for a FIFO queue.
    pub spec: QueueSpec,
}

/// A declared function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub logical_id: String,
    /// Name of the binary.
    pub binary: String,
    /// Maximum duration of an invocation, in seconds.
    pub timeout_seconds: u64,
    /// Memory size in MB.
    pub memory_mb: u64,
    /// Routes that the gateway sends to it.
    pub routes: Vec<Route>,
    /// Queues that it consumes.
    pub queues: Vec<Source>,
    /// Schedules that invoke it.
    pub schedules: Vec<Schedule>,
    /// Rules for events of AWS services that invoke it.
    pub rules: Vec<Rule>,
    /// Unresolved environment variables, including the globals.
    pub environment: BTreeMap<String, Value>,
    /// Policy statements of its role.
    pub statements: Vec<Statement>,
}

/// A route of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Upper-case method, or `ANY`.
    pub method: String,
    /// Path with `{parameters}`, the last of which may be greedy (`{proxy+}`), or `$default`.
    pub path: String,
}

/// An event source mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Name of the queue.
    pub queue: String,
    /// Maximum number of records in a batch.
    pub batch_size: usize,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Name without the stack's prefix.
    pub name: String,
    /// Interval in seconds.
    pub every_seconds: i64,
    /// Input of the invocation.
    pub input: Value,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    pub pattern: Pattern,
}

/// The route and function of a request.
#[derive(Debug)]
pub struct Matched<'a> {
    pub function: &'a Function,
    /// Route key, such as `GET /v1/me` or `$default`.
    pub route_key: String,
    /// Decoded values of the path parameters.
    pub path_parameters: BTreeMap<String, String>,
}

/// An error in a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// A required part is missing or has another shape.
    #[error("{0} is missing or of another shape")]
    Missing(String),
}

type Result<T> = std::result::Result<T, TemplateError>;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] if the local stack can't use it.
    pub fn parse(text: &str) -> Result<Self> {
        let raw = plain(yaml_serde::from_str(text)?);
        let resources = raw.get("Resources").and_then(Value::as_object).ok_or_else(|| missing("Resources"))?;
        let of = |kind: &str| -> Vec<(&String, &Value)> {
            let all = resources.iter().filter(|(_, resource)| resource.get("Type") == Some(&json!(kind)));
            all.collect()
        };
        let tables = of("AWS::DynamoDB::Table");
        let (_, table) = tables.first().ok_or_else(|| missing("AWS::DynamoDB::Table"))?;
        let table = table_of(table)?;
        let queue_ids = queue_names(&of("AWS::SQS::Queue"));
        let mut queues = Vec::new();
        for (id, queue) in of("AWS::SQS::Queue") {
            queues.push(Queue { logical_id: id.clone(), spec: queue_of(id, queue, &queue_ids)? });
        }
        queues.sort_by_key(|queue| queue.spec.redrive.is_some());
        let names = Names::of(&raw, TABLE, &queue_ids, &GIVEN);
        let globals = raw.pointer("/Globals/Function").cloned().unwrap_or_default();
        let functions = of("AWS::Serverless::Function");
        let functions =
            functions.into_iter().map(|(id, function)| function_of(id, function, &globals, &queue_ids, &names));
        let mut functions: Vec<Function> = functions.collect::<Result<_>>()?;
        let integrations = of("AWS::ApiGatewayV2::Integration");
        for (id, route) in of("AWS::ApiGatewayV2::Route") {
            let target = routed(id, route, &integrations)?;
            let function = functions.iter_mut().find(|function| function.logical_id == target);
            function.ok_or_else(|| missing(target))?.routes.push(route_of(route)?);
        }
        let apis = of("AWS::ApiGatewayV2::Api");
        let cors = apis.iter().find_map(|(_, api)| api.pointer("/Properties/CorsConfiguration"));
        let cors = cors.map(|cors| names.resolve(cors)).transpose()?.and_then(|cors| Cors::of(&cors));
        Ok(Self { table, queues, functions, cors, names, raw })
    }

    /// Resolves a function's environment variables, including the globals, with these values of references.
    ///
    /// # Errors
    /// Fails on an unknown reference.
    pub fn environment(&self, function: &Function, names: &Names) -> Result<BTreeMap<String, String>> {
        let of = |(name, value): (&String, &Value)| Ok((name.clone(), names.text(value)?));
        function.environment.iter().map(of).collect()
    }

    /// Routes a request: the most specific matching path wins, then a greedy one, then `$default`.
    pub fn route(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let mut best: Option<(Rank, Matched<'_>)> = None;
        for function in &self.functions {
            for route in &function.routes {
                let Some(path_parameters) = matches(route, method, path) else { continue };
                let is_default = route.path == "$default";
                let is_greedy = route.path.ends_with("+}");
                let rank = (is_default, is_greedy, path_parameters.len(), route.method == "ANY");
                if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                    let route_key =
                        if is_default { route.path.clone() } else { format!("{} {}", route.method, route.path) };
                    best = Some((rank, Matched { function, route_key, path_parameters }));
                }
            }
        }
        best.map(|(_, matched)| matched)
    }
}

/// Rank of a matching route, lower is better.
/// Fields: is `$default`, is greedy, number of parameters, is for any method.
type Rank = (bool, bool, usize, bool);

fn matches(route: &Route, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
    if route.path == "$default" {
        return Some(BTreeMap::new());
    }
    if route.method != method && route.method != "ANY" {
        return None;
    }
    let mut parameters = BTreeMap::new();
    let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
    loop {
        let (part, name) = match wanted.next() {
            Some(part) => (part, part.strip_prefix('{').and_then(|name| name.strip_suffix('}'))),
            None => return given.next().is_none().then_some(parameters),
        };
        if let Some(name) = name.and_then(|name| name.strip_suffix('+')) {
            let rest = given.collect::<Vec<_>>().join("/");
            parameters.insert(name.to_owned(), decoded(&rest));
            return (!rest.is_empty()).then_some(parameters);
        }
        match (name, given.next()?) {
            (Some(name), given) if !given.is_empty() => drop(parameters.insert(name.to_owned(), decoded(given))),
            (None, given) if part == given => {}
            _ => return None,
        }
    }
}

/// Percent-decodes a path or a part of one, as the gateway does.
pub fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Converts YAML with CloudFormation's short tags to CloudFormation's JSON form.
fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(bool) => json!(bool),
        Yaml::Number(number) => number.as_i64().map_or_else(|| json!(number.as_f64()), |integer| json!(integer)),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(list) => Value::Array(list.into_iter().map(plain).collect()),
        Yaml::Mapping(map) => {
            let text = |key: Yaml| match plain(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(map.into_iter().map(|(key, value)| (text(key), plain(value))).collect())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                "Condition" => "Condition".to_owned(),
                other => format!("Fn::{other}"),
            };
            Value::Object(Map::from_iter([(name, plain(tagged.value))]))
        }
    }
}

/// An error for a missing part.
pub fn missing(what: impl Into<String>) -> TemplateError {
    TemplateError::Missing(what.into())
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| missing(pointer))
}

fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn keys(value: &Value, pointer: &str) -> Result<(String, String)> {
    let schema = list(value, pointer);
    let of = |kind: &str| {
        let key = schema.iter().find(|key| key.get("KeyType") == Some(&json!(kind)));
        text(key.unwrap_or(&Value::Null), "/AttributeName")
    };
    Ok((of("HASH")?, of("RANGE")?))
}

fn table_of(table: &Value) -> Result<TableSpec> {
    let (pk, sk) = keys(table, "/Properties/KeySchema")?;
    let ttl = text(table, "/Properties/TimeToLiveSpecification/AttributeName")?;
    let mut indexes = Vec::new();
    for index in list(table, "/Properties/GlobalSecondaryIndexes") {
        let (pk, sk) = keys(index, "/KeySchema")?;
        let whole_items = text(index, "/Projection/ProjectionType")? == "ALL";
        indexes.push(IndexSpec { name: text(index, "/IndexName")?, pk, sk, whole_items });
    }
    Ok(TableSpec { pk, sk, ttl, indexes })
}

fn queue_names(queues: &[(&String, &Value)]) -> BTreeMap<String, String> {
    let name = |id: &str, queue: &Value| {
        let fifo = queue.pointer("/Properties/FifoQueue") == Some(&json!(true));
        if fifo { format!("{id}.fifo") } else { id.to_owned() }
    };
    queues.iter().map(|(id, queue)| ((*id).clone(), name(id, queue))).collect()
}

fn queue_of(id: &str, queue: &Value, names: &BTreeMap<String, String>) -> Result<QueueSpec> {
    let name = names.get(id).ok_or_else(|| missing(id))?;
    let mut spec = QueueSpec::new(name.clone());
    let seconds = |pointer: &str| number(queue, pointer).and_then(|seconds| u32::try_from(seconds).ok());
    if let Some(seconds) = seconds("/Properties/VisibilityTimeout") {
        spec.visibility_timeout_seconds = seconds;
    }
    if let Some(seconds) = seconds("/Properties/MessageRetentionPeriod") {
        spec.retention_seconds = seconds;
    }
    if queue.pointer("/Properties/RedrivePolicy").is_some() {
        let target = referred(queue.pointer("/Properties/RedrivePolicy/deadLetterTargetArn"), names)?;
        let count = seconds("/Properties/RedrivePolicy/maxReceiveCount").ok_or_else(|| missing("maxReceiveCount"))?;
        spec = spec.redrive(target, count);
    }
    Ok(spec)
}

/// The name of the queue that `{"Fn::GetAtt": "Queue.Arn"}` or `{"Ref": "Queue"}` refers to.
pub fn referred(value: Option<&Value>, names: &BTreeMap<String, String>) -> Result<String> {
    let value = value.ok_or_else(|| missing("a reference"))?;
    let id = match (value.get("Ref"), value.get("Fn::GetAtt")) {
        (Some(Value::String(id)), _) => id.clone(),
        (_, Some(Value::String(path))) => path.split('.').next().unwrap_or_default().to_owned(),
        _ => return Err(missing(format!("a reference in {value}"))),
    };
    names.get(&id).cloned().ok_or_else(|| missing(id))
}

fn function_of(
    id: &str,
    function: &Value,
    globals: &Value,
    queues: &BTreeMap<String, String>,
    names: &Names,
) -> Result<Function> {
    let set = |name: &str| {
        let own = number(function, &format!("/Properties/{name}"));
        own.or_else(|| number(globals, &format!("/{name}"))).ok_or_else(|| missing(format!("{id} {name}")))
    };
    let mut environment = BTreeMap::new();
    for variables in [globals.pointer("/Environment/Variables"), function.pointer("/Properties/Environment/Variables")]
    {
        for (name, value) in variables.and_then(Value::as_object).into_iter().flatten() {
            environment.insert(name.clone(), value.clone());
        }
    }
    let mut read = Function {
        logical_id: id.to_owned(),
        binary: binary_of(&text(function, "/Properties/CodeUri")?)?,
        timeout_seconds: set("Timeout")?,
        memory_mb: set("MemorySize")?,
        routes: Vec::new(),
        queues: Vec::new(),
        schedules: Vec::new(),
        rules: Vec::new(),
        environment,
        statements: statements(&names.resolve(function.pointer("/Properties/Policies").unwrap_or(&Value::Null))?)?,
    };
    let events = function.pointer("/Properties/Events").and_then(Value::as_object);
    for (name, event) in events.into_iter().flatten() {
        add_event(&mut read, name, event, (queues, names))?;
    }
    Ok(read)
}

/// The binary that a package holds: the name of its file.
fn binary_of(package: &str) -> Result<String> {
    let name = package.rsplit('/').next().and_then(|name| name.strip_suffix(".zip"));
    name.map(str::to_owned).ok_or_else(|| missing(format!("a zip in {package}")))
}

/// The logical id of the function that a route leads to, through its integration.
fn routed(id: &str, route: &Value, integrations: &[(&String, &Value)]) -> Result<String> {
    let target = text(route, "/Properties/Target/Fn::Sub")?;
    let wanted = target.strip_prefix("integrations/${").and_then(|rest| rest.strip_suffix('}'));
    let integration = integrations.iter().find(|(id, _)| Some(id.as_str()) == wanted).ok_or_else(|| missing(id))?;
    let arn = text(integration.1, "/Properties/IntegrationUri/Fn::GetAtt")?;
    arn.strip_suffix(".Arn").map(str::to_owned).ok_or_else(|| missing(arn.clone()))
}

/// The route of a key, as `GET /v1/me` or `$default`.
fn route_of(route: &Value) -> Result<Route> {
    let key = text(route, "/Properties/RouteKey")?;
    let (method, path) = key.split_once(' ').unwrap_or(("ANY", key.as_str()));
    Ok(Route { method: method.to_owned(), path: path.to_owned() })
}

fn add_event(
    function: &mut Function,
    name: &str,
    event: &Value,
    (queues, names): (&BTreeMap<String, String>, &Names),
) -> Result<()> {
    match text(event, "/Type")?.as_str() {
        "SQS" => {
            let queue = referred(event.pointer("/Properties/Queue"), queues)?;
            let batch_size = number(event, "/Properties/BatchSize").unwrap_or(10);
            let batch_size = usize::try_from(batch_size).map_err(|_| missing("BatchSize"))?;
            function.queues.push(Source { queue, batch_size });
        }
        "ScheduleV2" => function.schedules.push(schedule_of(name, event)?),
        "EventBridgeRule" => {
            let pattern = event.pointer("/Properties/Pattern").ok_or_else(|| missing(format!("{name} Pattern")))?;
            function.rules.push(Rule { name: name.to_owned(), pattern: Pattern::read(&names.resolve(pattern)?)? });
        }
        other => return Err(missing(format!("an event of type {other}"))),
    }
    Ok(())
}

fn schedule_of(name: &str, event: &Value) -> Result<Schedule> {
    let input = text(event, "/Properties/Input")?;
    let input: Value = serde_json::from_str(&input).map_err(|_| missing(format!("{name} Input")))?;
    let schedule = text(&input, "/schedule")?;
    let expression = text(event, "/Properties/ScheduleExpression")?;
    let every_seconds = rate(&expression).ok_or_else(|| missing(expression))?;
    Ok(Schedule { name: schedule, every_seconds, input })
}

/// Parses `rate(5 minutes)` to seconds.
fn rate(expression: &str) -> Option<i64> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real() -> Template {
        Template::parse(include_str!("../../../template.yaml")).unwrap()
    }

    #[test]
    fn the_table_and_its_indexes_are_read() {
        let table = real().table;
        assert_eq!((table.pk.as_str(), table.sk.as_str(), table.ttl.as_str()), ("pk", "sk", "ttl"));
        let indexes: Vec<(&str, bool)> = table.indexes.iter().map(|i| (i.name.as_str(), i.whole_items)).collect();
        assert_eq!(indexes, [("gsi1", false), ("gsi2", false), ("gsi3", false)]);
    }

    #[test]
    fn every_queue_has_a_dead_letter_queue_and_time_for_its_consumer() {
        let template = real();
        for function in &template.functions {
            for source in &function.queues {
                let queue = template.queues.iter().find(|queue| queue.spec.name == source.queue).unwrap();
                let redrive = queue.spec.redrive.as_ref().unwrap();
                assert!(redrive.dead_letter_queue.contains("DeadLetterQueue"));
                let visible = u64::from(queue.spec.visibility_timeout_seconds);
                assert!(visible >= function.timeout_seconds * 6, "{}", source.queue);
            }
        }
        let reward = template.queues.iter().find(|queue| queue.logical_id == "RewardQueue").unwrap();
        assert!(reward.spec.fifo && reward.spec.name == "RewardQueue.fifo");
    }

    /// The local mapping always accepts partial results; AWS does so only where the template enables it.
    #[test]
    fn every_queue_consumer_reports_the_records_that_failed() {
        let template = real();
        let resources = template.raw["Resources"].as_object().unwrap();
        let events = resources.values().filter_map(|resource| resource.pointer("/Properties/Events")?.as_object());
        let sources: Vec<&Value> = events.flat_map(Map::values).filter(|event| event["Type"] == "SQS").collect();
        assert_eq!(sources.len(), 3);
        for source in sources {
            let reports = source.pointer("/Properties/FunctionResponseTypes");
            assert_eq!(reports, Some(&json!(["ReportBatchItemFailures"])), "{source}");
        }
    }

    #[test]
    fn a_request_goes_to_its_function_and_the_rest_to_the_default() {
        let template = real();
        let to = |method: &str, path: &str| {
            let matched = template.route(method, path).unwrap();
            (matched.function.binary.clone(), matched.route_key, matched.path_parameters)
        };
        assert_eq!(to("GET", "/v1/me").0, "registration");
        let (binary, key, parameters) = to("GET", "/v1/payment/orders/ord_1");
        assert_eq!((binary.as_str(), key.as_str()), ("payment", "ANY /v1/payment/{proxy+}"));
        assert_eq!(parameters.get("proxy").map(String::as_str), Some("orders/ord_1"));
        assert_eq!(to("POST", "/v1/service/users/u/sessions").0, "registration");
        assert_eq!(to("POST", "/v1/service/users/u/debits").0, "service");
        assert_eq!(to("GET", "/v1/referral-codes/ABC").1, "GET /v1/referral-codes/{code}");
        assert_eq!(to("PATCH", "/v1/registrations").1, "$default");
    }

    #[test]
    fn a_greedy_path_takes_what_no_other_does() {
        let mut template = real();
        let mut add = |method: &str, path: &str| {
            template.functions[0].routes.push(Route { method: method.to_owned(), path: path.to_owned() });
        };
        add("ANY", "/x/{proxy+}");
        add("GET", "/x/{id}");
        add("GET", "/x/y");
        let to = |method: &str, path: &str| {
            let matched = template.route(method, path).unwrap();
            (matched.route_key, matched.path_parameters.into_values().next())
        };
        assert_eq!(to("GET", "/x/y"), ("GET /x/y".to_owned(), None));
        assert_eq!(to("GET", "/x/a%2Fb"), ("GET /x/{id}".to_owned(), Some("a/b".to_owned())));
        assert_eq!(to("PUT", "/x/y"), ("ANY /x/{proxy+}".to_owned(), Some("y".to_owned())));
        assert_eq!(to("GET", "/x/y/z"), ("ANY /x/{proxy+}".to_owned(), Some("y/z".to_owned())));
        assert_eq!(to("GET", "/x/").0, "$default");
        assert_eq!(to("GET", "/x").0, "$default");
    }

    #[test]
    fn schedules_are_read_with_their_rates() {
        let template = real();
        let mut schedules: Vec<(String, i64)> = template
            .functions
            .iter()
            .flat_map(|function| &function.schedules)
            .map(|schedule| (schedule.name.clone(), schedule.every_seconds))
            .collect();
        schedules.sort();
        let expected = [
            ("audit", 300),
            ("deliver-events", 60),
            ("erase-traces", 3_600),
            ("expire-credit", 3_600),
            ("expire-orders", 300),
            ("expire-promotions", 3_600),
            ("mature-commissions", 3_600),
            ("poll-payments", 60),
            ("reconcile", 900),
            ("sign-heads", 3_600),
            ("sweep-outbox", 60),
        ];
        assert_eq!(schedules, expected.map(|(name, seconds)| (name.to_owned(), seconds)));
    }
}
