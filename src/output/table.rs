//! Tables without frames, for terminals of a known width.

use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

/// Writes a header and rows. The last column is wrapped so that no line is wider than `width`; the others keep theirs.
pub fn write<const N: usize>(
    out: &mut impl Write,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: u16,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(header);
    table.add_rows(rows);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if at + 1 < N {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_column_is_wrapped() {
        let mut out = Vec::new();
        let rows = [["A1".to_owned(), "some words that do not fit".to_owned()]];
        super::write(&mut out, ["CODE", "TITLE"], rows, 20).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        CODE  TITLE
        A1    some words
              that do not
              fit
        ");
    }
}
