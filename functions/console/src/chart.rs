//! Charts: drawn on the server, described in words, with their numbers in a table below (C3.3).

use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::show::{self, Column};
use crate::visit::Visit;

/// Height of the highest bar that a chart has room for.
const HEIGHT: u32 = 150;
/// Line on which all stand.
const GROUND: u32 = 170;
/// Left edge of the first bar's place, and the width of all places.
const LEFT: u32 = 60;
const WIDTH: u32 = 636;
/// Most labels below, so that they stand apart on a narrow screen, too.
const LABELS: usize = 4;

/// A bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Name below it.
    pub name: String,
    pub value: Decimal,
    /// Value as it is told.
    pub told: String,
}

/// Words of a chart.
#[derive(Debug, Clone)]
pub struct Words {
    pub title: String,
    pub description: String,
    /// Headings of the table: of the names and of the values.
    pub columns: [Column; 2],
}

/// A chart of bars of one kind, the oldest first; its table has the newest first.
pub fn bars(visit: &Visit, words: &Words, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let top = scale(most);
    let rows: Vec<Vec<Markup>> =
        bars.iter().rev().map(|bar| vec![html! { (bar.name) }, html! { (bar.told) }]).collect();
    html! {
        svg.chart.weeks viewBox="0 0 740 205" role="img" aria-labelledby="chart-title chart-description" {
            title #chart-title { (words.title) }
            desc #chart-description { (words.description) }
            @for part in [Decimal::ZERO, top.checked_div(Decimal::TWO).unwrap_or_default(), top] { (line(part, top)) }
            @for (index, bar) in (0_u32..).zip(bars) { (drawn(index, bars.len(), bar, top)) }
        }
        details.data {
            summary { (visit.text.as_table()) }
            (show::table(&words.columns, &rows))
        }
    }
}

fn line(at: Decimal, top: Decimal) -> Markup {
    let y = Decimal::from(GROUND).saturating_sub(height(at, top));
    html! {
        line.g x1=(LEFT) x2="696" y1=(y) y2=(y) {}
        text x="52" y=(y.saturating_add(Decimal::from(4))) text-anchor="end" { (at.normalize()) }
    }
}

fn drawn(index: u32, count: usize, bar: &Bar, top: Decimal) -> Markup {
    let place = WIDTH.checked_div(u32::try_from(count).unwrap_or(1)).unwrap_or(WIDTH).min(WIDTH / 4);
    let x = LEFT.saturating_add(place.saturating_mul(index));
    let width = place.saturating_mul(7) / 10;
    let left = x.saturating_add(place.saturating_sub(width) / 2);
    let high = height(bar.value, top);
    let every = count.div_ceil(LABELS).max(1);
    let is_labelled =
        usize::try_from(index).is_ok_and(|index| count.saturating_sub(index).saturating_sub(1) % every == 0);
    html! {
        g {
            title { (bar.name) ": " (bar.told) }
            rect.b1 x=(left) y=(Decimal::from(GROUND).saturating_sub(high)) width=(width) height=(high) rx="2" {}
        }
        @if is_labelled { text x=(left.saturating_add(width / 2)) y="192" text-anchor="middle" { (bar.name) } }
    }
}

/// Height of a value, to a tenth.
fn height(value: Decimal, top: Decimal) -> Decimal {
    let high = value.max(Decimal::ZERO).saturating_mul(Decimal::from(HEIGHT)).checked_div(top);
    high.unwrap_or_default().round_dp(1).normalize()
}

/// The least of 1, 2 and 5 times a power of ten that is no less than the highest value.
fn scale(most: Decimal) -> Decimal {
    let mut power = Decimal::ONE;
    while power < most {
        power = power.saturating_mul(Decimal::TEN);
    }
    while let Some(next) = power.checked_div(Decimal::TEN).filter(|next| *next >= most && next.scale() <= 8) {
        power = next;
    }
    let steps = [Decimal::from(5), Decimal::TWO, Decimal::ONE];
    steps.iter().filter_map(|step| power.checked_div(*step)).find(|top| *top >= most).unwrap_or(power)
}
