//! Random queries, put together from what the API says of itself: each is answered or refused with a reason, and none is too
//! much for the database.

use std::{cell::Cell, collections::HashMap};

use crate::support::{api::refusal, chain::Chain, database::Database, story};
use aiigo_indexer::{graphql::Api, store::Reader};
use async_graphql::{Request, Response};
use proptest::prelude::*;
use serde_json::Value;

const CASES: u32 = if crate::IS_POSTGRES { 60 } else { 200 };

const INTROSPECTION: &str = "{ __schema { queryType { name } types { kind name
    fields { name args { name type { ...of } } type { ...of } }
    inputFields { name type { ...of } } enumValues { name } } } }
    fragment of on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

/// The API's types by name, and the name of the root.
struct Types {
    by_name: HashMap<String, Value>,
    root: String,
}

/// A type without its lists and its "not null".
fn named(of: &Value) -> &str {
    match &of["ofType"] {
        Value::Null => of["name"].as_str().expect("a name"),
        inner => named(inner),
    }
}

fn is_list(of: &Value) -> bool {
    of["kind"] == "LIST" || (of["kind"] == "NON_NULL" && is_list(&of["ofType"]))
}

/// Chooses by a seed.
struct Writer<'t> {
    types: &'t Types,
    /// Whether it writes what makes no sense, too.
    wild: bool,
    state: u64,
}

impl Writer<'_> {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % limit as u64).expect("small")
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// ` { … }` of an object, nothing of a scalar.
    fn selection(&mut self, name: &str, depth: usize) -> String {
        let fields = self.types.by_name[name]["fields"].as_array().cloned().unwrap_or_default();
        if fields.is_empty() {
            return String::new();
        }
        let mut written = vec!["__typename".to_owned()];
        for index in 0..1 + self.below(4) {
            let field = &fields[self.below(fields.len())];
            let of = named(&field["type"]);
            let is_object = self.types.by_name[of]["kind"] == "OBJECT";
            if is_object && depth == 0 {
                continue;
            }
            let arguments = self.arguments(&field["args"]);
            let inner = self.selection(of, depth.saturating_sub(1));
            let name = field["name"].as_str().expect("a name");
            // The same field twice with other arguments needs other names.
            written.push(format!("f{depth}x{index}: {name}{arguments}{inner}"));
        }
        format!(" {{ {} }}", written.join(" "))
    }

    fn arguments(&mut self, declared: &Value) -> String {
        let mut written = Vec::new();
        for argument in declared.as_array().expect("arguments") {
            let name = argument["name"].as_str().expect("a name");
            // A cursor of another list is refused, and so are both ends of one.
            let fits = self.wild || !["after", "before", "last"].contains(&name);
            if argument["type"]["kind"] == "NON_NULL" || (fits && self.one_in(3)) {
                let value = self.value(&argument["type"], 3);
                written.push(format!("{name}: {value}"));
            }
        }
        if written.is_empty() { String::new() } else { format!("({})", written.join(", ")) }
    }

    /// A value of an input type; now and then one that is not.
    fn value(&mut self, of: &Value, depth: usize) -> String {
        if self.wild && self.one_in(10) {
            return self.of(&["null", "{}", "[]", "\"\"", "-1", "1e400", "true"]).to_owned();
        }
        if is_list(of) {
            let element = if of["kind"] == "LIST" { &of["ofType"] } else { &of["ofType"]["ofType"] };
            let elements: Vec<String> = (0..self.below(3)).map(|_| self.value(element, depth)).collect();
            return format!("[{}]", elements.join(", "));
        }
        let name = named(of);
        let declared = self.types.by_name[name].clone();
        if let Some(variants) = declared["enumValues"].as_array() {
            return variants[self.below(variants.len())]["name"].as_str().expect("a name").to_owned();
        }
        if let Some(fields) = declared["inputFields"].as_array() {
            let mut written = Vec::new();
            for _ in 0..if depth == 0 { 0 } else { 1 + self.below(2) } {
                let field = &fields[self.below(fields.len())];
                let value = self.value(&field["type"], depth - 1);
                written.push(format!("{}: {value}", field["name"].as_str().expect("a name")));
            }
            return format!("{{ {} }}", written.join(", "));
        }
        match name {
            "Int" if self.wild => self.of(&["0", "200", "201", "-5", "2147483647"]).to_owned(),
            "Int" => self.of(&["0", "1", "2", "7"]).to_owned(),
            "Float" => self.of(&["0", "0.5", "1", "-1", "1e300"]).to_owned(),
            "Boolean" => self.of(&["true", "false"]).to_owned(),
            "BigInt" => {
                let big = "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"";
                let more = if self.wild { ["\"-1\"", "\"x\""] } else { [big, "4"] };
                self.of(&["\"0\"", "1", "2", "\"3\"", "\"1000000000000000000\"", more[0], more[1]]).to_owned()
            }
            "Bytes" => {
                let length = if self.wild { [0, 1, 20, 32][self.below(4)] } else { 20 };
                format!("\"0x{}\"", self.of(&["00", "ab", "ff"]).repeat(length))
            }
            _ => self
                .of(&["\"\"", "\"TaskCreated\"", "\"'; DROP TABLE tasks; --\"", "\"\\u0000\"", "\"MDA\""])
                .to_owned(),
        }
    }

    /// Damages a text.
    fn damage(&mut self, query: &str) -> String {
        let mut letters: Vec<char> = query.chars().collect();
        for _ in 0..1 + self.below(3) {
            let place = self.below(letters.len());
            match self.below(3) {
                0 => drop(letters.remove(place)),
                1 => letters.insert(place, ['{', '}', '"', '(', '$', '\u{1F980}', '\0', '#'][self.below(8)]),
                _ => letters.swap(place, 0),
            }
        }
        letters.into_iter().collect()
    }
}

