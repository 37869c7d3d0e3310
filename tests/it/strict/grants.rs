//! Grants of the template and their use by the tests.
//! `GUERDON_RECORD_GRANTS=1 cargo test -p tests --test it` adds the grants used by any world to `grants.txt`. A recording also
//! drops lines that match nothing in the template any more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use emulator::iam::policy::{Call, decide};
use emulator::stack::Stack;
use emulator::template::{Function, Template};

use super::TEMPLATE;

/// Grants that no test uses, and why they stay.
const UNUSED: &[(&str, &str, &str)] = &[(
    "redemption",
    "dynamodb:ConditionCheckItem",
    "a plan's quota is held against the last subscription when that is of another plan's and over (use case redeem)",
)];

static RECORDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/strict/grants.txt")
}

fn known() -> BTreeSet<String> {
    std::fs::read_to_string(file()).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// One use: function, action, resource and condition.
fn line(binary: &str, action: &str, resource: &str, condition: &str) -> String {
    let resource = resource.rsplit(':').next().unwrap_or_default();
    format!("{binary} {action} {resource} {condition}").trim_end().to_owned()
}

fn lines(function: &Function) -> impl Iterator<Item = (usize, Vec<String>)> {
    function.statements.iter().enumerate().filter(|(_, statement)| statement.allows).map(|(index, statement)| {
        let of = |action: &String| -> Vec<String> {
            let all = statement.resources.iter();
            all.map(|resource| line(&function.binary, action, resource, &statement.condition)).collect()
        };
        (index, statement.actions.iter().flat_map(of).collect())
    })
}

/// Records the grants that a world's functions used, if recording is on.
pub fn record(stack: &Stack) {
    if std::env::var_os("GUERDON_RECORD_GRANTS").is_none() {
        return;
    }
    let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    if recorded.is_empty() {
        let possible: BTreeSet<String> =
            stack.template.functions.iter().flat_map(lines).flat_map(|(_, all)| all).collect();
        recorded.extend(known().into_iter().filter(|line| possible.contains(line)));
    }
    let before = recorded.len();
    for (binary, grant) in stack.guard.seen().used {
        let function = stack.template.functions.iter().find(|function| function.binary == binary).unwrap();
        let statement = &function.statements[grant.statement];
        let (action, resource) = (&statement.actions[grant.action], &statement.resources[grant.resource]);
        recorded.insert(line(&binary, action, resource, &statement.condition));
    }
    if recorded.len() > before {
        let all: Vec<&str> = recorded.iter().map(String::as_str).collect();
        std::fs::write(file(), all.join("\n") + "\n").unwrap();
    }
}

/// Every action and every resource of a statement is used by some test, or has its reason.
#[test]
fn no_grant_is_unused() {
    let template = Template::parse(TEMPLATE).unwrap();
    let used = known();
    let mut unused = Vec::new();
    for function in &template.functions {
        for statement in function.statements.iter().filter(|statement| statement.allows) {
            let is_used = |action: &String, resource: &String| {
                used.contains(&line(&function.binary, action, resource, &statement.condition))
            };
            let (actions, resources) = (&statement.actions, &statement.resources);
            let idle = actions.iter().filter(|action| !resources.iter().any(|resource| is_used(action, resource)));
            unused.extend(idle.map(|action| (function.binary.as_str(), action.as_str())));
            let idle = resources.iter().filter(|resource| !actions.iter().any(|action| is_used(action, resource)));
            unused.extend(idle.map(|resource| (function.binary.as_str(), resource.as_str())));
        }
    }
    unused.retain(|(binary, what)| !UNUSED.iter().any(|(of, known, _)| of == binary && known == what));
    assert!(unused.is_empty(), "granted and never used, as far as grants.txt says: {unused:#?}");
}

/// deploy.md D11: what a function never needs is denied to it by name, so a mistake in its code can't reach it.
#[test]
fn secrets_of_others_are_denied_to_each_function() {
    let template = Template::parse(TEMPLATE).unwrap();
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/";
    let reads = |binary: &str, action: &str, key: &str| {
        let function = template.functions.iter().find(|function| function.binary == binary).unwrap();
        let resource = function.statements.iter().flat_map(|statement| &statement.resources);
        let resource = resource.clone().find(|resource| resource.starts_with(table)).unwrap().clone();
        let leading = ("dynamodb:LeadingKeys", vec![key.to_owned()]);
        let enclosing = ("dynamodb:EnclosingOperation", vec!["TransactWriteItems".to_owned()]);
        let call = Call { action: action.to_owned(), resource, context: vec![leading, enclosing] };
        decide(&function.statements, &call).is_ok()
    };
    for (key, needed) in [("EMAIL#1", "registration"), ("SERVICE_KEY#1", "service"), ("BATCH#1", "redemption")] {
        assert!(reads(needed, "dynamodb:GetItem", key), "{needed} reads {key}");
    }
    for binary in ["payment", "payment-webhook", "agency", "affiliate", "referral", "console", "back-office"] {
        for key in ["EMAIL#1", "SIGNUP#1", "SERVICE_KEY#1", "BATCH#1"] {
            // Staff see service keys, of which the table has a hash, and batches, whose codes they export.
            if binary == "back-office" && ["SERVICE_KEY#1", "BATCH#1"].contains(&key) {
                continue;
            }
            // Staff find an account by its e-mail: one item, by its key.
            let finds = (binary, key) == ("back-office", "EMAIL#1");
            assert_eq!(reads(binary, "dynamodb:GetItem", key), finds, "{binary} reads {key}");
            for many in ["dynamodb:BatchGetItem", "dynamodb:Query"] {
                assert!(!reads(binary, many, key), "{binary} lists {key}");
            }
        }
        assert!(reads(binary, "dynamodb:GetItem", "USER#1"), "{binary} reads users");
    }
    // Providers' secrets are read by those that call the providers or check their signatures, and by nobody else.
    let secrets = ["stripe-secret-key", "stripe-webhook-secret", "zpay-key"];
    let readers = |secret: &str| -> BTreeSet<String> {
        let resource = format!("arn:aws:ssm:us-east-1:000000000000:parameter/guerdon/{secret}");
        let may = |function: &&Function| {
            let call = Call { action: "ssm:GetParameters".to_owned(), resource: resource.clone(), context: Vec::new() };
            decide(&function.statements, &call).is_ok()
        };
        template.functions.iter().filter(may).map(|function| function.binary.clone()).collect()
    };
    for secret in secrets {
        let expected = ["admin", "agency", "payment", "payment-webhook", "scheduler"].map(str::to_owned);
        assert_eq!(readers(secret), BTreeSet::from(expected), "{secret}");
    }
    // Codes are made, checked and listed by five; whoever else has a copy of the table can redeem none (R7.9).
    let codes = ["admin", "back-office", "redemption", "reward-worker", "scheduler"].map(str::to_owned);
    assert_eq!(readers("code-secret"), BTreeSet::from(codes));
    assert_eq!(readers("signing-key"), BTreeSet::from(["registration".to_owned()]));
    // Whoever changes the books can't sign them again (R11.2).
    assert_eq!(readers("ledger-key"), BTreeSet::from(["scheduler".to_owned()]));
    let writers: Vec<&str> = template.functions.iter().map(|function| function.binary.as_str()).collect();
    let writers: Vec<&str> =
        writers.into_iter().filter(|of| reads(of, "dynamodb:PutItem", "SETTINGS#payment")).collect();
    assert_eq!(writers, ["admin"]);
}
