//! Lines of a file: its columns, and what is wrong with a line before it is sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::report::Told;
use crate::csv::{self, CsvRecord};
use crate::trouble::Trouble;

/// Kind of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Users,
    Codes,
    Balances,
    Referrals,
}

/// Columns that name the user of a line.
const NAMES: &[&str] = &["user_id", "external_id", "email"];

impl Kind {
    /// The last part of the route.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Codes => "codes",
            Self::Balances => "balances",
            Self::Referrals => "referrals",
        }
    }

    /// All columns that a file may have.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["email", "external_id", "password_hash", "status", "locale", "signed_up_at"],
            Self::Codes => &["user_id", "external_id", "email", "code"],
            Self::Balances => &["user_id", "external_id", "email", "amount", "currency"],
            Self::Referrals => &[
                "user_id",
                "external_id",
                "email",
                "inviter_id",
                "inviter_external_id",
                "inviter_email",
                "may_qualify",
            ],
        }
    }

    /// Columns of which a file needs one each.
    fn needed(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Users => &[&["email", "external_id"]],
            Self::Codes => &[NAMES, &["code"]],
            Self::Balances => &[NAMES, &["amount"]],
            Self::Referrals => &[NAMES, &["inviter_id", "inviter_external_id", "inviter_email"]],
        }
    }
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Number of the line in the file, from 1.
    pub number: usize,
    /// Subject of the line, as the report says it.
    pub identity: String,
    /// The line as the API takes it, or why it is not sent.
    pub body: Result<Value, Told>,
}

/// Reads the lines of a file.
///
/// # Rejects
/// A file without lines, with unknown, missing or repeated columns, or with a quote that nothing closes.
pub fn read(kind: Kind, file: &str, text: &str) -> Result<Vec<Line>, Trouble> {
    let broken = |line| Trouble::Usage(format!("{file}, line {line}: a quote is not closed, or has text behind it"));
    let records = csv::read(text).map_err(broken)?;
    let (head, records) = records.split_first().ok_or_else(|| Trouble::Usage(format!("{file} is empty")))?;
    let columns: Vec<String> = head.cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
    check(kind, file, &columns)?;
    let mut all = Lines { kind, known: BTreeMap::new(), inviters: BTreeMap::new() };
    Ok(records.iter().map(|record| all.line(record, &columns)).collect())
}

fn check(kind: Kind, file: &str, columns: &[String]) -> Result<(), Trouble> {
    let all = kind.columns();
    let wrong = |what: String| Err(Trouble::Usage(format!("{file} {what}; its columns are {}", all.join(", "))));
    if let Some(unknown) = columns.iter().find(|column| !all.contains(&column.as_str())) {
        return wrong(format!("has a column {unknown:?}"));
    }
    let twice = |column: &&String| columns.iter().filter(|other| other == column).count() > 1;
    if let Some(twice) = columns.iter().find(twice) {
        return wrong(format!("has the column {twice:?} twice"));
    }
    let has = |one_of: &&[&str]| columns.iter().any(|column| one_of.contains(&column.as_str()));
    match kind.needed().iter().find(|one_of| !has(one_of)) {
        Some(missing) => wrong(format!("has no column {}", missing.join(" or "))),
        None => Ok(()),
    }
}

/// Lines so far: no two are about the same, and no inviters form a ring.
struct Lines {
    kind: Kind,
    known: BTreeMap<String, usize>,
    /// Inviter of each invitee, as the file names them.
    inviters: BTreeMap<String, String>,
}

impl Lines {
    fn line(&mut self, record: &CsvRecord, columns: &[String]) -> Line {
        let cells: BTreeMap<&str, &str> = columns
            .iter()
            .map(String::as_str)
            .zip(record.cells.iter().map(|cell| cell.trim()))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let body = match record.cells.len() == columns.len() {
            true => self.body(&cells, record.line),
            false => {
                let detail = format!("{} cells, and not {}", columns.len(), record.cells.len());
                Err(Told::refused("malformed_line", detail))
            }
        };
        Line { number: record.line, identity: identity(self.kind, &cells), body }
    }

    fn body(&mut self, cells: &BTreeMap<&str, &str>, line: usize) -> Result<Value, Told> {
        let identities = identities(self.kind, cells);
        if let Some(first) = identities.iter().find_map(|identity| self.known.get(identity)) {
            return Err(Told::refused("duplicate_line", format!("line {first} is about the same")));
        }
        self.known.extend(identities.into_iter().map(|identity| (identity, line)));
        let mut body = Map::new();
        for (column, cell) in cells {
            let value = match *column {
                "may_qualify" => json!(is_true(cell)?),
                _ => json!(cell),
            };
            body.insert((*column).to_owned(), value);
        }
        if self.kind == Kind::Referrals {
            self.invited(cells)?;
        }
        Ok(body.into())
    }

