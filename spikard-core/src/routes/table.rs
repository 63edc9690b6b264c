//! The table: a tree per host, walked from the most specific branch to the least.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::Method;

use super::host::{HostPattern, name_of};
use percent_encoding::percent_decode_str;

use super::path::{PathPattern, Segment, decode};

/// What a route answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteKey {
    /// The host.
    pub host: HostPattern,
    /// The path.
    pub path: PathPattern,
    /// The methods; none are all.
    pub methods: Vec<Method>,
}

/// In one line: `GET api.example.com/users/{id}`.
impl fmt::Display for RouteKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for method in &self.methods {
            write!(formatter, "{method} ")?;
        }
        if self.host != HostPattern::Any {
            write!(formatter, "{}", self.host)?;
        }
        formatter.write_str(self.path.text())
    }
}

impl RouteKey {
    /// Whether the route answers a method. `GET` answers `HEAD` too; `TRACE`, which would show
    /// scripts the cookies that they must not see, is answered only where it is named.
    pub fn answers(&self, method: &Method) -> bool {
        (self.methods.is_empty() && method != Method::TRACE)
            || self.methods.contains(method)
            || (method == Method::HEAD && self.methods.contains(&Method::GET))
    }

    /// The methods for `Allow`; for a route that takes all, the customary ones.
    pub(crate) fn listed(&self) -> &[Method] {
        const ALL: &[Method] = &[Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        if self.methods.is_empty() { ALL } else { &self.methods }
    }

    /// Whether nothing could choose between the two.
    fn collides_with(&self, other: &Self) -> bool {
        let common = self.methods.is_empty()
            || other.methods.is_empty()
            || self.methods.iter().any(|method| other.methods.contains(method));
        let same_kind = |pair: (&Segment, &Segment)| match pair {
            (Segment::Fixed(one), Segment::Fixed(other)) => one == other,
            (Segment::Converted(..), Segment::Converted(..))
            | (Segment::Parameter(_), Segment::Parameter(_))
            | (Segment::Rest(_), Segment::Rest(_)) => true,
            _ => false,
        };
        let (one, two) = (self.path.segments(), other.path.segments());
        common && self.host == other.host && one.len() == two.len() && one.iter().zip(two).all(same_kind)
    }
}

/// Two routes that answer the same requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableError {
    /// The route that was there first.
    pub first: usize,
    /// The route that collides with it.
    pub second: usize,
}

/// The values of the parameters of a route's path; an extension of every request that has any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathParams {
    names: Arc<[String]>,
    values: Vec<String>,
}

impl PathParams {
    /// The value of a parameter, percent-decoded.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values, from left to right.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(String::as_str).zip(self.values.iter().map(String::as_str))
    }
}

impl FromIterator<(String, String)> for PathParams {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let (names, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Self { names: names.into(), values }
    }
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// A route, by its number, and the values of its parameters.
    Route(usize, Option<PathParams>),
    /// The path is known, the method is not: the methods that are, sorted.
    MethodNotAllowed(Vec<Method>),
    /// No route has the path.
    NotFound,
}

/// All routes of a server.
#[derive(Debug, Default)]
pub struct Table {
    routes: Vec<Entry>,
    exact: HashMap<String, Node>,
    wildcards: Vec<(String, Node)>,
    any: Node,
}

#[derive(Debug)]
struct Entry {
    key: RouteKey,
    names: Arc<[String]>,
}

#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<String, Node>,
    /// Whatever the converters are: a value that does not fit its own is refused, not passed on.
    converted: Option<Box<Node>>,
    parameter: Option<Box<Node>>,
    rest: Vec<usize>,
    here: Vec<usize>,
}

impl Table {
    /// Puts the routes into a table; their numbers are their positions.
    ///
    /// # Errors
    /// All pairs of routes that answer the same requests.
    pub fn new(keys: Vec<RouteKey>) -> Result<Self, Vec<TableError>> {
        let mut table = Self::default();
        let mut errors = Vec::new();
        for (number, key) in keys.into_iter().enumerate() {
            let routes = &table.routes;
            let root = match &key.host {
                HostPattern::Exact(name) => table.exact.entry(name.clone()).or_default(),
                HostPattern::Any => &mut table.any,
                HostPattern::Wildcard(suffix) => {
                    let at = table.wildcards.iter().position(|(known, _)| known == suffix).unwrap_or(table.wildcards.len());
                    if at == table.wildcards.len() {
                        table.wildcards.push((suffix.clone(), Node::default()));
                    }
                    &mut table.wildcards[at].1
                }
            };
            let place = root.place(key.path.segments());
            if let Some(&first) = place.iter().find(|&&known| routes[known].key.collides_with(&key)) {
                errors.push(TableError { first, second: number });
            }
            // Who names HEAD answers it, and not who answers it as a part of GET.
            if key.methods.contains(&Method::HEAD) {
                place.insert(0, number);
            } else {
                place.push(number);
            }
            let names = key.path.names().map(str::to_owned).collect();
            table.routes.push(Entry { key, names });
        }
        // The longest suffix is the most specific.
        table.wildcards.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        if errors.is_empty() { Ok(table) } else { Err(errors) }
    }

