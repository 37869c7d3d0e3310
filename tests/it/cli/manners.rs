//! Manners of the command line: errors, help, completions, long lists, closed pipes, and what a check could not look at.

use std::io::{self, Write};

use guerdon::Outside;
use serde_json::json;
use shared::table::aws::Environment;

use super::bench::Bench;

/// Names of a closed set are in help, completions and errors, so nobody has to look them up.
#[test]
fn the_values_of_an_option_are_known_to_help_completions_and_errors() {
    Bench::run(async |bench| {
        for (command, value) in [
            ("orders list", "partially_refunded"),
            ("orders list", "stripe"),
            ("withdrawals list", "requested"),
            ("reviews list", "refund_due"),
            ("rewards list", "reversed"),
            ("codes create", "half_year"),
            ("settings get", "redemption"),
            ("keys create", "users:write"),
            ("admin scopes", "orders:refund"),
        ] {
            let help = bench.guerdon(&format!("{command} --help")).await;
            assert!(help.out.contains(value), "{value} is not in the help of {command}");
        }
        let script = bench.guerdon("completions bash").await.out;
        for value in ["partially_refunded", "half_year", "users:write"] {
            assert!(script.contains(value), "{value} is not completed");
        }
        let wrong = bench.guerdon("orders list --status payed").await;
        assert_eq!((wrong.status, wrong.err.contains("a similar value exists: 'paid'")), (2, true), "{}", wrong.err);
        let wrong = bench.guerdon("settings get nowhere").await;
        assert_eq!((wrong.status, wrong.err.contains("possible values: ")), (2, true), "{}", wrong.err);
    });
}

/// An error is a line for a person, without the texts that Rust prints for developers.
#[test]
fn an_error_is_a_line_and_its_hint() {
    Bench::run(async |bench| {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let nowhere = Bench { url: format!("http://127.0.0.1:{port}"), ..bench.clone() };
        for command in ["orders list", "audit", "dlq list", "admin list"] {
            let ran = nowhere.guerdon(command).await;
            let lines: Vec<&str> = ran.err.lines().collect();
            assert_eq!((ran.status, lines.len()), (3, 2), "{command}: {}", ran.err);
            assert!(lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{command}: {}", ran.err);
            assert!(!ran.err.contains(['{', '}']) && !ran.err.contains("Error("), "{command}: {}", ran.err);
        }
    });
}

#[test]
fn a_change_of_settings_says_what_changed() {
    Bench::run(async |bench| {
        let changed = bench.guerdon("settings set payment enabled=true min_amount=2.5").await;
        assert_eq!(changed.err, "enabled: false → true\nmin_amount: \"1\" → \"2.5\"\n");
        let same = bench.guerdon("settings set payment enabled=true").await;
        assert_eq!((same.status, same.err.as_str()), (0, "nothing differs from before\n"));
    });
}

#[test]
fn a_list_that_goes_on_says_how() {
    Bench::run(async |bench| {
        bench.register("ann", None).await;
        bench.register("bob", None).await;
        let cut = bench.guerdon("users list --limit 2 -o csv").await;
        assert_eq!(cut.err, "only the newest 2 are shown; --all shows all, --limit more\n");
        assert_eq!((cut.out.lines().count(), cut.out.contains("bob@example.com")), (3, true), "{}", cut.out);
        let whole = bench.guerdon("users list --all -o csv").await;
        assert_eq!((whole.err.as_str(), whole.out.lines().count()), ("", 4), "{}", whole.out);
    });
}

/// Like a pipe whose reader is gone, as that of `head` is.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Nothing;

impl Environment for Nothing {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    Bench::run(async |bench| {
        let admin =
            ["--url", &bench.url, "--admin-email", "admin@localhost", "--admin-password", "correct horse battery"];
        for words in [&["--help"][..], &["completions", "bash"], &["settings", "get"], &["users", "list", "-o", "json"]]
        {
            let mut err = Vec::new();
            let outside = Outside { environment: &Nothing, out: &mut Closed, err: &mut err };
            let line = ["guerdon"].iter().chain(&admin).chain(words).map(|word| (*word).into());
            assert_eq!((guerdon::run(line, outside).await, err.as_slice()), (0, &b""[..]), "{words:?}");
        }
    });
}

/// A check that could not look says so.
#[test]
fn the_doctor_says_ok_only_about_what_it_looked_at() {
    Bench::run(async |bench| {
        let admin = ["--url", &bench.url, "--admin-email", "admin@localhost", "--admin-password", "incorrect horse"];
        let ran = bench.bare(&[&admin[..], &["doctor", "-o", "csv"]].concat()).await;
        assert_eq!(ran.status, 1, "{}", ran.err);
        let fine: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("OK")).collect();
        let looked = [
            "api,",
            "clock,",
            "webhook ",
            "secret APP_SECRET,",
            "secret CODE_SECRET,",
            "secret SIGNING_KEY,",
            "secret LEDGER_KEY,",
        ];
        for line in &fine {
            assert!(looked.iter().any(|known| line.starts_with(&format!("OK,{known}"))), "{line}\n{}", ran.out);
        }
        for secret in ["STRIPE_SECRET_KEY", "ZPAY_KEY"] {
            assert!(ran.out.contains(&format!("WARN,secret {secret},was not looked at")), "{}", ran.out);
        }
    });
}

