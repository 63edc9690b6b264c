//! Below which paths an operation stands (OpenAPI 3.1, sections 4.8.5 and 4.8.6).

use serde_json::{Map, Value};

use super::{Foreign, ForeignOperation};

impl Foreign {
    /// The paths in front of an operation's own: those of its servers, or else of its path's, or else of the
    /// document's. The last is the empty one: where a proxy or an upstream stands, the document's
    /// servers may be the world's view of it.
    pub fn bases(&self, operation: &ForeignOperation<'_>) -> Vec<String> {
        let list =
            servers(operation.value).or_else(|| servers(operation.path_item)).or_else(|| servers(self.document.as_object()?));
        let mut bases: Vec<String> = Vec::new();
        for base in list.into_iter().flatten().filter_map(base_of).chain([String::new()]) {
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        // The empty base is asked last.
        bases.sort_by_key(String::is_empty);
        bases
    }
}

fn servers(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    object.get("servers")?.as_array().filter(|list| !list.is_empty())
}

/// The path of a server's URL, its variables replaced by their defaults, without a slash at its end.
fn base_of(server: &Value) -> Option<String> {
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let path = match url.split_once("://").map(|(_, rest)| rest).or_else(|| url.strip_prefix("//")) {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url.trim_start_matches("./").trim_start_matches('/'),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    Some(if path.is_empty() || path == "." { String::new() } else { format!("/{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_path_of_a_url_is_what_counts() {
        for (url, base) in [
            ("https://api.example.com/v1/", "/v1"),
            ("https://api.example.com", ""),
            ("/api/v3", "/api/v3"),
            ("api", "/api"),
            ("./", ""),
            ("/", ""),
            ("//host/a/b?x#y", "/a/b"),
            ("https://{host}/{stage}/x", "/prod/x"),
        ] {
            let variables = json!({"host": {"default": "a.example"}, "stage": {"default": "prod"}});
            assert_eq!(base_of(&json!({"url": url, "variables": variables})).as_deref(), Some(base), "{url}");
        }
    }

    #[test]
    fn the_nearest_servers_count_and_the_root_always() {
        let get = json!({"responses": {}});
        let own = json!({"responses": {}, "servers": [{"url": "/own"}, {"url": "/own/"}]});
        let document = json!({
            "openapi": "3.1.0",
            "servers": [{"url": "/"}, {"url": "/all"}],
            "paths": {"/a": {"get": get, "put": own}, "/b": {"servers": [{"url": "/item"}], "get": get, "put": own}},
        });
        let foreign = Foreign::read(document).unwrap();
        let bases: Vec<_> = foreign.operations().map(|operation| foreign.bases(&operation)).collect();
        assert_eq!(bases, [vec!["/all", ""], vec!["/own", ""], vec!["/item", ""], vec!["/own", ""]]);
    }
}
