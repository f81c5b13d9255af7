//! One job as a line of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use beanwire::{NewJob, TubeName};
use serde::Deserialize;

use super::Args;
use crate::span;

/// The line as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    body: Option<String>,
    body_base64: Option<String>,
    tube: Option<String>,
    priority: Option<u64>,
    delay: Option<Span>,
    ttr: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "delay and ttr are a number of seconds or a text such as \"5m\"")]
enum Span {
    Seconds(u64),
    Text(String),
}

impl Span {
    fn parse(self, field: &str) -> Result<std::time::Duration, String> {
        match self {
            Self::Seconds(seconds) => Ok(std::time::Duration::from_secs(seconds)),
            Self::Text(text) => span::parse(&text).map_err(|error| format!("{field}: {error}")),
        }
    }
}

/// The job that a line describes; the flags give what it leaves out.
pub(super) fn job(line: &[u8], args: &Args) -> Result<NewJob, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| without_line(&error))?;
    let body = match (line.body, line.body_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => {
            BASE64.decode(text).map_err(|error| format!("body_base64: {error}"))?
        }
        _ => return Err("exactly one of body and body_base64 is needed".into()),
    };
    let shown = |error: beanwire::Error| error.to_string();
    let mut job = args.job(body).map_err(shown)?;
    if let Some(tube) = line.tube {
        job.tube = TubeName::new(&tube).map_err(shown)?;
    }
    if let Some(priority) = line.priority {
        job.priority = beanwire::Priority::new(priority).map_err(shown)?;
    }
    if let Some(delay) = line.delay {
        job = job.delay(delay.parse("delay")?).map_err(shown)?;
    }
    if let Some(ttr) = line.ttr {
        job = job.ttr(ttr.parse("ttr")?).map_err(shown)?;
    }
    Ok(job)
}

/// The parser counts lines, too, and always sees the first.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(text) => format!("{text} at column {}", error.column()),
        None => text,
    }
}
