//! From a document to what is checked per request: each operation that a route reaches, compiled
//! once at start.

use std::collections::HashMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spikard_openapi::ParameterLocation;
use spikard_openapi::foreign::{Direction, ForeignOperation, ForeignParameter, Paths, Pointer, Style, Template};

use super::media::{MediaRange, is_json};
use crate::config::OpenApiFile;
use crate::validation::{ParameterForm, ParameterSpec, Parameters, Schema, Sort, Source, sort_of};

/// The operations of a document, by method and path.
pub(super) struct Contract {
    pub(super) paths: Paths<(Method, usize)>,
    pub(super) operations: Vec<Operation>,
}

/// What a request and its answer are held to.
pub(super) struct Operation {
    /// `GET /orders/{id}`, as the document has it.
    pub(super) name: String,
    pub(super) parameters: Parameters,
    pub(super) body: Option<BodyRule>,
    /// What says most comes first.
    pub(super) answers: Vec<AnswerRule>,
}

/// What is said of answers with a status.
pub(super) struct AnswerRule {
    pub(super) status: Status,
    pub(super) content: Vec<(MediaRange, Content)>,
}

/// What is said of the body of a request.
pub(super) struct BodyRule {
    pub(super) required: bool,
    pub(super) content: Vec<(MediaRange, Content)>,
}

/// What is said of a body of one media type.
pub(super) struct Content {
    /// None: the body is not looked at.
    pub(super) schema: Option<Schema>,
    /// What stands between the elements of lists in one field of a form.
    pub(super) separators: Vec<(String, char)>,
}

/// The answers that an entry of `responses` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    One(StatusCode),
    /// `2XX`: the first digit.
    Class(u16),
    Any,
}

/// What became of a document.
pub(super) struct Compiled {
    pub(super) contract: Contract,
    /// Parts that are not checked, and why.
    pub(super) unchecked: Vec<String>,
}

/// Compiles the operations for which `templates` gives the paths that the upstream is asked for.
///
/// # Errors
/// Everything of them that cannot be compiled, with its place.
pub(super) fn compile(
    file: &OpenApiFile,
    with_answers: bool,
    templates: impl Fn(&ForeignOperation<'_>) -> Vec<Template>,
) -> Result<Compiled, Vec<String>> {
    let mut compiler = Compiler { file, with_answers, schemas: HashMap::new(), errors: Vec::new(), unchecked: Vec::new() };
    let mut contract = Contract { paths: Paths::default(), operations: Vec::new() };
    for operation in file.foreign().operations() {
        let templates = templates(&operation);
        // The methods of a document are tokens.
        let Ok(method) = operation.method.to_ascii_uppercase().parse::<Method>() else { continue };
        if templates.is_empty() {
            continue;
        }
        for template in &templates {
            contract.paths.insert(template, (method.clone(), contract.operations.len()));
        }
        contract.operations.push(compiler.operation(&method, &operation));
    }
    let Compiler { errors, unchecked, .. } = compiler;
    if errors.is_empty() { Ok(Compiled { contract, unchecked }) } else { Err(errors) }
}

struct Compiler<'f> {
    file: &'f OpenApiFile,
    with_answers: bool,
    /// What has a name is compiled once.
    schemas: HashMap<(String, Direction), Schema>,
    errors: Vec<String>,
    unchecked: Vec<String>,
}

