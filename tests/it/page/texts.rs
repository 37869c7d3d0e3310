//! Texts stand in the files that translators edit, and nowhere else (C7.2).

use crate::tidy::rust_files;

/// String literals that stand where a page's text would: after a brace, a parenthesis or another literal.
fn texts(code: &str) -> Vec<String> {
    let (mut found, mut before, mut rest) = (Vec::new(), ' ', code);
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next == '/' && rest.starts_with('/') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if next == '\'' && rest.get(1..2) == Some("'") {
            rest = &rest[2..];
        } else if next == '"' {
            let end = rest.find('"').unwrap();
            let literal = &rest[..end];
            let is_pattern = rest[end + 1..].trim_start().starts_with("=>");
            if "{})\"".contains(before) && !is_pattern && literal.chars().any(char::is_alphabetic) {
                found.push(literal.to_owned());
            }
            (before, rest) = ('"', &rest[end + 1..]);
        } else if !next.is_whitespace() {
            before = next;
        }
    }
    found
}

/// C7.2: a text in the code would be one language's.
#[test]
fn no_text_of_a_page_stands_in_the_code() {
    assert_eq!(texts(r#"html! { p.a class="b" { (x) "Text" } "§" a href="/" { "中" } }"#), ["Text", "中"]);
    let files = rust_files("functions/console/src");
    assert!(files.len() >= 7);
    // The API's page is in English, as the document that it shows.
    for (name, code) in files.into_iter().filter(|(name, _)| !name.starts_with("functions/console/src/docs")) {
        assert_eq!(texts(&code), Vec::<String>::new(), "{name}");
    }
}

/// C7.1: what stands in both languages is not the same text by mistake.
#[test]
fn every_text_is_translated() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/console/text").join(name);
        let lines = std::fs::read_to_string(path).unwrap();
        let of = |line: &str| line.split_once(" = ").map(|(key, text)| (key.to_owned(), text.to_owned()));
        lines.lines().filter(|line| !line.starts_with([' ', '#'])).filter_map(of).collect::<Vec<_>>()
    };
    for (english, chinese) in files() {
        compare(&read(&english), &read(&chinese));
    }
}

/// The files of texts: those in English with those in Chinese.
fn files() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/console/text");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pairs: Vec<(String, String)> =
        names.filter_map(|name| Some((name.clone(), format!("{}zh-CN.ftl", name.strip_suffix("en.ftl")?)))).collect();
    assert!(pairs.len() >= 2, "{pairs:?}");
    pairs
}

fn compare(english: &[(String, String)], chinese: &[(String, String)]) {
    let keys = |all: &[(String, String)]| all.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(english), keys(chinese), "the same keys in the same order");
    for ((key, english), (_, chinese)) in english.iter().zip(chinese) {
        assert!(english != chinese && !english.is_empty() && !chinese.is_empty(), "{key}");
        // A number and its sign are no words.
        let plain = english.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
        let has_words = plain.collect::<String>().chars().any(char::is_alphabetic);
        assert!(!has_words || chinese.chars().any(|symbol| symbol as u32 >= 0x4e00), "{key} has no Chinese");
    }
}
