//! The generated `spikard/config.py`: a class for every struct of the schema, with its fields,
//! defaults and documentation. Nobody writes a default or a name of a setting twice.
//!
//! What the classes can do is written by hand, in `spikard/_settings.py`.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value;
use spikard_middleware::stack::KEYS;
use spikard_middleware::units::{self, duration};

use super::schema::schema;
use super::shape::Shape;

/// The signatures that are published: these fields come first, and may be given by position.
const PUBLISHED: &[(&str, &str)] = &[
    (
        "ServerConfig",
        "host port workers enable_request_id max_body_size request_timeout compression rate_limit jwt_auth api_key_auth \
         static_files graceful_shutdown shutdown_timeout openapi",
    ),
    ("CompressionConfig", "gzip brotli min_size quality"),
    ("RateLimitConfig", "per_second burst ip_based"),
    ("JwtConfig", "secret algorithm audience issuer leeway"),
    ("ApiKeyConfig", "keys header_name"),
    ("StaticFilesConfig", "directory route_prefix index_file cache_control"),
    (
        "OpenApiConfig",
        "enabled title version description swagger_ui_path redoc_path openapi_json_path contact license servers security_schemes",
    ),
    ("ContactInfo", "name email url"),
    ("LicenseInfo", "name url"),
    ("ServerInfo", "url description"),
    ("SecuritySchemeInfo", "type scheme bearer_format location name"),
];

/// A field of a class, another one, and the value that the first has where the other is not given.
const IMPLIED: &[(&str, &str, &str, &str)] = &[("RateLimitConfig", "ip_based", "key", "True")];

/// How wide a line may be.
const WIDTH: usize = 120;

/// `spikard-py/python/spikard/config.py`.
pub fn python_module() -> String {
    let mut module = Module { queue: vec![("ServerConfig".into(), Shape::root(schema()))], known: HashSet::new() };
    module.known.insert("ServerConfig".into());
    let mut classes = String::new();
    let mut next = 0;
    while let Some((name, shape)) = module.queue.get(next).cloned() {
        classes.push_str(&module.class(&name, shape));
        next += 1;
    }
    let mut names: Vec<&str> = module.known.iter().map(String::as_str).chain(["RoutePolicies"]).collect();
    names.sort_unstable();
    let exports: String = names.iter().map(|name| format!("    \"{name}\",\n")).collect();
    let policies = module.policies();
    format!("{HEADER}\n__all__ = [\n{exports}]\n{classes}{policies}")
}

const HEADER: &str = "\
\"\"\"The configuration of a server: the structs of Rust as classes.

Generated from the structs by `make generate`. A setting takes what a file takes; instead of an
object a dict does. A wrong value is a `ValueError` when the server is built, with all that is wrong.
\"\"\"
# fmt: off
# ruff: noqa: A002, D205, E501, PLR0917, RUF023

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._settings import Settings, items, many, maybe, named, one, plain, policy, switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
";

struct Module<'s> {
    queue: Vec<(String, Shape<'s>)>,
    known: HashSet<String>,
}

/// One field of a class.
struct Field {
    name: String,
    documentation: String,
    /// The type of the attribute.
    attribute: String,
    /// The type of the argument.
    argument: String,
    /// None: it is required.
    default: Option<String>,
    /// What makes the attribute of the argument.
    value: String,
}

