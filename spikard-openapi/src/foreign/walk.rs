//! What is what in an OpenAPI document (3.1, section 4.8): which member holds a schema, which a
//! parameter, and which holds anything at all. Examples and defaults may look like any of them.

use serde_json::{Map, Value};

use super::ForeignError;
use super::pointer::Pointer;

/// What an object of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The whole.
    Document,
    /// What has names.
    Components,
    /// The operations of a path.
    PathItem,
    /// What one method of a path does.
    Operation,
    /// A value in path, query, headers or cookies.
    Parameter,
    /// A header of an answer or of a part.
    Header,
    /// A body that is read.
    RequestBody,
    /// An answer.
    Response,
    /// A body of one media type.
    MediaType,
    /// How a field of a form is written.
    Encoding,
    /// What the server asks of its client later.
    Callback,
    /// An operation that an answer leads to.
    Link,
    /// An example with a name.
    Example,
    /// How clients say who they are.
    SecurityScheme,
    /// A JSON Schema.
    Schema,
}

/// How a member holds what it holds.
#[derive(Clone, Copy)]
enum Held {
    One,
    List,
    Map,
    /// A map in which `x-` begins the name of an extension.
    Extended,
}

/// The methods of a path, as its members are called.
pub const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

type Member = (&'static str, Held, Kind);

impl Kind {
    fn members(self) -> &'static [Member] {
        use Held::{Extended, List, Map, One};
        match self {
            Self::Document => {
                &[("paths", Extended, Self::PathItem), ("webhooks", Map, Self::PathItem), ("components", One, Self::Components)]
            }
            Self::Components => &[
                ("schemas", Map, Self::Schema),
                ("responses", Map, Self::Response),
                ("parameters", Map, Self::Parameter),
                ("examples", Map, Self::Example),
                ("requestBodies", Map, Self::RequestBody),
                ("headers", Map, Self::Header),
                ("securitySchemes", Map, Self::SecurityScheme),
                ("links", Map, Self::Link),
                ("callbacks", Map, Self::Callback),
                ("pathItems", Map, Self::PathItem),
            ],
            Self::PathItem => &[
                ("parameters", List, Self::Parameter),
                ("get", One, Self::Operation),
                ("put", One, Self::Operation),
                ("post", One, Self::Operation),
                ("delete", One, Self::Operation),
                ("options", One, Self::Operation),
                ("head", One, Self::Operation),
                ("patch", One, Self::Operation),
                ("trace", One, Self::Operation),
            ],
            Self::Operation => &[
                ("parameters", List, Self::Parameter),
                ("requestBody", One, Self::RequestBody),
                ("responses", Extended, Self::Response),
                ("callbacks", Map, Self::Callback),
            ],
            Self::Parameter | Self::Header => {
                &[("schema", One, Self::Schema), ("content", Map, Self::MediaType), ("examples", Map, Self::Example)]
            }
            Self::RequestBody => &[("content", Map, Self::MediaType)],
            Self::Response => &[("headers", Map, Self::Header), ("content", Map, Self::MediaType), ("links", Map, Self::Link)],
            Self::MediaType => {
                &[("schema", One, Self::Schema), ("examples", Map, Self::Example), ("encoding", Map, Self::Encoding)]
            }
            Self::Encoding => &[("headers", Map, Self::Header)],
            Self::Callback | Self::Link | Self::Example | Self::SecurityScheme => &[],
            Self::Schema => &[
                ("properties", Map, Self::Schema),
                ("patternProperties", Map, Self::Schema),
                ("additionalProperties", One, Self::Schema),
                ("propertyNames", One, Self::Schema),
                ("unevaluatedProperties", One, Self::Schema),
                ("dependentSchemas", Map, Self::Schema),
                ("items", One, Self::Schema),
                ("prefixItems", List, Self::Schema),
                ("contains", One, Self::Schema),
                ("unevaluatedItems", One, Self::Schema),
                ("allOf", List, Self::Schema),
                ("anyOf", List, Self::Schema),
                ("oneOf", List, Self::Schema),
                ("not", One, Self::Schema),
                ("if", One, Self::Schema),
                ("then", One, Self::Schema),
                ("else", One, Self::Schema),
                ("contentSchema", One, Self::Schema),
                ("$defs", Map, Self::Schema),
                ("definitions", Map, Self::Schema),
            ],
        }
    }

    /// What holds objects under any name: the expressions of a callback.
    fn own(self) -> Option<Kind> {
        (self == Self::Callback).then_some(Self::PathItem)
    }

    /// Whether `$ref` may stand in its place.
    pub(super) fn may_refer(self) -> bool {
        !matches!(self, Self::Document | Self::Components | Self::Operation | Self::MediaType | Self::Encoding)
    }
}

