//! Texts of a batch's codes (R7.9, R7.10): derived from the code secret, or read where those that were brought are kept encrypted.

use std::collections::BTreeSet;

use crate::app::App;
use crate::redemption::model::code::{BROUGHT_TOGETHER, Batch, BroughtTexts};
use crate::redemption::model::code_text::{CodeHash, CodeText};
use crate::redemption::view::open_texts;
use kernel::fault::Fault;
use table::key::Key;

/// Code of a batch by its number, text and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub ordinal: u32,
    pub text: CodeText,
    pub hash: CodeHash,
}

/// Returns the codes of a batch from a number up to, and without, another; none if their version of the code secret was retired.
///
/// # Errors
/// A fault when the database cannot be reached, or brought texts can't be decrypted.
pub async fn texts(app: &App, batch: &Batch, from: u32, until: u32) -> Result<Vec<Named>, Fault> {
    some(app, batch, &(from..until).collect()).await
}

/// Returns some codes of a batch by their numbers, as [`texts`] does; those of which there are none are left out.
///
/// # Errors
/// As [`texts`].
pub async fn some(app: &App, batch: &Batch, numbers: &BTreeSet<u32>) -> Result<Vec<Named>, Fault> {
    let secrets = &app.config.codes;
    let named = |ordinal: u32, text: CodeText| {
        let hash = secrets.hash(batch.secret_version, &text)?;
        Some(Named { ordinal, text, hash })
    };
    if !batch.brought {
        let all = numbers.iter().filter_map(|ordinal| named(*ordinal, batch.text(*ordinal, secrets)?));
        return Ok(all.collect());
    }
    let pages: BTreeSet<u32> = numbers.iter().map(|ordinal| ordinal / BROUGHT_TOGETHER).collect();
    let keys: Vec<Key<BroughtTexts>> = pages.into_iter().map(|page| BroughtTexts::key(batch.id, page)).collect();
    let mut all = Vec::new();
    for page in app.store.read(keys).await?.into_iter().flatten() {
        let lost = || Fault::bug(format!("the texts of {} can't be decrypted", batch.id));
        let lines = open_texts(app, &page.sealed).ok_or_else(lost)?;
        let ordinals = page.page.saturating_mul(BROUGHT_TOGETHER)..;
        let texts = ordinals.zip(lines.lines()).filter(|(ordinal, _)| numbers.contains(ordinal));
        all.extend(texts.filter_map(|(ordinal, line)| named(ordinal, CodeText::parse(line)?)));
    }
    Ok(all)
}
