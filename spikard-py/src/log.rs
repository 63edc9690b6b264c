//! What the server has to say while it runs, as records of Python's `logging`.
//!
//! The loggers are children of `spikard`: `spikard.server.serve`, `spikard.failure`. What is not
//! the server's own, such as TLS, is passed on from warnings up. With `RUST_LOG` set, everything
//! goes to standard error instead, as that says.

use std::fmt::{self, Write as _};

use pyo3::prelude::*;
use spikard_core::program;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::thread;

/// Hands over, from now on, what the server says. Only the first call of a process counts.
pub(crate) fn begin() {
    if std::env::var_os("RUST_LOG").is_some() {
        return program::log();
    }
    // It fails where the program that embeds this has a subscriber of its own.
    let _ = tracing::subscriber::set_global_default(Log);
}

struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN || (*metadata.level() == Level::INFO && own(metadata.target()).is_some())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let (metadata, text) = (event.metadata(), text.whole());
        let target = metadata.target();
        let name = format!("spikard.{}", own(target).unwrap_or(target).replace("::", "."));
        let told = Python::try_attach(|py| {
            if let Err(error) = write(py, &name, number(*metadata.level()), &text) {
                error.write_unraisable(py, None);
            }
            thread::after_python(py);
        });
        if told.is_none() {
            // The interpreter has ended.
            eprintln!("{}: {text}", metadata.level());
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn write(py: Python<'_>, name: &str, level: u8, text: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", (name,))?;
    logger.call_method1("log", (level, "%s", text)).map(drop)
}

/// What a module of the server's crates is called without the crate.
fn own(target: &str) -> Option<&str> {
    let (name, module) = target.split_once("::").unwrap_or((target, "server"));
    matches!(name, "spikard_core" | "spikard_middleware" | "spikard_openapi" | "_spikard").then_some(module)
}

/// The level as `logging` numbers it.
fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

/// A message, and behind it the fields: `a worker does not end: killed (pid=7)`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn whole(self) -> String {
        if self.fields.is_empty() { self.message } else { format!("{} ({})", self.message, self.fields) }
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let _ = if field.name() == "message" {
            self.message.write_fmt(value)
        } else {
            let comma = if self.fields.is_empty() { "" } else { ", " };
            write!(self.fields, "{comma}{}={value}", field.name())
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn loggers_are_named_by_the_modules_of_the_server() {
        assert_eq!(own("spikard_core::workers::crew"), Some("workers::crew"));
        assert_eq!(own("_spikard::failure"), Some("failure"));
        assert_eq!(own("spikard_core"), Some("server"));
        assert_eq!(own("rustls::conn"), None);
    }
}
