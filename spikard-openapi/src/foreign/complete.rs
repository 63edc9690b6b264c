//! Schemas that are complete in themselves: what a schema of a document refers to goes along, in
//! its `$defs`.

use serde_json::{Map, Value};

use super::Foreign;
use super::pointer::Pointer;
use super::walk::{Kind, change};

/// Which way the values go that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the server: what is `readOnly` need not be there.
    Request,
    /// To the client: what is `writeOnly` need not be there.
    Response,
}

impl Foreign {
    /// A schema of this document, with all that it refers to.
    pub fn complete(&self, schema: &Value, direction: Direction) -> Value {
        let mut definitions = Definitions { foreign: self, direction, names: Vec::new() };
        // A reference alone is what it leads to; beside others it stays.
        let is_bare = |schema: &Value| schema.as_object().is_some_and(|object| object.len() == 1);
        let mut root = schema;
        while is_bare(root)
            && let Some(target) = root.get("$ref").and_then(Value::as_str).and_then(|target| self.at(target))
        {
            root = target;
        }
        let mut complete = definitions.rewritten(root);
        let mut done = Map::new();
        // Each may name more.
        while let Some((pointer, name)) = definitions.names.get(done.len()).cloned() {
            let schema = self.document.pointer(pointer.as_str()).map(|schema| definitions.rewritten(schema));
            done.insert(name, schema.unwrap_or(Value::Bool(true)));
        }
        if !done.is_empty()
            && let Value::Object(object) = &mut complete
        {
            // Its own are reached by the pointers of the document, so they are among these.
            object.insert("$defs".into(), Value::Object(done));
        }
        complete
    }
}

struct Definitions<'d> {
    foreign: &'d Foreign,
    direction: Direction,
    /// The places of the schemas that are needed, and what each is called in `$defs`.
    names: Vec<(Pointer, String)>,
}

impl Definitions<'_> {
    fn rewritten(&mut self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        change(&mut schema, Kind::Schema, &mut |_, object| {
            self.relax(object);
            self.name_branches(object);
            // References count from the document, whatever a schema calls itself.
            for key in ["$id", "$schema", "$anchor"] {
                object.shift_remove(key);
            }
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                self.rename(reference);
            }
            let mapping = object.get_mut("discriminator").and_then(|discriminator| discriminator.get_mut("mapping"));
            for target in mapping.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
                if let Value::String(reference) = target
                    && reference.starts_with("#/")
                {
                    self.rename(reference);
                }
            }
        });
        schema
    }

    fn rename(&mut self, reference: &mut String) {
        // In a document that was read, all of them lead somewhere.
        let Some(pointer) = Pointer::of_reference(reference) else { return };
        let known = self.names.iter().find(|(known, _)| *known == pointer).map(|(_, name)| name.clone());
        let name = known.unwrap_or_else(|| {
            let last = pointer.last().replace(['~', '/', '%'], "_");
            let is_taken = |name: &str| self.names.iter().any(|(_, taken)| taken == name);
            let mut numbered = (2..).map(|number| format!("{last}_{number}"));
            let name = if is_taken(&last) { numbered.find(|name| !is_taken(name)).unwrap_or_default() } else { last };
            self.names.push((pointer, name.clone()));
            name
        });
        *reference = format!("#/$defs/{name}");
    }

    /// Writes down what OpenAPI leaves unsaid: without a `mapping`, a branch is called by the name of its
    /// schema (3.1, section 4.8.25.3). One that says its name itself, as `const` or `enum`, needs none.
    fn name_branches(&self, schema: &mut Map<String, Value>) {
        let property = schema.get("discriminator").and_then(|discriminator| discriminator.get("propertyName"));
        let Some(property) = property.and_then(Value::as_str) else { return };
        let branches = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        let unnamed = branches.filter_map(|branch| {
            let reference = branch.get("$ref")?.as_str()?;
            let own = self.foreign.resolve(branch).get("properties").and_then(|properties| properties.get(property));
            let says_itself = own.is_some_and(|own| own.get("const").is_some() || own.get("enum").is_some());
            let name = Pointer::of_reference(reference)?.last();
            (!says_itself).then(|| (name, reference.to_owned()))
        });
        let unnamed: Vec<(String, String)> = unnamed.collect();
        let Some(Value::Object(discriminator)) = schema.get_mut("discriminator") else { return };
        let mapping = discriminator.entry("mapping").or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(mapping) = mapping else { return };
        for (name, reference) in unnamed {
            let is_named = mapping.values().any(|target| *target == *reference || *target == *name);
            if !is_named {
                mapping.insert(name, reference.into());
            }
        }
    }

    /// Takes out of `required` what the other side alone knows.
    fn relax(&self, schema: &mut Map<String, Value>) {
        let mark = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let marked = |property: &Value| {
            let is_marked = |schema: &Value| schema.get(mark) == Some(&Value::Bool(true));
            is_marked(property) || is_marked(self.foreign.resolve(property))
        };
        let Some(Value::Object(properties)) = schema.get("properties") else { return };
        let free: Vec<&String> = properties.iter().filter(|(_, property)| marked(property)).map(|(name, _)| name).collect();
        if free.is_empty() {
            return;
        }
        let free: Vec<String> = free.into_iter().cloned().collect();
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.retain(|name| !free.iter().any(|free| name == free));
        }
    }
}