impl<'s> Module<'s> {
    fn class(&mut self, name: &str, shape: Shape<'s>) -> String {
        let required: Vec<&str> =
            shape.target.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let shorthand = KEYS.iter().find(|key| key.config == name).and_then(|key| key.shorthand);
        let published = PUBLISHED.iter().find(|(class, _)| *class == name).map(|(_, fields)| fields.split_whitespace());
        let first: Vec<&str> = published.map_or_else(|| required.iter().copied().chain(shorthand).collect(), Iterator::collect);
        let rank = |key: &str| first.iter().position(|first| *first == key).unwrap_or(first.len());
        let mut properties: Vec<(&str, Shape<'s>)> = shape.properties().collect();
        properties.sort_by_key(|(key, _)| rank(key));
        let owner = match shape.is_route() {
            true if name == "ServerConfig" => Owner::Server,
            true => Owner::Route,
            false => Owner::Struct,
        };
        let fields: Vec<Field> =
            properties.iter().map(|(key, inner)| self.field(key, *inner, owner, required.contains(key))).collect();

        let mut text = format!("\n\nclass {name}(Settings{}):\n", parameters(name, owner, &properties, &fields));
        docstring(&mut text, &describe(shape.target), "    ");
        let names = fields.iter().map(|field| format!("\"{}\",", field.name)).collect::<Vec<_>>().join(" ");
        let names = if fields.len() > 1 { names.trim_end_matches(',') } else { names.as_str() };
        let line = format!("    __slots__ = ({names})\n");
        if line.len() <= WIDTH {
            let _ = write!(text, "\n{line}");
        } else {
            let names: String = fields.iter().map(|field| format!("        \"{}\",\n", field.name)).collect();
            let _ = write!(text, "\n    __slots__ = (\n{names}    )\n");
        }
        for field in &fields {
            let _ = writeln!(text, "\n    {}: {}", field.name, field.attribute);
            docstring(&mut text, &field.documentation, "    ");
        }
        constructor(&mut text, name, &fields, first.len());
        text
    }

    fn field(&mut self, key: &str, shape: Shape<'s>, owner: Owner, required: bool) -> Field {
        let mention = describe(shape.mention);
        let documentation = if mention.is_empty() { describe(shape.target) } else { mention };
        let policy = KEYS.iter().find(|policy| owner != Owner::Struct && policy.name == key);
        let default = shape.mention.get("default");
        let (attribute, argument, default, value) = match (policy, self.name_of(shape)) {
            (Some(policy), Some(name)) => {
                let plain = plain_types(shape, policy.shorthand);
                let or = |types: &[&str]| types.iter().copied().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" | ");
                let many = if shape.allows("array") { format!("Sequence[{name} | Mapping[str, Any]]") } else { String::new() };
                if owner == Owner::Route {
                    let argument = or(&[&name, "Mapping[str, Any]", &many, &plain, "bool", "None"]);
                    (argument.clone(), argument, Some("None".to_owned()), key.to_owned())
                } else {
                    let list = if many.is_empty() { String::new() } else { format!("list[{name}]") };
                    let switch = policy.on && shape.properties().count() <= 1 && plain.is_empty();
                    let can_be_true = shape.target.get("required").is_none();
                    let bool = if can_be_true { "bool" } else { "Literal[False]" };
                    let attribute = or(&[&name, &list, &plain, if switch { "bool" } else { "None" }]);
                    let argument = or(&[&name, "Mapping[str, Any]", &many, &plain, bool, "None"]);
                    let value = match (switch, can_be_true) {
                        (true, _) => format!("switch({name}, {key})"),
                        (_, true) => format!("policy({name}, {key})"),
                        _ => format!("maybe({name}, {key})"),
                    };
                    let shorthand = policy.shorthand.and_then(|field| shape.target.get("properties")?.get(field)?.get("default"));
                    let default = match (policy.on, shorthand.filter(|_| !plain.is_empty())) {
                        (false, _) => "None".to_owned(),
                        (true, Some(value)) => literal(value, shape.format()),
                        (true, None) => "True".to_owned(),
                    };
                    (attribute, argument, Some(default), value)
                }
            }
            (None, Some(name)) => {
                let either = format!("{name} | Mapping[str, Any]");
                match default {
                    _ if required => (name.clone(), either, None, format!("one({name}, {key})")),
                    Some(_) => (name.clone(), format!("{either} | None"), Some("None".into()), format!("one({name}, {key})")),
                    None => (
                        format!("{name} | None"),
                        format!("{either} | None"),
                        Some("None".into()),
                        format!("maybe({name}, {key})"),
                    ),
                }
            }
            _ => self.plain_field(key, shape, default, required),
        };
        Field { name: key.to_owned(), documentation, attribute, argument, default, value }
    }

