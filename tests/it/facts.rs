//! What the suite did, for its report: each part leaves one file of facts in the directory that `GUERDON_FACTS` names.

use serde_json::Value;

/// Leaves the facts of a part (`faults-1`, `races`); without a directory for them, nothing.
pub fn note(part: &str, facts: &Value) {
    if let Some(directory) = std::env::var_os("GUERDON_FACTS") {
        let directory = std::path::PathBuf::from(directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{part}.json")), facts.to_string()).unwrap();
    }
}
