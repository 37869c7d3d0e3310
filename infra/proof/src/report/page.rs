//! The report as an HTML page.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::Facts;

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c2024; }
h1 { font-size: 1.7rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.of { color: #60646c; margin-top: .2rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #e0e1e6; vertical-align: top; }
th { font-weight: 600; color: #60646c; } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: #18794e; font-weight: 600; } .bad { color: #c62a2f; font-weight: 600; } .none { color: #8b8d98; }
code { font-size: .86em; overflow-wrap: anywhere; } details { margin: .6rem 0; } summary { cursor: pointer; }
@media (prefers-color-scheme: dark) {
  body { background: #111113; color: #edeef0; } th, td { border-color: #363a3f; }
  th, p.of { color: #b0b4ba; } .good { color: #3dd68c; } .bad { color: #ff9592; }
}";

/// Renders the facts.
pub fn of(facts: &Facts) -> Markup {
    let tests = facts.get("tests").unwrap_or(&Value::Null);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Guerdon: exactly once, shown" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Exactly once, shown" }
                p.of {
                    "What Guerdon's tests were run on, and what they found. Commit "
                    code { (text(tests, "commit")) } ", " (text(tests, "compiler")) ", " (number(tests, "cores")) " cores."
                }
                (overview(facts, tests))
                (faults(facts))
                (races(facts))
                (defects(facts))
                (fuzz(facts))
                (engines(facts))
            }
        }
    }
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or("unknown")
}

fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(|value| value.as_u64().or_else(|| value.as_f64().map(whole))).unwrap_or_default()
}

/// Seconds without their fraction.
fn whole(seconds: f64) -> u64 {
    format!("{seconds:.0}").parse().unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The parts whose names begin with a prefix.
fn parts<'a>(facts: &'a Facts, prefix: &'a str) -> impl Iterator<Item = &'a Value> {
    facts.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(_, part)| part)
}

fn total(facts: &Facts, prefix: &str, name: &str) -> u64 {
    parts(facts, prefix).map(|part| number(part, name)).fold(0, u64::saturating_add)
}

/// A row of the overview: check, amount and failures; no failures are shown if the check did not run.
struct Row {
    what: &'static str,
    ran: String,
    wrong: Option<usize>,
}

fn overview(facts: &Facts, tests: &Value) -> Markup {
    let rows = in_tests(facts, tests).into_iter().chain(beside_tests(facts));
    html! {
        table {
            tr { th { "What" } th { "Run" } th { "Found" } }
            @for row in rows {
                tr {
                    td { (row.what) }
                    @match row.wrong {
                        Some(wrong) => {
                            td { (row.ran) }
                            @if wrong == 0 { td.good { "nothing wrong" } } @else { td.bad { (wrong) " wrong" } }
                        }
                        None => { td.none { "not run" } td {} }
                    }
                }
            }
        }
        @for name in list(tests, "failed") { p.bad { (name.as_str().unwrap_or_default()) " failed" } }
    }
}

/// Failures in the parts whose names begin with a prefix; `None` if no such part ran.
fn wrong(facts: &Facts, prefix: &str) -> Option<usize> {
    let all: Vec<usize> = parts(facts, prefix).map(|part| list(part, "wrong").len()).collect();
    (!all.is_empty()).then(|| all.into_iter().sum())
}

/// Checks that are part of the test suite.
fn in_tests(facts: &Facts, tests: &Value) -> Vec<Row> {
    let every = parts(facts, "faults-").all(|part| part.get("every_kind") == Some(&Value::Bool(true)));
    let kinds = if every { "all ten kinds of fault at every call" } else { "one kind of fault at every call" };
    let operations = parts(facts, "faults-").next().map_or(0, |part| list(part, "operations").len());
    vec![
        Row {
            what: "Tests",
            ran: format!("{} passed in {} s", number(tests, "passed"), number(tests, "seconds")),
            wrong: tests.get("failed").map(|_| list(tests, "failed").len()),
        },
        Row {
            what: "Single faults",
            ran: format!(
                "{operations} operations, {} calls, {kinds}: {} combinations",
                total(facts, "faults-", "calls"),
                total(facts, "faults-", "combinations"),
            ),
            wrong: wrong(facts, "faults-"),
        },
        Row {
            what: "Pairs of faults",
            ran: facts.get("pairs").map_or(String::new(), |pairs| {
                format!("{}: {} ordered pairs", text(pairs, "operation"), number(pairs, "combinations"))
            }),
            wrong: wrong(facts, "pairs"),
        },
        Row {
            what: "Random workloads",
            ran: format!(
                "{} seeds of up to {} steps, every rate of faults drawn anew",
                total(facts, "seeds-", "seeds"),
                parts(facts, "seeds-").map(|part| number(part, "steps")).max().unwrap_or_default(),
            ),
            wrong: wrong(facts, "seeds-"),
        },
    ]
}

