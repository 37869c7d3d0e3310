//! The inviters above a user, one above the other: nobody is their own inviter along them (R3.12).

use crate::account::model::user::User;
use crate::app::App;
use crate::referral::model::late_bind::MOST_ABOVE;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use table::item::Versioned;
use table::tx::Tx;

/// Why a user cannot come under an inviter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplaced {
    /// The inviter was invited by the user, directly or through others.
    Circle,
    /// There are too many inviters above.
    TooDeep,
}

impl Misplaced {
    /// Returns the code of the error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::TooDeep => "too_deep",
        }
    }
}

/// Reads an inviter.
///
/// # Errors
/// A fault when the database cannot be reached, or the inviter is not there.
pub async fn inviter(app: &App, id: UserId) -> Result<Versioned<User>, Fault> {
    let user = app.store.get::<User>(&User::key(id)).await?;
    user.ok_or_else(|| Fault::bug("an inviter who is not there"))
}

/// Returns the inviters above `user` once they come under `nearest`, who is the first of them.
///
/// # Errors
/// A fault when the database cannot be reached; the inner error says why the user cannot come there.
pub async fn above(
    app: &App,
    user: UserId,
    nearest: Versioned<User>,
) -> Result<Result<Vec<Versioned<User>>, Misplaced>, Error> {
    let mut above = vec![nearest];
    while let Some(next) = above.last().and_then(|last| last.attribution.as_ref()).map(|bond| bond.inviter) {
        if next == user {
            return Ok(Err(Misplaced::Circle));
        }
        if above.len() >= MOST_ABOVE {
            return Ok(Err(Misplaced::TooDeep));
        }
        above.push(inviter(app, next).await?);
    }
    Ok(Ok(above))
}

/// Requires that none of the inviters above, nor who is above them, has changed since they were read.
pub fn unchanged(above: &[Versioned<User>], tx: &mut Tx) {
    above.iter().for_each(|user| tx.unchanged(user).or_retry());
}
