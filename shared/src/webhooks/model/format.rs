//! Formats of endpoints: signed events for the operator's product, or a line of text for a chat's incoming webhook.
//!
//! Each chat takes its own JSON and reads some characters as markup. Feishu, DingTalk and WeCom answer 200 to a message that they
//! refuse, with a code other than zero.

use kernel::text_enum;
use serde_json::{Value, json};

use crate::webhooks::model::delivery::Attempt;

/// Maximum characters of a line, without its link: the shortest limit is WeCom's 2048 bytes.
pub const LINE_MAX: usize = 400;

text_enum! {
    /// Format in which an endpoint gets events.
    #[derive(Default)]
    pub enum EndpointFormat {
        /// JSON, signed as Standard Webhooks says.
        #[default]
        Signed = "signed",
        /// Incoming webhook of Slack, and of what takes the same.
        Slack = "slack",
        /// Webhook of a Discord channel.
        Discord = "discord",
        /// Custom bot of Feishu or Lark.
        Feishu = "feishu",
        /// Custom robot of DingTalk.
        Dingtalk = "dingtalk",
        /// Group robot of WeCom.
        Wecom = "wecom",
    }
}

/// A line of text with the page that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatLine {
    pub text: String,
    /// URL of the page.
    pub link: String,
}

impl EndpointFormat {
    /// Tests whether it is that of a chat, whose URL is its secret.
    pub fn is_chat(self) -> bool {
        self != Self::Signed
    }

    /// Returns the body that posts a line; `None` for signed events.
    pub fn body(self, line: &ChatLine) -> Option<String> {
        let text = one_line(&line.text);
        let link = &line.link;
        let body = match self {
            Self::Signed => return None,
            Self::Slack => json!({"text": slack(&format!("{text} {link}"))}),
            Self::Discord => json!({
                "content": format!("{} {link}", discord(&text)),
                "allowed_mentions": {"parse": []},
            }),
            Self::Feishu => json!({"msg_type": "text", "content": {"text": format!("{} {link}", untagged(&text))}}),
            Self::Dingtalk | Self::Wecom => {
                json!({"msgtype": "text", "text": {"content": format!("{} {link}", untagged(&text))}})
            }
        };
        Some(body.to_string())
    }

    /// Returns the outcome of an attempt that was answered.
    pub fn outcome(self, status: u16, answer: &[u8]) -> Attempt {
        let names: &[&str] = match self {
            Self::Signed | Self::Slack | Self::Discord => return Attempt::Answered(status),
            // Older bots answer with the second.
            Self::Feishu => &["code", "StatusCode"],
            Self::Dingtalk | Self::Wecom => &["errcode"],
        };
        let said: Value = serde_json::from_slice(answer).unwrap_or_default();
        let code = names.iter().find_map(|name| said.get(name)?.as_i64());
        if !Attempt::Answered(status).is_success() || code == Some(0) {
            return Attempt::Answered(status);
        }
        Attempt::Refused { status, code }
    }
}

/// A text as one line of bounded length.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    match plain.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain,
    }
}

/// Slack reads these three as markup: mentions and links stand in `<…>`.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Discord reads Markdown, mentions and links.
fn discord(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        if "\\*_~`|<>#[]@:".contains(one) {
            escaped.push('\\');
        }
        escaped.push(one);
    }
    escaped
}

