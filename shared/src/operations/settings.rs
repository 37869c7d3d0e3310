//! Settings as the functions see them: one versioned document per area, cached at most a minute (R9.1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::operations::model::settings::{Area, Settings, VersionedSettings};
use kernel::fault::Fault;
use table::key::Key;
use table::ledger::LedgerBegun;

/// How long a function may go on with what it read.
pub const CACHED: SignedDuration = SignedDuration::from_secs(60);

/// A settings document as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingsRecord {
    /// Which.
    pub area: Area,
    /// Counts its changes; 0 are the defaults.
    pub version: u64,
    /// The document as JSON text, so that nulls and the order of lists survive.
    pub document: String,
}

/// What a process has read of the settings.
#[derive(Debug, Clone, Default)]
pub struct SettingsCache(Arc<Mutex<Option<Cached>>>);

type Cached = (Timestamp, HashMap<Area, SettingsRecord>);

impl SettingsCache {
    /// Forgets everything, so that the next read is fresh.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fresh(&self, now: Timestamp) -> Option<HashMap<Area, SettingsRecord>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, records) = cached.as_ref()?;
        (now.duration_since(*read_at).abs() < CACHED).then(|| records.clone())
    }
}

impl App {
    /// The settings of an area, at most a minute old; the defaults before their first change.
    ///
    /// # Errors
    /// When they can't be read, or what is stored does not decode.
    pub async fn settings<T: Settings>(&self) -> Result<VersionedSettings<T>, Fault> {
        let now = self.clock.now();
        let records = match self.settings.fresh(now) {
            Some(records) => records,
            None => self.read_settings(now).await?,
        };
        let Some(record) = records.get(&T::AREA) else {
            return Ok(VersionedSettings { version: 0, settings: T::default() });
        };
        let settings = serde_json::from_str(&record.document)
            .map_err(|error| Fault::Item { key: SettingsRecord::key(T::AREA.as_str()).pk, why: error.to_string() })?;
        Ok(VersionedSettings { version: record.version, settings })
    }

    /// Reads all areas in one call; done while a function starts, and once a minute.
    async fn read_settings(&self, now: Timestamp) -> Result<HashMap<Area, SettingsRecord>, Fault> {
        let mut keys: Vec<Key> = Area::ALL.iter().map(|area| SettingsRecord::key(area.as_str())).collect();
        if !self.ledger_begun() {
            keys.push(LedgerBegun::key());
        }
        let mut batch = self.store.get_many(&keys).await?;
        if batch.take::<LedgerBegun>(&LedgerBegun::key())?.is_some() {
            self.learn_ledger_begun();
        }
        let mut records = HashMap::new();
        for (area, key) in Area::ALL.iter().zip(&keys) {
            if let Some(record) = batch.take::<SettingsRecord>(key)? {
                records.insert(*area, record.into_inner());
            }
        }
        *self.settings.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, records.clone()));
        Ok(records)
    }
}
