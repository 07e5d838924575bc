//! `where` and `orderBy`: typed inputs that become conditions of the store.

use std::borrow::Cow;

use alloy::primitives::{Address, B256, U256};
use async_graphql::{InputObject, InputType, MaybeUndefined, Result};

use super::{
    bad_input,
    enums::{self, Direction},
    scalars::{BigInt, Bytes},
};
use crate::store::{
    Column, Condition, Operator, Order, Row as _, Value,
    rows::{self, LogPosition},
};

/// How many comparisons one `where` may hold, and how many values its lists.
const MAX_TERMS: usize = 500;

/// Comparisons of a number; all that are given must hold.
#[derive(InputObject, Clone, Debug)]
#[graphql(concrete(name = "BigIntComparison", params(BigInt)), concrete(name = "IntComparison", params(i32)))]
pub struct Comparison<T: InputType> {
    /// Equal; null: has no value.
    #[graphql(name = "_eq", default)]
    eq: MaybeUndefined<T>,
    /// Not equal; null: has a value.
    #[graphql(name = "_ne", default)]
    ne: MaybeUndefined<T>,
    /// One of these.
    #[graphql(name = "_in")]
    within: Option<Vec<T>>,
    /// None of these.
    #[graphql(name = "_nin")]
    without: Option<Vec<T>>,
    /// Greater.
    #[graphql(name = "_gt")]
    gt: Option<T>,
    /// Greater or equal.
    #[graphql(name = "_gte")]
    gte: Option<T>,
    /// Less.
    #[graphql(name = "_lt")]
    lt: Option<T>,
    /// Less or equal.
    #[graphql(name = "_lte")]
    lte: Option<T>,
}

/// Comparisons of something without an order; all that are given must hold.
#[derive(InputObject, Clone, Debug)]
#[graphql(
    concrete(name = "BytesComparison", params(Bytes)),
    concrete(name = "StringComparison", params(String)),
    concrete(name = "BooleanComparison", params(bool)),
    concrete(name = "ResourceTypeComparison", params(enums::ResourceType)),
    concrete(name = "NodeStatusComparison", params(enums::NodeStatus)),
    concrete(name = "TaskStatusComparison", params(enums::TaskStatus)),
    concrete(name = "ChallengeStatusComparison", params(enums::ChallengeStatus)),
    concrete(name = "EscrowStatusComparison", params(enums::EscrowStatus)),
    concrete(name = "ProposalStageComparison", params(enums::ProposalStage)),
    concrete(name = "CaseStatusComparison", params(enums::CaseStatus)),
    concrete(name = "JuryRoundComparison", params(enums::JuryRound)),
    concrete(name = "SeatStateComparison", params(enums::SeatState)),
    concrete(name = "ReplicaStatusComparison", params(enums::ReplicaStatus))
)]
pub struct Equality<T: InputType> {
    /// Equal; null: has no value.
    #[graphql(name = "_eq", default)]
    eq: MaybeUndefined<T>,
    /// Not equal; null: has a value.
    #[graphql(name = "_ne", default)]
    ne: MaybeUndefined<T>,
    /// One of these.
    #[graphql(name = "_in")]
    within: Option<Vec<T>>,
    /// None of these.
    #[graphql(name = "_nin")]
    without: Option<Vec<T>>,
}

/// A column's type that can be filtered by.
pub(crate) trait Filterable: Column {
    /// The input for it.
    type Filter: ColumnFilter<Item = Self::Input>;
    /// One value of the input.
    type Input;

    /// A value of the input as a column.
    fn parse(input: Self::Input) -> Result<Value>;

    /// What an input means for a column.
    fn conditions(filter: Self::Filter, column: &'static str) -> Result<Vec<Condition>> {
        filter.conditions(column, Self::parse)
    }
}

/// An input that compares one column.
pub(crate) trait ColumnFilter: InputType {
    /// One value of it.
    type Item;

