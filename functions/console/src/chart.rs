//! Charts as SVG from the server, with their numbers as a table (C3.3). Never more than two series; they differ in lightness, too.

use fluent_static::Message;
use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::list::{Column, table};
use crate::parts::grouped;
use crate::text::Texts;

/// Bottom, top, left and right of the plot in a viewBox of 720 × 220.
const BOTTOM: i64 = 190;
const TOP: i64 = 20;
const LEFT: i64 = 52;
const RIGHT: i64 = 716;
/// Most names below the axis.
const TICKS: usize = 5;

/// Form of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One bar per place, of all series on top of each other.
    Bars,
    /// A line of the first series.
    Line,
}

/// A place on the axis: its short name, its full name, and the value and the shown value of each series.
pub struct Place {
    pub tick: String,
    pub name: String,
    pub values: Vec<(Decimal, Markup)>,
}

/// A chart.
pub struct Chart<'a> {
    /// Prefix of its ids.
    pub id: &'a str,
    pub form: Form,
    pub title: String,
    /// The chart in words.
    pub description: String,
    /// Names of the series.
    pub series: Vec<Message>,
    /// Name of what the places are.
    pub axis: Message,
    /// Oldest first.
    pub places: Vec<Place>,
}

/// The keys of the series.
pub fn key(series: &[Message]) -> Markup {
    html! {
        @if series.len() > 1 {
            ul.key { @for (place, name) in series.iter().enumerate() { li class=(format!("k{}", place.saturating_add(1))) { (name) } } }
        }
    }
}

/// The chart with its table.
pub fn chart(text: &Texts, of: &Chart<'_>) -> Markup {
    let (title, description) = (format!("{}-title", of.id), format!("{}-text", of.id));
    let scale = Scale::of(&of.places);
    html! {
        svg.chart.wide viewBox="0 0 720 220" role="img" aria-labelledby=(format!("{title} {description}")) {
            title id=(title) { (of.title) }
            desc id=(description) { (of.description) }
            (grid(&scale))
            @match of.form { Form::Bars => (bars(of, &scale)), Form::Line => (line(of, &scale)) }
        }
        details.data { summary { (text.show_table()) } (numbers(of)) }
    }
}

fn numbers(of: &Chart<'_>) -> Markup {
    let series = of.series.iter().cloned().map(Column::Number);
    let columns: Vec<Column> = [Column::Text(of.axis.clone())].into_iter().chain(series).collect();
    let row = |place: &Place| -> Vec<Markup> {
        let values = place.values.iter().map(|(_, shown)| shown.clone());
        [html! { (place.name) }].into_iter().chain(values).collect()
    };
    // The newest first, as in every list.
    let rows: Vec<Vec<Markup>> = of.places.iter().rev().map(row).collect();
    table(&columns, &rows)
}

/// The axis of values: its top, and the lines across.
struct Scale {
    top: Decimal,
    step: Decimal,
}

impl Scale {
    fn of(places: &[Place]) -> Self {
        let sum = |place: &Place| {
            place.values.iter().fold(Decimal::ZERO, |sum, (value, _)| sum.saturating_add((*value).max(Decimal::ZERO)))
        };
        let most = places.iter().map(sum).max().unwrap_or_default();
        let mut step = Decimal::ONE;
        // The least of 1, 2, 5, 10, 20 … of which four reach the top.
        for factor in [2, 5, 10].into_iter().cycle().take(90) {
            if step.saturating_mul(Decimal::from(4)) >= most {
                break;
            }
            let before = [(2, Decimal::ONE), (5, Decimal::TWO), (10, Decimal::from(5))];
            let before = before.iter().find(|(known, _)| *known == factor).map_or(Decimal::ONE, |(_, before)| *before);
            step = step.checked_div(before).unwrap_or(step).saturating_mul(Decimal::from(factor));
        }
        let steps = most.checked_div(step).unwrap_or_default().ceil().max(Decimal::ONE);
        Self { top: step.saturating_mul(steps), step }
    }

    /// Height of a value in tenths of a unit.
    fn height(&self, value: Decimal) -> i64 {
        let tenths = Decimal::from(BOTTOM.saturating_sub(TOP).saturating_mul(10));
        let height = value.max(Decimal::ZERO).saturating_mul(tenths).checked_div(self.top).unwrap_or_default();
        height.round().try_into().unwrap_or(0)
    }

    fn lines(&self) -> Vec<Decimal> {
        let count: u32 = self.top.checked_div(self.step).unwrap_or_default().try_into().unwrap_or(0);
        (0..=count).map(|line| self.step.saturating_mul(Decimal::from(line))).collect()
    }
}

/// A number of tenths as SVG takes it.
fn tenths(number: i64) -> String {
    format!("{}.{}", number / 10, number.rem_euclid(10))
}

fn below(height: i64) -> i64 {
    BOTTOM.saturating_mul(10).saturating_sub(height)
}

