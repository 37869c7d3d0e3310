//! All settings areas, listed once: each area's document is declared where it belongs (R9.1).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::account::model::settings::IdentitySettings;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::agency::model::settings::AgencySettings;
use crate::notices::model::settings::MailSettings;
use crate::operations::model::console::ConsoleSettings;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use crate::redemption::model::settings::RedemptionSettings;
use crate::referral::model::settings::ReferralSettings;
use crate::risk::model::settings::RiskSettings;
use kernel::fault::Fault;
use kernel::refusal::Refusal;
use kernel::settings::{FieldInfo, PartialSchema, ProgrammeSettings, RefOr, Schema, Settings, ToSchema, document};
use utoipa::openapi::Ref;
use utoipa::openapi::schema::OneOfBuilder;

/// A document and its version, which is its `ETag`; 0 is the default that nobody has written.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedSettings<T> {
    /// How often the document was written.
    pub version: u64,
    /// The document, shared by all who have read it.
    pub settings: Arc<T>,
}

/// One area as it was last read.
pub type Held<T> = Result<VersionedSettings<T>, Fault>;

/// Makes everything that has one thing per area from the one list of areas.
macro_rules! areas {
    ($($(#[$doc:meta])* $area:ident = $name:literal, $field:ident: $settings:ty $(, $held:path)?;)*) => {
        kernel::text_enum! {
            /// The areas of settings.
            pub enum Area {
                $($(#[$doc])* $area = $name,)*
            }
        }

        impl Area {
            /// Its fields, for forms and documents.
            pub fn fields(self) -> &'static [FieldInfo] {
                match self {
                    $(Self::$area => <$settings>::fields(),)*
                }
            }

            /// The JSON schema of its document, for forms.
            pub fn schema(self) -> Value {
                match self {
                    $(Self::$area => <$settings as kernel::settings::SettingValue>::schema(&()),)*
                }
            }
        }

        impl PartialSchema for AnySettings {
            fn schema() -> RefOr<Schema> {
                let each = [$(Ref::from_schema_name(<$settings as ToSchema>::name())),*];
                let about = "The whole document of an area; each area has a form of its own.";
                each.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).description(Some(about)).into()
            }
        }

        impl ToSchema for AnySettings {
            fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
                $(all.push((<$settings as ToSchema>::name().into_owned(), <$settings as PartialSchema>::schema()));)*
            }
        }

        /// A document of any area, as the admin route takes it.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnySettings {
            $($(#[$doc])* $area($settings),)*
        }

        impl AnySettings {
            /// The documented defaults of an area.
            pub fn defaults(area: Area) -> Self {
                match area {
                    $(Area::$area => Self::$area(<$settings>::default()),)*
                }
            }

            /// Parse and validate a new document of the area.
            ///
            /// # Rejects
            /// [`Refusal::Invalid`] with the pointer of every unknown or missing field, of the first wrong type, or of every value
            /// that a rule rejects.
            pub fn parse(area: Area, document: Value) -> Result<Self, Refusal> {
                Ok(match area {
                    $(Area::$area => Self::$area(<$settings>::parse(document)?),)*
                })
            }

            /// Reads a document that was stored: fields that it does not have yet hold their defaults.
            ///
            /// # Errors
            /// Fails if a field does not have its present type.
            pub fn stored(area: Area, text: &str) -> Result<Self, serde_json::Error> {
                Ok(match area {
                    $(Area::$area => Self::$area(<$settings>::stored(text)?),)*
                })
            }

            /// The area it is of.
            pub fn area(&self) -> Area {
                match self {
                    $(Self::$area(_) => Area::$area,)*
                }
            }

            /// The document as JSON.
            pub fn document(&self) -> Value {
                match self {
                    $(Self::$area(settings) => document(settings),)*
                }
            }
        }

        /// All areas, parsed once when they were read. What can't be read of one does not keep the others from being used.
        #[derive(Debug)]
        pub struct SettingsSnapshot {
            $($field: Held<$settings>,)*
        }

        impl SettingsSnapshot {
            /// Parses what is stored: version and text of each area that was written, or why it can't be read. `bad` makes the
            /// fault of a text that does not decode.
            pub fn parse(
                mut stored: impl FnMut(Area) -> Result<Option<(u64, String)>, Fault>,
                bad: impl Fn(Area, serde_json::Error) -> Fault,
            ) -> Self {
                Self {
                    $($field: stored(Area::$area).and_then(|stored| held(Area::$area, stored, &bad)),)*
                }
            }

            /// The areas that can't be used, and why.
            pub fn faults(&self) -> impl Iterator<Item = (Area, &Fault)> {
                [$((Area::$area, self.$field.as_ref().err())),*].into_iter().filter_map(|(area, fault)| Some((area, fault?)))
            }
        }

        $(impl AreaSettings for $settings {
            fn held_in(snapshot: &SettingsSnapshot) -> &Held<Self> {
                &snapshot.$field
            }

            $(fn as_of(&self, now: Timestamp) -> Option<Self> {
                $held(self, now)
            })?
        })*
    };
}

areas! {
    /// Sign-up.
    Identity = "identity", identity: IdentitySettings;
    /// The referral programme.
    Referral = "referral", referral: ReferralSettings, ProgrammeSettings::as_of;
    /// The new-user promotion.
    Promotion = "promotion", promotion: PromotionSettings, ProgrammeSettings::as_of;
    /// Top-ups.
    Payment = "payment", payment: PaymentSettings;
    /// The affiliate programme.
    Affiliate = "affiliate", affiliate: AffiliateSettings, ProgrammeSettings::as_of;
    /// Redemption codes.
    Redemption = "redemption", redemption: RedemptionSettings;
    /// The agency.
    Agency = "agency", agency: AgencySettings;
    /// Signals of abuse.
    Risk = "risk", risk: RiskSettings;
    /// Mails to users.
    Mail = "mail", mail: MailSettings;
    /// The console.
    Console = "console", console: ConsoleSettings;
}

/// A document of one area, and where it is in the snapshot of all.
pub trait AreaSettings: Settings {
    /// The area as it was last read.
    fn held_in(snapshot: &SettingsSnapshot) -> &Held<Self>;

    /// The settings of a programme with a window as they hold at a time (R10.4); `None` where time changes nothing.
    fn as_of(&self, _now: Timestamp) -> Option<Self> {
        None
    }
}

fn held<T: Settings>(
    area: Area,
    stored: Option<(u64, String)>,
    bad: &impl Fn(Area, serde_json::Error) -> Fault,
) -> Held<T> {
    let (version, settings) = match stored {
        Some((version, text)) => (version, T::stored(&text).map_err(|error| bad(area, error))?),
        None => (0, T::default()),
    };
    Ok(VersionedSettings { version, settings: Arc::new(settings) })
}

/// The settings reference: one row per field, as Markdown.
pub fn settings_reference() -> String {
    let mut text =
        "| field | unit | default | range | effect | from |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for area in Area::ALL {
        text.push_str(&format!("| **{}** | | | | | |\n", area.as_str()));
        for row in area.fields() {
            let name = format!("`{}`", row.name);
            let cells = [&name, row.unit, &row.default, &row.range, row.effect, row.from_when];
            let cells: String =
                cells.map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") }).concat();
            text.push_str(&format!("|{cells}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
