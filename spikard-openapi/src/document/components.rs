//! The components of a document: what several operations refer to stands here once.
//!
//! Schemas come complete in themselves, with what they refer to in their `$defs`. Each of these
//! becomes a component. Of the same name and the same content there is one; of the same name and
//! other content each has a name of its own, with a number, in the order in which they come.

mod schema;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::endpoint::SecurityScheme;
use crate::info::{SecuritySchemeInfo, SecuritySchemeLocation, SecuritySchemeType};
use schema::{Definitions, without_own_reference};

/// The components so far.
#[derive(Debug)]
pub(super) struct Components<'a> {
    schemas: Section,
    responses: Section,
    headers: Section,
    schemes: Map<String, Value>,
    /// The schemes that the settings name.
    named: &'a BTreeMap<String, SecuritySchemeInfo>,
}

/// The components of one kind.
#[derive(Debug, Default)]
struct Section {
    entries: Map<String, Value>,
    /// The name of the component of a wanted name and a content.
    known: HashMap<(String, String), String>,
}

impl Section {
    /// The name of the component, and whether it is yet to be put there. `content` is what makes it
    /// another one than those of the same wanted name.
    fn name(&mut self, wanted: &str, content: String) -> (String, bool) {
        let key = (wanted.to_owned(), content);
        if let Some(name) = self.known.get(&key) {
            return (name.clone(), false);
        }
        let plain = plain(wanted);
        let numbered = (2_usize..).map(|number| format!("{plain}_{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        let name = names.find(|name| !self.entries.contains_key(name)).unwrap_or_default();
        // Its place in the order is where it was first met.
        self.entries.insert(name.clone(), Value::Null);
        self.known.insert(key, name.clone());
        (name, true)
    }

    fn intern(&mut self, wanted: &str, value: Value) -> String {
        let (name, is_new) = self.name(wanted, value.to_string());
        if is_new {
            self.entries.insert(name.clone(), value);
        }
        name
    }
}

impl<'a> Components<'a> {
    pub(super) fn new(named: &'a BTreeMap<String, SecuritySchemeInfo>) -> Self {
        let schemes = named.iter().map(|(name, info)| (name.clone(), scheme(info))).collect();
        Self { schemas: Section::default(), responses: Section::default(), headers: Section::default(), schemes, named }
    }

    /// The schema with its `$defs` moved to the components.
    pub(super) fn schema(&mut self, schema: &Value) -> Value {
        let schema = without_own_reference(schema);
        let definitions = Definitions::of(&schema);
        let mut names: HashMap<String, String> = HashMap::new();
        let mut new = Vec::new();
        for (name, content) in definitions.each() {
            let (component, is_new) = self.schemas.name(name, content);
            if is_new {
                new.push((name.to_owned(), component.clone()));
            }
            names.insert(name.to_owned(), component);
        }
        let reference = |name: &str| names.get(name).map(|name| format!("#/components/schemas/{name}"));
        for (name, component) in new {
            let moved = definitions.referring(&name, &reference);
            self.schemas.entries.insert(component, moved);
        }
        definitions.root_referring(&reference)
    }

    /// A reference to a schema that is a component under this name.
    pub(super) fn named_schema(&mut self, name: &str, schema: &Value) -> Value {
        let schema = self.schema(schema);
        let name = self.schemas.intern(name, schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// A reference to a response.
    pub(super) fn response(&mut self, name: &str, response: Value) -> Value {
        let name = self.responses.intern(name, response);
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    /// A reference to a header.
    pub(super) fn header(&mut self, name: &str, header: Value) -> Value {
        let name = self.headers.intern(name, header);
        json!({ "$ref": format!("#/components/headers/{name}") })
    }

    /// The name of a scheme: that of the settings, where they name the same one.
    pub(super) fn security(&mut self, wanted: &SecurityScheme) -> String {
        let of_settings = self.named.iter().find(|(_, info)| is_same(info, &wanted.info));
        if let Some((name, _)) = of_settings {
            return name.clone();
        }
        let value = scheme(&wanted.info);
        let numbered = (2_usize..).map(|number| format!("{}_{number}", wanted.name));
        let mut names = std::iter::once(wanted.name.clone()).chain(numbered);
        let name = names.find(|name| self.schemes.get(name).is_none_or(|known| *known == value)).unwrap_or_default();
        self.schemes.insert(name.clone(), value);
        name
    }

    pub(super) fn into_value(self) -> Value {
        let sections = [
            ("schemas", self.schemas.entries),
            ("responses", self.responses.entries),
            ("headers", self.headers.entries),
            ("securitySchemes", self.schemes),
        ];
        let filled = sections.into_iter().filter(|(_, entries)| !entries.is_empty());
        filled.map(|(name, entries)| (name.to_owned(), Value::Object(entries))).collect::<Map<_, _>>().into()
    }
}

/// A name as OpenAPI section 4.8.7 allows it: `Page[Item]` is `Page_Item`.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for one in name.chars() {
        match one {
            one if one.is_ascii_alphanumeric() || matches!(one, '.' | '-') => plain.push(one),
            _ if plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    let plain = plain.trim_end_matches('_');
    if plain.is_empty() { "Schema".into() } else { plain.into() }
}

/// Whether the settings name the scheme that a policy checks.
fn is_same(of_settings: &SecuritySchemeInfo, of_policy: &SecuritySchemeInfo) -> bool {
    let lower = |info: &SecuritySchemeInfo| info.scheme.as_deref().map(str::to_ascii_lowercase);
    let name = |info: &SecuritySchemeInfo| {
        let is_header = info.location == Some(SecuritySchemeLocation::Header);
        info.name.as_deref().map(|name| if is_header { name.to_ascii_lowercase() } else { name.to_owned() })
    };
    of_settings.kind == of_policy.kind
        && match of_policy.kind {
            SecuritySchemeType::Http => lower(of_settings) == lower(of_policy),
            SecuritySchemeType::ApiKey => of_settings.location == of_policy.location && name(of_settings) == name(of_policy),
            SecuritySchemeType::MutualTls => true,
        }
}

/// A security scheme object (OpenAPI 3.1 section 4.8.27).
fn scheme(info: &SecuritySchemeInfo) -> Value {
    let mut scheme = Map::new();
    scheme.insert("type".into(), json!(info.kind));
    let mut put = |key: &str, value: Option<Value>| value.map(|value| scheme.insert(key.into(), value));
    put("name", info.name.clone().map(Into::into));
    put("in", info.location.map(|location| json!(location)));
    put("scheme", info.scheme.clone().map(Into::into));
    put("bearerFormat", info.bearer_format.clone().map(Into::into));
    scheme.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn components() -> Components<'static> {
        static NONE: BTreeMap<String, SecuritySchemeInfo> = BTreeMap::new();
        Components::new(&NONE)
    }

    #[test]
    fn definitions_become_components_once_for_each_content() {
        let mut components = components();
        let item = |kind: &str| json!({ "$ref": "#/$defs/Item", "$defs": { "Item": { "type": kind } } });
        let refs = [item("string"), item("integer"), item("string")].map(|schema| components.schema(&schema)["$ref"].clone());
        let place = |name: &str| json!(format!("#/components/schemas/{name}"));
        assert_eq!(refs, [place("Item"), place("Item_2"), place("Item")]);
        let expected = json!({ "schemas": { "Item": { "type": "string" }, "Item_2": { "type": "integer" } } });
        assert_eq!(components.into_value(), expected);
    }

    #[test]
    fn what_refers_to_another_content_is_another_component() {
        let mut components = components();
        let list = |kind: &str| {
            let item = json!({ "type": "array", "items": { "$ref": "#/$defs/Item" } });
            json!({ "$ref": "#/$defs/List", "$defs": { "List": item, "Item": { "type": kind } } })
        };
        components.schema(&list("string"));
        assert_eq!(components.schema(&list("integer")), json!({ "$ref": "#/components/schemas/List_2" }));
        let value = components.into_value();
        assert_eq!(value["schemas"]["List_2"]["items"], json!({ "$ref": "#/components/schemas/Item_2" }));
    }

    #[test]
    fn names_are_those_that_openapi_takes() {
        assert_eq!(["Page[Item]", "a.b-c", "Ünï", "[]"].map(plain), ["Page_Item", "a.b-c", "_n", "Schema"]);
    }

    #[test]
    fn a_scheme_has_the_name_of_the_settings_if_they_name_it() {
        let info =
            |kind: &str| -> SecuritySchemeInfo { serde_json::from_value(json!({ "type": "http", "scheme": kind })).unwrap() };
        let named = [("token".to_owned(), info("Bearer"))].into();
        let mut components = Components::new(&named);
        let of = |name: &str, scheme: &str| SecurityScheme { name: name.into(), info: info(scheme) };
        assert_eq!(components.security(&of("jwt_auth", "bearer")), "token");
        assert_eq!(components.security(&of("basic", "basic")), "basic");
        assert_eq!(components.security(&of("basic", "digest")), "basic_2");
    }
}
