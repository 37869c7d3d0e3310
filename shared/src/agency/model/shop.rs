//! A shop: a place in the agency tree, and its agent (R8.1).
//!
//! Its [`ShopPath`] lists every shop from its level-1 shop down to itself, so one item shows its parents and the levels of a
//! sale. Only a shop without children, grants and assets can be moved, so no path changes under a child or a grant.
//!
//! Stored as `SHOP#{shp}`. The item counts children and grants: adding one writes the shop, which conflicts with a concurrent
//! move.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DEPTH_MAX;
use kernel::id::{ShopId, UserId};
use kernel::refusal::Refusal;

/// Path from the level-1 shop down to one shop: one to ten shops, written `shp_…/shp_…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopPath(Vec<ShopId>);

impl ShopPath {
    /// The path of a level-1 shop.
    pub fn root(shop: ShopId) -> Self {
        Self(vec![shop])
    }

    /// The path of a shop directly below this one.
    ///
    /// # Rejects
    /// 422 at `/parent_id` beyond the tenth level, and for a shop below itself (R8.1).
    pub fn child(&self, shop: ShopId) -> Result<Self, Refusal> {
        if self.0.contains(&shop) {
            return Err(Refusal::field("/parent_id", "cycle", "a shop can't stand below itself"));
        }
        if self.0.len() >= DEPTH_MAX {
            return Err(Refusal::field("/parent_id", "too_deep", format!("at most {DEPTH_MAX} levels")));
        }
        Ok(Self(self.0.iter().copied().chain([shop]).collect()))
    }

    /// Parses the written form.
    ///
    /// # Rejects
    /// `None` for no shops, too many, a repeated one, or an invalid shop id.
    pub fn parse(text: &str) -> Option<Self> {
        let shops: Option<Vec<ShopId>> = text.split('/').map(ShopId::parse).collect();
        let shops = shops.filter(|shops| (1..=DEPTH_MAX).contains(&shops.len()))?;
        let twice =
            shops.iter().enumerate().any(|(at, shop)| shops.iter().skip(at.saturating_add(1)).any(|o| o == shop));
        (!twice).then_some(Self(shops))
    }

    /// The shop at the end of the path.
    pub fn shop(&self) -> Option<ShopId> {
        self.0.last().copied()
    }

    /// The level-1 shop; sales of one tree are settled in its message group (R8.8).
    pub fn level_one(&self) -> Option<ShopId> {
        self.0.first().copied()
    }

    /// The path of the parent; `None` at level 1.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        (!above.is_empty()).then(|| Self(above.to_vec()))
    }

    /// Level in the tree, from 1 to 10.
    pub fn level(&self) -> usize {
        self.0.len()
    }

    /// True if it is `other` or below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// True if it is directly below `other`.
    pub fn is_child_of(&self, other: &Self) -> bool {
        self.is_within(other) && self.level() == other.level().saturating_add(1)
    }

    /// The path itself, its parent, and so on up to level 1.
    ///
    /// These are the levels that earn from a sale, from the selling shop up (R8.9).
    pub fn upward(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }
}

impl fmt::Display for ShopPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, shop) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            write!(f, "{shop}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ShopPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

kernel::as_text!(ShopPath, "not a path of shops");

/// Part of the tree that a caller sees and acts in (R8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The whole tree: an admin, who may act for any shop.
    Platform,
    /// A shop and those below it: its agent.
    Below(ShopPath),
}

impl Reach {
    /// True if a shop is in reach; one that is not is answered as not found.
    pub fn holds(&self, path: &ShopPath) -> bool {
        match self {
            Self::Platform => true,
            Self::Below(own) => path.is_within(own),
        }
    }

    /// Checks that the caller is the shop `decider` or an admin; `None` stands for the platform.
    ///
    /// # Rejects
    /// `forbidden`.
    pub fn must_be(&self, decider: Option<&ShopPath>) -> Result<(), Refusal> {
        match self {
            Self::Platform => Ok(()),
            Self::Below(own) if Some(own) == decider => Ok(()),
            Self::Below(_) => Err(Refusal::Forbidden),
        }
    }
}

/// Caller of an agency use case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    /// The admin or agent.
    pub id: UserId,
    pub reach: Reach,
}

impl Seller {
    /// The shop that the caller runs.
    ///
    /// # Rejects
    /// `forbidden` for an admin, who runs none.
    pub fn own_shop(&self) -> Result<ShopId, Refusal> {
        match &self.reach {
            Reach::Below(path) => path.shop().ok_or(Refusal::Forbidden),
            Reach::Platform => Err(Refusal::Forbidden),
        }
    }
}

/// A reseller's shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    pub id: ShopId,
    /// Number of changes, from 1; its `ETag`.
    pub version: u64,
    pub name: String,
    /// Path from its level-1 shop down to itself.
    pub path: ShopPath,
    /// The agent who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Number of shops directly below it.
    pub children: u32,
    /// Number of its grants.
    pub grants: u32,
    /// True once it had an asset; assets and sales are stored under its path.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stocked: bool,
    pub created_at: Timestamp,
}

impl Shop {
    /// The parent shop; `None` at level 1, below the platform.
    pub fn parent(&self) -> Option<ShopId> {
        self.path.parent().and_then(|path| path.shop())
    }

    /// The shop below another parent, or at level 1.
    ///
    /// # Rejects
    /// `shop_in_use` with children, grants, assets or sales; 422 for a cycle or beyond the tenth level (R8.1).
    pub fn moved(&self, parent: Option<&Self>) -> Result<Self, Refusal> {
        if self.children > 0 || self.grants > 0 || self.stocked {
            return Err(Refusal::ShopInUse);
        }
        let path = match parent {
            Some(parent) => parent.path.child(self.id)?,
            None => ShopPath::root(self.id),
        };
        Ok(Self { path, ..self.clone() })
    }

    /// The shop with one child more or less.
    ///
    /// # Rejects
    /// `None` if there is none to remove.
    pub fn with_child(&self, more: bool) -> Option<Self> {
        let children = if more { self.children.checked_add(1) } else { self.children.checked_sub(1) }?;
        Some(Self { children, ..self.clone() })
    }

    /// The shop with one grant more or less.
    ///
    /// # Rejects
    /// `None` if there is none to remove.
    pub fn with_grant(&self, more: bool) -> Option<Self> {
        let grants = if more { self.grants.checked_add(1) } else { self.grants.checked_sub(1) }?;
        Some(Self { grants, ..self.clone() })
    }
}