/// Checks that run beside the test suite, or are a separate part of it.
fn beside_tests(facts: &Facts) -> Vec<Row> {
    let defects = facts.get("defects").and_then(Value::as_array);
    let missed = defects.map(|all| all.iter().filter(|one| text(one, "outcome") != "caught").count());
    let failed = |part: &Value| number(part, "failed");
    let engines = facts.get("engines").and_then(Value::as_array);
    vec![
        Row {
            what: "Races",
            ran: facts.get("races").and_then(Value::as_object).map_or(String::new(), |all| {
                let rounds: u64 = all.values().map(|one| number(one, "rounds")).fold(0, u64::saturating_add);
                format!("{} operations, {rounds} rounds", all.len())
            }),
            wrong: wrong(facts, "races"),
        },
        Row { what: "Black box", ran: said(facts.get("blackbox")), wrong: wrong(facts, "blackbox") },
        Row {
            what: "Seeded defects",
            ran: defects.map_or(String::new(), |all| format!("{} defects", all.len())),
            wrong: missed,
        },
        Row {
            what: "Fuzzing",
            ran: format!(
                "{} targets, {} inputs in {} s",
                parts(facts, "fuzz-").count(),
                total(facts, "fuzz-", "kept").saturating_add(total(facts, "fuzz-", "drawn")),
                total(facts, "fuzz-", "seconds"),
            ),
            wrong: wrong(facts, "fuzz-"),
        },
        Row {
            what: "Other engines",
            ran: engines.map_or(String::new(), |all| {
                let tests: Vec<String> = all
                    .iter()
                    .map(|one| format!("{} tests over {}", number(one, "passed"), text(one, "version")))
                    .collect();
                tests.join(", ")
            }),
            wrong: engines.map(|all| usize::try_from(all.iter().map(failed).sum::<u64>()).unwrap_or(usize::MAX)),
        },
    ]
}

/// A test's name as a sentence, after its module path.
fn sentence(test: &str) -> String {
    let (path, name) = test.rsplit_once("::").unwrap_or(("", test));
    let about = path.trim_start_matches("domain::").trim_end_matches("::tests").replace("::", ", ");
    format!("{about}: {}", name.replace('_', " ")).trim_start_matches(": ").to_owned()
}

/// The numeric fields of a part as a sentence.
fn said(part: Option<&Value>) -> String {
    let fields = part.and_then(Value::as_object).into_iter().flatten();
    let numbers = fields.filter(|(_, value)| value.is_number());
    numbers.map(|(name, value)| format!("{value} {}", name.replace('_', " "))).collect::<Vec<_>>().join(", ")
}

fn faults(facts: &Facts) -> Markup {
    let Some(part) = parts(facts, "faults-").next() else { return html! {} };
    html! {
        h2 { "A fault at each call" }
        p {
            "For each operation every call to a service is known, those of what follows from it included. At each the call fails before it \
             happens, or the reply is lost, or it happens and answers 500, or hangs, is throttled, meets a conflict, breaks off, is refused, \
             or the process is gone before or after it. The client repeats with the same key, providers and queues deliver again, sweepers \
             sweep; then everything is as without the fault, and the auditor finds nothing."
        }
        details {
            summary { (list(part, "operations").len()) " operations" }
            p { @for operation in list(part, "operations") { code { (operation.as_str().unwrap_or_default()) } br; } }
        }
        @for wrong in parts(facts, "faults-").chain(parts(facts, "pairs")).flat_map(|part| list(part, "wrong")) {
            p.bad { code { (wrong.as_str().unwrap_or_default()) } }
        }
    }
}

fn races(facts: &Facts) -> Markup {
    let Some(all) = facts.get("races").and_then(Value::as_object) else { return html! {} };
    html! {
        h2 { "Races" }
        p { "Many clients ask at the same instant, and transactions meet; what each was told agrees with what is there in the end." }
        table {
            tr { th { "Operation" } th.number { "Clients" } th.number { "Rounds" } th.number { "Conflicts met" } th.number { "Asked again" } }
            @for (name, race) in all {
                tr {
                    td { (sentence(name)) }
                    @for field in ["clients", "rounds", "conflicts", "asked_again"] { td.number { (number(race, field)) } }
                }
            }
        }
    }
}

fn defects(facts: &Facts) -> Markup {
    let Some(all) = facts.get("defects").and_then(Value::as_array) else { return html! {} };
    html! {
        h2 { "Seeded defects" }
        p { "Mistakes that an engineer could plausibly make, each built into a copy of the product. A suite that passes with one of them proves nothing." }
        table {
            tr { th { "Defect" } th { "Outcome" } th { "Caught by" } }
            @for one in all {
                tr {
                    td { (text(one, "defect")) br; code { (text(one, "name")) } }
                    @let outcome = text(one, "outcome");
                    td class=(if outcome == "caught" { "good" } else { "bad" }) { (outcome) }
                    td { @for test in list(one, "caught_by").iter().take(3) { (sentence(test.as_str().unwrap_or_default())) br; } }
                }
            }
        }
    }
}

fn fuzz(facts: &Facts) -> Markup {
    if parts(facts, "fuzz-").next().is_none() {
        return html! {};
    }
    html! {
        h2 { "Fuzzing" }
        table {
            tr { th { "Target" } th.number { "Kept inputs" } th.number { "Drawn" } th.number { "Seconds" } }
            @for part in parts(facts, "fuzz-") {
                tr {
                    td { (text(part, "target")) }
                    @for field in ["kept", "drawn", "seconds"] { td.number { (number(part, field)) } }
                }
            }
        }
    }
}

fn engines(facts: &Facts) -> Markup {
    let Some(all) = facts.get("engines").and_then(Value::as_array) else { return html! {} };
    html! {
        h2 { "Other engines" }
        @for one in all {
            p {
                (text(one, "version")) ": " (number(one, "passed")) " tests passed, " (number(one, "failed")) " failed, in "
                (number(one, "seconds")) " s."
            }
            @if !list(one, "left_out").is_empty() {
                table {
                    tr { th { "Not run there" } th { "Why" } }
                    @for pair in list(one, "left_out") {
                        tr { @for word in pair.as_array().into_iter().flatten() { td { (word.as_str().unwrap_or_default()) } } }
                    }
                }
            }
        }
    }
}
