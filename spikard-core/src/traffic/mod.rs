//! What is counted of requests, refusals and connections, where the configuration has `admin`.
//!
//! Without it nothing here is built: no request meets a counter. All numbers are metrics of the
//! server's registry, so that they go on over reloads. Names and labels are documented in
//! `docs/guide/insight.md`; a dashboard reads them, so they change only with a line in the changelog.

mod connections;
mod refusals;
mod requests;

pub use connections::Connections;
pub(crate) use connections::OpenConnection;
pub(crate) use requests::{Requests, seconds};
