//! Bytes of others on a terminal: nothing in them may act on it.

use std::fmt::Write as _;

/// The bytes as one line: every control character is shown as an escape, and a backslash doubled.
pub(crate) fn line(bytes: &[u8]) -> String {
    escape(bytes, |_| false)
}

/// The bytes as text for a terminal: as [`line`], but line ends, tabs and backslashes stay.
pub(crate) fn lines(bytes: &[u8]) -> String {
    escape(bytes, |c| matches!(c, '\n' | '\t'))
}

/// JSON in which no character acts on a terminal, and that still means the same.
pub(crate) fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Those of ASCII are escaped already, but for the line ends between fields.
        if c > '~' && (c.is_control() || is_unseen(c)) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The first `width` characters of the bytes as one line, with dots if there are more.
pub(crate) fn preview(bytes: &[u8], width: usize) -> String {
    // An escape is longer than what it stands for, so this many bytes are enough.
    let few = bytes.get(..width.saturating_mul(4)).unwrap_or(bytes);
    let shown = line(few);
    match shown.char_indices().nth(width) {
        Some((end, _)) => format!("{}...", shown.get(..end).unwrap_or_default()),
        None => shown,
    }
}

fn escape(bytes: &[u8], keep: fn(char) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' if !keep('\n') => text.push_str("\\\\"),
                c if keep(c) => text.push(c),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                c if c.is_control() || is_unseen(c) => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Characters that change how others are shown: directions, joiners, line ends of Unicode.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        assert_eq!(line(b"\x1b[2J\r\n\x07\\"), r"\u{1b}[2J\r\n\u{7}\\");
        assert_eq!(line("\u{9b}31m\u{202e}x".as_bytes()), r"\u{9b}31m\u{202e}x");
        assert_eq!(line(b"\xff\xc3("), r"\xff\xc3(");
        assert_eq!(lines("tab\tend\n\u{1b}é".as_bytes()), "tab\tend\n\\u{1b}é");
    }

    #[test]
    fn json_is_safe_and_means_the_same() {
        let body = "\u{9b}31m\u{7f}\u{202e}\u{1b}é";
        let text = serde_json::to_string(body).unwrap();
        assert_eq!(json(&text), r#""\u009b31m\u007f\u202e\u001bé""#);
        assert_eq!(serde_json::from_str::<String>(&json(&text)).unwrap(), body);
    }

    #[test]
    fn a_preview_is_cut_between_characters() {
        assert_eq!(preview("ééé".as_bytes(), 2), "éé...");
        assert_eq!(preview("éé".as_bytes(), 2), "éé");
        assert_eq!(preview(b"", 2), "");
        assert_eq!(preview(&[b'x'; 10_000], 3), "xxx...");
    }
}
