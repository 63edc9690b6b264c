//! Which of an upstream's paths a route reaches, and under which path clients ask for them.

use spikard_openapi::foreign::{Piece as Part, Template};

use super::Upstream;
use super::path::{PathRule, Piece, decoded};
use crate::routes::{PathPattern, Segment};

/// How a route gets to a path of its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not at all.
    Never,
    /// By requests whose path is this one; none if that cannot be written as a template.
    By(Option<String>),
}

impl Upstream {
    /// How requests of a route with the path `route` come to those paths of the upstream that
    /// `asked` describes, a template such as `/orders/{id}`.
    pub(crate) fn reach(&self, route: &PathPattern, asked: &str) -> Reach {
        self.0.path.reach(route, asked)
    }
}

impl PathRule {
    fn reach(&self, route: &PathPattern, asked: &str) -> Reach {
        match self {
            Self::Keep => matched(route, asked),
            Self::Strip(prefix) => {
                let prefix = prefix.iter().fold(String::new(), |prefix, segment| prefix + "/" + segment);
                let bare = if asked == "/" { "" } else { asked };
                match matched(route, &format!("{prefix}{bare}")) {
                    // What does not begin with the prefix stays as it is.
                    Reach::Never => matched(route, asked),
                    reached @ Reach::By(_) => reached,
                }
            }
            Self::Rewrite(pieces) => unwritten(pieces, route, asked),
        }
    }
}

/// How requests for a path come to a route.
fn matched(route: &PathPattern, path: &str) -> Reach {
    let Ok(template) = Template::parse(path) else { return Reach::Never };
    let parts = template.segments();
    let mut narrows = false;
    for (position, segment) in route.segments().iter().enumerate() {
        let Some(part) = parts.get(position) else { return Reach::Never };
        match (segment, &part[..]) {
            // A rest is never empty.
            (Segment::Rest(_), part) => return written(parts.len() > position + 1 || !part.is_empty(), narrows, path),
            (Segment::Parameter(_) | Segment::Converted(..), []) => return Reach::Never,
            (Segment::Parameter(_) | Segment::Converted(..), _) => {}
            (Segment::Fixed(fixed), []) if fixed.is_empty() => {}
            (Segment::Fixed(fixed), [Part::Text(text)]) if fixed == text => {}
            (Segment::Fixed(_), [] | [Part::Text(_)]) => return Reach::Never,
            // One value of a parameter: the template is wider than the route.
            (Segment::Fixed(_), _) => narrows = true,
        }
    }
    written(parts.len() == route.segments().len(), narrows, path)
}

fn written(reached: bool, narrows: bool, path: &str) -> Reach {
    if reached { Reach::By((!narrows).then(|| path.to_owned())) } else { Reach::Never }
}

/// Undoes a `rewrite`: where it has a parameter of the route, stands what the route has there.
fn unwritten(pieces: &[Piece], route: &PathPattern, asked: &str) -> Reach {
    let is_rest = |name: &str| matches!(route.segments().last(), Some(Segment::Rest(rest)) if rest == name);
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Parameter(name) => format!("{{{name}}}"),
    };
    let template: String = pieces.iter().map(text).collect();
    let asked: Vec<&str> = asked.split('/').skip(1).collect();
    let mut left = &asked[..];
    let mut bound: Vec<(&str, String)> = Vec::new();
    let mut segments = template.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            // Parts of a segment cannot be told apart again.
            None if segment.contains('{') => return Reach::By(None),
            Some(name) if is_rest(name) && segments.peek().is_some() => return Reach::By(None),
            Some(name) if is_rest(name) => {
                if left.is_empty() {
                    return Reach::Never;
                }
                bound.push((name, left.join("/")));
                left = &[];
            }
            _ => {
                let Some((first, rest)) = left.split_first() else { return Reach::Never };
                left = rest;
                match name {
                    Some(name) => bound.push((name, (*first).to_owned())),
                    None if first.contains('{') => return Reach::By(None),
                    None if decoded(first) != decoded(segment) => return Reach::Never,
                    None => {}
                }
            }
        }
    }
    if !left.is_empty() {
        return Reach::Never;
    }
    let written = route.text().split('/').skip(1).zip(route.segments()).map(|(written, segment)| {
        let name = match segment {
            Segment::Fixed(_) => return written.to_owned(),
            Segment::Converted(name, _) | Segment::Parameter(name) | Segment::Rest(name) => name,
        };
        let found = bound.iter().find(|(known, _)| known == name);
        found.map_or_else(|| format!("{{{name}}}"), |(_, text)| text.clone())
    });
    Reach::By(Some(written.fold(String::new(), |path, segment| path + "/" + &segment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(rule: &PathRule, route: &str, asked: &str) -> Option<String> {
        match rule.reach(&PathPattern::parse(route).unwrap(), asked) {
            Reach::Never => None,
            Reach::By(path) => Some(path.unwrap_or_else(|| "?".into())),
        }
    }

    #[test]
    fn a_path_is_reached_by_routes_that_match_it() {
        for (route, asked, path) in [
            ("/{*rest}", "/orders/{id}", Some("/orders/{id}")),
            ("/{*rest}", "/", None),
            ("/", "/", Some("/")),
            ("/orders/{*rest}", "/orders/{id}/lines", Some("/orders/{id}/lines")),
            ("/orders/{*rest}", "/orders", None),
            ("/orders/{order}", "/orders/{id}", Some("/orders/{id}")),
            ("/orders/{order:int}", "/orders/open", Some("/orders/open")),
            ("/orders/open", "/orders/{id}", Some("?")),
            ("/orders/open", "/orders/open/lines", None),
            ("/users/{*rest}", "/orders/{id}", None),
        ] {
            assert_eq!(by(&PathRule::Keep, route, asked).as_deref(), path, "{route} {asked}");
        }
    }

    #[test]
    fn a_prefix_that_is_stripped_is_put_back() {
        let rule = PathRule::strip("/api/v1").unwrap();
        for (route, asked, path) in [
            ("/api/{*rest}", "/orders/{id}", Some("/api/v1/orders/{id}")),
            ("/api/v1", "/", Some("/api/v1")),
            ("/{*rest}", "/orders", Some("/api/v1/orders")),
            ("/orders", "/orders", Some("/orders")),
            ("/other/{*rest}", "/orders", None),
        ] {
            assert_eq!(by(&rule, route, asked).as_deref(), path, "{route} {asked}");
        }
    }

    #[test]
    fn a_path_that_is_written_anew_is_read_back() {
        for (template, route, asked, path) in [
            ("/v2/{rest}", "/v1/{*rest}", "/v2/orders/{id}", Some("/v1/orders/{id}")),
            ("/v2/{rest}", "/v1/{*rest}", "/v3/orders", None),
            ("/v2/{rest}", "/v1/{*rest}", "/v2", None),
            ("/items/{id}", "/shop/{id}/item", "/items/{number}", Some("/shop/{number}/item")),
            ("/fixed", "/a/{id}", "/fixed", Some("/a/{id}")),
            ("/v2/{rest}/of-{id}", "/v1/{id}/{*rest}", "/v2/a/of-{id}", Some("?")),
        ] {
            let rule = PathRule::rewrite(template).unwrap();
            assert_eq!(by(&rule, route, asked).as_deref(), path, "{template} {route} {asked}");
        }
    }
}
