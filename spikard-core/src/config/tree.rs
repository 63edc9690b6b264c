//! The tree that every configuration becomes before it is checked: values that know where they
//! were written, tables that keep their order, numbers that keep their source text.
//!
//! Here is no meaning of any key; the schema and the structs have that.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use spikard_middleware::{ConfigPath, Step};

use super::number;

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
    /// The reference that the value came from. Messages show this, never the value.
    pub reference: Option<Reference>,
}

/// What a file says in the place of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Text with `${NAME}` in it.
    Text(String),
    /// A secret's `{ file = "..." }` or `{ env = "..." }`.
    Secret {
        /// `file` or `env`.
        kind: &'static str,
        /// The path of the file or the name of the variable.
        name: String,
    },
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Secret { kind, name } => write!(formatter, "{{ {kind} = {name:?} }}"),
        }
    }
}

/// A value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing. After the overlay: a policy that is switched off.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A table.
    Table(Table),
}

/// Where a value was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: a default.
    #[default]
    Default,
    /// In the file, at these bytes.
    File(Range<usize>),
    /// In an attribute of an object of the program.
    Attribute(Attribute),
}

/// A place in an object of the program: `ServerConfig.compression.quality`, or
/// `route GET /users/{id}: rate_limit.burst`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// What the object is called. A name of several words is set apart from the path by a colon.
    pub object: Arc<str>,
    /// The way from the object to the value.
    pub path: ConfigPath,
}

impl fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, path } = self;
        match path.steps() {
            [] => formatter.write_str(object),
            _ if object.contains(' ') => write!(formatter, "{object}: {path}"),
            [Step::Index(_), ..] => write!(formatter, "{object}{path}"),
            _ => write!(formatter, "{object}.{path}"),
        }
    }
}

/// Keys and their values, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    entries: Vec<Entry>,
    whole: bool,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub origin: Origin,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// A value from bytes of the file.
    pub fn in_file(value: Value, span: Range<usize>) -> Self {
        Self { value, origin: Origin::File(span), reference: None }
    }

    /// A value that is not from a file; [`Node::name`] says where it is from.
    pub fn new(value: Value) -> Self {
        Self { value, origin: Origin::Default, reference: None }
    }

    /// Names the object that this value is: everything in it that comes from nowhere yet is in an
    /// attribute of that object.
    pub fn name(&mut self, object: &str) {
        self.name_from(&Attribute { object: object.into(), path: ConfigPath::root() });
    }

    fn name_from(&mut self, place: &Attribute) {
        self.origin.name(place);
        let inside = |path| Attribute { object: Arc::clone(&place.object), path };
        match &mut self.value {
            Value::Table(table) => {
                for entry in &mut table.entries {
                    let place = inside(place.path.key(&entry.key));
                    entry.origin.name(&place);
                    entry.node.name_from(&place);
                }
            }
            Value::Sequence(nodes) => {
                for (index, node) in nodes.iter_mut().enumerate() {
                    node.name_from(&inside(place.path.index(index)));
                }
            }
            _ => {}
        }
    }

    /// The node at `path`.
    pub fn at(&self, path: &ConfigPath) -> Option<&Node> {
        path.steps().iter().try_fold(self, Node::step)
    }

    /// The deepest node on the way to `path` that exists.
    pub fn nearest(&self, path: &ConfigPath) -> &Node {
        let mut node = self;
        for step in path.steps() {
            match node.step(step) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node
    }

    /// The entry at `path`, if its last step is a key.
    pub fn entry(&self, path: &ConfigPath) -> Option<&Entry> {
        let (last, parents) = path.steps().split_last()?;
        let parent = parents.iter().try_fold(self, Node::step)?;
        match (&parent.value, last) {
            (Value::Table(table), Step::Key(key)) => table.entry(key),
            _ => None,
        }
    }

    /// The table, if the value is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if the value is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same value for a JSON Schema validator.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => number::to_json(text),
            Value::String(text) => text.as_str().into(),
            Value::Sequence(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Table(table) => table.entries().map(|entry| (entry.key.clone(), entry.node.to_json())).collect(),
        }
    }

    fn step(&self, step: &Step) -> Option<&Node> {
        match (&self.value, step) {
            (Value::Table(table), Step::Key(key)) => table.get(key),
            (Value::Sequence(nodes), Step::Index(index)) => nodes.get(*index),
            _ => None,
        }
    }
}

impl Table {
    /// The same table as the whole of what is said: where tables are laid over each other, nothing
    /// is laid under this one.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Whether nothing is laid under this table.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The entries in order.
    pub fn entries(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entries in order, to be changed.
    pub fn entries_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.iter_mut()
    }

    /// The first entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    /// Adds an entry. A key that is there already stays: the first one counts.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position))
    }
}

impl FromIterator<Entry> for Table {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect(), whole: false }
    }
}

impl Entry {
    /// An entry that is not from a file.
    pub fn new(key: impl Into<String>, node: Node) -> Self {
        Self { key: key.into(), origin: Origin::Default, node }
    }
}

impl Origin {
    fn name(&mut self, place: &Attribute) {
        if *self == Self::Default {
            *self = Self::Attribute(place.clone());
        }
    }

    /// The bytes of the file, if it was written there.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::File(span) => Some(span.clone()),
            Self::Default | Self::Attribute(_) => None,
        }
    }
}
