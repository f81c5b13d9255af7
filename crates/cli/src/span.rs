//! Spans of time as they are typed and shown.

use std::time::Duration;

use beanwire::Seconds;

/// Reads `90`, `90s`, `1h 30m`: a plain number is in seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(text).map_err(|error| {
        let text = crate::text::preview(text.as_bytes(), 40);
        format!("{text:?} is no span of time such as 30s, 5m or \"1h 30m\": {error}")
    })
}

/// As [`parse`], for what goes over the wire: rounded up to whole seconds.
pub(crate) fn parse_delay(text: &str) -> Result<Duration, String> {
    let seconds = Seconds::from_duration("the span", parse(text)?);
    seconds.map(Seconds::as_duration).map_err(|error| error.to_string())
}

/// As [`parse_delay`], for a TTR: at least a second.
pub(crate) fn parse_ttr(text: &str) -> Result<Duration, String> {
    let seconds = Seconds::ttr(parse(text)?);
    seconds.map(Seconds::as_duration).map_err(|error| error.to_string())
}

/// A span in whole seconds, as it is typed.
pub(crate) fn show(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_of_seconds_or_have_units() {
        assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "-1", "1x", "1.5", "soon", "99999999999999999999"] {
            let error = parse(wrong).unwrap_err();
            assert!(error.contains("such as 30s"), "{wrong}: {error}");
        }
    }

    #[test]
    fn spans_beyond_the_wire_are_refused() {
        assert_eq!(parse_delay("4294967295"), Ok(Duration::from_secs(u32::MAX.into())));
        assert_eq!(parse_delay("500ms"), Ok(Duration::from_secs(1)));
        assert!(parse_delay("4294967296").unwrap_err().contains("4294967295"));
        assert!(parse_ttr("0").unwrap_err().contains("at least 1 s"));
        assert_eq!(show(Duration::from_millis(90_500)), "1m 30s");
    }
}
