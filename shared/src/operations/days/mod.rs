//! Totals of the platform by day (R9.2).

pub mod view;
