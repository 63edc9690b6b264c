//! From the text of a file, or the objects of a program, to a configuration, with everything that is wrong said at once.

use std::fmt;
use std::path::{Path, PathBuf};

use spikard_middleware::{BuildContext, BuildError, Clock, ConfigPath, Warning};

use super::ServerConfig;
use super::cover::{Behind, cover};
use super::diagnostic::{Diagnostic, Report, Severity};
use super::files::{Content, Files};
use super::print::print_tree;
use super::references::{World, resolve};
use super::salvage::salvage;
use super::schema::schema;
use super::shape::Shape;
use super::source::{Position, Source};
use super::syntax::{Format, Problem};
use super::tree::{Node, Origin};
use super::{check, decode, mask, overlay, secrets};

/// Where the values of `${NAME}` come from.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
///
/// Variables that are not UTF-8 count as unset.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A configuration and what is known of where it comes from.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: ServerConfig,
    /// The directory from which relative paths of the configuration start.
    pub directory: PathBuf,
    pub(super) source: Source,
    /// The tree before the overlay, references resolved.
    pub(super) written: Node,
    /// The tree after the overlay.
    pub(super) tree: Node,
    pub(super) behind: Vec<Behind>,
    pub(super) files: Files,
    /// The routes that name Python applications; their routes are in the configuration, too.
    pub(super) applications: Vec<usize>,
    /// What mounting the applications gave rise to.
    pub(super) warnings: Vec<Warning>,
}

/// Reads a file; its extension says the format: `.toml`, `.yaml`, `.yml` or `.json`.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(path: &Path, environment: Environment<'_>) -> Result<Loaded, Report> {
    let name = path.display().to_string();
    let fail = |message: String| {
        let diagnostic = Diagnostic::error(ConfigPath::root(), Origin::Default, message);
        Report::new(Source::new(&name, ""), vec![diagnostic])
    };
    let Some(format) = Format::of(path) else {
        return Err(fail(format!("file is {name}, expected a name that ends in .toml, .yaml, .yml or .json")));
    };
    let bytes = std::fs::read(path).map_err(|error| fail(format!("file cannot be read: {error}")))?;
    let content = Content::of_file(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        fail(format!("line {line} is not UTF-8, expected UTF-8 text"))
    })?;
    let mut loaded = load_text(&name, &text, format, path.parent().unwrap_or(Path::new("")), environment)?;
    loaded.files.own = Some((path.to_owned(), content));
    Ok(loaded)
}

/// Reads text under the name of a file; relative paths start at `directory`.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn load_text(
    name: &str,
    text: &str,
    format: Format,
    directory: &Path,
    environment: Environment<'_>,
) -> Result<Loaded, Report> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut source = Source::new(name, text);
    let parsed = format.parse(text);
    let diagnostics: Vec<Diagnostic> = parsed.problems.into_iter().map(syntax_error).collect();
    if !diagnostics.is_empty() {
        mask::hide_lexically(format, &mut source);
    }
    match parsed.tree {
        Some(tree) => read(tree, source, diagnostics, &World { environment, directory }),
        None => Err(Report::new(source, diagnostics)),
    }
}

/// Reads a tree that a program made. `name` is what the program calls the object that became the
/// tree, such as `ServerConfig`; values that have no origin are named as its attributes. Relative
/// paths start at `directory`.
///
/// # Errors
/// Everything that is wrong with the values.
pub fn load_tree(name: &str, mut tree: Node, directory: &Path, environment: Environment<'_>) -> Result<Loaded, Report> {
    tree.name(name);
    read(tree, Source::new(name, ""), Vec::new(), &World { environment, directory })
}

