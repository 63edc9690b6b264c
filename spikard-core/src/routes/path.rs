//! Path patterns of routes, and the segments of request paths.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

/// The path of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Arc<str>,
    segments: Vec<Segment>,
}

/// One segment of a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// This text, percent-decoded.
    Fixed(String),
    /// Any segment that is not empty: `{name}`.
    Parameter(String),
    /// All segments that are left, at least one: `{*name}`.
    Rest(String),
}

impl PathPattern {
    /// Reads the path of a route.
    ///
    /// # Errors
    /// When it does not start with `/`, when braces do not hold a whole segment or no name, when a
    /// name comes twice, when `{*rest}` is not last, or when a segment could never match (`..`).
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("path is `{text}`, expected it to start with `/`"));
        };
        if let Some(place) = text.find(['?', '#']) {
            return Err(format!("path is `{text}`, expected no `{}`: queries are not part of a route", &text[place..=place]));
        }
        let segments: Vec<Segment> = rest.split('/').map(|segment| Segment::parse(segment, text)).collect::<Result<_, _>>()?;
        let names: Vec<&str> = segments.iter().filter_map(Segment::name).collect();
        if let Some(twice) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name)) {
            return Err(format!("path is `{text}`, expected parameter `{twice}` once"));
        }
        let last = segments.len().saturating_sub(1);
        if segments.iter().take(last).any(|segment| matches!(segment, Segment::Rest(_))) {
            return Err(format!("path is `{text}`, expected `{{*...}}` as the last segment only"));
        }
        Ok(Self { text: text.into(), segments })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The names of the parameters, from left to right.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Segment {
    fn parse(segment: &str, path: &str) -> Result<Self, String> {
        if let Some(inner) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let (name, rest) = inner.strip_prefix('*').map_or((inner, false), |name| (name, true));
            let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            if !named {
                return Err(format!("path is `{path}`, expected a name of letters, digits and `_` in `{segment}`"));
            }
            return Ok(if rest { Self::Rest(name.into()) } else { Self::Parameter(name.into()) });
        }
        if segment.contains(['{', '}']) {
            return Err(format!("path is `{path}`, expected `{{name}}` to be a whole segment, not part of `{segment}`"));
        }
        match decode(segment) {
            Some(text) if text != "." && text != ".." => Ok(Self::Fixed(text.into_owned())),
            _ => Err(format!("path is `{path}`, expected no segment `{segment}`: no request can have it")),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }
}

/// A segment without percent-encoding; none if that leaves no UTF-8.
pub(crate) fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if segment.contains('%') { percent_decode_str(segment).decode_utf8().ok() } else { Some(Cow::Borrowed(segment)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parameters_and_the_rest() {
        let pattern = PathPattern::parse("/caf%C3%A9/{id}/{*rest}").unwrap();
        let expected = [Segment::Fixed("café".into()), Segment::Parameter("id".into()), Segment::Rest("rest".into())];
        assert_eq!(pattern.segments(), expected);
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["id", "rest"]);
    }

    #[test]
    fn refuses_a_pattern_that_cannot_be_meant() {
        for text in ["", "users", "/a{id}", "/{}", "/{1d}", "/{id}/{id}", "/{*rest}/x", "/a?b", "/%ff", "/../x", "/{i-d}"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
