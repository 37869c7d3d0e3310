//! A shop: a place in the agency tree, and who runs it (R8.1).
//!
//! Its [`ShopPath`] names every shop from its level-1 shop down to itself, so that one item tells whom it stands below and which
//! levels a sale passes. Only a shop on which nothing rests can be moved, so no path ever changes under a child or a grant.
//!
//! Stored: `SHOP#{shp}`. Counts of children and grants stand on it: whoever adds one writes the shop, so that a move cannot pass.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::DEPTH_MAX;
use kernel::id::{ShopId, UserId};
use kernel::refusal::Refusal;

/// The shops from level 1 down to one shop; never empty, at most ten. Written `shp_…/shp_…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopPath(Vec<ShopId>);

impl ShopPath {
    /// The path of a level-1 shop.
    pub fn root(shop: ShopId) -> Self {
        Self(vec![shop])
    }

    /// The path of a shop right below this one.
    ///
    /// # Refuses
    /// 422 at `/parent_id` beyond the tenth level, and below itself (R8.1).
    pub fn child(&self, shop: ShopId) -> Result<Self, Refusal> {
        if self.0.contains(&shop) {
            return Err(Refusal::field("/parent_id", "cycle", "a shop can't stand below itself"));
        }
        if self.0.len() >= DEPTH_MAX {
            return Err(Refusal::field("/parent_id", "too_deep", format!("at most {DEPTH_MAX} levels")));
        }
        Ok(Self(self.0.iter().copied().chain([shop]).collect()))
    }

    /// Reads the written form.
    ///
    /// # Refuses
    /// `None` for no shops, too many, one twice, or what is not a shop's id.
    pub fn parse(text: &str) -> Option<Self> {
        let shops: Option<Vec<ShopId>> = text.split('/').map(ShopId::parse).collect();
        let shops = shops.filter(|shops| (1..=DEPTH_MAX).contains(&shops.len()))?;
        let twice =
            shops.iter().enumerate().any(|(at, shop)| shops.iter().skip(at.saturating_add(1)).any(|o| o == shop));
        (!twice).then_some(Self(shops))
    }

    /// The shop itself.
    pub fn shop(&self) -> Option<ShopId> {
        self.0.last().copied()
    }

    /// The level-1 shop: sales of one tree are settled in its group (R8.8).
    pub fn level_one(&self) -> Option<ShopId> {
        self.0.first().copied()
    }

    /// The path of the parent; none at level 1.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        (!above.is_empty()).then(|| Self(above.to_vec()))
    }

    /// How deep: 1 to 10.
    pub fn level(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `other` or stands below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether it stands right below `other`.
    pub fn is_child_of(&self, other: &Self) -> bool {
        self.is_within(other) && self.level() == other.level().saturating_add(1)
    }

    /// Itself, its parent, and so on up to level 1: the levels that earn of a sale, from the selling shop up (R8.9).
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

impl Serialize for ShopPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ShopPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a path of shops"))
    }
}

/// How far somebody sees and acts in the tree (R8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All of it: an admin, who acts for whichever shop it takes.
    Platform,
    /// A shop and those below it: its agent.
    Below(ShopPath),
}

impl Reach {
    /// Whether a shop is in reach. What is not, is as if it were not there.
    pub fn holds(&self, path: &ShopPath) -> bool {
        match self {
            Self::Platform => true,
            Self::Below(own) => path.is_within(own),
        }
    }

    /// That what is decided by `decider` may be decided: by that shop itself, or an admin; none is the platform.
    ///
    /// # Refuses
    /// `forbidden`.
    pub fn must_be(&self, decider: Option<&ShopPath>) -> Result<(), Refusal> {
        match self {
            Self::Platform => Ok(()),
            Self::Below(own) if Some(own) == decider => Ok(()),
            Self::Below(_) => Err(Refusal::Forbidden),
        }
    }
}

/// Who acts in the agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    /// An admin or an agent.
    pub id: UserId,
    /// How far.
    pub reach: Reach,
}

/// A reseller's place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Which.
    pub id: ShopId,
    /// Counts its changes, from 1; its `ETag`.
    pub version: u64,
    /// What people call it.
    pub name: String,
    /// Where it stands, from its level-1 shop down to itself.
    pub path: ShopPath,
    /// The agent who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// How many shops stand right below it.
    pub children: u32,
    /// How many grants it has.
    pub grants: u32,
    /// Whether it ever had an asset: those, and its sales, stand under its path.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stocked: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Shop {
    /// Its parent; none at level 1, where the platform is.
    pub fn parent(&self) -> Option<ShopId> {
        self.path.parent().and_then(|path| path.shop())
    }

    /// It below another parent, or at level 1.
    ///
    /// # Refuses
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

    /// It with one child more or less.
    ///
    /// # Refuses
    /// `None` when there is none to take away.
    pub fn with_child(&self, more: bool) -> Option<Self> {
        let children = if more { self.children.checked_add(1) } else { self.children.checked_sub(1) }?;
        Some(Self { children, ..self.clone() })
    }

    /// It with one grant more or less.
    ///
    /// # Refuses
    /// `None` when there is none to take away.
    pub fn with_grant(&self, more: bool) -> Option<Self> {
        let grants = if more { self.grants.checked_add(1) } else { self.grants.checked_sub(1) }?;
        Some(Self { grants, ..self.clone() })
    }
}
