//! Password hashing: Argon2id with the deployment's cost (R2.1); hashes that accounts brought are compared as they are (R13.1).

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::account::model::foreign_hash::is_bcrypt;
use crate::account::model::identity::Password;
use crate::app::App;
use kernel::fault::Fault;

/// Hashes a password under a fresh salt, as a PHC string.
///
/// Takes tens of milliseconds by design, so hash once per request, not once per transaction attempt.
///
/// # Errors
/// A fault when the deployment's cost is out of range.
pub fn hash(app: &App, password: &Password) -> Result<String, Fault> {
    let salt: [u8; 16] = app.entropy.bytes();
    let hashed = hasher(app)?.hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(Fault::bug)
}

/// Compares a password with a hash.
///
/// One that an account brought from another system is compared by its own kind and cost, which were bounded as it came in (R13.1).
/// Without a hash the same work is done, so that timing does not reveal whether an account exists (R2.8).
///
/// # Errors
/// A fault when the deployment's cost is out of range.
pub fn verify(app: &App, password: &Password, hash: Option<&str>) -> Result<bool, Fault> {
    let hasher = hasher(app)?;
    let mut right = false;
    // Every candidate is hashed, so the number of hashes depends on what was sent only.
    for candidate in password.candidates() {
        right |= match hash {
            // More than 72 bytes never counted there, so they don't here.
            Some(hash) if is_bcrypt(hash) => bcrypt::verify(candidate, hash).unwrap_or(false),
            Some(hash) => hasher.verify_password(candidate, hash).is_ok(),
            None => hasher.hash_password_with_salt(candidate, &[0; 16]).is_err(),
        };
    }
    Ok(right && hash.is_some())
}

/// Tests whether a hash is of this deployment's kind and cost.
///
/// # Errors
/// A fault when the deployment's cost is out of range.
pub fn is_own(app: &App, hash: &str) -> Result<bool, Fault> {
    let own = hasher(app)?;
    let (version, params) = (u32::from(Version::V0x13), own.params());
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(hash.starts_with(&format!("${}$v={version}$m={memory},t={passes},p={lanes}$", Algorithm::Argon2id)))
}

fn hasher(app: &App) -> Result<Argon2<'static>, Fault> {
    let (memory, passes) = app.config.password_cost;
    let params = Params::new(memory, passes, 1, None).map_err(Fault::bug)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
