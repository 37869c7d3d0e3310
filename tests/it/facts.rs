//! Facts of a run for its report: each part writes one file to the directory in `GUERDON_FACTS`.

use serde_json::Value;

/// Writes the facts of a part (`faults-1`, `races`); does nothing without the directory.
pub fn note(part: &str, facts: &Value) {
    if let Some(directory) = std::env::var_os("GUERDON_FACTS") {
        let directory = std::path::PathBuf::from(directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{part}.json")), facts.to_string()).unwrap();
    }
}
