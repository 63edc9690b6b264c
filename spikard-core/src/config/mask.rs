//! Finds secrets in text that is no tree yet, so that a syntax error does not show them.
//!
//! Whatever follows the name of a secret, or a word much like one, is hidden: to the end of the
//! line, of the quotes and brackets that it opens, and in YAML of the lines below that are
//! indented deeper. This hides too much rather than too little.

use std::collections::HashSet;
use std::ops::Range;

use super::secrets;
use super::source::Source;
use super::suggest::nearest;
use super::syntax::Format;

/// Masks whatever looks like a secret.
pub(super) fn hide_lexically(format: Format, source: &mut Source) {
    let names = secrets::names();
    for span in values(source.text(), format, &names) {
        source.mask(span);
    }
}

fn values(text: &str, format: Format, names: &HashSet<&str>) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut from = 0;
    while let Some(word) = next_word(text, from) {
        from = word.end;
        if nearest(&text[word.clone()], names.iter().copied()).is_empty() {
            continue;
        }
        let start = word.end + separator_length(&text[word.end..]);
        let mut end = start + value_length(&text[start..]);
        if format == Format::Yaml {
            end = end.max(block_end(text, &word));
        }
        values.push(start..end);
        from = end;
    }
    values
}

/// How much stands between a name and its value: a closing quote, `=` or `:`, and blanks.
fn separator_length(after: &str) -> usize {
    let rest = after.strip_prefix(['"', '\'']).unwrap_or(after).trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    after.len() - rest.len()
}

fn next_word(text: &str, from: usize) -> Option<Range<usize>> {
    let is_part = |part: char| part.is_alphanumeric() || part == '_' || part == '-';
    let start = from + text[from..].find(is_part)?;
    let length = text[start..].find(|part| !is_part(part)).unwrap_or(text.len() - start);
    Some(start..start + length)
}

/// How long a value is: to the end of the line on which its last quote and bracket is closed.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote: Option<&str> = None;
    let mut position = 0;
    while let Some(rest) = text.get(position..).filter(|rest| !rest.is_empty()) {
        let opening = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| rest.starts_with(mark));
        match (quote, opening) {
            (Some(mark), _) if rest.starts_with(mark) => {
                quote = None;
                position += mark.len();
                continue;
            }
            (None, Some(mark)) => {
                quote = Some(mark);
                position += mark.len();
                continue;
            }
            _ => {}
        }
        let first = rest.chars().next().unwrap_or('\n');
        match first {
            '\n' if depth == 0 && quote.is_none_or(|mark| mark.len() == 1) => break,
            '[' | '{' if quote.is_none() => depth += 1,
            ']' | '}' if quote.is_none() => depth = depth.saturating_sub(1),
            '\\' if quote.is_some_and(|mark| mark.starts_with('"')) => {
                position += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
            _ => {}
        }
        position += first.len_utf8();
    }
    position
}

/// Where the lines end that are indented deeper than the line of a key, or are items of its list.
fn block_end(text: &str, key: &Range<usize>) -> usize {
    let line_start = text[..key.start].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = key.start - line_start;
    let mut end = key.end + text[key.end..].find('\n').unwrap_or(text.len() - key.end);
    for line in text[end..].split_inclusive('\n').skip(1) {
        let inner = line.trim_start();
        let deeper = line.len() - inner.len() > indent;
        if !(deeper || inner.is_empty() || (inner.starts_with('-') && line.len() - inner.len() == indent)) {
            break;
        }
        end += line.len();
    }
    end.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str, format: Format) -> String {
        let names = HashSet::from(["secret", "keys"]);
        let mut source = Source::new("x", text);
        for span in values(text, format, &names) {
            source.mask(span);
        }
        source.shown()
    }

    #[test]
    fn hides_what_follows_the_name_of_a_secret() {
        for (text, shown) in [
            ("secret = \"hidden\nother = 1", "secret = ****\nother = 1"),
            ("secrt = \"hidden\" = 3\nother = 1", "secrt = ****\nother = 1"),
            ("keys = [\n\"hidden\",\n'hidden\"'] x\nother", "keys = ****\n\n\nother"),
            ("secret = \"\"\"\nhidden=\n\"\"\"\nother", "secret = ****\n\n\nother"),
            ("{ \"secret\": \"hidden\", \"other\" 1 }", "{ \"secret\": ****"),
        ] {
            assert_eq!(hidden(text, Format::Toml), shown, "{text}");
        }
        assert_eq!(
            hidden("a:\n  secret: |\n    hidden\n    hidden: x\n  other: [", Format::Yaml),
            "a:\n  secret: ****\n\n\n  other: ["
        );
        assert_eq!(hidden("keys:\n- hidden\n- hidden\nother", Format::Yaml), "keys:****\n\n\nother");
    }
}
