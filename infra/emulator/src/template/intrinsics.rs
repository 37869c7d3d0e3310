//! CloudFormation's intrinsic functions, as far as environments, policies and the gateway's settings use them, resolved to local
//! names.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Result, missing};
use crate::sqs::{self, ACCOUNT, REGION};

/// Name of the stack.
pub const STACK: &str = "guerdon";

/// Values of references.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Parameter values: defaults, overridden by given ones.
    pub parameters: BTreeMap<String, String>,
    /// Values of `Ref` by resource.
    refs: BTreeMap<String, String>,
    /// Values of `Fn::GetAtt` by `Resource.Attribute`.
    attributes: BTreeMap<String, String>,
    conditions: BTreeMap<String, Value>,
}

impl Names {
    /// The names of a template's resources, and its parameters' defaults, overridden by `given`.
    pub fn of(raw: &Value, table: &str, queues: &BTreeMap<String, String>, given: &[(&str, &str)]) -> Self {
        let mut names = Self::default();
        let section = |name: &str| raw.get(name).and_then(Value::as_object).into_iter().flatten();
        for (name, parameter) in section("Parameters") {
            if let Some(default) = parameter.get("Default") {
                names.parameters.insert(name.clone(), text(default));
            }
        }
        names.parameters.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        names.conditions = section("Conditions").map(|(name, value)| (name.clone(), value.clone())).collect();
        let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}");
        for (id, resource) in section("Resources") {
            match resource.get("Type").and_then(Value::as_str).unwrap_or_default() {
                "AWS::DynamoDB::Table" => {
                    names.refs.insert(id.clone(), table.to_owned());
                    names.attributes.insert(format!("{id}.Arn"), arn.clone());
                }
                // The one parameter that the template itself makes: which table is used.
                "AWS::SSM::Parameter" => drop(names.attributes.insert(format!("{id}.Value"), arn.clone())),
                "AWS::SQS::Queue" => {
                    let name = queues.get(id).cloned().unwrap_or_default();
                    names.refs.insert(id.clone(), sqs::url(&name));
                    names.attributes.insert(format!("{id}.Arn"), sqs::arn(&name));
                    names.attributes.insert(format!("{id}.QueueName"), name);
                }
                "AWS::SES::ConfigurationSet" => drop(names.refs.insert(id.clone(), format!("{STACK}-{id}"))),
                _ => {}
            }
        }
        names
    }

    /// A copy with other values of some parameters.
    pub fn with(&self, given: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let mut names = self.clone();
        names.parameters.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
        names
    }

    /// Resolves all intrinsic functions; `AWS::NoValue` becomes null, which lists and mappings omit.
    ///
    /// # Errors
    /// Fails on an unknown reference.
    pub fn resolve(&self, value: &Value) -> Result<Value> {
        match value {
            Value::Array(list) => {
                let list: Vec<Value> = list.iter().map(|value| self.resolve(value)).collect::<Result<_>>()?;
                Ok(list.into_iter().filter(|value| !value.is_null()).collect())
            }
            Value::Object(map) => match map.iter().next() {
                Some((name, argument)) if map.len() == 1 && is_intrinsic(name) => self.call(name, argument),
                _ => {
                    let mut resolved = Map::new();
                    for (name, value) in map {
                        let value = self.resolve(value)?;
                        if !value.is_null() {
                            resolved.insert(name.clone(), value);
                        }
                    }
                    Ok(Value::Object(resolved))
                }
            },
            other => Ok(other.clone()),
        }
    }

    /// Resolves a value to text; numbers and booleans are written out.
    ///
    /// # Errors
    /// Fails on an unknown reference, or a value that is not text.
    pub fn text(&self, value: &Value) -> Result<String> {
        match self.resolve(value)? {
            Value::Array(_) | Value::Object(_) => Err(missing(format!("text, not {value}"))),
            Value::Null => Ok(String::new()),
            plain => Ok(text(&plain)),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Value> {
        match (name, argument) {
            ("Ref", Value::String(of)) if of == "AWS::NoValue" => Ok(Value::Null),
            ("Ref", Value::String(of)) => self.named(of).map(Value::String),
            ("Fn::GetAtt", Value::String(path)) => self.named(path).map(Value::String),
            ("Fn::GetAtt", Value::Array(path)) => {
                self.named(&path.iter().map(text).collect::<Vec<_>>().join(".")).map(Value::String)
            }
            ("Fn::Sub", Value::String(template)) => self.substitute(template).map(Value::String),
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [condition, yes, no] => {
                    self.resolve(if self.holds(&json!({"Condition": condition}))? { yes } else { no })
                }
                _ => Err(missing(format!("three parts of {argument}"))),
            },
            ("Fn::Join", Value::Array(parts)) => {
                let [separator, list] = parts.as_slice() else {
                    return Err(missing(format!("two parts of {argument}")));
                };
                let list = self.resolve(list)?;
                let list: Vec<String> = list.as_array().into_iter().flatten().map(text).collect();
                Ok(json!(list.join(&text(separator))))
            }
            ("Fn::Split", Value::Array(parts)) => {
                let [separator, whole] = parts.as_slice() else {
                    return Err(missing(format!("two parts of {argument}")));
                };
                let whole = self.text(whole)?;
                Ok(whole.split(text(separator).as_str()).map(|part| json!(part)).collect())
            }
            _ => Err(missing(format!("what {name} of {argument} is here"))),
        }
    }

    /// The value of a reference: a parameter, a pseudo parameter, a resource, or an attribute of one.
    fn named(&self, of: &str) -> Result<String> {
        let pseudo = match of {
            "AWS::Partition" => Some("aws"),
            "AWS::Region" => Some(REGION),
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::StackName" => Some(STACK),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            _ => None,
        };
        let known =
            || self.parameters.get(of).or_else(|| self.refs.get(of)).or_else(|| self.attributes.get(of)).cloned();
        pseudo.map(str::to_owned).or_else(known).ok_or_else(|| missing(format!("what {of} is here")))
    }

    fn substitute(&self, template: &str) -> Result<String> {
        let mut parts = template.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').ok_or_else(|| missing(format!("an end in {template}")))?;
            match name.strip_prefix('!') {
                Some(literal) => whole.extend(["${", literal, "}"]),
                None => whole.push_str(&self.named(name)?),
            }
            whole.push_str(rest);
        }
        Ok(whole)
    }

    fn holds(&self, condition: &Value) -> Result<bool> {
        let wrong = || missing(format!("what {condition} is here"));
        let (name, argument) = condition.as_object().and_then(|map| map.iter().next()).ok_or_else(wrong)?;
        let each = || argument.as_array().into_iter().flatten().map(|part| self.holds(part));
        match (name.as_str(), argument) {
            ("Condition", Value::String(name)) => self.holds(self.conditions.get(name).ok_or_else(wrong)?),
            ("Fn::Equals", Value::Array(sides)) => match sides.as_slice() {
                [left, right] => Ok(self.text(left)? == self.text(right)?),
                _ => Err(wrong()),
            },
            ("Fn::Not", Value::Array(_)) => each().next().ok_or_else(wrong)?.map(|holds| !holds),
            ("Fn::And", Value::Array(_)) => {
                each().collect::<Result<Vec<_>>>().map(|all| all.into_iter().all(|holds| holds))
            }
            ("Fn::Or", Value::Array(_)) => {
                each().collect::<Result<Vec<_>>>().map(|all| all.into_iter().any(|holds| holds))
            }
            _ => Err(wrong()),
        }
    }
}

