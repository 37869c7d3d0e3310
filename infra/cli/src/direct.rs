//! Direct access to table and queues with AWS credentials; for the local stack through `/_local/aws`.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use shared::app::App;
use shared::boot::assemble;
use shared::payment::gateway::http::https_client;
use shared::table::aws::https::aws_client;
use shared::table::aws::secrets::Secrets;
use shared::table::aws::{Aws, Environment, endpoint};
use shared::table::item::Item;
use shared::table::queue::{Queues, Urls};
use shared::table::store::Store;

use crate::args::At;
use crate::cloud::Cloud;
use crate::trouble::Trouble;

/// Items per scan page; well below the limit of 1 MB, so that each call returns quickly.
const TOGETHER: i32 = 400;
/// Variables that the table needs.
const TABLE: [&str; 4] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TABLE_NAME"];
/// Variables that the queues need.
const QUEUES: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// A command's environment: the process's own, overridden by the values that --local or --stack implies.
pub struct Surroundings<'a> {
    process: &'a dyn Environment,
    own: BTreeMap<String, String>,
    is_local: bool,
}

impl Environment for Surroundings<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let of_process = || self.process.get(name);
        match name {
            _ if self.own.contains_key(name) => self.own.get(name).cloned(),
            "AWS_SESSION_TOKEN" if self.is_local => None,
            "AWS_REGION" => of_process().or_else(|| self.process.get("AWS_DEFAULT_REGION")),
            _ => of_process(),
        }
    }
}

impl<'a> Surroundings<'a> {
    /// The environment for these options.
    pub fn new(at: &At, process: &'a dyn Environment) -> Self {
        let url = at.url.trim_end_matches('/');
        let mut own = BTreeMap::from([("PUBLIC_BASE_URL".to_owned(), url.to_owned())]);
        if at.local {
            let sqs = format!("{url}/_local/aws/sqs");
            let queue = |name: &str| format!("{sqs}/000000000000/{name}");
            let local = [
                ("TABLE_NAME", "guerdon".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ACCESS_KEY_ID", "local".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
                ("AWS_ENDPOINT_URL_DYNAMODB", format!("{url}/_local/aws/dynamodb")),
                ("AWS_ENDPOINT_URL_SQS", sqs.clone()),
                ("REWARD_QUEUE_URL", queue("RewardQueue.fifo")),
                ("MAIL_QUEUE_URL", queue("MailQueue")),
                ("STATISTICS_QUEUE_URL", queue("StatisticsQueue")),
            ];
            own.extend(local.map(|(name, value)| (name.to_owned(), value)));
            let files = [
                ("APP_SECRET", "app-secret"),
                ("CODE_SECRET", "code-secret"),
                ("SIGNING_KEY", "signing-key"),
                ("LEDGER_KEY", "ledger-key"),
            ];
            for (name, file) in files {
                if let Ok(secret) = std::fs::read_to_string(at.data.join(file)) {
                    own.insert(name.to_owned(), secret.trim().to_owned());
                }
            }
        }
        Self { process, own, is_local: at.local }
    }

    /// Takes the variables of a deployment, and the credentials of the AWS command line unless the process has some.
    ///
    /// # Rejects
    /// A stack that is not deployed.
    pub fn deployed(&mut self, cloud: &Cloud) -> Result<(), Trouble> {
        self.own.extend(cloud.variables()?);
        if self.get("AWS_ACCESS_KEY_ID").is_none() {
            self.own.extend(cloud.credentials()?);
        }
        Ok(())
    }

    /// Reports if this is the local stack.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// The variables of this list that are not set.
    pub fn missing(&self, names: &[&'static str]) -> Vec<&'static str> {
        names.iter().copied().filter(|name| self.get(name).is_none()).collect()
    }

    /// # Rejects
    /// Any of these variables that is not set.
    fn demand(&self, names: &[&'static str]) -> Result<(), Trouble> {
        let missing = self.missing(names);
        if missing.is_empty() {
            return Ok(());
        }
        let said = "this command talks to AWS: the stack's outputs name the table and the queues, `aws configure \
                    export-credentials --format env` prints credentials; or use --local";
        Err(Trouble::Usage(format!("not set: {}; {said}", missing.join(", "))))
    }

    fn aws(&self) -> Result<Aws, Trouble> {
        Ok(Aws::from(self, aws_client()?)?)
    }

    /// A client of the table.
    ///
    /// # Rejects
    /// Any required variable that is not set.
    pub fn store(&self) -> Result<Store, Trouble> {
        self.demand(&TABLE)?;
        let client = self.aws()?.dynamodb(endpoint(self, "DYNAMODB"));
        Ok(Store::new(client, self.get("TABLE_NAME").unwrap_or_default()))
    }

    /// A client of the queues.
    ///
    /// # Rejects
    /// Any required variable that is not set.
    pub fn queues(&self) -> Result<Queues, Trouble> {
        let [region, id, secret, _] = TABLE;
        let [reward, mail, statistics] = QUEUES;
        self.demand(&[region, id, secret, reward, mail, statistics])?;
        let url = |name: &str| self.get(name).unwrap_or_default();
        // Dead-letter queues are found through the queues' redrive policies.
        let reward_dead = String::new();
        let urls = Urls { reward: url(reward), reward_dead, mail: url(mail), statistics: url(statistics) };
        Ok(Queues::new(self.aws()?.sqs(endpoint(self, "SQS")), urls))
    }

    /// The whole application, as a function builds it.
    ///
    /// # Rejects
    /// Any required variable that is not set.
    pub async fn app(&self) -> Result<App, Trouble> {
        self.demand(&TABLE)?;
        self.demand(&QUEUES)?;
        let aws = self.aws()?;
        let secrets = Secrets::read(self, &aws).await?;
        if secrets.get("APP_SECRET").is_none() {
            let said = "APP_SECRET is not known: set it, or APP_SECRET_PARAMETER to the name of the SSM parameter; with --local, --data \
                        names the folder of the running stack";
            return Err(Trouble::Usage(said.to_owned()));
        }
        Ok(assemble(self, &aws, &secrets, &https_client())?)
    }

    /// The secrets that are set.
    ///
    /// # Errors
    /// Fails when SSM parameters are configured and can't be read.
    pub async fn secrets(&self) -> Result<Secrets, Trouble> {
        let needs_aws =
            shared::table::aws::secrets::NAMES.iter().any(|name| self.get(&format!("{name}_PARAMETER")).is_some());
        if !needs_aws {
            return Ok(Secrets::given(|name| self.get(name)));
        }
        self.demand(&TABLE)?;
        Ok(Secrets::read(self, &self.aws()?).await?)
    }
}

/// Reads the whole table.
///
/// # Errors
/// Fails when the database can't be reached.
pub async fn everything(store: &Store) -> Result<Vec<Item>, Trouble> {
    let progress = ProgressBar::new_spinner().with_message("reading the table");
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(after, TOGETHER).await?;
        items.extend(page.items);
        progress.set_message(format!("reading the table: {} items", items.len()));
        progress.tick();
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    progress.finish_and_clear();
    Ok(items)
}
