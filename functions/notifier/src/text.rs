//! Texts of e-mails, in English and Chinese.

use maud::html;

use super::style::{Language, Style};

/// Text of an e-mail.
pub struct Text {
    pub subject: String,
    /// Body as plain text.
    pub plain: String,
    /// Body as HTML.
    pub html: String,
}

/// Content of an e-mail.
pub enum Content {
    /// Code that finishes a registration.
    Verification(String),
    /// Notice that the address has an account already.
    AlreadyRegistered,
    /// Symbols and link that set a new password.
    PasswordReset { symbols: String, link: String },
    /// Symbols that let a challenged address sign in.
    Challenge(String),
    /// Code that confirms a new address.
    NewEmail(String),
    /// Notice of a new address, which is masked.
    EmailChangeNotice(String),
    /// Notice of a second factor that was set up.
    SecondFactorSet,
    /// Notice of a second factor that is gone.
    SecondFactorRemoved,
    /// Notice of a recovery code that was used.
    RecoveryCodeUsed,
}

/// Words of an e-mail: subject, text before its code, the code, a link, text after it.
pub struct Words {
    pub subject: String,
    pub before: String,
    pub code: Option<String>,
    pub link: Option<String>,
    pub after: String,
}

impl Words {
    /// Words without a code and a link.
    pub fn new(subject: &str, before: &str, after: &str) -> Self {
        let [subject, before, after] = [subject, before, after].map(str::to_owned);
        Self { subject, before, code: None, link: None, after }
    }
}

/// The text of a mail, closed by the operator's name; `footer` is small print below that, each line with its link.
pub fn compose(words: &Words, style: &Style, footer: &[(&str, String)]) -> Text {
    let mut plain = format!("{}\n", words.before);
    for line in [&words.code, &words.link].into_iter().flatten() {
        plain.push_str(&format!("\n{line}\n"));
    }
    for line in [&words.after, &style.name].into_iter().filter(|line| !line.is_empty()) {
        plain.push_str(&format!("\n{line}\n"));
    }
    for (line, link) in footer {
        plain.push_str(&format!("\n{line}\n{link}\n"));
    }
    let html = html! {
        p { (words.before) }
        @if let Some(code) = &words.code { p style="font-size:24px;letter-spacing:4px" { b { (code) } } }
        @if let Some(link) = &words.link { p { a href=(link) { (link) } } }
        @if !words.after.is_empty() { p { (words.after) } }
        p { (style.name) }
        @for (line, link) in footer { p style="font-size:12px;color:#666" { a href=(link) { (line) } } }
    };
    Text { subject: words.subject.clone(), plain, html: html.into_string() }
}

/// The text of a mail that somebody asked for.
pub fn text(content: &Content, style: &Style) -> Text {
    let words = match style.language {
        Language::Chinese => in_chinese(content),
        Language::English => in_english(content),
    };
    compose(&words, style, &[])
}

fn words(subject: &str, before: &str, code: Option<&str>, after: &str) -> Words {
    Words { code: code.map(str::to_owned), ..Words::new(subject, before, after) }
}