/// Feishu and WeCom read mentions in `<…>`, and know no escape in a text.
fn untagged(text: &str) -> String {
    text.replace('<', "＜").replace('>', "＞")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn posted(format: EndpointFormat, text: &str) -> Value {
        let line =
            ChatLine { text: text.to_owned(), link: "https://pay.example/admin/reviews/rvw_1?a=1&b=2".to_owned() };
        serde_json::from_str(&format.body(&line).unwrap()).unwrap()
    }

    #[test]
    fn each_chat_gets_the_body_that_it_documents() {
        let link = "https://pay.example/admin/reviews/rvw_1?a=1&b=2";
        assert_eq!(
            posted(EndpointFormat::Slack, "Acme: 5"),
            json!({"text": format!("Acme: 5 {}", link.replace('&', "&amp;"))})
        );
        let discord = json!({"content": format!("Acme 5 {link}"), "allowed_mentions": {"parse": []}});
        assert_eq!(posted(EndpointFormat::Discord, "Acme 5"), discord);
        let feishu = json!({"msg_type": "text", "content": {"text": format!("Acme: 5 {link}")}});
        assert_eq!(posted(EndpointFormat::Feishu, "Acme: 5"), feishu);
        for format in [EndpointFormat::Dingtalk, EndpointFormat::Wecom] {
            let text = json!({"msgtype": "text", "text": {"content": format!("Acme: 5 {link}")}});
            assert_eq!(posted(format, "Acme: 5"), text);
        }
        let line = ChatLine { text: String::new(), link: String::new() };
        assert_eq!(EndpointFormat::Signed.body(&line), None);
    }

    #[test]
    fn no_text_mentions_anybody_or_becomes_markup() {
        let text = "a & <!channel> <at user_id=\"all\"></at> @everyone *b* _c_ [d](https://e.example)\nf";
        let slack = posted(EndpointFormat::Slack, text)["text"].as_str().unwrap().to_owned();
        assert!(slack.starts_with("a &amp; &lt;!channel&gt; &lt;at"), "{slack}");
        assert!(!slack.contains(['<', '>', '\n']), "{slack}");
        let discord = posted(EndpointFormat::Discord, text)["content"].as_str().unwrap().to_owned();
        assert!(discord.contains("\\@everyone \\*b\\* \\_c\\_ \\[d\\](https\\://e.example) f"), "{discord}");
        assert!(discord.ends_with("/rvw_1?a=1&b=2"), "the link stays as it is: {discord}");
        for (format, at) in [
            (EndpointFormat::Feishu, "/content/text"),
            (EndpointFormat::Dingtalk, "/text/content"),
            (EndpointFormat::Wecom, "/text/content"),
        ] {
            let body = posted(format, text);
            assert!(!body.pointer(at).unwrap().as_str().unwrap().contains(['<', '>', '\n']), "{body}");
        }
    }

    #[test]
    fn a_line_is_bounded() {
        let content =
            posted(EndpointFormat::Wecom, &"长".repeat(5_000))["text"]["content"].as_str().unwrap().to_owned();
        assert!(content.len() < 2_048 && content.contains("长… https://"), "{} bytes", content.len());
        let discord = posted(EndpointFormat::Discord, &"*".repeat(5_000))["content"].as_str().unwrap().to_owned();
        assert!(discord.chars().count() < 2_000);
    }

    #[test]
    fn a_code_other_than_zero_is_no_success_where_the_chat_answers_so() {
        let success =
            |format: EndpointFormat, status, answer: &str| format.outcome(status, answer.as_bytes()).is_success();
        for (format, good, bad) in [
            (EndpointFormat::Feishu, r#"{"code":0,"msg":"success","data":{}}"#, r#"{"code":9499,"msg":"Bad Request"}"#),
            (EndpointFormat::Feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, r#"{"code":19001}"#),
            (
                EndpointFormat::Dingtalk,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                r#"{"errcode":310000,"errmsg":"keywords not in content"}"#,
            ),
            (
                EndpointFormat::Wecom,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
            ),
        ] {
            assert!(success(format, 200, good), "{format} {good}");
            for refused in [bad, "", "<html>", "{}", r#"{"errcode":"0","code":"0"}"#] {
                assert!(!success(format, 200, refused), "{format} {refused}");
            }
            assert!(!success(format, 500, good), "{format}");
        }
        for format in [EndpointFormat::Signed, EndpointFormat::Slack, EndpointFormat::Discord] {
            assert!(success(format, 204, "") && !success(format, 400, "invalid_payload"));
        }
    }
}
