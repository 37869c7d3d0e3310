//! Events of AWS services, as EventBridge delivers them.

use serde_json::Value;

use super::{Stack, Trouble, invoked};

impl Stack {
    /// Delivers an event of an AWS service to the functions whose rules take it; returns their results.
    ///
    /// # Errors
    /// Fails when a function failed.
    pub async fn event(&self, event: &Value) -> Result<Vec<Value>, Trouble> {
        let rules = self.template.functions.iter().flat_map(|function| &function.rules);
        let mut did = Vec::new();
        for _ in rules.filter(|rule| rule.pattern.takes(event)) {
            did.push(invoked(self.functions.tick(event.clone())).await?);
        }
        Ok(did)
    }
}
