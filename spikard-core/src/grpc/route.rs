//! What a route of gRPC calls is by itself. A call may take as long and send as many messages as it
//! likes: its deadline is the client's, and sizes are held message by message.

use spikard_middleware::Override;

use crate::config::RouteConfig;
use crate::config::tree::{Entry, Node, Table, Value};

/// The route of all methods of a service; `policies` says what else holds there.
pub fn route(service: &str, policies: RouteConfig) -> RouteConfig {
    let RouteConfig { max_body_size, request_timeout, .. } = policies;
    RouteConfig {
        path: format!("/{service}/{{method}}"),
        methods: vec!["POST".into()],
        max_body_size: off_unless_said(max_body_size),
        request_timeout: off_unless_said(request_timeout),
        ..policies
    }
}

fn off_unless_said<T>(said: Override<T>) -> Override<T> {
    if said.is_inherit() { Override::Off } else { said }
}

/// The same as policies for the tree of a configuration, to lie under those of the application.
/// Where a method answers with one message, the server's time for a response holds.
pub fn policies(streams: bool) -> Table {
    let mut table = Table::default();
    let mut off = |key: &str| table.push(Entry::new(key, Node::new(Value::Bool(false))));
    off("max_body_size");
    if streams {
        off("request_timeout");
    }
    table
}