/// From a tree as it was written. `diagnostics` is what is known to be wrong with it.
fn read(mut tree: Node, mut source: Source, mut diagnostics: Vec<Diagnostic>, world: &World<'_>) -> Result<Loaded, Report> {
    let unreadable: Vec<Origin> = diagnostics.iter().map(|diagnostic| diagnostic.origin.clone()).collect();
    let resolved = resolve(&mut tree, Shape::root(schema()), world);
    secrets::hide(&tree, &mut source);
    diagnostics.extend(resolved.diagnostics);
    let misfits = check::misfits(&tree, &resolved.unresolved);
    diagnostics.extend(misfits.into_iter().filter(|misfit| !unreadable.contains(&misfit.origin)));
    overlaid(tree, source, diagnostics, resolved.behind, world.directory)
}

/// From a tree to which routes were added; the references in it are resolved.
pub(super) fn finish(
    tree: Node,
    source: Source,
    mut diagnostics: Vec<Diagnostic>,
    behind: Vec<Behind>,
    directory: &Path,
) -> Result<Loaded, Report> {
    let silent = diagnostics.iter().map(|diagnostic| diagnostic.at.clone()).collect();
    diagnostics.extend(check::misfits(&tree, &silent));
    overlaid(tree, source, diagnostics, behind, directory)
}

/// From a tree that was held against the schema.
fn overlaid(
    written: Node,
    source: Source,
    mut diagnostics: Vec<Diagnostic>,
    behind: Vec<Behind>,
    directory: &Path,
) -> Result<Loaded, Report> {
    let mut tree = written.clone();
    diagnostics.extend(overlay::apply(&mut tree));
    diagnostics.extend(check::missing(&tree));
    let loaded = |config, source: &Source, tree| Loaded {
        config,
        directory: directory.to_owned(),
        source: source.clone(),
        written: written.clone(),
        files: Files::of(&tree, directory),
        tree,
        behind: behind.clone(),
        applications: Vec::new(),
        warnings: Vec::new(),
    };
    if !diagnostics.is_empty() {
        let wrong: Vec<&ConfigPath> = diagnostics.iter().map(|diagnostic| &diagnostic.at).collect();
        let rest = salvage(&tree, &wrong).and_then(|tree| Some(loaded(decode::decode(&tree).ok()?, &source, tree)));
        return Err(Report { rest: rest.map(Box::new), ..Report::new(source, diagnostics) });
    }
    match decode::decode(&tree) {
        Ok(config) => Ok(loaded(config, &source, tree)),
        Err(error) => {
            let at = error.path();
            let message = cover(&error.message, &at, &behind);
            let diagnostic = Diagnostic::error(at.clone(), tree.nearest(&at).origin.clone(), message);
            Err(Report::new(source, vec![diagnostic]))
        }
    }
}

fn syntax_error(problem: Problem) -> Diagnostic {
    let diagnostic = Diagnostic::error(ConfigPath::root(), Origin::File(problem.span), problem.message);
    match problem.related {
        Some((span, message)) => diagnostic.related(Origin::File(span), message),
        None => diagnostic,
    }
}

impl Loaded {
    /// The name of the file or object.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// What the policies of this configuration may use, in a process of its own.
    pub fn context(&self) -> BuildContext {
        BuildContext::new(&self.directory, Clock::system())
    }

    /// The routes that name Python applications, by their numbers; what answers for them are the
    /// routes of the applications, at the end of the list.
    pub fn applications(&self) -> &[usize] {
        &self.applications
    }

    /// The files that settings name, with what was in them.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What mounting the applications gave rise to.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Where the setting at `path` was written; none for a default. What a route takes from the
    /// server by laying its table over the server's is found under the route's path.
    pub fn position_of(&self, path: &ConfigPath) -> Option<Position> {
        let span = self.tree.at(path)?.origin.span()?;
        Some(self.source.position(span.start))
    }

    /// Where the setting at `path` comes from, in a few words: `spikard.toml:7`, or the attribute of
    /// an object of the program; none for a default.
    pub fn origin_of(&self, path: &ConfigPath) -> Option<String> {
        match &self.tree.at(path)?.origin {
            Origin::File(span) => Some(format!("{}:{}", self.source.name(), self.source.position(span.start).line)),
            Origin::Attribute(attribute) => Some(attribute.to_string()),
            Origin::Default => None,
        }
    }

