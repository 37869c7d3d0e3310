//! Damage to accounts, claims and codes.

use serde_json::json;

use super::{Row, amount, has};

/// Damage to identities: I1–I6, and to mails: N1.
pub const IDENTITY: &[Row] = &[
    ("an active code that is not listed", &["I2"], |scan| {
        scan.one("active_codes")["codes"] = json!({"L": []});
    }),
    ("a listed code that is not active", &["I2"], |scan| {
        scan.find("invite", has("label", "newsletter"))["active"] = json!({"BOOL": false});
    }),
    ("a code that takes its owner for blocked", &["I3"], |scan| {
        scan.find("invite", has("label", "newsletter"))["blocked"] = json!({"BOOL": true});
    }),
    ("a code that may not bind though its owner may invite", &["I3"], |scan| {
        scan.find("invite", has("label", "newsletter"))["barred"] = json!({"BOOL": true});
    }),
    ("a claim that is somebody else's", &["I1"], |scan| {
        let (ann, bob) = (scan.id_of("ann"), scan.id_of("bob"));
        scan.find("email", |claim| claim["user"]["S"] == ann)["user"]["S"] = json!(bob);
    }),
    ("an address without its claim", &["I1"], |scan| {
        let ann = scan.id_of("ann");
        scan.remove("email", |claim| claim["user"]["S"] == ann);
    }),
    ("a claim of nobody", &["I1"], |scan| {
        let ann = scan.id_of("ann");
        let claim = scan.find("email", |claim| claim["user"]["S"] == ann);
        claim["user"]["S"] = json!("usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a code that is somebody else's", &["D3", "I2"], |scan| {
        let (ann, dave) = (scan.id_of("ann"), scan.id_of("dave"));
        scan.find("invite", |invite| invite["owner"]["S"] == ann)["owner"]["S"] = json!(dave);
    }),
    ("a primary code that is not the user's", &["I2"], |scan| {
        scan.person("ann")["invite_code"]["S"] = json!("OTHER234")
    }),
    ("an address that moved in with somebody who did not", &["I5"], |scan| {
        let ann = scan.id_of("ann");
        scan.one("imported_email")["user"]["S"] = json!(ann);
    }),
    ("an opening balance of another amount", &["I5"], |scan| {
        *amount(&mut scan.one("opening_balance")["amount"]) = json!("12");
    }),
    ("an opening balance of another journal", &["I5"], |scan| {
        scan.one("opening_balance")["journal"]["S"] = json!("jrn_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a journal of no opening balance", &["I5"], |scan| scan.remove("opening_balance", |_| true)),
    ("an account that forgot its second factor", &["I6"], |scan| {
        scan.person("olga").as_object_mut().unwrap().remove("second_factor_since");
    }),
    ("a second factor that is gone", &["I6"], |scan| {
        scan.remove("second_factor", |_| true);
    }),
    ("a recovery code twice", &["I6"], |scan| {
        let codes = scan.one("second_factor")["recovery"]["L"].as_array_mut().unwrap();
        codes[0] = codes[1].clone();
    }),
    ("recovery codes of an enrolment", &["I6"], |scan| {
        scan.one("second_factor").as_object_mut().unwrap().remove("since");
    }),
    ("a choice of mails of nobody", &["D2", "N1"], |scan| {
        scan.one("mail_preferences")["user"]["S"] = json!("usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a mail to nobody", &["D2", "N1"], |scan| {
        scan.one("sent_notice")["user"]["S"] = json!("usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("an erased person who left traces", &["I3", "I4"], |scan| {
        scan.person("ann")["status"]["S"] = json!("erased");
    }),
];
