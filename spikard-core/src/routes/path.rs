//! Path patterns of routes, and the segments of request paths.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::converter::Converter;

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
    /// Any segment that is not empty, held to a converter: `{name:int}`.
    Converted(String, Converter),
    /// Any segment that is not empty: `{name}`.
    Parameter(String),
    /// All segments that are left, at least one: `{*name}` or `{name:path}`.
    Rest(String),
}

impl PathPattern {
    /// Reads the path of a route.
    ///
    /// # Errors
    /// When it does not start with `/`, when braces do not hold a whole segment or no name, when
    /// there is no such converter, when a name comes twice, when `{*rest}` is not last, or when a segment could never match (`..`).
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

    /// The parameters that are held to a converter, from left to right.
    pub fn converters(&self) -> impl Iterator<Item = (&str, Converter)> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Converted(name, converter) => Some((name.as_str(), *converter)),
            _ => None,
        })
    }

    /// The pattern as axum writes it, which knows no converters.
    pub(crate) fn for_axum(&self) -> String {
        let written = self.text.split('/').skip(1).zip(&self.segments);
        written.fold(String::new(), |text, (written, segment)| match segment {
            Segment::Fixed(_) => text + "/" + written,
            Segment::Converted(name, _) | Segment::Parameter(name) => text + "/{" + name + "}",
            Segment::Rest(name) => text + "/{*" + name + "}",
        })
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
            let (name, converter) = inner.split_once(':').map_or((inner, None), |(name, converter)| (name, Some(converter)));
            let (name, rest) = match name.strip_prefix('*') {
                Some(name) if converter.is_none() => (name, true),
                _ => (name, converter == Some("path")),
            };
            let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            if !named {
                return Err(format!("path is `{path}`, expected a name of letters, digits and `_` in `{segment}`"));
            }
            let Some(converter) = converter.filter(|_| !rest) else {
                return Ok(if rest { Self::Rest(name.into()) } else { Self::Parameter(name.into()) });
            };
            let known = || Converter::ALL.map(Converter::name).join("`, `");
            return Converter::of(converter)
                .map(|converter| Self::Converted(name.into(), converter))
                .ok_or_else(|| format!("path is `{path}`, expected `{}` or `path` behind the colon of `{segment}`", known()));
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
            Self::Converted(name, _) | Self::Parameter(name) | Self::Rest(name) => Some(name),
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
    fn reads_converters() {
        let pattern = PathPattern::parse("/users/{id:int}/{at:datetime}/{rest:path}").unwrap();
        let converters = [("id", Converter::Int), ("at", Converter::Datetime)];
        assert_eq!(pattern.converters().collect::<Vec<_>>(), converters);
        assert_eq!(pattern.segments().last(), Some(&Segment::Rest("rest".into())));
        assert_eq!(pattern.for_axum(), "/users/{id}/{at}/{*rest}");
    }

    #[test]
    fn refuses_a_pattern_that_cannot_be_meant() {
        for text in [
            "",
            "users",
            "/a{id}",
            "/{}",
            "/{1d}",
            "/{id}/{id}",
            "/{*rest}/x",
            "/a?b",
            "/%ff",
            "/../x",
            "/{i-d}",
            "/{id:}",
            "/{id:integer}",
            "/{:int}",
            "/{*rest:int}",
            "/{rest:path}/x",
        ] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