    /// What it means for a column.
    fn conditions(self, column: &'static str, parse: fn(Self::Item) -> Result<Value>) -> Result<Vec<Condition>>;
}

fn same<T>(
    column: &'static str,
    operator: Operator,
    value: MaybeUndefined<T>,
    parse: fn(T) -> Result<Value>,
) -> Result<Option<Condition>> {
    Ok(match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Condition::Compare(column, operator, Value::Null)),
        MaybeUndefined::Value(value) => Some(Condition::Compare(column, operator, parse(value)?)),
    })
}

fn among<T>(column: &'static str, values: Option<Vec<T>>, parse: fn(T) -> Result<Value>) -> Result<Option<Condition>> {
    let Some(values) = values else { return Ok(None) };
    if values.len() > MAX_TERMS {
        return Err(bad_input(format!(
            "`{column}` is compared with {} values; at most {MAX_TERMS} are allowed",
            values.len()
        )));
    }
    Ok(Some(Condition::In(column, values.into_iter().map(parse).collect::<Result<_>>()?)))
}

impl<T: InputType> ColumnFilter for Equality<T>
where
    Self: InputType,
{
    type Item = T;

    fn conditions(self, column: &'static str, parse: fn(T) -> Result<Value>) -> Result<Vec<Condition>> {
        let mut all = Vec::new();
        all.extend(same(column, Operator::Eq, self.eq, parse)?);
        all.extend(same(column, Operator::Ne, self.ne, parse)?);
        all.extend(among(column, self.within, parse)?);
        all.extend(among(column, self.without, parse)?.map(|within| Condition::Not(Box::new(within))));
        Ok(all)
    }
}

impl<T: InputType> ColumnFilter for Comparison<T>
where
    Self: InputType,
    Equality<T>: Sized,
{
    type Item = T;

    fn conditions(self, column: &'static str, parse: fn(T) -> Result<Value>) -> Result<Vec<Condition>> {
        let mut all = Vec::new();
        all.extend(same(column, Operator::Eq, self.eq, parse)?);
        all.extend(same(column, Operator::Ne, self.ne, parse)?);
        all.extend(among(column, self.within, parse)?);
        all.extend(among(column, self.without, parse)?.map(|within| Condition::Not(Box::new(within))));
        let bounds =
            [(Operator::Gt, self.gt), (Operator::Gte, self.gte), (Operator::Lt, self.lt), (Operator::Lte, self.lte)];
        for (operator, bound) in bounds {
            if let Some(bound) = bound {
                all.push(Condition::Compare(column, operator, parse(bound)?));
            }
        }
        Ok(all)
    }
}

macro_rules! filterable {
    ($($column:ty => $filter:ty, $input:ty: |$value:ident| $expr:expr;)*) => {$(
        impl Filterable for $column {
            type Filter = $filter;
            type Input = $input;

            fn parse($value: $input) -> Result<Value> {
                $expr
            }
        }
    )*};
}

filterable! {
    // Larger numbers than a column can hold compare like the largest that it can.
    u64 => Comparison<BigInt>, BigInt: |number| Ok(number.saturating_u64().min(i64::MAX as u64).value());
    U256 => Comparison<BigInt>, BigInt: |number| Ok(number.0.value());
    u8 => Comparison<i32>, i32: |number| Ok(Value::Int(number.into()));
    u16 => Comparison<i32>, i32: |number| Ok(Value::Int(number.into()));
    u32 => Comparison<i32>, i32: |number| Ok(Value::Int(number.into()));
    bool => Equality<bool>, bool: |flag| Ok(flag.value());
    // PostgreSQL has no such texts.
    String => Equality<String>, String: |text| match text.contains('\0') {
        true => Err(bad_input("a text holds the character U+0000, which no text here does")),
        false => Ok(text.value()),
    };
    Address => Equality<Bytes>, Bytes: |bytes| Ok(bytes.address()?.value());
    B256 => Equality<Bytes>, Bytes: |bytes| Ok(bytes.word()?.value());
    aiigo_protocol::ResourceType => Equality<enums::ResourceType>, enums::ResourceType:
        |kind| Ok(Self::from(kind).value());
    aiigo_protocol::NodeStatus => Equality<enums::NodeStatus>, enums::NodeStatus: |kind| Ok(Self::from(kind).value());
    aiigo_protocol::TaskStatus => Equality<enums::TaskStatus>, enums::TaskStatus: |kind| Ok(Self::from(kind).value());
    aiigo_protocol::CaseStatus => Equality<enums::CaseStatus>, enums::CaseStatus: |kind| Ok(Self::from(kind).value());
    aiigo_protocol::JuryRound => Equality<enums::JuryRound>, enums::JuryRound: |kind| Ok(Self::from(kind).value());
    aiigo_protocol::SeatState => Equality<enums::SeatState>, enums::SeatState: |kind| Ok(Self::from(kind).value());
    aiigo_protocol::ReplicaStatus => Equality<enums::ReplicaStatus>, enums::ReplicaStatus:
        |kind| Ok(Self::from(kind).value());
    rows::ChallengeStatus => Equality<enums::ChallengeStatus>, enums::ChallengeStatus:
        |kind| Ok(Self::from(kind).value());
    rows::EscrowStatus => Equality<enums::EscrowStatus>, enums::EscrowStatus: |kind| Ok(Self::from(kind).value());
    rows::ProposalStage => Equality<enums::ProposalStage>, enums::ProposalStage: |kind| Ok(Self::from(kind).value());
}