impl Compiler<'_> {
    fn operation(&mut self, method: &Method, operation: &ForeignOperation<'_>) -> Operation {
        let foreign = self.file.foreign();
        let parameters = foreign.parameters(operation);
        let parameters = self.parameters(&parameters);
        let body = operation.value.get("requestBody").map(|body| {
            let body = foreign.resolve(body);
            let content = self.content(body, &operation.pointer.join("requestBody"), Direction::Request);
            BodyRule { required: body.get("required") == Some(&Value::Bool(true)), content }
        });
        let answers = if self.with_answers { self.answers(operation) } else { Vec::new() };
        Operation { name: format!("{method} {}", operation.path), parameters, body, answers }
    }

    fn parameters(&mut self, parameters: &[ForeignParameter<'_>]) -> Parameters {
        let in_query = |parameter: &&ForeignParameter<'_>| parameter.location == ParameterLocation::Query;
        let in_query: Vec<String> = parameters.iter().filter(in_query).map(|parameter| parameter.name.to_owned()).collect();
        let mut specs = Vec::new();
        for parameter in parameters {
            let others = || in_query.iter().filter(|name| *name != parameter.name).cloned().collect();
            match spec(self.file, parameter, others) {
                Ok(spec) => specs.push((parameter, spec)),
                Err(why) => {
                    let place = self.file.place(&parameter.pointer);
                    self.unchecked.push(format!("{place}: parameter `{}` is not checked: {why}", parameter.name));
                }
            }
        }
        let all = specs.iter().map(|(_, spec)| spec.clone()).collect();
        Parameters::compile(all).unwrap_or_else(|_| {
            // One by one, to say which of them is wrong.
            for (parameter, spec) in specs {
                if let Err(error) = Parameters::compile(vec![spec]) {
                    self.error(&parameter.pointer, error.to_string());
                }
            }
            Parameters::default()
        })
    }

    /// The entries of a `content` table.
    fn content(&mut self, owner: &Value, at: &Pointer, direction: Direction) -> Vec<(MediaRange, Content)> {
        let entries = owner.get("content").and_then(Value::as_object).into_iter().flatten();
        let entries = entries.map(|(key, media)| {
            let range = MediaRange::of(key);
            let at = at.join("content").join(key);
            let schema = media.get("schema").filter(|_| range.may_be_checked());
            let schema = schema.and_then(|schema| self.schema(schema, &at.join("schema"), direction));
            let separators = if range.is_form() { separators(media) } else { Vec::new() };
            (range, Content { schema, separators })
        });
        entries.collect()
    }

    fn answers(&mut self, operation: &ForeignOperation<'_>) -> Vec<AnswerRule> {
        let responses = operation.value.get("responses").and_then(Value::as_object).into_iter().flatten();
        let at = operation.pointer.join("responses");
        let mut answers = Vec::new();
        for (key, response) in responses.filter(|(key, _)| !key.starts_with("x-")) {
            let Some(status) = Status::of(key) else {
                self.error(&at.join(key), format!("status is `{key}`, expected one such as `200`, `2XX` or `default`"));
                continue;
            };
            let content = self.content(self.file.foreign().resolve(response), &at.join(key), Direction::Response);
            answers.push(AnswerRule { status, content });
        }
        answers.sort_by_key(|answer| answer.status);
        answers
    }

    fn schema(&mut self, schema: &Value, at: &Pointer, direction: Direction) -> Option<Schema> {
        let name = schema.get("$ref").and_then(Value::as_str).map(|name| (name.to_owned(), direction));
        if let Some(known) = name.as_ref().and_then(|name| self.schemas.get(name)) {
            return Some(known.clone());
        }
        match Schema::compile(&self.file.foreign().complete(schema, direction)) {
            Ok(compiled) => {
                self.schemas.extend(name.map(|name| (name, compiled.clone())));
                Some(compiled)
            }
            Err(error) => {
                self.error(at, error.to_string());
                None
            }
        }
    }

    fn error(&mut self, at: &Pointer, message: String) {
        let error = format!("{}: {message} (at {at})", self.file.place(at));
        // What several operations refer to is wrong once.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }
}

/// How a parameter is read; an error says why it cannot be.
fn spec(file: &OpenApiFile, parameter: &ForeignParameter<'_>, others: impl Fn() -> Vec<String>) -> Result<ParameterSpec, String> {
    let mut schema = parameter.schema.map_or_else(|| json!({}), |schema| file.foreign().complete(schema, Direction::Request));
    let sort = sort_of(&schema);
    let mut form = None;
    let mut separator = None;
    if let Some(media_type) = parameter.media_type {
        form = is_json(media_type).then_some(ParameterForm::Json);
    } else {
        let between = match parameter.style {
            Style::SpaceDelimited => ' ',
            Style::PipeDelimited => '|',
            _ => ',',
        };
        match (parameter.style, sort) {
            (Style::Matrix | Style::Label, _) => return Err("styles `matrix` and `label` are not read".into()),
            (Style::DeepObject, Sort::Object) => form = Some(ParameterForm::Deep),
            (Style::DeepObject, _) => return Err("`deepObject` is for objects".into()),
            (_, Sort::Single) => {}
            (Style::Simple, Sort::List) => separator = Some(between.to_string()),
            (_, Sort::List) => separator = (!parameter.explode).then(|| between.to_string()),
            (Style::Simple, Sort::Object) if parameter.explode => form = Some(ParameterForm::Pairs),
            (Style::Form, Sort::Object) if parameter.explode => {
                if parameter.location == ParameterLocation::Cookie {
                    return Err("the properties of an object cannot be told from other cookies".into());
                }
                form = Some(ParameterForm::Exploded(others()));
            }
            (_, Sort::Object) => form = Some(ParameterForm::Flat(between)),
        }
    }
    if parameter.allows_empty {
        schema = json!({"anyOf": [{"const": ""}, schema]});
    }
    let source = match parameter.location {
        ParameterLocation::Path => Source::Path,
        ParameterLocation::Query => Source::Query,
        ParameterLocation::Header => Source::Header,
        ParameterLocation::Cookie => Source::Cookie,
    };
    Ok(ParameterSpec { key: parameter.name.to_owned(), source, schema, required: parameter.required, separator, form })
}

/// The fields of a form whose lists stand in one value (OpenAPI 3.1, section 4.8.15).
fn separators(media: &Value) -> Vec<(String, char)> {
    let fields = media.get("encoding").and_then(Value::as_object).into_iter().flatten();
    let separators = fields.filter_map(|(field, encoding)| {
        let separator = match encoding.get("style").and_then(Value::as_str) {
            Some("spaceDelimited") => ' ',
            Some("pipeDelimited") => '|',
            // Repeated, unless it says otherwise.
            _ if encoding.get("explode") == Some(&Value::Bool(false)) => ',',
            _ => return None,
        };
        Some((field.clone(), separator))
    });
    separators.collect()
}

impl Status {
    fn of(key: &str) -> Option<Self> {
        if key == "default" {
            return Some(Self::Any);
        }
        match key.strip_suffix("XX").or_else(|| key.strip_suffix("xx")) {
            Some(class) => class.parse().ok().filter(|class| (1..=5).contains(class)).map(Self::Class),
            None => key.parse().ok().map(Self::One),
        }
    }

    pub(super) fn is_of(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status.as_u16() / 100 == class,
            Self::Any => true,
        }
    }
}
