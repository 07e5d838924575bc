//! What can be changed in a source file, one change at a time.

use std::ops::Range;

use super::tokens::{Kind, Token, closing, tokens};

/// One change of a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What kind of change it is.
    pub(super) operator: &'static str,
    /// The bytes that are replaced.
    pub(super) at: Range<usize>,
    /// What replaces them.
    pub(super) with: String,
}

impl Change {
    fn new(operator: &'static str, at: Range<usize>, with: impl Into<String>) -> Self {
        Self { operator, at, with: with.into() }
    }

    /// The changed file.
    pub(super) fn applied(&self, source: &str) -> String {
        format!("{}{}{}", &source[..self.at.start], self.with, &source[self.at.end..])
    }

    /// The line of the change, counted from one.
    pub(super) fn line(&self, source: &str) -> usize {
        source[..self.at.start].matches('\n').count() + 1
    }

    /// The lines that the change touches, before and after it, on one line each.
    pub(super) fn shown(&self, source: &str) -> (String, String) {
        let start = source[..self.at.start].rfind('\n').map_or(0, |index| index + 1);
        let end = source[self.at.end..].find('\n').map_or(source.len(), |index| self.at.end + index);
        let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let after = format!("{}{}{}", &source[start..self.at.start], self.with, &source[self.at.end..end]);
        (joined(&source[start..end]), joined(&after))
    }
}

/// Every change of a file, in the order of the text.
pub(super) fn changes(source: &str) -> Vec<Change> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    for index in 0..tokens.len() {
        operator(&tokens, index, &mut found);
        literal(&tokens, index, &mut found);
        condition(source, &tokens, index, &mut found);
        statement(&tokens, index, &mut found);
        modifiers(&tokens, index, &mut found);
    }
    found.sort_by_key(|change| (change.at.start, change.at.end));
    found
}

