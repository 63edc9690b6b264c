//! Finding what stands at a path: a tree of templates, the most specific branch first.

use std::collections::HashMap;

use super::template::{Piece, Template, values as of_segment};

/// Values by the templates of paths. Text goes before text with parameters in it, and that before
/// a parameter alone (OpenAPI 3.1, section 4.8.8.3), from left to right.
#[derive(Debug, Clone)]
pub struct Paths<T> {
    root: Node<T>,
}

#[derive(Debug, Clone)]
struct Node<T> {
    fixed: HashMap<String, Node<T>>,
    /// Segments with parameters, whatever these are called, the most specific first.
    patterns: Vec<(Vec<Piece>, Node<T>)>,
    entries: Vec<Entry<T>>,
}

/// The names of the parameters of a template, and its value.
type Entry<T> = (Vec<String>, T);

/// Looks at the entries of a path and the values of its parameters; true: it has seen enough.
type Visit<'v, 'p, 's, T> = dyn FnMut(&'p [Entry<T>], &[&'s str]) -> bool + 'v;

/// What was found at a path.
#[derive(Debug)]
pub struct PathMatch<'p, 's, T> {
    /// The value of the template.
    pub value: &'p T,
    names: &'p [String],
    values: Vec<&'s str>,
}

impl<T> PathMatch<'_, '_, T> {
    /// Names and values of the parameters, from left to right.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(String::as_str).zip(self.values.iter().copied())
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { fixed: HashMap::new(), patterns: Vec::new(), entries: Vec::new() }
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Paths<T> {
    /// Adds a value. One template may have several.
    pub fn insert(&mut self, template: &Template, value: T) {
        let mut node = &mut self.root;
        for segment in template.segments() {
            node = node.child(segment);
        }
        node.entries.push((template.names().map(str::to_owned).collect(), value));
    }

    /// The first value that fits among those of a path, which comes as its decoded segments.
    pub fn find<'s>(&self, segments: &'s [impl AsRef<str>], fits: impl Fn(&T) -> bool) -> Option<PathMatch<'_, 's, T>> {
        let mut found = None;
        self.root.visit(segments, &mut Vec::new(), &mut |entries, values| {
            if let Some((names, value)) = entries.iter().find(|(_, value)| fits(value)) {
                found = Some(PathMatch { value, names, values: values.to_vec() });
            }
            found.is_some()
        });
        found
    }

    /// All values of a path, the most specific first.
    pub fn all(&self, segments: &[impl AsRef<str>]) -> Vec<&T> {
        let mut all = Vec::new();
        self.root.visit(segments, &mut Vec::new(), &mut |entries, _| {
            all.extend(entries.iter().map(|(_, value)| value));
            false
        });
        all
    }
}

impl<T> Node<T> {
    fn child(&mut self, segment: &[Piece]) -> &mut Self {
        match segment {
            [] => self.fixed.entry(String::new()).or_default(),
            [Piece::Text(text)] => self.fixed.entry(text.clone()).or_default(),
            pattern => {
                // Names do not tell patterns apart.
                let bare = |piece: &Piece| match piece {
                    Piece::Name(_) => Piece::Name(String::new()),
                    text @ Piece::Text(_) => text.clone(),
                };
                let pattern: Vec<Piece> = pattern.iter().map(bare).collect();
                let position = self.patterns.iter().position(|(known, _)| *known == pattern).unwrap_or_else(|| {
                    let position = self.patterns.partition_point(|(known, _)| text_of(known) >= text_of(&pattern));
                    self.patterns.insert(position, (pattern, Self::default()));
                    position
                });
                &mut self.patterns[position].1
            }
        }
    }

    /// Calls `visit` for the entries of each branch that leads to the path, until it says that it
    /// has seen enough.
    fn visit<'p, 's>(
        &'p self,
        segments: &'s [impl AsRef<str>],
        values: &mut Vec<&'s str>,
        visit: &mut Visit<'_, 'p, 's, T>,
    ) -> bool {
        let Some((segment, rest)) = segments.split_first() else {
            return !self.entries.is_empty() && visit(&self.entries, values);
        };
        let segment = segment.as_ref();
        if let Some(node) = self.fixed.get(segment)
            && node.visit(rest, values, visit)
        {
            return true;
        }
        self.patterns.iter().any(|(pattern, node)| {
            let Some(own) = of_segment(pattern, segment) else { return false };
            let before = values.len();
            values.extend(own);
            let enough = node.visit(rest, values, visit);
            values.truncate(before);
            enough
        })
    }
}

/// How much text a segment asks for.
fn text_of(pattern: &[Piece]) -> usize {
    pattern.iter().map(|piece| if let Piece::Text(text) = piece { text.len() } else { 0 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(templates: &[&'static str]) -> Paths<&'static str> {
        let mut paths = Paths::default();
        for template in templates {
            paths.insert(&Template::parse(template).unwrap(), *template);
        }
        paths
    }

    fn found(paths: &Paths<&'static str>, path: &str) -> Option<(&'static str, String)> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let found = paths.find(&segments, |_| true)?;
        let parameters: Vec<String> = found.parameters().map(|(name, value)| format!("{name}={value}")).collect();
        Some((found.value, parameters.join(" ")))
    }

    #[test]
    fn the_most_specific_template_is_found_with_its_own_names() {
        let paths = paths(&["/{a}/{b}", "/orders/{id}", "/orders/{id}.csv", "/orders/open", "/orders/{order}/lines", "/"]);
        for (path, template, parameters) in [
            ("/", "/", ""),
            ("/orders/open", "/orders/open", ""),
            ("/orders/7.csv", "/orders/{id}.csv", "id=7"),
            ("/orders/7", "/orders/{id}", "id=7"),
            ("/orders/open/lines", "/orders/{order}/lines", "order=open"),
            ("/x/7", "/{a}/{b}", "a=x b=7"),
        ] {
            assert_eq!(found(&paths, path), Some((template, parameters.to_owned())), "{path}");
        }
        for path in ["/orders", "/orders/", "/orders/7/", "/orders/7/lines/1"] {
            assert_eq!(found(&paths, path), None, "{path}");
        }
    }

    #[test]
    fn what_does_not_fit_is_passed_over() {
        let paths = paths(&["/orders/open", "/orders/{id}"]);
        let segments = ["orders", "open"];
        let found = paths.find(&segments, |template| *template != "/orders/open").unwrap();
        assert_eq!((*found.value, paths.all(&segments)), ("/orders/{id}", vec![&"/orders/open", &"/orders/{id}"]));
    }
}
