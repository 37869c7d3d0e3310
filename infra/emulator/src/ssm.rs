//! In-process Systems Manager: the parameters that the operator stores for the functions.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::connector::{Backend, BoxFuture, ConnectFault};
use crate::iam::call::operation;

/// Parameter values by name.
#[derive(Clone, Default)]
pub struct Parameters(pub BTreeMap<String, String>);

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Parameters {
    fn answer(&self, body: &[u8]) -> Value {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let names = asked.get("Names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let (known, unknown): (Vec<&str>, Vec<&str>) = names.partition(|name| self.0.contains_key(*name));
        let shown =
            |name: &&str| json!({"Name": name, "Type": "SecureString", "Value": self.0.get(*name), "Version": 1});
        json!({"Parameters": known.iter().map(shown).collect::<Vec<_>>(), "InvalidParameters": unknown})
    }
}

impl Backend for Parameters {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let (status, body) = match operation(&request) {
                "GetParameters" => (200, self.answer(request.body())),
                other => {
                    (400, json!({"__type": "UnknownOperationException", "message": format!("{other} is not emulated")}))
                }
            };
            let response =
                http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
            response.body(Bytes::from(body.to_string())).map_err(|_| ConnectFault::Reset)
        })
    }
}
