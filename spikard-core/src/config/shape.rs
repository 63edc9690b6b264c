//! Reading the schema along the tree: what may stand at a place.

use serde_json::{Map, Value};
use spikard_middleware::{ConfigPath, Step, secret, stack};

/// The schema of one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'s> {
    root: &'s Value,
    /// Where the place is mentioned; may hold a description and a default beside a `$ref`.
    pub(super) mention: &'s Value,
    /// What the mention refers to.
    pub(super) target: &'s Value,
}

impl<'s> Shape<'s> {
    /// The schema of the whole configuration.
    pub(super) fn root(schema: &'s Value) -> Self {
        Self { root: schema, mention: schema, target: schema }
    }

    /// The schema of the place `path`; none where no key of that name exists.
    pub(super) fn at(self, path: &ConfigPath) -> Option<Self> {
        path.steps().iter().try_fold(self, |shape, step| match step {
            Step::Key(key) => shape.key(key),
            Step::Index(_) => shape.item(),
        })
    }

    /// The schema of a key.
    pub(super) fn key(self, key: &str) -> Option<Self> {
        let named = self.target.get("properties").and_then(|properties| properties.get(key));
        named.or_else(|| self.target.get("additionalProperties")).and_then(|mention| self.mentioned(mention))
    }

    /// The schema of the elements.
    pub(super) fn item(self) -> Option<Self> {
        self.target.get("items").and_then(|mention| self.mentioned(mention))
    }

    /// The schema of the values of a table whose keys may be made up.
    pub(super) fn values(self) -> Option<Self> {
        self.target.get("additionalProperties").filter(|inner| inner.is_object()).and_then(|mention| self.mentioned(mention))
    }

    /// The keys that have a schema of their own. Those of a secret's table are no settings.
    pub(super) fn properties(self) -> impl Iterator<Item = (&'s str, Self)> {
        let properties = self.target.get("properties").and_then(Value::as_object).into_iter().flatten();
        properties.filter_map(move |(key, mention)| Some((key.as_str(), self.mentioned(mention)?)))
    }

    /// Whether keys may be made up.
    pub(super) fn is_map(self) -> bool {
        self.target.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// The name of the struct that a table at this place becomes.
    pub(super) fn struct_name(self) -> Option<&'s str> {
        let named = |schema: &'s Value| schema.get("x-spikard-struct").and_then(Value::as_str);
        let referred = |schema: &'s Value| schema.get("$ref").and_then(Value::as_str)?.rsplit('/').next();
        referred(self.mention).or_else(|| named(self.target))
    }

    /// Whether who reads the file that is named here sees to its changes, too.
    pub(super) fn is_watched(self) -> bool {
        self.target.get("x-spikard-watched").and_then(Value::as_bool) == Some(true)
    }

    /// Whether anything may stand here.
    pub(super) fn is_free(self) -> bool {
        self.target.as_object().is_none_or(|object| !object.contains_key("type") && !object.contains_key("properties"))
    }

    /// Whether this is a secret.
    pub(super) fn is_secret(self) -> bool {
        self.format() == Some(secret::FORMAT)
    }

    /// Whether a plain value that was put here by mistake may be a secret.
    pub(super) fn guards_secrets(self) -> bool {
        self.guards_directly() || self.holds_secrets() || self.item().is_some_and(Self::guards_secrets)
    }

    /// Whether a table at this place holds secrets itself.
    pub(super) fn holds_secrets(self) -> bool {
        self.properties().any(|(_, inner)| inner.guards_directly())
    }

    /// Whether this is a secret, or a list or table of secrets.
    pub(super) fn guards_directly(self) -> bool {
        self.is_secret() || self.item().is_some_and(Self::is_secret) || self.values().is_some_and(Self::is_secret)
    }

    /// Whether this is the table of something that makes routes: it has every policy, and the
    /// server's are laid under its own.
    pub(super) fn is_route(self) -> bool {
        self.object("properties").is_some_and(|properties| stack::KEYS.iter().all(|key| properties.contains_key(key.name)))
    }

    /// Whether a value of this JSON type may stand here.
    pub(super) fn allows(self, name: &str) -> bool {
        self.is_free() || self.types().any(|allowed| allowed == name)
    }

    /// The JSON types that may stand here; none of them if anything may.
    pub(super) fn types(self) -> impl Iterator<Item = &'s str> {
        let types = self.target.get("type");
        let single = types.and_then(Value::as_str);
        let several = types.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        single.into_iter().chain(several)
    }

    /// The format of text.
    pub(super) fn format(self) -> Option<&'s str> {
        self.target.get("format").and_then(Value::as_str)
    }

    /// The values that may stand here, as a message shows them, if they are listed.
    pub(super) fn listed(self) -> Option<Vec<String>> {
        let values = self.target.get("enum")?.as_array()?;
        Some(values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect())
    }

    fn object(self, keyword: &str) -> Option<&'s Map<String, Value>> {
        self.target.get(keyword).and_then(Value::as_object)
    }

    fn mentioned(self, mention: &'s Value) -> Option<Self> {
        let mut target = mention;
        while let Some(reference) = target.get("$ref").and_then(Value::as_str) {
            target = self.root.pointer(reference.strip_prefix('#')?)?;
        }
        (target != &Value::Bool(false)).then_some(Self { root: self.root, mention, target })
    }
}
