//! The generated `spikard/config.py`: a class for every struct of the schema, with its fields,
//! defaults and documentation. Nobody writes a default or a name of a setting twice.
//!
//! What the classes can do is written by hand, in `spikard/_settings.py`.

mod field;
mod text;

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value;
use spikard_middleware::stack::KEYS;

use super::schema::schema;
use super::shape::Shape;
use field::{Field, Form, Owner};
use text::{WIDTH, describe, docstring, quoted};

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
    let exports = lines(names, "    ");
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

from ._settings import Settings, items, many, maybe, mixed, named, one, plain, policy, switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
";

struct Module<'s> {
    queue: Vec<(String, Shape<'s>)>,
    known: HashSet<String>,
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
        let names = || fields.iter().map(|field| field.name.as_str());
        let line = format!("    __slots__ = ({})\n", quoted(names()));
        if line.len() <= WIDTH {
            let _ = write!(text, "\n{line}");
        } else {
            let _ = write!(text, "\n    __slots__ = (\n{}    )\n", lines(names(), "        "));
        }
        for field in &fields {
            let _ = writeln!(text, "\n    {}: {}", field.name, field.form.attribute);
            docstring(&mut text, &field.documentation, "    ");
        }
        constructor(&mut text, name, &fields, first.len());
        text
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
            let _ = writeln!(text, "\n    {}: {}", field.name, field.form.argument.trim_end_matches(" | None"));
            docstring(&mut text, &field.documentation, "    ");
        }
        text
    }
}

const POLICIES: &str = "What a route or a router says about policies.

A dict is laid over what the router or the server says, an object replaces it; `False` switches the policy off, `True` is the \
server's.";

/// What the class tells its base of its fields.
fn parameters(name: &str, owner: Owner, properties: &[(&str, Shape<'_>)], fields: &[Field]) -> String {
    let mut text = String::new();
    let mut tell = |what: &str, names: Vec<&str>| {
        if !names.is_empty() {
            let _ = write!(text, ", {what}=({})", quoted(names));
        }
    };
    tell("secrets", properties.iter().filter(|(_, shape)| shape.guards_directly()).map(|(key, _)| *key).collect());
    if owner == Owner::Server {
        tell("on", KEYS.iter().filter(|key| key.on).map(|key| key.name).collect());
    }
    let is_nested = |field: &&Field| field.form.default.is_some() && field.form.value.starts_with("one(");
    tell("nested", fields.iter().filter(is_nested).map(|field| field.name.as_str()).collect());
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
    for (number, Field { name, form: Form { argument, default, .. }, .. }) in fields.iter().enumerate() {
        if number == positional {
            text.push_str("        *,\n");
        }
        let _ = write!(text, "        {name}: {argument}");
        let shown = default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
        let is_long = 10 + name.len() + argument.len() + shown.len() >= WIDTH;
        match default.as_deref().and_then(|default| default.strip_prefix('(')?.strip_suffix(')')) {
            Some(items) if is_long && !items.is_empty() => {
                text.push_str(" = (\n");
                for item in items.split(", ") {
                    let _ = writeln!(text, "            {},", item.trim_end_matches(','));
                }
                text.push_str("        ),\n");
            }
            _ => {
                let _ = writeln!(text, "{shown},");
            }
        }
    }
    text.push_str("    ) -> None:\n");
    for field in fields {
        let implied = IMPLIED.iter().find(|(class, implied, ..)| *class == name && *implied == field.name);
        let value = implied.map_or_else(
            || field.form.value.clone(),
            |(_, field, other, value)| format!("{value} if {field} is None and {other} is None else {field}"),
        );
        let _ = writeln!(text, "        self.{} = {value}", field.name);
    }
}

/// Names, each on a line of its own.
fn lines<'n>(names: impl IntoIterator<Item = &'n str>, indent: &str) -> String {
    names.into_iter().fold(String::new(), |text, name| text + indent + "\"" + name + "\",\n")
}
