//! How results look: a table for people, JSON for programs, CSV for spreadsheets (formula-safe, R4.12).

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use shared::edge::export::{content, csv};

use crate::trouble::Trouble;

/// In which form results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: everything that is known, pretty-printed.
    Json,
    /// For spreadsheets: the table's columns.
    Csv,
}

/// Where results and notes go.
pub struct Out<'a> {
    format: Format,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> Out<'a> {
    /// Results to `out` in this form, notes and errors to `err`.
    pub fn new(format: Format, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { format, out, err }
    }

    /// The form of results.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints a list; `columns` are paths into its rows.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn rows(&mut self, columns: &[&str], rows: &[Value]) -> Result<(), Trouble> {
        match self.format {
            Format::Json => self.json(&Value::from(rows.to_vec())),
            Format::Csv => self.text(&csv(columns, rows.iter().cloned())),
            Format::Table if rows.is_empty() => self.note("nothing"),
            Format::Table => self.text(&table(columns, rows)),
        }
    }

    /// Prints one thing, field by field.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn thing(&mut self, thing: &Value) -> Result<(), Trouble> {
        if self.format == Format::Json {
            return self.json(thing);
        }
        let mut fields = Vec::new();
        flatten("", thing, &mut fields);
        self.rows(&["field", "value"], &fields)
    }

    /// Prints JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn json(&mut self, value: &Value) -> Result<(), Trouble> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Trouble::Failed(error.to_string()))?;
        self.text(&format!("{text}\n"))
    }

    /// Prints a text as it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn text(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Where raw results go.
    pub fn raw(&mut self) -> &mut dyn Write {
        self.out
    }

    /// Tells a person something that is no result.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn note(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.err, "{text}")?)
    }

    /// Says what went wrong and what to do.
    pub fn complain(&mut self, trouble: &Trouble) {
        // When this can't be written either, the exit status still tells.
        let _unheard = writeln!(self.err, "error: {trouble}");
        if let Some(hint) = trouble.hint() {
            let _unheard = writeln!(self.err, "hint: {hint}");
        }
    }
}

/// A table of the columns that say anything.
fn table(columns: &[&str], rows: &[Value]) -> String {
    let said = |column: &&&str| rows.iter().any(|row| !content(row, column).is_empty());
    let columns: Vec<&str> = columns.iter().filter(said).copied().collect();
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|column| printable(&content(row, column))));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end().strip_prefix(' ').unwrap_or_default())).collect()
}

/// What a stranger wrote must not move the operator's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The fields of a thing under their paths; lists of things stay JSON.
fn flatten(path: &str, value: &Value, fields: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, fields);
            }
        }
        Value::Null => {}
        value => fields.push(serde_json::json!({"field": path, "value": value})),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn printed(format: Format, rows: &[Value]) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        Out::new(format, &mut out, &mut err).rows(&["id", "user.email"], rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// R4.12
    #[test]
    fn what_a_stranger_wrote_is_neither_a_formula_nor_an_escape_sequence() {
        let rows = [json!({"id": "=1+1", "user": {"email": "\u{1b}[2Jx"}})];
        assert!(printed(Format::Csv, &rows).contains("\"'=1+1\""));
        assert!(!printed(Format::Table, &rows).contains('\u{1b}'));
        assert!(printed(Format::Table, &rows).contains("USER.EMAIL"));
    }

    #[test]
    fn json_has_everything_and_not_only_the_columns() {
        let rows = [json!({"id": "a", "more": 1})];
        assert_eq!(serde_json::from_str::<Value>(&printed(Format::Json, &rows)).unwrap(), json!(rows));
    }
}
