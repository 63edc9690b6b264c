//! The components of a document: what several operations refer to stands here once.
//!
//! Schemas come complete in themselves, with what they refer to in their `$defs`. Each of these
//! becomes a component. Of the same name and the same content there is one; of the same name and
//! other content each has a name of its own, with a number, in the order in which they come.

mod adopt;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::foreign::Kind;
use crate::info::SecuritySchemeInfo;
pub(super) use adopt::Origin;
use adopt::without_definitions;

/// The components so far.
#[derive(Debug, Default)]
pub(super) struct Components {
    sections: BTreeMap<&'static str, Section>,
    schemes: Map<String, Value>,
}

/// The sections in the order in which they are written.
const SECTIONS: [&str; 9] =
    ["schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks", "pathItems"];

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

impl Components {
    /// Components with the schemes that the settings name.
    pub(super) fn new(schemes: &BTreeMap<String, SecuritySchemeInfo>) -> Self {
        let schemes = schemes.iter().map(|(name, info)| (name.clone(), info.object())).collect();
        Self { sections: BTreeMap::new(), schemes }
    }

    /// The schema with its `$defs` moved to the components.
    pub(super) fn schema(&mut self, schema: &Value) -> Value {
        let mut moved = without_definitions(schema);
        self.adopt(&mut Origin::new(schema), &mut moved, Kind::Schema);
        moved
    }

    /// A reference to a schema that is a component under this name.
    pub(super) fn named_schema(&mut self, name: &str, schema: &Value) -> Value {
        let schema = self.schema(schema);
        self.put("schemas", name, schema)
    }

    /// A reference to a response.
    pub(super) fn response(&mut self, name: &str, response: Value) -> Value {
        self.put("responses", name, response)
    }

    /// A reference to a header.
    pub(super) fn header(&mut self, name: &str, header: Value) -> Value {
        self.put("headers", name, header)
    }

    /// The name of a scheme: where the same one has a name, that.
    pub(super) fn security(&mut self, wanted: &str, scheme: &Value) -> String {
        if let Some((name, _)) = self.schemes.iter().find(|(_, known)| means(known) == means(scheme)) {
            return name.clone();
        }
        let numbered = (2_usize..).map(|number| format!("{wanted}_{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(|name| !self.schemes.contains_key(name)).unwrap_or_default();
        self.schemes.insert(name.clone(), scheme.clone());
        name
    }

    pub(super) fn into_value(mut self) -> Value {
        let sections = SECTIONS.into_iter().filter_map(|name| Some((name, self.sections.remove(name)?.entries)));
        let schemes = (!self.schemes.is_empty()).then_some(("securitySchemes", self.schemes));
        sections.chain(schemes).map(|(name, entries)| (name.to_owned(), Value::Object(entries))).collect::<Map<_, _>>().into()
    }

    fn put(&mut self, section: &'static str, name: &str, value: Value) -> Value {
        let name = self.section(section).intern(name, value);
        json!({ "$ref": format!("#/components/{section}/{name}") })
    }

    fn section(&mut self, name: &'static str) -> &mut Section {
        self.sections.entry(name).or_default()
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

/// What a scheme comes to for a client: `bearerFormat` and descriptions are words, and names of
/// schemes and headers have no case.
fn means(scheme: &Value) -> Value {
    let lower = |key: &str| scheme[key].as_str().map(str::to_ascii_lowercase);
    let name = if scheme["in"] == "header" { json!(lower("name")) } else { scheme["name"].clone() };
    match scheme["type"].as_str() {
        Some("http") => json!(["http", lower("scheme")]),
        Some("apiKey") => json!(["apiKey", scheme["in"], name]),
        _ => scheme.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_become_components_once_for_each_content() {
        let mut components = Components::default();
        let item = |kind: &str| json!({ "$ref": "#/$defs/Item", "$defs": { "Item": { "type": kind } } });
        let refs = [item("string"), item("integer"), item("string")].map(|schema| components.schema(&schema)["$ref"].clone());
        let place = |name: &str| json!(format!("#/components/schemas/{name}"));
        assert_eq!(refs, [place("Item"), place("Item_2"), place("Item")]);
        let expected = json!({ "schemas": { "Item": { "type": "string" }, "Item_2": { "type": "integer" } } });
        assert_eq!(components.into_value(), expected);
    }

    #[test]
    fn what_refers_to_another_content_is_another_component() {
        let mut components = Components::default();
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
    fn a_schema_that_refers_to_itself_becomes_a_component() {
        let mut components = Components::default();
        let tree = json!({ "title": "Tree", "type": "array", "items": { "$ref": "#" } });
        let here = json!({ "$ref": "#/components/schemas/Tree" });
        let expected = json!({ "title": "Tree", "type": "array", "items": here });
        assert_eq!(components.schema(&tree), expected);
        assert_eq!(components.into_value()["schemas"], json!({ "Tree": expected }));
    }

    #[test]
    fn references_are_redirected_where_schemas_stand_and_nowhere_else() {
        let schema = json!({
            "properties": {
                "$ref": { "$ref": "#/$defs/A" },
                "examples": { "type": "object", "examples": [{ "$ref": "#/$defs/A" }] },
            },
            "oneOf": [{ "items": { "$ref": "#/$defs/a~1b" } }, { "$ref": "https://other.example/#/$defs/A" }],
            "discriminator": { "propertyName": "kind", "mapping": { "a": "#/$defs/A" } },
            "$defs": { "A": {}, "a/b": { "items": { "$ref": "#/$defs/a~1b" } }, "Unused": {} },
        });
        let mut components = Components::default();
        let moved = components.schema(&schema);
        let expected = json!({
            "properties": {
                "$ref": { "$ref": "#/components/schemas/A" },
                "examples": { "type": "object", "examples": [{ "$ref": "#/$defs/A" }] },
            },
            "oneOf": [{ "items": { "$ref": "#/components/schemas/a_b" } }, { "$ref": "https://other.example/#/$defs/A" }],
            "discriminator": { "propertyName": "kind", "mapping": { "a": "#/components/schemas/A" } },
        });
        assert_eq!(moved, expected);
        let expected = json!({ "A": {}, "a_b": { "items": { "$ref": "#/components/schemas/a_b" } } });
        assert_eq!(components.into_value()["schemas"], expected);
    }

    #[test]
    fn one_scheme_has_one_name_and_that_of_the_settings_if_they_name_it() {
        let bearer: SecuritySchemeInfo = serde_json::from_value(json!({ "type": "http", "scheme": "Bearer" })).unwrap();
        let mut components = Components::new(&[("token".to_owned(), bearer)].into());
        let http = |scheme: &str| json!({ "type": "http", "scheme": scheme, "bearerFormat": "JWT" });
        assert_eq!(components.security("jwt_auth", &http("bearer")), "token");
        assert_eq!(components.security("basic", &http("basic")), "basic");
        assert_eq!(components.security("basic", &http("digest")), "basic_2");
        let key = |name: &str, place: &str| json!({ "type": "apiKey", "name": name, "in": place });
        let names = [("X-Key", "header"), ("x-key", "header"), ("X-Key", "query")]
            .map(|(name, place)| components.security("key", &key(name, place)));
        assert_eq!(names, ["key", "key", "key_2"]);
    }
}
