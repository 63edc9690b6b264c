//! Bytes, as a case file writes them.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;

use super::pattern::Names;

/// Bytes: text, or a table that says how they are made.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Text, in UTF-8.
    Text(String),
    /// One character a byte, up to U+00FF: for bytes that are not UTF-8.
    Latin1 {
        /// The characters.
        latin1: String,
    },
    /// The same again and again.
    Repeat {
        /// What is repeated.
        repeat: Box<Content>,
        /// How often.
        times: usize,
    },
    /// One after the other.
    Join {
        /// The parts.
        join: Vec<Content>,
    },
    /// Compressed with gzip.
    Gzip {
        /// What is compressed.
        gzip: Box<Content>,
    },
    /// From Base64.
    Base64 {
        /// The encoded bytes.
        base64: String,
    },
    /// Of files only: a symbolic link.
    Symlink {
        /// Where it points to.
        symlink: String,
    },
}

impl Content {
    pub(super) fn bytes(&self, names: &Names) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(names.fill(text).into_bytes()),
            Self::Latin1 { latin1 } => names
                .fill(latin1)
                .chars()
                .map(|character| u8::try_from(character).map_err(|_| format!("{character:?} is above U+00FF")))
                .collect(),
            Self::Repeat { repeat, times } => Ok(repeat.bytes(names)?.repeat(*times)),
            Self::Join { join } => {
                let parts: Result<Vec<_>, _> = join.iter().map(|part| part.bytes(names)).collect();
                Ok(parts?.concat())
            }
            Self::Gzip { gzip } => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                let written = encoder.write_all(&gzip.bytes(names)?).and_then(|()| encoder.finish());
                written.map_err(|error| error.to_string())
            }
            Self::Base64 { base64 } => STANDARD.decode(base64).map_err(|error| error.to_string()),
            Self::Symlink { .. } => Err("a symlink is a file, not bytes".into()),
        }
    }
}

/// The body without its content coding.
pub(super) fn decoded(body: &[u8], coding: Option<&str>) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let result = match coding {
        None | Some("identity") => return Ok(body.to_vec()),
        Some("gzip") => GzDecoder::new(body).read_to_end(&mut decoded).map(drop),
        Some("br") => brotli::BrotliDecompress(&mut &*body, &mut decoded),
        Some("zstd") => zstd::stream::copy_decode(body, &mut decoded),
        Some(other) => return Err(format!("content-encoding {other} is not known here")),
    };
    result.map(|()| decoded).map_err(|error| format!("the body is not {}: {error}", coding.unwrap_or_default()))
}
