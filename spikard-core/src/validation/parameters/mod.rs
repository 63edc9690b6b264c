//! The parameters of a route: what is read of path, query, headers and cookies, and checked.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderName;
use jsonschema::JsonType;
use serde_json::{Map, Value};

use super::coerce::coerce;
use super::head::{Query, RequestHead, Texts, cookie_texts, header_texts};
use super::object;
use super::parameter::{Parameter, ParameterForm, ParameterSpec};
use super::plain::Plain;
use super::schema::{Schema, SchemaError};
use super::shape::Shapes;
use super::text::{self, Whole};
use super::violation::{Location, Source, Violation};

/// The parameters of a route, compiled once. Cloning is cheap.
///
/// ```
/// use http::HeaderMap;
/// use serde_json::json;
/// use spikard_core::validation::{Parameter, ParameterSpec, Parameters, RequestHead, Source};
///
/// # fn main() -> Result<(), spikard_core::validation::SchemaError> {
/// let page = ParameterSpec {
///     key: "page".into(),
///     source: Source::Query,
///     schema: json!({"type": "integer", "minimum": 1}),
///     required: false,
///     separator: None,
///     form: None,
/// };
/// let parameters = Parameters::compile(vec![page])?;
/// let headers = HeaderMap::new();
/// let read = |query| parameters.read(&RequestHead { path: None, query, headers: &headers });
///
/// assert_eq!(read("page=2").unwrap(), [Some(Parameter::Integer(2))]);
/// assert_eq!(read("").unwrap(), [None]);
/// assert_eq!(read("page=two").unwrap_err()[0].r#type, "int_parsing");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Parameters {
    specs: Arc<[Compiled]>,
    asks_query: bool,
}

struct Compiled {
    key: String,
    place: Place,
    required: bool,
    separator: Option<String>,
    form: Option<ParameterForm>,
    plain: Option<Plain>,
    is_list: bool,
    is_whole: bool,
    schema: Schema,
}

enum Place {
    Path,
    Query,
    Header(HeaderName),
    Cookie,
}

impl Parameters {
    /// Compiles the parameters of a route.
    ///
    /// # Errors
    /// When a schema is none, or a header's name is none.
    pub fn compile(specs: Vec<ParameterSpec>) -> Result<Self, SchemaError> {
        let asks_query = specs.iter().any(|spec| spec.source == Source::Query);
        let specs = specs.into_iter().map(Compiled::new).collect::<Result<_, _>>()?;
        Ok(Self { specs, asks_query })
    }

    /// The parameters of a request, in the order in which they were given to
    /// [`Parameters::compile`]. None stands for one that is absent.
    ///
    /// # Errors
    /// Everything that does not fit, in the same order.
    pub fn read<'a>(&self, head: &RequestHead<'a>) -> Result<Vec<Option<Parameter<'a>>>, Vec<Violation>> {
        let query = Query::split(if self.asks_query { head.query } else { "" });
        let mut values = Vec::with_capacity(self.specs.len());
        let mut violations = Vec::new();
        for spec in self.specs.iter() {
            let read = match &spec.form {
                None => spec.read(spec.texts(head, &query)),
                Some(form) => spec.read_object(form, head, &query),
            };
            match read {
                Ok(value) => values.push(value),
                Err(found) => violations.extend(found),
            }
        }
        if violations.is_empty() { Ok(values) } else { Err(violations) }
    }
}

impl Compiled {
    fn new(spec: ParameterSpec) -> Result<Self, SchemaError> {
        let mut key = spec.key;
        let place = match spec.source {
            Source::Path => Place::Path,
            Source::Query => Place::Query,
            Source::Cookie => Place::Cookie,
            Source::Header => {
                let name = HeaderName::from_bytes(key.as_bytes());
                let name = name.map_err(|_| SchemaError::new(format!("`{key}` is no name of a header")))?;
                name.as_str().clone_into(&mut key);
                Place::Header(name)
            }
        };
        let schema = without_null(spec.schema);
        let plain = if spec.separator.is_none() && spec.form.is_none() { Plain::of(&schema) } else { None };
        let schema = Schema::compile(&schema)?;
        let types = Shapes::of(schema.document()).root().types();
        let is_list = spec.separator.is_some() || types.contains(JsonType::Array);
        let is_whole = types.contains(JsonType::Integer);
        Ok(Self {
            key,
            place,
            required: spec.required,
            separator: spec.separator,
            form: spec.form,
            plain,
            is_list,
            is_whole,
            schema,
        })
    }

    fn texts<'a>(&self, head: &RequestHead<'a>, query: &Query<'a>) -> Texts<'a> {
        match &self.place {
            Place::Path => head.path.and_then(|path| path.get(&self.key)).map_or(Texts::None, |text| Texts::One(text.into())),
            Place::Query => query.texts(&self.key),
            Place::Header(name) => header_texts(head.headers, name),
            Place::Cookie => cookie_texts(head.headers, &self.key),
        }
    }