    /// The route that answers. `path` is the path of the request as it was sent.
    pub fn find(&self, host: &str, path: &str, method: &Method) -> Matched {
        let mut allowed = Vec::new();
        let found = self.visit(host, path, &mut |number, values| {
            let key = &self.routes[number].key;
            if key.answers(method) {
                return Some((number, values.to_vec()));
            }
            allowed.extend_from_slice(key.listed());
            None
        });
        match found {
            Some((number, values)) => Matched::Route(number, self.parameters(number, &values)),
            None if allowed.is_empty() => Matched::NotFound,
            None => Matched::MethodNotAllowed(with_implied(allowed)),
        }
    }

    /// The methods that some route answers for the path; empty if it is unknown.
    pub fn methods(&self, host: &str, path: &str) -> Vec<Method> {
        let mut allowed = Vec::new();
        let _: Option<()> = self.visit(host, path, &mut |number, _| {
            allowed.extend_from_slice(self.routes[number].key.listed());
            None
        });
        if allowed.is_empty() { allowed } else { with_implied(allowed) }
    }

    /// All routes whose host and path match, the most specific first: the first whose methods
    /// match too is the one that answers.
    pub fn candidates(&self, host: &str, path: &str) -> Vec<usize> {
        let mut numbers = Vec::new();
        let _: Option<()> = self.visit(host, path, &mut |number, _| {
            numbers.push(number);
            None
        });
        numbers
    }

    /// What a route answers to.
    pub fn key(&self, number: usize) -> &RouteKey {
        &self.routes[number].key
    }

    fn parameters(&self, number: usize, values: &[&str]) -> Option<PathParams> {
        let names = &self.routes[number].names;
        let decoded = |value: &&str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        (!names.is_empty()).then(|| PathParams { names: Arc::clone(names), values: values.iter().map(decoded).collect() })
    }

    /// Walks all routes whose host and path match, the most specific first, until `visitor` is
    /// content. It gets the parameters' values as they were sent.
    fn visit<'p, T>(&self, host: &str, path: &'p str, visitor: &mut dyn FnMut(usize, &[&'p str]) -> Option<T>) -> Option<T> {
        let path = path.strip_prefix('/')?;
        let mut values = Vec::new();
        if !self.exact.is_empty() || !self.wildcards.is_empty() {
            let host = name_of(host);
            let wildcards =
                self.wildcards.iter().filter(|(suffix, _)| host.len() > suffix.len() && host.ends_with(suffix.as_str()));
            for root in self.exact.get(&host).into_iter().chain(wildcards.map(|(_, root)| root)) {
                if let Some(found) = root.visit(Some(path), &mut values, visitor) {
                    return Some(found);
                }
            }
        }
        self.any.visit(Some(path), &mut values, visitor)
    }
}

impl Node {
    fn place(&mut self, segments: &[Segment]) -> &mut Vec<usize> {
        match segments.split_first() {
            None => &mut self.here,
            Some((Segment::Rest(_), _)) => &mut self.rest,
            Some((Segment::Fixed(text), rest)) => self.fixed.entry(text.clone()).or_default().place(rest),
            Some((Segment::Converted(..), rest)) => self.converted.get_or_insert_default().place(rest),
            Some((Segment::Parameter(_), rest)) => self.parameter.get_or_insert_default().place(rest),
        }
    }

    /// `left` is what follows the last slash that was passed; none at the end of the path.
    fn visit<'p, T>(
        &self,
        left: Option<&'p str>,
        values: &mut Vec<&'p str>,
        visitor: &mut dyn FnMut(usize, &[&'p str]) -> Option<T>,
    ) -> Option<T> {
        let Some(path) = left else {
            return self.here.iter().find_map(|&number| visitor(number, values));
        };
        let (segment, rest) = path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)));
        if !self.fixed.is_empty()
            && let Some(node) = decode(segment).and_then(|text| self.fixed.get(&*text))
            && let Some(found) = node.visit(rest, values, visitor)
        {
            return Some(found);
        }
        let parameters = [&self.converted, &self.parameter];
        for node in parameters.into_iter().flatten().filter(|_| !segment.is_empty()) {
            values.push(segment);
            let found = node.visit(rest, values, visitor);
            values.pop();
            if found.is_some() {
                return found;
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        values.push(path);
        let found = self.rest.iter().find_map(|&number| visitor(number, values));
        values.pop();
        found
    }
}

/// What `Allow` lists: `HEAD` with `GET`, and `OPTIONS`, which every path answers.
pub(crate) fn with_implied(mut methods: Vec<Method>) -> Vec<Method> {
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.push(Method::OPTIONS);
    methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    methods.dedup();
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &[(&str, &str, &str)]) -> Result<Table, Vec<TableError>> {
        Table::new(keys(routes))
    }

