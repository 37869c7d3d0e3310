//! Secrets: read once while a function starts, never logged.

use std::collections::HashMap;

use data_encoding::BASE64;

use super::boot::{Aws, Environment};
use crate::fault::Fault;

/// Every secret a function may have.
pub const NAMES: [&str; 6] = [
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_WEBHOOK_SECRET_PREVIOUS",
    "ZPAY_KEY",
    "APP_SECRET",
    "SIGNING_KEY",
];

/// The secrets that are there.
#[derive(Clone, Default)]
pub struct Secrets(HashMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// The secrets in the environment.
    ///
    /// # Errors
    /// When one that is named can't be read.
    pub async fn read(environment: &impl Environment, _aws: &Aws) -> Result<Self, Fault> {
        Ok(Self::given(|name| environment.get(name)))
    }

    /// The secrets that `lookup` knows.
    pub fn given(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let found = |name: &&str| Some(((*name).to_owned(), lookup(name).filter(|value| !value.trim().is_empty())?));
        Self(NAMES.iter().filter_map(found).collect())
    }

    /// A secret that is there and not blank.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The seed that access tokens are signed with, where there is one.
    ///
    /// # Errors
    /// When it is not the base64 of 32 bytes.
    pub fn signing_key(&self) -> Result<Option<[u8; 32]>, Fault> {
        let Some(text) = self.get("SIGNING_KEY") else { return Ok(None) };
        let bytes = BASE64.decode(text.trim().as_bytes()).ok();
        let seed = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        seed.map(Some).ok_or_else(|| Fault::bug("SIGNING_KEY must be the base64 of 32 bytes"))
    }
}
