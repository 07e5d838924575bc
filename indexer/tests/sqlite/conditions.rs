//! A `where` means the same to a subscription, which looks at rows in memory, as to the database.

use std::collections::BTreeSet;

use crate::support::{database::Database, story};
use aiigo_indexer::store::{Condition, Operator, Order, Row as _, Value, rows::Task};
use proptest::{prelude::*, sample::Index};

/// The columns are those of a task: numbers, hashes, amounts, texts, and what may be missing.
const COLUMNS: [&str; 9] =
    ["id", "status", "price_per_hour", "spec_uri", "node_id", "operator", "due", "review_until", "created_at"];

fn comparison() -> impl Strategy<Value = (Index, Index, Index, bool)> {
    (any::<Index>(), any::<Index>(), any::<Index>(), prop::bool::weighted(0.15))
}

/// A condition about values that tasks have, and about missing ones.
fn condition(tasks: &[Task]) -> impl Strategy<Value = Condition> + use<> {
    let rows: Vec<Vec<Value>> = tasks.iter().map(Task::values).collect();
    let column_and_value = move |column: Index, row: Index, missing: bool| {
        let column = COLUMNS[column.index(COLUMNS.len())];
        let position = Task::TABLE.position(column).expect("a column");
        (column, if missing { Value::Null } else { rows[row.index(rows.len())][position].clone() })
    };
    let within = column_and_value.clone();
    let leaf = prop_oneof![
        4 => comparison().prop_map(move |(column, row, operator, missing)| {
            let (column, value) = column_and_value(column, row, missing);
            use Operator::{Eq, Gt, Gte, Lt, Lte, Ne};
            Condition::Compare(column, *operator.get(&[Eq, Ne, Gt, Gte, Lt, Lte]), value)
        }),
        1 => (any::<Index>(), prop::collection::vec(any::<Index>(), 0..4)).prop_map(move |(column, rows)| {
            let values: Vec<_> = rows.into_iter().map(|row| within(column, row, false)).collect();
            Condition::In(COLUMNS[column.index(COLUMNS.len())], values.into_iter().map(|(_, value)| value).collect())
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

#[test]
fn a_condition_holds_in_memory_where_it_holds_in_the_database() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_database, reader) = runtime.block_on(async {
        let database = Database::of(&story::eventful()).await;
        let reader = database.reader().await;
        (database, reader)
    });
    let list = |condition: Condition| {
        let order = vec![Order { column: "created_at", descending: false }];
        runtime.block_on(async { reader.snapshot().list::<Task>(condition, order, 10_000).await.expect("an answer") })
    };
    let tasks = list(Condition::EVERYTHING);
    assert!(tasks.iter().any(|task| task.node_id.is_some()) && tasks.iter().any(|task| task.node_id.is_none()));
    proptest!(ProptestConfig::with_cases(400), |(condition in condition(&tasks))| {
        let found: BTreeSet<_> = list(condition.clone()).into_iter().map(|task| task.id).collect();
        let meeting = tasks.iter().filter(|task| condition.holds(Task::TABLE, &task.values()));
        let meeting: BTreeSet<_> = meeting.map(|task| task.id).collect();
        prop_assert_eq!(found, meeting);
    });
}
