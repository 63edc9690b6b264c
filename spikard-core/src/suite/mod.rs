//! The tests of a configuration: each one's request goes through the server and the whole stack, and
//! upstreams are played by a server that notes what reaches it.
//!
//! What is tested is the very thing that would serve: requests enter as bytes on a connection, and
//! upstreams are reached over sockets. Only the addresses of upstreams are others, and nothing is
//! written to access logs.
//!
//! ```
//! use spikard_core::config::{Format, load_text};
//! use spikard_core::python::NoPython;
//! use spikard_core::suite::{Suite, Upstreams};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//!     [[routes]]
//!     path = "/"
//!     response = { body = "hello" }
//!
//!     [[tests]]
//!     name = "says hello"
//!     request = { url = "/" }
//!     expect = { status = 200, body = "hello" }
//! "#;
//! let loaded = load_text("spikard.toml", text, Format::Toml, ".".as_ref(), &|_| None)?;
//! let suite = Suite::of(&loaded, &NoPython, Upstreams::StandIn).await?;
//! assert!(suite.run(0).await.is_passed());
//! # Ok(()) }
//! ```

mod case;
mod expect;
mod json;
mod pattern;
mod run;
mod stand_in;

pub use expect::Difference;
pub use run::{Suite, SuiteError, Upstreams, Verdict};

pub(crate) use case::check;
