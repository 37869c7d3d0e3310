//! Sales and earnings of shops as files, for staff and for agents (C3.1).

use axum::response::Response;
use shared::agency::model::order::AgencyOrder;
use shared::agency::model::shop::Reach;
use shared::agency::queries::{self, SaleFilter};
use shared::agency::view::{SaleView, ShopCommission};
use shared::edge::export::CsvRow;
use shared::payment::model::order::Order;
use shared::table::list::Window;
use shared::table::store::Page;

use crate::admin::filters::Days;
use crate::export;
use crate::visit::Visit;

/// The sales in reach as a file; `back` is the list's page.
pub async fn sales(visit: &Visit, reach: &Reach, filter: &SaleFilter, days: Days, back: &str) -> Response {
    let read = |window: Window| async move {
        let page = queries::orders(&visit.app, reach, filter, &window).await?;
        let view = |(order, payment): &(AgencyOrder, Option<Order>)| SaleView::of(order, payment.as_ref(), reach);
        Ok(Page { items: page.items.iter().map(view).collect::<Result<_, _>>()?, next: page.next })
    };
    export::list(visit, ("sales", back), SaleView::COLUMNS, days, read).await
}

/// Earnings of each level by them as a file.
pub async fn commissions(visit: &Visit, reach: &Reach, filter: &SaleFilter, days: Days, back: &str) -> Response {
    let read = |window: Window| async move {
        let page = queries::commissions(&visit.app, reach, filter, &window).await?;
        Ok(Page { items: page.items.iter().map(ShopCommission::of).collect::<Result<_, _>>()?, next: page.next })
    };
    export::list(visit, ("commission", back), ShopCommission::COLUMNS, days, read).await
}
