//! One field of a class: its types, its default, and what makes the attribute of the argument.

use serde_json::Value;
use spikard_middleware::stack::{KEYS, Key};

use super::super::shape::Shape;
use super::Module;
use super::text::{describe, literal, type_of};

/// One field of a class.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) documentation: String,
    pub(super) form: Form,
}

/// What Python makes of a setting.
pub(super) struct Form {
    /// The type of the attribute.
    pub(super) attribute: String,
    /// The type of the argument.
    pub(super) argument: String,
    /// None: it is required.
    pub(super) default: Option<String>,
    /// What makes the attribute of the argument; the functions are those of `_settings.py`.
    pub(super) value: String,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Owner {
    /// Its policies are every route's default.
    Server,
    /// Its policies are laid over the server's.
    Route,
    /// It has no policies.
    Struct,
}

/// What is known of a setting before its form.
struct Setting<'s> {
    key: &'s str,
    shape: Shape<'s>,
    required: bool,
}

impl<'s> Module<'s> {
    pub(super) fn field(&mut self, key: &'s str, shape: Shape<'s>, owner: Owner, required: bool) -> Field {
        let mention = describe(shape.mention);
        let documentation = if mention.is_empty() { describe(shape.target) } else { mention };
        let policy = KEYS.iter().find(|policy| owner != Owner::Struct && policy.name == key);
        let setting = Setting { key, shape, required };
        let form = match (self.name_of(shape), policy) {
            (Some(name), Some(policy)) if owner == Owner::Server => setting.policy_of_server(&name, policy),
            (Some(name), Some(policy)) => setting.policy_of_route(&name, policy),
            (Some(name), None) => setting.table(&name),
            (None, _) => match (shape.item(), shape.values()) {
                (Some(item), None) if !shape.allows("string") => setting.list(item, self.name_of(item)),
                (None, Some(values)) => setting.map(values, self.name_of(values)),
                _ => setting.plain(),
            },
        };
        Field { name: key.to_owned(), documentation, form }
    }
}

impl Setting<'_> {
    /// `True` is the policy by default, `None` and `False` are none.
    fn policy_of_server(&self, name: &str, policy: &Key) -> Form {
        let Self { key, shape, .. } = self;
        let plain = self.shorthand(policy);
        let list = if shape.allows("array") { format!("list[{name}]") } else { String::new() };
        let is_switch = policy.on && shape.properties().count() <= 1 && plain.is_empty();
        let has_defaults = shape.target.get("required").is_none();
        let maker = match (is_switch, has_defaults) {
            (true, _) => "switch",
            (false, true) => "policy",
            (false, false) => "maybe",
        };
        let default = match (policy.on, policy.shorthand.and_then(|field| shape.key(field)?.mention.get("default"))) {
            (false, _) => "None".to_owned(),
            (true, Some(value)) => literal(value, shape.format()),
            (true, None) => "True".to_owned(),
        };
        let bool = if has_defaults { "bool" } else { "Literal[False]" };
        Form {
            attribute: or(&[name, &list, &plain, if is_switch { "bool" } else { "None" }]),
            argument: or(&[name, "Mapping[str, Any]", &self.many(name), &plain, bool, "None"]),
            default: Some(default),
            value: format!("{maker}({name}, {key})"),
        }
    }

    /// `None` says nothing; a dict stays one, since it is laid over the server's policy.
    fn policy_of_route(&self, name: &str, policy: &Key) -> Form {
        let argument = or(&[name, "Mapping[str, Any]", &self.many(name), &self.shorthand(policy), "bool", "None"]);
        Form { attribute: argument.clone(), argument, default: Some("None".into()), value: self.key.to_owned() }
    }

    /// A table that is a struct. What is required or has a default is always there.
    fn table(&self, name: &str) -> Form {
        let key = self.key;
        let is_there = self.required || self.default().is_some();
        let none = if is_there { "" } else { "None" };
        Form {
            attribute: or(&[name, none]),
            argument: or(&[name, "Mapping[str, Any]", if self.required { "" } else { "None" }]),
            default: self.or_required("None"),
            value: format!("{}({name}, {key})", if is_there { "one" } else { "maybe" }),
        }
    }

    fn list(&self, item: Shape<'_>, name: Option<String>) -> Form {
        let key = self.key;
        let tuple = self.default().map_or("()".into(), |value| literal(value, None));
        let (inner, argument, value) = match name {
            Some(name) if item.allows("string") => {
                (format!("str | {name}"), format!("str | {name} | Mapping[str, Any]"), format!("mixed({name}, {key})"))
            }
            Some(name) => (name.clone(), format!("{name} | Mapping[str, Any]"), format!("many({name}, {key})")),
            None => (type_of(item), type_of(item), format!("items({key})")),
        };
        let argument = format!("Sequence[{argument}]");
        Form { attribute: format!("list[{inner}]"), argument, default: self.or_required(&tuple), value }
    }

    fn map(&self, values: Shape<'_>, name: Option<String>) -> Form {
        let key = self.key;
        let (inner, argument, value) = match name {
            Some(name) => (name.clone(), format!("{name} | Mapping[str, Any]"), format!("named({name}, {key})")),
            None => (type_of(values), type_of(values), format!("plain({key})")),
        };
        let argument = or(&[&format!("Mapping[str, {argument}]"), if self.required { "" } else { "None" }]);
        Form { attribute: format!("dict[str, {inner}]"), argument, default: self.or_required("None"), value }
    }

    /// Text, numbers, and what has several forms.
    fn plain(&self) -> Form {
        let none = if self.required || self.default().is_some() { "" } else { "None" };
        let types = or(&[&type_of(self.shape), none]);
        let default = self.default().map_or("None".into(), |value| literal(value, self.shape.format()));
        Form { attribute: types.clone(), argument: types, default: self.or_required(&default), value: self.key.to_owned() }
    }

    fn default(&self) -> Option<&Value> {
        self.shape.mention.get("default")
    }

    fn or_required(&self, default: &str) -> Option<String> {
        (!self.required).then(|| default.to_owned())
    }

    /// The types of a plain value that stands for the policy.
    fn shorthand(&self, policy: &Key) -> String {
        policy.shorthand.and_then(|field| self.shape.key(field)).map(type_of).unwrap_or_default()
    }

    fn many(&self, name: &str) -> String {
        if self.shape.allows("array") { format!("Sequence[{name} | Mapping[str, Any]]") } else { String::new() }
    }
}

fn or(types: &[&str]) -> String {
    types.iter().copied().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" | ")
}
