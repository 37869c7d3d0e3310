//! Orders as staff see them (R4.12).

pub mod view;
