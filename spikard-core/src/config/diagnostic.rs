//! One thing that is wrong with a configuration, and how all of them are shown: to people with
//! file, line, column, source line and caret, to programs as JSON lines.

use std::collections::HashSet;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin as Place, Renderer, Snippet};
use serde_json::json;
use spikard_middleware::{BuildError, ConfigPath};

use super::expectation::name_of;
use super::load::Loaded;
use super::source::Source;
use super::tree::Origin;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The server cannot start with it.
    Error,
    /// It works but is probably not what was meant.
    Warning,
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The setting that it is about.
    pub at: ConfigPath,
    /// Where that was written.
    pub origin: Origin,
    /// The value and then the expectation: `quality is 12, expected 0 to 11`.
    pub message: String,
    /// Other places that belong to it, and what is there.
    pub related: Vec<(Origin, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(at: ConfigPath, origin: Origin, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, at, origin, message: message.into(), related: Vec::new(), help: None }
    }

    /// The same with what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same with another place that belongs to it.
    pub fn related(mut self, origin: Origin, message: impl Into<String>) -> Self {
        self.related.push((origin, message.into()));
        self
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone)]
pub struct Report {
    pub(super) source: Source,
    /// The single things, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What is left of the file without the parts that are wrong.
    pub(super) rest: Option<Box<Loaded>>,
}

impl Report {
    /// A report about a file.
    pub(super) fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        // Two layers of one policy find the same mistake.
        let mut seen = HashSet::new();
        diagnostics.retain(|one| seen.insert((one.at.clone(), one.message.clone())));
        diagnostics.sort_by_key(|diagnostic| diagnostic.origin.span().map_or(0, |span| span.start));
        Self { source, diagnostics, rest: None }
    }

    /// The same report with what `build` finds in the parts of the file that are well formed.
    #[must_use]
    pub fn and_of_the_rest(self, build: impl FnOnce(&Loaded) -> Result<(), BuildError>) -> Self {
        let found = self.rest.as_ref().and_then(|rest| Some(rest.locate(build(rest).err()?).diagnostics));
        Self::new(self.source, self.diagnostics.into_iter().chain(found.into_iter().flatten()).collect())
    }

    /// Whether anything forbids a start.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// For people, with colours for a terminal or without. Secrets are shown as `****`.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let shown = self.source.shown();
        let texts: Vec<String> = self.diagnostics.iter().map(|one| self.render_one(one, &shown, &renderer)).collect();
        texts.join("\n\n")
    }

    /// For the text of an exception: one line each, without source lines. Secrets are shown as
    /// `****`. What an object of the program says is named by its attribute:
    /// `ServerConfig.compression.quality is 12, expected 0 to 11`.
    pub fn lines(&self) -> String {
        self.diagnostics.iter().map(|one| self.line(one)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, diagnostic: &Diagnostic) -> String {
        let (message, place) = (&diagnostic.message, self.named(&diagnostic.origin));
        // A message that begins with the key goes on from the place, which ends in it.
        let key = name_of(&diagnostic.at);
        let rest = message.strip_prefix(&key).and_then(|rest| rest.strip_prefix(' ')).filter(|_| place.ends_with(&key));
        let mut line = rest.map_or_else(|| format!("{place}: {message}"), |rest| format!("{place} {rest}"));
        for (origin, message) in &diagnostic.related {
            let _ = write!(line, "; {message}: {}", self.named(origin));
        }
        if let Some(help) = &diagnostic.help {
            let _ = write!(line, "; {help}");
        }
        line
    }

    fn named(&self, origin: &Origin) -> String {
        match origin {
            Origin::Attribute(attribute) => attribute.to_string(),
            Origin::File(span) => {
                let position = self.source.position(span.start);
                format!("{}:{}:{}", self.source.name(), position.line, position.column)
            }
            Origin::Default => self.source.name().to_owned(),
        }
    }

    /// For programs: one JSON object on each line.
    pub fn json_lines(&self) -> String {
        self.diagnostics.iter().fold(String::new(), |lines, one| lines + &self.json_line(one).to_string() + "\n")
    }

    fn render_one(&self, diagnostic: &Diagnostic, shown: &str, renderer: &Renderer) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(diagnostic.message.as_str());
        let mut group = match diagnostic.origin.span() {
            Some(span) => title.element(self.snippet(&span, diagnostic, shown)),
            None => title.elements(self.place(&diagnostic.origin)),
        };
        if diagnostic.at.steps().len() > 1 {
            group = group.element(Level::NOTE.message(format!("in {}", diagnostic.at)));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(annotate_snippets::normalize_untrusted_str(help)));
        }
        let text = renderer.render(&[group]);
        match diagnostic.origin.span() {
            Some(span) => self.with_true_column(&text, &span, shown),
            None => text,
        }
    }

    fn snippet<'a>(&'a self, span: &Range<usize>, diagnostic: &'a Diagnostic, shown: &'a str) -> Snippet<'a, Annotation<'a>> {
        let primary = AnnotationKind::Primary.span(self.source.span_in_shown(span));
        let related = diagnostic.related.iter().filter_map(|(origin, message)| {
            let span = self.source.span_in_shown(&origin.span()?);
            Some(AnnotationKind::Context.span(span).label(message.as_str()))
        });
        Snippet::source(shown).path(self.source.name()).annotation(primary).annotations(related)
    }

    /// A secret in front of the place, shown shorter than it is, must not move the column.
    fn with_true_column(&self, text: &str, span: &Range<usize>, shown: &str) -> String {
        let position = self.source.position(span.start);
        let moved = Source::new("", shown).position(self.source.span_in_shown(span).start);
        let header = |column: usize| format!("{}:{}:{column}", self.source.name(), position.line);
        text.replacen(&header(moved.column), &header(position.column), 1)
    }

    fn place(&self, origin: &Origin) -> Option<Place<'_>> {
        match origin {
            Origin::Attribute(attribute) => Some(Place::path(attribute.to_string())),
            Origin::File(_) | Origin::Default => (!self.source.name().is_empty()).then(|| Place::path(self.source.name())),
        }
    }

    fn json_line(&self, diagnostic: &Diagnostic) -> serde_json::Value {
        let mut line = json!({
            "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "path": diagnostic.at.to_string(),
            "message": diagnostic.message,
        });
        merge(&mut line, self.json_place(&diagnostic.origin));
        if let Some(help) = &diagnostic.help {
            line["help"] = help.as_str().into();
        }
        let related = diagnostic.related.iter().map(|(origin, message)| {
            let mut related = json!({ "message": message });
            merge(&mut related, self.json_place(origin));
            related
        });
        line["related"] = related.collect();
        line
    }

    fn json_place(&self, origin: &Origin) -> serde_json::Value {
        match origin {
            Origin::File(span) => {
                let (start, end) = (self.source.position(span.start), self.source.position(span.end));
                json!({
                    "file": self.source.name(),
                    "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
                })
            }
            Origin::Attribute(attribute) => json!({ "attribute": attribute.to_string() }),
            Origin::Default => json!({ "file": self.source.name() }),
        }
    }
}

fn merge(object: &mut serde_json::Value, other: serde_json::Value) {
    if let (Some(object), serde_json::Value::Object(other)) = (object.as_object_mut(), other) {
        object.extend(other);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}
