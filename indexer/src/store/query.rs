//! Filters, orders and pages as values, and the SQL that they mean.
//!
//! Pages are keyset pages: a page begins after a row's place in the order, not after a count of rows, so that it costs
//! the same at any depth and rows that come or go elsewhere shift nothing.

use super::{Row, Table, Value, sql::Sql};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal; a missing value equals a missing value.
    Eq,
    /// Not equal; a missing value differs from every value.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
}

impl Operator {
    const fn sql(self) -> &'static str {
        match self {
            Self::Eq => " IS NOT DISTINCT FROM ",
            Self::Ne => " IS DISTINCT FROM ",
            Self::Gt => " > ",
            Self::Gte => " >= ",
            Self::Lt => " < ",
            Self::Lte => " <= ",
        }
    }

    fn holds(self, value: &Value, wanted: &Value) -> bool {
        let known = *value != Value::Null && *wanted != Value::Null;
        match self {
            Self::Eq => value == wanted,
            Self::Ne => value != wanted,
            Self::Gt => known && value > wanted,
            Self::Gte => known && value >= wanted,
            Self::Lt => known && value < wanted,
            Self::Lte => known && value <= wanted,
        }
    }
}

/// Which rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A column compared with a value.
    Compare(&'static str, Operator, Value),
    /// A column that holds one of these.
    In(&'static str, Vec<Value>),
    /// A column, of this table, in one of these ranges: from its first value on, and before its second.
    Within(&'static str, &'static str, Vec<(Value, Value)>),
    /// All of these hold; true if there are none.
    All(Vec<Self>),
    /// One of these holds; false if there are none.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Condition {
    /// Every row.
    pub const EVERYTHING: Self = Self::All(Vec::new());

    /// A column that equals a value.
    pub const fn equals(column: &'static str, value: Value) -> Self {
        Self::Compare(column, Operator::Eq, value)
    }

    /// Both conditions.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(all), other) | (other, Self::All(all)) if all.is_empty() => other,
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Whether a row meets it, by the rules of SQL: a comparison with a missing value is unknown, and unknown is not true.
    pub fn holds(&self, table: &Table, row: &[Value]) -> bool {
        let value = |column: &str| table.position(column).and_then(|position| row.get(position));
        match self {
            Self::Compare(column, operator, wanted) => value(column).is_some_and(|value| operator.holds(value, wanted)),
            Self::In(column, values) => {
                value(column).is_some_and(|value| *value != Value::Null && values.contains(value))
            }
            Self::Within(_, column, ranges) => {
                value(column).is_some_and(|value| ranges.iter().any(|(first, next)| first <= value && value < next))
            }
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(table, row)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(table, row)),
            Self::Not(condition) => !condition.holds(table, row),
        }
    }

    fn write(&self, sql: &mut Sql) {
        match self {
            // `= ?` lets every index be used; only a null needs more.
            Self::Compare(column, Operator::Eq, value) if *value != Value::Null => {
                sql.name(column).push(" = ").arg(value.clone());
            }
            Self::Compare(column, operator, value) => {
                sql.name(column).push(operator.sql()).arg(value.clone());
            }
            Self::In(_, values) if values.is_empty() => {
                sql.push("FALSE");
            }
            Self::Within(_, _, ranges) if ranges.is_empty() => {
                sql.push("FALSE");
            }
            // As alternatives, SQLite would look at every row.
            Self::Within(table, column, ranges) => {
                sql.name(column).push(" IN (SELECT found.").name(column).push(" FROM (VALUES ");
                sql.list(ranges, |sql, (first, next)| {
                    sql.push("(").arg(first.clone()).push(", ").arg(next.clone()).push(")");
                });
                sql.push(") AS bounds CROSS JOIN ").name(table).push(" AS found WHERE found.").name(column);
                sql.push(" >= bounds.column1 AND found.").name(column).push(" < bounds.column2)");
            }
            Self::In(column, values) => {
                sql.name(column).push(" IN (");
                sql.list(values, |sql, value| {
                    sql.arg(value.clone());
                });
                sql.push(")");
            }
            Self::All(conditions) => join(sql, conditions, " AND ", "TRUE"),
            Self::Any(conditions) => join(sql, conditions, " OR ", "FALSE"),
            // A comparison with a missing value is unknown, and unknown is not true.
            Self::Not(condition) => {
                sql.push("(");
                condition.write(sql);
                sql.push(") IS NOT TRUE");
            }
        }
    }
}

