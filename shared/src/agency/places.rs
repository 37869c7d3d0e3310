//! Places of agents in the tree, as a process saw them last.
//!
//! A page reads its lists beside its visitor. A place is a guess at where those lists are: nothing of it is shown before the visitor's
//! account has confirmed it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::id::UserId;

use crate::agency::model::shop::ShopPath;

/// Most agents that are remembered.
const MOST: usize = 1_000;

/// Memory of a process for the shops of agents.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<BTreeMap<UserId, ShopPath>>>);

impl Places {
    /// Remembers the shop of an agent.
    pub fn note(&self, agent: UserId, place: &ShopPath) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(agent, place.clone());
    }

    /// The shop that an agent ran when last seen.
    pub fn recall(&self, agent: UserId) -> Option<ShopPath> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&agent).cloned()
    }
}
