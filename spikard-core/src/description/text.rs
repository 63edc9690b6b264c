//! A document as text: JSON, and YAML with the same content.

use serde_json::Value;

/// The form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// A document as the text of a file.
pub fn text(document: &Value, format: DocumentFormat) -> String {
    // A tree of JSON whose keys are texts: neither form lacks a word for any of it.
    match format {
        DocumentFormat::Json => format!("{document:#}\n"),
        DocumentFormat::Yaml => serde_saphyr::to_string(document).unwrap_or_default(),
    }
}
