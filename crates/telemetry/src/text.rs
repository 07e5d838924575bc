//! Text from others, on its way to a terminal.

/// The text with nothing in it that could steer a terminal, or make it show another text than it is. One line.
pub fn printable(text: &str) -> String {
    replaced(text, misleads)
}

/// The same for text of several lines.
pub fn printable_lines(text: &str) -> String {
    replaced(text, |c| misleads(c) && !matches!(c, '\n' | '\t'))
}

/// A JSON document that shows what it holds: characters that mislead are written by their numbers (RFC 8259, section 7).
pub fn printable_json(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for c in document.chars() {
        match misleads(c) && c != '\n' {
            true => text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            false => text.push(c),
        }
    }
    text
}

fn replaced(text: &str, bad: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if bad(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Control characters, those of no width, and those that turn the direction of text around ("Trojan Source",
/// CVE-2021-42574).
fn misleads(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    c.is_control() || invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_others_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(printable("pay \u{202e}ecila\u{202c}, ünï"), "pay \u{fffd}ecila\u{fffd}, ünï");
        assert_eq!(printable_lines("a\tb\n\u{9b}2J"), "a\tb\n\u{fffd}2J");
    }

    #[test]
    fn json_stays_the_same_document() {
        let document = "{\n  \"name\": \"a\u{9b}2J\u{202e}b ü\"\n}";
        let shown = printable_json(document);
        assert_eq!(shown, "{\n  \"name\": \"a\\u009b2J\\u202eb ü\"\n}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(&shown), read(document));
    }
}
