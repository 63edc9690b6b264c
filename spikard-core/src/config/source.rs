//! The text of a configuration file: lines and columns, and what of it may be shown.

use std::fmt;
use std::ops::Range;

use spikard_middleware::secret::MASK;

/// A configuration file.
#[derive(Clone, Default)]
pub struct Source {
    name: String,
    text: String,
    /// Bytes that nobody gets to see, sorted and apart.
    masks: Vec<Range<usize>>,
}

/// A place in a file, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Source {
    /// A file by its name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), masks: Vec::new() }
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, secrets included.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The place of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        Position { line, column: before[line_start..].chars().count() + 1 }
    }

    /// Hides bytes from everything that is shown.
    pub(super) fn mask(&mut self, span: Range<usize>) {
        if span.is_empty() {
            return;
        }
        let touching: Vec<_> = self.masks.extract_if(.., |mask| mask.start <= span.end && span.start <= mask.end).collect();
        let joined = touching.iter().fold(span, |joined, mask| joined.start.min(mask.start)..joined.end.max(mask.end));
        let position = self.masks.partition_point(|mask| mask.start < joined.start);
        self.masks.insert(position, joined);
    }

    /// The text with `****` for what is hidden. The lines keep their numbers.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::with_capacity(self.text.len());
        let mut end = 0;
        for mask in &self.masks {
            shown.push_str(&self.text[end..mask.start]);
            shown.push_str(&self.stand_in(mask));
            end = mask.end;
        }
        shown.push_str(&self.text[end..]);
        shown
    }

    /// Where bytes of the text are in [`Source::shown`], cut at the end of their first line.
    pub(super) fn span_in_shown(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        let end = self.floor(span.end).max(start);
        let end = self.text[start..end].find('\n').map_or(end, |newline| start + newline);
        let (mut from, mut to) = (start, end);
        for mask in &self.masks {
            let length = self.stand_in(mask).len();
            let shift = |offset: usize, original: usize, inside: usize| {
                if original >= mask.end {
                    offset + length - mask.len()
                } else if original > mask.start {
                    offset - original + mask.start + inside
                } else {
                    offset
                }
            };
            from = shift(from, start, 0);
            to = shift(to, end, MASK.len());
        }
        from..to.max(from)
    }

    fn stand_in(&self, mask: &Range<usize>) -> String {
        let lines = self.text[mask.clone()].matches('\n').count();
        format!("{MASK}{}", "\n".repeat(lines))
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text holds secrets.
        formatter.debug_tuple("Source").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_secrets_and_still_points_at_the_rest() {
        let text = "a = { secret = \"0123456789\", b = 1 }\nk = \"\"\"x\ny\"\"\"\nc = 2\n";
        let mut source = Source::new("x.toml", text);
        let find = |text: &str, needle: &str| text.find(needle).map_or(0..0, |start| start..start + needle.len());
        source.mask(find(text, "\"0123456789\""));
        source.mask(find(text, "\"\"\"x\ny\"\"\""));

        let shown = source.shown();
        assert_eq!(shown, "a = { secret = ****, b = 1 }\nk = ****\n\nc = 2\n");
        for needle in ["b = 1", "c = 2"] {
            assert_eq!(shown[source.span_in_shown(&find(text, needle))], *needle);
        }
        assert_eq!(&shown[source.span_in_shown(&find(text, "\"0123456789\""))], MASK);
        assert_eq!(source.position(find(text, "c = 2").start), Position { line: 4, column: 1 });
    }
}
