//! A connection to a store, of either kind, and how one is made. All commands of a process go over
//! one connection to a server, or one to each node of a cluster: answers come in the order of the
//! commands, and nobody waits for another's answer before sending.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, TlsCertificates, Value};

use super::url::{Place, StoreUrl};
use crate::context::BuildContext;

/// How long making a connection may take, name resolution, TLS and log-in included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the library keeps a command that nobody waits for any more.
const FORGET: Duration = Duration::from_secs(1);
/// How many commands may be on their way to the connection before the next one waits.
const QUEUE: usize = 1024;

/// What makes connections to one store.
#[derive(Clone)]
pub(super) enum Connector {
    Node(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// A connection. Clones are the same.
#[derive(Clone)]
pub(super) enum Connection {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connector {
    /// # Errors
    /// What is wrong with the URL or the certificates, and what was expected.
    pub(super) fn new(url: &StoreUrl, certificates: Option<TlsCertificates>, ctx: &BuildContext) -> Result<Self, String> {
        let place = url.place(ctx)?;
        if certificates.is_some() && !url.expose().starts_with("rediss") {
            return Err(format!("store is `{url}` beside certificates, expected `rediss://` or `rediss-cluster://`"));
        }
        let made = match (place, certificates) {
            (Place::Node(info), None) => Client::open(*info).map(Box::new).map(Self::Node),
            (Place::Node(info), Some(certificates)) => Client::build_with_tls(*info, certificates).map(Box::new).map(Self::Node),
            (Place::Cluster(nodes), certificates) => {
                // A command is tried again where it was sent to the wrong node, and where a node has just gone.
                let builder = ClusterClient::builder(nodes)
                    .connection_timeout(CONNECT_TIMEOUT)
                    .response_timeout(FORGET)
                    .retries(3)
                    .min_retry_wait(5)
                    .max_retry_wait(20);
                let builder = certificates.into_iter().fold(builder, redis::cluster::ClusterClientBuilder::certs);
                builder.build().map(Box::new).map(Self::Cluster)
            }
        };
        made.map_err(|error| format!("store is `{url}`, expected one that can be used: {error}"))
    }

    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::Node(client) => {
                let settings = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_TIMEOUT))
                    .set_response_timeout(Some(FORGET))
                    .set_pipeline_buffer_size(QUEUE);
                client.get_multiplexed_async_connection_with_config(&settings).await.map(Connection::Node)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }
}

impl Connection {
    /// Whether the store answers: one that stands still does not.
    pub(super) async fn answers(&mut self, timeout: Duration) -> Result<(), String> {
        // A command that any node of a cluster can answer.
        match tokio::time::timeout(timeout, redis::cmd("TIME").exec_async(self)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer in {}", humantime::format_duration(timeout))),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Node(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Node(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Node(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
