//! Places inside a document: JSON pointers (RFC 6901), as fragments of URLs have them.

use std::fmt;

use percent_encoding::percent_decode_str;

/// A place inside a document: `/paths/~1orders/get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The place that a `$ref` names; none if it does not name one of the same document by its
    /// pointer.
    pub(super) fn of_reference(reference: &str) -> Option<Self> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = percent_decode_str(fragment).decode_utf8().ok()?;
        (pointer.is_empty() || pointer.starts_with('/')).then(|| Self(pointer.into_owned()))
    }

    /// The place of a member.
    #[must_use]
    pub fn join(&self, step: &str) -> Self {
        Self(format!("{}/{}", self.0, escaped(step)))
    }

    /// Calls `visit` with the place of a member.
    pub(super) fn inside<T>(&mut self, step: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.0.push('/');
        self.0.push_str(&escaped(step));
        let visited = visit(self);
        self.0.truncate(length);
        visited
    }

    /// The last step.
    pub(super) fn last(&self) -> String {
        self.steps().last().unwrap_or_else(|| "document".into())
    }

    /// The steps, from the whole document on.
    pub fn steps(&self) -> impl Iterator<Item = String> {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
    }

    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escaped(step: &str) -> String {
    if step.contains(['~', '/']) { step.replace('~', "~0").replace('/', "~1") } else { step.to_owned() }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}
