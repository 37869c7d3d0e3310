//! IAM policies: parses statements and authorises calls.

use serde_json::Value;

use crate::template::{TemplateError, missing};

type Result<T> = std::result::Result<T, TemplateError>;

/// Context key of the partition keys that a call touches.
pub const LEADING_KEYS: &str = "dynamodb:LeadingKeys";
/// Context key of the transaction that encloses a call.
pub const ENCLOSING_OPERATION: &str = "dynamodb:EnclosingOperation";
/// Context key of an e-mail's sender.
pub const FROM_ADDRESS: &str = "ses:FromAddress";
/// Context keys with several values, which only set operators may compare.
const MULTIVALUED: [&str; 2] = [LEADING_KEYS, ENCLOSING_OPERATION];

/// A policy statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Effect of the statement: allow if true, deny if false.
    pub allows: bool,
    /// Actions, with wildcards.
    pub actions: Vec<String>,
    /// Resource names, with wildcards.
    pub resources: Vec<String>,
    /// The condition as written; empty if none.
    pub condition: String,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    set: Set,
    operator: Operator,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Single,
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    Like,
    NotLike,
}

/// A call to authorise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The action, such as `dynamodb:PutItem`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// Context values for conditions.
    pub context: Vec<(&'static str, Vec<String>)>,
}

/// The grant that allowed a call, by position of statement, action and resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    pub statement: usize,
    /// Index among the statement's actions.
    pub action: usize,
    /// Index among the statement's resources.
    pub resource: usize,
}

/// The reason for denying a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it.
    Explicit,
    /// No statement allows it.
    Implicit,
}

/// The statements of a resolved list of policies, as in a function's `Policies`.
///
/// # Errors
/// Fails on an unknown shape or an unsupported element: nothing that is not understood counts as allowed.
pub fn statements(policies: &Value) -> Result<Vec<Statement>> {
    let documents = policies.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut all = Vec::new();
    for document in documents {
        let found = document.get("Statement").ok_or_else(|| missing(format!("Statement of {document}")))?;
        for statement in many(found) {
            all.push(statement_of(statement)?);
        }
    }
    Ok(all)
}

/// The first statement that allows a call, unless one denies it.
pub fn decide(statements: &[Statement], call: &Call) -> std::result::Result<Grant, Denial> {
    let mut grant = Err(Denial::Implicit);
    for (index, statement) in statements.iter().enumerate() {
        let Some((action, resource)) = statement.covers(call) else { continue };
        if !statement.allows {
            return Err(Denial::Explicit);
        }
        if grant.is_err() {
            grant = Ok(Grant { statement: index, action, resource });
        }
    }
    grant
}

impl Statement {
    fn covers(&self, call: &Call) -> Option<(usize, usize)> {
        let action =
            self.actions.iter().position(|pattern| like(&pattern.to_lowercase(), &call.action.to_lowercase()))?;
        let resource = self.resources.iter().position(|pattern| like(pattern, &call.resource))?;
        self.conditions.iter().all(|condition| condition.holds(call)).then_some((action, resource))
    }
}

impl Condition {
    fn holds(&self, call: &Call) -> bool {
        let found = call.context.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.key));
        let given = found.map(|(_, values)| values.as_slice()).unwrap_or_default();
        if given.is_empty() {
            // Of no values, `ForAllValues` holds and `ForAnyValue` does not; a missing key satisfies negated operators.
            return match self.set {
                Set::All => true,
                Set::Any => false,
                Set::Single => self.if_exists || self.operator.is_negated(),
            };
        }
        let fits = |value: &String| self.operator.fits(value, &self.values);
        match self.set {
            Set::Any => given.iter().any(fits),
            Set::All | Set::Single => given.iter().all(fits),
        }
    }
}

impl Operator {
    fn is_negated(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotLike)
    }

    fn fits(self, value: &str, wanted: &[String]) -> bool {
        let any = |same: fn(&str, &str) -> bool| wanted.iter().any(|wanted| same(wanted, value));
        match self {
            Self::Equals => any(|wanted, value| wanted == value),
            Self::NotEquals => !any(|wanted, value| wanted == value),
            Self::Like => any(like),
            Self::NotLike => !any(like),
        }
    }
}

fn statement_of(statement: &Value) -> Result<Statement> {
    let wrong = |what: &str| missing(format!("{what} of the statement {statement}"));
    let fields = statement.as_object().ok_or_else(|| wrong("shape"))?;
    if let Some(unknown) =
        fields.keys().find(|name| !matches!(name.as_str(), "Sid" | "Effect" | "Action" | "Resource" | "Condition"))
    {
        return Err(wrong(unknown));
    }
    let texts = |name: &str| -> Result<Vec<String>> {
        let found = fields.get(name).ok_or_else(|| wrong(name))?;
        many(found).iter().map(|text| text.as_str().map(str::to_owned).ok_or_else(|| wrong(name))).collect()
    };
    let allows = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(wrong("Effect")),
    };
    let mut conditions = Vec::new();
    for (operator, keys) in fields.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for (key, values) in keys.as_object().ok_or_else(|| wrong("Condition"))? {
            conditions.push(condition_of(operator, key, values).ok_or_else(|| wrong(&format!("{operator} {key}")))?);
        }
    }
    let condition = fields.get("Condition").map(Value::to_string).unwrap_or_default();
    Ok(Statement { allows, actions: texts("Action")?, resources: texts("Resource")?, condition, conditions })
}

