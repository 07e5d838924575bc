//! What a database holds, past the store: tables, columns, rows as text that is the same for both databases.

use aiigo_indexer::store::DatabaseUrl;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, any::install_default_drivers};

/// A column.
#[derive(Debug)]
pub struct Column {
    pub name: String,
    /// INTEGER, TEXT or BLOB; bigint, text or bytea.
    pub kind: String,
    /// Its place in the primary key, from 1; 0 if it is not part of it.
    pub key: i64,
}

/// A connection beside the store's.
pub struct Catalog {
    connection: AnyConnection,
    is_postgres: bool,
}

impl Catalog {
    pub async fn open(url: &DatabaseUrl) -> Self {
        install_default_drivers();
        let (url, is_postgres) = match url {
            DatabaseUrl::Sqlite(path) => (format!("sqlite:{}", path.display()), false),
            DatabaseUrl::Postgres(url) => (url.to_string(), true),
        };
        Self { connection: AnyConnection::connect(&url).await.expect("a connection"), is_postgres }
    }

    pub async fn tables(&mut self) -> Vec<String> {
        let query = match self.is_postgres {
            true => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
            false => "SELECT name FROM sqlite_master WHERE type = 'table'",
        };
        let mut names = self.names(query, None).await;
        names.retain(|name| name != "_sqlx_migrations");
        names
    }

    /// The names of a table's indexes but the primary key's.
    pub async fn indexes(&mut self, table: &str) -> Vec<String> {
        let query = match self.is_postgres {
            true => "SELECT indexname::text FROM pg_indexes WHERE tablename = $1 AND indexname NOT LIKE '%_pkey'",
            false => "SELECT name FROM pragma_index_list($1) WHERE origin = 'c'",
        };
        self.names(query, Some(table)).await
    }

    /// The statements that make all indexes but those of keys.
    pub async fn definitions(&mut self) -> Vec<String> {
        let query = match self.is_postgres {
            true => "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'",
            false => "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        };
        self.names(query, None).await
    }

    async fn names(&mut self, query: &'static str, argument: Option<&str>) -> Vec<String> {
        let query = argument.into_iter().fold(sqlx::query_scalar(query), |query, argument| query.bind(argument));
        let mut names: Vec<String> = query.fetch_all(&mut self.connection).await.expect("the schema");
        names.sort_unstable();
        names
    }

    pub async fn columns(&mut self, table: &str) -> Vec<Column> {
        let query = match self.is_postgres {
            true => {
                "SELECT c.column_name::text, c.data_type::text, COALESCE(k.ordinal_position, 0)::bigint
                 FROM information_schema.columns c
                 LEFT JOIN information_schema.table_constraints t
                    ON t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
                 LEFT JOIN information_schema.key_column_usage k
                    ON k.constraint_name = t.constraint_name AND k.column_name = c.column_name
                 WHERE c.table_schema = 'public' AND c.table_name = $1 ORDER BY c.ordinal_position"
            }
            false => "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid",
        };
        let columns: Vec<(String, String, i64)> =
            sqlx::query_as(query).bind(table).fetch_all(&mut self.connection).await.expect("the columns");
        columns.into_iter().map(|(name, kind, key)| Column { name, kind, key }).collect()
    }

    /// Each row as `name=value …`, sorted.
    pub async fn rows(&mut self, table: &str, columns: &[Column]) -> Vec<String> {
        let shown: Vec<String> = columns.iter().map(|column| self.shown(column)).collect();
        let query = AssertSqlSafe(format!("SELECT {} FROM {table}", shown.join(" || ' ' || ")));
        let mut rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut self.connection).await.expect("the rows");
        rows.sort_unstable();
        rows
    }

    fn shown(&self, Column { name, kind, .. }: &Column) -> String {
        let value = match (self.is_postgres, kind.as_str()) {
            (false, _) => format!(r#"quote("{name}")"#),
            (true, "bytea") => format!(r#"COALESCE('X''' || upper(encode("{name}", 'hex')) || '''', 'NULL')"#),
            (true, "text") => format!(r#"COALESCE('''' || replace("{name}", '''', '''''') || '''', 'NULL')"#),
            (true, _) => format!(r#"COALESCE("{name}"::text, 'NULL')"#),
        };
        format!("'{name}=' || {value}")
    }

    pub async fn execute(&mut self, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements).execute(&mut self.connection).await.expect("it does");
    }

    pub async fn count(&mut self, table: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&mut self.connection).await.expect("a count")
    }
}
