//! Text to be compared: equal, or fitting a regular expression.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

/// Text, or a regular expression that is found in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Pattern {
    /// Equal text.
    Text(String),
    /// `{ matches: "..." }`
    Matches {
        /// The expression, in what the syntaxes of Rust and Python have in common.
        matches: String,
    },
}

/// The lines of one header field.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Patterns {
    /// Exactly one line.
    One(Pattern),
    /// These lines, in their order.
    Many(Vec<Pattern>),
}

impl Pattern {
    /// Whether the whole text is meant.
    pub(super) fn fits(&self, text: &str, names: &Names) -> Result<bool, String> {
        match self {
            Self::Text(expected) => Ok(names.fill(expected) == text),
            Self::Matches { matches } => found(matches, text),
        }
    }

    /// Whether it is somewhere in the text.
    pub(super) fn is_in(&self, text: &str, names: &Names) -> Result<bool, String> {
        match self {
            Self::Text(expected) => Ok(text.contains(&names.fill(expected))),
            Self::Matches { matches } => found(matches, text),
        }
    }
}

impl Patterns {
    /// Whether the lines are the ones meant.
    pub(super) fn fit(&self, lines: &[&str], names: &Names) -> Result<bool, String> {
        let patterns = match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Many(patterns) => patterns,
        };
        let mut fit = patterns.len() == lines.len();
        for (pattern, line) in patterns.iter().zip(lines) {
            fit &= pattern.fits(line, names)?;
        }
        Ok(fit)
    }
}

fn found(expression: &str, text: &str) -> Result<bool, String> {
    Regex::new(expression).map(|regex| regex.is_match(text)).map_err(|error| error.to_string())
}

/// What `{name}` stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.insert(format!("{{{name}}}"), value);
    }

    /// The text with the values in place of the names. Other braces stay.
    pub(super) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}
