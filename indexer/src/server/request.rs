//! A GraphQL request as clients send it, by HTTP or WebSocket.

use async_graphql::{Request, Variables};
use serde::Deserialize;

/// The members of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Value>,
    // Told apart from unknown members, and ignored as the specification allows.
    extensions: Option<serde_json::Value>,
}

impl Parameters {
    /// From the query of a URL.
    pub(super) fn from_query(raw: &str) -> Result<Self, String> {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            let json = || match value.is_empty() {
                true => Ok(None),
                false => {
                    serde_json::from_str(&value).map(Some).map_err(|error| format!("`{name}` is not JSON: {error}"))
                }
            };
            match &*name {
                "query" => parameters.query = Some(value.into_owned()),
                "operationName" if !value.is_empty() => parameters.operation_name = Some(value.into_owned()),
                "variables" => parameters.variables = json()?,
                "extensions" => parameters.extensions = json()?,
                _ => {}
            }
        }
        Ok(parameters)
    }

    /// What is to be executed.
    pub(super) fn request(self) -> Result<Request, String> {
        let query = self.query.ok_or("the request has no `query`")?;
        let mut request = Request::new(query);
        request.operation_name = self.operation_name;
        request.variables = match self.variables {
            None | Some(serde_json::Value::Null) => Variables::default(),
            Some(variables @ serde_json::Value::Object(_)) => Variables::from_json(variables),
            Some(_) => return Err("`variables` is not an object".to_owned()),
        };
        match self.extensions {
            None | Some(serde_json::Value::Null | serde_json::Value::Object(_)) => Ok(request),
            Some(_) => Err("`extensions` is not an object".to_owned()),
        }
    }
}
