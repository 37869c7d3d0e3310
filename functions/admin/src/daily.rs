//! Totals of the platform by day, and of each day by provider (R9.2).

use std::sync::Arc;

use axum::extract::State;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use shared::account::view::{Admin, StatsRead};
use shared::app::App;
use shared::edge::export::{Format, JsonOrCsv};
use shared::edge::page::{Listing, Parameters};
use shared::edge::problem::Problem;
use shared::edge::search::given;
use shared::kernel::refusal::Refusal;
use shared::operations::days::view::{Day, between};
use shared::operations::statistics::MOST_DAYS;
use utoipa::IntoParams;

const DAY: &str = "A day, such as 2026-11-20.";

/// Range of days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// First day; 30 days before the last if left out.
    from: Option<String>,
    /// Last day; today if left out.
    to: Option<String>,
    /// `1` to begin a CSV with a byte order mark, so that Excel reads it as UTF-8.
    #[expect(dead_code, reason = "the format reads it")]
    bom: Option<String>,
}

impl Days {
    fn read(&self, today: Date) -> Result<(Date, Date), Refusal> {
        let day = |text: &str| text.parse::<Date>().ok();
        let to = given("/to", self.to.as_deref(), DAY, day)?.unwrap_or(today);
        let from = given("/from", self.from.as_deref(), DAY, day)?;
        let from = from.unwrap_or_else(|| to.checked_sub(30.days()).unwrap_or(to));
        let most = to.checked_sub(MOST_DAYS.days()).unwrap_or(Date::MIN);
        match (most..=to).contains(&from) {
            true => Ok((from, to)),
            false => Err(Refusal::field("/from", "out_of_range", format!("at most {MOST_DAYS} days before `to`"))),
        }
    }
}

/// List the platform's totals by day and provider, newest first
///
/// Lists only days (UTC) with activity. Projected from messages, each counted once; updated within moments.
#[utoipa::path(
    get, path = "/v1/admin/stats/daily", operation_id = "getDailyStats", tag = "admin",
    responses((status = 200, content((Listing<Day> = "application/json"), (String = "text/csv")))),
)]
pub async fn days(
    State(app): State<Arc<App>>,
    _: Admin<StatsRead>,
    Parameters(days): Parameters<Days>,
    format: Format,
) -> Result<JsonOrCsv<Day>, Problem> {
    let (from, to) = days.read(app.clock.now().to_zoned(TimeZone::UTC).date())?;
    let items = between(&app, from, to).await?;
    Ok(JsonOrCsv { listing: Listing { items, next_cursor: None }, format })
}
