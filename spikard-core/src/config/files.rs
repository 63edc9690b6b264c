//! The files that a configuration names, and what was in them when it was read: a configuration is
//! as it was only if they are, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use spikard_middleware::{ConfigPath, units};

use super::schema::schema;
use super::shape::Shape;
use super::tree::{Node, Reference, Value};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing that can be read.
    Missing,
    /// A folder; what is in it is not looked at.
    Folder,
    /// A file with this SHA-256.
    File([u8; 32]),
}

impl Content {
    /// What stands at `path` now.
    pub fn of(path: &Path) -> Self {
        match std::fs::read(path) {
            Ok(bytes) => Self::of_file(&bytes),
            Err(_) if path.is_dir() => Self::Folder,
            Err(_) => Self::Missing,
        }
    }

    /// A file with these bytes.
    pub(super) fn of_file(bytes: &[u8]) -> Self {
        let mut sum = [0; 32];
        sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self::File(sum)
    }
}

/// The files that settings name, by the place of the setting. A folder that is served is one of
/// them; what is in it belongs to no configuration. Files that are followed by who reads them, such as
/// certificates, are none of them: their content changes without a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    named: BTreeMap<ConfigPath, (PathBuf, Content)>,
    /// The file of the configuration itself, if it is from one.
    pub(super) own: Option<(PathBuf, Content)>,
}

impl Files {
    /// The files that a tree after the overlay names; relative paths start at `directory`.
    pub(super) fn of(tree: &Node, directory: &Path) -> Self {
        let mut files = Self::default();
        files.collect(tree, Shape::root(schema()), &ConfigPath::root(), directory);
        files
    }

    fn collect(&mut self, node: &Node, shape: Shape<'_>, at: &ConfigPath, directory: &Path) {
        let mut add = |path: &str| {
            let path = directory.join(path);
            let content = Content::of(&path);
            self.named.insert(at.clone(), (path, content));
        };
        match (&node.value, &node.reference) {
            (_, Some(Reference::Secret { kind: "file", name })) => add(name),
            (Value::String(path), _) if shape.format() == Some(units::PATH_FORMAT) && !shape.is_watched() => add(path),
            (Value::Table(table), _) => {
                for entry in table.entries() {
                    if let Some(inner) = shape.key(&entry.key) {
                        self.collect(&entry.node, inner, &at.key(&entry.key), directory);
                    }
                }
            }
            (Value::Sequence(nodes), _) => {
                // A setting may be one value or a list of them.
                let inner = shape.item().unwrap_or(shape);
                for (index, node) in nodes.iter().enumerate() {
                    self.collect(node, inner, &at.index(index), directory);
                }
            }
            _ => {}
        }
    }

    /// All files, that of the configuration first, with what was in them.
    pub fn all(&self) -> impl Iterator<Item = (&Path, Content)> {
        self.own.iter().chain(self.named.values()).map(|(path, content)| (path.as_path(), *content))
    }

    /// The files that settings at or below a place name, each with the way from there.
    fn below<'a>(&'a self, place: &'a ConfigPath) -> impl Iterator<Item = (ConfigPath, &'a (PathBuf, Content))> {
        self.named.range(place..).map_while(|(at, file)| Some((at.below(place)?, file)))
    }

    /// Whether settings at `place` name the same files, with the same content, as those of `other` at
    /// `there`.
    pub fn is_same(&self, place: &ConfigPath, other: &Self, there: &ConfigPath) -> bool {
        self.below(place).eq(other.below(there))
    }

    /// The settings at or below `place` that name the same file as those of `other` at `there`, with
    /// another content: the way from the place, and the file.
    pub fn changed<'a>(
        &'a self,
        place: &'a ConfigPath,
        other: &'a Self,
        there: &'a ConfigPath,
    ) -> impl Iterator<Item = (ConfigPath, &'a Path)> {
        self.below(place).filter_map(|(at, (path, content))| {
            let (before, former) = other.named.get(&there.join(&at))?;
            (path == before && content != former).then_some((at, path.as_path()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, load_text};
    use super::*;

    #[test]
    fn files_are_compared_by_their_content_wherever_the_setting_stands() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("key", "a key of thirty-two bytes or so..");
        write("api.json", "{}");
        let read = |text: &str| load_text("s.toml", text, Format::Toml, folder.path(), &|_| None).unwrap().files;
        let route = |path: &str| format!("[[routes]]\npath = '{path}'\nupstream = 'a'\nopenapi = 'api.json'\n");
        let head = "jwt_auth = { secret = { file = 'key' }, issuers = [{ issuer = 'https://a', jwks_file = 'jwks' }] }\nupstreams.a.targets = ['http://a']\n";
        let before = read(&format!("{head}{}", route("/a")));
        let names: Vec<_> = before.all().filter_map(|(path, _)| path.file_name()).collect();
        assert_eq!(names, ["key", "api.json"]);

        write("api.json", "{ }");
        let after = read(&format!("{head}{}{}", route("/new"), route("/a")));
        let (auth, first) = (ConfigPath::root().key("jwt_auth"), ConfigPath::root().key("routes").index(0));
        let second = ConfigPath::root().key("routes").index(1);
        assert!(after.is_same(&auth, &before, &auth));
        assert!(!after.is_same(&second, &before, &first));
        let changed: Vec<_> = after.changed(&second, &before, &first).map(|(at, _)| at.to_string()).collect();
        assert_eq!(changed, ["openapi"]);
    }
}
