//! Grants below that a lowered grant moves: those that are affected, with old and new terms, and the same form once more to move them (R8.5).

use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::grants::{ChangeGrant, ChangePackages, grants_moved, packages_moved};
use shared::agency::model::grant::{GrantTerms, GrantedPackage, OwnTier, PackageChange};
use shared::agency::model::series::Series;
use shared::agency::model::shop::{Reach, Seller};
use shared::agency::queries::shops_of;
use shared::agency::tighten::MovedGrant;
use shared::edge::forms::{Flash, VERSION};
use shared::kernel::fault::Error;
use shared::kernel::id::{GrantId, PackageId};
use shared::kernel::money::plain_decimal;
use shared::kernel::refusal::Refusal;

use super::super::desk::Desk;
use super::super::parts::{Act, Shops, form, shop_link};
use super::super::words::own_terms;
use crate::list::{Column, table};

/// Most places that a refused form is searched for.
const PLACES: usize = 100;

/// Wish of a refused form.
pub enum Asked {
    Terms(ChangeGrant),
    Packages(ChangePackages),
}

impl Asked {
    /// Reads the entries of a form for the terms of a grant; `None` for one that was too long to keep.
    pub fn terms(desk: &Desk, flash: &Flash, grant: GrantId) -> Option<Self> {
        let entry = |name: &str| amount(desk, flash.values.get(name)?);
        let tier = |place: usize| {
            Some(OwnTier {
                threshold: entry(&format!("commission_tiers[{place}].threshold"))?,
                amount: entry(&format!("commission_tiers[{place}].amount"))?,
            })
        };
        let tiers: Vec<OwnTier> = (0..PLACES).map_while(tier).collect();
        let tiers = Some(tiers).filter(|tiers| !tiers.is_empty());
        let amount = entry("commission_amount");
        (amount.is_some() || tiers.is_some()).then_some(Self::Terms(ChangeGrant {
            grant,
            version: 0,
            amount,
            tiers,
            forced: None,
            enabled: None,
            adjust: true,
        }))
    }

    /// Reads the entries of a form for the packages of a grant.
    pub fn packages(desk: &Desk, flash: &Flash, grant: GrantId) -> Option<Self> {
        let change = |place: usize| {
            let package = PackageId::parse(flash.values.get(&format!("packages[{place}].package_id:key"))?)?;
            if flash.values.contains_key(&format!("packages[{place}].remove:bool")) {
                return Some(PackageChange::Remove(package));
            }
            let begins = format!("packages[{place}].cost_price");
            let (_, cost) = flash.values.iter().find(|(name, _)| name.split(':').next() == Some(&begins))?;
            Some(PackageChange::Cost(package, amount(desk, cost)?))
        };
        let changes: Vec<PackageChange> = (0..PLACES).filter_map(change).collect();
        let ask = ChangePackages { grant, version: 0, changes, adjust: true };
        (!ask.changes.is_empty()).then_some(Self::Packages(ask))
    }
}

fn amount(desk: &Desk, text: &str) -> Option<Decimal> {
    plain_decimal(text, desk.settings.currency.digits())
}

/// Grants that are moved, with the names of their shops.
pub struct Moved {
    grants: Vec<MovedGrant>,
    shops: Shops,
}

impl Moved {
    /// Computes what a refused form would move.
    ///
    /// # Errors
    /// What the use case rejects, and a fault if the database can't be reached.
    pub async fn read(desk: &Desk, asked: &Asked) -> Result<Self, Error> {
        let (app, visitor) = (&desk.visit.app, desk.visit.member()?);
        let reach = if desk.is_admin { Reach::Platform } else { desk.reach() };
        let seller = Seller { id: visitor.user.id, reach };
        let grants = match asked {
            Asked::Terms(ask) => grants_moved(app, &seller, ask).await?,
            Asked::Packages(ask) => packages_moved(app, &seller, ask).await?,
        };
        let ids = grants.iter().filter_map(|moved| moved.grant.path.shop());
        let shops = shops_of(app, ids).await?;
        Ok(Self { grants, shops })
    }
}

/// The card that lists what is affected, and its button.
pub fn card(
    desk: &Desk,
    flash: &Flash,
    act: &Act<'_>,
    version: u64,
    series: &Series,
    moved: Result<Moved, Error>,
) -> Markup {
    let text = desk.text();
    let moved = match moved {
        Ok(moved) => moved,
        Err(Error::Refused(Refusal::NotFound)) => return html! {},
        Err(error) => return html! { section.card { (crate::list::alone(&desk.visit, Err(error))) } },
    };
    let columns = [Column::Text(text.shop_shop()), Column::Text(text.before()), Column::Text(text.after())];
    let row = |one: &MovedGrant| {
        let (before, after) = (one.grant.wanted(), &one.after);
        let shop = shop_link(desk, &moved.shops, &one.grant.path);
        vec![shop, side(desk, series, before, after), side(desk, series, after, before)]
    };
    let rows: Vec<Vec<Markup>> = moved.grants.iter().map(row).collect();
    let again = html! {
        @for (name, value) in flash.values.iter().filter(|(name, _)| name.as_str() != VERSION && !name.starts_with("adjust_children")) {
            input type="hidden" name=(name) value=(value);
        }
        input type="hidden" name=(VERSION) value=(version);
        input type="hidden" name="adjust_children:bool" value="true";
        div.row { button.btn.risk.solid { (text.shop_move_them()) } a.btn.bare href=(desk.visit.with("", "")) { (text.shop_leave_them()) } }
    };
    html! {
        section.card #affected aria-labelledby="affected-title" {
            header { h2 #affected-title { (text.shop_affected()) } p { (text.shop_affected_lead()) } }
            @if rows.is_empty() { div.in { p { (text.shop_affected_retail()) } } } @else { (table(&columns, &rows)) }
            div.in { (form(desk, act, &again)) }
        }
    }
}

/// Terms of a grant as far as they differ from others.
fn side(desk: &Desk, series: &Series, of: &GrantTerms, from: &GrantTerms) -> Markup {
    let text = desk.text();
    let differs = |held: &&GrantedPackage| {
        from.package(held.id)
            .is_none_or(|other| other.cost_price != held.cost_price || other.retail_price != held.retail_price)
    };
    let name = |id: PackageId| series.wanted().package(id).map(|package| package.name.clone()).unwrap_or_default();
    let gone = from.packages.iter().filter(|held| of.package(held.id).is_none());
    html! {
        @if of.own != from.own { (own_terms(desk, &series.wanted().commission, &of.own)) }
        ul.stack-xs {
            @for held in of.packages.iter().filter(differs) {
                li { (name(held.id)) ": " (text.shop_cost()) " " (desk.money(held.cost_price)) ", " (text.shop_retail()) " " (desk.money(held.retail_price)) }
            }
            @for held in gone { li { (name(held.id)) ": " (text.shop_not_granted()) } }
        }
    }
}
