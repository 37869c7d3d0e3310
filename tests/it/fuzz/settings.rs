//! Fuzzed settings documents. An input is the area's name on the first line, then the document.

use serde_json::Value;
use shared::kernel::refusal::Refusal;
use shared::operations::model::settings::{AnySettings, Area};

use super::any;

const AREAS: [Area; 9] = [
    Area::Identity,
    Area::Referral,
    Area::Promotion,
    Area::Payment,
    Area::Affiliate,
    Area::Redemption,
    Area::Agency,
    Area::Risk,
    Area::Console,
];

fn seeds() -> Vec<Vec<u8>> {
    let text = |area: Area| format!("{}\n{}", area.as_str(), AnySettings::defaults(area).document());
    AREAS.into_iter().map(text).map(String::into_bytes).collect()
}

/// R9.1: any document is stored as sent, or rejected with the pointer of the bad field.
#[test]
fn any_document_is_kept_as_it_says_or_refused_with_the_place() {
    any!("settings", seeds(), |input| {
        let text = String::from_utf8_lossy(input);
        let Some((area, document)) = text.split_once('\n') else { return };
        let (Some(area), Ok(document)) = (Area::parse(area), serde_json::from_str::<Value>(document)) else { return };
        match AnySettings::parse(area, document.clone()) {
            Ok(settings) => {
                let kept = settings.document();
                let again = AnySettings::parse(area, kept.clone());
                assert_eq!(again.map(|again| again.document()).ok(), Some(kept), "{document}");
            }
            Err(Refusal::Invalid(fields)) => {
                assert!(!fields.is_empty(), "{document}");
                for field in fields {
                    assert!(field.pointer.is_empty() || field.pointer.starts_with('/'), "{} {document}", field.pointer);
                }
            }
            Err(refusal) => panic!("{refusal:?} {document}"),
        }
    });
}
