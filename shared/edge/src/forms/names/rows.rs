//! Lists whose rows a form can empty and add to, and entries as they were typed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{object, split};

/// List, place, and the rest of the name of an entry, for a list that is marked.
fn placed<'a>(name: &'a str, lists: &BTreeSet<&str>) -> Option<(&'a str, usize, &'a str)> {
    let (list, rest) = name.split_once('[')?;
    let (place, rest) = rest.split_once(']')?;
    Some((list, place.parse().ok()?, rest)).filter(|_| lists.contains(list))
}

/// The fields without rows that have no entry, the others of a list numbered anew.
pub(super) fn closed(fields: &[(String, String)]) -> Vec<(String, String)> {
    let marked = |name: &'_ str| split(name).1 == "rows";
    let lists: BTreeSet<&str> = fields.iter().filter(|(name, _)| marked(name)).map(|(name, _)| split(name).0).collect();
    let mut kept: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (name, text) in fields {
        let is_entry = !["bool", "key"].contains(&split(name).1) && !text.trim().is_empty();
        if let Some((list, place, _)) = placed(name, &lists).filter(|_| is_entry) {
            kept.entry(list).or_default().insert(place);
        }
    }
    let anew = |name: &str| match placed(name, &lists) {
        None => Some(name.to_owned()),
        Some((list, place, rest)) => {
            let places = kept.get(list).filter(|places| places.contains(&place))?;
            Some(format!("{list}[{}]{rest}", places.range(..place).count()))
        }
    };
    // A list's marker makes its place, so it comes first.
    let (markers, entries): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| marked(name));
    markers.into_iter().chain(entries).filter_map(|(name, text)| Some((anew(name)?, text.clone()))).collect()
}

/// The entries of a form as a document of texts, for the page that shows them again.
pub fn entered(fields: &[(String, String)]) -> Value {
    let typed = |(name, text): &(String, String)| {
        let (path, kind) = split(name);
        let kind = if kind == "int" { "" } else { kind };
        let name = if kind.is_empty() { path.to_owned() } else { format!("{path}:{kind}") };
        (name, text.clone())
    };
    object(&fields.iter().map(typed).collect::<Vec<_>>()).unwrap_or_default()
}