fn condition_of(operator: &str, key: &str, values: &Value) -> Option<Condition> {
    let (set, name) = match operator.split_once(':') {
        Some(("ForAllValues", name)) => (Set::All, name),
        Some(("ForAnyValue", name)) => (Set::Any, name),
        Some(_) => return None,
        None => (Set::Single, operator),
    };
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let operator = match name {
        "StringEquals" => Operator::Equals,
        "StringNotEquals" => Operator::NotEquals,
        "StringLike" => Operator::Like,
        "StringNotLike" => Operator::NotLike,
        _ => return None,
    };
    let known = MULTIVALUED.contains(&key) || key == FROM_ADDRESS;
    let fits = (set == Set::Single) != MULTIVALUED.contains(&key);
    let values = many(values).iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    (known && fits).then(|| Condition { set, operator, if_exists, key: key.to_owned(), values })
}

/// A list, or a single value as a list of one.
fn many(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// Reports if a text matches a pattern with `*` and `?`.
pub fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at = at.saturating_add(1);
            }
            Some(wanted) if wanted == byte || *wanted == b'?' => {
                at = at.saturating_add(1);
                seen = seen.saturating_add(1);
            }
            _ => {
                let Some((of, from)) = star else { return false };
                star = Some((of, from.saturating_add(1)));
                at = of.saturating_add(1);
                seen = from.saturating_add(1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(action: &str, context: &[(&'static str, &[&str])]) -> Call {
        let context =
            context.iter().map(|(key, values)| (*key, values.iter().map(|value| (*value).to_owned()).collect()));
        Call { action: action.to_owned(), resource: "arn:t".to_owned(), context: context.collect() }
    }

    fn policy(statements: Value) -> Vec<Statement> {
        super::statements(&json!([{"Version": "2012-10-17", "Statement": statements}])).unwrap()
    }

    #[test]
    fn wildcards_stand_for_any_text_and_one_character() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("OUTBOX#*", "OUTBOX#1", true),
            ("OUTBOX#*", "EVENT#1", false),
            ("a?c*e", "abcde", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("index/*", "index/gsi1", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn what_no_statement_allows_is_denied_and_a_denial_goes_before_any_allowance() {
        let policy = policy(json!([
            {"Effect": "Allow", "Action": "s:Get*", "Resource": ["arn:u", "arn:t"]},
            {"Effect": "Deny", "Action": "s:GetSecret", "Resource": "*"},
        ]));
        assert_eq!(decide(&policy, &call("s:getItem", &[])), Ok(Grant { statement: 0, action: 0, resource: 1 }));
        assert_eq!(decide(&policy, &call("s:Put", &[])), Err(Denial::Implicit));
        assert_eq!(decide(&policy, &call("s:GetSecret", &[])), Err(Denial::Explicit));
    }

    #[test]
    fn set_operators_judge_every_value_or_any_and_no_value_as_aws_does() {
        let one = |operator: &str, key: &str| {
            policy(
                json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: ["A#*", "B"]}}}),
            )
        };
        let all = one("ForAllValues:StringLike", LEADING_KEYS);
        let any = one("ForAnyValue:StringLike", LEADING_KEYS);
        for (values, of_all, of_any) in [
            (vec!["A#1", "B"], true, true),
            (vec!["A#1", "C"], false, true),
            (vec!["C"], false, false),
            (vec![], true, false),
        ] {
            let call = call("x", &[(LEADING_KEYS, &values)]);
            assert_eq!((decide(&all, &call).is_ok(), decide(&any, &call).is_ok()), (of_all, of_any), "{values:?}");
        }
    }

    /// AWS does not document a plain operator over a multivalued key (`EnclosingOperation`), and an unsupported element can't be
    /// evaluated. Both are rejected before a stack starts.
    #[test]
    fn what_can_not_be_judged_is_no_policy() {
        for condition in [
            json!({"StringEquals": {ENCLOSING_OPERATION: "TransactWriteItems"}}),
            json!({"ForAnyValue:StringEquals": {FROM_ADDRESS: "a@b.test"}}),
            json!({"StringEquals": {"aws:SourceIp": "x"}}),
            json!({"DateGreaterThan": {FROM_ADDRESS: "x"}}),
        ] {
            let one =
                json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}}]);
            super::statements(&one).unwrap_err();
        }
        super::statements(&json!([{"Statement": {"Effect": "Allow", "NotAction": "x", "Resource": "*"}}])).unwrap_err();
        super::statements(&json!(["AmazonSQSFullAccess"])).unwrap_err();
    }
}