/// Looks at an object: what it is, and where.
type Visit<'v, 'd> = dyn FnMut(Kind, &Pointer, &'d Map<String, Value>) + 'v;

/// Calls `visit` with every object of a document, outer ones first, and with the pointer to it.
/// References are not followed. What is of another JSON type than its place asks for is an error.
///
/// # Errors
/// All such places.
pub(super) fn walk<'d>(value: &'d Value, kind: Kind, visit: &mut Visit<'_, 'd>) -> Result<(), Vec<ForeignError>> {
    let mut walk = Walk { visit, errors: Vec::new() };
    walk.one(value, kind, &mut Pointer::default());
    if walk.errors.is_empty() { Ok(()) } else { Err(walk.errors) }
}

struct Walk<'v, 'd> {
    visit: &'v mut Visit<'v, 'd>,
    errors: Vec<ForeignError>,
}

impl<'d> Walk<'_, 'd> {
    fn one(&mut self, value: &'d Value, kind: Kind, at: &mut Pointer) {
        let Value::Object(object) = value else {
            if kind != Kind::Schema || !value.is_boolean() {
                self.misfit(value, if kind == Kind::Schema { "an object, true or false" } else { "an object" }, at);
            }
            return;
        };
        (self.visit)(kind, at, object);
        for &(name, held, kind) in kind.members() {
            let Some(member) = object.get(name) else { continue };
            at.inside(name, |at| match (held, member) {
                (Held::One, member) => self.one(member, kind, at),
                (Held::List, Value::Array(list)) => {
                    for (index, element) in list.iter().enumerate() {
                        at.inside(&index.to_string(), |at| self.one(element, kind, at));
                    }
                }
                (Held::List, member) => self.misfit(member, "a list", at),
                (Held::Map | Held::Extended, Value::Object(map)) => self.map(map, held, kind, at),
                (Held::Map | Held::Extended, member) => self.misfit(member, "an object", at),
            });
        }
        if let Some(kind) = kind.own().filter(|_| !object.contains_key("$ref")) {
            self.map(object, Held::Extended, kind, at);
        }
    }

    fn map(&mut self, map: &'d Map<String, Value>, held: Held, kind: Kind, at: &mut Pointer) {
        for (name, member) in map.iter().filter(|(name, _)| is_member(name, held)) {
            at.inside(name, |at| self.one(member, kind, at));
        }
    }

    fn misfit(&mut self, value: &Value, expected: &str, at: &Pointer) {
        let found = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.errors.push(ForeignError::new(at, format!("{} is {found}, expected {expected}", at.last())));
    }
}

fn is_member(name: &str, held: Held) -> bool {
    !(matches!(held, Held::Extended) && name.starts_with("x-"))
}

/// Calls `change` with every object of a part of a document that is a `kind`, outer ones first:
/// what it puts in is visited, too. What is of another JSON type than its place asks for is left
/// alone.
pub fn change(value: &mut Value, kind: Kind, change: &mut dyn FnMut(Kind, &mut Map<String, Value>)) {
    let Value::Object(object) = value else { return };
    change(kind, object);
    for &(name, held, kind) in kind.members() {
        match (held, object.get_mut(name)) {
            (Held::One, Some(member)) => self::change(member, kind, change),
            (Held::List, Some(Value::Array(list))) => list.iter_mut().for_each(|element| self::change(element, kind, change)),
            (Held::Map | Held::Extended, Some(Value::Object(map))) => change_map(map, held, kind, change),
            _ => {}
        }
    }
    if let Some(kind) = kind.own().filter(|_| !object.contains_key("$ref")) {
        change_map(object, Held::Extended, kind, change);
    }
}

fn change_map(map: &mut Map<String, Value>, held: Held, kind: Kind, change: &mut dyn FnMut(Kind, &mut Map<String, Value>)) {
    for (_, member) in map.iter_mut().filter(|(name, _)| is_member(name, held)) {
        self::change(member, kind, change);
    }
}
