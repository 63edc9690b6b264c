//! Health checks: a request to a target now and then, over a connection of its own, so that a
//! target that takes no connections any more is found out.

use std::sync::Weak;
use std::time::Duration;

use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, StatusCode};
use spikard_middleware::{Body, BuildContext, BuildError, Request};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::balance::{Target, jittered};
use super::connection::Connection;
use super::failure::Chain;
use super::http2::Session;
use super::target::Version;
use crate::config::HealthConfig;

/// The checks of an upstream.
pub(super) struct Check {
    path: PathAndQuery,
    host: Option<Authority>,
    interval: Duration,
    timeout: Duration,
    statuses: Vec<u16>,
}

impl Check {
    /// Reads the settings.
    ///
    /// # Errors
    /// All that cannot work, each with its place.
    pub(super) fn build(config: &HealthConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        let path = config.path.parse().ok().filter(|_| config.path.starts_with('/')).unwrap_or_else(|| {
            errors.push(ctx.invalid("path", format!("path is `{}`, expected one such as `/health`", config.path)));
            PathAndQuery::from_static("/")
        });
        let host = config.host.as_ref().and_then(|host| {
            let parsed = host.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@'));
            if parsed.is_none() {
                errors.push(ctx.invalid("host", format!("host is `{host}`, expected one such as `app.example:8080`")));
            }
            parsed
        });
        for (field, duration) in [("interval", config.interval), ("timeout", config.timeout)] {
            if duration.is_zero() {
                errors.push(ctx.invalid(field, format!("{field} is 0, expected more")));
            }
        }
        let thresholds = [("healthy_threshold", config.healthy_threshold), ("unhealthy_threshold", config.unhealthy_threshold)];
        for (field, threshold) in thresholds {
            if threshold == 0 {
                errors.push(ctx.invalid(field, format!("{field} is 0, expected 1 or more")));
            }
        }
        BuildError::all(errors)?;
        let HealthConfig { interval, timeout, .. } = *config;
        Ok(Self { path, host, interval, timeout, statuses: config.statuses.clone() })
    }

    /// Checks a target again and again, for as long as there are it and its upstream.
    pub(super) async fn repeat(upstream: Weak<Shared>, target: Weak<Target>) {
        while let (Some(upstream), Some(target)) = (upstream.upgrade(), target.upgrade()) {
            let Some(check) = &upstream.check else { return };
            let found = timeout(check.timeout, check.ask(&upstream, &target)).await;
            target.checked(found.unwrap_or_else(|_| Err("no answer in time".into())));
            let pause = jittered(check.interval);
            drop((upstream, target));
            sleep(pause).await;
        }
    }

    /// Asks a target once.
    ///
    /// # Errors
    /// Why the check failed.
    async fn ask(&self, upstream: &Shared, target: &Target) -> Result<(), String> {
        let connection = target.address.connect(upstream.version, &upstream.tls, self.timeout).await;
        let (stream, version) = connection.map_err(|error| format!("cannot connect: {}", Chain(&error)))?;
        let request = self.request(target, version);
        let unusable = |error: &hyper::Error| format!("no usable answer: {}", Chain(error));
        let answer = match version {
            Version::Http1 => {
                let mut connection = Connection::open(stream, None).await.map_err(|error| unusable(&error))?;
                let head = connection.send(request);
                connection.receive(head, self.timeout, None).await.ok_or("no answer in time")?
            }
            Version::Http2 => {
                let session = Session::open(stream).await.map_err(|error| unusable(&error))?;
                session.exchange(request).await
            }
        };
        let status = answer.map_err(|error| unusable(error.error()))?.status();
        if self.passes(status) { Ok(()) } else { Err(format!("it answered {status}")) }
    }

    fn passes(&self, status: StatusCode) -> bool {
        let any = self.statuses.is_empty() && (status.is_success() || status.is_redirection());
        any || self.statuses.contains(&status.as_u16())
    }

    fn request(&self, target: &Target, version: Version) -> Request {
        let host = self.host.clone().unwrap_or_else(|| target.address.authority.clone());
        let mut request = Request::new(Body::empty());
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static("spikard-health-check"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        match version {
            Version::Http1 => {
                // An authority has no other characters than a field value may have.
                headers.extend(HeaderValue::from_str(host.as_str()).ok().map(|host| (HOST, host)));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                *request.uri_mut() = self.path.clone().into();
            }
            Version::Http2 => {
                *request.version_mut() = http::Version::HTTP_2;
                *request.uri_mut() = target.address.absolute(Some(host), self.path.clone());
            }
        }
        request
    }
}
