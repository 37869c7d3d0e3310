//! Registration and identity: R2.1–R2.5, R2.8, the part of R3.4 that sign-up decides, budgets.

mod desk;
mod mailed;
mod sessions;
mod signup;