/// Logs are filtered by their blocks.
impl Filterable for LogPosition {
    type Filter = Comparison<BigInt>;
    type Input = BigInt;

    fn parse(block: BigInt) -> Result<Value> {
        <u64 as Filterable>::parse(block)
    }

    fn conditions(filter: Self::Filter, column: &'static str) -> Result<Vec<Condition>> {
        Ok(filter.conditions(column, Self::parse)?.into_iter().map(of_logs).collect())
    }
}

/// What a condition of blocks means for the positions of their logs.
fn of_logs(of_blocks: Condition) -> Condition {
    let range = |block: i64| [block as u64, block as u64 + 1].map(|block| LogPosition::start_of(block).value());
    match of_blocks {
        Condition::Compare(column, operator, Value::Int(block)) => {
            let [first, next] = range(block);
            let compare = |operator, position| Condition::Compare(column, operator, position);
            match operator {
                Operator::Eq => compare(Operator::Gte, first).and(compare(Operator::Lt, next)),
                Operator::Ne => Condition::Any(vec![compare(Operator::Lt, first), compare(Operator::Gte, next)]),
                Operator::Gt => compare(Operator::Gte, next),
                Operator::Gte => compare(Operator::Gte, first),
                Operator::Lt => compare(Operator::Lt, first),
                Operator::Lte => compare(Operator::Lt, next),
            }
        }
        Condition::In(column, blocks) => {
            let number = |block| if let Value::Int(block) = block { Some(block) } else { None };
            let ranges = blocks.into_iter().filter_map(number).map(range).map(<(Value, Value)>::from);
            Condition::Within(rows::Event::TABLE.name, column, ranges.collect())
        }
        Condition::Not(inner) => Condition::Not(Box::new(of_logs(*inner))),
        // That there is no block means that there is no position.
        other => other,
    }
}

/// A `where` of one kind of row.
pub(crate) trait RowFilter {
    /// What it means, and how many comparisons it holds.
    fn terms(self) -> Result<(Condition, usize)>;

    /// What it means.
    fn condition(self) -> Result<Condition>
    where
        Self: Sized,
    {
        match self.terms()? {
            (_, terms) if terms > MAX_TERMS => {
                Err(bad_input(format!("`where` holds {terms} comparisons; at most {MAX_TERMS} are allowed")))
            }
            (condition, _) => Ok(condition),
        }
    }
}

/// One entry of an `orderBy`.
pub(crate) trait RowOrder {
    /// What it means.
    fn order(&self) -> Order;

    /// The order if none is asked for.
    const DEFAULT: &'static [Order];
}

/// The column behind a name of the API: the name, if no other is given; with a row, its content.
macro_rules! stored {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $column:ident) => {
        stringify!($column)
    };
    ($row:ident: $name:ident) => {
        $row.$name
    };
    ($row:ident: $name:ident $column:ident) => {
        $row.$column
    };
}
pub(crate) use stored;

