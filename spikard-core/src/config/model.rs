//! The configuration as Rust values: what every file, and later every Python object, becomes.
//!
//! ```
//! use spikard_core::{RouteConfig, ServerConfig, ResponseConfig};
//!
//! let config = ServerConfig {
//!     port: 8080,
//!     max_body_size: Some(65_536.into()),
//!     routes: vec![RouteConfig {
//!         path: "/hello".into(),
//!         response: Some(ResponseConfig { body: Some("hello".into()), ..Default::default() }),
//!         ..Default::default()
//!     }],
//!     ..Default::default()
//! };
//! assert!(spikard_core::Gateway::build(&config).is_ok());
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::stack::default_of;
use spikard_middleware::{BuildError, ConfigPath, Policies, StaticFilesConfig, policies, units};

use super::admin::AdminConfig;
use super::case::CaseConfig;
use super::limits::LimitsConfig;
use super::openapi::OpenApiConfig;
use super::route::RouteConfig;
use super::tls::TlsConfig;
use super::upstream::UpstreamConfig;

macro_rules! server_config {
    (
        { $(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* } defaults { $($default_field:tt)* } }
        $($layer:ident: $($build:ident)::+ ( $(^$again:ident $(,)?)? $($key:ident: $config:ident = $default:ident),* ) $reason:literal;)*
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($fields)*
            $($(
                #[doc = concat!("See [`", stringify!($config), "`](spikard_middleware::", stringify!($config), ").")]
                pub $key: Option<spikard_middleware::$config>,
            )*)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($default_field)*
                    $($($key: default_of!($default),)*)*
                }
            }
        }

        impl $name {
            /// The policies of the server: every route's default.
            pub fn policies(&self) -> Policies {
                Policies { $($($key: self.$key.clone(),)*)* }
            }
        }
    };
}

policies! { server_config, {
    /// The configuration of a server.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    pub struct ServerConfig {
        /// The address or host name to listen on.
        pub host: String,
        /// The port to listen on; 0 lets the system choose.
        pub port: u16,
        /// How many processes run Python handlers. All else is served by one, which uses every core.
        #[schemars(range(min = 1, max = 1024))]
        pub workers: u16,
        /// Whether requests in flight are finished at shutdown.
        pub graceful_shutdown: bool,
        /// How long requests in flight may take at shutdown.
        #[serde(with = "units::duration")]
        #[schemars(with = "units::DurationText")]
        pub shutdown_timeout: Duration,
        /// TLS: the port takes HTTPS.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tls: Option<TlsConfig>,
        /// How long a server that was told to stop goes on taking connections, before it stops as said above. `/readyz`
        /// of `admin` fails and connections are closed after their answers meanwhile, so that whoever sends
        /// requests here (Kubernetes, a load balancer) can notice. Worker processes do not wait.
        #[serde(with = "units::duration")]
        #[schemars(with = "units::DurationText")]
        pub shutdown_delay: Duration,
        /// The networks (CIDR) of proxies whose `Forwarded` and `X-Forwarded-*` headers are believed.
        #[schemars(with = "Vec<units::Cidr>")]
        pub trusted_proxies: Vec<IpNet>,
        /// The limits of connections and request heads.
        pub limits: LimitsConfig,
        /// The listener for operators; none if it is not there.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub admin: Option<AdminConfig>,
        /// Whether warnings at start are errors.
        pub strict: bool,
        /// The routes. Their order does not matter.
        pub routes: Vec<RouteConfig>,
        /// The directories that are served below a path.
        pub static_files: Vec<StaticFilesConfig>,
        /// The servers behind this one, by the name that routes call them.
        pub upstreams: BTreeMap<String, UpstreamConfig>,
        /// The description of the API.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub openapi: Option<OpenApiConfig>,
        /// The tests of this configuration, for `spikard test`.
        pub tests: Vec<CaseConfig>,
    }
    defaults {
        host: "127.0.0.1".into(),
        port: 8000,
        workers: 1,
        graceful_shutdown: true,
        shutdown_timeout: Duration::from_secs(30),
        shutdown_delay: Duration::ZERO,
        tls: None,
        trusted_proxies: Vec::new(),
        limits: LimitsConfig::default(),
        admin: None,
        strict: false,
        routes: Vec::new(),
        static_files: Vec::new(),
        upstreams: BTreeMap::new(),
        openapi: None,
        tests: Vec::new(),
    }
} }

impl ServerConfig {
    /// `https` if the server has TLS, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The second port, where HTTP is redirected.
    pub fn redirect_http(&self) -> Option<u16> {
        self.tls.as_ref().and_then(|tls| tls.redirect_http)
    }

    /// Takes host and port from `SPIKARD_HOST` and `SPIKARD_PORT`, where they are set.
    ///
    /// # Errors
    /// When `SPIKARD_PORT` is not a port.
    pub fn take_address(&mut self, environment: &dyn Fn(&str) -> Option<String>) -> Result<(), BuildError> {
        if let Some(host) = environment("SPIKARD_HOST") {
            self.host = host;
        }
        if let Some(port) = environment("SPIKARD_PORT") {
            self.port = port.parse().map_err(|_| BuildError::Invalid {
                at: ConfigPath::root().key("port"),
                message: format!("SPIKARD_PORT is `{port}`, expected 0 to 65535"),
            })?;
        }
        Ok(())
    }
}
