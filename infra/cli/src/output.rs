//! Output formats: a table for people, JSON for programs, CSV for spreadsheets (formula-safe, R4.12).

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use shared::edge::export::{content, csv};

use crate::api::Listed;
use crate::trouble::Trouble;

/// The output format of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, for people.
    #[default]
    Table,
    /// Pretty-printed JSON with all fields, for programs.
    Json,
    /// The table's columns as CSV, for spreadsheets.
    Csv,
}

/// The destination of results and notes, with the output format.
pub struct Out<'a> {
    format: Format,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> Out<'a> {
    /// Writes results to `out` in this format, and notes and errors to `err`.
    pub fn new(format: Format, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { format, out, err }
    }

    /// The format of results.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints a list; `columns` are dotted paths into its rows.
    ///
    /// # Errors
    /// Fails when the output can't be written.
    pub fn rows(&mut self, columns: &[&str], rows: &[Value]) -> Result<(), Trouble> {
        match self.format {
            Format::Json => self.json(&Value::from(rows.to_vec())),
            Format::Csv => self.text(&csv(columns, rows.iter().cloned())),
            Format::Table if rows.is_empty() => self.note("nothing"),
            Format::Table => self.text(&table(columns, rows)),
        }
    }

    /// Prints the items of a list, and notes on standard error if there are more (G14).
    ///
    /// # Errors
    /// Fails when the output can't be written.
    pub fn list(&mut self, columns: &[&str], listed: &Listed) -> Result<(), Trouble> {
        self.rows(columns, &listed.rows)?;
        if listed.more {
            self.note(&format!("only the newest {} are shown; --all shows all, --limit more", listed.rows.len()))?;
        }
        Ok(())
    }

    /// Prints one object, field by field.
    ///
    /// # Errors
    /// Fails when the output can't be written.
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
    /// Fails when the output can't be written.
    pub fn json(&mut self, value: &Value) -> Result<(), Trouble> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Trouble::Failed(error.to_string()))?;
        self.text(&format!("{text}\n"))
    }

    /// Prints a text unchanged.
    ///
    /// # Errors
    /// Fails when the output can't be written.
    pub fn text(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// The writer for raw results.
    pub fn raw(&mut self) -> &mut dyn Write {
        self.out
    }

    /// Prints a note to standard error; a note is not part of the result.
    ///
    /// # Errors
    /// Fails when the error stream can't be written.
    pub fn note(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.err, "{text}")?)
    }

    /// Prints an error, and a hint if there is one.
    pub fn complain(&mut self, trouble: &Trouble) {
        // A failed write is ignored: the exit status still reports the error.
        let _unheard = writeln!(self.err, "error: {trouble}");
        if let Some(hint) = trouble.hint() {
            let _unheard = writeln!(self.err, "hint: {hint}");
        }
    }
}

/// A table of the columns that have a value in at least one row.
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

/// Replaces control characters: user-supplied text must not move the operator's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Flattens an object into rows of field path and value; lists stay JSON.
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

    /// G14: a list that was cut says so on standard error, and only there.
    #[test]
    fn a_list_that_was_cut_says_so() {
        for (more, noted) in [(true, "only the newest 1 are shown; --all shows all, --limit more\n"), (false, "")] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let listed = Listed { rows: vec![json!({"id": "a"})], more };
            Out::new(Format::Csv, &mut out, &mut err).list(&["id"], &listed).unwrap();
            assert_eq!((out.as_slice(), err.as_slice()), (&b"id\r\na\r\n"[..], noted.as_bytes()));
        }
    }

    #[test]
    fn json_has_everything_and_not_only_the_columns() {
        let rows = [json!({"id": "a", "more": 1})];
        assert_eq!(serde_json::from_str::<Value>(&printed(Format::Json, &rows)).unwrap(), json!(rows));
    }
}
