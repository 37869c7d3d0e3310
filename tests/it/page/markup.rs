//! HTML as the standard's parser reads it, and what holds for every page.

use std::cell::RefCell;
use std::collections::BTreeSet;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// An element.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// An attribute.
    pub fn of(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The elements below it with this name; with every name for `*`.
    pub fn all(&self, name: &str) -> Vec<&Element> {
        let mut found = Vec::new();
        for child in &self.children {
            if let Node::Element(element) = child {
                if name == "*" || element.name == name {
                    found.push(element);
                }
                found.extend(element.all(name));
            }
        }
        found
    }

    /// Its text.
    pub fn text(&self) -> String {
        let of = |child: &Node| match child {
            Node::Element(element) => element.text(),
            Node::Text(text) => text.clone(),
        };
        self.children.iter().map(of).collect()
    }
}

impl Element {
    /// Its texts, each on a line of its own.
    pub fn lines(&self) -> String {
        let of = |child: &Node| match child {
            Node::Element(element) => element.lines(),
            Node::Text(text) => format!("{text}\n"),
        };
        self.children.iter().map(of).collect()
    }
}

const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

#[derive(Default)]
struct Builder {
    open: RefCell<Vec<Element>>,
    errors: RefCell<Vec<String>>,
}

impl Builder {
    fn add(&self, node: Node) {
        self.open.borrow_mut().last_mut().unwrap().children.push(node);
    }

    fn tag(&self, tag: Tag) {
        let name = tag.name.to_string();
        if tag.kind == TagKind::EndTag {
            let element = self.open.borrow_mut().pop().unwrap();
            if element.name != name {
                self.errors.borrow_mut().push(format!("</{name}> ends <{}>", element.name));
            }
            return self.add(Node::Element(element));
        }
        let attributes = tag.attrs.iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
        let element = Element { name: name.clone(), attributes, children: Vec::new() };
        if VOID.contains(&&*name) || tag.self_closing {
            self.add(Node::Element(element));
        } else {
            self.open.borrow_mut().push(element);
        }
    }
}

impl TokenSink for Builder {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.tag(tag),
            Token::CharacterTokens(text) => self.add(Node::Text(text.to_string())),
            Token::ParseError(error) => self.errors.borrow_mut().push(error.to_string()),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Parses a page and checks what holds for every page (C9.1).
pub fn checked(text: &str, path: &str) -> Element {
    let builder = Builder::default();
    builder.open.borrow_mut().push(Element::default());
    let options = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(builder, options);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let errors = tokenizer.sink.errors.borrow().clone();
    assert!(errors.is_empty(), "{path}: {errors:?}\n{text}");
    let root = tokenizer.sink.open.borrow_mut().pop().unwrap();
    assert!(tokenizer.sink.open.borrow().is_empty(), "{path} leaves an element open");
    let all = root.all("*");
    let ids: Vec<&str> = all.iter().filter_map(|element| element.of("id")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{path}: ids twice {ids:?}");
    assert_eq!(root.all("h1").len(), 1, "{path} has one heading");
    assert_eq!(root.all("main").len(), 1, "{path} has one main part");
    assert!(root.all("html")[0].of("lang").is_some() && !root.all("title")[0].text().is_empty(), "{path}");
    for element in &all {
        let name = &element.name;
        assert!(element.of("style").is_none() && name != "style", "{path}: a style at {name}");
        let is_handler = |(attribute, _): &(String, String)| attribute.starts_with("on");
        assert!(!element.attributes.iter().any(is_handler), "{path}: a handler at {name}");
        for link in ["href", "src", "action"] {
            if let Some(to) = element.of(link) {
                // Only links to a provider's and the operator's own pages, and the operator's mark, lead away; they say nothing of
                // where they stand (C5.8).
                let is_silent = match name.as_str() {
                    "a" => element.of("rel") == Some("noreferrer"),
                    "img" => element.of("referrerpolicy") == Some("no-referrer"),
                    _ => false,
                };
                let is_own = to.starts_with('#') || (to.starts_with('/') && !to.starts_with("//"));
                assert!(is_own || is_silent, "{path}: foreign {to}");
            }
        }
        if let Some(to) = element.of("href").and_then(|to| to.strip_prefix('#')) {
            assert!(unique.contains(to), "{path}: #{to} leads nowhere");
        }
        for reference in ["aria-labelledby", "aria-describedby", "for"] {
            for id in element.of(reference).unwrap_or_default().split_whitespace() {
                assert!(unique.contains(id), "{path}: {reference} names {id}");
            }
        }
        if (name == "input" && element.of("type") != Some("hidden")) || name == "select" {
            let labels = root.all("label");
            let is_labelled =
                labels.iter().any(|label| label.of("for").is_some() && label.of("for") == element.of("id"));
            assert!(is_labelled, "{path}: {name} {:?} has no label", element.of("name"));
        }
        if name == "button" || name == "a" {
            let is_named = !element.text().trim().is_empty() || element.of("aria-label").is_some();
            assert!(is_named, "{path}: a {name} without a name");
        }
    }
    root
}
