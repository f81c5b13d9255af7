//! Values on their way to JavaScript.

use std::borrow::Cow;

use bytes::Bytes;
use napi::bindgen_prelude::{BigInt, BufferSlice, JsObjectValue, Null, Object, ToNapiValue};
use napi::{Env, Result, Unknown};
use serde_json::Value as Json;

/// What an operation gives beyond the plain numbers of its record.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    /// A job's id: a bigint, always.
    Id(u64),
    Text(String),
    /// A body; the bytes are copied, for what JavaScript does to its buffer is nobody else's.
    Body(Bytes),
    List(Vec<Value>),
    Object(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn number(number: impl TryInto<u32>) -> Self {
        Self::Number(number.try_into().map_or(f64::from(u32::MAX), f64::from))
    }

    pub(crate) fn object<K: Into<Cow<'static, str>>>(
        fields: impl IntoIterator<Item = (K, Self)>,
    ) -> Self {
        Self::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub(crate) fn or_null<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, make)
    }

    /// The JavaScript value.
    pub(crate) fn to_js<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        match self {
            Self::Null => Null.into_unknown(env),
            Self::Bool(flag) => (*flag).into_unknown(env),
            Self::Number(number) => (*number).into_unknown(env),
            Self::Id(id) => BigInt::from(*id).into_unknown(env),
            Self::Text(text) => text.as_str().into_unknown(env),
            Self::Body(body) => (&BufferSlice::copy_from(env, body)?).into_unknown(env),
            Self::List(items) => {
                let mut array = env.create_array(u32::try_from(items.len()).unwrap_or(u32::MAX))?;
                for (at, item) in (0..).zip(items) {
                    array.set(at, item.to_js(env)?)?;
                }
                array.into_unknown(env)
            }
            Self::Object(fields) => {
                let mut object = Object::new(env)?;
                for (key, value) in fields {
                    object.set_named_property(key, value.to_js(env)?)?;
                }
                object.into_unknown(env)
            }
        }
    }
}

/// Statistics in the terms of JavaScript: keys in camelCase, spans in seconds, ids as bigint.
pub(crate) fn statistics(stats: &impl serde::Serialize) -> Value {
    match serde_json::to_value(stats) {
        Ok(Json::Object(fields)) => Value::object(fields.into_iter().map(statistic)),
        _ => Value::Null,
    }
}

fn statistic((key, value): (String, Json)) -> (String, Value) {
    match (key.as_str(), value) {
        ("other", Json::Object(other)) => {
            let pairs = other.into_iter().map(|(key, value)| (key, plain(&value)));
            (key, Value::object(pairs))
        }
        ("id", Json::Number(id)) => (key, Value::Id(id.as_u64().unwrap_or_default())),
        (name, value) => match (name.strip_suffix("_ms"), name.strip_suffix("_s")) {
            (Some(name), _) => {
                (camel(name), Value::Number(value.as_f64().unwrap_or_default() / 1000.0))
            }
            (None, stripped) => (camel(stripped.unwrap_or(name)), plain(&value)),
        },
    }
}

fn plain(value: &Json) -> Value {
    match value {
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::Text(text.clone()),
        _ => Value::Null,
    }
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}
