//! Path templates (OpenAPI 3.1, section 4.8.8.2): `/orders/{id}`, `/reports/{year}-{month}.{format}`.

use percent_encoding::percent_decode_str;

/// The path of operations, segment by segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Vec<Piece>>,
}

/// A part of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// This text, percent-decoded.
    Text(String),
    /// Text that is not empty: the value of this parameter.
    Name(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it does not start with `/`, when braces do not pair or hold no name, when two
    /// parameters have nothing between them, or when a name comes twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = |expected: &str| format!("path is `{text}`, expected {expected}");
        let rest = text.strip_prefix('/').ok_or_else(|| bad("it to start with `/`"))?;
        if text.contains(['?', '#']) {
            return Err(bad("no query"));
        }
        let segments = rest.split('/').map(|segment| pieces(segment).map_err(bad)).collect::<Result<_, _>>()?;
        let template = Self { segments };
        let names: Vec<&str> = template.names().collect();
        match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            Some((_, twice)) => Err(bad(&format!("parameter `{twice}` once"))),
            None => Ok(template),
        }
    }

    /// The segments.
    pub fn segments(&self) -> &[Vec<Piece>] {
        &self.segments
    }

    /// The names of the parameters, from left to right.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Name(name) => Some(name.as_str()),
        })
    }
}

fn pieces(segment: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((text, after)) = rest.split_once('{') {
        push_text(text, &mut pieces)?;
        if matches!(pieces.last(), Some(Piece::Name(_))) {
            return Err("text between two parameters of a segment");
        }
        let (name, after) = after.split_once('}').ok_or("a `}` for every `{`")?;
        if name.is_empty() || name.contains('{') {
            return Err("a name in each pair of braces");
        }
        pieces.push(Piece::Name(name.to_owned()));
        rest = after;
    }
    push_text(rest, &mut pieces)?;
    Ok(pieces)
}

fn push_text(text: &str, pieces: &mut Vec<Piece>) -> Result<(), &'static str> {
    if text.contains('}') {
        return Err("a `{` for every `}`");
    }
    if !text.is_empty() {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| "UTF-8 behind its percent signs")?;
        pieces.push(Piece::Text(text.into_owned()));
    }
    Ok(())
}

/// What of a segment are the values of the parameters; none if it does not fit. A parameter ends
/// where what stands behind it comes first; what stands last is at the end.
pub(super) fn values<'s>(pieces: &[Piece], segment: &'s str) -> Option<Vec<&'s str>> {
    let mut values = Vec::new();
    let mut rest = segment;
    let mut pieces = pieces.iter();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Piece::Name(_) => {
                let value = match pieces.next() {
                    None => std::mem::take(&mut rest),
                    Some(Piece::Text(text)) if pieces.len() == 0 => {
                        let value = rest.strip_suffix(text.as_str())?;
                        rest = "";
                        value
                    }
                    Some(Piece::Text(text)) => {
                        let first = rest.chars().next()?.len_utf8();
                        let end = first + rest[first..].find(text.as_str())?;
                        let value = &rest[..end];
                        rest = &rest[end + text.len()..];
                        value
                    }
                    Some(Piece::Name(_)) => return None,
                };
                values.push(Some(value).filter(|value| !value.is_empty())?);
            }
        }
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'s>(template: &str, segment: &'s str) -> Option<Vec<&'s str>> {
        values(&Template::parse(template).unwrap().segments()[0], segment)
    }

    #[test]
    fn segments_hold_several_parameters_with_text_around_them() {
        assert_eq!(read("/{id}", "7"), Some(vec!["7"]));
        assert_eq!(read("/{year}-{month}.{format}", "2026-11.json"), Some(vec!["2026", "11", "json"]));
        assert_eq!(read("/v{n}:run", "v2:run"), Some(vec!["2"]));
        assert_eq!(read("/{name}.gz", "a.gz.gz"), Some(vec!["a.gz"]));
        assert_eq!(read("/caf%C3%A9", "café"), Some(vec![]));
        for (template, segment) in [("/{id}", ""), ("/{a}-{b}", "-b"), ("/{a}-{b}", "a-"), ("/v{n}", "w2"), ("/a", "ab")] {
            assert_eq!(read(template, segment), None, "{template} {segment}");
        }
    }

    #[test]
    fn refuses_a_template_that_cannot_be_meant() {
        for text in ["", "orders", "/{id", "/id}", "/{}", "/{a}{b}", "/{a}/{a}", "/a?b={c}", "/{a{b}}", "/%ff"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
