//! Lowers the offer of a series or grant (R8.5): grants above the new bound block it or are moved too.
//!
//! Up to ninety grants are moved in the transaction that lowers the bound. More are moved by a job of the reward worker. The
//! node is first *closed*, so that no new grant exceeds the bound. Then its grants are moved in parts, leaves first, and the
//! node itself with the last part. Adding or raising a grant also writes the grant above it, so the ceilings hold at every
//! moment.

use crate::agency::model::TOGETHER;
use crate::agency::model::grant::{Grant, GrantOffer, GrantPlace, GrantTerms};
use crate::agency::model::series::Series;
use crate::agency::model::shop::ShopPath;
use crate::agency::model::subtree;
use crate::agency::table::{GRANTS, series_of};
use crate::app::App;
use crate::message::Message;
use kernel::fault::{Error, Fault};
use kernel::id::{GrantId, SeriesId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::store::{Index, Query};
use table::tx::Tx;

/// A node that offers terms: a series to level 1, a grant to the shops directly below.
pub(crate) enum Node<'a> {
    Series(&'a Versioned<Series>),
    Grant(&'a Versioned<Grant>),
}

impl Node<'_> {
    fn series(&self) -> SeriesId {
        match self {
            Self::Series(series) => series.id,
            Self::Grant(grant) => grant.series,
        }
    }

    fn grant(&self) -> Option<GrantId> {
        match self {
            Self::Series(_) => None,
            Self::Grant(grant) => Some(grant.id),
        }
    }

    fn path(&self) -> Option<&ShopPath> {
        match self {
            Self::Series(_) => None,
            Self::Grant(grant) => Some(&grant.path),
        }
    }

    fn is_closing(&self) -> bool {
        match self {
            Self::Series(series) => series.closing.is_some(),
            Self::Grant(grant) => grant.closing.is_some(),
        }
    }

    /// Reads all grants below, consistently.
    async fn below(&self, app: &App) -> Result<Vec<Versioned<Grant>>, Fault> {
        let prefix = match self.path() {
            Some(path) => format!("{GRANTS}{path}/"),
            None => GRANTS.to_owned(),
        };
        let ask = Query::newest(Index::Table, series_of(self.series()), 1_000);
        app.store.all(Query { prefix: Some(prefix), ..ask }).await
    }
}

/// Grants that a stricter offer changes.
pub(crate) struct Lowered {
    below: Vec<Versioned<Grant>>,
    moves: Vec<subtree::GrantMove>,
}

impl Lowered {
    /// True if all of them fit in one transaction with the node.
    pub(crate) fn fits(&self) -> bool {
        self.moves.len() <= TOGETHER
    }

    /// Adds their writes, or the outbox message of the job that makes them.
    ///
    /// # Errors
    /// A fault if a version overflows.
    pub(crate) fn write(&self, app: &App, tx: &mut Tx, node: &Node<'_>) -> Result<(), Fault> {
        if !self.fits() {
            tx.send(Message::GrantTermsTightened { series: node.series(), grant: node.grant() });
            return Ok(());
        }
        self.part(app, tx, self.moves.len())
    }

    /// Adds the writes of the first `most` of them, leaves first.
    fn part(&self, app: &App, tx: &mut Tx, most: usize) -> Result<(), Fault> {
        for wanted in self.moves.iter().take(most) {
            let Some(grant) = self.below.get(wanted.at) else { continue };
            let after = grant.with_terms(wanted.terms.clone(), app.clock.now());
            let after = after.ok_or_else(|| Fault::bug("a grant's versions ran out"))?;
            tx.replace(grant, &Grant { closing: grant.closing.clone(), ..after });
        }
        Ok(())
    }
}

/// Grants below a node that an offer changes.
///
/// `raised` is the node itself if its own retail prices are below its new costs.
///
/// # Rejects
/// `children_above` with all affected grants, unless `adjust`; `change_under_way` while an earlier lowering is running.
pub(crate) async fn moves_for(
    app: &App,
    node: &Node<'_>,
    offer: &GrantOffer,
    adjust: bool,
    raised: Option<GrantId>,
) -> Result<Lowered, Error> {
    if node.is_closing() {
        return Err(Refusal::ChangeUnderWay.into());
    }
    let lowered = lowered(app, node, offer).await?;
    let ids = lowered.moves.iter().filter_map(|wanted| lowered.below.get(wanted.at).map(|grant| grant.id));
    let affected: Vec<GrantId> = raised.into_iter().chain(ids).collect();
    if !affected.is_empty() && !adjust {
        return Err(Refusal::ChildrenAbove { affected }.into());
    }
    Ok(lowered)
}

/// A grant that a stricter offer moves, and its terms afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct MovedGrant {
    pub grant: Grant,
    pub after: GrantTerms,
}

/// Lists the grants below a node that an offer changes, those nearest to it first.
///
/// # Errors
/// A fault if the database can't be reached.
pub(crate) async fn preview(app: &App, node: &Node<'_>, offer: &GrantOffer) -> Result<Vec<MovedGrant>, Fault> {
    let Lowered { below, moves } = lowered(app, node, offer).await?;
    let of = |wanted: subtree::GrantMove| Some((Grant::clone(below.get(wanted.at)?), wanted.terms));
    let all = moves.into_iter().rev().filter_map(of);
    Ok(all.map(|(grant, after)| MovedGrant { grant, after }).collect())
}