    fn read<'a>(&self, texts: Texts<'a>) -> Result<Option<Parameter<'a>>, Vec<Violation>> {
        let value = match texts {
            Texts::None if self.required => return Err(vec![Violation::missing(self.location(), Value::Null)]),
            Texts::None => return Ok(None),
            Texts::Unreadable(lossy) => {
                let msg = "Input should be a valid string";
                return Err(vec![Violation::new("string_type", self.location(), msg, Value::String(lossy))]);
            }
            Texts::One(text) => {
                if let Some(value) = self.plain.as_ref().and_then(|plain| plain.read(&text)) {
                    return Ok(Some(value));
                }
                match &self.separator {
                    Some(separator) => self.elements(&text, separator).collect(),
                    None => Value::String(text.into_owned()),
                }
            }
            // Cookies of one name come from several paths; the first is of the nearest (RFC 6265).
            Texts::Several(mut texts) if matches!(self.place, Place::Cookie) && !self.is_list => {
                return self.read(Texts::One(texts.swap_remove(0)));
            }
            Texts::Several(texts) => match &self.separator {
                Some(separator) => texts.iter().flat_map(|text| self.elements(text, separator)).collect(),
                None => texts.into_iter().map(Value::from).collect(),
            },
        };
        self.judge(value).map(Some)
    }

    /// The elements of a list in one text. In a header, white space around them is none of theirs (RFC
    /// 9110 section 5.6.1).
    fn elements(&self, text: &str, separator: &str) -> impl Iterator<Item = Value> {
        let is_header = matches!(self.place, Place::Header(_));
        text.split(separator).map(move |element| Value::from(if is_header { element.trim_matches([' ', '\t']) } else { element }))
    }

    fn read_object<'a>(
        &self,
        form: &ParameterForm,
        head: &RequestHead<'a>,
        query: &Query<'a>,
    ) -> Result<Option<Parameter<'a>>, Vec<Violation>> {
        let found = match form {
            ParameterForm::Deep => object::deep(&self.key, query),
            ParameterForm::Exploded(others) => object::exploded(others, query),
            _ => match self.texts(head, query) {
                Texts::None => Ok(None),
                Texts::One(text) => object::of_text(form, &text).map(Some),
                Texts::Several(texts) => Err(texts.join(",")),
                Texts::Unreadable(lossy) => Err(lossy),
            },
        };
        match found {
            Ok(None) if self.required => Err(vec![Violation::missing(self.location(), Value::Null)]),
            Ok(None) => Ok(None),
            // JSON says itself what it is.
            Ok(Some(value)) if *form == ParameterForm::Json => match self.schema.violations(&value, &self.location()) {
                violations if violations.is_empty() => Ok(Some(Parameter::Json(value))),
                violations => Err(violations),
            },
            Ok(Some(value)) => self.judge(value).map(Some),
            Err(text) => {
                let noun = if *form == ParameterForm::Json { "JSON" } else { "object" };
                let msg = format!("Input should be a valid {noun}");
                Err(vec![Violation::new("type_error", self.location(), msg, Value::String(text))])
            }
        }
    }

    /// The way of everything that is not plain, and of everything that does not fit.
    fn judge<'a>(&self, value: Value) -> Result<Parameter<'a>, Vec<Violation>> {
        let large = value.as_str().and_then(text::whole).and_then(|whole| match whole {
            Whole::Large(digits) => Some(digits),
            Whole::Small(_) => None,
        });
        let value = coerce(value, &self.schema);
        let violations = self.schema.violations(&value, &self.location());
        match large {
            _ if !violations.is_empty() => Err(violations),
            Some(digits) if value.is_number() && self.is_whole => Ok(Parameter::Large(digits.into())),
            _ => Ok(value.into()),
        }
    }

    fn location(&self) -> Location {
        let source = match self.place {
            Place::Path => Source::Path,
            Place::Query => Source::Query,
            Place::Header(_) => Source::Header,
            Place::Cookie => Source::Cookie,
        };
        Location::parameter(source, &self.key)
    }
}

/// The schema without the null that cannot be sent: of `T` or null, `T` is left.
fn without_null(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    let is_null = |branch: &Value| branch.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = &types[..] {
            let single = single.clone();
            schema.insert("type".into(), single);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(branches)) = schema.get_mut(keyword) else { continue };
        branches.retain(|branch| !is_null(branch));
        if let [single] = &branches[..] {
            let single = single.clone();
            schema.remove(keyword);
            schema = merged(schema, single);
        }
    }
    Value::Object(schema)
}

/// Both schemas in one; beside each other if they say something about the same.
fn merged(outer: Map<String, Value>, inner: Value) -> Map<String, Value> {
    match inner {
        Value::Object(inner) if inner.keys().all(|key| super::plain::is_note(key) || !outer.contains_key(key)) => {
            inner.into_iter().chain(outer).collect()
        }
        inner => {
            let mut both = outer;
            if let Value::Array(all) = both.entry("allOf").or_insert_with(|| Value::Array(Vec::new())) {
                all.push(inner);
            }
            both
        }
    }
}
