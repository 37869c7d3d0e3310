//! CSV as spreadsheets and databases write it (RFC 4180): cells in quotes may hold commas, quotes and line ends.

/// A record and the number of the line that it begins on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRecord {
    pub line: usize,
    pub cells: Vec<String>,
}

/// Reads all records; empty lines are none.
///
/// # Rejects
/// The number of the line that opens a quote which nothing closes, or has text behind one.
pub fn read(text: &str) -> Result<Vec<CsvRecord>, usize> {
    let mut reader = Reader { records: Vec::new(), cells: Vec::new(), cell: String::new(), begun: 1, line: 1 };
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let mut quoted: Option<usize> = None;
    let mut closed = false;
    while let Some(c) = rest.next() {
        match (c, quoted) {
            ('"', Some(_)) if rest.peek() == Some(&'"') => {
                rest.next();
                reader.cell.push('"');
            }
            ('"', Some(_)) => (quoted, closed) = (None, true),
            (c, Some(_)) => reader.within(c),
            ('"', None) if reader.cell.is_empty() && !closed => quoted = Some(reader.line),
            (',', None) => {
                reader.end_cell();
                closed = false;
            }
            ('\r', None) if rest.peek() == Some(&'\n') => {}
            ('\n' | '\r', None) => {
                reader.end_record();
                closed = false;
            }
            (_, None) if closed => return Err(reader.line),
            (c, None) => reader.cell.push(c),
        }
    }
    if let Some(line) = quoted {
        return Err(line);
    }
    reader.end_record();
    Ok(reader.records)
}

/// Undoes what keeps a spreadsheet from taking a text for a formula.
pub fn unescaped(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => text,
        _ => cell,
    }
}

struct Reader {
    records: Vec<CsvRecord>,
    cells: Vec<String>,
    cell: String,
    /// Line on which the record begins.
    begun: usize,
    line: usize,
}

impl Reader {
    fn within(&mut self, c: char) {
        self.cell.push(c);
        self.line = self.line.saturating_add(usize::from(c == '\n'));
    }

    fn end_cell(&mut self) {
        self.cells.push(std::mem::take(&mut self.cell));
    }

    fn end_record(&mut self) {
        self.end_cell();
        let cells = std::mem::take(&mut self.cells);
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            self.records.push(CsvRecord { line: self.begun, cells });
        }
        self.line = self.line.saturating_add(1);
        self.begun = self.line;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        read(text).unwrap().into_iter().map(|record| (record.line, record.cells)).collect()
    }

    /// R13.1
    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        let text = "\u{feff}email,note\r\na@x.com,\"said \"\"no\"\", and\nleft\"\r\n\r\n,\nb@x.com,\n";
        let row = |line, cells: [&str; 2]| (line, cells.map(str::to_owned).to_vec());
        let expected =
            vec![row(1, ["email", "note"]), row(2, ["a@x.com", "said \"no\", and\nleft"]), row(6, ["b@x.com", ""])];
        assert_eq!(cells(text), expected);
        assert_eq!(cells(text.trim_end()), expected, "the last line needs no end");
        assert_eq!(cells("a\r\"\"\r"), vec![(1, vec!["a".to_owned()])]);
    }

    #[test]
    fn a_quote_that_nothing_closes_is_told_with_its_line() {
        assert_eq!(read("a,b\n\"c,d\ne,f\n"), Err(2));
        assert_eq!(read("a,b\n\"c\"d,e\n"), Err(2));
    }

    #[test]
    fn a_text_is_not_a_formula_and_reads_back() {
        for (cell, text) in [("'+1@x.com", "+1@x.com"), ("'quoted'", "'quoted'"), ("plain", "plain")] {
            assert_eq!(unescaped(cell), text);
        }
    }
}