    /// Lists, maps, text, numbers.
    fn plain_field(
        &mut self,
        key: &str,
        shape: Shape<'s>,
        default: Option<&Value>,
        required: bool,
    ) -> (String, String, Option<String>, String) {
        let or_none = |types: String| if required || default.is_some() { types } else { format!("{types} | None") };
        let types: Vec<&str> = shape.types().collect();
        let has_default = |text: &str| (!required).then(|| text.to_owned());
        if types == ["array"] {
            let Some(item) = shape.item() else { return Default::default() };
            let tuple = default.map_or("()".into(), |value| literal(value, None));
            if let Some(name) = self.name_of(item) {
                let argument = format!("Sequence[{name} | Mapping[str, Any]]");
                return (format!("list[{name}]"), argument, has_default(&tuple), format!("many({name}, {key})"));
            }
            let inner = type_of(item);
            return (format!("list[{inner}]"), format!("Sequence[{inner}]"), has_default(&tuple), format!("items({key})"));
        }
        if types == ["object"] && shape.is_map() {
            let Some(values) = shape.values() else { return Default::default() };
            let or_none = if required { "" } else { " | None" };
            if let Some(name) = self.name_of(values) {
                let argument = format!("Mapping[str, {name} | Mapping[str, Any]]{or_none}");
                return (format!("dict[str, {name}]"), argument, has_default("None"), format!("named({name}, {key})"));
            }
            let inner = type_of(values);
            let argument = format!("Mapping[str, {inner}]{or_none}");
            return (format!("dict[str, {inner}]"), argument, has_default("None"), format!("plain({key})"));
        }
        let types = or_none(type_of(shape));
        let default = match default {
            _ if required => None,
            Some(value) => Some(literal(value, shape.format())),
            None => Some("None".to_owned()),
        };
        (types.clone(), types, default, key.to_owned())
    }

    /// The class of a struct, which is written once.
    fn name_of(&mut self, shape: Shape<'s>) -> Option<String> {
        let name = shape.struct_name()?.to_owned();
        if self.known.insert(name.clone()) {
            // Of one struct or a list of them, that of the list has the description.
            self.queue.push((name.clone(), shape.item().unwrap_or(shape)));
        }
        Some(name)
    }

    /// The keywords of routes.
    fn policies(&mut self) -> String {
        let mut text = "\n\nclass RoutePolicies(TypedDict, total=False):\n".to_owned();
        docstring(&mut text, POLICIES, "    ");
        for key in KEYS {
            let Some(shape) = Shape::root(schema()).key(key.name) else { continue };
            let field = self.field(key.name, shape, Owner::Route, false);
            let _ = writeln!(text, "\n    {}: {}", field.name, field.argument.trim_end_matches(" | None"));
            docstring(&mut text, &field.documentation, "    ");
        }
        text
    }
}

const POLICIES: &str = "What a route or a router says about policies.

A dict is laid over what the router or the server says, an object replaces it; `False` switches the policy off, `True` is the \
server's.";

#[derive(Clone, Copy, PartialEq)]
enum Owner {
    /// Its policies are every route's default.
    Server,
    /// Its policies are laid over the server's.
    Route,
    /// It has no policies.
    Struct,
}