    /// Notes an inviter, who must not be below the invitee along the lines above.
    fn invited(&mut self, cells: &BTreeMap<&str, &str>) -> Result<(), Told> {
        let named = |prefix: &str| {
            let of = |(column, short): (String, &str)| {
                Some(format!("{short} {}", cells.get(column.as_str())?.to_lowercase()))
            };
            [(format!("{prefix}external_id"), "external"), (format!("{prefix}email"), "email")].into_iter().find_map(of)
        };
        let user = |column: &str| cells.get(column).map(|id| format!("id {id}"));
        let (invitee, inviter) =
            (user("user_id").or_else(|| named("")), user("inviter_id").or_else(|| named("inviter_")));
        let (Some(invitee), Some(inviter)) = (invitee, inviter) else { return Ok(()) };
        let mut above = Some(&inviter);
        while let Some(one) = above {
            if *one == invitee {
                return Err(Told::refused(
                    "circle",
                    "an inviter who was not invited by the user, directly or through others",
                ));
            }
            above = self.inviters.get(one);
        }
        self.inviters.insert(invitee, inviter);
        Ok(())
    }
}

fn is_true(cell: &str) -> Result<bool, Told> {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "1" | "t" => Ok(true),
        "false" | "no" | "0" | "f" => Ok(false),
        _ => Err(Told::refused("malformed_line", "may_qualify is true or false")),
    }
}

/// Texts that no two lines share.
fn identities(kind: Kind, cells: &BTreeMap<&str, &str>) -> Vec<String> {
    let of = |column: &str| cells.get(column).map(|cell| (column.to_owned(), *cell));
    match kind {
        Kind::Users => {
            let email = of("email").map(|(_, cell)| format!("email {}", cell.to_lowercase()));
            email.into_iter().chain(of("external_id").map(|(_, cell)| format!("external {cell}"))).collect()
        }
        Kind::Codes => {
            let plain = |code: &str| code.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
            of("code").map(|(_, cell)| plain(cell)).into_iter().collect()
        }
        Kind::Balances | Kind::Referrals => vec![identity(kind, cells).to_lowercase()],
    }
}

/// Subject of a line: its code, or the user whom it names.
fn identity(kind: Kind, cells: &BTreeMap<&str, &str>) -> String {
    let first: &[&str] = match kind {
        Kind::Users => &["external_id", "email"],
        Kind::Codes => &["code"],
        Kind::Balances | Kind::Referrals => NAMES,
    };
    let found = first.iter().find_map(|column| cells.get(column));
    found.map(|cell| (*cell).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn codes(kind: Kind, text: &str) -> Vec<String> {
        let code = |line: Line| line.body.map_or_else(|told| told.code.unwrap_or_default(), |_| "sent".to_owned());
        read(kind, "file.csv", text).unwrap().into_iter().map(code).collect()
    }

    fn refused(kind: Kind, text: &str) -> String {
        read(kind, "file.csv", text).unwrap_err().to_string()
    }

    /// R13.1: a column that is not known is refused with those that are.
    #[test]
    fn columns_are_known_by_name_in_any_order() {
        let lines = read(Kind::Users, "file.csv", " External_ID ,email\nu-1,a@x.com\n,b@x.com\n").unwrap();
        assert_eq!(lines[0].body, Ok(json!({"external_id": "u-1", "email": "a@x.com"})));
        assert_eq!((lines[1].number, lines[1].identity.as_str()), (3, "b@x.com"));
        let said = refused(Kind::Users, "mail\na@x.com\n");
        assert!(said.contains("has a column \"mail\"; its columns are email, external_id, password_hash"), "{said}");
        assert!(refused(Kind::Codes, "email\na@x.com\n").contains("has no column code"));
        assert!(refused(Kind::Balances, "amount\n1\n").contains("has no column user_id or external_id or email"));
        assert!(refused(Kind::Users, "email,email\n").contains("twice"));
        assert!(refused(Kind::Users, "").contains("is empty"));
        assert!(refused(Kind::Users, "email\n\"a\n").contains("line 2"));
    }

    /// R13.1
    #[test]
    fn lines_that_can_only_be_wrong_are_not_sent() {
        assert_eq!(
            codes(Kind::Users, "email\na@x.com\nA@X.com\nb@x.com,1\n"),
            ["sent", "duplicate_line", "malformed_line"]
        );
        assert_eq!(codes(Kind::Codes, "email,code\na@x.com,ab-1c\nb@x.com,AB1C\n"), ["sent", "duplicate_line"]);
        assert_eq!(codes(Kind::Balances, "email,amount\na@x.com,1\na@x.com,2\n"), ["sent", "duplicate_line"]);
        let ring = "external_id,inviter_external_id,may_qualify\n2,1,\n3,2,yes\n1,3,\n4,4,\n5,1,perhaps\n";
        assert_eq!(codes(Kind::Referrals, ring), ["sent", "sent", "circle", "circle", "malformed_line"]);
    }
}
