//! `guerdon import`: files of another system, dry run first, stopped and gone on with (R13.1).

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guerdon::api::{Api, Credentials};
use serde_json::{Value, json};

use super::bench::{Bench, PASSWORD, Ran};
use crate::operations::import::{BCRYPT, LETTERS};

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("guerdon-import-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Line, outcome and code of each row of a report.
    fn rows(&self, name: &str) -> Vec<String> {
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            [cells[0], cells[2], cells[3]].join(" ").trim_end().to_owned()
        };
        self.read(name).lines().skip(1).map(row).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

async fn import(bench: &Bench, kind: &str, file: &str, more: &[&str]) -> Ran {
    let words = [&["import", kind, file, "--source", "old-site"], more].concat();
    bench.words(&words).await
}

#[track_caller]
fn fine(ran: &Ran) {
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
}

/// R13.1: the whole way in: nothing is written without `--apply`, and then everything is, once.
#[test]
fn a_site_moves_in_file_by_file() {
    Bench::run(async |bench| {
        bench.json("settings set referral enabled=true").await;
        let folder = Folder::new();
        let users = format!(
            "external_id,email,password_hash,signed_up_at\n1,ann@example.com,{BCRYPT},2024-02-29T10:00:00Z\n2,,,\n"
        );
        let files = [
            ("users", users),
            ("codes", "external_id,code\n1,aB3x\n".to_owned()),
            ("referrals", "external_id,inviter_external_id\n2,1\n".to_owned()),
            ("balances", "external_id,amount,currency\n1,12.5,USD\n2,0.25,\n".to_owned()),
        ];
        for (kind, text) in &files {
            let file = folder.file(&format!("{kind}.csv"), text);
            let dry = import(bench, kind, &file, &[]).await;
            fine(&dry);
            assert!(dry.err.contains("nothing was written; --apply imports"), "{}", dry.err);
            assert!(dry.out.contains("would_import"), "{}", dry.out);
            // The same requests again are answered as before.
            for again in 0..2 {
                let report = folder.0.join(format!("{kind}.{again}.csv"));
                let done =
                    import(bench, kind, &file, &["--apply", "--report", report.to_str().unwrap(), "-o", "json"]).await;
                fine(&done);
                let counts: Value = serde_json::from_str(&done.out).unwrap();
                assert_eq!(counts[0]["outcome"], "imported", "{kind}: {}", done.out);
            }
        }
        assert_eq!(folder.rows("users.dry-run.csv"), ["2 would_import", "3 would_import"]);
        assert_eq!(folder.rows("users.1.csv"), ["2 imported", "3 imported"]);
        bench.settle().await;
        let session = json!({"email": "ann@example.com", "password": LETTERS});
        let token = bench.api("POST", "/v1/sessions", None, session).await["access_token"].as_str().unwrap().to_owned();
        assert_eq!(bench.balance(&token).await, "12.5");
        let referral = bench.api("GET", "/v1/referral", Some(&token), Value::Null).await;
        assert_eq!((&referral["code"], &referral["stats"]["invitees"]), (&json!("AB3X"), &json!(1)));
        bench.settle().await;
        assert_eq!((bench.guerdon("audit").await.status, bench.guerdon("verify").await.status), (0, 0));
    });
}

/// R13.1: each line has its outcome in the report, and one that is not right holds no other up.
#[test]
fn each_line_has_its_outcome_in_the_report() {
    Bench::run(async |bench| {
        let folder = Folder::new();
        let lines = "email,status\nann@example.com,\n\nno address,\nANN@example.com,\nbob@example.com,erased\n+cid@example.com,blocked,1\n";
        let file = folder.file("users.csv", lines);
        let done = import(bench, "users", &file, &["--apply"]).await;
        assert_eq!(done.status, 1, "{}{}", done.out, done.err);
        let expected = [
            "2 imported",
            "4 refused not_an_email",
            "5 refused duplicate_line",
            "6 refused unknown",
            "7 refused malformed_line",
        ];
        assert_eq!(folder.rows("users.report.csv"), expected);
        assert!(folder.read("users.report.csv").contains("7,\"'+cid@example.com\",refused"), "no formula");
        // Put right, the file goes on: what was done stays, and the rest is read anew.
        let right = "email,status\nann@example.com,\n\nno@example.com,\ndan@example.com,\nbob@example.com,blocked\n+cid@example.com,blocked\n";
        let file = folder.file("users.csv", right);
        let more = import(bench, "users", &file, &["--apply"]).await;
        fine(&more);
        assert!(more.err.contains("1 lines were done before"), "{}", more.err);
        let expected = ["2 imported", "4 imported", "5 imported", "6 imported", "7 imported"];
        assert_eq!(folder.rows("users.report.csv"), expected);
        let other = folder.file("users.csv", &right.replace("ann@", "zed@"));
        let refused = import(bench, "users", &other, &["--apply"]).await;
        assert_eq!((refused.status, refused.err.contains("is no report of this file")), (2, true), "{}", refused.err);
        assert_eq!(folder.rows("users.report.csv"), expected, "and it stays");
    });
}

/// R13.1: a run that is stopped anywhere goes on with the same command, and nobody is credited twice.
#[test]
fn a_run_that_is_stopped_goes_on() {
    Bench::run(async |bench| {
        let folder = Folder::new();
        let ids = 1..=130;
        let users: String = ids.clone().map(|id| format!("{id}\n")).collect();
        fine(&import(bench, "users", &folder.file("users.csv", &format!("external_id\n{users}")), &["--apply"]).await);
        let lines: String = ids.map(|id| format!("{id},1\n")).collect();
        let file = folder.file("balances.csv", &format!("external_id,amount\n{lines}"));
        fine(&import(bench, "balances", &file, &["--apply"]).await);
        let whole = folder.read("balances.report.csv");
        // As the report was when the run was killed: before its first row, within a row, after an answer that was not written.
        for left in [0, 1, 40, 90] {
            let mut cut: String = whole.split_inclusive('\n').take(left + 1).collect();
            cut.push_str("92,9");
            std::fs::write(folder.0.join("balances.report.csv"), cut).unwrap();
            let more = import(bench, "balances", &file, &["--apply"]).await;
            fine(&more);
            assert_eq!(more.err.contains(&format!("{left} lines were done before")), left > 0, "{}", more.err);
            let rows = folder.rows("balances.report.csv");
            assert_eq!(rows.len(), 130);
            assert!(rows.iter().all(|row| row.ends_with("imported") || row.ends_with("exists")), "{rows:?}");
        }
        bench.settle().await;
        let stats = bench.json("users list --all").await;
        let balances = stats.as_array().unwrap().iter().filter(|user| user["balance"]["amount"] == "1").count();
        assert_eq!(balances, 130);
        assert_eq!((bench.guerdon("audit").await.status, bench.guerdon("verify").await.status), (0, 0));
    });
}

/// R13.1: a file with other columns is refused with those that are right, before anything is sent.
#[test]
fn a_file_that_cannot_be_one_is_wrong_usage() {
    Bench::run(async |bench| {
        let folder = Folder::new();
        for (kind, text, part) in [
            ("users", "mail\nann@example.com\n", "its columns are email, external_id, password_hash"),
            ("codes", "email\nann@example.com\n", "has no column code"),
            ("balances", "email,amount\n\"ann\n", "a quote is not closed"),
            ("referrals", "", "is empty"),
        ] {
            let file = folder.file("wrong.csv", text);
            let ran = import(bench, kind, &file, &[]).await;
            assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
            assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
        }
        assert_eq!(import(bench, "users", "no-such-file.csv", &[]).await.status, 2);
        let bad =
            bench.words(&["import", "users", &folder.file("u.csv", "email\na@x.com\n"), "--source", "Old Site"]).await;
        assert_eq!((bad.status, bad.err.contains("/source")), (1, true), "{}", bad.err);
    });
}

/// R13.1: a run that outlasts its session signs in anew.
#[test]
fn a_run_that_outlasts_its_session_signs_in_anew() {
    Bench::run(async |bench| {
        let (email, password) = ("admin@localhost".to_owned(), PASSWORD.to_owned());
        let api = Api::new(&bench.url, Some(Credentials { email, password, totp: None }));
        let body = |name: &str| {
            let lines = json!([{"email": format!("{name}@example.com")}]);
            json!({"source": "old-site", "dry_run": false, "lines": lines})
        };
        for name in ["ann", "bob"] {
            let done = api.post("/v1/admin/import/users", &body(name)).await.unwrap();
            assert_eq!(done["lines"][0]["outcome"], "imported", "{done}");
            bench.settle().await;
            bench.stack.clock.advance(Duration::from_secs(20 * 60));
        }
    });
}