/// What the class tells its base of its fields.
fn parameters(name: &str, owner: Owner, properties: &[(&str, Shape<'_>)], fields: &[Field]) -> String {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("\"{name}\",")).collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    let secrets: Vec<&str> = properties.iter().filter(|(_, shape)| shape.guards_directly()).map(|(key, _)| *key).collect();
    if !secrets.is_empty() {
        let _ = write!(text, ", secrets=({})", quoted(secrets));
    }
    if owner == Owner::Server {
        let on: Vec<&str> = KEYS.iter().filter(|key| key.on).map(|key| key.name).collect();
        let _ = write!(text, ", on=({})", quoted(on).trim_end_matches(','));
    }
    let nested = fields.iter().filter(|field| field.default.is_some() && field.value.starts_with("one("));
    let nested: Vec<&str> = nested.map(|field| field.name.as_str()).collect();
    if !nested.is_empty() {
        let _ = write!(text, ", nested=({})", quoted(nested));
    }
    for (_, field, other, value) in IMPLIED.iter().filter(|(class, ..)| *class == name) {
        let _ = write!(text, ", implied={{\"{field}\": (\"{other}\", {value})}}");
    }
    text
}

fn constructor(text: &mut String, name: &str, fields: &[Field], positional: usize) {
    if fields.is_empty() {
        text.push_str("\n    def __init__(self) -> None:\n        pass\n");
        return;
    }
    text.push_str("\n    def __init__(\n        self,\n");
    for (number, field) in fields.iter().enumerate() {
        if number == positional {
            text.push_str("        *,\n");
        }
        let default = field.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
        let line = format!("        {}: {}{default},", field.name, field.argument);
        if line.len() <= WIDTH {
            let _ = writeln!(text, "{line}");
            continue;
        }
        let _ = write!(text, "        {}: {}", field.name, field.argument);
        match field.default.as_deref().and_then(|default| default.strip_prefix('(')?.strip_suffix(')')) {
            Some(items) => {
                text.push_str(" = (\n");
                for item in items.split(", ") {
                    let _ = writeln!(text, "            {},", item.trim_end_matches(','));
                }
                text.push_str("        ),\n");
            }
            None => {
                let _ = writeln!(text, "{default},");
            }
        }
    }
    text.push_str("    ) -> None:\n");
    for field in fields {
        let implied = IMPLIED.iter().find(|(class, implied, ..)| *class == name && *implied == field.name);
        let value = implied.map_or_else(
            || field.value.clone(),
            |(_, field, other, value)| format!("{value} if {field} is None and {other} is None else {field}"),
        );
        let _ = writeln!(text, "        self.{} = {value}", field.name);
    }
}

/// The types of a plain value that stands for a policy.
fn plain_types(shape: Shape<'_>, shorthand: Option<&str>) -> String {
    shorthand.and_then(|field| shape.key(field)).map(type_of).unwrap_or_default()
}

fn type_of(shape: Shape<'_>) -> String {
    if shape.is_free() {
        return "Any".into();
    }
    if let Some(listed) = shape.target.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = listed.iter().map(|value| literal(value, None)).collect();
        return format!("Literal[{}]", values.join(", "));
    }
    if shape.is_secret() {
        return "str | Mapping[str, str]".into();
    }
    let mut types = Vec::new();
    for kind in shape.types() {
        types.push(match kind {
            "boolean" => "bool".to_owned(),
            "integer" => "int".to_owned(),
            "number" => "float".to_owned(),
            "string" if shape.format() == Some(units::PATH_FORMAT) => "str | PathLike[str]".to_owned(),
            "string" => "str".to_owned(),
            "array" => format!("Sequence[{}]", shape.item().map_or("Any".into(), type_of)),
            _ => format!("Mapping[str, {}]", shape.values().map_or("Any".into(), type_of)),
        });
    }
    types.join(" | ")
}

/// A value of JSON as Python writes it; a duration is a number of seconds.
fn literal(value: &Value, format: Option<&str>) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) if format == Some(units::DURATION_FORMAT) => {
            duration::parse(text).map_or_else(|_| format!("{text:?}"), |duration| duration.as_secs_f64().to_string())
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item, None)).collect();
            format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
        }
        other => other.to_string(),
    }
}

fn describe(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Writes a docstring, its paragraphs broken into lines.
fn docstring(text: &mut String, documentation: &str, indent: &str) {
    if documentation.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for paragraph in documentation.split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent.len() + line.len() + word.len() + 7 > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let body = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    let body = body.collect::<Vec<_>>().join("\n");
    let end = if lines.len() > 1 { format!("\n{indent}") } else { String::new() };
    let _ = writeln!(text, "{indent}\"\"\"{}{end}\"\"\"", body.trim_start());
}
