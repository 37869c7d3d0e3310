//! The commands about a deployment, with programs in the place of `aws` and `sam` that write down what they are asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use shared::table::system::Entropy;

use crate::processes::built;

const AWS: &str = r#"#!/bin/sh
echo "aws $*" >>calls
case "$1 $2" in
  "sts get-caller-identity") echo '{"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/olga"}' ;;
  "ssm get-parameters") cat known 2>/dev/null || echo '{"Parameters": []}' ;;
  "ssm put-parameter") { printf '{"Type": "%s", "Name": "%s", "Value": "' "$4" "$6"; cat; echo '"}'; } >>put ;;
  "sesv2 get-email-identity") echo '{"VerifiedForSendingStatus": true}' ;;
  "sesv2 get-account") echo '{"SendingEnabled": true, "ProductionAccessEnabled": false}' ;;
  "lambda get-account-settings") echo '{"AccountLimit": {"ConcurrentExecutions": 10}}' ;;
  "cloudwatch describe-alarms") cat alarms 2>/dev/null || echo '{"MetricAlarms": []}' ;;
  "cloudwatch get-metric-statistics") cat points 2>/dev/null || echo '{"Datapoints": []}' ;;
  "configure export-credentials") echo '{"AccessKeyId": "local", "SecretAccessKey": "local"}' ;;
  "cloudformation describe-stacks") cat stack 2>/dev/null || { echo "Stack with id x does not exist" >&2; exit 255; } ;;
esac
"#;
const SAM: &str = "#!/bin/sh\necho \"sam $*\" >>calls\n";

/// A folder with the two programs, in which `guerdon` runs.
#[derive(Clone)]
pub struct Desk(Arc<Folder>);

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