fn operator(tokens: &[Token<'_>], index: usize, found: &mut Vec<Change>) {
    let token = &tokens[index];
    let mut push = |operator, with: &str| found.push(Change::new(operator, token.at.clone(), with));
    match token.text {
        // Comparisons: the neighbour, which is wrong at the boundary alone.
        "<" => push("comparison", "<="),
        "<=" => push("comparison", "<"),
        ">" => push("comparison", ">="),
        ">=" => push("comparison", ">"),
        "==" => push("comparison", "!="),
        "!=" => push("comparison", "=="),
        // Arithmetic.
        "+" => push("arithmetic", "-"),
        "-" if is_unary(tokens, index) => push("arithmetic", ""),
        "-" => push("arithmetic", "+"),
        "*" => push("arithmetic", "/"),
        "/" => push("arithmetic", "*"),
        "%" => push("arithmetic", "/"),
        "**" => push("arithmetic", "*"),
        "+=" => push("arithmetic", "-="),
        "-=" => push("arithmetic", "+="),
        "*=" => push("arithmetic", "/="),
        "/=" => push("arithmetic", "*="),
        "%=" => push("arithmetic", "/="),
        "++" => push("arithmetic", "--"),
        "--" => push("arithmetic", "++"),
        "<<" => push("arithmetic", ">>"),
        ">>" => push("arithmetic", "<<"),
        "&" => push("arithmetic", "|"),
        "|" => push("arithmetic", "&"),
        // Logic.
        "&&" => push("logic", "||"),
        "||" => push("logic", "&&"),
        "!" => push("logic", ""),
        "true" => push("logic", "false"),
        "false" => push("logic", "true"),
        // The two functions of the library that are each other's opposite.
        "min" if is_member(tokens, index) => push("arithmetic", "max"),
        "max" if is_member(tokens, index) && !follows(tokens, index, ")") => push("arithmetic", "min"),
        _ => {}
    }
}

/// Called on something: `Math.min(`, not `type(uint8).max`.
fn is_member(tokens: &[Token<'_>], index: usize) -> bool {
    index > 0 && tokens[index - 1].text == "." && tokens.get(index + 1).is_some_and(|next| next.text == "(")
}

/// `index` is a member of something that ends with `sign`.
fn follows(tokens: &[Token<'_>], index: usize, sign: &str) -> bool {
    index > 1 && tokens[index - 2].text == sign
}

fn is_unary(tokens: &[Token<'_>], index: usize) -> bool {
    let Some(before) = index.checked_sub(1).map(|before| &tokens[before]) else { return true };
    match before.kind {
        Kind::Sign => !matches!(before.text, ")" | "]"),
        Kind::Word => before.text == "return",
        Kind::Number | Kind::Text => false,
    }
}

/// A number becomes the next one, and zero.
fn literal(tokens: &[Token<'_>], index: usize, found: &mut Vec<Change>) {
    let token = &tokens[index];
    if token.kind != Kind::Number || token.text.len() > 20 {
        return; // what is longer is a hash or an address
    }
    let plain = token.text.replace('_', "");
    let next = match plain.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok().map(|value| format!("{:#x}", value + 1)),
        None => match plain.split_once('e') {
            Some((digits, exponent)) => digits.parse::<u128>().ok().map(|value| format!("{}e{exponent}", value + 1)),
            None => plain.parse::<u128>().ok().map(|value| (value + 1).to_string()),
        },
    };
    let Some(next) = next else { return };
    found.push(Change::new("constant", token.at.clone(), next));
    if !plain.trim_matches('0').is_empty() && plain != "1" {
        found.push(Change::new("constant", token.at.clone(), "0"));
    }
}

/// `if (c)` becomes `if (!(c))`, unless `c` is one equation or negation, whose own change is the same.
fn condition(source: &str, tokens: &[Token<'_>], index: usize, found: &mut Vec<Change>) {
    if tokens[index].text != "if" {
        return;
    }
    let Some(end) = closing(tokens, index + 1) else { return };
    let inner = &tokens[index + 2..end];
    let (Some(first), Some(last)) = (inner.first(), inner.last()) else { return };
    let count = |signs: &[&str]| inner.iter().filter(|token| signs.contains(&token.text)).count();
    let others = count(&["&&", "||", "<", "<=", ">", ">=", "?"]);
    if others == 0 && (count(&["==", "!="]) == 1 || first.text == "!") {
        return;
    }
    let at = first.at.start..last.at.end;
    found.push(Change::new("condition", at.clone(), format!("!({})", &source[at])));
}

/// Words that begin what is no expression.
const NOT_REMOVED: &[&str] = &[
    "if",
    "else",
    "for",
    "while",
    "do",
    "try",
    "catch",
    "unchecked",
    "function",
    "constructor",
    "modifier",
    "receive",
    "fallback",
    "struct",
    "enum",
    "event",
    "error",
    "using",
    "import",
    "contract",
    "library",
    "interface",
    "abstract",
    "mapping",
    "type",
    "pragma",
    "_",
];

/// A statement that is no declaration becomes an empty block.
fn statement(tokens: &[Token<'_>], index: usize, found: &mut Vec<Change>) {
    let begins = match index.checked_sub(1).map(|before| tokens[before].text) {
        Some(";" | "{" | "}" | "else") => true,
        Some(")") => is_after_condition(tokens, index - 1),
        _ => false,
    };
    let token = &tokens[index];
    if !begins || NOT_REMOVED.contains(&token.text) || matches!(token.text, "{" | "}" | ";" | ")") {
        return;
    }
    if !is_in_body(tokens, index) || is_declaration(tokens, index) {
        return;
    }
    let mut at = index;
    while at < tokens.len() && tokens[at].text != ";" {
        at = match tokens[at].text {
            "(" | "[" | "{" => match closing(tokens, at) {
                Some(end) => end + 1,
                None => return,
            },
            "}" => return, // the end of a list of values, not a statement
            _ => at + 1,
        };
    }
    if at < tokens.len() {
        found.push(Change::new("statement", token.at.start..tokens[at].at.end, "{}"));
    }
}

/// The bracket at `close` ends the condition of an `if`, or the head of a loop.
fn is_after_condition(tokens: &[Token<'_>], close: usize) -> bool {
    let open = (0..close).rev().find(|&open| tokens[open].text == "(" && closing(tokens, open) == Some(close));
    open.and_then(|open| open.checked_sub(1)).is_some_and(|word| matches!(tokens[word].text, "if" | "for" | "while"))
}

/// Inside the body of a function, not of a contract, struct or enum.
fn is_in_body(tokens: &[Token<'_>], index: usize) -> bool {
    let mut depth = 0_usize;
    for at in (0..index).rev() {
        match tokens[at].text {
            "}" => depth += 1,
            "{" if depth > 0 => depth -= 1,
            "{" => {
                // The head of this block: back to what ended before it.
                let head = tokens[..at].iter().rev().take_while(|token| !matches!(token.text, ";" | "{" | "}"));
                let words: Vec<_> = head.map(|token| token.text).collect();
                if words
                    .iter()
                    .any(|word| matches!(*word, "function" | "constructor" | "modifier" | "receive" | "fallback"))
                {
                    return true;
                }
                if words.iter().any(|word| matches!(*word, "contract" | "library" | "interface" | "struct" | "enum")) {
                    return false;
                }
            }
            _ => {}
        }
    }
    false
}

/// `Type name = …`, `Type memory name`, `(Type a, Type b) = …`
fn is_declaration(tokens: &[Token<'_>], index: usize) -> bool {
    if tokens[index].text == "(" {
        let Some(end) = closing(tokens, index) else { return true };
        return (index + 1..end).any(|at| tokens[at].kind == Kind::Word && tokens[at + 1].kind == Kind::Word);
    }
    if matches!(tokens[index].text, "return" | "emit" | "revert" | "delete" | "break" | "continue") {
        return false;
    }
    let mut at = index;
    while let Some(token) = tokens.get(at) {
        at = match token.text {
            "[" => match closing(tokens, at) {
                Some(end) => end + 1,
                None => return true,
            },
            "." => at + 1,
            _ if token.kind == Kind::Word => {
                if at > index && tokens[at - 1].text != "." {
                    return true;
                }
                at + 1
            }
            _ => return false,
        };
    }
    false
}

/// Words of a function's head that are no modifiers.
const HEAD: &[&str] = &["external", "public", "internal", "private", "view", "pure", "payable", "virtual"];

/// Each modifier of a function is left out.
fn modifiers(tokens: &[Token<'_>], index: usize, found: &mut Vec<Change>) {
    if !matches!(tokens[index].text, "function" | "receive" | "fallback") {
        return;
    }
    let Some(open) = (index..tokens.len()).find(|&at| tokens[at].text == "(") else { return };
    let Some(mut at) = closing(tokens, open).map(|end| end + 1) else { return };
    let end_of = |at: usize| match tokens.get(at) {
        Some(token) if token.text == "(" => closing(tokens, at),
        _ => Some(at - 1),
    };
    while let Some(token) = tokens.get(at).filter(|token| token.kind == Kind::Word) {
        let Some(last) = end_of(at + 1) else { return };
        if !HEAD.contains(&token.text) && !matches!(token.text, "override" | "returns") {
            found.push(Change::new("modifier", token.at.start..tokens[last].at.end, ""));
        }
        at = last + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
contract Vault is Base {
    uint256 private constant SHARE = 10_000;
    struct Item { uint256 amount; }
    function take(uint256 amount) external onlyOwner nonReentrant returns (uint256 left) {
        if (amount > limit || paused) revert Refused(amount);
        uint256 before = held - amount;
        (uint256 a, uint256 b) = split(before);
        held = before;
        items[msg.sender].amount -= a * b / SHARE;
        emit Taken(amount);
        return -int256(Math.min(a, type(uint8).max));
    }
}
"#;

    fn lines(operator: &str) -> Vec<String> {
        let of_kind = |change: &Change| change.operator == operator;
        changes(CONTRACT).iter().filter(|change| of_kind(change)).map(|change| change.shown(CONTRACT).1).collect()
    }

    #[test]
    fn comparisons_move_by_one() {
        assert_eq!(lines("comparison"), ["if (amount >= limit || paused) revert Refused(amount);"]);
    }

    #[test]
    fn logic_is_turned_round() {
        assert_eq!(lines("logic"), ["if (amount > limit && paused) revert Refused(amount);"]);
    }

    #[test]
    fn conditions_are_negated_whole() {
        assert_eq!(lines("condition"), ["if (!(amount > limit || paused)) revert Refused(amount);"]);
    }

    #[test]
    fn a_single_equation_is_not_negated_twice() {
        let changed = changes("contract C { function f() external { if (a == b) g(); } }");
        assert!(changed.iter().all(|change| change.operator != "condition"));
    }

    #[test]
    fn statements_are_removed_and_declarations_are_not() {
        let removed: Vec<_> = changes(CONTRACT)
            .into_iter()
            .filter(|change| change.operator == "statement")
            .map(|change| CONTRACT[change.at].to_owned())
            .collect();
        assert_eq!(
            removed,
            [
                "revert Refused(amount);",
                "held = before;",
                "items[msg.sender].amount -= a * b / SHARE;",
                "emit Taken(amount);",
                "return -int256(Math.min(a, type(uint8).max));",
            ]
        );
    }

    #[test]
    fn every_modifier_is_left_out_and_no_keyword() {
        let removed: Vec<_> = changes(CONTRACT)
            .into_iter()
            .filter(|change| change.operator == "modifier")
            .map(|change| CONTRACT[change.at].to_owned())
            .collect();
        assert_eq!(removed, ["onlyOwner", "nonReentrant"]);
    }

    #[test]
    fn modifiers_with_arguments_go_whole() {
        let source = "function f(uint64 id) external override(A, B) onlyNodeOwner(id) returns (uint256) {}";
        let change = changes(source).into_iter().find(|change| change.operator == "modifier").unwrap();
        assert_eq!(&source[change.at], "onlyNodeOwner(id)");
    }

    #[test]
    fn a_constant_becomes_the_next_and_zero() {
        assert_eq!(
            lines("constant"),
            ["uint256 private constant SHARE = 10001;", "uint256 private constant SHARE = 0;"]
        );
    }

    #[test]
    fn signs_and_opposites_are_swapped() {
        assert_eq!(
            lines("arithmetic"),
            [
                "uint256 before = held + amount;",
                "items[msg.sender].amount += a * b / SHARE;",
                "items[msg.sender].amount -= a / b / SHARE;",
                "items[msg.sender].amount -= a * b * SHARE;",
                "return int256(Math.min(a, type(uint8).max));",
                "return -int256(Math.max(a, type(uint8).max));",
            ]
        );
    }

    #[test]
    fn a_change_replaces_what_it_says_and_nothing_else() {
        let change = Change::new("arithmetic", 4..5, "-");
        assert_eq!(change.applied("a = b+c;").len(), 8);
        assert_eq!(change.applied("a = +c;"), "a = -c;");
        assert_eq!(change.line("\n\na+b"), 3);
    }

    #[test]
    fn every_change_of_the_real_contracts_changes_them() {
        for file in ["libraries/Payment.sol", "EscrowManager.sol", "types/NodeRecord.sol"] {
            let source = std::fs::read_to_string(crate::project::root().join("contracts/src").join(file)).unwrap();
            let changes = changes(&source);
            assert!(changes.len() > 5, "{file}");
            for change in changes {
                assert_ne!(change.applied(&source), source, "{file}: {change:?}");
            }
        }
    }
}