fn in_english(content: &Content) -> Words {
    match content {
        Content::Verification(code) => words(
            "Your verification code",
            "Enter this code to finish your registration:",
            Some(code),
            "It is good for 15 minutes. If you did not register, ignore this e-mail.",
        ),
        Content::AlreadyRegistered => words(
            "You already have an account",
            "Somebody, perhaps you, wanted to register with this e-mail address. It already has an account.",
            None,
            "Sign in as usual, or reset your password if you forgot it. If it was not you, ignore this e-mail.",
        ),
        Content::PasswordReset { symbols, link } => Words {
            link: Some(link.clone()),
            ..words(
                "Reset your password",
                "Enter this code, or open the link, to set a new password:",
                Some(symbols),
                "Both are good for 30 minutes. If you did not ask for it, ignore this e-mail; your password stays as it is.",
            )
        },
        Content::Challenge(symbols) => words(
            "Your sign-in code",
            "There were many failed sign-ins with your e-mail address. Enter this code together with your password:",
            Some(symbols),
            "It is good for 15 minutes. If you did not ask for it, ignore this e-mail.",
        ),
        Content::NewEmail(code) => words(
            "Confirm your new e-mail address",
            "Enter this code to use this address for your account:",
            Some(code),
            "It is good for 15 minutes. If you did not ask for it, ignore this e-mail.",
        ),
        Content::EmailChangeNotice(masked) => words(
            "Your e-mail address is to be changed",
            &format!("Somebody who knows your password asked to change the address of your account to {masked}."),
            None,
            "If it was not you, reset your password now.",
        ),
        Content::SecondFactorSet => words(
            "Your second factor is on",
            "From now on, signing in to your account asks for a code of your authenticator app.",
            None,
            "If it was not you, reset your password now and tell another admin.",
        ),
        Content::SecondFactorRemoved => words(
            "Your second factor is off",
            "The second factor of your account was removed: your password alone signs you in now.",
            None,
            "If neither you nor another admin did it, reset your password now.",
        ),
        Content::RecoveryCodeUsed => words(
            "A recovery code was used",
            "One of your recovery codes was used in place of a code of your authenticator app. It is good no more.",
            None,
            "If it was not you, reset your password now, and make new recovery codes.",
        ),
    }
}

fn in_chinese(content: &Content) -> Words {
    match content {
        Content::Verification(code) => words(
            "您的验证码",
            "请输入以下验证码完成注册：",
            Some(code),
            "验证码 15 分钟内有效。如果您没有注册，请忽略此邮件。",
        ),
        Content::AlreadyRegistered => words(
            "您已有账户",
            "有人（可能是您）想用此邮箱地址注册，但该地址已有账户。",
            None,
            "请直接登录；如果忘记密码，请重置密码。如果这不是您的操作，请忽略此邮件。",
        ),
        Content::PasswordReset { symbols, link } => Words {
            link: Some(link.clone()),
            ..words(
                "重置密码",
                "请输入以下验证码或打开链接设置新密码：",
                Some(symbols),
                "验证码和链接 30 分钟内有效。如果这不是您的操作，请忽略此邮件，密码不会改变。",
            )
        },
        Content::Challenge(symbols) => words(
            "您的登录验证码",
            "您的邮箱地址有多次登录失败。请将以下验证码与密码一起输入：",
            Some(symbols),
            "验证码 15 分钟内有效。如果这不是您的操作，请忽略此邮件。",
        ),
        Content::NewEmail(code) => words(
            "确认您的新邮箱地址",
            "请输入以下验证码，将此地址用于您的账户：",
            Some(code),
            "验证码 15 分钟内有效。如果这不是您的操作，请忽略此邮件。",
        ),
        Content::EmailChangeNotice(masked) => words(
            "您的邮箱地址即将更改",
            &format!("有知道您密码的人要求将账户的邮箱地址改为 {masked}。"),
            None,
            "如果这不是您的操作，请立即重置密码。",
        ),
        Content::SecondFactorSet => words(
            "两步验证已开启",
            "今后登录您的账户时，还需输入身份验证器中的验证码。",
            None,
            "如果这不是您的操作，请立即重置密码，并告知其他管理员。",
        ),
        Content::SecondFactorRemoved => words(
            "两步验证已关闭",
            "您账户的两步验证已移除，现在仅凭密码即可登录。",
            None,
            "如果这不是您或其他管理员的操作，请立即重置密码。",
        ),
        Content::RecoveryCodeUsed => words(
            "恢复码已使用",
            "您的一个恢复码已代替身份验证器的验证码使用，此恢复码已失效。",
            None,
            "如果这不是您的操作，请立即重置密码，并生成新的恢复码。",
        ),
    }
}
