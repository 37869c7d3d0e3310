//! The operator's command line against a whole stack on a socket, with the same bytes as a deployment.

mod bench;
mod cloud;
mod deployed;
mod import;
mod manners;
mod money;
mod people;
mod table;

use serde_json::json;

use bench::Bench;

/// R9.1: one field changes under the version that was read, and the others stay.
#[test]
fn settings_are_changed_field_by_field() {
    Bench::run(async |bench| {
        let before = bench.json("settings get payment").await;
        let after = bench.json("settings set payment enabled=true min_amount=2.5 providers.zpay.enabled=false").await;
        assert_eq!(after["version"], 1);
        let mut expected = before["settings"].clone();
        expected["enabled"] = json!(true);
        expected["min_amount"] = json!("2.5");
        expected["providers"]["zpay"]["enabled"] = json!(false);
        assert_eq!(after["settings"], expected);
        assert_eq!(bench.json("settings get").await[3], after, "the overview has every area");
    });
}

#[test]
fn what_the_api_refuses_is_told_with_code_fields_and_hint() {
    Bench::run(async |bench| {
        let refused = bench.guerdon("settings set payment min_amount=-1").await;
        assert_eq!(refused.status, 1);
        for part in ["error: invalid (422)", "/min_amount", "hint: correct the fields"] {
            assert!(refused.err.contains(part), "{part} is not in {}", refused.err);
        }
        let refused = bench.guerdon("orders show ord_01arz3ndektsv4rrffq69g5fav").await;
        assert_eq!((refused.status, refused.err.contains("not_found (404)")), (1, true), "{}", refused.err);
        let refused = bench.guerdon("orders list --admin-password incorrect-horse").await;
        assert_eq!(refused.status, 1, "{}", refused.err);
        assert!(refused.err.contains("bad_credentials") && refused.err.contains("guerdon admin create"));
        assert_eq!(refused.out, "");
    });
}

#[test]
fn wrong_usage_is_status_two_and_nobody_there_is_three() {
    Bench::run(async |bench| {
        for wrong in [
            "frobnicate",
            "orders complete",
            "settings set payment enabeld=true",
            "settings get nowhere",
            "orders show ../users",
            "codes create --label x --count 1",
            "admin create nobody",
        ] {
            let refused = bench.guerdon(wrong).await;
            assert_eq!((refused.status, refused.out.as_str()), (2, ""), "{wrong}: {}", refused.err);
            assert!(refused.err.starts_with("error: "), "{wrong}: {}", refused.err);
        }
        // This port was free a moment ago, so nothing listens on it.
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let nowhere = Bench { url: format!("http://127.0.0.1:{port}"), ..bench.clone() };
        for command in ["orders list", "audit", "dlq list"] {
            let unreachable = nowhere.guerdon(command).await;
            assert_eq!(unreachable.status, 3, "{command}: {}", unreachable.err);
            assert!(unreachable.err.contains("hint: start the local stack"), "{}", unreachable.err);
        }
    });
}

/// Without `--local`, a command lists all missing deployment variables at once.
#[test]
fn aws_commands_say_which_variables_are_missing() {
    Bench::run(async |bench| {
        let refused = bench.bare(&["--url", &bench.url, "audit"]).await;
        assert_eq!(refused.status, 2);
        assert!(
            refused.err.contains("AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, TABLE_NAME"),
            "{}",
            refused.err
        );
        let refused = bench.bare(&["--url", &bench.url, "orders", "list"]).await;
        assert_eq!((refused.status, refused.err.contains("GUERDON_ADMIN_EMAIL")), (2, true), "{}", refused.err);
    });
}

/// R2.5: the command line creates the first admin; there is no other way.
#[test]
fn an_admin_made_from_the_command_line_signs_in() {
    Bench::run(async |bench| {
        let made = bench.json("admin create olga@example.com").await;
        let password = made["password"].as_str().unwrap();
        let asked = format!("settings get --admin-email olga@example.com --admin-password {password}");
        assert_eq!(bench.guerdon(&asked).await.status, 0);
        bench.settle().await;
        assert_eq!(bench.guerdon("audit").await.status, 0);
    });
}

#[test]
fn help_version_and_completions_are_results() {
    Bench::run(async |bench| {
        for (command, part) in [
            ("--help", "Usage:"),
            ("--version", "guerdon "),
            ("completions bash", "_guerdon"),
            ("completions zsh", "#compdef"),
        ] {
            let shown = bench.guerdon(command).await;
            assert_eq!((shown.status, shown.err.as_str()), (0, ""), "{command}");
            assert!(shown.out.contains(part), "{command}: {}", shown.out);
        }
    });
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    Bench::run(async |bench| {
        let well = bench.guerdon("doctor").await;
        assert_eq!(well.status, 0, "{}{}", well.out, well.err);
        for line in
            ["OK       api", "OK       clock", "OK       webhook stripe", "OK       webhook zpay", "OK       sign-in"]
        {
            assert!(well.out.contains(line), "{line} is not in\n{}", well.out);
        }
        assert!(!well.out.contains("farmable"), "{}", well.out);
        bench.json("settings set referral enabled=true registration.inviter_reward=1 max_invitees_per_user=5").await;
        // R10.3: a reward that can be farmed, with the setting that ends it.
        let farmable = bench.guerdon("doctor").await;
        let line = farmable.out.lines().find(|line| line.contains("farmable_registration_reward")).unwrap_or_default();
        assert!(line.starts_with("WARN"), "{}", farmable.out);
        assert!(farmable.out.contains("guerdon settings set identity email_verification="), "{}", farmable.out);
        bench.park_registration().await;
        let off = "settings set payment enabled=true providers.stripe.enabled=false providers.zpay.enabled=false";
        bench.json(off).await;
        let ill = bench.guerdon("doctor -o csv").await;
        assert_eq!(ill.status, 1);
        let line = |check: &str| ill.out.lines().find(|line| line.contains(check)).unwrap_or_default().to_owned();
        assert!(line(",payment,").starts_with("FAIL"), "{}", ill.out);
        assert!(
            line("dead letters reward").starts_with("WARN") && ill.out.contains("guerdon dlq redrive"),
            "{}",
            ill.out
        );
        let stranger = bench.guerdon("doctor --admin-password incorrect-horse").await;
        assert_eq!((stranger.status, stranger.out.contains("FAIL     sign-in")), (1, true), "{}", stranger.out);
    });
}