    /// The effective configuration as the text of a file. What the file refers to is written as
    /// the reference again, a secret that stands in the file as `****`.
    ///
    /// # Errors
    /// When the format has no word for a value.
    pub fn print(&self, format: Format) -> Result<String, String> {
        print_tree(&self.config, &self.tree, format)
    }

    /// The errors of a build, at their places in the file.
    pub fn locate(&self, error: BuildError) -> Report {
        let diagnostics = error.each().into_iter().map(|(at, message)| self.diagnostic(Severity::Error, at, message));
        Report::new(self.source.clone(), diagnostics.collect())
    }

    /// The warnings of a build, at their places in the file; errors, if the configuration is
    /// `strict`.
    pub fn locate_warnings(&self, warnings: Vec<Warning>) -> Report {
        let severity = if self.config.strict { Severity::Error } else { Severity::Warning };
        let diagnostics = warnings.into_iter().map(|warning| self.diagnostic(severity, warning.at, warning.message));
        Report::new(self.source.clone(), diagnostics.collect())
    }

    fn diagnostic(&self, severity: Severity, at: ConfigPath, message: String) -> Diagnostic {
        let node = self.tree.nearest(&at);
        let origin = if node.as_table().is_some() { check::header(&self.tree, &at) } else { node.origin.clone() };
        let message = cover(&message, &at, &self.behind);
        Diagnostic { severity, ..Diagnostic::error(at, origin, message) }
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest holds secrets.
        formatter.debug_struct("Loaded").field("source", &self.source).field("config", &self.config).finish_non_exhaustive()
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Loaded, Report> {
        let environment = |name: &str| (name == "PORT").then(|| "8080".to_owned());
        load_text("spikard.toml", text, Format::Toml, Path::new(""), &environment)
    }

    fn messages(text: &str) -> Vec<String> {
        read(text).map_or_else(|report| report.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect(), |_| vec![])
    }

    #[test]
    fn a_reference_is_read_as_the_type_that_the_schema_wants() {
        let loaded = read("port = '${PORT}'\nhost = '${PORT}'\nmax_body_size = '${SIZE:-1MiB}'")
            .unwrap_or_else(|report| panic!("{report}"));
        let config = loaded.config;
        assert_eq!((config.port, config.host.as_str()), (8080, "8080"));
        assert_eq!(config.max_body_size, Some((1 << 20).into()));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_what_references_stand_for_is_not() {
        let text = "port = '${PORT}1'\nstrict = '${PORT}'\nhost = '${NOPE}'\nlog = 1";
        let expected = [
            "port is `${PORT}1`, expected a whole number, 0 to 65535",
            "strict is `${PORT}`, expected true or false",
            "host refers to ${NOPE}, which is not set in the environment; ${NOPE:-default} gives a default",
            "key `log` is unknown",
        ];
        assert_eq!(messages(text), expected);
    }

    #[test]
    fn a_key_that_neither_route_nor_server_brings_is_shown_at_both_places() {
        let text = "rate_limit = { burst = 1 }\n[[routes]]\npath = '/'\nrate_limit.burst = 2";
        let report = read(text).map_or_else(|report| report.to_string(), |_| String::new());
        assert_eq!(messages(text).len(), 2, "{report}");
        assert!(report.contains("4 | rate_limit.burst = 2") && report.contains("nor does the server's bring it"), "{report}");
    }

    #[test]
    fn a_setting_says_where_it_was_written() {
        let text = "[rate_limit]\nper_second = 5\nburst = 10\n[[routes]]\npath = '/'\nrate_limit.burst = 20";
        let loaded = read(text).unwrap_or_else(|report| panic!("{report}"));
        let limit = ConfigPath::root().key("routes").index(0).key("rate_limit");
        let line = |key| loaded.position_of(&limit.key(key)).map(|position| position.line);
        assert_eq!((line("burst"), line("per_second"), line("max_keys")), (Some(6), Some(2), None));
    }
}