fn join(sql: &mut Sql, conditions: &[Condition], word: &str, empty: &str) {
    if conditions.is_empty() {
        sql.push(empty);
    }
    for (index, condition) in conditions.iter().enumerate() {
        sql.push(if index > 0 { word } else { "" }).push("(");
        condition.write(sql);
        sql.push(")");
    }
}

/// A column to sort by. It must never be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The column.
    pub column: &'static str,
    /// Largest first.
    pub descending: bool,
}

/// A row's place in an order: its values of the columns of [`PageRequest::full_order`].
pub type Bound = Vec<Value>;

/// What a page holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Which rows.
    pub condition: Condition,
    /// In which order; the primary key breaks ties.
    pub order: Vec<Order>,
    /// Only rows after this place.
    pub after: Option<Bound>,
    /// Only rows before this place.
    pub before: Option<Bound>,
    /// At most so many rows.
    pub limit: u32,
    /// The last rows of what is left instead of the first.
    pub from_end: bool,
}

/// A row with its place.
#[derive(Clone, Debug)]
pub struct Paged<R> {
    /// The row.
    pub row: R,
    /// Its place in the order of the page.
    pub bound: Bound,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page<R> {
    /// The rows, in order.
    pub rows: Vec<Paged<R>>,
    /// Rows follow.
    pub has_next: bool,
    /// Rows precede.
    pub has_previous: bool,
}

impl PageRequest {
    /// The order with the primary key behind it, so that no two rows share a place.
    pub fn full_order(&self, table: &Table) -> Vec<Order> {
        let descending = self.order.last().is_some_and(|order| order.descending);
        let rest = table.key_columns().iter().filter(|key| !self.order.iter().any(|order| order.column == **key));
        self.order.iter().copied().chain(rest.map(|column| Order { column, descending })).collect()
    }

    /// `SELECT … LIMIT`: one row more than asked for tells whether there are more.
    pub(crate) fn select(&self, table: &Table, parent: Option<(&'static str, &Value)>) -> Sql {
        let order = self.full_order(table);
        let mut sql = Sql::select(table);
        sql.push(" WHERE ");
        if let Some((column, value)) = parent {
            sql.name(column).push(" = ").arg(value.clone()).push(" AND ");
        }
        sql.push("(");
        self.condition.write(&mut sql);
        sql.push(")");
        for (bound, after) in [(&self.after, true), (&self.before, false)] {
            if let Some(bound) = bound {
                sql.push(" AND ");
                beyond(&mut sql, &order, bound, after);
            }
        }
        sql.push(" ORDER BY ");
        sql.list(&order, |sql, order| {
            sql.name(order.column).push(if order.descending == self.from_end { " ASC" } else { " DESC" });
        });
        sql.push(" LIMIT ").arg(Value::Int(i64::from(self.limit) + 1));
        sql
    }

    /// `SELECT count(*)`.
    pub(crate) fn count(condition: &Condition, table: &Table) -> Sql {
        let mut sql = Sql::new("SELECT count(*) FROM ");
        sql.name(table.name).push(" WHERE ");
        condition.write(&mut sql);
        sql
    }

    /// `SELECT parent, count(*) … GROUP BY parent`.
    pub(crate) fn counts(condition: &Condition, table: &Table, column: &'static str, parents: &[Value]) -> Sql {
        let mut sql = Sql::new("SELECT ");
        sql.name(column).push(", count(*) FROM ").name(table.name).push(" WHERE ");
        Condition::In(column, parents.to_vec()).write(&mut sql);
        sql.push(" AND (");
        condition.write(&mut sql);
        sql.push(") GROUP BY ").name(column);
        sql
    }

    /// A page from what [`PageRequest::select`] found.
    pub(crate) fn page<R: Row>(&self, rows: Vec<R>) -> Page<R> {
        let order = self.full_order(R::TABLE);
        let mut rows: Vec<Paged<R>> =
            rows.into_iter().map(|row| Paged { bound: bound_of(&row, &order), row }).collect();
        rows.sort_by(|a, b| {
            let columns = a.bound.iter().zip(&b.bound).zip(&order);
            let ordering = columns
                .map(|((a, b), order)| if order.descending { b.cmp(a) } else { a.cmp(b) })
                .find(|ordering| ordering.is_ne());
            ordering.unwrap_or(std::cmp::Ordering::Equal)
        });
        let more = rows.len() > self.limit as usize;
        if more && self.from_end {
            rows.remove(0);
        } else if more {
            rows.pop();
        }
        // In the direction that was not asked for, a given bound is the row that stands there.
        let (has_next, has_previous) =
            if self.from_end { (self.before.is_some(), more) } else { (more, self.after.is_some()) };
        Page { rows, has_next, has_previous }
    }
}

fn bound_of<R: Row>(row: &R, order: &[Order]) -> Bound {
    let value = |order: &Order| R::TABLE.position(order.column).map(|position| row.value(position));
    order.iter().map(|order| value(order).unwrap_or(Value::Null)).collect()
}

/// Rows strictly after (or before) a place. With one direction for all columns it is a row comparison, which an index
/// answers; else it is spelled out.
fn beyond(sql: &mut Sql, order: &[Order], bound: &Bound, after: bool) {
    let operator = |order: &Order| if order.descending == after { " < " } else { " > " };
    let uniform = order.windows(2).all(|pair| pair[0].descending == pair[1].descending);
    if let (true, Some(first)) = (uniform, order.first()) {
        let columns: Vec<&str> = order.iter().map(|order| order.column).collect();
        sql.push("(").names(&columns).push(")").push(operator(first)).push("(");
        sql.list(bound, |sql, value| {
            sql.arg(value.clone());
        });
        sql.push(")");
        return;
    }
    sql.push("(");
    for (index, (last, value)) in order.iter().zip(bound).enumerate() {
        sql.push(if index > 0 { " OR (" } else { "(" });
        for (same, value) in order.iter().zip(bound).take(index) {
            sql.name(same.column).push(" = ").arg(value.clone()).push(" AND ");
        }
        sql.name(last.column).push(operator(last)).arg(value.clone()).push(")");
    }
    sql.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Candidate, DatabaseUrl, prepare,
        rows::{Event, Task},
        sql::Reads as _,
    };