/// deploy.md §2: every step can be repeated; an address that somebody has already is no reason to take their account over.
#[test]
fn an_admin_that_exists_keeps_their_password_unless_it_is_to_be_reset() {
    Bench::run(async |bench| {
        let first = bench.json("admin create olga@example.com").await;
        let again = bench.guerdon("admin create olga@example.com").await;
        assert_eq!((again.status, again.err.contains("is an admin already")), (0, true), "{}", again.err);
        assert!(again.out.contains(first["id"].as_str().unwrap()) && !again.out.contains("password"), "{}", again.out);
        bench.register("ann", None).await;
        let taken = bench.guerdon("admin create ann@example.com").await;
        assert_eq!((taken.status, taken.err.contains("--reset-password")), (1, true), "{}", taken.err);
        let signs_in = async |made: &serde_json::Value| {
            let password = made["password"].as_str().unwrap().to_owned();
            let words = format!("settings get --admin-email olga@example.com --admin-password {password}");
            bench.guerdon(&words).await.status
        };
        assert_eq!(signs_in(&first).await, 0, "nothing changed");
        let reset = bench.json("admin create olga@example.com --reset-password").await;
        assert_eq!((signs_in(&reset).await, signs_in(&first).await), (0, 1));
        let listed = bench.json("admin list").await;
        let emails: Vec<_> = listed.as_array().unwrap().iter().map(|admin| admin["email"].clone()).collect();
        assert_eq!(emails, [json!("olga@example.com"), json!("admin@localhost")]);
    });
}

/// deploy.md §2: settings of one deployment are taken over by another, and only what differs is written.
#[test]
fn settings_are_exported_and_imported_whole() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true min_amount=2").await;
        let file = std::env::temp_dir().join(format!("guerdon-settings-{}", std::process::id()));
        std::fs::write(&file, bench.guerdon("settings get -o json").await.out).unwrap();
        bench.json("settings set payment min_amount=3").await;
        let imported = bench.guerdon(&format!("settings import {} -o json", file.display())).await;
        std::fs::remove_file(&file).unwrap();
        assert_eq!(imported.status, 0, "{}", imported.err);
        assert!(imported.err.contains("payment:\nmin_amount: \"3\" → \"2\"\n"), "{}", imported.err);
        assert!(imported.err.contains("identity:\nnothing differs from before\n"), "{}", imported.err);
        let after = bench.json("settings get payment").await;
        assert_eq!((&after["settings"]["min_amount"], &after["version"]), (&json!("2"), &json!(3)));
        assert_eq!(bench.json("settings get identity").await["version"], 0, "what is the same is not written");
    });
}
