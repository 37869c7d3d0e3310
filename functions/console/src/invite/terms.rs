//! The programme in words: what its settings promise, a sentence each.

use maud::{Markup, html};
use shared::kernel::money::{LedgerMoney, MoneyError};
use shared::referral::model::referral::{RewardTerms, Side, Trigger};

use crate::show;
use crate::visit::Visit;

/// Promises of a referral made now; `None` for those that are 0.
pub struct Promised {
    you_sign_up: Option<String>,
    you_qualify: Option<String>,
    friend_sign_up: Option<String>,
    friend_qualify: Option<String>,
    threshold: String,
}

impl Promised {
    /// Reads the promises of the terms.
    pub fn of(terms: &RewardTerms) -> Result<Self, MoneyError> {
        let shown = |amount: LedgerMoney| amount.is_positive().then(|| show::credit_text(amount));
        Ok(Self {
            you_sign_up: shown(terms.amount(Trigger::Registration, Side::Inviter)?),
            you_qualify: shown(terms.amount(Trigger::Qualified, Side::Inviter)?),
            friend_sign_up: shown(terms.amount(Trigger::Registration, Side::Invitee)?),
            friend_qualify: shown(terms.amount(Trigger::Qualified, Side::Invitee)?),
            threshold: show::price_text(terms.threshold),
        })
    }

    /// True if anything is promised at the threshold.
    fn has_threshold(&self) -> bool {
        self.you_qualify.is_some() || self.friend_qualify.is_some()
    }

    /// The promises as sentences.
    pub fn sentences(&self, visit: &Visit, most: Option<u64>) -> Markup {
        let text = &visit.text;
        let threshold = || self.threshold.clone();
        let is_nothing = !self.has_threshold() && self.you_sign_up.is_none() && self.friend_sign_up.is_none();
        html! {
            @if let Some(amount) = &self.you_sign_up { span { (text.terms_you_sign_up(amount.clone())) } " " }
            @if let Some(amount) = &self.you_qualify { span { (text.terms_you_qualify(amount.clone(), threshold())) } " " }
            @if let Some(amount) = &self.friend_sign_up { span { (text.terms_friend_sign_up(amount.clone())) } " " }
            @if let Some(amount) = &self.friend_qualify { span { (text.terms_friend_qualify(amount.clone(), threshold())) } " " }
            @if is_nothing { span { (text.terms_none()) } " " }
            @if let Some(most) = most { span { (text.terms_most(most)) } }
        }
    }

    /// The promises to the friend, as the friend reads them.
    pub fn to_friend(&self, visit: &Visit) -> Markup {
        let text = &visit.text;
        html! {
            @if let Some(amount) = &self.friend_sign_up { " " (text.yours_sign_up(amount.clone())) }
            @if let Some(amount) = &self.friend_qualify { " " (text.yours_qualify(amount.clone(), self.threshold.clone())) }
        }
    }

    /// How it works, in three steps.
    pub fn steps(&self, visit: &Visit) -> Markup {
        let text = &visit.text;
        html! {
            section.card aria-labelledby="how" {
                header { h2 #how { (text.how_it_works()) } }
                div.in {
                    ol.steps {
                        li { h3 { (text.step_share()) } p { (text.step_share_todo()) } }
                        li {
                            h3 { (text.step_sign_up()) }
                            p {
                                @match &self.friend_sign_up {
                                    Some(amount) => (text.step_sign_up_gets(amount.clone())),
                                    None => (text.step_sign_up_plain()),
                                }
                            }
                        }
                        @if self.has_threshold() {
                            li {
                                h3 { (text.step_pay(self.threshold.clone())) }
                                p {
                                    @match &self.you_qualify {
                                        Some(amount) => (text.step_pay_gets(amount.clone())),
                                        None => (text.step_pay_plain()),
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