    #[tokio::test]
    async fn of_many_blocks_only_their_events_are_looked_at() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(dir.path().join("index.db"));
        let Candidate { mut connection, .. } = prepare(&url).await.expect("a database");
        let ranges = (0..500).map(|block| (Value::Int(block << 24), Value::Int((block + 1) << 24)));
        let condition = Condition::Within(Event::TABLE.name, "position", ranges.collect());
        let order = vec![Order { column: "position", descending: true }];
        let request = PageRequest { condition, order, after: None, before: None, limit: 50, from_end: false };
        let mut explain = Sql::new("EXPLAIN QUERY PLAN ");
        explain.append(request.select(Event::TABLE, None));
        let plan = format!("{:?}", connection.values(explain).await.expect("a plan"));
        assert!(!plan.contains("SCAN events") && !plan.contains("SCAN found"), "{plan}");
        let holds = |position| request.condition.holds(Event::TABLE, &[Value::Int(position)]);
        assert!(holds(0) && holds((500 << 24) - 1) && !holds(500 << 24) && !holds(-1));
    }

    #[tokio::test]
    async fn a_page_of_tasks_of_a_status_is_never_sorted() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::Sqlite(dir.path().join("index.db"));
        let Candidate { mut connection, .. } = prepare(&url).await.expect("a database");
        let mut transaction = connection.begin();
        let status = || Condition::equals("status", Value::Int(1));
        let resource = || Condition::equals("resource_type", Value::Int(0)).and(status());
        for condition in [Condition::EVERYTHING, status(), resource()] {
            for column in ["created_at", "updated_at", "price_per_hour", "escrow"] {
                let order = vec![Order { column, descending: true }];
                let (after, before) = (None, None);
                let condition = condition.clone();
                let request = PageRequest { condition, order, after, before, limit: 50, from_end: false };
                let mut explain = Sql::new("EXPLAIN QUERY PLAN ");
                explain.append(request.select(Task::TABLE, None));
                let plan = format!("{:?}", transaction.values(explain).await.expect("a plan"));
                assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{request:?}: {plan}");
            }
        }
    }
}
