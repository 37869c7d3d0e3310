//! The verbs of Guerdon, one file each: read, decide, and say in one transaction what follows.

pub mod complete_order;
pub mod credit;
pub mod settle;
