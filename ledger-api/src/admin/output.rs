//! Results on stdout: a table for people, one JSON object a line for programs.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::arguments::Format;

/// One result: names and values, in the order they are shown.
pub type Row = Vec<(&'static str, Value)>;

/// Writes results.
pub fn write(out: &mut impl Write, format: Format, rows: &[Row]) -> io::Result<()> {
    match format {
        Format::Json => rows.iter().try_for_each(|row| {
            let object: Map<String, Value> =
                row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            writeln!(out, "{}", Value::Object(object))
        }),
        Format::Table => write_table(out, rows),
    }
}

fn write_table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let head: Vec<String> = first.iter().map(|(name, _)| (*name).to_owned()).collect();
    let body: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|(_, value)| cell(value)).collect()).collect();
    let width = |column: usize| {
        let cells = body.iter().chain([&head]).filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for line in [&head].into_iter().chain(&body) {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_are_objects() {
        let rows = [
            vec![("id", "a".into()), ("name", "first".into())],
            vec![("id", "long".into()), ("name", Value::Null)],
        ];
        let mut out = Vec::new();
        write(&mut out, Format::Table, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "id    name\na     first\nlong  -\n");
        let mut out = Vec::new();
        write(&mut out, Format::Json, &rows[..1]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"id\":\"a\",\"name\":\"first\"}\n");
    }
}
