//! The list of cases (R10.2).

use crate::app::App;
use crate::risk::model::case::{CaseState, RiskCase};
use crate::risk::table::CASES;
use kernel::fault::Fault;
use kernel::id::UserId;
use table::list::{ListSource, Window, only, walk};
use table::store::Page;

/// Filter of cases.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaseFilter {
    pub state: Option<CaseState>,
    pub inviter: Option<UserId>,
}

/// Lists cases, newest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn cases(app: &App, filter: &CaseFilter, window: &Window) -> Result<Page<RiskCase>, Fault> {
    let filtered = filter.state.is_some() || filter.inviter.is_some();
    walk(app, &window.walk(ListSource::Platform(CASES), filtered), |case: &RiskCase| {
        let fits = filter.state.is_none_or(|state| state == case.state)
            && filter.inviter.is_none_or(|inviter| inviter == case.inviter);
        only(fits && window.holds(case.opened_at), case)
    })
    .await
}
