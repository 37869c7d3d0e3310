//! Pages and forms over the real handlers, without a browser: a client that finds forms by their buttons and follows them.

mod account;
mod admin;
mod affiliate;
mod brand;
pub mod client;
mod costs;
mod defences;
mod docs;
mod gate;
mod home;
mod invite;
mod journeys;
mod languages;
mod links;
mod markup;
mod orders;
mod records;
mod redeem;
mod schema;
mod shop;
mod signing_in;
mod texts;
mod topup;