/// Declares the `where` and the `orderBy` of one kind of row. A name stands for the column of that name, or for the one
/// that it is `in`.
macro_rules! filter {
    (
        $what:literal, $filter:ident, $order:ident for $row:ty {
            filters { $($column:ident $(in $stored:ident)?: $ty:ty),* $(,)? }
            orders { $($variant:ident = $order_column:ident $(in $order_stored:ident)?),* $(,)? }
            default { $default:literal $direction:ident }
        }
    ) => {
        #[doc = concat!("Which ", $what, ": all that is given must hold.")]
        #[derive(async_graphql::InputObject, Clone, Debug)]
        pub struct $filter {
            $(
                #[doc = concat!("By `", stringify!($column), "`.")]
                $column: Option<<$ty as $crate::graphql::filter::Filterable>::Filter>,
            )*
            /// All of these hold.
            #[graphql(name = "_and")]
            all: Option<Vec<$filter>>,
            /// One of these holds.
            #[graphql(name = "_or")]
            any: Option<Vec<$filter>>,
            /// This does not hold.
            #[graphql(name = "_not")]
            not: Option<Box<$filter>>,
        }

        impl $crate::graphql::filter::RowFilter for $filter {
            fn terms(self) -> async_graphql::Result<($crate::store::Condition, usize)> {
                use $crate::{graphql::filter::Filterable, store::Condition};
                let mut all = Vec::new();
                $(
                    if let Some(filter) = self.$column {
                        let column = $crate::graphql::filter::stored!($column $($stored)?);
                        all.extend(<$ty as Filterable>::conditions(filter, column)?);
                    }
                )*
                let mut terms = all.len();
                let mut branches = |filters: Vec<$filter>| -> async_graphql::Result<Vec<Condition>> {
                    filters
                        .into_iter()
                        .map(|filter| {
                            let (condition, inner) = filter.terms()?;
                            terms += inner + 1;
                            Ok(condition)
                        })
                        .collect()
                };
                if let Some(filters) = self.all {
                    all.push(Condition::All(branches(filters)?));
                }
                if let Some(filters) = self.any {
                    all.push(Condition::Any(branches(filters)?));
                }
                if let Some(filter) = self.not {
                    all.extend(branches(vec![*filter])?.into_iter().map(|inner| Condition::Not(Box::new(inner))));
                }
                Ok((Condition::All(all), terms))
            }
        }

        #[doc = concat!("How to sort ", $what, ".")]
        #[derive(async_graphql::OneofObject, Clone, Copy, Debug)]
        pub enum $order {
            $(
                #[doc = concat!("By `", stringify!($order_column), "`.")]
                $variant($crate::graphql::enums::Direction),
            )*
        }

        impl $crate::graphql::filter::RowOrder for $order {
            fn order(&self) -> $crate::store::Order {
                match self {
                    $(Self::$variant(direction) => {
                        let column = $crate::graphql::filter::stored!($order_column $($order_stored)?);
                        $crate::graphql::filter::order(column, *direction)
                    })*
                }
            }

            const DEFAULT: &'static [$crate::store::Order] = &[$crate::store::Order {
                column: $default,
                descending: matches!(
                    $crate::graphql::enums::Direction::$direction,
                    $crate::graphql::enums::Direction::Desc
                ),
            }];
        }

        const _: fn() = || {
            // Every column of a filter is one of the row, of the type that it is parsed as.
            #[allow(dead_code)]
            fn check(row: &$row) {
                $(
                    let column = &$crate::graphql::filter::stored!(row: $column $($stored)?);
                    let _: &dyn $crate::graphql::filter::OfColumn<$ty> = column;
                )*
                $(let _ = &$crate::graphql::filter::stored!(row: $order_column $($order_stored)?);)*
            }
        };
    };
}
pub(crate) use filter;

/// A column that holds `T`, perhaps.
pub(crate) trait OfColumn<T> {}
impl<T> OfColumn<T> for T {}
impl<T> OfColumn<T> for Option<T> {}
impl OfColumn<String> for Option<Cow<'static, str>> {}

/// A column with a direction.
pub(crate) const fn order(column: &'static str, direction: Direction) -> Order {
    Order { column, descending: matches!(direction, Direction::Desc) }
}
