//! Names of operations: unique in the document, and the same in every run.

use std::collections::HashSet;

/// The names that are taken.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Names that routes ask for: nothing that is made up may be one of them.
    reserved: HashSet<String>,
    taken: HashSet<String>,
}

impl Ids {
    pub(super) fn reserving<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        Self { reserved: ids.map(str::to_owned).collect(), taken: HashSet::new() }
    }

    /// The name that a route asks for; the second one who asks gets a number.
    pub(super) fn given(&mut self, id: &str) -> String {
        if self.taken.insert(id.to_owned()) { id.to_owned() } else { self.free(id) }
    }

    /// A name of method and path: `get_users_by_id`.
    pub(super) fn made(&mut self, method: &str, template: &str) -> String {
        let mut id = method.to_owned();
        for segment in template.split('/').filter(|segment| !segment.is_empty()) {
            id.push_str(if segment.starts_with('{') { "_by_" } else { "_" });
            id.extend(
                segment.chars().filter(|one| !matches!(one, '{' | '}')).map(|one| if one.is_alphanumeric() { one } else { '_' }),
            );
        }
        if id.len() == method.len() {
            id.push_str("_root");
        }
        self.free(&id)
    }

    /// `id`, or `id` with the first number that makes it a name of its own.
    pub(super) fn free(&mut self, id: &str) -> String {
        let numbered = (2_usize..).map(|number| format!("{id}_{number}"));
        let mut names = std::iter::once(id.to_owned()).chain(numbered);
        let free = names.find(|name| !self.reserved.contains(name) && !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_method_and_path_and_never_come_twice() {
        let mut ids = Ids::reserving(["get_users", "list"].into_iter());
        let made = ["/users", "/users/{id}", "/users/id", "/users-x", "/users_x", "/"].map(|path| ids.made("get", path));
        assert_eq!(made, ["get_users_2", "get_users_by_id", "get_users_id", "get_users_x", "get_users_x_2", "get_root"]);
        assert_eq!([ids.given("list"), ids.given("list"), ids.given("get_users")], ["list", "list_2", "get_users"]);
    }
}