fn is_intrinsic(name: &str) -> bool {
    name == "Ref" || name.starts_with("Fn::")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let raw = json!({
            "Parameters": {"Name": {"Default": "x"}, "Origins": {"Default": ""}, "Seconds": {"Default": 3}, "Url": {}},
            "Conditions": {
                "HasOrigins": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Origins"}, ""]}]},
                "Both": {"Fn::And": [{"Condition": "HasOrigins"}, {"Fn::Equals": [{"Ref": "Name"}, "x"]}]},
            },
            "Resources": {"Table": {"Type": "AWS::DynamoDB::Table"}, "Mail": {"Type": "AWS::SQS::Queue"}},
        });
        Names::of(&raw, "guerdon", &[("Mail".to_owned(), "Mail".to_owned())].into(), &[])
    }

    #[test]
    fn references_mean_what_things_are_called_here() {
        let of = |value: Value| names().text(&value).unwrap();
        assert_eq!(of(json!({"Ref": "Table"})), "guerdon");
        assert_eq!(of(json!({"Ref": "Mail"})), sqs::url("Mail"));
        assert_eq!(of(json!({"Fn::GetAtt": "Mail.Arn"})), sqs::arn("Mail"));
        assert_eq!(
            of(json!({"Fn::Sub": "${Table.Arn}/index/*${!x}${Name}${Seconds}"})),
            "arn:aws:dynamodb:us-east-1:000000000000:table/guerdon/index/*${x}x3"
        );
        assert_eq!(of(json!({"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, "b"]]})), "guerdon-b");
        for unknown in [json!({"Ref": "Url"}), json!({"Ref": "Nobody"}), json!({"Fn::Base64": "x"})] {
            names().text(&unknown).unwrap_err();
        }
    }

    #[test]
    fn conditions_choose_and_no_value_is_left_out() {
        let value =
            json!({"a": [1, {"Fn::If": ["HasOrigins", 2, {"Ref": "AWS::NoValue"}]}], "b": {"Fn::If": ["Both", 1, 0]}});
        assert_eq!(names().resolve(&value).unwrap(), json!({"a": [1], "b": 0}));
        let given = names().with([("Origins", "https://a.test,https://b.test".to_owned())]);
        assert_eq!(given.resolve(&value).unwrap(), json!({"a": [1, 2], "b": 1}));
        let split = json!({"Fn::Split": [",", {"Ref": "Origins"}]});
        assert_eq!(given.resolve(&split).unwrap(), json!(["https://a.test", "https://b.test"]));
    }
}
