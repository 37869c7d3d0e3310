//! Pages of agents (C3.3): a shop and those below it, what they may sell, and what they earn. Admins see them for a shop that they choose.

mod assets;
pub mod chain;
pub mod desk;
pub mod grants;
mod overview;
pub mod pages;
pub mod parts;
mod prices;
mod sales;
mod sell;
mod shops;
mod wallet;
mod words;