async fn types(api: &Api) -> Types {
    let schema = api.execute(Request::new(INTROSPECTION)).await.data.into_json().expect("JSON");
    let schema = &schema["__schema"];
    let types = schema["types"].as_array().expect("types").iter();
    Types {
        by_name: types.map(|of| (of["name"].as_str().expect("a name").to_owned(), of.clone())).collect(),
        root: schema["queryType"]["name"].as_str().expect("a name").to_owned(),
    }
}

fn codes(answer: &Response) -> Vec<String> {
    let extensions = answer.errors.iter().filter_map(|error| error.extensions.as_ref());
    extensions.filter_map(|of| Some(of.get("code")?.to_string())).collect()
}

#[test]
fn every_query_is_answered_or_refused_with_a_reason() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_database, reader): (Database, Reader) = runtime.block_on(async {
        let database = Database::of(&story::eventful()).await;
        let reader = database.reader().await;
        (database, reader)
    });
    let api = Api::new(reader);
    let types = runtime.block_on(types(&api));
    let (answered, refused) = (Cell::new(0), Cell::new(0));
    proptest!(ProptestConfig::with_cases(CASES), |(seed in 1_u64.., wild in any::<bool>(), damaged in prop::bool::weighted(0.2))| {
        let mut writer = Writer { types: &types, wild, state: seed };
        let mut query = writer.selection(&types.root, 4);
        if damaged {
            query = writer.damage(&query);
        }
        let answer = runtime.block_on(async { api.execute(Request::new(&query)).await });
        let codes = codes(&answer);
        prop_assert!(!codes.iter().any(|code| code.contains("INTERNAL")), "{query}\n{:?}", answer.errors);
        prop_assert!(answer.errors.iter().all(|error| !error.message.is_empty()));
        let count = if answer.errors.is_empty() { &answered } else { &refused };
        count.set(count.get() + 1);
    });
    let (answered, refused) = (answered.get(), refused.get());
    assert!(answered > CASES / 8 && refused > CASES / 8, "{answered} answered, {refused} refused: both are to be seen");
}

#[tokio::test]
async fn a_text_that_no_database_can_hold_is_refused() {
    let database = Database::of(&Chain::new()).await;
    let query = r#"{ events(where: { kind: { _eq: "\u0000" } }) { nodes { id: block } } }"#;
    let (message, code) = refusal(&database.reader().await, query).await;
    assert!(message.contains("U+0000") && code == "BAD_INPUT", "{message} {code}");
}
