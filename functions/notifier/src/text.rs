//! Texts of e-mails, in English and Chinese.

use shared::message::MailKind;

/// Text of an e-mail.
pub struct Text {
    pub subject: String,
    /// Body as plain text.
    pub plain: String,
    /// Body as HTML.
    pub html: String,
}

/// The text of a mail with a code; Chinese for a locale that begins with `zh`, else English.
pub fn text(mail: MailKind, locale: Option<&str>, code: &str) -> Text {
    let chinese = locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh"));
    let (subject, before, after) = match (mail, chinese) {
        (MailKind::Verification, false) => (
            "Your verification code",
            "Enter this code to finish your registration:",
            "It is good for 15 minutes. If you did not register, ignore this e-mail.",
        ),
        (MailKind::Verification, true) => {
            ("您的验证码", "请输入以下验证码完成注册：", "验证码 15 分钟内有效。如果您没有注册，请忽略此邮件。")
        }
        (MailKind::PasswordReset, false) => (
            "Reset your password",
            "Enter this code to set a new password:",
            "It is good for 15 minutes. If you did not ask for it, ignore this e-mail; your password stays as it is.",
        ),
        (MailKind::PasswordReset, true) => (
            "重置密码",
            "请输入以下验证码设置新密码：",
            "验证码 15 分钟内有效。如果这不是您的操作，请忽略此邮件，密码不会改变。",
        ),
    };
    Text {
        subject: subject.to_owned(),
        plain: format!("{before}\n\n{code}\n\n{after}\n"),
        html: format!("<p>{before}</p><p style=\"font-size:24px;letter-spacing:4px\"><b>{code}</b></p><p>{after}</p>"),
    }
}