async fn lowered(app: &App, node: &Node<'_>, offer: &GrantOffer) -> Result<Lowered, Fault> {
    let below = node.below(app).await?;
    let grants: Vec<&Grant> = below.iter().map(|grant| &**grant).collect();
    let moves = subtree::moves(offer, &grants, app.clock.now()).0;
    Ok(Lowered { below, moves })
}

/// Continues a lowering: moves the remaining grants in parts, and the node with the last part.
///
/// Does nothing once it is complete.
///
/// # Errors
/// A fault; the message is then redelivered.
pub async fn lower(app: &App, series: SeriesId, grant: Option<GrantId>) -> Result<(), Error> {
    loop {
        let more = app.execute(&Ctx::system(), || plan(app, series, grant)).await?.answer;
        if !more {
            return Ok(());
        }
    }
}

async fn plan(app: &App, series: SeriesId, grant: Option<GrantId>) -> Result<(bool, Tx), Error> {
    match grant {
        None => {
            let Some(series) = app.store.get::<Series>(&Series::key(series)).await? else {
                return Ok((false, app.tx()));
            };
            plan_series(app, &series).await
        }
        Some(grant) => {
            let place = app.store.get::<GrantPlace>(&GrantPlace::key(grant)).await?;
            let Some(place) = place.filter(|place| !place.deleted) else { return Ok((false, app.tx())) };
            let grant = app.store.get::<Grant>(&Grant::key(place.series, &place.path)).await?;
            let Some(grant) = grant else { return Ok((false, app.tx())) };
            plan_grant(app, &grant).await
        }
    }
}

async fn plan_series(app: &App, series: &Versioned<Series>) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(closing) = &series.closing else { return Ok((false, tx)) };
    let moves = lowered(app, &Node::Series(series), &closing.offer()).await?;
    moves.part(app, &mut tx, TOGETHER)?;
    let more = !moves.fits();
    if !more {
        let after = Series { terms: (**closing).clone(), closing: None, ..Series::clone(series) };
        tx.replace(series, &after);
    }
    Ok((more, tx))
}

/// Plans the next part of a grant's lowering.
///
/// The bound above may have been lowered meanwhile, so the closing terms are adapted to it first.
async fn plan_grant(app: &App, grant: &Versioned<Grant>) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(closing) = &grant.closing else { return Ok((false, tx)) };
    let above = Above::read(app, grant).await?;
    let terms: GrantTerms = closing.moved_under(&above.offer(), app.clock.now());
    let moves = lowered(app, &Node::Grant(grant), &terms.offer()).await?;
    moves.part(app, &mut tx, TOGETHER)?;
    let more = !moves.fits();
    if !more {
        let after = grant.with_terms(terms, app.clock.now()).ok_or_else(|| Fault::bug("a grant's versions ran out"))?;
        tx.replace(grant, &after);
        above.touched(&mut tx);
    }
    Ok((more, tx))
}

/// Source of a grant's bounds: its parent's grant, at level 1 the series.
pub(crate) enum Above {
    Series(Box<Versioned<Series>>),
    Grant(Box<Versioned<Grant>>),
}

impl Above {
    async fn read(app: &App, grant: &Grant) -> Result<Self, Fault> {
        let missing = || Fault::bug("a grant without what it stands under");
        match grant.path.parent() {
            None => {
                let series = app.store.get::<Series>(&Series::key(grant.series)).await?;
                Ok(Self::Series(Box::new(series.ok_or_else(missing)?)))
            }
            Some(parent) => {
                let parent = app.store.get::<Grant>(&Grant::key(grant.series, &parent)).await?;
                Ok(Self::Grant(Box::new(parent.ok_or_else(missing)?)))
            }
        }
    }

    /// Bounds for the shops below.
    pub(crate) fn offer(&self) -> GrantOffer {
        match self {
            Self::Series(series) => series.offer(),
            Self::Grant(grant) => grant.offer(),
        }
    }

    /// Rewrites the node unchanged, so that a concurrent lowering conflicts and re-plans.
    ///
    /// A check without a write would not suffice: a lowering adds no condition on grants it does not change.
    pub(crate) fn touched(&self, tx: &mut Tx) {
        match self {
            Self::Series(series) => tx.replace(series, series),
            Self::Grant(grant) => tx.replace(grant, grant),
        };
    }

    /// Counts one grant directly below it more or less.
    ///
    /// # Errors
    /// A fault if the count would be negative or overflow.
    pub(crate) fn counted(&self, tx: &mut Tx, more: bool) -> Result<(), Fault> {
        let off = || Fault::bug("grants were miscounted");
        match self {
            Self::Series(series) => {
                tx.replace(series, &series.with_grant(more).ok_or_else(off)?);
            }
            Self::Grant(grant) => {
                tx.replace(grant, &grant.with_child(more).ok_or_else(off)?);
            }
        }
        Ok(())
    }
}
