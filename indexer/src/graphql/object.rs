//! How an object of the API is declared over a row of the store.

/// Declares an object: `fields` are columns as they are, `lists` are connections of the rows that point to this one, and
/// `collections` are short lists without pages, and `more` is written out.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident over $row:ty {
            fields { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? }
            $(lists {
                $($(#[$list_meta:meta])* $list:ident: $item:ident($item_row:ty, $filter:ty, $order:ty)
                    where $column:literal is $own:ident),* $(,)?
            })?
            $(collections {
                $($(#[$few_meta:meta])* $few:ident: $few_item:ty = |$this:ident, $ctx:ident| $found:expr),* $(,)?
            })?
            $(more { $($more:tt)* })?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name(pub(crate) std::sync::Arc<$row>);

        impl From<$row> for $name {
            fn from(row: $row) -> Self {
                Self(std::sync::Arc::new(row))
            }
        }

        impl From<std::sync::Arc<$row>> for $name {
            fn from(row: std::sync::Arc<$row>) -> Self {
                Self(row)
            }
        }

        $(#[$meta])*
        #[async_graphql::Object]
        impl $name {
            $(
                $(#[$field_meta])*
                async fn $field(&self) -> $ty {
                    $crate::graphql::scalars::Expose::expose(&self.0.$field)
                }
            )*
            $($(
                $(#[$list_meta])*
                #[graphql(complexity = "crate::graphql::connection::page_cost(first, last, child_complexity)")]
                #[allow(clippy::too_many_arguments)] // a connection's
                async fn $list(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = "So many from the start, at most 200; 20 if neither `first` nor `last` is given.")]
                    first: Option<i32>,
                    #[graphql(desc = "Only what comes after this cursor.")]
                    after: Option<String>,
                    #[graphql(desc = "So many from the end, at most 200.")]
                    last: Option<i32>,
                    #[graphql(desc = "Only what comes before this cursor.")]
                    before: Option<String>,
                    #[graphql(name = "where", desc = "Only what meets this.")]
                    filter: Option<Box<$filter>>,
                    #[graphql(desc = "The order; ties are broken by id.")]
                    order_by: Option<Vec<$order>>,
                ) -> async_graphql::Result<$crate::graphql::connection::List<$item>> {
                    let args = $crate::graphql::connection::PageArgs { first, after, last, before };
                    let request = args.request(<$item_row as $crate::store::Row>::TABLE, filter, order_by)?;
                    let parent = $crate::store::Column::value(&self.0.$own);
                    $crate::graphql::connection::child_page::<$item_row, $item>(ctx, request, $column, parent).await
                }
            )*)?
            $($(
                $(#[$few_meta])*
                #[graphql(complexity = "crate::graphql::connection::few_cost(child_complexity)")]
                async fn $few(&self, $ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Vec<$few_item>> {
                    let $this = self;
                    $found
                }
            )*)?
            $($($more)*)?
        }
    };
}
pub(crate) use object;

/// Declares a group of root fields: the lists of all rows of a kind.
macro_rules! root_lists {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$list_meta:meta])* $list:ident: $item:ident($item_row:ty, $filter:ty, $order:ty)),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub struct $name;

        #[async_graphql::Object]
        impl $name {
            $(
                $(#[$list_meta])*
                #[graphql(complexity = "crate::graphql::connection::page_cost(first, last, child_complexity)")]
                #[allow(clippy::too_many_arguments)] // a connection's
                async fn $list(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = "So many from the start, at most 200; 20 if neither `first` nor `last` is given.")]
                    first: Option<i32>,
                    #[graphql(desc = "Only what comes after this cursor.")]
                    after: Option<String>,
                    #[graphql(desc = "So many from the end, at most 200.")]
                    last: Option<i32>,
                    #[graphql(desc = "Only what comes before this cursor.")]
                    before: Option<String>,
                    #[graphql(name = "where", desc = "Only what meets this.")]
                    filter: Option<Box<$filter>>,
                    #[graphql(desc = "The order; ties are broken by id.")]
                    order_by: Option<Vec<$order>>,
                ) -> async_graphql::Result<$crate::graphql::connection::List<$item>> {
                    let args = $crate::graphql::connection::PageArgs { first, after, last, before };
                    let request = args.request(<$item_row as $crate::store::Row>::TABLE, filter, order_by)?;
                    $crate::graphql::connection::root_page::<$item_row, $item>(ctx, request).await
                }
            )*
        }
    };
}
pub(crate) use root_lists;
