//! Settings as the functions see them: all areas parsed once into one snapshot, which is at most a minute old (R9.1).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::operations::model::settings::{Area, AreaSettings, SettingsSnapshot, VersionedSettings};
use kernel::fault::{Chain, Fault};
use table::item::Versioned;
use table::key::Key;
use table::ledger::LedgerBegun;

/// How long a function may go on with what it read.
pub const CACHED: SignedDuration = SignedDuration::from_secs(60);

/// A settings document as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingsRecord {
    pub area: Area,
    /// Counts its changes; 0 are the defaults.
    pub version: u64,
    /// The document as JSON text, so that nulls and the order of lists survive.
    pub document: String,
}

impl SettingsRecord {
    /// The fault of a document that does not decode.
    pub(crate) fn undecodable(area: Area, error: serde_json::Error) -> Fault {
        Fault::item(Self::key(area.as_str()).pk, error)
    }
}

/// Cache of the settings in this process.
#[derive(Debug, Clone, Default)]
pub struct SettingsCache(Arc<Mutex<Option<Cached>>>);

#[derive(Debug)]
struct Cached {
    read_at: Timestamp,
    snapshot: Arc<SettingsSnapshot>,
}

impl SettingsCache {
    /// Forgets everything, so that the next read is fresh.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<SettingsSnapshot>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Cached { read_at, snapshot } = cached.as_ref()?;
        (now.duration_since(*read_at).abs() < CACHED).then(|| snapshot.clone())
    }

    /// Keeps what was read, and logs what can't be used of it unless that is known already.
    fn keep(&self, read_at: Timestamp, snapshot: Arc<SettingsSnapshot>) {
        let kept = Cached { read_at, snapshot: snapshot.clone() };
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(kept);
        for (area, fault) in snapshot.faults() {
            let was = |known: &Cached| known.snapshot.faults().any(|(broken, _)| broken == area);
            if !before.as_ref().is_some_and(was) {
                tracing::error!(area = area.as_str(), fault = %Chain(fault), "settings can't be used");
            }
        }
    }
}

impl App {
    /// The settings of an area, at most a minute old; the defaults before their first change. A programme is switched off outside
    /// its window (R10.4).
    ///
    /// # Errors
    /// Fails if the settings cannot be read, or the stored document of this area does not decode.
    pub async fn settings<T: AreaSettings>(&self) -> Result<VersionedSettings<T>, Fault> {
        let now = self.clock.now();
        let snapshot = match self.settings.fresh(now) {
            Some(snapshot) => snapshot,
            None => self.read_settings(now).await?,
        };
        let held = T::held_in(&snapshot).clone()?;
        Ok(match held.settings.as_of(now) {
            Some(settings) => VersionedSettings { settings: Arc::new(settings), ..held },
            None => held,
        })
    }

    /// Reads all areas in one call; done while a function starts, and once a minute.
    pub(crate) async fn read_settings(&self, now: Timestamp) -> Result<Arc<SettingsSnapshot>, Fault> {
        // An undecodable area is a fault of that area alone, so each is decoded by itself.
        let areas: BTreeMap<Area, Key> =
            Area::ALL.iter().map(|area| (*area, SettingsRecord::key(area.as_str()).into())).collect();
        let ledger = (!self.ledger_begun()).then(LedgerBegun::key);
        let (mut areas, ledger) = self.store.read((areas, ledger)).await?;
        if ledger.is_some() {
            self.learn_ledger_begun();
        }
        let stored = |area: Area| {
            let record = areas.remove(&area).map(Versioned::<SettingsRecord>::read).transpose()?;
            Ok(record.map(|record| record.into_inner()).map(|record| (record.version, record.document)))
        };
        let snapshot = Arc::new(SettingsSnapshot::parse(stored, SettingsRecord::undecodable));
        self.settings.keep(now, snapshot.clone());
        Ok(snapshot)
    }
}
