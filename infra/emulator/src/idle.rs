//! Rest of a stack: nothing is under way.

use shared::table::item::text;

use crate::stack::{Stack, Trouble};

impl Stack {
    /// Tells if nothing is under way: no queue holds a message, and no transaction's messages are unsent.
    ///
    /// # Errors
    /// Fails when the table or a queue can't be read.
    pub fn is_idle(&self) -> Result<bool, Trouble> {
        for queue in self.template.queues.iter().filter(|queue| queue.spec.redrive.is_some()) {
            let depth = self.queues.depth(&queue.spec.name).map_err(|refused| refused.to_string())?;
            if (depth.visible, depth.in_flight, depth.delayed) != (0, 0, 0) {
                return Ok(false);
            }
        }
        Ok(self.items()?.iter().all(|item| text(item, "type") != Some("outbox")))
    }
}
