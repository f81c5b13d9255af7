//! What the client tells through `tracing`, collected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The fields of a span or an event, by name.
pub type Fields = BTreeMap<String, String>;

/// All spans and events of the client, in the order of their beginning.
#[derive(Debug, Clone, Default)]
pub struct Log {
    spans: Arc<Mutex<Vec<(Id, Fields)>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().target() == "beanwire" {
            let mut fields = Fields::new();
            attributes.record(&mut Collect(&mut fields));
            self.spans.lock().unwrap().push((id.clone(), fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.spans.lock().unwrap();
        // An id may be used again once its span is gone.
        if let Some((_, fields)) = spans.iter_mut().rev().find(|(span, _)| span == id) {
            values.record(&mut Collect(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "beanwire" {
            let mut fields = Fields::new();
            event.record(&mut Collect(&mut fields));
            self.events.lock().unwrap().push(fields);
        }
    }
}

impl Log {
    /// Collects what this thread tells from now on, until the second value is dropped.
    #[must_use]
    pub fn start() -> (Self, impl Drop) {
        let log = Self::default();
        let guard = tracing_subscriber::registry().with(log.clone()).set_default();
        (log, guard)
    }

    /// Every span so far, in the order of their beginning.
    ///
    /// # Panics
    /// If a panic came in between.
    #[must_use]
    pub fn spans(&self) -> Vec<Fields> {
        self.spans.lock().unwrap().iter().map(|(_, fields)| fields.clone()).collect()
    }

    /// The first span of an operation.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn span(&self, operation: &str) -> Fields {
        let spans = self.spans();
        let found = spans.iter().find(|fields| fields["messaging.operation.name"] == operation);
        found.unwrap_or_else(|| panic!("no span {operation} in {spans:#?}")).clone()
    }

    /// Forgets what was told so far.
    ///
    /// # Panics
    /// If a panic came in between.
    pub fn clear(&self) {
        self.spans.lock().unwrap().clear();
        self.events.lock().unwrap().clear();
    }

    /// The first event with this message, if there was one.
    ///
    /// # Panics
    /// If a panic came in between.
    #[must_use]
    pub fn event(&self, message: &str) -> Option<Fields> {
        let events = self.events.lock().unwrap();
        events.iter().find(|fields| fields["message"] == message).cloned()
    }

    /// The first event with this message, once there is one.
    ///
    /// # Panics
    /// If none comes within 30 s.
    pub async fn await_event(&self, message: &str) -> Fields {
        let wait = async {
            loop {
                if let Some(fields) = self.event(message) {
                    return fields;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), wait).await;
        found.unwrap_or_else(|_| panic!("no event {message:?} in {self:#?}"))
    }
}

/// Fails the test unless the fields have these values.
///
/// # Panics
/// If they do not.
pub fn assert_fields(fields: &Fields, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(fields.get(*name).map(String::as_str), Some(*value), "{name} in {fields:#?}");
    }
}