impl Desk {
    pub fn new() -> Self {
        let name = HEXLOWER.encode(&Entropy::system().bytes::<8>());
        let folder = Folder(std::env::temp_dir().join(format!("guerdon-cloud-{name}")));
        let desk = Self(Arc::new(folder));
        fs::create_dir_all(desk.path().join("programs")).unwrap();
        for (name, text) in [("aws", AWS), ("sam", SAM)] {
            let program = desk.path().join("programs").join(name);
            fs::write(&program, text).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        desk
    }

    fn path(&self) -> &Path {
        &self.0.0
    }

    /// Exit status, results and notes of a command.
    pub fn guerdon(&self, words: &str, variables: &[(&str, &str)]) -> (i32, String, String) {
        let path = format!("{}:/usr/bin:/bin", self.path().join("programs").display());
        let mut command = Command::new(built().join("guerdon"));
        command.args(words.split(' ')).current_dir(self.path()).env_clear().env("PATH", path);
        let done = command.envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn put(&self) -> Vec<Value> {
        self.read("put").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn deployed(&self) {
        let output = |(name, value): (&str, &str)| json!({"OutputKey": name, "OutputValue": value});
        let outputs = [
            ("ApiUrl", "https://x.test"),
            ("TableName", "the-table"),
            ("RewardQueueUrl", "https://sqs.test/reward"),
            ("SecretNames", "/guerdon/app-secret"),
        ];
        let stack = json!({"StackStatus": "CREATE_COMPLETE", "Outputs": outputs.map(output)});
        self.write("stack", &json!({"Stacks": [stack]}).to_string());
    }
}

/// deploy.md §2: what is missing is made and what is there stays; a secret is never on a command line, where others can read it.
#[test]
fn a_setup_makes_what_is_missing_and_keeps_what_is_there() {
    let desk = Desk::new();
    let given = [("STRIPE_SECRET_KEY", "sk_live_1")];
    let (status, out, err) = desk.guerdon("setup --stack shop --region eu-west-1 MailFrom=a@b.test ZpayPid=7", &given);
    assert_eq!(status, 0, "{out}{err}");
    let put = desk.put();
    let names: Vec<&str> = put.iter().map(|one| one["Name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["/shop/app-secret", "/shop/code-secret", "/shop/signing-key", "/shop/ledger-key", "/shop/stripe-secret-key"]
    );
    let secret = |index: usize| put[index]["Value"].as_str().unwrap().to_owned();
    assert!(put.iter().all(|one| one["Type"] == "SecureString"));
    assert!((0..4).all(|index| secret(index).len() == 44) && secret(4) == "sk_live_1");
    assert_ne!(secret(0), secret(1));
    let (calls, file) = (desk.read("calls"), desk.read("samconfig.shop.toml"));
    for index in 0..5 {
        assert!(![&calls, &out, &err, &file].iter().any(|text| text.contains(&secret(index))), "a secret is shown");
    }
    assert!(calls.lines().all(|line| line.contains("--region eu-west-1")), "{calls}");
    assert!(err.contains("--name /shop/app-secret --value file:///dev/stdin --region eu-west-1"), "{err}");
    for line in ["WARN     secret ZPAY_KEY", "OK       sender", "WARN     mail", "WARN     concurrency"] {
        assert!(out.contains(line), "{line} is not in\n{out}");
    }
    assert!(file.contains("\"MailFrom=a@b.test\"") && file.contains("stack_name = \"shop\""), "{file}");

    let known: Vec<Value> = names.iter().map(|name| json!({"Name": name})).collect();
    desk.write("known", &json!({"Parameters": known}).to_string());
    let (status, out, err) = desk.guerdon("setup --stack shop ZpayPid=8", &[]);
    assert_eq!((status, desk.put().len()), (0, 5), "{out}{err}");
    let file = desk.read("samconfig.shop.toml");
    assert!(file.contains("MailFrom=a@b.test") && file.contains("ZpayPid=8") && !file.contains("ZpayPid=7"), "{file}");
    // deploy.md D11: who may not read a provider's secret is told by a parameter that it is stored.
    assert!(file.contains("\"PaymentProviders=none\""), "Stripe has no secret for its webhook: {file}");
    let (status, out, err) =
        desk.guerdon("setup --stack shop", &[("STRIPE_WEBHOOK_SECRET", "whsec_1"), ("ZPAY_KEY", "k")]);
    assert_eq!((status, desk.put().len()), (0, 7), "{out}{err}");
    let file = desk.read("samconfig.shop.toml");
    assert!(file.contains("\"PaymentProviders=stripe,zpay\"") && !file.contains("PaymentProviders=none"), "{file}");
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let desk = Desk::new();
    let (status, out, err) = desk.guerdon("setup --dry-run MailFrom=a@b.test", &[]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(err.contains("would run: aws ssm put-parameter"), "{err}");
    assert!(!desk.read("calls").contains("put-parameter") && desk.read("samconfig.guerdon.toml").is_empty());
    desk.deployed();
    let (status, _, err) = desk.guerdon("teardown --dry-run", &[]);
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("would run: aws cloudformation delete-stack --stack-name guerdon"), "{err}");
    assert!(!desk.read("calls").contains("delete-stack"));
}

#[test]
fn a_deployment_takes_its_packages_and_its_parameters_and_shows_the_outputs() {
    let desk = Desk::new();
    let (status, _, err) = desk.guerdon("deploy", &[]);
    assert_eq!((status, err.contains("guerdon setup makes it")), (2, true), "{err}");
    assert_eq!(desk.guerdon("setup MailFrom=a@b.test", &[]).0, 0);
    desk.write("release/admin.zip", "zip");
    desk.deployed();
    let (status, out, err) = desk.guerdon("deploy --packages release", &[]);
    assert_eq!(status, 0, "{out}{err}");
    assert_eq!(desk.read("dist/functions/admin.zip"), "zip");
    let calls = desk.read("calls");
    let sam = calls.lines().find(|line| line.starts_with("sam ")).unwrap();
    assert!(sam.starts_with("sam deploy --template-file template.yaml --config-file /"), "{sam}");
    assert!(sam.ends_with("/samconfig.guerdon.toml") && out.contains("https://x.test"), "{sam} {out}");
}

/// deploy.md §2: a teardown says what stays and how to remove it, and wants to be told twice.
#[test]
fn a_teardown_says_what_stays() {
    let desk = Desk::new();
    let (status, _, err) = desk.guerdon("teardown --yes", &[]);
    assert_eq!((status, err.contains("there is no stack guerdon here")), (2, true), "{err}");
    desk.deployed();
    let (status, _, err) = desk.guerdon("teardown", &[]);
    assert_eq!((status, desk.read("calls").contains("delete-stack")), (2, false), "{err}");
    for stays in ["delete-table --table-name the-table", "https://sqs.test/reward", "/guerdon/app-secret"] {
        assert!(err.contains(stays), "{stays} is not in {err}");
    }
    assert_eq!(desk.guerdon("teardown --yes", &[]).0, 0);
    assert!(desk.read("calls").contains("aws cloudformation wait stack-delete-complete --stack-name guerdon"));
}

#[test]
fn a_name_that_no_stack_can_have_is_wrong_usage() {
    let desk = Desk::new();
    for name in ["1st", "a_b", &"s".repeat(41)] {
        let (status, _, err) = desk.guerdon(&format!("setup --stack {name} MailFrom=a@b.test"), &[]);
        assert_eq!((status, err.contains("no name of a stack")), (2, true), "{err}");
    }
    assert_eq!(desk.read("calls"), "");
}