    fn keys(routes: &[(&str, &str, &str)]) -> Vec<RouteKey> {
        let key = |&(host, path, methods): &(&str, &str, &str)| RouteKey {
            host: if host.is_empty() { HostPattern::Any } else { HostPattern::parse(host).unwrap() },
            path: PathPattern::parse(path).unwrap(),
            methods: methods.split_whitespace().map(|method| method.parse().unwrap()).collect(),
        };
        routes.iter().map(key).collect()
    }

    fn found(table: &Table, host: &str, path: &str) -> Option<usize> {
        match table.find(host, path, &Method::GET) {
            Matched::Route(number, _) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn the_most_specific_route_answers_whatever_the_order() {
        let table = table(&[
            ("", "/{*rest}", ""),
            ("", "/users/{id}", "GET"),
            ("", "/users/me", "GET"),
            ("*.example.com", "/users/me", ""),
            ("a.example.com", "/{*rest}", ""),
            ("", "/users/{id}/posts", ""),
        ])
        .unwrap();
        for (host, path, expected) in [
            ("x", "/users/me", 2),
            ("x", "/users/7", 1),
            ("x", "/users/me/posts", 5),
            ("x", "/users/", 0),
            ("x", "/", 0),
            ("b.example.com:80", "/users/me", 3),
            ("A.example.com", "/users/me", 4),
        ] {
            assert_eq!(found(&table, host, path), Some(expected), "{host}{path}");
        }
    }

    #[test]
    fn a_converter_goes_before_a_parameter_and_takes_what_does_not_fit() {
        let routes = [("", "/{name}", "GET"), ("", "/{id:int}", "GET PUT"), ("", "/me", "GET"), ("", "/{id:int}/x", "")];
        let table = table(&routes).unwrap();
        for (path, expected) in [("/me", 2), ("/7", 1), ("/ada", 1), ("/ada/x", 3)] {
            assert_eq!(found(&table, "x", path), Some(expected), "{path}");
        }
        let same = [("", "/{id:int}", "GET"), ("", "/{id:uuid}", "GET")];
        assert_eq!(Table::new(keys(&same)).unwrap_err(), [TableError { first: 0, second: 1 }]);
    }

    #[test]
    fn segments_are_decoded_one_by_one_and_an_encoded_slash_is_data() {
        let table = table(&[("", "/files/{name}", ""), ("", "/caf%C3%A9", "")]).unwrap();
        let Matched::Route(0, Some(params)) = table.find("x", "/%66iles/a%2Fb%20c", &Method::GET) else { panic!("no route") };
        assert_eq!(params.get("name"), Some("a/b c"));
        assert_eq!(found(&table, "x", "/caf%c3%a9"), Some(1));
        for path in ["/files/", "/files", "//files/x", "/files/a/b", "/files%2Fx"] {
            assert_eq!(found(&table, "x", path), None, "{path}");
        }
    }

    #[test]
    fn a_known_path_with_another_method_lists_the_methods_of_all_its_routes() {
        let table = table(&[("", "/users/me", "GET"), ("", "/users/{id}", "DELETE PUT")]).unwrap();
        assert_eq!(table.find("x", "/users/me", &Method::DELETE), Matched::Route(1, table.parameters(1, &["me"])));
        let Matched::MethodNotAllowed(methods) = table.find("x", "/users/me", &Method::POST) else { panic!("answered") };
        assert_eq!(methods, [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT]);
    }

    #[test]
    fn trace_is_answered_only_where_it_is_named() {
        let table = table(&[("", "/any", ""), ("", "/named", "TRACE")]).unwrap();
        assert!(matches!(table.find("x", "/any", &Method::TRACE), Matched::MethodNotAllowed(_)));
        assert!(matches!(table.find("x", "/named", &Method::TRACE), Matched::Route(1, None)));
    }

    #[test]
    fn a_route_for_head_stands_before_one_for_get_whatever_the_order() {
        for (methods, expected) in [(["GET", "HEAD"], 1), (["HEAD", "GET"], 0)] {
            let table = table(&methods.map(|method| ("", "/a", method))).unwrap();
            assert_eq!(table.find("x", "/a", &Method::HEAD), Matched::Route(expected, None), "{methods:?}");
        }
    }

    #[test]
    fn two_routes_that_nothing_could_choose_between_are_an_error() {
        let error = table(&[("", "/a/{x}", "GET"), ("", "/a/{y}", "POST"), ("", "/a/{z}", "")]).unwrap_err();
        assert_eq!(error, [TableError { first: 0, second: 2 }]);
        assert!(table(&[("", "/a", "GET"), ("", "/a", "POST"), ("b", "/a", "")]).is_ok());
    }
}