fn grid(scale: &Scale) -> Markup {
    html! {
        @for value in scale.lines() {
            @let y = below(scale.height(value));
            line.g x1=(LEFT) x2=(RIGHT) y1=(tenths(y)) y2=(tenths(y)) {}
            text x=(LEFT.saturating_sub(8)) y=(tenths(y.saturating_add(40))) text-anchor="end" { (brief(value)) }
        }
    }
}

/// A round number in few symbols.
fn brief(value: Decimal) -> String {
    for (unit, sign) in [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        let unit = Decimal::from(unit);
        if value >= unit {
            return format!("{}{sign}", value.checked_div(unit).unwrap_or_default().normalize());
        }
    }
    grouped(&value.normalize().to_string())
}

/// Left edge and width of each place, in tenths.
fn slots(count: usize) -> (i64, impl Fn(usize) -> i64) {
    let count = i64::try_from(count).unwrap_or(1).max(1);
    let width = RIGHT.saturating_sub(LEFT).saturating_mul(10) / count;
    let left = move |place: usize| {
        LEFT.saturating_mul(10).saturating_add(width.saturating_mul(i64::try_from(place).unwrap_or(0)))
    };
    (width, left)
}

/// Names below the axis, that of the last place among them: so many that they stand apart on a narrow screen, too. The last one ends
/// where the plot does.
fn ticks(places: &[Place], x: impl Fn(usize) -> i64) -> Markup {
    let every = places.len().div_ceil(TICKS).max(1);
    html! {
        @for (place, of) in places.iter().enumerate().rev().step_by(every) {
            @if place.saturating_add(1) == places.len() { text x=(RIGHT) y="208" text-anchor="end" { (of.tick) } }
            @else { text x=(tenths(x(place))) y="208" text-anchor="middle" { (of.tick) } }
        }
    }
}

fn bars(of: &Chart<'_>, scale: &Scale) -> Markup {
    let (slot, left) = slots(of.places.len());
    let width = slot.saturating_mul(6) / 10;
    let inset = slot.saturating_sub(width) / 2;
    html! {
        @for (place, at) in of.places.iter().enumerate() {
            g {
                title { (said(of, at)) }
                @let x = left(place).saturating_add(inset);
                @for (series, y, height) in stack(scale, at) {
                    rect class=(format!("b{series}")) x=(tenths(x)) y=(tenths(y)) width=(tenths(width)) height=(tenths(height)) rx="2" {}
                }
            }
        }
        (ticks(&of.places, |place| left(place).saturating_add(slot / 2)))
    }
}

/// The bars of a place from the bottom up: number of the series, upper edge, height; a gap lies between two.
fn stack(scale: &Scale, at: &Place) -> Vec<(usize, i64, i64)> {
    let mut bottom = 0_i64;
    let mut all = Vec::new();
    for (series, (value, _)) in at.values.iter().enumerate() {
        let height = scale.height(*value);
        if height > 0 {
            let gap = if bottom > 0 { 15.min(height) } else { 0 };
            let upper = below(bottom.saturating_add(height));
            all.push((series.saturating_add(1), upper, height.saturating_sub(gap)));
            bottom = bottom.saturating_add(height);
        }
    }
    all
}

fn line(of: &Chart<'_>, scale: &Scale) -> Markup {
    let (slot, left) = slots(of.places.len());
    let x = |place: usize| left(place).saturating_add(slot / 2);
    let point = |(place, at): (usize, &Place)| {
        let value = at.values.first().map(|(value, _)| *value).unwrap_or_default();
        format!("{} {}", tenths(x(place)), tenths(below(scale.height(value))))
    };
    let points: Vec<String> = of.places.iter().enumerate().map(point).collect();
    let path = format!("M{}", points.join(" L"));
    let ends = [of.places.len().saturating_sub(1), 0].map(|place| format!(" L{} {BOTTOM}", tenths(x(place))));
    html! {
        @if !points.is_empty() {
            path.a1 d=(format!("{path}{}Z", ends.concat())) {}
            path.l1 d=(path) {}
        }
        (ticks(&of.places, x))
    }
}

/// A place in words, for who points at it.
fn said(of: &Chart<'_>, at: &Place) -> String {
    let values = of.series.iter().zip(&at.values).map(|(name, (value, _))| {
        let text = value.normalize().to_string();
        let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
        let point = if rest.is_empty() { "" } else { "." };
        format!("{name} {}{point}{rest}", grouped(whole))
    });
    format!("{}: {}", at.name, values.collect::<Vec<_>>().join(", "))
}

/// A bar of a list of bars, as a part of the longest.
pub struct Bar {
    pub name: String,
    pub shown: String,
    pub value: u64,
}

/// A list of bars with their numbers.
pub fn bar_list(bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    html! {
        ul.bars {
            @for bar in bars {
                li {
                    span { (bar.name) }
                    span.num { (bar.shown) }
                    svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
                        rect.b1 width=(bar.value.saturating_mul(100) / most) height="4" {}
                    }
                }
            }
        }
    }
}
