//! Lowering what a series or a grant offers (R8.5): grants below that are above the new bound stand in the way, or are moved with it.
//!
//! Up to ninety are moved in the transaction that lowers the bound. More are a job of the reward worker: the node is first *closed*,
//! so that nothing new comes to be above the bound; then its grants are moved in parts, leaves first, and with the last part the node
//! itself. Whoever adds or raises a grant writes the one above it, too, so ceilings hold at every moment.

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

/// What offers: a series to level 1, a grant to the shops right below.
pub(crate) enum Node<'a> {
    /// A series.
    Series(&'a Versioned<Series>),
    /// A grant.
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

    /// All grants below, read consistently.
    async fn below(&self, app: &App) -> Result<Vec<Versioned<Grant>>, Fault> {
        let prefix = match self.path() {
            Some(path) => format!("{GRANTS}{path}/"),
            None => GRANTS.to_owned(),
        };
        let ask = Query::newest(Index::Table, series_of(self.series()), 1_000);
        app.store.all(Query { prefix: Some(prefix), ..ask }).await
    }
}

/// The grants that a stricter offer moves.
pub(crate) struct Lowered {
    below: Vec<Versioned<Grant>>,
    moves: Vec<subtree::GrantMove>,
}

impl Lowered {
    /// Whether all of them are moved in one transaction with the node.
    pub(crate) fn fits(&self) -> bool {
        self.moves.len() <= TOGETHER
    }

    /// Adds their writes, or the promise of a job that makes them.
    ///
    /// # Errors
    /// When a version ran out.
    pub(crate) fn write(&self, app: &App, tx: &mut Tx, node: &Node<'_>) -> Result<(), Fault> {
        if !self.fits() {
            tx.send(Message::GrantTermsTightened { series: node.series(), grant: node.grant() });
            return Ok(());
        }
        self.part(app, tx, self.moves.len())
    }

    /// The first of them, leaves first.
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

/// What an offer moves below a node. `raised` is the node itself where its own prices are below its new costs.
///
/// # Refuses
/// `children_above` with all that would move, unless `adjust`; `change_under_way` while an earlier lowering is carried out.
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

async fn lowered(app: &App, node: &Node<'_>, offer: &GrantOffer) -> Result<Lowered, Fault> {
    let below = node.below(app).await?;
    let grants: Vec<&Grant> = below.iter().map(|grant| &**grant).collect();
    let moves = subtree::moves(offer, &grants, app.clock.now()).0;
    Ok(Lowered { below, moves })
}

/// Goes on with a lowering: the next part of its grants, and with the last part the node. Finds nothing to do once it is done.
///
/// # Errors
/// A fault; the message is delivered again.
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

/// A grant's own bound may have been lowered meanwhile: what it becomes stands under that, too.
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

/// What stands above a grant: its parent's grant, at level 1 the series.
pub(crate) enum Above {
    /// The platform.
    Series(Box<Versioned<Series>>),
    /// The parent shop.
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

    /// What it lets the shops below have.
    pub(crate) fn offer(&self) -> GrantOffer {
        match self {
            Self::Series(series) => series.offer(),
            Self::Grant(grant) => grant.offer(),
        }
    }

    /// Writes it as it was read: whoever has seen the grants below it to lower it, looks again. To demand that it stays as it is
    /// would not do: the one who lowers it demands nothing of grants that are not in its way.
    pub(crate) fn touched(&self, tx: &mut Tx) {
        match self {
            Self::Series(series) => tx.replace(series, series),
            Self::Grant(grant) => tx.replace(grant, grant),
        };
    }

    /// Counts one grant more or less right below it.
    ///
    /// # Errors
    /// A count that is off.
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
