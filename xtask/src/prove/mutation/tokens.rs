//! Solidity cut into tokens: as much of the language as the mutations need.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// A number literal.
    Number,
    /// A string literal, with its quotes.
    Text,
    /// An operator or a bracket, as long as it can be: `>=`, not `>` and `=`.
    Sign,
}

/// A piece of a source file.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Where it stands in the file, in bytes.
    pub(super) at: Range<usize>,
}

/// The longest first.
const SIGNS: &[&str] = &[
    ">>>=", "<<=", ">>=", ">>>", "**", "=>", "->", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=",
    "/=", "%=", "|=", "&=", "^=", "<<", ">>", ":=",
];

/// The tokens of a source file. Comments and pragmas are left out, and so is assembly: its opcodes are none of the
/// language's operators.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let length = if rest.starts_with(char::is_whitespace) {
            rest.chars().next().map_or(1, char::len_utf8)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            let (kind, length) = token(rest);
            found.push(Token { kind, text: &rest[..length], at: at..at + length });
            length
        };
        at += length;
    }
    without(without(found, "pragma"), "assembly")
}

fn token(rest: &str) -> (Kind, usize) {
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_digit() {
        return (Kind::Number, run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    }
    if first.is_alphabetic() || first == '_' || first == '$' {
        return (Kind::Word, run(|c| c.is_alphanumeric() || c == '_' || c == '$'));
    }
    if first == '"' || first == '\'' {
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == first => return (Kind::Text, index + 1),
                _ => {}
            }
        }
        return (Kind::Text, rest.len());
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    (Kind::Sign, sign.map_or(first.len_utf8(), |sign| sign.len()))
}

/// Leaves out what `word` begins: to the `;`, or to the end of its block.
fn without<'a>(tokens: Vec<Token<'a>>, word: &str) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        if token.text != word {
            kept.push(token);
            continue;
        }
        let mut depth = 0_usize;
        for inner in tokens.by_ref() {
            match inner.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(inner.text, ";" | "}") {
                break;
            }
        }
    }
    kept
}

/// The index of the bracket that closes the one at `open`.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let (opens, closes) = match tokens.get(open)?.text {
        "(" => ("(", ")"),
        "[" => ("[", "]"),
        "{" => ("{", "}"),
        _ => return None,
    };
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.text == opens {
            depth += 1;
        } else if token.text == closes {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn operators_are_as_long_as_they_can_be() {
        assert_eq!(texts("a>=b<<=1"), ["a", ">=", "b", "<<=", "1"]);
    }

    #[test]
    fn comments_strings_pragmas_and_assembly_hold_no_operators() {
        let source = r#"pragma solidity 0.8.37; // a < b
            /* c > d */ s = "x < \" y"; assembly ("memory-safe") { let z := add(1, 2) if z { } } t = 1;"#;
        assert_eq!(texts(source), ["s", "=", r#""x < \" y""#, ";", "t", "=", "1", ";"]);
    }

    #[test]
    fn numbers_keep_their_underscores_and_exponents() {
        assert_eq!(texts("10_000 + 1e18 + 0xff"), ["10_000", "+", "1e18", "+", "0xff"]);
    }

    #[test]
    fn a_bracket_finds_its_other_half() {
        let tokens = tokens("f(a(b), c[d]) {}");
        assert_eq!(closing(&tokens, 1), Some(11));
        assert_eq!(tokens[11].text, ")");
    }
}
